"""nms and batched_nms: the definition, worked by hand, by plain loops and by other engines."""

from __future__ import annotations

import numpy as np
import pytest
from children import run_child
from hypothesis import given
from hypothesis import strategies as st
from oracles import autograd, overlap, runtime

import pyroi
from pyroi.nms import nms_in_own_type

THRESHOLDS = [0.0, 1e-9, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0]


def keep(boxes, scores, *arguments, **options):
    """The kept indices as a list."""
    result = pyroi.nms(boxes, scores, *arguments, **options)
    assert result.dtype == np.int64
    return result.tolist()


# ---- By hand ---------------------------------------------------------------------------------------------------------

# IoU of neighbours: (0, 0, 10, 10) and (0, 0, 10, 5) have 50 / 100
HALVES = [[0, 0, 10, 5], [0, 0, 10, 10], [20, 0, 30, 10], [20, 0, 30, 10]]


def test_worked_example():
    """By descending score: 3 goes first and suppresses 2, 1 has IoU 0.5 with 0."""
    scores = [0.1, 0.2, 0.3, 0.4]
    assert keep(HALVES, scores, 0.4) == [3, 1]
    assert keep(HALVES, scores, 0.6) == [3, 1, 0]
    assert keep(HALVES, scores, 1.0) == [3, 2, 1, 0]


def test_threshold_itself_does_not_suppress():
    """IoU 0.5 at threshold 0.5 is kept, just below it is not: suppression is strict."""
    assert keep(HALVES[:2], [1, 2], 0.5) == [1, 0]
    assert keep(HALVES[:2], [1, 2], np.nextafter(0.5, 0)) == [1]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
def test_threshold_is_met_in_float64_whatever_the_type(dtype):
    """7 / 10 of a box: float32's 0.7 is below the 0.7 given, and 7 / 10 in float32 above; in float64 they are equal."""
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 7]]).astype(dtype)
    assert keep(boxes, [2, 1], 0.7) == [0, 1]
    assert keep(boxes, [2, 1], np.nextafter(0.7, 0)) == [0]


def test_equal_scores_keep_their_order():
    """The first of equal scores goes first, also among many, and 0.0 equals -0.0."""
    assert keep([[0, 0, 10, 10]] * 3, [1, 1, 1], 0.5) == [0]
    apart = [[20 * i, 0, 20 * i + 10, 10] for i in range(500)]
    assert keep(apart, np.zeros(500), 0.5) == list(range(500))
    assert keep(apart[:3], [-0.0, 0.0, -0.0], 0.5) == [0, 1, 2]


def test_what_is_suppressed_suppresses_nothing():
    """1 is suppressed by 0, and so does not suppress 2, which overlaps 1 alone."""
    assert keep([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]], [3, 2, 1], 0.4) == [0, 2]


def test_boxes_without_area_are_kept():
    """IoU of boxes without area is 0, with themselves and with what is around them; also where x2 < x1."""
    boxes = [[5, 5, 5, 5], [5, 5, 5, 5], [0, 5, 10, 5], [9, 9, 1, 1], [0, 0, 10, 10], [9, 1, 1, 9]]
    for threshold in (0.0, 0.5):
        assert keep(boxes, [6, 5, 4, 3, 2, 1], threshold) == [0, 1, 2, 3, 4, 5]


def test_indices_refer_to_the_boxes_as_given():
    """With a score threshold too: kept are scores above it, strictly."""
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(5)]
    scores = [0.1, 0.9, 0.5, 0.3, 0.7]
    assert keep(boxes, scores, 0.5, 0.3) == [1, 4, 2]
    assert keep(boxes, scores, 0.5, score_threshold=0.29) == [1, 4, 2, 3]
    assert keep(boxes, scores, 0.5, 1.0) == []
    assert keep(boxes, scores, 0.5, -1) == [1, 4, 2, 3, 0]


def test_infinite_scores_are_scores():
    """They come first and last; without a threshold -inf is kept, with one it is not."""
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(3)]
    assert keep(boxes, [-np.inf, np.inf, 0], 0.5) == [1, 2, 0]
    assert keep(boxes, [-np.inf, np.inf, 0], 0.5, -1e308) == [1, 2]


def test_max_output_keeps_the_first():
    """The same list, cut; 0 gives none, more than there are changes nothing."""
    rng = np.random.default_rng(0)
    boxes, scores = overlap.random_boxes(rng, 60), rng.random(60)
    every = keep(boxes, scores, 0.3)
    for most in (0, 1, 5, len(every), 1000, 2**62):
        assert keep(boxes, scores, 0.3, max_output=most) == every[:most]


