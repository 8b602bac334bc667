"""pyroi for Detectron2: its rotated operators. Its RoIAlign and NMS of upright boxes are torchvision's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyroi
import pyroi.torch
from pyroi.tools.replacing import Replacement, Tool
from pyroi.tools.suppression import at_or_above
from pyroi.tools.tensors import are_ours
from pyroi.torch.tensors import call


def _nms_rotated(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """In Detectron2, an IoU equal to the threshold suppresses, and the threshold is always a C float."""
    limit = at_or_above(iou_threshold, "float32")
    if not are_ours(boxes, scores) or limit is None:
        return NotImplemented
    return call(pyroi.nms_rotated, boxes.detach(), scores.detach(), limit)


def _pairwise_iou_rotated(boxes1: Any, boxes2: Any) -> Any:
    if not are_ours(boxes1, boxes2):
        return NotImplemented
    return call(pyroi.box_iou_rotated, boxes1.detach(), boxes2.detach())


def _align_rotated(self: Any, input: Any, rois: Any) -> Any:
    if not are_ours(input, rois):
        return NotImplemented
    return pyroi.torch.roi_align_rotated(
        input, rois, self.output_size, self.spatial_scale, max(self.sampling_ratio, 0), aligned=True
    )


_tool = Tool(
    "detectron2",
    (0, 6),
    [
        Replacement("detectron2.layers.nms", "nms_rotated", "boxes scores iou_threshold", _nms_rotated),
        Replacement("detectron2.layers.rotated_boxes", "pairwise_iou_rotated", "boxes1 boxes2", _pairwise_iou_rotated),
        Replacement(
            "detectron2.layers.roi_align_rotated", "ROIAlignRotated.forward", "self input rois", _align_rotated
        ),
    ],
)
accelerate: Callable[[], None] = _tool.accelerate
restore: Callable[[], None] = _tool.restore
