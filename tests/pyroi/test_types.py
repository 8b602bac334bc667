"""Accepted element types: every array parameter of every function, with every type.

The result is that for the same numbers in float64, or a TypeError that names the parameter; Python warns of nothing.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from calls import GOOD, UPRIGHT

import pyroi
from pyroi.errors import ArgumentTypeError

pytestmark = pytest.mark.generated

INTEGERS = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4", "<u2", ">i8"]
FLOATS = ["float16", "float32", "float64", ">f2", ">f4", ">f8"]
OTHERS = ["complex64", "complex128", "M8[s]", "m8[s]", "O", "U3", "S3", "V4", "f4,f4", "f4,i2"]
if np.dtype(np.longdouble).itemsize > 8:
    OTHERS.append("longdouble")
INDICES = {"argmax", "indices"}  # which are integers


def ml_types():
    """Floating types of 8 bits and less, and integers of 4 and less: numbers for ml_dtypes, and not for pyroi."""
    ml = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    names = [name for name in dir(ml) if name.startswith(("float", "int", "uint"))]
    return [np.dtype(getattr(ml, name)) for name in names if isinstance(getattr(ml, name), type)]


def bfloat16():
    return pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed").bfloat16


def arrays():
    """Every parameter that is an array, or a list of one."""
    for name, good in GOOD.items():
        for parameter, value in good.items():
            if isinstance(value, np.ndarray) or parameter in {"features", "idxs", "mean", "scores", "std"}:
                yield pytest.param(name, parameter, id=f"{name}-{parameter}")


EACH = pytest.mark.parametrize(("name", "parameter"), list(arrays()))


def together(name, parameter):
    """The parameter, and one that must have the same type."""
    return {"grad", "input"} if name == "prroi_pool_backward" and parameter != "boxes" else {parameter}


def run(name, parameter, change):
    """The call with `change` made to the argument; of two maps that must have one type, to both."""
    given = dict(GOOD[name])
    for key in together(name, parameter):
        value = given[key]
        given[key] = [change(value[0])] if key == "features" else change(np.asarray(value))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return getattr(pyroi, name)(**given)


def numbers(result):
    parts = result if isinstance(result, tuple) else (result,)
    return [np.asarray(part, np.float64) for part in parts]


def cast(value, dtype):
    """The same numbers, or zeros for types that have no such numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return value.astype(dtype)
        except (TypeError, ValueError):
            return np.zeros(value.shape, dtype)


def refuses(name, parameter, change, rule):
    with pytest.raises(ArgumentTypeError, match=rule) as caught:
        run(name, parameter, change)
    assert caught.value.argument in together(name, parameter)


@EACH
def test_numbers(name, parameter):
    """Native or not, wide or narrow: the same numbers give the same result, to the digits that its type has."""
    types = [*INTEGERS[1:], *(() if parameter in INDICES else ("bool", *FLOATS, bfloat16()))]
    wide = np.int64 if parameter in INDICES else np.float64
    for dtype in types:
        ours = run(name, parameter, lambda value, dtype=dtype: cast(value, dtype))
        right = run(name, parameter, lambda value, dtype=dtype: cast(cast(value, dtype), wide))
        for mine, yours in zip(numbers(ours), numbers(right), strict=True):
            np.testing.assert_allclose(mine, yours, rtol=1e-2, atol=1e-2, err_msg=str(dtype))


@EACH
def test_no_numbers(name, parameter):
    """A TypeError that says what came."""
    others = [*OTHERS, *(("bool", *FLOATS) if parameter in INDICES else ()), *ml_types()]
    for dtype in others:
        refuses(name, parameter, lambda value, dtype=dtype: cast(value, dtype), "expected .*, got ")


# ---- Masks -----------------------------------------------------------------------------------------------------------


