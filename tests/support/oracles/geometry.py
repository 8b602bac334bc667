"""The positions of the samples of one box along one axis.

    start  = coordinate * scale - (aligned ? 0.5 : 0)
    size   = end - start, at least 1 where not aligned
    bin    = size / bins
    grid   = ratio if ratio > 0 else ceil(bin)
    sample = start + p * bin + (i + 0.5) * bin / grid

Every operation is rounded to the type computed in, in this order: `ceil` and the border tests are discrete, and a last
bit decides whether a sample counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

WALKABLE = 2_000_000  # more samples on the map than this are not visited one by one: see `exact`


@dataclass(frozen=True)
class Axis:
    """The samples of one axis: for each bin those inside the map, and how many there are with those outside."""

    grid: int
    inside: list[np.ndarray]

    @property
    def bins(self) -> np.ndarray:
        """The bin of each sample inside."""
        return np.repeat(np.arange(len(self.inside)), [len(positions) for positions in self.inside])

    @property
    def positions(self) -> np.ndarray:
        """The samples inside, bin after bin."""
        return np.concatenate([np.empty(0), *self.inside])


def axis(corner1, corner2, *, scale, aligned, bins, ratio, length, real=np.float32) -> Axis:
    """The samples of a box between two corners (image units) on an axis of `length` pixels, cut into `bins`."""
    with np.errstate(all="ignore"):
        start, size = start_and_size(corner1, corner2, scale, aligned, real)
        real = type(start)
        if bins == 0:
            return Axis(0, [])
        step = size / real(bins)
        grid = ratio if ratio > 0 else max(0, math.ceil(step))
        return Axis(grid, [_inside(start, step, grid, p, length, real) for p in range(bins)])


def start_and_size(corner1, corner2, scale, aligned, real=np.float32):
    """Where a box begins on an axis and how long it is; in float64 where float32 cannot hold that."""
    with np.errstate(all="ignore"):
        offset = real(0.5 if aligned else 0.0)
        start = real(corner1) * real(scale) - offset
        end = real(corner2) * real(scale) - offset
        size = end - start
    if not np.isfinite(size) and real is not np.float64:
        return start_and_size(corner1, corner2, scale, aligned, np.float64)
    return start, (size if aligned else max(size, real(1)))


def _inside(start, step, grid, p, length, real) -> np.ndarray:
    """The samples of bin `p` that lie in [-1, length], as float64."""

    def sample(i):
        return start + real(p) * step + (np.asarray(i, np.int64).astype(real) + real(0.5)) * step / real(grid)

    first, last = 0, grid
    if grid > 4096:  # samples rise (or, mirrored, fall) with i: only the stretch that lies on the map is visited
        before, after = (-1, length) if step > 0 else (length, -1)
        sign = 1 if step > 0 else -1
        first = _first(grid, lambda i: sign * sample(i) >= sign * before)
        last = _first(grid, lambda i: sign * sample(i) > sign * after)
        if last - first > WALKABLE:
            raise OverflowError(f"{last - first} samples on the map are too many to walk")
    positions = sample(np.arange(first, last, dtype=np.int64))
    return positions[(positions >= -1) & (positions <= length)].astype(np.float64)


def _first(count, holds) -> int:
    """The first i in [0, count) for which a condition that stays true once it is true holds; else count."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def taps(positions: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lower pixel, upper pixel and their weights, for samples inside; from the last pixel on it is read alone."""
    moved = np.maximum(positions, 0.0)
    low = np.minimum(np.floor(moved), length - 1)
    fraction = np.where(moved >= length - 1, 0.0, moved - low)
    high = np.minimum(low + 1, length - 1)
    return low.astype(np.intp), high.astype(np.intp), 1.0 - fraction, fraction
