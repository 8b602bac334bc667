"""A pool of memory blocks for large results.

The memory of a large new array causes a page fault for each of its pages, in which the system clears the page. For
pooled crops this takes about a quarter of the time of the pooling. A few blocks of freed results are therefore kept for
later results. All blocks but the last one are marked by MADV_FREE, so that the system can reclaim them at any time. The
last one is not marked until a result comes that does not fit into it, since madvise() interrupts the threads that still
wait for work, once for each page.

The pool holds at most 256 MiB, and at most 1/32 of the smallest of the machine's memory, the control group's limit and
the address space limit (``ulimit -v``). It holds nothing while less than 1/8 of one of these is free. The limits are
read when a result is freed, at most ten times a second. An allocation that fails is tried again after the pool has been
emptied; :func:`release_memory` empties it too. The environment variable ``ROI_KEEP_MEMORY=0`` disables the pool.
"""

from __future__ import annotations

import functools
import math
import mmap
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec, TypeVar

import numpy as np

from pyroi import limits
from pyroi.native import ffi

HUGE_PAGE = 2 << 20
SMALLEST, LARGEST = 2 * HUGE_PAGE, 128 * HUGE_PAGE  # bytes of a block: malloc reuses smaller ones; larger ones are rare
MOST_BLOCKS = 4
MOST_KEPT = 256 << 20  # bytes of all blocks together ...
SHARE_KEPT = 32  # ... and the part of the least limit that they are at most
SHARE_LEFT = 8  # the part of each limit that must be free before memory is kept
PERIOD = 0.1  # seconds between two readings of the limits; one takes as long as clearing a megabyte

_FREE: Any = getattr(mmap, "MADV_FREE", None)  # Linux and macOS have it
_KEEPS = _FREE is not None and os.environ.get("ROI_KEEP_MEMORY", "1") != "0"

P = ParamSpec("P")
R = TypeVar("R")


class _Pool:
    """Unused blocks: the block that was returned last, and older blocks, which the system may reclaim.

    A result can be freed in any thread at any time, also during these methods; append and pop are atomic.
    """

    def __init__(self) -> None:
        self.last: deque[mmap.mmap] = deque(maxlen=1)
        self.idle: deque[mmap.mmap] = deque(maxlen=MOST_BLOCKS - 1)
        self.most = 0  # bytes that may be kept, by the last reading of the limits
        self.asked = -math.inf

    def size(self) -> int:
        """The bytes of all blocks."""
        return sum(len(block) for block in (*self.last.copy(), *self.idle.copy()))

    def leave_last(self) -> None:
        """Lets the system reclaim the last block."""
        block = _pop(self.last)
        if block is not None:
            block.madvise(_FREE)
            self.idle.append(block)

    def give_back(self, block: mmap.mmap) -> None:
        """Keeps a block that is no longer used, in place of older ones, if the limits allow it."""
        self.leave_last()
        now = time.monotonic()
        if now - self.asked > PERIOD:
            self.most, self.asked = most_kept(), now
        if len(block) > self.most:
            if self.most == 0:
                self.clear()
            return
        while self.size() + len(block) > self.most and _pop(self.idle) is not None:
            pass
        self.last.append(block)

    def take(self, size: int) -> mmap.mmap | None:
        """A block of at least `size` bytes and at most twice as many; None if there is none."""
        block = _fitting(self.last, size)
        if block is None:
            self.leave_last()
            block = _fitting(self.idle, size)
        return block

    def clear(self) -> int:
        """Returns all blocks to the system; the result is their size."""
        released = 0
        for blocks in (self.last, self.idle):
            while (block := _pop(blocks)) is not None:
                released += len(block)
        return released


def _pop(blocks: deque[mmap.mmap]) -> mmap.mmap | None:
    try:
        return blocks.popleft()
    except IndexError:  # it is empty, or another thread was faster
        return None


def _fitting(blocks: deque[mmap.mmap], size: int) -> mmap.mmap | None:
    for _ in range(len(blocks)):
        block = _pop(blocks)
        if block is None:
            return None
        if size <= len(block) <= 2 * size:
            return block
        blocks.append(block)
    return None


_pool = _Pool()


def most_kept() -> int:
    """The number of bytes that may be kept now."""
    if not _KEEPS:
        return 0
    bounds = limits.memory_limits()
    if any(bound.free < bound.most // SHARE_LEFT for bound in bounds):
        return 0
    return min([MOST_KEPT, *(bound.most // SHARE_KEPT for bound in bounds)])


def kept_memory() -> int:
    """The number of bytes that are kept for later results."""
    return _pool.size()


def release_memory() -> int:
    """Returns the memory that pyroi keeps for later results to the system.

    It is the memory of freed results: at most 256 MiB, and at most 1/32 of the smallest of the machine's memory, the
    control group's limit and ``ulimit -v``. No memory is kept while less than 1/8 of one of these is free. pyroi calls
    this function before it raises MemoryError. The environment variable ``ROI_KEEP_MEMORY=0``, read when pyroi is
    imported, turns this off.

    Returns:
        The number of bytes returned. Arrays in use are not affected.

    Example:
        >>> import pyroi
        >>> released = pyroi.release_memory()
        >>> pyroi.release_memory()  # nothing is left
        0
    """
    return _pool.clear()


def retrying(function: Callable[P, R]) -> Callable[P, R]:
    """Decorates a function to be called again after a MemoryError, once the pool has been emptied.

    The function must have no effect when it fails.
    """

    @functools.wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            return function(*arguments, **options)
        except MemoryError:
            if not release_memory():
                raise
        return function(*arguments, **options)

    return call


class _Loan:
    """Owns a block for an array and its views, and returns it to the pool after the last of them."""

    __slots__ = ("__array_interface__", "_block", "_give_back", "_is_ending")

    def __init__(self, block: mmap.mmap, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        address = int(ffi.cast("uintptr_t", ffi.from_buffer(block)))
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": dtype.str, "data": (address, False)}
        self._block = block
        self._give_back = _pool.give_back
        self._is_ending = sys.is_finalizing

    def __del__(self) -> None:
        if not self._is_ending():  # at interpreter shutdown nothing is reused
            self._give_back(self._block)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("the memory of a result has one owner: copy the array instead")


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], size: int) -> np.ndarray[Any, np.dtype[Any]]:
    """An uninitialized array of `size` bytes, like that of :func:`numpy.empty`."""
    if not (_KEEPS and SMALLEST <= size <= LARGEST) or dtype.kind not in "fi":
        return np.empty(shape, dtype)
    return np.asarray(_Loan(_pool.take(size) or _new_block(size), shape, dtype))


def _new_block(size: int) -> mmap.mmap:
    try:
        block = mmap.mmap(-1, -(-size // HUGE_PAGE) * HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError:
        raise MemoryError(f"no memory for a result of {size} bytes") from None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block
