"""RoIAlign: fixed-size crops from boxes on a feature map, by bilinear interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import AlignMode, Boxes
from pyroi.arrays import (
    Array,
    check_out,
    choice,
    describe,
    fields,
    is_list,
    new_map,
    shape_text,
    to_flag,
    to_input_shape,
    to_integer,
    to_map,
    to_number,
    to_size,
)
from pyroi.box_table import to_boxes
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.memory import retrying
from pyroi.native import ffi, lib
from pyroi.pooling import flow_back, pool, to_grad

__all__ = [
    "assign_levels",
    "multiscale_roi_align",
    "multiscale_roi_align_backward",
    "roi_align",
    "roi_align_backward",
]

_PARAMS = ffi.typeof("roi_align_params *")
_PARAMS_SIZE = ffi.sizeof("roi_align_params")
MODES = {"avg": lib.ROI_AVG, "max": lib.ROI_MAX, "max_corner": lib.ROI_MAX_CORNER}


def _params(spatial_scale: float, sampling_ratio: Any, aligned: Any, mode: Any = "avg") -> Any:
    return ffi.new(
        _PARAMS,
        (
            _PARAMS_SIZE,
            spatial_scale,
            to_integer(sampling_ratio, "sampling_ratio"),
            to_flag(aligned, "aligned"),
            choice(mode, "mode", MODES),
            native.cancel_flag(),
        ),
    )


def _levels(num_levels: int, canonical_level: Any, canonical_scale: Any) -> Any:
    return ffi.new(
        "roi_levels_params *",
        (
            ffi.sizeof("roi_levels_params"),
            num_levels,
            to_integer(canonical_level, "canonical_level"),
            to_number(canonical_scale, "canonical_scale"),
        ),
    )


@retrying
def roi_align(
    input: npt.ArrayLike,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    mode: AlignMode = "avg",
    out: Array | None = None,
) -> Array:
    """Pools each box to a crop of fixed size.

    A box is divided into ``output_size`` bins. In each bin, the map is sampled at a regular grid of points by bilinear
    interpolation, and the samples are combined.

    Args:
        input: Feature map ``[N, C, H, W]`` of any strides: float32, float64, float16 or bfloat16; integers and booleans
            are read as float32. 16-bit types are computed in float32. A channels-last view
            (``x.transpose(0, 3, 1, 2)``) is used without a copy.
        boxes: ``[K, 5]`` rows ``batch_index x1 y1 x2 y2``; or ``[K, 4]`` rows ``x1 y1 x2 y2`` if N is 1; or a list of N
            arrays ``[L, 4]``; or 4 or 5 numbers, for one box. Corners are in pixels of the image, where pixel k covers
            k to k + 1. ``x2 < x1`` is valid: the crop is mirrored if `sampling_ratio` is above 0, and otherwise it is
            0.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scale: Size of the map divided by the size of the image, such as 1/16 for a map of stride 16.
        sampling_ratio: Number of samples per bin along each axis. With 0 or less, a bin has as many samples as pixels,
            rounded up.
        aligned: Whether to shift boxes by half a pixel, because the centre of pixel k lies at k + 0.5. False is the
            behaviour of older models, and torchvision's default; it also makes boxes at least one pixel wide.
        mode: ``"avg"``, the mean of the samples; ``"max"``, the largest sample; ``"max_corner"``, the largest weighted
            corner of a sample, as ONNX defines its mode max. Samples outside the map count as 0 in each mode.
        out: Array that receives the result. It must have the exact shape and type, and must not overlap the inputs.

    Returns:
        Crops ``[K, C, height, width]`` of the input's floating type, in the order of the boxes.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range; the message names the argument, the rule and what came. A batch index that
            is not an integer in [0, N), or a coordinate that is not finite, is named with its row.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.arange(25.0).reshape(1, 1, 5, 5)
        >>> pyroi.roi_align(map, [[1, 1, 3, 3]], 2, sampling_ratio=2)
        array([[[[ 6.,  7.],
                 [11., 12.]]]])

    Source:
        K. He, G. Gkioxari, P. Dollár, R. Girshick, "Mask R-CNN", 2017, section 3; the half-pixel shift of `aligned`
        as in Detectron2; ``max_corner`` from the ONNX operator RoiAlign.
    """
    features = to_map(input, "input")
    images, channels, _, _ = features.shape
    table = to_boxes(boxes, images)
    height, width = to_size(output_size, "output_size")
    scale = to_number(spatial_scale, "spatial_scale")
    params = _params(scale, sampling_ratio, aligned, mode)
    shape = (len(table), channels, height, width)
    if out is None:
        result = new_map(shape, features.dtype, "output_size")
    else:
        result = check_out(out, shape, features.dtype, {"input": features, "boxes": table.rows})
    pool(lib.roi_align, params, scale, features, table, result)
    return result


@retrying
def roi_align_backward(
    grad: npt.ArrayLike,
    boxes: Boxes,
    input_shape: Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
) -> Array:
    """The gradient of :func:`roi_align` (mode ``avg``) for its input.

    Args:
        grad: Gradient of the crops, ``[K, C, height, width]``, in the same types as the input of :func:`roi_align`.
        boxes: The boxes, as they were given to :func:`roi_align`.
        input_shape: ``(N, C, H, W)`` of the feature map.
        spatial_scale: As given to :func:`roi_align`.
        sampling_ratio: As given to :func:`roi_align`.
        aligned: As given to :func:`roi_align`.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type: each pixel has the sum, over boxes and bins, of its sampling
        weight times the gradient of the bin. Its bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`roi_align`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> grad = pyroi.roi_align_backward(np.ones((1, 1, 1, 1)), [[1, 1, 3, 2]], (1, 1, 3, 4))
        >>> grad[0, 0]
        array([[0. , 0. , 0. , 0. ],
               [0. , 0.5, 0.5, 0. ],
               [0. , 0. , 0. , 0. ]])

    Source:
        The transpose of :func:`roi_align`, which is linear in its input.
    """
    shape = to_input_shape(input_shape)
    table = to_boxes(boxes, shape[0])
    grads = to_grad(grad, table, shape[1], shape)
    scale = to_number(spatial_scale, "spatial_scale")
    params = _params(scale, sampling_ratio, aligned)
    return flow_back(lib.roi_align_backward, params, scale, grads, table, shape)


@retrying
def multiscale_roi_align(
    features: Sequence[npt.ArrayLike],
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scales: Sequence[float],
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    canonical_level: int = 2,
    canonical_scale: float = 224,
) -> Array:
    """Pools each box from the level of a feature pyramid that suits its size.

    Args:
        features: The levels, finest first: maps ``[N, C, H_l, W_l]`` of the same N, C and type.
        boxes: As for :func:`roi_align`, in pixels of the image.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scales: The spatial scale of each level: its size divided by the size of the image.
        sampling_ratio: As for :func:`roi_align`.
        aligned: As for :func:`roi_align`.
        canonical_level: The index in `features` from which a box of side `canonical_scale` is pooled.
        canonical_scale: That side, in pixels of the image. The two defaults fit a pyramid of strides 4, 8, 16 and 32.

    Returns:
        Crops ``[K, C, height, width]`` in the order of the boxes.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, or levels that differ in N, C or type.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> pyramid = [np.full((1, 1, 256 // s, 256 // s), s, np.float32) for s in (4, 8, 16, 32)]
        >>> scales = [1 / 4, 1 / 8, 1 / 16, 1 / 32]
        >>> pyroi.multiscale_roi_align(pyramid, [[0, 0, 120, 120], [0, 0, 30, 30]], 1, scales).ravel()
        array([8., 4.], dtype=float32)

    Source:
        T.-Y. Lin et al., "Feature Pyramid Networks for Object Detection", 2017, equation 1: see :func:`assign_levels`.
    """
    maps = _to_levels(features)
    scales = _to_scales(spatial_scales, len(maps))
    first = maps[0]
    table = to_boxes(boxes, first.shape[0])
    height, width = to_size(output_size, "output_size")
    params = _params(1.0, sampling_ratio, aligned)
    levels = _levels(len(maps), canonical_level, canonical_scale)
    result = new_map((len(table), first.shape[1], height, width), first.dtype, "output_size")
    native.call(
        lib.roi_align_multiscale,
        params,
        levels,
        ffi.new("roi_array[]", [fields(level) for level in maps]),
        ffi.new("double[]", scales),
        table.describe(),
        describe(result),
        boxes=table,
        images=first.shape[0],
        scale_name="spatial_scales",
        scale=scales,
        canonical_scale=canonical_scale,
    )
    return result


@retrying
def multiscale_roi_align_backward(
    grad: npt.ArrayLike,
    boxes: Boxes,
    input_shapes: Sequence[Sequence[int]],
    spatial_scales: Sequence[float],
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    canonical_level: int = 2,
    canonical_scale: float = 224,
) -> list[Array]:
    """The gradients of :func:`multiscale_roi_align` for its levels.

    Args:
        grad: Gradient of the crops, ``[K, C, height, width]``.
        boxes: The boxes, as they were given to :func:`multiscale_roi_align`.
        input_shapes: The shape ``(N, C, H_l, W_l)`` of each level.
        spatial_scales: As given to :func:`multiscale_roi_align`.
        sampling_ratio: As given to :func:`multiscale_roi_align`.
        aligned: As given to :func:`multiscale_roi_align`.
        canonical_level: As given to :func:`multiscale_roi_align`.
        canonical_scale: As given to :func:`multiscale_roi_align`.

    Returns:
        The gradient ``[N, C, H_l, W_l]`` of each level, of grad's floating type: the result of
        :func:`roi_align_backward` for the boxes that are pooled from the level.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`multiscale_roi_align`.
        MemoryError: The results do not fit in memory.

    Source:
        The transpose of :func:`multiscale_roi_align`, which is linear in its levels.
    """
    shapes = [to_input_shape(shape, "input_shapes") for shape in input_shapes]
    if len({shape[:2] for shape in shapes}) != 1:
        raise ArgumentError("input_shapes", f"expected levels of the same N and C, got {shapes}")
    scales = _to_scales(spatial_scales, len(shapes))
    levels = assign_levels(boxes, len(shapes), canonical_level=canonical_level, canonical_scale=canonical_scale)
    table = to_boxes(boxes, shapes[0][0])
    grads = to_grad(grad, table, shapes[0][1], shapes[0])
    results = []
    for level, (shape, scale) in enumerate(zip(shapes, scales, strict=True)):
        rows = np.flatnonzero(levels == level)
        params = _params(scale, sampling_ratio, aligned)
        results.append(flow_back(lib.roi_align_backward, params, scale, grads[rows], table.select(rows), shape))
    return results


def _to_levels(features: Any) -> list[Array]:
    if not isinstance(features, (list, tuple)):
        raise ArgumentTypeError("features", f"expected a list of maps, got {type(features).__name__}")
    if not features:
        raise ArgumentError("features", "expected at least one level, got an empty list")
    maps = [to_map(level, "features") for level in features]
    for index, level in enumerate(maps):
        if level.shape[:2] != maps[0].shape[:2] or level.dtype != maps[0].dtype:
            rule = "all levels must have the same N, C and type: level 0 is"
            raise ArgumentError("features", f"{rule} {_summary(maps[0])}, level {index} is {_summary(level)}")
    return maps


def _summary(array: Array) -> str:
    return f"{array.dtype} {shape_text(array.shape)}"


def _to_scales(spatial_scales: Any, levels: int) -> list[float]:
    if not is_list(spatial_scales):
        raise ArgumentTypeError("spatial_scales", f"expected a list of numbers, got {spatial_scales!r}")
    scales = [to_number(scale, "spatial_scales") for scale in spatial_scales]
    if len(scales) != levels:
        raise ArgumentError("spatial_scales", f"expected one number for each of the {levels} levels, got {len(scales)}")
    return scales


@retrying
def assign_levels(
    boxes: Boxes, num_levels: int, *, canonical_level: int = 2, canonical_scale: float = 224
) -> npt.NDArray[np.int64]:
    """Assigns each box to the level of a feature pyramid from which it is pooled.

    The level is ``floor(canonical_level + log2(sqrt(width * height) / canonical_scale + 1e-6))``, clamped to
    ``[0, num_levels - 1]`` and computed in float64. A negative width or height counts as area 0.

    Args:
        boxes: As for :func:`roi_align`; a batch index is ignored.
        num_levels: Number of levels, at least 1.
        canonical_level: The level of a box of side `canonical_scale`.
        canonical_scale: That side, in pixels of the image.

    Returns:
        int64 ``[K]``: indices of levels, 0 the finest.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, or a coordinate that is not finite.

    Example:
        >>> import pyroi
        >>> pyroi.assign_levels([[0, 0, 60, 60], [0, 0, 112, 112], [0, 0, 400, 400]], 4)
        array([0, 1, 2])

    Source:
        T.-Y. Lin et al., "Feature Pyramid Networks for Object Detection", 2017, equation 1, where the default canonical
        level is 4, because that pyramid begins with P2. The 1e-6 compensates the rounding of sizes that lie exactly
        between two levels.
    """
    table = to_boxes(boxes, None)
    levels = _levels(to_integer(num_levels, "num_levels"), canonical_level, canonical_scale)
    result = np.empty(len(table), np.int64)
    native.call(
        lib.roi_assign_levels,
        levels,
        table.describe(),
        ffi.cast("int64_t *", result.__array_interface__["data"][0]),
        boxes=table,
        levels=num_levels,
        canonical_scale=canonical_scale,
    )
    return result
