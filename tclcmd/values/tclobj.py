"""Reading and making Tcl values: the one module, with the interpreter, that calls the C host.

A value is a ``struct Tcl_Obj *``. None of these functions makes the name of a tensor that the script has not asked
for itself (see ``host/values.c``).
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from pyroi.arrays import Array
from tclcmd import libtcl
from tclcmd._host import ffi, lib
from tclcmd.values import sizes
from tclcmd.values.folders import Folders
from tclcmd.values.quoting import LONGEST_QUOTE, bytes_text, quote

#: A ``struct Tcl_Obj *``; cffi's pointers have no static type.
Value = Any


class BadNumbers(Exception):
    """Nested lists do not have the required form; the text gives the position."""


#: The least integer of 64 bits.
_LEAST = -(2**63)


# ---- Text ------------------------------------------------------------------------------------------------------------

_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_BEYOND_FIRST_PLANE = re.compile("[\U00010000-\U0010ffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BYTES = re.compile("[\udc80-\udcff]")
_TO_ENCODE_BY_HAND = re.compile("[\0\ud800-\udfff\U00010000-\U0010ffff]")

#: Whether Tcl stores a character outside of the basic multilingual plane as two surrogates, as Tcl 8.6 does.
HAS_HALVES = libtcl.host_version() == 8

#: Whether an integer with a leading 0 is octal, as in Tcl 8.6 but not in Tcl 9.
HAS_OCTAL_ZERO = libtcl.host_version() == 8


def decode(raw: bytes) -> str:
    """Decodes Tcl's UTF-8, with NUL as two bytes, and in Tcl 8.6 characters beyond the first plane as two surrogates.

    A surrogate without its other half is kept. A byte that is not UTF-8, which a script can make, becomes the character
    of that number, as in Tcl.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "tclcmd")
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") if HAS_HALVES else text


def _decode_bytes_of_tcl(error: UnicodeError) -> tuple[str, int]:
    """What UTF-8 does not have, for `decode`: NUL in two bytes, surrogates, other bytes."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    at, raw = error.start, error.object
    if raw.startswith(b"\xc0\x80", at):
        return "\0", at + 2
    if found := _SURROGATE.match(raw, at):
        return found.group().decode("utf-8", "surrogatepass"), found.end()
    return chr(raw[at]), at + 1


codecs.register_error("tclcmd", _decode_bytes_of_tcl)


def encode(text: str) -> bytes:
    """The reverse of `decode`, for every text."""
    if text.isascii() and "\0" not in text:
        return text.encode()
    if not _TO_ENCODE_BY_HAND.search(text):
        return text.encode()
    if HAS_HALVES:
        text = _BEYOND_FIRST_PLANE.sub(_halves, text)
    return text.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80")


def writable(text: str) -> str:
    """The text as channels take it: those of Tcl 9 refuse half a character, which becomes a replacement character."""
    return text if HAS_HALVES or text.isascii() else _SURROGATES.sub("\ufffd", text)


def _halves(found: re.Match[str]) -> str:
    beyond = ord(found.group()) - 0x10000
    return chr(0xD800 + (beyond >> 10)) + chr(0xDC00 + (beyond & 0x3FF))


def from_system(raw: bytes) -> str:
    """Text from the system, such as a word of the command line, as Tcl decodes it."""
    made = lib.host_from_system(raw, len(raw))
    try:
        return text_of(made) or ""
    finally:
        lib.host_drop(made)


def from_keys(text: str) -> str:
    """Text that was typed. Bytes that are no UTF-8, for which Python has surrogates, become characters, as above."""
    return _BYTES.sub(lambda found: chr(ord(found.group()) - 0xDC00), text)


class FileName(str):
    """The name of a file: for Python's functions as they take it, in an f-string as a script has it, which is `text`.

    The two differ where Python has guessed another encoding from the locale than that of the names. A name of a safe
    interpreter is confined to `folders`: only `tclcmd.files` opens files, and it heeds them.
    """

    text: str
    folders: Folders | None = None

    def __new__(cls, raw: bytes) -> FileName:
        """The name that these bytes are."""
        name = super().__new__(cls, os.fsdecode(raw))
        name.text = from_system(raw)
        return name

    def __format__(self, wanted: str) -> str:
        return format(self.text, wanted)


# ---- Reading ---------------------------------------------------------------------------------------------------------


def option_of(value: Value) -> str | None:
    """The value's text if it has the form of an option, ``-`` and a letter."""
    raw = lib.host_option(value)
    return decode(ffi.string(raw)) if raw else None


def text_of(value: Value) -> str | None:
    """The value's text; None for a tensor, or a list of tensors, that has no text yet."""
    length = ffi.new("int64_t *")
    raw = lib.host_text(value, length)
    if not raw and length[0] < 0:
        raise MemoryError("there is no room for the text of a list")
    return decode(ffi.buffer(raw, length[0])[:]) if raw else None


def quoted(value: Value) -> str | None:
    """The value as messages quote it, without making more of its text than is quoted; None as for `text_of`."""
    first = lib.host_beginning(value, 10 * LONGEST_QUOTE)
    lib.host_keep(first)
    try:
        length = ffi.new("int64_t *")
        raw = lib.host_text(first, length)
        # A character takes six bytes at most. The last one may be cut in two, but it is not shown.
        return quote(decode(ffi.buffer(raw, min(length[0], 6 * LONGEST_QUOTE + 12))[:])) if raw else None
    finally:
        lib.host_drop(first)


