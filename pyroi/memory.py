"""Memory for large results, which is used again when they are gone.

A large array is fresh memory each time, and the system clears it page by page while it is first written to: for pooled
crops that takes about as long as a quarter of the pooling. So blocks of results that are gone are kept, a few of them.
All but the last one the system may have back whenever it needs memory (that is what MADV_FREE says), and nothing is
lost by it. The last one stays as it is until a result comes that it does not fit, since telling the system interrupts
threads that still wait for work, once for each page.

What is kept is at most 256 MiB, and at most 1/32 of the least of the machine's memory, the control group's limit and
the limit on addresses (``ulimit -v``). Nothing is kept while less than 1/8 of one of these is left. They are looked at
when a result goes, ten times a second at most. All memory that is kept is given back before an allocation that failed
is tried again, and by :func:`release_memory`. With the environment variable ``ROI_KEEP_MEMORY=0`` nothing is kept.
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
SMALLEST, LARGEST = 2 * HUGE_PAGE, 128 * HUGE_PAGE  # bytes of a block: malloc keeps smaller ones; larger ones are rare
MOST_BLOCKS = 4
MOST_KEPT = 256 << 20  # bytes of all blocks together ...
SHARE_KEPT = 32  # ... and the part of the least limit that they are at most
SHARE_LEFT = 8  # the part of each limit that must be left for anything to be kept
PERIOD = 0.1  # seconds between two looks at the limits, which take as long as clearing a megabyte

_FREE: Any = getattr(mmap, "MADV_FREE", None)  # Linux and macOS have it
_KEEPS = _FREE is not None and os.environ.get("ROI_KEEP_MEMORY", "1") != "0"

P = ParamSpec("P")
R = TypeVar("R")


class _Pool:
    """Blocks that nobody uses: the one given back last, and those before it, which the system may have.

    Appending and popping are atomic: results are freed in any thread, at any time, in the middle of these methods too.
    """

    def __init__(self) -> None:
        self.last: deque[mmap.mmap] = deque(maxlen=1)
        self.idle: deque[mmap.mmap] = deque(maxlen=MOST_BLOCKS - 1)
        self.most = 0  # bytes that may be kept, as it was when it was asked for
        self.asked = -math.inf

    def size(self) -> int:
        """Bytes of all blocks."""
        return sum(len(block) for block in (*self.last.copy(), *self.idle.copy()))

    def leave_last(self) -> None:
        """The last block becomes one of those that the system may have."""
        block = _pop(self.last)
        if block is not None:
            block.madvise(_FREE)
            self.idle.append(block)

    def give_back(self, block: mmap.mmap) -> None:
        """Keeps a block that nobody uses any more, if there is room; older ones make room for it."""
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
        """A block that is large enough, and not far larger; None: there is none."""
        block = _fitting(self.last, size)
        if block is None:
            self.leave_last()
            block = _fitting(self.idle, size)
        return block

    def clear(self) -> int:
        """Gives all blocks back to the system, and tells their size."""
        released = 0
        for blocks in (self.last, self.idle):
            while (block := _pop(blocks)) is not None:
                released += len(block)
        return released


def _pop(blocks: deque[mmap.mmap]) -> mmap.mmap | None:
    try:
        return blocks.popleft()
    except IndexError:  # there was none, or another thread was faster
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
    """How many bytes may be kept now."""
    if not _KEEPS:
        return 0
    bounds = limits.memory_limits()
    if any(bound.free < bound.most // SHARE_LEFT for bound in bounds):
        return 0
    return min([MOST_KEPT, *(bound.most // SHARE_KEPT for bound in bounds)])


def kept_memory() -> int:
    """Bytes that are kept for results to come."""
    return _pool.size()


def release_memory() -> int:
    """Gives the memory that pyroi keeps for results to come back to the system.

    It is memory of results that are gone, at most 256 MiB and at most 1/32 of what this process may have (of the
    machine's memory, its control group's limit and ``ulimit -v``); nothing where less than 1/8 of that is left. pyroi
    calls this itself before it gives up for lack of memory. The environment variable ``ROI_KEEP_MEMORY=0``, read when
    pyroi is imported, lets it keep nothing.

    Returns:
        How many bytes there were. The arrays that are in use are not touched.
    """
    return _pool.clear()


def retrying(function: Callable[P, R]) -> Callable[P, R]:
    """A function that is called once more, after kept memory was given back, where it ran out of memory.

    It must leave everything as it was when it fails.
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
    """A block as long as an array, or a view of it, needs it."""

    __slots__ = ("__array_interface__", "_block", "_give_back", "_is_ending")

    def __init__(self, block: mmap.mmap, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        address = int(ffi.cast("uintptr_t", ffi.from_buffer(block)))
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": dtype.str, "data": (address, False)}
        self._block = block
        self._give_back = _pool.give_back
        self._is_ending = sys.is_finalizing

    def __del__(self) -> None:
        if not self._is_ending():  # when modules are being taken apart nothing is used again
            self._give_back(self._block)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("the memory of a result has one owner: copy the array instead")


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], size: int) -> np.ndarray[Any, np.dtype[Any]]:
    """An array of `size` bytes that is not filled, as :func:`numpy.empty` gives it."""
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
