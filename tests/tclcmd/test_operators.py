"""The operators as commands: their rows agree with pyroi, and the calls of their documentation run."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import pyroi
from tclcmd.commands import REGISTRY
from tclcmd.language import declare

OPERATORS = [command for command in REGISTRY.values() if command.has_page]

#: What a command has no use for: its result is a new tensor.
PYTHON_ONLY = {"out"}


#: Has the positional order of old scripts, see below.
OTHER_ORDER = {"soft_nms"}

#: Are made of other operators, or of NumPy.
COMMANDS_ONLY = {"upsample_nearest", "upsample_bilinear", "pixel_shuffle"}

#: Take tensors of more forms than pyroi's functions, which do the work.
MORE_FORMS = {"interpolate", "normalize_image", "denormalize_image"}


@pytest.mark.parametrize(
    "command",
    [row for row in OPERATORS if row.name not in OTHER_ORDER | COMMANDS_ONLY],
    ids=lambda command: command.name,
)
def test_a_row_agrees_with_the_python_function(command):
    """The same parameters in the same order, the same defaults, and options only where Python takes keywords only."""
    signature = inspect.signature(getattr(pyroi, command.name))
    expected = [
        (
            name,
            declare.REQUIRED if parameter.default is parameter.empty else parameter.default,
            parameter.kind is parameter.KEYWORD_ONLY,
        )
        for name, parameter in signature.parameters.items()
        if name not in PYTHON_ONLY
    ]
    passed = [parameter for parameter in command.parameters if parameter.is_passed]
    assert [(row.name, row.default, row.named_only) for row in passed] == expected
    assert (command.function is getattr(pyroi, command.name)) == (command.name not in MORE_FORMS)


def test_soft_nms_has_the_positions_that_old_scripts_use():
    """Where Python takes keywords only; the names and defaults are Python's."""
    row = REGISTRY["soft_nms"]
    assert row.orders == (("boxes", "scores", "sigma", "iou_threshold", "score_threshold", "method"),)
    python = {name: parameter.default for name, parameter in inspect.signature(pyroi.soft_nms).parameters.items()}
    assert {parameter.name: parameter.default for parameter in row.parameters if not parameter.is_required} == {
        name: default for name, default in python.items() if default is not inspect.Parameter.empty
    }


def test_every_operator_of_pyroi_is_a_command():
    """Except for what a script computes as easily itself."""
    functions = {name for name in pyroi.__all__ if inspect.isfunction(getattr(pyroi, name))}
    others = {
        "assign_levels",
        "cpu_features",
        "get_num_threads",
        "set_num_threads",
        "watch_cancel_flag",
        "release_memory",
    }
    others |= {"accelerate", "get_include", "get_library", "restore"}
    assert {command.name for command in OPERATORS} - COMMANDS_ONLY == functions - others


# ---- The calls of the documentation of torch::roi_align --------------------------------------------------------------

PREPARED = """
set features [torch::zeros {1 64 32 32}]
set boxes [torch::tensor_create {{0.0 0.0 0.5 0.5} {0.2 0.3 0.7 0.8}} float32]
set backbone_features [torch::randn {2 16 32 32}]
set detection_boxes [torch::tensor_create {{0 8 8 96 96} {1 16 0 80 64} {1 0 0 500 500}}]
set person_boxes [torch::tensor_create {{4 4 20 28}}]
"""

DOCUMENTED = [
    ("""set pooled_features [torch::roi_align \\
    -input $features \\
    -boxes $boxes \\
    -outputSize {7 7}]""", "2 64 7 7"),
    ("""set result [torch::roi_align \\
    -input $features \\
    -boxes $boxes \\
    -outputSize {14 14} \\
    -spatialScale 0.0625 \\
    -samplingRatio 2 \\
    -aligned true]""", "2 64 14 14"),
    ("set result [torch::roi_align $features $boxes {7 7} 0.0625 2 true]", "2 64 7 7"),
    ("""set result [torch::roiAlign \\
    -input $features \\
    -boxes $boxes \\
    -outputSize {7 7} \\
    -spatialScale 0.0625]""", "2 64 7 7"),
    ("""set features [torch::roi_align \\
    -input $backbone_features \\
    -boxes $detection_boxes \\
    -outputSize {7 7} \\
    -spatialScale 0.0625]""", "3 16 7 7"),
    ("""set mask_features [torch::roi_align \\
    -input $features \\
    -boxes $boxes \\
    -outputSize {14 14} \\
    -samplingRatio 2]""", "2 64 14 14"),
    ("""set keypoint_features [torch::roi_align \\
    -input $features \\
    -boxes $person_boxes \\
    -outputSize {28 28} \\
    -aligned true]""", "1 64 28 28"),
    ("""set result [torch::roi_align \\
    -input $features \\
    -boxes $boxes \\
    -outputSize {7 7} \\
    -spatialScale 0.0625 \\
    -samplingRatio 2 \\
    -aligned true]""", "2 64 7 7"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "shape"), DOCUMENTED)
