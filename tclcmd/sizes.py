"""Is there room for it? Asked before anything is allocated."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pyroi.arrays import shape_text
from pyroi.errors import ArgumentError

#: NumPy and libroi count bytes in signed 64-bit integers.
MOST_BYTES = 2**63 - 1

#: The most dimensions that a tensor has, those of lists of numbers included.
MOST_DIMENSIONS = 32

#: What Tcl needs for one element of a list: a value and a pointer to it.
BYTES_PER_LIST_ELEMENT = 56


def bytes_text(count: int) -> str:
    """A number of bytes as a person says it: ``1.5 GiB``."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} PiB"


@functools.cache
def _memory_of_machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_room(count: int, what: str) -> None:
    """Raises MemoryError if `count` bytes are more than the machine has.

    A system that lends memory before it has it would grant them, and end the process when they are written.
    """
    if count > _memory_of_machine():
        raise MemoryError(f"{what} needs {bytes_text(count)}, this machine has {bytes_text(_memory_of_machine())}")


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


def check_list(count: int) -> None:
    """Raises MemoryError where Tcl, which ends the process for lack of memory, could not hold a list of `count`."""
    check_room(count * BYTES_PER_LIST_ELEMENT, f"a list of {count} numbers")
