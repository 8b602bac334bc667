"""Operations on single boxes: formats, clipping, sizes, masks. pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_boxes import BOXES, GROUP
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Number, Size, Tensor, TensorOrNumbers, choice

FORMATS = choice("xyxy", "xywh", "cxcywh", "cxcywhr", "xywhr", "xyxyxyxy")

command(
    Parameter("boxes", TensorOrNumbers((0, 4)), "[N, 4], [N, 5] or [N, 8], depending on in_fmt."),
    Parameter("in_fmt", FORMATS, "The format of the boxes."),
    Parameter("out_fmt", FORMATS, "The format to convert them to."),
    group=GROUP,
    summary="Converts boxes to another format.",
    description="xyxy is two corners, xywh a corner and the sides, and cxcywh the centre and the sides. For rotated "
    "boxes, cxcywhr and xywhr have an angle in degrees as well, and xyxyxyxy is four corners. Upright boxes cannot be "
    "converted to rotated ones, nor rotated boxes to upright ones.",
    returns="A tensor [N, 4], [N, 5] or [N, 8], depending on out_fmt.",
    examples=("puts [torch::tensor_to_list [torch::box_convert {{0 0 4 6}} xyxy cxcywh]]",),
    see_also=("box_area",),
)(pyroi.box_convert)

command(
    BOXES,
    Parameter("size", Size(), "Height and width of the image."),
    group=GROUP,
    summary="Clips boxes to an image.",
    description="Corners outside the image move to its border. A box that lies outside as a whole becomes a box "
    "without area on the border.",
    returns="A tensor [N, 4].",
    examples=("puts [torch::tensor_to_list [torch::clip_boxes_to_image {{-5 2 30 9}} {10 20}]]",),
    see_also=("remove_small_boxes",),
)(pyroi.clip_boxes_to_image)

command(
    BOXES,
    Parameter("min_size", Number(), "The smallest width and height of a box to keep."),
    group=GROUP,
    summary="Finds the boxes that are large enough.",
    returns="An Int64 tensor: the indices of the boxes whose width and height are both at least min_size.",
    examples=("puts [torch::tensor_to_list [torch::remove_small_boxes {{0 0 4 5} {0 0 1 9}} 2]]",),
    see_also=("clip_boxes_to_image", "box_area"),
)(pyroi.remove_small_boxes)

command(
    Parameter("masks", Tensor(), "[N, H, W]; each pixel that is not 0 belongs to the mask."),
    group=GROUP,
    summary="Computes the smallest box around each mask.",
    description="The corners are the indices of the first and the last column and row of the mask, both inclusive. An "
    "empty mask gives 0 0 0 0.",
    returns="A Float32 tensor [N, 4].",
    examples=("puts [torch::tensor_to_list [torch::masks_to_boxes [torch::ones {1 3 4} bool]]]",),
    see_also=("box_convert",),
)(pyroi.masks_to_boxes)
