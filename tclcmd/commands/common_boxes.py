"""Parameters that the commands on boxes have."""

from __future__ import annotations

from tclcmd.language.declare import Parameter
from tclcmd.language.kinds import TensorOrNumbers

GROUP = "Boxes"

BOXES = Parameter("boxes", TensorOrNumbers((0, 4)), "[N, 4], rows of x1, y1, x2, y2.")
ROTATED = Parameter(
    "boxes",
    TensorOrNumbers((0, 5)),
    "[N, 5], rows of cx, cy, w, h and the angle in degrees, counter-clockwise.",
)
