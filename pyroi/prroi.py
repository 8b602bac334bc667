"""Precise RoI pooling: crops from boxes by integration, with gradients for the map and for the boxes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import Boxes
from pyroi.arrays import Array, cast, describe, new_map, to_map, to_number, to_size
from pyroi.box_table import BoxTable, to_boxes
from pyroi.errors import ArgumentError
from pyroi.memory import retrying
from pyroi.native import ffi, lib
from pyroi.pooling import facts_of, pool, to_grad

__all__ = ["prroi_pool", "prroi_pool_backward"]


def _params(spatial_scale: float) -> Any:
    return ffi.new("roi_prroi_params *", (ffi.sizeof("roi_prroi_params"), spatial_scale, native.cancel_flag()))


@retrying
def prroi_pool(
    input: npt.ArrayLike, boxes: Boxes, output_size: int | Sequence[int], spatial_scale: float = 1.0
) -> Array:
    """Pools each box to a crop of fixed size by the integral of the bilinear surface, without sampling.

    The surface has the value of pixel k at coordinate k, without a half-pixel offset. It is bilinear between pixels,
    and falls linearly to 0 at distance 1 outside the map. A box is divided into ``output_size`` bins, and the value of
    a bin is the integral of the surface over the bin divided by the bin's area. The crop is therefore a continuously
    differentiable function of the box's corners.

    Args:
        input: Feature map ``[N, C, H, W]``, as for :func:`roi_align`.
        boxes: As for :func:`roi_align`. A box without area, ``x2 <= x1`` or ``y2 <= y1``, gives 0.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scale: Size of the map divided by the size of the image, such as 1/16 for a map of stride 16.

    Returns:
        Crops ``[K, C, height, width]`` of the input's floating type, in the order of the boxes.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`roi_align`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.arange(25.0).reshape(1, 1, 5, 5)
        >>> pyroi.prroi_pool(map, [[1, 1, 3, 3]], 1)
        array([[[[12.]]]])

    Source:
        B. Jiang, R. Luo, J. Mao, T. Xiao, Y. Jiang, "Acquisition of Localization Confidence for Accurate Object
        Detection", 2018, section 3.3.
    """
    features = to_map(input, "input")
    table = to_boxes(boxes, features.shape[0])
    height, width = to_size(output_size, "output_size")
    scale = to_number(spatial_scale, "spatial_scale")
    result = new_map((len(table), features.shape[1], height, width), features.dtype, "output_size")
    pool(lib.roi_prroi_pool, _params(scale), scale, features, table, result)
    return result


@retrying
def prroi_pool_backward(
    grad: npt.ArrayLike, input: npt.ArrayLike, boxes: Boxes, spatial_scale: float = 1.0
) -> tuple[Array, Any]:
    """Both gradients of :func:`prroi_pool`: for its input and for the corners of the boxes.

    Args:
        grad: Gradient of the crops, ``[K, C, height, width]``, of the input's floating type.
        input: The feature map, as it was given to :func:`prroi_pool`.
        boxes: The boxes, as they were given to :func:`prroi_pool`.
        spatial_scale: As given to :func:`prroi_pool`.

    Returns:
        ``(grad_input, grad_boxes)``. The first has the shape and floating type of `input`. The second has the form of
        `boxes`, ``[K, 4]``, ``[K, 5]`` with 0 for the batch index, or a list of arrays ``[L, 4]``, and is float64 if
        the boxes are float64, and otherwise float32. A box without area has the gradient 0. The bits of both do not
        depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used, or `grad` and `input` differ in type.
        ValueError: A wrong shape or range, as for :func:`roi_align`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.arange(25.0).reshape(1, 1, 5, 5)
        >>> of_map, of_box = pyroi.prroi_pool_backward(np.ones((1, 1, 1, 1)), map, [[1, 1, 3, 3]])
        >>> of_box
        array([[0.5, 2.5, 0.5, 2.5]])

    Source:
        The derivatives of the integral. Those for the corners are integrals along the edges of the bins, by equation 4
        of the paper that :func:`prroi_pool` cites.
    """
    features = to_map(input, "input")
    table = to_boxes(boxes, features.shape[0])
    grads = to_grad(grad, table, features.shape[1], features.shape)
    if grads.dtype != features.dtype:
        raise ArgumentError("grad", f"expected elements of the input's type {features.dtype}, got {grads.dtype}")
    scale = to_number(spatial_scale, "spatial_scale")
    grad_input = new_map(features.shape, features.dtype, "input")
    corners = np.zeros((len(table), 4))
    native.call(
        lib.roi_prroi_pool_backward,
        _params(scale),
        describe(grads),
        describe(features),
        table.describe(),
        describe(grad_input),
        ffi.cast("double *", corners.__array_interface__["data"][0]),
        **facts_of(table, features.shape, scale),
    )
    return grad_input, _as_given(corners, table)


def _as_given(corners: Array, table: BoxTable) -> Any:
    """The gradient of the corners, in the form of the `boxes` argument."""
    result = np.zeros_like(table.rows, order="C")
    result[:, -4:] = cast(corners, result.dtype)
    if not table.ends:
        return result
    return [result[begin:end] for begin, end in itertools.pairwise((0, *table.ends))]
