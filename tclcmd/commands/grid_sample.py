"""Grid sampling: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_maps import GROUP, MAP
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Integers, TensorOrNumbers, choice

BORDERS = Parameter(
    "align_corners",
    Boolean(),
    "Whether -1 and 1 refer to the centres of the outermost pixels instead of the borders of the map.",
    default=False,
)

command(
    MAP,
    Parameter("grid", TensorOrNumbers(), "The points, [N, height, width, 2], each as x, y."),
    Parameter(
        "mode", choice("bilinear", "nearest", "bicubic"), "How the map is interpolated at a point.", default="bilinear"
    ),
    Parameter(
        "padding_mode",
        choice("zeros", "border", "reflection"),
        "The value at a point outside the map: 0, the nearest pixel of the border, or the pixel at its mirror image.",
        default="zeros",
    ),
    BORDERS,
    group=GROUP,
    summary="Samples a feature map at the points of a grid.",
    description="Coordinates are normalized: -1 is the left or upper border of the map, and 1 the right or lower one. "
    "With alignCorners, they are the centres of the outermost pixels. nearest rounds halves to even; bicubic is cubic "
    "convolution of four pixels along each axis with a = -0.75.\n\nNaN in a grid counts as -1. With reflection, "
    "infinity counts as -1 too, because it has no mirror image.",
    returns="A tensor [N, C, height, width] of the map's floating type.",
    examples=(
        "set map [torch::rand {1 3 30 40}]\n"
        "set grid [torch::affine_grid {{{0 -1 0} {1 0 0}}} {1 3 40 30}]\n"
        "set turned [torch::grid_sample $map $grid]\n"
        "puts [torch::tensor_shape $turned]",
    ),
    see_also=("affine_grid", "interpolate"),
)(pyroi.grid_sample)

command(
    Parameter(
        "theta",
        TensorOrNumbers((0, 2, 3)),
        "A 2x3 matrix for each image, [N, 2, 3], which maps a point of the result, (x, y, 1), to a point of the input.",
    ),
    Parameter("size", Integers(), "The shape of the result, {N C height width}."),
    BORDERS,
    group=GROUP,
    takes_device=True,
    summary="Computes the grid with which torch::grid_sample applies affine transforms to images.",
    description="torch::grid_sample must get the same alignCorners. If a side has one pixel, its centre is at 0.",
    returns="A tensor [N, height, width, 2] of theta's floating type.",
    examples=(
        "# The left half, upside down.\n"
        "set grid [torch::affine_grid {{{0.5 0 -0.5} {0 -1 0}}} {1 1 2 2}]\n"
        "puts [torch::tensor_print $grid]",
    ),
    see_also=("grid_sample",),
)(pyroi.affine_grid)
