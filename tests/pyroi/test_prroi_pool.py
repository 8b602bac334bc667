"""prroi_pool and its two gradients: against the integral of the surface, and against finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import bounds, integral
from oracles.cases import A25, coordinates, random_boxes, random_map

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

BOX = np.array([[0, 1.2, 1.1, 2.7, 3.4]])


@st.composite
def calls(draw, dtype):
    """A small map, boxes of every kind, an output size and a scale."""
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    near = st.floats(-3, 12, width=32, allow_subnormal=False)
    x, y = st.one_of(near, coordinates(shape[3])), st.one_of(near, coordinates(shape[2]))
    row = st.tuples(st.integers(0, shape[0] - 1), x, y, x, y)
    boxes = np.array(draw(st.lists(row, min_size=1, max_size=6)), dtype)
    scale = draw(st.sampled_from([1.0, 0.5, 2.0, 0.25]))
    boxes[:, 1:] /= dtype(scale)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random_map(rng, shape, dtype), boxes, (draw(st.integers(1, 4)), draw(st.integers(1, 4))), scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_agrees_with_the_integral(dtype, data):
    """Each bin is the integral of the surface, piece by piece, over the bin's area."""
    map, boxes, output_size, scale = data.draw(calls(dtype))
    expected = integral.prroi_pool(map, boxes, output_size, scale)
    magnitude = integral.prroi_pool(np.abs(map), boxes, output_size, scale)
    result = pyroi.prroi_pool(map, boxes, output_size, scale)
    # borders of bins are rounded to an ulp of the coordinates, which moves a bin's content by that over its side
    sides = np.abs(boxes[:, 3:].astype(np.float64) - boxes[:, 1:3]) * scale / np.array(output_size[::-1])
    reach = np.abs(boxes[:, 1:].astype(np.float64)).max() * scale + 16
    slack = 2.0**-50 * reach * (1 + 1 / np.maximum(sides.min(axis=1), 1e-30))[:, None, None, None]
    magnitude = magnitude + slack / bounds.unit(bounds.computed_in(dtype)) * np.abs(map).max()
    bounds.assert_within(result, expected, magnitude)


def test_the_check_value():
    """0 to 24 is x + 5 y: 1.95 + 5 * 2.25 over (1.2, 1.1, 2.7, 3.4); each corner moves the mean by half the slope."""
    map = A25.astype(np.float64)
    assert pyroi.prroi_pool(map, BOX, 1).item() == pytest.approx(13.2, rel=1e-14)
    _, boxes = pyroi.prroi_pool_backward(np.ones((1, 1, 1, 1)), map, BOX)
    assert boxes.ravel().tolist() == pytest.approx([0, 0.5, 2.5, 0.5, 2.5], rel=1e-12)


def test_surface_outside_the_map():
    """One pixel of 1 is a hat of volume 1 over (-1, -1, 1, 1), a quarter of it in each quadrant."""
    map = np.ones((1, 1, 1, 1))
    boxes = np.array([[0, -1, -1, 1, 1], [0, 0, 0, 1, 1], [0, -9, -9, 9, 9], [0, 1, 0, 2, 1], [0, -1, -1, 0, 0]])
    result = pyroi.prroi_pool(map, boxes, 1).ravel()
    assert result.tolist() == pytest.approx([1 / 4, 1 / 4, 1 / 324, 0, 1 / 4], rel=1e-14)


def test_whole_pixels_are_not_shifted():
    """Between pixel 1 and pixel 2 the mean is half way between them: coordinates are those of pixel centres."""
    assert pyroi.prroi_pool(A25, [[0, 1, 0, 2, 1e-3]], 1).item() == pytest.approx(1.5 + 5 * 0.5e-3, rel=1e-6)


@pytest.mark.parametrize("box", [[0, 2, 2, 2, 3], [0, 2, 3, 3, 3], [0, 3, 1, 2, 2], [0, 1, 2, 2, 1], [0, 9, 9, 9, 9]])
def test_no_area(box):
    """An empty or mirrored box gives 0, and passes no gradient to anything."""
    map = A25.astype(np.float64) + 1
    assert (pyroi.prroi_pool(map, [box], (2, 2)) == 0).all()
    input, boxes = pyroi.prroi_pool_backward(np.ones((1, 1, 2, 2)), map, [box])
    assert (input == 0).all()
    assert (boxes == 0).all()


