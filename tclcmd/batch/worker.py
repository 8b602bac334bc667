"""A worker: a process that runs one task after the other, started by the pool in pool.py."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import threading
import warnings
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from tclcmd.batch.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

#: The message of a worker that has started.
READY = b"ready"

#: The largest number of bytes that are passed on from a standard stream of a script.
MOST_SAID = 1 << 20


def serve(channel: int, life_line: int, memory_limit: int | None) -> None:
    """Runs the tasks that come from the channel, until it is closed.

    When the other end of `life_line` is closed, the pool's process has ended, and this one ends with what it has
    started, whatever it is doing.
    """
    for descriptor in (channel, life_line):
        os.set_inheritable(descriptor, False)  # not for programs that scripts start
    threading.Thread(target=_end_with_the_pool, args=(life_line,), daemon=True).start()
    warnings.simplefilter("ignore")  # they are for authors of Python code
    from tclcmd.batch import script  # noqa: F401  # before the limit, and before the first task is timed

    if memory_limit is not None:
        _limit(memory_limit)
    connection = Connection(channel)
    try:
        connection.send_bytes(READY)
        while True:
            function, arguments = pickle.loads(connection.recv_bytes())
            connection.send_bytes(pickle.dumps(_call(function, arguments)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _end_with_the_pool(life_line: int) -> None:
    os.read(life_line, 1)
    os.killpg(0, signal.SIGKILL)


def _call(function: Callable[..., Outcome], arguments: tuple[object, ...]) -> tuple[Outcome, bytes, bytes]:
    """Calls the function. Returns its outcome, and the text of the standard streams."""
    try:
        outcome = function(*arguments)
    except MemoryError as error:
        outcome = Outcome(f"not enough memory: {error}")
    except Exception as error:
        outcome = Outcome(f"internal error: {type(error).__name__}: {error}")
    return outcome, taken(1), taken(2)


def taken(descriptor: int) -> bytes:
    """Takes what was written to a file without a name that stands for a standard stream; long text is cut."""
    size = os.fstat(descriptor).st_size
    if not size:
        return b""
    text = os.pread(descriptor, MOST_SAID, 0)
    os.ftruncate(descriptor, 0)
    return text + (f"\n... ({size - MOST_SAID} more bytes)\n".encode() if size > MOST_SAID else b"")


def _limit(extra: int) -> None:
    """Lets the process take that many bytes beyond what it has: a command that needs more fails, as does the script.

    RLIMIT_DATA counts what is allocated, by this process and each that a script starts. RLIMIT_AS would also count
    libraries and reserved addresses.
    """
    limit = _allocated() + extra
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))


def _allocated() -> int:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            return next((int(row.split()[1]) * 1024 for row in status if row.startswith("VmData:")), 0)
    except OSError:
        return 0
