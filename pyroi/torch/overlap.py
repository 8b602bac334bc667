"""Overlap of boxes in PyTorch's own operations, for its gradient.

libroi's kernels are the definition, and faster, but have no gradient. This module computes the same values up to
rounding.
"""

from __future__ import annotations

import math
from typing import Any

import torch


def differentiable_overlap(measure: Any, boxes1: torch.Tensor, boxes2: torch.Tensor) -> torch.Tensor:
    """The result of the operator `measure` of ``torch.ops.roi``, ``[..., N, M]``, with its gradient."""
    pair = _Pair(boxes1, boxes2)
    ops = torch.ops.roi
    if measure is ops.box_iou:
        return pair.iou
    if measure is ops.box_iof:
        return pair.iof
    if measure is ops.box_ios:
        return pair.ios
    if measure is ops.generalized_box_iou:
        return pair.iou - _ratio(pair.hull - pair.union, pair.hull)
    distance_iou = pair.iou - _ratio(pair.distance, pair.diagonal)
    return distance_iou if measure is ops.distance_box_iou else distance_iou - pair.aspect_cost()


def _ratio(over: torch.Tensor, under: torch.Tensor) -> torch.Tensor:
    """A quotient that is 0, with the gradient 0, where its denominator is 0. A single `where` would give NaN there."""
    empty = under == 0
    return torch.where(empty, 0, over / torch.where(empty, 1, under))


def _sides(low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    return (high - low).clamp(min=0)


def _diagonal_angle(width: torch.Tensor, height: torch.Tensor) -> torch.Tensor:
    """The angle of the diagonal; 0 for a box that is a point, where the gradient of atan2 is NaN."""
    return torch.atan2(width, torch.where((width == 0) & (height == 0), 1, height))


class _Pair:
    """The intermediate values of all pairs of boxes."""

    def __init__(self, boxes1: torch.Tensor, boxes2: torch.Tensor) -> None:
        first, second = boxes1[..., :, None, :], boxes2[..., None, :, :]
        (low1, high1), (low2, high2) = first.split(2, -1), second.split(2, -1)
        self.sides = _sides(low1, high1), _sides(low2, high2)
        shared = _sides(torch.maximum(low1, low2), torch.minimum(high1, high2)).prod(-1)
        around = _sides(torch.minimum(low1, low2), torch.maximum(high1, high2))
        self.union = self.sides[0].prod(-1) + self.sides[1].prod(-1) - shared
        self.iou = _ratio(shared, self.union)
        areas = [sides.prod(-1).expand_as(shared) for sides in self.sides]
        self.iof = _ratio(shared, areas[0])
        self.ios = _ratio(shared, torch.minimum(*areas))
        self.hull = around.prod(-1)
        self.diagonal = around.square().sum(-1)
        self.distance = ((low1 - low2 + (high1 - high2)) / 2).square().sum(-1)

    def aspect_cost(self) -> torch.Tensor:
        """The penalty for different aspect ratios; its weight has no gradient."""
        angles = [_diagonal_angle(*sides.unbind(-1)) for sides in self.sides]
        v = (4 / math.pi**2) * (angles[0] - angles[1]).square()
        weight = _ratio(v, 1 - self.iou + v).detach()
        return weight * v
