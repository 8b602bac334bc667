"""The accepted forms of boxes, and their description for libroi."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pyroi.arrays import DTYPE_CODES, Array, address, shape_text, to_array, to_floats, widen
from pyroi.errors import ArgumentError
from pyroi.native import ffi

_BOXES = ffi.typeof("roi_boxes *")

# The number of columns of a box: two corners; or centre, sides and angle.
UPRIGHT, ROTATED = 4, 5


@dataclass(slots=True)  # not frozen, which would make each object take a microsecond longer
class BoxTable:
    """K boxes, one a row; the batch index is in column 0, or in an array of its own, or absent."""

    rows: Array
    batch_index: Array | None = None
    ends: tuple[int, ...] = ()  # of a list of arrays: the end of each array in rows
    name: str = "boxes"  # the name of the argument
    given: np.dtype[Any] | None = None  # the floating type of the argument; rows may be wider
    places: Array | None = None  # of a selection: the indices of its rows in the whole

    def __len__(self) -> int:
        return len(self.rows)

    def locate(self, row: int) -> tuple[str, str]:
        """The argument that a row belongs to, and its place there."""
        if self.places is not None:
            row = int(self.places[row])
        for image, end in enumerate(self.ends):
            if row < end:
                return self.name, f"array {image}, row {row - (self.ends[image - 1] if image else 0)}"
        return self.name, f"row {row}"

    def select(self, places: Array) -> BoxTable:
        """The boxes of some rows."""
        batch = None if self.batch_index is None else self.batch_index[places]
        return replace(self, rows=self.rows[places], batch_index=batch, places=places)

    def describe(self) -> Any:
        """A ``roi_boxes *``, which is valid as long as this object lives."""
        rows, batch = self.rows, self.batch_index
        images = ffi.NULL if batch is None else ffi.cast("const int64_t *", address(batch))
        count, columns = rows.shape
        down, across = rows.strides
        size = rows.itemsize
        code = DTYPE_CODES[rows.dtype]
        return ffi.new(_BOXES, (address(rows), code, count, columns, (down // size, across // size), images))


def to_boxes(value: Any, images: int | None, numbers: int = UPRIGHT) -> BoxTable:
    """Boxes of `numbers` columns in any accepted form, for a map of N `images` (None: any N)."""
    if isinstance(value, (list, tuple)) and (not value or any(map(_is_of_an_image, value))):
        return _from_list(value, images, numbers)
    rows = _to_rows(value, "boxes")
    if rows.ndim == 1 and rows.shape[0] in (numbers, numbers + 1):
        rows = rows.reshape(1, -1)
    if rows.shape == (0,):  # an empty list
        rows = rows.reshape(0, numbers + 1)
    if rows.ndim != 2 or not numbers <= rows.shape[1] <= numbers + 1:
        raise ArgumentError("boxes", f"expected [K, {numbers}] or [K, {numbers + 1}], got {shape_text(rows.shape)}")
    return BoxTable(rows)


def to_rows(value: Any, name: str, columns: int) -> BoxTable:
    """Boxes of a fixed number of columns, without a batch index."""
    array = to_floats(value, name, np.float64)
    if array.shape in ((0,), (columns,)):
        array = array.reshape(-1, columns)
    if array.ndim != 2 or array.shape[1] != columns:
        raise ArgumentError(name, f"expected [K, {columns}], got {shape_text(array.shape)}")
    return BoxTable(widen(array), name=name, given=array.dtype)


def _to_rows(value: Any, name: str) -> Array:
    """Rows in float32 or float64. Integers become float64, which is exact up to 2^53."""
    return widen(to_floats(value, name, np.float64))


def _is_of_an_image(element: Any) -> bool:
    """Whether an element of a list is the array of an image's boxes, and not a row or a number."""
    if isinstance(element, (int, float)):  # the most frequent case; a list of numbers may be long
        return False
    array = to_array(element, "boxes")
    return array.ndim == 2 or array.shape == (0,)


def to_parts(arrays: Any, images: int | None, numbers: int, read: Callable[[Any, str], Any]) -> list[Any]:
    """The arrays [L, numbers] of a list, one for each image; `read` makes an array of floats of each."""
    if images is not None and len(arrays) != images:
        each = "one array for the image" if images == 1 else f"one array for each of the {images} images"
        raise ArgumentError("boxes", f"expected {each}, got a list of {len(arrays)}")
    parts = [read(array, "boxes") for array in arrays]
    for index, part in enumerate(parts):
        if part.shape == (0,):
            parts[index] = part.reshape(0, numbers)
        elif part.ndim != 2 or part.shape[1] != numbers:
            raise ArgumentError("boxes", f"array {index}: expected [L, {numbers}], got {shape_text(part.shape)}")
    return parts


def _from_list(arrays: list[Any] | tuple[Any, ...], images: int | None, numbers: int) -> BoxTable:
    """One array [L, numbers] for each image."""
    parts = to_parts(arrays, images, numbers, _to_rows)
    counts = [len(part) for part in parts]
    rows = np.concatenate(parts) if parts else np.empty((0, numbers), np.float32)
    return BoxTable(rows, np.repeat(np.arange(len(parts), dtype=np.int64), counts), tuple(itertools.accumulate(counts)))