def test_tiny_boxes_are_points():
    """A box of side 1e-9, or of a side below an ulp of its corner, is the surface's value there."""
    map = random_map(np.random.default_rng(0), (1, 1, 9, 9), np.float64)
    rng = np.random.default_rng(1)
    for side in (1e-3, 1e-6, 1e-9, 1e-12):
        for _ in range(50):
            x, y = rng.uniform(-1, 9, 2)
            box = [0, x, y, x + side, y + side]
            if box[3] <= x or box[4] <= y:
                continue
            expected = integral.surface(map[0, 0], (y + box[4]) / 2, (x + box[3]) / 2)
            assert pyroi.prroi_pool(map, [box], 1).item() == pytest.approx(expected, abs=20 * side + 1e-12)
    many = pyroi.prroi_pool(map, [[0, 4.5, 4.5, 4.5 + 1e-15, 4.5 + 1e-15]], (64, 64))
    assert many == pytest.approx(map[0, 0, 4:6, 4:6].mean(), rel=1e-12)


def test_huge_boxes_are_bounded():
    """A box of side 1e9 costs as much as the map: its mean is the volume under the surface over its area."""
    map = np.ones((1, 1, 5, 5))
    assert pyroi.prroi_pool(map, [[0, -5e8, -5e8, 5e8, 5e8]], 1).item() == pytest.approx(25e-18, rel=1e-9)
    assert pyroi.prroi_pool(map, [[0, -1e300, -1e300, 1e300, 1e300]], (3, 3)).max() == 0


# ---- Gradients -------------------------------------------------------------------------------------------------------


def kinds_of_boxes(rng, shape):
    """Random ones, some on pixels, across borders, outside, thin, huge; without mirrored ones, whose gradient is 0."""
    boxes = random_boxes(rng, 24, shape, dtype=np.float64, mirror=False)
    height, width = shape[2:]
    special = [
        [0, 0, 0, width - 1, height - 1],  # border pixels at its corners
        [0, -1, -1, width, height],  # where the surface has fallen to 0
        [0, 1, 1, 3, 3],  # on pixels
        [0, 0.5, 0.5, 1.5, 2.5],
        [0, -4, 1.25, 2, 1.75],
        [0, 2, 2, 2 + 1e-3, 4],
        [0, -50, -50, 50, 50],
    ]
    return np.concatenate([boxes, np.array(special, np.float64)])


@pytest.mark.parametrize("output_size", [(1, 1), (2, 3), (4, 1)])
def test_gradient_for_the_boxes_by_finite_differences(output_size):
    """Central differences of the forward in float64, corner by corner, on boxes of every kind with an area.

    The pooled value is once, not twice, differentiable where an edge crosses a pixel, so that the error is linear in
    the step there; boxes without area are constant 0 on one side and no oracle.
    """
    rng = np.random.default_rng(2)
    shape = (2, 3, 7, 8)
    map = random_map(rng, shape, np.float64)
    boxes = kinds_of_boxes(rng, shape)
    grad = random_map(rng, (len(boxes), 3, *output_size), np.float64)
    scale = 0.5
    boxes[:, 1:] /= scale
    _, result = pyroi.prroi_pool_backward(grad, map, boxes, scale)
    assert (result[:, 0] == 0).all()
    side = np.min(boxes[:, 3:] - boxes[:, 1:3], axis=1)
    for corner in range(1, 5):
        step = np.where(side > 0, np.maximum(side, 1e-9) * 1e-5, 0)
        more, less = boxes.copy(), boxes.copy()
        more[:, corner] += step
        less[:, corner] -= step
        change = pyroi.prroi_pool(map, more, output_size, scale) - pyroi.prroi_pool(map, less, output_size, scale)
        moved = more[:, corner] - less[:, corner]
        expected = (grad * change).sum(axis=(1, 2, 3)) / np.where(moved > 0, moved, 1)
        good = side > 0
        tolerance = 1e-3 * (1 + np.abs(expected)) / np.maximum(np.minimum(side, 1), 1e-3)
        assert (np.abs(result[:, corner] - expected) <= tolerance)[good].all()
        assert (result[~good] == 0).all()