def file_name_of(value: Value) -> FileName | None:
    """The file that Tcl's own commands take the value for; None if it is the name of none."""
    raw = lib.host_file_name(value)
    return FileName(ffi.string(raw)) if raw else None


def file_name(text: str) -> FileName | None:
    """The file that Tcl's own commands take a text for."""
    value = new_text(text)
    lib.host_keep(value)
    try:
        return file_name_of(value)
    finally:
        lib.host_drop(value)


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


def tensor_number(value: Value) -> int:
    """The number of the tensor that the value, or its text, stands for; -1 if it has not the form of one.

    The tensor may be another interpreter's: the store of tensors tells.
    """
    number: int = lib.host_tensor(value)
    return number


def tensor_numbers(value: Value) -> list[int]:
    """The number of a tensor, or those of a list of tensors; none for any other value."""
    number = tensor_number(value)
    if number >= 0:
        return [number]
    elements, numbers = lib.host_elements(value), []
    for index in range(lib.host_length(value)):
        number = tensor_number(elements[index])
        if number < 0:
            return []
        numbers.append(number)
    return numbers


_NUMBER_TYPES = {"f": ("double", np.float64), "i": ("int64_t", np.int64), "u": ("int64_t", np.int64)}
_NUMBER_KINDS = {"f": lib.HOST_REAL, "i": lib.HOST_INTEGER, "u": lib.HOST_INTEGER, "b": lib.HOST_BOOLEAN}


def promised_shape(value: Value) -> list[int]:
    """The shape that the first elements of nested lists promise, of one dimension at least; none if it is too deep."""
    shape = ffi.new("int64_t[]", lib.HOST_MAX_RANK)
    rank = lib.host_numbers_shape(value, shape, ffi.new("host_place *"))
    return list(ffi.unpack(shape, rank)) if rank > 0 else []


def numbers_of(value: Value, dtype: npt.DTypeLike) -> Array:
    """Nested lists of numbers as an array of float64, int64 or bool, whichever holds `dtype` exactly.

    A lone number is a list of one: the array has one dimension at least.
    """
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
    got = quoted(place.value) or "a tensor"
    comma = "; numbers are separated by spaces, not by commas" if "," in got else ""
    return {
        lib.HOST_NOT_A_LIST: f"expected a list{at}, got {got}",
        lib.HOST_TOO_DEEP: f"expected at most {lib.HOST_MAX_RANK} nested lists",
        lib.HOST_RAGGED: f"the lists are ragged: length {place.length}{at}, length {place.expected} before it",
        lib.HOST_NOT_A_NUMBER: f"expected a number{at}, got {got}{comma}",
        lib.HOST_NOT_WHOLE: f"expected a whole number{at}, got {got}",
        lib.HOST_OUT_OF_RANGE: f"expected a whole number of 64 bits{at}, got {got}",
    }[place.fault]


# ---- Making ----------------------------------------------------------------------------------------------------------


def new_text(text: str) -> Value:
    """A value with this text."""
    raw = encode(text)
    if len(raw) > lib.host_longest_text():
        raise MemoryError(f"a text of {bytes_text(len(raw))} is longer than a value in Tcl can be")
    made = lib.host_new_text(raw, len(raw))
    if not made:
        raise MemoryError(f"a text of {bytes_text(len(raw))}")
    return made


def new_tensor(session: int, number: int) -> Value:
    """A value that denotes a tensor of the session."""
    return lib.host_new_tensor(session, number)


def new_value(result: object, adopt: Callable[[Array], Value]) -> Value:
    """What a command returned, as a Tcl value. `adopt` makes tensors of arrays."""
    if isinstance(result, np.ndarray):
        return adopt(result)
    if isinstance(result, str):
        return new_text(result.text if isinstance(result, FileName) else result)
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
        sizes.check_list(array.shape, lib.host_longest_list())
        self.array = np.ascontiguousarray(array).reshape(array.shape)


def _new_list(values: Iterator[Value]) -> Value:
    made = lib.host_new_list()
    try:
        for value in values:
            lib.host_append(made, value)
    except BaseException:
        lib.host_drop(made)
        raise
    return made


def _nested(array: Array) -> Value:
    is_real = array.dtype.kind == "f"
    numbers = shortest(array).astype(np.float64, copy=False) if is_real else array.astype(np.int64)
    pointer = ffi.from_buffer("double[]" if is_real else "int64_t[]", numbers)
    pointers = (pointer, ffi.NULL) if is_real else (ffi.NULL, pointer)
    # Checked again, since the copy of the numbers has used memory.
    if not lib.host_has_room(sizes.list_bytes(array.shape)):
        raise MemoryError(sizes.list_text(array.shape))
    made = lib.host_new_nested(array.ndim, array.shape, *pointers)
    if not made:
        raise MemoryError(sizes.list_text(array.shape))
    return made


def shortest(array: Array) -> Array:
    """Numbers of less precision as those float64 that print the same: 0.1 for the float32 next to it.

    Tcl prints all digits of a float64, and 0.10000000149011612 is not what anybody wrote.
    """
    if array.dtype.kind != "f" or array.dtype.itemsize >= 8:
        return array
    flat, reals = array.reshape(-1), np.empty(array.size, np.float64)
    for start in range(0, array.size, 65536):  # as text, an element takes 128 bytes
        reals[start : start + 65536] = flat[start : start + 65536].astype(np.str_).astype(np.float64)
    return reals.reshape(array.shape)
