"""The one parser, which makes Python arguments from the words of a call, by the command's declaration.

A call has positional values, then options with their values. A word is an
option if it begins with a dash and a letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tclcmd.language import likeness
from tclcmd.language.declare import Command, Form, Layout, Parameter
from tclcmd.language.errors import ARGUMENT_ERRORS, CommandError
from tclcmd.language.help import usage
from tclcmd.language.kinds import Mismatch
from tclcmd.values import tclobj
from tclcmd.values.quoting import LONGEST_QUOTE, shortened
from tclcmd.values.session import Session
from tclcmd.values.tclobj import Value

#: The options to which every command responds with its help, regardless of other words.
HELP_OPTION = "-help"

#: The hint for a surplus or misplaced value.
WITHOUT_BRACES = "; is it part of a list without braces?"

#: The largest number of cached layouts per command. Written scripts have a few.
MOST_LAYOUTS = 100


class HelpWanted(Exception):
    """The call requests help."""


@dataclass(slots=True)
class Call:
    """One call of a command while it is parsed.

    `count` of its words come before the first option. `options` are the options that the host has found; None if from
    there on the words are not alternately options and values.
    """

    command: Command
    session: Session
    words: Sequence[Value]
    count: int
    options: bytes | None
    layout: Layout = field(init=False)
    arguments: dict[str, Any] = field(init=False)

    def label(self, parameter: Parameter) -> str:
        """The parameter's name as spelled in the call; for a positional value, the declared name."""
        return self.layout.labels.get(parameter.name, parameter.camel)

    def invalid(self, parameter: Parameter, rule: str) -> CommandError:
        """The error for an invalid value."""
        situation = "INVALID_TENSOR" if parameter.kind.is_tensor else "INVALID_VALUE"
        return CommandError(
            situation, parameter.camel, word=self.word_of(parameter), name=self.label(parameter), rule=rule
        )

    def word_of(self, parameter: Parameter) -> int | None:
        """The index of the parameter's word."""
        place = self.layout.places.get(parameter.name)
        return None if place is None else place + 1


def parse(call: Call) -> dict[str, Any]:
    """The keyword arguments for the command's function.

    Calls with the same number of values and the same options have the same layout, which is computed once.
    """
    call.layout = call.command.layouts.get((call.count, call.options)) or _find_layout(call)
    arguments = call.arguments = dict(call.command.defaults)
    words, session = call.words, call.session
    for parameter, place in call.layout.given:
        try:
            value = parameter.kind.read(words[place], session)
        except Mismatch as reason:
            raise mismatched(call, parameter, place, reason) from None
        except ARGUMENT_ERRORS as error:
            raise call.invalid(parameter, error.rule) from None
        if parameter.is_passed:
            arguments[parameter.name] = value
    return arguments


def mismatched(call: Call, parameter: Parameter, place: int, reason: Mismatch) -> CommandError:
    """The error for the word at a place that its parameter's kind refuses."""
    return call.invalid(parameter, str(reason) + _list_hint(call, place))


# ---- Which word is which parameter's value ---------------------------------------------------------------------------


def _find_layout(call: Call) -> Layout:
    layout = call.layout = Layout()
    _place_pairs(call)
    place_values(call, _choose_form(call))
    check_missing(call)
    parameters, places = call.command.parameters, layout.places
    layout.given = tuple((each, places[each.name]) for each in parameters if each.name in places)
    if _is_lasting(call):
        call.command.layouts[call.count, call.options] = layout
    return layout


def _is_lasting(call: Call) -> bool:
    """Whether to cache the layout: not if it depends on the values, nor if the cache is full."""
    is_chosen = len(call.command.choices[call.count][0]) > 1
    return call.options is not None and not is_chosen and len(call.command.layouts) < MOST_LAYOUTS


def _place_pairs(call: Call) -> None:
    """Assigns the pairs of options and values."""
    for index in range(call.count, len(call.words), 2):
        option = tclobj.option_of(call.words[index])
        if option is None:
            raise stray_value(call, index)
        place_pair(call, option, index)


def place_pair(call: Call, option: str, index: int) -> None:
    """Assigns the value after the option at an index of the words."""
    word = place = index + 1  # the index of the option's word, which counts from the command, and of its value
    if option not in call.command.options:
        if option == HELP_OPTION:
            raise HelpWanted
        raise _unknown(call.command, option, word)
    parameter, label = call.command.options[option]
    if place == len(call.words) or tclobj.option_of(call.words[place]) is not None:
        raise CommandError("MISSING_VALUE", parameter.camel, word=word, option=option)
    if parameter.name in call.layout.places:
        raise _duplicate(parameter, option, word)
    call.layout.places[parameter.name] = place
    call.layout.labels[parameter.name] = label


