"""The parser of calls: names of parameters, positional orders, options."""

from __future__ import annotations

import itertools

import pytest

from tclcmd.language.declare import REGISTRY
from tclcmd.language.parse import MOST_LAYOUTS

MAP = "set x [torch::tensor_reshape [torch::arange 25] {1 1 5 5}]; set b {{1 1 3 3}}; "
EXPECTED = [6.0, 7.0, 11.0, 12.0]


@pytest.mark.parametrize(
    "call",
    [
        "torch::roi_align $x $b {2 2} 1.0 2 true",
        "torch::roiAlign $x $b {2 2} 1.0 2 true",
        "torch::roi_align $x $b {2 2} 1.0 2",
        "torch::roi_align -input $x -boxes $b -outputSize {2 2} -samplingRatio 2",
        "torch::roi_align -samplingRatio 2 -outputSize {2 2} -boxes $b -input $x",
        "torch::roi_align -input $x -boxes $b -output_size {2 2} -sampling_ratio 2 -spatial_scale 1.0",
        "torch::roi_align -tensor $x -boxes $b -outputSize {2 2} -samplingRatio 2",
        "torch::roi_align $x $b {2 2} -samplingRatio 2 -aligned yes",
        "torch::roi_align $x $b 2 -samplingRatio 2 -mode avg",
        "torch::roi_align $x [torch::tensor_create $b] {2 2} -samplingRatio 2 -aligned on",
        "torch::roi_align {*}[list $x $b {2 2}] {*}{-samplingRatio 2}",
        "torch::roi_align $x $b [list 2 2] 1 0x2 [expr {1 == 1}]",
    ],
)
def test_both_syntaxes_mean_the_same(tcl, call):
    """Positional, named, mixed, either spelling: one result (NUMERICS: A25, box (1,1,3,3), ratio 2)."""
    tcl(MAP)
    assert tcl.floats(call) == EXPECTED


def test_negative_numbers_are_values(tcl):
    """-5, -.5 and {-1 2} are values, though they begin with a dash."""
    assert tcl.floats("torch::full {2} -5") == [-5, -5]
    assert tcl.floats("torch::full {2} -.5") == [-0.5, -0.5]
    assert tcl("torch::tensor_shape [torch::tensor_reshape [torch::arange 4] {-1 2}]") == "2 2"


@pytest.mark.parametrize("word", ["-inf", "-Infinity", "-NaN"])
def test_names_of_numbers_are_no_options(tcl, word):
    """-inf is a number, which is refused as such; not an unknown option."""
    assert tcl.error(f"torch::full {{2}} {word}").startswith("Invalid value value: expected a finite number")


def test_a_list_that_begins_with_a_dash_is_a_value(tcl):
    """A list is a value even if its first element looks like an option."""
    assert tcl.error("torch::zeros [list -foo 2]").startswith("Invalid shape value")


def test_positional_values_come_first(tcl):
    """A value after options belongs to none of them: most likely braces are missing."""
    message = tcl.error("torch::zeros -shape 2 3")
    assert message.startswith("Too many arguments")
    assert "without a name after -shape" in message


def test_named_only_parameters_have_no_position(tcl):
    """-mode is an option and nothing else."""
    message = tcl.error(MAP + "torch::roi_align $x $b {2 2} 1.0 2 true max")
    assert message.startswith("Too many arguments: at most 6")
    assert tcl.floats("torch::roi_align $x $b {2 2} 1.0 2 true -mode max") == [7.5, 8.5, 12.5, 13.5]


@pytest.mark.parametrize("truth", ["true", "yes", "on", "1", "True", "YES"])
def test_every_tcl_boolean_is_one(tcl, truth):
    """Booleans are Tcl's own."""
    assert tcl(f"torch::tensor_shape [torch::tensor_sum [torch::zeros {{2 3}}] 0 {truth}]") == "1 3"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("torch::arange 3", [0, 1, 2]),
        ("torch::arange 3 float64", [0, 1, 2]),
        ("torch::arange 1 4", [1, 2, 3]),
        ("torch::arange 1 4 int64", [1, 2, 3]),
        ("torch::arange 1 6 2", [1, 3, 5]),
        ("torch::arange 6 1 -2 int32", [6, 4, 2]),
        ("torch::arange -end 3", [0, 1, 2]),
        ("torch::arange 1 -end 3", [1, 2]),
        ("torch::arange 1 3 -dtype int64", [1, 2]),
        ("torch::tensor_create {1 2} {2 1}", [1, 2]),
        ("torch::tensor_create {1 2} int32", [1, 2]),
        ("torch::tensor_create {1 2} {2 1} int32 cpu false", [1, 2]),
        ("torch::tensor_create {1 2} int32 cpu", [1, 2]),
        ("torch::eye 1 float64", [1]),
        ("torch::eye 1 2 float64", [1, 0]),
    ],
)
def test_positional_orders_are_tried_in_turn(tcl, call, expected):
    """Where a value may stand for more than one parameter, its form decides."""
    assert tcl.floats(call) == expected


