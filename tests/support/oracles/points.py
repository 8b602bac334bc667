"""Grid sampling, point by point and pixel by pixel."""

from __future__ import annotations

import math

import numpy as np

from oracles.resampling import cubic

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


def place(coordinate, size, align_corners, real=np.float32):
    """From [-1, 1] to pixels, in the type computed in: one sum, then a product and a sum that are rounded together."""
    moved = np.float64(real(real(coordinate) + real(1)))
    return float(real(moved * ((size - 1) / 2)) if align_corners else real(moved * (size / 2) - 0.5))


def mirror(at, size, align_corners):
    """Walks back from the mirrors until the place is between them, then to the nearest pixel."""
    low, high = (0.0, size - 1.0) if align_corners else (-0.5, size - 0.5)
    if low == high:
        return 0.0
    turned = (at - low) % (2 * (high - low))
    at = low + min(turned, 2 * (high - low) - turned)
    return min(max(at, 0.0), size - 1.0)


def pad(at, size, padding, align_corners):
    """Where a place is read: the same for zeros, inside for the others."""
    if padding == "border":
        return min(max(at, 0.0), size - 1.0)
    return mirror(at, size, align_corners) if padding == "reflection" else at


def taps(at, size, mode, padding, align_corners):
    """Pixels of one axis and their weights; none for what is outside."""
    if mode != "bicubic":
        at = pad(at, size, padding, align_corners)
    if mode == "nearest":
        found = [(round(at), 1.0)]  # half to even
    elif mode == "bilinear":
        found = [(math.floor(at), 1 - at % 1), (math.floor(at) + 1, at % 1)]
    else:
        low = math.floor(at)
        found = [(low + tap, cubic(tap - (at - low), -0.75)) for tap in (-1, 0, 1, 2)]
        found = [(int(pad(float(pixel), size, padding, align_corners)), weight) for pixel, weight in found]
    return [(pixel, weight) for pixel, weight in found if 0 <= pixel < size and weight != 0]


def grid_sample(input, grid, mode="bilinear", padding="zeros", align_corners=False, real=np.float32):
    """Results and the sums of |weight * value| behind them, in float64."""
    images, channels, height, width = input.shape
    result = np.zeros((images, channels, *grid.shape[1:3]))
    magnitude = np.zeros_like(result)
    values = np.asarray(input, np.float64)
    for n, p, q in np.ndindex(images, *grid.shape[1:3]):
        x = place(grid[n, p, q, 0], width, align_corners, real)
        y = place(grid[n, p, q, 1], height, align_corners, real)
        for i, y_weight in taps(y, height, mode, padding, align_corners):
            for j, x_weight in taps(x, width, mode, padding, align_corners):
                result[n, :, p, q] += y_weight * x_weight * values[n, :, i, j]
                magnitude[n, :, p, q] += np.abs(y_weight * x_weight * values[n, :, i, j])
    return result, magnitude
