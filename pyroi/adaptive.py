"""Pooling of a whole map to a fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pyroi.arrays import Array, to_images, to_input_shape, to_map, to_size
from pyroi.resize import resize_map, resize_map_backward

__all__ = ["adaptive_avg_pool2d", "adaptive_avg_pool2d_backward"]


def adaptive_avg_pool2d(input: npt.ArrayLike, output_size: int | Sequence[int | None] | None) -> Array:
    """Pools a whole map to a fixed size by means.

    Along an axis of n pixels that becomes one of m, bin p covers the pixels from floor(p * n / m) to
    ceil((p + 1) * n / m); neighbouring bins overlap where m does not divide n.

    Args:
        input: Map ``[N, C, H, W]`` or ``[C, H, W]``, of the types that :func:`roi_align` takes.
        output_size: ``(height, width)``, or one number for a square; None keeps a side as it is.

    Returns:
        ``[N, C, height, width]`` or ``[C, height, width]`` of the input's floating type. An empty map gives 0.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        MemoryError: The result does not fit in memory.

    Source:
        ``torch.nn.functional.adaptive_avg_pool2d``, whose definition this is.
    """
    maps, single = to_images(input, "input")
    result = resize_map(maps, _size(output_size, maps), "area", name="output_size")
    return result[0] if single else result


def _size(output_size: Any, maps: Array) -> tuple[int, int]:
    """Height and width, None standing for the map's own."""
    if output_size is None:
        return maps.shape[2], maps.shape[3]
    if isinstance(output_size, (tuple, list)) and len(output_size) == 2:
        output_size = [own if side is None else side for side, own in zip(output_size, maps.shape[2:], strict=True)]
    return to_size(output_size, "output_size")


def adaptive_avg_pool2d_backward(grad: npt.ArrayLike, input_shape: Sequence[int]) -> Array:
    """The gradient of :func:`adaptive_avg_pool2d` for its input.

    Args:
        grad: Gradient of the result, ``[N, C, height, width]``.
        input_shape: ``(N, C, H, W)`` of the map.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type. Bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        MemoryError: The result does not fit in memory.

    Source:
        The transpose of the linear map that :func:`adaptive_avg_pool2d` is.
    """
    return resize_map_backward(to_map(grad, "grad"), to_input_shape(input_shape), "area")
