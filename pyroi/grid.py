"""Grid sampling, and the grids of affine transformations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import GridMode, Padding
from pyroi.arrays import (
    Array,
    choice,
    describe,
    new_map,
    shape_text,
    to_flag,
    to_floats,
    to_input_shape,
    to_map,
)
from pyroi.errors import ArgumentError
from pyroi.memory import retrying
from pyroi.native import ffi, lib

__all__ = ["affine_grid", "grid_sample"]

_MODES = {"bilinear": lib.ROI_BILINEAR, "nearest": lib.ROI_NEAREST, "bicubic": lib.ROI_BICUBIC}
_PADDING = {"zeros": lib.ROI_PAD_ZEROS, "border": lib.ROI_PAD_BORDER, "reflection": lib.ROI_PAD_REFLECTION}


@retrying
def grid_sample(
    input: npt.ArrayLike,
    grid: npt.ArrayLike,
    mode: GridMode = "bilinear",
    padding_mode: Padding = "zeros",
    align_corners: bool = False,
) -> Array:
    """Samples a feature map at the points of a grid.

    Coordinates are normalized: -1 is the left or upper border of the map, and 1 the right or lower one. With
    `align_corners`, they are the centres of the outermost pixels. Coordinate g corresponds to the pixel index
    ``((g + 1) * size - 1) / 2``, or ``(g + 1) / 2 * (size - 1)`` with `align_corners`.

    Args:
        input: Feature map ``[N, C, H, W]``, as for :func:`roi_align`.
        grid: Points ``[N, height, width, 2]`` of any floating type, each as x, y. NaN counts as -1, and so does
            infinity with ``"reflection"``.
        mode: ``"bilinear"``; ``"nearest"``, the pixel at the position rounded half to even; or ``"bicubic"``, cubic
            convolution of four pixels along each axis with a = -0.75.
        padding_mode: The value of a position outside the map: ``"zeros"``, 0; ``"border"``, the nearest pixel;
            ``"reflection"``, the position reflected at the borders, or at the centres of the outermost pixels with
            `align_corners`.
        align_corners: Whether -1 and 1 are the centres of the outermost pixels instead of the borders.

    Returns:
        ``[N, C, height, width]`` of the input's floating type. An empty map gives 0.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> map = np.array([0.0, 10, 20, 30]).reshape(1, 1, 1, 4)
        >>> pyroi.grid_sample(map, [[[[0, 0], [0.75, 0]]]])
        array([[[[15., 30.]]]])

    Source:
        The definition of ``torch.nn.functional.grid_sample``, including its documented rule for NaN.
    """
    features = to_map(input, "input")
    points = to_floats(grid, "grid", np.float32)
    if points.ndim != 4 or points.shape[3] != 2:
        raise ArgumentError("grid", f"expected [N, height, width, 2], got {shape_text(points.shape)}")
    if points.shape[0] != features.shape[0]:
        raise ArgumentError("grid", f"expected a grid for each of the {features.shape[0]} images, got {len(points)}")
    params = ffi.new(
        "roi_grid_params *",
        (
            ffi.sizeof("roi_grid_params"),
            choice(mode, "mode", _MODES),
            choice(padding_mode, "padding_mode", _PADDING),
            to_flag(align_corners, "align_corners"),
            native.cancel_flag(),
        ),
    )
    result = new_map((*features.shape[:2], *points.shape[1:3]), features.dtype, "grid")
    native.call(lib.roi_grid_sample, params, describe(features), describe(points), describe(result))
    return result


@retrying
def affine_grid(theta: npt.ArrayLike, size: Sequence[int], align_corners: bool = False) -> Array:
    """Makes the sampling grid of affine transformations, for :func:`grid_sample`.

    Args:
        theta: A 2x3 matrix for each image, ``[N, 2, 3]``, which maps (x, y, 1) of the result to a point of the input.
        size: ``(N, C, height, width)`` of the result.
        align_corners: As for :func:`grid_sample`: whether -1 and 1 are the centres of the outermost pixels instead of
            the borders.

    Returns:
        Grid ``[N, height, width, 2]`` of theta's floating type, computed in float64. If a side has one pixel, its
        centre is at 0.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> pyroi.affine_grid(np.array([[[-1.0, 0, 0], [0, 1, 0]]]), (1, 1, 1, 2))  # mirrored
        array([[[[ 0.5,  0. ],
                 [-0.5,  0. ]]]])

    Source:
        The definition of ``torch.nn.functional.affine_grid``.
    """
    matrices = to_floats(theta, "theta", np.float32)
    if matrices.ndim != 3 or matrices.shape[1:] != (2, 3):
        raise ArgumentError("theta", f"expected [N, 2, 3], got {shape_text(matrices.shape)}")
    shape = to_input_shape(size, "size")
    if shape[0] != len(matrices):
        rule = f"expected N = {len(matrices)}, the number of matrices of theta"
        raise ArgumentError("size", f"{rule}, got {shape_text(shape)}")
    params = ffi.new(
        "roi_affine_params *",
        (ffi.sizeof("roi_affine_params"), to_flag(align_corners, "align_corners"), native.cancel_flag()),
    )
    result = new_map((shape[0], shape[2], shape[3], 2), matrices.dtype, "size")
    native.call(lib.roi_affine_grid, params, describe(matrices[..., np.newaxis]), describe(result))
    return result
