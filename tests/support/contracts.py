"""For each operator of pyroi a call of any size: the table of the contracts that all operators keep.

A new operator needs a row in OPERATORS, and then takes part in every test of tests/pyroi/test_contract.py.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from oracles.cases import random_boxes, random_map, turned_boxes
from oracles.overlap import KINDS

import pyroi

FLOAT32, FLOAT64, INT64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)


@dataclass(frozen=True)
class Sizes:
    """How much there is in a call: of what a map has, of boxes, and of bins in a crop (or pixels of a result)."""

    images: int = 2
    channels: int = 3
    height: int = 8
    width: int = 9
    boxes: int = 6
    bins: tuple[int, int] = (2, 3)

    @property
    def map(self) -> tuple[int, int, int, int]:
        """The shape of a map."""
        return self.images, self.channels, self.height, self.width

    @property
    def crops(self) -> tuple[int, int, int, int]:
        """The shape of the crops of all boxes."""
        return self.boxes, self.channels, *self.bins

    @property
    def resized(self) -> tuple[int, int, int, int]:
        """The shape of a map with as many pixels as there are bins."""
        return self.images, self.channels, *self.bins


Given = dict[str, Any]
Build = Callable[[np.random.Generator, Any, Sizes], Given]
Shapes = Callable[[Sizes], tuple[tuple[int, ...], ...]]


@dataclass(frozen=True)
class Operator:
    """A function of pyroi, with what its contracts need to know.

    `build` makes the arguments of a call, with maps, or boxes where there are no maps, in a given type. `following`
    names those arguments, and `read_as` is the type in which whole numbers among them are read. `shapes` and `types`
    tell the results; `nothing` is what they hold where there is nothing to compute from.
    """

    function: str
    build: Build
    shapes: Shapes
    following: tuple[str, ...]
    sizes: tuple[str, ...]
    types: tuple[Callable[[np.dtype], np.dtype], ...]
    read_as: np.dtype = FLOAT32
    nothing: tuple[int, ...] = (0,)

    def arguments(self, seed: int, dtype: Any = np.float32, sizes: Sizes | None = None) -> Given:
        """The arguments of a call, the same for the same seed."""
        return self.build(np.random.default_rng(seed), np.dtype(dtype), sizes or Sizes())

    def __call__(self, given: Given) -> tuple[np.ndarray, ...]:
        """The results of a call, as a tuple in any case."""
        result = getattr(pyroi, self.function)(**given)
        return result if isinstance(result, tuple) else (result,)


def arrays(given: Given) -> Iterator[tuple[str, int | None, np.ndarray]]:
    """All arrays of a call: the argument, the place in it where it is a list, and the array."""
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            yield name, None, value
        elif isinstance(value, list):
            yield from ((name, i, part) for i, part in enumerate(value) if isinstance(part, np.ndarray))


def changed(given: Given, change: Callable[[np.ndarray], np.ndarray], *names: str) -> Given:
    """The same call with `change` made to the arrays of these arguments."""
    new = dict(given)
    for name in names:
        value = given[name]
        new[name] = [change(part) for part in value] if isinstance(value, list) else change(value)
    return new


def same(dtype: np.dtype) -> np.dtype:
    """A result of the type of the argument."""
    return dtype


def wide(dtype: np.dtype) -> np.dtype:
    """A result of the type of the argument, but of float32 at least."""
    return dtype if dtype == FLOAT64 else FLOAT32


def always(dtype: np.dtype) -> Callable[[np.dtype], np.dtype]:
    """A result of one type, whatever the argument's."""
    return lambda _: dtype


INDEX = always(INT64)

# ---- Maps and boxes --------------------------------------------------------------------------------------------------

ON_MAPS = ("images", "channels", "height", "width")
ON_CROPS = (*ON_MAPS, "boxes", "bins")


