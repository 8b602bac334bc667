"""Parameters that are common to the operators that pool boxes from a feature map."""

from __future__ import annotations

from tclcmd.language.declare import Parameter
from tclcmd.language.kinds import Boolean, Boxes, Integer, Integers, Number, Size, Tensor

GROUP = "Operators"

MAP = Parameter("input", Tensor(), "The feature map, [N, C, H, W].")
BOXES = Parameter(
    "boxes",
    Boxes(),
    "[K, 5], with rows of batch index, x1, y1, x2, y2; or [K, 4], with rows of x1, y1, x2, y2, if the input holds one "
    "image; or a list with one [K, 4] tensor for each image, where {} stands for an image without boxes. A few boxes "
    "may be written as lists of numbers.",
)
OUTPUT_SIZE = Parameter(
    "output_size", Size(), "Height and width of each crop, in bins; a single number gives a square."
)
SPATIAL_SCALE = Parameter(
    "spatial_scale",
    Number(),
    "The factor that converts the boxes to pixels of the map: 0.0625 for a map of stride 16.",
    default=1.0,
)
SAMPLING_RATIO = Parameter(
    "sampling_ratio",
    Integer(),
    "The number of samples per bin along each axis. With 0 or less, a bin has as many samples as pixels, rounded up.",
    default=-1,
)
ALIGNED = Parameter(
    "aligned",
    Boolean(),
    "Shift the boxes by half a pixel (half-pixel offset), because the centre of pixel k lies at k + 0.5.",
    default=True,
)
GRAD = Parameter("grad", Tensor(), "The gradient of the crops, [K, C, height, width].")
INPUT_SHAPE = Parameter("input_shape", Integers(), "The shape of the feature map, {N C H W}.")

SETUP = "set features [torch::rand {1 256 32 32}]\nset boxes [torch::tensor_create {{0 0 200 120} {48 64 400 480}}]\n"