@pytest.mark.parametrize("output_size", [(1, 1), (3, 2)])
def test_gradient_for_the_input_by_finite_differences(output_size):
    """The forward is linear in the map: each pixel's gradient is the change that one more in that pixel makes."""
    rng = np.random.default_rng(3)
    shape = (2, 1, 4, 5)
    map = random_map(rng, shape, np.float64)
    boxes = kinds_of_boxes(rng, shape)
    grad = random_map(rng, (len(boxes), 1, *output_size), np.float64)
    result, _ = pyroi.prroi_pool_backward(grad, map, boxes)
    before = (grad * pyroi.prroi_pool(map, boxes, output_size)).sum()
    for at in np.ndindex(*shape):
        more = map.copy()
        more[at] += 1
        change = (grad * pyroi.prroi_pool(more, boxes, output_size)).sum() - before
        assert result[at] == pytest.approx(change, rel=1e-10, abs=1e-10)


@settings(max_examples=30)
@given(data=st.data())
def test_box_gradient_is_the_edge_less_the_mean(data):
    """Moving a corner of a bin adds a strip: the strip's mean less the bin's, over the side, with the right sign."""
    map, boxes, _, scale = data.draw(calls(np.float64))
    _, result = pyroi.prroi_pool_backward(np.ones((len(boxes), map.shape[1], 1, 1)), map, boxes, scale)
    for row, (image, x1, y1, x2, y2) in zip(result, boxes, strict=True):
        x1, y1, x2, y2 = (float(v) * scale for v in (x1, y1, x2, y2))
        if x2 - x1 < 1e-2 or y2 - y1 < 1e-2 or max(map_side(map), x2 - x1, y2 - y1) > 100:
            continue
        expected = np.zeros(4)
        for plane in map[int(image)]:
            mean = integral.mean(plane, y1, y2, x1, x2)
            left, right = strip(plane, x1, y1, y2), strip(plane, x2, y1, y2)
            top, bottom = strip(plane.T, y1, x1, x2), strip(plane.T, y2, x1, x2)
            width, height = x2 - x1, y2 - y1
            expected += [(mean - left) / width, (mean - top) / height, (right - mean) / width, (bottom - mean) / height]
        assert row[1:].tolist() == pytest.approx((expected * scale).tolist(), rel=1e-8, abs=1e-7)


def map_side(map):
    return max(map.shape[2:])


def strip(plane, x, y1, y2):
    """The mean of the surface along a vertical line."""
    pieces = integral.cuts(y1, y2, plane.shape[0])
    return sum((end - begin) * integral.surface(plane, (begin + end) / 2, x) for begin, end in pieces) / (y2 - y1)


def test_gradient_in_all_forms_of_boxes():
    """The gradient has the form of the boxes: five columns, four, or a list; the numbers are the same."""
    rng = np.random.default_rng(4)
    map = random_map(rng, (2, 2, 6, 6), np.float64)
    grad = random_map(rng, (3, 2, 2, 2), np.float64)
    boxes = np.array([[0, 1, 1, 3, 4], [0, 0.5, 2, 4.5, 3.5], [1, 2, 2, 5, 5]])
    _, five = pyroi.prroi_pool_backward(grad, map, boxes)
    assert five.shape == (3, 5)
    _, listed = pyroi.prroi_pool_backward(grad, map, [boxes[:2, 1:], boxes[2:, 1:]])
    assert [part.shape for part in listed] == [(2, 4), (1, 4)]
    assert np.concatenate(listed).tolist() == five[:, 1:].tolist()
    _, four = pyroi.prroi_pool_backward(grad[:2], map[:1], boxes[:2, 1:])
    assert four.tolist() == five[:2, 1:].tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_types_of_the_gradients(dtype):
    """The map's gradient has its type, the boxes' that of the boxes, at least float32."""
    map, grad = A25.astype(dtype), np.ones((1, 1, 2, 2), dtype)
    input, boxes = pyroi.prroi_pool_backward(grad, map, BOX.astype(np.float32))
    assert (input.dtype, boxes.dtype) == (dtype, np.float32)
    _, wide = pyroi.prroi_pool_backward(grad, map, BOX)
    assert wide.dtype == np.float64
    assert wide.ravel().tolist() == pytest.approx([0, 2, 10, 2, 10], rel=1e-3 if dtype == np.float16 else 1e-5)


