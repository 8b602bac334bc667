"""An image, a box, a channel alone against the same among others: the bits of a result must not depend on its company.

Every operator is called with all that there is, and then with one part of it; what comes out for this part is compared
bit by bit. Which loop a number goes through depends on how many there are beside it, so the shapes here are of sizes at
which loops, vectors and blocks of them begin, end and are left over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

import pyroi
from oracles.cases import LAYOUTS, random_boxes, random_map

SCALE, COUNT = 0.5, 5  # of boxes
# (images, channels, height, width) of a map, (height, width) of a crop, kind of boxes: the fixed cases.
FIXED = [
    ((2, 5, 9, 11), (2, 3), "any"),
    ((2, 18, 20, 33), (7, 7), "any"),
    ((2, 3, 70, 150), (2, 1), "large"),
    ((2, 9, 100, 75), (1, 2), "large"),
    ((2, 1, 6, 5), (14, 13), "any"),
]


@dataclass(frozen=True)
class Call:
    """An operator on arrays whose first two dimensions are images, or boxes, and channels.

    `first` is the map, or backward the gradient of the result. `run(first, boxes, images)` computes, where boxes is
    None for operators on whole images. A channel of the result comes of `channels` channels of `first`; backward it is
    the other way round.
    """

    name: str
    first: np.ndarray
    boxes: np.ndarray | None
    images: int
    run: Callable[[np.ndarray, np.ndarray | None, int], np.ndarray]
    channels: int = 1
    backward: bool = False


def calls(rng, shape, size, kind, dtype) -> Iterator[Call]:
    """Every operator, forward and backward, on a map of this shape."""
    map = random_map(rng, shape).astype(dtype)
    yield from _calls_on_boxes(rng, map, size, kind)
    yield from _calls_on_bins(rng, map, size, kind)
    yield from _calls_on_images(rng, map, size)
    yield from _calls_on_pixels(rng, map, size)


def _boxes(rng, shape, kind) -> np.ndarray:
    height, width = shape[2] / SCALE, shape[3] / SCALE
    boxes = random_boxes(rng, COUNT, shape, SCALE)
    if kind == "large":  # bins of many pixels, and some that begin anywhere
        boxes[:, 1:3] = rng.uniform(-0.1, 0.1, (COUNT, 2)) * (width, height)
        boxes[:, 3:5] = rng.uniform(0.8, 1.1, (COUNT, 2)) * (width, height)
    boxes[: shape[0], 0] = np.arange(shape[0])
    return boxes


def _turned(rng, boxes) -> np.ndarray:
    first, second = boxes[:, 1:3], boxes[:, 3:]
    angle = rng.uniform(-180, 180, len(boxes))
    return np.column_stack([boxes[:, 0], (first + second) / 2, np.abs(second - first), angle]).astype(np.float32)


def _both(result) -> np.ndarray:
    """Values and places of a maximum as one array: along the last dimension."""
    values, places = result
    return np.concatenate([values.astype(np.float64), places.astype(np.float64)], axis=-1)


def _calls_on_boxes(rng, map, size, kind) -> Iterator[Call]:
    images, channels, height, width = map.shape
    boxes = _boxes(rng, map.shape, kind)
    turned = _turned(rng, boxes)
    grad = random_map(rng, (len(boxes), channels, *size)).astype(map.dtype)

    def forward(name, function, table=boxes):
        return Call(name, map, table, images, lambda first, part, _: function(first, part))

    def backward(name, function, table=boxes):
        def run(first, part, count):
            return function(first, part, (count, first.shape[1], height, width))

        return Call(name, grad, table, images, run, backward=True)

    for ratio in (2, -1):
        for mode in ("avg", "max", "max_corner"):
            yield forward(
                f"roi_align {mode} {ratio}", lambda x, b, r=ratio, m=mode: pyroi.roi_align(x, b, size, SCALE, r, mode=m)
            )
        yield backward(
            f"roi_align_backward {ratio}", lambda g, b, s, r=ratio: pyroi.roi_align_backward(g, b, s, SCALE, r)
        )
        yield forward(f"rotated {ratio}", lambda x, b, r=ratio: pyroi.roi_align_rotated(x, b, size, SCALE, r), turned)
        yield backward(
            f"rotated backward {ratio}",
            lambda g, b, s, r=ratio: pyroi.roi_align_rotated_backward(g, b, s, SCALE, r),
            turned,
        )
    yield forward("multiscale", lambda x, b: _multiscale(x, b, size))
    yield forward("roi_pool", lambda x, b: pyroi.roi_pool(x, b, size, SCALE))
    yield forward("roi_pool places", lambda x, b: _both(pyroi.roi_pool(x, b, size, SCALE, return_argmax=True)))
    yield forward("prroi_pool", lambda x, b: pyroi.prroi_pool(x, b, size, SCALE))
    yield backward("prroi_pool_backward", lambda g, b, s: _prroi_backward(g, map, b, s)[0])
    yield forward("prroi_pool_backward of boxes", lambda x, b: _box_gradient(x, b, size))


def _multiscale(map, boxes, size) -> np.ndarray:
    return pyroi.multiscale_roi_align([map, map[:, :, ::2, ::2]], boxes, size, [SCALE, SCALE / 2], canonical_scale=12.0)


def _prroi_backward(grad, map, boxes, shape) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of the map depends on its shape alone."""
    return pyroi.prroi_pool_backward(grad, np.zeros(shape, map.dtype), boxes, SCALE)


