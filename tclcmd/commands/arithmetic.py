"""Arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import DIM, FLOAT32, INPUT, KEEPDIM, axis_of, dim_parameter
from tclcmd.commands.common_operands import (
    FIRST,
    FLOAT64,
    INT64,
    OTHER,
    Operand,
    as_array,
    check_broadcast,
    common_type,
)
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Number, Order, Tensor
from tclcmd.values import ranges, sizes

GROUP = "Arithmetic"

ALPHA = Parameter("alpha", Number(keeps_integers=True), "The factor of the second operand.", default=1)


# ---- Element by element ----------------------------------------------------------------------------------------------


def _arithmetic(operation: np.ufunc, input: Array, other: Operand, alpha: int | float = 1) -> Array:
    """`operation` in the common type of its operands, with shapes broadcast as NumPy does."""
    right = other if isinstance(other, np.ndarray) else as_array(other, input.dtype)
    check_broadcast(input, right)
    kept = wide = common_type(input.dtype, right.dtype)
    with np.errstate(all="ignore"):  # what is beyond the range gives Inf, as everywhere in floating-point arithmetic
        if alpha != 1:
            wide = np.promote_types(kept, FLOAT32) if kept.kind == "f" else kept  # rounded once, at the end
            right = right.astype(wide, copy=False) * ranges.number(alpha, kept, "alpha").astype(wide)
        result = np.asarray(operation(input.astype(wide, copy=False), right.astype(wide, copy=False)))
        return result.astype(kept, copy=False)


def _quotient(input: Array, other: Operand) -> Array:
    beside = INT64 if input.dtype.kind in "iu" else input.dtype
    right = other if isinstance(other, np.ndarray) else as_array(other, beside)
    check_broadcast(input, right)
    kept = common_type(input.dtype, right.dtype)
    wide = kept if kept.kind == "f" else FLOAT64
    with np.errstate(all="ignore"):  # 1/0 is Inf
        result = np.asarray(np.divide(input.astype(wide, copy=False), right.astype(wide, copy=False)))
    return result if kept.kind == "f" else result.astype(FLOAT32)


@command(
    FIRST,
    OTHER,
    ALPHA,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_add $a 1]",),
    see_also=("tensor_sub",),
)
def tensor_add(input: Array, other: Operand, alpha: int | float) -> Array:
    """The sum, element by element: input + alpha * other.

    Where an integer type meets a floating type, the result has the floating one. A number takes on the tensor's type,
    which must hold it; beside integers, one that is not written as an integer is Float32. Results that leave the range
    of their type wrap around in integers, and are infinite in floating types. Bool counts as Int64.
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
    """The difference, element by element: input - alpha * other; types as in torch::tensor_add."""
    return _arithmetic(np.subtract, input, other, alpha)


@command(
    FIRST,
    OTHER,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_mul $a 0.5]",),
    see_also=("tensor_div",),
)
def tensor_mul(input: Array, other: Operand) -> Array:
    """The product, element by element; types as in torch::tensor_add."""
    return _arithmetic(np.multiply, input, other)


@command(
    FIRST,
    OTHER,
    group=GROUP,
    examples=("set a [torch::arange 4]\nset b [torch::tensor_div $a 4]",),
    see_also=("tensor_mul",),
)
def tensor_div(input: Array, other: Operand) -> Array:
    """The quotient, element by element.

    Integers give Float32. A division by 0 gives Inf or NaN.
    """
    return _quotient(input, other)


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


@command(
    INPUT,
    DIM,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::tensor_create {1 2 3 4}]\nputs [torch::tensor_item [torch::tensor_prod $x]]",),
    see_also=("tensor_sum",),
)
def tensor_prod(input: Array, dim: int | None, keepdim: bool) -> Array:
    """The product of all elements, or the products along one dimension.

    Types as in torch::tensor_sum. The product of nothing is 1.
    """
    if input.dtype.kind != "f":
        return _reduced(np.prod, input, dim, keepdim, dtype=INT64)
    with np.errstate(over="ignore"):
        return _reduced(np.prod, input, dim, keepdim, dtype=FLOAT64).astype(input.dtype)


UNBIASED = Parameter(
    "unbiased", Boolean(), "Whether to divide by the number of elements less 1, not by that number.", default=True
)


def _variance(input: Array, dim: int | None, unbiased: bool, keepdim: bool) -> Array:
    """As Float64."""
    sizes.check_shape(input.shape, FLOAT64, "input")
    axis = None if dim is None else axis_of(dim, input.ndim)
    count = input.size if axis is None else input.shape[axis]
    wide = input.astype(FLOAT64, copy=False)
    with np.errstate(all="ignore"):
        mean = np.divide(np.sum(wide, axis=axis, keepdims=True), count)
        squares = _reduced(np.sum, np.square(wide - mean), dim, keepdim)
        return np.asarray(np.divide(squares, max(count - unbiased, 0)))


