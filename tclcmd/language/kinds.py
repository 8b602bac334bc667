"""The kinds of parameters: how each parses a Tcl value, and its names in usage lines and tables.

A kind checks the syntax and the type of a value. pyroi checks the shapes and ranges of an operator; the constraints
here (`at_least` and the like) are for commands that use NumPy alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyroi.arrays import Array, shape_text
from tclcmd.language.errors import ARGUMENT_ERRORS
from tclcmd.values import dtypes, ranges, tclobj
from tclcmd.values.session import Session
from tclcmd.values.tclobj import FileName, Value

#: A number of sizes above that of any shape. The product of many sizes takes quadratic time.
MOST_INTEGERS = 1000

#: The largest number of sides of a map: depth, height and width.
MOST_SIDES = 3


class Mismatch(Exception):
    """A value is invalid for its parameter; the text is the rule and the value."""


def describe(value: Value, session: Session) -> str:
    """The value for a message; a tensor without a name is not given one."""
    text = tclobj.quoted(value)
    if text is not None:
        return text
    array = session.tensors.get(tclobj.tensor_number(value))
    if array is not None:
        return f"a tensor of shape {shape_text(array.shape)}"
    return f"a list of {len(tclobj.elements_of(value) or ())} elements"


@dataclass(frozen=True)
class Kind:
    """A kind of parameter. `placeholder` is its name in usage lines, `expects` its description in messages.

    Only a kind with fields is a dataclass, which saves time at the start of the program.
    """

    @property
    def placeholder(self) -> str:
        """Its name in a usage line."""
        raise NotImplementedError

    @property
    def expects(self) -> str:
        """Its description, which completes the phrase "expected ..."."""
        raise NotImplementedError

    @property
    def takes_list(self) -> bool:
        """Whether its value is usually written as a list."""
        return self.placeholder.startswith("{")

    #: Whether the message for an invalid value is "Invalid x tensor" rather than "Invalid x value".
    is_tensor = False

    def read(self, value: Value, session: Session) -> Any:
        """The Python value; raises Mismatch."""
        raise NotImplementedError

    def check(self, value: Value, session: Session) -> None:
        """Raises Mismatch if the text of a script is certainly invalid here, whatever the other words are."""
        self.read(value, session)

    def suits(self, value: Value, session: Session) -> bool:
        """Whether the value is meant for a parameter of this kind; for the choice of a positional order."""
        try:
            self.read(value, session)
        except (Mismatch, *ARGUMENT_ERRORS):
            return False
        return True

    def show(self, default: Any) -> str:
        """A default as one would type it."""
        return str(default)

    def words_to_offer(self) -> list[tuple[str, str]]:
        """The possible words, if they are few, each with a note; for completion."""
        return []

    def mismatch(self, value: Value, session: Session) -> Mismatch:
        """The error for an invalid value."""
        return Mismatch(f"expected {self.expects}, got {describe(value, session)}")


# ---- Tensors ---------------------------------------------------------------------------------------------------------

FLOAT32: np.dtype[np.generic] = np.dtype(np.float32)


def _find_tensor(value: Value, session: Session) -> Array | None:
    """The tensor that the value denotes; None if it does not have the form of a tensor."""
    number = tclobj.tensor_number(value)
    if number < 0:
        return None
    array = session.tensors.get(number)
    if array is None:
        raise _absent(number, session)
    return array


def _absent(number: int, session: Session) -> Mismatch:
    """The message about a tensor that this interpreter does not have. In a safe one it does not mention others."""
    if session.grants is not None:
        return Mismatch(f"tensor{number} does not exist, or no longer")
    if session.tensors.is_elsewhere(number):
        return Mismatch(
            f"tensor{number} belongs to another interpreter; torch::tensor_import makes a copy of it for this one"
        )
    return Mismatch(f"tensor{number} {'was freed' if session.tensors.was_freed(number) else 'does not exist'}")


class Tensor(Kind):
    """A tensor value."""

    placeholder = "tensor"
    expects = "a tensor"
    is_tensor = True

    def read(self, value: Value, session: Session) -> Array:
        """The tensor's array, not a copy."""
        array = _find_tensor(value, session)
        if array is None:
            raise Mismatch(str(self.mismatch(value, session)) + _tensor_hint(value))
        return array


