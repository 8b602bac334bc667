"""pyroi for mmcv: suppression and overlap of upright and rotated boxes, and RoIAlign.

Angles in mmcv are in radians, and clockwise by default; angles in pyroi are in degrees, counter-clockwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pyroi
import pyroi.torch  # before PyTorch, since it reports how to install PyTorch

# isort: split
import torch

from pyroi.nms import nms_in_own_type
from pyroi.tools.replacing import Replacement, Tool
from pyroi.tools.suppression import at_or_above
from pyroi.tools.tensors import are_ours, as_compared
from pyroi.torch.tensors import call


def _nms(
    boxes: Any, scores: Any, iou_threshold: float, offset: int = 0, score_threshold: float = 0, max_num: int = -1
) -> Any:
    """Boxes with offset 1, which include their last pixel, have other areas, and are left to mmcv."""
    if not are_ours(boxes, scores) or offset != 0:
        return NotImplemented
    places = torch.arange(len(scores))
    if score_threshold > 0:
        places = (scores > score_threshold).nonzero().squeeze(1)
    rows, numbers = boxes.detach()[places], scores.detach()[places]
    kept = places[call(nms_in_own_type, rows, numbers, as_compared(iou_threshold, rows))]
    return _with_scores(boxes, scores, kept[:max_num] if max_num > 0 else kept)


def _nms_rotated(dets: Any, scores: Any, iou_threshold: float, labels: Any = None, clockwise: bool = True) -> Any:
    """In mmcv, an IoU equal to the threshold suppresses, and the threshold is a C float for boxes of all types.

    Calls with labels are left to mmcv: its kernel for the CPU ignores labels, but its other kernels do not.
    """
    limit = at_or_above(iou_threshold, "float32")
    if not are_ours(dets, scores) or limit is None or labels is not None:
        return NotImplemented
    if len(dets) == 0:
        return dets, None  # as mmcv does
    return _with_scores(
        dets, scores, call(pyroi.nms_rotated, _turned(dets.detach(), clockwise), scores.detach(), limit)
    )


def _box_iou_rotated(
    bboxes1: Any, bboxes2: Any, mode: str = "iou", aligned: bool = False, clockwise: bool = True
) -> Any:
    if not are_ours(bboxes1, bboxes2) or mode != "iou" or aligned:
        return NotImplemented
    return call(pyroi.box_iou_rotated, _turned(bboxes1.detach(), clockwise), _turned(bboxes2.detach(), clockwise))


def _bbox_overlaps(bboxes1: Any, bboxes2: Any, mode: str = "iou", aligned: bool = False, offset: int = 0) -> Any:
    if not are_ours(bboxes1, bboxes2) or mode != "iou" or aligned or offset != 0:
        return NotImplemented
    return call(pyroi.box_iou, bboxes1.detach(), bboxes2.detach())


def _align(self: Any, input: Any, rois: Any) -> Any:
    if not are_ours(input, rois) or self.pool_mode != "avg":
        return NotImplemented
    settings = self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned
    return pyroi.torch.roi_align(input, rois, *settings)


def _turned(boxes: Any, clockwise: bool) -> Any:
    """Boxes cx, cy, w, h, angle with the angle in pyroi's convention."""
    turns = torch.ones_like(boxes)
    turns[:, 4] = (-1 if clockwise else 1) * 180 / math.pi
    return boxes * turns


def _with_scores(boxes: Any, scores: Any, kept: Any) -> tuple[Any, Any]:
    """The kept boxes with their scores as the last column, and their indices."""
    return torch.cat([boxes[kept], scores[kept].reshape(-1, 1)], 1), kept


_tool = Tool(
    "mmcv",
    (2,),
    [
        Replacement("mmcv.ops.nms", "nms", "boxes scores iou_threshold offset score_threshold max_num", _nms),
        Replacement("mmcv.ops.nms", "nms_rotated", "dets scores iou_threshold labels clockwise", _nms_rotated),
        Replacement(
            "mmcv.ops.box_iou_rotated", "box_iou_rotated", "bboxes1 bboxes2 mode aligned clockwise", _box_iou_rotated
        ),
        Replacement("mmcv.ops.bbox", "bbox_overlaps", "bboxes1 bboxes2 mode aligned offset", _bbox_overlaps),
        Replacement("mmcv.ops.roi_align", "RoIAlign.forward", "self input rois", _align),
    ],
)
accelerate: Callable[[], None] = _tool.accelerate
restore: Callable[[], None] = _tool.restore
