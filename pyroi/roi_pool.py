"""RoIPool: fixed-size crops from boxes on a feature map, by max pooling of whole pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import Boxes
from pyroi.arrays import (
    Array,
    describe,
    describe_indices,
    new_map,
    shape_text,
    to_flag,
    to_indices,
    to_input_shape,
    to_map,
    to_number,
    to_size,
)
from pyroi.box_table import to_boxes
from pyroi.errors import ArgumentError
from pyroi.memory import retrying
from pyroi.native import ffi, lib
from pyroi.pooling import facts_of, flow_back, to_grad

__all__ = ["roi_pool", "roi_pool_backward"]

_PARAMS = ffi.typeof("roi_pool_params *")
_PARAMS_SIZE = ffi.sizeof("roi_pool_params")


def _params(spatial_scale: float) -> Any:
    return ffi.new(_PARAMS, (_PARAMS_SIZE, spatial_scale, native.cancel_flag()))


@overload
def roi_pool(
    input: npt.ArrayLike,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = ...,
    *,
    return_argmax: Literal[False] = ...,
) -> Array: ...
@overload
def roi_pool(
    input: npt.ArrayLike,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = ...,
    *,
    return_argmax: Literal[True],
) -> tuple[Array, npt.NDArray[np.int64]]: ...
@overload
def roi_pool(
    input: npt.ArrayLike,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = ...,
    *,
    return_argmax: bool,
) -> Array | tuple[Array, npt.NDArray[np.int64]]: ...


@retrying
def roi_pool(
    input: npt.ArrayLike,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    *,
    return_argmax: bool = False,
) -> Array | tuple[Array, npt.NDArray[np.int64]]:
    """Pools each box to a crop of fixed size by max pooling of whole pixels.

    The corners of a box, times `spatial_scale`, are rounded to pixels (half away from zero); the pixel at the second
    corner belongs to the box. The box is divided into ``output_size`` bins of whole pixels, which overlap if the sides
    are not divisible: along each axis, bin p has the pixels from ``floor(p * bin)`` to ``ceil((p + 1) * bin) - 1``.
    Pixels outside the map are ignored.

    Args:
        input: Feature map ``[N, C, H, W]``, of the types and strides that :func:`pyroi.roi_align` takes.
        boxes: As for :func:`pyroi.roi_align`: corners in pixels of the image. A box whose second corner lies before its
            first is one pixel wide.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scale: Size of the map divided by the size of the image, such as 1/16 for a map of stride 16.
        return_argmax: Whether to return the positions of the maxima too, which :func:`roi_pool_backward` needs.

    Returns:
        Crops ``[K, C, height, width]`` of the input's floating type, in the order of the boxes. A bin without a pixel
        on the map is 0, a bin that contains NaN is NaN, and a bin of ``-inf`` only is ``-inf``. With `return_argmax`, a
        pair: the crops, and int64 of the same shape, ``y * W + x`` of each maximum (of the first NaN, or else of the
        first among equal maxima, in row-major order), or -1 for a bin without pixels.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range; the message names the argument, the rule and what came.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.arange(64.0).reshape(1, 1, 8, 8)
        >>> pyroi.roi_pool(map, [[0, 0, 6, 6]], 2)
        array([[[[27., 30.],
                 [51., 54.]]]])

    Source:
        R. Girshick, "Fast R-CNN", 2015, section 2.1. torchvision ignores NaN, and returns -3.4e38 for a bin
        without a larger number.
    """
    features = to_map(input, "input")
    table = to_boxes(boxes, features.shape[0])
    height, width = to_size(output_size, "output_size")
    scale = to_number(spatial_scale, "spatial_scale")
    wanted = to_flag(return_argmax, "return_argmax")
    shape = (len(table), features.shape[1], height, width)
    result = new_map(shape, features.dtype, "output_size")
    argmax = new_map(shape, np.dtype(np.int64), "output_size") if wanted else None
    places = ffi.NULL if argmax is None else describe_indices(argmax)
    facts = facts_of(table, features.shape, scale)
    native.call(lib.roi_pool, _params(scale), describe(features), table.describe(), describe(result), places, **facts)
    return result if argmax is None else (result, argmax)


@retrying
def roi_pool_backward(grad: npt.ArrayLike, argmax: npt.ArrayLike, boxes: Boxes, input_shape: Sequence[int]) -> Array:
    """The gradient of :func:`roi_pool` for its input.

    Args:
        grad: Gradient of the crops, ``[K, C, height, width]``, in the same types as the input of :func:`roi_pool`.
        argmax: What :func:`roi_pool` returned with `return_argmax`: integers of grad's shape, each -1 or an index in
            ``[0, H * W)``.
        boxes: The boxes given to :func:`roi_pool`, of which only the batch indices are used.
        input_shape: ``(N, C, H, W)`` of the feature map.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type: each pixel has the sum of the gradients of the bins whose
        maximum it was. Its bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`roi_pool`; an argmax outside the map is named with its row.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map, box = np.arange(9.0).reshape(1, 1, 3, 3), [[0, 0, 1, 1]]
        >>> crop, argmax = pyroi.roi_pool(map, box, 1, return_argmax=True)
        >>> pyroi.roi_pool_backward(np.ones_like(crop), argmax, box, map.shape)[0, 0]
        array([[0., 0., 0.],
               [0., 1., 0.],
               [0., 0., 0.]])

    Source:
        R. Girshick, "Fast R-CNN", 2015, section 2.3, "Back-propagation through RoI pooling layers".
    """
    shape = to_input_shape(input_shape)
    table = to_boxes(boxes, shape[0])
    grads = to_grad(grad, table, shape[1], shape)
    places = to_indices(argmax, "argmax")
    if places.shape != grads.shape:
        rule = f"expected the shape of grad, {shape_text(grads.shape)}"
        raise ArgumentError("argmax", f"{rule}, got {shape_text(places.shape)}")
    return flow_back(lib.roi_pool_backward, _params(1.0), 1.0, grads, table, shape, describe_indices(places))