def _tensor_hint(value: Value) -> str:
    """The hint for numbers where a tensor is expected."""
    elements = tclobj.elements_of(value) or ()
    is_number = len(elements) > 0 and tclobj.real_of(elements[0]) is not None
    return "; torch::tensor_create makes a tensor of numbers" if is_number else ""


class Numbers(Kind):
    """Nested lists of numbers, from which a tensor is made. The command chooses the element type."""

    placeholder = "data"
    expects = "a number or nested lists of numbers"
    takes_list = True

    def read(self, value: Value, session: Session) -> Value:
        """The value, unparsed."""
        if _find_tensor(value, session) is not None:
            raise self.mismatch(value, session)
        return value

    def check(self, value: Value, session: Session) -> None:
        """As for all kinds. Words such as true are numbers of one element type, bool."""
        try:
            tclobj.numbers_of(self.read(value, session), np.float64)
        except tclobj.BadNumbers as reason:
            try:
                tclobj.numbers_of(value, np.bool_)
            except tclobj.BadNumbers:
                raise Mismatch(str(reason)) from None


@dataclass(frozen=True)
class TensorOrNumbers(Kind):
    """A tensor, or nested lists of numbers, which are read as `dtype`. `empty` is the shape of an empty list.

    A single number is a vector of one element.
    """

    empty: tuple[int, ...] = (0,)
    dtype: np.dtype[np.generic] = FLOAT32

    placeholder = "tensor"
    expects = "a tensor, or lists of numbers"
    is_tensor = True

    def read(self, value: Value, session: Session) -> Any:
        """An array."""
        array = _find_tensor(value, session)
        return self._read_elements(value, session) if array is None else array

    def _read_elements(self, value: Value, session: Session) -> Any:
        elements = tclobj.elements_of(value)
        if elements is None:
            raise self.mismatch(value, session)
        if not elements:
            return np.empty(self.empty, self.dtype)
        try:
            return ranges.to_dtype(tclobj.numbers_of(value, self.dtype), self.dtype, "data")
        except tclobj.BadNumbers as reason:
            raise Mismatch(str(reason)) from None


@dataclass(frozen=True)
class Boxes(TensorOrNumbers):
    """Boxes on images: a tensor, or nested lists of numbers; or a list with either for each image.

    `numbers` is the number of columns of a box. The value is a list for each image if its first element is a
    tensor, an empty list, or a list of lists.
    """

    empty: tuple[int, ...] = (0, 5)
    numbers: int = 4

    expects = "a tensor, lists of numbers, or a list with one of these for each image"

    def _read_elements(self, value: Value, session: Session) -> Any:
        elements = tclobj.elements_of(value)
        if elements and self._is_of_image(elements[0], session):
            return [self._read_image(element, index, session) for index, element in enumerate(elements)]
        return super()._read_elements(value, session)

    def _is_of_image(self, first: Value, session: Session) -> bool:
        if _find_tensor(first, session) is not None:
            return True
        shape = tclobj.promised_shape(first)
        return len(shape) > 1 or shape == [0]

    def _read_image(self, value: Value, index: int, session: Session) -> Array:
        try:
            array: Array = TensorOrNumbers((0, self.numbers)).read(value, session)
            return array
        except Mismatch as reason:
            raise Mismatch(f"element {index}: {reason}") from None


