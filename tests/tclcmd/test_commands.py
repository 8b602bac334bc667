"""The results of the small commands."""

from __future__ import annotations

import numpy as np
import pytest
from addresses import on_64_bits
from tcl_versions import tcl_has

GRID = "[torch::tensor_create {{1 2 3} {4 5 6}}]"

RESULTS = [
    # Making tensors
    ("torch::tensor_shape [torch::tensor_create 5]", "1"),
    ("torch::tensor_shape [torch::tensor_create {}]", "0"),
    ("torch::tensor_shape [torch::tensor_create {{5}}]", "1"),
    ("torch::tensor_shape [torch::tensor_create {{{5}}}]", "1 1"),
    ("torch::tensor_shape [torch::tensor_create {{} {}}]", "2 0"),
    ("torch::tensor_shape [torch::tensor_create {{1 2} {3 4} {5 6}}]", "3 2"),
    ("torch::tensor_shape [torch::tensor_create {{{1 2} {3 4}} {{5 6} {7 8}}}]", "2 2 2"),
    ("torch::tensor_shape [torch::tensor_create [list 1 2 3]]", "3"),
    ("torch::tensor_shape [torch::tensor_create [list [list 1 2] [list 3 4]]]", "2 2"),
    ("torch::tensor_shape [torch::tensor_create [list 7]]", "1"),
    ("torch::tensor_shape [torch::tensor_create -data {1 2 3 4} -shape {2 2}]", "2 2"),
    ("torch::tensor_to_list [torch::tensor_create {0x10 0o10 1e2 .5} float64]", "16.0 8.0 100.0 0.5"),
    ("torch::tensor_item [torch::tensor_create 010 int64]", f"{tcl_has('the value of 010')}"),
    ("torch::tensor_to_list [torch::tensor_create {true no 0 2.5} bool]", "1 0 0 1"),
    ("torch::tensor_to_list [torch::tensor_create {9007199254740993 -9223372036854775808} int64]",
     "9007199254740993 -9223372036854775808"),
    ("torch::tensor_to_list [torch::tensor_create {5.0 1e3} int32]", "5 1000"),
    ("torch::tensor_to_list [torch::tensor_create {NaN Inf -inf} float32]", "NaN Inf -Inf"),
    ("torch::tensor_dtype [torch::tensor_create 1 HALF]", "Float16"),
    ("torch::tensor_dtype [torch::zeros 1 Double]", "Float64"),
    ("torch::tensor_dtype [torch::zeros 1 long]", "Int64"),
    ("torch::tensor_shape [torch::zeros {}]", ""),
    ("torch::tensor_to_list [torch::ones {2} int32 cpu]", "1 1"),
    ("torch::tensor_to_list [torch::full 2 0.5 -device CPU]", "0.5 0.5"),
    ("torch::tensor_to_list [torch::arange 0 1 0.25]", "0.0 0.25 0.5 0.75"),
    ("torch::tensor_shape [torch::arange 5 1]", "0"),
    ("torch::tensor_to_list [torch::linspace 1 2 3]", "1.0 1.5 2.0"),
    ("torch::tensor_shape [torch::linspace 1 2 0]", "0"),
    ("torch::tensor_to_list [torch::eye 2 3] -nested yes", "{1.0 0.0 0.0} {0.0 1.0 0.0}"),
    (f"torch::tensor_dtype [torch::zeros_like {GRID} int64]", "Int64"),
    (f"torch::tensor_shape [torch::ones_like {GRID}]", "2 3"),
    (f"torch::tensor_item [torch::tensor_max [torch::full_like {GRID} 7]]", "7.000000"),
    # Looking into tensors
    (f"torch::tensor_numel {GRID}", "6"),
    ("torch::tensor_device [torch::zeros 1]", "cpu"),
    ("torch::tensor_item [torch::full {1 1} 5]", "5.000000"),
    ("torch::tensor_item [torch::full 1 5 int32]", "5"),
    ("torch::tensor_item [torch::ones 1 bool]", "1"),
    ("torch::tensor_item [torch::full 1 0.1] -precision 2", "0.10"),
    ("torch::tensor_item [torch::full 1 0.1] -precision 0", "0"),
    ("torch::tensor_item [torch::full 1 0.1] -precision full", "0.1"),
    ("torch::tensor_item [torch::full 1 0.1 float64] -precision full", "0.1"),
    ("torch::tensor_to_list [torch::tensor_create {0.1 1e-7 16777216}]", "0.1 1e-7 16777216.0"),
    ("torch::tensor_to_list [torch::tensor_create 5 int64]", "5"),
    ("torch::tensor_to_list [torch::tensor_create {{{1 2}} {{3 4}}} int64] -nested 1", "{{1 2}} {{3 4}}"),
    ("torch::tensor_to_list [torch::tensor_permute [torch::tensor_create {{1 2} {3 4}} uint8] {1 0}]", "1 3 2 4"),
    ("torch::tensor_to_list [torch::zeros {0 3}] -nested true", ""),
    ("torch::tensor_print [torch::arange 3]", "Float32 [3]\n[0. 1. 2.]"),
    ("string length [torch::tensor_print [torch::arange 100000]]", "*"),
    ("torch::allclose [torch::ones 2] [torch::full 2 1.000001]", "1"),
    ("torch::allclose [torch::ones 2] [torch::full 2 1.000001] -rtol 0 -atol 1e-9", "0"),
    ("torch::allclose [torch::full 1 0] [torch::tensor_create {{NaN}}] -equalNan 1", "0"),
    ("torch::allclose [torch::tensor_create {{NaN}}] [torch::tensor_create {{NaN}}] 1e-5 1e-8 true", "1"),
    # Shape and type
    ("torch::tensor_shape [torch::tensor_reshape [torch::arange 6] {2 -1}]", "2 3"),
    ("torch::tensor_shape [torch::tensor_reshape [torch::arange 1] {}]", ""),
    ("torch::tensor_shape [torch::tensor_reshape [torch::zeros {0 3}] {3 0}]", "3 0"),
    ("torch::tensor_shape [torch::tensor_permute [torch::zeros {1 2 3}] {-1 0 1}]", "3 1 2"),
    ("torch::tensor_to_list [torch::tensor_slice [torch::arange 10] 0 1 8 3]", "1.0 4.0 7.0"),
    ("torch::tensor_to_list [torch::tensor_slice [torch::arange 10] -1 -2]", "8.0 9.0"),
    ("torch::tensor_shape [torch::tensor_slice [torch::arange 10] 0 20 30]", "0"),
    (f"torch::tensor_shape [torch::tensor_cat [list {GRID} {GRID}] -1]", "2 6"),
    (f"torch::tensor_shape [torch::tensor_stack [list {GRID} {GRID}] 2]", "2 3 2"),
    ("torch::tensor_to_list [torch::tensor_to [torch::tensor_create {1.9 -1.9}] int32]", "1 -1"),
    ("torch::tensor_to_list [torch::tensor_to [torch::tensor_create {0 3}] bool]", "0 1"),
    # Arithmetic
    ("torch::tensor_to_list [torch::tensor_add [torch::arange 2] 0.5]", "0.5 1.5"),
    (f"torch::tensor_to_list [torch::tensor_add {GRID} [torch::arange 3]]", "1.0 3.0 5.0 4.0 6.0 8.0"),
    ("torch::tensor_to_list [torch::tensor_sub [torch::arange 2 uint8] [torch::ones 2 uint8]]", "255 0"),
    ("torch::tensor_to_list [torch::tensor_mul [torch::arange 3 int64] 3]", "0 3 6"),
    ("torch::tensor_dtype [torch::tensor_mul [torch::arange 3 int64] 0.5]", "Float32"),
    ("torch::tensor_dtype [torch::tensor_mul [torch::ones 3 int64] [torch::ones 3 half]]", "Float16"),
    ("torch::tensor_dtype [torch::tensor_add [torch::ones 3 uint8] [torch::ones 3 int32]]", "Int32"),
    ("torch::tensor_to_list [torch::tensor_add [torch::ones 2 bool] [torch::ones 2 bool]]", "2 2"),
    ("torch::tensor_to_list [torch::tensor_sub [torch::ones 2 bool] 1]", "0 0"),
    ("torch::tensor_dtype [torch::tensor_div [torch::ones 2 int64] 2]", "Float32"),
    ("torch::tensor_to_list [torch::tensor_div [torch::arange 3 int64] 2]", "0.0 0.5 1.0"),
    ("torch::tensor_to_list [torch::tensor_div [torch::tensor_create {1 -1 0}] 0]", "Inf -Inf NaN"),
    ("torch::tensor_to_list [torch::tensor_mul [torch::full 1 60000 half] 2]", "Inf"),
    (f"torch::tensor_item [torch::tensor_sum {GRID}]", "21.000000"),
    (f"torch::tensor_to_list [torch::tensor_sum {GRID} 0]", "5.0 7.0 9.0"),
    (f"torch::tensor_shape [torch::tensor_sum {GRID} -1 true]", "2 1"),
    (f"torch::tensor_shape [torch::tensor_sum {GRID} -keepdim true]", "1 1"),
    ("torch::tensor_item [torch::tensor_sum [torch::full 300 255 uint8]]", "76500"),
    ("torch::tensor_item [torch::tensor_sum [torch::full 5000 1 half]]", "5000.000000"),
    ("torch::tensor_item [torch::tensor_mean [torch::full 5000 50000 half]]", "49984.000000"),
    ("torch::tensor_item [torch::tensor_mean [torch::arange 4 int64]]", "1.500000"),
    ("torch::tensor_item [torch::tensor_mean [torch::zeros 0]]", "nan"),
    (f"torch::tensor_to_list [torch::tensor_max {GRID} 1]", "3.0 6.0"),
    (f"torch::tensor_item [torch::tensor_min {GRID}]", "1.000000"),
    ("torch::tensor_item [torch::tensor_max [torch::tensor_create {1 NaN 3}]]", "nan"),
    # Boxes
    ("torch::tensor_to_list [torch::nms {{0 0 10 10} {1 1 11 11} {20 20 30 30}} {0.9 0.8 0.7} 0.5]", "0 2"),
    ("torch::tensor_to_list [torch::Nms -boxes {{0 0 9 9} {20 20 30 30}} -scores {1 2} -iouThreshold 0.5]", "1 0"),
    ("torch::tensor_to_list [torch::nms {{0 0 9 9} {20 20 30 30}} {1 2} 0.5 1.5]", "1"),
    ("torch::tensor_to_list [torch::nms {{0 0 9 9} {20 20 30 30}} {1 2} 0.5 -maxOutput 1]", "1"),
    ("torch::tensor_to_list [torch::nms {} {} 0.5]", ""),
    ("torch::tensor_to_list [torch::batched_nms {{0 0 9 9} {0 0 9 9}} {1 2} {7 8} 0.5]", "1 0"),
    ("lmap t [torch::soft_nms {{0 0 9 9} {50 50 60 60}} {1 2} 0.5 0.3 0.001 linear] {torch::tensor_to_list $t}",
     "{1 0} {2.0 1.0}"),
    ("torch::tensor_to_list [torch::nms_rotated {{5 5 8 2 0} {5 5 8 2 5}} {1 2} 0.5]", "1"),
    ("torch::tensor_to_list [torch::box_iou {{0 0 10 10}} {{5 5 15 10}}]", "0.2"),
    ("torch::tensor_to_list [torch::boxIou -input1 {{0 0 10 10}} -input2 {{5 5 15 10}}]", "0.2"),
    ("torch::tensor_item [torch::generalized_box_iou {{0 0 10 10}} {{5 5 15 10}}]", "0.033333"),
    ("torch::tensor_item [torch::distance_box_iou {{0 0 10 10}} {{5 5 15 10}}]", "0.103846"),
    ("torch::tensor_item [torch::complete_box_iou {{0 0 10 10}} {{5 5 15 10}}]", "0.101755"),
    ("torch::tensor_item [torch::box_iou_rotated {{5 5 8 2 30}} {{5 5 8 2 30}}]", "1.000000"),
    ("torch::tensor_to_list [torch::box_area {{0 0 4 5} {1 1 2 2}}]", "20.0 1.0"),
    ("torch::tensor_to_list [torch::box_convert {{0 0 4 6}} xyxy cxcywh]", "2.0 3.0 4.0 6.0"),
    ("torch::tensor_to_list [torch::clip_boxes_to_image {{-5 2 30 9}} {10 20}]", "0.0 2.0 20.0 9.0"),
    ("torch::tensor_to_list [torch::remove_small_boxes {{0 0 4 5} {0 0 1 9}} 2]", "0"),
    ("torch::tensor_to_list [torch::masks_to_boxes [torch::ones {1 3 4}]]", "0.0 0.0 3.0 2.0"),
    # Session
    ("torch::manual_seed 9223372036854775807", "ok"),
    ("torch::set_num_threads 1", "1"),
    ("torch::get_num_threads", "1"),
    ("lrange [torch::memory_stats] 0 8", "live 0 pinned 0 bytes 0 peak 0 kept"),
    ("torch::empty_cache; torch::empty_cache", "0"),
    ("torch::tensor_list", ""),
    ("torch::help torch::roiAlign", "torch::roi_align - *"),
    ("torch::help", "Operators:*"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), RESULTS)
