"""Adaptive pooling of a whole map: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_maps import GRAD, GROUP, INPUT_SHAPE, MAP_OR_IMAGE, SIDES
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Tensor

command(
    MAP_OR_IMAGE,
    SIDES,
    group=GROUP,
    summary="Average-pools a whole feature map to a fixed size.",
    description="Where n pixels along an axis become m bins, bin p is the mean of the pixels from floor(p * n / m) up "
    "to, but not including, ceil((p + 1) * n / m). If m does not divide n, neighbouring bins share pixels.",
    returns="A tensor [N, C, height, width], or [C, height, width] for one image, of the map's floating type.",
    examples=(
        "set map [torch::rand {1 16 30 40}]\n"
        "puts [torch::tensor_shape [torch::adaptive_avg_pool2d $map 7]]\n"
        "puts [torch::tensor_shape [torch::adaptive_avg_pool2d $map {5 -}]]",
    ),
    see_also=("adaptive_avg_pool2d_backward", "adaptive_max_pool2d", "interpolate", "roi_align"),
)(pyroi.adaptive_avg_pool2d)

command(
    GRAD,
    INPUT_SHAPE,
    group=GROUP,
    summary="The gradient of torch::adaptive_avg_pool2d for its input.",
    description="The gradient of a bin is divided by the number of its pixels and added to each of them.",
    returns="A tensor of the shape given as input_shape.",
    examples=("puts [torch::tensor_print [torch::adaptive_avg_pool2d_backward [torch::ones {1 1 2 2}] {1 1 3 3}]]",),
    see_also=("adaptive_avg_pool2d",),
)(pyroi.adaptive_avg_pool2d_backward)

command(
    MAP_OR_IMAGE,
    SIDES,
    Parameter(
        "return_indices",
        Boolean(),
        "Return the positions of the maxima too; torch::adaptive_max_pool2d_backward needs them.",
        default=False,
        named_only=True,
    ),
    group=GROUP,
    summary="Max-pools a whole feature map to a fixed size.",
    description="The bins are those of torch::adaptive_avg_pool2d. A bin that contains NaN gives NaN.",
    returns="A tensor [N, C, height, width], or [C, height, width] for one image, of the map's floating type. With "
    "returnIndices, a list of two tensors: that one, and an Int64 tensor of the same shape with y * W + x of each "
    "maximum.",
    examples=(
        "set map [torch::rand {1 16 30 40}]\n"
        "lassign [torch::adaptive_max_pool2d $map 7 -returnIndices true] pooled indices\n"
        "puts [torch::tensor_shape $pooled]",
    ),
    see_also=("adaptive_max_pool2d_backward", "adaptive_avg_pool2d", "roi_pool"),
)(pyroi.adaptive_max_pool2d)

command(
    GRAD,
    Parameter("indices", Tensor(), "The positions of the maxima, as torch::adaptive_max_pool2d returns them."),
    INPUT_SHAPE,
    group=GROUP,
    summary="The gradient of torch::adaptive_max_pool2d for its input.",
    description="The gradient of a bin is added to the pixel that is the bin's maximum. The bits of the result do not "
    "depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(
        "set map [torch::tensor_reshape [torch::arange 25] {1 1 5 5}]\n"
        "lassign [torch::adaptive_max_pool2d $map 2 -returnIndices true] pooled indices\n"
        "set grad [torch::ones {1 1 2 2}]\n"
        "puts [torch::tensor_print [torch::adaptive_max_pool2d_backward $grad $indices {1 1 5 5}]]",
    ),
    see_also=("adaptive_max_pool2d",),
)(pyroi.adaptive_max_pool2d_backward)
