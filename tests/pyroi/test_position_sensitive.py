"""ps_roi_align, ps_roi_pool and their gradients: by hand, by samples and pixels, and by other engines."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import autograd, bounds, walk, windows
from oracles.cases import A25, LAYOUTS, cases, random_boxes, random_map

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

DTYPES = [np.float16, np.float32, np.float64]
FORWARD = {"align": pyroi.ps_roi_align, "pool": pyroi.ps_roi_pool}
BACKWARD = {"align": pyroi.ps_roi_align_backward, "pool": pyroi.ps_roi_pool_backward}
EXPECTED = {"align": walk.ps_roi_align, "pool": windows.ps_roi_pool}
EXPECTED_BACKWARD = {"align": walk.ps_roi_align_backward, "pool": windows.ps_roi_pool_backward}
EACH = pytest.mark.parametrize("name", FORWARD)


def planes(count, map=A25):
    """A map whose channel k is `map` and k hundreds."""
    return map + 100 * np.arange(count, dtype=map.dtype).reshape(1, count, 1, 1)


def one(name, map, box, output_size, *options):
    """Pools one box and gives the crop's numbers in a row."""
    return FORWARD[name](map, np.array([[0, *box]]), output_size, *options).ravel().tolist()


# ---- By hand ---------------------------------------------------------------------------------------------------------


def test_align_is_roi_align_in_each_bins_channel():
    """(1, 1, 3, 3), 2 x 2, ratio 2, is 6 7 11 12 in A25: bin k has it from channel k, so that k hundreds are added."""
    assert one("align", planes(4), (1, 1, 3, 3), (2, 2), 1.0, 2) == [6, 107, 211, 312]
    assert one("align", planes(4), (2, 2, 6, 6), (2, 2), 0.5, 2) == [6, 107, 211, 312]
    # the mirrored box: the same samples, walked the other way
    assert one("align", planes(4), (3, 1, 1, 3), (2, 2), 1.0, 2) == [7, 106, 212, 311]
    # adaptive, 0.875 wide in bins of less: one sample each, as 1 says
    adaptive = one("align", planes(4), (1, 1, 1.875, 1.875), (2, 2))
    assert adaptive == one("align", planes(4), (1, 1, 1.875, 1.875), (2, 2), 1.0, 1)


@pytest.mark.parametrize(
    ("box", "output_size", "scale", "expected"),
    [
        # the whole map, its last row and column too
        ((0, 0, 5, 5), (1, 1), 1.0, [12]),
        # pixels 1 and 2: the second corner does not belong to the box
        ((1, 1, 3, 3), (1, 1), 1.0, [9]),
        # halves are rounded away from zero: pixels 1 and 2 again
        ((0.5, 0.5, 2.5, 2.5), (1, 1), 1.0, [9]),
        ((0.49, 0.49, 2.49, 2.49), (1, 1), 1.0, [3]),
        # at least one pixel wide: an empty box and a mirrored one
        ((2, 2, 2, 2), (1, 1), 1.0, [12]),
        ((3, 3, 1, 1), (1, 1), 1.0, [18]),
        # 3 pixels in 2 bins of 1.5: pixels 0 and 1, 1 and 2
        ((0, 0, 3, 3), (2, 2), 1.0, [3, 104, 208, 309]),
        ((0, 0, 12, 12), (2, 2), 0.25, [3, 104, 208, 309]),
        # the last row and column alone, and one pixel that two bins share
        ((4, 4, 5, 5), (1, 1), 1.0, [24]),
        ((4, 4, 5, 5), (2, 1), 1.0, [24, 124]),
        # half outside: the mean of the pixels on the map
        ((3, 3, 7, 7), (1, 1), 1.0, [21]),
        ((-3, -3, 2, 2), (1, 1), 1.0, [3]),
        # -0.5 is rounded to -1, and the second bin begins at 0
        ((-0.5, 0, 1, 1), (1, 2), 1.0, [0, 100]),
        # rows 0 to 4 in 1, columns 0 to 4 in 3 bins of 5/3: 0 and 1, 1 to 3, 3 and 4
        ((0, 0, 5, 5), (1, 3), 1.0, [10.5, 112, 213.5]),
        # a bin outside the map is 0, not the mean of nothing
        ((3, 0, 7, 5), (1, 2), 1.0, [13.5, 0]),
        ((5, 5, 9, 9), (1, 1), 1.0, [0]),
        ((-9, 0, -1, 5), (1, 1), 1.0, [0]),
    ],
)
def test_pool_by_hand(box, output_size, scale, expected):
    """Means of 5 y + x over the pixels of each bin, in the bin's own channel."""
    assert one("pool", planes(math.prod(output_size)), box, output_size, scale) == expected


