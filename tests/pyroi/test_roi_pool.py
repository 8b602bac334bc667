"""roi_pool and its gradient: by hand, bin by bin, and by other engines."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import autograd, bounds, runtime, windows
from oracles.cases import LAYOUTS, cases, random_boxes, random_map

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

A64 = np.arange(64, dtype=np.float32).reshape(1, 1, 8, 8)
DTYPES = [np.float16, np.float32, np.float64]


def one(box, output_size, map=A64, **options):
    """Pools one box and gives the crop's numbers in a row."""
    return pyroi.roi_pool(map, np.array([[0, *box]]), output_size, **options).ravel().tolist()


def places(box, output_size, map=A64, **options):
    """Where the maxima of one box are, in a row."""
    boxes = np.array([[0, *box]])
    return pyroi.roi_pool(map, boxes, output_size, return_argmax=True, **options)[1].ravel().tolist()


# A64 rises along rows and columns: the largest of a bin is its last pixel, which is also its place.
@pytest.mark.parametrize(
    ("box", "output_size", "scale", "expected"),
    [
        # halves are rounded away from zero: pixels 1 to 3, the last one is (3, 3)
        ((0.5, 0.5, 2.5, 2.5), (1, 1), 1.0, [27]),
        # 7 pixels in 2 bins of 3.5: pixels 0 to 3 and 3 to 6
        ((0, 0, 6, 6), (2, 2), 1.0, [27, 30, 51, 54]),
        # 16 pixels in 2 bins: 5 to 12, of which 5 to 7 are on the map, and 13 to 20
        ((5, 5, 20, 20), (2, 2), 1.0, [63, 0, 0, 0]),
        # 1 pixel in 2 bins: both have it
        ((3, 3, 3, 3), (2, 2), 1.0, [27, 27, 27, 27]),
        # the second corner before the first: one pixel, at the first
        ((5, 6, 2, 1), (1, 1), 1.0, [53]),
        # below a half is rounded down: pixels 0 to 2
        ((0.49, 0.49, 2.49, 2.49), (1, 1), 1.0, [18]),
        # pixels 1 to 3 of a map of a quarter of the size
        ((4, 4, 12, 12), (1, 1), 0.25, [27]),
        # other sides: rows 1 to 6 in 3 bins, columns 0 to 7 in 2
        ((0, 1, 7, 6), (3, 2), 1.0, [19, 23, 35, 39, 51, 55]),
        # more bins than pixels: 2 pixels in 3 bins of 2/3, the middle one has both
        ((0, 0, 1, 0), (1, 3), 1.0, [0, 1, 1]),
        # nothing on the map
        ((8, 0, 9, 3), (1, 1), 1.0, [0]),
        ((-9, 2, -1, 5), (1, 1), 1.0, [0]),
    ],
)
def test_worked_examples(box, output_size, scale, expected):
    """Crops and places worked by hand."""
    assert one(box, output_size, spatial_scale=scale) == expected
    outside = [value == 0 and box[0] != 0 for value in expected]
    found = [-1 if out else value for out, value in zip(outside, expected, strict=True)]
    assert places(box, output_size, spatial_scale=scale) == found


def test_negative_halves_are_rounded_away_from_zero():
    """-0.5 is pixel -1 and -2.5 pixel -3: half of the two pixels, three quarters of the four, lie outside."""
    assert one((-0.5, -0.5, 0.49, 0.49), (2, 2), A64 + 1) == [0, 0, 0, 1]
    assert places((-0.5, -0.5, 0.49, 0.49), (2, 2)) == [-1, -1, -1, 0]
    assert one((-2.5, 0, 0.49, 0), (1, 4), A64 + 1) == [0, 0, 0, 1]
    assert one((-2.49, 0, 0.49, 0), (1, 3), A64 + 1) == [0, 0, 1]


def test_defaults_and_names():
    """Parameters are input, boxes, output_size, spatial_scale 1 and, by name only, return_argmax false."""
    box = [[0, 0, 0, 6, 6]]
    assert pyroi.roi_pool(A64, box, 2).ravel().tolist() == [27, 30, 51, 54]
    result, argmax = pyroi.roi_pool(input=A64, boxes=box, output_size=(2, 2), spatial_scale=1.0, return_argmax=True)
    assert result.ravel().tolist() == argmax.ravel().tolist() == [27, 30, 51, 54]
    assert (result.dtype, argmax.dtype) == (np.float32, np.int64)
    assert result.shape == argmax.shape == (1, 1, 2, 2)
    with pytest.raises(TypeError):
        pyroi.roi_pool(A64, box, 2, 1.0, True)


