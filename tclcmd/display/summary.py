"""A tensor in a line: its type, its shape, and its values or their statistics."""

from __future__ import annotations

import numpy as np

from pyroi.arrays import Array, shape_text
from tclcmd.values import dtypes
from tclcmd.values.quoting import bytes_text

#: The largest number of elements whose values are shown, and the largest for which statistics are computed.
FEW, MANY = 6, 1 << 24


def described(array: Array) -> str:
    """``Float32 [2 64 7 7]  min -3.1  mean 0.02  max 2.9``."""
    return "  ".join(part for part in (kind_of(array), _content(array)) if part)


def kind_of(array: Array) -> str:
    """``Float32 [2 64 7 7]``."""
    return f"{dtypes.name_of(array.dtype)} {shape_text(array.shape).replace(',', '')}"


def _content(array: Array) -> str:
    if array.size <= FEW:
        return " ".join(_number(value) for value in array.ravel())
    if array.size > MANY:
        return bytes_text(array.nbytes)
    if array.dtype == np.bool_:
        return f"{int(np.count_nonzero(array))} of {array.size} true"
    return _statistics(array)


def _statistics(array: Array) -> str:
    low, high = array.min(), array.max()
    finite = array
    if not (np.isfinite(low) and np.isfinite(high)):
        finite = array[np.isfinite(array)]
        if not finite.size:
            return "no finite numbers"
        low, high = finite.min(), finite.max()
    text = f"min {_number(low)}  mean {_number(finite.mean(dtype=np.float64))}  max {_number(high)}"
    missing = array.size - finite.size
    return f"{text}  ({missing} not finite)" if missing else text


def _number(value: np.generic) -> str:
    if value.dtype == np.bool_:
        return "true" if value else "false"
    return f"{value.item():.4g}" if value.dtype.kind == "f" else str(value.item())
