"""Precise RoI pooling by the surface itself: cut at whole coordinates, it is bilinear in each piece.

The integral of a piece is its area times the value in its middle.
"""

from __future__ import annotations

import itertools
import math

import numpy as np


def surface(map, y, x):
    """The surface through the pixels of `map` [H, W] at a point: linear between pixels, 0 from distance 1 outside."""
    low_y, low_x = math.floor(y), math.floor(x)
    total = 0.0
    for i in (low_y, low_y + 1):
        for j in (low_x, low_x + 1):
            weight = (1 - abs(y - i)) * (1 - abs(x - j))
            if weight != 0 and 0 <= i < map.shape[0] and 0 <= j < map.shape[1]:
                total += weight * float(map[i, j])
    return total


def cuts(begin, end, length):
    """Pieces of [begin, end] between whole coordinates, as far as the surface of a map of `length` reaches."""
    begin, end = max(begin, -1.0), min(end, float(length))
    if begin >= end:
        return []
    inner = range(math.floor(begin) + 1, math.ceil(end))
    places = [begin, *map(float, inner), end]
    return list(itertools.pairwise(places))


def mean(map, y1, y2, x1, x2):
    """The mean of the surface over a rectangle with an area."""
    total = 0.0
    for top, bottom in cuts(y1, y2, map.shape[0]):
        for left, right in cuts(x1, x2, map.shape[1]):
            total += (bottom - top) * (right - left) * surface(map, (top + bottom) / 2, (left + right) / 2)
    return total / ((y2 - y1) * (x2 - x1))


def prroi_pool(input, boxes, output_size, scale=1.0) -> np.ndarray:
    """Pools boxes, rows of batch index, x1, y1, x2, y2; float64 whatever the input."""
    height, width = output_size
    output = np.zeros((len(boxes), input.shape[1], height, width))
    for k, (image, *corners) in enumerate(np.asarray(boxes, np.float64)):
        x1, y1, x2, y2 = (corner * scale for corner in corners)
        if x2 <= x1 or y2 <= y1:
            continue
        y, x = np.linspace(y1, y2, height + 1), np.linspace(x1, x2, width + 1)
        for c, p, q in np.ndindex(input.shape[1], height, width):
            output[k, c, p, q] = mean(input[int(image), c], y[p], y[p + 1], x[q], x[q + 1])
    return output