@EACH
def test_channels(name):
    """Bin (p, q) of channel c reads channel (c * height + p) * width + q; here each channel is its number."""
    map = np.ones((1, 12, 5, 5)) * np.arange(12).reshape(1, 12, 1, 1)
    assert one(name, map, (1, 1, 4, 4), (2, 3)) == list(range(12))
    assert FORWARD[name](map, [[0, 1, 1, 4, 4]], (2, 3)).shape == (1, 2, 2, 3)
    assert one(name, map, (1, 1, 4, 4), 2) == list(range(12))
    assert FORWARD[name](map, [[0, 1, 1, 4, 4]], 2).shape == (1, 3, 2, 2)
    back = BACKWARD[name](np.arange(1.0, 13).reshape(1, 2, 2, 3), [[0, 1, 1, 4, 4]], map.shape)
    assert back.sum(axis=(0, 2, 3)) == pytest.approx(np.arange(1, 13), rel=1e-14)


def test_gradient_by_hand():
    """The mean of 4 pixels gives each a quarter; shared pixels get both; the last row and column get theirs."""
    boxes = [[0, 0, 0, 3, 2], [0, 3, 3, 5, 5]]
    result = pyroi.ps_roi_pool_backward(np.array([[[[4.0, 8]]], [[[2, 16]]]]), boxes, (1, 2, 5, 5))
    first, second = np.zeros((5, 5)), np.zeros((5, 5))
    first[:2, :2], second[:2, 1:3] = 1, 2  # 3 columns in 2 bins: 0 and 1, 1 and 2
    first[3:, 3], second[3:, 4] = 1, 8
    assert result[0].tolist() == [first.tolist(), second.tolist()]
    # one sample in the middle of four pixels
    result = pyroi.ps_roi_align_backward(np.array([[[[4.0]]]]), [[0, 1, 1, 3, 3]], (1, 1, 5, 5), 1.0, 1)
    expected = np.zeros((5, 5))
    expected[1:3, 1:3] = 1
    assert result[0, 0].tolist() == expected.tolist()


def test_defaults_and_names():
    """spatial_scale 1 and, of ps_roi_align, sampling_ratio -1; 0 means the same."""
    map, boxes, grad = planes(4), [[0, 0.5, 0, 4, 4.5]], np.float32([[[[1, 2], [3, 4]]]])
    align = pyroi.ps_roi_align(map, boxes, 2).tolist()
    assert align == pyroi.ps_roi_align(map, boxes, (2, 2), 1.0, -1).tolist()
    named = {"boxes": boxes, "spatial_scale": 1.0}
    assert align == pyroi.ps_roi_align(input=map, output_size=(2, 2), sampling_ratio=0, **named).tolist()
    pool = pyroi.ps_roi_pool(map, boxes, 2).tolist()
    assert pool == pyroi.ps_roi_pool(input=map, output_size=[2, 2], **named).tolist()
    named |= {"grad": grad, "input_shape": map.shape}
    align = pyroi.ps_roi_align_backward(grad, boxes, map.shape).tolist()
    assert align == pyroi.ps_roi_align_backward(sampling_ratio=-1, **named).tolist()
    pool = pyroi.ps_roi_pool_backward(grad, boxes, list(map.shape)).tolist()
    assert pool == pyroi.ps_roi_pool_backward(**named).tolist()


