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
    summary="Pools a whole map to a fixed size by means.",
    description="Of n pixels along an axis that becomes m, bin p is the mean of those from floor(p * n / m) up to "
    "ceil((p + 1) * n / m). Bins share pixels where m does not divide n.",
    returns="A tensor [N, C, height, width], or [C, height, width] of one image, of the map's floating type.",
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
    description="Each pixel gets its share of the gradients of all bins that it belongs to.",
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
        "Return where the maxima are, too, which torch::adaptive_max_pool2d_backward needs.",
        default=False,
        named_only=True,
    ),
    group=GROUP,
    summary="Pools a whole map to a fixed size by maxima.",
    description="The bins are those of torch::adaptive_avg_pool2d. A bin with NaN in it gives NaN.",
    returns="A tensor [N, C, height, width], or [C, height, width] of one image, of the map's floating type. With "
    "returnIndices a list of two: that, and an Int64 tensor of the same shape with y * W + x of each maximum.",
    examples=(
        "set map [torch::rand {1 16 30 40}]\n"
        "lassign [torch::adaptive_max_pool2d $map 7 -returnIndices true] pooled indices\n"
        "puts [torch::tensor_shape $pooled]",
    ),
    see_also=("adaptive_max_pool2d_backward", "adaptive_avg_pool2d", "roi_pool"),
)(pyroi.adaptive_max_pool2d)

command(
    GRAD,
    Parameter("indices", Tensor(), "Where the maxima are, as torch::adaptive_max_pool2d gives them."),
    INPUT_SHAPE,
    group=GROUP,
    summary="The gradient of torch::adaptive_max_pool2d for its input.",
    description="Each pixel gets the gradients of all bins whose maximum it is. The bits of the result do not depend "
    "on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(
        "lassign [torch::adaptive_max_pool2d [torch::rand {1 1 5 5}] 2 -returnIndices true] pooled indices\n"
        "set grad [torch::ones {1 1 2 2}]\n"
        "puts [torch::tensor_print [torch::adaptive_max_pool2d_backward $grad $indices {1 1 5 5}]]",
    ),
    see_also=("adaptive_max_pool2d",),
)(pyroi.adaptive_max_pool2d_backward)
