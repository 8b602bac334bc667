"""What may be typed at the prompt although it is not Tcl, and what to type instead of a habit from elsewhere.

The typed text is rewritten. No command is defined for any of it, which could conflict with one of the script, and what
a script has defined goes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tclcmd.interpreter import Interpreter
from tclcmd.language import lookup
from tclcmd.language.declare import NAMESPACE

#: How the messages begin about what may be of another language.
NOT_TCL = ("invalid command name", "ambiguous command name", 'wrong # args: should be "for ')

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
    """A line with Tcl's form of what Tcl has no command for, or a command of another form; empty if there is none."""
    for pattern, answer in _HABITS:
        if (found := pattern.match(typed.strip())) and (text := answer(interpreter, found)):
            return f"{text}\n"
    return ""


def _imported(interpreter: Interpreter, found: re.Match[str]) -> str:
    return f"The commands of {NAMESPACE}:: need no import. `package require NAME` loads a package of Tcl."


def _printed(interpreter: Interpreter, found: re.Match[str]) -> str:
    name = found["name"]
    return f"Tcl prints by `puts`: puts ${name or 'x'}"


def _defined(interpreter: Interpreter, found: re.Match[str]) -> str:
    return "Tcl defines a procedure by `proc`: proc name {argument} {body}"


def _assigned(interpreter: Interpreter, found: re.Match[str]) -> str:
    name, value = found["name"], found["value"].strip()
    if row := _called(value):
        how = f"set {name} [{row} ...]"
    elif _LIST.match(value):
        how = f"set {name} {_as_list(value)}"
    elif re.fullmatch(r"""-?[\w.]+|"[^"]*"|'[^']*'""", value):
        how = f"set {name} {value}"
    elif re.fullmatch(r"[\d\s.+*/()-]+", value):
        how = f"set {name} [expr {{{value}}}]"
    else:
        how = f"set {name} value, or set {name} [command ...]"
    return f"Tcl sets a variable by `set`: {how}"


def _listed(interpreter: Interpreter, found: re.Match[str]) -> str:
    return f"Tcl writes a list in braces, without commas: {_as_list(found['list'])}"


def _indexed(interpreter: Interpreter, found: re.Match[str]) -> str:
    name, index = found["name"], found["index"]
    if interpreter.tensor_in(name) is not None:
        return f"A tensor has no elements of that form: {NAMESPACE}::tensor_slice ${name} 0 {index} {int(index) + 1}"
    return f"An element of a list is read by `lindex`: lindex ${name} {index}"


def _attribute(interpreter: Interpreter, found: re.Match[str]) -> str:
    name, attribute = found["name"], found["attribute"]
    if row := _command(attribute):  # torch.roi_align
        return f"Tcl writes a namespace with colons: {row}"
    if interpreter.tensor_in(name) is None:
        return ""
    if row := _command(f"tensor_{attribute}"):
        return f"A tensor has no attributes, but commands: {row} ${name}"
    return f"Try {NAMESPACE}::help -search {attribute}"


def _bracketed(interpreter: Interpreter, found: re.Match[str]) -> str:
    row = _called(found[0])
    return f"Tcl separates words by spaces, without brackets or commas: {row} ..." if row else ""


def _measured(interpreter: Interpreter, found: re.Match[str]) -> str:
    name = found["name"]
    if interpreter.tensor_in(name) is not None:
        return f"The shape of a tensor: {NAMESPACE}::tensor_shape ${name}"
    return f"The length of a list: llength ${name}"


def _computed(interpreter: Interpreter, found: re.Match[str]) -> str:
    return f"Tcl computes by `expr`: expr {{{found[0]}}}"


def _looped(interpreter: Interpreter, found: re.Match[str]) -> str:
    name = found["name"]
    if found["count"]:
        return f"Tcl counts by `for`: for {{set {name} 0}} {{${name} < {found['count']}}} {{incr {name}}} {{...}}"
    return f"Tcl goes through a list by `foreach`: foreach {name} $list {{...}}"


def _variable(interpreter: Interpreter, found: re.Match[str]) -> str:
    name = found[0]
    return f"{name} is a variable: its value is ${name}" if name in interpreter.variables(name) else ""


#: A list of Python that has numbers, with one more level or not.
_LIST = re.compile(r"\[\s*(?:\[\s*)?-?\.?\d[^{}$]*\]")

#: What begins as another language's: the first that has an answer counts.
_HABITS: tuple[tuple[re.Pattern[str], Callable[[Interpreter, re.Match[str]], str]], ...] = (
    (re.compile(r"(?:import|from)\s"), _imported),
    (re.compile(r"print\b\s*\(?\s*\$?(?P<name>[A-Za-z_]\w*)?"), _printed),
    (re.compile(r"def\s"), _defined),
    (re.compile(r"for\s+(?P<name>\w+)\s+in\s+(?:range\s*\(\s*(?P<count>\d+)\s*\))?"), _looped),
    (re.compile(r"len\s*\(?\s*\$?(?P<name>\w+)"), _measured),
    (re.compile(r"\$?(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>[^=].*)", re.DOTALL), _assigned),
    (re.compile(r"(?:puts\s+)?\$?(?P<name>[A-Za-z_]\w*)\[(?P<index>\d+)\]"), _indexed),
    (re.compile(r"\$?(?P<name>\w+)\.(?P<attribute>[A-Za-z_]\w*)(?:\s|\(|$)"), _attribute),
    (re.compile(r"(?:\w|::|\.)+\(.*", re.DOTALL), _bracketed),
    (re.compile(r"-?[\d.]+\s*[-+*/]\s*-?[\d.][\d\s.+*/()-]*$"), _computed),
    (re.compile(rf"(?s:.*?)(?P<list>{_LIST.pattern})"), _listed),
    (re.compile(r"\w+$"), _variable),
)


def _as_list(python: str) -> str:
    """A list of Python as one of Tcl."""
    return re.sub(r"\s+", " ", python.replace("[", "{").replace("]", "}").replace(",", " "))


def _called(text: str) -> str:
    """The full name of the command that a text in the form of a call is about; empty if it is no command of ours."""
    call = re.match(r"((?:\w|::|\.)+)\(", text)
    return _command(call[1]) if call else ""


def _command(name: str) -> str:
    row = lookup.find(name.rpartition(".")[2])
    return row.full_name if row else ""
