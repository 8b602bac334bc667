"""Checks one call of a command. Some of its words are written in the script; others are known only at run time.

The parser of calls and the kinds of parameters decide, as at run time. An error is reported only if the call fails for
all values of the unknown words. An unknown word counts as one value, except where an option is expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tclcmd._host import lib
from tclcmd.language.declare import Command, Form, Layout, Parameter
from tclcmd.language.errors import ARGUMENT_ERRORS, CommandError
from tclcmd.language.kinds import Mismatch
from tclcmd.language.parse import (
    Call,
    HelpWanted,
    check_missing,
    mismatched,
    place_pair,
    place_values,
    possible_forms,
    stray_value,
    suits,
)
from tclcmd.values import tclobj
from tclcmd.values.session import Session

#: The name of a tensor, which only a running script can have.
HANDLE = re.compile(r"\btensor\d")


@dataclass(frozen=True)
class Word:
    """A word of a call: its text, None if that is not known."""

    text: str | None
    is_expanded: bool = False  # whether it may stand for any number of words
    is_option: bool = False  # whether it is an option, if its text is not known

    @property
    def sample(self) -> str:
        """A text that it may have."""
        return self.text if self.text is not None else "-unknown" if self.is_option else ""


def faults(command: Command, session: Session, words: Sequence[Word]) -> list[CommandError]:
    """The certain faults of a call with these words after the name of the command. Nothing is evaluated."""
    values = [tclobj.new_text(word.sample) for word in words]
    for value in values:
        lib.host_keep(value)
    try:
        is_option = [tclobj.option_of(value) is not None for value in values]
        count = is_option.index(True) if True in is_option else len(values)
        return list(_Examination(Call(command, session, values, count, None), words).faults())
    except HelpWanted:
        return []
    finally:
        for value in values:
            lib.host_drop(value)


class _Examination:
    def __init__(self, call: Call, words: Sequence[Word]) -> None:
        self.call = call
        self.words = words
        self.is_open = any(word.is_expanded for word in words[: call.count])  # whether there may be further parameters

    def faults(self) -> Iterator[CommandError]:
        """The first error of the layout; if there is none, the errors of the values."""
        self.call.layout = Layout()
        try:
            self._place_pairs()
            forms = self._forms()
        except CommandError as fault:
            yield fault
            return
        pairs = self.call.layout
        found = [list(self._faults_in(form, pairs)) for form in forms]
        if all(found):
            yield from found[-1]

    def _place_pairs(self) -> None:
        """Assigns the pairs of options and values that are written as such.

        From an option on, words are alternately options and values, except for words that may be any number of words.
        """
        index = self.call.count
        while index < len(self.words):
            word, following = self.words[index], self.words[index + 1 : index + 2]
            if not word.is_expanded:
                self._place_pair(index)
            if word.is_expanded or any(each.is_expanded for each in following):
                self.is_open = True
                index = self._next_option(index + 1)
            else:
                index += 2

    def _place_pair(self, index: int) -> None:
        word, option = self.words[index], tclobj.option_of(self.call.words[index])
        if word.text is None and (word.is_option or index + 1 < len(self.words)):
            self.is_open = True  # an option whose name is known only at run time
        elif option is not None:
            place_pair(self.call, option, index)
        elif self.words[index - 2].text is not None:  # otherwise there is no name to report
            raise stray_value(self.call, index)

    def _next_option(self, start: int) -> int:
        texts = enumerate(self.call.words[start:], start)
        return next((index for index, value in texts if tclobj.option_of(value) is not None), len(self.words))

    def _forms(self) -> list[Form]:
        """The positional orders that the values may have; only the pairs count where there may be any number of values.

        As at run time, the first order in which all values are valid is chosen, and the last one is not tested.
        """
        if any(word.is_expanded for word in self.words[: self.call.count]):
            return [()]
        forms, differing = possible_forms(self.call)
        known = tuple(at for at in differing if self._is_known(at))
        possible = []
        for form in forms[:-1]:
            if suits(self.call, form, known):
                possible.append(form)
                if known == differing:
                    return possible
        return [*possible, forms[-1]]

    def _faults_in(self, form: Form, pairs: Layout) -> Iterator[CommandError]:
        layout = self.call.layout = Layout(dict(pairs.places), dict(pairs.labels))
        try:
            place_values(self.call, form)
            if not self.is_open:
                check_missing(self.call)
        except CommandError as fault:
            yield fault
            return
        places = layout.places
        layout.given = tuple((each, places[each.name]) for each in self.call.command.parameters if each.name in places)
        for parameter, place in layout.given:
            if self._is_known(place) and (invalid := self._fault_of(parameter, place)):
                yield invalid

    def _is_known(self, place: int) -> bool:
        text = self.words[place].text
        return text is not None and not HANDLE.search(text)

    def _fault_of(self, parameter: Parameter, place: int) -> CommandError | None:
        try:
            parameter.kind.check(self.call.words[place], self.call.session)
        except Mismatch as reason:
            return mismatched(self.call, parameter, place, reason)
        except ARGUMENT_ERRORS as error:
            return self.call.invalid(parameter, error.rule)
        except MemoryError:  # the memory of the machine is not known
            return None
        return None
