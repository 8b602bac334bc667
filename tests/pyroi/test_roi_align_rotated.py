"""roi_align_rotated and its gradient: by hand, sample by sample, as roi_align turned, and by PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import autograd, bounds, turned, walk
from oracles.cases import A25, LAYOUTS, random_map

import pyroi
from pyroi.errors import ArgumentError

DTYPES = [np.float16, np.float32, np.float64]


def one(box, output_size=(2, 2), *options, map=A25, **named):
    """Pools one box and gives the crop's numbers in a row."""
    return pyroi.roi_align_rotated(map, np.array([[0, *box]]), output_size, *options, **named).ravel().tolist()


# ---- By hand ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("angle", "expected"),
    [
        # not turned: the box (1, 1, 3, 3) of roi_align
        (0, [6, 7, 11, 12]),
        # its top now is on the left, its left below: the first row is the left column, from below
        (90, [11, 6, 12, 7]),
        # upside down
        (180, [12, 11, 7, 6]),
        # its top is on the right: the first row is the right column, from above
        (270, [7, 12, 6, 11]),
    ],
)
def test_quarter_turns(angle, expected):
    """Around (2, 2), with sides of 2; any number of rounds more is the same, exactly, and so is the other direction."""
    for rounds in (-720, -360, 0, 360, 3600, 360 * 2**40):
        assert one((2, 2, 2, 2, angle + rounds), (2, 2), 1.0, 2) == expected
        assert one((2, 2, 2, 2, -angle - rounds), (2, 2), 1.0, 2, clockwise=True) == expected


def test_sides_are_width_and_height():
    """4 wide and 2 high around the middle: rows 2 and 3 in the middles of pixels, columns 1.5, 2.5 and so on."""
    # aligned: y = 1.5 and 2.5, x = 0.5 to 3.5; 5 y + x
    expected = [8, 9, 10, 11, 13, 14, 15, 16]
    assert one((2.5, 2.5, 4, 2, 0), (2, 4)) == expected
    # turned by 90: as many rows upwards, so x = 1.5 and 2.5 and y from 3.5 down to 0.5
    assert one((2.5, 2.5, 4, 2, 90), (2, 4)) == [5 * y + x for x in (1.5, 2.5) for y in (3.5, 2.5, 1.5, 0.5)]


def test_an_eighth_of_a_turn():
    """Samples of a row of bins at -1.5, -0.5, 0.5 and 1.5 times (cos, -sin) of 45 degrees around (2, 2)."""
    step = math.sqrt(0.5)
    expected = [5 * (2 - t * step) + 2 + t * step for t in (-1.5, -0.5, 0.5, 1.5)]
    assert one((2.5, 2.5, 4, 1, 45), (1, 4)) == pytest.approx(expected, rel=1e-6)
    assert one((2.5, 2.5, 4, 1, -45), (1, 4), clockwise=True) == pytest.approx(expected, rel=1e-6)


def test_defaults_and_names():
    """spatial_scale 1, adaptive, aligned, and, by name only, not clockwise."""
    box = [[0, 2.2, 2.4, 2.6, 1.8, 33]]
    expected = pyroi.roi_align_rotated(A25, box, 2).tolist()
    assert expected == pyroi.roi_align_rotated(A25, box, (2, 2), 1.0, -1, True, clockwise=False).tolist()
    named = {"boxes": box, "spatial_scale": 1.0, "sampling_ratio": 0, "aligned": True, "clockwise": False}
    assert expected == pyroi.roi_align_rotated(input=A25, output_size=[2, 2], **named).tolist()
    grad = np.float32([[[[1, 2], [3, 4]]]])
    flown = pyroi.roi_align_rotated_backward(grad, box, A25.shape).tolist()
    assert flown == pyroi.roi_align_rotated_backward(grad=grad, input_shape=list(A25.shape), **named).tolist()
    with pytest.raises(TypeError):
        pyroi.roi_align_rotated(A25, box, (2, 2), 1.0, -1, True, False)


