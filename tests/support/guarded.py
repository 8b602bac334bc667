"""Arrays next to inaccessible pages: an access of one byte beyond them is a crash."""

from __future__ import annotations

import ctypes
import math
import mmap

import numpy as np

PAGE = mmap.PAGESIZE
_libc = ctypes.CDLL(None, use_errno=True)


def buffer(count: int, dtype, at: str) -> np.ndarray:
    """`count` elements whose last byte lies before a forbidden page (`at` "end"), or the first behind one ("start")."""
    itemsize = np.dtype(dtype).itemsize
    pages = max(1, math.ceil(count * itemsize / PAGE))
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    whole = np.frombuffer(memory, np.uint8)
    for page in (0, pages + 1):
        address = ctypes.c_void_p(whole.ctypes.data + page * PAGE)
        if _libc.mprotect(address, ctypes.c_size_t(PAGE), 0) != 0:
            raise OSError(ctypes.get_errno(), "mprotect failed")
    first = PAGE if at == "start" else (pages + 1) * PAGE - count * itemsize
    return whole[first : first + count * itemsize].view(dtype)


def like(view: np.ndarray, at: str) -> np.ndarray:
    """A copy of `view` with its strides, in guarded memory that is no larger than its first and last element need."""
    itemsize = view.dtype.itemsize
    strides = [stride // itemsize for stride in view.strides]
    lowest = sum(min(0, (n - 1) * stride) for n, stride in zip(view.shape, strides, strict=True))
    highest = sum(max(0, (n - 1) * stride) for n, stride in zip(view.shape, strides, strict=True))
    room = buffer(highest - lowest + 1, view.dtype, at)
    copy = np.lib.stride_tricks.as_strided(room[-lowest:], view.shape, view.strides)
    copy[...] = view
    return copy
