"""adaptive_avg_pool2d and adaptive_max_pool2d: against the definition, and against PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import bounds, resampling
from oracles.autograd import torch
from oracles.cases import random_map

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

EIGHT = np.arange(64, dtype=np.float64).reshape(1, 1, 8, 8)
PLACES = np.zeros((1, 1, 8, 8), np.int64)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@given(data=st.data())
def test_means_agree_with_the_definition(dtype, data):
    """Bin p covers floor(p n / m) to ceil((p + 1) n / m) of n pixels, for any n and m; and the gradient."""
    side = st.integers(1, 20)
    shape = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 20)), data.draw(side), data.draw(side))
    size = (data.draw(st.integers(0, 20)), data.draw(st.integers(0, 20)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    map, grad = random_map(rng, shape, dtype), random_map(rng, (*shape[:2], *size), dtype)
    y, x = (resampling.matrix("area", n, m) for n, m in zip(shape[2:], size, strict=True))
    magnitude = resampling.resize(np.abs(map), y, x)
    bounds.assert_within(pyroi.adaptive_avg_pool2d(map, size), resampling.resize(map, y, x), magnitude)
    magnitude = resampling.resize(np.abs(grad), y.T, x.T)
    bounds.assert_within(pyroi.adaptive_avg_pool2d_backward(grad, shape), resampling.resize(grad, y.T, x.T), magnitude)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("seed", range(2))
def test_means_agree_with_pytorch(seed, dtype, tolerance):
    """500 random maps and sizes for each type and seed, and their gradients."""
    t = torch()
    rng = np.random.default_rng(seed)
    for _ in range(500):
        shape = (*rng.integers(1, 4, 2), *rng.integers(1, 40, 2))
        size = tuple(int(side) for side in rng.integers(1, 40, 2))
        map = random_map(rng, shape, dtype)
        tensor = t.from_numpy(map).requires_grad_(True)
        expected = t.nn.functional.adaptive_avg_pool2d(tensor, size)
        result = pyroi.adaptive_avg_pool2d(map, size)
        np.testing.assert_allclose(result, expected.detach().numpy(), atol=tolerance, rtol=tolerance)
        grad = random_map(rng, result.shape, dtype)
        expected.backward(t.from_numpy(grad))
        flown = pyroi.adaptive_avg_pool2d_backward(grad, shape)
        np.testing.assert_allclose(flown, tensor.grad.numpy(), atol=10 * tolerance, rtol=10 * tolerance)


def windows(n, m):
    """The pixels of each bin, [begin, end)."""
    return [(p * n // m, -((p + 1) * n // -m)) for p in range(m)]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@given(data=st.data())
def test_maxima_agree_with_the_definition(dtype, data):
    """The largest number of each bin and its first place, row by row; NaN wins, the first of them."""
    side = st.integers(1, 20)
    shape = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5)), data.draw(side), data.draw(side))
    size = (data.draw(st.integers(0, 20)), data.draw(st.integers(0, 20)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    map = rng.integers(-9, 9, shape).astype(dtype)  # with many equals
    map[rng.random(shape) < data.draw(st.sampled_from([0, 0.1]))] = np.nan
    map[rng.random(shape) < 0.1] = -np.inf
    result, places = pyroi.adaptive_max_pool2d(map, size, return_indices=True)
    assert result.dtype == dtype
    assert places.dtype == np.int64
    assert result.tobytes() == pyroi.adaptive_max_pool2d(map, size).tobytes()
    for p, (top, bottom) in enumerate(windows(shape[2], size[0])):
        for q, (left, right) in enumerate(windows(shape[3], size[1])):
            bins = map[:, :, top:bottom, left:right].reshape(*shape[:2], -1)
            first = np.argmax(bins, axis=2)  # NumPy's argmax takes the first NaN, else the first maximum
            expected = np.take_along_axis(bins, first[..., np.newaxis], axis=2)[..., 0]
            np.testing.assert_array_equal(result[:, :, p, q], expected)
            y, x = top + first // (right - left), left + first % (right - left)
            assert (places[:, :, p, q] == y * shape[3] + x).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(2))
def test_maxima_agree_with_pytorch(seed, dtype):
    """500 random maps and sizes for each type and seed: values, places and gradients; bits of the first two."""
    t = torch()
    rng = np.random.default_rng(seed)
    for _ in range(500):
        shape = (*rng.integers(1, 4, 2), *rng.integers(1, 40, 2))
        size = tuple(int(side) for side in rng.integers(1, 40, 2))
        map = random_map(rng, shape, dtype) if rng.random() < 0.5 else rng.integers(-5, 5, shape).astype(dtype)
        tensor = t.from_numpy(map).requires_grad_(True)
        expected, where = t.nn.functional.adaptive_max_pool2d(tensor, size, return_indices=True)
        result, places = pyroi.adaptive_max_pool2d(map, size, return_indices=True)
        assert (result == expected.detach().numpy()).all()
        assert (places == where.numpy()).all()
        grad = random_map(rng, result.shape, dtype)
        expected.backward(t.from_numpy(grad))
        flown = pyroi.adaptive_max_pool2d_backward(grad, places, shape)
        np.testing.assert_allclose(flown, tensor.grad.numpy(), atol=1e-5, rtol=1e-5)


def test_maxima_by_hand():
    """8 x 8 numbers 0 to 63: the largest of a bin is its last; a gradient goes there alone."""
    result, places = pyroi.adaptive_max_pool2d(EIGHT, 2, return_indices=True)
    assert result.ravel().tolist() == [27, 31, 59, 63]
    assert places.ravel().tolist() == [27, 31, 59, 63]
    flown = pyroi.adaptive_max_pool2d_backward(np.array([[[[1.0, 2], [3, 4]]]]), places, (1, 1, 8, 8))
    assert {int(at): float(flown.ravel()[at]) for at in np.flatnonzero(flown)} == {27: 1, 31: 2, 59: 3, 63: 4}


def test_maxima_of_small_numbers():
    """A bin of nothing but -infinity, or of -1e300, is that; not some least number."""
    for value in (-math.inf, -1e300):
        result, places = pyroi.adaptive_max_pool2d(np.full((1, 1, 4, 4), value), 2, return_indices=True)
        assert (result == value).all()
        assert places.ravel().tolist() == [0, 2, 8, 10]


def test_one_image_of_maxima():
    """[C, H, W] gives [C, height, width], and places of that shape."""
    map = random_map(np.random.default_rng(1), (3, 9, 10))
    result, places = pyroi.adaptive_max_pool2d(map, (2, 3), return_indices=True)
    expected, where = pyroi.adaptive_max_pool2d(map[np.newaxis], (2, 3), return_indices=True)
    assert result.tobytes() == expected.tobytes()
    assert places.tolist() == where[0].tolist()
    assert pyroi.adaptive_max_pool2d(map, (None, 3)).shape == (3, 9, 3)


def test_means_by_hand():
    """8 x 8 numbers 0 to 63 to 2 x 2: the mean of a quarter is that of its corners."""
    assert pyroi.adaptive_avg_pool2d(EIGHT, 2).ravel().tolist() == [13.5, 17.5, 45.5, 49.5]
    assert pyroi.adaptive_avg_pool2d(EIGHT, 1).item() == 31.5
    # 8 to 3: pixels 0 to 2, 2 to 5, 5 to 7
    assert pyroi.adaptive_avg_pool2d(EIGHT, (1, 3)).ravel().tolist() == [28 + 1, 28 + 3.5, 28 + 6]


def test_forms_of_sizes():
    """A number is a square; None keeps a side, or both."""
    assert pyroi.adaptive_avg_pool2d(EIGHT, 3).shape == (1, 1, 3, 3)
    assert pyroi.adaptive_avg_pool2d(EIGHT, np.int64(3)).shape == (1, 1, 3, 3)
    assert pyroi.adaptive_avg_pool2d(EIGHT[:, :, :5], (None, 2)).shape == (1, 1, 5, 2)
    assert pyroi.adaptive_avg_pool2d(EIGHT[:, :, :5], [2, None]).shape == (1, 1, 2, 8)
    assert pyroi.adaptive_avg_pool2d(EIGHT, None).tobytes() == EIGHT.tobytes()


def test_one_image():
    """[C, H, W] gives [C, height, width], with the same numbers."""
    map = random_map(np.random.default_rng(0), (3, 9, 10))
    result = pyroi.adaptive_avg_pool2d(map, (2, 3))
    assert result.shape == (3, 2, 3)
    assert result.tobytes() == pyroi.adaptive_avg_pool2d(map[np.newaxis], (2, 3)).tobytes()
    assert pyroi.adaptive_avg_pool2d(map[:, :0], (2, 3)).tolist() == np.zeros((3, 2, 3)).tolist()


def test_one_pixel_that_is_no_number():
    """NaN reaches the bins that have the pixel, and no other."""
    map = EIGHT.copy()
    map[0, 0, 2, 5] = math.nan
    result = pyroi.adaptive_avg_pool2d(map, 3)[0, 0]
    # row 2 is in bins 0 (0 to 2) and 1 (2 to 5), column 5 in bins 1 (2 to 5) and 2 (5 to 7)
    assert np.argwhere(np.isnan(result)).tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]


@pytest.mark.parametrize(
    ("kind", "argument", "call"),
    [
        (ArgumentError, "input", lambda: pyroi.adaptive_avg_pool2d(EIGHT[0, 0], 2)),
        (ArgumentTypeError, "input", lambda: pyroi.adaptive_avg_pool2d("map", 2)),
        (ArgumentError, "output_size", lambda: pyroi.adaptive_avg_pool2d(EIGHT, (1, 2, 3))),
        (ArgumentError, "output_size", lambda: pyroi.adaptive_avg_pool2d(EIGHT, (None, -1))),
        (ArgumentError, "output_size", lambda: pyroi.adaptive_avg_pool2d(EIGHT, (2**62, 2**62))),
        (ArgumentTypeError, "output_size", lambda: pyroi.adaptive_avg_pool2d(EIGHT, "2")),
        (ArgumentTypeError, "output_size", lambda: pyroi.adaptive_avg_pool2d(EIGHT, (2, 1.5))),
        (ArgumentError, "grad", lambda: pyroi.adaptive_avg_pool2d_backward(EIGHT, (1, 2, 8, 8))),
        (ArgumentError, "grad", lambda: pyroi.adaptive_avg_pool2d_backward(EIGHT[0], (1, 1, 8, 8))),
        (ArgumentError, "input_shape", lambda: pyroi.adaptive_avg_pool2d_backward(EIGHT, (1, 8, 8))),
        (ArgumentTypeError, "input_shape", lambda: pyroi.adaptive_avg_pool2d_backward(EIGHT, None)),
        (ArgumentError, "input", lambda: pyroi.adaptive_max_pool2d(EIGHT[0, 0], 2)),
        (ArgumentError, "output_size", lambda: pyroi.adaptive_max_pool2d(EIGHT, (2**62, 2**62))),
        (ArgumentTypeError, "return_indices", lambda: pyroi.adaptive_max_pool2d(EIGHT, 2, return_indices="yes")),
        (ArgumentError, "grad", lambda: pyroi.adaptive_max_pool2d_backward(EIGHT, PLACES, (1, 2, 8, 8))),
        (ArgumentError, "indices", lambda: pyroi.adaptive_max_pool2d_backward(EIGHT, PLACES[:, :, 1:], (1, 1, 8, 8))),
        (ArgumentError, "indices", lambda: pyroi.adaptive_max_pool2d_backward(EIGHT, PLACES + 64, (1, 1, 8, 8))),
        (ArgumentError, "indices", lambda: pyroi.adaptive_max_pool2d_backward(EIGHT, PLACES - 2, (1, 1, 8, 8))),
        (ArgumentTypeError, "indices", lambda: pyroi.adaptive_max_pool2d_backward(EIGHT, EIGHT, (1, 1, 8, 8))),
    ],
)
def test_misuse(kind, argument, call):
    """The argument is named."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.argument == argument
