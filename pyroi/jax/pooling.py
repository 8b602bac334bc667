"""The operators that pool boxes from a feature map, with their gradients."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pyroi
from pyroi.align import MODES
from pyroi.argument_types import AlignMode
from pyroi.arrays import shape_text, to_size
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.jax.arguments import to_boxes, to_map
from pyroi.jax.operators import Operator, Shape, transposes

__all__ = ["multiscale_roi_align", "prroi_pool", "roi_align", "roi_align_rotated", "roi_pool"]

# Settings are checked by pyroi's own functions, called without boxes on a map of nothing.
_NOTHING = np.empty((0, 0, 0, 0), np.float32)


def _crops(shapes: list[Shape], dtypes: list[Any], *, output_size: Shape, **more: Any) -> list[tuple[Shape, Any]]:
    (count, _), (_, channels, *_) = shapes[:2]
    return [((count, channels, *output_size), dtypes[1])]


def _maps(shapes: list[Shape], dtypes: list[Any], *, input_shapes: tuple[Shape, ...], **more: Any) -> list[Any]:
    return [(shape, dtypes[1]) for shape in input_shapes]


def _to_maps(shapes: list[Shape], *, output_size: Shape, mode: int = 0, **settings: Any) -> dict[str, Any]:
    return {**settings, "input_shapes": tuple(shapes)}


def _to_crops(shapes: list[Shape], *, input_shapes: tuple[Shape, ...], **settings: Any) -> dict[str, Any]:
    return {**settings, "output_size": shapes[0][2:]}


# ---- Linear in the map -----------------------------------------------------------------------------------------------

_align = Operator("roi_align", [2, 4], _crops)
_align_backward = Operator("roi_align_backward", [2, 4], _maps)
_rotated = Operator("roi_align_rotated", [2, 4], _crops)
_rotated_backward = Operator("roi_align_rotated_backward", [2, 4], _maps)
_multiscale = Operator("multiscale_roi_align", [2, 4], _crops)
_multiscale_backward = Operator("multiscale_roi_align_backward", [2, 4], _maps)

transposes(_align, _align_backward, _to_maps, lambda shapes, **settings: {**_to_crops(shapes, **settings), "mode": 0})
transposes(_rotated, _rotated_backward, _to_maps, _to_crops)
transposes(_multiscale, _multiscale_backward, _to_maps, _to_crops)


def roi_align(
    input: Any,
    boxes: Any,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    mode: AlignMode = "avg",
) -> jax.Array:
    """Pools each box to a crop of fixed size; see :func:`pyroi.roi_align`.

    Args:
        input: Feature map ``[N, C, H, W]``: float32, float64 (if it is enabled in JAX), float16 or bfloat16; integers
            and booleans are read as float32.
        boxes: ``[K, 5]``, rows ``batch_index x1 y1 x2 y2``; or ``[K, 4]`` if N is 1; or a list of N arrays ``[L, 4]``.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scale: Size of the map divided by the size of the image.
        sampling_ratio: Number of samples per bin along each axis. With 0 or less, a bin has as many samples as pixels,
            rounded up.
        aligned: Whether to shift boxes by half a pixel, because the centre of pixel k lies at k + 0.5.
        mode: ``"avg"``, ``"max"`` or ``"max_corner"``; only ``"avg"`` has derivatives.

    Returns:
        Crops ``[K, C, height, width]`` of the input's floating type. They are differentiable in the map, at any order,
        in forward and reverse mode; the derivative with respect to the boxes is 0.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        jax.errors.JaxRuntimeError: While it is computed: a batch index that is not a whole number in [0, N), or a
            coordinate that is not finite, which is named with its row.
        NotImplementedError: The function is compiled for a platform other than the CPU.

    Example:
        >>> import jax.numpy as jnp, pyroi.jax as ops
        >>> map = jnp.arange(25.0).reshape(1, 1, 5, 5)
        >>> ops.roi_align(map, jnp.array([[1, 1, 3, 3.0]]), 2, sampling_ratio=2)
        Array([[[[ 6.,  7.],
                 [11., 12.]]]], dtype=float32)
    """
    features, rows = _to_operands(input, boxes)
    pyroi.roi_align(_NOTHING, [], output_size, spatial_scale, sampling_ratio, aligned, mode=mode)
    [crops] = _align(
        rows,
        features,
        output_size=to_size(output_size, "output_size"),
        spatial_scale=float(spatial_scale),
        sampling_ratio=int(sampling_ratio),
        aligned=bool(aligned),
        mode=MODES[mode],
    )
    return crops


def roi_align_rotated(
    input: Any,
    boxes: Any,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    clockwise: bool = False,
) -> jax.Array:
    """Pools each rotated box to an upright crop; see :func:`pyroi.roi_align_rotated`.

    Args:
        input: As for :func:`roi_align`.
        boxes: ``[K, 6]``, rows ``batch_index cx cy w h angle``; or ``[K, 5]`` if N is 1; or a list of N arrays
            ``[L, 5]``. Angles are in degrees.
        output_size: As for :func:`roi_align`.
        spatial_scale: As for :func:`roi_align`.
        sampling_ratio: As for :func:`roi_align`, at most 128.
        aligned: As for :func:`roi_align`.
        clockwise: Whether a positive angle is a clockwise rotation.

    Returns:
        Crops and derivatives as for :func:`roi_align`.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        jax.errors.JaxRuntimeError: As for :func:`roi_align`; or a side below 0.
        NotImplementedError: The function is compiled for a platform other than the CPU.

    Example:
        >>> import jax.numpy as jnp, pyroi.jax as ops
        >>> map = jnp.arange(25.0).reshape(1, 1, 5, 5)
        >>> ops.roi_align_rotated(map, jnp.array([[2.5, 2.5, 2, 2, 90]]), 2, sampling_ratio=2)
        Array([[[[14.,  9.],
                 [15., 10.]]]], dtype=float32)
    """
    features, rows = _to_operands(input, boxes, numbers=5)
    pyroi.roi_align_rotated(_NOTHING, [], output_size, spatial_scale, sampling_ratio, aligned, clockwise=clockwise)
    [crops] = _rotated(
        rows,
        features,
        output_size=to_size(output_size, "output_size"),
        spatial_scale=float(spatial_scale),
        sampling_ratio=int(sampling_ratio),
        aligned=bool(aligned),
        clockwise=bool(clockwise),
    )
    return crops


def multiscale_roi_align(
    features: Sequence[Any],
    boxes: Any,
    output_size: int | Sequence[int],
    spatial_scales: Sequence[float],
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    canonical_level: int = 2,
    canonical_scale: float = 224,
) -> jax.Array:
    """Pools each box from the level of a feature pyramid that suits its size; see :func:`pyroi.multiscale_roi_align`.

    Args:
        features: The levels, finest first, at most 60: maps ``[N, C, H_l, W_l]`` of the same N, C and type.
        boxes: As for :func:`roi_align`, in pixels of the image.
        output_size: As for :func:`roi_align`.
        spatial_scales: The spatial scale of each level: its size divided by the size of the image.
        sampling_ratio: As for :func:`roi_align`.
        aligned: As for :func:`roi_align`.
        canonical_level: The index in `features` from which a box of side `canonical_scale` is pooled.
        canonical_scale: That side, in pixels of the image.

    Returns:
        Crops ``[K, C, height, width]``, with the derivatives of :func:`roi_align` for each level.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, or levels that differ in N, C or type.
        jax.errors.JaxRuntimeError: As for :func:`roi_align`.
        NotImplementedError: The function is compiled for a platform other than the CPU.

    Example:
        >>> import jax.numpy as jnp, pyroi.jax as ops
        >>> pyramid = [jnp.full((1, 1, 256 // s, 256 // s), float(s)) for s in (4, 8, 16, 32)]
        >>> boxes = jnp.array([[0, 0, 120, 120], [0, 0, 30, 30.0]])
        >>> ops.multiscale_roi_align(pyramid, boxes, 1, [1 / 4, 1 / 8, 1 / 16, 1 / 32]).ravel()
        Array([8., 4.], dtype=float32)
    """
    maps = _to_levels(features)
    rows = to_boxes(boxes, maps[0].shape[0])
    pyroi.multiscale_roi_align(
        [_NOTHING] * len(maps),
        [],
        output_size,
        spatial_scales,
        sampling_ratio,
        aligned,
        canonical_level=canonical_level,
        canonical_scale=canonical_scale,
    )
    [crops] = _multiscale(
        rows,
        *maps,
        output_size=to_size(output_size, "output_size"),
        spatial_scales=tuple(map(float, spatial_scales)),
        sampling_ratio=int(sampling_ratio),
        aligned=bool(aligned),
        canonical_level=int(canonical_level),
        canonical_scale=float(canonical_scale),
    )
    return crops


def _to_operands(input: Any, boxes: Any, numbers: int = 4) -> tuple[jax.Array, jax.Array]:
    features = to_map(input, "input")
    return features, to_boxes(boxes, features.shape[0], numbers)


_MOST_LEVELS = 60  # a handler has room for 64 operands


def _to_levels(features: Any) -> list[jax.Array]:
    if not isinstance(features, (list, tuple)):
        raise ArgumentTypeError("features", f"expected a list of maps, got {type(features).__name__}")
    if not 1 <= len(features) <= _MOST_LEVELS:
        raise ArgumentError("features", f"expected 1 to {_MOST_LEVELS} levels, got {len(features)}")
    maps = [to_map(level, "features") for level in features]
    for index, level in enumerate(maps):
        if level.shape[:2] != maps[0].shape[:2] or level.dtype != maps[0].dtype:
            raise ArgumentError(
                "features",
                "all levels must have the same N, C and type: "
                f"level 0 is {maps[0].dtype} {shape_text(maps[0].shape)}, "
                f"level {index} is {level.dtype} {shape_text(level.shape)}",
            )
    return maps


# ---- Maxima ----------------------------------------------------------------------------------------------------------

_pool = Operator(
    "roi_pool",
    [2, 4],
    lambda shapes, dtypes, **settings: [
        *(crops := _crops(shapes, dtypes, **settings)),
        ((*crops[0][0], 2), np.dtype(np.int32)),
    ],
)
_pool_backward = Operator("roi_pool_backward", [2, 4, 5], _maps)


def roi_pool(input: Any, boxes: Any, output_size: int | Sequence[int], spatial_scale: float = 1.0) -> jax.Array:
    """Pools each box by the largest pixel of each bin; see :func:`pyroi.roi_pool`.

    Args:
        input: As for :func:`roi_align`.
        boxes: As for :func:`roi_align`.
        output_size: As for :func:`roi_align`.
        spatial_scale: As for :func:`roi_align`.

    Returns:
        Crops ``[K, C, height, width]`` of the input's floating type, differentiable once, in reverse mode, for the map.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        jax.errors.JaxRuntimeError: As for :func:`roi_align`.
        NotImplementedError: The function is compiled for a platform other than the CPU.

    Example:
        >>> import jax.numpy as jnp, pyroi.jax as ops
        >>> map = jnp.arange(64.0).reshape(1, 1, 8, 8)
        >>> ops.roi_pool(map, jnp.array([[0, 0, 6, 6.0]]), 2)
        Array([[[[27., 30.],
                 [51., 54.]]]], dtype=float32)
    """
    features, rows = _to_operands(input, boxes)
    pyroi.roi_pool(_NOTHING, [], output_size, spatial_scale)
    return _pooled(features, rows, to_size(output_size, "output_size"), float(spatial_scale))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _pooled(features: Any, rows: Any, output_size: Shape, spatial_scale: float) -> Any:
    return _pool(rows, features, output_size=output_size, spatial_scale=spatial_scale)[0]


def _pooled_forward(features: Any, rows: Any, output_size: Shape, spatial_scale: float) -> Any:
    crops, places = _pool(rows, features, output_size=output_size, spatial_scale=spatial_scale)
    return crops, (rows, places, features)


def _pooled_backward(output_size: Shape, spatial_scale: float, kept: Any, grad: Any) -> Any:
    rows, places, features = kept
    shapes = (tuple(features.shape),)
    [of_map] = _pool_backward(rows, grad, places, input_shapes=shapes, spatial_scale=spatial_scale)
    return of_map, jnp.zeros_like(rows)


_pooled.defvjp(_pooled_forward, _pooled_backward)


# ---- Integrals -------------------------------------------------------------------------------------------------------

_prroi = Operator("prroi_pool", [2, 4], _crops)
_prroi_backward = Operator(
    "prroi_pool_backward",
    [2, 4, 4],
    lambda shapes, dtypes, **_: [(shapes[2], dtypes[2]), (shapes[0], dtypes[0])],
)


def prroi_pool(input: Any, boxes: Any, output_size: int | Sequence[int], spatial_scale: float = 1.0) -> jax.Array:
    """Pools each box by the integral of the bilinear surface, without sampling; see :func:`pyroi.prroi_pool`.

    Args:
        input: As for :func:`roi_align`.
        boxes: As for :func:`roi_align`. A box without area gives 0.
        output_size: As for :func:`roi_align`.
        spatial_scale: As for :func:`roi_align`.

    Returns:
        Crops ``[K, C, height, width]`` of the input's floating type, differentiable once, in reverse mode, for the map
        and for the corners of the boxes.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        jax.errors.JaxRuntimeError: As for :func:`roi_align`.
        NotImplementedError: The function is compiled for a platform other than the CPU.

    Example:
        >>> import jax, jax.numpy as jnp, pyroi.jax as ops
        >>> map = jnp.arange(25.0).reshape(1, 1, 5, 5)
        >>> of_boxes = jax.grad(lambda boxes: ops.prroi_pool(map, boxes, 1).sum())
        >>> of_boxes(jnp.array([[1, 1, 3, 3.0]]))
        Array([[0.5, 2.5, 0.5, 2.5]], dtype=float32)
    """
    features, rows = _to_operands(input, boxes)
    pyroi.prroi_pool(_NOTHING, [], output_size, spatial_scale)
    return _integrated(features, rows, to_size(output_size, "output_size"), float(spatial_scale))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _integrated(features: Any, rows: Any, output_size: Shape, spatial_scale: float) -> Any:
    return _prroi(rows, features, output_size=output_size, spatial_scale=spatial_scale)[0]


def _integrated_forward(features: Any, rows: Any, output_size: Shape, spatial_scale: float) -> Any:
    return _integrated(features, rows, output_size, spatial_scale), (rows, features)


def _integrated_backward(output_size: Shape, spatial_scale: float, kept: Any, grad: Any) -> Any:
    rows, features = kept
    return tuple(_prroi_backward(rows, grad, features, spatial_scale=spatial_scale))


_integrated.defvjp(_integrated_forward, _integrated_backward)
