"""Arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import DIM, FLOAT32, INPUT, KEEPDIM, DType, axis_of, check_broadcast
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import TensorOrNumber
from tclcmd.values import ranges, sizes

GROUP = "Arithmetic"

OTHER = Parameter("other", TensorOrNumber(), "The second operand, a tensor whose shape broadcasts, or a number.")

INT64: DType = np.dtype(np.int64)
FLOAT64: DType = np.dtype(np.float64)

Operand = Array | int | float


# ---- Element by element ----------------------------------------------------------------------------------------------


def _common_type(left: DType, right: DType) -> DType:
    """A floating type wins over integers whatever their size; Bool counts as Int64."""
    left, right = (INT64 if dtype.kind == "b" else dtype for dtype in (left, right))
    if (left.kind == "f") != (right.kind == "f"):
        return left if left.kind == "f" else right
    return np.promote_types(left, right)


def _as_array(number: int | float, beside: DType, operation: np.ufunc) -> Array:
    """A number in the type of the tensor beside it, or in Float32 if that has no fractions; which must hold it."""
    if beside.kind != "f":
        is_whole = isinstance(number, int)
        wide = INT64 if beside.kind == "b" or operation is np.divide else beside
        beside = wide if is_whole else FLOAT32
    return ranges.number(number, beside, "other")


def _arithmetic(operation: np.ufunc, input: Array, other: Operand) -> Array:
    """`operation` in the common type of its operands, with shapes broadcast as NumPy does."""
    with np.errstate(all="ignore"):  # overflow and 1/0 give Inf, as everywhere in floating-point arithmetic
        right = other if isinstance(other, np.ndarray) else _as_array(other, input.dtype, operation)
        check_broadcast(input, right)
        common = _common_type(input.dtype, right.dtype)
        is_exact_division = operation is np.divide and common.kind != "f"
        wide = FLOAT64 if is_exact_division else common
        result = np.asarray(operation(input.astype(wide, copy=False), right.astype(wide, copy=False)))
        return result.astype(FLOAT32) if is_exact_division else result


@command(
    INPUT,
    OTHER,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_add $a 1]",),
    see_also=("tensor_sub",),
)
def tensor_add(input: Array, other: Operand) -> Array:
    """The sum, element by element.

    Where an integer type meets a floating type, the result has the floating one. A number takes on the tensor's type,
    which must hold it; beside integers, one that is not written as an integer is Float32. Results that leave the range
    of their type wrap around in integers, and are infinite in floating types.
    """
    return _arithmetic(np.add, input, other)


@command(
    INPUT,
    OTHER,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_sub $a $a]",),
    see_also=("tensor_add",),
)
def tensor_sub(input: Array, other: Operand) -> Array:
    """The difference, element by element; types as in torch::tensor_add."""
    return _arithmetic(np.subtract, input, other)


@command(
    INPUT,
    OTHER,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_mul $a 0.5]",),
    see_also=("tensor_div",),
)
def tensor_mul(input: Array, other: Operand) -> Array:
    """The product, element by element; types as in torch::tensor_add."""
    return _arithmetic(np.multiply, input, other)


@command(
    INPUT,
    OTHER,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_div $a 4]",),
    see_also=("tensor_mul",),
)
def tensor_div(input: Array, other: Operand) -> Array:
    """The quotient, element by element.

    Integers give Float32. A division by 0 gives Inf or NaN.
    """
    return _arithmetic(np.divide, input, other)


# ---- Over all elements, or along one dimension -----------------------------------------------------------------------


def _reduced(function: Callable[..., Any], input: Array, dim: int | None, keepdim: bool, **options: Any) -> Array:
    axis = None if dim is None else axis_of(dim, input.ndim)
    if axis is not None:  # along a dimension of size 0, the result may be larger than the tensor
        sizes.check_shape(input.shape[:axis] + input.shape[axis + 1 :], np.float64, "input")
    with np.errstate(all="ignore"):
        return np.asarray(function(input, axis=axis, keepdims=keepdim, **options))


@command(
    INPUT,
    DIM,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::arange 5]\nputs [torch::tensor_item [torch::tensor_sum $x]]",),
    see_also=("tensor_mean",),
)
def tensor_sum(input: Array, dim: int | None, keepdim: bool) -> Array:
    """The sum of all elements, or the sums along one dimension.

    Integers and Bool give Int64, where a sum beyond 64 bits wraps around as in torch::tensor_add. Floating numbers are
    added up in Float64; a sum beyond the range of their own type is infinite.
    """
    if input.dtype.kind != "f":
        return _reduced(np.sum, input, dim, keepdim, dtype=INT64)
    with np.errstate(over="ignore"):
        return _reduced(np.sum, input, dim, keepdim, dtype=FLOAT64).astype(input.dtype)


@command(
    INPUT,
    DIM,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::tensor_create {{1 2} {3 4}}]\nputs [torch::tensor_to_list [torch::tensor_mean $x 0]]",),
    see_also=("tensor_sum",),
)
def tensor_mean(input: Array, dim: int | None, keepdim: bool) -> Array:
    """The mean of all elements, or the means along one dimension.

    Integers and Bool give Float32. The mean of finite numbers is finite, and that of nothing is NaN.
    """
    sums = _reduced(np.sum, input, dim, keepdim, dtype=FLOAT64)
    count = input.size if dim is None else input.shape[axis_of(dim, input.ndim)]
    with np.errstate(all="ignore"):
        means = sums / count
        if np.isinf(sums).any():  # perhaps on the way only: of infinite numbers it comes out the same
            means = _reduced(np.sum, np.divide(input, count, dtype=FLOAT64), dim, keepdim)
        return np.asarray(means).astype(input.dtype if input.dtype.kind == "f" else FLOAT32)


def _extreme(function: Callable[..., Any], input: Array, dim: int | None, keepdim: bool) -> Array:
    if (input.size if dim is None else input.shape[axis_of(dim, input.ndim)]) == 0:
        raise ArgumentError("input", f"expected at least one element to choose from, got {shape_text(input.shape)}")
    return _reduced(function, input, dim, keepdim)


@command(
    INPUT,
    DIM,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::arange 5]\nputs [torch::tensor_item [torch::tensor_max $x]]",),
    see_also=("tensor_min",),
)
def tensor_max(input: Array, dim: int | None, keepdim: bool) -> Array:
    """The largest element, or the largest ones along one dimension. NaN wins."""
    return _extreme(np.max, input, dim, keepdim)


@command(
    INPUT,
    DIM,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::arange 5]\nputs [torch::tensor_item [torch::tensor_min $x]]",),
    see_also=("tensor_max",),
)
def tensor_min(input: Array, dim: int | None, keepdim: bool) -> Array:
    """The smallest element, or the smallest ones along one dimension. NaN wins."""
    return _extreme(np.min, input, dim, keepdim)
