"""pyroi for supervision: suppression by boxes, overlap of upright and of oriented boxes, and boxes of masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pyroi
from pyroi.errors import ArgumentError
from pyroi.tools.replacing import Replacement, Tool
from pyroi.tools.suppression import above_when_rounded, falling

_MODULE = "supervision.detection.utils.iou_and_nms"
_CONVERTERS = "supervision.detection.utils.converters"


def _is_iou(metric: Any) -> bool:
    return bool(getattr(metric, "value", metric) == "IOU")


def _box_iou_batch(boxes_true: Any, boxes_detection: Any, overlap_metric: Any = "IOU") -> Any:
    """Computes in float64, as supervision does, and rounds to float32."""
    if not _is_iou(overlap_metric):
        return NotImplemented
    first, second = (np.asarray(boxes, np.float64) for boxes in (boxes_true, boxes_detection))
    return pyroi.box_iou(first, second).astype(np.float32)


def _box_non_max_suppression(predictions: Any, iou_threshold: float = 0.5, overlap_metric: Any = "IOU") -> Any:
    """Boxes of equal score are visited in supervision's order, the last one first."""
    if not _is_iou(overlap_metric) or not 0 <= iou_threshold <= 1 or predictions.shape[1] not in (5, 6):
        return NotImplemented
    order = np.flip(predictions[:, 4].argsort())
    boxes = np.asarray(predictions[order, :4], np.float64)
    classes = predictions[order, 5] if predictions.shape[1] == 6 else np.zeros(len(order))
    _, numbers = np.unique(classes, return_inverse=True)
    kept = pyroi.batched_nms(boxes, falling(len(order)), numbers, above_when_rounded(iou_threshold))
    result = np.zeros(len(order), bool)
    result[order[kept]] = True
    return result


def _oriented_box_iou_batch(boxes_true: Any, boxes_detection: Any, overlap_metric: Any = "IOU") -> Any:
    """Accepts rectangles only, because other quadrilaterals have no angle."""
    if not _is_iou(overlap_metric):
        return NotImplemented
    return pyroi.box_iou_rotated(_rectangles(boxes_true), _rectangles(boxes_detection))


def _rectangles(corners: Any) -> Any:
    """Corners [N, 4, 2] or [N, 8] as centre, sides and angle, after a check that these give the same corners."""
    points = np.asarray(corners, np.float64).reshape(len(corners), 8)
    turned = pyroi.box_convert(points, "xyxyxyxy", "cxcywhr")
    back = pyroi.box_convert(turned, "cxcywhr", "xyxyxyxy")
    if not np.allclose(back, points, rtol=0, atol=1e-5 * max(1.0, np.abs(points).max(initial=0))):
        raise ArgumentError("boxes", "expected rectangles")
    return turned


def _mask_to_xyxy(masks: Any, coordinate_convention: Any = "inclusive") -> Any:
    """The last row and column belong to a box, unless the convention is exclusive."""
    if coordinate_convention not in ("inclusive", "exclusive") or getattr(masks, "dtype", None) != np.dtype(bool):
        return NotImplemented
    boxes = pyroi.masks_to_boxes(masks).astype(int)
    if coordinate_convention == "exclusive":
        boxes[masks.any(axis=(1, 2)), 2:] += 1
    return boxes


_tool = Tool(
    "supervision",
    (0, 31),
    [
        Replacement(_MODULE, "box_iou_batch", "boxes_true boxes_detection overlap_metric", _box_iou_batch),
        Replacement(
            _MODULE,
            "box_non_max_suppression",
            "predictions iou_threshold overlap_metric",
            _box_non_max_suppression,
        ),
        Replacement(
            _MODULE, "oriented_box_iou_batch", "boxes_true boxes_detection overlap_metric", _oriented_box_iou_batch
        ),
        Replacement(_CONVERTERS, "mask_to_xyxy", "masks coordinate_convention", _mask_to_xyxy),
    ],
)
accelerate: Callable[[], None] = _tool.accelerate
restore: Callable[[], None] = _tool.restore
