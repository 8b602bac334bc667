"""The cost grows with the part of a box that lies on the map, never with the box or the sampling grid.

No clock is read: the calls run in a process that dies when it has used more processor time or memory than a thousand
times what they need. Walking the samples would take years.
"""

from __future__ import annotations

import sys

import pytest
from children import run_child

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")

LIMITS = {"cpu_seconds": 20, "address_space": 4 << 30}


def _thousand_times(box, ratio, output_size):
    import itertools

    import numpy as np

    import pyroi

    for dtype, aligned in itertools.product((np.float32, np.float64), (True, False)):
        map = np.arange(1, 26, dtype=dtype).reshape(1, 1, 5, 5)
        boxes = np.array([[0, *box]], dtype)
        grad = np.ones((1, 1, *output_size), dtype)
        for mode in ("avg", "max", "max_corner"):
            print(dtype, aligned, mode, flush=True)
            for _ in range(300):
                result = pyroi.roi_align(map, boxes, output_size, 1.0, ratio, aligned, mode=mode)
            assert np.isfinite(result).all()
            assert 0 <= result.min() <= result.max() <= 25 * (1 + 1e-6)
        print(dtype, aligned, "backward", flush=True)
        for _ in range(300):
            gradient = pyroi.roi_align_backward(grad, boxes, map.shape, 1.0, ratio, aligned)
        assert np.isfinite(gradient).all()
        assert 0 <= gradient.sum() <= grad.sum() * (1 + 1e-6)

    forward = {"ps_roi_align": (1.0, ratio), "ps_roi_pool": (1.0,), "roi_pool": (1.0,)}
    for dtype, name in itertools.product((np.float32, np.float64), forward):
        map = np.arange(1, 26, dtype=dtype).reshape(1, 1, 5, 5).repeat(output_size[0] * output_size[1], 1)
        boxes = np.array([[0, *box]], dtype)
        print(dtype, name, flush=True)
        for _ in range(300):
            result = getattr(pyroi, name)(map, boxes, output_size, *forward[name])
        assert 0 <= result.min() <= result.max() <= 25 * (1 + 1e-6)
        if name != "roi_pool":
            for _ in range(300):
                gradient = getattr(pyroi, name + "_backward")(np.ones_like(result), boxes, map.shape, *forward[name])
            assert 0 <= gradient.sum() <= result.size * (1 + 1e-6)
    print("done")


@pytest.mark.parametrize(
    ("box", "ratio"),
    [
        ((0, 0, 1e9, 1e9), -1),
        ((-5e8, -5e8, 5e8, 5e8), -1),
        ((-5e8, 2, 5e8, 3), -1),
        ((-1e30, -1e30, 1e30, 1e30), -1),
        ((-3e38, -3e38, 3e38, 3e38), -1),
        ((0, 0, 3e38, 1), -1),
        ((0, 0, 5, 5), 10**9),
        ((0, 0, 5, 5), 2**62),
        ((1, 1, 1, 1), 2**62),
        ((4, 4, 1, 1), 10**12),
        ((-1e9, -1e9, 1e9, 1e9), 10**9),
        ((-1e9, -1e9, 1e9, 1e9), 2**62),
        ((100, 100, 1e9, 1e9), 2**62),
    ],
)
def test_boxes_and_grids_of_any_size(box, ratio):
    """Almost eight thousand calls within 20 s of processor time and 4 GiB, forward in each mode and backward."""
    assert run_child(_thousand_times, box, ratio, (2, 3), **LIMITS).split()[-1] == "done"


def _turned_thousand_times():
    import numpy as np

    import pyroi

    map = np.arange(1, 26, dtype=np.float32).reshape(1, 1, 5, 5)
    for centre, sides in ((2.5, (1e9, 1e9)), (2.5, (2.0**39, 1)), (-5e8, (1e9, 1e9)), (1e9, (1e3, 1e3)), (2.5, (0, 5))):
        for angle in (0, 0.001, 30, 90):
            box = np.array([[0, centre, centre, *sides, angle]])
            for ratio in (-1, 1, 128):
                for _ in range(60):
                    result = pyroi.roi_align_rotated(map, box, (2, 3), 1.0, ratio)
                    gradient = pyroi.roi_align_rotated_backward(result, box, map.shape, 1.0, ratio)
                assert 0 <= result.min() <= result.max() <= 25 * (1 + 1e-6)
                assert np.isfinite(gradient).all()
    print("done")


def test_turned_boxes_of_any_size():
    """Seven thousand calls within 20 s of processor time and 4 GiB, forward and backward, at several angles."""
    assert run_child(_turned_thousand_times, **LIMITS).strip() == "done"


def _many_huge_boxes():
    import numpy as np

    import pyroi

    rng = np.random.default_rng(0)
    boxes = np.zeros((20_000, 5), np.float32)
    boxes[:, 1:] = rng.uniform(-1, 1, (20_000, 4)) * 10 ** rng.uniform(0, 12, (20_000, 4))
    result = pyroi.roi_align(np.ones((1, 4, 5, 5), np.float32), boxes, (3, 3))
    assert np.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 1 + 1e-5
    print("done")


def test_many_huge_boxes():
    """20 000 boxes of up to 1e12: the mean of ones is between 0 and 1."""
    assert run_child(_many_huge_boxes, **LIMITS).strip() == "done"


def _no_channels():
    import numpy as np

    import pyroi

    for output_size in ((2**40, 2**20), (2**31, 1), (1, 2**31), (2**50, 0), (0, 2**50)):
        channels = 0 if 0 not in output_size else 3
        result = pyroi.roi_align(np.ones((1, channels, 5, 5), np.float32), [[0, 1, 1, 3, 3]], output_size)
        assert result.shape == (1, channels, *output_size)
        gradient = pyroi.roi_align_backward(result, [[0, 1, 1, 3, 3]], (1, channels, 5, 5))
        assert gradient.shape == (1, channels, 5, 5)
        assert not gradient.any()
    print("done")


def test_empty_results_of_huge_sides():
    """A crop without elements costs nothing, however long its sides are."""
    assert run_child(_no_channels, **LIMITS).strip() == "done"