def test_names_of_the_backward():
    """grad, argmax, boxes, input_shape: each number goes where it came from, and is added up there."""
    grad, argmax = np.array([[[[1.0, 2], [4, 8]]]]), np.array([[[[27, 27], [-1, 63]]]])
    result = pyroi.roi_pool_backward(grad=grad, argmax=argmax, boxes=[[0, 0, 0, 6, 6]], input_shape=(1, 1, 8, 8))
    assert result.shape == (1, 1, 8, 8)
    assert {int(at): float(result.ravel()[at]) for at in np.flatnonzero(result)} == {27: 3, 63: 8}


# ---- Against the definition ------------------------------------------------------------------------------------------


def check(map, boxes, output_size, scale):
    """Values and places are those of the bins, exactly; the gradient within rounding."""
    real = bounds.computed_in(map.dtype)
    expected, where = windows.roi_pool(map, boxes, output_size, scale, real)
    result, argmax = pyroi.roi_pool(map, boxes, output_size, scale, return_argmax=True)
    assert result.dtype == map.dtype
    np.testing.assert_array_equal(result.astype(np.float64), expected.astype(np.float64))
    np.testing.assert_array_equal(argmax, where)
    np.testing.assert_array_equal(pyroi.roi_pool(map, boxes, output_size, scale).astype(np.float64), result)
    grad = random_map(np.random.default_rng(1), result.shape, map.dtype)
    flown = windows.roi_pool_backward(grad, where, boxes, map.shape)
    magnitude = windows.roi_pool_backward(np.abs(grad), where, boxes, map.shape)
    bounds.assert_within(pyroi.roi_pool_backward(grad, argmax, boxes, map.shape), flown, magnitude)


@pytest.mark.parametrize("dtype", DTYPES)
@given(case=cases(), kind=st.sampled_from(["numbers", "few", "broken"]))
def test_agrees_with_the_definition(dtype, case, kind):
    """Random maps, boxes and parameters; also with many equals, and with NaN and infinities."""
    rng = np.random.default_rng(2)
    map = case.input.astype(dtype) if kind == "numbers" else rng.integers(-3, 1, case.input.shape).astype(dtype)
    if kind == "broken":
        broken = rng.random(map.shape) < 0.2
        map[broken] = rng.choice([np.nan, np.inf, -np.inf], np.count_nonzero(broken))
    check(map, case.boxes, case.output_size, case.spatial_scale)


@given(case=cases(dtype=np.float64))
def test_geometry_in_float64(case):
    """Boxes whose digits float32 does not hold."""
    check(case.input, case.boxes, case.output_size, case.spatial_scale)


@pytest.mark.parametrize("seed", range(24))
def test_agrees_with_the_definition_on_many_boxes(seed):
    """Batches of 48 boxes of every kind on maps of up to 90 x 90, and of up to 20 channels."""
    rng = np.random.default_rng(seed)
    dtype = DTYPES[seed % 3]
    shape = (2, int(rng.integers(1, 21)), int(rng.integers(1, 91)), int(rng.integers(1, 91)))
    map = random_map(rng, shape, dtype) if seed % 2 else rng.integers(-9, 9, shape).astype(dtype)
    if seed % 4 == 0:
        map[rng.random(shape) < 0.003] = np.nan
        map[rng.random(shape) < 0.01] = -np.inf
    scale = float(rng.choice([1.0, 0.25, 0.0625, np.float32(0.3)]))
    boxes = random_boxes(rng, 48, shape, scale, bounds.computed_in(dtype))
    check(map, boxes, tuple(int(side) for side in rng.integers(1, 15, 2)), scale)


def test_bins_are_cut_in_the_type_computed_in():
    """58 pixels in 14 bins: bin 6 ends at 7 * 58 / 14, which is 29 in float32 and a little more in float64."""
    for dtype, last in ((np.float16, 28), (np.float32, 28), (np.float64, 29)):
        map = np.arange(58, dtype=dtype).reshape(1, 1, 1, 58)
        assert pyroi.roi_pool(map, [[0, 0, 0, 57, 0]], (1, 14))[0, 0, 0, 6] == last


