"""Upsampling: torch::interpolate under the names of network layers, and pixel_shuffle."""

from __future__ import annotations

import dataclasses

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common_maps import GROUP, MAP
from tclcmd.commands.interpolate import (
    ALIGN_CORNERS,
    ANTIALIAS,
    FORMED,
    SCALE_FACTOR,
    SIZE,
    Factor,
    Sized,
    interpolate,
)
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Integer, Tensor
from tclcmd.values import sizes

OUTPUT_SIZE = dataclasses.replace(SIZE, name="output_size", aliases=("size",))

#: Argument of torch::interpolate -> the parameter here to which its errors refer. The command sets the mode.
CALLED = {"size": "output_size", "mode": "input"}


def _orders(*others: str) -> tuple[tuple[str, ...], ...]:
    """The positional orders: integers are a size, other numbers scale factors."""
    return ("input", "output_size", *others), ("input", "scale_factor", *others)


@command(
    FORMED,
    OUTPUT_SIZE,
    SCALE_FACTOR,
    group=GROUP,
    forms=_orders(),
    returns="A tensor of the map's floating type, with the requested size.",
    examples=("set map [torch::rand {1 3 30 40}]\nputs [torch::tensor_shape [torch::upsample_nearest $map {60 80}]]",),
    see_also=("interpolate", "upsample_bilinear"),
)
def upsample_nearest(input: Array, output_size: Sized, scale_factor: Factor) -> Array:
    """Resizes a feature map by nearest neighbours: torch::interpolate with mode nearest.

    In the second position, integers are a size, and numbers with a decimal point are scale factors.
    """
    return _resized(input, output_size, "nearest", False, scale_factor, False)


@command(
    MAP,
    OUTPUT_SIZE,
    SCALE_FACTOR,
    ALIGN_CORNERS,
    ANTIALIAS,
    group=GROUP,
    forms=_orders("align_corners", "antialias"),
    returns="A tensor [N, C, height, width] of the map's floating type.",
    examples=("set map [torch::rand {1 3 30 40}]\nputs [torch::tensor_shape [torch::upsample_bilinear $map 2.0]]",),
    see_also=("interpolate", "upsample_nearest"),
)
def upsample_bilinear(
    input: Array, output_size: Sized, scale_factor: Factor, align_corners: bool, antialias: bool
) -> Array:
    """Resizes a feature map by bilinear interpolation: torch::interpolate with mode bilinear.

    In the second position, integers are a size, and numbers with a decimal point are scale factors.
    """
    return _resized(input, output_size, "bilinear", align_corners, scale_factor, antialias)


def _resized(input: Array, size: Sized, mode: str, align_corners: bool, scale_factor: Factor, antialias: bool) -> Array:
    try:
        return interpolate(input, size, mode, align_corners, scale_factor, antialias)
    except ArgumentError as error:
        raise ArgumentError(CALLED.get(error.argument, error.argument), error.rule) from None


@command(
    Parameter("input", Tensor(), "The feature map, [..., C * r * r, H, W]."),
    Parameter("upscale_factor", Integer(at_least=1), "The factor r by which height and width are multiplied."),
    group=GROUP,
    returns="A tensor [..., C, H * r, W * r] of the map's type.",
    examples=("set map [torch::rand {1 8 5 6}]\nputs [torch::tensor_shape [torch::pixel_shuffle $map 2]]",),
    see_also=("upsample_nearest", "interpolate"),
)
def pixel_shuffle(input: Array, upscale_factor: int) -> Array:
    """Rearranges each group of r * r channels into squares of r by r pixels.

    Pixel (y, x) of channel c is pixel (y / r, x / r) of channel c * r * r + (y mod r) * r + x mod r.
    """
    if input.ndim < 3:
        raise ArgumentError("input", f"expected [..., C, H, W], got {shape_text(input.shape)}")
    *others, channels, height, width = input.shape
    factor = upscale_factor
    if channels % (factor * factor):
        rule = f"expected a number of channels that {factor * factor} divides, got {shape_text(input.shape)}"
        raise ArgumentError("input", rule)
    shape = (*others, channels // (factor * factor), height * factor, width * factor)
    sizes.check_shape(shape, input.dtype, "upscale_factor")
    if 0 in shape:
        return input.reshape(shape)
    squares = input.reshape(-1, factor, factor, height, width)
    return squares.transpose(0, 3, 1, 4, 2).reshape(shape)
