"""Changing the shape and the type of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import INPUT, DType, axis_of, dim_parameter, dtype_parameter
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Integer, Integers, TensorList
from tclcmd.values import dtypes, ranges
from tclcmd.values import sizes as room

GROUP = "Shape and type"

TENSORS = Parameter("tensors", TensorList(), "The tensors, of the same type.")


@command(
    INPUT,
    Parameter(
        "shape", Integers(), "The new shape. One size may be -1; it is then computed from the number of elements."
    ),
    group=GROUP,
    examples=("set map [torch::tensor_reshape [torch::arange 25] {1 1 5 5}]",),
    see_also=("tensor_permute", "tensor_shape"),
)
def tensor_reshape(input: Array, shape: tuple[int, ...]) -> Array:
    """Returns the elements of a tensor, in row-major order, in another shape."""
    room.check_rank(len(shape), "shape")
    completed = _completed(shape, input)
    room.check_shape(completed, input.dtype)
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
    Parameter("dims", Integers(), "For each new dimension, the index of the old one; each index exactly once."),
    group=GROUP,
    examples=("set chw [torch::zeros {3 480 640}]\nset hwc [torch::tensor_permute $chw {1 2 0}]",),
    see_also=("tensor_reshape",),
)
def tensor_permute(input: Array, dims: tuple[int, ...]) -> Array:
    """Reorders the dimensions of a tensor."""
    axes = tuple(dim + input.ndim if dim < 0 else dim for dim in dims)
    if sorted(axes) != list(range(input.ndim)):
        expected = f"each of 0 to {input.ndim - 1} once" if input.ndim else "none, because the tensor has no dimensions"
        raise ArgumentError("dims", f"expected {expected}, got {shape_text(dims)}")
    return input.transpose(axes)


@command(
    INPUT,
    dim_parameter("The dimension to split"),
    Parameter("start", Integer(), "The first index; a negative one counts from the end."),
    Parameter("end", Integer(), "The index before which to stop; by default, the end of the dimension.", default=None),
    Parameter("step", Integer(at_least=1), "The difference between one index and the next.", default=1),
    group=GROUP,
    examples=("set x [torch::arange 10]\nputs [torch::tensor_to_list [torch::tensor_slice $x 0 2 8 2]]",),
    see_also=("tensor_cat",),
)
def tensor_slice(input: Array, dim: int, start: int, end: int | None, step: int) -> Array:
    """Returns a slice of a tensor along one dimension.

    Indices beyond the ends are clipped, as in Python. The dimension is kept, possibly with size 0.
    """
    axis = axis_of(dim, input.ndim)
    part = input[(slice(None),) * axis + (slice(start, end, step),)]
    room.check_shape(part.shape, part.dtype, "input")
    return part.copy()  # a view would keep the whole alive


@command(
    TENSORS,
    dim_parameter("The dimension along which to join them", default=0),
    group=GROUP,
    examples=("set a [torch::zeros {2 3}]\nset b [torch::ones {1 3}]\nset c [torch::tensor_cat [list $a $b]]",),
    see_also=("tensor_stack", "tensor_slice"),
)
def tensor_cat(tensors: list[Array], dim: int) -> Array:
    """Joins tensors along an existing dimension; their other sizes must be the same."""
    axis = axis_of(dim, tensors[0].ndim)
    first = _checked(tensors, lambda shape: shape[:axis] + shape[axis + 1 :])
    size = sum(tensor.shape[axis] for tensor in tensors)
    room.check_shape((*first.shape[:axis], size, *first.shape[axis + 1 :]), first.dtype, "tensors")
    return np.concatenate(tensors, axis)


@command(
    TENSORS,
    dim_parameter("The index of the new dimension", default=0),
    group=GROUP,
    examples=("set a [torch::zeros {3}]\nset b [torch::ones {3}]\nset c [torch::tensor_stack [list $a $b]]",),
    see_also=("tensor_cat",),
)
def tensor_stack(tensors: list[Array], dim: int) -> Array:
    """Joins tensors of the same shape along a new dimension."""
    axis = axis_of(dim, tensors[0].ndim + 1)
    first = _checked(tensors, lambda shape: shape)
    room.check_shape((len(tensors), *first.shape), first.dtype, "tensors")
    return np.stack(tensors, axis)


def _checked(tensors: list[Array], common: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Array:
    """The first of tensors that agree in type and in the part of their shapes that is `common`."""
    first = tensors[0]
    for index, tensor in enumerate(tensors):
        same_shape = tensor.ndim == first.ndim and common(tensor.shape) == common(first.shape)
        if not same_shape or tensor.dtype != first.dtype:
            what = f"{_described(first)}, element {index} is {_described(tensor)}"
            raise ArgumentError("tensors", f"expected tensors of matching type and shape; element 0 is {what}")
    return first


def _described(tensor: Array) -> str:
    return f"{dtypes.name_of(tensor.dtype)} {shape_text(tensor.shape)}"


@command(
    INPUT,
    dtype_parameter(None, "The new element type; by default, the type of the input."),
    group=GROUP,
    takes_device=True,
    examples=("set counts [torch::tensor_to [torch::arange 5] int64]",),
    see_also=("tensor_dtype",),
)
def tensor_to(input: Array, dtype: DType | None) -> Array:
    """Copies a tensor, and converts it to another type if one is given.

    Fractions are truncated for integer types. A number that the type cannot hold is an error: a number beyond its
    range, also where it would become infinite, and NaN or Inf for an integer type.
    """
    return ranges.to_dtype(input, dtype or input.dtype, "input")


# ---- Dimensions ------------------------------------------------------------------------------------------------------

ROW = "set x [torch::zeros {1 3}]\n"


@command(
    INPUT,
    Parameter(
        "sizes",
        Integers(),
        "The new shape, in which -1 keeps a size. New dimensions come first.",
        aliases=("shape", "size"),
    ),
    group=GROUP,
    examples=(ROW + "puts [torch::tensor_shape [torch::tensor_expand $x {2 3}]]",),
    see_also=("tensor_unsqueeze", "tensor_reshape"),
)
def tensor_expand(input: Array, sizes: tuple[int, ...]) -> Array:
    """Repeats a tensor along its dimensions of size 1, and along new first dimensions.

    The result is a copy.
    """
    new = len(sizes) - input.ndim
    kept = (*(None,) * max(new, 0), *input.shape)
    expanded = tuple(size if old is None or size != -1 else old for size, old in zip(sizes, kept, strict=False))
    fits = all(old in (None, 1, size) and size >= 0 for size, old in zip(expanded, kept, strict=False))
    if new < 0 or not fits:
        raise ArgumentError("sizes", f"{shape_text(input.shape)} cannot be expanded to {shape_text(sizes)}")
    room.check_shape(expanded, input.dtype, "sizes")
    return np.broadcast_to(input, expanded).copy()


@command(
    INPUT,
    dim_parameter("The dimension to remove if its size is 1; by default, all dimensions of size 1", default=None),
    group=GROUP,
    aliases=("squeeze",),
    examples=(ROW + "puts [torch::tensor_shape [torch::tensor_squeeze $x]]",),
    see_also=("tensor_unsqueeze", "tensor_flatten"),
)
def tensor_squeeze(input: Array, dim: int | None) -> Array:
    """Removes all dimensions of size 1, or one of them."""
    if dim is None:
        return input.reshape(tuple(size for size in input.shape if size != 1))
    axis = axis_of(dim, input.ndim)
    return input.squeeze(axis) if input.shape[axis] == 1 else input


@command(
    INPUT,
    dim_parameter("The index of the new dimension"),
    group=GROUP,
    aliases=("unsqueeze",),
    examples=(ROW + "puts [torch::tensor_shape [torch::tensor_unsqueeze $x 0]]",),
    see_also=("tensor_squeeze", "tensor_expand"),
)
def tensor_unsqueeze(input: Array, dim: int) -> Array:
    """Inserts a dimension of size 1."""
    room.check_rank(input.ndim + 1, "input")
    return np.expand_dims(input, axis_of(dim, input.ndim + 1))


@command(
    INPUT,
    Parameter("start_dim", Integer(), "The first of the dimensions to merge.", default=0),
    Parameter(
        "end_dim", Integer(), "The last of the dimensions to merge; a negative number counts from the end.", default=-1
    ),
    group=GROUP,
    aliases=("flatten",),
    examples=("set x [torch::zeros {2 3 4}]\nputs [torch::tensor_shape [torch::tensor_flatten $x 1]]",),
    see_also=("tensor_reshape", "tensor_squeeze"),
)
def tensor_flatten(input: Array, start_dim: int, end_dim: int) -> Array:
    """Merges adjacent dimensions; a tensor without dimensions becomes a vector."""
    if input.ndim == 0:
        return input.reshape(1)
    first, last = axis_of(start_dim, input.ndim, "start_dim"), axis_of(end_dim, input.ndim, "end_dim")
    if first > last:
        raise ArgumentError("start_dim", f"expected a dimension not after end_dim, which is {end_dim}, got {start_dim}")
    room.check_shape(input.shape, input.dtype, "input")
    return input.reshape(*input.shape[:first], math.prod(input.shape[first : last + 1]), *input.shape[last + 1 :])


@command(
    INPUT,
    Parameter("dim0", Integer(), "The first dimension; a negative number counts from the end."),
    Parameter("dim1", Integer(), "The second dimension; a negative number counts from the end."),
    group=GROUP,
    aliases=("transpose",),
    examples=(ROW + "puts [torch::tensor_shape [torch::tensor_transpose $x 0 1]]",),
    see_also=("tensor_permute",),
)
def tensor_transpose(input: Array, dim0: int, dim1: int) -> Array:
    """Swaps two dimensions."""
    return input.swapaxes(axis_of(dim0, input.ndim, "dim0"), axis_of(dim1, input.ndim, "dim1"))


# ---- Parts -----------------------------------------------------------------------------------------------------------

PARTS = "A list of tensors."

#: The approximate memory of a tensor without elements: the number of empty parts is not limited otherwise.
BYTES_PER_PART = 2048


@command(
    INPUT,
    Parameter(
        "sections",
        Integer(),
        "The number of parts. Their sizes differ by at most 1, and the larger ones come first.",
        default=None,
    ),
    Parameter("indices", Integers(), "The indices before which to split, in place of a number of parts.", default=None),
    dim_parameter("The dimension to split", default=0),
    group=GROUP,
    forms=(("input", "sections", "dim"), ("input", "indices", "dim")),
    returns=PARTS,
    examples=(
        "set x [torch::arange 6]\nputs [llength [torch::tensor_split $x 3]]",
        "lassign [torch::tensor_split [torch::arange 6] {2 4}] a b c\nputs [torch::tensor_to_list $c]",
    ),
    see_also=("tensor_chunk", "tensor_slice", "tensor_cat"),
)
def tensor_split(input: Array, sections: int | None, indices: tuple[int, ...] | None, dim: int) -> list[Array]:
    """Splits a tensor into parts along a dimension.

    A single positional number is the number of parts; a single index is given by -indices. Indices beyond the ends are
    clipped, as in Python.
    """
    if (sections is None) == (indices is None):
        got = "neither" if sections is None else "both"
        raise ArgumentError("sections", f"expected either sections or indices, got {got}")
    if sections is not None and sections < 1:
        raise ArgumentError("sections", f"expected 1 or more, got {sections}")
    axis = axis_of(dim, input.ndim)
    if indices is None:
        room.check_room((sections or 0) * BYTES_PER_PART, f"a list of {sections} tensors")
        least, larger = divmod(input.shape[axis], sections or 1)
        ends = [least * part + min(part, larger) for part in range(1, sections or 1)]
    else:
        ends = list(indices)
    return _cut(input, axis, ends)


def _cut(input: Array, axis: int, ends: list[int]) -> list[Array]:
    before = (slice(None),) * axis
    views = [input[(*before, slice(start, end))] for start, end in zip([0, *ends], [*ends, None], strict=True)]
    # If indices decrease, parts overlap, and may be larger together than the tensor.
    room.check_room(sum(view.nbytes + BYTES_PER_PART for view in views), f"a list of {len(views)} tensors")
    return [view.copy() for view in views]


@command(
    INPUT,
    Parameter("chunks", Integer(at_least=1), "The largest number of parts."),
    dim_parameter("The dimension to split", default=0),
    group=GROUP,
    aliases=("chunk",),
    returns=PARTS,
    examples=("set x [torch::arange 7]\nputs [llength [torch::tensor_chunk $x 3]]",),
    see_also=("tensor_split", "tensor_slice", "tensor_cat"),
)
def tensor_chunk(input: Array, chunks: int, dim: int) -> list[Array]:
    """Splits a tensor into parts of equal size along a dimension; the last part may be smaller.

    The size of a part is the size of the dimension divided by chunks, rounded up, so that there may be fewer parts.
    """
    axis = axis_of(dim, input.ndim)
    size = max(-(-input.shape[axis] // chunks), 1)
    parts = -(-input.shape[axis] // size)
    room.check_room(parts * BYTES_PER_PART, f"a list of {parts} tensors")
    return _cut(input, axis, list(range(size, input.shape[axis], size)))