@pytest.mark.parametrize("ratio", [-1, 0, 1, 2, 5])
@pytest.mark.parametrize("dtype", DTYPES)
def test_empty_box_of_align(dtype, ratio):
    """A box without width or height gives 0 and passes nothing back, whatever the ratio; its neighbours do not care."""
    map = planes(4, A25.astype(dtype) + 1)
    boxes = np.array([[0, 2, 1, 2, 3], [0, 1, 1, 3, 3], [0, 1, 2, 3, 2], [0, 2, 2, 2, 2], [0, 3, 3, 1, 3]])
    result = pyroi.ps_roi_align(map, boxes, (2, 2), 1.0, ratio)
    alone = pyroi.ps_roi_align(map, boxes[1:2], (2, 2), 1.0, ratio)
    assert result[1].tolist() == alone[0].tolist()
    assert alone.all()
    assert not result[[0, 2, 3, 4]].any()
    grad = np.ones(result.shape, dtype)
    flown = pyroi.ps_roi_align_backward(grad, boxes, map.shape, 1.0, ratio)
    assert flown.tolist() == pyroi.ps_roi_align_backward(grad[:1], boxes[1:2], map.shape, 1.0, ratio).tolist()
    assert flown.any()


def test_emptiness_is_decided_in_the_type_computed_in():
    """2 and 2 + 1e-9 are one number in float32, and two in float64."""
    boxes = np.array([[0, 2, 1, 2 + 1e-9, 3]])
    assert one("align", A25 + 1, boxes[0, 1:], 1, 1.0, 1) == [0]
    assert one("align", A25.astype(np.float64) + 1, boxes[0, 1:], 1, 1.0, 1) == [pytest.approx(1 + 1.5 + 5 * 1.5)]


# ---- Against samples and pixels --------------------------------------------------------------------------------------


@st.composite
def calls(draw, dtype):
    """A name, a map with a channel for each bin, and what follows it in a call."""
    name, case = draw(st.sampled_from(list(FORWARD))), draw(cases(dtype=dtype, max_boxes=8))
    images, channels, *sides = case.input.shape
    shape = (images, channels * math.prod(case.output_size), *sides)
    map = random_map(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), shape, dtype)
    options = (case.spatial_scale, case.sampling_ratio) if name == "align" else (case.spatial_scale,)
    return name, map, case.boxes, case.output_size, options


def check(name, map, boxes, output_size, options):
    """Forward and backward are those of the samples or pixels, within rounding."""
    real = bounds.computed_in(map.dtype)
    result = FORWARD[name](map, boxes, output_size, *options)
    assert result.dtype == map.dtype
    expected = EXPECTED[name](map, boxes, output_size, *options, real=real)
    bounds.assert_within(result, expected, EXPECTED[name](np.abs(map), boxes, output_size, *options, real=real))
    grad = random_map(np.random.default_rng(1), result.shape, map.dtype)
    flown = BACKWARD[name](grad, boxes, map.shape, *options)
    assert flown.dtype == map.dtype
    expected = EXPECTED_BACKWARD[name](grad, boxes, map.shape, *options, real=real)
    magnitude = EXPECTED_BACKWARD[name](np.abs(grad), boxes, map.shape, *options, real=real)
    bounds.assert_within(flown, expected, magnitude)


@given(calls(np.float32))
def test_agrees_with_the_definition(call):
    """float32: random maps, boxes and parameters."""
    check(*call)


@given(calls(np.float64))
def test_agrees_with_the_definition_in_float64(call):
    """The same in float64, geometry included."""
    check(*call)


@given(calls(np.float32))
def test_agrees_with_the_definition_in_float16(call):
    """float16 as storage."""
    name, map, *arguments = call
    check(name, map.astype(np.float16), *arguments)