def test_a_device_may_stand_for_the_dtype(tcl):
    """torch::rand takes either after the shape."""
    assert tcl("torch::tensor_dtype [torch::rand {2} cpu]") == "Float32"
    assert tcl("torch::tensor_dtype [torch::rand {2} float64 cpu]") == "Float64"


def test_an_unreadable_value_is_told_in_terms_of_the_main_order(tcl):
    """A misspelt dtype is called a dtype, not a shape."""
    assert tcl.error("torch::tensor_create {1 2} flaot32").startswith("Invalid dtype value")
    assert tcl.error("torch::rand {2} flaot32").startswith("Invalid dtype value")


def test_names_that_old_scripts_use(tcl):
    """torch::tensor_rand, torch::tensorRandn and their like are there."""
    for name in ("tensor_rand", "tensorRand", "tensor_randn", "tensorRandn"):
        assert tcl(f"torch::tensor_shape [torch::{name} {{2 3}}]") == "2 3"


def test_the_misspelt_canonical_scale_is_accepted(tcl):
    """-canocicalScale is how an old page has it."""
    tcl(MAP + "torch::multiscale_roi_align [list $x $x] $b 2 {1 0.5} -canocicalScale 112")
    assert tcl.code("torch::multiscale_roi_align [list $x $x] $b 2 {1 0.5} -canocicalScale 112 -canonicalScale 2") == (
        "TORCH DUPLICATE_PARAMETER canonicalScale"
    )


# ---- Calls like one before -------------------------------------------------------------------------------------------

#: A call that is right, one that has the same layout or nearly so, and how it fails: message, errorCode, word at fault.
LIKE = [
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align -input $x -boxes $b -outputSize -aligned",
     "Missing value for parameter: -outputSize", "MISSING_VALUE outputSize", 5),
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align -input $x -boxes $b -outputSize",
     "Missing value for parameter: -outputSize", "MISSING_VALUE outputSize", 5),
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align -input $x -boxes $b -outputSiz 2",
     "Unknown parameter: -outputSiz\nDid you mean -outputSize?", "UNKNOWN_PARAMETER -outputSiz", 5),
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align -input $x -boxes $b -outputSize 2 -boxes $b",
     "Duplicate parameter: -boxes", "DUPLICATE_PARAMETER boxes", 7),
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align -input $x -boxes $b -outputSize 2 2",
     "Too many arguments: a value without a name after -outputSize", "TOO_MANY_ARGUMENTS roi_align", 7),
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align -input $x -boxes $b",
     "Missing required parameters: outputSize", "MISSING_PARAMETER outputSize", None),
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align {-input -boxes} $x -outputSize 2",
     'Invalid input tensor: expected a tensor, got "-input -boxes"', "INVALID_TENSOR input", 1),
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align -input $x -boxes $b -outputSize two",
     'Invalid outputSize value: expected {height width}, or one integer for a square, got "two"',
     "INVALID_VALUE outputSize", 6),
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align -input $x -boxes $b -output_size two",
     "Invalid output_size value: ", "INVALID_VALUE outputSize", 6),
    ("roi_align -outputSize 2 -boxes $b -input $x", "roi_align -outputSize two -boxes $b -input no",
     "Invalid input tensor: ", "INVALID_TENSOR input", 6),
    ("roi_align -input $x -boxes $b -outputSize 2", "roi_align -input $x -boxes $b -outputSize -1",
     "Invalid outputSize value: ", "INVALID_VALUE outputSize", 6),
    ("roi_align $x $b 2", "roi_align $x $b two", "Invalid output_size value: ", "INVALID_VALUE outputSize", 3),
    ("roi_align $x $b 2", "roi_align $x $b -1", "Invalid output_size value: ", "INVALID_VALUE outputSize", 3),
    ("roi_align $x $b 2 -aligned no", "roi_align $x $b 2 -aligned 2x", "Invalid aligned value: ",
     "INVALID_VALUE aligned", 5),
    ("roi_align $x $b 2 -aligned no", "roi_align $x $b 2 1 2 no -aligned no", "Duplicate parameter: -aligned",
     "DUPLICATE_PARAMETER aligned", 8),
    ("roi_align $x $b 2", "roi_align $x $b", "Missing required parameters: output_size",
     "MISSING_PARAMETER outputSize", None),
    ("tensor_load -file $file", "tensor_load -file nowhere.npy", "Cannot read nowhere.npy", "IO read nowhere.npy", 2),
]  # fmt: skip


@pytest.fixture
def unmet():
    """Forgets the layouts of all calls before."""

    def forget():
        for command in REGISTRY.values():
            command.layouts.clear()

    forget()
    return forget


def failure(tcl, call):
    """How a call fails: message, errorCode, word at fault."""
    return tcl.error(call), tcl("set errorCode"), tcl.interpreter.failure.word


