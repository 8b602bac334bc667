"""The operators as modules, with the signatures of ``torchvision.ops``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.fx

from pyroi.arrays import to_size
from pyroi.errors import ArgumentError
from pyroi.torch.pooling import multiscale_roi_align, ps_roi_align, ps_roi_pool, roi_align, roi_pool
from pyroi.torch.tensors import check_tensor

# torch.fx traces each of these functions as one call, as it does torchvision's.
for _name in ("ps_roi_align", "ps_roi_pool", "roi_align", "roi_pool"):
    torch.fx.wrap(_name)


class _Pooling(torch.nn.Module):
    """A module with the settings of a function, which the subclass names in their order."""

    settings: ClassVar[tuple[str, ...]]

    def extra_repr(self) -> str:
        """The settings, for repr()."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.settings)


class RoIAlign(_Pooling):
    """:func:`roi_align` with fixed settings.

    Args:
        output_size: As for :func:`roi_align`.
        spatial_scale: As for :func:`roi_align`.
        sampling_ratio: As for :func:`roi_align`.
        aligned: As for :func:`roi_align`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> align = ops.RoIAlign(output_size=7, spatial_scale=1 / 16, sampling_ratio=2)
        >>> align
        RoIAlign(output_size=7, spatial_scale=0.0625, sampling_ratio=2, aligned=False)
        >>> align(torch.rand(1, 256, 50, 84), [torch.tensor([[32, 48, 300, 410.0]])]).shape
        torch.Size([1, 256, 7, 7])
    """

    settings: ClassVar[tuple[str, ...]] = ("output_size", "spatial_scale", "sampling_ratio", "aligned")

    def __init__(
        self, output_size: int | Sequence[int], spatial_scale: float, sampling_ratio: int, aligned: bool = False
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio
        self.aligned = aligned

    def forward(self, input: torch.Tensor, rois: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
        """Crops ``[K, C, height, width]`` of `rois` from `input` ``[N, C, H, W]``."""
        return roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)


class RoIPool(_Pooling):
    """:func:`roi_pool` with fixed settings.

    Args:
        output_size: As for :func:`roi_pool`.
        spatial_scale: As for :func:`roi_pool`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> pool = ops.RoIPool(output_size=(7, 7), spatial_scale=1 / 16)
        >>> pool(torch.rand(1, 256, 50, 84), [torch.tensor([[32, 48, 300, 410.0]])]).shape
        torch.Size([1, 256, 7, 7])
    """

    settings: ClassVar[tuple[str, ...]] = ("output_size", "spatial_scale")

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale

    def forward(self, input: torch.Tensor, rois: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
        """Crops ``[K, C, height, width]`` of `rois` from `input` ``[N, C, H, W]``."""
        return roi_pool(input, rois, self.output_size, self.spatial_scale)


class PSRoIAlign(_Pooling):
    """:func:`ps_roi_align` with fixed settings.

    Args:
        output_size: As for :func:`ps_roi_align`.
        spatial_scale: As for :func:`ps_roi_align`.
        sampling_ratio: As for :func:`ps_roi_align`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> align = ops.PSRoIAlign(output_size=7, spatial_scale=1 / 16, sampling_ratio=2)
        >>> align(torch.rand(1, 10 * 7 * 7, 50, 84), [torch.tensor([[32, 48, 300, 410.0]])]).shape
        torch.Size([1, 10, 7, 7])
    """

    settings: ClassVar[tuple[str, ...]] = ("output_size", "spatial_scale", "sampling_ratio")

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float, sampling_ratio: int) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio

    def forward(self, input: torch.Tensor, rois: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
        """Crops ``[K, C / (height * width), height, width]`` of `rois` from `input` ``[N, C, H, W]``."""
        return ps_roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio)


class PSRoIPool(_Pooling):
    """:func:`ps_roi_pool` with fixed settings.

    Args:
        output_size: As for :func:`ps_roi_pool`.
        spatial_scale: As for :func:`ps_roi_pool`.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> pool = ops.PSRoIPool(output_size=7, spatial_scale=1 / 16)
        >>> pool(torch.rand(1, 10 * 7 * 7, 50, 84), [torch.tensor([[32, 48, 300, 410.0]])]).shape
        torch.Size([1, 10, 7, 7])
    """

    settings: ClassVar[tuple[str, ...]] = ("output_size", "spatial_scale")

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale

    def forward(self, input: torch.Tensor, rois: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
        """Crops ``[K, C / (height * width), height, width]`` of `rois` from `input` ``[N, C, H, W]``."""
        return ps_roi_pool(input, rois, self.output_size, self.spatial_scale)


class MultiScaleRoIAlign(_Pooling):
    """:func:`multiscale_roi_align` of named maps, with inferred scales and ``aligned=False``.

    The scale of a level is the power of 2 nearest to its height over the largest height of an image. The first
    call infers the scales and stores them in `scales`; after that is set to None, the next call infers them again. The
    scale of the finest level is the power of 2 of index 0.

    Args:
        featmap_names: The names of the maps to pool from. Their order is that of the dict `x`, finest first.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        sampling_ratio: As for :func:`roi_align`.
        canonical_scale: The side of a box that is pooled from the level `canonical_level`.
        canonical_level: That level, as a power of 2: 4 is a map of stride 16.

    Example:
        >>> import torch, pyroi.torch as ops
        >>> align = ops.MultiScaleRoIAlign(["0", "1"], output_size=7, sampling_ratio=2)
        >>> features = {"0": torch.rand(1, 256, 64, 64), "1": torch.rand(1, 256, 32, 32)}
        >>> align(features, [torch.tensor([[10, 10, 200, 200.0]])], image_shapes=[(256, 256)]).shape
        torch.Size([1, 256, 7, 7])
        >>> align.scales
        [0.25, 0.125]
    """

    settings: ClassVar[tuple[str, ...]] = ("featmap_names", "output_size", "sampling_ratio")

    def __init__(
        self,
        featmap_names: Sequence[str],
        output_size: int | Sequence[int],
        sampling_ratio: int,
        *,
        canonical_scale: int = 224,
        canonical_level: int = 4,
    ) -> None:
        super().__init__()
        self.featmap_names = featmap_names
        self.output_size: tuple[int, int] = to_size(output_size, "output_size")
        self.sampling_ratio = sampling_ratio
        self.canonical_scale = canonical_scale
        self.canonical_level = canonical_level
        self.scales: list[float] | None = None

    def forward(
        self, x: dict[str, torch.Tensor], boxes: Sequence[torch.Tensor], image_shapes: Sequence[tuple[int, int]]
    ) -> torch.Tensor:
        """Crops of the boxes, each from the level that its size selects.

        Args:
            x: Maps by name, ``[N, C, H_l, W_l]``; those that are not in `featmap_names` are ignored.
            boxes: The boxes ``[L, 4]`` of each image, in units of the images.
            image_shapes: ``(height, width)`` of each image, before the maps were made from it.

        Returns:
            Crops ``[K, C, height, width]`` in the order of the boxes, of the first level's type.

        Raises:
            ValueError: No map has one of the names, or `image_shapes` is empty; else as :func:`multiscale_roi_align`.
        """
        features = [check_tensor(level, "x") for name, level in x.items() if name in self.featmap_names]
        if not features:
            raise ArgumentError("x", f"expected a map named one of {list(self.featmap_names)}, got {list(x)}")
        if self.scales is None:
            self.scales = _infer_scales(features, image_shapes)
        return multiscale_roi_align(
            [level.to(features[0].dtype) for level in features],  # their types may differ under autocast
            boxes,
            self.output_size,
            self.scales,
            self.sampling_ratio,
            aligned=False,
            canonical_level=self.canonical_level + round(math.log2(self.scales[0])),
            canonical_scale=self.canonical_scale,
        )


def _infer_scales(features: Sequence[torch.Tensor], image_shapes: Any) -> list[float]:
    if not image_shapes:
        raise ArgumentError("image_shapes", "expected (height, width) of at least one image, got none")
    height = max(shape[0] for shape in image_shapes)
    return [2.0 ** round(math.log2(level.shape[-2] / height)) for level in features]
