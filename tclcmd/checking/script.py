"""The checks of a script that do not run it."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tclint.commands import CommandArgError
from tclint.commands.builtin import commands as of_tcl
from tclint.commands.checks import check_command
from tclint.lexer import TclSyntaxError
from tclint.parser import Parser
from tclint.syntax_tree import ArgExpansion, Command, Node, Script

from tclcmd.checking import names, specification
from tclcmd.language import lookup
from tclcmd.language.declare import NAMESPACE

#: The diagnostics of tclint about Tcl's own commands that are certain errors. Its others include code that it cannot
#: analyse.
CERTAIN = re.compile(
    r"(?:wrong # of|not enough|too many|missing required) arg|expected (?:condition|then|body) "
    r"|argument after complete|too many fields in argument|invalid arguments to try",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True)
class Finding:
    """What is wrong, and where: line and column, which begin with 1."""

    line: int
    column: int
    message: str


def findings(script: str, beside: str = "") -> list[Finding]:
    """The certain errors of a script, in the order of the text.

    `beside` is the text of scripts that are used with it: names that it may make are not unknown.
    """
    parser = Parser(commands=_COMMANDS)
    found: set[Finding] = set()
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # raised by its lexer for a backslash at the end
            tree = parser.parse(script)
        found.update(_of_names(tree, beside))
    except TclSyntaxError as error:
        found.add(_finding(error.start, f"syntax error: {error}"))
    except RecursionError:
        found.add(Finding(1, 1, "the script is nested too deeply to be checked"))
    found.update(_finding(each.start, each.message) for each in parser.violations)
    return sorted(found)


def _finding(start: names.Position, message: str) -> Finding:
    line, column = start
    return Finding(line, column, message)


def _of_names(tree: Script, beside: str) -> Iterator[Finding]:
    caught = list(_caught(tree))
    for fault in names.faults(tree, specification.interpreter, beside):
        if not any(start <= fault.start < end for start, end in caught):
            yield _finding(fault.start, fault.message)


def _caught(node: Node) -> Iterator[tuple[names.Position, names.Position]]:
    """The places of scripts whose errors the script itself catches."""
    if isinstance(node, Command) and node.args and specification.catches(node.routine.contents, list(node.args)):
        yield node.args[0].pos, node.args[0].end_pos
    for child in node.children:
        yield from _caught(child)


def _certain(name: str, spec: Any) -> Callable[[list[Node], Parser], list[Node] | None]:
    """The check of a command of Tcl's own, without complaints that are no certain errors."""

    def check(args: list[Node], parser: Parser) -> list[Node] | None:
        try:
            made: list[Node] | None = check_command(name, args, parser, spec)
        except CommandArgError as complaint:
            if not CERTAIN.match(str(complaint)) or any(isinstance(arg, ArgExpansion) for arg in args):
                return None
            raise
        return made

    return check


def _puts(args: list[Node], parser: Parser) -> list[Node] | None:
    """As _certain, and sees that the word before the text can be a channel: without its bracket, a command is not."""
    channel = args[-2].contents if len(args) > 1 else None
    if len(args) == 3 and args[0].contents not in (None, "-nonewline", "nonewline"):
        raise CommandArgError(f"wrong # of args for puts: got {len(args)}, expected at most -nonewline, channel, text")
    if channel is not None and channel.removeprefix("::").startswith(f"{NAMESPACE}::") and lookup.find(channel):
        raise CommandArgError(f"{channel} is not a channel of puts; is it a command without its bracket?")
    return _certain("puts", of_tcl["puts"])(args, parser)


_COMMANDS = specification.commands | {
    name: _certain(name, spec) for name, spec in (of_tcl | specification.commands).items() if name in of_tcl
}
_COMMANDS["puts"] = _puts