def test_what_a_command_gives(tcl, script, expected):
    """One call, one result; `*` stands for more text."""
    result = tcl(script)
    assert result.startswith(expected[:-1]) if expected.endswith("*") else result == expected


def test_what_others_tell_numpy_changes_no_text(tcl):
    """Packages in the same process may set NumPy's options."""
    script = (
        "list [torch::tensor_print [torch::tensor_create {1.5 -2 nan inf 1e-9}]]"
        " [torch::tensor_item [torch::full 1 0.1 float64] -precision full]"
        " [torch::tensor_item [torch::full 1 12345678 float32] -precision full]"
    )
    expected = tcl(script)
    options = {"precision": 1, "nanstr": "NA", "infstr": "oo", "sign": "+", "suppress": True, "floatmode": "fixed"}
    with np.printoptions(linewidth=20, formatter={"float_kind": "{:11.5g}".format}, **options):
        assert tcl(script) == expected
    with np.printoptions(legacy="1.13"):
        assert tcl(script) == expected


ERRORS = [
    ("torch::tensor_create {1 2} -requiresGrad true", "Invalid requiresGrad value: gradients are not recorded"),
    ("torch::tensor_create {{1 2} {3}}", "Invalid data value: the lists are ragged: length 1 at {1}, length 2 before"),
    ("torch::tensor_create {{{1} {2}} {{3}}}", "Invalid data value: the lists are ragged"),
    ("torch::tensor_create {1 {2 3}}", 'Invalid data value: expected a number at {1}, got "2 3"'),
    ("torch::tensor_create {1 two}", 'Invalid data value: expected a number at {1}, got "two"'),
    ("torch::tensor_create {1 300} uint8", "Invalid data value: UInt8 holds 0 to 255, got 300"),
    ("torch::tensor_create {-1} uint8", "Invalid data value: UInt8 holds 0 to 255, got -1"),
    ("torch::tensor_create 3000000000 int32", "Invalid data value: Int32 holds"),
    ("torch::tensor_create 1e300", "Invalid data value: Float32 holds -3.4028e+38 to 3.4028e+38, got 1e+300"),
    ("torch::tensor_create {1 70000} half", "Invalid data value: Float16 holds -65504 to 65504, got 70000.0"),
    ("torch::tensor_create 1.5 int64", "Invalid data value: expected a whole number"),
    ("torch::tensor_create nan int64", "Invalid data value: expected a whole number of 64 bits"),
    ("torch::tensor_create 1e30 int64", "Invalid data value: expected a whole number of 64 bits"),
    ("torch::tensor_create {1 2 3} {2 2}", "Invalid shape value: [2, 2] has 4 elements, the data 3"),
    (
        "torch::tensor_create [string repeat \\{ 40]1[string repeat \\} 40]",
        "Invalid data value: expected at most 32 nested",
    ),
    ("torch::full 2 300 uint8", "Invalid value value: UInt8 holds 0 to 255, got 300"),
    ("torch::arange 0 5 0", "Invalid step value: expected a number other than 0"),
    ("torch::arange 1e300", "Invalid end value: "),
    ("torch::arange 0 300 1 uint8", "Invalid end value: UInt8 holds"),
    ("torch::eye 10000000000", "Invalid n value: "),
    on_64_bits("torch::eye 3000000", "Out of memory: "),
    ("torch::rand 3 int32", "Invalid dtype value: expected a floating type"),
    ("torch::randint 5 5 3", "Invalid high value: expected an integer above low"),
    ("torch::randint 0 1000 100 uint8", "Invalid high value: UInt8 holds"),
    ("torch::manual_seed 9223372036854775808", "Invalid seed value: "),
    ("torch::zeros [lrepeat 33 1]", "Invalid shape value: expected at most 32 dimensions"),
    ("torch::tensor_item [torch::zeros 2]", "Invalid input tensor: expected exactly one element, got shape [2]"),
    (
        "torch::allclose [torch::zeros 2] [torch::zeros 3]",
        "Invalid other tensor: shape [3] does not broadcast with [2]",
    ),
    ("torch::tensor_reshape [torch::zeros 6] {-1 -1}", "Invalid shape value: "),
    ("torch::tensor_reshape [torch::zeros 6] {4 -1}", "Invalid shape value: 6 elements do not fill [4, -1]"),
    ("torch::tensor_reshape [torch::zeros 6] {-2 3}", "Invalid shape value: "),
    ("torch::tensor_reshape [torch::zeros 0] {0 -1}", "Invalid shape value: "),
    ("torch::tensor_permute [torch::zeros {2 3}] {0 0}", "Invalid dims value: expected each of 0 to 1 once"),
    ("torch::tensor_permute [torch::zeros {2 3}] {0 -3}", "Invalid dims value: "),
    ("torch::tensor_slice [torch::zeros 3] 1 0", "Invalid dim value: expected -1 to 0, got 1"),
    ("torch::tensor_slice [torch::zeros {}] 0 0", "Invalid dim value: expected none"),
    ("torch::tensor_cat [list [torch::zeros 2] [torch::zeros {2 2}]]", "Invalid tensors tensor: "),
    ("torch::tensor_cat [list [torch::zeros 2] [torch::zeros 2 half]]", "Invalid tensors tensor: "),
    ("torch::tensor_cat [list [torch::zeros {}]]", "Invalid dim value: "),
    ("torch::tensor_stack [list [torch::zeros 2] [torch::zeros 3]]", "Invalid tensors tensor: "),
    ("torch::tensor_to [torch::full 1 300] uint8", "Invalid input tensor: UInt8 holds 0 to 255, got 300.0"),
    ("torch::tensor_to [torch::tensor_create {{NaN}}] int32", "Invalid input tensor: Int32 holds"),
    (
        "torch::tensor_add [torch::zeros 2] [torch::zeros 3]",
        "Invalid other tensor: shape [3] does not broadcast with [2]",
    ),
    ("torch::tensor_add [torch::zeros 2 uint8] 300", "Invalid other tensor: UInt8 holds 0 to 255, got 300"),
    on_64_bits("torch::tensor_add [torch::zeros {1000000 1}] [torch::zeros {1 1000000}]", "Out of memory: "),
    ("torch::tensor_sum [torch::zeros {2 3}] 2", "Invalid dim value: expected -2 to 1, got 2"),
    ("torch::tensor_max [torch::zeros {0 3}]", "Invalid input tensor: expected at least one element"),
    ("torch::tensor_max [torch::zeros {0 3}] 0", "Invalid input tensor: expected at least one element"),
    ("torch::set_num_threads 5000", "Invalid threads value: "),
    (
        "torch::help crop",
        'Invalid command value: there is no command "crop"; torch::help -search crop looks for the word',
    ),
    (
        "torch::nms {{1,2,3,4}} 1 0.5",
        'Invalid boxes tensor: expected a number at {0}, got "1,2,3,4"; numbers are separated by spaces, not by commas',
    ),
    ("torch::help roi_alig", 'Invalid command value: there is no command "roi_alig"; did you mean torch::roi_align?'),
]


