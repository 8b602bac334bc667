"""Arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import DIM, INPUT, KEEPDIM, along, axis_of, check_any, dim_parameter, without
from tclcmd.commands.common_operands import (
    FIRST,
    FLOAT64,
    INT64,
    OTHER,
    Operand,
    as_array,
    broadcast,
    by_blocks,
    check_broadcast,
    common_type,
    real_type,
    working_type,
)
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Number, Order, Tensor
from tclcmd.values import ranges, sizes

GROUP = "Arithmetic"

ALPHA = Parameter(
    "alpha", Number(keeps_integers=True), "The factor by which the second operand is multiplied.", default=1
)


# ---- Element by element ----------------------------------------------------------------------------------------------


def _arithmetic(operation: np.ufunc, input: Array, other: Operand, alpha: int | float = 1) -> Array:
    """`operation` in the common type of its operands, with shapes broadcast as NumPy does."""
    right = other if isinstance(other, np.ndarray) else as_array(other, input.dtype)
    kept = wide = common_type(input.dtype, right.dtype)
    if alpha == 1:
        shape = check_broadcast(input, right, result=kept)
    else:
        wide = working_type(kept)
        shape = check_broadcast(input, right, result=kept, also=(wide,))
        factor = ranges.number(alpha, kept, "alpha")
        right = by_blocks(np.multiply, right, factor, computed=wide, kept=wide, shape=right.shape)
    return by_blocks(operation, input, right, computed=wide, kept=kept, shape=shape)


def _quotient(input: Array, other: Operand) -> Array:
    beside = INT64 if input.dtype.kind in "iu" else input.dtype
    right = other if isinstance(other, np.ndarray) else as_array(other, beside)
    common = common_type(input.dtype, right.dtype)
    wide, kept = common if common.kind == "f" else FLOAT64, real_type(common)
    shape = check_broadcast(input, right, result=kept)
    return by_blocks(np.divide, input, right, computed=wide, kept=kept, shape=shape)


@command(
    FIRST,
    OTHER,
    ALPHA,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_add $a 1]",),
    see_also=("tensor_sub",),
)
def tensor_add(input: Array, other: Operand, alpha: int | float) -> Array:
    """Adds element by element: input + alpha * other.

    The result of an integer type and a floating type has the floating type. A number is converted to the tensor's type,
    which must be able to hold it; with a tensor of integers, a number that is not written as an integer is Float32.
    Results beyond the range of their type wrap around for integers, and are infinite for floating types. Bool counts as
    Int64.
    """
    return _arithmetic(np.add, input, other, alpha)


@command(
    FIRST,
    OTHER,
    ALPHA,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_sub $a $a]",),
    see_also=("tensor_add",),
)
def tensor_sub(input: Array, other: Operand, alpha: int | float) -> Array:
    """Subtracts element by element: input - alpha * other. Types are as in torch::tensor_add."""
    return _arithmetic(np.subtract, input, other, alpha)


@command(
    FIRST,
    OTHER,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_mul $a 0.5]",),
    see_also=("tensor_div",),
)
def tensor_mul(input: Array, other: Operand) -> Array:
    """Multiplies element by element. The types are as in torch::tensor_add."""
    return _arithmetic(np.multiply, input, other)


@command(
    FIRST,
    OTHER,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_div $a 4]",),
    see_also=("tensor_mul",),
)
def tensor_div(input: Array, other: Operand) -> Array:
    """Divides element by element.

    Two integer types give Float32. A division by 0 gives Inf or NaN.
    """
    return _quotient(input, other)


# ---- Over all elements, or along one dimension -----------------------------------------------------------------------


def _reduced(function: Callable[..., Any], input: Array, dim: int | None, keepdim: bool, **options: Any) -> Array:
    axis, _ = along(input, dim)
    # Along a dimension of size 0, the result may be larger than the tensor.
    sizes.check_shape(without(input, axis), FLOAT64, "input", also=(FLOAT64,))
    with np.errstate(all="ignore"):
        return np.asarray(function(input, axis=axis, keepdims=keepdim, **options))


def _check_work(input: Array, axis: int | None, results: int) -> None:
    """Checks the room for a copy of a tensor as Float64, and for some arrays of the size of its result."""
    sizes.check_shape(input.shape, FLOAT64, "input")
    elements = input.size + results * math.prod(without(input, axis))
    sizes.check_room(elements * FLOAT64.itemsize, f"work on a tensor of shape {shape_text(input.shape)}")


@command(
    INPUT,
    DIM,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::arange 5]\nputs [torch::tensor_item [torch::tensor_sum $x]]",),
    see_also=("tensor_mean",),
)
def tensor_sum(input: Array, dim: int | None, keepdim: bool) -> Array:
    """Computes the sum of all elements, or the sums along one dimension.

    Integers and Bool give Int64, and a sum beyond 64 bits wraps around. Floating-point numbers are added in Float64; a
    sum beyond the range of the input's type is infinite.
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
    """Computes the mean of all elements, or the means along one dimension.

    Integers and Bool give Float32. The mean of finite numbers is finite, and the mean of no elements is NaN.
    """
    means = _reduced(np.sum, input, dim, keepdim, dtype=FLOAT64)
    _, count = along(input, dim)
    with np.errstate(all="ignore"):
        np.divide(means, count, out=means)
        if np.isinf(means).any():  # perhaps on the way only: of infinite numbers it comes out the same
            sizes.check_shape(input.shape, FLOAT64, "input")
            means = _reduced(np.sum, np.divide(input, count, dtype=FLOAT64), dim, keepdim)
        return means.astype(real_type(input.dtype))


