"""Additions to error messages.

They show where a command failed: the file, the line, the source of the command, and a caret below the invalid word. For
a misspelt command, they suggest similar names.
"""

from __future__ import annotations

import re

from tclcmd.interpreter import Failure, Interpreter
from tclcmd.language import likeness, lookup, syntax
from tclcmd.safe import tcl_commands
from tclcmd.shell.source import Source
from tclcmd.values.folders import NO_FOLDER

INDENT = "    "

#: Variables that a script has under `roish map`, and the command line that sets them.
SET_BY_MAP = {"input": "roish map SCRIPT INPUT...", "output": "roish map SCRIPT INPUT... --output FOLDER"}

#: The longest command, in characters, whose words are located for a caret.
LONGEST_COMMAND = 20_000

#: The length to which a long line is cut, and the part of it before the caret.
LONGEST, BEFORE_CARET = 100, 40


def additions(interpreter: Interpreter, message: str, source: Source | None = None, *, at_prompt: bool = False) -> str:
    """The lines to add to the message of the last failed evaluation, each with its newline."""
    failure = interpreter.failure
    is_ours = failure is not None and failure.message == interpreter.result()
    shown = report(failure, source, at_prompt=at_prompt) if failure and is_ours else ""
    return hint(message) + _of_safety(interpreter, message) + _of_variables(interpreter, message) + shown


def hint(message: str) -> str:
    """A suggestion for a command of ours that Tcl does not find, because it is misspelt or lacks its namespace."""
    found = re.match(r'invalid command name "(?:::)?((?:torch::)?\w+)"', message)
    near = lookup.nearest(found.group(1)) if found else []
    return f"Did you mean {likeness.one_of(near)}?\n" if near else ""


def _of_safety(interpreter: Interpreter, message: str) -> str:
    """The reason why a command of Tcl is not there, and how a folder is allowed."""
    if interpreter.session.grants is None:
        return ""
    if NO_FOLDER in message.partition("\n")[0]:
        return "`roish --safe --allow FOLDER` allows one.\n"
    found = re.match(r'invalid command name "(?:::)?(\w+)"', message)
    return f"Scripts under --safe have no {found[1]}.\n" if found and found[1] in tcl_commands.REFUSED else ""


def _of_variables(interpreter: Interpreter, message: str) -> str:
    """A suggestion for the name of a global variable that is misspelt, or lacks its dollar sign."""
    if found := re.match(r"can't read \"(?:::)?(\w+)\": no such variable", message):
        if near := likeness.nearest(found[1], interpreter.variables("*")):
            return f"Did you mean {likeness.one_of([f'${name}' for name in near])}?\n"
        return f"`{SET_BY_MAP[found[1]]}` sets it for each input.\n" if found[1] in SET_BY_MAP else ""
    found = re.search(r'expected a (?:tensor|list|number)[^"]*, got "([A-Za-z_]\w*)"', message)
    if found and found[1] in interpreter.variables(found[1]):
        return f"{found[1]} is a variable: its value is ${found[1]}\n"
    return ""


def report(failure: Failure, source: Source | None = None, *, at_prompt: bool = False) -> str:
    """The lines to add to a message, each with its newline; empty if there are none.

    At the prompt, where the command has just been typed, only the caret is new.
    """
    pointed = _pointed(failure)
    if at_prompt:
        return pointed if pointed and not failure.frame.get("file") else ""
    place = _place(failure.frame, source)
    return f"{place}:\n{pointed}" if place and pointed else pointed


def _place(frame: dict[str, str], source: Source | None) -> str:
    procedure = frame.get("proc", "").removeprefix("::")
    line = source.line_of(frame) if source else None
    if "file" in frame:
        where = f"{frame['file']}:{frame['line']}"
    elif source and line:
        where = f"{source.name}:{line}" if source.name else f"line {line}"
    elif source and frame.get("type") == "eval":
        return ""  # a generated script: its lines are not in a file
    else:
        return _place_in_tcls_words(frame, procedure)
    return f"{where}, in {procedure}" if procedure else where


def _place_in_tcls_words(frame: dict[str, str], procedure: str) -> str:
    """The place of a line that is known relative to its procedure only, in the form of Tcl's own traces."""
    kinds = {"proc": "procedure", "method": "method", "lambda": "lambda term"}
    kind = next((word for key, word in kinds.items() if key in frame), "")
    name = procedure or frame.get("method", "")
    return " ".join(part for part in (kind, f'"{name}"' if name else "", f"line {frame.get('line', '')}") if part)


def _pointed(failure: Failure) -> str:
    """The line of the command with the invalid word, and the caret below it."""
    written = failure.frame.get("cmd", "")
    word = _word(written, failure)
    if word is None:
        return ""
    start = written.rfind("\n", 0, word.start) + 1
    line = written[start:].partition("\n")[0]
    first = word.start - start
    length = max(min(len(word.text.partition("\n")[0]), len(line) - first), 1)
    cut = max(first - BEFORE_CARET, 0) if len(line) > LONGEST else 0
    shown, first = line[cut : cut + LONGEST], first - cut
    caret = "^" * min(length, LONGEST - first)
    return f"{INDENT}{shown}\n{INDENT}{_blank(shown[:first])}{caret}\n"


def _blank(text: str) -> str:
    return "".join("\t" if character == "\t" else " " for character in text)


def _word(written: str, failure: Failure) -> syntax.Word | None:
    """The invalid word in the source; None if the words of the source are not those of the call (expansion, alias)."""
    if failure.word is None or len(written) > LONGEST_COMMAND:
        return None
    commands = syntax.commands(written)
    if not commands:
        return None
    words = commands[0].words[: failure.word + 1]
    if len(words) <= failure.word or any(word.text.startswith("{*}") for word in words):
        return None
    return words[-1] if lookup.find(words[0].text) is failure.command else None
