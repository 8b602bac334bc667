"""Parameters that many commands have, and the conversions they share."""

from __future__ import annotations

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.language.declare import REQUIRED, Parameter
from tclcmd.language.kinds import DTYPE, Boolean, Integer, Integers, Tensor
from tclcmd.values import ranges, sizes

DType = np.dtype[np.generic]
FLOAT32: DType = np.dtype(np.float32)

INPUT = Parameter("input", Tensor(), "The tensor.")
SHAPE = Parameter(
    "shape",
    Integers(),
    "The sizes of the dimensions; an empty list gives a tensor without dimensions, which holds one number.",
)
KEEPDIM = Parameter("keepdim", Boolean(), "Keep the dimension, with size 1.", default=False)
DIM = Parameter(
    "dim",
    Integer(),
    "The dimension; a negative number counts from the end. By default, the whole tensor is reduced.",
    default=None,
)


def dtype_parameter(default: object = FLOAT32, text: str = "The element type.") -> Parameter:
    """The parameter ``dtype``."""
    return Parameter("dtype", DTYPE, text, default=default)


def dim_parameter(text: str, default: object = REQUIRED) -> Parameter:
    """The parameter ``dim`` of a command that works along one dimension."""
    return Parameter("dim", Integer(), f"{text}; a negative number counts from the end.", default=default)


def axis_of(dim: int, dimensions: int, argument: str = "dim") -> int:
    """A dimension counted from the start."""
    if not -dimensions <= dim < dimensions:
        have = f"{-dimensions} to {dimensions - 1}" if dimensions else "none, because the tensor has no dimensions"
        raise ArgumentError(argument, f"expected {have}, got {dim}")
    return dim % dimensions


def along(input: Array, dim: int | None) -> tuple[int | None, int]:
    """The dimension counted from the start, and its size; without a dimension, None and the number of all elements."""
    if dim is None:
        return None, input.size
    axis = axis_of(dim, input.ndim)
    return axis, input.shape[axis]


def check_any(count: int, input: Array, use: str) -> None:
    """Raises ArgumentError if there is no element for a use."""
    if count == 0:
        raise ArgumentError("input", f"expected at least one element {use}, got {shape_text(input.shape)}")


def without(input: Array, axis: int | None) -> tuple[int, ...]:
    """The shape of a tensor after a dimension, or all dimensions, have been reduced to one element."""
    return () if axis is None else input.shape[:axis] + input.shape[axis + 1 :]


def filled(shape: tuple[int, ...], value: int | float, dtype: DType, sized_by: str = "shape") -> Array:
    """An array of one value, which must be in the range of the type; `sized_by` is the argument of the shape."""
    sizes.check_shape(shape, dtype, sized_by)
    element = ranges.number(value, dtype, "value")
    # Zeros need no writing: the system provides zeroed pages on demand.
    return np.full(shape, element) if element.tobytes().strip(b"\0") else np.zeros(shape, dtype)
