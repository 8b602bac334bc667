"""Precise RoI pooling: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_pooling import BOXES, GRAD, GROUP, MAP, OUTPUT_SIZE, SETUP, SPATIAL_SCALE
from tclcmd.language.declare import command

command(
    MAP,
    BOXES,
    OUTPUT_SIZE,
    SPATIAL_SCALE,
    group=GROUP,
    summary="Crops of fixed size from boxes, by integration instead of samples.",
    description="Between its pixels the map is a bilinear surface, with pixel k at coordinate k, not shifted by half a "
    "pixel; beyond its border the surface falls to 0 over the width of a pixel. Each box, times the spatial scale, is "
    "cut into as many bins as the crop has elements, and a bin gives the mean of the surface over its area.\n\n"
    "The crop changes smoothly with the corners of the box, and so there is a gradient for the boxes too. A box "
    "without area gives 0.",
    returns="A tensor [K, C, height, width] of the map's floating type, in the order of the boxes.",
    examples=(
        SETUP + "set crops [torch::prroi_pool $features $boxes {7 7} -spatialScale 0.0625]\n"
        "puts [torch::tensor_shape $crops]",
    ),
    see_also=("prroi_pool_backward", "roi_align"),
)(pyroi.prroi_pool)

command(
    GRAD,
    MAP,
    BOXES,
    SPATIAL_SCALE,
    group=GROUP,
    summary="The gradients of torch::prroi_pool for its input and its boxes.",
    description="The parameters are those of the forward call, after the gradient of its result. The gradient of a box "
    "without area is 0. The bits of the result do not depend on the number of threads.",
    returns="A list of two: the gradient for the map, of the map's shape; and that for the boxes, in the form they "
    "were given in, with 0 for a batch index. For boxes in a list of tensors the second is such a list.",
    examples=(
        "set map [torch::tensor_reshape [torch::arange 25] {1 1 5 5}]\n"
        "set boxes [torch::tensor_create {{1.2 1.1 2.7 3.4}}]\n"
        "lassign [torch::prroi_pool_backward [torch::ones {1 1 1 1}] $map $boxes] gradOfMap gradOfBoxes\n"
        "puts [torch::tensor_to_list $gradOfBoxes]",
    ),
    see_also=("prroi_pool",),
)(pyroi.prroi_pool_backward)