class Foreign:
    """An array of another library, with a mask or without."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        """As NumPy asks for it."""
        return self.array


@EACH
def test_masked_arrays(name, parameter):
    """Their mask cannot be heeded, so they are refused, with what to do; in lists, and behind __array__, too."""

    def masked(value):
        return np.ma.array(value, mask=np.arange(value.size).reshape(value.shape) == 0)

    for change in (masked, np.ma.array, lambda value: Foreign(masked(value)), lambda value: list(masked(value))):
        refuses(name, parameter, change, r"masked array; array.filled\(value\)")
    plain = run(name, parameter, lambda value: Foreign(value))
    for mine, yours in zip(numbers(plain), numbers(run(name, parameter, np.asarray)), strict=True):
        assert np.array_equal(mine, yours)


def test_masked_numbers():
    """One number that is masked is none: in a list of boxes, among the arrays of images, or where one is wanted."""
    hidden = np.ma.array(UPRIGHT, mask=UPRIGHT == 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for boxes in ([[0, 0, np.ma.masked, 2]], [hidden], [[hidden[0]]], ([1, 1, 2, 2], hidden[1])):
            with pytest.raises(TypeError, match="masked array"):
                pyroi.roi_align(np.ones((1, 1, 5, 5)), boxes, 2)
        for threshold in (np.ma.masked, np.ma.array(0.5), np.ma.array(0.5, mask=True)):
            with pytest.raises(TypeError, match="iou_threshold: expected a number"):
                pyroi.nms(UPRIGHT, [0.1, 0.2], threshold)
        for count in (np.ma.masked, np.ma.array(1), np.ma.array(1, mask=True)):
            with pytest.raises(TypeError, match="max_output: expected an integer"):
                pyroi.nms(UPRIGHT, [0.1, 0.2], 0.5, max_output=count)


def test_lists_that_hold_themselves():
    """Are no arrays, at whatever depth."""
    endless = [1.0]
    endless.append(endless)
    with pytest.raises(TypeError, match="boxes: cannot be converted to an array"):
        pyroi.box_area(endless)


# ---- One number ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [np.complex64(0.5), np.array([0.5]), np.array([[0.5]]), np.timedelta64(1), np.datetime64("2000-01-01"), b"0.5",
     np.array("0.5"), np.str_("0.5"), np.array(True), bytearray(b"0.5"), np.array(None)],
)  # fmt: skip
def test_what_is_not_one_number(value):
    """Though float() would take some of them, with a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match="iou_threshold: expected a number"):
            pyroi.nms(UPRIGHT, [0.1, 0.2], value)


@pytest.mark.parametrize("value", [np.float16(0.5), np.array(0.5), np.longdouble(0.5), np.float64(0.5), np.int8(1)])
def test_one_number(value):
    """Of any real type of NumPy's."""
    assert pyroi.nms(UPRIGHT, [0.1, 0.2], value).tolist() == [1, 0]


# ---- Numbers that are large for their type ---------------------------------------------------------------------------


def test_classes_of_every_type():
    """Two classes, by types in which 2^63 cannot be said, and with numbers that are no classes."""
    boxes, scores = np.tile(UPRIGHT[:1], (3, 1)), [0.3, 0.2, 0.1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dtype in (*INTEGERS, *FLOATS, bfloat16()):
            assert pyroi.batched_nms(boxes, scores, np.array([1, 0, 1]).astype(dtype), 0.5).tolist() == [0, 1]
        for dtype in ("float16", "float32", "float64", bfloat16()):
            for wrong in (np.inf, -np.inf, np.nan, 0.5):
                with pytest.raises(ValueError, match="idxs: row 1: expected a whole number, got"):
                    pyroi.batched_nms(boxes, scores, np.array([1, wrong, 1]).astype(dtype), 0.5)
        with pytest.raises(ValueError, match="idxs: row 1"):
            pyroi.batched_nms(boxes, scores, [0, 2.0**63, 0], 0.5)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_results_beyond_the_range_are_infinite(dtype):
    """Without a warning: the width of -most to most, and its area; but nothing times infinity is nothing."""
    most = np.finfo(dtype).max
    wide, line = np.array([[-most, 0, most, 2]], dtype), np.array([[-most, 1, most, 1]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right = np.inf if dtype != "float16" else 4 * float(most)  # whose areas are float32
        assert pyroi.box_area(wide).tolist() == [right]
        assert pyroi.box_area(line).tolist() == [0]
        assert pyroi.box_convert(wide, "xyxy", "xywh").tolist() == [[-most, 0, np.inf, 2]]
        assert pyroi.remove_small_boxes(wide, 2).tolist() == [0]
        assert pyroi.clip_boxes_to_image(wide, (2**60, 2**60))[0, 2] == min(float(most), 2**60)
        with pytest.raises(ValueError, match="mean: expected finite numbers, got inf"):
            pyroi.normalize_image(np.ones((1, 1, 1), np.float32), [1e39], [1])


def test_bfloat16_masks():
    """What is not 0 belongs to the mask, in every type of numbers."""
    masks = np.zeros((1, 4, 5))
    masks[0, 1:3, 2:4] = 0.5
    for dtype in (*FLOATS, bfloat16()):
        assert pyroi.masks_to_boxes(masks.astype(dtype)).tolist() == [[2, 1, 3, 2]]


def test_every_array_is_tried():
    """What is no array among the parameters of GOOD is a number, a shape, a word or a list of numbers."""
    tried = {(case.values[0], case.values[1]) for case in arrays()}
    rest = {parameter for name, good in GOOD.items() for parameter in good if (name, parameter) not in tried}
    assert rest == {
        "output_size", "input_shape", "size", "num_levels", "iou_threshold", "in_fmt", "out_fmt", "min_size",
        "spatial_scales",
    }  # fmt: skip
