"""Is there room for it? Asked before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pyroi import limits
from pyroi.arrays import shape_text
from pyroi.errors import ArgumentError

#: NumPy and libroi count bytes in signed 64-bit integers.
MOST_BYTES = 2**63 - 1

#: The most dimensions that a tensor has, those of lists of numbers included.
MOST_DIMENSIONS = 32

#: What Tcl needs for a value, for its place in a list (twice, while the list is made), for a list besides, and for the
#: text of a value and its part of the list's: it makes them as soon as a script prints the list.
BYTES_PER_VALUE, BYTES_PER_PLACE, BYTES_PER_LIST, BYTES_PER_TEXT = 49, 16, 80, 64

#: The longest list of Tcl.
MOST_ELEMENTS = 2**29 - 16

#: Requests of fewer bytes are left to the system to grant or refuse: to ask costs more than they do.
SMALL = 2**24


def bytes_text(count: int) -> str:
    """A number of bytes as a person says it: ``1.5 GiB``."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} PiB"


def check_room(count: int, what: str) -> None:
    """Raises MemoryError if `count` bytes are more than this process may take.

    A system that lends memory before it has it would grant them, and end the process when they are written.
    """
    if count < SMALL:
        return
    limit = limits.tightest()
    if count > limit.free:
        raise MemoryError(f"{what} needs {bytes_text(count)}, {limit.holder} {bytes_text(limit.free)} left")


def check_rank(dimensions: int, argument: str) -> None:
    """Raises ArgumentError, about `argument`, for more dimensions than every version of NumPy has."""
    if dimensions > MOST_DIMENSIONS:
        raise ArgumentError(argument, f"expected at most {MOST_DIMENSIONS} dimensions, got {dimensions}")


def check_shape(shape: Sequence[int], dtype: npt.DTypeLike, argument: str = "shape") -> None:
    """Raises ArgumentError, about `argument`, for a shape that no array can have, and MemoryError for lack of room."""
    check_rank(len(shape), argument)
    if any(size < 0 for size in shape):
        raise ArgumentError(argument, f"expected sizes of 0 or more, got {shape_text(shape)}")
    # A size of 0 makes the array empty, but NumPy still refuses to count the others beyond its range.
    count = math.prod(size for size in shape if size) * np.dtype(dtype).itemsize
    if count > MOST_BYTES:
        raise ArgumentError(argument, f"a tensor of shape {shape_text(shape)} is larger than any memory")
    if 0 not in shape:
        check_room(count, f"a tensor of shape {shape_text(shape)}")


def list_bytes(shape: Sequence[int]) -> int:
    """What Tcl needs for nested lists of numbers."""
    lists, needed = 1, BYTES_PER_VALUE
    for size in shape:
        needed += lists * (BYTES_PER_LIST + size * (BYTES_PER_VALUE + BYTES_PER_PLACE + BYTES_PER_TEXT))
        lists *= size
    return needed


def list_text(shape: Sequence[int]) -> str:
    """Such lists, in a message."""
    return f"a list of {math.prod(shape)} numbers"


def check_list(shape: Sequence[int]) -> None:
    """Raises MemoryError where there is no room for nested lists: Tcl ends the process for lack of it."""
    if max(shape, default=0) > MOST_ELEMENTS:
        raise MemoryError(f"{list_text(shape)} is longer than any of Tcl's can be")
    check_room(list_bytes(shape), list_text(shape))