def test_gradient_of_many_channels():
    """A sum over more channels and boxes than are held at a time is that of its parts."""
    rng = np.random.default_rng(5)
    map = random_map(rng, (1, 900, 5, 6), np.float32)
    boxes = np.array([[0, 0.3, 0.4, 4.1, 3.9], [0, 1, 1, 2, 2], [0, 2.5, -1, 9, 3]], np.float64)
    grad = random_map(rng, (3, 900, 3, 3), np.float32)
    _, result = pyroi.prroi_pool_backward(grad, map, boxes)
    parts = [
        pyroi.prroi_pool_backward(
            grad[:, c : c + 100].astype(np.float64), map[:, c : c + 100].astype(np.float64), boxes
        )
        for c in range(0, 900, 100)
    ]
    np.testing.assert_allclose(result, sum(part[1] for part in parts), rtol=1e-4, atol=1e-3)


def test_gradient_of_nan():
    """NaN in a bin's gradient reaches that box alone; NaN in the map those boxes that read it."""
    map = A25.astype(np.float64)
    boxes = np.array([[0, 0, 0, 1.5, 1.5], [0, 2.5, 2.5, 4, 4]])
    grad = np.ones((2, 1, 1, 1))
    grad[0] = math.nan
    _, result = pyroi.prroi_pool_backward(grad, map, boxes)
    assert np.isnan(result[0, 1:]).all()
    assert np.isfinite(result[1]).all()
    map[0, 0, 0, 0] = math.nan
    _, result = pyroi.prroi_pool_backward(np.ones((2, 1, 1, 1)), map, boxes)
    assert np.isnan(result[0, 1:]).all()
    assert np.isfinite(result[1]).all()


@pytest.mark.parametrize(
    ("kind", "argument", "call"),
    [
        (ArgumentError, "boxes", lambda: pyroi.prroi_pool(A25, [[1, 0, 0, 1, 1]], 1)),
        (ArgumentError, "boxes", lambda: pyroi.prroi_pool(A25, [[0, 0, 0, math.nan, 1]], 1)),
        (ArgumentError, "boxes", lambda: pyroi.prroi_pool(A25, [[0, -1.7e308, 0, 1.7e308, 1]], 1, 2.0)),
        (ArgumentError, "boxes", lambda: pyroi.prroi_pool(A25, np.zeros((2, 3)), 1)),
        (ArgumentError, "spatial_scale", lambda: pyroi.prroi_pool(A25, BOX, 1, 0)),
        (ArgumentError, "spatial_scale", lambda: pyroi.prroi_pool(A25, BOX, 1, math.nan)),
        (ArgumentTypeError, "spatial_scale", lambda: pyroi.prroi_pool(A25, BOX, 1, "1")),
        (ArgumentError, "output_size", lambda: pyroi.prroi_pool(A25, BOX, (-1, 2))),
        (ArgumentError, "output_size", lambda: pyroi.prroi_pool(A25, BOX, (2**62, 2**62))),
        (ArgumentError, "input", lambda: pyroi.prroi_pool(A25[0], BOX, 1)),
        (ArgumentError, "grad", lambda: pyroi.prroi_pool_backward(np.ones((2, 1, 1, 1)), A25.astype(float), BOX)),
        (ArgumentError, "grad", lambda: pyroi.prroi_pool_backward(np.ones((1, 2, 1, 1)), A25.astype(float), BOX)),
        (ArgumentError, "grad", lambda: pyroi.prroi_pool_backward(np.ones((1, 1, 1, 1)), A25, BOX)),
        (
            ArgumentError,
            "boxes",
            lambda: pyroi.prroi_pool_backward(np.ones((1, 1, 1, 1)), A25.astype(float), BOX + 9),
        ),
    ],
)
def test_misuse(kind, argument, call):
    """The argument is named, before anything is written."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.argument == argument