@EACH
@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_the_definition_on_many_boxes(name, seed):
    """Batches of 32 boxes of every kind on maps of up to 60 x 60; bins from 1 x 1 to 9 x 9."""
    rng = np.random.default_rng(seed)
    dtype = DTYPES[seed % 3]
    output_size = (7, 7) if seed == 0 else tuple(int(side) for side in rng.integers(1, 10, 2))
    channels = int(rng.integers(1, 4)) * math.prod(output_size)
    shape = (2, channels, int(rng.integers(1, 61)), int(rng.integers(1, 61)))
    scale = float(rng.choice([1.0, 0.25, 0.0625, np.float32(0.3)]))
    boxes = random_boxes(rng, 32, shape, scale, bounds.computed_in(dtype))
    options = (scale, int(rng.integers(-1, 5))) if name == "align" else (scale,)
    check(name, random_map(rng, shape, dtype), boxes, output_size, options)


def test_pixels_are_found_in_the_type_computed_in():
    """45 * 0.7 and 7 * 58 / 14 fall on either side of a whole or half number: see test_roi_pool."""
    for dtype, first, last in ((np.float32, 32, 29), (np.float64, 31, 30)):
        map = np.arange(58, dtype=dtype).reshape(1, 1, 1, 58)
        assert pyroi.ps_roi_pool(map, np.float32([[0, 45, 0, 45, 0]]), 1, 0.7).item() == first
        bins = pyroi.ps_roi_pool(np.repeat(map, 14, 1), [[0, 0, 0, 58, 1]], (1, 14))
        assert bins[0, 0, 0, 6] == np.mean(range(24, last))


# ---- Against other engines -------------------------------------------------------------------------------------------


def tame(boxes, scale):
    """The boxes that others can count in 32 bits, and walk through."""
    return boxes[np.abs(boxes[:, 1:]).max(axis=1) * scale < 200]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_align_agrees_with_torchvision(dtype, data):
    """torchvision.ops.ps_roi_align, values and gradient, except for boxes without samples, of which it makes NaN."""
    ops, torch = autograd.torchvision_ops(), autograd.torch()
    name, map, boxes, output_size, options = data.draw(calls(dtype).filter(lambda call: call[0] == "align"))
    boxes = tame(boxes, options[0])
    mirrored = (boxes[:, 1:3] > boxes[:, 3:]).any(axis=1)
    boxes = boxes[~walk.is_flat(boxes, options[0], dtype) & ~(mirrored & (options[1] <= 0))]
    assume(len(boxes) > 0)
    pixels = torch.tensor(map, requires_grad=True)
    theirs = ops.ps_roi_align(pixels, torch.tensor(boxes), output_size, *options)
    grad = random_map(np.random.default_rng(2), theirs.shape, dtype)
    theirs.backward(torch.tensor(grad))
    bins = (name, map, boxes, output_size, options)
    within(*bins, theirs.detach().numpy(), grad, pixels.grad.numpy(), 64 + 0.5 * samples(map, options) ** 2)


def samples(map, options):
    """The most samples of a bin along an axis that lie on the map."""
    return options[1] if options[1] > 0 else 2 + max(map.shape[2:])