def _extreme(function: Callable[..., Any], input: Array, dim: int | None, keepdim: bool) -> Array:
    check_any(along(input, dim)[1], input, "to choose from")
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
    """Finds the largest element, or the largest elements along one dimension.

    NaN counts as the largest.
    """
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
    """Finds the smallest element, or the smallest elements along one dimension.

    NaN counts as the smallest.
    """
    return _extreme(np.min, input, dim, keepdim)


@command(
    INPUT,
    DIM,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::tensor_create {1 2 3 4}]\nputs [torch::tensor_item [torch::tensor_prod $x]]",),
    see_also=("tensor_sum",),
)
def tensor_prod(input: Array, dim: int | None, keepdim: bool) -> Array:
    """Computes the product of all elements, or the products along one dimension.

    The types are as in torch::tensor_sum. The product of no elements is 1.
    """
    if input.dtype.kind != "f":
        return _reduced(np.prod, input, dim, keepdim, dtype=INT64)
    with np.errstate(over="ignore"):
        return _reduced(np.prod, input, dim, keepdim, dtype=FLOAT64).astype(input.dtype)


UNBIASED = Parameter(
    "unbiased", Boolean(), "Whether to divide by n - 1 instead of n, the number of elements.", default=True
)


def _variance(input: Array, dim: int | None, unbiased: bool, keepdim: bool) -> Array:
    """As Float64."""
    axis, count = along(input, dim)
    _check_work(input, axis, 3)
    with np.errstate(all="ignore"):
        mean = np.divide(np.sum(input, axis=axis, keepdims=True, dtype=FLOAT64), count)
        squares = by_blocks(np.subtract, input, mean, computed=FLOAT64, kept=FLOAT64, shape=input.shape)
        np.square(squares, out=squares)
        variances = _reduced(np.sum, squares, dim, keepdim)
        return np.divide(variances, max(count - unbiased, 0), out=variances)


def _in_type_of(input: Array, numbers: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(numbers, real_type(input.dtype))


@command(
    INPUT,
    DIM,
    UNBIASED,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::tensor_create {1 2 3 4}]\nputs [torch::tensor_item [torch::tensor_var $x]]",),
    see_also=("tensor_std", "tensor_mean"),
)
def tensor_var(input: Array, dim: int | None, unbiased: bool, keepdim: bool) -> Array:
    """Computes the variance of all elements, or the variances along one dimension.

    Integers and Bool give Float32. All types are computed in Float64. The variance of too few elements is NaN.
    """
    return _in_type_of(input, _variance(input, dim, unbiased, keepdim))


@command(
    INPUT,
    DIM,
    UNBIASED,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::tensor_create {1 2 3 4}]\nputs [torch::tensor_item [torch::tensor_std $x]]",),
    see_also=("tensor_var", "tensor_mean"),
)
def tensor_std(input: Array, dim: int | None, unbiased: bool, keepdim: bool) -> Array:
    """Computes the standard deviation of all elements, or those along one dimension.

    It is the square root of torch::tensor_var, and has the same type.
    """
    variances = _variance(input, dim, unbiased, keepdim)
    return _in_type_of(input, np.sqrt(variances, out=variances))


@command(
    INPUT,
    Parameter(
        "p",
        Order(),
        "The order: 2 is the Euclidean norm, 1 the sum of magnitudes, and inf the largest magnitude.",
        default=2.0,
    ),
    DIM,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::tensor_create {3 4}]\nputs [torch::tensor_item [torch::tensor_norm $x]]",),
    see_also=("tensor_abs",),
)
def tensor_norm(input: Array, p: float, dim: int | None, keepdim: bool) -> Array:
    """Computes the norm of all elements as one vector, or the norms along one dimension.

    The norm is the sum of |x|^p to the power 1 / p. With p = inf it is the largest magnitude, with -inf the smallest
    magnitude, and with 0 the number of elements other than 0. Integers and Bool give Float32. Norms are computed in
    Float64, without intermediate overflow.
    """
    axis, count = along(input, dim)
    if p < 0 or np.isinf(p):
        check_any(count, input, "for this order")
    _check_work(input, axis, 4)
    magnitudes = by_blocks(np.abs, input, computed=FLOAT64, kept=FLOAT64, shape=input.shape)
    with np.errstate(all="ignore"):
        return _in_type_of(input, _norm(magnitudes, p, axis, keepdim))


