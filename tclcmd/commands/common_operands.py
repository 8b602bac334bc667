"""The operands of element-wise commands: broadcasting and the common type."""

from __future__ import annotations

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import FLOAT32, DType
from tclcmd.language.declare import Parameter
from tclcmd.language.kinds import Tensor, TensorOrNumber
from tclcmd.values import ranges, sizes

FIRST = Parameter("input", Tensor(), "The first operand.", aliases=("input1", "tensor1"))
OTHER = Parameter(
    "other",
    TensorOrNumber(),
    "The second operand, a tensor whose shape broadcasts, or a number.",
    aliases=("input2", "tensor2"),
)

INT64: DType = np.dtype(np.int64)
FLOAT64: DType = np.dtype(np.float64)

Operand = Array | int | float


def check_broadcast(input: Array, other: Array, argument: str = "other") -> None:
    """Raises ArgumentError if the shapes do not broadcast, MemoryError if the result is too large."""
    try:
        shape = np.broadcast_shapes(input.shape, other.shape)
    except ValueError:
        rule = f"shape {shape_text(other.shape)} does not broadcast with {shape_text(input.shape)}"
        raise ArgumentError(argument, rule) from None
    sizes.check_shape(shape, np.float64, argument)


def common_type(left: DType, right: DType) -> DType:
    """A floating type wins over integers whatever their size; Bool counts as Int64."""
    left, right = (INT64 if dtype.kind == "b" else dtype for dtype in (left, right))
    if (left.kind == "f") != (right.kind == "f"):
        return left if left.kind == "f" else right
    return np.promote_types(left, right)


def as_array(number: int | float, beside: DType, argument: str = "other") -> Array:
    """A number in the type of the other operand, or in Float32 if that is an integer type and the number is not one.

    Beside Bool, an integer is Int64. The type must hold the number.
    """
    if beside.kind == "b":
        beside = INT64
    if beside.kind != "f" and not isinstance(number, int):
        beside = FLOAT32
    return ranges.number(number, beside, argument)
