"""Resizing of maps and images: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_maps import GRAD, GROUP, IMAGE, INPUT_SHAPE, MAP
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Factors, OptionalSize, Size, choice

ALIGN_CORNERS = Parameter(
    "align_corners",
    Boolean(),
    "Keep the centres of the corner pixels where they are; for bilinear and bicubic.",
    default=False,
)
SCALE_FACTOR = Parameter(
    "scale_factor",
    Factors(),
    "By how much both sides grow, or height and width each, in place of a size.",
    default=None,
)
ANTIALIAS = Parameter(
    "antialias",
    Boolean(),
    "Where the map gets smaller, average as many pixels as become one; for bilinear and bicubic.",
    default=False,
)


def _mode(default: str) -> Parameter:
    """The parameter ``mode``."""
    words = choice("nearest", "nearest-exact", "bilinear", "bicubic", "area")
    return Parameter("mode", words, "How a pixel is made of those around its place.", default=default)


command(
    MAP,
    Parameter(
        "size",
        OptionalSize(),
        "Height and width of the result, or one number for a square; left off, or {}, where a scale factor is given.",
        default=None,
    ),
    _mode("nearest"),
    ALIGN_CORNERS,
    SCALE_FACTOR,
    ANTIALIAS,
    group=GROUP,
    summary="Resizes a map to a size, or by a factor.",
    description="nearest takes the pixel at floor(p * step) and nearest-exact the nearest one indeed; bilinear mixes "
    "the two pixels around a place, and bicubic four, along each axis; area is the mean of "
    "torch::adaptive_avg_pool2d. Places beyond the border read the border.\n\n"
    "A size or a scale factor is to be given, not both. By a factor, a side gets floor(side * factor) pixels.",
    returns="A tensor [N, C, height, width] of the map's floating type.",
    examples=(
        "set map [torch::rand {1 3 30 40}]\n"
        "set large [torch::interpolate $map {60 80} bilinear]\n"
        "set small [torch::interpolate -input $map -scaleFactor 0.5 -mode bicubic -antialias true]\n"
        "puts [torch::tensor_shape $small]",
    ),
    see_also=("interpolate_backward", "resize_image", "adaptive_avg_pool2d", "grid_sample"),
)(pyroi.interpolate)

command(
    GRAD,
    INPUT_SHAPE,
    _mode("nearest"),
    ALIGN_CORNERS,
    SCALE_FACTOR,
    ANTIALIAS,
    group=GROUP,
    summary="The gradient of torch::interpolate for its input.",
    description="The parameters are those of the forward call; a scale factor only where that had one. The bits of the "
    "result do not depend on the number of threads.",
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
    summary="Resizes one image or several.",
    description="As torch::interpolate, which has the modes, with another default and without scale factors.",
    returns="A tensor [C, height, width] or [N, C, height, width] of the image's floating type.",
    examples=("puts [torch::tensor_shape [torch::resize_image [torch::rand {3 48 64}] {24 32}]]",),
    see_also=("interpolate", "normalize_image", "image_read", "image_write"),
)(pyroi.resize_image)