def test_at_least_one_pixel_where_not_aligned():
    """A box without sides is one pixel around its centre; aligned it has no sample, or all of them in one place."""
    for angle in (0, 90, 45):
        assert one((2, 2, 0, 0, angle), (1, 1), 1.0, -1, False) == [12]
        assert one((2, 2, 0, 0, angle), (1, 1)) == [0]
        assert one((2, 2, 0, 0, angle), (1, 1), 1.0, 2) == [9]  # at (1.5, 1.5)
    assert one((2, 2, 4, 0.25, 90), (1, 1), 1.0, 1, False) == one((2, 2, 4, 1, 90), (1, 1), 1.0, 1, False)


def test_scale():
    """Centre and sides are in units of the image, the angle is not."""
    assert one((8, 8, 8, 8, 90), (2, 2), 0.25, 2) == [11, 6, 12, 7]


def test_gradient_by_hand():
    """One sample in the middle of four pixels gives each a quarter, at any angle."""
    for angle in (0, 30, 90):
        flown = pyroi.roi_align_rotated_backward(np.array([[[[4.0]]]]), [[0, 2, 2, 2, 2, angle]], (1, 1, 5, 5), 1.0, 1)
        expected = np.zeros((5, 5))
        expected[1:3, 1:3] = 1
        assert flown[0, 0].tolist() == expected.tolist()


# ---- Sample by sample ------------------------------------------------------------------------------------------------


@st.composite
def calls(draw, dtype):
    """A map, boxes of every kind, and what follows them in a call."""
    shape = tuple(draw(st.integers(1, most)) for most in (3, 4, 12, 12))
    scale = draw(st.sampled_from([1.0, 0.5, 2.0, 0.1, 1 / 3]))

    def along(side):
        halves = st.integers(-4, 2 * side + 6).map(lambda n: n / 2)
        return st.one_of(halves, st.floats(-side - 3, 2 * side + 3, width=32, allow_subnormal=False))

    length = st.one_of(st.integers(0, 12).map(float), st.floats(0, 30, width=32, allow_subnormal=False))
    angle = st.one_of(st.integers(-12, 12).map(lambda n: 45.0 * n), st.floats(-800, 800, width=32))
    row = st.tuples(st.integers(0, shape[0] - 1), along(shape[3]), along(shape[2]), length, length, angle)
    boxes = np.array(draw(st.lists(row, min_size=1, max_size=6)), np.float64)
    boxes[:, 1:5] /= scale
    ratio, aligned, clockwise = draw(st.sampled_from([-1, 0, 1, 2, 3, 5])), draw(st.booleans()), draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    return random_map(rng, shape, dtype), boxes, size, scale, ratio, aligned, clockwise


def check(map, boxes, size, scale=1.0, ratio=-1, aligned=True, clockwise=False):
    """Forward and backward are those of the samples, within rounding."""
    options = (scale, ratio, aligned, clockwise)
    expected = turned.roi_align_rotated(map, boxes, size, *options)
    magnitude = turned.roi_align_rotated(np.abs(map), boxes, size, *options)
    result = pyroi.roi_align_rotated(map, boxes, size, scale, ratio, aligned, clockwise=clockwise)
    assert result.dtype == map.dtype
    bounds.assert_within(result, expected, magnitude)
    grad = random_map(np.random.default_rng(1), result.shape, map.dtype)
    expected = turned.roi_align_rotated_backward(grad, boxes, map.shape, *options)
    magnitude = turned.roi_align_rotated_backward(np.abs(grad), boxes, map.shape, *options)
    flown = pyroi.roi_align_rotated_backward(grad, boxes, map.shape, scale, ratio, aligned, clockwise=clockwise)
    assert flown.dtype == map.dtype
    bounds.assert_within(flown, expected, magnitude)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_agrees_with_the_samples(dtype, data):
    """Random maps, boxes and parameters."""
    check(*data.draw(calls(dtype)))


