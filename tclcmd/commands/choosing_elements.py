"""Selection of elements by index, by mask and by order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import (
    DIM,
    FLOAT32,
    INPUT,
    KEEPDIM,
    DType,
    along,
    axis_of,
    check_any,
    dim_parameter,
    without,
)
from tclcmd.commands.common_operands import BOOL, INT64, Operand, as_array, check_broadcast, common_type
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Integer, Tensor, TensorOrNumber, TensorOrNumbers
from tclcmd.values import dtypes, ranges, sizes

GROUP = "Choosing elements"

MASK = Parameter("mask", Tensor(), "A Bool tensor whose shape broadcasts with the input's.")

X = "set x [torch::tensor_create {0.9 0.2 0.5}]\n"


# ---- By index and by mask --------------------------------------------------------------------------------------------


@command(
    INPUT,
    dim_parameter("The dimension to select from"),
    Parameter(
        "indices",
        TensorOrNumbers(dtype=INT64),
        "The indices, Int64 or Int32 [K], counted from 0; torch::nms returns such a tensor.",
        aliases=("index",),
    ),
    group=GROUP,
    examples=(
        "set boxes [torch::tensor_create {{0 0 10 10} {1 1 11 11} {20 20 30 30}}]\n"
        "set kept [torch::nms $boxes {0.9 0.8 0.7} 0.5]\n"
        "puts [torch::tensor_shape [torch::tensor_index_select $boxes 0 $kept]]",
    ),
    see_also=("tensor_masked_select", "tensor_slice", "nms"),
)
def tensor_index_select(input: Array, dim: int, indices: Array) -> Array:
    """Selects slices of a tensor by their indices along a dimension.

    The slices are in the order of the indices, which may repeat. A negative index is an error.
    """
    axis = axis_of(dim, input.ndim)
    if indices.dtype.kind not in "iu":
        hint = "; torch::tensor_masked_select takes a mask" if indices.dtype.kind == "b" else ""
        raise ArgumentError("indices", f"expected Int64 or Int32, got {dtypes.name_of(indices.dtype)}{hint}")
    if indices.ndim > 1:
        raise ArgumentError("indices", f"expected one dimension, got {shape_text(indices.shape)}")
    sizes.check_shape((indices.size,), BOOL, "indices", also=(BOOL, BOOL))
    outside = (indices < 0) | (indices >= input.shape[axis])
    if outside.any():
        expected = f"0 to {input.shape[axis] - 1}" if input.shape[axis] else "none, because the dimension is empty"
        raise ArgumentError("indices", f"expected {expected}, got {indices[outside].flat[0]}")
    shape = (*input.shape[:axis], indices.size, *input.shape[axis + 1 :])
    sizes.check_shape(shape, input.dtype, "indices")
    converted = 0 if indices.dtype == INT64 else indices.size * INT64.itemsize
    sizes.check_room(math.prod(shape) * input.dtype.itemsize + converted, f"a selection of shape {shape_text(shape)}")
    return np.take(input, indices.reshape(-1), axis)


def _check_mask(mask: Array, argument: str) -> None:
    if mask.dtype.kind != "b":
        rule = f"expected Bool, got {dtypes.name_of(mask.dtype)}; torch::ne with 0 gives a mask"
        raise ArgumentError(argument, rule)


@command(
    INPUT,
    MASK,
    group=GROUP,
    returns="A tensor of one dimension.",
    examples=(X + "puts [torch::tensor_to_list [torch::tensor_masked_select $x [torch::gt $x 0.4]]]",),
    see_also=("tensor_masked_fill", "tensor_index_select", "tensor_nonzero"),
)
def tensor_masked_select(input: Array, mask: Array) -> Array:
    """Selects the elements for which a mask is true, in row-major order."""
    _check_mask(mask, "mask")
    check_broadcast(input, mask, "mask", result=input.dtype)
    left, right = np.broadcast_arrays(input, mask)
    chosen: Array = left[right]
    return chosen


@command(
    INPUT,
    MASK,
    Parameter("value", TensorOrNumber(), "A number, which may be infinite or NaN, or a tensor of one element."),
    group=GROUP,
    examples=(X + "set y [torch::tensor_masked_fill $x [torch::lt $x 0.4] -inf]",),
    see_also=("tensor_where", "tensor_masked_select"),
)
def tensor_masked_fill(input: Array, mask: Array, value: Operand) -> Array:
    """Replaces the elements for which a mask is true with a value.

    The result has the type of the input, which must be able to hold the value.
    """
    _check_mask(mask, "mask")
    shape = check_broadcast(input, mask, "mask", result=input.dtype)
    if not isinstance(value, np.ndarray):
        element = ranges.number(value, input.dtype, "value")
    elif value.size == 1:
        element = ranges.to_dtype(value.reshape(()), input.dtype, "value")
    else:
        raise ArgumentError("value", f"expected one element, got shape {shape_text(value.shape)}")
    return _chosen(mask, element, input, input.dtype, shape)


def _chosen(condition: Array, x: Array, y: Array, dtype: DType, shape: tuple[int, ...]) -> Array:
    """The elements of x and y in a type."""
    if x.dtype == y.dtype == dtype:
        return np.where(condition, x, y)
    # np.where would convert them as a whole, which takes more arrays.
    result = np.empty(shape, dtype)
    np.copyto(result, y, casting="unsafe")
    np.copyto(result, x, casting="unsafe", where=condition)
    return result


@command(
    Parameter("condition", Tensor(), "A Bool tensor."),
    Parameter("x", TensorOrNumber(), "The elements for a true condition, a tensor or a number."),
    Parameter("y", TensorOrNumber(), "The elements for a false condition, a tensor or a number."),
    group=GROUP,
    aliases=("where",),
    examples=(X + "set y [torch::tensor_where [torch::gt $x 0.4] $x 0]",),
    see_also=("tensor_masked_fill", "tensor_clamp"),
)
def tensor_where(condition: Array, x: Operand, y: Operand) -> Array:
    """Selects each element from one of two tensors, by a condition.

    The three shapes broadcast. The type of the result is as in torch::tensor_add, except that two Bool tensors give
    Bool. A number is converted to the tensor's type; two numbers give Int64, or Float32 if one of them is not written
    as an integer.
    """
    _check_mask(condition, "condition")
    left, right = _alternatives(x, y)
    common = left.dtype if left.dtype == right.dtype else common_type(left.dtype, right.dtype)
    shape = check_broadcast(condition, left, "x", result=common)
    shape = check_broadcast(np.broadcast_to(condition, shape), right, "y", result=common)
    return _chosen(condition, left, right, common, shape)


def _alternatives(x: Operand, y: Operand) -> tuple[Array, Array]:
    if isinstance(x, np.ndarray):
        return x, y if isinstance(y, np.ndarray) else as_array(y, x.dtype, "y")
    if isinstance(y, np.ndarray):
        return as_array(x, y.dtype, "x"), y
    dtype = INT64 if isinstance(x, int) and isinstance(y, int) else FLOAT32
    return ranges.number(x, dtype, "x"), ranges.number(y, dtype, "y")


@command(
    INPUT,
    group=GROUP,
    aliases=("nonzero",),
    returns="An Int64 tensor [K, D]: a row of D indices for each element.",
    examples=(X + "puts [torch::tensor_to_list [torch::tensor_nonzero [torch::gt $x 0.4]]]",),
    see_also=("tensor_masked_select", "tensor_index_select"),
)
def tensor_nonzero(input: Array) -> Array:
    """Finds the indices of the nonzero elements, in row-major order. NaN counts as nonzero."""
    count = int(np.count_nonzero(input))
    sizes.check_shape((count, max(input.ndim, 1)), INT64, "input", also=(INT64,))
    if input.ndim == 0:  # which argwhere would treat as a vector
        return np.empty((count, 0), INT64)
    return np.argwhere(input).astype(INT64, copy=False)


# ---- By size ---------------------------------------------------------------------------------------------------------


def _extreme_index(function: Callable[..., Any], input: Array, dim: int | None, keepdim: bool) -> Array:
    axis, count = along(input, dim)
    check_any(count, input, "to choose from")
    sizes.check_shape(without(input, axis), INT64, "input")
    if axis is not None:  # NumPy copies the tensor with this dimension last
        work = input.size * input.dtype.itemsize + input.size // count * INT64.itemsize
        sizes.check_room(work, f"work on a tensor of shape {shape_text(input.shape)}")
    return np.asarray(function(input, axis=axis, keepdims=keepdim), INT64)


INDICES = "An Int64 tensor. Without dim, an index counts all elements in row-major order."


@command(
    INPUT,
    DIM,
    KEEPDIM,
    group=GROUP,
    aliases=("argmax",),
    returns=INDICES,
    examples=(X + "puts [torch::tensor_item [torch::tensor_argmax $x]]",),
    see_also=("tensor_argmin", "tensor_max", "tensor_topk"),
)
def tensor_argmax(input: Array, dim: int | None, keepdim: bool) -> Array:
    """Finds the index of the largest element, or the indices along one dimension.

    Among equal elements, the first one is found. NaN counts as the largest.
    """
    return _extreme_index(np.argmax, input, dim, keepdim)


@command(
    INPUT,
    DIM,
    KEEPDIM,
    group=GROUP,
    aliases=("argmin",),
    returns=INDICES,
    examples=(X + "puts [torch::tensor_item [torch::tensor_argmin $x]]",),
    see_also=("tensor_argmax", "tensor_min"),
)
def tensor_argmin(input: Array, dim: int | None, keepdim: bool) -> Array:
    """Finds the index of the smallest element, or the indices along one dimension.

    Among equal elements, the first one is found. NaN counts as the smallest.
    """
    return _extreme_index(np.argmin, input, dim, keepdim)


LAST = dim_parameter("The dimension to sort along", default=-1)
DESCENDING = Parameter("descending", Boolean(), "Whether the largest element comes first.", default=False)
SORTED = "Sorting is stable, and NaN counts as the largest number."


def _order(input: Array, axis: int, descending: bool) -> Array:
    """Finds the indices that sort a tensor along a dimension."""
    sizes.check_shape(input.shape, INT64, "input", also=(INT64,))
    if input.size == 0:
        return np.empty(input.shape, INT64)
    # The second array is the reversed order, or the sorted tensor. Besides, there are an index of each dimension, and
    # the elements along this one.
    work = 2 * input.size + sum(input.shape) + input.shape[axis]
    sizes.check_room(work * INT64.itemsize, f"work on a tensor of shape {shape_text(input.shape)}")
    if not descending:
        return np.argsort(input, axis, kind="stable").astype(INT64, copy=False)
    # Reversed before and after, to keep the order of equal elements.
    order = np.argsort(np.flip(input, axis), axis, kind="stable").astype(INT64, copy=False)
    np.subtract(input.shape[axis] - 1, order, out=order)
    return np.ascontiguousarray(np.flip(order, axis))


def _along(input: Array, indices: Array, axis: int) -> Array:
    """The elements with these indices along a dimension."""
    if indices.size == 0:  # may have sizes that are too large for NumPy's intermediate arrays
        return np.empty(indices.shape, input.dtype)
    return np.take_along_axis(input, indices, axis)


@command(
    INPUT,
    LAST,
    DESCENDING,
    group=GROUP,
    aliases=("argsort",),
    description=SORTED,
    summary="Finds the indices that sort a tensor along a dimension.",
    returns="An Int64 tensor of the input's shape.",
    examples=(X + "puts [torch::tensor_to_list [torch::tensor_argsort $x -descending true]]",),
    see_also=("tensor_sort", "tensor_topk", "tensor_index_select"),
)
def tensor_argsort(input: Array, dim: int, descending: bool) -> Array:
    """See above."""
    return _order(input, axis_of(dim, input.ndim), descending)


@command(
    INPUT,
    LAST,
    DESCENDING,
    group=GROUP,
    aliases=("sort",),
    description=SORTED,
    summary="Sorts a tensor along a dimension.",
    returns="A list of two tensors: the sorted elements, and the Int64 index that each of them had in the input.",
    examples=(X + "lassign [torch::tensor_sort $x] values indices\nputs [torch::tensor_to_list $values]",),
    see_also=("tensor_argsort", "tensor_topk"),
)
def tensor_sort(input: Array, dim: int, descending: bool) -> list[Array]:
    """See above."""
    axis = axis_of(dim, input.ndim)
    order = _order(input, axis, descending)
    return [_along(input, order, axis), order]


@command(
    INPUT,
    Parameter("k", Integer(at_least=0), "The number of elements."),
    LAST,
    Parameter("largest", Boolean(), "Whether to select the largest elements instead of the smallest.", default=True),
    Parameter("sorted", Boolean(), "Accepted for old scripts; the elements are always sorted.", default=True),
    group=GROUP,
    aliases=("topk",),
    description=f"The elements are sorted, the largest first, or the smallest first if largest is false. {SORTED}",
    summary="Finds the k largest, or k smallest, elements along a dimension.",
    returns="A list of two tensors: the elements, and their Int64 indices along the dimension.",
    examples=(X + "lassign [torch::tensor_topk $x 2] values indices\nputs [torch::tensor_to_list $indices]",),
    see_also=("tensor_sort", "tensor_argmax", "tensor_index_select"),
)
def tensor_topk(input: Array, k: int, dim: int, largest: bool, sorted: bool) -> list[Array]:
    """See above."""
    axis = axis_of(dim, input.ndim)
    if k > input.shape[axis]:
        raise ArgumentError("k", f"expected at most {input.shape[axis]}, got {k}")
    chosen = _order(input, axis, largest)[(slice(None),) * axis + (slice(k),)].copy()
    return [_along(input, chosen, axis), chosen]
