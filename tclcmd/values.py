"""Reading and making Tcl values: the one module, with the interpreter, that calls the C host.

A value is a ``struct Tcl_Obj *``. None of these functions makes the name of a tensor that the script has not asked
for itself (see ``host/values.c``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from pyroi.arrays import Array
from tclcmd import sizes
from tclcmd._host import ffi, lib

#: A ``struct Tcl_Obj *``; cffi's pointers have no static type.
Value = Any


class BadNumbers(Exception):
    """Nested lists do not hold numbers as they should; the text says where."""


#: The least integer of 64 bits.
_LEAST = -(2**63)


# ---- Reading ---------------------------------------------------------------------------------------------------------


def decode(raw: bytes) -> str:
    """Tcl's UTF-8, which writes NUL as two bytes and characters beyond the first plane as two surrogates."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        halves = raw.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
        return halves.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def encode(text: str) -> bytes:
    """The reverse of `decode`; bytes of a file name that is no UTF-8 pass as they are."""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogatepass")
    return raw.replace(b"\0", b"\xc0\x80")


def option_of(value: Value) -> str | None:
    """The value's text if it has the form of an option, ``-`` and a letter."""
    raw = lib.host_option(value)
    return decode(ffi.string(raw)) if raw else None


def text_of(value: Value) -> str | None:
    """The value's text; None for a tensor, or a list of tensors, that has no text yet."""
    length = ffi.new("int *")
    raw = lib.host_text(value, length)
    return decode(ffi.buffer(raw, length[0])[:]) if raw else None


def real_of(value: Value) -> float | None:
    """The value as a number, by Tcl's rules; infinity and NaN too."""
    real: float = lib.host_real(value)
    return real if real == real or lib.host_is_real(value) else None


def integer_of(value: Value) -> int | None:
    """The value as an integer of 64 bits."""
    integer: int = lib.host_integer(value)
    return integer if integer != _LEAST or lib.host_is_integer(value) else None


def boolean_of(value: Value) -> bool | None:
    """The value as a Tcl boolean."""
    boolean = lib.host_boolean(value)
    return None if boolean < 0 else boolean == 1


def elements_of(value: Value) -> list[Value] | None:
    """The elements of a list; None for a tensor, and for text that is no list."""
    count = lib.host_length(value)
    if count < 0:
        return None
    return ffi.unpack(lib.host_elements(value), count) if count else []


def integers_of(value: Value) -> tuple[int, ...] | None:
    """The elements of a list, which are integers of 64 bits; None if the value is no such list."""
    count = lib.host_length(value)
    if count < 0:
        return None
    integers = ffi.new("int64_t[]", count)
    return tuple(ffi.unpack(integers, count)) if lib.host_integers(value, integers) else None


def tensor_number(value: Value, session: int) -> int:
    """The number of the tensor that the value, or its text, stands for; -1 if it has not the form of one."""
    number: int = lib.host_tensor(value, session)
    return number


_NUMBER_TYPES = {"f": ("double", np.float64), "i": ("int64_t", np.int64), "u": ("int64_t", np.int64)}
_NUMBER_KINDS = {"f": lib.HOST_REAL, "i": lib.HOST_INTEGER, "u": lib.HOST_INTEGER, "b": lib.HOST_BOOLEAN}


def numbers_of(value: Value, dtype: npt.DTypeLike) -> Array:
    """Nested lists of numbers as an array of float64, int64 or bool, whichever holds `dtype` exactly."""
    place = ffi.new("host_place *")
    shape = ffi.new("int64_t[]", lib.HOST_MAX_RANK)
    rank = lib.host_numbers_shape(value, shape, place)
    if rank < 0:
        raise BadNumbers(_complaint(place))
    kind = np.dtype(dtype).kind
    c_type, wide = _NUMBER_TYPES.get(kind, ("unsigned char", np.bool_))
    sizes.check_shape(ffi.unpack(shape, rank), wide, "data")
    numbers: Array = np.empty(ffi.unpack(shape, rank), wide)
    memory = ffi.cast(f"{c_type} *", numbers.ctypes.data)
    if not lib.host_numbers(value, rank, shape, _NUMBER_KINDS[kind], memory, place):
        raise BadNumbers(_complaint(place))
    return numbers


