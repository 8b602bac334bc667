"""Pre- and postprocessing of images: normalization, and resizing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pyroi import native
from pyroi.argument_types import ResizeMode
from pyroi.arrays import (
    Array,
    cast,
    check_out,
    compute_dtype,
    describe,
    shape_text,
    to_flag,
    to_floats,
    to_images,
    to_size,
)
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.memory import retrying
from pyroi.native import ffi, lib
from pyroi.resize import resize_map

__all__ = ["denormalize_image", "normalize_image", "resize_image"]


@retrying
def normalize_image(image: npt.ArrayLike, mean: npt.ArrayLike, std: npt.ArrayLike, inplace: bool = False) -> Array:
    """Normalizes each channel of an image: ``(image - mean) / std``.

    Args:
        image: Image ``[C, H, W]`` or images ``[N, C, H, W]``, of the types that :func:`roi_align` takes.
        mean: One number for each channel, one for all channels, or an array that broadcasts to the image's shape.
        std: Standard deviations in the same form, all above 0.
        inplace: Whether to write the result into `image`, which must then be a floating-point NumPy array.

    Returns:
        The result, of the image's shape and floating type; with `inplace`, `image` itself.

    Raises:
        TypeError: An argument has a type that cannot be used, or `inplace` is given with an image that is not a
            floating-point array.
        ValueError: A wrong shape or range: the number of means is not that of the channels, a mean is not finite, or a
            standard deviation is not finite and above 0 (the message names the channel).
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> pyroi.normalize_image(np.full((3, 1, 1), 0.5), [0.25, 0.5, 0.75], 0.5).ravel()
        array([ 0.5,  0. , -0.5])

    Source:
        ``torchvision.transforms.functional.normalize``.
    """
    return _normalize(image, mean, std, inplace, inverse=False)


@retrying
def denormalize_image(image: npt.ArrayLike, mean: npt.ArrayLike, std: npt.ArrayLike, inplace: bool = False) -> Array:
    """The inverse of :func:`normalize_image`: ``image * std + mean``.

    Args:
        image: As for :func:`normalize_image`.
        mean: The means given to :func:`normalize_image`.
        std: The standard deviations given to :func:`normalize_image`.
        inplace: As for :func:`normalize_image`.

    Returns:
        The result, of the image's shape and floating type; with `inplace`, `image` itself.

    Raises:
        TypeError: As for :func:`normalize_image`.
        ValueError: As for :func:`normalize_image`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> pyroi.denormalize_image(np.array([0.5, 0, -0.5]).reshape(3, 1, 1), [0.25, 0.5, 0.75], 0.5).ravel()
        array([0.5, 0.5, 0.5])

    Source:
        The inverse of ``torchvision.transforms.functional.normalize``.
    """
    return _normalize(image, mean, std, inplace, inverse=True)


def _normalize(image: Any, mean: Any, std: Any, inplace: Any, *, inverse: bool) -> Array:
    images, single = to_images(image, "image")
    means, stds = _to_values(mean, images, "mean"), _to_values(std, images, "std")
    result = _to_itself(image, images) if to_flag(inplace, "inplace") else np.empty(images.shape, images.dtype)
    params = ffi.new("roi_normalize_params *", (ffi.sizeof("roi_normalize_params"), inverse, native.cancel_flag()))
    native.call(lib.roi_normalize, params, describe(images), describe(means), describe(stds), describe(result))
    if result is images:
        return np.asarray(image)
    return result[0] if single else result


def _to_itself(image: Any, images: Array) -> Array:
    """`images`, after a check that `image` itself can receive the result."""
    if type(image) is not np.ndarray:
        raise ArgumentTypeError("inplace", f"expected an image that is a NumPy array, got {type(image).__name__}")
    if image.dtype != images.dtype:
        raise ArgumentTypeError("inplace", f"expected an image of floating-point numbers, got {image.dtype}")
    check_out(image, image.shape, images.dtype, {}, "image")
    return images


def _to_values(value: Any, images: Array, name: str) -> Array:
    """Means or standard deviations, broadcast to the shape of the images."""
    values = cast(to_floats(value, name, np.float64), compute_dtype(images))
    if np.may_share_memory(values, images):  # the images may be overwritten by the result
        values = values.copy()
    if values.ndim == 1:
        channels = images.shape[1]
        if len(values) not in (1, channels):
            raise ArgumentError(name, f"expected a number for each of the {channels} channels, got {len(values)}")
        values = values.reshape(-1, 1, 1)
    try:
        return np.broadcast_to(values, images.shape)
    except ValueError:
        rule = f"expected an array that broadcasts to {shape_text(images.shape)}"
        raise ArgumentError(name, f"{rule}, got {shape_text(values.shape)}") from None


@retrying
def resize_image(
    image: npt.ArrayLike, size: int | Sequence[int], mode: ResizeMode = "bilinear", align_corners: bool = False
) -> Array:
    """Resizes one image ``[C, H, W]`` or a batch ``[N, C, H, W]``: :func:`interpolate` for images.

    Args:
        image: Image or images, of the types that :func:`roi_align` takes.
        size: ``(height, width)`` of the result, or one number for a square.
        mode: As for :func:`interpolate`.
        align_corners: As for :func:`interpolate`.

    Returns:
        ``[C, height, width]`` or ``[N, C, height, width]`` of the image's floating type.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range, as for :func:`interpolate`.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numpy as np, pyroi
        >>> pyroi.resize_image(np.zeros((3, 60, 80), np.float32), (30, 40)).shape
        (3, 30, 40)

    Source:
        See :func:`interpolate`.
    """
    images, single = to_images(image, "image")
    result = resize_map(images, to_size(size, "size"), mode, align_corners)
    return result[0] if single else result