def boxes_on(rng, sizes: Sizes) -> np.ndarray:
    """Boxes of every kind on all images of a map, or around where its pixels would be."""
    shape = (max(sizes.images, 1), 1, max(sizes.height, 4), max(sizes.width, 4))
    return random_boxes(rng, sizes.boxes, shape)


def turned_on(rng, sizes: Sizes) -> np.ndarray:
    """The same, turned by any angle."""
    return turned_boxes(rng, boxes_on(rng, sizes))


def crops_of(function: str, table=boxes_on, each_bin: bool = False, results: int = 1, **options) -> Operator:
    """An operator that pools boxes; with `each_bin` every bin has channels of its own."""

    def build(rng, dtype, sizes):
        map = random_map(rng, _map_of_bins(sizes) if each_bin else sizes.map, dtype)
        return {"input": map, "boxes": table(rng, sizes), "output_size": sizes.bins, **options}

    def shapes(sizes):
        return (_crops_of_bins(sizes) if each_bin else sizes.crops,) * results

    return Operator(function, build, shapes, ("input",), ON_CROPS, (same, INDEX)[:results], nothing=(0, -1)[:results])


def gradient_of_crops(function: str, table=boxes_on, each_bin: bool = False, places: bool = False, **options):
    """What flows back from crops to a map."""

    def build(rng, dtype, sizes):
        (shape,), crops = shapes(sizes), _crops_of_bins(sizes) if each_bin else sizes.crops
        given = {"grad": random_map(rng, crops, dtype), "boxes": table(rng, sizes), "input_shape": shape, **options}
        return given | ({"argmax": places_on(rng, crops, sizes)} if places else {})

    def shapes(sizes):
        return (_map_of_bins(sizes) if each_bin else sizes.map,)

    return Operator(function, build, shapes, ("grad",), ON_CROPS, (same,))


def _map_of_bins(sizes: Sizes) -> tuple[int, int, int, int]:
    """The shape of a map that has channels for each bin. Where there are no bins, any number of channels will do."""
    return sizes.images, sizes.channels * (math.prod(sizes.bins) or 1), sizes.height, sizes.width


def _crops_of_bins(sizes: Sizes) -> tuple[int, int, int, int]:
    """The shape of the crops of such a map, which have no channels where there are no bins."""
    return (sizes.boxes, 0, *sizes.bins) if 0 in sizes.bins else sizes.crops


def places_on(rng, shape, sizes: Sizes) -> np.ndarray:
    """Where maxima may have been on a map, some of them nowhere."""
    return rng.integers(-1, max(sizes.height * sizes.width, 0), shape)