def test_corners_are_rounded_in_the_type_computed_in():
    """45 * 0.7 is 31.5 in float32, so pixel 32, and 31.499999999999996 in float64, so pixel 31."""
    for dtype, first in ((np.float32, 32), (np.float64, 31)):
        map = -np.arange(58, dtype=dtype).reshape(1, 1, 1, 58)
        assert pyroi.roi_pool(map, np.float32([[0, 45, 0, 60, 0]]), 1, 0.7).item() == -first
    # and so are boxes of more digits than the map: 2.5 - 1e-9 is 2.5 in float32
    assert one((0, 0, 2.5 - 1e-9, 0), 1) == [3]
    assert one((0, 0, 2.5 - 1e-9, 0), 1, A64.astype(np.float64)) == [2]


@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_numbers_just_below_a_half(real):
    """The number before 0.5 is rounded to 0, though half of it more is 1 in floating point; 2^52 + 1 stays."""
    below = np.nextafter(real(0.5), real(0))
    boxes = np.array([[0, 0, 0, below, below], [0, 2 - below, 0, 3, 0]], real)
    boxes[1, 1] = np.nextafter(real(1.5), real(0))
    result = pyroi.roi_pool(A64.astype(real), boxes, 1).ravel().tolist()
    assert result == [0, 3]
    assert one((1, 1, 2.0**52 + 1, 2.0**52 + 1), 1, A64.astype(real)) == [63]


# ---- Against other engines -------------------------------------------------------------------------------------------


def tame(case):
    """The boxes whose corners are 32-bit integers on the map; what others do with larger ones is up to the compiler."""
    boxes = case.boxes[np.abs(case.boxes[:, 1:]).max(axis=1) * case.spatial_scale < 1e6]
    assume(len(boxes) > 0)
    return boxes


@given(cases())
def test_agrees_with_onnx_runtime(case):
    """MaxRoiPool of ONNX Runtime rounds and cuts alike; it differs for NaN and -infinity only, which are not here."""
    boxes = tame(case)
    theirs = runtime.roi_pool(case.input, boxes, case.output_size, case.spatial_scale)
    result = pyroi.roi_pool(case.input, boxes, case.output_size, case.spatial_scale)
    assert result.tolist() == theirs.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(case=cases(), equals=st.booleans())
def test_agrees_with_torchvision(dtype, case, equals):
    """torchvision's values, places and gradient: the same, also among equal maxima; maps of numbers, as above."""
    autograd.torchvision_ops()
    torch = autograd.torch()
    boxes = tame(case).astype(dtype)
    map = np.round(case.input).astype(dtype) if equals else case.input.astype(dtype)
    pixels = torch.tensor(map, requires_grad=True)
    arguments = (torch.tensor(boxes), case.spatial_scale, *case.output_size)
    theirs, where = torch.ops.torchvision.roi_pool(pixels, *arguments)
    result, argmax = pyroi.roi_pool(map, boxes, case.output_size, case.spatial_scale, return_argmax=True)
    assert result.tolist() == theirs.tolist()
    assert argmax.tolist() == where.tolist()
    grad = random_map(np.random.default_rng(3), result.shape, dtype)
    theirs.backward(torch.tensor(grad))
    magnitude = windows.roi_pool_backward(np.abs(grad), argmax, boxes, map.shape)
    flown = pyroi.roi_pool_backward(grad, argmax, boxes, map.shape)
    bounds.assert_within(flown, pixels.grad.numpy(), magnitude, ulps=8 + grad[0, 0].size * len(boxes))


# ---- The gradient ----------------------------------------------------------------------------------------------------


