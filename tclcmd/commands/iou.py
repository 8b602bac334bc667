"""Overlap and area of boxes: pyroi's functions as commands, one row each."""

from __future__ import annotations

import pyroi
from tclcmd.commands.common_boxes import BOXES, GROUP, ROTATED
from tclcmd.language.declare import Parameter, command

OVERLAPS = "A tensor [N, M], a row for each of the first boxes, a column for each of the second."


def _pair(boxes: Parameter, *, old_names: bool = False) -> tuple[Parameter, Parameter]:
    """The parameters boxes1 and boxes2; for old scripts also input1 and input2."""
    first = Parameter("boxes1", boxes.kind, boxes.help, aliases=("input1",) if old_names else ())
    second = "The boxes to compare them with, in the same form."
    return first, Parameter("boxes2", boxes.kind, second, aliases=("input2",) if old_names else ())


TWO = "{{0 0 10 10}} {{5 5 15 10}}"

command(
    *_pair(BOXES, old_names=True),
    group=GROUP,
    summary="How much boxes overlap: intersection over union.",
    description="The overlap of two boxes without area is 0.",
    returns=OVERLAPS,
    examples=(f"puts [torch::tensor_to_list [torch::box_iou {TWO}]]",),
    see_also=("box_iof", "generalized_box_iou", "distance_box_iou", "complete_box_iou", "box_iou_rotated"),
)(pyroi.box_iou)

command(
    *_pair(BOXES),
    group=GROUP,
    summary="Intersection of boxes over the area of the first one.",
    description="It is the fraction of the first box that the second one covers; 0 for a first box without area.",
    returns=OVERLAPS,
    examples=(f"puts [torch::tensor_to_list [torch::box_iof {TWO}]]",),
    see_also=("box_iou", "box_area"),
)(pyroi.box_iof)

command(
    *_pair(BOXES),
    group=GROUP,
    summary="Overlap of boxes, less the empty share of the smallest box around both.",
    description="Unlike torch::box_iou it tells boxes that lie apart from those that lie far apart: from -1 to 1.",
    returns=OVERLAPS,
    examples=(f"puts [torch::tensor_to_list [torch::generalized_box_iou {TWO}]]",),
    see_also=("box_iou",),
)(pyroi.generalized_box_iou)

command(
    *_pair(BOXES),
    group=GROUP,
    summary="Overlap of boxes, less the squared distance of their centres.",
    description="The distance is measured by the diagonal of the smallest box around both.",
    returns=OVERLAPS,
    examples=(f"puts [torch::tensor_to_list [torch::distance_box_iou {TWO}]]",),
    see_also=("box_iou", "complete_box_iou"),
)(pyroi.distance_box_iou)

command(
    *_pair(BOXES),
    group=GROUP,
    summary="Overlap of boxes, less the distance of centres and the difference in proportions.",
    description="As torch::distance_box_iou, and less a share for boxes whose sides have another ratio.",
    returns=OVERLAPS,
    examples=(f"puts [torch::tensor_to_list [torch::complete_box_iou {TWO}]]",),
    see_also=("box_iou", "distance_box_iou"),
)(pyroi.complete_box_iou)

command(
    *_pair(ROTATED),
    group=GROUP,
    summary="How much rotated boxes overlap: intersection over union.",
    description="A box overlaps itself by exactly 1, whatever its size and angle.",
    returns=OVERLAPS,
    examples=("puts [torch::tensor_to_list [torch::box_iou_rotated {{5 5 8 2 0}} {{5 5 8 2 90}}]]",),
    see_also=("box_iou", "nms_rotated"),
)(pyroi.box_iou_rotated)

command(
    BOXES,
    group=GROUP,
    summary="The area of each box.",
    description="It is in floating point also for integer boxes.",
    returns="A tensor [N].",
    examples=("puts [torch::tensor_to_list [torch::box_area {{0 0 4 5} {1 1 2 2}}]]",),
    see_also=("remove_small_boxes",),
)(pyroi.box_area)
