"""Completion at the cursor: names of commands, options, values, variables, files.

Most candidates come from the declarations, the others from the interpreter. Neither the typed text nor any redefined
command is evaluated (see `Interpreter.introspect`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tclcmd.display.summary import kind_of
from tclcmd.interpreter import Interpreter, literal
from tclcmd.language import kinds, lookup, syntax
from tclcmd.language.declare import NAMESPACE, REGISTRY, Command, Parameter
from tclcmd.values import tclobj

VARIABLE = re.compile(r"\$(\{?)((?:\w|::)*)$")
SPECIAL = re.compile(r'([\s$\[\]{}"\\;])')

#: Tcl's own commands whose words name files, and those whose words name variables.
FILE_COMMANDS = frozenset({"cd", "exec", "file", "glob", "load", "open", "source"})
VARIABLE_COMMANDS = frozenset({"append", "global", "incr", "lappend", "lassign", "set", "unset", "upvar", "variable"})

#: The subcommands of Tcl's own commands that are not ensembles.
SUBCOMMANDS = {
    "after": frozenset({"cancel", "idle", "info"}),
    "history": frozenset({"add", "change", "clear", "event", "info", "keep", "nextid", "redo"}),
    "interp": frozenset({
        "alias", "aliases", "bgerror", "cancel", "children", "create", "debug", "delete", "eval", "exists", "expose",
        "hidden", "hide", "invokehidden", "issafe", "limit", "marktrusted", "recursionlimit", "share", "target",
        "transfer",
    }),
    "package": frozenset({
        "forget", "ifneeded", "names", "prefer", "present", "provide", "require", "unknown", "vcompare", "versions",
        "vsatisfies",
    }),
    "trace": frozenset({"add", "info", "remove"}),
    "update": frozenset({"idletasks"}),
}  # fmt: skip

#: The number of letters from which commands are also found by the middle of their names.
SHORTEST_INSIDE = 3

#: The largest number of candidates.
MOST_FILES = 200


@dataclass(frozen=True)
class Candidate:
    """A text that replaces the last `length` characters before the cursor."""

    text: str
    length: int
    note: str = ""
    label: str = ""  # the text in the menu, if it differs


class Completer:
    """Finds candidates for an interpreter."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._of_tcl = frozenset(interpreter.variables("*"))  # variables that Tcl sets itself

    def candidates(self, before: str) -> list[Candidate]:
        """All completions at the end of this text."""
        written = syntax.unfinished(before)
        if written is None:  # in a comment
            return []
        if variable := VARIABLE.search(before):
            return list(self._variables_in_text(variable))
        words = [word.text for word in written.words]
        is_typing = bool(written.words) and written.words[-1].end == len(before)
        typed = words.pop() if is_typing else ""
        return list(self._words(words, typed))

    def _words(self, words: list[str], typed: str) -> Iterator[Candidate]:
        if not words:
            yield from self._commands(typed)
        elif row := lookup.find(words[0]) if words[0].lstrip(":").startswith((NAMESPACE, "help")) else None:
            yield from self._arguments(row, words[1:], typed)
        elif words[0] in VARIABLE_COMMANDS and len(words) == 1:
            yield from self._variables(typed)
        elif len(words) == 1 and (found := list(self._subcommands(words[0], typed))):
            yield from found
        elif words[0] in FILE_COMMANDS or "/" in typed:
            yield from _files(typed)

    # ---- Commands ----

    def _commands(self, typed: str) -> Iterator[Candidate]:
        yield from _own_commands(typed)
        if not typed.lstrip(":").startswith(f"{NAMESPACE}::"):
            yield from self._tcl_commands(typed)

    def _tcl_commands(self, typed: str) -> Iterator[Candidate]:
        pattern = f"{literal(typed)}*"
        procedures = set(self._interpreter.procedures(pattern))
        for name in sorted(self._interpreter.commands(pattern)):
            note = "procedure" if name in procedures else "Tcl"
            yield Candidate(_as_typed(name, typed), len(typed), note)

    def _subcommands(self, command: str, typed: str) -> Iterator[Candidate]:
        """The second words of Tcl's own commands; those of an ensemble, as `string`, are commands of a namespace."""
        inside = f"::tcl::{command.removeprefix('::')}::"
        names = {name.removeprefix(inside) for name in self._interpreter.commands(f"{literal(inside)}*")}
        names = {name for name in names if name[:1].islower()}  # others are Tcl's own procedures behind them
        for name in sorted(names | SUBCOMMANDS.get(command.removeprefix("::"), frozenset())):
            if name.startswith(typed):
                yield Candidate(name, len(typed))

    # ---- Arguments of our commands ----

    def _arguments(self, row: Command, given: list[str], typed: str) -> Iterator[Candidate]:
        if given and (pair := row.options.get(given[-1])):
            yield from self._values(pair[0], typed)
        elif typed.startswith("-"):
            yield from _options(row, given, typed)
        else:
            following = _parameter_at(row, given)
            if following:
                yield from self._values(following, typed)
            if not typed:
                yield from _options(row, given, typed)

    def _values(self, parameter: Parameter, typed: str) -> Iterator[Candidate]:
        kind = parameter.kind
        if isinstance(kind, kinds.File):
            yield from _files(typed)
        elif kind.is_tensor:
            yield from self._tensors(typed)
        else:
            for word, note in kind.words_to_offer():
                if word.startswith(typed.lower()):
                    is_default = word == parameter.shown_default
                    yield Candidate(word, len(typed), "default" if is_default else note)

    # ---- Variables and tensors ----

    def _tensors(self, typed: str) -> Iterator[Candidate]:
        if not typed:
            for name in self._names(""):
                array = self._interpreter.tensor_in(name)
                if array is not None:
                    yield Candidate(f"${name}", 0, kind_of(array))
        if "tensor".startswith(typed[:6]):
            yield from self._handles(typed)

    def _handles(self, typed: str) -> Iterator[Candidate]:
        for entry in self._interpreter.session.tensors.named():
            if entry[0].startswith(typed):
                yield Candidate(entry[0], len(typed), kind_of(entry[1]))

    def _names(self, typed: str) -> list[str]:
        """Global variables: those that hold tensors, then others, then Tcl's own if a part of the name was typed."""
        found = [_as_typed(name, typed) for name in self._interpreter.variables(f"{literal(typed)}*")]
        own = [name for name in found if typed or name not in self._of_tcl]
        return sorted(own, key=lambda name: (name in self._of_tcl, self._interpreter.tensor_in(name) is None, name))

    def _variables(self, typed: str) -> Iterator[Candidate]:
        for name in self._names(typed):
            yield Candidate(name, len(typed), self._note(name))

    def _variables_in_text(self, found: re.Match[str]) -> Iterator[Candidate]:
        brace, typed = found.groups()
        for name in self._names(typed):
            needs_brace = bool(brace) or not re.fullmatch(r"(?:\w|::)+", name)
            text = f"${{{name}}}" if needs_brace else f"${name}"
            yield Candidate(text, len(found.group()), self._note(name))

    def _note(self, name: str) -> str:
        array = self._interpreter.tensor_in(name)
        return "" if array is None else kind_of(array)


