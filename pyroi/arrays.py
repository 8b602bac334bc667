"""The conversion of arguments: arrays, numbers and names are checked here, and described for libroi."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pyroi import memory
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.native import ffi, lib

Array: TypeAlias = npt.NDArray[Any]

_ARRAY = ffi.typeof("roi_array *")
_INDICES = ffi.typeof("roi_indices *")

# libroi's codes of element types. All are native: other byte orders are converted first.
DTYPE_CODES = {
    np.dtype(np.float16): lib.ROI_FLOAT16,
    np.dtype(np.float32): lib.ROI_FLOAT32,
    np.dtype(np.float64): lib.ROI_FLOAT64,
}
# The number of sizes that a message shows; NumPy has at most 64.
_MOST_SIZES = 64

_WIDE = {np.dtype(np.float32), np.dtype(np.float64)}


# The types of Python's numbers, for a fast check of long lists.
_PLAIN = {bool, int, float}
_DEEPEST = 64  # levels of nested lists that NumPy reads as an array


def _is_float(dtype: np.dtype[Any]) -> bool:
    """Whether libroi reads elements of this type, native or not."""
    if dtype in DTYPE_CODES:
        return True
    if dtype.name == "bfloat16":  # NumPy has no such type; ml_dtypes and others define one
        DTYPE_CODES[dtype] = lib.ROI_BFLOAT16
        return True
    return not dtype.isnative and dtype.newbyteorder("=") in DTYPE_CODES


def is_integer(dtype: np.dtype[Any]) -> bool:
    """Whether this is an integer or a boolean type."""
    return dtype.kind in "iub"


def is_number(dtype: np.dtype[Any]) -> bool:
    """Whether pyroi accepts this element type: libroi's floating types, integers and booleans.

    Other floating types, 4-bit integers and complex numbers are not accepted.
    """
    return is_integer(dtype) or _is_float(dtype)


def shape_text(shape: Sequence[int]) -> str:
    """A shape as messages show it, ``[2, 3]``; a shape that no array can have is shortened."""
    shown = [*map(str, shape[:_MOST_SIZES]), *(["..."] if len(shape) > _MOST_SIZES else [])]
    return "[" + ", ".join(shown) + "]"


def to_array(value: Any, name: str) -> Array:
    """`value` as a NumPy array. Arrays and objects with ``__array__`` or DLPack are not copied."""
    if type(value) is np.ndarray:
        return value
    if "numpy.ma" in sys.modules and _is_masked(value):
        raise _masked(name)
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        array = np.asanyarray(value)  # keeps the mask that the __array__ of another type returns
    except MemoryError:
        raise
    except Exception as reason:  # another type may raise anything; the argument is unusable
        if getattr(value, "requires_grad", False) is True:
            rule = "this tensor records gradients, which NumPy does not: call the function of pyroi.torch, or give"
            raise ArgumentTypeError(name, f"{rule} tensor.detach()") from reason
        raise ArgumentTypeError(name, f"cannot be converted to an array: {reason}") from reason
    if is_masked_array(array):
        raise _masked(name)
    return np.asarray(array)


def _is_masked(value: Any, depth: int = _DEEPEST) -> bool:
    """Whether a value is a masked array, or a nested list that contains one, of which NumPy would drop the mask.

    For lists that are nested deeper than NumPy reads, NumPy raises the error.
    """
    if isinstance(value, (list, tuple)):
        if depth == 0 or _PLAIN.issuperset(map(type, value)):
            return False
        return any(_is_masked(element, depth - 1) for element in value)
    return is_masked_array(value)


def is_masked_array(value: Any) -> bool:
    """Whether a value is a masked array. None exists before the module numpy.ma is imported."""
    return isinstance(value, getattr(sys.modules.get("numpy.ma"), "MaskedArray", ()))


def _masked(name: str) -> ArgumentTypeError:
    rule = "expected plain numbers, got a masked array; array.filled(value) has a value in place of what is masked"
    return ArgumentTypeError(name, rule)


def _plain(array: Array) -> Array:
    """`array` itself, or a copy where it is misaligned, of foreign byte order, or strided by parts of an element."""
    if not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    size, flags = array.itemsize, array.flags
    if flags.aligned and (flags.c_contiguous or not any(stride % size for stride in array.strides)):
        return array
    return array.copy()


def to_numbers(value: Any, name: str) -> Array:
    """`value` as an array of any numeric type that pyroi accepts."""
    array = to_array(value, name)
    if not is_number(array.dtype):
        rule = "expected floating-point numbers of at most 64 bits, integers or booleans"
        raise ArgumentTypeError(name, f"{rule}, got {_kind(array, value)}")
    return array


def to_floats(value: Any, name: str, integers: type[np.floating[Any]]) -> Array:
    """`value` as an array that libroi can read; integers and booleans become the type `integers`."""
    array = to_numbers(value, name)
    return array.astype(integers) if is_integer(array.dtype) else _plain(array)


def widen(array: Array) -> Array:
    """A result of :func:`to_floats` in float32 or float64, the types of boxes and scores."""
    return array if array.dtype in _WIDE else array.astype(np.float32)


def cast(array: Array, dtype: Any) -> Array:
    """`array` in another floating type. Numbers beyond its range become infinite without a warning."""
    with np.errstate(over="ignore"):
        return array.astype(dtype, copy=False)


def _kind(array: Array, value: Any) -> str:
    if array.dtype.kind in "US":
        return "text"
    if array.dtype == object:
        return "None" if value is None else "Python objects"
    return f"elements of type {array.dtype}"


def to_map(value: Any, name: str) -> Array:
    """A feature map [N, C, H, W]."""
    array = to_floats(value, name, np.float32)
    if array.ndim != 4:
        raise ArgumentError(name, f"expected [N, C, H, W], got {shape_text(array.shape)}")
    return array


def to_images(value: Any, name: str) -> tuple[Array, bool]:
    """One image [C, H, W] or a batch [N, C, H, W], as a map [N, C, H, W]; and whether it was one image."""
    array = to_floats(value, name, np.float32)
    if array.ndim == 3:
        return array[np.newaxis], True
    if array.ndim != 4:
        raise ArgumentError(name, f"expected [C, H, W] or [N, C, H, W], got {shape_text(array.shape)}")
    return array, False


def compute_dtype(array: Array) -> type[np.floating[Any]]:
    """The type in which libroi computes for an array of this type."""
    return np.float64 if array.dtype == np.float64 else np.float32


def fields(array: Array) -> tuple[Any, int | None, tuple[int, ...], tuple[int, int, int, int]]:
    """The members of a ``roi_array`` that describes `array`. The array must outlive it."""
    size = array.itemsize
    image, channel, row, column = array.strides  # without a loop, which takes three times as long
    strides = image // size, channel // size, row // size, column // size
    return address(array), DTYPE_CODES.get(array.dtype), array.shape, strides


def address(array: Array) -> Any:
    """The address of element [0, 0, ...]; the fast way where the array is contiguous."""
    if array.flags.c_contiguous:
        return ffi.from_buffer(array)
    return ffi.cast("void *", array.__array_interface__["data"][0])


def describe(array: Array) -> Any:
    """A ``roi_array *`` for `array`."""
    return ffi.new(_ARRAY, fields(array))


def describe_indices(array: Array) -> Any:
    """A ``roi_indices *`` for an array of int64."""
    data, _, shape, strides = fields(array)  # a roi_indices has no element type
    return ffi.new(_INDICES, (ffi.cast("int64_t *", data), shape, strides))


def to_indices(value: Any, name: str) -> Array:
    """`value` as an array of int64 that libroi can read; libroi checks the range."""
    array = to_array(value, name)
    if array.dtype.kind not in "iu":
        raise ArgumentTypeError(name, f"expected integers, got {_kind(array, value)}")
    if array.dtype.kind == "u" and array.itemsize == 8 and array.size and array.max() > np.iinfo(np.int64).max:
        raise ArgumentError(name, f"expected integers of 64 bits, got {array.max()}")
    return _plain(array.astype(np.int64, copy=False))


def new_map(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> Array:
    """An uninitialized array of this shape. `name` is the argument that determines its size."""
    size = math.prod(shape) * dtype.itemsize
    if (size or math.prod(filter(None, shape)) * dtype.itemsize) > sys.maxsize:  # NumPy's limit ignores sizes of 0
        raise ArgumentError(name, f"a result of shape {shape_text(shape)} exceeds the address space")
    return memory.empty(shape, dtype, size)


def check_out(out: Any, shape: Sequence[int], dtype: Any, inputs: dict[str, Array], argument: str = "out") -> Array:
    """`out`, after a check that it can receive a result of this shape and type."""
    if type(out) is not np.ndarray:
        raise ArgumentTypeError(argument, f"expected a NumPy array, got {type(out).__name__}")
    if out.dtype != dtype or not out.dtype.isnative:
        raise ArgumentTypeError(argument, f"expected elements of type {np.dtype(dtype)}, got {out.dtype.str}")
    if out.shape != tuple(shape):
        raise ArgumentError(argument, f"expected {shape_text(shape)}, got {shape_text(out.shape)}")
    if not out.flags.writeable:
        raise ArgumentError(argument, "expected a writeable array, got a read-only one")
    if _plain(out) is not out or _overlaps_itself(out):
        raise ArgumentError(argument, "expected aligned elements that do not overlap, got an array with other strides")
    for name, array in inputs.items():
        if np.may_share_memory(out, array):
            raise ArgumentError(argument, f"must not overlap {name}")
    return out


def _overlaps_itself(array: Array) -> bool:
    """Whether elements may overlap: a stride is less than the extent of all dimensions of smaller strides."""
    if array.size == 0:
        return False
    reach = array.itemsize
    for stride, size in sorted((abs(stride), size) for stride, size in zip(array.strides, array.shape, strict=True)):
        if size > 1 and stride < reach:
            return True
        reach += stride * (size - 1)
    return False


# ---- Numbers and names -----------------------------------------------------------------------------------------------


def to_integer(value: Any, name: str) -> int:
    """A Python or NumPy integer that fits in 64 bits."""
    number = value if type(value) is int else _index(value, name)
    if not -(2**63) <= number < 2**63:
        raise ArgumentError(name, f"expected an integer of 64 bits, got {number}")
    return number


def _index(value: Any, name: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, (bool, np.bool_)) or is_masked_array(value):
        raise ArgumentTypeError(name, f"expected an integer, got {value!r}")
    return number


def to_number(value: Any, name: str) -> float:
    """A real number; libroi checks the range."""
    if type(value) is float:
        return value
    if isinstance(value, (str, bytes, bytearray, bool)) or (
        isinstance(value, (np.ndarray, np.generic)) and not _is_scalar(value)
    ):
        raise ArgumentTypeError(name, f"expected a number, got {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise ArgumentError(name, f"expected a number in the range of float64, got {value!r}") from None
    except (TypeError, ValueError):
        raise ArgumentTypeError(name, f"expected a number, got {value!r}") from None


def _is_scalar(value: np.ndarray[Any, Any] | np.generic) -> bool:
    """Whether a NumPy value is a real scalar. A float longer than float64 is rounded later."""
    return value.ndim == 0 and value.dtype.kind in "iuf" and not is_masked_array(value)


def to_flag(value: Any, name: str) -> bool:
    """A boolean; the integers 0 and 1 are accepted."""
    if type(value) is bool:
        return value
    if isinstance(value, np.bool_) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise ArgumentTypeError(name, f"expected True or False, got {value!r}")


def is_list(value: Any) -> bool:
    """Whether a value is a list, a tuple, or an array that is neither 0-dimensional nor masked."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0 and not is_masked_array(value)
    return isinstance(value, (tuple, list))