@given(cases(dtype=np.float64))
def test_is_the_transpose_of_reading_the_maxima(case):
    """<x at the maxima, g> = <x, A' g>: for the map itself, and for any other map read at the same places."""
    arguments = (case.boxes, case.output_size, case.spatial_scale)
    crops, argmax = pyroi.roi_pool(case.input, *arguments, return_argmax=True)
    grad = random_map(np.random.default_rng(4), crops.shape, np.float64)
    flown = pyroi.roi_pool_backward(grad, argmax, case.boxes, case.input.shape)
    for map in (case.input, random_map(np.random.default_rng(5), case.input.shape, np.float64)):
        planes = map.reshape(*map.shape[:2], -1)[case.boxes[:, 0].astype(int)]
        read = np.take_along_axis(planes, np.maximum(argmax, 0).reshape(*argmax.shape[:2], -1), axis=2)
        read = np.where(argmax < 0, 0, read.reshape(argmax.shape))
        assert map is not case.input or (read == crops).all()
        assert abs((read * grad).sum() - (map * flown).sum()) <= 1e-13 * (1 + np.abs(read * grad).sum())


def test_is_the_difference_of_the_forward():
    """Changing one pixel by less than the distance of any two changes the result by its gradient, for every pixel."""
    rng = np.random.default_rng(6)
    shape = (2, 2, 6, 7)
    map = rng.permutation(np.prod(shape)).reshape(shape).astype(np.float64)
    boxes = random_boxes(rng, 12, shape, dtype=np.float64)
    before, argmax = pyroi.roi_pool(map, boxes, (3, 2), return_argmax=True)
    grad = random_map(rng, before.shape, np.float64)
    flown = pyroi.roi_pool_backward(grad, argmax, boxes, shape)
    for pixel in np.ndindex(*shape):
        for step in (0.5, -0.5):
            changed = map.copy()
            changed[pixel] += step
            difference = ((pyroi.roi_pool(changed, boxes, (3, 2)) - before) * grad).sum() / step
            assert difference == pytest.approx(flown[pixel], abs=1e-12)


def test_many_boxes_on_one_pixel():
    """4096 boxes that each give 1 to one pixel: 4096 there, in float16 too, where 2048 + 1 is 2048."""
    boxes = np.tile(np.float32([0, 1, 1, 1, 1]), (4096, 1))
    for dtype in DTYPES:
        result = pyroi.roi_pool_backward(
            np.ones((4096, 1, 1, 1), dtype), np.full((4096, 1, 1, 1), 4), boxes, (1, 1, 3, 3)
        )
        assert result.dtype == dtype
        assert result[0, 0].tolist() == [[0, 0, 0], [0, 4096, 0], [0, 0, 0]]


def test_gradient_that_is_no_number():
    """NaN and infinity go where the maximum was, and nowhere else."""
    for value in (np.nan, np.inf, -np.inf):
        grad = np.array([[[[value, 1, 2]]]])
        flown = pyroi.roi_pool_backward(grad, [[[[3, 5, -1]]]], [[0, 0, 0, 1, 1]], (1, 1, 2, 4))
        np.testing.assert_array_equal(flown.ravel(), [0, 0, 0, value, 0, 1, 0, 0])


def test_scale_and_size_of_boxes_do_not_matter_backward():
    """Of the boxes only their images are looked at."""
    grad, argmax = np.ones((2, 1, 1, 1)), np.array([3, 2]).reshape(2, 1, 1, 1)
    flown = pyroi.roi_pool_backward(grad, argmax, [[1, 0, 0, 1, 1], [0, 1e30, -5, 7, -1e30]], (2, 1, 2, 2))
    assert flown.ravel().tolist() == [0, 0, 1, 0, 0, 0, 0, 1]


# ---- Maxima ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_least_value(dtype):
    """A bin of nothing but -infinity, or the type's least number, is that, and its place the first; 0 likewise."""
    for value in (-math.inf, np.finfo(dtype).min, -1e300 if dtype is np.float64 else -6e4, -0.0, math.inf):
        for shape in ((1, 2, 5, 5), (1, 2, 5, 70)):
            result, argmax = pyroi.roi_pool(np.full(shape, value, dtype), [[0, 1, 1, 3, 3]], (1, 2), return_argmax=True)
            assert (result == dtype(value)).all()
            assert argmax.ravel().tolist() == [shape[3] + 1, shape[3] + 2] * 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [3, 7, 16, 33, 70])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "reversed"])
