"""Operators on boxes alone: suppression, overlap, formats; with the signatures of ``torchvision.ops``.

Leading dimensions, ``[..., N, 4]``, are accepted where torchvision accepts them. All numbers must be finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from pyroi.arrays import shape_text, to_size
from pyroi.boxes import COLUMNS, to_format
from pyroi.errors import ArgumentError
from pyroi.torch import operators as operators  # defines torch.ops.roi
from pyroi.torch import transforms
from pyroi.torch.overlap import differentiable_overlap
from pyroi.torch.tensors import ShapeError, check_tensor, no_boxes

_ops = torch.ops.roi


# ---- Suppression -----------------------------------------------------------------------------------------------------


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Non-maximum suppression; see :func:`pyroi.nms`.

    Args:
        boxes: ``[N, 4]``, rows ``x1, y1, x2, y2``.
        scores: ``[N]``.
        iou_threshold: From 0 to 1. A box whose IoU with a kept box of higher score is above it is removed.

    Returns:
        int64 ``[kept]``: indices into `boxes`, by decreasing score; boxes of equal score are in their order.

    Raises:
        TypeError: An argument is not a tensor.
        ValueError: A wrong shape (also a RuntimeError, as torchvision raises), threshold, score or coordinate.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> boxes = torch.tensor([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30.0]])
        >>> ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)
        tensor([0, 2])
    """
    return _ops.nms(*check_scored(boxes, scores), iou_threshold)


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """:func:`nms` class by class; see :func:`pyroi.batched_nms`. No offsets are added to coordinates.

    Args:
        boxes: As for :func:`nms`; a tensor ``[0]`` has no boxes, as in torchvision.
        scores: As for :func:`nms`.
        idxs: ``[N]``, the class of each box: any integers.
        iou_threshold: As for :func:`nms`.

    Returns:
        int64 ``[kept]``: indices into `boxes`, by decreasing score over all classes.

    Raises:
        TypeError: An argument is not a tensor.
        ValueError: As for :func:`nms`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> boxes = torch.tensor([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30.0]])
        >>> ops.batched_nms(boxes, torch.tensor([0.9, 0.8, 0.7]), torch.tensor([1, 2, 1]), 0.5)
        tensor([0, 1, 2])
    """
    boxes, scores = check_scored(no_boxes(boxes, 4), scores)
    return _ops.batched_nms(boxes, scores, _one_per_box(idxs, "idxs", boxes), iou_threshold)