def _pyramid(rng, dtype, sizes: Sizes) -> Given:
    coarse = (sizes.images, sizes.channels, sizes.height // 2, sizes.width // 2)
    return {
        "features": [random_map(rng, sizes.map, dtype), random_map(rng, coarse, dtype)],
        "boxes": boxes_on(rng, sizes),
        "output_size": sizes.bins,
        "spatial_scales": [1.0, 0.5],
        "canonical_scale": 5.0,
    }


def _precise_gradients(rng, dtype, sizes: Sizes) -> Given:
    grad, map = random_map(rng, sizes.crops, dtype), random_map(rng, sizes.map, dtype)
    return {"grad": grad, "input": map, "boxes": boxes_on(rng, sizes)}


ON_BOXES = {
    "roi_align": crops_of("roi_align"),
    "roi_align fixed": crops_of("roi_align", sampling_ratio=2, aligned=False),
    "roi_align max": crops_of("roi_align", mode="max"),
    "roi_align max_corner": crops_of("roi_align", mode="max_corner"),
    "roi_align_backward": gradient_of_crops("roi_align_backward"),
    "roi_align_backward fixed": gradient_of_crops("roi_align_backward", sampling_ratio=2, aligned=False),
    "multiscale_roi_align": Operator(
        "multiscale_roi_align", _pyramid, lambda sizes: (sizes.crops,), ("features",), ON_CROPS, (same,)
    ),
    "roi_align_rotated": crops_of("roi_align_rotated", turned_on),
    "roi_align_rotated fixed": crops_of("roi_align_rotated", turned_on, sampling_ratio=3, aligned=False),
    "roi_align_rotated_backward": gradient_of_crops("roi_align_rotated_backward", turned_on),
    "roi_align_rotated_backward fixed": gradient_of_crops("roi_align_rotated_backward", turned_on, sampling_ratio=2),
    "roi_pool": crops_of("roi_pool"),
    "roi_pool places": crops_of("roi_pool", results=2, return_argmax=True),
    "roi_pool_backward": gradient_of_crops("roi_pool_backward", places=True),
    "ps_roi_align": crops_of("ps_roi_align", each_bin=True),
    "ps_roi_align fixed": crops_of("ps_roi_align", each_bin=True, sampling_ratio=3),
    "ps_roi_align_backward": gradient_of_crops("ps_roi_align_backward", each_bin=True),
    "ps_roi_pool": crops_of("ps_roi_pool", each_bin=True),
    "ps_roi_pool_backward": gradient_of_crops("ps_roi_pool_backward", each_bin=True),
    "prroi_pool": crops_of("prroi_pool"),
    "prroi_pool_backward": Operator(
        "prroi_pool_backward",
        _precise_gradients,
        lambda sizes: (sizes.map, (sizes.boxes, 5)),
        ("grad", "input"),
        ON_CROPS,
        (same, always(FLOAT32)),  # the boxes are float32
        nothing=(0, 0),
    ),
}

# ---- Whole maps ------------------------------------------------------------------------------------------------------

ON_RESULTS = (*ON_MAPS, "bins")


def resized(function: str, size: str = "size", results: int = 1, **options) -> Operator:
    """An operator that gives maps of other sides; its argument `size` names them."""

    def build(rng, dtype, sizes):
        first = "image" if function == "resize_image" else "input"
        return {first: random_map(rng, sizes.map, dtype), size: sizes.bins, **options}

    first = "image" if function == "resize_image" else "input"
    types, nothing = (same, INDEX)[:results], (0, -1)[:results]
    return Operator(
        function, build, lambda sizes: (sizes.resized,) * results, (first,), ON_RESULTS, types, nothing=nothing
    )


def gradient_of_resized(function: str, places: bool = False, **options) -> Operator:
    """What flows back from maps of other sides."""

    def build(rng, dtype, sizes):
        given = {"grad": random_map(rng, sizes.resized, dtype), "input_shape": sizes.map, **options}
        return given | ({"indices": places_on(rng, sizes.resized, sizes)} if places else {})

    return Operator(function, build, lambda sizes: (sizes.map,), ("grad",), ON_RESULTS, (same,))


def sampled(mode: str, padding: str) -> Operator:
    """grid_sample, at places on the map and around it."""

    def build(rng, dtype, sizes):
        grid = rng.uniform(-1.3, 1.3, (sizes.images, *sizes.bins, 2)).astype(np.float32)
        return {"input": random_map(rng, sizes.map, dtype), "grid": grid, "mode": mode, "padding_mode": padding}

    return Operator("grid_sample", build, lambda sizes: (sizes.resized,), ("input",), ON_RESULTS, (same,))


def normalized(function: str) -> Operator:
    """Means and standard deviations for each channel."""

    def build(rng, dtype, sizes):
        mean, std = rng.uniform(-1, 1, sizes.channels), rng.uniform(0.5, 2, sizes.channels)
        return {"image": random_map(rng, sizes.map, dtype), "mean": mean, "std": std}

    return Operator(function, build, lambda sizes: (sizes.map,), ("image",), ON_MAPS, (same,))


def _affine(rng, dtype, sizes: Sizes) -> Given:
    return {"theta": random_map(rng, (sizes.images, 2, 3), dtype), "size": sizes.resized}


ON_IMAGES = {
    **{f"interpolate {mode}": resized("interpolate", mode=mode) for mode in ("nearest", "nearest-exact", "area")},
    **{f"interpolate {mode}": resized("interpolate", mode=mode) for mode in ("bilinear", "bicubic")},
    "interpolate aligned": resized("interpolate", mode="bilinear", align_corners=True),
    "interpolate bilinear antialias": resized("interpolate", mode="bilinear", antialias=True),
    "interpolate bicubic antialias": resized("interpolate", mode="bicubic", antialias=True),
    "interpolate_backward nearest": gradient_of_resized("interpolate_backward", mode="nearest"),
    "interpolate_backward bilinear": gradient_of_resized("interpolate_backward", mode="bilinear"),
    "interpolate_backward bicubic": gradient_of_resized("interpolate_backward", mode="bicubic"),
    "interpolate_backward area": gradient_of_resized("interpolate_backward", mode="area"),
    "interpolate_backward antialias": gradient_of_resized("interpolate_backward", mode="bilinear", antialias=True),
    "resize_image": resized("resize_image"),
    "adaptive_avg_pool2d": resized("adaptive_avg_pool2d", "output_size"),
    "adaptive_avg_pool2d_backward": gradient_of_resized("adaptive_avg_pool2d_backward"),
    "adaptive_max_pool2d": resized("adaptive_max_pool2d", "output_size"),
    "adaptive_max_pool2d places": resized("adaptive_max_pool2d", "output_size", results=2, return_indices=True),
    "adaptive_max_pool2d_backward": gradient_of_resized("adaptive_max_pool2d_backward", places=True),
    "grid_sample nearest": sampled("nearest", "border"),
    "grid_sample bilinear": sampled("bilinear", "zeros"),
    "grid_sample bicubic": sampled("bicubic", "reflection"),
    "normalize_image": normalized("normalize_image"),
    "denormalize_image": normalized("denormalize_image"),
    "affine_grid": Operator(
        "affine_grid",
        _affine,
        lambda sizes: ((sizes.images, *sizes.bins, 2),),
        ("theta",),
        ("images", "bins"),
        (same,),
    ),
}

# ---- Boxes alone -----------------------------------------------------------------------------------------------------


def upright(rng, count: int, dtype) -> np.ndarray:
    """Boxes that overlap, and a small one."""
    corner, sides = rng.integers(0, 40, (count, 2)), rng.integers(1, 60, (count, 2))
    boxes = np.hstack([corner, corner + sides]) / 2
    boxes[3:4, 2:] = boxes[3:4, :2] + 0.5
    return boxes.astype(dtype)


def rotated(rng, count: int, dtype) -> np.ndarray:
    """The same as centre, sides and an angle."""
    boxes = upright(rng, count, np.float64)
    return np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2], rng.integers(-180, 180, count)]).astype(dtype)


