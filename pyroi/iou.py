"""Overlap of boxes: intersection over union and its variants, for all pairs of boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pyroi import native
from pyroi.arrays import Array, describe, new_map
from pyroi.box_table import BoxTable, to_rows
from pyroi.memory import retrying
from pyroi.native import ffi, lib

__all__ = [
    "box_iof",
    "box_ios",
    "box_iou",
    "box_iou_rotated",
    "complete_box_iou",
    "distance_box_iou",
    "generalized_box_iou",
]

_PARAMS = ffi.typeof("roi_iou_params *")
_PARAMS_SIZE = ffi.sizeof("roi_iou_params")


@retrying
def box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike) -> Array:
    """Computes the intersection over union (IoU) of each pair of N and M boxes.

    Args:
        boxes1: ``[N, 4]``, rows ``x1, y1, x2, y2``, in any unit. A box with ``x2 < x1`` or ``y2 < y1`` has no area.
        boxes2: ``[M, 4]``, in the same format.

    Returns:
        ``[N, M]`` in the floating type of the boxes (float64 for integers; the wider of two types). The
        IoU of two boxes without area is 0, and that of a box that has an area with itself is exactly 1. float32 is
        computed in float32 as long as the areas fit in that type, to a few units in the last place; 16-bit types are
        computed in float32.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape, or a coordinate that is not finite, which is named with its row.
        MemoryError: The result does not fit in memory.

    Source:
        The Jaccard index of the boxes' areas.

    Example:
        >>> import pyroi
        >>> pyroi.box_iou([[0, 0, 10, 10]], [[5, 5, 15, 10], [0, 0, 10, 10]])
        array([[0.2, 1. ]])
    """
    return _matrix(lib.roi_box_iou, lib.ROI_IOU, boxes1, boxes2, 4)


@retrying
def box_iof(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike) -> Array:
    """Computes the intersection over the area of the first box (IoF) of each pair of N and M boxes.

    This is the fraction of the first box that the second one covers, as used to match the boxes of image tiles, or to
    find boxes in ignored regions. It is not symmetric: ``box_iof(b, a).T`` is the fraction of the second box.

    Args:
        boxes1: As for :func:`box_iou`; the boxes whose area is the denominator.
        boxes2: As for :func:`box_iou`.

    Returns:
        ``[N, M]``, from 0 to 1, in the type of :func:`box_iou`. It is 0 if the first box has no area, and exactly 1 if
        the first box has an area and lies within the second.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: As for :func:`box_iou`.
        MemoryError: The result does not fit in memory.

    Source:
        The mode ``iof``, intersection over foreground, of MMDetection's ``bbox_overlaps``.

    Example:
        >>> import pyroi
        >>> pyroi.box_iof([[0, 0, 10, 10]], [[5, 5, 15, 10], [-5, -5, 20, 20]])
        array([[0.25, 1.  ]])
    """
    return _matrix(lib.roi_box_iou, lib.ROI_IOF, boxes1, boxes2, 4)


@retrying
def box_ios(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike) -> Array:
    """Intersection over the smaller area: the fraction of the smaller box of a pair that the other covers.

    It recognizes detections of parts of an object, which a tile has cut, as the same object: their IoU is small.

    Args:
        boxes1: As for :func:`box_iou`.
        boxes2: As for :func:`box_iou`.

    Returns:
        ``[N, M]``, from 0 to 1, in the type of :func:`box_iou`. It is 0 if a box has no area, and exactly 1 if both
        have an area and one lies within the other.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: As for :func:`box_iou`.
        MemoryError: The result does not fit in memory.

    Source:
        The match metric ``IOS``, intersection over smaller area, of SAHI's merging of tiles.

    Example:
        >>> import pyroi
        >>> pyroi.box_ios([[0, 0, 10, 10]], [[5, 5, 15, 10], [-5, -5, 20, 20]])
        array([[0.5, 1. ]])
    """
    return _matrix(lib.roi_box_iou, lib.ROI_IOS, boxes1, boxes2, 4)


@retrying
def generalized_box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike) -> Array:
    """Generalized IoU: IoU minus the fraction of the smallest enclosing box that neither box covers.

    Args:
        boxes1: As for :func:`box_iou`.
        boxes2: As for :func:`box_iou`.

    Returns:
        ``[N, M]``, from -1 to 1, in the type of :func:`box_iou`. A quotient whose denominator is 0 counts as 0.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: As for :func:`box_iou`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import pyroi
        >>> pyroi.generalized_box_iou([[0, 0, 10, 10]], [[10, 0, 20, 10], [20, 0, 30, 10]])
        array([[ 0.        , -0.33333333]])

    Source:
        H. Rezatofighi et al., "Generalized Intersection over Union", 2019.
    """
    return _matrix(lib.roi_box_iou, lib.ROI_GIOU, boxes1, boxes2, 4)


@retrying
def distance_box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike) -> Array:
    """Distance IoU: IoU minus the squared ratio of the centre distance to the diagonal of the enclosing box.

    Args:
        boxes1: As for :func:`box_iou`.
        boxes2: As for :func:`box_iou`.

    Returns:
        ``[N, M]``, from -1 to 1, in the type of :func:`box_iou`. A quotient whose denominator is 0 counts as 0;
        torchvision adds 1e-7 to denominators instead, which gives an error of about that size.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: As for :func:`box_iou`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import pyroi
        >>> pyroi.distance_box_iou([[0, 0, 10, 10]], [[0, 0, 10, 10], [10, 0, 20, 10]])
        array([[ 1. , -0.2]])

    Source:
        Z. Zheng et al., "Distance-IoU Loss", 2020, equation 5.
    """
    return _matrix(lib.roi_box_iou, lib.ROI_DIOU, boxes1, boxes2, 4)


@retrying
def complete_box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike) -> Array:
    """Complete IoU: distance IoU minus a penalty for different aspect ratios.

    The penalty is ``v**2 / (1 - IoU + v)`` with ``v = (2 / pi * (atan(w1 / h1) - atan(w2 / h2)))**2``, where
    ``w / 0`` is infinite and ``0 / 0`` is 0.

    Args:
        boxes1: As for :func:`box_iou`.
        boxes2: As for :func:`box_iou`.

    Returns:
        ``[N, M]`` in the type of :func:`box_iou`. A quotient whose denominator is 0 counts as 0.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: As for :func:`box_iou`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import pyroi
        >>> pyroi.complete_box_iou([[0, 0, 10, 10]], [[0, 0, 10, 10], [10, 0, 20, 10]])
        array([[ 1. , -0.2]])

    Source:
        Z. Zheng et al., "Distance-IoU Loss", 2020, equations 8 to 11.
    """
    return _matrix(lib.roi_box_iou, lib.ROI_CIOU, boxes1, boxes2, 4)


@retrying
def box_iou_rotated(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike) -> Array:
    """Computes the intersection over union (IoU) of each pair of N and M rotated boxes.

    A box is a centre, two sides and an angle in degrees. A point ``(u, v)`` of the upright box ``w x h`` around the
    origin lies at ``x = cx + u cos(angle) + v sin(angle)``, ``y = cy - u sin(angle) + v cos(angle)``: with y pointing
    down, as in images, a positive angle rotates the box counter-clockwise in the displayed image. This is the
    convention of Detectron2 and torchvision.

    Args:
        boxes1: ``[N, 5]``, rows ``cx, cy, w, h, angle``, with w and h of 0 or more.
        boxes2: ``[M, 5]``, in the same format.

    Returns:
        ``[N, M]`` in the floating type of the boxes, computed in float64. The IoU of a box that has an area with itself
        is exactly 1, also if the two angles differ by a full turn. The IoU of two boxes without area is 0. The result
        is symmetric in the two boxes.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape, a number that is not finite or a side below 0, which is named with its row.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import pyroi
        >>> pyroi.box_iou_rotated([[5, 5, 10, 4, 0]], [[5, 5, 10, 4, 90], [5, 5, 4, 10, 90]])
        array([[0.25, 1.  ]])

    Source:
        The Jaccard index of the boxes' areas; parameters as in Detectron2's ``pairwise_iou_rotated``.
    """
    return _matrix(lib.roi_box_iou_rotated, lib.ROI_IOU, boxes1, boxes2, 5)


@dataclass(frozen=True)
class _Pair:
    """Two arrays of boxes; libroi numbers the rows of the second after those of the first."""

    first: BoxTable
    second: BoxTable

    @property
    def rows(self) -> Array:
        """The rows of the first array, which has as many columns as the second."""
        return self.first.rows

    def locate(self, row: int) -> tuple[str, str]:
        """The argument that a row belongs to, and its place there."""
        if row < len(self.first):
            return self.first.locate(row)
        return self.second.locate(row - len(self.first))


def _result_dtype(pair: _Pair) -> np.dtype[Any]:
    """The common type of both arguments, else the wider of the two; for two 16-bit types it is float32."""
    first, second = pair.first.given, pair.second.given
    if first is not None and first == second:
        return first
    return np.promote_types(pair.first.rows.dtype, pair.second.rows.dtype)


def _matrix(function: Any, kind: int, boxes1: Any, boxes2: Any, columns: int) -> Array:
    """Calls libroi for any kind of overlap."""
    pair = _Pair(to_rows(boxes1, "boxes1", columns), to_rows(boxes2, "boxes2", columns))
    result = new_map((len(pair.first), len(pair.second)), _result_dtype(pair), "boxes2")
    params = ffi.new(_PARAMS, (_PARAMS_SIZE, kind, native.cancel_flag()))
    native.call(
        function,
        params,
        pair.first.describe(),
        pair.second.describe(),
        describe(result.reshape(1, 1, *result.shape)),
        boxes=pair,
    )
    return result