def test_a_documented_call_runs_as_written(tcl, call, shape):
    """With the variables that it presumes."""
    tcl.run(PREPARED)
    assert tcl(call).startswith("tensor")
    assert tcl("torch::tensor_shape " + tcl("set errorCode {}; set " + call.split()[1])) == shape


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("catch {torch::roi_align -input $features} error", "Missing required parameters"),
        (
            'catch {torch::roi_align -input "invalid" -boxes $boxes -outputSize {7 7}} error',
            "Invalid input tensor",
        ),
        (
            'catch {torch::roi_align -input $features -boxes $boxes -outputSize {7 7} -spatialScale "invalid"} error',
            "Invalid spatialScale value",
        ),
    ],
)
def test_a_documented_error_has_its_first_words(tcl, call, words):
    """As the documentation has them in its comments."""
    tcl.run(PREPARED)
    assert tcl(call) == "1"
    assert tcl("set error").startswith(words)


# ---- Values come through unchanged -----------------------------------------------------------------------------------


def test_the_forward_is_pyrois(tcl):
    """To the last bit, with every parameter away from its default."""
    tcl.run("torch::manual_seed 5; set x [torch::randn {2 3 9 11} float64]; set b {{0 1 2 30 40} {1 -5 3 12 9.5}}")
    x = np.array(tcl.floats("set x")).reshape(2, 3, 9, 11)
    boxes = np.array([[0, 1, 2, 30, 40], [1, -5, 3, 12, 9.5]], np.float32)
    expected = pyroi.roi_align(x, boxes, (2, 5), 0.25, 3, False, mode="max")
    assert tcl.floats("torch::roi_align $x $b {2 5} 0.25 3 no -mode max") == expected.ravel().tolist()


def test_the_gradient_of_a_sum(tcl):
    """Box (1,1,3,3), 2x2 bins of 2x2 samples, not aligned: 1 2 1, 2 4 2, 1 2 1, all / 4, on rows and columns 1 to 3."""
    got = tcl.floats("torch::roi_align_backward [torch::ones {1 1 2 2}] {1 1 3 3} {1 1 5 5} 1.0 2 false")
    expected = np.zeros((5, 5))
    expected[1:4, 1:4] = np.outer([1, 2, 1], [1, 2, 1]) / 4
    assert got == expected.ravel().tolist()


def test_boxes_choose_their_level(tcl):
    """Sides 112, 224 and 448 are pooled from levels 1, 2 and 3."""
    tcl.run("foreach l {0 1 2 3} {lappend maps [torch::full {1 1 8 8} $l]}")
    tcl.run("set b {{0 0 112 112} {0 0 224 224} {0 0 448 448}}")
    call = "torch::multiscale_roi_align $maps $b 1 {0.01 0.01 0.01 0.01} 1 false"
    assert tcl.floats(call) == [1, 2, 3]
    assert tcl.floats(call + " -canonicalScale 448 -canonicalLevel 1") == [0, 0, 1]


def test_boxes_in_all_their_forms(tcl):
    """A tensor, a literal, one box, a list with one tensor for each image, none at all."""
    tcl.run("set x [torch::arange 50]; set x [torch::tensor_reshape $x {2 1 5 5}]; set b {{0 1 1 3 3} {1 1 1 3 3}}")
    tcl.run("set one [torch::tensor_create {{1 1 3 3}}]")
    for boxes in ("$b", "[torch::tensor_create $b]", "[torch::tensor_create $b float64]", "[list $one $one]"):
        assert tcl.floats(f"torch::roi_align $x {boxes} 1 1.0 2") == [9, 34]
    assert tcl.floats("torch::roi_align $x {1 1 1 3 3} 1 1.0 2") == [34]
    assert tcl("torch::tensor_shape [torch::roi_align $x {} 7]") == "0 1 7 7"


