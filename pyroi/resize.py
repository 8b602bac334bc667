"""Interpolation: resizes feature maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import ResizeMode
from pyroi.arrays import (
    Array,
    choice,
    describe,
    is_list,
    new_map,
    shape_text,
    to_flag,
    to_input_shape,
    to_map,
    to_number,
    to_size,
)
from pyroi.errors import ArgumentError
from pyroi.memory import retrying
from pyroi.native import ffi, lib

__all__ = ["interpolate", "interpolate_backward", "resize_map", "resize_map_backward"]

_MODES = {
    "nearest": lib.ROI_NEAREST,
    "nearest-exact": lib.ROI_NEAREST_EXACT,
    "bilinear": lib.ROI_BILINEAR,
    "bicubic": lib.ROI_BICUBIC,
    "area": lib.ROI_AREA,
}

_BY_SIZES = (0.0, 0.0)  # no scale factors


def _params(mode: Any, align_corners: Any, antialias: Any, factors: tuple[float, float]) -> Any:
    return ffi.new(
        "roi_resize_params *",
        (
            ffi.sizeof("roi_resize_params"),
            choice(mode, "mode", _MODES),
            to_flag(align_corners, "align_corners"),
            to_flag(antialias, "antialias"),
            *factors,
            native.cancel_flag(),
        ),
    )


def resize_map(
    features: Array,
    size: tuple[int, int],
    mode: Any,
    align_corners: Any = False,
    antialias: Any = False,
    factors: tuple[float, float] = _BY_SIZES,
    name: str = "size",
) -> Array:
    """Resizes a checked map to a checked size, which comes from the argument `name`."""
    params = _params(mode, align_corners, antialias, factors)
    result = new_map((*features.shape[:2], *size), features.dtype, name)
    native.call(lib.roi_resize, params, describe(features), describe(result), mode=mode, scale_factor=factors)
    return result


def resize_map_backward(
    grads: Array,
    shape: tuple[int, ...],
    mode: Any,
    align_corners: Any = False,
    antialias: Any = False,
    factors: tuple[float, float] = _BY_SIZES,
) -> Array:
    """The gradient of :func:`resize_map` for a map of this shape."""
    params = _params(mode, align_corners, antialias, factors)
    if grads.shape[:2] != shape[:2]:
        rule = f"expected [{shape[0]}, {shape[1]}, height, width] for input_shape {shape_text(shape)}"
        raise ArgumentError("grad", f"{rule}, got {shape_text(grads.shape)}")
    result = new_map(shape, grads.dtype, "input_shape")
    native.call(lib.roi_resize_backward, params, describe(grads), describe(result), mode=mode, scale_factor=factors)
    return result


@retrying
def interpolate(
    input: npt.ArrayLike,
    size: int | Sequence[int] | None = None,
    mode: ResizeMode = "nearest",
    align_corners: bool = False,
    scale_factor: float | Sequence[float] | None = None,
    antialias: bool = False,
) -> Array:
    """Resizes a feature map to a size, or by a scale factor.

    Where n pixels along an axis become m pixels, the step is n / m, or 1 / `scale_factor`, or (n - 1) / (m - 1) with
    `align_corners`. Pixel p of the result is

    ============== =====================================================================================================
    nearest        the pixel at floor(p * step)
    nearest-exact  the pixel at floor((p + 0.5) * step), whose centre is nearest
    bilinear       linear interpolation of two pixels around (p + 0.5) * step - 0.5, or p * step with `align_corners`
    bicubic        cubic interpolation of the four pixels around it, with a = -0.75
    area           the mean of the pixels from floor(p * n / m) to ceil((p + 1) * n / m): adaptive average pooling
    ============== =====================================================================================================

    A position outside the map has the value of the nearest pixel. Positions are computed in float64 for a float64 map,
    and otherwise in float32. The two nearest modes always use float32.

    Args:
        input: Feature map ``[N, C, H, W]``, as for :func:`roi_align`.
        size: ``(height, width)`` of the result, or one number for a square. Exactly one of `size` and `scale_factor`
            must be given.
        mode: One of the above.
        align_corners: Whether the centres of the corner pixels keep their positions; for bilinear and bicubic only.
        scale_factor: Factor for both sides, or a pair for ``(height, width)``. A side of the result has floor(side *
            factor) pixels.
        antialias: Whether to widen the filter by the step when the map is made smaller, as Pillow does. The filter is a
            triangle for bilinear and a cubic (a = -0.5) for bicubic; other modes do not support it.

    Returns:
        ``[N, C, height, width]`` of the input's floating type. An empty map gives 0.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range; both or neither of `size` and `scale_factor`; `align_corners` or
            `antialias` with another mode.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.array([0.0, 10, 20, 30]).reshape(1, 1, 1, 4)
        >>> pyroi.interpolate(map, (1, 2), "area")
        array([[[[ 5., 25.]]]])

    Source:
        The definitions of ``torch.nn.functional.interpolate``, also for `align_corners` together with `antialias`,
        where `align_corners` changes only the step.
    """
    features = to_map(input, "input")
    asked, factors, name = _target(features, size, scale_factor)
    return resize_map(features, asked, mode, align_corners, antialias, factors, name)


def _target(features: Array, size: Any, scale_factor: Any) -> tuple[tuple[int, int], tuple[float, float], str]:
    """The size of the result, the scale factors if given, and the name of the argument that determines the size."""
    if size is not None and scale_factor is not None:
        raise ArgumentError("size", f"expected either size or scale_factor, got both ({size!r} and {scale_factor!r})")
    if size is not None:
        return to_size(size, "size"), _BY_SIZES, "size"
    if scale_factor is None:
        raise ArgumentError("size", "expected either size or scale_factor, got neither")
    factors = _to_factors(scale_factor)
    lengths = [side * factor for side, factor in zip(features.shape[2:], factors, strict=True)]
    if not all(map(math.isfinite, lengths)):
        raise ArgumentError("scale_factor", f"a result of shape {tuple(lengths)} exceeds the address space")
    return (math.floor(lengths[0]), math.floor(lengths[1])), factors, "scale_factor"


def _to_factors(value: Any) -> tuple[float, float]:
    """The factors for height and width. They are checked here, since the size of the result depends on them."""
    if not is_list(value):
        value = (value, value)
    if len(value) != 2:
        raise ArgumentError("scale_factor", f"expected one number or (height, width), got {tuple(value)}")
    height, width = (to_number(factor, "scale_factor") for factor in value)
    if not (0 < height < math.inf and 0 < width < math.inf):
        raise ArgumentError("scale_factor", f"expected finite numbers above 0, got ({height}, {width})")
    return height, width


@retrying
def interpolate_backward(
    grad: npt.ArrayLike,
    input_shape: Sequence[int],
    mode: ResizeMode = "nearest",
    align_corners: bool = False,
    scale_factor: float | Sequence[float] | None = None,
    antialias: bool = False,
) -> Array:
    """The gradient of :func:`interpolate` for its input.

    Args:
        grad: Gradient of the result, ``[N, C, height, width]``.
        input_shape: ``(N, C, H, W)`` of the map.
        mode: As given to :func:`interpolate`.
        align_corners: As given to :func:`interpolate`.
        scale_factor: As given to :func:`interpolate`; None if a size was given.
        antialias: As given to :func:`interpolate`.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type. Its bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`interpolate`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> pyroi.interpolate_backward(np.ones((1, 1, 1, 8)), (1, 1, 1, 4), "bilinear")
        array([[[[2., 2., 2., 2.]]]])

    Source:
        The transpose of :func:`interpolate`, which is linear in its input.
    """
    grads = to_map(grad, "grad")
    factors = _BY_SIZES if scale_factor is None else _to_factors(scale_factor)
    return resize_map_backward(grads, to_input_shape(input_shape), mode, align_corners, antialias, factors)
