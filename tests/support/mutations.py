"""Scripts with one mistake each, made from scripts that run.

The words of calls are found by the shell's own scanner, not by the syntax tree of the checker that is tested with them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from scripts import Script

from tclcmd.language import lookup, syntax
from tclcmd.language.declare import NAMESPACE, Command

#: Words that are no values of most kinds: no number, no list of numbers, no tensor, no choice.
WRONG = ("abc", "{1 x}", "1.2.3", "floot32", "{{1 2} {a b}}", '"7 seven"', "maybe")

BRACKETS = '{}[]"'


@dataclass(frozen=True)
class Mutation:
    """A script with a mistake: of which kind, in which script, and the offsets in the text between which it is."""

    kind: str
    origin: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Call:
    """A call of a command of ours in a script."""

    row: Command
    words: list[syntax.Word]  # those after the name

    @property
    def first_option(self) -> int:
        """The index of the first option; the number of words if there is none."""
        options = (index for index, word in enumerate(self.words) if syntax.OPTION.fullmatch(word.text))
        return next(options, len(self.words))


def calls(text: str) -> list[Call]:
    """The calls with at least one word after the name."""
    found = []
    for written in syntax.commands(text):
        name = written.words[0].text if written.words else ""
        row = lookup.find(name) if f"{NAMESPACE}::" in name else None
        if row and len(written.words) > 1 and not any(word.text.startswith("{*}") for word in written.words):
            found.append(Call(row, written.words[1:]))
    return found


def _replaced(script: Script, kind: str, start: int, end: int, new: str) -> Mutation:
    return Mutation(kind, script.place, script.text[:start] + new + script.text[end:], start, start + len(new))


def misspell(script: Script, rng: random.Random) -> Mutation | None:
    """An option with a letter left out, doubled or exchanged, or in small letters."""
    found = [(call, word) for call in calls(script.text) for word in call.words[call.first_option :: 2]]
    if not found:
        return None
    call, word = rng.choice(found)
    at = rng.randrange(2, len(word.text)) if len(word.text) > 2 else 1
    text = word.text
    new = rng.choice([text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:], text.lower(), text + "s"])
    if new in call.row.options or not syntax.OPTION.fullmatch(new):
        return None
    return _replaced(script, "misspelt", word.start, word.end, new)


def _pair(call: Call, rng: random.Random) -> tuple[int, int]:
    """The offsets of a random parameter: of a value, or of an option with its value."""
    index = rng.randrange(len(call.words))
    first = call.first_option
    if index < first:
        return call.words[index].start, call.words[index].end
    index -= (index - first) % 2
    return call.words[index].start, call.words[min(index + 1, len(call.words) - 1)].end


def drop(script: Script, rng: random.Random) -> Mutation | None:
    """A call without one of its parameters."""
    found = calls(script.text)
    if not found:
        return None
    start, end = _pair(rng.choice(found), rng)
    return _replaced(script, "dropped", start, end, "")


def double(script: Script, rng: random.Random) -> Mutation | None:
    """A call with a parameter twice."""
    found = calls(script.text)
    if not found:
        return None
    start, end = _pair(rng.choice(found), rng)
    return _replaced(script, "doubled", end, end, " " + script.text[start:end])


def change_kind(script: Script, rng: random.Random) -> Mutation | None:
    """A value of a wrong kind in place of a value."""
    values = [word for call in calls(script.text) for word in call.words if not syntax.OPTION.fullmatch(word.text)]
    if not values:
        return None
    word = rng.choice(values)
    return _replaced(script, "wrong kind", word.start, word.end, rng.choice(WRONG))


def lose_bracket(script: Script, rng: random.Random) -> Mutation | None:
    """A brace, bracket or quote less, in a command, not in a comment."""
    comments = [token for token in syntax.tokens(script.text) if token.kind == "comment"]
    places = [
        at
        for at, character in enumerate(script.text)
        if character in BRACKETS and not any(token.start <= at < token.end for token in comments)
    ]
    if not places:
        return None
    at = rng.choice(places)
    return _replaced(script, "lost bracket", at, at + 1, "")


WAYS: tuple[Callable[[Script, random.Random], Mutation | None], ...] = (
    misspell,
    drop,
    double,
    change_kind,
    lose_bracket,
)


def mutations(scripts: list[Script], count: int, seed: int) -> list[Mutation]:
    """So many mutations, as many of each kind, the same ones for the same seed."""
    rng = random.Random(seed)
    made: list[Mutation] = []
    while len(made) < count:
        mutation = WAYS[len(made) % len(WAYS)](rng.choice(scripts), rng)
        if mutation:
            made.append(mutation)
    return made
