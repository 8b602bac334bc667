"""Threads: within a call, and concurrent calls."""

from __future__ import annotations

import contextlib
import os
import pathlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from children import run_child
from oracles.cases import LAYOUTS, random_boxes, random_map

import pyroi


@pytest.fixture(autouse=True)
def _threads_as_before():
    """Puts the number of threads back."""
    before = pyroi.get_num_threads()
    yield
    pyroi.set_num_threads(before)


def test_number_of_threads():
    """What is set is what is told; at first there is at least one."""
    assert pyroi.get_num_threads() >= 1
    for number in (1, 2, 8, 3):
        pyroi.set_num_threads(number)
        assert pyroi.get_num_threads() == number


def _threads_at_first():
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import pyroi
    print(pyroi.get_num_threads())
    print(*(f"{warning.category.__name__} {warning.message}" for warning in caught), sep="\n")


RULE = "expected a whole number of threads, 1 to 1024"


@pytest.mark.parametrize(
    ("value", "threads", "told"),
    [
        ("3", 3, None),
        (" 5 ", 5, None),
        ("4,2,1", 4, None),
        ("1024", 1024, None),
        ("1025", 1024, "counts as 1024"),
        ("2147483648", 1024, "counts as 1024"),
        ("9" * 40, 1024, "counts as 1024"),
        ("0", None, "is ignored"),
        ("-2", None, "is ignored"),
        ("1.5", None, "is ignored"),
        ("many", None, "is ignored"),
        ("3x", None, "is ignored"),
        ("", None, None),
        (" ", None, None),
    ],
)
def test_number_of_threads_from_the_environment(value, threads, told):
    """OMP_NUM_THREADS: a number, or a list whose first one is used; a wrong one is ignored or clamped, and told."""
    number, *warnings = run_child(_threads_at_first, OMP_NUM_THREADS=value).splitlines()
    assert int(number) == (threads or len(os.sched_getaffinity(0)))
    assert warnings == ([f"RuntimeWarning OMP_NUM_THREADS={value}: {RULE}; it {told}"] if told else [""])


def _threads_of_an_affinity_mask():
    import os

    import pyroi

    processors = sorted(os.sched_getaffinity(0))
    for count in range(1, len(processors) + 1):
        os.sched_setaffinity(0, processors[:count])
        print(count, pyroi.get_num_threads())


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")
def test_number_of_threads_follows_the_affinity_mask():
    """At first it is the number of processors that the process may run on, as it is at the time of the call."""
    lines = run_child(_threads_of_an_affinity_mask, OMP_NUM_THREADS="").splitlines()
    assert lines
    assert all(line.split()[0] == line.split()[1] for line in lines)


QUOTAS = {  # by version: the folder of all groups, and what allows 0.9 processors
    1: ("/sys/fs/cgroup/cpu", {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "90000"}),
    2: ("/sys/fs/cgroup", {"cpu.max": "90000 100000"}),
}


def _threads_in_a_group(group):
    import os
    import pathlib

    (pathlib.Path(group) / "cgroup.procs").write_text(str(os.getpid()))
    import pyroi

    print(pyroi.get_num_threads())


@pytest.mark.parametrize("version", QUOTAS)
def test_number_of_threads_follows_the_quota(version):
    """At first it is no more than the CPU quota of the control group pays for, or of one around it, rounded up."""
    root, files = QUOTAS[version]
    outer = pathlib.Path(root) / f"pyroi-test-{os.getpid()}"
    inner = outer / "inner"
    with contextlib.ExitStack() as made:
        try:
            for folder in (outer, inner):
                folder.mkdir()
                made.callback(folder.rmdir)
            for name, text in files.items():
                assert (outer / name).exists() or pytest.skip("this hierarchy of control groups has no CPU quotas")
                (outer / name).write_text(text)
        except OSError as error:
            pytest.skip(f"control groups cannot be made here: {error}")
        assert run_child(_threads_in_a_group, str(inner), OMP_NUM_THREADS="").strip() == "1"