def of_boxes(function: str, shapes: Shapes, *types, table=upright, **options) -> Operator:
    """A function of boxes alone."""
    return Operator(
        function,
        lambda rng, dtype, sizes: {"boxes": table(rng, sizes.boxes, dtype), **options},
        shapes,
        ("boxes",),
        ("boxes",),
        types,
        FLOAT64,
    )


def overlap(function: str, table=upright) -> Operator:
    """A matrix of each box with each of some others."""

    def build(rng, dtype, sizes):
        return {"boxes1": table(rng, sizes.boxes, dtype), "boxes2": table(rng, 2 * sizes.boxes, dtype)}

    def shapes(sizes):
        return ((sizes.boxes, 2 * sizes.boxes),)

    return Operator(function, build, shapes, ("boxes1", "boxes2"), ("boxes",), (same,), FLOAT64)


def suppression(function: str, table=upright, classes: bool = False, soft: bool = False, **options) -> Operator:
    """Boxes with scores, of which those are kept that overlap none before them too far. How many is not told."""

    def build(rng, dtype, sizes):
        given = {"boxes": table(rng, sizes.boxes, dtype), "scores": rng.integers(1, 100, sizes.boxes) / 4, **options}
        return given | ({"idxs": rng.integers(0, 3, sizes.boxes)} if classes else {})

    types = (INDEX, always(FLOAT64)) if soft else (INDEX,)  # the scores are float64

    def shapes(sizes):
        return ((0,) if sizes.boxes == 0 else (None,),) * len(types)

    return Operator(function, build, shapes, ("boxes",), ("boxes",), types, FLOAT64, nothing=(0,) * len(types))