def within(name, map, boxes, output_size, options, theirs, grad, flown, ulps, unlike=None):
    """Holds both directions to theirs, which add one after the other; `unlike` marks bins that are not compared."""
    real = bounds.computed_in(map.dtype)
    arguments = (boxes, output_size, *options)
    result, magnitude = FORWARD[name](map, *arguments), EXPECTED[name](np.abs(map), *arguments, real=real)
    if unlike is not None:
        theirs = np.where(unlike, result, theirs)
    bounds.assert_within(result, theirs, magnitude, ulps=ulps)
    arguments = (boxes, map.shape, *options)
    magnitude = EXPECTED_BACKWARD[name](np.abs(grad), *arguments, real=real) + np.abs(grad).max(initial=0) / 8
    bounds.assert_within(BACKWARD[name](grad, *arguments), flown, magnitude, ulps=ulps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_pool_agrees_with_torchvision(dtype, data):
    """torchvision.ops.ps_roi_pool: values of the bins without pixels in the last row or column, and all gradients.

    Its gradient rounds corners in float32, also those of a map of float64.
    """
    ops, torch = autograd.torchvision_ops(), autograd.torch()
    name, map, boxes, output_size, options = data.draw(calls(dtype).filter(lambda call: call[0] == "pool"))
    boxes = tame(boxes, options[0])
    corners = boxes[:, 1:] * dtype(options[0])
    boxes = boxes[[all(windows.round_away(x) == windows.round_away(np.float32(x)) for x in row) for row in corners]]
    assume(len(boxes) > 0)
    pixels = torch.tensor(map, requires_grad=True)
    theirs = ops.ps_roi_pool(pixels, torch.tensor(boxes), output_size, *options)
    grad = random_map(np.random.default_rng(3), theirs.shape, dtype)
    theirs.backward(torch.tensor(grad))
    border = map.copy()
    border[...] = 0
    border[:, :, -1], border[:, :, :, -1] = 1, 1
    unlike = windows.ps_roi_pool(border, boxes, output_size, *options, real=dtype) != 0
    bins = (name, map, boxes, output_size, options)
    within(*bins, theirs.detach().numpy(), grad, pixels.grad.numpy(), 64 + 0.5 * max(map.shape) ** 2, unlike)


@pytest.mark.parametrize("seed", range(4))
def test_gradient_of_align_agrees_with_pytorch(seed):
    """PyTorch differentiates an expression of its own for the mean of samples, in each bin's own channel."""
    rng = np.random.default_rng(seed)
    dtype = (np.float32, np.float64)[seed % 2]
    height, width = (int(side) for side in rng.integers(1, 4, 2))
    shape = (2, 2 * height * width, int(rng.integers(1, 12)), int(rng.integers(1, 12)))
    boxes = random_boxes(rng, 12, shape, dtype=dtype)
    boxes = boxes[(boxes[:, 1:3] != boxes[:, 3:]).all(axis=1)]
    grad = random_map(rng, (len(boxes), 2, height, width), dtype)
    options = (1.0, (-1, 1, 2, 3)[seed])
    parts = [walk.in_own_channels(part) for part in (grad, np.abs(grad))]
    expected, magnitude = (autograd.gradient(part, boxes, shape, *options, True, real=dtype) for part in parts)
    flown = pyroi.ps_roi_align_backward(grad, boxes, shape, *options)
    bounds.assert_within(flown, expected, magnitude + np.abs(grad).max())


# ---- The gradient ----------------------------------------------------------------------------------------------------


@given(calls(np.float64))
def test_is_the_transpose_of_the_forward(call):
    """<A x, g> = <x, A' g> for every x and g."""
    name, map, boxes, output_size, options = call
    forward = FORWARD[name](map, boxes, output_size, *options)
    grad = random_map(np.random.default_rng(4), forward.shape, np.float64)
    flown = BACKWARD[name](grad, boxes, map.shape, *options)
    size = (FORWARD[name](np.abs(map), boxes, output_size, *options) * np.abs(grad)).sum()
    assert abs((forward * grad).sum() - (map * flown).sum()) <= 1e-13 * size


@EACH
def test_is_the_difference_of_the_forward(name):
    """Both are linear: changing one pixel by 1 changes the result by its gradient, for every pixel."""
    rng = np.random.default_rng(5)
    shape = (2, 6, 4, 5)
    map, boxes = random_map(rng, shape, np.float64), random_boxes(rng, 8, shape, dtype=np.float64)
    before = FORWARD[name](map, boxes, (3, 2))
    grad = random_map(rng, before.shape, np.float64)
    flown = BACKWARD[name](grad, boxes, shape)
    for pixel in np.ndindex(*shape):
        changed = map.copy()
        changed[pixel] += 1
        difference = ((FORWARD[name](changed, boxes, (3, 2)) - before) * grad).sum()
        assert difference == pytest.approx(flown[pixel], abs=1e-12)


@EACH
def test_sum_is_kept(name):
    """Weights of a bin on the map add up to 1: what flows in flows out."""
    grad = np.random.default_rng(6).uniform(0, 1, (2, 2, 2, 3))
    flown = BACKWARD[name](grad, [[0, 1, 1, 7, 6], [1, 2.5, 0.7, 9.1, 8.8]], (2, 12, 10, 10))
    assert flown.sum() == pytest.approx(grad.sum(), rel=1e-12)


@EACH
def test_many_boxes_on_one_pixel(name):
    """4096 boxes that each give 1 to one pixel: 4096 there, in float16 too, where 2048 + 1 is 2048."""
    boxes = np.tile(np.float32([0, 1, 1, 2, 2]), (4096, 1))
    for dtype in DTYPES:
        flown = BACKWARD[name](np.ones((4096, 1, 1, 1), dtype), boxes, (1, 1, 3, 3))
        assert flown.dtype == dtype
        assert flown[0, 0].tolist() == [[0, 0, 0], [0, 4096, 0], [0, 0, 0]]


@EACH
@pytest.mark.parametrize("dtype", DTYPES)
def test_channels_last_of_any_number(name, dtype):
    """However many channels a crop has, which are found some at a time, the bits are those of planes."""
    rng = np.random.default_rng(16)
    for channels in (1, 3, 4, 5, 8, 9, 11, 12, 13, 24, 25, 29):
        map = random_map(rng, (2, channels * 6, 13, 17), dtype)
        boxes = random_boxes(rng, 9, map.shape)
        expected = FORWARD[name](map, boxes, (2, 3))
        assert FORWARD[name](LAYOUTS["channels_last"](map), boxes, (2, 3)).tobytes() == expected.tobytes()


# ---- NaN and infinity ------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "reversed", "sliced"])
def test_surroundings_that_are_not_read(name, dtype, layout):
    """With NaN in every pixel and channel but those that a bin reads, the crop is what it is without."""
    rng = np.random.default_rng(7)
    for width in (1, 3, 5, 8, 9, 16, 33):
        shape = (2, 6, 9, width)
        map = random_map(rng, shape, dtype)
        for box in ([0, 0, 1, min(3, width), 4], [1, 0.25, 2.5, width - 0.5, 4.5], [0, width - 1, 7, width, 9]):
            boxes = np.array([box], np.float32)
            weight = EXPECTED_BACKWARD[name](np.ones((1, 1, 2, 3)), boxes, shape, real=bounds.computed_in(dtype))
            assert 0 < np.count_nonzero(weight) < weight.size
            poisoned = np.where(weight != 0, map, dtype(np.nan))
            expected = FORWARD[name](map, boxes, (2, 3))
            assert FORWARD[name](LAYOUTS[layout](poisoned), boxes, (2, 3)).tobytes() == expected.tobytes()


@EACH
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_none(name, value):
    """NaN or infinity in a map reaches the bins that read it; in a gradient, the pixels its bin has read."""
    rng = np.random.default_rng(8)
    shape = (1, 12, 6, 7)
    boxes = np.concatenate([random_boxes(rng, 6, shape), np.float32([[0, 0, 0, 7, 6], [0, 1, 1, 5, 5]])])
    map, grad = random_map(rng, shape), random_map(rng, (8, 2, 2, 3))
    magnitude = EXPECTED[name](np.abs(map), boxes, (2, 3))
    reached = 0
    for pixel in np.ndindex(*shape[1:]):
        broken = map.copy()
        broken[(0, *pixel)] = value
        expected = EXPECTED[name](broken, boxes, (2, 3))
        bounds.assert_within(FORWARD[name](broken, boxes, (2, 3)), expected, magnitude)
        reached += np.count_nonzero(~np.isfinite(expected))
    magnitude = EXPECTED_BACKWARD[name](np.abs(grad), boxes, shape)
    for place in np.ndindex(*grad.shape):
        broken = grad.copy()
        broken[place] = value
        expected = EXPECTED_BACKWARD[name](broken, boxes, shape)
        bounds.assert_within(BACKWARD[name](broken, boxes, shape), expected, magnitude)
        reached += np.count_nonzero(~np.isfinite(expected))
    assert reached > 500


@EACH
def test_sums_of_half_types_do_not_overflow_on_their_way(name):
    """60000 in each of many pixels has a mean in float16; shares of +60000 and -60000 meet in float32."""
    map = np.full((1, 4, 40, 40), 60000, np.float16)
    # rounded once: half of an ulp at most, and that is 32
    assert (FORWARD[name](map, [[0, 1, 1, 30, 33]], (2, 2)) == 60000).all()
    grad = np.float16([60000, 60000, -60000, -60000]).reshape(4, 1, 1, 1)
    assert not BACKWARD[name](grad, [[0, 1, 1, 2, 2]] * 4, (1, 1, 3, 3)).any()
    assert np.isposinf(BACKWARD[name](grad[:2], [[0, 1, 1, 2, 2]] * 2, (1, 1, 3, 3))[0, 0, 1, 1])


# ---- Layouts, forms --------------------------------------------------------------------------------------------------


@EACH
def test_box_formats_agree(name):
    """[K, 4] with one image, a list of arrays, and nested lists mean what [K, 5] does, there and back."""
    rng = np.random.default_rng(10)
    map = random_map(rng, (2, 6, 8, 9))
    boxes = random_boxes(rng, 7, map.shape)
    boxes[:, 0] = [0, 0, 0, 0, 1, 1, 1]
    crops = FORWARD[name](map, boxes, (2, 3))
    flown = BACKWARD[name](crops, boxes, map.shape)
    for same in ([boxes[:4, 1:], boxes[4:, 1:]], boxes.tolist(), boxes.astype(np.float64)):
        assert FORWARD[name](map, same, (2, 3)).tobytes() == crops.tobytes()
        assert BACKWARD[name](crops, same, map.shape).tobytes() == flown.tobytes()
    assert FORWARD[name](map[:1], boxes[:4, 1:], (2, 3)).tobytes() == crops[:4].tobytes()


@EACH
def test_each_box_and_channel_by_itself(name):
    """A box gives the same crop alone and among others, a channel alone and among others."""
    rng = np.random.default_rng(11)
    map = random_map(rng, (2, 5 * 6, 13, 21))
    boxes = random_boxes(rng, 20, map.shape)
    together = FORWARD[name](map, boxes, (2, 3))
    for k in range(len(boxes)):
        assert FORWARD[name](map, boxes[k : k + 1], (2, 3)).tobytes() == together[k].tobytes()
    for c in range(5):
        alone = FORWARD[name](map[:, 6 * c : 6 * c + 6], boxes, (2, 3))
        assert alone.tobytes() == together[:, c : c + 1].tobytes()


# ---- Nothing, and too much -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "output_size", "expected"),
    [
        ((0, 0, 1e9, 1e9), (2, 2), [12, 0, 0, 0]),
        ((-1e9, -1e9, 1e9, 1e9), (1, 1), [12]),
        ((-1e9, -1e9, 1e9, 1e9), (2, 2), [0, 0, 0, 312]),
        ((-1e30, 3, 1e30, 4), (1, 1), [17]),
        ((-3e38, -3e38, 3e38, 3e38), (3, 3), [0, 0, 0, 0, 412, 0, 0, 0, 0]),
        ((3, 3, 3.4e38, 3.4e38), (1, 2), [21, 0]),
        ((1e30, 1e30, 2e30, 2e30), (1, 1), [0]),
        ((1e30, 0, -1e30, 0), (1, 1), [0]),
        ((2.0**31, 0, 2.0**32, 5), (1, 1), [0]),
        ((-(2.0**63), -(2.0**63), 2.0**63, 2.0**63), (1, 1), [12]),
    ],
)
def test_huge_boxes_of_pool(box, output_size, expected):
    """Corners beyond 32 and 64 bits, and widths beyond float32: the mean of the pixels on the map, at once."""
    for dtype in DTYPES:
        map = planes(math.prod(output_size), A25.astype(dtype))
        assert one("pool", map, box, output_size) == [pytest.approx(value, rel=2e-3) for value in expected]
        grad = np.ones((1, 1, *output_size), dtype)
        flown = pyroi.ps_roi_pool_backward(grad, [[0, *box]], map.shape)
        assert flown.astype(np.float64).sum() == pytest.approx(np.count_nonzero(expected), rel=2e-3)


