"""The range of element types: one rule for all commands.

An integer type holds the integers of its range. A floating type holds NaN, infinity, and every finite number that does
not round to infinity; numbers below its range round to 0. A finite number outside the range of a type is an error,
and so are NaN and infinity for an integer type. Bool holds all numbers, since each of them is 0 or not.

Arithmetic between tensors follows the usual rules of the types instead: floating results beyond the range are infinite,
and integers wrap around.
"""

from __future__ import annotations

import math

import numpy as np

from pyroi.arrays import Array
from pyroi.errors import ArgumentError
from tclcmd.values import dtypes, sizes

DType = np.dtype[np.generic]


def to_dtype(array: Array, dtype: DType, argument: str) -> Array:
    """A copy of `array` in a type that must hold its numbers. Fractions are truncated toward zero by integer types.

    Raises ArgumentError, about `argument`, for the first number that the type does not hold.
    """
    is_rounded = dtype.kind == "f" and not np.can_cast(array.dtype, dtype)
    sizes.check_shape(array.shape, dtype, argument, also=(bool, bool, bool) if is_rounded else ())
    if dtype.kind in "iu":
        _check_integers(array, dtype, argument)
    with np.errstate(all="ignore"):  # numbers that become infinite are found below; the rest is rounding
        made = array.astype(dtype)
        if is_rounded:
            _check_outside(array, np.isinf(made) & np.isfinite(array), dtype, argument)
    return made


def number(value: int | float, dtype: DType, argument: str) -> Array:
    """A number from a script, as a 0-dimensional array; an integer type takes whole numbers only."""
    if dtype.kind in "iu":
        if not math.isfinite(value) or value != int(value):
            raise ArgumentError(argument, f"{dtypes.name_of(dtype)} holds whole numbers, got {value}")
        if not _least(dtype) <= value <= _greatest(dtype):
            raise _beyond(dtype, value, argument)
        return np.asarray(int(value), dtype)
    return to_dtype(np.asarray(value if _is_int64(value) else float(value)), dtype, argument)


def _is_int64(value: int | float) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _check_integers(array: Array, dtype: DType, argument: str) -> None:
    if array.size == 0 or array.dtype.kind == "b":
        return
    least, greatest = _least(dtype), _greatest(dtype)
    low, high = array.min().item(), array.max().item()  # of Python, whose integers and reals compare exactly
    if math.isfinite(low) and math.isfinite(high) and least <= int(low) and int(high) <= greatest:
        return
    # The largest int64 is no float64, but the number above it is.
    numbers = array.astype(np.float64) if array.dtype.kind == "f" else array
    inside = (numbers > least - 1) if least > -(2**63) else (numbers >= least)
    inside &= (numbers < float(greatest) + 1) if array.dtype.kind == "f" else (numbers <= greatest)
    _check_outside(array, ~inside, dtype, argument)


def _check_outside(array: Array, outside: Array, dtype: DType, argument: str) -> None:
    if outside.any():
        raise _beyond(dtype, array[outside].flat[0], argument)


def _beyond(dtype: DType, value: object, argument: str) -> ArgumentError:
    if dtype.kind == "f":
        greatest = float(np.finfo(dtype.name).max)
        limits = f"{-greatest:.5g} to {greatest:.5g}"
    else:
        limits = f"{_least(dtype)} to {_greatest(dtype)}"
    return ArgumentError(argument, f"{dtypes.name_of(dtype)} holds {limits}, got {value}")


def _least(dtype: DType) -> int:
    return int(np.iinfo(dtype.name).min)


def _greatest(dtype: DType) -> int:
    return int(np.iinfo(dtype.name).max)