def _many_threads_under_limits(kind):
    import os
    import pathlib
    import resource

    import numpy as np

    import pyroi

    rng = np.random.default_rng(0)
    map = rng.standard_normal((1, 64, 200, 200)).astype(np.float32)
    boxes = np.tile(np.float32([0, 3, 5, 150, 170]), (40, 1))
    pyroi.set_num_threads(1)
    crops = pyroi.roi_align(map, boxes, (14, 14))
    gradient = pyroi.roi_align_backward(crops, boxes, map.shape)
    if kind == "address space":
        used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), used + (64 << 20)))
    else:
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
        if os.getuid() == 0:  # whom this limit does not hold for
            os.setresuid(65534, 65534, 65534)
    pyroi.set_num_threads(1024)
    try:
        print(pyroi.roi_align(map, boxes, (14, 14)).tobytes() == crops.tobytes())
        print(pyroi.roi_align_backward(crops, boxes, map.shape).tobytes() == gradient.tobytes())
    except MemoryError:
        print("MemoryError")


@pytest.mark.parametrize("kind", ["address space", "processes"])
def test_threads_that_the_system_does_not_give(kind):
    """Where it starts no more, there are fewer: the results are the same, or memory is said to be short."""
    lines = run_child(_many_threads_under_limits, kind).split()
    assert lines in (["True", "True"], ["MemoryError"], ["True", "MemoryError"])
    assert kind == "address space" or lines == ["True", "True"]


@pytest.mark.parametrize("number", ["2", None, 1.5])
def test_number_of_threads_that_is_no_whole_number(number):
    """TypeError, and the setting stays."""
    pyroi.set_num_threads(2)
    with pytest.raises(TypeError):
        pyroi.set_num_threads(number)
    assert pyroi.get_num_threads() == 2


# (map, boxes, output, ratio): many boxes, many channels, one of each, more threads than work
WORK = [
    ((2, 8, 40, 50), 200, (7, 7), 2),
    ((1, 256, 32, 32), 1, (7, 7), 2),
    ((1, 300, 20, 20), 3, (5, 6), -1),
    ((3, 1, 64, 64), 500, (2, 2), -1),
    ((1, 1, 200, 200), 1, (100, 100), 3),
    ((4, 33, 17, 13), 5, (14, 14), 1),
    ((1, 2, 9, 9), 2, (1, 1), -1),
]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "sliced"])
def test_same_bits_for_every_number_of_threads(dtype, layout):
    """1, 2, 3 and 8 threads, all modes forward, and backward: not one bit differs, run after run."""
    rng = np.random.default_rng(0)
    for shape, count, output_size, ratio in WORK:
        map = LAYOUTS[layout](random_map(rng, shape, dtype))
        boxes = random_boxes(rng, count, shape)
        grad = LAYOUTS[layout](random_map(rng, (count, shape[1], *output_size), dtype))
        seen = set()
        for threads in (1, 2, 3, 8, 8):
            pyroi.set_num_threads(threads)
            parts = [
                pyroi.roi_align(map, boxes, output_size, 1.0, ratio, mode=mode) for mode in ("avg", "max", "max_corner")
            ]
            parts.append(pyroi.roi_align_backward(grad, boxes, shape, 1.0, ratio))
            seen.add(b"".join(part.tobytes() for part in parts))
        assert len(seen) == 1, (shape, count)


def test_same_bits_when_all_boxes_share_their_pixels():
    """Backward of coinciding boxes: shares are added in the order of the boxes, in any thread."""
    rng = np.random.default_rng(1)
    boxes = np.tile(np.float32([[0, 2, 2, 20, 20], [0, 2.3, 1.9, 19, 21]]), (300, 1))
    grad = random_map(rng, (600, 2, 7, 7)) * 10 ** rng.uniform(-6, 6, (600, 1, 1, 1)).astype(np.float32)
    seen = set()
    for threads in (1, 2, 5, 8, 8, 8):
        pyroi.set_num_threads(threads)
        seen.add(pyroi.roi_align_backward(grad, boxes, (1, 2, 24, 24)).tobytes())
    assert len(seen) == 1


@pytest.mark.parametrize("inner", [1, 2, 8])
def test_eight_python_threads_at_once(inner):
    """Eight threads with work of their own, each call again using several: every result is as alone."""
    pyroi.set_num_threads(inner)
    works = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        shape = (2, 5 + seed, 30, 20 + seed)
        map, boxes, grad = random_map(rng, shape), random_boxes(rng, 30, shape), random_map(rng, (30, shape[1], 3, 3))
        works.append((map, boxes, grad, shape))

    def work(item):
        map, boxes, grad, shape = item
        crops = pyroi.roi_align(map, boxes, (3, 3), 1.0, 2)
        return crops.tobytes() + pyroi.roi_align_backward(grad, boxes, shape, 1.0, 2).tobytes()

    expected = [work(item) for item in works]
    start = threading.Barrier(8)

    def repeat(item):
        start.wait(timeout=30)
        return {work(item) for _ in range(25)}

    with ThreadPoolExecutor(8) as pool:
        for seen, alone in zip(pool.map(repeat, works), expected, strict=True):
            assert seen == {alone}


