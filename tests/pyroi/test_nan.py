"""NaN and infinity in a map reach only the results that sample the pixel."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from oracles import bounds, walk
from oracles.cases import LAYOUTS, cases, random_boxes, random_map

import pyroi

pytestmark = pytest.mark.generated

DTYPES = [np.float16, np.float32, np.float64]
MODES = ["avg", "max", "max_corner"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "reversed", "sliced"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_pixel(mode, dtype, layout, value):
    """One pixel that is no number, at every place of a small map: the walk says which bins it reaches."""
    rng = np.random.default_rng(0)
    shape = (1, 2, 6, 7)
    clean = random_map(rng, shape, dtype)
    boxes = np.concatenate([random_boxes(rng, 6, shape), np.float32([[0, 0, 0, 7, 6], [0, 1, 1, 5, 5]])])
    real = bounds.computed_in(dtype)
    reached = 0
    for y, x in np.ndindex(6, 7):
        map = clean.copy()
        map[0, 1, y, x] = value
        result = pyroi.roi_align(LAYOUTS[layout](map), boxes, (3, 4), mode=mode)
        expected = walk.roi_align(map, boxes, (3, 4), mode=mode, real=real)
        magnitude = walk.magnitude(clean, boxes, (3, 4), mode=mode, real=real)
        bounds.assert_within(result, expected, magnitude)
        reached += np.count_nonzero(~np.isfinite(expected))
        assert np.isfinite(result[:, 0]).all()  # the other channel
    # -inf is never the largest of four corners: one of weight 0 counts as 0
    assert reached > 0 or (mode, value) == ("max_corner", -np.inf)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "images_innermost"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_surroundings_that_are_not_sampled(mode, layout, dtype):
    """With NaN in every pixel but those that the samples read, the crop is what it is without."""
    rng = np.random.default_rng(1)
    for width in (5, 8, 9, 16, 17, 33):
        shape = (2, 9, 11, width)
        map = random_map(rng, shape, dtype)
        for box in ([0, 2, 3, 5, 7], [1, 1.5, 2.5, 3.5, 4.5], [0, width - 2, 8, width, 11], [0, 0, 0, 1, 1]):
            boxes = np.array([box], np.float32)
            weight = walk.roi_align_backward(np.ones((1, 9, 2, 3)), boxes, shape, real=bounds.computed_in(dtype))
            assert 0 < np.count_nonzero(weight) < weight.size
            poisoned = np.where(weight != 0, map, dtype(np.nan))
            arguments = (boxes, (2, 3))
            expected = walk.roi_align(map, *arguments, mode=mode, real=bounds.computed_in(dtype))
            magnitude = walk.magnitude(map, *arguments, mode=mode, real=bounds.computed_in(dtype))
            bounds.assert_within(pyroi.roi_align(LAYOUTS[layout](poisoned), *arguments, mode=mode), expected, magnitude)


@pytest.mark.parametrize("mode", MODES)
def test_infinity_beside_a_sample_on_a_pixel(mode):
    """Samples in the middle of pixels read those alone: infinity and NaN beside them have weight 0."""
    map = np.full((1, 1, 5, 5), np.inf, np.float32)
    map[0, 0, 1::2, 1::2] = [[1, 2], [3, 4]]
    map[0, 0, 2, 2] = np.nan
    boxes = np.array([[0, 1, 1, 2, 2], [0, 3, 1, 4, 2], [0, 1, 3, 2, 4], [0, 3, 3, 4, 4]], np.float32)
    for ratio in (1, -1):
        assert pyroi.roi_align(map, boxes, (1, 1), 1.0, ratio, mode=mode).ravel().tolist() == [1, 2, 3, 4]
    # bins of one box, each in the middle of a pixel of another kind
    crop = pyroi.roi_align(map, [[0, 1, 1, 4, 4]], (3, 3), mode=mode)[0, 0]
    assert crop[::2, ::2].tolist() == [[1, 2], [3, 4]]
    assert np.isnan(crop[1, 1])
    assert np.isposinf([crop[0, 1], crop[1, 0], crop[1, 2], crop[2, 1]]).all()


@pytest.mark.parametrize("mode", ["max", "max_corner"])
def test_nan_wins_a_maximum_wherever_it_is(mode):
    """First, in the middle or last among the samples: NaN comes out."""
    boxes = np.array([[0, 0, 0, 3, 3]], np.float32)
    for y, x in np.ndindex(3, 3):
        for rest in (-1.0, 0.0, 1.0, np.inf, -np.inf):
            map = np.full((1, 1, 3, 3), rest, np.float32)
            map[0, 0, y, x] = np.nan
            assert np.isnan(pyroi.roi_align(map, boxes, (1, 1), mode=mode)).all()  # samples are the pixels


@pytest.mark.parametrize("mode", MODES)
@given(case=cases(max_boxes=6))
def test_agrees_with_the_walk(mode, case):
    """A fifth of the pixels NaN or infinite, random boxes: each result is the number, infinity or NaN of the walk."""
    rng = np.random.default_rng(2)
    map = case.input.copy()
    broken = rng.random(map.shape) < 0.2
    map[broken] = rng.choice([np.nan, np.inf, -np.inf], np.count_nonzero(broken))
    expected = walk.roi_align(map, *case.arguments, mode=mode)
    finite = np.where(broken, np.float32(0), case.input)
    magnitude = walk.magnitude(finite, *case.arguments, mode=mode)
    bounds.assert_within(pyroi.roi_align(map, *case.arguments, mode=mode), expected, magnitude)


@pytest.mark.parametrize("operator", ["roi_pool", "max", "max_corner"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])  # the latter shows another order of operations
def test_boxes_above_beside_and_below(operator, value, dtype):
    """Among many boxes, those that read a pixel that is no number give what they give alone, and so do all others."""
    rng = np.random.default_rng(4)
    map = random_map(rng, (2, 20, 60, 40), dtype)
    for image, channel, y, x in ((0, 3, 20, 11), (0, 3, 21, 12), (0, 18, 41, 30), (1, 0, 5, 5)):
        map[image, channel, y, x] = value
    corner = rng.random((80, 2)) * [30, 50]
    boxes = np.hstack([rng.integers(2, size=(80, 1)), corner, corner + 4 + 6 * rng.random((80, 2))])
    if operator == "roi_pool":
        pool = partial(pyroi.roi_pool, output_size=(2, 3))
    else:
        pool = partial(pyroi.roi_align, output_size=(2, 3), mode=operator)
    together = pool(map, boxes)
    alone = np.concatenate([pool(map, boxes[k : k + 1]) for k in range(len(boxes))])
    apart = np.concatenate([pool(map[:, c : c + 1], boxes) for c in range(20)], axis=1)
    assert np.array_equal(together, alone, equal_nan=True)
    assert np.array_equal(together, apart, equal_nan=True)
    if value > 0 or np.isnan(value):
        assert 0 < np.count_nonzero(~np.isfinite(together)) < together.size


def test_other_images_do_not_matter():
    """NaN in another image, or in a map that no box reads, reaches nothing."""
    map = np.full((3, 2, 5, 5), np.nan, np.float32)
    map[1] = 4
    assert (pyroi.roi_align(map, [[1, 0, 0, 5, 5], [1, 1.3, 2, 3, 4]], (2, 2)) == 4).all()
    outside = pyroi.roi_align(map, [[0, 50, 50, 60, 60], [2, 2, 2, 2, 2]], (2, 2))
    assert (outside == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_gradient(dtype, value):
    """A gradient that is no number reaches the pixels its bin has read, and no other."""
    rng = np.random.default_rng(3)
    shape = (2, 3, 9, 8)
    boxes = np.concatenate([random_boxes(rng, 5, shape), np.float32([[0, 1, 1, 6, 7], [1, 0.5, 0.5, 4, 4]])])
    clean = random_map(rng, (7, 3, 2, 3), dtype)
    real = bounds.computed_in(dtype)
    magnitude = walk.roi_align_backward(np.abs(clean), boxes, shape, real=real)
    reached = 0
    for k, p, q in np.ndindex(7, 2, 3):
        grad = clean.copy()
        grad[k, 1, p, q] = value
        expected = walk.roi_align_backward(grad, boxes, shape, real=real)
        bounds.assert_within(pyroi.roi_align_backward(grad, boxes, shape), expected, magnitude)
        reached += np.count_nonzero(~np.isfinite(expected))
    assert reached > 0


def test_no_floating_point_warnings():
    """NaN and infinity pass without a RuntimeWarning, also where the caller has made those errors."""
    map = np.array([np.nan, np.inf, 1, 2], np.float16).reshape(1, 1, 2, 2)
    tiny = np.full((1, 1, 2, 2), 1e-40, np.float32)
    with np.errstate(all="raise"):
        pyroi.roi_align(map, [[0, 0, 0, 2, 2]], (1, 1))
        pyroi.roi_align(tiny, [[0, 0.2, 0.3, 2, 2]], (1, 1))