@pytest.mark.parametrize(("script", "begins"), ERRORS)
def test_what_a_command_refuses(tcl, script, begins):
    """Wrong shapes and ranges, each with its rule."""
    assert tcl.error(script).startswith(begins)


def test_random_numbers_come_again_after_a_seed(tcl):
    """All random commands draw from one generator, which is the interpreter's own."""
    draw = "[torch::rand 3] [torch::randn 3 float64] [torch::randint 0 100 3] [torch::rand 3 half]"
    script = f"torch::manual_seed 7; lmap t [list {draw}] {{torch::tensor_to_list $t}}"
    first = tcl(script)
    assert tcl(script) == first
    assert tcl(script.replace("7", "8")) != first


def test_random_numbers_have_their_distribution(tcl):
    """Mean and spread, and bounds that are kept."""
    tcl.run("torch::manual_seed 1")
    uniform = np.array(tcl.floats("torch::rand 20000"))
    normal = np.array(tcl.floats("torch::randn 20000"))
    whole = np.array(tcl.floats("torch::randint -2 3 20000"))
    assert 0 <= uniform.min() < uniform.max() < 1
    assert max(tcl.floats("torch::rand 50000 half")) < 1  # of which rounding would make 1 a dozen times
    assert abs(uniform.mean() - 0.5) < 0.02
    assert abs(normal.mean()) < 0.03
    assert abs(normal.std() - 1) < 0.03
    assert sorted(set(whole)) == [-2, -1, 0, 1, 2]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_list_of_numbers_reads_back_the_same(tcl, dtype):
    """As few digits as tell the numbers apart, and no fewer."""
    tcl.run(f"torch::manual_seed 3; set x [torch::tensor_mul [torch::randn 2000 {dtype}] 1000]")
    tcl.run(f"set y [torch::tensor_create [torch::tensor_to_list $x] {dtype}]")
    assert tcl("torch::allclose $x $y 0 0") == "1"


def test_a_long_tensor_is_shortened_in_the_middle(tcl):
    """For people; the list has all of it."""
    text = tcl("torch::tensor_print [torch::arange 100000]")
    assert "..." in text
    assert len(text) < 300
    assert len(tcl.floats("torch::arange 100000")) == 100000
