"""RoIAlign of rotated boxes: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_pooling import (
    ALIGNED,
    GRAD,
    GROUP,
    INPUT_SHAPE,
    MAP,
    OUTPUT_SIZE,
    SAMPLING_RATIO,
    SPATIAL_SCALE,
)
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Boxes

_ROTATED = Parameter(
    "boxes",
    Boxes(empty=(0, 6), numbers=5),
    "[K, 6], with rows of batch index, cx, cy, w, h, degrees; or [K, 5], without the batch index, if the input holds "
    "one image; or a list with one [K, 5] tensor for each image, where {} stands for an image without boxes. A few "
    "boxes may be written as lists of numbers.",
)
_CLOCKWISE = Parameter(
    "clockwise", Boolean(), "Whether angles are clockwise instead of counter-clockwise.", default=False, named_only=True
)

command(
    MAP,
    _ROTATED,
    OUTPUT_SIZE,
    SPATIAL_SCALE,
    SAMPLING_RATIO,
    ALIGNED,
    _CLOCKWISE,
    group=GROUP,
    summary="RoIAlign of rotated boxes: pools each box to an upright crop of fixed size.",
    description="The same as torch::roi_align, except that the grid of samples is rotated about the centre of the "
    "box, so that an object that is aligned with its box is upright in the crop. Angles are in degrees, "
    "counter-clockwise as the image is seen. Sides must not be negative, and a bin has at most 128 samples along each "
    "axis.",
    returns="A tensor [K, C, height, width] of the map's floating type, in the order of the boxes.",
    examples=(
        "set features [torch::rand {1 16 32 32}]\n"
        "set boxes [torch::tensor_create {{256 256 200 80 30} {120 300 64 64 -45}}]\n"
        "set crops [torch::roi_align_rotated $features $boxes {7 7} -spatialScale 0.0625]\n"
        "puts [torch::tensor_shape $crops]",
    ),
    see_also=("roi_align_rotated_backward", "roi_align", "nms_rotated"),
)(pyroi.roi_align_rotated)

command(
    GRAD,
    _ROTATED,
    INPUT_SHAPE,
    SPATIAL_SCALE,
    SAMPLING_RATIO,
    ALIGNED,
    _CLOCKWISE,
    group=GROUP,
    summary="The gradient of torch::roi_align_rotated for its input.",
    description="The parameters are those of the forward call, with the gradient of the crops in place of the map. "
    "The bits of the result do not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(
        "set boxes [torch::tensor_create {{2.5 2.5 2 2 45}}]\n"
        "set grad [torch::ones {1 1 2 2}]\n"
        "puts [torch::tensor_print [torch::roi_align_rotated_backward $grad $boxes {1 1 5 5} 1.0 2]]",
    ),
    see_also=("roi_align_rotated",),
)(pyroi.roi_align_rotated_backward)
