"""Mean RoIAlign in rational numbers, for any number of samples.

The samples of a bin are equidistant, the weight of a pixel is piecewise linear in the position: so a sum over the
samples is a handful of arithmetic series, however many samples there are. The geometry is the real numbers' own, so
this holds for boxes whose corners and bins a float holds exactly, and within rounding elsewhere.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np


def roi_align(image, box, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=True) -> np.ndarray:
    """Pools one box (x1, y1, x2, y2) from one image [C, H, W]."""
    x1, y1, x2, y2 = box
    rows = axis_weights(y1, y2, spatial_scale, sampling_ratio, aligned, output_size[0], image.shape[1])
    columns = axis_weights(x1, x2, spatial_scale, sampling_ratio, aligned, output_size[1], image.shape[2])
    return np.einsum("ph,chw,qw->cpq", rows, np.asarray(image, np.float64), columns)


def axis_weights(corner1, corner2, scale, ratio, aligned, bins, length) -> np.ndarray:
    """The weight of each pixel in each bin, [bins, length]."""
    offset = Fraction(1, 2) if aligned else Fraction(0)
    start = Fraction(corner1) * Fraction(scale) - offset
    size = Fraction(corner2) * Fraction(scale) - offset - start
    if not aligned:
        size = max(size, Fraction(1))
    step = size / bins
    grid = ratio if ratio > 0 else max(0, math.ceil(step))
    result = np.zeros((bins, length))
    for p in range(bins if grid else 0):
        weights = _pixel_sums(start + p * step + step / (2 * grid), step / grid, grid, length)
        result[p] = [float(weight / grid) for weight in weights]
    return result


def _pixel_sums(first: Fraction, distance: Fraction, count: int, length: int) -> list[Fraction]:
    """For each pixel the sum of its weights over the samples first + i * distance, i = 0 .. count - 1."""
    if distance < 0:  # the same samples, the other way round
        first, distance = first + (count - 1) * distance, -distance
    if distance == 0:
        first, distance, count, repeat = first, Fraction(1), 1, count
        return [repeat * weight for weight in _pixel_sums(first, distance, 1, length)]
    sums = [Fraction(0)] * length
    last = length - 1
    begin = _count_below(first, distance, count, Fraction(-1))
    end = _count_to(first, distance, count, Fraction(length))
    zero = min(max(_count_below(first, distance, count, Fraction(0)), begin), end)
    sums[0] += zero - begin  # moved to 0
    i = zero
    for pixel in range(last):
        stop = min(max(_count_below(first, distance, count, Fraction(pixel + 1)), i), end)
        number = stop - i
        upper = number * (first - pixel) + distance * Fraction((i + stop - 1) * number, 2)
        sums[pixel] += number - upper
        sums[pixel + 1] += upper
        i = stop
    sums[last] += end - i  # the last pixel alone
    return sums


def _count_below(first, distance, count, limit) -> int:
    """How many samples lie below `limit`."""
    return min(max(math.ceil((limit - first) / distance), 0), count)


def _count_to(first, distance, count, limit) -> int:
    """How many samples lie at or below `limit`."""
    return min(max(math.floor((limit - first) / distance) + 1, 0), count)
