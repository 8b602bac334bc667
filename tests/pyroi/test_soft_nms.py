"""soft_nms: the definition, by hand and by a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles import overlap

import pyroi

BOXES = [[0, 0, 10, 10], [0, 0, 10, 5], [20, 0, 30, 10]]  # IoU 0.5, 0, 0


def test_worked_example_gaussian():
    """0.8 falls to 0.8 exp(-0.25 / 0.5) = 0.485, below the third box's 0.6."""
    indices, scores = pyroi.soft_nms(BOXES, [0.9, 0.8, 0.6])
    assert indices.tolist() == [0, 2, 1]
    assert indices.dtype == np.int64
    assert scores.tolist() == pytest.approx([0.9, 0.6, 0.8 * math.exp(-0.5)], rel=1e-15)


def test_worked_example_linear():
    """0.8 falls to 0.8 (1 - 0.5) where IoU is above the threshold, and stays where it is equal to it."""
    indices, scores = pyroi.soft_nms(BOXES, [0.9, 0.8, 0.6], method="linear")
    assert (indices.tolist(), scores.tolist()) == ([0, 2, 1], [0.9, 0.6, 0.4])
    indices, scores = pyroi.soft_nms(BOXES, [0.9, 0.8, 0.6], method="linear", iou_threshold=0.5)
    assert (indices.tolist(), scores.tolist()) == ([0, 1, 2], [0.9, 0.8, 0.6])


def test_score_threshold_drops_at_once_and_later():
    """Kept are scores above it, strictly, at the start and after each fall."""
    assert pyroi.soft_nms(BOXES, [0.9, 0.8, 0.6], method="linear", score_threshold=0.4)[0].tolist() == [0, 2]
    assert pyroi.soft_nms(BOXES, [0.9, 0.8, 0.6], method="linear", score_threshold=0.39)[0].tolist() == [0, 2, 1]
    assert pyroi.soft_nms(BOXES, [0.9, 0.8, 0.6], score_threshold=0.9)[0].tolist() == []


def test_equal_boxes():
    """Linear: a box on another falls to 0. Gaussian: by exp(-1 / sigma) for each one kept."""
    boxes, scores = [[1, 1, 4, 4]] * 4, [1.0] * 4
    assert pyroi.soft_nms(boxes, scores, method="linear")[0].tolist() == [0]
    indices, lowered = pyroi.soft_nms(boxes, scores, sigma=2.0)
    assert indices.tolist() == [0, 1, 2, 3]
    assert lowered.tolist() == pytest.approx([math.exp(-k / 2) for k in range(4)], rel=1e-14)


def test_scores_that_become_equal_keep_the_order_of_the_boxes():
    """Box 1 falls from 1 to 0.5, which is the score of box 0: then 0 goes first."""
    boxes = [[50, 0, 60, 10], [0, 0, 10, 5], [0, 0, 10, 10]]
    assert pyroi.soft_nms(boxes, [0.5, 1.0, 2.0], method="linear")[0].tolist() == [2, 0, 1]


def test_negative_scores():
    """They are below a threshold of 0, and above one of -2; a fall brings them nearer to 0, which lifts them."""
    assert pyroi.soft_nms(BOXES, [-1, -1, 2], score_threshold=0)[0].tolist() == [2]
    indices, scores = pyroi.soft_nms([[0, 0, 1, 1], [5, 0, 6, 1]], [-1, 2], score_threshold=-2)
    assert (indices.tolist(), scores.tolist()) == ([1, 0], [2, -1])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_scores_have_the_type_they_came_in(dtype):
    """Integers become float64."""
    scores = pyroi.soft_nms(BOXES, np.array([9, 8, 6], dtype))[1]
    assert scores.dtype == (np.float64 if dtype == np.int64 else dtype)
    assert scores[2] == pytest.approx(8 * math.exp(-0.5), rel=1e-3)


@pytest.mark.parametrize("method", ["gaussian", "linear"])
@pytest.mark.parametrize("seed", range(15))
def test_agrees_with_the_plain_loop(seed, method):
    """Random scenes, scores with and without ties, against the loop over a float64 matrix: same order, same scores."""
    rng = np.random.default_rng(seed)
    count = int(rng.choice([1, 5, 50, 300]))
    boxes = overlap.random_boxes(rng, count, 100, (1, 60)).astype((np.float32, np.float64)[seed % 2])
    scores = rng.integers(1, 4, count) / 4 if seed % 3 == 0 else rng.random(count)
    options = {
        "method": method,
        "sigma": float(rng.choice([0.1, 0.5, 3.0])),
        "iou_threshold": float(rng.choice([0.0, 0.3, 0.6])),
        "score_threshold": float(rng.choice([-1.0, 0.0, 0.001, 0.2])),
    }
    expected, lowered = overlap.soften(overlap.iou(boxes, boxes), scores, **options)
    indices, actual = pyroi.soft_nms(boxes, scores, **options)
    assert indices.tolist() == expected
    np.testing.assert_allclose(actual, lowered, rtol=1e-12)  # exp of the two libraries, once per box kept


def test_new_scores_fall():
    """The order of keeping is that of the new scores."""
    rng = np.random.default_rng(0)
    boxes, scores = overlap.random_boxes(rng, 500, 60, (5, 40)), rng.random(500)
    for method in ("gaussian", "linear"):
        assert (np.diff(pyroi.soft_nms(boxes, scores, method=method)[1]) <= 0).all()
