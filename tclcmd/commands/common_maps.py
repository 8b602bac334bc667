"""Parameters that the commands on whole maps and images have."""

from __future__ import annotations

from tclcmd.language.declare import Parameter
from tclcmd.language.kinds import Integers, Sides, Tensor

GROUP = "Maps and images"

MAP = Parameter("input", Tensor(), "The feature map, [N, C, H, W].")
MAP_OR_IMAGE = Parameter("input", Tensor(), "The feature map, [N, C, H, W], or that of one image, [C, H, W].")
GRAD = Parameter("grad", Tensor(), "The gradient of the result, [N, C, height, width].")
INPUT_SHAPE = Parameter("input_shape", Integers(), "The shape of the feature map, {N C H W}.")
SIDES = Parameter(
    "output_size",
    Sides(),
    "Height and width of the result. A single number gives a square; - keeps the input's height or width.",
)
IMAGE = Parameter("image", Tensor(), "One image, [C, H, W], or a batch, [N, C, H, W].", aliases=("input", "tensor"))
