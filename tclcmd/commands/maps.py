"""Commands on whole maps and images: pyroi's functions, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Factors, Integers, OptionalSize, Sides, Size, Tensor, TensorOrNumbers, choice

GROUP = "Maps and images"

MAP = Parameter("input", Tensor(), "The map, [N, C, H, W].")
MAP_OR_IMAGE = Parameter("input", Tensor(), "The map, [N, C, H, W], or one image of it, [C, H, W].")
GRAD = Parameter("grad", Tensor(), "The gradient of the result, [N, C, height, width].")
INPUT_SHAPE = Parameter("input_shape", Integers(), "The sizes of the map, {N C H W}.")
SIDES = Parameter(
    "output_size", Sides(), "Height and width of the result; one number is a square, and - keeps a side as it is."
)
ALIGN_CORNERS = Parameter(
    "align_corners",
    Boolean(),
    "Keep the centres of the corner pixels where they are; for bilinear and bicubic.",
    default=False,
)
SCALE_FACTOR = Parameter(
    "scale_factor",
    Factors(),
    "By how much both sides grow, or height and width each, in place of a size.",
    default=None,
)
BORDERS = Parameter(
    "align_corners",
    Boolean(),
    "Whether -1 and 1 are the centres of the outermost pixels, not the borders of the map.",
    default=False,
)
IMAGE = Parameter("image", Tensor(), "One image, [C, H, W], or several, [N, C, H, W].")
MEAN = Parameter(
    "mean",
    TensorOrNumbers(),
    "A number for each channel, or one for all; or a tensor that broadcasts to the image's shape.",
)
STD = Parameter("std", TensorOrNumbers(), "The standard deviations, all above 0, in the same forms as the means.")
INPLACE = Parameter(
    "inplace",
    Boolean(),
    "Write the result into the image itself, which must then be of a floating type.",
    default=False,
)
ANTIALIAS = Parameter(
    "antialias",
    Boolean(),
    "Where the map gets smaller, average as many pixels as become one; for bilinear and bicubic.",
    default=False,
)


def _mode(default: str) -> Parameter:
    """The parameter ``mode``."""
    words = choice("nearest", "nearest-exact", "bilinear", "bicubic", "area")
    return Parameter("mode", words, "How a pixel is made of those around its place.", default=default)


# ---- Pooling to a fixed size -----------------------------------------------------------------------------------------

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

# ---- Resizing --------------------------------------------------------------------------------------------------------

command(
    MAP,
    Parameter(
        "size",
        OptionalSize(),
        "Height and width of the result, or one number for a square; left off, or {}, where a scale factor is given.",
        default=None,
    ),
    _mode("nearest"),
    ALIGN_CORNERS,
    SCALE_FACTOR,
    ANTIALIAS,
    group=GROUP,
    summary="Resizes a map to a size, or by a factor.",
    description="nearest takes the pixel at floor(p * step) and nearest-exact the nearest one indeed; bilinear mixes "
    "the two pixels around a place, and bicubic four, along each axis; area is the mean of "
    "torch::adaptive_avg_pool2d. Places beyond the border read the border.\n\n"
    "A size or a scale factor is to be given, not both. By a factor, a side gets floor(side * factor) pixels.",
    returns="A tensor [N, C, height, width] of the map's floating type.",
    examples=(
        "set map [torch::rand {1 3 30 40}]\n"
        "set large [torch::interpolate $map {60 80} bilinear]\n"
        "set small [torch::interpolate -input $map -scaleFactor 0.5 -mode bicubic -antialias true]\n"
        "puts [torch::tensor_shape $small]",
    ),
    see_also=("interpolate_backward", "resize_image", "adaptive_avg_pool2d", "grid_sample"),
)(pyroi.interpolate)

command(
    GRAD,
    INPUT_SHAPE,
    _mode("nearest"),
    ALIGN_CORNERS,
    SCALE_FACTOR,
    ANTIALIAS,
    group=GROUP,
    summary="The gradient of torch::interpolate for its input.",
    description="The parameters are those of the forward call; a scale factor only where that had one. The bits of the "
    "result do not depend on the number of threads.",
    returns="A tensor of the shape given as input_shape.",
    examples=(
        "set grad [torch::ones {1 1 4 4}]\n"
        "puts [torch::tensor_print [torch::interpolate_backward $grad {1 1 2 2} bilinear]]",
    ),
    see_also=("interpolate",),
)(pyroi.interpolate_backward)

command(
    IMAGE,
    Parameter("size", Size(), "Height and width of the result, or one number for a square."),
    _mode("bilinear"),
    ALIGN_CORNERS,
    group=GROUP,
    summary="Resizes one image or several.",
    description="As torch::interpolate, which has the modes, with another default and without scale factors.",
    returns="A tensor [C, height, width] or [N, C, height, width] of the image's floating type.",
    examples=("puts [torch::tensor_shape [torch::resize_image [torch::rand {3 48 64}] {24 32}]]",),
    see_also=("interpolate", "normalize_image", "image_read", "image_write"),
)(pyroi.resize_image)

# ---- Sampling at the points of a grid --------------------------------------------------------------------------------

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

# ---- Normalizing -----------------------------------------------------------------------------------------------------

command(
    IMAGE,
    MEAN,
    STD,
    INPLACE,
    group=GROUP,
    summary="Subtracts means and divides by standard deviations.",
    description="In place the numbers of the image itself change, and with them those of every tensor that shares its "
    "memory, as one made by torch::tensor_reshape or torch::tensor_permute may.",
    returns="A tensor of the image's shape and floating type; in place, one that shares the image's memory.",
    examples=(
        "set image [torch::rand {3 48 64}]\n"
        "set normal [torch::normalize_image $image {0.485 0.456 0.406} {0.229 0.224 0.225}]\n"
        "puts [torch::tensor_shape $normal]",
        "# Without a copy.\nset image [torch::rand {3 48 64}]\n"
        "torch::normalize_image -image $image -mean 0.5 -std 0.5 -inplace true",
    ),
    see_also=("denormalize_image", "resize_image", "image_read"),
)(pyroi.normalize_image)

command(
    IMAGE,
    MEAN,
    STD,
    INPLACE,
    group=GROUP,
    summary="The inverse of torch::normalize_image: multiplies by standard deviations and adds means.",
    description="In place the numbers of the image itself change, as they do by torch::normalize_image.",
    returns="A tensor of the image's shape and floating type; in place, one that shares the image's memory.",
    examples=(
        "set image [torch::rand {3 48 64}]\n"
        "set normal [torch::normalize_image $image 0.5 0.25]\n"
        "set back [torch::denormalize_image $normal 0.5 0.25]\n"
        "puts [torch::allclose $image $back -atol 1e-6]",
    ),
    see_also=("normalize_image", "image_write"),
)(pyroi.denormalize_image)
