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
        Parameter(
            "boxes2", boxes.kind, "The boxes to compare them with, [M, ...], in the same format.", aliases=old[1]
        ),
        group=GROUP,
        summary=summary,
        description=description,
        returns="A tensor [N, M]: element (i, j) compares box i of boxes1 with box j of boxes2.",
        examples=(f"puts [torch::tensor_to_list [torch::{function.__name__} {example}]]",),
        see_also=see_also,
    )(function)


_overlap(
    pyroi.box_iou,
    "Computes the intersection over union (IoU) of each pair of boxes.",
    "The IoU of two boxes without area is 0.",
    ("box_iof", "box_ios", "generalized_box_iou", "distance_box_iou", "complete_box_iou", "box_iou_rotated"),
    old_names=("input1", "input2"),
)
_overlap(
    pyroi.box_iof,
    "Computes the intersection over the area of the first box (IoF) for each pair of boxes.",
    "It is the fraction of the first box that the second one covers. If the first box has no area, it is 0.",
    ("box_iou", "box_area"),
)
_overlap(
    pyroi.box_ios,
    "Computes the intersection over the smaller area (IoS) of each pair of boxes.",
    "It is the fraction of the smaller box that the other one covers. If a box of the pair has no area, it is 0.",
    ("box_iou", "box_iof"),
)
_overlap(
    pyroi.generalized_box_iou,
    "Computes the generalized IoU (GIoU) of each pair of boxes.",
    "GIoU is the IoU minus the fraction of the smallest enclosing box that neither box covers. It lies between -1 and "
    "1, and decreases with the distance of boxes that do not overlap.",
    ("box_iou",),
)
_overlap(
    pyroi.distance_box_iou,
    "Computes the distance IoU (DIoU) of each pair of boxes.",
    "DIoU is the IoU minus the squared distance of the centres, divided by the squared diagonal of the smallest "
    "enclosing box.",
    ("box_iou", "complete_box_iou"),
)
_overlap(
    pyroi.complete_box_iou,
    "Computes the complete IoU (CIoU) of each pair of boxes.",
    "CIoU is the value of torch::distance_box_iou minus a penalty for different aspect ratios.",
    ("box_iou", "distance_box_iou"),
)
_overlap(
    pyroi.box_iou_rotated,
    "Computes the intersection over union (IoU) of each pair of rotated boxes.",
    "The IoU of a box with itself is exactly 1, for every size and angle.",
    ("box_iou", "nms_rotated"),
    boxes=ROTATED,
    example="{{5 5 8 2 0}} {{5 5 8 2 90}}",
)

command(
    BOXES,
    group=GROUP,
    summary="Computes the area of each box.",
    description="The areas are floating-point numbers, also for boxes of an integer type.",
    returns="A tensor [N].",
    examples=("puts [torch::tensor_to_list [torch::box_area {{0 0 4 5} {1 1 2 2}}]]",),
    see_also=("remove_small_boxes",),
)(pyroi.box_area)
