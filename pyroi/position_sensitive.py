"""Position-sensitive pooling: each bin of a crop is pooled from its own channels of the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import Boxes
from pyroi.arrays import Array, new_map, shape_text, to_input_shape, to_integer, to_map, to_number, to_size
from pyroi.box_table import to_boxes
from pyroi.errors import ArgumentError
from pyroi.memory import retrying
from pyroi.native import ffi, lib
from pyroi.pooling import flow_back, pool, to_grad

__all__ = ["ps_roi_align", "ps_roi_align_backward", "ps_roi_pool", "ps_roi_pool_backward"]

_ALIGN_PARAMS = ffi.typeof("roi_ps_roi_align_params *")
_POOL_PARAMS = ffi.typeof("roi_ps_roi_pool_params *")


def _align_params(spatial_scale: float, sampling_ratio: Any) -> Any:
    size = ffi.sizeof("roi_ps_roi_align_params")
    return ffi.new(
        _ALIGN_PARAMS, (size, spatial_scale, to_integer(sampling_ratio, "sampling_ratio"), native.cancel_flag())
    )


def _pool_params(spatial_scale: float) -> Any:
    return ffi.new(_POOL_PARAMS, (ffi.sizeof("roi_ps_roi_pool_params"), spatial_scale, native.cancel_flag()))


def _channels(name: str, shape: Sequence[int], height: int, width: int) -> int:
    """The number of channels of the crops; 0 if there are no bins."""
    bins = height * width
    if bins and shape[1] % bins:
        rule = f"expected C divisible by {height} * {width}, one channel for each bin"
        raise ArgumentError(name, f"{rule}, got {shape_text(shape)}")
    return shape[1] // bins if bins else 0


@retrying
def ps_roi_align(
    input: npt.ArrayLike,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
) -> Array:
    """Pools each box as :func:`pyroi.roi_align` does, with a separate channel of the map for each bin.

    Bin ``(p, q)`` of channel ``c`` of a crop is the mean of the samples in channel ``(c * height + p) * width + q`` of
    the map. Boxes are always shifted by half a pixel, as by ``aligned=True``.

    Args:
        input: Feature map ``[N, C, H, W]``, of the types and strides that :func:`pyroi.roi_align` takes; C must be
            divisible by ``height * width``.
        boxes: As for :func:`pyroi.roi_align`.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scale: Size of the map divided by the size of the image, such as 1/16 for a map of stride 16.
        sampling_ratio: Number of samples per bin along each axis. With 0 or less, a bin has as many samples as pixels,
            rounded up.

    Returns:
        Crops ``[K, C / (height * width), height, width]`` of the input's floating type, in the order of the boxes. A
        box whose width or height is 0 gives 0. For an output size of 0 there are no channels.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range; the message names the argument, the rule and what came.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.zeros((1, 4, 6, 6)) + np.arange(4).reshape(-1, 1, 1)  # each channel is its number
        >>> pyroi.ps_roi_align(map, [[1, 1, 5, 5]], 2)
        array([[[[0., 1.],
                 [2., 3.]]]])

    Source:
        Z. Li et al., "Light-Head R-CNN", 2017; for position-sensitive channels J. Dai et al., "R-FCN", 2016. For a box
        without area, torchvision returns NaN if `sampling_ratio` is 0 or less, and otherwise the value of a sample.
    """
    features = to_map(input, "input")
    table = to_boxes(boxes, features.shape[0])
    height, width = to_size(output_size, "output_size")
    scale = to_number(spatial_scale, "spatial_scale")
    params = _align_params(scale, sampling_ratio)
    channels = _channels("input", features.shape, height, width)
    result = new_map((len(table), channels, height, width), features.dtype, "output_size")
    pool(lib.roi_ps_roi_align, params, scale, features, table, result)
    return result


@retrying
def ps_roi_align_backward(
    grad: npt.ArrayLike,
    boxes: Boxes,
    input_shape: Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
) -> Array:
    """The gradient of :func:`ps_roi_align` for its input.

    Args:
        grad: Gradient of the crops, ``[K, C / (height * width), height, width]``.
        boxes: The boxes, as they were given to :func:`ps_roi_align`.
        input_shape: ``(N, C, H, W)`` of the feature map.
        spatial_scale: As given to :func:`ps_roi_align`.
        sampling_ratio: As given to :func:`ps_roi_align`.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type. Its bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`ps_roi_align`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> grad = pyroi.ps_roi_align_backward(np.ones((1, 1, 2, 2)), [[0, 0, 4, 4]], (1, 4, 4, 4))
        >>> grad.sum((2, 3))
        array([[1., 1., 1., 1.]])

    Source:
        The transpose of :func:`ps_roi_align`, which is linear in its input.
    """
    scale = to_number(spatial_scale, "spatial_scale")
    return _flow_back(
        lib.roi_ps_roi_align_backward, _align_params(scale, sampling_ratio), scale, grad, boxes, input_shape
    )


@retrying
def ps_roi_pool(
    input: npt.ArrayLike, boxes: Boxes, output_size: int | Sequence[int], spatial_scale: float = 1.0
) -> Array:
    """Averages the pixels of each bin of each box, with a separate channel of the map for each bin.

    The corners of a box, times `spatial_scale`, are rounded to pixels (half away from zero); the pixel at the second
    corner does not belong to the box, which is at least one pixel wide. The box is divided into bins of whole pixels as
    by :func:`pyroi.roi_pool`. Bin ``(p, q)`` of channel ``c`` of a crop is the mean of its pixels on the map, up to the
    last row and column, in channel ``(c * height + p) * width + q``.

    Args:
        input: Feature map ``[N, C, H, W]``, of the types and strides that :func:`pyroi.roi_align` takes; C must be
            divisible by ``height * width``.
        boxes: As for :func:`pyroi.roi_align`.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scale: Size of the map divided by the size of the image, such as 1/16 for a map of stride 16.

    Returns:
        Crops ``[K, C / (height * width), height, width]`` of the input's floating type, in the order of the boxes. A
        bin without a pixel on the map is 0. For an output size of 0 there are no channels.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range; the message names the argument, the rule and what came.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.zeros((1, 4, 6, 6)) + np.arange(4).reshape(-1, 1, 1)  # each channel is its number
        >>> pyroi.ps_roi_pool(map, [[1, 1, 5, 5]], 2)
        array([[[[0., 1.],
                 [2., 3.]]]])

    Source:
        J. Dai, Y. Li, K. He, J. Sun, "R-FCN", 2016, equation 1. torchvision's forward never reads the last row and
        column of the map, though its gradient flows there.
    """
    features = to_map(input, "input")
    table = to_boxes(boxes, features.shape[0])
    height, width = to_size(output_size, "output_size")
    scale = to_number(spatial_scale, "spatial_scale")
    channels = _channels("input", features.shape, height, width)
    result = new_map((len(table), channels, height, width), features.dtype, "output_size")
    pool(lib.roi_ps_roi_pool, _pool_params(scale), scale, features, table, result)
    return result


@retrying
def ps_roi_pool_backward(
    grad: npt.ArrayLike, boxes: Boxes, input_shape: Sequence[int], spatial_scale: float = 1.0
) -> Array:
    """The gradient of :func:`ps_roi_pool` for its input.

    Args:
        grad: Gradient of the crops, ``[K, C / (height * width), height, width]``.
        boxes: The boxes, as they were given to :func:`ps_roi_pool`.
        input_shape: ``(N, C, H, W)`` of the feature map.
        spatial_scale: As given to :func:`ps_roi_pool`.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type. Its bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`ps_roi_pool`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> grad = pyroi.ps_roi_pool_backward(np.ones((1, 1, 2, 2)), [[0, 0, 4, 4]], (1, 4, 4, 4))
        >>> grad.sum((2, 3))
        array([[1., 1., 1., 1.]])

    Source:
        The transpose of :func:`ps_roi_pool`, which is linear in its input.
    """
    scale = to_number(spatial_scale, "spatial_scale")
    return _flow_back(lib.roi_ps_roi_pool_backward, _pool_params(scale), scale, grad, boxes, input_shape)


def _flow_back(function: Any, params: Any, scale: float, grad: Any, boxes: Boxes, input_shape: Any) -> Array:
    shape = to_input_shape(input_shape)
    table = to_boxes(boxes, shape[0])
    height, width = to_map(grad, "grad").shape[2:]
    grads = to_grad(grad, table, _channels("input_shape", shape, height, width), shape)
    return flow_back(function, params, scale, grads, table, shape)
