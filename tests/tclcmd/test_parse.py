"""The one parser: names, orders, which words are options."""

from __future__ import annotations

import pytest

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