def _norm(magnitudes: Array, p: float, axis: int | None, keepdim: bool) -> Array:
    """The norm, for which the magnitudes are overwritten."""
    if np.isinf(p):
        return np.asarray((np.max if p > 0 else np.min)(magnitudes, axis=axis, keepdims=keepdim))
    if p == 0:
        return np.asarray(np.sum(np.not_equal(magnitudes, 0, out=magnitudes), axis=axis, keepdims=keepdim))
    unit = _unit(magnitudes, p, axis)
    np.divide(magnitudes, unit, out=magnitudes)
    powers = np.sum(np.power(magnitudes, p, out=magnitudes), axis=axis, keepdims=True)
    norms = unit * (np.sqrt(powers) if p == 2 else powers ** (1 / p))
    return np.asarray(norms if keepdim else norms.reshape(()) if axis is None else norms.squeeze(axis))


def _unit(magnitudes: Array, p: float, axis: int | None) -> Array:
    """The number to divide magnitudes by, so that the power of the one that contributes most is 1, or nearly 1."""
    if p < 0:
        most = np.min(magnitudes, axis=axis, keepdims=True)
    else:
        most = np.max(magnitudes, axis=axis, keepdims=True, initial=0)
    unit = np.where((most == 0) | ~np.isfinite(most), 1, most)
    # The usual orders are divided by a power of two, which is exact: the norm of 5 and 12 is 13.
    return np.ldexp(0.5, np.frexp(unit)[1]) if p in (1, 2) else unit


@command(
    INPUT,
    dim_parameter("The dimension to sum along", default=0),
    group=GROUP,
    aliases=("cumsum", "cumSum"),
    examples=("set x [torch::tensor_create {1 2 3}]\nputs [torch::tensor_to_list [torch::tensor_cumsum $x 0]]",),
    see_also=("tensor_sum",),
)
def tensor_cumsum(input: Array, dim: int) -> Array:
    """Computes the cumulative sums along a dimension. The types are as in torch::tensor_sum."""
    axis = axis_of(dim, input.ndim)
    is_real = input.dtype.kind == "f"
    sizes.check_shape(input.shape, FLOAT64, "input", also=(input.dtype,) if is_real and input.dtype != FLOAT64 else ())
    sums = input.astype(FLOAT64 if is_real else INT64)
    with np.errstate(all="ignore"):
        return np.cumsum(sums, axis, out=sums).astype(input.dtype if is_real else INT64, copy=False)


# ---- Matrices --------------------------------------------------------------------------------------------------------


@command(
    FIRST,
    Parameter("other", Tensor(), "The second operand.", aliases=("input2", "tensor2")),
    group=GROUP,
    aliases=("matmul",),
    examples=(
        "set a [torch::tensor_create {{1 2} {3 4}}]\n"
        "set b [torch::tensor_create {1 10}]\n"
        "puts [torch::tensor_to_list [torch::tensor_matmul $a $b]]",
    ),
    see_also=("tensor_mul",),
)
def tensor_matmul(input: Array, other: Array) -> Array:
    """Multiplies matrices, [..., N, K] by [..., K, M]; an operand of one dimension is a vector.

    Dimensions before the last two broadcast. The type of the result is as in torch::tensor_add. Products of integers
    are exact modulo the range of their type. Float16 is computed in Float32. Floating-point products are NumPy's, whose
    last bits may depend on the machine.
    """
    kept = common_type(input.dtype, other.dtype)
    wide = working_type(kept)
    shape = _product_shape(input, other)
    sizes.check_shape(shape, wide, "other")
    elements = sum(array.size for array in (input, other) if array.dtype != wide) + math.prod(shape)
    narrow = math.prod(shape) * kept.itemsize if kept != wide else 0
    sizes.check_room(elements * wide.itemsize + narrow, f"a product of shape {shape_text(shape)}")
    with np.errstate(all="ignore"):
        product = np.matmul(input.astype(wide, copy=False), other.astype(wide, copy=False))
        return np.asarray(product).astype(kept, copy=False)


def _product_shape(input: Array, other: Array) -> tuple[int, ...]:
    for name, array in (("input", input), ("other", other)):
        if array.ndim == 0:
            raise ArgumentError(name, "expected one dimension or more, got none")
    rule = f"expected [..., K, M] for [..., N, K], got {shape_text(other.shape)} for {shape_text(input.shape)}"
    if input.shape[-1] != other.shape[-2 if other.ndim > 1 else 0]:
        raise ArgumentError("other", rule)
    batch = broadcast(input.shape[:-2], other.shape[:-2])
    if batch is None:
        raise ArgumentError("other", rule)
    return (*batch, *input.shape[-2:-1], *(other.shape[-1:] if other.ndim > 1 else ()))
