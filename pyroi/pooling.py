"""What the operators that pool boxes from a map have in common on their way to libroi."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyroi import native
from pyroi.arrays import Array, describe, new_map, shape_text, to_map
from pyroi.boxes import Boxes
from pyroi.errors import ArgumentError


def pool(
    function: Any, params: Any, scale: float, features: Array, table: Boxes, result: Array, *more: Any, **facts: Any
) -> None:
    """Calls a forward of libroi; what it takes beside the common arguments comes before its error detail.

    Facts are for its errors, beside those that all operators have.
    """
    native.call(
        function,
        params,
        describe(features),
        table.describe(),
        describe(result),
        *more,
        boxes=table,
        images=features.shape[0],
        scale_name="spatial_scale",
        scale=scale,
        **facts,
    )


def flow_back(
    function: Any,
    params: Any,
    scale: float,
    grads: Array,
    table: Boxes,
    shape: Sequence[int],
    *more: Any,
    **facts: Any,
) -> Array:
    """Calls a backward of libroi, which takes more arguments behind the gradient, and gives the gradient of the map."""
    result = new_map(shape, grads.dtype, "input_shape")
    native.call(
        function,
        params,
        describe(grads),
        *more,
        table.describe(),
        describe(result),
        boxes=table,
        images=shape[0],
        scale_name="spatial_scale",
        scale=scale,
        pixels=shape[2] * shape[3],
        argmax="argmax",
        **facts,
    )
    return result


def to_grad(value: Any, table: Boxes, channels: int, shape: Sequence[int]) -> Array:
    """The gradient of crops of so many channels, from a map of this shape."""
    grads = to_map(value, "grad")
    if grads.shape[:2] != (len(table), channels):
        rule = f"expected [{len(table)}, {channels}, height, width] for {len(table)} boxes and input_shape "
        raise ArgumentError("grad", f"{rule}{shape_text(shape)}, got {shape_text(grads.shape)}")
    return grads