def test_a_map_is_resized_by_size_or_by_factor(tcl):
    """By position and by name; the values are pyroi's."""
    tcl.run("set x [torch::tensor_reshape [torch::arange 24] {1 1 4 6}]")
    x = np.arange(24, dtype=np.float32).reshape(1, 1, 4, 6)
    by_size = pyroi.interpolate(x, (5, 3), "bilinear", True)
    assert tcl.floats("torch::interpolate $x {5 3} bilinear yes") == pytest.approx(by_size.ravel().tolist())
    by_factor = pyroi.interpolate(x, scale_factor=(0.5, 2), mode="bicubic", antialias=True).ravel().tolist()
    for call in (
        "torch::interpolate $x {} bicubic false {0.5 2} true",
        "torch::interpolate $x -scaleFactor {0.5 2} -mode bicubic -antialias 1",
    ):
        assert tcl.floats(call) == pytest.approx(by_factor)
    assert tcl("torch::tensor_shape [torch::interpolate $x -scaleFactor 1.5]") == "1 1 6 9"


@pytest.mark.parametrize("words", ["", " 7 -scaleFactor 2"])
def test_a_size_or_a_factor_is_needed(tcl, words):
    """One of them, not both."""
    message = tcl.error("torch::interpolate [torch::zeros {1 1 4 4}]" + words)
    assert message.startswith("Invalid size value: expected either size or scale_factor, got")


def test_a_dash_keeps_a_side(tcl):
    """Alone it keeps both."""
    tcl.run("set x [torch::tensor_reshape [torch::arange 24] {1 1 4 6}]")
    shapes = {"2": "2 2", "{3 5}": "3 5", "{2 -}": "2 6", "{- 2}": "4 2", "{- -}": "4 6", "-": "4 6", "{-}": "4 6"}
    for size, sides in shapes.items():
        assert tcl(f"torch::tensor_shape [torch::adaptive_avg_pool2d $x {size}]") == f"1 1 {sides}"
        assert tcl(f"torch::tensor_shape [torch::adaptive_avg_pool2d -input $x -outputSize {size}]") == f"1 1 {sides}"
    assert tcl.floats("torch::adaptive_avg_pool2d $x {1 -}") == [9, 10, 11, 12, 13, 14]


def test_both_gradients_of_precise_pooling(tcl):
    """A list: for the map, and for the boxes in the form they came in."""
    tcl.run("set x [torch::tensor_reshape [torch::arange 25] {1 1 5 5}]; set one [torch::ones {1 1 1 1}]")
    tcl.run("set box {1.2 1.1 2.7 3.4}")
    assert tcl.floats("torch::prroi_pool $x [list $box] 1") == pytest.approx([13.2])
    tcl.run("lassign [torch::prroi_pool_backward $one $x [list $box]] map boxes")
    assert tcl("torch::tensor_shape $map") == "1 1 5 5"
    expected = pytest.approx([0.5, 2.5, 0.5, 2.5], abs=2e-6)  # differences of means in float32, which are 13.2
    assert tcl.floats("set boxes") == expected
    tcl.run("lassign [torch::prroi_pool_backward $one $x [list [torch::tensor_create [list $box]]]] map boxes")
    assert tcl("llength $boxes") == "1"
    assert tcl.floats("lindex $boxes 0") == expected


def test_a_map_is_sampled_at_a_grid(tcl):
    """With every parameter away from its default, the values are pyroi's."""
    tcl.run("set x [torch::tensor_reshape [torch::arange 24] {1 1 4 6}]; set theta {{{0.9 0.3 0.4} {-0.2 1.1 0.5}}}")
    x = np.arange(24, dtype=np.float32).reshape(1, 1, 4, 6)
    theta = np.array([[[0.9, 0.3, 0.4], [-0.2, 1.1, 0.5]]], np.float32)
    grid = pyroi.affine_grid(theta, (1, 1, 3, 5), True)
    tcl.run("set grid [torch::affine_grid $theta {1 1 3 5} yes]")
    assert tcl.floats("set grid") == pytest.approx(grid.ravel().tolist())
    expected = pyroi.grid_sample(x, grid, "bicubic", "reflection", True).ravel().tolist()
    for call in (
        "torch::grid_sample $x $grid bicubic reflection true",
        "torch::gridSample -tensor $x -grid $grid -mode bicubic -paddingMode reflection -alignCorners 1",
    ):
        assert tcl.floats(call) == pytest.approx(expected)
    assert tcl.floats("torch::grid_sample $x {{{{-1 -1}}}} nearest border") == [0]


def test_means_and_deviations_in_all_their_forms(tcl):
    """A number, one for each channel, a tensor."""
    tcl.run("set x [torch::tensor_reshape [torch::arange 8] {2 2 2}]")
    for mean, std in (("2", "4"), ("{2}", "{4 4}"), ("{2 2}", "[torch::full {2 1 1} 4]")):
        normal = [(value - 2) / 4 for value in range(8)]
        assert tcl.floats(f"torch::normalize_image $x {mean} {std}") == normal
        assert tcl.floats(f"torch::denormalize_image [torch::normalize_image $x {mean} {std}] {mean} {std}") == list(
            range(8)
        )
    assert tcl.floats("set x") == list(range(8))
    assert tcl.error("torch::normalize_image $x {1 2 3} 1").startswith("Invalid mean tensor: expected a number for")
    assert tcl.error("torch::normalize_image $x 1 {1 0}").startswith("Invalid std tensor: ")


