"""Inputs for the tests: maps, boxes of every kind, memory layouts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

A25 = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5)


def coordinates(length: int):
    """Coordinates of a box corner, in pixels of a map of `length`: on, between and around the pixels, and far away."""
    near = st.integers(-6, 2 * length + 12).map(lambda halves: halves / 2)
    anywhere = st.floats(-2.0 * length - 4, 3.0 * length + 4, width=32, allow_subnormal=False)
    border = [-1.0, -0.5, 0.0, length - 0.5, float(length), length + 0.5, length + 1.0]
    special = st.sampled_from([*border, 1e-3, 1e6, -1e6])
    return st.one_of(near, anywhere, special)


@dataclass(frozen=True)
class Case:
    """One call: a map, boxes with batch index, and the parameters."""

    input: np.ndarray
    boxes: np.ndarray
    output_size: tuple[int, int]
    spatial_scale: float
    sampling_ratio: int
    aligned: bool

    @property
    def arguments(self) -> tuple:
        """What follows `input` in a call."""
        return (self.boxes, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)


@st.composite
def cases(draw, dtype=np.float32, adaptive_mirror=True, max_boxes=12, max_side=12):
    """Draws a call of roi_align. Without `adaptive_mirror` a mirrored box comes with a fixed ratio only."""
    height, width = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    images, channels = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    ratio = draw(st.sampled_from([-1, 0, 1, 2, 3, 4, 5]))
    scale = draw(st.sampled_from([1.0, 0.5, 0.25, 0.125, 2.0, 1 / 3, 0.1]))
    scale = float(np.float32(scale))
    row = st.tuples(
        st.integers(0, images - 1), coordinates(width), coordinates(height), coordinates(width), coordinates(height)
    )
    boxes = np.array(draw(st.lists(row, min_size=1, max_size=max_boxes)), dtype)
    boxes[:, 1:] = boxes[:, 1:] / dtype(scale)
    if ratio <= 0 and not adaptive_mirror:
        first, second = boxes[:, 1:3].copy(), boxes[:, 3:5].copy()
        boxes[:, 1:3], boxes[:, 3:5] = np.minimum(first, second), np.maximum(first, second)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Case(
        random_map(rng, (images, channels, height, width), dtype),
        boxes,
        (draw(st.integers(1, 7)), draw(st.integers(1, 7))),
        scale,
        ratio,
        draw(st.booleans()),
    )


def random_map(rng, shape, dtype=np.float32) -> np.ndarray:
    """Numbers around 0 (a positive map would hide a wrong maximum), of one order of magnitude."""
    return rng.standard_normal(shape).astype(dtype)


def random_boxes(rng, count, shape, scale=1.0, dtype=np.float32, mirror=True) -> np.ndarray:
    """Rows of batch index, x1, y1, x2, y2 in image units: inside, across the border, outside, thin, empty, mirrored."""
    images, _, height, width = shape
    size = np.array([width, height])
    centre = rng.uniform(-0.3, 1.3, (count, 2)) * size
    side = rng.choice([0.0, 0.01, 0.3, 1.0, 3.0], (count, 1)) * rng.uniform(0.2, 1.0, (count, 2)) * size
    first, second = centre - side / 2, centre + side / 2
    on_pixels = rng.random(count) < 0.3
    first[on_pixels], second[on_pixels] = np.round(first[on_pixels]), np.round(second[on_pixels])
    if mirror:
        turned = rng.random((count, 2)) < 0.1
        first[turned], second[turned] = second[turned], first[turned]
    index = rng.integers(0, images, (count, 1))
    return np.concatenate([index, first / scale, second / scale], axis=1).astype(dtype)


def _reversed(x):
    backwards = (slice(None, None, -1),) * x.ndim
    return np.ascontiguousarray(x[backwards])[backwards]


def _sliced(x):
    """Every number, every second, every number, every third along the axes, with other numbers between them."""
    between = np.array(np.iinfo(x.dtype).max if x.dtype.kind in "iu" else np.nan).astype(x.dtype)
    steps = [(1, 2, 1, 3)[axis % 4] for axis in range(x.ndim)]
    wide = np.full([2 + step * n for step, n in zip(steps, x.shape, strict=True)], between)
    view = wide[tuple(slice(1, 1 + step * n, step) for step, n in zip(steps, x.shape, strict=True))]
    view[...] = x
    return view


def _misaligned(x):
    room = np.zeros(x.nbytes + 1, np.uint8)
    view = room[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def _innermost(axis):
    """Has the numbers along one axis lie next to each other."""
    return lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, axis % x.ndim, -1)), -1, axis % x.ndim)


# The same numbers in another order of memory. Each keeps shape, dtype and values.
LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "channels_last": _innermost(1),
    "rows_and_columns_swapped": _innermost(-2),
    "images_innermost": _innermost(0),
    "reversed": _reversed,
    "sliced": _sliced,
    "misaligned": _misaligned,
    "read_only": lambda x: _locked(np.ascontiguousarray(x).copy()),
}


def _locked(x):
    x.flags.writeable = False
    return x


def battery_maps():
    """Maps and boxes that take every path of the kernels: (name, map, boxes), the same each time."""
    rng = np.random.default_rng(0)
    shapes = [(2, 1, 9, 5), (1, 7, 16, 16), (1, 16, 20, 33), (2, 40, 7, 64), (1, 3, 50, 50)]
    for dtype in (np.float16, np.float32, np.float64):
        for shape in shapes:
            for layout in ("contiguous", "channels_last", "sliced"):
                map = LAYOUTS[layout](random_map(rng, shape, dtype))
                boxes = random_boxes(rng, 25, shape, dtype=np.float64 if dtype is np.float64 else np.float32)
                yield f"{np.dtype(dtype).name} {shape} {layout}", map, boxes


def battery():
    """Calls of the operators that pool boxes on these: (name, function, first argument, the others, options)."""
    rng = np.random.default_rng(1)
    for place, map, boxes in battery_maps():
        channels = map.shape[1]
        for output_size, ratio in (((7, 7), 2), ((3, 14), -1), ((1, 1), -1), ((16, 2), 3)):
            name = f"{place} {output_size} {ratio}"
            for mode in ("avg", "max", "max_corner"):
                yield f"{name} {mode}", "roi_align", map, (boxes, output_size, 1.0, ratio), {"mode": mode}
            grad = random_map(rng, (len(boxes), channels, *output_size), map.dtype)
            yield f"{name} backward", "roi_align_backward", grad, (boxes, map.shape, 1.0, ratio), {}
            for kind, numbers in (("", map), ("equals", np.round(map)), ("NaN", _with_nan(map))):
                for places in (False, True):
                    options = {"return_argmax": places}
                    yield f"{name} roi_pool {kind} {places}", "roi_pool", numbers, (boxes, output_size), options
            places = rng.integers(-1, map.shape[2] * map.shape[3], grad.shape)
            yield f"{name} roi_pool backward", "roi_pool_backward", grad, (places, boxes, map.shape), {}
            turned = turned_boxes(rng, boxes)
            yield f"{name} rotated", "roi_align_rotated", map, (turned, output_size, 1.0, ratio), {}
            yield f"{name} rotated backward", "roi_align_rotated_backward", grad, (turned, map.shape, 1.0, ratio), {}
        bins = {1: (1, 1), 7: (7, 1), 16: (2, 4), 40: (4, 5), 3: (1, 3)}[channels]
        grad = random_map(rng, (len(boxes), channels // math.prod(bins), *bins), map.dtype)
        for kind, options in (("align", (1.0, -1)), ("align", (1.0, 2)), ("pool", (1.0,))):
            name = f"{place} ps {kind} {options}"
            yield name, f"ps_roi_{kind}", map, (boxes, bins, *options), {}
            yield f"{name} backward", f"ps_roi_{kind}_backward", grad, (boxes, map.shape, *options), {}


def turned_boxes(rng, boxes):
    """The same boxes as centre, sides and an angle."""
    first, second = np.float64(boxes[:, 1:3]), np.float64(boxes[:, 3:])
    angle = rng.uniform(-200, 200, len(boxes))
    return np.column_stack([boxes[:, 0], (first + second) / 2, np.abs(second - first), angle])


def _with_nan(map):
    broken = map.copy()
    broken[0, 0, 3:5, 2:4] = np.nan
    return broken