@pytest.mark.parametrize("seed", range(18))
def test_agrees_with_the_samples_on_many_boxes(seed):
    """Batches of 32 boxes of every kind on maps of up to 50 x 50, and of up to 20 channels."""
    rng = np.random.default_rng(seed)
    shape = (2, int(rng.integers(1, 21)), int(rng.integers(1, 51)), int(rng.integers(1, 51)))
    scale = float(rng.choice([1.0, 0.25, 0.0625, 0.3]))
    boxes = turned.random_boxes(rng, 32, shape, scale)
    size = tuple(int(side) for side in rng.integers(1, 9, 2))
    options = (scale, int(rng.integers(-1, 5)), seed % 2 == 0, seed % 5 == 0)
    check(random_map(rng, shape, DTYPES[seed % 3]), boxes, size, *options)


def test_few_samples_far_apart_and_many_in_a_pixel():
    """Bins of many pixels with few samples are not gathered, those with many are: both give the samples' mean."""
    rng = np.random.default_rng(2)
    map = random_map(rng, (1, 3, 90, 80))
    boxes = np.array([[0, 40, 45, 70, 80, 30], [0, 40, 45, 300, 200, -77], [0, 40, 45, 4, 3, 10]], np.float64)
    for ratio in (1, 2, 40, 128):
        check(map, boxes, (2, 3), 1.0, ratio)


# ---- Against other operators and engines -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ratio", [-1, 1, 3])
def test_not_turned_it_is_roi_align(dtype, ratio):
    """Boxes of whole quarters of pixels, whose geometry is exact in either type."""
    rng = np.random.default_rng(3)
    shape = (2, 3, 12, 14)
    map = random_map(rng, shape, dtype)
    first, side = rng.integers(-8, 40, (40, 2)) / 4, rng.integers(4, 40, (40, 2)) / 4
    upright = np.column_stack([rng.integers(0, 2, 40), first, first + side])
    rotated = np.column_stack([upright[:, 0], first + side / 2, side, np.zeros(40)])
    for aligned in (True, False):
        options = ((4, 2), 1.0, ratio, aligned)
        magnitude = walk.magnitude(map, upright, *options, real=dtype)
        expected = pyroi.roi_align(map, upright, *options)
        bounds.assert_within(pyroi.roi_align_rotated(map, rotated, *options), expected, magnitude, both_rounded=True)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turning_map_and_box_together_changes_nothing(quarters):
    """np.rot90 turns the map counter-clockwise: a box that turns with it pools the same numbers."""
    rng = np.random.default_rng(4)
    map = random_map(rng, (1, 3, 12, 12), np.float64)
    boxes = turned.random_boxes(rng, 30, map.shape)
    boxes[:, 5] = np.round(boxes[:, 5])
    expected = pyroi.roi_align_rotated(map, boxes, (3, 2))
    moved = boxes.copy()
    for _ in range(quarters):  # (x, y) goes to (y, 12 - x)
        moved[:, 1], moved[:, 2] = moved[:, 2].copy(), 12 - moved[:, 1]
    moved[:, 5] += 90 * quarters
    result = pyroi.roi_align_rotated(np.rot90(map, quarters, (2, 3)), moved, (3, 2))
    magnitude = turned.roi_align_rotated(np.abs(map), boxes, (3, 2))
    # centres are rounded once more, which moves samples by an ulp of them
    bounds.assert_within(result, expected, magnitude + np.abs(map).max(), ulps=64)


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_pytorch(seed):
    """PyTorch samples the points by grid_sample, and differentiates their mean."""
    t, rng = autograd.torch(), np.random.default_rng(seed)
    shape = (1, 3, int(rng.integers(2, 20)), int(rng.integers(2, 20)))
    map, boxes = random_map(rng, shape, np.float64), turned.random_boxes(rng, 10, shape)
    pixels = t.tensor(map, requires_grad=True)
    ratio, aligned, size = (1, 2, 3)[seed % 3], seed % 2 == 0, (3, 2)
    crops = t.cat([_by_grid(t, pixels, box, size, ratio, aligned) for box in boxes])
    result = pyroi.roi_align_rotated(map, boxes, size, 1.0, ratio, aligned)
    assert np.abs(result - crops.detach().numpy()).max() < 1e-12 * np.abs(map).max() * max(shape)
    grad = random_map(rng, result.shape, np.float64)
    crops.backward(t.tensor(grad))
    flown = pyroi.roi_align_rotated_backward(grad, boxes, shape, 1.0, ratio, aligned)
    assert np.abs(flown - pixels.grad.numpy()).max() < 1e-11 * max(shape)


