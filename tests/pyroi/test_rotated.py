"""box_iou_rotated and nms_rotated: against polygons clipped in decimals of 60 digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import autograd, overlap, polygons

import pyroi


def one(a, b) -> float:
    """IoU of two boxes."""
    return pyroi.box_iou_rotated(np.array([a], np.float64), np.array([b], np.float64)).item()


def assert_right(actual, expected, a, b):
    """A few roundings of 1, and of coordinates (relative to the first centre) over the smallest side."""
    distance = np.abs(a[:, None, :2] - b[None, :, :2]).max(axis=2)
    longest = np.maximum(a[:, None, 2:4].max(axis=2), b[None, :, 2:4].max(axis=2))
    shortest = np.minimum(a[:, None, 2:4].min(axis=2), b[None, :, 2:4].min(axis=2))
    near = distance <= 2 * longest  # others have IoU 0, exactly
    assert (actual[~near] == 0).all()
    bound = 4 * 2.0**-52 * (1 + np.where(near, distance + longest, 0) / shortest)
    assert (np.abs(actual - expected) <= bound).all(), np.abs(actual - expected).max()


# ---- By hand ---------------------------------------------------------------------------------------------------------


def test_octagon():
    """A square and the same turned by 45 degrees have a regular octagon in common, 2 (sqrt 2 - 1) of the area."""
    common = 2 * (math.sqrt(2) - 1)
    assert one([3, 4, 2, 2, 0], [3, 4, 2, 2, 45]) == pytest.approx(common / (2 - common), rel=1e-15)


def test_cross():
    """4 x 1 and 1 x 4 on one centre: 1 in common of 7; turned together it stays so."""
    assert one([0, 0, 4, 1, 0], [0, 0, 1, 4, 0]) == 1 / 7
    assert one([0, 0, 4, 1, 30], [0, 0, 4, 1, 120]) == pytest.approx(1 / 7, rel=1e-15)


def test_positive_angles_turn_counter_clockwise_with_y_down():
    """A bar 4 x 0 .. from the origin to the right, turned by 30 degrees, points up: to smaller y."""
    bar = [0, 0, 4, 0.1, 30]
    right, up = 2 * math.cos(math.pi / 6) - 0.1, -(2 * math.sin(math.pi / 6) - 0.1)
    assert one(bar, [right, up, 0.1, 0.1, 0]) > 0.01
    assert one(bar, [right, -up, 0.1, 0.1, 0]) == 0


def test_upright_boxes_are_those_of_box_iou():
    """Angle 0: the same boxes by their centres, in halves, which do not round: the same bits."""
    rng = np.random.default_rng(0)
    first, side = rng.integers(0, 40, (2, 60, 2))
    boxes = np.concatenate([first, first + side + 1], axis=1) / 2
    rotated = np.column_stack([pyroi.box_convert(boxes, "xyxy", "cxcywh"), np.zeros(60)])
    assert pyroi.box_iou_rotated(rotated, rotated).tobytes() == pyroi.box_iou(boxes, boxes).tobytes()


def test_boxes_that_touch_have_nothing_in_common():
    """An edge or a corner alone is no area: exactly 0."""
    assert one([0, 0, 2, 2, 0], [2, 0, 2, 2, 0]) == 0
    assert one([0, 0, 2, 2, 0], [2, 2, 2, 2, 0]) == 0
    assert one([0, 0, 2, 2, 0], [1 + math.sqrt(2), 0, 2, 2, 45]) <= 1e-30
    assert one([0, 0, 3, 2, 90], [2, 0, 3, 2, 270]) == 0


def test_one_inside_the_other():
    """The ratio of their areas, at any angle."""
    for angle in (0, 10, 45, 77.7, 90):
        assert one([5, 5, 10, 10, 20], [5, 5, 2, 1, angle]) == pytest.approx(0.02, rel=1e-14)


def test_boxes_without_area():
    """IoU 0 with themselves and with others."""
    boxes = np.array([[0, 0, 0, 0, 0], [0, 0, 4, 0, 30], [0, 0, 0, 4, 30], [0, 0, 4, 4, 30]], np.float32)
    assert pyroi.box_iou_rotated(boxes, boxes).tolist() == [[0] * 4] * 3 + [[0, 0, 0, 1]]


# ---- With itself -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-3, 1e-2, 0.1, 1.0, 10.0, 1e2, 1e3, 1e4, 1e5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_box_with_itself_is_exactly_one(size, dtype):
    """500 boxes of each size from 1e-3 to 1e5, wherever they lie; libraries that clip with thresholds give less."""
    boxes = polygons.random_boxes(np.random.default_rng(0), 500, 1e4, (size / 10, size)).astype(dtype)
    assert (np.diagonal(pyroi.box_iou_rotated(boxes, boxes)) == 1).all()


@given(
    st.tuples(*[st.integers(-1000, 1000)] * 2),
    st.tuples(*[st.integers(1, 1000)] * 2),
    st.integers(-2880, 2880).map(lambda eighths: eighths / 8),
)
def test_the_same_box_in_other_words_is_exactly_one(centre, sides, angle):
    """Turned by 180 or 360 degrees, or by 90 with its sides exchanged."""
    box = [*centre, *sides, angle]
    other = [*centre, *sides[::-1]]
    for same in ([*box[:4], angle + 180], [*box[:4], angle - 360], [*other, angle + 90], [*other, angle - 270]):
        assert one(box, same) == 1


# ---- Against polygons ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("extent", "sides"), [(20, (0.5, 20)), (1e-2, (1e-3, 1e-2)), (1e5, (1e3, 1e5)), (9, (0.01, 99))]
)
def test_agrees_with_clipped_polygons(seed, extent, sides):
    """900 pairs each, of all sizes and shapes; together 14 400."""
    rng = np.random.default_rng(seed)
    a, b = polygons.random_boxes(rng, 30, extent, sides), polygons.random_boxes(rng, 30, extent, sides)
    assert_right(pyroi.box_iou_rotated(a, b), polygons.iou_matrix(a, b), a, b)


@pytest.mark.parametrize("change", [1e-14, 1e-10, 1e-6, 1e-3, 1.0])
def test_nearly_equal_boxes(change):
    """Each box with itself moved, grown and turned by a little: where edges almost coincide."""
    rng = np.random.default_rng(1)
    a = polygons.random_boxes(rng, 60, 5, (0.5, 5))
    b = a * (1 + rng.uniform(-change, change, a.shape))
    actual = np.diagonal(pyroi.box_iou_rotated(a, b))
    expected = np.array([polygons.iou(*pair) for pair in zip(a, b, strict=True)])
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-13)
    assert (actual <= 1).all()


def test_thin_boxes():
    """1e5 long and 1e-3 wide, crossing: the common parallelogram is 1e-6 / sin of the angle."""
    for angle in (90.0, 30.0, 1.0):
        common = 1e-6 / math.sin(math.radians(angle))
        expected = common / (200 - common)
        assert one([0, 0, 1e5, 1e-3, 10], [0, 0, 1e5, 1e-3, 10 + angle]) == pytest.approx(expected, rel=1e-6)


def test_symmetric_to_the_last_bit():
    """IoU(a, b) is IoU(b, a), also of boxes of equal shape."""
    rng = np.random.default_rng(2)
    boxes = polygons.random_boxes(rng, 150, 20)
    boxes[::3, 2:] = boxes[0, 2:]
    result = pyroi.box_iou_rotated(boxes, boxes)
    assert result.tobytes() == np.ascontiguousarray(result.T).tobytes()


def test_large_angles():
    """Whole turns do not matter, however many."""
    box, other = [0, 0, 4, 2, 30.0], [1, 0, 3, 3, 75.0]
    expected = one(box, other)
    for turns in (1, -5, 1000, 2**40):
        assert one([*box[:4], box[4] + 360.0 * turns], other) == expected


@pytest.mark.parametrize("size", [1e-140, 1e140, 1e300])
def test_areas_beyond_the_range(size):
    """Sizes whose areas float64 cannot hold, or hardly, overlap as others do."""
    a, b = np.array([1, 2, 4, 2, 30.0]), np.array([2, 2, 3, 3, 75.0])
    expected = polygons.iou(a, b)
    scale = np.array([size] * 4 + [1])
    assert one(a * scale, b * scale) == pytest.approx(expected, rel=1e-14)


def test_agrees_with_torchvision():
    """torchvision.ops.box_iou of format cxcywhr, in float64; its thresholds allow for some of the difference."""
    ops, torch = autograd.torchvision_ops(), autograd.torch()
    if not hasattr(torch.ops.torchvision, "box_iou_rotated"):
        pytest.skip("this torchvision has no rotated boxes")
    rng = np.random.default_rng(3)
    a, b = polygons.random_boxes(rng, 60), polygons.random_boxes(rng, 60)
    theirs = ops.box_iou(torch.from_numpy(a), torch.from_numpy(b), fmt="cxcywhr").numpy()
    np.testing.assert_allclose(pyroi.box_iou_rotated(a, b), theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
def test_type_of_the_result(dtype):
    """That of the boxes; integers are float64."""
    boxes = np.array([[0, 0, 4, 4, 0], [0, 0, 4, 3, 180]], dtype)
    result = pyroi.box_iou_rotated(boxes, boxes)
    assert result.dtype == (np.float64 if dtype == np.int32 else dtype)
    assert result.tolist() == [[1, 0.75], [0.75, 1]]


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1100])
def test_rows_around_block_sizes(count):
    """A row of a matrix is the same computed in blocks and one by one."""
    rng = np.random.default_rng(count)
    a, b = polygons.random_boxes(rng, 2), polygons.random_boxes(rng, count)
    rows = np.concatenate([pyroi.box_iou_rotated(a, b[i : i + 1]) for i in range(count)], axis=1)
    assert pyroi.box_iou_rotated(a, b).tobytes() == rows.tobytes()


# ---- Suppression -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_nms_agrees_with_the_loop_over_clipped_polygons(seed):
    """40 boxes of all shapes, against the plain loop over the matrix in decimals."""
    rng = np.random.default_rng(seed)
    boxes, scores = polygons.random_boxes(rng, 40, 10, (1, 10)), rng.integers(0, 20, 40)
    matrix = polygons.iou_matrix(boxes, boxes)
    for threshold in (0.0, 0.1, 0.3, 0.5, 0.8):
        assert pyroi.nms_rotated(boxes, scores, threshold).tolist() == overlap.keep(matrix, scores, threshold)
        least = pyroi.nms_rotated(boxes, scores, threshold, 5, max_output=7).tolist()
        assert least == overlap.keep(matrix, scores, threshold, 5)[:7]


@pytest.mark.parametrize("seed", range(6))
def test_nms_agrees_with_the_loop_over_its_own_matrix(seed):
    """1500 boxes, as many as are sorted and searched, against the loop over box_iou_rotated."""
    rng = np.random.default_rng(seed)
    boxes = polygons.random_boxes(rng, 1500, 60, ((0.1, 30), (5, 6), (1, 3))[seed % 3])
    boxes = boxes.astype((np.float32, np.float64)[seed % 2])
    matrix, scores = pyroi.box_iou_rotated(boxes.astype(np.float64), boxes.astype(np.float64)), rng.random(1500)
    for threshold in (0.0, 0.2, 0.6, 1.0):
        assert pyroi.nms_rotated(boxes, scores, threshold).tolist() == overlap.keep(matrix, scores, threshold)


def test_nms_threshold_itself_does_not_suppress():
    """IoU 0.5 at threshold 0.5 is kept: suppression is strict."""
    boxes = [[0, 0, 4, 2, 60], [0, 0, 4, 4, 60]]
    assert pyroi.nms_rotated(boxes, [2, 1], 0.5).tolist() == [0, 1]
    assert pyroi.nms_rotated(boxes, [2, 1], np.nextafter(0.5, 0)).tolist() == [0]


def test_nms_of_upright_boxes_is_nms():
    """Angle 0, on whole coordinates."""
    rng = np.random.default_rng(4)
    first = rng.integers(0, 60, (400, 2)) * 2
    boxes = np.concatenate([first, first + 2 * rng.integers(1, 20, (400, 2))], axis=1)
    rotated = np.column_stack([pyroi.box_convert(boxes, "xyxy", "cxcywh"), np.zeros(400)])
    scores = rng.random(400)
    assert pyroi.nms_rotated(rotated, scores, 0.3).tolist() == pyroi.nms(boxes, scores, 0.3).tolist()