def test_one_box_as_a_vector():
    """Four numbers are one box."""
    assert keep([0, 0, 10, 10], [1], 0.5) == [0]


# ---- Against other engines -------------------------------------------------------------------------------------------


def scenes(seed):
    """Boxes of many kinds: spread, crowded, of one size, on a lattice, in far clusters, of all sizes, empty, equal."""
    rng = np.random.default_rng(seed)
    count = int(rng.choice([2, 7, 40, 150, 600]))
    lattice = rng.integers(0, 25, (count, 2)) * 1.0
    far = overlap.random_boxes(rng, count, 40) + 1e6 * rng.integers(-2, 3, (count, 1))
    tiny = 10.0 ** rng.integers(-12, 12)
    yield overlap.random_boxes(rng, count, 300)
    yield overlap.random_boxes(rng, count, 10, (8, 12))
    yield overlap.random_boxes(rng, count, 100, (1e-3, 1e3))
    yield np.concatenate([lattice, lattice + 2.0 ** rng.integers(0, 5, (count, 2))], axis=1)
    yield np.concatenate([lattice, lattice + rng.integers(-2, 6, (count, 2))], axis=1)
    yield far
    yield overlap.random_boxes(rng, count, 50) * tiny
    yield overlap.random_boxes(rng, 3, 50)[rng.integers(0, 3, count)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_the_plain_loop(seed, dtype):
    """Eight kinds of scenes, all thresholds, scores with and without ties, against the loop over a float64 matrix."""
    rng = np.random.default_rng(1000 + seed)
    for boxes in scenes(seed):
        boxes = boxes.astype(dtype)
        matrix = overlap.iou(boxes, boxes)
        tied = rng.random() < 0.4
        scores = rng.integers(0, 5, len(boxes)) / 4 if tied else rng.standard_normal(len(boxes))
        classes = rng.integers(-2, 3, len(boxes)) * 10 ** int(rng.integers(0, 18))
        least = float(rng.choice(scores))
        for threshold in THRESHOLDS:
            assert keep(boxes, scores, threshold) == overlap.keep(matrix, scores, threshold)
            assert keep(boxes, scores, threshold, least) == overlap.keep(matrix, scores, threshold, least)
            batched = pyroi.batched_nms(boxes, scores, classes, threshold).tolist()
            assert batched == overlap.keep(matrix, scores, threshold, classes=classes)


corner = st.one_of(st.integers(-6, 6).map(float), st.floats(-1e3, 1e3, width=32))


@given(
    boxes=st.lists(st.tuples(corner, corner, corner, corner), max_size=40),
    threshold=st.one_of(st.sampled_from(THRESHOLDS), st.floats(0, 1)),
    data=st.data(),
)
def test_agrees_with_the_plain_loop_on_drawn_boxes(boxes, threshold, data):
    """Small cases in which coordinates coincide and sides are negative."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    levels = st.integers(0, 3).map(float)
    scores = data.draw(st.lists(levels, min_size=len(boxes), max_size=len(boxes)))
    assert keep(boxes, scores, threshold) == overlap.keep(overlap.iou(boxes, boxes), scores, threshold)


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_onnx_runtime(seed):
    """NonMaxSuppression of ONNX, with a limit and a score threshold; it computes in float32, so areas are whole."""
    rng = np.random.default_rng(seed)
    count = int(rng.choice([1, 10, 100, 1000]))
    first = rng.integers(0, 60, (count, 2))
    boxes = np.concatenate([first, first + rng.integers(1, 30, (count, 2))], axis=1).astype(np.float32)
    scores = rng.permutation(count).astype(np.float32) / 1024  # no ties: their order is not specified there
    for threshold in (0.0, 0.3, 0.45, 0.71):
        assert keep(boxes, scores, threshold) == runtime.nms(boxes, scores, threshold)
        options = {"score_threshold": 0.02, "max_output": 5}
        assert keep(boxes, scores, threshold, **options) == runtime.nms(boxes, scores, threshold, 0.02, 5)


@pytest.mark.parametrize("count", [1, 100, 3000])
def test_agrees_with_torchvision(count):
    """torchvision.ops.nms and batched_nms on boxes of a detector's size, where float32 decides nothing."""
    ops, torch = autograd.torchvision_ops(), autograd.torch()
    rng = np.random.default_rng(count)
    boxes = overlap.random_boxes(rng, count, 800, (8, 200)).astype(np.float32)
    scores, classes = rng.permutation(count).astype(np.float32), rng.integers(0, 8, count)
    arrays = torch.from_numpy(boxes), torch.from_numpy(scores)
    for threshold in (0.3, 0.5, 0.7):
        assert keep(boxes, scores, threshold) == ops.nms(*arrays, threshold).tolist()
        theirs = ops.batched_nms(*arrays, torch.from_numpy(classes), threshold).tolist()
        assert pyroi.batched_nms(boxes, scores, classes, threshold).tolist() == theirs


# ---- Where common libraries are wrong --------------------------------------------------------------------------------


def test_classes_with_negative_coordinates():
    """Shifting class c by c * (largest coordinate + 1) puts class 1 onto class 0 here, and below not apart at all."""
    shifted_upon = np.array([[0, 0, 9, 9], [-10, -10, -1, -1]], np.float32)  # by 10
    not_shifted = np.array([[-1000, -1000, -1, -1], [-1000, -1000, -1, -1]], np.float32)  # by 0
    for boxes in (shifted_upon, not_shifted):
        assert pyroi.batched_nms(boxes, [2, 1], [0, 1], 0.5).tolist() == [0, 1]
    assert pyroi.batched_nms(not_shifted, [2, 1], [1, 1], 0.5).tolist() == [0]


@pytest.mark.parametrize("base", [0, 10**6, 2**24, 2**31, 2**53, 2**62, -(2**63)])
def test_large_class_numbers(base):
    """Neighbouring classes keep apart, and a class together, at any number; shifted float32 boxes lose their digits."""
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [0, 0, 10, 10]], np.float32)
    assert pyroi.batched_nms(boxes, [3, 2, 1], [base, base + 1, base + 1], 0.5).tolist() == [0, 1]
    assert pyroi.batched_nms(boxes, [3, 2, 1], np.array([base, base + 1, base + 2]), 0.5).tolist() == [0, 1, 2]


