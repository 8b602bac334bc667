"""Differences from torchvision, one case of each: the right result, and that pyroi returns it.

Where torchvision is at hand, that it does differ is shown too, so that docs/differences.md stays true: when a release
has been fixed, its case leaves this file and that page.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles import autograd
from oracles.cases import A25

import pyroi

INF, NAN = math.inf, math.nan
MAP = A25.astype(np.float64)
WHOLE, POINT = np.array([[0.0, 0, 0, 5, 5]]), np.array([[0.0, 2, 2, 2, 2]])
NEGATIVE = np.float32([[0, 0, 10, 10], [-11, -11, -1, -1]])  # the second one, moved by 11, is the first
TWICE = np.float32([[0, 0, 10, 10]] * 2)
THIRD = np.float32([[0, 0, 10, 10], [0, 6, 10, 16]])  # 40 of 160 in common
FIFTH = np.float32([[0, 0, 10, 10], [0, 0, 10, 2]])
SCORES = np.float32([0.9, 0.8])
SMALL = np.array([[0.3, 0.7, 1e-3, 1e-3 / 3, 17]])
HUNDREDTH = np.float32([[0.003, 0.007, 0.01, 0.01 / 3, 17]])
LARGE = np.array([[0, 0, 50000, 50000]], np.int32)  # 2.5e9
HALF = np.array([[0, 0, 50000, 25000]], np.int32)


def filled(value):
    """A map of 4 x 4 times the same number."""
    return np.full((1, 1, 4, 4), value)


def suppressed(boxes, classes, threshold):
    """The case of batched_nms, here and there."""
    return (
        lambda: pyroi.batched_nms(boxes, SCORES, classes, threshold),
        lambda ops, tensor: ops.batched_nms(tensor(boxes), tensor(SCORES), tensor(np.array(classes)), threshold),
    )


def largest(value):
    """The case of roi_pool, here and there: the value and where it is."""
    box = np.array([[0.0, 0, 0, 3, 3]])

    def theirs(ops, tensor):
        return ops.roi_pool(tensor(filled(value)), tensor(box), 1)

    return lambda: pyroi.roi_pool(filled(value), box, 1), theirs


# Each with what is right, the answer here, and the other one.
CASES = {
    # the mean of 0 to 24; without the last row and column it is that of 16 numbers, 9
    "last row and column of ps_roi_pool": (
        12,
        lambda: pyroi.ps_roi_pool(MAP, WHOLE, 1),
        lambda ops, tensor: ops.ps_roi_pool(tensor(MAP), tensor(WHOLE), 1),
    ),
    # 0 samples have no mean, and a box without area nothing to say with 4 samples in one place either
    "ps_roi_align of an empty box, adaptive": (
        0,
        lambda: pyroi.ps_roi_align(MAP, POINT, 1),
        lambda ops, tensor: ops.ps_roi_align(tensor(MAP), tensor(POINT), 1),
    ),
    "ps_roi_align of an empty box, 2 x 2 samples": (
        0,
        lambda: pyroi.ps_roi_align(MAP, POINT, 1, 1.0, 2),
        lambda ops, tensor: ops.ps_roi_align(tensor(MAP), tensor(POINT), 1, 1.0, 2),
    ),
    # the largest of nothing but -infinity, but -1e300, and with NaN among them
    "-infinity in roi_pool": (-INF, *largest(-INF)),
    "-1e300 in roi_pool": (-1e300, *largest(-1e300)),
    "NaN in roi_pool": (NAN, *largest(NAN)),
    # two classes: neither box suppresses the other
    "batched_nms with negative coordinates": ([0, 1], *suppressed(NEGATIVE, [0, 1], 0.5)),
    "batched_nms with large class numbers, apart": ([0, 1], *suppressed(TWICE, [2**24, 2**24 + 1], 0.5)),
    # one class, and an IoU of 0.25
    "batched_nms with large class numbers, together": ([0, 1], *suppressed(THIRD, [10**7, 10**7], 0.3)),
    # 20 of 100 is two tenths, and not above
    "nms of an IoU at the threshold": (
        [0, 1],
        lambda: pyroi.nms(FIFTH, SCORES, 0.2),
        lambda ops, tensor: ops.nms(tensor(FIFTH), tensor(SCORES), 0.2),
    ),
    # no area at all is common to two boxes without any
    "IoU of empty boxes": (
        0,
        lambda: pyroi.box_iou(POINT[:, 1:], POINT[:, 1:]),
        lambda ops, tensor: ops.box_iou(tensor(POINT[:, 1:]), tensor(POINT[:, 1:])),
    ),
    "area of integer boxes beyond 2^31": (
        2.5e9,
        lambda: pyroi.box_area(LARGE),
        lambda ops, tensor: ops.box_area(tensor(LARGE)),
    ),
    "IoU of integer boxes beyond 2^31": (
        0.5,
        lambda: pyroi.box_iou(LARGE, HALF),
        lambda ops, tensor: ops.box_iou(tensor(LARGE), tensor(HALF)),
    ),
    "IoU of a small rotated box with itself": (
        1,
        lambda: pyroi.box_iou_rotated(SMALL, SMALL),
        lambda ops, tensor: ops.box_iou(tensor(SMALL), tensor(SMALL), fmt="cxcywhr"),
    ),
    "IoU of a rotated box with itself, in float32": (
        1,
        lambda: pyroi.box_iou_rotated(HUNDREDTH, HUNDREDTH),
        lambda ops, tensor: ops.box_iou(tensor(HUNDREDTH), tensor(HUNDREDTH), fmt="cxcywhr"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_right_here(name):
    """The answer is the right one, to the last digit."""
    right, ours, _ = CASES[name]
    np.testing.assert_array_equal(np.ravel(ours()), np.ravel(right))


@pytest.mark.parametrize("name", CASES)
def test_different_in_torchvision(name):
    """And torchvision's is another."""
    right, _, theirs = CASES[name]
    ops, torch = autograd.torchvision_ops(), autograd.torch()
    try:
        answer = theirs(ops, torch.from_numpy).numpy()
    except (TypeError, ValueError, RuntimeError) as error:
        pytest.skip(f"this torchvision does not know it: {error}")
    assert not np.array_equal(np.ravel(answer), np.ravel(right), equal_nan=True)


def test_gradient_of_ps_roi_pool_in_torchvision():
    """It flows into the last row and column, which the forward does not read: its own gradient check fails."""
    ops, torch = autograd.torchvision_ops(), autograd.torch()
    pixels = torch.tensor(MAP, requires_grad=True)
    boxes = torch.tensor(WHOLE)
    assert not torch.autograd.gradcheck(lambda x: ops.ps_roi_pool(x, boxes, 1), pixels, raise_exception=False)
    # here it does: a sum of 25 numbers has as many partial derivatives
    assert pyroi.ps_roi_pool_backward(np.ones((1, 1, 1, 1)), WHOLE, MAP.shape).ravel().tolist() == [1 / 25] * 25


def test_indices_with_a_score_threshold():
    """Filtered first, boxes are renumbered: 0 is the second one then. Here indices are those of the boxes given."""
    boxes = np.float32([[0, 0, 1, 1], [0, 0, 10, 10], [20, 20, 30, 30]])
    scores = np.float32([0.05, 0.9, 0.8])
    good = scores > 0.1
    assert pyroi.nms(boxes[good], scores[good], 0.5).tolist() == [0, 1]
    assert pyroi.nms(boxes, scores, 0.5, 0.1).tolist() == [1, 2]
    assert pyroi.batched_nms(boxes, scores, [0, 0, 0], 0.5, 0.1).tolist() == [1, 2]
