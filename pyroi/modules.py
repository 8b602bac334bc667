"""RoIAlign as callable objects with fixed settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from pyroi.align import multiscale_roi_align, roi_align
from pyroi.argument_types import Boxes
from pyroi.arrays import Array, to_flag, to_size
from pyroi.errors import ArgumentError

__all__ = ["MultiScaleROIAlign", "ROIAlign"]


_CANONICAL_SCALE = float(224)  # a distinct object, which shows whether the caller gave a value


class _Settings:
    """An object whose attributes are its settings. Its repr shows them, and objects with equal settings are equal."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in vars(self).items())})"

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))


class ROIAlign(_Settings):
    """Pools boxes from one feature map; see :func:`pyroi.roi_align` for the definition.

    Args:
        output_size: ``(height, width)`` of a crop, or one number for a square.
        aligned: Whether boxes are shifted by half a pixel.

    Example:
        >>> import numpy as np, pyroi
        >>> align = pyroi.ROIAlign(output_size=(7, 7))
        >>> align(np.ones((1, 256, 32, 32), np.float32), np.array([[0, 4, 4, 24, 24]])).shape
        (1, 256, 7, 7)
    """

    def __init__(self, output_size: int | Sequence[int], *, aligned: bool = True) -> None:
        self.output_size: tuple[int, int] = to_size(output_size, "output_size")
        self.aligned: bool = to_flag(aligned, "aligned")

    def forward(
        self, features: npt.ArrayLike, rois: Boxes, spatial_scale: float = 1.0, sampling_ratio: int = -1
    ) -> Array:
        """Crops ``[K, C, height, width]`` of `rois` from `features` ``[N, C, H, W]``."""
        return roi_align(features, rois, self.output_size, spatial_scale, sampling_ratio, self.aligned)

    __call__ = forward


class MultiScaleROIAlign(_Settings):
    """Pools boxes from a feature pyramid; see :func:`pyroi.multiscale_roi_align` for the definition.

    Args:
        output_size: ``(height, width)`` of a crop, or one number for a square.
        canonical_level: The index of the level from which a box of side `canonical_scale` is pooled.
        canonical_scale: The side of a box that is pooled from the canonical level, in pixels of the image.
        aligned: Whether boxes are shifted by half a pixel.
        canocical_scale: The name of `canonical_scale` in older versions, a misspelling that is still accepted.

    Example:
        >>> import numpy as np, pyroi
        >>> features = [np.ones((1, 256, s, s), np.float32) for s in (64, 32, 16, 8)]
        >>> align = pyroi.MultiScaleROIAlign(output_size=(7, 7))
        >>> align(features, np.array([[0, 10, 10, 40, 40]]), [1 / 4, 1 / 8, 1 / 16, 1 / 32]).shape
        (1, 256, 7, 7)
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        canonical_level: int = 2,
        canonical_scale: float = _CANONICAL_SCALE,
        *,
        aligned: bool = True,
        canocical_scale: float | None = None,
    ) -> None:
        if canocical_scale is not None and canonical_scale is not _CANONICAL_SCALE:
            raise ArgumentError("canonical_scale", "is given twice, also by its old spelling canocical_scale")
        self.output_size: tuple[int, int] = to_size(output_size, "output_size")
        self.canonical_level: int = canonical_level
        self.canonical_scale: float = canonical_scale if canocical_scale is None else canocical_scale
        self.aligned: bool = to_flag(aligned, "aligned")

    def forward(
        self,
        features: Sequence[npt.ArrayLike],
        rois: Boxes,
        spatial_scales: Sequence[float],
        sampling_ratio: int = -1,
    ) -> Array:
        """Crops ``[K, C, height, width]`` of `rois`, each from the level that suits its size."""
        return multiscale_roi_align(
            features,
            rois,
            self.output_size,
            spatial_scales,
            sampling_ratio,
            self.aligned,
            canonical_level=self.canonical_level,
            canonical_scale=self.canonical_scale,
        )

    __call__ = forward