def test_unsigned_class_numbers():
    """2^64 - 1 is a class of its own, as are whole numbers in floating point."""
    boxes = np.array([[0, 0, 10, 10]] * 4, np.float32)
    classes = np.array([2**64 - 1, 2**63, 0, 2**64 - 1], np.uint64)
    assert pyroi.batched_nms(boxes, [4, 3, 2, 1], classes, 0.5).tolist() == [0, 1, 2]
    assert pyroi.batched_nms(boxes, [4, 3, 2, 1], [-1.0, 0.0, -0.0, 1.0], 0.5).tolist() == [0, 1, 3]


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32])
def test_integer_boxes_beyond_the_range_of_their_product(dtype):
    """Areas of 2^31 and more: 3/4 of a box of 60000 x 60000, in integers whose product would wrap around."""
    boxes = np.array([[0, 0, 60000, 60000], [0, 0, 60000, 45000], [0, 45000, 60000, 60000]], dtype)
    assert keep(boxes, [3, 2, 1], 0.74) == [0, 2]
    assert keep(boxes, [3, 2, 1], 0.75) == [0, 1, 2]


@pytest.mark.parametrize("size", [1e-160, 1e-30, 1e-18, 1e18, 1e30, 1e160, 1e300])
def test_sizes_whose_areas_leave_the_range(size):
    """Boxes at the ends of float64's range overlap as others do, while an area is more than 0."""
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 3], [8, 8, 9, 9], [0, 0, 1, 1]], np.float64) * size
    assert keep(boxes, [4, 3, 2, 1], 0.7) == [0, 2, 3]
    assert keep(boxes, [4, 3, 2, 1], 0.76) == [0, 1, 2, 3]
    if 1e-30 < size < 1e30:
        assert keep(boxes.astype(np.float32), [4, 3, 2, 1], 0.7) == [0, 2, 3]


@pytest.mark.parametrize("offset", [0.0, 1e5, -3e6])
def test_boxes_far_from_the_origin(offset):
    """A cluster of 2000 boxes far away is thinned out as near the origin, and so are two clusters apart."""
    rng = np.random.default_rng(5)
    boxes = np.round(overlap.random_boxes(rng, 2000, 400) * 4) / 4 + offset  # quarters, which float32 holds there
    scores = rng.random(2000)
    expected = overlap.keep(overlap.iou(boxes, boxes), scores, 0.4)
    assert keep(boxes, scores, 0.4) == expected
    assert keep(boxes.astype(np.float32), scores, 0.4) == expected
    assert keep(np.concatenate([boxes, boxes + 1e9]), np.concatenate([scores, scores]), 0.4)[::2] == expected


