"""Overlap and area of boxes: pyroi's functions as commands, one row each."""

from __future__ import annotations

from collections.abc import Callable

import pyroi
from pyroi.arrays import Array
from tclcmd.commands.common_boxes import BOXES, GROUP, ROTATED
from tclcmd.language.declare import Parameter, command


def _overlap(
    function: Callable[..., Array],
    summary: str,
    description: str,
    see_also: tuple[str, ...],
    boxes: Parameter = BOXES,
    example: str = "{{0 0 10 10}} {{5 5 15 10}}",
    old_names: tuple[str, ...] = (),
) -> None:
    """A command of two sets of boxes, named as pyroi's function; old scripts may have other names of its parameters."""
    old = [old_names[:1], old_names[1:]]
    command(
        Parameter("boxes1", boxes.kind, boxes.help, aliases=old[0]),
        Parameter("boxes2", boxes.kind, "The boxes to compare them with, in the same form.", aliases=old[1]),
        group=GROUP,
        summary=summary,
        description=description,
        returns="A tensor [N, M], a row for each of the first boxes, a column for each of the second.",
        examples=(f"puts [torch::tensor_to_list [torch::{function.__name__} {example}]]",),
        see_also=see_also,
    )(function)


_overlap(
    pyroi.box_iou,
    "How much boxes overlap: intersection over union.",
    "The overlap of two boxes without area is 0.",
    ("box_iof", "generalized_box_iou", "distance_box_iou", "complete_box_iou", "box_iou_rotated"),
    old_names=("input1", "input2"),
)
_overlap(
    pyroi.box_iof,
    "Intersection of boxes over the area of the first one.",
    "It is the fraction of the first box that the second one covers; 0 for a first box without area.",
    ("box_iou", "box_area"),
)
_overlap(
    pyroi.generalized_box_iou,
    "Overlap of boxes, less the empty share of the smallest box around both.",
    "Unlike torch::box_iou it tells boxes that lie apart from those that lie far apart: from -1 to 1.",
    ("box_iou",),
)
_overlap(
    pyroi.distance_box_iou,
    "Overlap of boxes, less the squared distance of their centres.",
    "The distance is measured by the diagonal of the smallest box around both.",
    ("box_iou", "complete_box_iou"),
)
_overlap(
    pyroi.complete_box_iou,
    "Overlap of boxes, less the distance of centres and the difference in proportions.",
    "As torch::distance_box_iou, and less a share for boxes whose sides have another ratio.",
    ("box_iou", "distance_box_iou"),
)
_overlap(
    pyroi.box_iou_rotated,
    "How much rotated boxes overlap: intersection over union.",
    "A box overlaps itself by exactly 1, whatever its size and angle.",
    ("box_iou", "nms_rotated"),
    boxes=ROTATED,
    example="{{5 5 8 2 0}} {{5 5 8 2 90}}",
)

command(
    BOXES,
    group=GROUP,
    summary="The area of each box.",
    description="It is in floating point also for integer boxes.",
    returns="A tensor [N].",
    examples=("puts [torch::tensor_to_list [torch::box_area {{0 0 4 5} {1 1 2 2}}]]",),
    see_also=("remove_small_boxes",),
)(pyroi.box_area)
