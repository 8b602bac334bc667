"""Checks that there is memory for an array or a list, before it is allocated."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pyroi import limits
from pyroi.arrays import shape_text
from pyroi.errors import ArgumentError
from tclcmd.values.quoting import bytes_text

#: NumPy counts bytes in signed integers of the size of a pointer.
MOST_BYTES = sys.maxsize

#: The largest number of dimensions of a tensor, and of a nested list of numbers.
MOST_DIMENSIONS = 32

#: The bytes that Tcl needs for a value, for its element of a list (twice, while the list is made), for the list itself,
#: and for the text of the value and of its element, which Tcl makes when a script prints the list.
BYTES_PER_VALUE, BYTES_PER_PLACE, BYTES_PER_LIST, BYTES_PER_TEXT = 49, 16, 80, 64

#: Smaller requests are not checked, since the check takes longer than the allocation.
SMALL = 2**24


def check_room(count: int, what: str) -> None:
    """Raises MemoryError if `count` bytes are more than this process may take.

    A system that overcommits memory would grant them, and kill the process when they are written.
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


def check_shape(
    shape: Sequence[int], dtype: npt.DTypeLike, argument: str = "shape", also: Sequence[npt.DTypeLike] = ()
) -> None:
    """Raises ArgumentError, about `argument`, for a shape that no array can have, and MemoryError for lack of room.

    `also` are the types of further arrays of this shape that a command has at the same time.
    """
    check_rank(len(shape), argument)
    if any(size < 0 for size in shape):
        raise ArgumentError(argument, f"expected sizes of 0 or more, got {shape_text(shape)}")
    # A size of 0 makes the array empty, but NumPy still refuses a product of the others beyond its range.
    count = math.prod(size for size in shape if size)
    if count * np.dtype(dtype).itemsize > MOST_BYTES:
        raise ArgumentError(argument, f"a tensor of shape {shape_text(shape)} exceeds the address space")
    if 0 not in shape:
        bytes_each = sum(np.dtype(each).itemsize for each in (dtype, *also))
        check_room(
            count * bytes_each, f"a tensor of shape {shape_text(shape)}{', with memory to work in,' if also else ''}"
        )


def list_bytes(shape: Sequence[int]) -> int:
    """The bytes that Tcl needs for nested lists of numbers."""
    lists, needed = 1, BYTES_PER_VALUE
    for size in shape:
        needed += lists * (BYTES_PER_LIST + size * (BYTES_PER_VALUE + BYTES_PER_PLACE + BYTES_PER_TEXT))
        lists *= size
    return needed


def list_text(shape: Sequence[int]) -> str:
    """Such lists, in a message."""
    return f"a list of {math.prod(shape)} numbers"


def check_list(shape: Sequence[int], longest: int) -> None:
    """Raises MemoryError if there is no room for nested lists, since Tcl would abort the process.

    `longest` is the number of elements of the longest list in Tcl.
    """
    if max(shape, default=0) > longest:
        raise MemoryError(f"{list_text(shape)} is longer than a list in Tcl can be")
    check_room(list_bytes(shape), list_text(shape))