class TensorList(Kind):
    """One tensor or more."""

    placeholder = "{tensor ...}"
    expects = "a list of tensors"
    is_tensor = True

    def read(self, value: Value, session: Session) -> list[Array]:
        """The arrays; a single tensor is a list of one."""
        if tclobj.tensor_number(value) >= 0:
            return [Tensor().read(value, session)]
        elements = tclobj.elements_of(value)
        if not elements:
            raise self.mismatch(value, session)
        return [self._element(element, index, session) for index, element in enumerate(elements)]

    def _element(self, element: Value, index: int, session: Session) -> Array:
        try:
            return Tensor().read(element, session)
        except Mismatch as reason:
            raise Mismatch(f"element {index}: {reason}") from None


class TensorOrNumber(Kind):
    """The second operand of arithmetic."""

    placeholder = "tensor|number"
    expects = "a tensor or a number"
    is_tensor = True

    def read(self, value: Value, session: Session) -> Array | int | float:
        """An array, or a Python number, which is converted to the tensor's type."""
        array = _find_tensor(value, session)
        if array is not None:
            return array
        real = tclobj.real_of(value)
        if real is None:
            raise Mismatch(str(self.mismatch(value, session)) + _tensor_hint(value))
        return _exact(value, real) if math.isfinite(real) else real


class ForeignTensor(Tensor):
    """A tensor of any interpreter or thread of this process."""

    expects = "a tensor of this or another interpreter"

    def read(self, value: Value, session: Session) -> Array:
        """The array."""
        number = tclobj.tensor_number(value)
        if number < 0:
            raise self.mismatch(value, session)
        array = session.tensors.family.find(number)
        if array is None:
            raise _absent(number, session)
        return array


class Handles(Kind):
    """Names of tensors to be freed, which may be freed already."""

    placeholder = "{tensor ...}"
    expects = "a list of tensors"
    is_tensor = True

    def read(self, value: Value, session: Session) -> list[int]:
        """The numbers of the tensors."""
        number = tclobj.tensor_number(value)
        elements = [value] if number >= 0 else tclobj.elements_of(value)
        if elements is None:
            raise self.mismatch(value, session)
        numbers = [tclobj.tensor_number(element) for element in elements]
        if min(numbers, default=0) < 0:
            raise self.mismatch(value, session)
        for number in numbers:
            if session.tensors.is_elsewhere(number):
                raise _absent(number, session)
        return numbers


# ---- Numbers ---------------------------------------------------------------------------------------------------------


def _exact(value: Value, real: float) -> int | float:
    """A finite number as an integer of any size if it is written as one, otherwise as `real`."""
    integer = tclobj.integer_of(value)
    if integer is not None:
        return integer
    digits = (tclobj.text_of(value) or "").strip().lstrip("+-")
    if not digits.isdecimal() or (tclobj.HAS_OCTAL_ZERO and digits.startswith("0")):
        return real
    return int(digits) if real > 0 else -int(digits)


@dataclass(frozen=True)
class Number(Kind):
    """A finite number. Where it `keeps_integers`, one that is written as an integer is read as a Python int."""

    at_least: float | None = None
    keeps_integers: bool = False

    placeholder = "double"

    @property
    def expects(self) -> str:
        """Its name, with the bound."""
        return "a number" if self.at_least is None else f"a number of {self.at_least:g} or more"

    def read(self, value: Value, session: Session) -> int | float:
        """A float, or an int; NaN and infinity are refused."""
        real = tclobj.real_of(value)
        if real is None or (self.at_least is not None and real < self.at_least):
            raise self.mismatch(value, session)
        if not math.isfinite(real):
            raise Mismatch(f"expected a finite number, got {describe(value, session)}")
        return _exact(value, real) if self.keeps_integers else real


class Order(Kind):
    """The order of a norm."""

    placeholder = "double|inf"
    expects = "a number, inf or -inf"

    def read(self, value: Value, session: Session) -> float:
        """A float, not NaN."""
        real = tclobj.real_of(value)
        if real is None or math.isnan(real):
            raise self.mismatch(value, session)
        return real


