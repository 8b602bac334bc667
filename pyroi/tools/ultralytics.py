"""pyroi under ultralytics: its own NMS, where torchvision is not used, and the IoU of upright boxes.

What ultralytics calls IoU of oriented boxes is the Hellinger distance of Gaussians, which is another measure: it stays.
"""

from __future__ import annotations

from typing import Any

import pyroi.torch
from pyroi.nms import nms_in_own_type
from pyroi.tools.replacing import Replacement, Tool
from pyroi.tools.tensors import are_ours, as_compared
from pyroi.torch.tensors import call


def _nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    if not are_ours(boxes, scores):
        return NotImplemented
    return call(nms_in_own_type, boxes.detach(), scores.detach(), as_compared(iou_threshold, boxes))


def _box_iou(box1: Any, box2: Any, eps: float = 1e-7) -> Any:
    """`eps` keeps ultralytics from dividing by 0, where pyroi has a rule; beside a pixel's area it is rounding."""
    if not are_ours(box1, box2) or eps > 1e-6:
        return NotImplemented
    return pyroi.torch.box_iou(box1.float(), box2.float())


_tool = Tool(
    "ultralytics",
    (8, 4),
    [
        Replacement("ultralytics.utils.nms", "TorchNMS.nms", "boxes scores iou_threshold", _nms),
        Replacement("ultralytics.utils.metrics", "box_iou", "box1 box2 eps", _box_iou),
    ],
)
accelerate, restore = _tool.accelerate, _tool.restore
