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

#: How messages begin that may be about text of another language.
NOT_TCL = ("invalid command name", "ambiguous command name", 'wrong # args: should be "for ')

_HELP = re.compile(r"(\s*)help(?![^\s;])")
_QUESTION = re.compile(r"\s*(?:\?\s*(?P<after>[\w:]+)|(?P<before>[\w:]+)\?)\s*")
_QUIT = re.compile(r"\s*(?:(?:quit|exit)\s*\(\s*\)|quit)\s*(?:;\s*)?")

#: A function that answers what a pattern has found; empty if it has no answer.
Answer = Callable[[Interpreter, re.Match[str]], str]


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
    typed = typed.strip()
    if len(typed) > LONGEST:
        return ""
    for pattern, answer in _HABITS:
        if (found := pattern.match(typed)) and (text := answer(interpreter, found)):
            return f"{text}\n"
    return ""


def _unless_it_is_a_command(answer: Answer) -> Answer:
    """The answer, but not where a script has defined a command of the name, in which the error then lies."""
    return lambda interpreter, found: (
        "" if interpreter.has_command(re.split(r"\W", found[0], maxsplit=1)[0]) else answer(interpreter, found)
    )


def _imported(interpreter: Interpreter, found: re.Match[str]) -> str:
    return f"The commands of {NAMESPACE}:: need no import. `package require NAME` loads a package of Tcl."


def _printed(interpreter: Interpreter, found: re.Match[str]) -> str:
    name = found["name"]
    return "Tcl prints with `puts`: puts " + (f"${name}" if name and _is_variable(interpreter, name) else '"text"')


def _defined(interpreter: Interpreter, found: re.Match[str]) -> str:
    return "Tcl defines a procedure with `proc`: proc name {argument} {body}"


def _assigned(interpreter: Interpreter, found: re.Match[str]) -> str:
    name, value = found["name"], found["value"].strip()
    if row := _called(value):
        how = f"set {name} [{row} ...]"
    elif _LIST.fullmatch(value):
        how = f"set {name} {_as_list(value)}"
    elif _TEXT.fullmatch(value):
        how = f'set {name} "{value[1:-1]}"'
    elif _REAL.fullmatch(value):
        how = f"set {name} {value}"
    elif _SUM.fullmatch(value):
        how = f"set {name} [expr {{{_as_sum(value)}}}]"
    elif re.fullmatch(r"[A-Za-z_]\w*", value) and _is_variable(interpreter, value):
        how = f"set {name} ${value}"
    else:
        how = f"set {name} value, or set {name} [command ...]"
    return f"Tcl sets a variable with `set`: {how}"


def _listed(interpreter: Interpreter, found: re.Match[str]) -> str:
    return f"Tcl writes a list in braces, without commas: {_as_list(found['list'])}"


def _indexed(interpreter: Interpreter, found: re.Match[str]) -> str:
    name, index = found["name"], int(found["index"])
    if interpreter.tensor_in(name) is not None:
        return f"`{NAMESPACE}::tensor_slice` reads a part of a tensor: see {NAMESPACE}::help tensor_slice"
    last = "end" if index == -1 else f"end{index + 1}"
    return f"An element of a list is read with `lindex`: lindex ${name} {index if index >= 0 else last}"


def _attribute(interpreter: Interpreter, found: re.Match[str]) -> str:
    name, attribute = found["name"], found["attribute"]
    if row := _command(attribute):  # torch.roi_align
        return f"Tcl writes a namespace with colons: {row}"
    if interpreter.tensor_in(name) is None:
        return ""
    row = _command(f"tensor_{attribute}")
    return f"Tensors have commands instead of attributes: {row} ${name}" if row else ""


def _bracketed(interpreter: Interpreter, found: re.Match[str]) -> str:
    row = _called(found[0])
    return f"Tcl separates words by spaces, without brackets or commas: {row} ..." if row else ""


def _measured(interpreter: Interpreter, found: re.Match[str]) -> str:
    name = found["name"]
    if interpreter.tensor_in(name) is not None:
        return f"The shape of a tensor: {NAMESPACE}::tensor_shape ${name}"
    return f"The length of a list: llength ${name}"