def test_errors_in_several_threads_keep_apart():
    """Each thread gets the row of its own bad box."""

    def work(row):
        boxes = np.tile(np.float32([0, 1, 1, 3, 3]), (100, 1))
        boxes[row, 1] = np.nan
        for _ in range(50):
            with pytest.raises(ValueError, match=rf"row\D{{0,3}}{row}\b"):
                pyroi.roi_align(np.ones((1, 1, 5, 5), np.float32), boxes, (2, 2))
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(10, 90, 10)))


def test_setting_changes_while_calls_run():
    """The setting may change at any time; the results do not."""
    rng = np.random.default_rng(4)
    map, boxes = random_map(rng, (1, 16, 40, 40)), random_boxes(rng, 60, (1, 16, 40, 40))
    expected = pyroi.roi_align(map, boxes, (7, 7)).tobytes()
    stop = threading.Event()

    def change():
        while not stop.is_set():
            for number in (1, 2, 4):
                pyroi.set_num_threads(number)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(100):
            assert pyroi.roi_align(map, boxes, (7, 7)).tobytes() == expected
    finally:
        stop.set()
        changer.join()


def test_other_threads_run_during_a_call():
    """The interpreter is free while C computes: a second thread counts on meanwhile."""
    rng = np.random.default_rng(5)
    map, boxes = random_map(rng, (1, 64, 200, 200)), random_boxes(rng, 2000, (1, 64, 200, 200))
    pyroi.set_num_threads(1)
    calls = ticks = 0
    enough = threading.Event()

    def call():
        nonlocal calls
        while not enough.is_set() and calls < 500:
            calls += 1
            pyroi.roi_align(map, boxes, (7, 7), 1.0, 2)

    worker = threading.Thread(target=call)
    worker.start()
    while worker.is_alive() and not enough.is_set():
        time.sleep(0.001)
        ticks += 1
        if ticks > 2 * calls + 5:  # with the interpreter held, one tick per call at most
            enough.set()
    worker.join()
    assert enough.is_set()


def _whether_the_gil_is_on():
    import sys
    import sysconfig

    import pyroi  # noqa: F401

    print(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), getattr(sys, "_is_gil_enabled", lambda: True)())


def test_the_import_leaves_the_gil_off():
    """A free-threaded Python turns it on for modules that do not declare that they do without."""
    is_free_threaded, is_on = run_child(_whether_the_gil_is_on).split()
    assert (is_free_threaded, is_on) in {("True", "False"), ("False", "True")}


def test_one_module_under_many_threads():
    """Every function of the module at once, with memory that is kept and given back, settings, and errors."""
    rng = np.random.default_rng(0)
    features = random_map(rng, (1, 3, 300, 400), np.float32)
    boxes = random_boxes(rng, 200, features.shape, mirror=False)
    scores = rng.random(200, dtype=np.float32)
    pooled = pyroi.roi_align(features, boxes, (31, 33))  # large enough that its memory is kept
    kept = pyroi.nms(boxes[:, 1:], scores, 0.5)
    start = threading.Barrier(12)

    def work(number: int) -> None:
        start.wait()
        for turn in range(15):
            kind = (number + turn) % 4
            if kind == 0:
                assert np.array_equal(pyroi.roi_align(features, boxes, (31, 33)), pooled)
            elif kind == 1:
                assert np.array_equal(pyroi.nms(boxes[:, 1:], scores, 0.5), kept)
            elif kind == 2:
                pyroi.set_num_threads(1 + turn % 3)
                pyroi.release_memory()
            else:
                with pytest.raises(ValueError, match=f"row {number}"):
                    wrong = boxes.copy()
                    wrong[number, 0] = 7
                    pyroi.roi_align(features, wrong, (3, 3))

    with ThreadPoolExecutor(12) as pool:
        for done in [pool.submit(work, number) for number in range(12)]:
            done.result()
