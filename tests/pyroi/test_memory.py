"""Memory of large results: used again when they are gone, and never before."""

from __future__ import annotations

import gc
import mmap
import os
import threading

import numpy as np
import pytest
from children import run_child

import pyroi
from pyroi import memory

FLOAT32 = np.dtype(np.float32)
LARGE = (1, 8, 1024, 1024)  # 32 MiB of float32

pytestmark = pytest.mark.skipif(memory._FREE is None, reason="this system has no MADV_FREE")


def forget():
    memory._last.clear()
    memory._idle.clear()


def blocks_kept():
    return len(memory._last) + len(memory._idle)


@pytest.fixture(autouse=True)
def _nothing_idle():
    gc.collect()
    forget()
    yield
    forget()


def large(value=None):
    array = memory.empty(LARGE, FLOAT32, int(np.prod(LARGE)) * 4)
    if value is not None:
        array[...] = value
    return array


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again():
    """A result that is gone leaves its block to the next one, also to one that is a little smaller."""
    first = large(1)
    place = address(first)
    del first
    second = memory.empty((6, 1 << 20), FLOAT32, 24 << 20)
    assert address(second) == place
    second[...] = 2
    assert (second == 2).all()


def test_memory_of_a_much_larger_result_is_not():
    """Half a block would be idle."""
    first = large()
    place = address(first)
    del first
    assert address(memory.empty((3, 1 << 20), FLOAT32, 12 << 20)) != place


@pytest.mark.parametrize(
    "view",
    [
        lambda array: array[0, 3, 100:, ::2],
        lambda array: array.reshape(-1)[5:6],
        lambda array: array.T,
        lambda array: memoryview(array),
        lambda array: array.view(np.uint32),
        lambda array: np.asarray(array.__dlpack__ and np.from_dlpack(array)),
        lambda array: np.broadcast_to(array, (2, *array.shape)),
    ],
)
def test_a_view_keeps_the_memory(view):
    """As long as anything looks at a result, no other one is written there."""
    first = large(1)
    seen = view(first)
    before = np.asarray(seen).tobytes()
    del first
    others = [large(2) for _ in range(2)]
    assert np.asarray(seen).tobytes() == before
    del others


def test_results_are_plain_arrays():
    """Contiguous, writeable, aligned to a page, and picklable as any."""
    map = np.random.default_rng(0).random((1, 64, 40, 40), np.float32)
    boxes = np.tile(np.float32([[0, 0, 30, 30]]), (400, 1))
    result = pyroi.roi_align(map, boxes, 7)
    assert type(result) is np.ndarray
    assert result.nbytes >= memory.SMALLEST
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert address(result) % 4096 == 0
    assert result.copy().tobytes() == result.tobytes()
    assert (result[0] == result[399]).all()


def test_few_blocks_are_kept():
    """Many results at once leave no more than MOST_BLOCKS behind; small and huge ones none."""
    many = [large() for _ in range(memory.MOST_BLOCKS + 3)]
    del many
    assert blocks_kept() == memory.MOST_BLOCKS
    forget()
    memory.empty((16,), FLOAT32, 64)
    memory.empty((memory.LARGEST // 4 + 1,), FLOAT32, memory.LARGEST + 4)
    assert blocks_kept() == 0


class Told(mmap.mmap):
    """A block that remembers what the system was told of it."""

    def madvise(self, option, *where):
        """Remembers, and tells."""
        self.options = [*getattr(self, "options", []), option]
        super().madvise(option, *where)


def test_the_system_may_have_all_but_the_last(monkeypatch):
    """The block given back last is left alone until another follows, or a result comes that it does not fit."""
    monkeypatch.setattr(mmap, "mmap", Told)
    first, second = large(), large()
    del first
    (one,) = memory._last
    assert mmap.MADV_FREE not in one.options
    del second
    (other,) = memory._last
    assert mmap.MADV_FREE in one.options
    assert mmap.MADV_FREE not in other.options
    assert list(memory._idle) == [one]
    again = large()
    assert list(memory._idle) == [one]
    del again
    assert mmap.MADV_FREE not in other.options
    memory.empty((3, 1 << 20), FLOAT32, 12 << 20)
    assert mmap.MADV_FREE in other.options


def test_threads():
    """Results that come and go in eight threads never share memory."""
    wrong = []

    def work(number):
        for turn in range(30):
            mine = memory.empty((3, 1 << 20), FLOAT32, 12 << 20)
            mine[:, ::4096] = number * 1000 + turn
            if not (mine[:, ::4096] == number * 1000 + turn).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _fork_with_idle_blocks():
    import os

    import numpy as np

    from pyroi import memory

    dtype = np.dtype(np.float32)
    first = memory.empty((3, 1 << 20), dtype, 12 << 20)
    first[...] = 1
    kept = memory.empty((3, 1 << 20), dtype, 12 << 20)
    kept[...] = 5
    del first
    child = os.fork()
    again = memory.empty((3, 1 << 20), dtype, 12 << 20)
    again[...] = 2 if child else 3
    right = (again == (2 if child else 3)).all() and (kept == 5).all()
    if not child:
        os._exit(0 if right else 1)
    print(bool(right) and os.waitpid(child, 0)[1] == 0 and bool((again == 2).all()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork():
    """Parent and child each have their own copy of idle and of used blocks."""
    assert run_child(_fork_with_idle_blocks).strip() == "True"


def _large_result_at_exit():
    import numpy as np

    import pyroi

    globals()["kept"] = pyroi.roi_align(np.ones((1, 64, 40, 40), np.float32), np.tile([[0, 0, 9.0, 9]], (400, 1)), 7)
    print(kept.nbytes)  # noqa: F821


def test_exit():
    """A result that lives until the interpreter ends is no error."""
    assert int(run_child(_large_result_at_exit)) >= memory.SMALLEST
