"""RoIAlign of rotated boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import Boxes
from pyroi.arrays import Array, new_map, to_flag, to_input_shape, to_integer, to_map, to_number, to_size
from pyroi.box_table import ROTATED, to_boxes
from pyroi.memory import retrying
from pyroi.native import ffi, lib
from pyroi.pooling import flow_back, pool, to_grad

__all__ = ["roi_align_rotated", "roi_align_rotated_backward"]

_PARAMS = ffi.typeof("roi_align_rotated_params *")


def _params(spatial_scale: float, sampling_ratio: int, aligned: Any, clockwise: Any) -> Any:
    size = ffi.sizeof("roi_align_rotated_params")
    flags = to_flag(aligned, "aligned"), to_flag(clockwise, "clockwise")
    return ffi.new(_PARAMS, (size, spatial_scale, sampling_ratio, *flags, native.cancel_flag()))


@retrying
def roi_align_rotated(
    input: npt.ArrayLike,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    clockwise: bool = False,
) -> Array:
    """Pools each rotated box to an upright crop of fixed size.

    This is :func:`roi_align` in mode ``avg`` with the sampling grid rotated about the centre of the box. Positions are
    computed in float64 for all types of the map; rotations by multiples of 90 degrees are exact.

    Args:
        input: Feature map ``[N, C, H, W]``, of the types and strides that :func:`roi_align` takes.
        boxes: ``[K, 6]`` rows ``batch_index cx cy w h angle``; or ``[K, 5]`` rows ``cx cy w h angle`` if N is 1; or a
            list of N arrays ``[L, 5]``; or 5 or 6 numbers, for one box. Centre and sides are in pixels of the image,
            and sides must not be negative. The angle is in degrees, counter-clockwise in the displayed image.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scale: Size of the map divided by the size of the image, such as 1/16 for a map of stride 16.
        sampling_ratio: Number of samples per bin along each axis, at most 128. With 0 or less, a bin has as many
            samples as pixels, rounded up.
        aligned: Whether to shift boxes by half a pixel, because the centre of pixel k lies at k + 0.5. False also makes
            boxes at least one pixel wide and high.
        clockwise: Whether a positive angle is a clockwise rotation.

    Returns:
        Crops ``[K, C, height, width]`` of the input's floating type, in the order of the boxes. The axes of a crop are
        those of its box.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range; the message names the argument, the rule and what came. A side below 0, or
            a box that reaches farther than 2**40 pixels, is named with its row.
        MemoryError: The result, or the weights of a box, do not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.arange(25.0).reshape(1, 1, 5, 5)
        >>> pyroi.roi_align_rotated(map, [[2.5, 2.5, 2, 2, 90]], 2, sampling_ratio=2)
        array([[[[14.,  9.],
                 [15., 10.]]]])

    Source:
        J. Ma et al., "Arbitrary-Oriented Scene Text Detection via Rotation Proposals", 2018; the samples are those of
        Detectron2's operator ROIAlignRotated.
    """
    features = to_map(input, "input")
    table = to_boxes(boxes, features.shape[0], ROTATED)
    height, width = to_size(output_size, "output_size")
    scale, ratio = to_number(spatial_scale, "spatial_scale"), to_integer(sampling_ratio, "sampling_ratio")
    params = _params(scale, ratio, aligned, clockwise)
    result = new_map((len(table), features.shape[1], height, width), features.dtype, "output_size")
    pool(lib.roi_align_rotated, params, scale, features, table, result, sampling_ratio=ratio)
    return result


@retrying
def roi_align_rotated_backward(
    grad: npt.ArrayLike,
    boxes: Boxes,
    input_shape: Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    clockwise: bool = False,
) -> Array:
    """The gradient of :func:`roi_align_rotated` for its input.

    Args:
        grad: Gradient of the crops, ``[K, C, height, width]``.
        boxes: The boxes, as they were given to :func:`roi_align_rotated`.
        input_shape: ``(N, C, H, W)`` of the feature map.
        spatial_scale: As given to :func:`roi_align_rotated`.
        sampling_ratio: As given to :func:`roi_align_rotated`.
        aligned: As given to :func:`roi_align_rotated`.
        clockwise: As given to :func:`roi_align_rotated`.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type. Its bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`roi_align_rotated`.
        MemoryError: The result, or the weights of a box, do not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> box = [[1.5, 1.5, 2, 1, 90]]
        >>> pyroi.roi_align_rotated_backward(np.ones((1, 1, 1, 1)), box, (1, 1, 3, 3))[0, 0]
        array([[0.  , 0.25, 0.  ],
               [0.  , 0.5 , 0.  ],
               [0.  , 0.25, 0.  ]])

    Source:
        The transpose of :func:`roi_align_rotated`, which is linear in its input.
    """
    shape = to_input_shape(input_shape)
    table = to_boxes(boxes, shape[0], ROTATED)
    grads = to_grad(grad, table, shape[1], shape)
    scale, ratio = to_number(spatial_scale, "spatial_scale"), to_integer(sampling_ratio, "sampling_ratio")
    params = _params(scale, ratio, aligned, clockwise)
    return flow_back(lib.roi_align_rotated_backward, params, scale, grads, table, shape, sampling_ratio=ratio)
