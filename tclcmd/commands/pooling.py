"""The other ways to pool boxes: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.operators import (
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
from tclcmd.language.kinds import Boolean, Boxes, Tensor

# ---- RoIPool ---------------------------------------------------------------------------------------------------------

command(
    MAP,
    BOXES,
    OUTPUT_SIZE,
    SPATIAL_SCALE,
    Parameter(
        "return_argmax",
        Boolean(),
        "Return where the maxima are, too, which torch::roi_pool_backward needs.",
        default=False,
        named_only=True,
    ),
    group=GROUP,
    summary="Crops of fixed size from boxes, by the largest pixel of each bin.",
    description="The corners of a box, times the spatial scale, are rounded to pixels, and the second corner belongs "
    "to the box; a box whose second corner lies before its first is one pixel wide. It is cut into bins of whole "
    "pixels, which may share pixels where the sides do not divide. Pixels outside the map do not count, and a bin "
    "without pixels gives 0.",
    returns="A tensor [K, C, height, width] of the map's floating type, in the order of the boxes. With returnArgmax a "
    "list of two: the crops, and an Int64 tensor of the same shape with y * W + x of each maximum, or -1 for a bin "
    "without pixels.",
    examples=(
        SETUP + "set crops [torch::roi_pool $features $boxes {7 7} 0.0625]\nputs [torch::tensor_shape $crops]",
        SETUP + "lassign [torch::roi_pool $features $boxes {7 7} 0.0625 -returnArgmax true] crops argmax\n"
        "puts [torch::tensor_dtype $argmax]",
    ),
    see_also=("roi_pool_backward", "roi_align"),
)(pyroi.roi_pool)

command(
    GRAD,
    Parameter("argmax", Tensor(), "Where the maxima are, as torch::roi_pool gives them with returnArgmax."),
    BOXES,
    INPUT_SHAPE,
    group=GROUP,
    summary="The gradient of torch::roi_pool for its input.",
    description="Each pixel gets the gradients of all bins whose maximum it is. Of the boxes only their images matter. "
    "The bits of the result do not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(
        "set map [torch::rand {1 1 5 5}]\n"
        "set boxes [torch::tensor_create {{1 1 3 3}}]\n"
        "lassign [torch::roi_pool $map $boxes 2 -returnArgmax true] crops argmax\n"
        "set grad [torch::ones {1 1 2 2}]\n"
        "puts [torch::tensor_print [torch::roi_pool_backward $grad $argmax $boxes {1 1 5 5}]]",
    ),
    see_also=("roi_pool",),
)(pyroi.roi_pool_backward)

# ---- Position-sensitive pooling --------------------------------------------------------------------------------------

_BY_BIN = Parameter("input", Tensor(), "The feature map, [N, C, H, W]; C must be divisible by height times width.")
_CHANNELS = (
    "Bin (p, q) of a crop's channel c is read from channel (c * height + p) * width + q of the map: each place in the "
    "crop has channels of its own."
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
    summary="Crops as by torch::roi_align, each bin from a channel of its own.",
    description=f"{_CHANNELS} The samples of a bin, and their mean, are those of torch::roi_align, with boxes shifted "
    "by half a pixel always. A box whose width or height is 0 gives 0.",
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
    description="The parameters are those of the forward call, with the gradient of its result in place of the map. "
    "The bits of the result do not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(_BY_BIN_GRAD + "puts [torch::tensor_sum [torch::ps_roi_align_backward $grad $boxes {1 4 5 5}]]",),
    see_also=("ps_roi_align",),
)(pyroi.ps_roi_align_backward)

command(
    _BY_BIN,
    BOXES,
    OUTPUT_SIZE,
    SPATIAL_SCALE,
    group=GROUP,
    summary="Crops of fixed size by means of pixels, each bin from a channel of its own.",
    description=f"{_CHANNELS} The corners of a box, times the spatial scale, are rounded to pixels; the second one "
    "does not belong to the box, which is at least one pixel wide. Bins are as in torch::roi_pool, up to the last row "
    "and column of the map; one without pixels gives 0.",
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
    description="Each pixel of a bin gets the bin's gradient over the number of its pixels. The bits of the result do "
    "not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(_BY_BIN_GRAD + "puts [torch::tensor_sum [torch::ps_roi_pool_backward $grad $boxes {1 4 5 5}]]",),
    see_also=("ps_roi_pool",),
)(pyroi.ps_roi_pool_backward)

# ---- Rotated boxes ---------------------------------------------------------------------------------------------------

_ROTATED = Parameter(
    "boxes",
    Boxes(empty=(0, 6), numbers=5),
    "[K, 6], rows of batch index, cx, cy, w, h, degrees; or [K, 5], without the batch index, where the input holds one "
    "image; or a list of such, one for each image, with {} for none. Small ones may be written as lists of numbers.",
)
_CLOCKWISE = Parameter(
    "clockwise", Boolean(), "Angles turn clockwise, not counter-clockwise.", default=False, named_only=True
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
    summary="Upright crops of fixed size from rotated boxes.",
    description="As torch::roi_align, with the grid of samples turned about the centre of the box: what lies upright "
    "in the box's own frame lies upright in the crop. Angles are in degrees, counter-clockwise as one sees the image. "
    "Sides must not be negative, and samples per bin at most 128 along each axis.",
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
    description="The parameters are those of the forward call, with the gradient of its result in place of the map. "
    "The bits of the result do not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(
        "set boxes [torch::tensor_create {{2.5 2.5 2 2 45}}]\n"
        "set grad [torch::ones {1 1 2 2}]\n"
        "puts [torch::tensor_print [torch::roi_align_rotated_backward $grad $boxes {1 1 5 5} 1.0 2]]",
    ),
    see_also=("roi_align_rotated",),
)(pyroi.roi_align_rotated_backward)

# ---- Precise RoI pooling ---------------------------------------------------------------------------------------------

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