def _by_grid(t, pixels, box, size, ratio, aligned):
    _, cx, cy, w, h, angle = box
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    height, width = pixels.shape[2:]
    w, h = (w, h) if aligned else (max(w, 1), max(h, 1))
    places = [((np.arange(n * ratio) + 0.5) / (n * ratio) - 0.5) * side for n, side in zip(size, (h, w), strict=True)]
    yy, xx = np.meshgrid(*places, indexing="ij")
    y, x = yy * cos - xx * sin + cy - 0.5 * aligned, yy * sin + xx * cos + cx - 0.5 * aligned
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    grid = np.stack(
        [2 * np.clip(x, 0, width - 1) / (width - 1) - 1, 2 * np.clip(y, 0, height - 1) / (height - 1) - 1], -1
    )
    samples = t.nn.functional.grid_sample(pixels, t.tensor(grid[None]), padding_mode="border", align_corners=True)
    return t.nn.functional.avg_pool2d(samples * t.tensor(inside), ratio)


# ---- The gradient ----------------------------------------------------------------------------------------------------


@given(calls(np.float64))
def test_is_the_transpose_of_the_forward(call):
    """<A x, g> = <x, A' g> for every x and g."""
    map, boxes, size, scale, ratio, aligned, clockwise = call
    options = {"spatial_scale": scale, "sampling_ratio": ratio, "aligned": aligned, "clockwise": clockwise}
    forward = pyroi.roi_align_rotated(map, boxes, size, **options)
    grad = random_map(np.random.default_rng(5), forward.shape, np.float64)
    flown = pyroi.roi_align_rotated_backward(grad, boxes, map.shape, **options)
    magnitude = (pyroi.roi_align_rotated(np.abs(map), boxes, size, **options) * np.abs(grad)).sum()
    assert abs((forward * grad).sum() - (map * flown).sum()) <= 1e-13 * magnitude


def test_is_the_difference_of_the_forward():
    """It is linear: changing one pixel by 1 changes the result by its gradient, for every pixel."""
    rng = np.random.default_rng(6)
    shape = (2, 2, 5, 6)
    map, boxes = random_map(rng, shape, np.float64), turned.random_boxes(rng, 10, shape)
    before = pyroi.roi_align_rotated(map, boxes, (3, 2))
    grad = random_map(rng, before.shape, np.float64)
    flown = pyroi.roi_align_rotated_backward(grad, boxes, shape)
    for pixel in np.ndindex(*shape):
        changed = map.copy()
        changed[pixel] += 1
        difference = ((pyroi.roi_align_rotated(changed, boxes, (3, 2)) - before) * grad).sum()
        assert difference == pytest.approx(flown[pixel], abs=1e-12)