def place_values(call: Call, form: Form) -> None:
    """Assigns the values before the first option by a positional order."""
    for place, name in enumerate(form):
        parameter = call.command.by_name[name]
        if name in call.layout.places:
            raise _duplicate(parameter, f"-{call.label(parameter)}", call.word_of(parameter))
        call.layout.places[name] = place
        call.layout.labels[name] = name


def _choose_form(call: Call) -> Form:
    """The first positional order in which all values are valid; the last one is not tested.

    Only the places in which the orders differ are tested: other values have the same parameter in all orders.
    """
    forms, differing = possible_forms(call)
    return next((form for form in forms[:-1] if suits(call, form, differing)), forms[-1])


def possible_forms(call: Call) -> tuple[tuple[Form, ...], tuple[int, ...]]:
    """The positional orders for this number of values, the main one last, and the places in which they differ."""
    if call.count not in call.command.choices:
        raise _too_many(call)
    return call.command.choices[call.count]


def suits(call: Call, form: Form, differing: tuple[int, ...]) -> bool:
    """Whether the values at some places are valid in a positional order."""
    if any(name in call.layout.places for name in form):
        return False
    kinds = call.command.by_name
    return all(kinds[form[at]].kind.suits(call.words[at], call.session) for at in differing)


def _list_hint(call: Call, index: int) -> str:
    """The hint for an invalid value that may be an element of a list without braces."""
    before = next((parameter for parameter, place in call.layout.given if place == index - 1), None)
    is_after_list = before is not None and before.kind.takes_list and index < call.count
    return _element_hint(call, index) if is_after_list else ""


def _element_hint(call: Call, index: int) -> str:
    value = call.words[index]
    if tclobj.tensor_number(value) >= 0:
        return "; several tensors are one list, [list $a $b]"
    return WITHOUT_BRACES if tclobj.real_of(value) is not None else ""


# ---- What is wrong with a layout -------------------------------------------------------------------------------------


def _unknown(command: Command, option: str, word: int) -> CommandError:
    canonical = [f"-{parameter.camel}" for parameter in command.parameters]
    by_plain = {likeness.plain(name): name for name in canonical}
    option = shortened(option, LONGEST_QUOTE)
    given = likeness.plain(option)
    near = likeness.nearest(given, by_plain) or likeness.beginning_with(given, by_plain)
    hint = f"\nDid you mean {likeness.one_of([by_plain[name] for name in near][: likeness.MOST])}?" if near else ""
    hint += f"\nValid parameters: {', '.join(canonical)}" if canonical else f"\n{command.full_name} takes none"
    return CommandError("UNKNOWN_PARAMETER", option, word=word, option=option, hint=hint)


def _duplicate(parameter: Parameter, option: str, word: int | None) -> CommandError:
    return CommandError("DUPLICATE_PARAMETER", parameter.camel, word=word, option=option)


def stray_value(call: Call, index: int) -> CommandError:
    """The error for a value where an option is expected."""
    before = tclobj.option_of(call.words[index - 2])
    rule = f"a value without a name after {before}{WITHOUT_BRACES}"
    return CommandError("TOO_MANY_ARGUMENTS", call.command.name, word=index + 1, rule=rule, usage=usage(call.command))


def _too_many(call: Call) -> CommandError:
    most = max(len(form) for form in call.command.orders)
    takes_list = any(parameter.kind.takes_list for parameter in call.command.parameters)
    hint = _element_hint(call, most) if takes_list else ""
    rule = f"at most {most} without names, got {call.count}{hint}"
    return CommandError("TOO_MANY_ARGUMENTS", call.command.name, word=most + 1, rule=rule, usage=usage(call.command))


def check_missing(call: Call) -> None:
    """Raises an error if a required parameter has no word."""
    missing = [parameter for parameter in call.command.required if parameter.name not in call.layout.places]
    if missing:
        by_position = 0 < call.count == len(call.words)
        names = ", ".join(parameter.name if by_position else parameter.camel for parameter in missing)
        codes = [parameter.camel for parameter in missing]
        raise CommandError("MISSING_PARAMETER", *codes, names=names, usage=usage(call.command))
