"""What a command says when it fails: the one place where the words and the ``errorCode`` are made.

The first words of each text are fixed, since scripts match them; what follows helps to mend the call. The
``errorCode`` is ``TORCH``, the situation, and details.
"""

from __future__ import annotations

from pyroi.errors import ArgumentError, ArgumentTypeError, Cancelled

#: The second word of the errorCode -> the text.
SITUATIONS = {
    "MISSING_PARAMETER": "Missing required parameters: {names}\n{usage}",
    "TOO_MANY_ARGUMENTS": "Too many arguments: {rule}\n{usage}",
    "UNKNOWN_PARAMETER": "Unknown parameter: {option}{hint}",
    "MISSING_VALUE": "Missing value for parameter: {option}",
    "DUPLICATE_PARAMETER": "Duplicate parameter: {option}",
    "INVALID_TENSOR": "Invalid {name} tensor: {rule}",
    "INVALID_VALUE": "Invalid {name} value: {rule}",
    "IO": "Cannot {verb} {file}: {reason}",
    "MEMORY": "Out of memory: {reason}",
    "INTERRUPTED": "Interrupted",
    "INTERNAL": "Internal fault in {command}: {reason}\nThis is a defect of the program, not of the script. "
    "roish --debug shows where it happened.",
}


class CommandError(Exception):
    """A command failed in one of the situations above; `details` are the rest of the errorCode."""

    def __init__(self, situation: str, *details: str, **facts: str) -> None:
        super().__init__(SITUATIONS[situation].format_map(facts))
        self.code = ("TORCH", situation, *details)


class UnusableFile(OSError):
    """A file that the system can read or write, but this program cannot make use of, and why."""


#: What pyroi raises about an argument.
ARGUMENT_ERRORS = (ArgumentError, ArgumentTypeError)


def reason_of(error: OSError) -> str:
    """The system's reason as it is said in a message, without number and file name."""
    return error.strerror.lower() if error.strerror else str(error)


def is_interruption(error: BaseException) -> bool:
    """Was the command stopped by Ctrl-C?"""
    return isinstance(error, Cancelled | KeyboardInterrupt)
