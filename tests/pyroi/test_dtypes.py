"""Element types: the type of the computation, and the type of the result."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import bounds, walk
from oracles.cases import A25, random_boxes, random_map

import pyroi

WHOLE = [[0, 0, 0, 5, 5]]


def bfloat16():
    """The type of ml_dtypes; skips the test where it is not installed."""
    return pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed").bfloat16


def test_nested_lists_of_numbers():
    """A map as nested lists of floats is float64, as NumPy reads it, and right."""
    result = pyroi.roi_align(A25.tolist(), WHOLE, (5, 5))
    assert result.tolist() == A25.tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int16, np.int32, np.int64, np.uint8])
def test_boxes_of_any_number_type(dtype):
    """Whole coordinates mean the same in every type that holds them."""
    boxes = np.array([[0, 1, 1, 3, 3], [0, 0, 2, 5, 4]])
    expected = pyroi.roi_align(A25, boxes.astype(np.float32), (2, 2), 1.0, 2).tolist()
    assert pyroi.roi_align(A25, boxes.astype(dtype), (2, 2), 1.0, 2).tolist() == expected
    wide = pyroi.roi_align(A25.astype(np.float64), boxes.astype(dtype), (2, 2), 1.0, 2).tolist()
    assert wide == expected


def test_float16_boxes_are_widened():
    """0.1 in float16 is 0.0999755859375, and the geometry is that of this number in float32."""
    boxes = np.array([[0, 0.1, 0.1, 3.3, 3.3]], np.float16)
    expected = pyroi.roi_align(A25, boxes.astype(np.float32), (3, 3), 1.0, 2).tolist()
    assert pyroi.roi_align(A25, boxes, (3, 3), 1.0, 2).tolist() == expected


def test_float64_boxes_are_rounded_for_a_float32_map():
    """1 + 1e-9 wide is 1 in float32: one sample, where float64 takes two."""
    squares = A25**2
    boxes = np.array([[0, 1, 1, 2 + 1e-9, 2]])
    assert pyroi.roi_align(squares, boxes, (1, 1)).item() == 36
    double = pyroi.roi_align(squares.astype(np.float64), boxes, (1, 1)).item()
    # two samples at 0.75 and 1.25 in row 1: a quarter of pixels 0 and 2 once each, halved; 25, 36, 49
    assert double == pytest.approx(0.125 * 25 + 0.75 * 36 + 0.125 * 49, rel=1e-6)


def test_float32_boxes_are_widened_for_a_float64_map():
    """The geometry is float64's from the float32 numbers on: scale 0.1 is not rounded to float32."""
    boxes = np.array([[0, 0, 0, 30, 30]], np.float32)  # 30 * 0.1 is 3 in float64: 3 samples; float32(0.1) would be 4
    squares = (A25**2).astype(np.float64)
    expected = squares[0, 0, :3, :3].mean()
    assert pyroi.roi_align(squares, boxes, (1, 1), 0.1).item() == pytest.approx(expected, rel=1e-12)


def test_float64_keeps_its_digits():
    """Values and positions that float32 does not hold."""
    map = (A25 / 3).astype(np.float64) + 1e-12 * A25
    boxes = np.array([[0, 1 + 1e-11, 1, 3 + 1e-11, 3]])
    result = pyroi.roi_align(map, boxes, (2, 2), 1.0, 2)
    expected = walk.roi_align(map, boxes, (2, 2), 1.0, 2, real=np.float64)
    bounds.assert_within(result, expected, walk.magnitude(map, boxes, (2, 2), 1.0, 2, real=np.float64))


@pytest.mark.parametrize("mode", ["avg", "max", "max_corner"])
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_types_are_computed_in_float32(name, mode):
    """Stored in 16 bits, computed in float32, rounded once: within that one rounding of the walk."""
    dtype = bfloat16() if name == "bfloat16" else np.float16
    rng = np.random.default_rng(0)
    map = random_map(rng, (2, 9, 17, 19)).astype(dtype)
    boxes = random_boxes(rng, 40, map.shape)
    arguments = (boxes, (5, 6), 1.0, 2)
    result = pyroi.roi_align(map, *arguments, mode=mode)
    assert result.dtype == dtype
    values = map.astype(np.float64)
    expected = walk.roi_align(values, *arguments, mode=mode)
    magnitude = walk.magnitude(values, *arguments, mode=mode)
    bounds.assert_within(result, expected, magnitude)
    if mode == "avg":
        grad = result
        back = pyroi.roi_align_backward(grad, boxes, map.shape, 1.0, 2)
        assert back.dtype == dtype
        wide = grad.astype(np.float64)
        expected = walk.roi_align_backward(wide, boxes, map.shape, 1.0, 2)
        bounds.assert_within(back, expected, walk.roi_align_backward(np.abs(wide), boxes, map.shape, 1.0, 2))


def test_float16_does_not_overflow_where_the_average_does_not():
    """16 samples of 60000 sum far beyond 65504; their mean is 60000, which float16 holds."""
    map = np.full((1, 3, 16, 16), 60000, np.float16)
    for ratio in (-1, 2, 4, 1000):
        crops = pyroi.roi_align(map, [[0, 1, 1, 15, 15]], (2, 2), 1.0, ratio)
        assert crops.dtype == np.float16
        assert (crops == np.float16(60000)).all()
    mixed = map.copy()
    mixed[:, :, ::2] *= -1
    # as many positive as negative ones: 0, except for rounding in float32 (inf - inf would be NaN)
    middle = pyroi.roi_align(mixed, [[0, 1, 1, 15, 15]], (1, 1), 1.0, -1)
    bounds.assert_within(middle, np.zeros((1, 3, 1, 1)), np.full((1, 3, 1, 1), 60000.0))


