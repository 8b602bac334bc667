"""The errors that the comments of roi.h list for a function are those that calls with one wrong argument return.

Calls go through roi_flat.h, whose functions have the same statuses. ROI_ERROR_STRUCT_SIZE does not exist there, and has
its own test in C; nothing here exhausts memory.
"""

from __future__ import annotations

import ctypes
import math
import pathlib
import re

import numpy as np
import pytest

import pyroi

LIBRARY = ctypes.CDLL(pyroi.get_library())
INCLUDE = pathlib.Path(pyroi.get_include())
HEADER = (INCLUDE / "roi.h").read_text("utf-8")
NUMBERS = {"int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64, "double": ctypes.c_double}
STATUS = re.compile(r"^    (ROI_(?:SUCCESS|CANCELLED|ERROR_\w+)) = (\d+)", re.MULTILINE)
NAMES = {int(number): name for name, number in STATUS.findall(HEADER)}

#: What a call with one wrong argument does not provoke.
NOT_TRIED = {"ROI_ERROR_STRUCT_SIZE", "ROI_ERROR_MEMORY"}
#: A valid array lies at the beginning of so many zeros, so that a size that is 1 too large stays within.
ROOM = 1 << 14


# ---- What the header lists -------------------------------------------------------------------------------------------

FUNCTION = re.compile(r"/\*((?:(?!\*/).)*)\*/\s*ROI_API roi_status (\w+)\(", re.DOTALL)


def sections():
    """For each operator the part of its comment about errors, without the asterisks."""
    found = {}
    for comment, name in FUNCTION.findall(HEADER):
        text = re.sub(r"\n \*? ?", "\n", comment)
        found[name] = text.partition("Errors:")[2]
    return found


SECTIONS = sections()


def listed(name):
    """The names of the statuses that a comment lists, with those of the function that it refers to."""
    text = SECTIONS[name]
    names = set(re.findall(r"\bROI_(?:CANCELLED|ERROR_\w+)", text))
    for other in re.findall(r"\bas (roi_\w+)", text, re.IGNORECASE):
        names |= listed(other)
    left_out = re.search(r"\bwithout ((?:ROI_ERROR_\w+(?:,| and)?\s*)+)", text)
    return names - set(re.findall(r"ROI_\w+", left_out[1])) if left_out else names


# ---- Calls with one wrong argument -----------------------------------------------------------------------------------


def signatures():
    """Function, then name and type of each argument, as roi_flat.h declares them."""
    text, found = (INCLUDE / "roi_flat.h").read_text("utf-8"), {}
    for name, arguments in re.findall(r"^ROI_API int32_t (\w+)_flat\((.*?)\);", text, re.DOTALL | re.MULTILINE):
        parts = [re.fullmatch(r"(.*?)(\w+)", " ".join(part.split())) for part in arguments.split(",")]
        found[name] = {part[2]: NUMBERS.get(part[1].strip(), ctypes.c_void_p) for part in parts}
    return found


SIGNATURES = signatures()


def status(name, given):
    """The name of the status of a call; arguments that are not given are 0 or NULL."""
    assert given.keys() <= SIGNATURES[name].keys(), given.keys() - SIGNATURES[name].keys()
    arguments = [
        value.ctypes.data_as(type) if isinstance(value := given.get(argument, 0), np.ndarray) else type(value)
        for argument, type in SIGNATURES[name].items()
    ]
    return NAMES[getattr(LIBRARY, f"{name}_flat")(*arguments)]


def zeros(*numbers, dtype=np.float64):
    """These numbers, and zeros behind them."""
    room = np.zeros(ROOM, dtype)
    room[: len(numbers)] = numbers
    return room


def array(name, shape, *, written=False, numbers=(), dtype=np.float64):
    """The arguments that stand for an array; of integers it has no element type."""
    given = {f"{name}_ret" if written else name: zeros(*numbers, dtype=dtype), f"{name}_shape": np.array(shape)}
    return given if dtype == np.int64 else {**given, f"{name}_dtype": 1}


def table(name, count, columns, *, numbers=()):
    """The arguments that stand for boxes, and their number."""
    rows = numbers or [0] * (count * columns)
    return {name: zeros(*rows), f"{name}_dtype": 1, f"{name}_count": count, f"{name}_columns": columns}


SCALE = {"spatial_scale": 2}
MAP, CROPS = (2, 4, 5, 5), (3, 4, 2, 2)
POOLED = {**array("input", MAP), **table("boxes", 3, 5), **array("output", CROPS, written=True), **SCALE}
SPREAD = {**array("grad", CROPS), **table("boxes", 3, 5), **array("input_grad", MAP, written=True), **SCALE}
BY_BIN = {**POOLED, **array("output", (3, 1, 2, 2), written=True)}
SPREAD_BY_BIN = {**SPREAD, **array("grad", (3, 1, 2, 2))}
ROTATED = {**POOLED, **table("boxes", 3, 6)}
SPREAD_ROTATED = {**SPREAD, **table("boxes", 3, 6)}
WHOLE, SMALL = array("input", (1, 2, 6, 6)), array("output", (1, 2, 3, 3), written=True)
SPREAD_WHOLE = {**array("grad", (1, 2, 3, 3)), **array("input_grad", (1, 2, 6, 6), written=True)}
PLACES = {"shape": (1, 2, 3, 3), "dtype": np.int64}
PAIRS = {**table("boxes1", 2, 4), **table("boxes2", 3, 4), **array("iou", (1, 1, 2, 3), written=True)}
ROTATED_PAIRS = {**PAIRS, **table("boxes1", 2, 5), **table("boxes2", 3, 5)}
SCORED = {**table("boxes", 3, 4), "scores": zeros(1, 1, 1), "scores_dtype": 1, "scores_count": 3, "scores_stride": 1}
SCORED |= {"kept_ret": zeros(dtype=np.int64), "count_ret": zeros(dtype=np.int64), "max_output": -1}
SOFT = {key: value for key, value in SCORED.items() if key != "max_output"}
LEVELS = {"num_levels": 2, "canonical_level": 2, "canonical_scale": 224}
FEATURES = [zeros(), zeros()]
MULTISCALE = {key: value for key, value in POOLED.items() if not key.startswith("input")} | LEVELS | {
    "features": np.array([level.ctypes.data for level in FEATURES], np.uintp),
    "features_dtype": 1,
    "features_shape": np.array([(2, 4, 5, 5), (2, 4, 3, 3)]),
    "spatial_scales": np.array([2, 1.0]),
}  # fmt: skip

#: A valid call of each operator, with all that is needed.
VALID = {
    "roi_align": POOLED,
    "roi_align_backward": SPREAD,
    "roi_assign_levels": {**LEVELS, **table("boxes", 3, 5), "levels_ret": zeros(dtype=np.int64)},
    "roi_align_multiscale": MULTISCALE,
    "roi_prroi_pool": POOLED,
    "roi_prroi_pool_backward": {**SPREAD, **array("input", MAP), "box_grad_ret": zeros()},
    "roi_resize": {**WHOLE, **SMALL},
    "roi_resize_backward": SPREAD_WHOLE,
    "roi_adaptive_max_pool": {**WHOLE, **SMALL, **array("argmax", **PLACES, written=True)},
    "roi_adaptive_max_pool_backward": {**SPREAD_WHOLE, **array("argmax", **PLACES)},
    "roi_grid_sample": {
        **array("input", (1, 2, 6, 6)), **array("grid", (1, 3, 3, 2)), **array("output", (1, 2, 3, 3), written=True)
    },
    "roi_affine_grid": {**array("theta", (1, 2, 3, 1)), **array("grid", (1, 3, 3, 2), written=True)},
    "roi_normalize": {
        **array("image", (1, 2, 3, 3)),
        **array("mean", (1, 2, 3, 3)),
        **array("std", (1, 2, 3, 3), numbers=[1] * 18),
        **array("output", (1, 2, 3, 3), written=True),
    },
    "roi_box_iou": PAIRS,
    "roi_box_iou_rotated": ROTATED_PAIRS,
    "roi_nms": SCORED,
    "roi_nms_rotated": {**SCORED, **table("boxes", 3, 5)},
    "roi_soft_nms": {**SOFT, "sigma": 0.5, "scores_ret": zeros()},
    "roi_masks_to_boxes": {
        "masks": zeros(dtype=np.uint8),
        "shape": np.array((2, 3, 3)),
        "strides": np.array((9, 3, 1)),
        "boxes_ret": zeros(dtype=np.float32),
    },
    "roi_pool": {**POOLED, **array("argmax", CROPS, written=True, dtype=np.int64)},
    "roi_pool_backward": {**SPREAD, **array("argmax", CROPS, dtype=np.int64)},
    "roi_ps_roi_align": BY_BIN,
    "roi_ps_roi_align_backward": SPREAD_BY_BIN,
    "roi_ps_roi_pool": BY_BIN,
    "roi_ps_roi_pool_backward": SPREAD_BY_BIN,
    "roi_align_rotated": ROTATED,
    "roi_align_rotated_backward": SPREAD_ROTATED,
}  # fmt: skip

WRONG_NUMBERS = [math.nan, math.inf, -math.inf, -1, 0, 7, 1e-308, 1.5e308]


def changed(value, at, number):
    """A copy of an array with another number at one place."""
    other = value.copy()
    other.reshape(-1)[at] = number
    return other


def wrong_values(argument, value):
    """Values to pass for an argument instead of a valid one."""
    if argument == "features":
        yield 0
    elif isinstance(value, np.ndarray) and value.dtype == np.int64 and value.size < 20:  # a shape or strides
        yield 0
        if argument.endswith("_shape"):
            for at, valid in enumerate(value.flat):
                yield from (changed(value, at, size) for size in (-1, 2**62, valid + 1))
        elif argument == "shape":  # of masks, whose number has no bound
            yield from (changed(value, at, size) for at in (1, 2) for size in (-1, 2**24 + 1))
    elif isinstance(value, np.ndarray):
        yield 0
        wrong = [-2, 2**40] if value.dtype == np.int64 else WRONG_NUMBERS if value.dtype == np.float64 else []
        yield from (changed(value, at, number) for at in range(6) for number in wrong if at < value.size)
    elif argument.endswith("_dtype"):
        yield from (0, 2, 3, 4, -1)
    elif argument.endswith("_columns"):
        yield from (3, 4, 5, 6)
    elif isinstance(value, int) and argument.endswith(("_count", "num_levels")):
        yield from (-1, 0)


SETTINGS = {ctypes.c_int32: [-1, 1, 2, 4, 99], ctypes.c_int64: [-1, 129], ctypes.c_double: WRONG_NUMBERS}
STRUCTURE = re.compile(r"_(shape|strides|dtype|count|columns|stride|ret|index)$|^error_|num_levels")


def seen(name):
    """The statuses of all calls with one wrong argument, and of one with the flag to cancel it."""
    valid, found = VALID[name], set()
    for argument, type in SIGNATURES[name].items():
        wrong = list(wrong_values(argument, valid[argument])) if argument in valid else []
        if type in SETTINGS and not STRUCTURE.search(argument):
            wrong += SETTINGS[type]
        found |= {status(name, {**valid, argument: value}) for value in wrong}
        if argument.endswith("_batch_index"):
            found.add(status(name, {**valid, argument: zeros(dtype=np.int64)}))
    if "cancel" in SIGNATURES[name]:
        found.add(status(name, {**valid, "cancel": np.ones(1, np.int32)}))
    return found - {"ROI_SUCCESS"}


# ---- Tests -----------------------------------------------------------------------------------------------------------


def test_each_operator_lists_its_errors():
    """The comment of every function that returns a status has a part about errors, and there is a valid call of it."""
    names = re.findall(r"ROI_API roi_status (\w+)\(", HEADER)
    assert sorted(names) == sorted(VALID) == sorted(SECTIONS)
    assert [name for name in names if not SECTIONS[name]] == []
    assert all(status(name, VALID[name]) == "ROI_SUCCESS" for name in names)


@pytest.mark.parametrize("name", VALID)
def test_errors_of(name):
    """What is listed is returned, and nothing else."""
    assert sorted(seen(name)) == sorted(listed(name) - NOT_TRIED)


def test_struct_sizes():
    """The operators that take a struct of parameters, and only these, list an unknown size of it."""
    for name in VALID:
        takes_struct = re.search(rf"{name}\(const roi_\w+_params \*", HEADER) is not None
        assert ("ROI_ERROR_STRUCT_SIZE" in listed(name)) == takes_struct, name


def test_every_error_is_listed():
    """Each number of roi_status is an error of some function, and each name in a list is one of roi_status."""
    names = set().union(*map(listed, VALID))
    assert names == set(NAMES.values()) - {"ROI_SUCCESS"}


def test_reading_lists():
    """A list that refers to another function has the names of that one, except those that it leaves out."""
    assert listed("roi_align") - listed("roi_prroi_pool") == {"ROI_ERROR_MODE"}
    assert listed("roi_box_iou_rotated") - listed("roi_box_iou") == {"ROI_ERROR_SIDE"}
