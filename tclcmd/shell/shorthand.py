"""What may be typed at the prompt although it is not Tcl, and what to type instead of a habit from elsewhere.

The typed text is rewritten. No command is defined for any of it, which could conflict with one of the script, and what
a script has defined goes first.
"""

from __future__ import annotations

import re

from tclcmd.interpreter import Interpreter
from tclcmd.language import lookup
from tclcmd.language.declare import NAMESPACE

_HELP = re.compile(r"(\s*)help(?![^\s;])")
_QUESTION = re.compile(r"\s*(?:\?\s*(?P<after>[\w:]+)|(?P<before>[\w:]+)\?)\s*")
_QUIT = re.compile(r"\s*(?:(?:quit|exit)\s*\(\s*\)|quit)\s*;?\s*")


def in_tcl(interpreter: Interpreter, typed: str) -> str:
    """The command that was meant: `help`, `NAME?`, `?NAME`, `quit` and `exit()` are commands of the prompt."""
    if _QUIT.fullmatch(typed) and not interpreter.has_command("::quit"):
        return "exit"
    if (found := _QUESTION.fullmatch(typed)) and not interpreter.has_command(typed.split()[0]):
        return f"::{NAMESPACE}::help {found['after'] or found['before']}"
    if (found := _HELP.match(typed)) and not interpreter.has_command("::help"):
        return f"{found.group(1)}::{NAMESPACE}::help{typed[found.end() :]}"
    return typed


def instead(interpreter: Interpreter, typed: str) -> str:
    """A line with Tcl's form of a command that Tcl does not have; empty if there is none."""
    first, _, rest = typed.strip().partition(" ")
    if first in ("import", "from"):
        return f"The commands of {NAMESPACE}:: need no import. `package require NAME` loads a package of Tcl.\n"
    if first == "print" or first.startswith("print("):
        return "Tcl prints by `puts`: puts $x\n"
    if first == "def":
        return "Tcl defines a procedure by `proc`: proc name {argument} {body}\n"
    if rest.startswith("= "):
        return f"Tcl sets a variable by `set`: set {first} {_value(rest[2:])}\n"
    if attribute := re.fullmatch(r"\$?(\w+)\.(\w+)(\(.*)?", first, re.DOTALL):
        return _of_attribute(interpreter, *attribute.group(1, 2))
    if (call := re.match(r"((?:\w|::|\.)+)\(", first)) and (row := _command(call[1])):
        return f"Tcl separates words by spaces, without brackets or commas: {row} ...\n"
    return ""


def _value(text: str) -> str:
    return text.strip() if re.fullmatch(r"\S+", text.strip()) else f"[expr {{{text.strip()}}}]"


def _command(name: str) -> str:
    row = lookup.find(name.rpartition(".")[2])
    return row.full_name if row else ""


def _of_attribute(interpreter: Interpreter, name: str, attribute: str) -> str:
    if row := _command(attribute):  # torch.roi_align
        return f"Tcl writes a namespace with colons: {row}\n"
    if interpreter.tensor_in(name) is None:
        return ""
    row = _command(f"tensor_{attribute}") or f"{NAMESPACE}::help -search {attribute}"
    return f"A tensor has no attributes, but commands: {row} ${name}\n" if "help" not in row else f"Try {row}\n"
