"""Making tensors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.commands.common import INPUT, SHAPE, DType, dtype_parameter, filled
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Integer, Integers, Number, Numbers
from tclcmd.values import dtypes, ranges, sizes, tclobj
from tclcmd.values.session import Session
from tclcmd.values.tclobj import Value

GROUP = "Making tensors"

#: A number that becomes an element: an integer stays the integer that it is.
NUMBER = Number(keeps_integers=True)

VALUE = Parameter("value", NUMBER, "The value of each element; for an integer type, it must be an integer.")
LIKE_DTYPE = dtype_parameter(default=None, text="The element type; by default, the type of the input.")


@command(
    Parameter("data", Numbers(), "A number, or a list of numbers, nested to any depth."),
    Parameter("shape", Integers(not_empty=True), "The shape, if it is not that of the nested lists.", default=None),
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    forms=(
        ("data", "shape", "dtype"),
        ("data", "dtype"),
    ),
    examples=(
        "set boxes [torch::tensor_create {{0 0 15 15} {4 4 11 11}}]\nputs [torch::tensor_shape $boxes]",
        "set column [torch::tensor_create -data {1 2 3} -shape {3 1} -dtype int64]",
    ),
    see_also=("zeros", "arange", "tensor_to_list"),
)
def tensor_create(data: Value, shape: tuple[int, ...] | None, dtype: DType) -> Array:
    """Makes a tensor from numbers.

    If lists on one level have different lengths, the error message says where. In Tcl, {1} and 1 are the same value, so
    {{1} {2}} is a list of two numbers; the shape {2 1} makes a column of it. As a positional argument, the second value
    is the shape if it is a list of integers, and the dtype otherwise.

    A number that the dtype cannot hold is an error: a number beyond its range, or a fraction for an integer type. The
    floating types hold NaN and Inf.
    """
    array = ranges.to_dtype(_numbers(data, dtype), dtype, "data")
    if shape is None:
        return array
    sizes.check_shape(shape, dtype)
    if math.prod(shape) != array.size:
        raise ArgumentError("shape", f"{shape_text(shape)} has {math.prod(shape)} elements, the data {array.size}")
    return array.reshape(shape)


def _numbers(data: Value, dtype: DType) -> Array:
    try:
        return tclobj.numbers_of(data, dtype)
    except tclobj.BadNumbers as reason:
        raise ArgumentError("data", str(reason)) from None


@command(
    SHAPE,
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    examples=("set map [torch::zeros {1 64 32 32}]",),
    see_also=("ones", "full", "zeros_like"),
)
def zeros(shape: tuple[int, ...], dtype: DType) -> Array:
    """Makes a tensor of zeros."""
    return filled(shape, 0, dtype)


@command(
    SHAPE,
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    examples=("set mask [torch::ones {2 3} bool]",),
    see_also=("zeros", "full", "ones_like"),
)
def ones(shape: tuple[int, ...], dtype: DType) -> Array:
    """Makes a tensor of ones."""
    return filled(shape, 1, dtype)


@command(
    SHAPE,
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    aliases=("Empty",),
    examples=("set map [torch::empty {1 64 32 32}]",),
    see_also=("zeros", "empty_like"),
)
def empty(shape: tuple[int, ...], dtype: DType) -> Array:
    """Makes a tensor whose elements will be overwritten. They are zeros."""
    return filled(shape, 0, dtype)


@command(
    SHAPE,
    VALUE,
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    examples=("set grey [torch::full {1 3 8 8} 0.5]",),
    see_also=("zeros", "ones", "full_like"),
)
def full(shape: tuple[int, ...], value: int | float, dtype: DType) -> Array:
    """Makes a tensor in which every element has the same value."""
    return filled(shape, value, dtype)


@command(
    Parameter("start", NUMBER, "The first number.", default=0),
    Parameter("end", NUMBER, "The end, which is not included."),
    Parameter("step", NUMBER, "The difference between one number and the next; not 0.", default=1),
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    forms=(("end", "dtype"), ("start", "end", "dtype"), ("start", "end", "step", "dtype")),
    examples=("set map [torch::tensor_reshape [torch::arange 25] {1 1 5 5}]", "torch::arange 10 0 -2 int64"),
    see_also=("linspace",),
)
def arange(start: int | float, end: int | float, step: int | float, dtype: DType) -> Array:
    """Makes a tensor of evenly spaced numbers, without the end.

    A single positional value is the end. Integers of 64 bits are exact. Other numbers are computed in Float64, and are
    truncated for an integer dtype.
    """
    if step == 0:
        raise ArgumentError("step", "expected a number other than 0, got 0")
    return _within(_steps(start, end, step), dtype)


def _steps(start: int | float, end: int | float, step: int | float) -> Array:
    if integers := _integers(start, end, step):
        first, last, stride = integers
        multiples = _multiples(_counted(-((first - last) // stride)), stride)
        return np.add(multiples, first, out=multiples)
    # All numbers are halved if their difference is beyond Float64.
    scale = 1.0 if math.isfinite(float(end) - float(start)) else 0.5
    low, high = start * scale, end * scale
    count = _counted(max(0.0, min((high - low) / step / scale, 2.0**63)))
    numbers: Array = np.arange(count, dtype=np.float64)
    np.multiply(step * scale, numbers, out=numbers)
    np.add(low, numbers, out=numbers)
    np.divide(numbers, scale, out=numbers)
    return numbers


def _counted(count: int | float) -> int:
    """The number of elements. Raises MemoryError if they do not fit into memory."""
    whole = max(0, math.ceil(count))
    sizes.check_shape((whole,), np.float64, "end")
    return whole


def _multiples(count: int, step: int) -> Array:
    """0, step, 2 * step, ... modulo 2^64: a sum with another integer is right if it has 64 bits."""
    numbers = np.arange(count, dtype=np.int64)
    np.multiply(numbers, np.uint64(step % 2**64).astype(np.int64), out=numbers)
    return numbers


def _integers(*numbers: int | float) -> list[int] | None:
    """The numbers, if all of them are integers of 64 bits."""
    whole = [each for each in numbers if isinstance(each, int) and -(2**63) <= each < 2**63]
    return whole if len(whole) == len(numbers) else None


def _within(numbers: Array, dtype: DType) -> Array:
    """The numbers from start to end in a type. An error names start or end, whichever the type cannot hold."""
    ranges.to_dtype(numbers[:1], dtype, "start")
    return ranges.to_dtype(numbers, dtype, "end")


@command(
    Parameter("start", NUMBER, "The first number."),
    Parameter("end", NUMBER, "The last number."),
    Parameter("steps", Integer(at_least=0), "The number of elements."),
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    examples=("puts [torch::tensor_to_list [torch::linspace 0 1 5]]",),
    see_also=("arange",),
)
def linspace(start: int | float, end: int | float, steps: int, dtype: DType) -> Array:
    """Makes a tensor of evenly spaced numbers from start to end, both included.

    With an integer dtype, integers of 64 bits are exact, and fractions are truncated. Other numbers are computed in
    Float64.
    """
    sizes.check_shape((steps,), np.float64, "steps", also=(np.float64, np.float64))
    if dtype.kind in "iu" and (integers := _integers(start, end)):
        first, last = integers
        return _within(_whole_parts(first, last, max(steps - 1, 1))[:steps], dtype)
    # All numbers are halved if their difference is beyond Float64.
    scale = 1.0 if math.isfinite(float(end) - float(start)) else 0.5
    return _within(np.linspace(start * scale, end * scale, steps) / scale, dtype)


#: The number of integers to compute at once, so that intermediate products fit into 64 bits.
BLOCK = 2**16


def _whole_parts(start: int, end: int, parts: int) -> Array:
    """start + (end - start) * i / parts for i from 0 to parts, its fraction cut off toward zero."""
    whole, rest = divmod(end - start, parts)
    numbers = _multiples(parts + 1, whole) + start
    fractional = np.zeros(parts + 1, bool)
    for first in range(0, parts + 1, BLOCK):
        block = slice(first, first + BLOCK)
        steps, left = divmod(rest * first, parts)
        products = left + rest * np.arange(len(numbers[block]))  # below 2^16 * parts, which memory bounds
        numbers[block] += steps + products // parts
        fractional[block] = products % parts != 0
    return numbers + ((numbers < 0) & fractional)


@command(
    Parameter("n", Integer(at_least=0), "The number of rows."),
    Parameter("m", Integer(at_least=0), "The number of columns; by default, the number of rows.", default=None),
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    forms=(("n", "dtype"), ("n", "m", "dtype")),
    examples=("puts [torch::tensor_print [torch::eye 3]]",),
    see_also=("zeros",),
)
def eye(n: int, m: int | None, dtype: DType) -> Array:
    """Makes a matrix with ones on the diagonal and zeros elsewhere."""
    sizes.check_shape((n, n if m is None else m), dtype, "n")
    return np.eye(n, m, dtype=dtype)


@command(
    INPUT,
    LIKE_DTYPE,
    group=GROUP,
    takes_device=True,
    examples=("set x [torch::arange 6]\nset sum [torch::zeros_like $x]",),
    see_also=("zeros",),
)
def zeros_like(input: Array, dtype: DType | None) -> Array:
    """Makes a tensor of zeros in the shape of another tensor."""
    return filled(input.shape, 0, dtype or input.dtype, "input")


@command(
    INPUT,
    LIKE_DTYPE,
    group=GROUP,
    takes_device=True,
    examples=("set x [torch::arange 6]\nset mask [torch::ones_like $x bool]",),
    see_also=("ones",),
)
def ones_like(input: Array, dtype: DType | None) -> Array:
    """Makes a tensor of ones in the shape of another tensor."""
    return filled(input.shape, 1, dtype or input.dtype, "input")


@command(
    INPUT,
    LIKE_DTYPE,
    group=GROUP,
    takes_device=True,
    examples=("set x [torch::arange 6]\nset room [torch::empty_like $x float64]",),
    see_also=("empty", "zeros_like"),
)
def empty_like(input: Array, dtype: DType | None) -> Array:
    """Makes a tensor in the shape of another tensor, whose elements will be overwritten.

    They are zeros.
    """
    return filled(input.shape, 0, dtype or input.dtype, "input")


@command(
    INPUT,
    VALUE,
    LIKE_DTYPE,
    group=GROUP,
    takes_device=True,
    examples=("set x [torch::arange 6]\nset fives [torch::full_like $x 5]",),
    see_also=("full",),
)
def full_like(input: Array, value: int | float, dtype: DType | None) -> Array:
    """Makes a tensor of one value in the shape of another tensor."""
    return filled(input.shape, value, dtype or input.dtype, "input")


# ---- Random numbers --------------------------------------------------------------------------------------------------

#: The largest number of Float16 below 1.
BELOW_ONE = np.nextafter(np.float16(1), np.float16(0))


#: The type that random numbers are drawn in.
Drawn = type[np.float32] | type[np.float64]


def _drawn_type(shape: tuple[int, ...], dtype: DType, sized_by: str = "shape", typed_by: str = "dtype") -> Drawn:
    """The type to draw numbers in, which is never float16. Errors name the last two arguments."""
    if dtype.kind != "f":
        raise ArgumentError(typed_by, f"expected a floating type, got {dtypes.name_of(dtype)}")
    drawn = np.float64 if dtype.itemsize == 8 else np.float32
    sizes.check_shape(shape, dtype, sized_by, also=() if dtype == drawn else (drawn,))
    return drawn


def _uniform(session: Session, shape: tuple[int, ...], drawn: Drawn, dtype: DType) -> Array:
    """Random numbers from 0 to 1, 1 excluded, drawn in a type and rounded to another."""
    numbers = session.random.random(shape, drawn).astype(dtype, copy=False)
    if dtype == np.float16:  # rounding may have made some of them 1
        np.minimum(numbers, BELOW_ONE, out=numbers)
    return numbers


def _normal(session: Session, shape: tuple[int, ...], drawn: Drawn, dtype: DType) -> Array:
    """Random numbers of the standard normal distribution."""
    return session.random.standard_normal(shape, drawn).astype(dtype, copy=False)


#: Draws numbers of a shape from the session, in one type, and rounds them to another one.
Distribution = Callable[[Session, tuple[int, ...], Drawn, DType], Array]


def _random(session: Session, distribution: Distribution, shape: tuple[int, ...], dtype: DType) -> Array:
    return distribution(session, shape, _drawn_type(shape, dtype), dtype)


def _random_like(session: Session, distribution: Distribution, input: Array, dtype: DType | None) -> Array:
    chosen = dtype or input.dtype
    drawn = _drawn_type(input.shape, chosen, "input", "dtype" if dtype else "input")
    return distribution(session, input.shape, drawn, chosen)


@command(
    SHAPE,
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    aliases=("tensor_rand",),
    needs_session=True,
    examples=("torch::manual_seed 1\nset map [torch::rand {1 3 8 8}]",),
    see_also=("randn", "manual_seed"),
)
def rand(shape: tuple[int, ...], dtype: DType, session: Session) -> Array:
    """Draws uniform random numbers from 0 to 1, without 1.

    torch::manual_seed makes the numbers reproducible.
    """
    return _random(session, _uniform, shape, dtype)


@command(
    SHAPE,
    dtype_parameter(),
    group=GROUP,
    takes_device=True,
    aliases=("tensor_randn",),
    needs_session=True,
    examples=("set noise [torch::randn {1 3 8 8}]\nputs [torch::tensor_shape $noise]",),
    see_also=("rand", "manual_seed"),
)
def randn(shape: tuple[int, ...], dtype: DType, session: Session) -> Array:
    """Random numbers of the standard normal distribution.

    torch::manual_seed makes the numbers reproducible.
    """
    return _random(session, _normal, shape, dtype)


@command(
    INPUT,
    LIKE_DTYPE,
    group=GROUP,
    takes_device=True,
    needs_session=True,
    examples=("set x [torch::zeros {2 3}]\nset noise [torch::rand_like $x]\nputs [torch::tensor_shape $noise]",),
    see_also=("rand", "randn_like"),
)
def rand_like(input: Array, dtype: DType | None, session: Session) -> Array:
    """Draws uniform random numbers from 0 to 1, without 1, in the shape of another tensor.

    The element type must be a floating type.
    """
    return _random_like(session, _uniform, input, dtype)


@command(
    INPUT,
    LIKE_DTYPE,
    group=GROUP,
    takes_device=True,
    needs_session=True,
    examples=("set x [torch::zeros {2 3}]\nset noise [torch::randn_like $x]\nputs [torch::tensor_shape $noise]",),
    see_also=("randn", "rand_like"),
)
def randn_like(input: Array, dtype: DType | None, session: Session) -> Array:
    """Draws random numbers of the standard normal distribution in the shape of another tensor.

    The element type must be a floating type.
    """
    return _random_like(session, _normal, input, dtype)


@command(
    Parameter("low", Integer(), "The smallest possible number."),
    Parameter("high", Integer(), "The largest possible number plus 1."),
    SHAPE,
    dtype_parameter(np.dtype(np.int64)),
    group=GROUP,
    takes_device=True,
    needs_session=True,
    examples=("torch::manual_seed 1\nset levels [torch::randint 0 4 {10}]",),
    see_also=("manual_seed",),
)
def randint(low: int, high: int, shape: tuple[int, ...], dtype: DType, session: Session) -> Array:
    """Draws random integers, all with equal probability.

    torch::manual_seed makes the numbers reproducible.
    """
    sizes.check_shape(shape, np.int64, also=() if dtype == np.int64 else (dtype,))
    if high <= low:
        raise ArgumentError("high", f"expected an integer above low, which is {low}, got {high}")
    ranges.number(low, dtype, "low")
    ranges.number(high - 1, dtype, "high")
    return session.random.integers(low, high, shape).astype(dtype, copy=False)


@command(
    Parameter("seed", Integer(at_least=0, at_most=2**63 - 1), "The seed.", aliases=("s",)),
    group=GROUP,
    needs_session=True,
    returns="The text ok.",
    examples=("torch::manual_seed 42",),
    see_also=("rand", "randn", "randint"),
)
def manual_seed(seed: int, session: Session) -> str:
    """Seeds the random numbers of this interpreter."""
    session.seed(seed)
    return "ok"
