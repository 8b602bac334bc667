"""Operations on single boxes: area, conversion, clipping; and the bounding boxes of masks.

Except for masks, these operations are a few sums and products of columns. NumPy computes them at memory bandwidth, so
that they have no counterpart in libroi.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import BoxFormat
from pyroi.arrays import Array, address, cast, shape_text, to_number, to_numbers, to_size
from pyroi.box_table import BoxTable, to_rows
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.memory import retrying
from pyroi.native import ffi, lib

__all__ = ["box_area", "box_convert", "clip_boxes_to_image", "masks_to_boxes", "remove_small_boxes"]


@retrying
def box_area(boxes: npt.ArrayLike) -> Array:
    """Computes the area of each box.

    Args:
        boxes: ``[N, 4]``, rows ``x1, y1, x2, y2``. A negative width or height (``x2 < x1``) counts as 0.

    Returns:
        ``[N]`` in the floating type of the boxes, but float32 for 16-bit types, because the area of a box of 256 by 256
        is beyond float16, and float64 for integers, so that no area overflows. An area beyond the type's range is
        infinite.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape, or a coordinate that is not finite, which is named with its row.

    Example:
        >>> import pyroi
        >>> pyroi.box_area([[0, 0, 10, 5], [3, 3, 3, 9]])
        array([50.,  0.])

    Source:
        Width times height; a negative width or height counts as 0 everywhere in pyroi.
    """
    width, height = _sides(_finite(to_rows(boxes, "boxes", 4)))
    with np.errstate(over="ignore", invalid="ignore"):
        area: Array = np.where((width > 0) & (height > 0), width * height, 0)
    return area


@retrying
def remove_small_boxes(boxes: npt.ArrayLike, min_size: float) -> npt.NDArray[np.int64]:
    """Finds the boxes whose sides are both at least `min_size`.

    Args:
        boxes: ``[N, 4]``, rows ``x1, y1, x2, y2``.
        min_size: Smallest width and height.

    Returns:
        int64 ``[kept]``: indices into `boxes`, in order.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape, or a number that is not finite (for a coordinate, with its row).

    Example:
        >>> import pyroi
        >>> pyroi.remove_small_boxes([[0, 0, 9, 9], [0, 0, 2, 9]], 3)
        array([0])

    Source:
        torchvision's ``remove_small_boxes``.
    """
    width, height = _sides(_finite(to_rows(boxes, "boxes", 4)))
    least = to_number(min_size, "min_size")
    if not np.isfinite(least):
        raise ArgumentError("min_size", f"expected a finite number, got {least}")
    with np.errstate(over="ignore"):  # a size beyond the boxes' type is larger than all of its numbers
        kept = np.flatnonzero((width >= least) & (height >= least))
    return kept.astype(np.int64, copy=False)  # NumPy's indices have the size of a pointer


@retrying
def clip_boxes_to_image(boxes: npt.ArrayLike, size: Sequence[int]) -> Array:
    """Clips boxes to an image.

    Args:
        boxes: ``[N, 4]``, rows ``x1, y1, x2, y2``.
        size: ``(height, width)`` of the image.

    Returns:
        ``[N, 4]`` in the floating type of the boxes (float64 for integers), with x from 0 to width and y from 0 to
        height. A box that lies outside the image becomes a box without area on its border.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or size, or a coordinate that is not finite, which is named with its row.

    Example:
        >>> import pyroi
        >>> pyroi.clip_boxes_to_image([[-3, 2, 50, 9]], (8, 40))
        array([[ 0.,  2., 40.,  8.]])

    Source:
        torchvision's ``clip_boxes_to_image``.
    """
    table = to_rows(boxes, "boxes", 4)
    height, width = to_size(size, "size")
    most = np.array([width, height, width, height], table.rows.dtype)
    clipped: Array = np.minimum(np.maximum(_finite(table), 0), most)
    return np.ascontiguousarray(cast(clipped, table.given))


# ---- Formats ---------------------------------------------------------------------------------------------------------


def _turn(degrees: Array) -> tuple[Array, Array]:
    """Cosine and sine, exact at multiples of 90 degrees."""
    quarters = np.rint(degrees / 90)
    rest = np.deg2rad(degrees - 90 * quarters)
    quarter = np.mod(quarters, 4)
    signs = np.where(quarter < 2, 1, -1), np.where((quarter == 0) | (quarter == 3), 1, -1)
    odd = np.mod(quarter, 2) == 1
    cosine, sine = np.cos(rest), np.sin(rest)
    return np.where(odd, -sine * signs[0], cosine * signs[0]), np.where(odd, -cosine * signs[1], sine * signs[1])


def _half_sides(w: Array, h: Array, r: Array) -> tuple[Array, Array, Array, Array]:
    """The vectors from the centre to the middle of the right and of the lower side: x and y of each."""
    cosine, sine = _turn(r)
    return w / 2 * cosine, -w / 2 * sine, h / 2 * sine, h / 2 * cosine


def _centre_to_corner(cx: Array, cy: Array, w: Array, h: Array, r: Array) -> tuple[Array, ...]:
    ux, uy, vx, vy = _half_sides(w, h, r)
    return cx - ux - vx, cy - uy - vy, w, h, r


def _corner_to_centre(x: Array, y: Array, w: Array, h: Array, r: Array) -> tuple[Array, ...]:
    ux, uy, vx, vy = _half_sides(w, h, r)
    return x + ux + vx, y + uy + vy, w, h, r


def _centre_to_corners(cx: Array, cy: Array, w: Array, h: Array, r: Array) -> tuple[Array, ...]:
    ux, uy, vx, vy = _half_sides(w, h, r)
    upper = cx - ux - vx, cy - uy - vy, cx + ux - vx, cy + uy - vy
    return *upper, cx + ux + vx, cy + uy + vy, cx - ux + vx, cy - uy + vy


def _corner_to_corners(x: Array, y: Array, w: Array, h: Array, r: Array) -> tuple[Array, ...]:
    ux, uy, vx, vy = (2 * half for half in _half_sides(w, h, r))
    return x, y, x + ux, y + uy, x + ux + vx, y + uy + vy, x + vx, y + vy


def _corners_to_corner(
    x1: Array, y1: Array, x2: Array, y2: Array, x3: Array, y3: Array, x4: Array, y4: Array
) -> tuple[Array, ...]:
    return x1, y1, np.hypot(x2 - x1, y2 - y1), np.hypot(x3 - x2, y3 - y2), np.rad2deg(np.arctan2(y1 - y2, x2 - x1))


def _corners_to_centre(x1: Array, y1: Array, *others: Array) -> tuple[Array, ...]:
    _, _, w, h, r = _corners_to_corner(x1, y1, *others)
    return (x1 + others[2]) / 2, (y1 + others[3]) / 2, w, h, r


# The number of columns of each format.
COLUMNS = {"xyxy": 4, "xywh": 4, "cxcywh": 4, "xywhr": 5, "cxcywhr": 5, "xyxyxyxy": 8}
_CONVERSIONS: dict[tuple[str, str], Callable[..., tuple[Array, ...]]] = {
    ("xyxy", "xywh"): lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1),
    ("xyxy", "cxcywh"): lambda x1, y1, x2, y2: ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
    ("xywh", "xyxy"): lambda x, y, w, h: (x, y, x + w, y + h),
    ("xywh", "cxcywh"): lambda x, y, w, h: (x + w / 2, y + h / 2, w, h),
    ("cxcywh", "xyxy"): lambda cx, cy, w, h: (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2),
    ("cxcywh", "xywh"): lambda cx, cy, w, h: (cx - w / 2, cy - h / 2, w, h),
    ("cxcywhr", "xywhr"): _centre_to_corner,
    ("cxcywhr", "xyxyxyxy"): _centre_to_corners,
    ("xywhr", "cxcywhr"): _corner_to_centre,
    ("xywhr", "xyxyxyxy"): _corner_to_corners,
    ("xyxyxyxy", "xywhr"): _corners_to_corner,
    ("xyxyxyxy", "cxcywhr"): _corners_to_centre,
}


def to_format(value: Any, name: str) -> str:
    """The name of a box format, after a check that it exists."""
    rule = f"expected one of {', '.join(COLUMNS)}, got {value!r}"
    if not isinstance(value, str):
        raise ArgumentTypeError(name, rule)
    if value not in COLUMNS:
        raise ArgumentError(name, rule)
    return value


@retrying
def box_convert(boxes: npt.ArrayLike, in_fmt: BoxFormat, out_fmt: BoxFormat) -> Array:
    """Converts boxes to another format.

    ============  =======================================================================================
    ``xyxy``      two corners: x1, y1, x2, y2
    ``xywh``      a corner and the sides: x1, y1, width, height
    ``cxcywh``    the centre and the sides
    ``cxcywhr``   the centre, the sides and an angle in degrees, as for :func:`box_iou_rotated`
    ``xywhr``     the same, with the top left corner of the upright box, at its position after the rotation
    ``xyxyxyxy``  the corners after the rotation: top left, top right, bottom right, bottom left
    ============  =======================================================================================

    Args:
        boxes: ``[N, 4]``, ``[N, 5]`` or ``[N, 8]``, depending on `in_fmt`. Four corners must form a rectangle; the last
            one is ignored.
        in_fmt: The format of `boxes`.
        out_fmt: The format of the result. Upright formats cannot be converted to rotated ones, nor rotated formats to
            upright ones.

    Returns:
        A new array of the boxes' floating type, or float64 for integers, whose centres may be fractions. Rotated boxes
        are computed in float64, and are exact at multiples of 90 degrees; an angle computed from corners is in (-180,
        180]. A number beyond the type's range is infinite.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape, an unknown format or pair of formats, or a number that is not finite, with its row.

    Example:
        >>> import pyroi
        >>> pyroi.box_convert([[10, 20, 30, 40]], "xywh", "xyxy")
        array([[10., 20., 40., 60.]])

    Source:
        The formats of torchvision's ``box_convert``.
    """
    source, target = to_format(in_fmt, "in_fmt"), to_format(out_fmt, "out_fmt")
    table = to_rows(boxes, "boxes", COLUMNS[source])
    rows = _finite(table)
    if source == target:
        return rows.astype(table.given)
    if (source, target) not in _CONVERSIONS:
        kinds = ("an upright", "a rotated") if COLUMNS[source] == 4 else ("a rotated", "an upright")
        raise ArgumentError("out_fmt", f"{target} is {kinds[1]} format, and in_fmt {source} is {kinds[0]} one")
    if COLUMNS[source] > 4:
        rows = rows.astype(np.float64)
    with np.errstate(over="ignore"):
        converted = np.stack(_CONVERSIONS[source, target](*rows.T), axis=1)
    return cast(converted, table.given)


# ---- Masks -----------------------------------------------------------------------------------------------------------


@retrying
def masks_to_boxes(masks: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Computes the bounding box of each mask.

    Args:
        masks: ``[N, H, W]``, booleans or numbers; elements other than 0 belong to the mask. H and W are at most 2^24.

    Returns:
        float32 ``[N, 4]``, rows ``x1, y1, x2, y2``: the indices of the first and the last column and row that have
        an element of the mask (for pixels that cover k to k + 1, add 1 to x2 and y2). The box of an empty mask is
        ``0, 0, 0, 0``.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape.

    Example:
        >>> import numpy as np, pyroi
        >>> mask = np.zeros((1, 6, 8), bool)
        >>> mask[0, 2:4, 3:7] = True
        >>> pyroi.masks_to_boxes(mask)
        array([[3., 2., 6., 3.]], dtype=float32)

    Source:
        torchvision's ``masks_to_boxes``.
    """
    array = to_numbers(masks, "masks")
    if array.ndim != 3:
        raise ArgumentError("masks", f"expected [N, H, W], got {shape_text(array.shape)}")
    if max(array.shape[1:]) > 2**24:
        raise ArgumentError("masks", f"expected sides of at most 2^24, got {shape_text(array.shape)}")
    flags = array if array.itemsize == 1 else array != 0
    result = np.empty((len(flags), 4), np.float32)
    native.call(
        lib.roi_masks_to_boxes,
        ffi.cast("const uint8_t *", address(flags)),
        flags.shape,
        flags.strides,
        ffi.from_buffer("float[]", result),
    )
    return result


# ---- Rows ------------------------------------------------------------------------------------------------------------


def _sides(rows: Array) -> tuple[Array, Array]:
    """The width and the height of rows x1, y1, x2, y2; a side beyond the range of the type is infinite."""
    with np.errstate(over="ignore"):
        return rows[:, 2] - rows[:, 0], rows[:, 3] - rows[:, 1]


def _finite(table: BoxTable) -> Array:
    """The rows of a table, after a check that they are finite."""
    finite = np.isfinite(table.rows)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        name, where = table.locate(int(row))
        value = table.rows[row, column]
        raise ArgumentError(name, f"{where}: coordinates must be finite, got {value} in column {column}")
    return table.rows
