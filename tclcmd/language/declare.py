"""Declarations: the data for the parser, the messages, the help and the reference pages of a command.

A command is a row: its name, one line about it, its parameters, and the function that does the work. Adding one
touches one module in ``tclcmd/commands`` and nothing else.
"""

from __future__ import annotations

import enum
import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tclcmd.language.kinds import Device, File, Gradients, Kind

NAMESPACE = "torch"

#: The groups of commands, in the order of help and reference.
GROUPS = (
    "Operators",
    "Boxes",
    "Maps and images",
    "Making tensors",
    "Looking into tensors",
    "Shape and type",
    "Arithmetic",
    "Functions",
    "Comparing",
    "Choosing elements",
    "Files",
    "Boxes in files",
    "Pictures",
    "Session",
)

#: Groups whose commands have a page each in the reference; those of the others share one.
GROUPS_OF_PAGES = ("Operators", "Boxes", "Maps and images")


class Reach(enum.Enum):
    """What a command reaches beyond the tensors and the settings of its interpreter.

    In a safe interpreter, files are confined to the folders that are allowed, standard output has to be allowed, other
    interpreters are out of reach, and what belongs to the process is kept for each interpreter on its own.
    """

    FILES = "files"
    OUTPUT = "standard output"
    INTERPRETERS = "tensors of other interpreters"
    PROCESS = "settings of the process"


#: The default of a parameter that has none.
REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "REQUIRED"})()

#: The option names of older scripts for a parameter, in all commands.
OLD_SPELLINGS = {"input": ("tensor",), "dim": ("dimension",)}


def camel(name: str) -> str:
    """``output_size`` as ``outputSize``; ``pool2d`` stays."""
    return name if "_" not in name else re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)


@dataclass(frozen=True)
class Parameter:
    """One parameter, named as in Python.

    The default is the value for a call without the parameter. `aliases` are further option names. A parameter that is
    not passed is checked, and the function does not get it.
    """

    name: str
    kind: Kind
    help: str
    default: Any = REQUIRED
    named_only: bool = False
    aliases: tuple[str, ...] = ()
    is_passed: bool = True

    @property
    def camel(self) -> str:
        """The canonical name of the option, without its dash."""
        return camel(self.name)

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is REQUIRED

    @property
    def shown_default(self) -> str:
        """The default in the form of a script; empty if a script cannot give it."""
        return "" if self.is_required or self.default is None else self.kind.show(self.default)

    @property
    def option_names(self) -> dict[str, str]:
        """Each option of this parameter -> the name that messages use for it."""
        old = OLD_SPELLINGS.get(self.name, ()) + self.aliases
        return {f"-{self.camel}": self.camel, f"-{self.name}": self.name} | {f"-{alias}": self.camel for alias in old}


#: The only device.
DEVICE = Parameter("device", Device(), "The device of the tensor: cpu.", default="cpu", is_passed=False)

#: The parameters at the end of each command that `takes_device`. Each has one valid value.
PLACEMENT = (
    DEVICE,
    Parameter("requires_grad", Gradients(), "Whether to record gradients: false.", default=False, is_passed=False),
)

#: A positional order: the names of parameters.
Form = tuple[str, ...]


def _device_first(order: Form) -> Form:
    """The order with dtype and device exchanged if they are neighbours: older scripts use both."""
    at = order.index("dtype") if "dtype" in order else len(order)
    return (*order[:at], "device", "dtype", *order[at + 2 :]) if order[at + 1 : at + 2] == ("device",) else order


@dataclass(slots=True)
class Layout:
    """The layout of a call: the word of each parameter, and the spelling of its name."""

    places: dict[str, int] = field(default_factory=dict)  # parameter's name -> index of the word
    labels: dict[str, str] = field(default_factory=dict)  # parameter's name -> the name that messages use
    given: tuple[tuple[Parameter, int], ...] = ()  # the same indices, in the order of declaration


