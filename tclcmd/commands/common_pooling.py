"""Parameters that the operators have which pool boxes from a map."""

from __future__ import annotations

from tclcmd.language.declare import Parameter
from tclcmd.language.kinds import Boolean, Boxes, Integer, Integers, Number, Size, Tensor

GROUP = "Operators"

MAP = Parameter("input", Tensor(), "The feature map, [N, C, H, W].")
BOXES = Parameter(
    "boxes",
    Boxes(),
    "[K, 5], rows of batch index, x1, y1, x2, y2; or [K, 4], rows of x1, y1, x2, y2, where the input holds one image; "
    "or a list of such, one for each image, with {} for none. Small ones may be written as lists of numbers.",
)
OUTPUT_SIZE = Parameter("output_size", Size(), "Height and width of a crop.")
SPATIAL_SCALE = Parameter(
    "spatial_scale", Number(), "Size of the map over size of the image: 0.0625 for a map of stride 16.", default=1.0
)
SAMPLING_RATIO = Parameter(
    "sampling_ratio",
    Integer(),
    "Samples per bin along each axis; 0 or less: as many as the bin has pixels, rounded up.",
    default=-1,
)
ALIGNED = Parameter(
    "aligned", Boolean(), "Shift boxes by half a pixel, so that they lie on the centres of pixels.", default=True
)
GRAD = Parameter("grad", Tensor(), "The gradient of the crops, [K, C, height, width].")
INPUT_SHAPE = Parameter("input_shape", Integers(), "The sizes of the feature map, {N C H W}.")

SETUP = "set features [torch::rand {1 256 32 32}]\nset boxes [torch::tensor_create {{0 0 200 120} {48 64 400 480}}]\n"
