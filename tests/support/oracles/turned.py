"""RoIAlign of rotated boxes and its gradient, sample by sample, in float64 throughout.

A sample of RoIAlign lies at (xx, yy) in the frame of the box, whose origin is its centre and whose sides are w and h:

    x = yy * sin(angle) + xx * cos(angle) + cx        y = yy * cos(angle) - xx * sin(angle) + cy

The frame's sine and cosine are exact for multiples of 90 degrees. A corner of weight 0 does not take part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oracles import geometry


def roi_align_rotated(
    input, boxes, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=True, clockwise=False
) -> np.ndarray:
    """Pools boxes (rows of batch index, cx, cy, w, h, angle) from `input` [N, C, H, W]; float64 whatever the input."""
    output = np.zeros((len(boxes), input.shape[1], math.prod(output_size)))
    options = (output_size, spatial_scale, sampling_ratio, aligned, clockwise)
    for row, box in zip(output, np.asarray(boxes, np.float64), strict=True):
        samples, image = Samples.of(box, input.shape[2:], *options), np.asarray(input[int(box[0])], np.float64)
        for y, x, weight in samples.corners():
            with np.errstate(invalid="ignore"):
                part = np.where(weight == 0, 0.0, weight * image[:, y, x])
                np.add.at(row, (slice(None), samples.bins), part)
        row /= max(samples.grid, 1)
    return output.reshape(len(boxes), -1, *output_size)


def roi_align_rotated_backward(
    grad, boxes, input_shape, spatial_scale=1.0, sampling_ratio=-1, aligned=True, clockwise=False
) -> np.ndarray:
    """What flows back to each pixel of an input of `input_shape`, added up in more digits than float64 has.

    A pixel may get hundreds of shares, whose sum in float64, one after the other, would be off by more than ours.
    """
    result = np.zeros(input_shape, np.longdouble)
    options = (grad.shape[2:], spatial_scale, sampling_ratio, aligned, clockwise)
    for crop, box in zip(np.asarray(grad, np.float64), np.asarray(boxes, np.float64), strict=True):
        samples = Samples.of(box, input_shape[2:], *options)
        share = crop.astype(np.longdouble).reshape(len(crop), -1)[:, samples.bins] / max(samples.grid, 1)
        for y, x, weight in samples.corners():
            with np.errstate(invalid="ignore"):
                part = np.where(weight == 0, 0.0, weight * share)
            np.add.at(result[int(box[0])], (slice(None), y, x), part)
    return result.astype(np.float64)


@dataclass(frozen=True)
class Samples:
    """The samples of a box that lie on the map, each with its bin, and how many a bin has in all."""

    y: np.ndarray
    x: np.ndarray
    bins: np.ndarray
    grid: float
    sizes: tuple[int, int]

    @classmethod
    def of(cls, box, sizes, output_size, scale, ratio, aligned, clockwise):
        """Those of a row of batch index, cx, cy, w, h, angle, on a map of `sizes`."""
        offset = 0.5 if aligned else 0.0
        cx, cy, w, h = (float(number) * scale for number in box[1:5])
        sine, cosine = sine_and_cosine(-box[5] if clockwise else box[5])
        yy, rows, y_grid = side(h, output_size[0], ratio, aligned)
        xx, columns, x_grid = side(w, output_size[1], ratio, aligned)
        y = yy[:, None] * cosine - xx[None, :] * sine + (cy - offset)
        x = yy[:, None] * sine + xx[None, :] * cosine + (cx - offset)
        inside = (y >= -1) & (y <= sizes[0]) & (x >= -1) & (x <= sizes[1]) & (min(sizes) > 0)
        bins = rows[:, None] * output_size[1] + columns[None, :]
        return cls(y[inside], x[inside], bins[inside], float(y_grid) * float(x_grid), tuple(sizes))

    def corners(self):
        """Rows, columns and weights of the four corners of every sample."""
        y_low, y_high, *y_weights = geometry.taps(self.y, self.sizes[0])
        x_low, x_high, *x_weights = geometry.taps(self.x, self.sizes[1])
        for y, y_weight in zip((y_low, y_high), y_weights, strict=True):
            for x, x_weight in zip((x_low, x_high), x_weights, strict=True):
                yield y, x, y_weight * x_weight


def side(length, bins, ratio, aligned):
    """Places of the samples along one side from its middle, their bins, and their number in a bin."""
    size = length if aligned else max(length, 1.0)
    step = size / max(bins, 1)
    grid = ratio if ratio > 0 else math.ceil(step)
    bin, i = (part.ravel() for part in np.meshgrid(np.arange(bins), np.arange(grid), indexing="ij"))
    return -size / 2 + bin * step + (i + 0.5) * step / max(grid, 1), bin, grid


def sine_and_cosine(degrees):
    """Of an angle in degrees, from what is left of whole quarters."""
    rest = math.remainder(degrees, 90)
    sine, cosine = math.sin(math.radians(rest)), math.cos(math.radians(rest))
    for _ in range(round((degrees - rest) / 90) % 4):
        sine, cosine = cosine, -sine
    return sine, cosine


def random_boxes(rng, count, shape, scale=1.0) -> np.ndarray:
    """Rows in image units: inside, across the border, outside, thin, empty; at any angle, often of a whole quarter."""
    images, _, height, width = shape
    size = np.array([width, height])
    centre = rng.uniform(-0.3, 1.3, (count, 2)) * size
    sides = rng.choice([0.0, 0.01, 0.3, 1.0, 3.0], (count, 2)) * rng.uniform(0.2, 1.0, (count, 2)) * size
    angle = np.where(rng.random(count) < 0.3, 90.0 * rng.integers(-9, 9, count), rng.uniform(-400, 400, count))
    on_halves = rng.random(count) < 0.3
    centre[on_halves], sides[on_halves] = np.round(2 * centre[on_halves]) / 2, np.round(sides[on_halves])
    return np.column_stack([rng.integers(0, images, count), centre / scale, sides / scale, angle])
