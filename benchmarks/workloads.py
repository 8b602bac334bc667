"""The workloads: the computation, its inputs, and the number of bytes it has to move.

A workload has a `name` (what ``--only`` takes), a `title`, an `operator` (the name of pyroi's function), `arguments()`
(that function's keyword arguments, the same in every process) and `floor_bytes()`. A new row is one declaration in
`WORKLOADS`; an operator of another kind is one more class with these five, and one function per peer in engines.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

Shape = tuple[int, int, int, int]
CACHE_LINE = 64


class Workload(Protocol):
    """What the runner and the engines know of a workload."""

    name: str
    title: str
    operator: str
    group: str  # rows of one group have a geometric mean

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of pyroi's function `operator`, from a fixed seed."""

    def floor_bytes(self) -> int | None:
        """Bytes of input that must be read, in whole cache lines, plus bytes of the result. None: no matter here."""


def element_type(name: str) -> np.dtype[Any]:
    """The type of that name. ml_dtypes has bfloat16, which NumPy does not have."""
    if name == "bfloat16":
        from ml_dtypes import bfloat16

        return np.dtype(bfloat16)
    return np.dtype(name)


def with_channels_last(map: np.ndarray) -> np.ndarray:
    """The same map in another layout."""
    return np.ascontiguousarray(map.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


@dataclass(frozen=True)
class RoiWorkload:
    """RoIAlign of one map, or of a pyramid, or its gradient. The image is the first map's size / scale."""

    name: str
    title: str
    maps: tuple[Shape, ...]
    scales: tuple[float, ...]
    count: int
    sides: tuple[float, float]  # shortest and longest side of a box, in pixels of the image
    output: int
    ratio: int
    operator: str = "roi_align"
    aligned: bool = True
    group: str = ""
    dtype: str = "float32"
    channels_last: bool = False
    mode: str = "avg"

    def arguments(self) -> dict[str, Any]:
        """See Workload."""
        rng = np.random.default_rng(20170320)
        boxes = self.boxes(rng)
        common = {"boxes": boxes, "sampling_ratio": self.ratio, "aligned": self.aligned}
        if self.mode != "avg":
            common["mode"] = self.mode
        if self.operator == "roi_align_backward":
            shape = (self.count, self.maps[0][1], self.output, self.output)
            grad = rng.random(shape, np.float32).astype(element_type(self.dtype))
            return common | {"grad": grad, "input_shape": self.maps[0], "spatial_scale": self.scales[0]}
        maps = [self._map(rng, shape) for shape in self.maps]
        common["output_size"] = (self.output, self.output)
        if self.operator == "multiscale_roi_align":
            return common | {"features": maps, "spatial_scales": list(self.scales)}
        return common | {"input": maps[0], "spatial_scale": self.scales[0]}

    def _map(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        map = rng.random(shape, np.float32).astype(element_type(self.dtype))
        return with_channels_last(map) if self.channels_last else map

    def boxes(self, rng: np.random.Generator) -> np.ndarray:
        """[K, 5] boxes inside the image; sides evenly spread over `sides`, on a logarithmic scale for a pyramid."""
        images, _, height, width = self.maps[0]
        size = np.array([width, height]) / self.scales[0]
        low, high = self.sides
        spread = rng.random((self.count, 2))
        wanted = low * (high / low) ** spread if len(self.maps) > 1 else low + (high - low) * spread
        sides = np.minimum(wanted, size)
        corner = rng.random((self.count, 2)) * (size - sides)
        image = rng.integers(images, size=(self.count, 1))
        return np.hstack([image, corner, corner + sides]).astype(np.float32)

    def floor_bytes(self) -> int:
        """See Workload. The gradient's map is written whole."""
        channels, element = self.maps[0][1], element_type(self.dtype).itemsize
        pooled = self.count * channels * self.output**2 * element
        if self.operator == "roi_align_backward":
            return pooled + int(np.prod(self.maps[0])) * element
        per_line = CACHE_LINE // element
        touched = [np.zeros((n, h, -(-w // per_line)), bool) for n, _, h, w in self.maps]
        for level, image, rows, columns in self._taps():
            touched[level][np.ix_([image], rows, np.unique(columns // per_line))] = True
        return pooled + sum(int(mask.sum()) for mask in touched) * channels * CACHE_LINE

    def _taps(self) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        """For each box its level, its image, and the rows and columns that its samples read."""
        for box in self.boxes(np.random.default_rng(20170320)).astype(float):
            level = self._level(box)
            x1, y1, x2, y2 = box[1:] * self.scales[level] - 0.5 * self.aligned
            height, width = self.maps[level][2:]
            yield level, int(box[0]), self._axis_taps(y1, y2, height), self._axis_taps(x1, x2, width)

    def _level(self, box: np.ndarray) -> int:
        side = np.sqrt((box[3] - box[1]) * (box[4] - box[2]))
        return int(np.clip(np.floor(2 + np.log2(side / 224 + 1e-6)), 0, len(self.maps) - 1))

    def _axis_taps(self, start: float, end: float, size: int) -> np.ndarray:
        step = (end - start) / self.output
        grid = self.ratio if self.ratio > 0 else max(int(np.ceil(step)), 1)
        samples = start + (np.arange(self.output * grid) + 0.5) * step / grid
        first = np.floor(np.clip(samples, 0, size - 1)).astype(int)
        return np.unique(np.minimum(np.concatenate([first, first + 1]), size - 1))


@dataclass(frozen=True)
class PoolWorkload(RoiWorkload):
    """The other ways to pool boxes from one map, on boxes as above: RoIPool, position-sensitive, rotated."""

    argmax: bool = False

    def arguments(self) -> dict[str, Any]:
        """See Workload."""
        rng = np.random.default_rng(20170320)
        boxes, size = self.boxes(rng), (self.output, self.output)
        arguments = {"input": self._map(rng, self.maps[0]), "output_size": size, "spatial_scale": self.scales[0]}
        if self.operator == "roi_align_rotated":
            centre, sides = (boxes[:, 1:3] + boxes[:, 3:]) / 2, boxes[:, 3:] - boxes[:, 1:3]
            angle = rng.uniform(-180, 180, (self.count, 1)).astype(np.float32)
            boxes = np.hstack([boxes[:, :1], centre, sides, angle])
        if self.operator == "roi_pool" and self.argmax:
            arguments["return_argmax"] = True
        if self.operator in ("ps_roi_align", "roi_align_rotated"):
            arguments["sampling_ratio"] = self.ratio
        return arguments | {"boxes": boxes}

    def floor_bytes(self) -> None:
        """See Workload. What must be read depends on the operator's own rule."""
        return None


@dataclass(frozen=True)
class MapWorkload:
    """An operator on a whole map."""

    name: str
    title: str
    operator: str
    shape: Shape
    size: tuple[int, int]
    options: dict[str, Any] = field(default_factory=dict)
    group: str = ""
    channels_last: bool = False

    def arguments(self) -> dict[str, Any]:
        """See Workload."""
        map = np.random.default_rng(20170320).random(self.shape, np.float32)
        map = with_channels_last(map) if self.channels_last else map
        return {"input": map, "size" if self.operator == "interpolate" else "output_size": self.size, **self.options}

    def floor_bytes(self) -> int:
        """See Workload."""
        images, channels, height, width = self.shape
        return 4 * images * channels * (height * width + self.size[0] * self.size[1])


@dataclass(frozen=True)
class NmsWorkload:
    """Suppression at IoU 0.5. Coordinates are whole, so that every engine's arithmetic is exact; all scores differ."""

    name: str
    title: str
    count: int
    classes: int = 0
    group: str = ""

    @property
    def operator(self) -> str:
        """Which of the two functions."""
        return "batched_nms" if self.classes else "nms"

    def arguments(self) -> dict[str, Any]:
        """See Workload."""
        rng = np.random.default_rng(20170320)
        boxes = whole_boxes(rng, self.count)
        scores = (rng.permutation(self.count).astype(np.float32) + 1) / (self.count + 1)
        arguments = {"boxes": boxes, "scores": scores, "iou_threshold": 0.5}
        if self.classes:
            arguments["idxs"] = rng.integers(self.classes, size=self.count)
        return arguments

    def floor_bytes(self) -> None:
        """See Workload."""
        return None


@dataclass(frozen=True)
class IouWorkload:
    """IoU of each box with each other."""

    name: str
    title: str
    count: int
    operator: str = "box_iou"
    group: str = ""

    def arguments(self) -> dict[str, Any]:
        """See Workload."""
        rng = np.random.default_rng(20170320)
        return {"boxes1": whole_boxes(rng, self.count), "boxes2": whole_boxes(rng, self.count)}

    def floor_bytes(self) -> int:
        """See Workload."""
        return 2 * self.count * 16 + self.count**2 * 4


@dataclass(frozen=True)
class OtherWorkload:
    """An operator that no other class fits, with a function that makes its arguments."""

    name: str
    title: str
    operator: str
    make: Callable[[np.random.Generator], dict[str, Any]]
    group: str = ""

    def arguments(self) -> dict[str, Any]:
        """See Workload."""
        return self.make(np.random.default_rng(20170320))

    def floor_bytes(self) -> None:
        """See Workload."""
        return None


def grid_of_points(rng: np.random.Generator) -> dict[str, Any]:
    """A colour image and a grid that rotates it by 20 degrees, for `grid_sample`."""
    y, x = np.meshgrid(np.linspace(-1, 1, 720), np.linspace(-1, 1, 1280), indexing="ij")
    sine, cosine = np.sin(np.radians(20)), np.cos(np.radians(20))
    grid = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=2)[None].astype(np.float32)
    return {"input": rng.random((1, 3, 720, 1280), np.float32), "grid": grid}


def colour_image(rng: np.random.Generator) -> dict[str, Any]:
    """A colour image and the mean and spread of ImageNet's, for `normalize_image`."""
    statistics = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    return {"image": rng.random((3, 720, 1280), np.float32), **statistics}


def ellipses(rng: np.random.Generator) -> dict[str, Any]:
    """Masks of 100 ellipses, for `masks_to_boxes`."""
    centre, radius = rng.uniform(150, 650, (100, 2, 1, 1)), rng.uniform(20, 150, (100, 2, 1, 1))
    y, x = np.mgrid[:800, :800]
    return {"masks": ((y - centre[:, 0]) / radius[:, 0]) ** 2 + ((x - centre[:, 1]) / radius[:, 1]) ** 2 <= 1}


def whole_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """[count, 4] boxes with sides of 8 to 208 pixels in an image of 1344 x 800."""
    sides = rng.integers(8, 209, size=(count, 2))
    corner = rng.integers(np.array([1344, 800]) - sides + 1)
    return np.hstack([corner, corner + sides]).astype(np.float32)


FPN = ((1, 256, 200, 336), (1, 256, 100, 168), (1, 256, 50, 84), (1, 256, 25, 42))
STRIDES = (1 / 4, 1 / 8, 1 / 16, 1 / 32)
MAP, SCALE = FPN[:1], STRIDES[:1]

FPN_HEAD = RoiWorkload("fpn", "FPN box head, 1000 boxes", MAP, SCALE, 1000, (16, 128), 7, 2, group="RoIAlign")
C4_HEAD = RoiWorkload(
    "c4", "C4 head, adaptive, 300 boxes", ((1, 1024, 50, 84),), (1 / 16,), 300, (32, 800), 14, -1, group="RoIAlign"
)
MASK_HEAD = RoiWorkload("mask", "mask head, 100 boxes", MAP, SCALE, 100, (16, 256), 14, 2, group="RoIAlign")
LARGE = RoiWorkload("large", "large boxes, adaptive, 200", MAP, SCALE, 200, (64, 800), 7, -1, group="RoIAlign")
IMAGE = RoiWorkload(
    "image", "colour image, adaptive, 50 of 224 x 224", ((1, 3, 720, 1280),), (1.0,), 50, (100, 600), 224, -1
)

SMALL_HEAD = RoiWorkload("small", "200 boxes", ((1, 256, 100, 168),), SCALE, 200, (16, 128), 7, 2)
SMALL_POOL = PoolWorkload("small-pool", "RoIPool, 200 boxes", SMALL_HEAD.maps, SCALE, 200, (16, 128), 7, 0, "roi_pool")
PS_ALIGN = PoolWorkload(
    "ps-align", "PSRoIAlign, 490 channels", ((1, 490, 50, 84),), (1 / 16,), 1000, (32, 400), 7, 2, "ps_roi_align"
)
ROTATED = PoolWorkload(
    "rotated", "rotated RoIAlign, 1000 boxes", MAP, SCALE, 1000, (16, 128), 7, 2, "roi_align_rotated"
)
BACKWARD = replace(
    FPN_HEAD, name="backward", title="backward of the FPN box head", operator="roi_align_backward", group=""
)


def in_both_layouts(workload: RoiWorkload | MapWorkload) -> list[Workload]:
    """A workload of planes, and the same with channels last."""
    name, title = f"{workload.name}-nhwc", f"{workload.title}, channels last"
    return [workload, replace(workload, name=name, title=title, channels_last=True)]


WORKLOADS: list[Workload] = [
    FPN_HEAD,
    C4_HEAD,
    MASK_HEAD,
    LARGE,
    RoiWorkload("one", "one small box", ((1, 256, 32, 32),), SCALE, 1, (32, 64), 7, 2),
    IMAGE,
    replace(FPN_HEAD, name="fpn-nhwc", title="FPN box head, channels last", channels_last=True, group=""),
    replace(C4_HEAD, name="c4-nhwc", title="C4 head, channels last", channels_last=True, group=""),
    replace(MASK_HEAD, name="mask-nhwc", title="mask head, channels last", channels_last=True, group=""),
    replace(LARGE, name="large-nhwc", title="large boxes, channels last", channels_last=True, group=""),
    replace(IMAGE, name="image-nhwc", title="colour image, channels last", channels_last=True),
    replace(FPN_HEAD, name="fpn-f16", title="FPN box head, float16", dtype="float16", group=""),
    replace(FPN_HEAD, name="fpn-bf16", title="FPN box head, bfloat16", dtype="bfloat16", group=""),
    replace(
        FPN_HEAD,
        name="fpn-f16-nhwc",
        title="FPN box head, float16, channels last",
        dtype="float16",
        group="",
        channels_last=True,
    ),
    replace(
        FPN_HEAD,
        name="fpn-bf16-nhwc",
        title="FPN box head, bfloat16, channels last",
        dtype="bfloat16",
        group="",
        channels_last=True,
    ),
    replace(FPN_HEAD, name="fpn-f64", title="FPN box head, float64", dtype="float64", group=""),
    BACKWARD,
    replace(BACKWARD, name="backward-f16", title="backward of the FPN box head, float16", dtype="float16"),
    RoiWorkload(
        "pyramid", "4 levels, 1000 boxes", FPN, STRIDES, 1000, (16, 800), 7, 2, "multiscale_roi_align", aligned=False
    ),
    PoolWorkload("pool", "RoIPool, 1000 boxes", MAP, SCALE, 1000, (16, 128), 7, 0, "roi_pool"),
    PoolWorkload(
        "pool-argmax", "RoIPool with argmax, 1000 boxes", MAP, SCALE, 1000, (16, 128), 7, 0, "roi_pool", argmax=True
    ),
    *in_both_layouts(PS_ALIGN),
    *in_both_layouts(ROTATED),
    PoolWorkload("prroi", "PrRoIPool, 1000 boxes", MAP, SCALE, 1000, (16, 128), 7, 0, "prroi_pool"),
    NmsWorkload("nms-1000", "NMS, 1000 boxes", 1000),
    NmsWorkload("nms-5000", "NMS, 5000 boxes", 5000),
    NmsWorkload("nms-20000", "NMS, 20000 boxes", 20_000),
    NmsWorkload("batched-nms", "NMS, 20000 boxes of 80 classes", 20_000, classes=80),
    IouWorkload("iou", "IoU, 3000 x 3000 boxes", 3000),
    MapWorkload("adaptive", "adaptive means to 7 x 7", "adaptive_avg_pool2d", MAP[0], (7, 7)),
    MapWorkload("bilinear", "bilinear, 2 x larger", "interpolate", MAP[0], (400, 672), {"mode": "bilinear"}),
    *in_both_layouts(MapWorkload("adaptive-max", "adaptive maxima to 7 x 7", "adaptive_max_pool2d", MAP[0], (7, 7))),
    OtherWorkload("grid", "colour image through a grid", "grid_sample", grid_of_points),
    OtherWorkload("normalize", "colour image, normalized", "normalize_image", colour_image),
    OtherWorkload("masks", "boxes of 100 masks", "masks_to_boxes", ellipses),
    *in_both_layouts(SMALL_HEAD),
    *in_both_layouts(replace(SMALL_HEAD, name="small-f16", title="200 boxes, float16", dtype="float16")),
    *in_both_layouts(replace(SMALL_HEAD, name="small-bf16", title="200 boxes, bfloat16", dtype="bfloat16")),
    *in_both_layouts(replace(SMALL_HEAD, name="small-max", title="200 boxes, mode max", mode="max")),
    *in_both_layouts(replace(SMALL_HEAD, name="small-corner", title="200 boxes, mode max_corner", mode="max_corner")),
    *in_both_layouts(SMALL_POOL),
    *in_both_layouts(
        replace(SMALL_POOL, name="small-pool-argmax", title="RoIPool with argmax, 200 boxes", argmax=True)
    ),
]
