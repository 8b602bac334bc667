"""The kinds of overlap of upright boxes: by hand, in float64, by counting unit squares, and by torchvision."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import autograd, overlap

import pyroi

KINDS = overlap.KINDS
EACH = pytest.mark.parametrize("kind", KINDS)


def of(kind, boxes1, boxes2):
    """The matrix of one kind."""
    return getattr(pyroi, kind)(boxes1, boxes2)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("box_iou", 0.2),  # 25 / (100 + 50 - 25)
        ("box_iof", 0.25),  # 25 / 100
        ("box_ios", 0.5),  # 25 / 50
        ("generalized_box_iou", 1 / 30),  # the hull is 15 x 10: 0.2 - 25 / 150
        ("distance_box_iou", 0.2 - 31.25 / 325),  # centres 5 and 2.5 apart: 31.25; diagonal 15^2 + 10^2
        ("complete_box_iou", 0.1017554),  # v = (2 / pi (atan 1 - atan 2))^2 = 0.0419567; v^2 / (0.8 + v) less
    ],
)
def test_worked_example(kind, expected):
    """(0, 0, 10, 10) and (5, 5, 15, 10)."""
    assert of(kind, [[0, 0, 10, 10]], [[5, 5, 15, 10]]).item() == pytest.approx(expected, abs=1e-7)


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-10, 1e-3, 1.0, 1e5, 1e15])
def test_a_box_with_itself_is_exactly_one(kind, dtype, size):
    """Every kind, random boxes of every size."""
    rng = np.random.default_rng(0)
    boxes = (overlap.random_boxes(rng, 200, 3, (0.1, 1)) * size).astype(dtype)
    assert (np.diagonal(of(kind, boxes, boxes)) == 1).all()


@EACH
def test_boxes_without_area(kind):
    """IoU 0 and no NaN, for points, lines and boxes whose corners are exchanged, with each other and with others."""
    boxes = np.array([[1, 1, 1, 1], [0, 1, 2, 1], [2, 2, 0, 0], [2, 0, 0, 2], [0, 0, 2, 2]], np.float32)
    result = of(kind, boxes, boxes)
    np.testing.assert_allclose(result, KINDS[kind](boxes, boxes), atol=1e-6)
    assert (pyroi.box_iou(boxes, boxes)[:4] == 0).all()


def test_generalized_of_points():
    """One point with itself: no hull, so 0. Two points apart: nothing of the hull is covered, -1."""
    points = [[0, 0, 0, 0], [3, 4, 3, 4]]
    assert pyroi.generalized_box_iou(points, points).tolist() == [[0, -1], [-1, 0]]


def test_integer_boxes_whose_area_passes_2_31():
    """In floating point: 3 / 4 of 60000 x 60000, which no 32-bit product holds."""
    for dtype in (np.int32, np.uint32, np.int64):
        boxes = np.array([[0, 0, 60000, 60000], [0, 0, 60000, 45000]], dtype)
        result = pyroi.box_iou(boxes, boxes)
        assert result.dtype == np.float64
        assert result.tolist() == [[1, 0.75], [0.75, 1]]


def test_unsigned_boxes_whose_difference_is_negative():
    """x1 > x2 in unsigned integers is a box without area, not one of 2^32."""
    boxes = np.array([[9, 9, 1, 1], [0, 0, 10, 10]], np.uint32)
    assert pyroi.box_iou(boxes, boxes).tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("one", "other", "result"),
    [
        (np.float16, np.float16, np.float16),
        (np.float32, np.float32, np.float32),
        (np.float64, np.float64, np.float64),
        (np.float16, np.float32, np.float32),
        (np.float32, np.float64, np.float64),
        (np.int8, np.float32, np.float64),
        (np.int64, np.int16, np.float64),
    ],
)
def test_type_of_the_result(one, other, result):
    """That of the boxes, the wider of two; integers are float64. 3/4 is exact in each."""
    assert pyroi.box_iou(np.array([[0, 0, 4, 4]], one), np.array([[0, 0, 4, 3]], other)).tolist() == [[0.75]]
    assert pyroi.box_iou(np.array([[0, 0, 4, 4]], one), np.array([[0, 0, 4, 3]], other)).dtype == result


def test_half_precision_areas_do_not_overflow():
    """300 x 300 is beyond float16; the boxes and the result are not."""
    boxes = np.array([[0, 0, 300, 300], [0, 0, 300, 150]], np.float16)
    assert pyroi.box_iou(boxes, boxes).tolist() == [[1, 0.5], [0.5, 1]]


@EACH
@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_float64(kind, seed):
    """Random boxes, near and far from the origin, against NumPy in float64 on the same numbers."""
    rng = np.random.default_rng(seed)
    offset = (0, 0, 1000)[seed % 3]
    first = overlap.random_boxes(rng, 70, 100, (0.5, 80)) + offset
    second = overlap.random_boxes(rng, 1100 + seed, 100, (0.5, 80)) + offset
    for dtype, bound in ((np.float32, 1e-6), (np.float64, 1e-14)):
        a, b = first.astype(dtype), second.astype(dtype)
        np.testing.assert_allclose(of(kind, a, b), KINDS[kind](a, b), rtol=0, atol=bound)


@given(st.lists(st.tuples(*[st.integers(-2000, 2000)] * 4), min_size=1, max_size=8))
def test_iou_is_right_to_the_last_places(boxes):
    """Against rational numbers: within 3 units in the last place, relative, in float32 and float64."""
    for dtype, unit in ((np.float32, 2.0**-23), (np.float64, 2.0**-52)):
        given_boxes = np.array(boxes, dtype) / 16
        result = pyroi.box_iou(given_boxes, given_boxes)
        for i, a in enumerate(boxes):
            for j, b in enumerate(boxes):
                expected = _exact(a, b)
                assert abs(Fraction(float(result[i, j])) - expected) <= 3 * Fraction(unit) * expected


def _exact(a, b) -> Fraction:
    def area(x1, y1, x2, y2):
        return max(x2 - x1, 0) * max(y2 - y1, 0)

    common = area(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    whole = area(*a) + area(*b) - common
    return Fraction(common, whole) if whole else Fraction(0)


@pytest.mark.parametrize("size", [1e-150, 1e-25, 1e-19, 1e19, 1e25, 1e150, 1e300])
@EACH
def test_areas_beyond_the_range(kind, size):
    """Boxes whose areas float32, or float64, cannot hold overlap as others do, as long as an area is not 0."""
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 3], [-8, 8, 9, 9]], np.float64)
    expected = KINDS[kind](boxes, boxes)
    np.testing.assert_allclose(of(kind, boxes * size, boxes * size), expected, atol=1e-14)
    if 1e-36 < size < 1e36:
        scaled = (boxes * size).astype(np.float32)
        np.testing.assert_allclose(of(kind, scaled, scaled), expected, atol=1e-6)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"box_iof"}))
def test_symmetric(kind):
    """The same whichever of two boxes comes first, to the last bit."""
    boxes = overlap.random_boxes(np.random.default_rng(1), 200, 50).astype(np.float32)
    result = of(kind, boxes, boxes)
    assert result.tobytes() == np.ascontiguousarray(result.T).tobytes()


@given(st.lists(st.tuples(*[st.integers(-20, 20)] * 4), min_size=1, max_size=8))
def test_iof_is_the_covered_fraction_of_the_first_box(boxes):
    """From 0 to 1, at least the IoU, in proportion to the areas; and the area covered, counted in unit squares."""
    of_first, iou = pyroi.box_iof(boxes, boxes), pyroi.box_iou(boxes, boxes)
    assert (of_first >= iou).all() and of_first.min() >= 0 and of_first.max() <= 1
    areas = pyroi.box_area(boxes)
    np.testing.assert_allclose(of_first * areas[:, None], (of_first * areas[:, None]).T, rtol=1e-14)
    squares = [{(x, y) for x in range(x1, x2) for y in range(y1, y2)} for x1, y1, x2, y2 in boxes]
    for i, first in enumerate(squares):
        for j, second in enumerate(squares):
            assert of_first[i, j] == (len(first & second) / len(first) if first else 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_iof_of_a_box_within_another_is_exactly_one(dtype):
    """Random boxes, and boxes around them, which touch some of their sides."""
    rng = np.random.default_rng(5)
    inner = overlap.random_boxes(rng, 300).astype(dtype)
    margin = rng.choice([0, 0.3, 7], inner.shape).astype(dtype)
    outer = np.concatenate([inner[:, :2] - margin[:, :2], inner[:, 2:] + margin[:, 2:]], axis=1)
    assert (np.diagonal(pyroi.box_iof(inner, outer)) == 1).all()


@given(st.lists(st.tuples(*[st.integers(-20, 20)] * 4), min_size=1, max_size=8))
def test_ios_is_the_covered_fraction_of_the_smaller_box(boxes):
    """The larger of both fractions, where both boxes have an area; and 1 exactly for boxes within others."""
    fraction = pyroi.box_iof(boxes, boxes)
    has_area = pyroi.box_area(boxes) > 0
    expected = np.where(has_area[:, None] & has_area, np.maximum(fraction, fraction.T), 0)
    assert pyroi.box_ios(boxes, boxes).tobytes() == expected.tobytes()
    assert (np.diagonal(pyroi.box_ios(boxes, boxes)) == has_area).all()


def test_iou_is_never_above_one():
    """Nearly equal boxes, in numbers that round."""
    rng = np.random.default_rng(2)
    boxes = (np.array([0.1, 0.2, 0.7, 0.9]) * (1 + rng.uniform(-1, 1, (300, 4)) * 1e-7)).astype(np.float32)
    assert pyroi.box_iou(boxes, boxes).max() == 1


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"box_iof", "box_ios"}))  # which torchvision lacks
def test_agrees_with_torchvision(kind):
    """torchvision's function of that name, whose epsilon of 1e-7 allows for some of the difference."""
    ops, torch = autograd.torchvision_ops(), autograd.torch()
    rng = np.random.default_rng(3)
    a, b = overlap.random_boxes(rng, 50), overlap.random_boxes(rng, 60)
    theirs = getattr(ops, kind)(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    np.testing.assert_allclose(of(kind, a, b), theirs, rtol=0, atol=5e-7)
