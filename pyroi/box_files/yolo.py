"""YOLO's label text: a file per image, a line per box with class, centre, width, height, and a score or none.

Coordinates are parts of the image's width and height, hence reading and writing need the size of the image.
https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

import array
import io
import math
from typing import BinaryIO

import numpy as np

from pyroi.arrays import Array
from pyroi.box_files.records import BoxRecords, RowError, check_room
from pyroi.errors import ArgumentError

#: The tolerance of the range from 0 to 1. Other programs write six digits, of which the last is rounded.
TOLERANCE = 1e-5

#: The number of decimals that are written: 1e-8 pixels of an image of 10 000.
DECIMALS = 12

#: The largest number of bytes of memory for a byte of text: a row of ten bytes becomes five numbers, in several arrays.
BYTES_PER_BYTE = 24

#: The words of a line: without a score, and with one. No number has more characters than the last.
FEWEST_WORDS, MOST_WORDS, MOST_CHARACTERS = 5, 6, 100

COLUMNS = "class, x, y, width, height, and a score or none"


class LineError(ValueError):
    """A line violates a rule; `line` counts from 1."""

    def __init__(self, line: int, rule: str) -> None:
        super().__init__(rule)
        self.line = line


def read(content: bytes, image_size: tuple[int, int]) -> BoxRecords:
    """The records in the text of a file. Raises LineError. A file without lines is an image without boxes."""
    check_room(BYTES_PER_BYTE * len(content), f"a text of {len(content)} bytes")
    numbers = array.array("d")
    width = 0
    for number, line in enumerate(io.BytesIO(content), 1):
        words = line.split(None, MOST_WORDS)  # the rest of a longer line is one more word
        if words:
            row = _row(words, number)
            if width and len(row) != width:
                raise LineError(number, f"expected {width} numbers as in the earlier lines, got {len(row)}")
            width = len(row)
            numbers.extend(row)
    table = np.array(numbers).reshape(-1, width or FEWEST_WORDS)
    return BoxRecords(
        _to_corners(table[:, 1:5], image_size),
        table[:, 5] if width == MOST_WORDS else None,
        table[:, 0],
        np.zeros(len(table), np.int64),
        image_sizes={0: image_size},
    )


def _row(words: list[bytes], number: int) -> list[float]:
    if len(words) > MOST_WORDS:
        raise LineError(number, f"expected {COLUMNS}, got more; outlines of segments are not supported")
    if len(words) < FEWEST_WORDS:
        raise LineError(number, f"expected {COLUMNS}, got {len(words)} numbers")
    row = [_number(word, number) for word in words]
    if row[0] != int(row[0]) or not 0 <= row[0] < 2**53:
        raise LineError(number, f"class: expected an integer of at least 0, got {_text(words[0])}")
    for name, value, word in zip(("x", "y", "width", "height"), row[1:5], words[1:5], strict=True):
        if not -TOLERANCE <= value <= 1 + TOLERANCE or (value < 0 and name in ("width", "height")):
            raise LineError(number, f"{name}: expected a part of the image, 0 to 1, got {_text(word)}")
    return row


def _number(word: bytes, line: int) -> float:
    try:
        value = float(word) if b"_" not in word and len(word) <= MOST_CHARACTERS else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise LineError(line, f"expected finite numbers, got {_text(word)}")
    return value


def _text(word: bytes) -> str:
    return ascii(word[:40].decode("utf-8", "replace"))


def _to_corners(parts: Array, image_size: tuple[int, int]) -> Array:
    height, width = image_size
    half = parts[:, 2:] / 2
    return np.concatenate([parts[:, :2] - half, parts[:, :2] + half], 1) * [width, height, width, height]


# ---- Writing ---------------------------------------------------------------------------------------------------------


def write(file: BinaryIO, records: BoxRecords, image_size: tuple[int, int] | None) -> None:
    """A line per box, with its score if the records have scores."""
    classes = records.column("class_ids", "YOLO's text")
    if len(records) and classes.min() < 0:
        row = int(np.argmax(classes < 0))
        raise RowError("class_ids", row, f"YOLO's text needs numbers of at least 0, got {classes[row]}")
    parts = _to_parts(records, image_size or _only_size(records))
    lines = [f"{number} {' '.join(map(_decimal, row))}" for number, row in zip(classes, parts, strict=True)]
    if records.scores is not None:
        lines = [f"{line} {_decimal(score)}" for line, score in zip(lines, records.scores, strict=True)]
    file.write("".join(f"{line}\n" for line in lines).encode("ascii"))


def _only_size(records: BoxRecords) -> tuple[int, int]:
    """The size of the one image that the records are of."""
    used = set() if records.image_ids is None else set(records.image_ids.tolist())
    keys = used or set(records.image_sizes)
    if len(keys) > 1:
        raise ArgumentError("image_ids", f"a text file of YOLO has the boxes of one image, got boxes of {len(keys)}")
    sizes = [records.image_sizes[key] for key in keys if key in records.image_sizes]
    if not sizes:
        raise ArgumentError("image_size", "YOLO's text needs the (height, width) of the image, got none")
    return sizes[0]


def _to_parts(records: BoxRecords, image_size: tuple[int, int]) -> Array:
    if records.image_ids is not None and len(np.unique(records.image_ids)) > 1:
        count = len(np.unique(records.image_ids))
        raise ArgumentError("image_ids", f"a text file of YOLO has the boxes of one image, got boxes of {count}")
    height, width = image_size
    corners = records.boxes.astype(np.float64) / [width, height, width, height]
    inside = ((corners >= -TOLERANCE) & (corners <= 1 + TOLERANCE)).all(1)
    if not inside.all():
        row = int(np.argmin(inside))
        rule = f"expected a box within the image of height {height} and width {width}"
        hint = "clip_boxes_to_image makes them so"
        raise RowError("boxes", row, f"{rule}, got {records.boxes[row].tolist()}; {hint}")
    corners = corners.clip(0, 1)
    return np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], 1)


def _decimal(value: float) -> str:
    return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
