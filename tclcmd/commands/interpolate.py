"""Resizing of maps and images: pyroi's functions as commands, one row each."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

import pyroi
from pyroi.argument_types import ResizeMode
from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common_maps import GRAD, GROUP, IMAGE, INPUT_SHAPE
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Factors, OptionalSize, Size, Tensor, choice
from tclcmd.values import sizes

#: One number for all sides, or one for each.
Sized = int | tuple[int, ...] | None
Factor = float | tuple[float, ...] | None

FORMED = Parameter("input", Tensor(), "The feature map: [N, C, H, W], [N, C, L], or [N, C, D, H, W].")
SIZE = Parameter(
    "size",
    OptionalSize(),
    "The size of each side of the result, or one number for all sides. It is left off, or {}, if a scale factor is "
    "given.",
    default=None,
)
ALIGN_CORNERS = Parameter(
    "align_corners",
    Boolean(),
    "Map the centres of the corner pixels onto each other; only for the linear modes and bicubic.",
    default=False,
)
SCALE_FACTOR = Parameter(
    "scale_factor",
    Factors(),
    "The factor by which to scale all sides, or one factor for each side, in place of a size.",
    default=None,
)
ANTIALIAS = Parameter(
    "antialias",
    Boolean(),
    "When the map is made smaller, widen the filter so that all pixels contribute; only for bilinear and bicubic.",
    default=False,
)

#: Number of sides -> form of a map.
FORMS = {1: "[N, C, L]", 2: "[N, C, H, W]", 3: "[N, C, D, H, W]"}

#: Mode -> the number of sides that it is defined for; other modes are defined for any.
SIDES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def _mode(default: str, *others: str) -> Parameter:
    """The parameter ``mode``."""
    words = choice("nearest", "nearest-exact", "bilinear", "bicubic", "area", *others)
    return Parameter("mode", words, "The method of interpolation.", default=default)


@command(
    FORMED,
    SIZE,
    _mode("nearest", "linear", "trilinear"),
    ALIGN_CORNERS,
    SCALE_FACTOR,
    ANTIALIAS,
    group=GROUP,
    returns="A tensor of the map's floating type, with the requested size.",
    examples=(
        "set map [torch::rand {1 3 30 40}]\n"
        "set large [torch::interpolate $map {60 80} bilinear]\n"
        "set small [torch::interpolate -input $map -scaleFactor 0.5 -mode bicubic -antialias true]\n"
        "puts [torch::tensor_shape $small]",
        "set signal [torch::rand {1 2 100}]\nputs [torch::tensor_shape [torch::interpolate $signal 150 linear]]",
    ),
    see_also=("interpolate_backward", "resize_image", "upsample_bilinear", "adaptive_avg_pool2d", "grid_sample"),
)
def interpolate(
    input: Array, size: Sized, mode: str, align_corners: bool, scale_factor: Factor, antialias: bool
) -> Array:
    """Resizes a feature map to a size, or by a scale factor.

    nearest takes the pixel at floor(p * step), and nearest-exact the pixel whose centre is nearest. bilinear
    interpolates between two pixels along each axis, and bicubic between four. area computes torch::adaptive_avg_pool2d.
    Points beyond the border take the pixel at the border.

    Exactly one of size and scale factor must be given. With a factor, a side of the result has floor(side * factor)
    pixels.

    The linear mode is called linear for maps [N, C, L] and trilinear for maps [N, C, D, H, W]; bicubic and antialias
    are defined for [N, C, H, W]. A map [N, C, L] is resized as a map of height 1. A map [N, C, D, H, W] is resized in
    two passes, first its planes and then its depth, so that its results are rounded twice.
    """
    sides = input.ndim - 2
    if sides not in FORMS:
        expected = f"{FORMS[2]}, {FORMS[1]} or {FORMS[3]}"
        raise ArgumentError("input", f"expected {expected}, got {shape_text(input.shape)}")
    if SIDES.get(mode, sides) != sides:
        raise ArgumentError("mode", f"{mode} is for maps {FORMS[SIDES[mode]]}, got one of {shape_text(input.shape)}")
    if sides == 2:
        return pyroi.interpolate(input, size, cast(ResizeMode, mode), align_corners, scale_factor, antialias)
    if antialias:
        raise ArgumentError("antialias", f"is defined for maps {FORMS[2]} only, got one of {shape_text(input.shape)}")
    if (size is None) == (scale_factor is None):
        got = "neither" if size is None else "both"
        raise ArgumentError("size", f"expected either size or scale_factor, got {got}")
    asked = None if size is None else _asked_sides(size, sides)
    factors = None if scale_factor is None else _asked_factors(scale_factor, input.shape[2:])
    planar = cast(ResizeMode, "bilinear" if mode in SIDES else mode)
    return (_resize_lines if sides == 1 else _resize_volumes)(input, asked, planar, align_corners, factors)


def _asked_sides(size: int | tuple[int, ...], sides: int) -> tuple[int, ...]:
    each = (size,) * sides if isinstance(size, int) else size
    if len(each) != sides or min(each) < 0:
        rule = f"expected one integer of 0 or more for all sides of {FORMS[sides]}, or one for each, got {each}"
        raise ArgumentError("size", rule)
    return each


def _asked_factors(factor: float | tuple[float, ...], lengths: tuple[int, ...]) -> tuple[float, ...]:
    sides = len(lengths)
    each = factor if isinstance(factor, tuple) else (factor,) * sides
    if len(each) != sides or min(each) <= 0:
        rule = f"expected one number above 0 for all sides of {FORMS[sides]}, or one for each, got {each}"
        raise ArgumentError("scale_factor", rule)
    if not all(math.isfinite(length * one) for length, one in zip(lengths, each, strict=True)):
        raise ArgumentError("scale_factor", f"with {each}, the result exceeds the address space")
    return each


#: Sizes, or scale factors, one of which is None.
Asked = tuple[int, ...] | None
Factored = tuple[float, ...] | None


def _resize_lines(input: Array, asked: Asked, mode: ResizeMode, align_corners: bool, factors: Factored) -> Array:
    """Resizes maps [N, C, L] as maps of height 1."""
    size, factor = asked and (1, *asked), factors and (1.0, *factors)
    return pyroi.interpolate(input[:, :, np.newaxis], size, mode, align_corners, factor)[:, :, 0]


def _resize_volumes(input: Array, asked: Asked, mode: ResizeMode, align_corners: bool, factors: Factored) -> Array:
    """Resizes maps [N, C, D, H, W] in two passes.

    In the first pass, every plane is a channel; in the second one, every pixel of a plane is a channel of a map of
    height D and width 1. The result is a view of that map.
    """
    images, channels, depth = input.shape[:3]
    sizes.check_shape(input.shape, np.float64, "input")
    planes = input.reshape(images, channels * depth, *input.shape[3:])
    planes = pyroi.interpolate(planes, asked and asked[1:], mode, align_corners, factors and factors[1:])
    height, width = planes.shape[2:]
    columns = planes.reshape(images * channels, depth, height * width).swapaxes(1, 2)[..., np.newaxis]
    size, factor = asked and (asked[0], 1), factors and (factors[0], 1.0)
    columns = pyroi.interpolate(columns, size, mode, align_corners, factor)
    return columns[..., 0].swapaxes(1, 2).reshape(images, channels, columns.shape[2], height, width)


command(
    GRAD,
    INPUT_SHAPE,
    _mode("nearest"),
    ALIGN_CORNERS,
    SCALE_FACTOR,
    ANTIALIAS,
    group=GROUP,
    summary="The gradient of torch::interpolate for its input.",
    description="The parameters are those of the forward call. A scale factor is given only if the forward call had "
    "one. The bits of the result do not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(
        "set grad [torch::ones {1 1 4 4}]\n"
        "puts [torch::tensor_print [torch::interpolate_backward $grad {1 1 2 2} bilinear]]",
    ),
    see_also=("interpolate",),
)(pyroi.interpolate_backward)

command(
    IMAGE,
    Parameter("size", Size(), "Height and width of the result, or one number for a square."),
    _mode("bilinear"),
    ALIGN_CORNERS,
    group=GROUP,
    summary="Resizes one image or a batch of images.",
    description="The same as torch::interpolate, which describes the modes, except that the default mode is bilinear "
    "and that there are no scale factors.",
    returns="A tensor [C, height, width] or [N, C, height, width] of the image's floating type.",
    examples=("puts [torch::tensor_shape [torch::resize_image [torch::rand {3 48 64}] {24 32}]]",),
    see_also=("interpolate", "normalize_image", "image_read", "image_write"),
)(pyroi.resize_image)
