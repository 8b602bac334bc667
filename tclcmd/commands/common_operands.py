"""The operands of element-wise commands: broadcasting and the common type."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

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
    "The second operand: a number, or a tensor whose shape broadcasts with the first one's.",
    aliases=("input2", "tensor2"),
)

INT64: DType = np.dtype(np.int64)
FLOAT64: DType = np.dtype(np.float64)
BOOL: DType = np.dtype(np.bool_)

Operand = Array | int | float


def broadcast(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...] | None:
    """The shape of both, or None if there is none; NumPy's function also fails where it is too large for an array."""
    pairs = list(itertools.zip_longest(reversed(first), reversed(second), fillvalue=1))
    if any(1 not in pair and pair[0] != pair[1] for pair in pairs):
        return None
    return tuple(left if right == 1 else right for left, right in reversed(pairs))


def check_broadcast(
    input: Array, other: Array, argument: str = "other", *, result: DType, also: Sequence[DType] = ()
) -> tuple[int, ...]:
    """The shape of both. Raises ArgumentError if they do not broadcast, and MemoryError as `sizes.check_shape` does."""
    shape = broadcast(input.shape, other.shape)
    if shape is None:
        rule = f"shape {shape_text(other.shape)} does not broadcast with {shape_text(input.shape)}"
        raise ArgumentError(argument, rule)
    sizes.check_shape(shape, result, argument, also)
    return shape


def by_blocks(operation: np.ufunc, *operands: Array, computed: DType, kept: DType, shape: tuple[int, ...]) -> Array:
    """`operation` computed in one type and kept in another one.

    Operands and results are converted block by block, so that only the result takes memory.
    """
    result = np.empty(shape, kept)
    signature = (*(computed,) * operation.nin, BOOL if kept == BOOL else computed)  # comparisons give Bool
    with np.errstate(all="ignore"):  # a result beyond the range is Inf, as always in floating-point arithmetic
        operation(*operands, out=result, signature=signature, casting="unsafe")
    return result


def common_type(left: DType, right: DType) -> DType:
    """A floating type wins over integers whatever their size; Bool counts as Int64."""
    left, right = (INT64 if dtype.kind == "b" else dtype for dtype in (left, right))
    if (left.kind == "f") != (right.kind == "f"):
        return left if left.kind == "f" else right
    return np.promote_types(left, right)


def working_type(kept: DType) -> DType:
    """The type in which results of a type are computed: Float32 for Float16, which is then rounded once, at the end."""
    return np.promote_types(kept, FLOAT32) if kept.kind == "f" else kept


def real_type(dtype: DType) -> DType:
    """A floating type itself, and Float32 for all others."""
    return dtype if dtype.kind == "f" else FLOAT32


def as_array(number: int | float, beside: DType, argument: str = "other") -> Array:
    """A number in the type of the other operand, or in Float32 if that is an integer type and the number is not one.

    Beside Bool, an integer is Int64. The type must hold the number.
    """
    if beside.kind == "b":
        beside = INT64
    if beside.kind != "f" and not isinstance(number, int):
        beside = FLOAT32
    return ranges.number(number, beside, argument)