# ---- Size ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [31, 32, 33, 63, 65, 255, 256, 257, 1023, 1025])
def test_counts_around_block_sizes(count):
    """Numbers of boxes around those at which blocks, searches and size classes begin."""
    rng = np.random.default_rng(count)
    boxes, scores = overlap.random_boxes(rng, count, 60, (1, 30)), rng.random(count)
    for dtype in (np.float32, np.float64):
        given_boxes = boxes.astype(dtype)
        matrix = overlap.iou(given_boxes, given_boxes)
        for threshold in (0.0, 0.2, 0.6):
            assert keep(given_boxes, scores, threshold) == overlap.keep(matrix, scores, threshold)


def _many(count, kind):
    """Suppresses many boxes; the limits of this process are the test."""
    import numpy as np

    import pyroi

    rng = np.random.default_rng(0)
    pyroi.set_num_threads(1)
    side = rng.uniform(8, 40, (count, 2))
    centre = rng.uniform(0, 20 * count**0.5, (count, 2))
    if kind == "crowded":
        side, centre = rng.uniform(90, 100, (count, 2)), rng.uniform(0, 1, (count, 2))
    if kind == "all sizes":
        side = 10 ** rng.uniform(-2, 4, (count, 2))
    if kind == "in a row":
        centre[:, 0] = 0
    boxes = np.concatenate([centre - side / 2, centre + side / 2], axis=1).astype(np.float32)
    if kind == "equal":
        boxes[:] = boxes[0]
    print(len(pyroi.nms(boxes, rng.random(count), 0.5)))


@pytest.mark.parametrize("kind", ["scattered", "crowded", "equal", "all sizes", "in a row"])
def test_memory_and_time_grow_with_the_number_of_boxes(kind):
    """200 000 boxes, whose matrix would take 160 GB and minutes: 1.5 GB of addresses and 20 seconds are enough."""
    assert int(run_child(_many, 200_000, kind, cpu_seconds=20, address_space=3 << 29)) > 0


# ---- In the boxes' own type ------------------------------------------------------------------------------------------


def keep_in_float(boxes, scores, threshold):
    """torchvision's loop: every step is rounded to the type of the boxes, the threshold is float64."""
    x1, y1, x2, y2 = boxes.T
    areas, left, kept = (x2 - x1) * (y2 - y1), np.argsort(-scores, kind="stable"), []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        width = np.maximum(np.minimum(x2[best], x2[left]) - np.maximum(x1[best], x1[left]), 0)
        height = np.maximum(np.minimum(y2[best], y2[left]) - np.maximum(y1[best], y1[left]), 0)
        shared = width * height
        with np.errstate(invalid="ignore"):
            iou = shared / (areas[best] + areas[left] - shared)
        left = left[~(iou.astype(np.float64) > threshold)]
    return kept


def test_two_tenths():
    """20 / 100 in float32 is above 0.2, which is rounded to float64."""
    boxes = np.float32([[0, 0, 10, 10], [0, 0, 10, 2]])
    assert keep(boxes, [0.9, 0.8], 0.2) == [0, 1]
    assert nms_in_own_type(boxes, [0.9, 0.8], 0.2).tolist() == [0]
    assert nms_in_own_type(boxes.astype(np.float64), [0.9, 0.8], 0.2).tolist() == [0, 1]


@pytest.mark.parametrize("exponent", [0, -40, -60, -70, 40, 60])  # areas from denormal ones to infinite ones
def test_own_type_is_the_plain_loop(exponent):
    """To the last box: whole numbers, thresholds that are IoU of such boxes, crowds and few."""
    random = np.random.default_rng(exponent + 100)
    for count in (5, 40, 300):
        for threshold in (0, 1e-9, 0.1, 0.2, 1 / 3, 0.5, 0.6, 0.7, 0.9, 1):
            corner = random.integers(0, 30, (count, 2))
            boxes = np.concatenate([corner, corner + random.integers(0, 9, (count, 2))], 1).astype(np.float32)
            boxes = np.ldexp(boxes, exponent)
            scores = random.integers(0, 50, count) / 50
            with np.errstate(over="ignore"):
                expected = keep_in_float(boxes, scores, threshold)
            assert nms_in_own_type(boxes, scores, threshold).tolist() == expected