@dataclass(frozen=True)
class Integer(Kind):
    """An integer of 64 bits, with optional bounds."""

    at_least: int | None = None
    at_most: int | None = None

    placeholder = "int"

    @property
    def expects(self) -> str:
        """Its name, with the bounds."""
        if self.at_least is not None and self.at_most is not None:
            return f"an integer from {self.at_least} to {self.at_most}"
        return "an integer" if self.at_least is None else f"an integer of {self.at_least} or more"

    def read(self, value: Value, session: Session) -> int:
        """An int."""
        integer = tclobj.integer_of(value)
        if integer is None or not self._is_within(integer):
            raise self.mismatch(value, session)
        return integer

    def _is_within(self, integer: int) -> bool:
        is_low = self.at_least is not None and integer < self.at_least
        is_high = self.at_most is not None and integer > self.at_most
        return not (is_low or is_high)


class Boolean(Kind):
    """Any Tcl boolean."""

    placeholder = "bool"
    expects = "a boolean"

    def read(self, value: Value, session: Session) -> bool:
        """True or False."""
        boolean = tclobj.boolean_of(value)
        if boolean is None:
            raise self.mismatch(value, session)
        return boolean

    def words_to_offer(self) -> list[tuple[str, str]]:
        """The common spellings."""
        return [("true", ""), ("false", "")]

    def show(self, default: Any) -> str:
        """As Tcl writes it."""
        return "true" if default else "false"


@dataclass(frozen=True)
class Integers(Kind):
    """A list of integers."""

    not_empty: bool = False

    placeholder = "{int ...}"
    expects = "a list of integers"

    def read(self, value: Value, session: Session) -> tuple[int, ...]:
        """A tuple; in Tcl a single integer is a list of one."""
        integers = tclobj.integers_of(value)
        if integers is None or (self.not_empty and not integers):
            raise self.mismatch(value, session)
        if len(integers) > MOST_INTEGERS:
            raise Mismatch(f"expected at most {MOST_INTEGERS} integers, got {len(integers)}")
        return integers


class Reals(Kind):
    """A list of finite numbers."""

    placeholder = "{double ...}"
    expects = "a list of numbers"

    def read(self, value: Value, session: Session) -> list[float]:
        """A list of floats."""
        elements = tclobj.elements_of(value)
        reals = [tclobj.real_of(element) for element in elements or ()]
        if elements is None or None in reals:
            raise self.mismatch(value, session)
        if not all(real is not None and math.isfinite(real) for real in reals):
            raise Mismatch(f"expected finite numbers, got {describe(value, session)}")
        return [real for real in reals if real is not None]


class Size(Kind):
    """Height and width."""

    placeholder = "{height width}"
    expects = "{height width}, or one integer for a square"

    def read(self, value: Value, session: Session) -> int | tuple[int, int]:
        """One int, or two."""
        sizes = tclobj.integers_of(value)
        if sizes is None or len(sizes) not in (1, 2):
            raise self.mismatch(value, session)
        return sizes[0] if len(sizes) == 1 else (sizes[0], sizes[1])


class OptionalSize(Kind):
    """The sizes of one to three sides, or an empty list if another parameter gives the size."""

    placeholder = Size.placeholder
    expects = "{height width}, one integer for all sides, one for each of three, or {} for none"

    def read(self, value: Value, session: Session) -> int | tuple[int, ...] | None:
        """One int, or two or three; None for an empty list."""
        sizes = tclobj.integers_of(value)
        if sizes is None or len(sizes) > MOST_SIDES:
            raise self.mismatch(value, session)
        return (sizes if len(sizes) > 1 else sizes[0]) if sizes else None


