"""The standard streams of the process, which may be closed, full, or a pipe without a reader.

Scripts and the shell write to Tcl's channels. Python's own streams are used by click, and for the prompt of readline.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys

#: The exit status that a shell reports for a program ended by SIGPIPE.
BROKEN_PIPE = 141

#: Descriptor -> the mode in which its stream cannot be used.
_USELESS_MODES = {0: os.O_WRONLY, 1: os.O_RDONLY, 2: os.O_RDONLY}


def occupy_closed() -> None:
    """Reserves the descriptors of closed standard streams, so that no file opened later takes one of them.

    Reading or writing fails as on a closed stream. Where Python has no stream object, one is made.
    """
    for descriptor, mode in _USELESS_MODES.items():
        if not _is_open(descriptor):
            os.set_inheritable(os.open(os.devnull, mode), True)  # the lowest number that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")  # an error there cannot be reported


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def speak_utf8() -> None:
    """Sets the encoding of the standard streams to UTF-8 in every locale, as in Tcl. Invalid bytes are accepted."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def say(text: str) -> int:
    """Writes text on Python's standard output. Returns 0, or the system's error number."""
    try:
        sys.stdout.write(text)
    except OSError as error:
        _drop(1)
        return error.errno or errno.EIO
    return flush()


def say_error(text: str) -> None:
    """Writes text on Python's standard error; an error there cannot be reported."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def flush() -> int:
    """Flushes Python's streams. Returns 0, or the system's error number; text that cannot be written is discarded."""
    problem = 0
    for stream, descriptor in ((sys.stderr, 2), (sys.stdout, 1)):
        try:
            stream.flush()
        except (OSError, ValueError) as error:  # ValueError: somebody has closed it
            problem = getattr(error, "errno", None) or errno.EBADF
            _drop(descriptor)
    return problem


def _drop(descriptor: int) -> None:
    """Discards later writes, since Python flushes again at exit and would report the error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def status_of(problem: int) -> int:
    """The exit status of a program whose output was lost by this error of the system."""
    return BROKEN_PIPE if problem == errno.EPIPE else 1


def complaint(problem: int, doing: str = "write to standard output") -> str:
    """The message for the error; empty for a pipe without a reader."""
    if problem in (0, errno.EPIPE):
        return ""
    return f"roish: cannot {doing}: {os.strerror(problem).lower()}\n"
