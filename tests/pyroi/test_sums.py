"""Means of large areas: the rounding error does not grow with the number of terms.

docs/numerics.md says the bound, and why: on each axis 32 products are added up at a time, and of the sum of these
blocks nothing is lost.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.bounds import unit
from oracles.cases import LAYOUTS

import pyroi

pytestmark = pytest.mark.generated

#: Of the mean of the magnitudes, in units of the last place of 1.
ULPS = 40


def means(map):
    """Every operator that averages, over the whole of each channel: name and [channels]."""
    height, width = map.shape[2:]
    whole = np.array([[0, 0, 0, width, height]], np.float64)
    turned = np.array([[0, width / 2, height / 2, width, height, 90 if height == width else 0]], np.float64)
    yield "roi_align", pyroi.roi_align(map, whole, 1)
    yield "multiscale_roi_align", pyroi.multiscale_roi_align([map], whole, 1, [1.0])
    yield "adaptive_avg_pool2d", pyroi.adaptive_avg_pool2d(map, 1)
    yield "interpolate area", pyroi.interpolate(map, 1, "area")
    yield "ps_roi_align", pyroi.ps_roi_align(map, whole, 1)
    yield "ps_roi_pool", pyroi.ps_roi_pool(map, whole, 1)
    yield "roi_align_rotated", pyroi.roi_align_rotated(map, turned, 1)


def assert_close(map, expected, magnitude):
    """Every mean within the bound."""
    for name, result in means(map):
        error = np.abs(result[0, :, 0, 0].astype(np.float64) - expected)
        bound = ULPS * unit(map.dtype) * magnitude
        assert (error <= bound).all(), f"{name}: off by {float((error / bound * ULPS).max()):.1f} ulp"


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "sliced"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("channels", "height", "width"), [(1, 1000, 1000), (5, 700, 90), (17, 90, 700), (40, 300, 301)]
)
def test_means_of_many_pixels(channels, height, width, dtype, layout):
    """Equal pixels, whose mean is their value, and random ones, whose mean is known to the last bit."""
    shape = (1, channels, height, width)
    value = dtype(0.1)
    assert_close(LAYOUTS[layout](np.full(shape, value)), float(value), float(value))
    numbers = np.random.default_rng(0).uniform(0, 1, shape).astype(dtype)
    expected = np.array([math.fsum(channel.ravel().tolist()) for channel in numbers[0]]) / (height * width)
    assert_close(LAYOUTS[layout](numbers), expected, expected)


def test_the_mean_of_sixteen_million_equal_pixels():
    """In one chain of sums float32 made 0.10000565 of them."""
    assert_close(np.full((1, 1, 4096, 4096), np.float32(0.1)), float(np.float32(0.1)), 0.1)


def test_the_integral_over_a_large_box():
    """prroi_pool, of a box that lies inside, where the surface is flat."""
    map = np.full((1, 2, 900, 1100), np.float32(0.1))
    result = pyroi.prroi_pool(map, np.float64([[0, 3.3, 4.7, 1090.1, 880.5]]), 1)
    np.testing.assert_allclose(result, np.float32(0.1), rtol=ULPS * unit(np.float32))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_stays_so(special, layout):
    """Infinity in a large area is infinity, not the NaN that digits lost of it are; and it stays in its channel."""
    map = np.full((1, 18, 120, 150), np.float32(0.1))
    map[0, 3, 70, 90] = special
    for name, result in means(LAYOUTS[layout](map)):
        assert np.isfinite(np.delete(result[0, :, 0, 0], 3)).all(), name
        np.testing.assert_equal(result[0, 3, 0, 0], np.float32(special), err_msg=name)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "sliced"])
@pytest.mark.parametrize("side", [3, 16, 50])
def test_means_of_large_numbers_do_not_overflow(side, layout, dtype):
    """A mean is no larger than the largest number: of 0.9 times the largest that there is, too."""
    large = np.finfo(dtype).max * dtype(0.9)
    map = LAYOUTS[layout](np.full((1, 4, side, side), large))
    for name, result in means(map):
        np.testing.assert_allclose(result.astype(np.float64), float(large), rtol=ULPS * unit(dtype), err_msg=name)
    map[0, 0, 1, 1] = np.inf
    for name, result in means(map):
        assert result[0, 0, 0, 0] == np.inf, name
