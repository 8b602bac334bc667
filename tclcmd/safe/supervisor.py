"""Supervises the process that runs a script that is not trusted.

The script runs in a separate process, the worker, because the process itself cannot handle every way to end: Tcl ends
it if it gets no memory. The worker writes to pipes, in which its output is counted. At the time limit it is interrupted
as by Ctrl-C, which also ends a long operator; a worker that continues is killed.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import NoReturn

from tclcmd.files import streams
from tclcmd.safe.limits import ENDINGS, INTERRUPTED, Limits, complaint, which_of_status

#: Seconds between an interruption and the kill.
GRACE = 2.0

#: The largest number of bytes that is read from a pipe at a time.
PIECE = 65536

#: The reason for ending a worker whose output has no reader.
UNREAD = "unread"


def supervise(limits: Limits, work: Callable[[Callable[[], None]], None]) -> NoReturn:
    """Has a new process do the `work`, and ends with its status, or with that of the limit that it reached.

    The work gets a function that it calls when it is prepared: from then on its time counts.
    """
    pipes = [os.pipe() for _ in range(3)]  # standard output, standard error, and the state of the worker
    sys.stdout.flush()
    sys.stderr.flush()
    supervisor = os.getpid()
    worker = os.fork()
    if worker == 0:
        _become_worker(supervisor, pipes, work)
    for _, written in pipes:
        os.close(written)
    watch = _Watch(worker, [read for read, _ in pipes], limits)
    sys.exit(watch.run())


def _become_worker(
    supervisor: int, pipes: list[tuple[int, int]], work: Callable[[Callable[[], None]], None]
) -> NoReturn:
    from tclcmd.safe import walls

    for read, _ in pipes:
        os.close(read)
    os.dup2(pipes[0][1], 1)
    os.dup2(pipes[1][1], 2)
    os.close(pipes[0][1])
    os.close(pipes[1][1])
    status = 1
    try:
        walls.die_with_parent()
        if os.getppid() != supervisor:  # which has ended already
            os._exit(1)
        work(lambda: _tell(pipes[2][1]))
    except SystemExit as end:
        if isinstance(end.code, str):
            streams.say_error(f"{end.code}\n")
        else:
            status = end.code or 0
    except KeyboardInterrupt:
        status = INTERRUPTED
    except MemoryError:
        status = ENDINGS["memory"].status
    except Exception:  # a defect of the program
        traceback.print_exc()
    finally:
        streams.flush()
        os._exit(status)


def _tell(pipe: int) -> None:
    os.write(pipe, b".")


class _Watch:
    """The worker, its pipes, and its use of the limits."""

    def __init__(self, worker: int, pipes: list[int], limits: Limits) -> None:
        self.worker, self.limits = worker, limits
        self.output, self.errors, self.progress = pipes
        self.deadline: float | None = None
        self.written = 0
        self.ended_for = ""  # the limit for which the worker was ended from here
        self.is_interrupted = False
        self.is_line_open = False  # whether the output to standard error ends within a line
        self.status_if_unread = 1

    def run(self) -> int:
        """Passes on the worker's output until it ends; returns the status of the program."""
        with self._passing_signals():
            sources = [self.output, self.errors, self.progress]
            while sources:
                ready, _, _ = select.select(sources, [], [], self._patience())
                self._heed_time()
                for source in ready:
                    piece = os.read(source, PIECE)
                    if not piece:
                        sources.remove(source)
                    else:
                        self._take(source, piece)
            _, status = os.waitpid(self.worker, 0)
        return self._status(status)

    # ---- Time ----

    def _patience(self) -> float | None:
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)

    def _heed_time(self) -> None:
        if self.deadline is None or time.monotonic() < self.deadline:
            return
        if self.is_interrupted:
            self._end("time")
            self.deadline = None
        else:
            self.is_interrupted = True
            self._signal(signal.SIGINT)
            self.deadline = time.monotonic() + GRACE

    # ---- Output ----

    def _take(self, source: int, piece: bytes) -> None:
        if source == self.progress:
            if self.limits.seconds is not None:
                self.deadline = time.monotonic() + self.limits.seconds
            return
        if self.ended_for:
            return
        self.written += len(piece)
        most = self.limits.output
        surplus = 0 if most is None else min(max(self.written - most, 0), len(piece))
        self._pass_on(1 if source == self.output else 2, piece[: len(piece) - surplus])
        if surplus:
            self._end("output")

    def _pass_on(self, to: int, piece: bytes) -> None:
        """Writes the piece; a reader who takes his time does not stop the clock."""
        while piece and not self.ended_for:
            _, ready, _ = select.select([], [to], [], self._patience())
            self._heed_time()
            if not ready:
                continue
            try:
                count = os.write(to, piece[: select.PIPE_BUF])
                self.is_line_open = piece[count - 1 : count] != b"\n" if to == 2 else self.is_line_open
                piece = piece[count:]
            except OSError as problem:
                self._lose_output(to, problem)

    def _lose_output(self, to: int, problem: OSError) -> None:
        if to == 1:
            streams.say_error(streams.complaint(problem.errno or 0))
            self.status_if_unread = streams.status_of(problem.errno or 0)
        self._end(UNREAD)

    # ---- The end ----

    def _end(self, reason: str) -> None:
        self.ended_for = self.ended_for or reason
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.worker, number)

    def _status(self, status: int) -> int:
        code = os.waitstatus_to_exitcode(status)
        if self.ended_for == UNREAD:
            return self.status_if_unread
        which = self.ended_for or which_of_status(code)
        if self.is_interrupted and (code == INTERRUPTED or not which):
            which = "time"
        if which:
            streams.say_error("\n" * self.is_line_open + complaint(which, self.limits))
            return ENDINGS[which].status
        if code < 0:
            name = signal.Signals(-code).name
            streams.say_error(f"roish: the process of the script was ended by the signal {name}\n")
            return 128 - code
        return code

    @contextlib.contextmanager
    def _passing_signals(self) -> Iterator[None]:
        """Ctrl-C goes to the worker, and what ends this process ends the worker first."""

        def end(number: int, frame: object) -> None:
            self._signal(signal.SIGKILL)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

        def interrupt(number: int, frame: object) -> None:
            self._signal(signal.SIGINT)

        ours = {signal.SIGINT: interrupt, signal.SIGTERM: end, signal.SIGHUP: end}
        before = {number: signal.signal(number, handler) for number, handler in ours.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
