"""Grid sampling: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_maps import GROUP, MAP
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Integers, TensorOrNumbers, choice

BORDERS = Parameter(
    "align_corners",
    Boolean(),
    "Whether -1 and 1 are the centres of the outermost pixels, not the borders of the map.",
    default=False,
)

command(
    MAP,
    Parameter("grid", TensorOrNumbers(), "Points, [N, height, width, 2], x before y."),
    Parameter("mode", choice("bilinear", "nearest", "bicubic"), "How a point is read.", default="bilinear"),
    Parameter(
        "padding_mode",
        choice("zeros", "border", "reflection"),
        "What a place outside the map reads: 0, the nearest pixel, or its mirror image.",
        default="zeros",
    ),
    BORDERS,
    group=GROUP,
    summary="Reads a map at the points of a grid.",
    description="A point (x, y) has -1 at the left and upper border of the map and 1 at the right and lower one; with "
    "alignCorners these are the centres of the outermost pixels. nearest rounds half to even, and bicubic is the cubic "
    "through four pixels along each axis with a = -0.75.\n\n"
    "NaN in a grid counts as -1, and so does infinity under reflection, where it has no image.",
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
        "For each image a 2x3 matrix, [N, 2, 3]: where a pixel of the result, (x, y, 1), lies in the input.",
    ),
    Parameter("size", Integers(), "The sizes of the result, {N C height width}."),
    BORDERS,
    group=GROUP,
    takes_device=True,
    summary="The grid by which torch::grid_sample maps images by affine maps.",
    description="Give torch::grid_sample the same alignCorners. The centre of the only pixel of a side is 0.",
    returns="A tensor [N, height, width, 2] of theta's floating type.",
    examples=(
        "# The left half, upside down.\n"
        "set grid [torch::affine_grid {{{0.5 0 -0.5} {0 -1 0}}} {1 1 2 2}]\n"
        "puts [torch::tensor_print $grid]",
    ),
    see_also=("grid_sample",),
)(pyroi.affine_grid)
