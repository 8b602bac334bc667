"""The pool of memory for large results: a block is reused after its result is freed, never before."""

from __future__ import annotations

import copy
import gc
import mmap
import os
import pickle
import threading

import numpy as np
import pytest
from calls import GOOD
from children import run_child

import pyroi
from pyroi import limits, memory

FLOAT32 = np.dtype(np.float32)
LARGE = (1, 8, 1024, 1024)  # 32 MiB of float32

pytestmark = pytest.mark.skipif(memory._FREE is None, reason="this system has no MADV_FREE")


BLOCK = 32 << 20
MEMORY_LIMITS = limits.memory_limits
pool = memory._pool


def blocks_kept():
    return len(pool.last) + len(pool.idle)


def bounds(monkeypatch, most, used=0):
    """Lets the process have so many bytes."""
    monkeypatch.setattr(limits, "memory_limits", lambda: [limits.Limit(most, used)])
    monkeypatch.setattr(pool, "asked", -1e9)


@pytest.fixture(autouse=True)
def _nothing_idle(monkeypatch):
    """On a machine that is large and idle."""
    bounds(monkeypatch, 64 << 30)
    gc.collect()
    pool.clear()
    yield
    pool.clear()


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
    pool.clear()
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
    (one,) = pool.last
    assert mmap.MADV_FREE not in one.options
    del second
    (other,) = pool.last
    assert mmap.MADV_FREE in one.options
    assert mmap.MADV_FREE not in other.options
    assert list(pool.idle) == [one]
    again = large()
    assert list(pool.idle) == [one]
    del again
    assert mmap.MADV_FREE not in other.options
    memory.empty((3, 1 << 20), FLOAT32, 12 << 20)
    assert mmap.MADV_FREE in other.options


# ---- How much is kept ------------------------------------------------------------------------------------------------


def come_and_go(count=1):
    """Results that are there together, and gone one after the other; where the last one lay."""
    results = [large() for _ in range(count)]
    place = address(results[-1])
    while results:
        results.pop(0)
    return place


def test_no_more_than_a_share_is_kept(monkeypatch):
    """1/32 of the limit, of the results that went last."""
    bounds(monkeypatch, 32 * (2 * BLOCK + 1))
    last = come_and_go(4)
    assert memory.kept_memory() == 2 * BLOCK
    assert address(large()) == last
    pool.clear()
    bounds(monkeypatch, 32 * BLOCK - 1)
    come_and_go(4)
    assert memory.kept_memory() == 0


def test_no_more_than_a_fixed_size_is_kept(monkeypatch):
    """However much memory there is."""
    monkeypatch.setattr(memory, "MOST_KEPT", 2 * BLOCK)
    come_and_go(4)
    assert memory.kept_memory() == 2 * BLOCK


def test_nothing_is_kept_near_a_limit(monkeypatch):
    """Where less than an eighth is left; then what was kept goes, too, as soon as a result goes, or 0.1 s later."""
    come_and_go(2)
    assert memory.kept_memory() == 2 * BLOCK
    bounds(monkeypatch, 64 << 30, used=57 << 30)
    come_and_go()
    assert memory.kept_memory() == 0


def test_release():
    """Kept memory is told and gone; results that are there are not touched."""
    alive = large(3)
    come_and_go(2)
    assert pyroi.release_memory() == 2 * BLOCK
    assert pyroi.release_memory() == memory.kept_memory() == 0
    assert (alive == 3).all()


def _nothing_kept():
    import numpy as np

    from pyroi import memory

    print(memory.kept_memory(), end=" ")
    memory.empty((3, 1 << 20), np.dtype(np.float32), 12 << 20)
    print(memory.kept_memory())


def test_switched_off():
    """By an environment variable."""
    assert run_child(_nothing_kept, ROI_KEEP_MEMORY="0") == "0 0\n"
    assert run_child(_nothing_kept, ROI_KEEP_MEMORY="1") == f"0 {12 << 20}\n"


def _resident_after_a_large_result():
    import numpy as np

    import pyroi

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    map, boxes = np.ones((1, 256, 64, 64), np.float32), np.tile(np.float32([[0, 0, 60, 60]]), (600, 1))
    pyroi.roi_align(map, boxes[:1], 28)
    before = resident()
    result = pyroi.roi_align(map, boxes, 28)  # 482 MB
    during = resident()
    del result
    print(during - before > 450e6, (resident() - before) / 2**20)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system has no /proc")
def test_a_very_large_result_leaves_nothing():
    """Its memory is the system's again, up to a few megabytes of malloc's."""
    was_there, left = run_child(_resident_after_a_large_result).split()
    assert was_there == "True"
    assert float(left) < 16


# ---- Out of memory ---------------------------------------------------------------------------------------------------


def test_what_fails_is_tried_again(monkeypatch):
    """Once, after kept memory is gone, and not where there was none to give back."""
    calls = []

    @memory.retrying
    def fails(times):
        calls.append(memory.kept_memory())
        if len(calls) <= times:
            raise MemoryError("no room")
        return "done"

    come_and_go()
    assert fails(1) == "done"
    assert calls == [BLOCK, 0]
    calls.clear()
    come_and_go()
    with pytest.raises(MemoryError, match="no room"):
        fails(5)
    assert calls == [BLOCK, 0]
    calls.clear()
    with pytest.raises(MemoryError, match="no room"):
        fails(5)
    assert calls == [0]


