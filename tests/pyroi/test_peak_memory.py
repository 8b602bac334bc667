"""The memory of a call besides its result: the table of boxes, and at most 2 MiB for each thread."""

from __future__ import annotations

import sys

import pytest
from children import run_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MIB = 1 << 20
BOX_BYTES = 2048  # of the tables of a box of some tens of pixels; a few thousand of them are held at a time


def _peak_beyond_arrays(operator, layout, threads, channels, size, count, bins):
    """Bytes by which the process grows, at most, while it computes between arrays that are there already."""
    import ctypes
    import pathlib

    import numpy as np
    from oracles.cases import LAYOUTS

    import pyroi
    from pyroi import memory

    def field(name):
        status = pathlib.Path("/proc/self/status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) * 1024

    pyroi.set_num_threads(threads)
    rng = np.random.default_rng(0)
    shape = (1, channels, *size)
    sides = rng.uniform(4, 0.3 * min(size), (count, 2))
    corner = rng.random((count, 2)) * (size[::-1] - sides)
    boxes = np.hstack([np.zeros((count, 1)), corner, corner + sides]).astype(np.float32)
    map = LAYOUTS[layout](rng.standard_normal(shape).astype(np.float32))
    crops = np.ones((count, channels, *bins), np.float16 if operator == "backward in float16" else np.float32)
    if operator != "forward":
        pages = -(-map.size * crops.itemsize // memory.HUGE_PAGE)
        call, result = lambda: pyroi.roi_align_backward(crops, boxes, shape, 1.0, 2), pages * memory.HUGE_PAGE
    else:
        call, result = lambda: pyroi.roi_align(map, boxes, bins, 1.0, 2, out=crops), 0
    call()  # threads, and what is found out once
    pyroi.release_memory()
    ctypes.CDLL(None).malloc_trim(0)
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = field("VmRSS")
    call()
    print(field("VmHWM") - before - result)


@pytest.mark.parametrize("operator", ["forward", "backward", "backward in float16"])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("channels", "size", "count", "bins"),
    [(64, (200, 336), 1000, (7, 7)), (1024, (50, 84), 60, (7, 7)), (4096, (25, 42), 5, (16, 16))],
)
def test_peak(operator, layout, threads, channels, size, count, bins):
    """Boxes on a map of 17 MiB, as a sum in float32 would be; half a MiB is left to the system's bookkeeping."""
    grown = int(run_child(_peak_beyond_arrays, operator, layout, threads, channels, size, count, bins))
    assert 0 < grown <= threads * 2 * MIB + count * BOX_BYTES + MIB // 2
