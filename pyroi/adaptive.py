"""Adaptive pooling: pools a whole feature map to a fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from pyroi import native
from pyroi.arrays import (
    Array,
    describe,
    describe_indices,
    new_map,
    shape_text,
    to_flag,
    to_images,
    to_indices,
    to_input_shape,
    to_map,
    to_size,
)
from pyroi.errors import ArgumentError
from pyroi.memory import retrying
from pyroi.native import ffi, lib
from pyroi.resize import resize_map, resize_map_backward

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
]


@retrying
def adaptive_avg_pool2d(input: npt.ArrayLike, output_size: int | Sequence[int | None] | None) -> Array:
    """Average-pools a whole feature map to a fixed size.

    Where n pixels along an axis become m bins, bin p covers the pixels from floor(p * n / m) up to, but not including,
    ceil((p + 1) * n / m). If m does not divide n, neighbouring bins overlap.

    Args:
        input: Feature map ``[N, C, H, W]`` or ``[C, H, W]``, of the types that :func:`roi_align` takes.
        output_size: ``(height, width)``, or one number for a square. None keeps the input's height or width.

    Returns:
        ``[N, C, height, width]`` or ``[C, height, width]`` of the input's floating type. An empty map gives 0.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> pyroi.adaptive_avg_pool2d(np.arange(5.0).reshape(1, 1, 5), (1, 3))
        array([[[0.5, 2. , 3.5]]])

    Source:
        The definition of ``torch.nn.functional.adaptive_avg_pool2d``.
    """
    maps, single = to_images(input, "input")
    result = resize_map(maps, _size(output_size, maps), "area", name="output_size")
    return result[0] if single else result


def _size(output_size: Any, maps: Array) -> tuple[int, int]:
    """The height and the width; None stands for that of the map."""
    if output_size is None:
        return maps.shape[2], maps.shape[3]
    if isinstance(output_size, (tuple, list)) and len(output_size) == 2:
        output_size = [own if side is None else side for side, own in zip(output_size, maps.shape[2:], strict=True)]
    return to_size(output_size, "output_size")


@retrying
def adaptive_avg_pool2d_backward(grad: npt.ArrayLike, input_shape: Sequence[int]) -> Array:
    """The gradient of :func:`adaptive_avg_pool2d` for its input.

    Args:
        grad: Gradient of the result, ``[N, C, height, width]``.
        input_shape: ``(N, C, H, W)`` of the map.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type. Its bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> pyroi.adaptive_avg_pool2d_backward(np.ones((1, 1, 1, 2)), (1, 1, 1, 4))
        array([[[[0.5, 0.5, 0.5, 0.5]]]])

    Source:
        The transpose of :func:`adaptive_avg_pool2d`, which is linear in its input.
    """
    return resize_map_backward(to_map(grad, "grad"), to_input_shape(input_shape), "area")


def _params() -> Any:
    return ffi.new("roi_adaptive_params *", (ffi.sizeof("roi_adaptive_params"), native.cancel_flag()))


@overload
def adaptive_max_pool2d(
    input: npt.ArrayLike,
    output_size: int | Sequence[int | None] | None,
    *,
    return_indices: Literal[False] = ...,
) -> Array: ...
@overload
def adaptive_max_pool2d(
    input: npt.ArrayLike, output_size: int | Sequence[int | None] | None, *, return_indices: Literal[True]
) -> tuple[Array, npt.NDArray[np.int64]]: ...
@overload
def adaptive_max_pool2d(
    input: npt.ArrayLike, output_size: int | Sequence[int | None] | None, *, return_indices: bool
) -> Array | tuple[Array, npt.NDArray[np.int64]]: ...


@retrying
def adaptive_max_pool2d(
    input: npt.ArrayLike, output_size: int | Sequence[int | None] | None, *, return_indices: bool = False
) -> Array | tuple[Array, npt.NDArray[np.int64]]:
    """Max-pools a whole feature map to a fixed size.

    The bins are those of :func:`adaptive_avg_pool2d`.

    Args:
        input: Feature map ``[N, C, H, W]`` or ``[C, H, W]``, of the types that :func:`roi_align` takes.
        output_size: ``(height, width)``, or one number for a square. None keeps the input's height or width.
        return_indices: Whether to return the positions of the maxima too, which :func:`adaptive_max_pool2d_backward`
            needs.

    Returns:
        ``[N, C, height, width]`` or ``[C, height, width]`` of the input's floating type. A bin that contains NaN is
        NaN; an empty map gives 0. With `return_indices`, a pair: that array, and int64 of the same shape, ``y * W + x``
        of each maximum (of the first NaN, or else of the first among equal maxima, in row-major order), or -1 for an
        empty map.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> pyroi.adaptive_max_pool2d(np.arange(5.0).reshape(1, 1, 5), (1, 3))
        array([[[1., 3., 4.]]])

    Source:
        The definition of ``torch.nn.functional.adaptive_max_pool2d``. If a bin contains several NaN, PyTorch returns
        the index of the last one.
    """
    maps, single = to_images(input, "input")
    wanted = to_flag(return_indices, "return_indices")
    shape = (*maps.shape[:2], *_size(output_size, maps))
    result = new_map(shape, maps.dtype, "output_size")
    indices = new_map(shape, np.dtype(np.int64), "output_size") if wanted else None
    places = ffi.NULL if indices is None else describe_indices(indices)
    native.call(lib.roi_adaptive_max_pool, _params(), describe(maps), describe(result), places)
    if single:
        result, indices = result[0], None if indices is None else indices[0]
    return result if indices is None else (result, indices)


@retrying
def adaptive_max_pool2d_backward(grad: npt.ArrayLike, indices: npt.ArrayLike, input_shape: Sequence[int]) -> Array:
    """The gradient of :func:`adaptive_max_pool2d` for its input.

    Args:
        grad: Gradient of the result, ``[N, C, height, width]``.
        indices: What :func:`adaptive_max_pool2d` returned with `return_indices`: integers of grad's shape, each -1 or
            an index in ``[0, H * W)``.
        input_shape: ``(N, C, H, W)`` of the map.

    Returns:
        Gradient ``[N, C, H, W]`` of grad's floating type: each pixel has the sum of the gradients of the bins whose
        maximum it was. Its bits do not depend on the number of threads.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range; an index outside the map is named with its image.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.arange(4.0).reshape(1, 1, 1, 4)
        >>> most, indices = pyroi.adaptive_max_pool2d(map, (1, 2), return_indices=True)
        >>> pyroi.adaptive_max_pool2d_backward(np.ones_like(most), indices, map.shape)
        array([[[[0., 1., 0., 1.]]]])

    Source:
        The derivative of a maximum: 1 for the largest number, 0 for the others.
    """
    grads = to_map(grad, "grad")
    places = to_indices(indices, "indices")
    shape = to_input_shape(input_shape)
    if grads.shape[:2] != shape[:2]:
        rule = f"expected [{shape[0]}, {shape[1]}, height, width] for input_shape {shape_text(shape)}"
        raise ArgumentError("grad", f"{rule}, got {shape_text(grads.shape)}")
    if places.shape != grads.shape:
        raise ArgumentError(
            "indices", f"expected the shape of grad, {shape_text(grads.shape)}, got {shape_text(places.shape)}"
        )
    result = new_map(shape, grads.dtype, "input_shape")
    native.call(
        lib.roi_adaptive_max_pool_backward,
        _params(),
        describe(grads),
        describe_indices(places),
        describe(result),
        argmax="indices",
        pixels=shape[2] * shape[3],
    )
    return result
