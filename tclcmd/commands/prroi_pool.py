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
    summary="Precise RoI pooling: each bin is the integral of the interpolated map over its area.",
    description="The map is interpolated bilinearly between its pixels. Pixel k lies at coordinate k, without a "
    "half-pixel offset, and beyond the border the surface falls to 0 within one pixel. Each box, times the spatial "
    "scale, is divided into height * width bins, and the value of a bin is the mean of the surface over the bin's "
    "area, computed by integration instead of samples.\n\nThe crop is a smooth function of the corners of the box, so "
    "that there is a gradient for the boxes too. A box without area gives 0.",
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
    description="The first parameter is the gradient of the crops; the others are those of the forward call. The "
    "gradient of a box without area is 0. The bits of the result do not depend on the number of threads.",
    returns="A list of two: the gradient for the map, in the map's shape, and the gradient for the boxes, in the form "
    "in which the boxes were given, with 0 in the column of the batch index. If the boxes were a list of tensors, the "
    "second element is a list of tensors.",
    examples=(
        "set map [torch::tensor_reshape [torch::arange 25 float64] {1 1 5 5}]\n"
        "set boxes [torch::tensor_create {{1.2 1.1 2.7 3.4}}]\n"
        "set grad [torch::ones {1 1 1 1} float64]\n"
        "lassign [torch::prroi_pool_backward $grad $map $boxes] gradOfMap gradOfBoxes\n"
        "puts [torch::tensor_print $gradOfBoxes]",
    ),
    see_also=("prroi_pool",),
)(pyroi.prroi_pool_backward)