def check_scored(boxes: Any, scores: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The boxes and scores, after a check of their shapes."""
    boxes = check_tensor(boxes, "boxes")
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise ShapeError("boxes", f"expected [N, 4], got {shape_text(boxes.shape)}")
    return boxes, _one_per_box(scores, "scores", boxes)


def _one_per_box(value: Any, name: str, boxes: torch.Tensor) -> torch.Tensor:
    value = check_tensor(value, name, boxes)
    if value.dim() != 1 or value.shape[0] != boxes.shape[0]:
        raise ShapeError(name, f"expected [{boxes.shape[0]}], one for each box, got {shape_text(value.shape)}")
    return value


# ---- Single boxes ----------------------------------------------------------------------------------------------------


def box_area(boxes: torch.Tensor, fmt: str = "xyxy") -> torch.Tensor:
    """Computes the area of each box; see :func:`pyroi.box_area`.

    Args:
        boxes: ``[..., 4]``.
        fmt: Its format: ``xyxy``, ``xywh`` or ``cxcywh``.

    Returns:
        ``[...]``, at least float32, and float64 for integers. Differentiable.

    Raises:
        TypeError: `boxes` is not a tensor.
        ValueError: A wrong shape or format, or a number that is not finite.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> ops.box_area(torch.tensor([[2, 2, 10, 5], [3, 3, 0, 9.0]]), fmt="xywh")
        tensor([50.,  0.])
    """
    boxes, lead = _flat(_to_corners(boxes, "boxes", fmt, "box_area"), 4)
    areas = transforms.area_of(_to_wide(boxes, "boxes", 4)) if transforms.is_transformed() else _ops.box_area(boxes)
    return areas.reshape(lead)


def remove_small_boxes(boxes: torch.Tensor, min_size: float) -> torch.Tensor:
    """Finds the boxes whose sides are both at least `min_size`; see :func:`pyroi.remove_small_boxes`.

    Args:
        boxes: ``[N, 4]``, rows ``x1, y1, x2, y2``.
        min_size: Smallest width and height.

    Returns:
        int64 ``[kept]``: indices into `boxes`, in order.

    Raises:
        TypeError: `boxes` is not a tensor.
        ValueError: A wrong shape, or a number that is not finite.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> ops.remove_small_boxes(torch.tensor([[0, 0, 9, 9], [0, 0, 2, 9.0]]), 3)
        tensor([0])
    """
    return _ops.remove_small_boxes(no_boxes(check_tensor(boxes, "boxes"), 4), min_size)


def clip_boxes_to_image(boxes: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Clips boxes to an image; see :func:`pyroi.clip_boxes_to_image`.

    Args:
        boxes: ``[..., 4]``, rows ``x1, y1, x2, y2``.
        size: ``(height, width)`` of the image.

    Returns:
        Boxes of the same shape and type. Differentiable.

    Raises:
        TypeError: `boxes` is not a tensor.
        ValueError: A wrong shape or size, or a coordinate that is not finite.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> ops.clip_boxes_to_image(torch.tensor([[-3, 2, 50, 9.0]]), (8, 40))
        tensor([[ 0.,  2., 40.,  8.]])
    """
    given = check_tensor(boxes, "boxes")
    rows, lead = _flat(given, 4)
    clip = transforms.clip if transforms.is_transformed() else _ops.clip_boxes_to_image
    return clip(rows, *to_size(size, "size")).to(given.dtype).reshape(*lead, 4)


def box_convert(boxes: torch.Tensor, in_fmt: str, out_fmt: str) -> torch.Tensor:
    """Converts boxes to another format; see :func:`pyroi.box_convert` for the formats.

    Args:
        boxes: ``[..., 4]``, ``[..., 5]`` or ``[..., 8]``, as `in_fmt` requires.
        in_fmt: The format of `boxes`.
        out_fmt: The format of the result.

    Returns:
        A new tensor of the same type; float64 where integers are converted to centres or angles. Differentiable for
        upright boxes.

    Raises:
        TypeError: `boxes` is not a tensor.
        ValueError: A wrong shape, an unknown format or pair of formats, or a number that is not finite.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> ops.box_convert(torch.tensor([[10, 20, 40, 60.0]]), "xyxy", "cxcywh")
        tensor([[25., 40., 30., 40.]])
    """
    given = check_tensor(boxes, "boxes")
    source, target = to_format(in_fmt, "in_fmt"), to_format(out_fmt, "out_fmt")
    rows, lead = _flat(given, COLUMNS[source])
    converted = _convert(rows, source, target).reshape(*lead, COLUMNS[target])
    whole = {"xyxy", "xywh"}  # conversions between these keep integers
    return converted.to(given.dtype) if source == target or {source, target} == whole else converted


def _convert(rows: torch.Tensor, source: str, target: str) -> torch.Tensor:
    if not transforms.is_transformed() or max(COLUMNS[source], COLUMNS[target]) > 4:
        return _ops.box_convert(rows, source, target)
    rows = rows if rows.is_floating_point() else rows.to(torch.float64)
    units = torch.eye(4, dtype=torch.float64)
    return transforms.convert(rows, _ops.box_convert(units, source, target).to(rows.dtype))


def masks_to_boxes(masks: torch.Tensor) -> torch.Tensor:
    """Computes the bounding box of each mask; see :func:`pyroi.masks_to_boxes`.

    Args:
        masks: ``[N, H, W]``, booleans or numbers; elements other than 0 belong to the mask.

    Returns:
        float32 ``[N, 4]``, rows ``x1, y1, x2, y2``, the first and the last column and row; 0 for an empty mask.

    Raises:
        TypeError: `masks` is not a tensor, or has elements of another type.
        ValueError: A wrong shape.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> masks = torch.zeros(1, 5, 5, dtype=torch.bool)
        >>> masks[0, 1:3, 2:5] = True
        >>> ops.masks_to_boxes(masks)
        tensor([[2., 1., 4., 2.]])
    """
    return _ops.masks_to_boxes(check_tensor(masks, "masks"))


def _flat(boxes: torch.Tensor, columns: int) -> tuple[torch.Tensor, torch.Size]:
    """Boxes [N, columns], and their leading dimensions."""
    boxes = no_boxes(boxes, columns)
    if boxes.dim() == 0 or boxes.shape[-1] != columns:
        raise ShapeError("boxes", f"expected [..., {columns}], got {shape_text(boxes.shape)}")
    return boxes.reshape(-1, columns), boxes.shape[:-1]


def _to_corners(boxes: Any, name: str, fmt: str, of: str) -> torch.Tensor:
    """Upright boxes, converted to x1, y1, x2, y2."""
    boxes = check_tensor(boxes, name)
    if to_format(fmt, "fmt") == "xyxy":
        return boxes
    if COLUMNS[fmt] != 4:
        raise ArgumentError("fmt", f"{of} is for upright boxes: xyxy, xywh or cxcywh, got {fmt!r}")
    return box_convert(boxes, fmt, "xyxy")


# ---- Overlap ---------------------------------------------------------------------------------------------------------


def box_iou(boxes1: torch.Tensor, boxes2: torch.Tensor, fmt: str = "xyxy") -> torch.Tensor:
    """Computes the intersection over union (IoU) of each pair of N and M boxes; see :func:`pyroi.box_iou`.

    Args:
        boxes1: ``[..., N, 4]``, or ``[..., N, 5]`` and ``[..., N, 8]`` for rotated formats.
        boxes2: ``[..., M, 4]``, in the same format.
        fmt: The format of both: any that :func:`box_convert` knows.

    Returns:
        ``[..., N, M]``, float32 or float64, the latter for integers. Differentiable for upright boxes. The IoU of
        two boxes without area is 0 (torchvision returns NaN).

    Raises:
        TypeError: An argument is not a tensor.
        ValueError: A wrong shape or format, or a number that is not finite.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> ops.box_iou(torch.tensor([[0, 0, 10, 10.0]]), torch.tensor([[5, 5, 15, 10], [0, 0, 10, 10.0]]))
        tensor([[0.2000, 1.0000]])
    """
    if COLUMNS[to_format(fmt, "fmt")] > 4:
        boxes1, boxes2 = (box_convert(boxes, fmt, "cxcywhr") for boxes in (boxes1, boxes2))
        return _overlap(_ops.box_iou_rotated, boxes1, boxes2, 5)
    boxes1, boxes2 = _to_corners(boxes1, "boxes1", fmt, "box_iou"), _to_corners(boxes2, "boxes2", fmt, "box_iou")
    return _overlap(_ops.box_iou, boxes1, boxes2)


def box_iof(boxes1: torch.Tensor, boxes2: torch.Tensor) -> torch.Tensor:
    """Computes the intersection over the area of the first box (IoF) of each pair; see :func:`pyroi.box_iof`.

    Args:
        boxes1: As for :func:`generalized_box_iou`. The area of these boxes is the denominator.
        boxes2: As for :func:`generalized_box_iou`.

    Returns:
        ``[..., N, M]``, as for :func:`generalized_box_iou`.

    Raises:
        TypeError: An argument is not a tensor.
        ValueError: As for :func:`generalized_box_iou`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> ops.box_iof(torch.tensor([[0, 0, 10, 10.0]]), torch.tensor([[5, 5, 15, 10], [-5, -5, 20, 20.0]]))
        tensor([[0.2500, 1.0000]])
    """
    return _overlap(_ops.box_iof, boxes1, boxes2)


def box_ios(boxes1: torch.Tensor, boxes2: torch.Tensor) -> torch.Tensor:
    """Computes the intersection over the smaller area (IoS) of each pair; see :func:`pyroi.box_ios`.

    Args:
        boxes1: As for :func:`generalized_box_iou`.
        boxes2: As for :func:`generalized_box_iou`.

    Returns:
        ``[..., N, M]``, as for :func:`generalized_box_iou`.

    Raises:
        TypeError: An argument is not a tensor.
        ValueError: As for :func:`generalized_box_iou`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> ops.box_ios(torch.tensor([[0, 0, 10, 10.0]]), torch.tensor([[5, 5, 15, 10], [-5, -5, 20, 20.0]]))
        tensor([[0.5000, 1.0000]])
    """
    return _overlap(_ops.box_ios, boxes1, boxes2)


def generalized_box_iou(boxes1: torch.Tensor, boxes2: torch.Tensor) -> torch.Tensor:
    """Computes the generalized IoU of each pair of N and M boxes; see :func:`pyroi.generalized_box_iou`.

    Args:
        boxes1: ``[..., N, 4]``, rows ``x1, y1, x2, y2``.
        boxes2: ``[..., M, 4]``, in the same format.

    Returns:
        ``[..., N, M]``, float32 or float64, the latter for integers. Differentiable.

    Raises:
        TypeError: An argument is not a tensor.
        ValueError: A wrong shape, or a coordinate that is not finite.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> boxes = torch.tensor([[0, 0, 10, 10.0]], requires_grad=True)
        >>> loss = 1 - ops.generalized_box_iou(boxes, torch.tensor([[20, 0, 30, 10.0]]))
        >>> loss.item()
        1.3333333730697632
        >>> loss.backward()
        >>> boxes.grad
        tensor([[ 0.0111,  0.0000, -0.0333,  0.0000]])
    """
    return _overlap(_ops.generalized_box_iou, boxes1, boxes2)


def distance_box_iou(boxes1: torch.Tensor, boxes2: torch.Tensor, eps: float = 1e-7) -> torch.Tensor:
    """Computes the distance IoU of each pair of N and M boxes; see :func:`pyroi.distance_box_iou`.

    Args:
        boxes1: As for :func:`generalized_box_iou`.
        boxes2: As for :func:`generalized_box_iou`.
        eps: Ignored, since 0 / 0 counts as 0 here. It is part of torchvision's signature.

    Returns:
        ``[..., N, M]``, as for :func:`generalized_box_iou`.

    Raises:
        TypeError: An argument is not a tensor.
        ValueError: As for :func:`generalized_box_iou`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> ops.distance_box_iou(torch.tensor([[0, 0, 10, 10.0]]), torch.tensor([[0, 0, 10, 10], [10, 0, 20, 10.0]]))
        tensor([[ 1.0000, -0.2000]])
    """
    return _overlap(_ops.distance_box_iou, boxes1, boxes2)


def complete_box_iou(boxes1: torch.Tensor, boxes2: torch.Tensor, eps: float = 1e-7) -> torch.Tensor:
    """Computes the complete IoU of each pair of N and M boxes; see :func:`pyroi.complete_box_iou`.

    Args:
        boxes1: As for :func:`generalized_box_iou`.
        boxes2: As for :func:`generalized_box_iou`.
        eps: As for :func:`distance_box_iou`.

    Returns:
        ``[..., N, M]``, as for :func:`generalized_box_iou`. In its gradient the weight of the aspect ratio term
        is constant, as in the paper.

    Raises:
        TypeError: An argument is not a tensor.
        ValueError: As for :func:`generalized_box_iou`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> ops.complete_box_iou(torch.tensor([[0, 0, 10, 10.0]]), torch.tensor([[0, 0, 10, 10], [0, 0, 10, 5.0]]))
        tensor([[1.0000, 0.4655]])
    """
    return _overlap(_ops.complete_box_iou, boxes1, boxes2)


def _overlap(measure: Callable[..., Any], boxes1: Any, boxes2: Any, columns: int = 4) -> torch.Tensor:
    """The matrix of overlaps, for each index of the broadcast leading dimensions."""
    first = _to_wide(boxes1, "boxes1", columns)
    second = _to_wide(boxes2, "boxes2", columns, first)
    grows = torch.is_grad_enabled() and (first.requires_grad or second.requires_grad)
    if columns == 4 and (grows or transforms.is_transformed()):
        return differentiable_overlap(measure, first, second)
    if first.dim() == second.dim() == 2:
        return measure(first, second)
    lead = torch.broadcast_shapes(first.shape[:-2], second.shape[:-2])
    rows, others = (boxes.expand(*lead, *boxes.shape[-2:]).reshape(-1, *boxes.shape[-2:]) for boxes in (first, second))
    pairs = [measure(mine, yours) for mine, yours in zip(rows, others, strict=True)]
    matrix = torch.stack(pairs) if pairs else first.new_empty(0)
    return matrix.reshape(*lead, first.shape[-2], second.shape[-2])


def _to_wide(value: Any, name: str, columns: int, beside: torch.Tensor | None = None) -> torch.Tensor:
    """Boxes in the type of the computation."""
    boxes = no_boxes(check_tensor(value, name, beside), columns)
    if boxes.dim() < 2 or boxes.shape[-1] != columns:
        raise ShapeError(name, f"expected [..., N, {columns}], got {shape_text(boxes.shape)}")
    if not boxes.is_floating_point():
        return boxes.to(torch.float64)
    return boxes.to(torch.promote_types(boxes.dtype, torch.float32))
