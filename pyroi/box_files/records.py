"""Boxes as files have them: columns of equal length, with what the numbers in them stand for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pyroi import limits
from pyroi.arrays import Array, shape_text, to_array
from pyroi.errors import ArgumentError, shortened

#: The largest file that is read as text, the largest array in an archive, and the largest sum of them, in bytes.
MOST_BYTES = 2**30

#: The units and the format of boxes in records; files with other values are refused.
UNITS, BOX_FORMAT = "pixels", "xyxy"

INT64 = np.iinfo(np.int64)


class RowError(ArgumentError):
    """A row violates a rule; `row` counts from 0."""

    def __init__(self, column: str, row: int, rule: str) -> None:
        super().__init__(column, f"row {row}: {rule}")
        self.row = row
        self.fault: str = f"{column}: {shortened(rule)}"

    def __reduce__(self) -> Any:
        return RowError, (self.argument, self.row, self.rule.removeprefix(f"row {self.row}: "))


class BoxFileError(ValueError):
    """A file of boxes that cannot be used, or that cannot hold the boxes.

    Attributes:
        file: The name of the file.
        rule: The rule, and what came instead.
        line: The line of a text at fault, from 1 as editors count; or None.
        row: The row at fault, from 0 as arrays count; or None.
    """

    def __init__(self, file: str, rule: str, line: int | None = None, row: int | None = None) -> None:
        place = f"line {line}: " if line is not None else f"row {row}: " if row is not None else ""
        super().__init__(f"{file}: {place}{shortened(rule)}")
        self.file: str = file
        self.rule: str = shortened(rule)
        self.line: int | None = line
        self.row: int | None = row

    @property
    def reason(self) -> str:
        """The message without the name of the file."""
        return str(self).removeprefix(f"{self.file}: ")

    def __reduce__(self) -> Any:
        return BoxFileError, (self.file, self.rule, self.line, self.row)


@dataclass(eq=False)
class BoxRecords:
    """Boxes with what belongs to them: K rows, in columns.

    Attributes:
        boxes: [K, 4], rows of x1, y1, x2, y2 in pixels, with x1 <= x2 and y1 <= y2, all finite.
        scores: [K], finite; or None.
        class_ids: [K] int64, the numbers of classes as the file has them (those of COCO begin at 1); or None.
        image_ids: [K] int64, which image a box is on; or None.
        class_names: Class id -> name.
        image_names: Image id -> the name of its file.
        image_sizes: Image id -> (height, width) in pixels.

    Raises:
        ValueError: A column has another shape, type or length, or a row violates a rule; the message names the column
            and the row.
    """

    boxes: Array
    scores: Array | None = None
    class_ids: Array | None = None
    image_ids: Array | None = None
    class_names: Mapping[int, str] = field(default_factory=dict)
    image_names: Mapping[int, str] = field(default_factory=dict)
    image_sizes: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.boxes = _to_boxes(self.boxes)
        count = len(self.boxes)
        if self.scores is not None:
            self.scores = _to_scores(self.scores, count)
        if self.class_ids is not None:
            self.class_ids = _to_ids(self.class_ids, "class_ids", count)
        if self.image_ids is not None:
            self.image_ids = _to_ids(self.image_ids, "image_ids", count)
        self.class_names = to_names(self.class_names, "class_names")
        self.image_names = to_names(self.image_names, "image_names")
        self.image_sizes = _to_sizes(self.image_sizes)

    def __len__(self) -> int:
        return len(self.boxes)

    def column(self, name: str, use: str) -> Array:
        """The column of that name, which a use of the records requires."""
        column: Array | None = getattr(self, name)
        if column is None:
            raise ArgumentError(name, f"{use} needs them, got none")
        return column

    def metadata(self) -> str:
        """All but the columns, as JSON."""
        facts = {
            "units": UNITS,
            "box_format": BOX_FORMAT,
            "class_names": dict(self.class_names),
            "image_names": dict(self.image_names),
            "image_sizes": dict(self.image_sizes),
        }
        return json.dumps(facts, ensure_ascii=False)


def parse_metadata(text: str | bytes) -> dict[str, Any]:
    """What :meth:`BoxRecords.metadata` wrote, as arguments of :class:`BoxRecords`; raises ValueError."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError) as reason:
        raise ValueError(f"its metadata is not JSON: {str(reason) or 'nested too deeply'}") from None
    if not isinstance(facts, dict):
        raise ValueError("its metadata is not a JSON object")
    for name, known in (("units", UNITS), ("box_format", BOX_FORMAT)):
        if facts.get(name, known) != known:
            raise ValueError(f"its metadata has {name} {facts[name]!r}, expected {known!r}")
    return {name: _integer_keys(facts.get(name), name) for name in ("class_names", "image_names", "image_sizes")}


