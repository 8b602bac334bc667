"""Looking into tensors."""

from __future__ import annotations

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import INPUT, check_broadcast
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Number, Precision, Tensor
from tclcmd.values import dtypes, tclobj

GROUP = "Looking into tensors"

X = "set x [torch::zeros {2 3}]\n"


@command(
    INPUT,
    group=GROUP,
    returns="A list of integers.",
    examples=(X + "puts [torch::tensor_shape $x]",),
    see_also=("tensor_numel", "tensor_reshape"),
)
def tensor_shape(input: Array) -> list[int]:
    """The sizes of a tensor."""
    return list(input.shape)


@command(
    INPUT,
    group=GROUP,
    returns="An integer.",
    examples=(X + "puts [torch::tensor_numel $x]",),
    see_also=("tensor_shape",),
)
def tensor_numel(input: Array) -> int:
    """The number of elements."""
    return input.size


@command(
    INPUT,
    group=GROUP,
    returns="One of Float32, Float64, Float16, Int32, Int64, UInt8, Bool.",
    examples=(X + "puts [torch::tensor_dtype $x]",),
    see_also=("tensor_to",),
)
def tensor_dtype(input: Array) -> str:
    """The element type."""
    return dtypes.name_of(input.dtype)


@command(INPUT, group=GROUP, returns="The text cpu.", examples=(X + "puts [torch::tensor_device $x]",))
def tensor_device(input: Array) -> str:
    """Where a tensor lives."""
    return "cpu"


@command(
    INPUT,
    Parameter("precision", Precision(), "Decimals of a floating number, or full.", default=6, named_only=True),
    group=GROUP,
    returns="A number.",
    examples=("set x [torch::full {1} 5]\nputs [torch::tensor_item $x]",),
    see_also=("tensor_to_list",),
)
def tensor_item(input: Array, precision: int | None) -> str | int:
    """The number in a tensor of exactly one element.

    Floating numbers come with six decimals, 5.000000, unless -precision asks for others; full gives as many digits as
    it takes to read the very same number back. Integers and booleans come as integers.
    """
    if input.size != 1:
        raise ArgumentError("input", f"expected exactly one element, got shape {shape_text(input.shape)}")
    if input.dtype.kind != "f":
        return int(input.item())
    return str(input.reshape(1)[0]) if precision is None else f"{input.item():.{precision}f}"


@command(
    INPUT,
    Parameter("nested", Boolean(), "Lists in lists, by the tensor's shape.", default=False),
    group=GROUP,
    returns="A list of numbers.",
    examples=("set x [torch::tensor_create {{1 2} {3 4}}]\nputs [torch::tensor_to_list $x -nested true]",),
    see_also=("tensor_create", "tensor_item"),
)
def tensor_to_list(input: Array, nested: bool) -> tclobj.Numbers:
    """All numbers of a tensor, row by row.

    Numbers of Float32 and Float16 are written with as few digits as tell them apart.
    """
    return tclobj.Numbers(input if nested else input.reshape(-1))


@command(
    INPUT,
    group=GROUP,
    returns="Text.",
    examples=("puts [torch::tensor_print [torch::arange 6]]",),
    see_also=("tensor_to_list",),
)
def tensor_print(input: Array) -> str:
    """A tensor as text for people: shape, dtype and values.

    Long tensors are shortened in the middle. Of more than four dimensions, the leading ones are then shown as one.
    """
    head = f"{dtypes.name_of(input.dtype)} {shape_text(input.shape)}"
    flat = input.reshape(-1, *input.shape[-3:]) if input.ndim > 4 and input.size > 200 else input
    body = np.array2string(flat, threshold=200, edgeitems=3, max_line_width=100, precision=6, separator=" ")
    return f"{head}\n{body}"


@command(
    INPUT,
    Parameter("other", Tensor(), "What to compare it with."),
    Parameter("rtol", Number(at_least=0), "Tolerance relative to other.", default=1e-5),
    Parameter("atol", Number(at_least=0), "Tolerance on top of that.", default=1e-8),
    Parameter("equal_nan", Boolean(), "Does NaN equal NaN?", default=False),
    group=GROUP,
    returns="1 or 0.",
    examples=("set x [torch::ones {3}]\nputs [torch::allclose $x [torch::full {3} 1.0000001]]",),
)
def allclose(input: Array, other: Array, rtol: float, atol: float, equal_nan: bool) -> bool:
    """Are all elements equal within |input - other| <= atol + rtol * |other|?"""
    check_broadcast(input, other)
    with np.errstate(all="ignore"):
        is_close = (input == other) | (_difference(input, other) <= atol + rtol * np.abs(other.astype(np.float64)))
        if equal_nan:
            is_close |= np.isnan(input) & np.isnan(other)
    return bool(is_close.all())


def _difference(left: Array, right: Array) -> Array:
    """|left - right| as Float64, which tells apart integers that are the same as Float64; NaN beside an infinity."""
    if "f" in left.dtype.kind + right.dtype.kind:
        far = np.abs(left.astype(np.float64) - right.astype(np.float64))
        return np.where(np.isinf(left) | np.isinf(right), np.nan, far)
    left, right = left.astype(np.int64), right.astype(np.int64)
    # Modulo 2^64, the difference between the larger and the smaller integer is right.
    return np.where(left > right, left - right, right - left).view(np.uint64).astype(np.float64)
