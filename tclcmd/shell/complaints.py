"""What is added to the message of an error, so that it helps to mend the script.

That is where a command failed: file, line, the command as it is written, and a caret below the word at fault; and for
a misspelt command the name that may have been meant.
"""

from __future__ import annotations

import re

from tclcmd.interpreter import Failure, Interpreter
from tclcmd.language import likeness, lookup, syntax
from tclcmd.shell.source import Source

INDENT = "    "

#: A command written in more characters than this has no caret: to find its words takes time by the length.
LONGEST_COMMAND = 20_000

#: A long line is cut to so many characters, so many of them before the caret.
LONGEST, BEFORE_CARET = 100, 40


def additions(interpreter: Interpreter, message: str, source: Source | None = None, *, at_prompt: bool = False) -> str:
    """The lines to add to the message of the evaluation that has failed last, each with its end."""
    failure = interpreter.failure
    is_ours = failure is not None and failure.message == interpreter.result()
    return hint(message) + (report(failure, source, at_prompt=at_prompt) if failure and is_ours else "")


def hint(message: str) -> str:
    """A line to add to Tcl's own complaint about a command of ours that is misspelt, or lacks its namespace."""
    found = re.match(r'invalid command name "(?:::)?((?:torch::)?\w+)"', message)
    near = lookup.nearest(found.group(1)) if found else []
    return f"Did you mean {likeness.one_of(near)}?\n" if near else ""


def report(failure: Failure, source: Source | None = None, *, at_prompt: bool = False) -> str:
    """The lines to add to a message, each with its end; none where there is nothing to add.

    At the prompt the command has just been typed: only a caret would add to it.
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
        return ""  # a script that was put together: its lines are nowhere to be seen
    else:
        return _place_in_tcls_words(frame, procedure)
    return f"{where}, in {procedure}" if procedure else where


def _place_in_tcls_words(frame: dict[str, str], procedure: str) -> str:
    """Where a line can be counted from the beginning of a procedure alone: as Tcl's own traces tell it."""
    kinds = {"proc": "procedure", "method": "method", "lambda": "lambda term"}
    kind = next((word for key, word in kinds.items() if key in frame), "")
    name = procedure or frame.get("method", "")
    return " ".join(part for part in (kind, f'"{name}"' if name else "", f"line {frame.get('line', '')}") if part)


def _pointed(failure: Failure) -> str:
    """The line of the command with the word at fault, and the caret below it."""
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
    """The word at fault, if the words as written are those of the call: none made of several, no alias between."""
    if failure.word is None or len(written) > LONGEST_COMMAND:
        return None
    commands = syntax.commands(written)
    if not commands:
        return None
    words = commands[0].words[: failure.word + 1]
    if len(words) <= failure.word or any(word.text.startswith("{*}") for word in words):
        return None
    return words[-1] if lookup.find(words[0].text) is failure.command else None