@pytest.mark.parametrize(("right", "wrong", "message", "code", "word"), LIKE)
def test_a_call_like_one_before_fails_as_a_first_one(tcl, unmet, tmp_path, right, wrong, message, code, word):
    """What the parser remembers of calls takes nothing from the messages."""
    tcl(f"{MAP} set file {{{tmp_path / 'x.npy'}}}; torch::tensor_save $x $file")
    unmet()
    first = failure(tcl, f"torch::{wrong}")
    assert first[0].startswith(message)
    assert first[1].startswith(f"TORCH {code}")
    assert first[2] == word
    unmet()
    for _ in range(2):
        tcl.run(f"torch::{right}")
        assert failure(tcl, f"torch::{wrong}") == first


@pytest.mark.parametrize("right", sorted({right for right, *_ in LIKE}))
def test_help_is_given_to_a_call_like_one_before(tcl, unmet, tmp_path, right):
    """-help is none of the options that are remembered."""
    tcl(f"{MAP} set file {{{tmp_path / 'x.npy'}}}; torch::tensor_save $x $file")
    for _ in range(2):
        tcl.run(f"torch::{right}")
        help_text = tcl(f"torch::{right.split()[0]} -help")
        assert tcl(f"torch::{right} -help") == tcl(f"torch::{right} -help 1") == help_text


def test_the_same_options_differ_in_what_comes_before_them(tcl, unmet):
    """Names after two values, after three, and of other commands do not get mixed up."""
    tcl(MAP)
    for _ in range(2):
        assert tcl("torch::tensor_shape [torch::roi_align $x $b -outputSize 3]") == "1 1 3 3"
        assert "Duplicate parameter: -outputSize" in tcl.error("torch::roi_align $x $b 2 -outputSize 3")
        assert "Missing required parameters: boxes" in tcl.error("torch::roi_align $x -outputSize 3")
        assert tcl.floats("torch::roi_align -input $x -boxes $b -outputSize 1") == [9]
        assert tcl.floats("torch::roi_pool -input $x -boxes $b -outputSize 1") == [18]
        assert tcl.floats("torch::arange -start 1 -end 3") == [1, 2]
        assert tcl.floats("torch::linspace -start 1 -end 3 -steps 2") == [1, 3]


def test_where_values_choose_the_order_they_do_so_each_time(tcl, unmet):
    """One layout does not stand for the next call."""
    for _ in range(2):
        assert tcl.floats("torch::tensor_create {1 2} {2 1} -device cpu") == [1, 2]
        assert tcl("torch::tensor_dtype [torch::tensor_create {1 2} int32 -device cpu]") == "Int32"
        assert tcl("torch::tensor_shape [torch::eye 1 2]") == "1 2"
        assert tcl("torch::tensor_dtype [torch::eye 1 float64]") == "Float64"


def test_options_may_come_in_any_order_however_many_are_remembered(tcl, unmet):
    """All orders of five options; the memory for them has an end."""
    tcl(MAP)
    pairs = ["-input $x", "-boxes $b", "-outputSize {2 2}", "-samplingRatio 2", "-mode max"]
    calls = ["torch::roi_align " + " ".join(order) for order in itertools.permutations(pairs)]
    assert len(calls) > MOST_LAYOUTS
    for call in calls * 2:
        assert tcl.floats(call) == [7.5, 8.5, 12.5, 13.5]
    assert len(REGISTRY["roi_align"].layouts) == MOST_LAYOUTS


def test_a_value_out_of_a_variable_may_look_like_an_option(tcl, unmet):
    """The same words of a script, other values."""
    tcl(MAP + "proc crop {ratio} {torch::roi_align -input $::x -boxes $::b -outputSize 2 -samplingRatio $ratio}")
    for _ in range(2):
        assert tcl.floats("crop 2") == EXPECTED
        assert tcl("torch::tensor_shape [crop -1]") == "1 1 2 2"
        assert tcl.error("crop -x").startswith("Missing value for parameter: -samplingRatio")
        assert tcl.error("crop [list -x]") == tcl.error("crop -x")  # the same text, and so the same value


def test_calls_like_one_before_name_no_tensors(tcl, unmet):
    """Neither the parser's memory nor the host's look at the words asks for the name of a tensor."""
    tcl(MAP)
    for _ in range(3):
        tcl.run("torch::roi_align -input $x -boxes [torch::tensor_create $b] -outputSize 2; expr 1")
    assert tcl.stats()["pinned"] == 0
    assert tcl.stats()["live"] == 1


@pytest.mark.parametrize("number", ["-9223372036854775808", "9223372036854775807"])
def test_integers_have_all_64_bits(tcl, number):
    """The least one, too."""
    assert tcl(f"torch::tensor_to_list [torch::tensor_add [torch::zeros 1 int64] {number}]") == number
    assert tcl.error(f"torch::zeros {{1 {number}0}}").startswith("Invalid shape value: expected a list of integers")


@pytest.mark.parametrize("number", ["nan", "-NaN", "inf", "-inf"])
def test_nan_and_infinity_are_numbers(tcl, number):
    """Where a tensor may hold them, so may a number beside it."""
    assert tcl(f"torch::tensor_to_list [torch::tensor_mul [torch::ones 1] {number}]").lower() in (number.lower(), "nan")
