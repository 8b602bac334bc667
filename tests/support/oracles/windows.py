"""Pooling of whole pixels: RoIPool, and position-sensitive average pooling.

    start = round(corner 1 * scale), end = round(corner 2 * scale)     half away from zero
    width = end - start, one more where the box is closed, at least 1
    bin p = pixels floor(p * width / bins) to ceil((p + 1) * width / bins) from start on, as far as they are on the map

The product with the scale, the bin and its multiples are rounded to the type computed in, since floor and ceil are
decided by the last bit; pixels are counted in Python's integers.
"""

from __future__ import annotations

import math

import numpy as np


def roi_pool(input, boxes, output_size, spatial_scale=1.0, real=np.float32):
    """The largest pixel of each bin in the input's type, and its place, row by row; the first NaN, else the first of
    equals. A bin without pixels is 0 at -1."""
    output = np.zeros((len(boxes), input.shape[1], *output_size), input.dtype)
    argmax = np.full(output.shape, -1, np.int64)
    for k, p, q, image, rows, columns in _bins(boxes, input.shape, output_size, spatial_scale, True, real):
        pixels = input[image, :, rows, columns]
        if pixels[0:1].size == 0:
            continue
        flat = pixels.reshape(len(pixels), -1)
        first = np.argmax(np.where(np.isnan(flat).any(axis=1)[:, None], np.isnan(flat), flat), axis=1)
        output[k, :, p, q] = flat[np.arange(len(flat)), first]
        wide = columns.stop - columns.start
        argmax[k, :, p, q] = (rows.start + first // wide) * input.shape[3] + columns.start + first % wide
    return output, argmax


def roi_pool_backward(grad, argmax, boxes, input_shape) -> np.ndarray:
    """The sum of the gradients at each pixel, in float64."""
    result = np.zeros((*input_shape[:2], input_shape[2] * input_shape[3]))
    for k, c, p, q in np.argwhere(np.asarray(argmax) >= 0):
        result[int(boxes[k][0]), c, argmax[k, c, p, q]] += float(grad[k, c, p, q])
    return result.reshape(input_shape)


def ps_roi_pool(input, boxes, output_size, spatial_scale=1.0, real=np.float32) -> np.ndarray:
    """The mean of each bin, in the bin's own channel, in float64."""
    channels = input.shape[1] // math.prod(output_size)
    output = np.zeros((len(boxes), channels, *output_size))
    for k, p, q, image, rows, columns in _bins(boxes, input.shape, output_size, spatial_scale, False, real):
        pixels = np.asarray(input[image, _planes(p, q, output_size), rows, columns], np.float64)
        if pixels[0:1].size > 0:
            output[k, :, p, q] = pixels.mean(axis=(1, 2))
    return output


def ps_roi_pool_backward(grad, boxes, input_shape, spatial_scale=1.0, real=np.float32) -> np.ndarray:
    """What flows back from the means, in float64."""
    result = np.zeros(input_shape)
    size = grad.shape[2:]
    for k, p, q, image, rows, columns in _bins(boxes, input_shape, size, spatial_scale, False, real):
        count = (rows.stop - rows.start) * (columns.stop - columns.start)
        share = np.asarray(grad[k, :, p, q], np.float64) / max(count, 1)
        result[image, _planes(p, q, size), rows, columns] += share[:, None, None]
    return result


def _planes(p, q, output_size) -> slice:
    """The channels that bin (p, q) reads, one for each channel of a crop."""
    return slice(p * output_size[1] + q, None, math.prod(output_size))


def _bins(boxes, shape, output_size, scale, closed, real):
    for k, (image, x1, y1, x2, y2) in enumerate(boxes):
        rows = axis(y1, y2, scale, output_size[0], shape[2], closed, real)
        columns = axis(x1, x2, scale, output_size[1], shape[3], closed, real)
        for p, row in enumerate(rows):
            for q, column in enumerate(columns):
                yield k, p, q, int(image), row, column


def axis(corner1, corner2, scale, bins, length, closed, real=np.float32) -> list[slice]:
    """The pixels of each bin along one axis, empty slices outside the map."""
    with np.errstate(over="ignore"):
        start, end = (real(corner) * real(scale) for corner in (corner1, corner2))
        if not (np.isfinite(start) and np.isfinite(end) and np.isfinite(end - start)):  # float32 cannot hold them
            return axis(corner1, corner2, scale, bins, length, closed, np.float64)
        start, end = round_away(start), round_away(end)
        width = real(max(end - start + closed, 1))
        step = width / real(bins)
        borders = [(_whole(math.floor, real(p) * step), _whole(math.ceil, real(p + 1) * step)) for p in range(bins)]
    return [_clipped(start + begin, start + stop, length) for begin, stop in borders]


def round_away(value) -> int:
    """The nearest whole number, of two the one farther from 0."""
    value = float(value)
    whole = math.trunc(value)
    return whole + int(math.copysign(1, value)) if abs(value - whole) >= 0.5 else whole


def _whole(rounding, value) -> int:
    return rounding(float(value)) if np.isfinite(value) else 2**1100  # beyond any map


def _clipped(begin, stop, length) -> slice:
    begin, stop = (min(max(border, 0), length) for border in (begin, stop))
    return slice(begin, max(begin, stop))
