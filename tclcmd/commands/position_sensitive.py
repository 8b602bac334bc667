"""Position-sensitive RoIAlign and RoIPool: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_pooling import BOXES, GRAD, GROUP, INPUT_SHAPE, OUTPUT_SIZE, SAMPLING_RATIO, SPATIAL_SCALE
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Tensor

_BY_BIN = Parameter("input", Tensor(), "The feature map, [N, C, H, W]; C must be divisible by height times width.")
_CHANNELS = (
    "Bin (p, q) of channel c of a crop is pooled from channel (c * height + p) * width + q of the map, so that each "
    "bin has channels of its own."
)
_CROPS = "A tensor [K, C / (height * width), height, width] of the map's floating type, in the order of the boxes."
_BY_BIN_SETUP = "set features [torch::rand {1 18 32 32}]\nset boxes [torch::tensor_create {{0 0 200 120}}]\n"
_BY_BIN_GRAD = "set boxes [torch::tensor_create {{1 1 3 3}}]\nset grad [torch::ones {1 1 2 2}]\n"

command(
    _BY_BIN,
    BOXES,
    OUTPUT_SIZE,
    SPATIAL_SCALE,
    SAMPLING_RATIO,
    group=GROUP,
    summary="Position-sensitive RoIAlign: each bin is pooled from a channel of its own.",
    description=f"{_CHANNELS} The samples of a bin, and their mean, are those of torch::roi_align with aligned true. "
    "A box whose width or height is 0 gives 0.",
    returns=_CROPS,
    examples=(
        _BY_BIN_SETUP + "set crops [torch::ps_roi_align $features $boxes {3 3} -spatialScale 0.125 -samplingRatio 2]\n"
        "puts [torch::tensor_shape $crops]",
    ),
    see_also=("ps_roi_align_backward", "ps_roi_pool", "roi_align"),
)(pyroi.ps_roi_align)

command(
    GRAD,
    BOXES,
    INPUT_SHAPE,
    SPATIAL_SCALE,
    SAMPLING_RATIO,
    group=GROUP,
    summary="The gradient of torch::ps_roi_align for its input.",
    description="The parameters are those of the forward call, with the gradient of the crops in place of the map. "
    "The bits of the result do not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(_BY_BIN_GRAD + "puts [torch::tensor_print [torch::ps_roi_align_backward $grad $boxes {1 4 5 5}]]",),
    see_also=("ps_roi_align",),
)(pyroi.ps_roi_align_backward)

command(
    _BY_BIN,
    BOXES,
    OUTPUT_SIZE,
    SPATIAL_SCALE,
    group=GROUP,
    summary="Position-sensitive RoIPool: each bin is the mean of its pixels, from a channel of its own.",
    description=f"{_CHANNELS} The corners of a box, times the spatial scale, are rounded to pixels; the second corner "
    "does not belong to the box, which is at least one pixel wide. The bins are those of torch::roi_pool, clipped to "
    "the last row and column of the map; a bin without pixels gives 0.",
    returns=_CROPS,
    examples=(
        _BY_BIN_SETUP
        + "set crops [torch::ps_roi_pool $features $boxes {3 3} 0.125]\nputs [torch::tensor_shape $crops]",
    ),
    see_also=("ps_roi_pool_backward", "ps_roi_align", "roi_pool"),
)(pyroi.ps_roi_pool)

command(
    GRAD,
    BOXES,
    INPUT_SHAPE,
    SPATIAL_SCALE,
    group=GROUP,
    summary="The gradient of torch::ps_roi_pool for its input.",
    description="The gradient of a bin is divided by the number of its pixels and added to each of them. The bits of "
    "the result do not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(_BY_BIN_GRAD + "puts [torch::tensor_print [torch::ps_roi_pool_backward $grad $boxes {1 4 5 5}]]",),
    see_also=("ps_roi_pool",),
)(pyroi.ps_roi_pool_backward)
