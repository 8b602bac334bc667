"""RoIAlign for one feature map and for the levels of a pyramid: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_pooling import (
    ALIGNED,
    BOXES,
    GRAD,
    GROUP,
    INPUT_SHAPE,
    MAP,
    OUTPUT_SIZE,
    SAMPLING_RATIO,
    SETUP,
    SPATIAL_SCALE,
)
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Integer, Number, Reals, TensorList, choice

SPATIAL_SCALES = Parameter("spatial_scales", Reals(), "The spatial scale of each level.")
MODE = Parameter(
    "mode",
    choice("avg", "max", "max_corner"),
    "How the samples of a bin are combined: their mean, the largest sample, or the largest weighted corner of a "
    "sample.",
    default="avg",
    named_only=True,
)

command(
    MAP,
    BOXES,
    OUTPUT_SIZE,
    SPATIAL_SCALE,
    SAMPLING_RATIO,
    ALIGNED,
    MODE,
    group=GROUP,
    summary="RoIAlign: pools each box of a feature map to a crop of fixed size.",
    description="Each box, times the spatial scale, is divided into height * width bins. In each bin, the map is "
    "sampled at a regular grid of points by bilinear interpolation, and the samples are combined into one number. No "
    "coordinate is rounded, so that the crop follows its box by fractions of a pixel.\n\nSamples outside the map "
    "count as 0. A box with x2 < x1 gives 0 if samplingRatio is 0 or less, and a mirrored crop otherwise.",
    returns="A tensor [K, C, height, width] of the map's floating type, in the order of the boxes.",
    examples=(
        SETUP
        + "set crops [torch::roi_align -input $features -boxes $boxes -outputSize {7 7} -spatialScale 0.0625]\n"
        + "puts [torch::tensor_shape $crops]",
        "# The same by position; options may follow.\n"
        + SETUP
        + "set crops [torch::roi_align $features $boxes {7 7} 0.0625 2 true -mode max]\n"
        + "puts [torch::tensor_shape $crops]",
    ),
    see_also=(
        "roi_align_backward",
        "multiscale_roi_align",
        "roi_pool",
        "ps_roi_align",
        "roi_align_rotated",
        "prroi_pool",
        "adaptive_avg_pool2d",
        "adaptive_max_pool2d",
        "interpolate",
    ),
)(pyroi.roi_align)

command(
    GRAD,
    BOXES,
    INPUT_SHAPE,
    SPATIAL_SCALE,
    SAMPLING_RATIO,
    ALIGNED,
    group=GROUP,
    summary="The gradient of torch::roi_align for its input.",
    description="The parameters are those of the forward call, with the gradient of the crops in place of the map. "
    "The gradient of a bin, times the weight of a pixel in the bin, is added to the pixel. The bits of the result do "
    "not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(
        "set boxes [torch::tensor_create {{1 1 3 3}}]\n"
        + "set grad [torch::ones {1 1 2 2}]\n"
        + "puts [torch::tensor_print [torch::roi_align_backward $grad $boxes {1 1 5 5} 1.0 2]]",
    ),
    see_also=("roi_align",),
)(pyroi.roi_align_backward)

command(
    Parameter("features", TensorList(), "The levels of the pyramid, each [N, C, H, W], the finest first."),
    BOXES,
    OUTPUT_SIZE,
    SPATIAL_SCALES,
    SAMPLING_RATIO,
    ALIGNED,
    Parameter(
        "canonical_level",
        Integer(),
        "The index of the level for a box of the canonical scale.",
        default=2,
        named_only=True,
    ),
    Parameter(
        "canonical_scale",
        Number(),
        "The side of a box that is pooled from the canonical level, in pixels of the image.",
        default=224,
        named_only=True,
        aliases=("canocicalScale",),
    ),
    group=GROUP,
    summary="RoIAlign on a feature pyramid: pools each box from the level that suits its size.",
    description="The level of a box is floor(canonicalLevel + log2(sqrt(width * height) / canonicalScale + 1e-6)), "
    "clipped to the levels that are given. The defaults are the usual rule of feature pyramid networks for levels of "
    "stride 4, 8, 16 and 32. The misspelt -canocicalScale of old scripts is accepted.",
    returns="A tensor [K, C, height, width], in the order of the boxes.",
    examples=(
        "set fine [torch::rand {1 16 128 128}]\n"
        + "set coarse [torch::rand {1 16 64 64}]\n"
        + "set boxes [torch::tensor_create {{0 0 40 40} {0 0 500 500}}]\n"
        + "set crops [torch::multiscale_roi_align [list $fine $coarse] $boxes {7 7} {0.25 0.125} 2 -canonicalLevel 1]\n"
        + "puts [torch::tensor_shape $crops]",
    ),
    see_also=("roi_align",),
)(pyroi.multiscale_roi_align)