class Sides(Kind):
    """Height and width; a side may be kept."""

    placeholder = "{height width}"
    expects = "{height width} with - for a side to keep, or one integer for a square"

    def read(self, value: Value, session: Session) -> int | tuple[int | None, int | None] | None:
        """One int, or two; None for a side that is kept."""
        sides = [self._side(element, value, session) for element in tclobj.elements_of(value) or ()]
        if len(sides) == 1:
            return sides[0]
        if len(sides) != 2:
            raise self.mismatch(value, session)
        return sides[0], sides[1]

    def _side(self, element: Value, value: Value, session: Session) -> int | None:
        integer = tclobj.integer_of(element)
        if integer is None and tclobj.text_of(element) != "-":
            raise self.mismatch(value, session)
        return integer


class Factors(Kind):
    """The scale factors of one to three sides."""

    placeholder = "{height width}"
    expects = "{height width}, one number for all sides, or one for each of three"

    def read(self, value: Value, session: Session) -> float | tuple[float, ...]:
        """One float, or two or three."""
        elements = tclobj.elements_of(value) or ()
        if not 1 <= len(elements) <= MOST_SIDES:
            raise self.mismatch(value, session)
        factors = tuple(Number().read(element, session) for element in elements)
        return factors[0] if len(factors) == 1 else factors


class Precision(Kind):
    """A number of decimals, or full precision."""

    placeholder = "int|full"
    expects = "an integer from 0 to 50, or full"

    def read(self, value: Value, session: Session) -> int | None:
        """The number of decimals; None for full."""
        if tclobj.text_of(value) == "full":
            return None
        decimals = tclobj.integer_of(value)
        if decimals is None or not 0 <= decimals <= 50:
            raise self.mismatch(value, session)
        return decimals


# ---- Words -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text(Kind):
    """Any text. NUL is refused, unless it is harmless, since C libraries would truncate the text there."""

    allows_nul: bool = False

    placeholder = "string"

    @property
    def expects(self) -> str:
        """The description of the text."""
        return "text" if self.allows_nul else "text without NUL characters"

    def read(self, value: Value, session: Session) -> str:
        """The text. A tensor is refused, since it must be a mistake."""
        text = tclobj.text_of(value)
        if text is None or ("\0" in text and not self.allows_nul):
            raise self.mismatch(value, session)
        return text


class Texts(Kind):
    """A list of texts."""

    placeholder = "{string ...}"
    expects = "a list of texts without NUL characters"

    def read(self, value: Value, session: Session) -> list[str]:
        """The texts."""
        elements = tclobj.elements_of(value)
        texts = [text for element in elements or () if (text := tclobj.text_of(element)) is not None]
        if elements is None or len(texts) < len(elements) or any("\0" in text for text in texts):
            raise self.mismatch(value, session)
        return texts


class _ByNumber(Kind):
    """A dict from integers to values of one form."""

    def entry(self, value: Value) -> Any:
        """The value of one integer; None if it does not have the form."""
        raise NotImplementedError

    def read(self, value: Value, session: Session) -> dict[int, Any]:
        """The values by their numbers."""
        elements = tclobj.elements_of(value)
        if elements is None or len(elements) % 2:
            raise self.mismatch(value, session)
        found = {}
        for key, element in zip(elements[::2], elements[1::2], strict=True):
            number, entry = tclobj.integer_of(key), self.entry(element)
            if number is None or entry is None:
                raise self.mismatch(value, session)
            found[number] = entry
        return found


class NamesByNumber(_ByNumber):
    """A dict from integers to texts."""

    placeholder = "{int string ...}"
    expects = "a dict from integers to texts without NUL characters"

    def entry(self, value: Value) -> str | None:
        """A text."""
        text = tclobj.text_of(value)
        return None if text is None or "\0" in text else text