def _computed(interpreter: Interpreter, found: re.Match[str]) -> str:
    return f"Tcl computes with `expr`: expr {{{_as_sum(found[0])}}}" if _SUM.fullmatch(found[0]) else ""


def _looped(interpreter: Interpreter, found: re.Match[str]) -> str:
    name = found["name"]
    if found["count"]:
        return f"Tcl counts with `for`: for {{set {name} 0}} {{${name} < {found['count']}}} {{incr {name}}} {{...}}"
    return f"Tcl goes through a list with `foreach`: foreach {name} $list {{...}}"


def _variable(interpreter: Interpreter, found: re.Match[str]) -> str:
    name = found[0]
    return f"{name} is a variable: its value is ${name}" if _is_variable(interpreter, name) else ""


#: The longest typed text, in characters, that is compared with the habits below.
LONGEST = 400

#: Of Python: a list of numbers, or a list of such lists; a text; a number; and a sum of numbers.
_NUMBER = r"-?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})"
_ROW = rf"\[ *{_NUMBER}(?:[ ,]+{_NUMBER})* *\]"
_LIST = re.compile(rf"{_ROW}|\[ *{_ROW}(?: *, *{_ROW})* *\]")
_TEXT = re.compile(r"""'[^'"$\[\]\\]*'|"[^"$\[\]\\]*\"""")
_REAL = re.compile(_NUMBER)
_SUM = re.compile(rf"{_NUMBER}(?: *[-+*/] *{_NUMBER})+")

#: How typed text of other languages begins, and the answer; the first answer that is not empty counts.
_HABITS: tuple[tuple[re.Pattern[str], Answer], ...] = (
    (re.compile(r"(?:import|from)\s"), _unless_it_is_a_command(_imported)),
    (re.compile(r"print\b *\(? *\$?(?P<name>[A-Za-z_]\w*)? *\)?$|print\b"), _unless_it_is_a_command(_printed)),
    (re.compile(r"def\s"), _unless_it_is_a_command(_defined)),
    (re.compile(r"for\s+(?P<name>\w+)\s+in\s+(?:range *\( *(?P<count>\d+) *\))?"), _looped),
    (re.compile(r"len\b *\(? *\$?(?P<name>\w+)\b"), _unless_it_is_a_command(_measured)),
    (re.compile(r"\$?(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>[^=\s].*)", re.DOTALL), _assigned),
    (re.compile(r"(?:puts +)?\$?(?P<name>[A-Za-z_]\w*)\[(?P<index>-?\d{1,9})\]$"), _indexed),
    (re.compile(r"\$?(?P<name>\w+)\.(?P<attribute>[A-Za-z_]\w*)(?:\s|\(|$)"), _attribute),
    (re.compile(r"(?:\w|::|\.)+\(.*", re.DOTALL), _bracketed),
    (re.compile(r".+", re.DOTALL), _computed),
    (re.compile(rf"(?s:(?:.*?[\s{{])?)(?P<list>{_LIST.pattern})(?:\s|$)"), _listed),
    (re.compile(r"\w+$"), _variable),
)


def _is_variable(interpreter: Interpreter, name: str) -> bool:
    return name in interpreter.variables(name)


def _as_list(python: str) -> str:
    """A list of Python as one of Tcl."""
    return re.sub(" +", " ", python.replace("[", "{").replace("]", "}").replace(",", " "))


def _as_sum(python: str) -> str:
    """A sum of Python as one of Tcl, whose quotients of integers are integers."""
    return re.sub(r"(?<![\d.])(\d+)(?= */)", r"\1.0", python)


def _called(text: str) -> str:
    """The full name of the command that a text in the form of a call is about; empty if it is no command of ours."""
    call = re.match(r"((?:\w|::|\.)+)\(", text)
    return _command(call[1]) if call else ""


def _command(name: str) -> str:
    row = lookup.find(name.rpartition(".")[2])
    return row.full_name if row else ""
