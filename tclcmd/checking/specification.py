"""The commands as a plug-in of tclint, made from the declarations: the entry point ``roish`` of ``tclint.plugins``.

tclint and its language server tclsp call a function here for every call of a command that a script has. It reports
what the parser of calls would refuse, at the word in question.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tclint.commands import CommandArgError
from tclint.commands.builtin import commands as of_tcl
from tclint.commands.checks import check_command
from tclint.lexer import TclSyntaxError
from tclint.parser import Parser
from tclint.syntax_tree import ArgExpansion, BareWord, BracedWord, Node
from tclint.violations import Rule, Violation

from tclcmd.checking.calls import Word, faults
from tclcmd.interpreter import Interpreter
from tclcmd.language.declare import NAMESPACE, REGISTRY, Command

Check = Callable[[list[Node], Parser], list[Node] | None]

#: An interpreter that runs no script. It parses numbers and lists, and has the names of Tcl's commands.
interpreter = Interpreter()


def in_a_line(message: str) -> str:
    """A message of the command language without its usage lines and the list of all options."""
    lines = message.split("\n")
    kept = [line for line in lines if not line.startswith(("Usage:", "   or:", "Valid parameters:"))]
    return "; ".join([*kept[:1], *(line[:1].lower() + line[1:] for line in kept[1:])])


def word_of(node: Node) -> Word:
    """The word of the syntax tree as the command gets it, if that is the same whenever the script runs."""
    if isinstance(node, ArgExpansion):
        return Word(None, is_expanded=True)
    text = node.contents
    if text is None:
        beginning = node.children[0].value if node.children and isinstance(node.children[0], BareWord) else ""
        return Word(None, is_option=_begins_an_option(beginning))
    if "\\" in text and not (isinstance(node, BracedWord) and "\\\n" not in text):
        return Word(None, is_option=_begins_an_option(text))
    return Word(text)


def _begins_an_option(text: str) -> bool:
    return text[:1] == "-" and text[1:2].isalpha() and " " not in text


def _call_of(command: Command) -> Check:
    def check(args: list[Node], parser: Parser) -> None:
        unplaced = []
        for fault in faults(command, interpreter.session, [word_of(node) for node in args]):
            message = in_a_line(str(fault))
            if fault.word and fault.word <= len(args):
                node = args[fault.word - 1]
                parser.violations.append(Violation(Rule.COMMAND_ARGS, message, node.pos, node.end_pos))
            else:
                unplaced.append(message)
        if unplaced:  # at the beginning of the call
            raise CommandArgError("; ".join(unplaced))

    return check


def catches(name: str | None, args: list[Node]) -> bool:
    """Whether this call is one of catch or try that keeps errors of its script from the rest."""
    return name == "catch" or (name == "try" and any(node.contents in ("on", "trap") for node in args[1:]))


def _call_of_catcher(name: str) -> Check:
    """Checks as tclint does. Errors that the script itself catches are not reported: the script may expect them."""

    def check(args: list[Node], parser: Parser) -> list[Node] | None:
        before = len(parser.violations)
        try:
            made: list[Node] | None = check_command(name, args, parser, of_tcl[name])
        except TclSyntaxError:
            if not catches(name, args):
                raise
            made = None
        if catches(name, args):
            parser.violations[before:] = [
                found for found in parser.violations[before:] if found.start > args[0].end_pos
            ]
        return made

    return check


#: Name as scripts write it -> what tclint calls for it.
commands: dict[str, Any] = {
    f"{prefix}{NAMESPACE}::{name}": _call_of(row)
    for row in REGISTRY.values()
    for name in row.names
    for prefix in ("", "::")
} | {name: _call_of_catcher(name) for name in ("catch", "try")}
