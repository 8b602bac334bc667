"""Memory for large results, which is used again when they are gone.

A large array is fresh memory each time, and the system clears it page by page while it is first written to: for pooled
crops that takes about as long as a quarter of the pooling. So blocks of results that are gone are kept, a few of them.
All but the last one the system may have back whenever it needs memory (that is what MADV_FREE says), and nothing is
lost by it. The last one stays as it is until a result comes that it does not fit, since telling the system interrupts
threads that still wait for work, once for each page.
"""

from __future__ import annotations

import mmap
from collections import deque
from typing import Any

import numpy as np

from pyroi.native import ffi

HUGE_PAGE = 2 << 20
SMALLEST, LARGEST = 2 * HUGE_PAGE, 256 * HUGE_PAGE  # bytes of a block: malloc keeps smaller ones; larger ones are rare
MOST_BLOCKS = 4

_FREE = getattr(mmap, "MADV_FREE", None)  # Linux and macOS have it

# Blocks that nobody uses: the one given back last, and those before it, which the system may have. Appending and
# popping are atomic: results are freed in any thread, at any time.
_last: deque[mmap.mmap] = deque(maxlen=1)
_idle: deque[mmap.mmap] = deque(maxlen=MOST_BLOCKS - 1)


def _leave_last(last: deque[mmap.mmap] = _last, idle: deque[mmap.mmap] = _idle, free: Any = _FREE) -> None:
    """The last block becomes one of those that the system may have. (At exit there are no globals any more.)"""
    while last:
        try:
            block = last.pop()
        except IndexError:  # another thread was faster
            return
        block.madvise(free)
        idle.append(block)


class _Loan:
    """A block as long as an array, or a view of it, needs it."""

    __slots__ = ("__array_interface__", "_block")

    def __init__(self, block: mmap.mmap, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        address = int(ffi.cast("uintptr_t", ffi.from_buffer(block)))
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": dtype.str, "data": (address, False)}
        self._block = block

    def __del__(self, leave_last: Any = _leave_last, give_back: Any = _last.append) -> None:
        leave_last()
        give_back(self._block)


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], size: int) -> np.ndarray[Any, np.dtype[Any]]:
    """An array of `size` bytes that is not filled, as :func:`numpy.empty` gives it."""
    if not (SMALLEST <= size <= LARGEST and _FREE is not None) or dtype.kind not in "fi":
        return np.empty(shape, dtype)
    return np.asarray(_Loan(_idle_block(size) or _new_block(size), shape, dtype))


def _idle_block(size: int) -> mmap.mmap | None:
    """A block that is large enough, and not far larger; None: there is none."""
    block = _fitting(_last, size)
    if block is None:
        _leave_last()
        block = _fitting(_idle, size)
    return block


def _fitting(blocks: deque[mmap.mmap], size: int) -> mmap.mmap | None:
    for _ in range(len(blocks)):
        try:
            block = blocks.popleft()
        except IndexError:  # another thread was faster
            return None
        if size <= len(block) <= 2 * size:
            return block
        blocks.append(block)
    return None


def _new_block(size: int) -> mmap.mmap:
    try:
        block = mmap.mmap(-1, -(-size // HUGE_PAGE) * HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError:
        raise MemoryError(f"no memory for a result of {size} bytes") from None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block
