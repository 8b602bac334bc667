"""No byte beyond an array is read or written: the arrays lie next to inaccessible pages."""

from __future__ import annotations

import sys

import pytest
from children import run_child

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs mmap and mprotect")


def _small_maps(at, dtype_name, layouts):
    """Maps of 1 to 40 columns, their boxes and results, all guarded, in each layout; all modes."""
    import guarded
    import numpy as np
    from oracles.cases import LAYOUTS

    import pyroi

    dtype = np.dtype(dtype_name)
    boxes_dtype = np.float64 if dtype == np.float64 else np.float32
    calls = 0
    for layout in layouts:
        for width in range(1, 41):
            for channels, height in ((1, 1), (1, 3), (3, 2), (8, 2), (17, 3)):
                map = np.arange(channels * height * width, dtype=dtype).reshape(1, channels, height, width)
                inside = guarded.like(LAYOUTS[layout](map), at)
                corners = [[0, 0, 0, width, height], [0, width - 1, height - 1, width, height], [0, 0, 0, 1, 1]]
                corners += [[0, -3, -3, width + 3, height + 3], [0, width / 3, 0, width - 0.5, height / 2]]
                boxes = guarded.like(np.array(corners, boxes_dtype), at)
                for mode, ratio, output_size in (
                    ("avg", 2, (2, 3)),
                    ("avg", -1, (1, 7)),
                    ("max", 2, (3, 2)),
                    ("max_corner", 1, (2, 2)),
                ):
                    expected = pyroi.roi_align(map, boxes.copy(), output_size, 1.0, ratio, mode=mode)
                    out = guarded.like(np.zeros_like(expected), at)
                    pyroi.roi_align(inside, boxes, output_size, 1.0, ratio, mode=mode, out=out)
                    close = np.abs(out.astype(np.float64) - expected.astype(np.float64))
                    assert (close <= 1e-2 * (1 + np.abs(expected.astype(np.float64)))).all(), (layout, width, mode)
                    calls += 1
    print(calls)


@pytest.mark.parametrize("at", ["start", "end"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_forward(at, dtype):
    """Every width from 1 to 40, seven layouts, all modes; map, boxes and out each against forbidden pages."""
    layouts = ("contiguous", "channels_last", "fortran", "rows_and_columns_swapped", "reversed", "images_innermost")
    assert int(run_child(_small_maps, at, dtype, layouts)) == 40 * 5 * 4 * len(layouts)


def _small_gradients(at, dtype_name, layouts):
    """Gradients of 1 to 40 columns flow back."""
    import guarded
    import numpy as np
    from oracles.cases import LAYOUTS

    import pyroi

    dtype = np.dtype(dtype_name)
    calls = 0
    for layout in layouts:
        for width in range(1, 41):
            for channels, height in ((1, 1), (3, 2), (17, 3)):
                grad = np.ones((2, channels, height, width), dtype)
                inside = guarded.like(LAYOUTS[layout](grad), at)
                boxes = guarded.like(np.array([[0, 1, 1, 9, 9], [1, -3, 4, 20, 30]], np.float32), at)
                result = pyroi.roi_align_backward(inside, boxes, (2, channels, 11, 13), 1.0, 2)
                expected = pyroi.roi_align_backward(grad, boxes.copy(), (2, channels, 11, 13), 1.0, 2)
                difference = np.abs(result.astype(np.float64) - expected.astype(np.float64))
                assert (difference <= 1e-2 * (1 + np.abs(expected.astype(np.float64)))).all()
                calls += 1
    print(calls)


@pytest.mark.parametrize("at", ["start", "end"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_backward(at, dtype):
    """The gradient and its boxes against forbidden pages."""
    layouts = ("contiguous", "channels_last", "fortran", "reversed")
    assert int(run_child(_small_gradients, at, dtype, layouts)) == 40 * 3 * len(layouts)


def _guard_works():
    import guarded
    import numpy as np

    view = guarded.buffer(10, np.float32, "end")
    view[...] = 1
    np.lib.stride_tricks.as_strided(view, (11,), (4,)).sum()


def test_guards_guard():
    """One element too many is a crash: otherwise the tests above could not fail."""
    with pytest.raises(AssertionError, match=r"SIGSEGV|SIGBUS"):
        run_child(_guard_works)
