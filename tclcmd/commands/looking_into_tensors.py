"""Looking into tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import INPUT
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Precision
from tclcmd.values import dtypes, tclobj

GROUP = "Looking into tensors"

#: How numbers are printed. NumPy's own options are not used, because packages in the same process may set them.
PRINTED: dict[str, Any] = {
    "threshold": 200, "edgeitems": 3, "linewidth": 100, "precision": 6, "suppress": False, "sign": "-",
    "floatmode": "maxprec", "nanstr": "nan", "infstr": "inf", "formatter": None, "legacy": False,
}  # fmt: skip

X = "set x [torch::zeros {2 3}]\n"


@command(
    INPUT,
    group=GROUP,
    returns="A list of integers.",
    examples=(X + "puts [torch::tensor_shape $x]",),
    see_also=("tensor_numel", "tensor_reshape"),
)
def tensor_shape(input: Array) -> list[int]:
    """Returns the shape of a tensor."""
    return list(input.shape)


@command(
    INPUT,
    group=GROUP,
    returns="An integer.",
    examples=(X + "puts [torch::tensor_numel $x]",),
    see_also=("tensor_shape",),
)
def tensor_numel(input: Array) -> int:
    """Returns the number of elements."""
    return input.size


@command(
    INPUT,
    group=GROUP,
    returns="One of Float32, Float64, Float16, Int32, Int64, UInt8, Bool.",
    examples=(X + "puts [torch::tensor_dtype $x]",),
    see_also=("tensor_to",),
)
def tensor_dtype(input: Array) -> str:
    """Returns the element type."""
    return dtypes.name_of(input.dtype)


@command(
    INPUT,
    group=GROUP,
    returns="The text cpu.",
    examples=(X + "puts [torch::tensor_device $x]",),
    see_also=("tensor_dtype",),
)
def tensor_device(input: Array) -> str:
    """Returns the device of a tensor."""
    return "cpu"


@command(
    INPUT,
    Parameter(
        "precision",
        Precision(),
        "The number of decimals of a floating-point number, or full.",
        default=6,
        named_only=True,
    ),
    group=GROUP,
    returns="A number.",
    examples=("set x [torch::full {1} 5]\nputs [torch::tensor_item $x]",),
    see_also=("tensor_to_list",),
)
def tensor_item(input: Array, precision: int | None) -> str | int:
    """Returns the number in a tensor of exactly one element.

    A floating-point number is written with six decimals, as in 5.000000, unless -precision is given. With full, it has
    as many digits as are needed to read the same number back. Integers and booleans are written as integers.
    """
    if input.size != 1:
        raise ArgumentError("input", f"expected exactly one element, got shape {shape_text(input.shape)}")
    if input.dtype.kind != "f":
        return int(input.item())
    if precision is not None:
        return f"{input.item():.{precision}f}"
    with np.printoptions(**PRINTED):
        return str(input.reshape(1)[0])


@command(
    INPUT,
    Parameter(
        "nested",
        Boolean(),
        "Whether to return nested lists in the tensor's shape instead of one flat list.",
        default=False,
    ),
    group=GROUP,
    returns="A list of numbers.",
    examples=("set x [torch::tensor_create {{1 2} {3 4}}]\nputs [torch::tensor_to_list $x -nested true]",),
    see_also=("tensor_create", "tensor_item"),
)
def tensor_to_list(input: Array, nested: bool) -> tclobj.Numbers:
    """Returns all numbers of a tensor, in row-major order.

    Each number is written with as few digits as distinguish it from the other numbers of its type.
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
    """Formats a tensor for reading: dtype, shape and values.

    Large tensors are abbreviated in the middle. If such a tensor has more than four dimensions, the leading ones are
    merged.
    """
    head = f"{dtypes.name_of(input.dtype)} {shape_text(input.shape)}"
    flat = input.reshape(-1, *input.shape[-3:]) if input.ndim > 4 and input.size > 200 else input
    with np.printoptions(**PRINTED):
        body = np.array2string(flat, separator=" ")
    return f"{head}\n{body}"
