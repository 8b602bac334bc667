"""The common parts of the operators that pool boxes from a feature map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyroi import native
from pyroi.arrays import Array, describe, new_map, shape_text, to_map
from pyroi.box_table import BoxTable
from pyroi.errors import ArgumentError
from pyroi.native import ffi


def pool(
    function: Any, params: Any, scale: float, features: Array, table: BoxTable, result: Array, **facts: Any
) -> None:
    """Calls a forward operator of libroi.

    `facts` are values for its error messages, in addition to those of all operators.
    """
    error = ffi.new(native.ERROR)  # native.call would need the facts, which cost a tenth of a small call
    status = function(params, describe(features), table.describe(), describe(result), error)
    if status:
        native.fail(status, error, **facts_of(table, features.shape, scale), **facts)


def flow_back(
    function: Any,
    params: Any,
    scale: float,
    grads: Array,
    table: BoxTable,
    shape: tuple[int, ...],
    *more: Any,
    **facts: Any,
) -> Array:
    """Calls a backward operator of libroi, with `more` arguments after the gradient; returns the map's gradient."""
    result = new_map(shape, grads.dtype, "input_shape")
    facts |= facts_of(table, shape, scale)
    native.call(function, params, describe(grads), *more, table.describe(), describe(result), **facts)
    return result


def facts_of(table: BoxTable, shape: Sequence[int], scale: float) -> dict[str, Any]:
    """The values for error messages that all these operators have in common, for a map of this shape."""
    return {
        "boxes": table,
        "images": shape[0],
        "pixels": shape[2] * shape[3],
        "argmax": "argmax",
        "scale_name": "spatial_scale",
        "scale": scale,
    }


def to_grad(value: Any, table: BoxTable, channels: int, shape: Sequence[int]) -> Array:
    """The gradient of the crops, after a check of its shape against the boxes and the map."""
    grads = to_map(value, "grad")
    if grads.shape[:2] != (len(table), channels):
        rule = f"expected [{len(table)}, {channels}, height, width] for {len(table)} boxes and input_shape "
        raise ArgumentError("grad", f"{rule}{shape_text(shape)}, got {shape_text(grads.shape)}")
    return grads