# ---- What the declarations say ---------------------------------------------------------------------------------------


def _own_commands(typed: str) -> Iterator[Candidate]:
    """Our commands whose name begins as typed, with or without its namespace; then those that contain it."""
    colons = "::" if typed.startswith("::") else ""
    bare = typed.removeprefix("::")
    inside = bare.removeprefix(f"{NAMESPACE}::").lower()
    containing = []
    for row in REGISTRY.values():
        name = next((name for name in row.names if _begins(name, bare)), None)
        candidate = Candidate(f"{colons}{NAMESPACE}::{name or row.name}", len(typed), row.summary)
        if name:
            yield candidate
        elif len(inside) >= SHORTEST_INSIDE and inside in row.name:
            containing.append(candidate)
    yield from containing


def _begins(name: str, typed: str) -> bool:
    return f"{NAMESPACE}::{name}".startswith(typed) or name.startswith(typed)


def _options(row: Command, given: list[str], typed: str) -> Iterator[Candidate]:
    """The options that are not given yet; other spellings only if they match the typed text."""
    taken = _taken(row, given)
    for parameter in row.parameters:
        if parameter.name in taken:
            continue
        option = next((option for option in parameter.option_names if option.startswith(typed)), None)
        if option is not None:
            yield Candidate(option, len(typed), option_note(parameter))


def option_note(parameter: Parameter) -> str:
    """The type, default and help of an option in one line."""
    default = f" = {parameter.shown_default}" if parameter.shown_default else ""
    need = " (required)" if parameter.is_required else ""
    return f"{parameter.kind.placeholder}{default}{need}  {parameter.help}"


def _split(row: Command, given: list[str]) -> tuple[int, list[str]]:
    """The number of positional values, and the words from the first option on."""
    first = next((index for index, word in enumerate(given) if syntax.OPTION.fullmatch(word)), len(given))
    return first, given[first:]


def _order(row: Command, count: int) -> tuple[str, ...]:
    return next((form for form in reversed(row.orders) if len(form) >= count), ())


def _taken(row: Command, given: list[str]) -> set[str]:
    """The names of the parameters that are given."""
    count, options = _split(row, given)
    named = {row.options[word][0].name for word in options if word in row.options}
    return named | set(_order(row, count)[:count])


def _parameter_at(row: Command, given: list[str]) -> Parameter | None:
    """The parameter of the next positional value."""
    count, options = _split(row, given)
    order = _order(row, count + 1)
    return row.by_name[order[count]] if order and not options else None


# ---- Files -----------------------------------------------------------------------------------------------------------


def _files(typed: str) -> Iterator[Candidate]:
    plain = re.sub(r"\\(.)", r"\1", typed.lstrip('"{'))
    folder, _, begin = plain.rpartition("/")
    folder += "/" if "/" in plain else ""
    for name in _names_in(folder or ".", begin):
        yield Candidate(SPECIAL.sub(r"\\\1", folder + name), len(typed), label=name)


def _names_in(folder: str, begin: str) -> list[str]:
    """File names with this prefix; folders end with a slash. Hidden files need a typed dot."""
    place = tclobj.file_name(folder)
    if place is None:
        return []
    try:
        with os.scandir(os.fsencode(place)) as entries:
            named = [(tclobj.from_system(entry.name), entry) for entry in entries]
    except OSError:
        return []
    visible = [each for each in named if each[0].startswith(begin) and (begin or not each[0].startswith("."))]
    return sorted(name + ("/" if entry.is_dir() else "") for name, entry in visible)[:MOST_FILES]


def _as_typed(name: str, typed: str) -> str:
    """A name without leading colons, unless they were typed."""
    return name if typed.startswith("::") else name.removeprefix("::")
