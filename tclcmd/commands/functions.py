"""Element-wise functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from pyroi.arrays import Array
from pyroi.errors import ArgumentError
from tclcmd.commands.common import INPUT, DType
from tclcmd.commands.common_operands import (
    FLOAT64,
    INT64,
    Operand,
    as_array,
    by_blocks,
    check_broadcast,
    common_type,
    real_type,
    working_type,
)
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Number, Tensor, TensorOrNumber
from tclcmd.values import sizes

GROUP = "Functions"
KEPT = "The result has the input's type. Bool counts as Int64."


#: For the functions in one row each: the related ones.
RELATED = {
    "tensor_abs": ("tensor_neg", "tensor_relu"),
    "tensor_neg": ("tensor_abs",),
    "tensor_relu": ("tensor_clamp",),
    "tensor_floor": ("tensor_ceil", "tensor_round"),
    "tensor_ceil": ("tensor_floor", "tensor_round"),
    "tensor_round": ("tensor_floor", "tensor_ceil"),
    "tensor_sqrt": ("tensor_pow",),
    "tensor_exp": ("tensor_log", "tensor_sigmoid"),
    "tensor_log": ("tensor_exp",),
    "tensor_sigmoid": ("tensor_tanh", "tensor_exp"),
    "tensor_tanh": ("tensor_sigmoid",),
}


def _row(name: str, function: Callable[..., Any], summary: str, types: str, old: tuple[str, ...] = ()) -> None:
    numbers = "-1.5 0.5 2" if types.startswith(KEPT) else "0.5 1 2"
    command(
        INPUT,
        group=GROUP,
        name=name,
        aliases=(name.removeprefix("tensor_"), *old),
        summary=summary,
        description=types,
        examples=(f"set x [torch::tensor_create {{{numbers}}}]\nputs [torch::tensor_print [torch::{name} $x]]",),
        see_also=RELATED[name],
    )(function)


# ---- Those that keep the type ----------------------------------------------------------------------------------------


def _kept(function: np.ufunc, input: Array) -> Array:
    kept = INT64 if input.dtype.kind == "b" else input.dtype
    sizes.check_shape(input.shape, kept, "input")
    return by_blocks(function, input, computed=kept, kept=kept, shape=input.shape)


def _rounded(function: np.ufunc, input: Array) -> Array:
    """`function` for floating types; integers are copied."""
    return _kept(function if input.dtype.kind == "f" else np.positive, input)


def _relu(input: Array) -> Array:
    kept = INT64 if input.dtype.kind == "b" else input.dtype
    sizes.check_shape(input.shape, kept, "input")
    return by_blocks(np.maximum, input, np.zeros((), kept), computed=kept, kept=kept, shape=input.shape)


_row(
    "tensor_abs",
    functools.partial(_kept, np.abs),
    "Computes the magnitude of each element.",
    f"{KEPT} The magnitude of the smallest integer of a type wraps around to that integer.",
)
_row(
    "tensor_neg",
    functools.partial(_kept, np.negative),
    "Negates each element.",
    f"{KEPT} Integers wrap around: in UInt8, 1 becomes 255.",
)
_row(
    "tensor_relu",
    _relu,
    "Applies the rectified linear unit (ReLU): negative elements become 0.",
    f"{KEPT} NaN stays NaN.",
)
_row(
    "tensor_floor",
    functools.partial(_rounded, np.floor),
    "Rounds each element down to a whole number.",
    KEPT,
    ("Floor",),
)
_row("tensor_ceil", functools.partial(_rounded, np.ceil), "Rounds each element up to a whole number.", KEPT)
_row(
    "tensor_round",
    functools.partial(_rounded, np.rint),
    "Rounds each element to the nearest whole number.",
    f"{KEPT} Halves are rounded to even: 0.5 to 0, and 1.5 to 2.",
    ("Round",),
)


# ---- Those that give floating numbers --------------------------------------------------------------------------------

REAL = "The result has the input's floating type. Integers and Bool are computed in Float64 and give Float32."


def _types(input: Array) -> tuple[DType, DType]:
    """The type of a result, and that in which it is computed."""
    kept = real_type(input.dtype)
    return kept, working_type(kept) if input.dtype.kind == "f" else FLOAT64


def _real(function: np.ufunc, input: Array) -> Array:
    kept, wide = _types(input)
    sizes.check_shape(input.shape, kept, "input")
    return by_blocks(function, input, computed=wide, kept=kept, shape=input.shape)


def _sigmoid(input: Array) -> Array:
    kept, wide = _types(input)
    sizes.check_shape(input.shape, wide, "input", also=() if kept == wide else (kept,))
    work = by_blocks(np.negative, input, computed=wide, kept=wide, shape=input.shape)
    with np.errstate(all="ignore"):
        np.exp(work, out=work)
        np.add(work, 1, out=work)
        np.reciprocal(work, out=work)
    return work.astype(kept, copy=False)


_row(
    "tensor_sqrt",
    functools.partial(_real, np.sqrt),
    "Computes the square root of each element.",
    f"{REAL} The square root of a negative number is NaN.",
)
_row("tensor_exp", functools.partial(_real, np.exp), "Computes the exponential of each element x: e^x.", REAL)
_row(
    "tensor_log",
    functools.partial(_real, np.log),
    "Computes the natural logarithm of each element.",
    f"{REAL} The logarithm of 0 is -Inf, and that of a negative number is NaN.",
)
_row(
    "tensor_sigmoid",
    _sigmoid,
    "Computes the logistic function of each element x: 1 / (1 + exp(-x)).",
    REAL,
)
_row("tensor_tanh", functools.partial(_real, np.tanh), "Computes the hyperbolic tangent of each element.", REAL)


# ---- Those with a second operand -------------------------------------------------------------------------------------


@command(
    Parameter("input", Tensor(), "The bases.", aliases=("base", "input1")),
    Parameter(
        "exponent",
        TensorOrNumber(),
        "The exponents: a number, or a tensor whose shape broadcasts with that of the bases.",
        aliases=("input2",),
    ),
    group=GROUP,
    aliases=("pow",),
    examples=("set x [torch::tensor_create {1 2 3}]\nputs [torch::tensor_to_list [torch::tensor_pow $x 2]]",),
    see_also=("tensor_sqrt", "tensor_exp"),
)
def tensor_pow(input: Array, exponent: Operand) -> Array:
    """Raises each element to a power.

    The types are as in torch::tensor_add. Powers of integers are exact modulo the range of their type, and exponents of
    integers must be 0 or more. A fractional power of a negative number is NaN.
    """
    right = exponent if isinstance(exponent, np.ndarray) else as_array(exponent, input.dtype, "exponent")
    kept = common_type(input.dtype, right.dtype)
    shape = check_broadcast(input, right, "exponent", result=kept)
    if kept.kind in "iu" and right.size and right.min() < 0:
        raise ArgumentError("exponent", f"expected 0 or more for integers, got {right.min()}")
    return by_blocks(np.power, input, right, computed=working_type(kept), kept=kept, shape=shape)


@command(
    INPUT,
    Parameter("min", Number(keeps_integers=True), "The lower limit; none by default.", default=None),
    Parameter("max", Number(keeps_integers=True), "The upper limit; none by default.", default=None),
    group=GROUP,
    aliases=("clamp",),
    examples=("set x [torch::tensor_create {-1 0.5 2}]\nputs [torch::tensor_to_list [torch::tensor_clamp $x 0 1]]",),
    see_also=("tensor_relu", "tensor_where"),
)
def tensor_clamp(input: Array, min: int | float | None, max: int | float | None) -> Array:
    """Limits each element to a range. NaN stays NaN.

    The types are as in torch::tensor_add: with fractional limits, integers give Float32. If the lower limit is above
    the upper one, all elements become the upper limit.
    """
    limits = [(name, limit) for name, limit in (("min", min), ("max", max)) if limit is not None]
    bounds = {name: as_array(limit, input.dtype, name) for name, limit in limits}
    kept = input.dtype
    for bound in bounds.values():
        kept = common_type(kept, bound.dtype)
    sizes.check_shape(input.shape, kept, "input")
    clamped = input.astype(kept)
    if "min" in bounds:
        np.maximum(clamped, bounds["min"].astype(kept), out=clamped)
    if "max" in bounds:
        np.minimum(clamped, bounds["max"].astype(kept), out=clamped)
    return clamped
