"""Non-maximum suppression (NMS): keeps the box with the highest score among boxes that overlap."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import SoftMethod
from pyroi.arrays import (
    DTYPE_CODES,
    Array,
    address,
    cast,
    choice,
    is_integer,
    shape_text,
    to_floats,
    to_integer,
    to_number,
    to_numbers,
    widen,
)
from pyroi.box_table import BoxTable, to_rows
from pyroi.errors import ArgumentError
from pyroi.memory import retrying
from pyroi.native import ffi, lib

__all__ = ["batched_nms", "nms", "nms_rotated", "soft_nms"]

AnyArray = TypeVar("AnyArray", bound=Any)  # of NumPy or of another library

_METHODS = {"gaussian": lib.ROI_SOFT_GAUSSIAN, "linear": lib.ROI_SOFT_LINEAR}
_PARAMS = ffi.typeof("roi_nms_params *")
_PARAMS_SIZE = ffi.sizeof("roi_nms_params")
_SOFT_PARAMS = ffi.typeof("roi_soft_nms_params *")
_SOFT_PARAMS_SIZE = ffi.sizeof("roi_soft_nms_params")
_VECTOR = ffi.typeof("roi_vector *")
_COUNT = ffi.typeof("int64_t *")


@retrying
def nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float,
    score_threshold: float | None = None,
    *,
    max_output: int | None = None,
) -> npt.NDArray[np.int64]:
    """Keeps the box with the highest score among boxes that overlap: non-maximum suppression (NMS).

    The boxes are visited by decreasing score; a box is kept if its intersection over union with every box kept before
    is at most `iou_threshold`.

    Args:
        boxes: ``[N, 4]``, rows ``x1, y1, x2, y2``, in any unit. A box with ``x2 < x1`` or ``y2 < y1`` has no area; it
            suppresses no other box and is not suppressed.
        scores: ``[N]``. Boxes of equal score are visited in their order.
        iou_threshold: From 0 to 1. An IoU equal to it does not suppress.
        score_threshold: If given, boxes whose score is not above it are removed first.
        max_output: If given, the largest number of boxes to keep.

    Returns:
        int64 ``[kept]``: indices into `boxes` as given (also with a score threshold), by decreasing score.

        IoU is evaluated in float64 whatever the type of the boxes, so that the result does not depend on the type, the
        processor or the number of threads. Time grows as n log n if few boxes overlap.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, a coordinate that is not finite, or a score that is NaN; the message names
            the argument, the rule, the value and its row.

    Source:
        R. Girshick et al., "Rich feature hierarchies for accurate object detection", 2014, section 2; the strict
        comparison and the order of equal scores as in torchvision and in the ONNX operator NonMaxSuppression.

    Example:
        >>> import pyroi
        >>> pyroi.nms([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]], [0.9, 0.8, 0.7], 0.5)
        array([0, 2])
    """
    return _keep(lib.roi_nms, to_rows(boxes, "boxes", 4), scores, None, iou_threshold, score_threshold, max_output)


@retrying
def nms_in_own_type(boxes: npt.ArrayLike, scores: npt.ArrayLike, iou_threshold: float) -> npt.NDArray[np.int64]:
    """:func:`nms` that evaluates IoU in the type of the boxes, if that is float32, and compares it in float64.

    This is torchvision's rule. It differs for pairs whose IoU is within rounding of the threshold.
    """
    return _keep(lib.roi_nms, to_rows(boxes, "boxes", 4), scores, None, iou_threshold, None, None, in_float=True)


@retrying
def batched_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    idxs: npt.ArrayLike,
    iou_threshold: float,
    score_threshold: float | None = None,
    *,
    max_output: int | None = None,
) -> npt.NDArray[np.int64]:
    """:func:`nms` class by class: boxes of different classes do not suppress each other.

    Only boxes of equal class number are compared. Coordinates are not changed. Libraries that add an offset to the
    boxes of each class lose digits, and are wrong for negative coordinates and large class numbers.

    Args:
        boxes: As for :func:`nms`.
        scores: As for :func:`nms`.
        idxs: ``[N]``, the class of each box: any integers.
        iou_threshold: As for :func:`nms`.
        score_threshold: As for :func:`nms`.
        max_output: If given, the largest number of boxes to keep, over all classes.

    Returns:
        int64 ``[kept]``: indices into `boxes` as given, by decreasing score over all classes.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: As for :func:`nms`, or a class that is not a whole number.

    Example:
        >>> import pyroi
        >>> boxes = [[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]]
        >>> pyroi.batched_nms(boxes, [0.9, 0.8, 0.7], [1, 2, 1], 0.5)
        array([0, 1, 2])

    Source:
        The definition in torchvision's ``batched_nms``.
    """
    rows = to_rows(boxes, "boxes", 4)
    classes = _to_classes(idxs, len(rows))
    return _keep(lib.roi_nms, rows, scores, classes, iou_threshold, score_threshold, max_output)


@retrying
def nms_rotated(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float,
    score_threshold: float | None = None,
    *,
    max_output: int | None = None,
) -> npt.NDArray[np.int64]:
    """:func:`nms` of rotated boxes.

    Args:
        boxes: ``[N, 5]``, rows ``cx, cy, w, h, angle`` as for :func:`box_iou_rotated`.
        scores: As for :func:`nms`.
        iou_threshold: As for :func:`nms`.
        score_threshold: As for :func:`nms`.
        max_output: As for :func:`nms`.

    Returns:
        int64 ``[kept]``: indices into `boxes` as given, by decreasing score.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: As for :func:`nms`, or a side below 0.

    Example:
        >>> import pyroi
        >>> boxes = [[50, 50, 80, 10, 45], [50, 50, 80, 10, -45], [51, 50, 80, 10, 44]]
        >>> pyroi.nms_rotated(boxes, [0.9, 0.8, 0.7], 0.5)
        array([0, 1])

    Source:
        The definition in Detectron2's ``nms_rotated``.
    """
    rows = to_rows(boxes, "boxes", 5)
    return _keep(lib.roi_nms_rotated, rows, scores, None, iou_threshold, score_threshold, max_output)


@retrying
def soft_nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    method: SoftMethod = "gaussian",
    sigma: float = 0.5,
    iou_threshold: float = 0.3,
    score_threshold: float = 0.001,
) -> tuple[npt.NDArray[np.int64], Array]:
    """Soft non-maximum suppression: boxes that overlap a kept one are given a lower score instead of being removed.

    The box with the highest score is kept (the first one among equal scores), and the scores of the boxes that overlap
    it are lowered. This is repeated until no remaining score is above `score_threshold`.

    Args:
        boxes: As for :func:`nms`.
        scores: ``[N]``, finite.
        method: The factor of the scores. ``"gaussian"``: ``exp(-IoU**2 / sigma)``. ``"linear"``: ``1 - IoU`` if the IoU
            is above `iou_threshold`.
        sigma: The parameter of the Gaussian, above 0. Not used by ``"linear"``.
        iou_threshold: From 0 to 1. Not used by ``"gaussian"``.
        score_threshold: Boxes whose score is not above it, at first or after it has been lowered, are removed.

    Returns:
        Indices int64 ``[kept]`` into `boxes` as given, and the new scores ``[kept]`` in the floating type of `scores`,
        computed in float64; both by decreasing new score.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, an unknown method, or a number that is not finite, with its row.

    Example:
        >>> import pyroi
        >>> boxes = [[0, 0, 10, 10], [0, 0, 10, 8], [20, 20, 30, 30]]
        >>> kept, scores = pyroi.soft_nms(boxes, [0.9, 0.8, 0.7], method="linear")
        >>> kept
        array([0, 2, 1])
        >>> scores.round(3)
        array([0.9 , 0.7 , 0.16])

    Source:
        N. Bodla et al., "Soft-NMS: Improving Object Detection With One Line of Code", 2017, equations 2 and 3.
    """
    rows = to_rows(boxes, "boxes", 4)
    given = _to_scores(scores, len(rows))
    facts = {
        "sigma": to_number(sigma, "sigma"),
        "iou_threshold": to_number(iou_threshold, "iou_threshold"),
        "score_threshold": to_number(score_threshold, "score_threshold"),
    }
    params = ffi.new(
        _SOFT_PARAMS, (_SOFT_PARAMS_SIZE, choice(method, "method", _METHODS), *facts.values(), native.cancel_flag())
    )
    kept = np.empty(len(rows), np.int64)
    lowered = np.empty(len(rows), np.float64)
    count = ffi.new(_COUNT)
    numbers = widen(given)
    native.call(
        lib.roi_soft_nms,
        params,
        rows.describe(),
        _describe_vector(numbers),
        _pointer(kept),
        ffi.from_buffer("double[]", lowered),
        count,
        boxes=rows,
        score_kind="a finite number",
        **facts,
    )
    return kept[: count[0]].copy(), cast(lowered[: count[0]], given.dtype)


# ---- Arguments -------------------------------------------------------------------------------------------------------


def _to_scores(value: Any, count: int) -> Array:
    return one_per_box(to_floats(value, "scores", np.float64), "scores", count)


def one_per_box(array: AnyArray, name: str, count: int) -> AnyArray:
    """The array, after a check that its shape is [count]."""
    if array.shape != (count,):
        raise ArgumentError(name, f"expected [{count}], one for each box, got {shape_text(array.shape)}")
    return array


def _to_classes(value: Any, count: int) -> npt.NDArray[np.int64]:
    """Classes as int64. Floating types are accepted if the values are whole numbers."""
    given = one_per_box(to_numbers(value, "idxs"), "idxs", count)
    if is_integer(given.dtype):
        return np.ascontiguousarray(given, np.int64)
    numbers = given.astype(np.float64)  # 2^63 is beyond the range of float16
    wrong = np.flatnonzero(~(np.abs(numbers) < 2.0**63) | (numbers != np.floor(numbers)))
    if wrong.size:
        raise ArgumentError("idxs", f"row {wrong[0]}: expected a whole number, got {numbers[wrong[0]]}")
    return numbers.astype(np.int64)


def _describe_vector(array: Array) -> Any:
    stride = array.strides[0] // array.itemsize
    return ffi.new(_VECTOR, (address(array), DTYPE_CODES[array.dtype], len(array), stride))


def _pointer(array: npt.NDArray[np.int64]) -> Any:
    return ffi.from_buffer("int64_t[]", array)


def _to_limit(max_output: Any) -> int:
    """The limit as libroi takes it: -1 stands for none."""
    if max_output is None:
        return -1
    limit = to_integer(max_output, "max_output")
    if limit < 0:
        raise ArgumentError("max_output", f"expected 0 or more, got {limit}")
    return limit


def _keep(
    function: Any,
    rows: BoxTable,
    scores: Any,
    classes: npt.NDArray[np.int64] | None,
    iou_threshold: Any,
    score_threshold: Any,
    max_output: Any,
    *,
    in_float: bool = False,
) -> npt.NDArray[np.int64]:
    """Calls libroi for any form of hard suppression."""
    numbers = widen(_to_scores(scores, len(rows)))
    iou_limit = to_number(iou_threshold, "iou_threshold")
    score_limit = -math.inf if score_threshold is None else to_number(score_threshold, "score_threshold")
    limit = _to_limit(max_output)
    params = ffi.new(_PARAMS, (_PARAMS_SIZE, iou_limit, score_limit, limit, native.cancel_flag(), in_float))
    kept = np.empty(len(rows) if limit < 0 else min(len(rows), limit), np.int64)
    count = ffi.new(_COUNT)
    native.call(
        function,
        params,
        rows.describe(),
        _describe_vector(numbers),
        ffi.NULL if classes is None else _pointer(classes),
        _pointer(kept),
        count,
        boxes=rows,
        score_kind="a number",
        iou_threshold=iou_limit,
        score_threshold=score_limit,
    )
    return kept[: count[0]].copy()