def _complaint(place: Any) -> str:
    where = "{" + " ".join(map(str, ffi.unpack(place.index, place.depth))) + "}" if place.depth else ""
    at = f" at {where}" if where else ""
    got = quote(text_of(place.value))
    return {
        lib.HOST_NOT_A_LIST: f"expected a list{at}, got {got}",
        lib.HOST_TOO_DEEP: f"expected at most {lib.HOST_MAX_RANK} nested lists",
        lib.HOST_RAGGED: f"the lists are ragged: length {place.length}{at}, length {place.expected} before it",
        lib.HOST_NOT_A_NUMBER: f"expected a number{at}, got {got}",
        lib.HOST_NOT_WHOLE: f"expected a whole number{at}, got {got}",
        lib.HOST_OUT_OF_RANGE: f"expected a whole number of 64 bits{at}, got {got}",
    }[place.fault]


def quote(text: str | None, limit: int = 60) -> str:
    """Text that came, as messages quote it: shortened, in quotation marks."""
    if text is None:
        return "a tensor"
    return f'"{text}"' if len(text) <= limit else f'"{text[:limit]}..."'


# ---- Making ----------------------------------------------------------------------------------------------------------


def new_text(text: str) -> Value:
    """A value with this text."""
    raw = encode(text)
    return lib.host_new_text(raw, len(raw))


def new_tensor(session: int, number: int) -> Value:
    """A value that stands for a tensor of the session."""
    return lib.host_new_tensor(session, number)


def new_value(result: object, adopt: Callable[[Array], Value]) -> Value:
    """What a command returned, as a Tcl value. `adopt` makes tensors of arrays."""
    if isinstance(result, np.ndarray):
        return adopt(result)
    if isinstance(result, str):
        return new_text(result)
    if isinstance(result, int):  # booleans too: Tcl's truth is 1 and 0
        return lib.host_new_integer(result)
    if isinstance(result, float):
        return lib.host_new_real(result)
    if isinstance(result, Numbers):
        return _nested(result.array)
    if isinstance(result, dict):
        result = [item for pair in result.items() for item in pair]
    if isinstance(result, list | tuple):
        return _new_list(new_value(item, adopt) for item in result)
    raise TypeError(f"a command returned {type(result).__name__}")


class Numbers:
    """An array that becomes nested lists of numbers, not a tensor."""

    def __init__(self, array: Array) -> None:
        sizes.check_list(array.size)
        self.array = np.ascontiguousarray(array)


def _new_list(values: Iterator[Value]) -> Value:
    made = lib.host_new_list()
    for value in values:
        lib.host_append(made, value)
    return made


def _nested(array: Array) -> Value:
    if array.ndim == 0:
        return new_value(shortest(array.reshape(1)).tolist()[0], lambda _: None)
    if array.ndim > 1:
        return _new_list(_nested(part) for part in array)
    if array.dtype.kind == "f":
        reals = shortest(array)
        return lib.host_new_reals(ffi.from_buffer("double[]", reals), reals.size)
    integers = array.astype(np.int64)
    return lib.host_new_integers(ffi.from_buffer("int64_t[]", integers), integers.size)


def shortest(array: Array) -> Array:
    """Numbers of less precision as those float64 that print the same: 0.1 for the float32 next to it.

    Tcl prints all digits of a float64, and 0.10000000149011612 is not what anybody wrote.
    """
    if array.dtype.kind != "f" or array.dtype.itemsize >= 8:
        return array
    reals = np.empty(array.shape, np.float64)
    for start in range(0, array.size, 65536):  # as text, an element takes 128 bytes
        reals[start : start + 65536] = array[start : start + 65536].astype(np.str_).astype(np.float64)
    return reals
