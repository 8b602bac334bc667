"""Changing the shape and the type of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import INPUT, DType, axis_of, dim_parameter, dtype_parameter
from tclcmd.language.declare import REQUIRED, Parameter, command
from tclcmd.language.kinds import Integer, Integers, TensorList
from tclcmd.values import dtypes, ranges, sizes

GROUP = "Shape and type"

TENSORS = Parameter("tensors", TensorList(), "The tensors, of the same type.")


@command(
    INPUT,
    Parameter("shape", Integers(), "The new sizes; one may be -1, which is then what is left."),
    group=GROUP,
    examples=("set map [torch::tensor_reshape [torch::arange 25] {1 1 5 5}]",),
    see_also=("tensor_permute", "tensor_shape"),
)
def tensor_reshape(input: Array, shape: tuple[int, ...]) -> Array:
    """The same numbers, row by row, in another shape."""
    sizes.check_rank(len(shape), "shape")
    completed = _completed(shape, input)
    sizes.check_shape(completed, input.dtype)
    return input.reshape(completed)


def _completed(shape: tuple[int, ...], input: Array) -> tuple[int, ...]:
    """`shape` with its -1 filled in."""
    if shape.count(-1) > 1 or min(shape, default=0) < -1:
        raise ArgumentError("shape", f"expected sizes of 0 or more and at most one -1, got {shape_text(shape)}")
    known = math.prod(size for size in shape if size != -1)
    if -1 in shape and known and input.size % known == 0:
        return tuple(input.size // known if size == -1 else size for size in shape)
    if -1 in shape or known != input.size:
        raise ArgumentError("shape", f"{input.size} elements do not fill {shape_text(shape)}")
    return shape


@command(
    INPUT,
    Parameter("dims", Integers(), "For each new dimension, which one it was; each exactly once."),
    group=GROUP,
    examples=("set chw [torch::zeros {3 480 640}]\nset hwc [torch::tensor_permute $chw {1 2 0}]",),
    see_also=("tensor_reshape",),
)
def tensor_permute(input: Array, dims: tuple[int, ...]) -> Array:
    """The dimensions in another order."""
    axes = tuple(dim + input.ndim if dim < 0 else dim for dim in dims)
    if sorted(axes) != list(range(input.ndim)):
        expected = f"each of 0 to {input.ndim - 1} once" if input.ndim else "none, for the tensor has no dimensions"
        raise ArgumentError("dims", f"expected {expected}, got {shape_text(dims)}")
    return input.transpose(axes)


@command(
    INPUT,
    dim_parameter("The dimension to cut"),
    Parameter("start", Integer(), "The first index; a negative one counts from the end."),
    Parameter("end", Integer(), "The index before which to stop; the end if left off.", default=None),
    Parameter("step", Integer(at_least=1), "From one index to the next.", default=1),
    group=GROUP,
    examples=("set x [torch::arange 10]\nputs [torch::tensor_to_list [torch::tensor_slice $x 0 2 8 2]]",),
    see_also=("tensor_cat",),
)
def tensor_slice(input: Array, dim: int, start: int, end: int | None, step: int) -> Array:
    """A part of a tensor along one dimension.

    Indices beyond the ends are cut off there, as in Python; the dimension stays, perhaps with size 0.
    """
    axis = axis_of(dim, input.ndim)
    part = input[(slice(None),) * axis + (slice(start, end, step),)]
    return part.copy()  # a view would keep the whole alive


@command(
    TENSORS,
    dim_parameter("The dimension along which they are joined", default=0),
    group=GROUP,
    examples=("set a [torch::zeros {2 3}]\nset b [torch::ones {1 3}]\nset c [torch::tensor_cat [list $a $b]]",),
    see_also=("tensor_stack", "tensor_slice"),
)
def tensor_cat(tensors: list[Array], dim: int) -> Array:
    """Tensors joined along a dimension they have; their other sizes agree."""
    axis = axis_of(dim, tensors[0].ndim)
    first = _checked(tensors, lambda shape: shape[:axis] + shape[axis + 1 :])
    size = sum(tensor.shape[axis] for tensor in tensors)
    sizes.check_shape((*first.shape[:axis], size, *first.shape[axis + 1 :]), first.dtype, "tensors")
    return np.concatenate(tensors, axis)


@command(
    TENSORS,
    dim_parameter("Where the new dimension stands", default=0),
    group=GROUP,
    examples=("set a [torch::zeros {3}]\nset b [torch::ones {3}]\nset c [torch::tensor_stack [list $a $b]]",),
    see_also=("tensor_cat",),
)
def tensor_stack(tensors: list[Array], dim: int) -> Array:
    """Tensors of one shape joined along a new dimension."""
    axis = axis_of(dim, tensors[0].ndim + 1)
    first = _checked(tensors, lambda shape: shape)
    sizes.check_shape((len(tensors), *first.shape), first.dtype, "tensors")
    return np.stack(tensors, axis)


def _checked(tensors: list[Array], common: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Array:
    """The first of tensors that agree in type and in the part of their shapes that is `common`."""
    first = tensors[0]
    for index, tensor in enumerate(tensors):
        same_shape = tensor.ndim == first.ndim and common(tensor.shape) == common(first.shape)
        if not same_shape or tensor.dtype != first.dtype:
            what = f"{_described(first)}, element {index} is {_described(tensor)}"
            raise ArgumentError("tensors", f"expected tensors that fit together; element 0 is {what}")
    return first


def _described(tensor: Array) -> str:
    return f"{dtypes.name_of(tensor.dtype)} {shape_text(tensor.shape)}"


@command(
    INPUT,
    dtype_parameter(REQUIRED, "The new element type."),
    group=GROUP,
    examples=("set counts [torch::tensor_to [torch::arange 5] int64]",),
    see_also=("tensor_dtype",),
)
def tensor_to(input: Array, dtype: DType) -> Array:
    """The same numbers in another type.

    Fractions are cut off toward zero by integer types. A number that the type does not hold is an error: one that is
    beyond its range, also where that would make it infinite, and NaN or Inf for an integer type.
    """
    return ranges.to_dtype(input, dtype, "input")