def _in_type_of(input: Array, numbers: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(numbers, input.dtype if input.dtype.kind == "f" else FLOAT32)


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
    """The variance of all elements, or the variances along one dimension.

    Integers and Bool give Float32; computed as Float64. The variance of too few elements is NaN.
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
    """The standard deviation of all elements, or those along one dimension.

    It is the root of torch::tensor_var, with its types.
    """
    return _in_type_of(input, np.sqrt(_variance(input, dim, unbiased, keepdim)))


@command(
    INPUT,
    Parameter("p", Order(), "The order: 2 is Euclid's norm, 1 the sum of magnitudes, inf the largest.", default=2.0),
    DIM,
    KEEPDIM,
    group=GROUP,
    examples=("set x [torch::tensor_create {3 4}]\nputs [torch::tensor_item [torch::tensor_norm $x]]",),
    see_also=("tensor_abs",),
)
def tensor_norm(input: Array, p: float, dim: int | None, keepdim: bool) -> Array:
    """The norm of all elements as one vector, or the norms along one dimension.

    It is the sum of |x|^p to the power 1 / p; for inf the largest magnitude, for -inf the smallest, for 0 the number of
    elements other than 0. Integers and Bool give Float32. Norms are
    computed as Float64, without intermediate overflow.
    """
    sizes.check_shape(input.shape, FLOAT64, "input")
    axis = None if dim is None else axis_of(dim, input.ndim)
    if (p < 0 or np.isinf(p)) and (input.size if axis is None else input.shape[axis]) == 0:
        raise ArgumentError("input", f"expected at least one element for this order, got {shape_text(input.shape)}")
    with np.errstate(all="ignore"):
        return _in_type_of(input, _norm(np.abs(input.astype(FLOAT64)), p, axis, keepdim))


def _norm(magnitudes: Array, p: float, axis: int | None, keepdim: bool) -> Array:
    if np.isinf(p):
        return np.asarray((np.max if p > 0 else np.min)(magnitudes, axis=axis, keepdims=keepdim))
    if p == 0:
        return np.asarray(np.sum(magnitudes != 0, axis=axis, keepdims=keepdim, dtype=FLOAT64))
    # scaled by powers of two, which are exact
    largest = np.max(magnitudes, axis=axis, keepdims=True, initial=0)
    exponents = np.where(np.isfinite(largest), np.frexp(largest)[1], 0)
    powers = np.sum(np.ldexp(magnitudes, -exponents) ** p, axis=axis, keepdims=True)
    norms = np.ldexp(np.sqrt(powers) if p == 2 else powers ** (1 / p), exponents)
    return np.asarray(norms if keepdim else norms.reshape(()) if axis is None else norms.squeeze(axis))


@command(
    INPUT,
    dim_parameter("The dimension to sum along", default=0),
    group=GROUP,
    aliases=("cumsum", "cumSum"),
    examples=("set x [torch::tensor_create {1 2 3}]\nputs [torch::tensor_to_list [torch::tensor_cumsum $x 0]]",),
    see_also=("tensor_sum",),
)
def tensor_cumsum(input: Array, dim: int) -> Array:
    """The sums of all elements up to each one along a dimension; types as in torch::tensor_sum."""
    sizes.check_shape(input.shape, FLOAT64, "input")
    axis = axis_of(dim, input.ndim)
    if input.dtype.kind != "f":
        return np.cumsum(input, axis, INT64)
    with np.errstate(all="ignore"):
        return np.cumsum(input, axis, FLOAT64).astype(input.dtype)


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
    """The product of matrices, [..., N, K] by [..., K, M]; of one dimension, vectors.

    Dimensions before the last two broadcast. The result has the common type, as in torch::tensor_add. Integers are
    exact modulo the range of their type, and Float16 is computed as Float32. Floating products are those of NumPy,
    whose last bits may depend on the machine.
    """
    kept = common_type(input.dtype, other.dtype)
    wide = np.promote_types(kept, FLOAT32) if kept.kind == "f" else kept
    sizes.check_shape(_product_shape(input, other), wide, "other")
    for name, array in (("input", input), ("other", other)):
        sizes.check_shape(array.shape, wide, name)
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
    try:
        batch = np.broadcast_shapes(input.shape[:-2], other.shape[:-2])
    except ValueError:
        raise ArgumentError("other", rule) from None
    return (*batch, *input.shape[-2:-1], *(other.shape[-1:] if other.ndim > 1 else ()))