@pytest.mark.parametrize("name", GOOD)
def test_every_function_tries_again(name, monkeypatch):
    """Where its arrays or libroi find no memory: the result is the same."""
    right = getattr(pyroi, name)(**GOOD[name])
    monkeypatch.setattr(memory, "release_memory", lambda: 1)
    to_array, failures = pyroi.arrays.to_array, []

    def fail_once(*arguments):
        if not failures:
            failures.append(1)
            raise MemoryError
        return to_array(*arguments)

    for module in (pyroi.arrays, pyroi.box_table):
        monkeypatch.setattr(module, "to_array", fail_once)
    again = getattr(pyroi, name)(**GOOD[name])
    assert failures
    for mine, yours in zip(_parts(again), _parts(right), strict=True):
        assert np.array_equal(mine, yours)


def _parts(result):
    return result if isinstance(result, tuple) else (result,)


def _under_a_limit():
    import resource

    import numpy as np

    from pyroi import limits, memory
    from pyroi.memory import empty, kept_memory, retrying

    dtype = np.dtype(np.float32)
    memory.SHARE_LEFT = 1 << 60  # else nothing would be kept this near to the limit
    memory.SHARE_KEPT = 1
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20),) * 2)
    assert any(bound.most == used + (300 << 20) and bound.free < 320 << 20 for bound in limits.memory_limits())
    first = empty((50, 1 << 20), dtype, 200 << 20)
    del first
    print(kept_memory() >> 20, end=" ")
    taken = retrying(np.ones)((28, 1 << 20), dtype)  # of another size, and not from here
    print(kept_memory() >> 20, taken.nbytes >> 20)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system has no /proc")
def test_kept_memory_does_not_stand_in_the_way():
    """Under a limit on addresses that holds one of two arrays, but not what is kept beside the second."""
    kept, left, taken = map(int, run_child(_under_a_limit, ROI_KEEP_MEMORY="1").split())
    assert (kept, left, taken) == (200, 0, 112)


# ---- Limits ----------------------------------------------------------------------------------------------------------


def test_limits(monkeypatch):
    """The machine has memory, and some of it is in use."""
    monkeypatch.setattr(limits, "memory_limits", MEMORY_LIMITS)
    found = limits.memory_limits()
    assert found
    assert all(bound.most > 0 and 0 <= bound.free <= bound.most for bound in found)
    assert 0 < limits.tightest().free < limits.tightest().most
    monkeypatch.setattr(limits, "memory_limits", lambda: found)  # what is free changes from one reading to the next
    assert limits.tightest().free == min(bound.free for bound in found)


@pytest.mark.parametrize(
    ("line", "folder", "files", "free"),
    [
        (
            "0::/a/b",
            "a",
            {"memory.max": "1000", "memory.current": "700", "memory.stat": "anon 1\ninactive_file 200"},
            500,
        ),
        ("0::/a/b", "a/b", {"memory.max": "max", "memory.current": "700"}, None),
        ("0::/../x", "", {"memory.max": "1000", "memory.current": "100"}, 900),
        (
            "4:cpu,memory:/c",
            "memory/c",
            {"memory.limit_in_bytes": "1000", "memory.usage_in_bytes": "1", "memory.stat": "total_inactive_file 1"},
            1000,
        ),
        ("4:memory:/host/only", "memory", {"memory.limit_in_bytes": "1000", "memory.usage_in_bytes": "2000"}, 0),
        ("4:memory:/c", "memory/c", {"memory.limit_in_bytes": str(2**63 - 4096), "memory.usage_in_bytes": "1"}, None),
        ("7:cpu:/c", "cpu/c", {"memory.limit_in_bytes": "1000"}, None),
    ],
)
def test_control_groups(line, folder, files, free, tmp_path, monkeypatch):
    """Version 1 and 2, inner and outer ones, with copies of files, which count as free."""
    place = tmp_path / folder
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (place / name).write_text(text + "\n")
    read = limits._read
    monkeypatch.setattr(limits, "_read", lambda path: line if str(path) == "/proc/self/cgroup" else read(path))
    monkeypatch.setattr(limits, "_CGROUPS", str(tmp_path))
    limits._group_files.cache_clear()
    try:
        found = list(limits._of_groups())
    finally:
        limits._group_files.cache_clear()
    assert [bound.free for bound in found] == ([] if free is None else [free])


# ---- Owners ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_memory_has_one_owner(duplicate):
    """What stands behind a result cannot be copied: two owners would give the same memory to two results."""
    result = large(1)
    owner = result.base
    while isinstance(owner, np.ndarray):
        owner = owner.base
    with pytest.raises(TypeError, match="copy the array instead"):
        duplicate(owner)
    assert (duplicate(result) == 1).all() if duplicate is not pickle.dumps else pickle.loads(duplicate(result)).all()
    del owner
    place = address(result)
    other = large(2)
    assert address(other) != place
    assert (result == 1).all()


# ---- Threads, processes ----------------------------------------------------------------------------------------------


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