@pytest.mark.parametrize("box", [(0, 0, 1e9, 1e9), (-5e8, -5e8, 5e8, 5e8), (-1e9, 1, 1e9, 3)])
@pytest.mark.parametrize("ratio", [-1, 2])
def test_huge_boxes_of_align(box, ratio):
    """Boxes of side 1e9, against the walk over those samples that lie on the map."""
    for dtype in (np.float32, np.float64):
        check("align", planes(6, A25.astype(dtype)), np.array([[0, *box]], dtype), (2, 3), (1.0, ratio))
    for corner in (1e30, 3e38):
        assert np.isfinite(one("align", A25, (-corner, -corner, corner, corner), 1, 1.0, ratio)).all()


@EACH
def test_boxes_at_the_limit_of_float64(name):
    """A box whose width is beyond double is refused by name, in any type."""
    for dtype in DTYPES:
        with pytest.raises(ArgumentError, match="row 0") as caught:
            FORWARD[name](A25.astype(dtype), [[0, -1.7e308, 0, 1.7e308, 7]], 1)
        assert caught.value.argument == "boxes"


# ---- Channels that do not fit ----------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize(("channels", "size"), [(5, (2, 2)), (1, (1, 2)), (6, (4, 1)), (3, (2**31, 2**31))])
def test_channels_that_bins_do_not_divide(name, channels, size):
    """C must be divisible by the number of bins: rule and shape are said, forward of input, backward of input_shape."""
    with pytest.raises(ArgumentError, match=rf"divisible by {size[0]} \* {size[1]}.*\[1, {channels}, 4, 4\]") as caught:
        FORWARD[name](np.ones((1, channels, 4, 4)), [[0, 0, 0, 3, 3]], size)
    assert caught.value.argument == "input"
    if math.prod(size) < 100:
        with pytest.raises(ArgumentError, match=rf"\[1, {channels}, 4, 4\]") as caught:
            BACKWARD[name](np.ones((1, 1, *size)), [[0, 0, 0, 3, 3]], (1, channels, 4, 4))
        assert caught.value.argument == "input_shape"


@EACH
@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 2, 2), (2, 2, 2, 2), (1, 0, 2, 2)])
def test_gradient_of_another_shape(name, shape):
    """As many rows as boxes, and a channel for each of the map's that has all its bins."""
    with pytest.raises(ArgumentError, match=r"\[1, 2, ") as caught:
        BACKWARD[name](np.ones(shape), [[0, 0, 0, 3, 3]], (1, 8, 4, 4))
    assert caught.value.argument == "grad"


@pytest.mark.parametrize("ratio", ["2", None, 2.5, math.nan, [2], 2**63, True])
def test_bad_ratio(ratio):
    """A whole number of 64 bits."""
    for call in (
        lambda: pyroi.ps_roi_align(A25, [[0, 0, 0, 3, 3]], 1, 1.0, ratio),
        lambda: pyroi.ps_roi_align_backward(np.ones((1, 1, 1, 1)), [[0, 0, 0, 3, 3]], A25.shape, 1.0, ratio),
    ):
        with pytest.raises((ArgumentError, ArgumentTypeError)) as caught:
            call()
        assert caught.value.argument == "sampling_ratio"
