"""A fork after use: the child can compute and does not hang."""

from __future__ import annotations

import multiprocessing
import os

import pytest
from children import run_child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def _forked_children(threads):
    import os
    import signal
    import sys
    import time
    import warnings

    import numpy as np

    import pyroi

    warnings.simplefilter("ignore", DeprecationWarning)  # Python's own word on fork and threads
    rng = np.random.default_rng(0)
    map = rng.standard_normal((2, 64, 60, 60)).astype(np.float32)
    boxes = np.concatenate(
        [rng.integers(0, 2, (100, 1)), rng.uniform(0, 30, (100, 2)), rng.uniform(30, 60, (100, 2))], axis=1
    ).astype(np.float32)

    def work():
        crops = pyroi.roi_align(map, boxes, (7, 7), 1.0, 2)
        largest, places = pyroi.roi_pool(map, boxes, (7, 7), return_argmax=True)
        parts = [crops, largest, pyroi.ps_roi_align(map, boxes, 8), pyroi.ps_roi_pool(map, boxes, 8)]
        turned = np.column_stack([boxes, boxes[:, 1]])  # the numbers, taken otherwise
        parts.append(pyroi.roi_align_rotated(map, turned, (3, 3)))
        parts.append(pyroi.roi_align_backward(crops, boxes, map.shape, 1.0, 2))
        parts.append(pyroi.roi_pool_backward(largest, places, boxes, map.shape))
        parts.append(pyroi.ps_roi_pool_backward(parts[3], boxes, map.shape))
        return b"".join(part.tobytes() for part in parts)

    pyroi.set_num_threads(threads)
    expected = work()

    def child(depth):
        """Computes, also in a child of the child, and answers by its exit status."""
        if work() != expected:
            os._exit(1)
        pyroi.set_num_threads(4)
        if work() != expected:
            os._exit(2)
        os._exit(wait(fork(depth - 1)) if depth > 0 else 0)

    def fork(depth):
        pid = os.fork()
        if pid == 0:
            child(depth)
        return pid

    def wait(pid):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status) & 0xFF
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return 99

    pids = [fork(1) for _ in range(3)]
    assert work() == expected  # the parent goes on meanwhile
    codes = [wait(pid) for pid in pids]
    assert codes == [0, 0, 0], codes
    assert work() == expected
    sys.stdout.write("done")


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_children_compute(threads):
    """Three children and a grandchild of each, after use with several threads, give the parent's bits."""
    assert run_child(_forked_children, threads, timeout=200) == "done"


def _first_use_in_the_child():
    import os
    import sys

    import numpy as np

    import pyroi

    pid = os.fork()
    result = pyroi.roi_align(np.ones((1, 64, 30, 30), np.float32), [[0, 2, 2, 20, 20]] * 50, (7, 7))
    if pid == 0:
        os._exit(0 if (result == 1).all() else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert (result == 1).all()
    sys.stdout.write("done")


def test_fork_before_first_use():
    """Imported and forked before anything was computed: both sides compute."""
    assert run_child(_first_use_in_the_child, timeout=60) == "done"


def _process_pool():
    import multiprocessing
    import sys

    import numpy as np

    import pyroi

    map = np.random.default_rng(0).standard_normal((1, 32, 40, 40)).astype(np.float32)
    box = [[0, 3, 4, 30, 31]]
    expected = pyroi.roi_align(map, box * 20, (7, 7))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.starmap_async(pyroi.roi_align, [(map, box * 20, (7, 7))] * 8).get(timeout=60)
    assert all(result.tobytes() == expected.tobytes() for result in results)
    sys.stdout.write("done")


def test_process_pool():
    """multiprocessing by fork, functions and arrays sent to and fro."""
    try:
        multiprocessing.get_context("fork").Lock()
    except OSError as reason:  # no /dev/shm, or one in which this user may not write
        pytest.skip(f"multiprocessing makes no locks here: {reason}")
    assert run_child(_process_pool, timeout=100) == "done"
