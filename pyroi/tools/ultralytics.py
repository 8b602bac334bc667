"""pyroi for ultralytics: its own NMS, if torchvision is not used, and the IoU of upright boxes.

ultralytics' IoU of oriented boxes is not replaced, because it is the Hellinger distance of Gaussians, another measure.
"""

from __future__ import annotations

from collections.abc import Callable
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
    """`eps` prevents a division by 0, for which pyroi has a rule; it is negligible beside the area of a pixel."""
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
accelerate: Callable[[], None] = _tool.accelerate
restore: Callable[[], None] = _tool.restore
