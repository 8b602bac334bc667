"""The one parser: the words of a call become Python arguments, by the command's declaration.

Values may stand in a documented order, or follow the names of options; first the ones, then the others. A word is an
option if it begins with a dash and a letter.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tclcmd import values
from tclcmd.declare import Command, Form, Parameter
from tclcmd.errors import ARGUMENT_ERRORS, CommandError
from tclcmd.guide import usage
from tclcmd.kinds import Mismatch
from tclcmd.session import Session
from tclcmd.values import Value

#: What every command answers with its help, whatever else it was given.
HELP_OPTION = "-help"


class HelpWanted(Exception):
    """The call asks for help."""


@dataclass
class Call:
    """One call of a command while it is read: what was given, and how it was spelled."""

    command: Command
    session: Session
    words: Sequence[Value] = ()
    form: Form = ()
    positional: list[Value] = field(default_factory=list)
    named: dict[str, Value] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)

    def label(self, parameter: Parameter) -> str:
        """The parameter's name as the caller spelled it; by position, that of Python."""
        by_position = parameter.name in self.form[: len(self.positional)]
        return self.labels.get(parameter.name, parameter.name if by_position else parameter.camel)

    def invalid(self, parameter: Parameter, rule: str) -> CommandError:
        """The error for a value that does not suit its parameter."""
        situation = "INVALID_TENSOR" if parameter.kind.is_tensor else "INVALID_VALUE"
        return CommandError(
            situation, parameter.camel, word=self.word_of(parameter), name=self.label(parameter), rule=rule
        )

    def word_of(self, parameter: Parameter) -> int | None:
        """The number of the word that gives the parameter its value."""
        for index in range(len(self.positional), len(self.words) - 1, 2):
            known = self.command.options.get(values.option_of(self.words[index]) or "")
            if known and known[0] is parameter:
                return index + 2
        given = self.form[: len(self.positional)]
        return given.index(parameter.name) + 1 if parameter.name in given else None


def parse(call: Call, words: Sequence[Value], count: int) -> dict[str, Any]:
    """The arguments for the command's function, all of them by name. `count` words come before the first option."""
    call.words = words
    call.positional = list(words[:count])
    if count == len(words) and call.command.needed <= count <= len(call.command.in_order):
        return _read_in_order(call)
    _pair(call, words, count)
    given = dict(zip(_choose_form(call), call.positional, strict=False)) | call.named
    _check_missing(call, given)
    for parameter in call.command.parameters:
        if parameter.name not in given:
            call.arguments[parameter.name] = parameter.default
        elif parameter.name not in call.arguments:
            call.arguments[parameter.name] = _read(call, parameter, given[parameter.name])
    return call.arguments


def _read_in_order(call: Call) -> dict[str, Any]:
    """The short way of a call without options, of a command that has one order."""
    call.form = call.command.orders[0]
    call.arguments = dict(call.command.defaults)
    for parameter, value in zip(call.command.in_order, call.positional, strict=False):
        call.arguments[parameter.name] = _read(call, parameter, value)
    return call.arguments


def _read(call: Call, parameter: Parameter, value: Value) -> Any:
    try:
        return parameter.kind.read(value, call.session)
    except Mismatch as reason:
        raise call.invalid(parameter, str(reason)) from None
    except ARGUMENT_ERRORS as error:
        raise call.invalid(parameter, error.rule) from None


# ---- Which words are options -----------------------------------------------------------------------------------------


def _pair(call: Call, words: Sequence[Value], start: int) -> None:
    """From the first option on, words come in pairs."""
    for index in range(start, len(words), 2):
        option = values.option_of(words[index])
        if option is None:
            raise _stray_value(call, words, index)
        value = words[index + 1] if index + 1 < len(words) else None
        _take_pair(call, option, value, index + 1)


def _take_pair(call: Call, option: str, value: Value | None, word: int) -> None:
    if option not in call.command.options:
        if option == HELP_OPTION:
            raise HelpWanted
        raise _unknown(call.command, option, word)
    parameter, label = call.command.options[option]
    if value is None or values.option_of(value) is not None:
        raise CommandError("MISSING_VALUE", parameter.camel, word=word, option=option)
    if parameter.name in call.named:
        raise _duplicate(parameter, option, word)
    call.named[parameter.name] = value
    call.labels[parameter.name] = label


def _unknown(command: Command, option: str, word: int) -> CommandError:
    canonical = [f"-{parameter.camel}" for parameter in command.parameters]
    near = difflib.get_close_matches(option.lower(), [name.lower() for name in canonical], n=1)
    hint = "".join(f"\nDid you mean {name}?" for name in canonical if name.lower() in near)
    hint += f"\nValid parameters: {', '.join(canonical)}" if canonical else f"\n{command.full_name} takes none"
    return CommandError("UNKNOWN_PARAMETER", option, word=word, option=option, hint=hint)


def _duplicate(parameter: Parameter, option: str, word: int | None) -> CommandError:
    return CommandError("DUPLICATE_PARAMETER", parameter.camel, word=word, option=option)


def _stray_value(call: Call, words: Sequence[Value], index: int) -> CommandError:
    rule = f"a value without a name after {values.option_of(words[index - 2])}; is it part of a list without braces?"
    return CommandError("TOO_MANY_ARGUMENTS", call.command.name, word=index + 1, rule=rule, usage=usage(call.command))


# ---- Which value is which parameter ----------------------------------------------------------------------------------


def _choose_form(call: Call) -> Form:
    """The first positional order in which all values can be read; the last that has room for them, without a test."""
    given = len(call.positional)
    roomy = [form for form in call.command.orders if len(form) >= given]
    if not roomy:
        raise _too_many(call)
    form = next((form for form in roomy[:-1] if _suits(call, form)), roomy[-1])
    for name in form[:given]:
        parameter = call.command.by_name[name]
        if name in call.named:
            raise _duplicate(parameter, f"-{call.label(parameter)}", call.word_of(parameter))
    call.form = form
    return form


def _suits(call: Call, form: Form) -> bool:
    names = form[: len(call.positional)]
    if any(name in call.named for name in names):
        return False
    try:
        for name, value in zip(names, call.positional, strict=True):
            call.command.by_name[name].kind.read(value, call.session)
    except (Mismatch, *ARGUMENT_ERRORS):
        return False
    return True


def _too_many(call: Call) -> CommandError:
    most = max(len(form) for form in call.command.orders)
    rule = f"at most {most} without names, got {len(call.positional)}"
    return CommandError("TOO_MANY_ARGUMENTS", call.command.name, word=most + 1, rule=rule, usage=usage(call.command))


def _check_missing(call: Call, given: Mapping[str, Value]) -> None:
    missing = [parameter for parameter in call.command.required if parameter.name not in given]
    if missing:
        by_position = call.positional and not call.named
        names = ", ".join(parameter.name if by_position else parameter.camel for parameter in missing)
        codes = [parameter.camel for parameter in missing]
        raise CommandError("MISSING_PARAMETER", *codes, names=names, usage=usage(call.command))
