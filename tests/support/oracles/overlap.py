"""Overlap and suppression of upright boxes: the definitions for all pairs, in float64, in NumPy.

Intersection, union and the rest are matrices; suppression is the loop that the definition describes.
"""

from __future__ import annotations

import math

import numpy as np


def _sides(boxes):
    boxes = np.asarray(boxes, np.float64)
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0)


def _over(part, whole):
    """A quotient, 0 where the denominator is."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)


def area(boxes) -> np.ndarray:
    """Width times height; sides below 0 count as 0."""
    return _sides(boxes).prod(axis=1)


def iou(boxes1, boxes2) -> np.ndarray:
    """Intersection over union, [N, M]."""
    return _over(_intersection(boxes1, boxes2), _union(boxes1, boxes2))


def iof(boxes1, boxes2) -> np.ndarray:
    """Intersection over the area of the first box, [N, M]."""
    return _over(_intersection(boxes1, boxes2), area(boxes1)[:, None])


def ios(boxes1, boxes2) -> np.ndarray:
    """Intersection over the smaller area, [N, M]."""
    return np.maximum(iof(boxes1, boxes2), iof(boxes2, boxes1).T) * (area(boxes1)[:, None] > 0) * (area(boxes2) > 0)


def _intersection(boxes1, boxes2):
    a, b = np.asarray(boxes1, np.float64)[:, None], np.asarray(boxes2, np.float64)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    return np.maximum(sides, 0).prod(axis=2)


def _union(boxes1, boxes2):
    return area(boxes1)[:, None] + area(boxes2)[None] - _intersection(boxes1, boxes2)


def _hull(boxes1, boxes2):
    """Sides of the smallest box around both."""
    a, b = np.asarray(boxes1, np.float64)[:, None], np.asarray(boxes2, np.float64)[None]
    return np.maximum(np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2]), 0)


def generalized_iou(boxes1, boxes2) -> np.ndarray:
    """IoU less the uncovered share of the hull."""
    hull = _hull(boxes1, boxes2).prod(axis=2)
    return iou(boxes1, boxes2) - _over(hull - _union(boxes1, boxes2), hull)


def distance_iou(boxes1, boxes2) -> np.ndarray:
    """IoU less the squared distance of the centres over the squared diagonal of the hull."""
    wide = (np.asarray(boxes, np.longdouble) for boxes in (boxes1, boxes2))  # since centres are sums, which round
    centre1, centre2 = ((boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in wide)
    distance = ((centre1[:, None] - centre2[None]) ** 2).sum(axis=2).astype(np.float64)
    return iou(boxes1, boxes2) - _over(distance, (_hull(boxes1, boxes2) ** 2).sum(axis=2))


def complete_iou(boxes1, boxes2) -> np.ndarray:
    """Distance IoU less the penalty for differing aspect ratios."""
    angle1, angle2 = (np.arctan2(*_sides(boxes).T) for boxes in (boxes1, boxes2))
    v = (2 / math.pi * (angle1[:, None] - angle2[None])) ** 2
    return distance_iou(boxes1, boxes2) - _over(v * v, 1 - iou(boxes1, boxes2) + v)


#: The function of pyroi -> its definition.
KINDS = {
    "box_iou": iou,
    "box_iof": iof,
    "box_ios": ios,
    "generalized_box_iou": generalized_iou,
    "distance_box_iou": distance_iou,
    "complete_box_iou": complete_iou,
}


def keep(overlap, scores, threshold, score_threshold=None, classes=None) -> list[int]:
    """Hard suppression by a matrix of IoU."""
    scores = np.asarray(scores, np.float64)
    suppresses = overlap > threshold
    if classes is not None:
        suppresses = suppresses & (np.asarray(classes)[:, None] == np.asarray(classes)[None])
    kept, gone = [], np.zeros(len(scores), bool)
    for row in np.argsort(-scores, kind="stable"):
        if gone[row] or (score_threshold is not None and not scores[row] > score_threshold):
            continue
        kept.append(int(row))
        gone |= suppresses[row]
    return kept


def soften(overlap, scores, *, method="gaussian", sigma=0.5, iou_threshold=0.3, score_threshold=0.001):
    """Soft suppression by a matrix of IoU: indices and new scores."""
    scores = np.array(scores, np.float64)
    left, kept = np.ones(len(scores), bool), []
    while (left & (scores > score_threshold)).any():
        row = int(np.argmax(np.where(left, scores, -np.inf)))  # the first of equal ones
        kept.append(row)
        left[row] = False
        weights = np.exp(-(overlap[row] ** 2) / sigma)
        if method == "linear":
            weights = np.where(overlap[row] > iou_threshold, 1 - overlap[row], 1.0)
        scores = np.where(left, scores * weights, scores)
    return kept, scores[kept]


def random_boxes(rng, count, extent=100.0, sides=(1.0, 40.0)) -> np.ndarray:
    """Boxes x1, y1, x2, y2 whose centres lie in a square and whose sides are evenly spread on a logarithmic scale."""
    side = np.exp(rng.uniform(*np.log(sides), (count, 2)))
    centre = rng.uniform(0, extent, (count, 2))
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1)
