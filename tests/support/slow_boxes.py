"""Overlap and suppression of tensors of boxes by their definitions, for packages whose own kernels are not there."""

from __future__ import annotations

import numpy as np
import torch
from oracles import polygons


def iou(boxes1, boxes2):
    """IoU of upright boxes, in their type."""
    low, high = torch.maximum(boxes1[:, None, :2], boxes2[:, :2]), torch.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
    shared = (high - low).clamp(min=0).prod(2)
    area1, area2 = ((boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (boxes1, boxes2))
    return shared / (area1[:, None] + area2 - shared)


def iou_rotated(boxes1, boxes2):
    """IoU of rotated boxes by polygons, angles in degrees, counter-clockwise."""
    pairs = [[float(polygons.iou(a, b)) for b in boxes2.tolist()] for a in boxes1.tolist()]
    return torch.tensor(pairs, dtype=boxes1.dtype).reshape(len(boxes1), len(boxes2))


def suppress(matrix, scores, may_stay):
    """Indices that are kept, by descending score; `may_stay` tells it of the IoU with a kept one."""
    kept = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        if all(may_stay(matrix[index, other]) for other in kept):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64)


def suppress_rotated(matrix, scores, threshold):
    """By the rule of Detectron2's and mmcv's CPU kernels: an IoU of the threshold, a float32, suppresses too."""
    return suppress(matrix, scores, lambda iou: iou < float(np.float32(threshold)))
