"""The standard streams of the process, where some of them are closed, full, or a pipe that nobody reads.

What a script and the shell write goes through Tcl's channels; Python's own streams carry what click says, and the
prompt of readline.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys

#: What a shell reports of a program that ended by SIGPIPE.
BROKEN_PIPE = 141

#: Descriptor -> the mode in which nothing can be done with it that a stream is for.
_USELESS_MODES = {0: os.O_WRONLY, 1: os.O_RDONLY, 2: os.O_RDONLY}


def occupy_closed() -> None:
    """Puts something in the place of closed standard streams, so that no file that is opened later comes to be one.

    Reading or writing there fails as on a closed stream. Where Python has no object of its own, it gets one.
    """
    for descriptor, mode in _USELESS_MODES.items():
        if not _is_open(descriptor):
            os.set_inheritable(os.open(os.devnull, mode), True)  # the lowest number that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")  # what fails there cannot be told


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def say(text: str) -> int:
    """Writes text on Python's standard output. Returns 0, or the system's error number."""
    try:
        sys.stdout.write(text)
    except OSError as error:
        _drop(1)
        return error.errno or errno.EIO
    return flush()


def say_error(text: str) -> None:
    """Writes text on Python's standard error; where that fails, nobody is left to tell."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def flush() -> int:
    """Writes what Python still holds. Returns 0, or the system's error number; what could not be written is dropped."""
    problem = 0
    for stream, descriptor in ((sys.stderr, 2), (sys.stdout, 1)):
        try:
            stream.flush()
        except (OSError, ValueError) as error:  # ValueError: somebody has closed it
            problem = getattr(error, "errno", None) or errno.EBADF
            _drop(descriptor)
    return problem


def _drop(descriptor: int) -> None:
    """Has later writes vanish: Python tries again at its end, and would tell of it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def status_of(problem: int) -> int:
    """The exit status of a program whose output was lost by this error of the system."""
    return BROKEN_PIPE if problem == errno.EPIPE else 1


def complaint(problem: int, doing: str = "write to standard output") -> str:
    """What to say of it; nothing where nobody reads any more."""
    if problem in (0, errno.EPIPE):
        return ""
    return f"roish: cannot {doing}: {os.strerror(problem).lower()}\n"
