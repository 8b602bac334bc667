"""Parameters that many commands have, and the conversions they share."""

from __future__ import annotations

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd import dtypes, sizes
from tclcmd.declare import REQUIRED, Parameter
from tclcmd.kinds import DTYPE, Boolean, Device, Integer, Integers, Tensor

DType = np.dtype[np.generic]
FLOAT32: DType = np.dtype(np.float32)

INPUT = Parameter("input", Tensor(), "The tensor.")
SHAPE = Parameter("shape", Integers(), "The sizes; an empty list makes a single number without dimensions.")
DEVICE = Parameter("device", Device(), "Where the tensor lives: cpu.", default="cpu")
KEEPDIM = Parameter("keepdim", Boolean(), "Keep the dimension, with size 1.", default=False)
DIM = Parameter("dim", Integer(), "The dimension; a negative one counts from the end. All, if left off.", default=None)


def dtype_parameter(default: object = FLOAT32, text: str = "The element type.") -> Parameter:
    """The parameter ``dtype``."""
    return Parameter("dtype", DTYPE, text, default=default)


def dim_parameter(text: str, default: object = REQUIRED) -> Parameter:
    """The parameter ``dim`` of a command that works along one dimension."""
    return Parameter("dim", Integer(), f"{text}; a negative one counts from the end.", default=default)


def axis_of(dim: int, dimensions: int) -> int:
    """A dimension counted from the start."""
    if not -dimensions <= dim < dimensions:
        have = f"{-dimensions} to {dimensions - 1}" if dimensions else "none, for the tensor has no dimensions"
        raise ArgumentError("dim", f"expected {have}, got {dim}")
    return dim % dimensions


def convert(array: Array, dtype: DType, argument: str) -> Array:
    """`array` in another type. A number that an integer type cannot hold is an error, never another number."""
    if dtype.kind in "iu" and array.size:
        check_range(array, dtype, argument)
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def check_range(array: Array, dtype: DType, argument: str) -> None:
    """Raises ArgumentError for the first element outside an integer type's range; NaN is outside."""
    limits = np.iinfo(dtype.name)
    if array.dtype.kind == "f":  # the largest int64 is no float64, but the number above it is
        outside = ~((array >= limits.min) & (array < float(limits.max) + 1))
    else:
        outside = (array < limits.min) | (array > limits.max)
    if outside.any():
        rule = f"{dtypes.name_of(dtype)} holds {limits.min} to {limits.max}, got {array[outside].flat[0]}"
        raise ArgumentError(argument, rule)


def filled(shape: tuple[int, ...], value: float, dtype: DType) -> Array:
    """An array of one value, which the type must be able to hold."""
    sizes.check_shape(shape, dtype)
    # Zeros need no writing: the system gives out pages of them when they are touched.
    return np.zeros(shape, dtype) if value == 0 else np.full(shape, convert(np.asarray(value), dtype, "value"))


def check_broadcast(input: Array, other: Array) -> None:
    """Raises ArgumentError if the shapes do not go together as NumPy has it, MemoryError if the result is too large."""
    try:
        shape = np.broadcast_shapes(input.shape, other.shape)
    except ValueError:
        rule = f"shape {shape_text(other.shape)} does not broadcast with {shape_text(input.shape)}"
        raise ArgumentError("other", rule) from None
    sizes.check_shape(shape, np.float64, "other")
