"""RoIPool: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_pooling import BOXES, GRAD, GROUP, INPUT_SHAPE, MAP, OUTPUT_SIZE, SETUP, SPATIAL_SCALE
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Tensor

command(
    MAP,
    BOXES,
    OUTPUT_SIZE,
    SPATIAL_SCALE,
    Parameter(
        "return_argmax",
        Boolean(),
        "Return the positions of the maxima too; torch::roi_pool_backward needs them.",
        default=False,
        named_only=True,
    ),
    group=GROUP,
    summary="RoIPool: pools each box to a crop of fixed size, by the largest pixel of each bin.",
    description="The corners of a box, times the spatial scale, are rounded to pixels, and the second corner belongs "
    "to the box. A box whose second corner lies before its first one is one pixel wide. The box is divided into bins "
    "of whole pixels; neighbouring bins share pixels if the sides are not divisible by the number of bins. Pixels "
    "outside the map are ignored, and a bin without pixels gives 0.",
    returns="A tensor [K, C, height, width] of the map's floating type, in the order of the boxes. With returnArgmax, "
    "a list of two tensors: the crops, and an Int64 tensor of the same shape with y * W + x of each maximum, or -1 "
    "for a bin without pixels.",
    examples=(
        SETUP + "set crops [torch::roi_pool $features $boxes {7 7} 0.0625]\nputs [torch::tensor_shape $crops]",
        SETUP + "lassign [torch::roi_pool $features $boxes {7 7} 0.0625 -returnArgmax true] crops argmax\n"
        "puts [torch::tensor_dtype $argmax]",
    ),
    see_also=("roi_pool_backward", "roi_align"),
)(pyroi.roi_pool)

command(
    GRAD,
    Parameter("argmax", Tensor(), "The positions of the maxima, as torch::roi_pool returns them with returnArgmax."),
    BOXES,
    INPUT_SHAPE,
    group=GROUP,
    summary="The gradient of torch::roi_pool for its input.",
    description="The gradient of a bin is added to the pixel that is the bin's maximum. Only the batch indices of the "
    "boxes are used. The bits of the result do not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(
        "set map [torch::tensor_reshape [torch::arange 25] {1 1 5 5}]\n"
        "set boxes [torch::tensor_create {{1 1 3 3}}]\n"
        "lassign [torch::roi_pool $map $boxes 2 -returnArgmax true] crops argmax\n"
        "set grad [torch::ones {1 1 2 2}]\n"
        "puts [torch::tensor_print [torch::roi_pool_backward $grad $argmax $boxes {1 1 5 5}]]",
    ),
    see_also=("roi_pool",),
)(pyroi.roi_pool_backward)
