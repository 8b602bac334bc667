"""roi_align, modes max and max_corner, and what holds for all modes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from oracles import bounds, runtime, walk
from oracles.cases import A25, LAYOUTS, cases, random_boxes, random_map

import pyroi

MODES = ["max", "max_corner"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("avg", [6, 7, 11, 12]),
        ("max", [7.5, 8.5, 12.5, 13.5]),  # the sample at (1.25, 1.25): 5 * 1.25 + 1.25
        ("max_corner", [3.375, 3.9375, 6.1875, 6.75]),  # 0.75 * 0.75 * 6 for the sample at (0.75, 0.75) or (1.25, 1.25)
    ],
)
def test_worked_example(mode, expected):
    """(1, 1, 3, 3) in 2 x 2 bins of 2 x 2 samples, worked by hand."""
    assert pyroi.roi_align(A25, [[0, 1, 1, 3, 3]], (2, 2), 1.0, 2, mode=mode).ravel().tolist() == expected


def test_no_floor_but_minus_infinity():
    """The largest of negative samples is negative; -1e300 and -inf come out as they are."""
    boxes = np.array([[0, 1, 1, 3, 3]])
    for value in (-5.0, -1e300, -np.inf):
        map = np.full((1, 1, 5, 5), value)
        assert (pyroi.roi_align(map, boxes, (2, 2), 1.0, 2, mode="max") == value).all()
    assert (pyroi.roi_align(np.full((1, 1, 5, 5), -5.0), boxes, (2, 2), 1.0, 2, mode="max_corner") < 0).all()


def test_sample_outside_contributes_zero():
    """A bin with a sample outside is at least 0 (here -5 everywhere), one with none outside is not."""
    map = np.full((1, 1, 5, 5), -5.0, np.float32)
    boxes = np.array([[0, -4.5, 1, 1.5, 3]], np.float32)  # columns -3.5 and -0.5: the first is outside
    assert pyroi.roi_align(map, boxes, (1, 1), 1.0, 2, mode="max").item() == 0
    assert pyroi.roi_align(map, boxes, (1, 2), 1.0, 1, mode="max").ravel().tolist() == [0, -5]
    assert pyroi.roi_align(map, boxes, (1, 1), 1.0, 2, mode="max_corner").item() == 0


def test_sample_outside_is_not_visited_but_counts_in_huge_boxes():
    """A box of side 1e9 over a negative map: most samples are outside, so the maximum is 0."""
    map = np.full((1, 1, 5, 5), -5.0, np.float32)
    for box in ([0, 0, 0, 1e9, 1e9], [0, -1e9, -1e9, 1e9, 1e9]):
        for mode in MODES:
            assert pyroi.roi_align(map, [box], (1, 1), mode=mode).item() == 0
            assert pyroi.roi_align(-map, [box], (1, 1), mode=mode).item() == 5


@pytest.mark.parametrize("mode", MODES)
def test_empty_grid_and_outside_are_zero(mode):
    """No samples, or none on the map: 0, also where the map is negative."""
    map = A25 - 100
    boxes = np.array([[0, 2, 2, 2, 2], [0, 3, 3, 1, 1], [0, 50, 50, 60, 60]], np.float32)
    assert (pyroi.roi_align(map, boxes, (2, 2), mode=mode) == 0).all()


@pytest.mark.parametrize("mode", MODES)
def test_mirrored_box_takes_the_same_samples(mode):
    """A mirrored box with a fixed ratio gives the mirrored maxima."""
    upright = pyroi.roi_align(A25, [[0, 1, 1, 3, 3]], (2, 2), 1.0, 2, mode=mode)
    mirrored = pyroi.roi_align(A25, [[0, 3, 1, 1, 3]], (2, 2), 1.0, 2, mode=mode)
    assert mirrored.tolist() == upright[..., ::-1].tolist()


@pytest.mark.parametrize("mode", MODES)
@given(case=cases())
def test_agrees_with_the_walk(mode, case):
    """Random maps around 0, boxes and parameters, against an evaluation that visits each sample."""
    expected = walk.roi_align(case.input, *case.arguments, mode=mode)
    magnitude = walk.magnitude(case.input, *case.arguments, mode=mode)
    bounds.assert_within(pyroi.roi_align(case.input, *case.arguments, mode=mode), expected, magnitude)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_the_walk_on_many_boxes(mode, seed):
    """Batches of 64 boxes of every kind, float32 and float64, several channels."""
    rng = np.random.default_rng(seed)
    dtype = (np.float32, np.float64)[seed % 2]
    shape = (2, int(rng.integers(1, 18)), int(rng.integers(1, 33)), int(rng.integers(1, 33)))
    map, boxes = random_map(rng, shape, dtype) - dtype(seed % 3), random_boxes(rng, 64, shape, dtype=dtype)
    arguments = (
        boxes,
        (int(rng.integers(1, 9)), int(rng.integers(1, 9))),
        1.0,
        int(rng.integers(-1, 4)),
        seed % 4 != 0,
    )
    expected = walk.roi_align(map, *arguments, mode=mode, real=dtype)
    magnitude = walk.magnitude(map, *arguments, mode=mode, real=dtype)
    bounds.assert_within(pyroi.roi_align(map, *arguments, mode=mode), expected, magnitude)


@given(case=cases(adaptive_mirror=False))
def test_max_corner_agrees_with_onnx_runtime(case):
    """ONNX Runtime, mode max, both coordinate modes. The maximum of the same products: equal up to rounding."""
    near = np.abs(case.boxes[:, 1:]).max(axis=1) * case.spatial_scale < 200
    arguments = (case.boxes[near], *case.arguments[1:])
    if near.any():
        theirs = runtime.roi_align(case.input, *arguments, mode="max_corner")
        magnitude = walk.magnitude(case.input, *arguments, mode="max_corner")
        bounds.assert_within(pyroi.roi_align(case.input, *arguments, mode="max_corner"), theirs, magnitude)


def test_max_is_between_average_and_largest_pixel():
    """On maps without outside samples: avg <= max <= largest pixel, and max_corner <= max where all is positive."""
    rng = np.random.default_rng(3)
    map = rng.uniform(1, 2, (1, 4, 16, 16)).astype(np.float32)
    boxes = np.array([[0, 1, 1, 9, 14], [0, 3.3, 2.2, 11.1, 15]], np.float32)
    avg, largest, corner = (pyroi.roi_align(map, boxes, (5, 4), mode=mode) for mode in ("avg", "max", "max_corner"))
    assert (avg <= largest + 1e-6).all()
    assert (largest <= map.max() + 1e-6).all()
    assert (corner <= largest + 1e-6).all()


# Channels and widths that fill no vector, one, several; a single row, a single column.
SHAPES = [(2, 5, 7, 9), (1, 16, 12, 12), (3, 1, 6, 17), (2, 33, 5, 4), (1, 3, 1, 40), (1, 8, 40, 1)]


@pytest.mark.parametrize("mode", ["avg", *MODES])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_maps_of_every_layout(mode, dtype):
    """Against the walk over the samples."""
    rng = np.random.default_rng(0)
    real = bounds.computed_in(dtype)
    for shape in SHAPES:
        map = random_map(rng, shape, dtype)
        arguments = (random_boxes(rng, 12, shape, dtype=real), (4, 3), 1.0, 2)
        expected = walk.roi_align(map, *arguments, mode=mode, real=real)
        magnitude = walk.magnitude(map, *arguments, mode=mode, real=real)
        for arrange in LAYOUTS.values():
            view = arrange(map)
            assert np.array_equal(view, map)
            bounds.assert_within(pyroi.roi_align(view, *arguments, mode=mode), expected, magnitude)