@dataclass(frozen=True)
class Command:
    """One row. See `command` for the members."""

    name: str
    text: str  # the summary, a blank line, the description; indented as it may be
    parameters: tuple[Parameter, ...]
    function: Callable[..., Any]
    group: str
    returns: str = "A tensor."
    forms: tuple[Form, ...] = ()
    examples: tuple[str, ...] = ()
    see_also: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    needs_session: bool = False
    gives_back: str = ""
    reach: Reach | None = None

    @functools.cached_property
    def reaches(self) -> frozenset[Reach]:
        """All that it reaches. That it reads or writes files follows from the kinds of its parameters."""
        files = {Reach.FILES for parameter in self.parameters if isinstance(parameter.kind, File)}
        return frozenset(files | ({self.reach} if self.reach else set()))

    @property
    def summary(self) -> str:
        """One line about it."""
        return self._paragraphs[0]

    @property
    def description(self) -> str:
        """The description after the summary; may be empty."""
        return self._paragraphs[2]

    @functools.cached_property
    def _paragraphs(self) -> tuple[str, str, str]:
        return inspect.cleandoc(self.text).partition("\n\n")

    @property
    def has_page(self) -> bool:
        """Whether it has its own reference page instead of one for its group."""
        return self.group in GROUPS_OF_PAGES

    @property
    def full_name(self) -> str:
        """The name with its namespace, ``torch::roi_align``."""
        return f"{NAMESPACE}::{self.name}"

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """All names without namespace: snake_case, camelCase, then those of old scripts."""
        spelled = [twin for name in (self.name, *self.aliases) for twin in (name, camel(name))]
        return tuple(dict.fromkeys(spelled))

    @functools.cached_property
    def by_name(self) -> dict[str, Parameter]:
        """Parameter name -> parameter."""
        return {parameter.name: parameter for parameter in self.parameters}

    @functools.cached_property
    def required(self) -> tuple[Parameter, ...]:
        """The parameters without a default."""
        return tuple(parameter for parameter in self.parameters if parameter.is_required)

    @functools.cached_property
    def options(self) -> dict[str, tuple[Parameter, str]]:
        """Option with its dash -> parameter, and the name that messages use for it."""
        return {
            option: (parameter, label)
            for parameter in self.parameters
            for option, label in parameter.option_names.items()
        }

    @functools.cached_property
    def orders(self) -> tuple[Form, ...]:
        """The positional orders, tried in turn; messages refer to the last."""
        plain = tuple(parameter.name for parameter in self.parameters if not parameter.named_only)
        return self.forms or (plain,)

    @functools.cached_property
    def choices(self) -> dict[int, tuple[tuple[Form, ...], tuple[int, ...]]]:
        """Number of positional values -> their possible orders, the main one last, and where these differ."""
        tried = [form for order in self.orders for form in (_device_first(order), order)]
        made = {}
        for count in range(max(map(len, tried)) + 1):
            forms = [form[:count] for form in tried if len(form) >= count]
            different = tuple(dict.fromkeys(reversed(forms)))[::-1]
            made[count] = different, tuple(at for at in range(count) if len({form[at] for form in different}) > 1)
        return made

    @functools.cached_property
    def defaults(self) -> dict[str, Any]:
        """The default of each optional parameter that is passed."""
        return {each.name: each.default for each in self.parameters if each.is_passed and not each.is_required}

    @functools.cached_property
    def layouts(self) -> dict[tuple[int, bytes | None], Layout]:
        """The parser's cache: the layouts of calls, by the number of values before the options and by the options."""
        return {}


#: Name -> command.
REGISTRY: dict[str, Command] = {}


def by_group() -> dict[str, list[Command]]:
    """Group -> its commands in the order of declaration."""
    return {group: [command for command in REGISTRY.values() if command.group == group] for group in GROUPS}


Function = TypeVar("Function", bound=Callable[..., Any])


def command(
    *parameters: Parameter,
    group: str,
    name: str = "",
    summary: str = "",
    description: str = "",
    forms: tuple[Form, ...] = (),
    takes_device: bool = False,
    **members: Any,
) -> Callable[[Function], Function]:
    """Declares the function that follows as a command.

    The function is called with all parameters by name, and with ``session`` if `needs_session` is set. What it returns
    becomes a Tcl value: an array a tensor; a number, text, list or dict what it is. Its name is the command's; its
    docstring is the summary (first line) and the description (the rest), which may be given as members instead.

    Members:
        group: The heading in the list of commands, and the page of the reference.
        returns, examples, see_also: Texts of the reference. Examples are complete scripts.
        forms: The positional orders, if there are several; the last is the main one.
        aliases: Further names.
        takes_device: Whether a device and requires_grad follow the parameters.
        needs_session: Whether the function takes the session of the interpreter.
        gives_back: The parameter whose value is the result if the function returns its array, which it has changed.
        reach: What it reaches beyond its interpreter, other than the files that its parameters name.
    """

    placement = PLACEMENT if takes_device else ()
    ends = tuple(parameter.name for parameter in placement)

    def register(function: Function) -> Function:
        row = Command(
            name or function.__name__,
            f"{summary}\n\n{description}" if summary else function.__doc__ or "",
            parameters + placement,
            function,
            group,
            forms=tuple(form + ends for form in forms),
            **members,
        )
        REGISTRY[row.name] = row
        return function

    return register
