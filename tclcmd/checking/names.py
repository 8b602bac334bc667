"""Undefined names in a script: commands that do not exist, and variables that were never set.

Scripts define names in many ways. Any word of a script therefore counts as a name that it may define: a name is
reported only if it has no other occurrence. Names that other files or generated scripts can define are not reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tclint.syntax_tree import Command, Comment, Node, Script, VarSub

from tclcmd.interpreter import Interpreter
from tclcmd.language import likeness, lookup
from tclcmd.language.declare import NAMESPACE

Position = tuple[int, int]

#: Commands that run scripts from elsewhere, or that set variables whose names are computed.
OPENING = frozenset({"load", "source", "subst", "uplevel", "unload"})

#: Variables that roish sets before a script runs, beside those that every interpreter has.
OF_ROISH = frozenset({"argc", "argv", "argv0", "errorCode", "errorInfo", "tcl_interactive"})

#: The packages that define no commands or variables.
KNOWN_PACKAGES = frozenset({"Tcl", "roi"})

#: The namespaces of Tcl's own commands.
NAMESPACES = ("", "::tcl", "::tcl::mathop")

PART = re.compile(r"\w+")


@dataclass(frozen=True)
class Fault:
    """A name that does not exist, and the place of its word."""

    start: Position
    end: Position
    message: str


def faults(tree: Script, interpreter: Interpreter, beside: str = "") -> Iterator[Fault]:
    """The unknown commands and unset variables of a script, with the text of other scripts that may make them."""
    return _Names(tree, interpreter, set(PART.findall(beside))).faults()


def _name(node: Node | None) -> str | None:
    """The literal text of a word, without leading colons."""
    text = node.contents if node is not None else None
    return None if text is None else str(text).removeprefix("::")


def _commands(node: Node) -> Iterator[Command]:
    if isinstance(node, Command):
        yield node
    for child in node.children:
        yield from _commands(child)


def _parts(node: Node, *, skipped: Node | None = None) -> Iterator[str]:
    """The parts of names in the words of a tree, except its variables' own names and the commands that are called."""
    if isinstance(node, Comment):
        return
    if isinstance(node.value, str) and not isinstance(node, VarSub):
        yield from PART.findall(node.value)
    for child in node.children:
        if child is not skipped:
            yield from _parts(child, skipped=child.routine if isinstance(child, Command) else None)


class _Names:
    def __init__(self, tree: Script, interpreter: Interpreter, beside: set[str]) -> None:
        self._tree = tree
        self._calls = list(_commands(tree))
        self._beside = beside
        self._made = beside.union(_parts(tree))
        self._of_tcl = {name.removeprefix("::") for name in interpreter.commands("*")}
        self._globals = {name.removeprefix("::") for name in interpreter.variables("*")} | OF_ROISH
        self._interpreter = interpreter

    def faults(self) -> Iterator[Fault]:
        is_open = any(_opens(call) for call in self._calls)
        for call in self._calls:
            name = _name(call.routine)
            if name and not self._exists(name) and (not is_open or name.startswith(f"{NAMESPACE}::")):
                yield self._unknown_command(call, name)
        if not is_open:
            yield from self._unset_variables()

    # ---- Commands ----

    def _exists(self, name: str) -> bool:
        """Whether there is a command of this name, or may be: the script has the last part of the name elsewhere."""
        if name in self._of_tcl or not re.fullmatch(r"(?:\w|::)+", name):
            return True
        if self._made.issuperset(PART.findall(name.rpartition("::")[2])):
            return True
        return any(self._interpreter.commands(f"{namespace}::{name}") for namespace in NAMESPACES)

    def _unknown_command(self, call: Command, name: str) -> Fault:
        near = lookup.nearest(name) or likeness.nearest(name, self._of_tcl)[: likeness.MOST]
        hint = f"; did you mean {likeness.one_of(near)}?" if near else ""
        return Fault(call.routine.pos, call.routine.end_pos, f'invalid command name "{name}"{hint}')

    # ---- Variables ----

    def _unset_variables(self) -> Iterator[Fault]:
        """Those of the global level, command by command: each has the words up to its own end; then those of procs."""
        so_far = self._globals | self._beside
        for command in self._tree.children:
            so_far.update(_parts(command, skipped=command.routine if isinstance(command, Command) else None))
            yield from self._unset_in(command, so_far)
        for call in self._calls:
            if _name(call.routine) == "proc":
                yield from self._unset_in_body(call)

    def _unset_in_body(self, proc: Command) -> Iterator[Fault]:
        made = set(_parts(proc))
        for part in proc.args[2:]:
            yield from self._unset_in(part, made)

    def _unset_in(self, node: Node, made: set[str]) -> Iterator[Fault]:
        if isinstance(node, Command) and _name(node.routine) == "proc":
            return
        if isinstance(node, VarSub) and isinstance(node.value, str) and not self._may_be_set(node.value, made):
            known = sorted(name for name in self._made if not name.isdigit())
            near = likeness.nearest(node.value, known)[: likeness.MOST]
            hint = f"; did you mean {likeness.one_of([f'${name}' for name in near])}?" if near else ""
            yield Fault(node.pos, node.end_pos, f'can\'t read "{node.value}": no such variable{hint}')
        for child in node.children:
            yield from self._unset_in(child, made)

    def _may_be_set(self, variable: str, made: set[str]) -> bool:
        return "::" in variable or made.issuperset(PART.findall(variable))  # those of other levels may be from anywhere


def _opens(call: Command) -> bool:
    """Whether the call can make names that stand nowhere in the script."""
    name, words = _name(call.routine), [_name(node) for node in call.args]
    if name == "package":
        return words[:1] == ["require"] and not KNOWN_PACKAGES.issuperset(words[1:2])
    if name in ("dict", "namespace", "interp"):
        return words[:1] in (["with"], ["import"], ["path"], ["unknown"], ["alias"])
    if name in ("eval", "apply"):
        return None in words
    return name in OPENING or (name == "proc" and words[:1] == ["unknown"])
