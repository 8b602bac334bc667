"""Resizing of maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pyroi import native
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
    """A checked map resized to a checked size, which argument `name` has asked for."""
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
    mode: str = "nearest",
    align_corners: bool = False,
    scale_factor: float | Sequence[float] | None = None,
    antialias: bool = False,
) -> Array:
    """Resizes a map to a size, or by a factor.

    Positions along an axis of n pixels that becomes one of m advance by a step, which is n / m, or 1 / `scale_factor`,
    or (n - 1) / (m - 1) with `align_corners`. Pixel p of the result is

    ============== =====================================================================================================
    nearest        the pixel at floor(p * step)
    nearest-exact  the pixel at floor((p + 0.5) * step), the nearest one indeed
    bilinear       interpolated between the two pixels around (p + 0.5) * step - 0.5, or p * step with `align_corners`
    bicubic        the cubic through the four pixels around there, with a = -0.75
    area           the mean of the pixels from floor(p * n / m) to ceil((p + 1) * n / m): adaptive average pooling
    ============== =====================================================================================================

    Places beyond the border read the border. Positions are computed in the type computed in, for the two nearest modes
    in float32.

    Args:
        input: Map ``[N, C, H, W]``, as for :func:`roi_align`.
        size: ``(height, width)`` of the result, or one number for a square. Either this or `scale_factor` is given.
        mode: See above.
        align_corners: Keeps the centres of the corner pixels in place. Modes bilinear and bicubic alone have it.
        scale_factor: Factor for both sides, or one for each: ``(height, width)``. The result has floor(side * factor)
            pixels.
        antialias: Averages where the map gets smaller, over as many pixels as become one: bilinear with a triangle,
            bicubic with a cubic (a = -0.5), as Pillow does it. Modes bilinear and bicubic alone have it.

    Returns:
        ``[N, C, height, width]`` of the input's floating type. An empty map gives 0.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range; both or neither of `size` and `scale_factor`; `align_corners` or
            `antialias` with a mode that does not have it.
        MemoryError: The result does not fit in memory.

    Source:
        ``torch.nn.functional.interpolate``, whose definitions these are, also for `align_corners` together with
        `antialias` (which then changes the step and nothing else).
    """
    features = to_map(input, "input")
    asked, factors, name = _target(features, size, scale_factor)
    return resize_map(features, asked, mode, align_corners, antialias, factors, name)


def _target(features: Array, size: Any, scale_factor: Any) -> tuple[tuple[int, int], tuple[float, float], str]:
    """Size of the result, scale factors if there are any, and which argument has asked for it."""
    if size is not None and scale_factor is not None:
        raise ArgumentError("size", f"expected either size or scale_factor, got both ({size!r} and {scale_factor!r})")
    if size is not None:
        return to_size(size, "size"), _BY_SIZES, "size"
    if scale_factor is None:
        raise ArgumentError("size", "expected either size or scale_factor, got neither")
    factors = _to_factors(scale_factor)
    lengths = [side * factor for side, factor in zip(features.shape[2:], factors, strict=True)]
    if not all(map(math.isfinite, lengths)):
        raise ArgumentError("scale_factor", f"a result of shape {tuple(lengths)} is larger than any memory")
    return (math.floor(lengths[0]), math.floor(lengths[1])), factors, "scale_factor"


def _to_factors(value: Any) -> tuple[float, float]:
    """Finite factors above 0 for height and width: a size is made from them, before libroi sees them."""
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
    mode: str = "nearest",
    align_corners: bool = False,
    scale_factor: float | Sequence[float] | None = None,
    antialias: bool = False,
) -> Array:
    """The gradient of :func:`interpolate` for its input.

    Args:
        grad: Gradient of the result, ``[N, C, height, width]``.
        input_shape: ``(N, C, H, W)`` of the map.
        mode: As it was.
        align_corners: As it was.
        scale_factor: As it was; None where a size was given.
        antialias: As it was.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type. Bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`interpolate`.
        MemoryError: The result does not fit in memory.

    Source:
        The transpose of the linear map that :func:`interpolate` is.
    """
    grads = to_map(grad, "grad")
    factors = _BY_SIZES if scale_factor is None else _to_factors(scale_factor)
    return resize_map_backward(grads, to_input_shape(input_shape), mode, align_corners, antialias, factors)