# ---- NaN, forms, and layouts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "reversed", "sliced"])
def test_surroundings_that_are_not_read(dtype, layout):
    """With NaN in every pixel but those that have a weight, the crop is what it is without."""
    rng = np.random.default_rng(7)
    for width in (2, 3, 5, 8, 9, 16, 33):
        shape = (2, 5, 9, width)
        map = random_map(rng, shape, dtype)
        for box in ([0, 1, 2, 1.5, 2, 30], [1, width - 1, 7, 2, 3, -50], [0, 1.5, 1.5, 1, 1, 90], [0, 1, 4, 2, 2, 45]):
            weight = turned.roi_align_rotated_backward(np.ones((1, 5, 2, 3)), [box], shape)
            assert 0 < np.count_nonzero(weight) < weight.size
            poisoned = np.where(weight != 0, map, dtype(np.nan))
            expected = pyroi.roi_align_rotated(map, [box], (2, 3))
            assert pyroi.roi_align_rotated(LAYOUTS[layout](poisoned), [box], (2, 3)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_none(value):
    """NaN or infinity in a map reaches the bins that read it; in a gradient, the pixels its bin has read."""
    rng = np.random.default_rng(8)
    shape = (1, 2, 6, 7)
    boxes = np.concatenate([turned.random_boxes(rng, 8, shape), [[0, 3.5, 3, 7, 6, 20], [0, 3, 3, 4, 4, 90]]])
    map, grad = random_map(rng, shape), random_map(rng, (10, 2, 2, 3))
    magnitude = turned.roi_align_rotated(np.abs(map), boxes, (2, 3))
    reached = 0
    for y, x in np.ndindex(6, 7):
        broken = map.copy()
        broken[0, 1, y, x] = value
        expected = turned.roi_align_rotated(broken, boxes, (2, 3))
        bounds.assert_within(pyroi.roi_align_rotated(broken, boxes, (2, 3)), expected, magnitude)
        reached += np.count_nonzero(~np.isfinite(expected))
    magnitude = turned.roi_align_rotated_backward(np.abs(grad), boxes, shape)
    for place in np.ndindex(*grad.shape):
        broken = grad.copy()
        broken[place] = value
        expected = turned.roi_align_rotated_backward(broken, boxes, shape)
        bounds.assert_within(pyroi.roi_align_rotated_backward(broken, boxes, shape), expected, magnitude)
        reached += np.count_nonzero(~np.isfinite(expected))
    assert reached > 500


def test_box_formats_agree():
    """[K, 5] with one image, one box as a vector, a list of arrays, and nested lists mean what [K, 6] does."""
    rng = np.random.default_rng(9)
    map = random_map(rng, (2, 3, 8, 9))
    boxes = turned.random_boxes(rng, 7, map.shape)
    boxes[:, 0] = [0, 0, 0, 0, 1, 1, 1]
    crops = pyroi.roi_align_rotated(map, boxes, (2, 3))
    flown = pyroi.roi_align_rotated_backward(crops, boxes, map.shape)
    for same in ([boxes[:4, 1:], boxes[4:, 1:]], boxes.tolist(), np.asfortranarray(boxes), boxes[::-1].copy()[::-1]):
        assert pyroi.roi_align_rotated(map, same, (2, 3)).tobytes() == crops.tobytes()
        assert pyroi.roi_align_rotated_backward(crops, same, map.shape).tobytes() == flown.tobytes()
    assert pyroi.roi_align_rotated(map[:1], boxes[:4, 1:], (2, 3)).tobytes() == crops[:4].tobytes()
    assert pyroi.roi_align_rotated(map[:1], boxes[0, 1:], (2, 3)).tobytes() == crops[:1].tobytes()
    assert pyroi.roi_align_rotated(map[:1], boxes[0], (2, 3)).tobytes() == crops[:1].tobytes()


def test_boxes_of_other_types():
    """float32, float16 and integers are widened, and so mean what they hold."""
    map = A25.astype(np.float64)
    for dtype in (np.float32, np.float16):
        boxes = np.array([[0, 2.3, 2.1, 3.3, 1.7, 33.3]], dtype)
        expected = pyroi.roi_align_rotated(map, boxes.astype(np.float64), (2, 2)).tolist()
        assert pyroi.roi_align_rotated(map, boxes, (2, 2)).tolist() == expected
    whole = np.array([[0, 2, 2, 3, 1, 30]])
    for dtype in (np.int32, np.uint8, np.int64):
        assert pyroi.roi_align_rotated(map, whole.astype(dtype), 2).tolist() == (
            pyroi.roi_align_rotated(map, whole.astype(np.float64), 2).tolist()
        )


def test_positions_are_computed_in_float64():
    """Also on a map of float32: 1e-9 of a pixel decides whether a sample is on the map, and float32 has none."""
    for dtype in (np.float32, np.float64):
        map = np.ones((1, 1, 5, 5), dtype)
        assert one((-0.5, 2, 0, 1, 0), (1, 1), 1.0, 1, map=map) == [1]  # at -1, the limit
        assert one((-0.5 - 1e-9, 2, 0, 1, 0), (1, 1), 1.0, 1, map=map) == [0]


# ---- Nothing, and too much -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [3, 4])
def test_sides_below_0(column):
    """A side is 0 or more: the row and the value are said; -0 is 0."""
    boxes = np.array([[0, 2, 2, 3, 3, 30.0]] * 3)
    boxes[1, column] = -0.0
    pyroi.roi_align_rotated(A25, boxes, 2)
    boxes[1, column] = -0.5
    grad = np.ones((3, 1, 2, 2), np.float32)
    for call in (
        lambda: pyroi.roi_align_rotated(A25, boxes, 2),
        lambda: pyroi.roi_align_rotated_backward(grad, boxes, A25.shape),
    ):
        with pytest.raises(ArgumentError, match=r"row 1: .*got -0\.5") as caught:
            call()
        assert caught.value.argument == "boxes"


@pytest.mark.parametrize("column", range(1, 6))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none(column, value):
    """Centre, sides and angle are finite: the row and the value are said."""
    boxes = np.array([[0, 2, 2, 3, 3, 30.0]] * 3)
    boxes[2, column] = value
    with pytest.raises(ArgumentError, match=rf"row 2: .*got {value}"):
        pyroi.roi_align_rotated(A25, boxes, 2)


@pytest.mark.parametrize(
    "box",
    [(2**41, 0, 1, 1, 0), (0, -(2.0**41), 1, 1, 5), (0, 0, 2.0**42, 1, 9), (0, 0, 1, 1e300, 0), (1e308, 0, 9, 9, 0)],
)
def test_boxes_that_reach_too_far(box):
    """Farther than 2^40 pixels float64 cannot tell samples apart: an error that names the row."""
    boxes = np.array([[0, 2, 2, 3, 3, 30], [0, *box]])
    with pytest.raises(ArgumentError, match="row 1") as caught:
        pyroi.roi_align_rotated(A25, boxes, 2)
    assert caught.value.argument == "boxes"


@pytest.mark.parametrize("angle", [0, 45, 90, 30, 1e-9, 89.999])
@pytest.mark.parametrize("sides", [(1e9, 1e9), (2.0**39, 2.0**39), (2.0**39, 1), (3, 2.0**39), (2.0**39, 0)])
def test_huge_boxes(sides, angle):
    """On a map of ones a box around it of nearly 2^40 pixels has the share of its area that the map has, at once."""
    map = np.ones((1, 1, 5, 5))
    for ratio in (-1, 1, 128):
        result = pyroi.roi_align_rotated(map, [[0, 2.5, 2.5, *sides, angle]], (1, 1), 1.0, ratio).item()
        assert 0 <= result <= 1 + 1e-12
        if ratio == -1 and sides[0] == sides[1]:
            assert result == pytest.approx(36 / sides[0] ** 2, rel=0.35)  # about 6 x 6 samples from -1 to 5
        grad = np.ones((1, 1, 1, 1))
        flown = pyroi.roi_align_rotated_backward(grad, [[0, 2.5, 2.5, *sides, angle]], map.shape, 1.0, ratio)
        assert flown.sum() == pytest.approx(result, rel=1e-9, abs=1e-300)
