"""Workers on this machine: an executor of processes of which each can die without harm to the others.

If a process dies, the pool of `concurrent.futures` breaks and loses all calls in progress. The processes of Pebble's
pool share one pipe, under a lock that a dying process may hold, and the pool does not know which task was in progress.
Here each worker has its own pipe, so that only the task of a dying worker is lost, and is reported by name.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
import pickle
import queue
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import IO, Any

from pyroi import batch
from tclcmd.batch import worker
from tclcmd.batch.outcome import Outcome
from tclcmd.batch.workers import Broken, Workers

#: The variables that limit libraries to one thread, since there is a worker for each processor.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")

#: A worker whose tasks take less than this, in seconds, gets the next one in advance, and does not wait for it.
SHORT_SECONDS = 0.1

#: The largest number of outcomes that wait for the disk at the same time.
FINISHING = 8

#: The largest number of workers in a row that die before they are ready.
MOST_STILLBORN = 3

#: The program of a worker. It imports the packages from the same folders as this process.
PROGRAM = """\
import sys
sys.path[:] = {path!r}
from tclcmd.batch import worker
worker.serve({channel}, {line}, {limit})
"""


@dataclass
class Call:
    """A task in the pool."""

    payload: bytes
    future: Future[Outcome]
    attempts: int = 0


class Pool(Workers):
    """An executor of functions that return an :class:`Outcome`; the death of a process is an outcome as well.

    Args:
        workers: The number of processes. They are started when there is work for them.
        timeout: The seconds that a task may take. One that takes longer is ended with its process, and has failed.
        memory_limit: The bytes that a task may allocate beyond what a worker has at rest.
        retries: How often a task is begun again whose process was ended by a signal.
        variables: What the environment of the workers has besides that of this process.
        finish: A function that turns an outcome into the result of the call, and may wait for the disk. It is called
            by threads of this process, while the worker is at its next call.
    """

    def __init__(
        self,
        workers: int,
        *,
        timeout: float | None = None,
        memory_limit: int | None = None,
        retries: int = 0,
        variables: Mapping[str, str] | None = None,
        finish: Callable[[Outcome], Outcome] | None = None,
    ) -> None:
        self._finish = finish
        self._outcomes: queue.SimpleQueue[tuple[Call, Outcome] | None] = queue.SimpleQueue()  # to be finished
        self._finishers = [
            threading.Thread(target=self._keep_finishing, name="roish-map-finish", daemon=True)
            for _ in range(0 if finish is None else FINISHING)
        ]
        self._max_workers = workers
        self._timeout = timeout
        self._memory_limit = memory_limit
        self._retries = retries
        self._environment = {**os.environ, **ONE_THREAD, **(variables or {})}
        self._waiting: collections.deque[Call] = collections.deque()
        self._workers: list[_Worker] = []
        self._stillborn = 0
        self._broken: str | None = None
        self._is_closed = self._is_killed = self._begins_nothing = False
        self._selector = selectors.DefaultSelector()
        self._wakened, self._wakener = socket.socketpair()
        for end in (self._wakened, self._wakener):
            end.setblocking(False)
        self._selector.register(self._wakened, selectors.EVENT_READ)
        self._has_room = True  # for a call, in a worker or in one that can be started
        self._thread = threading.Thread(target=self._supervise, name="roish-map-pool", daemon=True)
        for thread in (self._thread, *self._finishers):
            thread.start()

    # ---- For callers, in any thread ----

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Schedules a call of a function that can be imported."""
        if named:
            raise TypeError("the functions of this pool take no named arguments")
        if self._broken is not None:
            raise Broken(self._broken)
        if self._is_closed:
            raise RuntimeError("the pool is closed")
        call = Call(pickle.dumps((function, arguments)), Future())
        if self._begins_nothing:
            call.future.cancel()
        else:
            self._waiting.append(call)
            if self._has_room:  # otherwise the thread looks for calls when a worker finishes one
                self._wake()
            if not self._thread.is_alive() and not call.future.done():  # it has ended in this moment
                call.future.set_exception(Broken(self._broken or "the pool was stopped"))
        return call.future

    def begin_nothing(self) -> None:
        """Cancels the calls that have not begun, and those that are still to come."""
        self._begins_nothing = True
        self._wake()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more calls, and ends the workers when what they have is done.

        `cancel_futures` cancels the calls that have not begun.
        """
        self._is_closed = True
        self._begins_nothing |= cancel_futures
        self._wake()
        if wait:
            self._thread.join()

    def kill(self) -> None:
        """Ends the processes, also in the middle of a call."""
        self._is_closed = self._is_killed = True
        self._wake()
        self._thread.join()

    def window(self) -> int:
        """The largest number of calls that it is useful to have under way."""
        return batch.PER_WORKER * self._max_workers + (0 if self._finish is None else FINISHING)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):  # a full pipe wakes the thread up in any case
            self._wakener.send(b".")

    # ---- The thread that supervises ----

    def _supervise(self) -> None:
        try:
            while not self._is_finished():
                self._has_room = True  # before the calls are read, so that none is missed
                self._assign()
                self._has_room = self._can_use_another()
                self._wait()
        finally:
            self._is_closed = True
            for each in self._workers:
                each.end(0 if self._is_killed or self._broken is not None else None)
                each.close()
            for call in [*self._waiting, *(call for each in self._workers for call in each.calls)]:
                if call.future.running() or call.future.set_running_or_notify_cancel():
                    call.future.set_exception(Broken(self._broken or "the pool was stopped"))
            for _ in self._finishers:
                self._outcomes.put(None)
            for thread in self._finishers:
                if not self._is_killed:  # a kill waits for no disk
                    thread.join()
            self._selector.close()
            self._wakened.close()
            self._wakener.close()

    def _is_finished(self) -> bool:
        if self._is_killed or self._broken is not None:
            return True
        return self._is_closed and not self._waiting and not any(each.calls for each in self._workers)

    def _assign(self) -> None:
        """Gives the waiting calls to workers that have nothing to do, then to those that soon will have nothing."""
        if self._begins_nothing:
            for call in list(self._waiting):
                if call.future.cancel():
                    self._waiting.remove(call)
        for most in (0, 1):
            for each in self._workers:
                if len(each.calls) == most and each.can_take_another():
                    self._give(each)
        idle = sum(1 for each in self._workers if not each.calls)
        for _ in range(min(len(self._waiting) - idle, self._max_workers - len(self._workers))):
            self._start()

    def _can_use_another(self) -> bool:
        """Whether a call that comes now would be given to a worker."""
        return len(self._workers) < self._max_workers or any(each.can_take_another() for each in self._workers)

    def _give(self, to: _Worker) -> None:
        while self._waiting:
            call = self._waiting.popleft()
            if call.future.running() or call.future.set_running_or_notify_cancel():
                to.give(call, self._timeout)
                return

    def _start(self) -> None:
        try:
            each = _Worker(self._memory_limit, self._environment)
        except OSError as error:
            if not self._workers:
                self._broken = f"cannot start a process: {(error.strerror or str(error)).lower()}"
            return  # the run continues with the other workers
        self._workers.append(each)
        self._selector.register(each.connection, selectors.EVENT_READ, each)

    def _wait(self) -> None:
        deadlines = [each.deadline for each in self._workers if each.deadline is not None and each.late is None]
        patience = max(min(deadlines) - time.monotonic(), 0) if deadlines else None
        for key, _ in self._selector.select(patience):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wakened.recv(4096)
            else:
                self._hear(key.data)
        now = time.monotonic()
        for each in self._workers:
            if each.deadline is not None and each.deadline <= now and each.late is None:
                each.late = each.calls[0]
                each.kill()  # which closes its connection

    def _hear(self, each: _Worker) -> None:
        try:
            message = each.connection.recv_bytes()
        except (EOFError, OSError):
            self._bury(each)
            return
        if not each.is_ready:
            each.is_ready, self._stillborn = True, 0
            return
        outcome, said, complained = pickle.loads(message)
        call = each.finish(self._timeout)
        if said or complained or call.attempts != outcome.attempts:
            outcome = replace(outcome, said=said, complained=complained, attempts=call.attempts)
        if self._finish is None:
            call.future.set_result(outcome)
        else:
            self._outcomes.put((call, outcome))

    def _keep_finishing(self) -> None:
        assert self._finish is not None
        while each := self._outcomes.get():
            call, outcome = each
            try:
                call.future.set_result(self._finish(outcome))
            except Exception as error:
                call.future.set_exception(error)

    def _bury(self, each: _Worker) -> None:
        """Removes a worker that has died."""
        self._selector.unregister(each.connection)
        self._workers.remove(each)
        status = each.end(1 if each.late is None else 0)  # it closes its pipe shortly before its status is available
        if not each.is_ready:
            self._count_stillborn(each, status)
        else:
            self._take_back(each, status)
        each.close()

    def _take_back(self, each: _Worker, status: int) -> None:
        """Settles the call that a dead worker was at; the calls that it had not begun wait for another worker."""
        # A worker that was killed for a late call may have finished this call in the same moment.
        is_at_one = bool(each.calls) and each.late in (None, each.calls[0])
        call = each.calls.popleft() if is_at_one else None
        for other in each.calls:
            other.attempts -= 1
        self._waiting.extendleft(reversed(each.calls))
        if call is None:
            return
        if status < 0 and each.late is None and call.attempts <= self._retries:
            self._waiting.appendleft(call)
        else:
            call.future.set_result(each.obituary(status, call.attempts, self._timeout))

    def _count_stillborn(self, each: _Worker, status: int) -> None:
        self._stillborn += 1
        if self._stillborn >= MOST_STILLBORN:
            last = worker.taken(each.streams[1].fileno()).decode(errors="replace").strip().rpartition("\n")[2]
            self._broken = f"workers cannot be started: {_cause(status)}{': ' if last else ''}{last}"


class _Worker:
    """A worker, as the pool sees it."""

    def __init__(self, memory_limit: int | None, environment: Mapping[str, str]) -> None:
        self.calls: collections.deque[Call] = collections.deque()  # the first one is in progress
        self.is_ready = self.is_fast = False
        self.late: Call | None = None  # the reason why it is killed
        self.deadline: float | None = None
        self._began = 0.0
        with contextlib.ExitStack() as stack:
            self.streams = [stack.enter_context(_nameless_file()) for _ in range(2)]
            ours, theirs = socket.socketpair()
            stack.callback(theirs.close)
            line, self._life_line = os.pipe()
            stack.callback(os.close, line)
            stack.callback(os.close, self._life_line)
            self.connection = Connection(ours.detach())
            stack.callback(self.connection.close)
            self._process = _start_process(theirs.fileno(), line, self.streams, memory_limit, environment)
            stack.pop_all()
            theirs.close()
            os.close(line)

    def can_take_another(self) -> bool:
        """Whether it has nothing to do, or soon will have nothing."""
        return self.is_ready and len(self.calls) < (2 if self.is_fast else 1)

    def give(self, call: Call, timeout: float | None) -> None:
        """Sends it a call, which it begins after its earlier calls."""
        call.attempts += 1
        self.calls.append(call)
        if len(self.calls) == 1:
            self._begin(timeout)
        with contextlib.suppress(OSError):  # it has died, which the next read from it reports
            self.connection.send_bytes(call.payload)

    def _begin(self, timeout: float | None) -> None:
        self._began = time.monotonic()
        self.deadline = None if timeout is None else self._began + timeout

    def finish(self, timeout: float | None) -> Call:
        """The call that it was at is done."""
        self.is_fast = time.monotonic() - self._began < SHORT_SECONDS
        call = self.calls.popleft()
        self.deadline = None
        if self.calls:
            self._begin(timeout)
        return call

    def kill(self) -> None:
        """Kills the process and those that it has started."""
        # The second error is macOS's for a process that has ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self, patience: float | None) -> int:
        """Ends the process, by a signal after a number of seconds. Returns its exit status, negative for a signal."""
        self.connection.close()  # if it waits for a call, it ends
        if patience is not None:
            until = time.monotonic() + patience
            while not self._has_ended(waits=False) and time.monotonic() < until:
                time.sleep(0.005)
            self.kill()
        self._has_ended(waits=True)
        self.kill()  # what a script has left running: the number of the group is not reused before the wait below
        os.close(self._life_line)
        return self._process.wait()

    def _has_ended(self, *, waits: bool) -> bool:
        if hasattr(os, "waitid"):
            options = os.WEXITED | os.WNOWAIT | (0 if waits else os.WNOHANG)
            return os.waitid(os.P_PID, self._process.pid, options) is not None
        # On macOS before Python 3.13. The number is free from now on, unless it is still that of a group.
        if waits:
            self._process.wait()
        return self._process.poll() is not None

    def close(self) -> None:
        """Closes the files of its standard streams."""
        for file in self.streams:
            file.close()

    def obituary(self, status: int, attempts: int, timeout: float | None) -> Outcome:
        """The outcome of the call during which it died."""
        said, complained = (worker.taken(file.fileno()) for file in self.streams)
        message = f"took longer than {timeout:g} s" if self.late else _cause(status)
        return Outcome(
            message,
            signal=None if self.late or status >= 0 else _signal_name(-status),
            seconds=time.monotonic() - self._began,
            attempts=attempts,
            said=said,
            complained=complained,
        )


def _nameless_file() -> IO[bytes]:
    """A file without a name for a standard stream. It is appended to, since it is emptied while it is open."""
    file = tempfile.TemporaryFile(prefix="roish-map-")  # noqa: SIM115  # closed by its worker
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file


def _start_process(
    channel: int, line: int, streams: list[IO[bytes]], memory_limit: int | None, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    # A fresh Python, not a fork: this process has threads.
    program = PROGRAM.format(path=sys.path, channel=channel, line=line, limit=memory_limit)
    return subprocess.Popen(
        [sys.executable, "-c", program],  # with the environment's encoding of names, as in this process
        stdin=subprocess.DEVNULL,
        stdout=streams[0],
        stderr=streams[1],
        pass_fds=[channel, line],
        env=environment,
        start_new_session=True,  # Ctrl-C at the terminal is for the driver, which lets them finish
    )


def _cause(status: int) -> str:
    """Why a process has ended that should not have."""
    if status >= 0:
        return f"the process ended with exit status {status}"
    hint = ", perhaps for lack of memory" if -status == signal.SIGKILL else ""
    return f"the process was ended by {_signal_name(-status)}{hint}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