def to_size(value: Any, name: str) -> tuple[int, int]:
    """The height and the width; one integer stands for a square."""
    if not is_list(value):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise ArgumentTypeError(name, f"expected (height, width), got {value!r}")
        value = (value, value)
    if len(value) != 2:
        raise ArgumentError(name, f"expected (height, width), got {tuple(value)}")
    height, width = to_integer(value[0], name), to_integer(value[1], name)
    if height < 0 or width < 0:
        raise ArgumentError(name, f"expected sizes of 0 or more, got ({height}, {width})")
    return height, width


def to_input_shape(value: Any, name: str = "input_shape") -> tuple[int, ...]:
    """The shape of a map."""
    if not is_list(value):
        raise ArgumentTypeError(name, f"expected (N, C, H, W), got {value!r}")
    shape = tuple(to_integer(size, name) for size in value)
    if len(shape) != 4 or min(shape) < 0:
        raise ArgumentError(name, f"expected four sizes of 0 or more, got {shape_text(shape)}")
    return shape


def choice(value: Any, name: str, table: dict[str, int]) -> int:
    """The enum value of a name in `table`."""
    if isinstance(value, str) and value in table:
        return table[value]
    fault = ArgumentError if isinstance(value, str) else ArgumentTypeError
    raise fault(name, f"expected one of {', '.join(table)}, got {value!r}")