class SizesByNumber(_ByNumber):
    """A dict from integers to pairs of height and width."""

    placeholder = "{int {height width} ...}"
    expects = "a dict from integers to {height width}"

    def entry(self, value: Value) -> tuple[int, ...] | None:
        """Height and width."""
        size = tclobj.integers_of(value)
        return size if size is not None and len(size) == 2 else None


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words, regardless of case. `words` maps them to values."""

    words: Mapping[str, Any]
    label: str = ""

    @property
    def placeholder(self) -> str:
        """The choices themselves, unless they have a common name."""
        return self.label or "|".join(self.words)

    @property
    def expects(self) -> str:
        """The choices themselves."""
        return "one of " + ", ".join(self.words)

    def read(self, value: Value, session: Session) -> Any:
        """The value of the word."""
        text = tclobj.text_of(value)
        if text is None or text.lower() not in self.words:
            raise self.mismatch(value, session)
        return self.words[text.lower()]

    def words_to_offer(self) -> list[tuple[str, str]]:
        """Every word; an abbreviation has a note."""
        shown = {word: self.show(meaning) for word, meaning in self.words.items()}
        return [(word, "" if first == word else first) for word, first in shown.items()]

    def show(self, default: Any) -> str:
        """Its word."""
        return next((word for word, meaning in self.words.items() if meaning == default), str(default))


def choice(*words: str) -> Choice:
    """A choice of words whose values are the words."""
    return Choice({word: word for word in words})


DTYPE = Choice(dtypes.TYPED, label="dtype")

#: The names of devices, of which this build supports the first.
DEVICES = re.compile(r"(cpu|cuda|hip|hpu|meta|mps|vulkan|xla|xpu)(:\d+)?", re.IGNORECASE)


class Device(Kind):
    """The device of a tensor; there is one."""

    placeholder = "device"
    expects = "cpu"

    def words_to_offer(self) -> list[tuple[str, str]]:
        """The one device."""
        return [("cpu", "")]

    def suits(self, value: Value, session: Session) -> bool:
        """Whether the value is the name of a device: that of an unsupported one is not a misspelt dtype."""
        return DEVICES.fullmatch(tclobj.text_of(value) or "") is not None

    def read(self, value: Value, session: Session) -> str:
        """``cpu``."""
        text = tclobj.text_of(value)
        if text is None or text.lower() not in ("cpu", "cpu:0"):
            raise Mismatch(f"this build computes on the CPU, expected cpu, got {describe(value, session)}")
        return "cpu"


class Gradients(Boolean):
    """Whether to record gradients, which is not supported."""

    expects = "false"

    def suits(self, value: Value, session: Session) -> bool:
        """Whether the value is a boolean."""
        return tclobj.boolean_of(value) is not None

    def read(self, value: Value, session: Session) -> bool:
        """False."""
        if super().read(value, session):
            raise Mismatch(
                "gradients are not recorded, expected false; operators have commands for theirs, such as "
                "torch::roi_align_backward, and in Python pyroi.torch is what PyTorch differentiates"
            )
        return False

    def words_to_offer(self) -> list[tuple[str, str]]:
        """The one valid word."""
        return [("false", "")]


@dataclass(frozen=True)
class File(Kind):
    """The name of a file; `verb` is read or write."""

    verb: str

    placeholder = "file"
    expects = "the name of a file"

    def check(self, value: Value, session: Session) -> None:
        """As for all kinds. Whose home a tilde stands for is known only where the script runs."""
        if not (tclobj.text_of(value) or "").startswith("~"):
            self.read(value, session)

    def read(self, value: Value, session: Session) -> FileName:
        """The file name, with a leading tilde and the encoding interpreted as by Tcl's own commands.

        In a safe interpreter it is confined to folders, and a tilde is refused: the list of users is outside of them.
        """
        text = tclobj.text_of(value)
        if session.grants is not None and (text or "").startswith("~"):
            raise Mismatch(f"expected a name without a leading tilde, got {describe(value, session)}")
        name = tclobj.file_name_of(value) if text and "\0" not in text else None
        if name is None:
            raise self.mismatch(value, session)
        if session.grants is not None:
            name.folders = session.grants.folders
        return name
