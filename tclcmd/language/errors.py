"""The errors of commands: the one place where messages and the ``errorCode`` are made.

The first words of each message are fixed, since scripts match them; the rest describes the error. The
``errorCode`` is ``TORCH``, the situation, and details.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyroi.errors import ArgumentError, ArgumentTypeError, Cancelled
from tclcmd.values.quoting import shortened


@dataclass(frozen=True)
class Situation:
    """A kind of error."""

    when: str
    details: str  # the names of the other elements of the errorCode
    text: str  # braces are filled in with the facts of the call


#: The second word of the errorCode -> the situation.
SITUATIONS = {
    "MISSING_PARAMETER": Situation(
        "a required parameter is missing", "names", "Missing required parameters: {names}\n{usage}"
    ),
    "TOO_MANY_ARGUMENTS": Situation(
        "more values without names than the command takes", "command", "Too many arguments: {rule}\n{usage}"
    ),
    "UNKNOWN_PARAMETER": Situation(
        "an option that the command does not have", "option", "Unknown parameter: {option}{hint}"
    ),
    "MISSING_VALUE": Situation("an option without its value", "name", "Missing value for parameter: {option}"),
    "DUPLICATE_PARAMETER": Situation("a parameter given twice", "name", "Duplicate parameter: {option}"),
    "INVALID_TENSOR": Situation(
        "not a tensor, or one of the wrong shape, type or content", "name", "Invalid {name} tensor: {rule}"
    ),
    "INVALID_VALUE": Situation("a value of the wrong kind, or out of range", "name", "Invalid {name} value: {rule}"),
    "IO": Situation("a file that cannot be read or written", "verb file reason", "Cannot {verb} {file}: {reason}"),
    "FORBIDDEN": Situation("a safe interpreter does not have this", "what", "Not allowed here: {reason}"),
    "LIMIT": Situation("a limit of a safe interpreter", "which", "Limit reached: {reason}"),
    "MEMORY": Situation("not enough memory", "reason", "Out of memory: {reason}"),
    "INTERRUPTED": Situation("Ctrl-C", "", "Interrupted"),
    "INTERNAL": Situation(
        "a defect of the program",
        "exception",
        "Internal fault in {command}: {reason}\nThis is a defect of the program, not of the script. "
        "roish --debug shows where it happened.",
    ),
}


#: The longest fact in a message and in the errorCode, in characters; a path may have 4096.
LONGEST_FACT, LONGEST_DETAIL = 300, 5000

#: Facts that are made from the declarations, which have a bounded length.
BOUNDED = frozenset({"usage", "hint", "names"})


class CommandError(Exception):
    """A command failed in one of the situations above; `details` are the rest of the errorCode.

    `word` is the index of the invalid word, if there is one; the command itself is word 0. The length of a message is
    bounded.
    """

    def __init__(self, situation: str, *details: str, word: int | None = None, **facts: str) -> None:
        shown = {name: fact if name in BOUNDED else shortened(fact, LONGEST_FACT) for name, fact in facts.items()}
        super().__init__(SITUATIONS[situation].text.format_map(shown))
        self.word = word
        self.code = ("TORCH", situation, *(shortened(detail, LONGEST_DETAIL) for detail in details))


class UnusableFile(OSError):
    """A file that can be read or written, but that this program cannot use; with the reason."""


#: The exceptions of pyroi for an invalid argument.
ARGUMENT_ERRORS = (ArgumentError, ArgumentTypeError)


def reason_of(error: OSError) -> str:
    """The reason of a system error for a message, without its number and the file name."""
    return error.strerror.lower() if error.strerror else str(error)


def is_interruption(error: BaseException) -> bool:
    """Whether the command was cancelled by Ctrl-C."""
    return isinstance(error, Cancelled | KeyboardInterrupt)