def test_float16_gradient_does_not_overflow_on_its_way():
    """Shares of +60000 and -60000 on one pixel meet in float32: 0, not inf - inf."""
    boxes = np.tile(np.array([[0, 1, 1, 2, 2]], np.float32), (4, 1))
    grad = np.array([60000, 60000, -60000, -60000], np.float16).reshape(4, 1, 1, 1)
    assert not pyroi.roi_align_backward(grad, boxes, (1, 1, 3, 3)).any()


def every_number(dtype):
    """All bit patterns of a 16-bit type as a map of 256 x 256."""
    return np.arange(2**16, dtype=np.uint16).view(dtype).reshape(1, 1, 256, 256)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_every_number_survives(name):
    """The whole map in 256 x 256 bins of one sample is the map: subnormals, largest numbers, infinities and NaN."""
    map = every_number(bfloat16() if name == "bfloat16" else np.float16)
    result = pyroi.roi_align(map, [[0, 0, 0, 256, 256]], (256, 256))
    back = pyroi.roi_align_backward(map, [[0, 0, 0, 256, 256]], map.shape)
    with np.errstate(invalid="ignore"):  # NaN of 16 bits becoming NaN of 64
        for same in (result, back):
            assert np.array_equal(same.astype(np.float64), map.astype(np.float64), equal_nan=True)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_results_are_rounded_to_nearest_even(name):
    """Means of neighbours lie halfway: the rounding of NumPy and ml_dtypes, ties to even."""
    dtype = bfloat16() if name == "bfloat16" else np.float16
    numbers = every_number(dtype).ravel()
    numbers = numbers[np.isfinite(numbers.astype(np.float32))]
    pairs = np.stack([numbers[:-1], numbers[1:]], axis=-1).reshape(-1, 1, 1, 2)
    same_sign = np.signbit(pairs[..., 0]) == np.signbit(pairs[..., 1])
    pairs = pairs[same_sign.ravel()]
    boxes = np.array([[0, 0.5, 0, 1.5, 1]], np.float32).repeat(len(pairs), 0)
    boxes[:, 0] = np.arange(len(pairs))
    result = pyroi.roi_align(pairs, boxes, (1, 1), 1.0, 1)  # one sample at 0.5
    wide = pairs.astype(np.float64)
    expected = (0.5 * wide[..., 0] + 0.5 * wide[..., 1]).astype(np.float32).astype(dtype)
    assert np.array_equal(result.ravel().astype(np.float64), expected.ravel().astype(np.float64))


def test_rounding_beyond_the_largest_half_is_infinity():
    """4096 shares of 60000 on one pixel are too much for float16: inf, with the sign of the sum."""
    boxes = np.tile(np.array([[0, 1, 1, 2, 2]], np.float32), (2, 1))
    grad = np.full((2, 1, 1, 1), 60000, np.float16)
    assert pyroi.roi_align_backward(grad, boxes, (1, 1, 3, 3))[0, 0, 1, 1] == np.inf
    assert pyroi.roi_align_backward(-grad, boxes, (1, 1, 3, 3))[0, 0, 1, 1] == -np.inf


@pytest.mark.parametrize("dtype", [np.complex64, np.dtype("S3"), np.dtype("U3"), np.dtype("M8[s]"), np.object_])
def test_types_that_are_no_numbers_are_errors(dtype):
    """Complex numbers, text, dates and objects: TypeError for map and boxes."""
    with pytest.raises(TypeError, match="input"):
        pyroi.roi_align(np.zeros((1, 1, 5, 5), dtype), WHOLE, (2, 2))
    with pytest.raises(TypeError, match="boxes"):
        pyroi.roi_align(A25, np.zeros((1, 5), dtype), (2, 2))
    with pytest.raises(TypeError, match="grad"):
        pyroi.roi_align_backward(np.zeros((1, 1, 2, 2), dtype), WHOLE, (1, 1, 5, 5))


def test_long_double_is_not_silently_cut():
    """longdouble maps are refused or come out in a floating type with float64's digits at least."""
    map = A25.astype(np.longdouble) / 3
    try:
        result = pyroi.roi_align(map, WHOLE, (5, 5))
    except TypeError as error:
        assert "input" in str(error)
    else:
        assert np.abs(result - map).max() <= 1e-15 * 8


@pytest.mark.parametrize("count", [3, 30_000])
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_gradients_of_16_bits_are_sums_in_float32(name, count):
    """They are rounded once, however many boxes there are, and NaN and infinity of any bits stay what they are."""
    dtype = np.float16 if name == "float16" else bfloat16()
    rng = np.random.default_rng(count)
    boxes = random_boxes(rng, count, (1, 18, 160, 200))
    boxes[:2] = [[0, 8, 8, 90, 90], [0, 100, 20, 190, 140]]
    grad = rng.standard_normal((count, 18, 3, 3), np.float32).astype(dtype)
    grad.view(np.uint16)[0, :, 1, 1] = [0x7FFF, 0xFFFF, *[0x7FC1] * 6, *[0] * 10]  # NaN in both types
    grad[1, 9, 0, 0] = np.inf
    wide = pyroi.roi_align_backward(grad.astype(np.float32), boxes, (1, 18, 40, 50), 0.25, 2)
    with np.errstate(invalid="ignore", over="ignore"):
        expected = wide.astype(dtype).astype(np.float32)
    result = pyroi.roi_align_backward(grad, boxes, (1, 18, 40, 50), 0.25, 2).astype(np.float32)
    assert np.isnan(expected).any() and not np.isfinite(expected).all()
    assert np.array_equal(result, expected, equal_nan=True)
