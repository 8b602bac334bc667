"""Resizing by its definition: a row of weights for each pixel of the result, along each axis.

Positions are computed in the type that the definition names, weights in float64. A pixel of weight 0 does not take
part.
"""

from __future__ import annotations

import math

import numpy as np

INTERPOLATING = ("bilinear", "bicubic")
MODES = ("nearest", "nearest-exact", "bilinear", "bicubic", "area")


def matrix(mode, pixels, bins, factor=None, align_corners=False, antialias=False, real=np.float32) -> np.ndarray:
    """The weights [bins, pixels] by which `pixels` become `bins`; `factor` is the scale factor, if one was given."""
    weights = np.zeros((bins, pixels))
    step = _step(pixels, bins, factor, align_corners)
    for bin in range(bins if pixels else 0):
        for pixel, weight in _taps(mode, bin, pixels, bins, step, align_corners, antialias, real):
            weights[bin, min(max(pixel, 0), pixels - 1)] += weight
    return weights


def _step(pixels, bins, factor, align_corners):
    if align_corners:
        return (pixels - 1) / (bins - 1) if bins > 1 else 0.0
    return 1 / factor if factor else pixels / max(bins, 1)


def _taps(mode, bin, pixels, bins, step, align_corners, antialias, real):
    """Pixels and weights of one bin; a pixel beyond the border stands for the border."""
    if mode == "area":
        low, high = bin * pixels // bins, -((bin + 1) * pixels // -bins)
        return [(pixel, 1 / (high - low)) for pixel in range(low, high)]
    if mode.startswith("nearest"):
        return [(_nearest(mode, bin, pixels, np.float64(np.float32(step))), 1.0)]
    step = np.float64(real(step))
    if bins == pixels and (mode == "bilinear" or antialias):
        return [(bin, 1.0)]
    if antialias:
        return _filter(mode, np.float64(real(step * (bin + 0.5))), pixels, max(step, 1.0))
    at = np.float64(real(step * bin if align_corners else step * (bin + 0.5) - 0.5))
    if mode == "bilinear":
        at = min(max(at, 0.0), pixels - 1.0)
        return [(math.floor(at), 1 - at % 1), (math.floor(at) + 1, at % 1)]
    low = min(math.floor(at), pixels - 1)
    fraction = min(at - low, 1.0)
    return [(low + tap, cubic(tap - fraction, -0.75)) for tap in (-1, 0, 1, 2)]


def _nearest(mode, bin, pixels, step):
    """Positions are in float32, whatever the map's type."""
    return min(math.floor(np.float32(step * (bin if mode == "nearest" else bin + 0.5))), pixels - 1)


def _filter(mode, centre, pixels, width):
    """All pixels under the filter; weights add up to 1."""
    if mode == "bilinear":
        weights = [max(1 - abs(pixel + 0.5 - centre) / width, 0.0) for pixel in range(pixels)]
    else:
        weights = [cubic((pixel + 0.5 - centre) / width, -0.5) for pixel in range(pixels)]
    return [(pixel, weight / sum(weights)) for pixel, weight in enumerate(weights) if weight != 0]


def cubic(x, a):
    """Keys' piecewise cubic: R. Keys, "Cubic convolution interpolation for digital image processing", 1981."""
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def resize(map, y, x) -> np.ndarray:
    """The map by the matrices of both axes, in float64; NaN and infinity reach just those that read them."""
    values = np.asarray(map, np.float64)
    if np.isfinite(values).all():
        return np.einsum("ph,nchw,qw->ncpq", y, values, x, optimize=True)
    result = np.zeros((*values.shape[:2], len(y), len(x)))
    for p, q in np.ndindex(len(y), len(x)):
        rows, columns = np.flatnonzero(y[p]), np.flatnonzero(x[q])
        part = values[:, :, rows[:, None], columns] * y[p, rows][:, None] * x[q, columns]
        with np.errstate(invalid="ignore"):
            result[:, :, p, q] = part.sum(axis=(2, 3))
    return result
