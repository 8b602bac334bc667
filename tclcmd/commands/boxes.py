"""Operations on single boxes: formats, clipping, sizes, masks. pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_boxes import BOXES, GROUP
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Number, Size, Tensor, TensorOrNumbers, choice

FORMATS = choice("xyxy", "xywh", "cxcywh", "cxcywhr", "xywhr", "xyxyxyxy")

command(
    Parameter("boxes", TensorOrNumbers((0, 4)), "[N, 4], [N, 5] or [N, 8], as their format has it."),
    Parameter("in_fmt", FORMATS, "The format they have."),
    Parameter("out_fmt", FORMATS, "The format they get."),
    group=GROUP,
    summary="Boxes in another format.",
    description="xyxy is two corners; xywh a corner and the sides; cxcywh the centre and the sides. With an angle in "
    "degrees there are cxcywhr and xywhr, and xyxyxyxy is four corners. Upright boxes do not become rotated ones, nor "
    "the reverse.",
    returns="A tensor with as many columns as the format has.",
    examples=("puts [torch::tensor_to_list [torch::box_convert {{0 0 4 6}} xyxy cxcywh]]",),
    see_also=("box_area",),
)(pyroi.box_convert)

command(
    BOXES,
    Parameter("size", Size(), "Height and width of the image."),
    group=GROUP,
    summary="Moves corners that lie outside an image to its border.",
    description="A box outside the image becomes one without area, on the border.",
    returns="A tensor [N, 4].",
    examples=("puts [torch::tensor_to_list [torch::clip_boxes_to_image {{-5 2 30 9}} {10 20}]]",),
    see_also=("remove_small_boxes",),
)(pyroi.clip_boxes_to_image)

command(
    BOXES,
    Parameter("min_size", Number(), "The least width and height of a box to keep."),
    group=GROUP,
    summary="Which boxes are large enough.",
    returns="An Int64 tensor: indices of the boxes both of whose sides are at least so long.",
    examples=("puts [torch::tensor_to_list [torch::remove_small_boxes {{0 0 4 5} {0 0 1 9}} 2]]",),
    see_also=("clip_boxes_to_image", "box_area"),
)(pyroi.remove_small_boxes)

command(
    Parameter("masks", Tensor(), "[N, H, W]; what is not 0 belongs to the mask."),
    group=GROUP,
    summary="The smallest box around each mask.",
    description="Its corners are the indices of the outermost columns and rows, these included. An empty mask gives 0 "
    "0 0 0.",
    returns="A Float32 tensor [N, 4].",
    examples=("puts [torch::tensor_to_list [torch::masks_to_boxes [torch::ones {1 3 4} bool]]]",),
    see_also=("box_convert",),
)(pyroi.masks_to_boxes)