def test_nan_wins_wherever_it_is(dtype, width, layout):
    """First, in the middle or last in a bin, beside any number: NaN comes out, with its place."""
    rng = np.random.default_rng(7)
    boxes = [[0, 0, 0, width - 1, 2]]
    for y, x in ((0, 0), (1, width // 2), (2, width - 1), (0, width - 1), (2, 0)):
        for rest in (-np.inf, -1.0, np.inf):
            map = np.full((1, 3, 3, width), rest, dtype)
            map[0, 1, y, x] = np.nan
            map[0, 2] = random_map(rng, (3, width), dtype)
            result, argmax = pyroi.roi_pool(LAYOUTS[layout](map), boxes, (1, 1), return_argmax=True)
            assert np.isnan(result[0, 1]).all()
            assert argmax[0, 1].item() == y * width + x
            assert result[0, 0].item() == rest
            assert result[0, 2].item() == map[0, 2].max()


def test_first_of_several_nans():
    """The first NaN in the order of rows, also where a later row has one in an earlier column."""
    map = np.zeros((1, 1, 4, 20), np.float32)
    map[0, 0, 1, 15] = map[0, 0, 2, 3] = map[0, 0, 1, 17] = np.nan
    assert places((0, 0, 19, 3), (1, 1), map) == [35]
    assert places((0, 0, 9, 3), (1, 1), map) == [43]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_first_of_equals_in_row_major_order(dtype, layout):
    """Equal maxima: the one in the highest row, and of those the leftmost, however the map lies in memory."""
    rng = np.random.default_rng(8)
    for width in (4, 9, 17, 40, 66):
        for _ in range(10):
            map = np.zeros((1, 2, 6, width), dtype)
            ones = rng.choice(6 * width, 4, replace=False)
            map.reshape(2, -1)[1, ones] = 1
            _, argmax = pyroi.roi_pool(LAYOUTS[layout](map), [[0, 0, 0, width - 1, 5]], (1, 1), return_argmax=True)
            assert argmax.ravel().tolist() == [0, ones.min()]


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_of_both_signs_are_equals(dtype):
    """-0 and 0 are equal, so the first of them is the maximum; the value is 0 of one sign or the other."""
    for first, second in ((-0.0, 0.0), (0.0, -0.0)):
        map = np.full((1, 1, 2, 20), second, dtype)
        map[0, 0, 0, 0] = first
        result, argmax = pyroi.roi_pool(map, [[0, 0, 0, 19, 1]], 1, return_argmax=True)
        assert result.item() == 0
        assert argmax.item() == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_numbers_are_told_apart(dtype):
    """The smallest number above 0 is larger than 0."""
    map = np.zeros((1, 1, 3, 20), dtype)
    map[0, 0, 1, 7] = bounds.smallest(dtype)
    result, argmax = pyroi.roi_pool(map, [[0, 0, 0, 19, 2]], 1, return_argmax=True)
    assert (float(result.item()), argmax.item()) == (bounds.smallest(dtype), 27)


# ---- Types, layouts, forms -------------------------------------------------------------------------------------------


def test_box_formats_agree():
    """[K, 4] with one image, a list of arrays, and nested lists mean what [K, 5] does, there and back."""
    rng = np.random.default_rng(13)
    map = random_map(rng, (2, 3, 8, 9))
    boxes = random_boxes(rng, 7, map.shape)
    boxes[:, 0] = [0, 0, 0, 0, 1, 1, 1]
    crops, argmax = pyroi.roi_pool(map, boxes, (2, 3), return_argmax=True)
    flown = pyroi.roi_pool_backward(crops, argmax, boxes, map.shape)
    for same in ([boxes[:4, 1:], boxes[4:, 1:]], boxes.tolist(), boxes.astype(np.float64)):
        assert pyroi.roi_pool(map, same, (2, 3)).tobytes() == crops.tobytes()
        assert pyroi.roi_pool_backward(crops, argmax, same, map.shape).tobytes() == flown.tobytes()
    assert pyroi.roi_pool(map[:1], boxes[:4, 1:], (2, 3)).tobytes() == crops[:4].tobytes()
    assert pyroi.roi_pool(map[:1], boxes[0, 1:], (2, 3)).tobytes() == crops[:1].tobytes()


def test_each_box_and_channel_by_itself():
    """A box gives the same crop alone and among others, a channel alone and among others: a maximum has no rounding."""
    rng = np.random.default_rng(14)
    map = random_map(rng, (2, 17, 13, 35))
    boxes = random_boxes(rng, 33, map.shape)
    together, where = pyroi.roi_pool(map, boxes, (7, 7), return_argmax=True)
    for k in range(len(boxes)):
        alone, place = pyroi.roi_pool(map, boxes[k : k + 1], (7, 7), return_argmax=True)
        assert alone.tobytes() == together[k].tobytes()
        assert place.tobytes() == where[k].tobytes()
    for c in range(17):
        assert pyroi.roi_pool(map[:, c : c + 1], boxes, (7, 7)).tobytes() == together[:, c : c + 1].tobytes()


def test_large_results_are_those_of_their_parts():
    """Crops and places of some MiB are written in another way, here from addresses of any kind."""
    rng = np.random.default_rng(15)
    map = random_map(rng, (1, 37, 40, 50))
    boxes = random_boxes(rng, 3300, map.shape)
    for layout in ("contiguous", "channels_last"):
        crops, argmax = pyroi.roi_pool(LAYOUTS[layout](map), boxes, (5, 7), return_argmax=True)
        assert crops.nbytes > 16 << 20
        for begin in range(0, len(boxes), 300):
            part, where = pyroi.roi_pool(map, boxes[begin : begin + 300], (5, 7), return_argmax=True)
            assert part.tobytes() == crops[begin : begin + 300].tobytes()
            assert where.tobytes() == argmax[begin : begin + 300].tobytes()


# ---- Nothing, and too much -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "output_size", "expected"),
    [
        ((0, 0, 1e9, 1e9), (2, 2), [63, 0, 0, 0]),
        ((-1e9, -1e9, 1e9, 1e9), (1, 1), [63]),
        ((-1e30, 3, 1e30, 3), (1, 1), [31]),
        ((-1e30, 2, 1e30, 1e30), (1, 3), [0, 63, 0]),
        ((-3e38, -3e38, 3e38, 3e38), (1, 1), [63]),
        ((-3e38, 2, 3e38, 2), (3, 3), [0, 23, 0] * 3),
        ((5, 5, 3.4e38, 3.4e38), (3, 3), [63, 0, 0, 0, 0, 0, 0, 0, 0]),
        ((1e30, 1e30, 2e30, 2e30), (2, 2), [0, 0, 0, 0]),
        ((1e30, 0, -1e30, 0), (1, 1), [0]),
        ((2.0**31, 0, 2.0**31 + 512, 7), (1, 2), [0, 0]),
        ((-(2.0**63), -(2.0**63), 2.0**63, 2.0**63), (1, 1), [63]),
    ],
)
def test_huge_boxes(box, output_size, expected):
    """Corners far beyond 32 and 64 bits, and widths beyond float32: the pixels on the map, at once."""
    for dtype in DTYPES:
        result = pyroi.roi_pool(A64.astype(dtype), np.array([[0, *box]]), output_size)
        assert result.ravel().tolist() == expected


def test_huge_bins_are_cut_in_the_type_computed_in():
    """2e9 + 1 pixels are 2e9 in float32, whose half ends at pixel 0; in float64 it ends in the middle of that pixel."""
    boxes = np.float32([[0, -1e9, -1e9, 1e9, 1e9]])
    assert pyroi.roi_pool(A64, boxes, (1, 4)).ravel().tolist() == [0, 0, 63, 0]
    assert pyroi.roi_pool(A64.astype(np.float64), boxes, (1, 4)).ravel().tolist() == [0, 56, 63, 0]


def test_boxes_at_the_limit_of_float64():
    """A box whose width is a number is pooled; one whose width is beyond double is refused by name, in any type."""
    for dtype in DTYPES:
        assert pyroi.roi_pool(A64.astype(dtype), [[0, -8e307, -8e307, 8e307, 8e307]], 1).item() == 63
        with pytest.raises(ArgumentError, match="row 0") as caught:
            pyroi.roi_pool(A64.astype(dtype), [[0, -1.7e308, 0, 1.7e308, 7]], 1)
        assert caught.value.argument == "boxes"


@pytest.mark.parametrize("scale", [1e-30, 1e-300, 5e-324])
def test_tiny_scales(scale):
    """Everything is pixel 0."""
    for dtype in (np.float32, np.float64):
        assert pyroi.roi_pool(A64.astype(dtype) + 5, [[0, 1, 1, 3, 3]], (2, 2), scale).ravel().tolist() == [5] * 4


def test_tall_and_wide_outputs():
    """Many more bins than pixels."""
    for output_size in ((1, 1000), (1000, 1), (3, 333)):
        check(A64, np.float32([[0, 0.5, 0.5, 4.5, 9.5]]), output_size, 1.0)


# ---- Bad places ------------------------------------------------------------------------------------------------------

GRAD = np.ones((3, 2, 2, 2), np.float32)
PLACES = np.zeros((3, 2, 2, 2), np.int64)
BOXES = np.float32([[0, 0, 0, 3, 3]] * 3)


def refused(kind, argmax, grad=GRAD, shape=(1, 2, 4, 5)):
    """What backward says of these places."""
    with pytest.raises(kind) as caught:
        pyroi.roi_pool_backward(grad, argmax, BOXES, shape)
    assert caught.value.argument == "argmax"
    return str(caught.value)


@pytest.mark.parametrize("value", [20, -2, 2**31, 2**32, 2**63 - 1, -(2**63), -(2**32) - 1])
def test_place_outside_the_map(value):
    """Neither -1 nor in [0, H * W): the first row with one, and the value, are said, wherever it stands."""
    for row, channel, p, q in ((1, 0, 0, 0), (2, 1, 1, 1), (0, 1, 0, 1)):
        argmax = PLACES.copy()
        argmax[row, channel, p, q] = value
        argmax[2, 1, 1, 1] = value
        said = refused(ArgumentError, argmax)
        assert f"row {row}:" in said
        assert float(said.rpartition("got ")[2]) == pytest.approx(value, rel=1e-14)  # told as a double


def test_places_at_the_limits():
    """-1, 0 and H * W - 1 are fine; without a pixel only -1 is."""
    argmax = PLACES.copy()
    argmax[0], argmax[1] = -1, 19
    assert pyroi.roi_pool_backward(GRAD, argmax, BOXES, (1, 2, 4, 5))[0, 0].ravel().tolist() == [4] + [0] * 18 + [4]
    assert "row 0:" in refused(ArgumentError, PLACES, shape=(1, 2, 0, 5))
    pyroi.roi_pool_backward(GRAD, PLACES - 1, BOXES, (1, 2, 0, 5))


def test_unsigned_places_beyond_63_bits():
    """2^64 - 1 is not -1."""
    argmax = PLACES.astype(np.uint64)
    argmax[1, 0, 0, 1] = 2**64 - 1
    assert str(2**64 - 1) in refused(ArgumentError, argmax)


def test_first_bad_row_of_many():
    """With several threads, too, the first one is named."""
    argmax = np.zeros((3000, 4, 7, 7), np.int64)
    argmax[[411, 1234, 2999], 3, 6, 6] = 99
    with pytest.raises(ArgumentError, match="row 411:"):
        pyroi.roi_pool_backward(np.ones(argmax.shape, np.float32), argmax, np.tile(BOXES[:1], (3000, 1)), (1, 4, 4, 5))


@pytest.mark.parametrize("shape", [(3, 2, 2), (3, 2, 2, 1), (2, 2, 2, 2), (3, 1, 2, 2), (24,), (), (3, 2, 2, 2, 1)])
def test_places_of_another_shape(shape):
    """The shape wanted, the gradient's, and the one that came."""
    assert "[3, 2, 2, 2]" in refused(ArgumentError, np.zeros(shape, np.int64))


@pytest.mark.parametrize(
    "argmax", [PLACES.astype(np.float64), PLACES.astype(np.float32), PLACES.astype(bool), "places", None, PLACES * 1j]
)
def test_places_that_are_no_integers(argmax):
    """Floating-point numbers, booleans, text and nothing are no places."""
    refused(ArgumentTypeError, argmax)


@pytest.mark.parametrize("flag", ["yes", None, 2, 1.0, [True]])
def test_return_argmax_that_is_no_truth(flag):
    """return_argmax is true or false."""
    with pytest.raises((ArgumentTypeError, ArgumentError)) as caught:
        pyroi.roi_pool(A64, [[0, 0, 0, 3, 3]], 2, return_argmax=flag)
    assert caught.value.argument == "return_argmax"
