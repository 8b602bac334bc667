"""Pooling of boxes from maps, with the signatures of ``torchvision.ops`` where it has the function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from pyroi.arrays import shape_text, to_flag, to_integer, to_number, to_size
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.torch import operators as operators  # defines torch.ops.roi
from pyroi.torch import transforms
from pyroi.torch.tensors import check_tensor, no_boxes

__all__ = [
    "multiscale_roi_align",
    "prroi_pool",
    "ps_roi_align",
    "ps_roi_pool",
    "roi_align",
    "roi_align_rotated",
    "roi_pool",
]

_ops = torch.ops.roi


class BoxesError(ArgumentError, AssertionError):
    """Boxes have a wrong shape; an AssertionError for those who expect torchvision's."""


class BoxesTypeError(ArgumentTypeError, AssertionError):
    """Boxes are neither a tensor nor a list of tensors; an AssertionError for those who expect torchvision's."""


def roi_align(
    input: torch.Tensor,
    boxes: torch.Tensor | Sequence[torch.Tensor],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> torch.Tensor:
    """Means of bilinear samples of each box; see :func:`pyroi.roi_align`. Differentiable in `input`, at any order.

    Args:
        input: Feature map ``[N, C, H, W]`` on the CPU: float32, float64, float16 or bfloat16, of any memory format.
        boxes: ``[K, 5]`` rows ``batch_index x1 y1 x2 y2``, or a list of N tensors ``[L, 4]``. Their type may differ
            from that of `input`; 16-bit types are widened.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scale: Size of the map divided by the size of the image.
        sampling_ratio: Number of samples per bin along each axis. With 0 or less, a bin has as many samples as pixels,
            rounded up.
        aligned: Whether boxes are shifted by half a pixel. False is the default of torchvision, and fits older models.

    Returns:
        Crops ``[K, C, height, width]`` of the input's type, contiguous.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, a tensor on another device, a batch index outside [0, N), a coordinate that
            is not finite. For a wrong shape of `boxes` it is an AssertionError too, as with torchvision.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> map = torch.arange(25.0).reshape(1, 1, 5, 5)
        >>> ops.roi_align(map, [torch.tensor([[1, 1, 3, 3.0]])], 2, sampling_ratio=2, aligned=True)
        tensor([[[[ 6.,  7.],
                  [11., 12.]]]])
    """
    rois, size, scale = _common(input, boxes, output_size, spatial_scale)
    ratio = to_integer(sampling_ratio, "sampling_ratio")
    return _linear("roi_align", input, rois, size, scale, ratio, to_flag(aligned, "aligned"))


def ps_roi_align(
    input: torch.Tensor,
    boxes: torch.Tensor | Sequence[torch.Tensor],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
) -> torch.Tensor:
    """Position-sensitive RoIAlign; see :func:`pyroi.ps_roi_align`. Differentiable in `input`, at any order.

    Args:
        input: As for :func:`roi_align`; C must be divisible by ``height * width``.
        boxes: As for :func:`roi_align`.
        output_size: As for :func:`roi_align`.
        spatial_scale: As for :func:`roi_align`.
        sampling_ratio: As for :func:`roi_align`.

    Returns:
        Crops ``[K, C / (height * width), height, width]``. A box without area gives 0 (in torchvision, NaN).

    Raises:
        TypeError, ValueError, MemoryError: As for :func:`roi_align`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> map = torch.arange(4.0).reshape(1, 4, 1, 1).expand(1, 4, 6, 6)  # each channel is its number
        >>> ops.ps_roi_align(map, [torch.tensor([[1, 1, 5, 5.0]])], 2)
        tensor([[[[0., 1.],
                  [2., 3.]]]])
    """
    rois, size, scale = _common(input, boxes, output_size, spatial_scale)
    return _linear("ps_roi_align", input, rois, size, scale, to_integer(sampling_ratio, "sampling_ratio"))


def ps_roi_pool(
    input: torch.Tensor,
    boxes: torch.Tensor | Sequence[torch.Tensor],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
) -> torch.Tensor:
    """Position-sensitive average pooling; see :func:`pyroi.ps_roi_pool`. Differentiable in `input`, at any order.

    Args:
        input: As for :func:`ps_roi_align`.
        boxes: As for :func:`roi_align`.
        output_size: As for :func:`roi_align`.
        spatial_scale: As for :func:`roi_align`.

    Returns:
        Crops ``[K, C / (height * width), height, width]``. The last row and column of the map are included;
        torchvision's forward omits them, but its gradient does not.

    Raises:
        TypeError, ValueError, MemoryError: As for :func:`roi_align`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> map = torch.arange(4.0).reshape(1, 4, 1, 1).expand(1, 4, 6, 6)  # each channel is its number
        >>> ops.ps_roi_pool(map, [torch.tensor([[1, 1, 5, 5.0]])], 2)
        tensor([[[[0., 1.],
                  [2., 3.]]]])
    """
    rois, size, scale = _common(input, boxes, output_size, spatial_scale)
    return _linear("ps_roi_pool", input, rois, size, scale)


def roi_pool(
    input: torch.Tensor,
    boxes: torch.Tensor | Sequence[torch.Tensor],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
) -> torch.Tensor:
    """Pools each box by max pooling; see :func:`pyroi.roi_pool`. Differentiable in `input`, once.

    Args:
        input: As for :func:`roi_align`.
        boxes: As for :func:`roi_align`.
        output_size: As for :func:`roi_align`.
        spatial_scale: As for :func:`roi_align`.

    Returns:
        Crops ``[K, C, height, width]`` of the input's type.

    Raises:
        TypeError, ValueError, MemoryError: As for :func:`roi_align`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> map = torch.arange(64.0).reshape(1, 1, 8, 8)
        >>> ops.roi_pool(map, torch.tensor([[0, 0, 0, 6, 6.0]]), 2)
        tensor([[[[27., 30.],
                  [51., 54.]]]])
    """
    rois, size, scale = _common(input, boxes, output_size, spatial_scale)
    if transforms.is_transformed():
        return transforms.maxima(_ops.roi_pool, _ops.roi_pool_backward, input, rois, *size, scale)[0]
    return _ops.roi_pool(input, rois, *size, scale)[0]


def prroi_pool(
    input: torch.Tensor,
    boxes: torch.Tensor | Sequence[torch.Tensor],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
) -> torch.Tensor:
    """Crops by integration, without samples; see :func:`pyroi.prroi_pool`. Differentiable in `input` and `boxes`, once.

    Args:
        input: As for :func:`roi_align`.
        boxes: As for :func:`roi_align`. The batch index has the gradient 0.
        output_size: As for :func:`roi_align`.
        spatial_scale: As for :func:`roi_align`.

    Returns:
        Crops ``[K, C, height, width]`` of the input's type.

    Raises:
        TypeError, ValueError, MemoryError: As for :func:`roi_align`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> map = torch.arange(25.0).reshape(1, 1, 5, 5)
        >>> boxes = torch.tensor([[0, 1, 1, 3, 3.0]], requires_grad=True)
        >>> ops.prroi_pool(map, boxes, 1).sum().backward()
        >>> boxes.grad
        tensor([[0.0000, 0.5000, 2.5000, 0.5000, 2.5000]])
    """
    rois, size, scale = _common(input, boxes, output_size, spatial_scale)
    if transforms.is_transformed():
        return transforms.integrals(_ops.prroi_pool, _ops.prroi_pool_backward, input, rois, *size, scale)
    return _ops.prroi_pool(input, rois, *size, scale)


def roi_align_rotated(
    input: torch.Tensor,
    boxes: torch.Tensor | Sequence[torch.Tensor],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    clockwise: bool = False,
) -> torch.Tensor:
    """RoIAlign of rotated boxes; see :func:`pyroi.roi_align_rotated`. Differentiable in `input`, at any order.

    Args:
        input: As for :func:`roi_align`.
        boxes: ``[K, 6]`` rows ``batch_index cx cy w h angle``, or a list of N tensors ``[L, 5]``; angles in degrees.
        output_size: As for :func:`roi_align`.
        spatial_scale: As for :func:`roi_align`.
        sampling_ratio: As for :func:`roi_align`, at most 128.
        aligned: As for :func:`roi_align`; the default is true, as in :mod:`pyroi`.
        clockwise: Whether a positive angle is a clockwise rotation.

    Returns:
        Crops ``[K, C, height, width]`` of the input's type, upright.

    Raises:
        TypeError, ValueError, MemoryError: As for :func:`roi_align`; a side below 0 is a ValueError.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> map = torch.arange(25.0).reshape(1, 1, 5, 5)
        >>> ops.roi_align_rotated(map, [torch.tensor([[2.5, 2.5, 2, 2, 90]])], 2, sampling_ratio=2)
        tensor([[[[14.,  9.],
                  [15., 10.]]]])
    """
    rois, size, scale = _common(input, boxes, output_size, spatial_scale, numbers=5)
    ratio, flags = (
        to_integer(sampling_ratio, "sampling_ratio"),
        (to_flag(aligned, "aligned"), to_flag(clockwise, "clockwise")),
    )
    return _linear("roi_align_rotated", input, rois, size, scale, ratio, *flags)


def multiscale_roi_align(
    features: Sequence[torch.Tensor],
    boxes: torch.Tensor | Sequence[torch.Tensor],
    output_size: int | Sequence[int],
    spatial_scales: Sequence[float],
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    canonical_level: int = 2,
    canonical_scale: float = 224,
) -> torch.Tensor:
    """Pools each box from the level of a pyramid that suits its size; see :func:`pyroi.multiscale_roi_align`.

    Differentiable in `features`, once. :class:`MultiScaleRoIAlign` is the form that torchvision has.

    Args:
        features: The levels, finest first: maps ``[N, C, H_l, W_l]`` of the same N, C and type.
        boxes: As for :func:`roi_align`, in pixels of the image.
        output_size: As for :func:`roi_align`.
        spatial_scales: The size of each level divided by the size of the image.
        sampling_ratio: As for :func:`roi_align`.
        aligned: As for :func:`roi_align`; the default is true, as in :mod:`pyroi`.
        canonical_level: The index in `features` from which a box of side `canonical_scale` is pooled.
        canonical_scale: That side, in pixels of the image.

    Returns:
        Crops ``[K, C, height, width]`` in the order of the boxes.

    Raises:
        TypeError, ValueError, MemoryError: As for :func:`roi_align`, or levels that differ in N, C or type.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> pyramid = [torch.full((1, 1, 256 // s, 256 // s), float(s)) for s in (4, 8, 16, 32)]
        >>> boxes = [torch.tensor([[0, 0, 120, 120], [0, 0, 30, 30.0]])]
        >>> ops.multiscale_roi_align(pyramid, boxes, 1, [1 / 4, 1 / 8, 1 / 16, 1 / 32]).flatten()
        tensor([8., 4.])
    """
    if not isinstance(features, (list, tuple)) or not features:
        raise ArgumentTypeError("features", f"expected a list of at least one map, got {features!r}")
    levels = [check_map(features[0], "features")]
    levels += [check_map(level, "features", levels[0]) for level in features[1:]]
    rois, size, _ = _common(levels[0], boxes, output_size, 1.0)
    scales = [to_number(scale, "spatial_scales") for scale in spatial_scales]
    return _ops.multiscale_roi_align(
        levels,
        rois,
        *size,
        scales,
        to_integer(sampling_ratio, "sampling_ratio"),
        to_flag(aligned, "aligned"),
        to_integer(canonical_level, "canonical_level"),
        to_number(canonical_scale, "canonical_scale"),
    )


def _linear(name: str, map: torch.Tensor, rois: torch.Tensor, size: tuple[int, int], *settings: Any) -> torch.Tensor:
    """An operator that is linear in the map."""
    operator = getattr(_ops, name)
    if transforms.is_transformed():
        return transforms.Linear(operator, getattr(_ops, f"{name}_backward"), size, settings)(map, rois)
    return operator(map, rois, *size, *settings)


# ---- Arguments -------------------------------------------------------------------------------------------------------


def _common(
    input: Any, boxes: Any, output_size: Any, spatial_scale: Any, numbers: int = 4
) -> tuple[torch.Tensor, tuple[int, int], float]:
    """The common arguments after their checks: boxes with a batch index, output size, scale."""
    images = check_map(input, "input").shape[0]
    rois = _to_rois(boxes, images, input, numbers)
    return rois, to_size(output_size, "output_size"), to_number(spatial_scale, "spatial_scale")


def check_map(value: Any, name: str, beside: torch.Tensor | None = None) -> torch.Tensor:
    """A floating map [N, C, H, W]."""
    map = check_tensor(value, name, beside)
    if map.dim() != 4:
        raise ArgumentError(name, f"expected [N, C, H, W], got {shape_text(map.shape)}")
    if not map.is_floating_point():
        raise ArgumentTypeError(name, f"expected floating-point numbers, got {map.dtype}")
    return map


def _to_rois(boxes: Any, images: int, like: torch.Tensor, numbers: int) -> torch.Tensor:
    """Boxes as rows of a batch index and `numbers` columns, in float32 or float64."""
    if isinstance(boxes, torch.Tensor):
        return check_boxes(no_boxes(boxes, numbers + 1), "K", numbers + 1, like)
    if not isinstance(boxes, (list, tuple)):
        rule = f"expected a tensor [K, {numbers + 1}] or a list of tensors"
        raise BoxesTypeError("boxes", f"{rule}, got {type(boxes).__name__}")
    if len(boxes) != images:
        rule = f"expected one tensor for each of the {images} images"
        raise BoxesError("boxes", f"{rule}, got a list of {len(boxes)}")
    parts = [check_boxes(no_boxes(part, numbers), "L", numbers, like) for part in boxes]
    rows = [torch.cat([torch.full_like(part[:, :1], image), part], 1) for image, part in enumerate(parts)]
    return torch.cat(rows) if rows else like.new_empty((0, numbers + 1), dtype=torch.float32)


def check_boxes(value: Any, count: str, columns: int, beside: torch.Tensor) -> torch.Tensor:
    """Boxes after a check of their shape, in float32 or float64."""
    boxes = check_tensor(value, "boxes", beside)
    if boxes.dim() != 2 or boxes.shape[1] != columns:
        raise BoxesError("boxes", f"expected [{count}, {columns}], got {shape_text(boxes.shape)}")
    if not boxes.is_floating_point():
        return boxes.to(torch.float64)
    return boxes.to(torch.promote_types(boxes.dtype, torch.float32))