def _masks(rng, _, sizes: Sizes) -> Given:
    return {"masks": rng.random((sizes.images, sizes.height, sizes.width)) < 0.05}


OF_BOXES = {
    "nms": suppression("nms", iou_threshold=0.3),
    "batched_nms": suppression("batched_nms", classes=True, iou_threshold=0.3),
    "nms_rotated": suppression("nms_rotated", rotated, iou_threshold=0.3),
    "soft_nms": suppression("soft_nms", soft=True),
    "soft_nms linear": suppression("soft_nms", soft=True, method="linear"),
    **{name: overlap(name) for name in KINDS},
    "box_iou_rotated": overlap("box_iou_rotated", rotated),
    "box_area": of_boxes("box_area", lambda sizes: ((sizes.boxes,),), wide),
    "box_convert": of_boxes("box_convert", lambda sizes: ((sizes.boxes, 4),), same, in_fmt="xyxy", out_fmt="cxcywh"),
    "box_convert rotated": of_boxes(
        "box_convert", lambda sizes: ((sizes.boxes, 8),), same, table=rotated, in_fmt="cxcywhr", out_fmt="xyxyxyxy"
    ),
    "clip_boxes_to_image": of_boxes("clip_boxes_to_image", lambda sizes: ((sizes.boxes, 4),), same, size=(20, 25)),
    "remove_small_boxes": of_boxes(
        "remove_small_boxes", lambda sizes: ((None,) if sizes.boxes else (0,),), INDEX, min_size=1
    ),
    "assign_levels": of_boxes(
        "assign_levels", lambda sizes: ((sizes.boxes,),), INDEX, num_levels=3, canonical_scale=10.0, canonical_level=3
    ),
    "masks_to_boxes": Operator(
        "masks_to_boxes",
        _masks,
        lambda sizes: ((sizes.images, 4),),
        (),
        ("images", "height", "width"),
        (always(FLOAT32),),
    ),
}

OPERATORS: dict[str, Operator] = {**ON_BOXES, **ON_IMAGES, **OF_BOXES}

# ---- Nothing ---------------------------------------------------------------------------------------------------------

#: As many rows as the sizes of an array can have, beside 0 and 1024, where its bytes are counted in a pointer.
MANY = 2**40 if sys.maxsize > 2**32 else 2**14

#: What is missing in a call that has nothing to compute, or nothing to compute from.
MISSING: dict[str, Given] = {
    "no boxes": {"boxes": 0},
    "no images": {"images": 0, "boxes": 0},
    "no images of their own": {"images": 0},
    "no channels": {"channels": 0},
    "no rows": {"height": 0},
    "no columns": {"width": 0},
    "no pixels": {"height": 0, "width": 0},
    "no rows of bins": {"bins": (0, 3)},
    "no columns of bins": {"bins": (3, 0)},
    "no bins": {"bins": (0, 0)},
    "no columns, and no end of rows": {"boxes": 2, "bins": (MANY, 0)},
    "no channels, and no end of bins": {"boxes": 2, "channels": 0, "bins": (MANY, 2**10)},
    "nothing": {field.name: (0, 0) if field.name == "bins" else 0 for field in fields(Sizes)},
}


@functools.cache
def missing_from(operator: str) -> tuple[str, ...]:
    """What may be missing in a call of this operator."""
    sizes = set(OPERATORS[operator].sizes)
    needed = {name: set(change) for name, change in MISSING.items()}
    needed["nothing"] = set()
    if "boxes" in sizes:  # boxes need an image
        del needed["no images of their own"]
    return tuple(name for name, change in needed.items() if change <= sizes)
