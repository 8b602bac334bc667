"""The operators without structs, by ctypes, from their own header: the same bits, the same errors as those of roi.h."""

from __future__ import annotations

import ctypes
import pathlib
import re

import numpy as np
import pytest

import pyroi

LIBRARY = ctypes.CDLL(pyroi.get_library())
HEADER = pathlib.Path(pyroi.get_include(), "roi_flat.h").read_text("utf-8")
STRUCTS = pathlib.Path(pyroi.get_include(), "roi.h").read_text("utf-8")
NUMBERS = {"int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64, "double": ctypes.c_double}
CODES = {np.dtype(np.float32): 0, np.dtype(np.float64): 1, np.dtype(np.float16): 2}  # roi_dtype
RNG = np.random.default_rng(19)
MAP = RNG.standard_normal((2, 3, 17, 23)).astype(np.float32)
BOXES = np.array([[0, 1.5, 2, 14, 11], [1, 3, -4, 30, 9.5], [0, 5, 5, 5, 5]], np.float32)
SUCCESS, BATCH_INDEX, NULL, OVERFLOW, LEVELS, MEMORY = 0, 202, 100, 104, 404, 2


def signatures():
    """Function, then type and name of each argument, as the header says."""
    found = {}
    for name, text in re.findall(r"^ROI_API int32_t (\w+)\((.*?)\);", HEADER, re.DOTALL | re.MULTILINE):
        found[name] = [re.fullmatch(r"(.*?)(\w+)", " ".join(part.split())).groups() for part in text.split(",")]
    return found


SIGNATURES = signatures()


def call(name, **given):
    """The status of a call whose arguments that are not given are 0 or NULL: see roi.h for what that means."""
    types = {argument: NUMBERS.get(type.strip(), ctypes.c_void_p) for type, argument in SIGNATURES[name]}
    assert given.keys() <= types.keys(), given.keys() - types.keys()
    arguments = [
        value.ctypes.data_as(type) if isinstance(value := given.get(argument, 0), np.ndarray) else type(value)
        for argument, type in types.items()
    ]
    return getattr(LIBRARY, name)(*arguments)


def array(name, value, written=False, strides=False):
    """The arguments that stand for an array."""
    given = {f"{name}_ret" if written else name: value, f"{name}_shape": np.array(value.shape, np.int64)}
    if value.dtype != np.int64:
        given[f"{name}_dtype"] = CODES[value.dtype]
    if strides:
        given[f"{name}_strides"] = np.array(value.strides, np.int64) // value.itemsize
    return given


def table(name, value):
    """The arguments that stand for boxes."""
    return {
        name: value,
        f"{name}_dtype": CODES[value.dtype],
        f"{name}_count": len(value),
        f"{name}_columns": value.shape[1],
    }


def test_each_operator_has_its_twin():
    """Every function of roi.h that returns a status, and no other; without structs and enums by name."""
    names = re.findall(r"ROI_API roi_status (\w+)\(", STRUCTS)
    assert list(SIGNATURES) == [f"{name}_flat" for name in names]
    words = {word for arguments in SIGNATURES.values() for type, _ in arguments for word in re.findall(r"\w+", type)}
    assert words == {"const", "volatile", "void", "int32_t", "int64_t", "double", "uint8_t", "float"}


@pytest.mark.parametrize("dtype", CODES, ids=str)
def test_align(dtype):
    """With and without strides of its own, in every type NumPy has."""
    features = MAP.astype(dtype)
    expected = pyroi.roi_align(features, BOXES, (3, 4), 0.5, 2)
    for layout in (features, np.ascontiguousarray(features[..., ::-1])[..., ::-1]):
        result = np.empty((3, 3, 3, 4), dtype)
        given = {**array("input", layout, strides=layout is not features), **array("output", result, written=True)}
        assert (
            call("roi_align_flat", spatial_scale=0.5, sampling_ratio=2, aligned=1, **given, **table("boxes", BOXES))
            == 0
        )
        np.testing.assert_array_equal(result, expected)


def test_batch_index_apart():
    """Boxes of four columns, strided, and their images."""
    wide, images = np.repeat(BOXES[:, 1:], 2, 1), BOXES[:, 0].astype(np.int64)
    result = np.empty((3, 3, 2, 2), np.float32)
    given = {**array("input", MAP), **array("output", result, written=True), **table("boxes", wide)}
    given |= {"boxes_columns": 4, "boxes_strides": np.array([8, 2], np.int64), "boxes_batch_index": images}
    assert call("roi_align_flat", spatial_scale=1, aligned=1, **given) == SUCCESS
    np.testing.assert_array_equal(result, pyroi.roi_align(MAP, BOXES, 2))


def test_levels():
    """Several maps, one after the other; too few or too many are errors."""
    maps = [MAP, np.ascontiguousarray(MAP[..., ::2, ::2])]
    boxes = BOXES * np.float32([1, 20, 20, 20, 20])
    result = np.empty((3, 3, 2, 2), np.float32)
    pointers = np.array([level.ctypes.data for level in maps], np.uintp)
    given = {
        **{"features": pointers, "features_dtype": 0, "features_shape": np.array([level.shape for level in maps])},
        **{"spatial_scales": np.array([1 / 8, 1 / 16]), "canonical_level": 2, "canonical_scale": 224, "aligned": 1},
        **{**table("boxes", boxes), **array("output", result, written=True)},
    }
    assert call("roi_align_multiscale_flat", num_levels=2, **given) == SUCCESS
    np.testing.assert_array_equal(result, pyroi.multiscale_roi_align(maps, boxes, 2, [1 / 8, 1 / 16]))
    assert call("roi_align_multiscale_flat", num_levels=0, **given) == LEVELS
    assert call("roi_align_multiscale_flat", num_levels=-1, **given) == LEVELS
    assert call("roi_align_multiscale_flat", num_levels=2**62, **given) == MEMORY
    assert call("roi_align_multiscale_flat", num_levels=2, **{**given, "features": 0}) == NULL


def test_array_that_is_not_wanted():
    """A shape of NULL: one of two gradients, and no argmax."""
    boxes = BOXES[:, :5].copy()
    grad = RNG.standard_normal((3, 3, 2, 2)).astype(np.float32)
    of_boxes = np.empty((3, 4))
    given = {**array("grad", grad), **array("input", MAP), **table("boxes", boxes), "box_grad_ret": of_boxes}
    assert call("roi_prroi_pool_backward_flat", spatial_scale=1, **given) == SUCCESS
    expected = pyroi.prroi_pool_backward(grad, MAP, boxes, 1.0)[1][:, 1:]  # without that of the batch index, which is 0
    np.testing.assert_array_equal(of_boxes.astype(np.float32), expected)
    result = np.empty((3, 3, 2, 2), np.float32)
    given = {**array("input", MAP), **table("boxes", boxes), **array("output", result, written=True)}
    assert call("roi_pool_flat", spatial_scale=1, **given) == SUCCESS
    np.testing.assert_array_equal(result, pyroi.roi_pool(MAP, boxes, 2))
    places = np.empty((3, 3, 2, 2), np.int64)
    assert call("roi_pool_flat", spatial_scale=1, **given, **array("argmax", places, written=True)) == SUCCESS
    np.testing.assert_array_equal(places, pyroi.roi_pool(MAP, boxes, 2, return_argmax=True)[1])


def test_suppression():
    """Vectors and plain pointers."""
    boxes = RNG.uniform(0, 50, (200, 4))
    boxes[:, 2:] += boxes[:, :2]
    scores, classes = RNG.uniform(size=200), RNG.integers(0, 3, 200)
    kept, count = np.empty(200, np.int64), np.empty(1, np.int64)
    given = {**table("boxes", boxes), "scores": scores, "scores_dtype": 1, "scores_count": 200, "scores_stride": 1}
    given |= {"iou_threshold": 0.4, "score_threshold": 0.1, "max_output": -1, "classes": classes}
    assert call("roi_nms_flat", kept_ret=kept, count_ret=count, **given) == SUCCESS
    assert kept[: count[0]].tolist() == pyroi.batched_nms(boxes, scores, classes, 0.4, 0.1).tolist()


def test_errors_tell_the_row():
    """What roi_error says, each part only if it is asked for; nothing is written."""
    wrong = BOXES.copy()
    wrong[2, 0] = 7
    result = np.full((3, 3, 2, 2), 5, np.float32)
    row, column, value = np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1)
    given = {
        **array("input", MAP),
        **table("boxes", wrong),
        **array("output", result, written=True),
        "spatial_scale": 1,
    }
    told = {"error_row_ret": row, "error_column_ret": column, "error_value_ret": value}
    assert call("roi_align_flat", **given, **told) == BATCH_INDEX
    assert (row[0], column[0], value[0]) == (2, 0, 7)
    assert call("roi_align_flat", **given) == BATCH_INDEX
    assert (result == 5).all()


@pytest.mark.parametrize("shape", [(2**62, 3, 4, 4), (2, 2**40, 2**40, 4), (2**31, 2**31, 2, 2)])
def test_shapes_that_overflow(shape):
    """Where strides are not given they are computed; a product that does not fit is an error, and reads nothing."""
    given = {
        **array("input", MAP),
        **table("boxes", BOXES),
        **array("output", np.empty((3, 3, 2, 2), np.float32), True),
    }
    given["input_shape"] = np.array(shape, np.int64)
    assert call("roi_align_flat", spatial_scale=1, **given) == OVERFLOW


@pytest.mark.parametrize("name", SIGNATURES)
def test_nothing_given(name):
    """All arguments 0 or NULL: an error of its own kind, and no crash."""
    assert call(name) != SUCCESS
