"""IoU of rotated boxes by clipping one polygon with the other (Sutherland and Hodgman), in decimals of 60 digits.

Nothing is rounded that matters, so that no threshold is needed for corners that coincide.
"""

from __future__ import annotations

import functools
from decimal import Decimal, localcontext

import numpy as np

DIGITS = 60
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798")


@functools.lru_cache(maxsize=10_000)
def _cosine_and_sine(degrees: float) -> tuple[Decimal, Decimal]:
    """By their series, after exact reduction to a full turn."""
    x = Decimal(degrees) % 360 * _PI / 180
    sums, term = [Decimal(0), Decimal(0)], Decimal(1)
    k = 0
    while abs(term) > Decimal(10) ** -DIGITS or k < 10:
        sums[k % 2] += -term if k % 4 >= 2 else term
        k += 1
        term *= x / k
    return sums[0], sums[1]


def corners(box):
    """The corners of cx, cy, w, h, degrees, in order."""
    cx, cy, w, h = (Decimal(float(value)) for value in box[:4])
    cosine, sine = _cosine_and_sine(float(box[4]))
    return [
        (cx + u * w / 2 * cosine + v * h / 2 * sine, cy - u * w / 2 * sine + v * h / 2 * cosine)
        for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]


def _area(polygon):
    """Shoelace formula."""
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return abs(sum(((a[0] * b[1] - b[0] * a[1]) for a, b in pairs), Decimal(0))) / 2


def _clip(polygon, a, b):
    """The part of a polygon to the side of the line a, b on which a clockwise (in x, -y) box has its inside."""

    def side(p):
        return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])

    result = []
    for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        d, e = side(p), side(q)
        if d >= 0:
            result.append(p)
        if d * e < 0:
            t = d / (d - e)
            result.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    return result


def iou(box1, box2) -> float:
    """Intersection over union of two boxes."""
    with localcontext() as context:
        context.prec = DIGITS
        area1, area2 = (Decimal(float(box[2])) * Decimal(float(box[3])) for box in (box1, box2))
        if area1 == 0 or area2 == 0:
            return 0.0
        polygon, other = corners(box1), corners(box2)
        for a, b in zip(other, other[1:] + other[:1], strict=True):
            polygon = _clip(polygon, a, b)
        intersection = _area(polygon)
        return float(intersection / (area1 + area2 - intersection))


def iou_matrix(boxes1, boxes2) -> np.ndarray:
    """Each with each."""
    return np.array([[iou(a, b) for b in boxes2] for a in boxes1]).reshape(len(boxes1), len(boxes2))


def random_boxes(rng, count, extent=20.0, sides=(0.5, 20.0)) -> np.ndarray:
    """Boxes cx, cy, w, h, degrees; a third of the angles are whole multiples of 15 degrees."""
    side = np.exp(rng.uniform(*np.log(sides), (count, 2)))
    angle = rng.uniform(-400, 400, count)
    angle = np.where(rng.random(count) < 1 / 3, np.round(angle / 15) * 15, angle)
    return np.column_stack([rng.uniform(0, extent, (count, 2)), side, angle])