def _box_gradient(map, boxes, size) -> np.ndarray:
    """The gradient of boxes channel by channel, as [K, C, 1, 5]."""
    grad = np.ones((len(boxes), 1, *size), map.dtype)
    parts = [pyroi.prroi_pool_backward(grad, map[:, [c]], boxes, SCALE)[1][:, 1:] for c in range(map.shape[1])]
    return np.stack(parts, axis=1)[:, :, None]


def _calls_on_bins(rng, map, size, kind) -> Iterator[Call]:
    """Position-sensitive ones: each bin has a channel of its own."""
    bins = size[0] * size[1]
    images, channels, height, width = map.shape[0], min(bins * 3, 150) // bins * bins, *map.shape[2:]
    if channels == 0:
        return
    boxes = _boxes(rng, map.shape, kind)
    wide = random_map(rng, (images, channels, height, width)).astype(map.dtype)
    grad = random_map(rng, (len(boxes), channels // bins, *size)).astype(map.dtype)

    def shape_of(first, count):
        return (count, first.shape[1] * bins, height, width)

    for name, pool, back in (
        ("ps_roi_align", pyroi.ps_roi_align, pyroi.ps_roi_align_backward),
        ("ps_roi_pool", pyroi.ps_roi_pool, pyroi.ps_roi_pool_backward),
    ):
        yield Call(name, wide, boxes, images, lambda x, b, _, f=pool: f(x, b, size, SCALE), channels=bins)
        yield Call(
            f"{name}_backward",
            grad,
            boxes,
            images,
            lambda g, b, n, f=back: f(g, b, shape_of(g, n), SCALE),
            channels=bins,
            backward=True,
        )


def _calls_on_images(rng, map, size) -> Iterator[Call]:
    images, _, height, width = map.shape
    grad = random_map(rng, (*map.shape[:2], *size)).astype(map.dtype)

    def forward(name, function):
        return Call(name, map, None, images, lambda first, *_: function(first))

    def backward(name, function):
        return Call(name, grad, None, images, lambda first, *_: function(first, (*first.shape[:2], height, width)))

    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        choices = (
            ((False, False), (True, False), (False, True)) if mode in ("bilinear", "bicubic") else ((False, False),)
        )
        for corners, antialias in choices:
            yield forward(
                f"interpolate {mode} {corners} {antialias}",
                lambda x, m=mode, c=corners, a=antialias: pyroi.interpolate(x, size, m, c, antialias=a),
            )
            yield backward(
                f"interpolate_backward {mode} {corners} {antialias}",
                lambda g, s, m=mode, c=corners, a=antialias: pyroi.interpolate_backward(g, s, m, c, antialias=a),
            )
    yield forward("adaptive_avg_pool2d", lambda x: pyroi.adaptive_avg_pool2d(x, size))
    yield backward("adaptive_avg_pool2d_backward", pyroi.adaptive_avg_pool2d_backward)
    yield forward("adaptive_max_pool2d", lambda x: _both(pyroi.adaptive_max_pool2d(x, size, return_indices=True)))
    yield backward("adaptive_max_pool2d_backward", _adaptive_max_backward)


def _adaptive_max_backward(grad, shape) -> np.ndarray:
    places = np.arange(grad.shape[2] * grad.shape[3]).reshape(grad.shape[2:]) % (shape[2] * shape[3])
    return pyroi.adaptive_max_pool2d_backward(grad, np.broadcast_to(places, grad.shape), shape)


def _calls_on_pixels(rng, map, size) -> Iterator[Call]:
    """One grid, or mean, for all images, so that one alone has the same."""
    grid = rng.uniform(-1.3, 1.3, (1, *size, 2)).astype(np.float32)

    def on_all(function):
        return lambda first, *_: function(first, np.repeat(grid, len(first), axis=0))

    for mode in ("nearest", "bilinear", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            sample = on_all(lambda x, g, m=mode, p=padding: pyroi.grid_sample(x, g, m, p))
            yield Call(f"grid_sample {mode} {padding}", map, None, map.shape[0], sample)

    def moments(first):
        return np.full(first.shape[1], 0.3), np.full(first.shape[1], 0.7)

    yield Call("normalize", map, None, len(map), lambda x, *_: pyroi.normalize_image(x, *moments(x)))
    yield Call("denormalize", map, None, len(map), lambda x, *_: pyroi.denormalize_image(x, *moments(x)))
    yield Call("resize_image", map, None, len(map), lambda x, *_: pyroi.resize_image(x, size))


# ---- Comparing -------------------------------------------------------------------------------------------------------


def differences(call: Call, layout: str) -> Iterator[str]:
    """Says of each part of the call that does not come out as it does among the others, which it is."""
    whole = LAYOUTS[layout](call.first)
    together = call.run(whole, call.boxes, call.images)
    for name, actual, expected in _parts(call, whole, LAYOUTS[layout], together):
        same = actual.tobytes() == expected.tobytes()
        if not same and not (name.startswith("box") and call.backward and np.array_equal(actual, expected)):
            count = int((actual != expected).sum())
            yield f"{call.name} {layout} {call.first.dtype} {call.first.shape}: {name}, {count} of {actual.size} differ"


def _parts(call, whole, lay_out, together):
    yield from _images_alone(call, whole, lay_out, together)
    yield from _channels_alone(call, whole, lay_out, together)
    if call.boxes is not None:
        yield from _boxes_alone(call, whole, lay_out, together)


def _images_alone(call, whole, lay_out, together):
    for n in range(call.images):
        if call.boxes is None:
            yield f"image {n}", call.run(lay_out(whole[n : n + 1]), None, 1), together[n : n + 1]
            continue
        rows = np.flatnonzero(call.boxes[:, 0] == n)
        boxes = call.boxes[rows]
        boxes[:, 0] = 0
        if call.backward:
            yield f"image {n}", call.run(lay_out(whole[rows]), boxes, 1), together[n : n + 1]
        else:
            yield f"image {n}", call.run(lay_out(whole[n : n + 1]), boxes, 1), together[rows]


def _channels_alone(call, whole, lay_out, together):
    step_in, step_out = (1, call.channels) if call.backward else (call.channels, 1)
    for c in range(whole.shape[1] // step_in):
        alone = call.run(lay_out(whole[:, c * step_in : (c + 1) * step_in]), call.boxes, call.images)
        yield f"channel {c}", alone, together[:, c * step_out : (c + 1) * step_out]


def _boxes_alone(call, whole, lay_out, together):
    """Backward the gradients of the other boxes are 0, since boxes add up; 0 may have another sign then."""
    for k in range(len(call.boxes)):
        if call.backward:
            others = np.array(whole)
            others[np.arange(len(others)) != k] = 0
            among = call.run(lay_out(others), call.boxes, call.images)
            yield f"box {k}", call.run(lay_out(whole[k : k + 1]), call.boxes[k : k + 1], call.images), among
        else:
            yield f"box {k}", call.run(whole, call.boxes[k : k + 1], call.images), together[k : k + 1]


def random_case(rng) -> tuple[tuple[int, ...], tuple[int, int], str]:
    """A shape as those of FIXED are."""
    kind = str(rng.choice(["any", "large"]))
    sides = (1, 40) if kind == "any" else (30, 220)
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 41)), *(int(side) for side in rng.integers(*sides, 2)))
    size = tuple(int(side) for side in (rng.integers(1, 12, 2) if kind == "any" else rng.integers(1, 4, 2)))
    return shape, size, kind


def find_differences(dtype, rounds: int) -> tuple[list[str], int]:
    """Goes through the fixed cases, and `rounds` random ones: what differs, and how many calls were looked at."""
    rng = np.random.default_rng(20)
    cases = FIXED + [random_case(rng) for _ in range(rounds)]
    found, seen = [], 0
    for shape, size, kind in cases:
        for call in calls(rng, shape, size, kind, dtype):
            for layout in ("contiguous", "channels_last"):
                found += differences(call, layout)
                seen += 1
    return found, seen
