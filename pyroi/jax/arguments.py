"""Checks of the shapes and types of maps, boxes and scores, which are known before the values are."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pyroi.arrays import shape_text
from pyroi.box_table import to_parts
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.nms import one_per_box

_MAPS = {"float16", "bfloat16", "float32", "float64"}


def to_array(value: Any, name: str) -> jax.Array:
    """`value` as an array of numbers."""
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError, OverflowError) as reason:
        raise ArgumentTypeError(name, f"cannot be converted to an array: {reason}") from reason
    if array.dtype.name not in _MAPS and not jnp.issubdtype(array.dtype, jnp.integer) and array.dtype != jnp.bool_:
        rule = "expected floating-point numbers of 16 to 64 bits, integers or booleans"
        raise ArgumentTypeError(name, f"{rule}, got {array.dtype}")
    return array


def to_map(value: Any, name: str) -> jax.Array:
    """A feature map [N, C, H, W] of a floating type; integers become float32."""
    array = to_array(value, name)
    if array.ndim != 4:
        raise ArgumentError(name, f"expected [N, C, H, W], got {shape_text(array.shape)}")
    return array if array.dtype.name in _MAPS else array.astype(jnp.float32)


def to_wide(value: Any, name: str) -> jax.Array:
    """Numbers in a type that boxes and scores may have: float32 or float64."""
    array = to_array(value, name)
    if array.dtype.name in ("float32", "float64"):
        return array
    whole = jnp.issubdtype(array.dtype, jnp.integer)
    return array.astype(jnp.float64 if whole and jax.config.jax_enable_x64 else jnp.float32)


def to_rows(value: Any, name: str, columns: int) -> jax.Array:
    """Boxes [K, columns] without a batch index."""
    array = to_wide(value, name)
    if array.shape in ((0,), (columns,)):
        array = array.reshape(-1, columns)
    if array.ndim != 2 or array.shape[1] != columns:
        raise ArgumentError(name, f"expected [K, {columns}], got {shape_text(array.shape)}")
    return array


def to_scores(value: Any, boxes: jax.Array) -> jax.Array:
    """Scores: a number for each box."""
    return one_per_box(to_wide(value, "scores"), "scores", boxes.shape[0])


def to_classes(value: Any, boxes: jax.Array) -> jax.Array:
    """Classes: an integer of 32 bits for each box."""
    _check_range(value)
    array = to_array(value, "idxs")
    if array.dtype.name in _MAPS:
        raise ArgumentTypeError("idxs", f"expected integers, got {array.dtype}")
    if array.dtype.itemsize == 8 or array.dtype == jnp.uint32:
        raise ArgumentTypeError("idxs", f"expected integers in the range of int32, got {array.dtype}: see array.astype")
    return one_per_box(array, "idxs", boxes.shape[0]).astype(jnp.int32)


def _check_range(value: Any) -> None:
    """Raises an error for classes that JAX would wrap around, since it disables integers of 64 bits by default."""
    if isinstance(value, jax.Array):
        return
    try:
        given = np.asarray(value)
    except (TypeError, ValueError, OverflowError):  # traced numbers in a list, for one
        return
    if given.dtype.kind not in "iu" or not given.size:
        return
    limits = np.iinfo(np.int32)
    for number in (int(given.min()), int(given.max())):
        if not limits.min <= number <= limits.max:
            raise ArgumentError("idxs", f"expected integers in the range of int32, got {number}")


def to_boxes(value: Any, images: int, numbers: int = 4) -> jax.Array:
    """Boxes [K, numbers + 1]; or [K, numbers] for one image; or a list of [L, numbers], one array for each image."""
    if isinstance(value, (list, tuple)) and (not value or any(map(_is_of_an_image, value))):
        return _from_list(value, images, numbers)
    rows = to_wide(value, "boxes")
    if rows.shape in ((numbers,), (numbers + 1,)):
        rows = rows.reshape(1, -1)
    if rows.shape == (0,):
        rows = rows.reshape(0, numbers + 1)
    if rows.ndim != 2 or not numbers <= rows.shape[1] <= numbers + 1:
        raise ArgumentError("boxes", f"expected [K, {numbers}] or [K, {numbers + 1}], got {shape_text(rows.shape)}")
    if rows.shape[1] == numbers and images != 1:
        raise ArgumentError(
            "boxes",
            f"expected [K, {numbers + 1}] with the batch index in column 0, or a list of arrays [L, {numbers}], since "
            f"the input holds {images} images; got {numbers} columns",
        )
    return rows


def _is_of_an_image(element: Any) -> bool:
    """Whether an element of a list is the array of an image's boxes, and not a row or a number."""
    if isinstance(element, (list, tuple)):
        return not element or _dimensions(element) == 2
    return getattr(element, "ndim", 0) == 2 or getattr(element, "shape", None) == (0,)


def _dimensions(value: Any) -> int:
    """The number of dimensions of an array, or of nested lists, by their first elements, which may be traced."""
    if isinstance(value, (list, tuple)):
        return 1 + (_dimensions(value[0]) if value else 0)
    return int(getattr(value, "ndim", 0))


def _from_list(arrays: Any, images: int, numbers: int) -> jax.Array:
    """One array [L, numbers] for each image, with the image before each row."""
    parts = to_parts(arrays, images, numbers, to_wide)
    if not parts:
        return jnp.zeros((0, numbers + 1), jnp.float32)
    dtype = jnp.result_type(*parts)
    rows = [
        jnp.concatenate([jnp.full((len(part), 1), image, dtype), part.astype(dtype)], 1)
        for image, part in enumerate(parts)
    ]
    return jnp.concatenate(rows)