def _integer_keys(facts: Any, name: str) -> dict[int, Any]:
    try:
        return {int(key[:20]): value for key, value in (facts or {}).items()}
    except (AttributeError, ValueError):
        raise ValueError(f"its metadata has {name} other than an object with integers as keys") from None


def check_room(count: int, what: str) -> None:
    """Raises MemoryError if `count` bytes are more than this process may take."""
    limit = limits.tightest()
    if count > limit.free:
        raise MemoryError(f"{what} needs {count} bytes, {limit.holder} {limit.free} left")


# ---- Columns ---------------------------------------------------------------------------------------------------------


def _to_boxes(value: Any) -> Array:
    boxes = _to_floats(value, "boxes")
    if boxes.size == 0 and boxes.ndim < 2:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ArgumentError("boxes", f"expected [K, 4], got {shape_text(boxes.shape)}")
    _check_rows("boxes", boxes, np.isfinite(boxes).all(1), "expected finite numbers")
    _check_rows("boxes", boxes, (boxes[:, :2] <= boxes[:, 2:]).all(1), "expected x1 <= x2 and y1 <= y2")
    return boxes


def _to_scores(value: Any, count: int) -> Array:
    scores = _to_floats(value, "scores")
    _check_length(scores, "scores", count)
    _check_rows("scores", scores, np.isfinite(scores), "expected a finite number")
    return scores


def _to_floats(value: Any, name: str) -> Array:
    array = to_array(value, name)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise ArgumentError(name, f"expected numbers, got {array.dtype}")
    return array


def _to_ids(value: Any, name: str, count: int) -> Array:
    ids = to_array(value, name)
    if ids.size == 0:
        ids = ids.astype(np.int64)
    _check_length(ids, name, count)
    if ids.dtype.kind == "f":  # as in tensors of float32
        _check_rows(name, ids, (ids == np.floor(ids)) & (abs(ids) < 2.0**63), "expected an integer")
    elif ids.dtype.kind == "u":
        _check_rows(name, ids, ids <= INT64.max, "expected an integer of 64 bits")
    elif ids.dtype.kind != "i":
        raise ArgumentError(name, f"expected integers, got {ids.dtype}")
    return ids.astype(np.int64)


def _check_length(column: Array, name: str, count: int) -> None:
    if column.shape != (count,):
        raise ArgumentError(name, f"expected [{count}], a number for each box, got {shape_text(column.shape)}")


def _check_rows(name: str, column: Array, good: Any, rule: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise RowError(name, row, f"{rule}, got {column[row].tolist()}")


# ---- Names and sizes -------------------------------------------------------------------------------------------------


def to_names(value: Any, argument: str) -> dict[int, str]:
    """Names by number, of a mapping or of a sequence, whose elements are counted from 0."""
    if isinstance(value, str | bytes):
        raise ArgumentError(argument, f"expected a sequence or a mapping of names, got {value!r}")
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    names = {_to_key(number, argument): name for number, name in pairs}
    for number, name in names.items():
        if not isinstance(name, str):
            raise ArgumentError(argument, f"expected a string for {number}, got {name!r}")
    return names


def _to_sizes(value: Any) -> dict[int, tuple[int, int]]:
    if not isinstance(value, Mapping):
        raise ArgumentError("image_sizes", f"expected a mapping from image ids to (height, width), got {value!r}")
    return {_to_key(number, "image_sizes"): to_image_size(size, "image_sizes") for number, size in value.items()}


def to_image_size(value: Any, argument: str = "image_size") -> tuple[int, int]:
    """(height, width), both at least 1."""
    sides = list(value) if isinstance(value, list | tuple | np.ndarray) else []
    if len(sides) != 2 or not all(is_integer(side) and 1 <= side <= INT64.max for side in sides):
        raise ArgumentError(argument, f"expected (height, width) in pixels, two integers from 1, got {value!r}")
    return int(sides[0]), int(sides[1])


def _to_key(value: Any, argument: str) -> int:
    if not is_integer(value) or not INT64.min <= value <= INT64.max:
        raise ArgumentError(argument, f"expected integers of 64 bits as keys, got {value!r}")
    return int(value)


def is_integer(value: Any) -> bool:
    """Whether a value is an integer; truth values are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