@pytest.mark.parametrize(
    "made",
    [
        "torch::tensor_create {{{1 2} {3 4}}}",
        "torch::tensor_create {{{1 2} {3 4}}} float64",
        "torch::tensor_reshape [torch::arange 1 5] {1 2 2}",
        "torch::tensor_load [torch::tensor_save [torch::tensor_create {{{1 2} {3 4}}}] x.npy]",
    ],
)
def test_an_image_is_normalized_in_place(tcl, made, tmp_path, monkeypatch):
    """However the tensor was made; the result is the tensor itself."""
    monkeypatch.chdir(tmp_path)
    tcl.run(f"set x [{made}]")
    bytes_before = tcl.stats()["bytes"]
    tcl.run("set y [torch::normalize_image $x 1 2 -inplace true]")
    assert tcl.stats()["bytes"] == bytes_before
    assert tcl.stats()["live"] == 1
    assert tcl.floats("set x") == tcl.floats("set y") == [0, 0.5, 1, 1.5]
    tcl.run("torch::denormalizeImage $x 1 2 yes")
    assert tcl.floats("set y") == [1, 2, 3, 4]
    tcl.run("unset x")
    assert tcl.floats("set y") == [1, 2, 3, 4]
    tcl.run("unset y")
    assert tcl.stats()["live"] == 0


@pytest.mark.parametrize("shape", ["4", "{2 2}", "{1 2 2}", "{2 3 4 4}"])
@pytest.mark.parametrize(
    "words", ["$x 1 2 true", "-image $x -std 2 -mean 1 -inplace 1", "-mean 1 -std 2 -inplace on -input $x"]
)
def test_in_place_the_result_is_the_image(tcl, shape, words):
    """Its handle, too, whether or not a script has seen it before; and otherwise another tensor."""
    tcl.run(f"set x [torch::ones {shape}]")
    assert tcl(f"set y [torch::normalize_image {words}]; expr {{$x eq $y}}") == "1"
    assert tcl(f"set z [torch::denormalize_image {words}]; expr {{$x eq $z}}") == "1"
    assert tcl.stats()["live"] == 1
    assert tcl("expr {[torch::normalize_image $x 1 2] eq $x}") == "0"
    assert "image" in tcl("torch::normalize_image -help")


def test_a_tensor_changed_in_place_lives_on_as_the_result(tcl):
    """Nothing else need hold it."""
    assert tcl.floats("torch::normalize_image [torch::ones {1 2 2}] 3 2 true") == [-1, -1, -1, -1]
    assert tcl.stats()["live"] == 0


def test_in_place_needs_a_floating_image(tcl):
    """And an error leaves the image as it was."""
    tcl.run("set x [torch::ones {1 2 2} int64]; set z [torch::ones {1 2 2}]")
    assert tcl.error("torch::normalize_image $x 1 2 -inplace true").startswith(
        "Invalid inplace value: expected an image"
    )
    assert "Invalid std tensor" in tcl.error("torch::normalize_image $z 1 0 -inplace true")
    assert tcl.floats("set z") == [1, 1, 1, 1]


def test_maxima_and_where_they_are(tcl):
    """A list of two where they are wanted; their gradient goes back there."""
    tcl.run("set x [torch::tensor_reshape [torch::arange 25] {1 1 5 5}]; set b {{1 1 4 4}}")
    assert tcl.floats("torch::roi_pool $x $b 2") == [12, 14, 22, 24]
    assert tcl.floats("torch::roiPool $x {{2 2 8 8}} 2 -spatialScale 0.5") == [12, 14, 22, 24]
    tcl.run("lassign [torch::roi_pool $x $b 2 -returnArgmax true] crops argmax")
    assert tcl.floats("set crops") == tcl.floats("set argmax") == [12, 14, 22, 24]
    assert tcl("torch::tensor_dtype $argmax") == "Int64"
    tcl.run("set grad [torch::tensor_create {{{{1 2} {3 4}}}}]")
    got = tcl.floats("torch::roi_pool_backward $grad $argmax $b {1 1 5 5}")
    assert {place: value for place, value in enumerate(got) if value} == {12: 1, 14: 2, 22: 3, 24: 4}
