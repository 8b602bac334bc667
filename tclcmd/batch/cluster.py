"""Workers on a Dask cluster: the same tasks, with the same limits, in processes that Dask starts elsewhere.

On each of its machines the task runs in a pool as on this one (pool.py), so that an input which crashes its process, or
never ends, costs neither the Dask worker nor the other tasks there. Dask moves the tasks of a worker that has vanished
to others. What Dask does not do is done here: the tasks that a scheduler had when it ended are sent again to the one
that takes its place.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import click

from pyroi.install import how_to_add
from tclcmd.batch.outcome import Outcome
from tclcmd.batch.pool import Pool
from tclcmd.batch.workers import Broken, Workers

#: The prefix of an address that starts a cluster on this machine; the number of processes follows.
LOCAL = "local:"

#: The seconds to wait for a scheduler at the beginning, and for a lost one.
CONNECT_SECONDS, PATIENCE_SECONDS = 10, 300

#: The seconds between two checks of the number of workers.
LOOK_SECONDS = 2.0

#: The smallest number of calls in progress, and their number per thread of the cluster. Messages take longer than in a
#: pool.
LEAST_WINDOW, PER_THREAD = 16, 4


# ---- On the machines of the cluster ----------------------------------------------------------------------------------


@dataclass
class Place:
    """What a run has in this Dask worker: its pool, a folder for temporary files, and the number of calls under way."""

    pool: Pool
    folder: str
    calls: int = 0

    def end(self) -> None:
        """Ends the pool, and removes its files."""
        self.pool.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


_lock = threading.Lock()
_places: dict[str, Place] = {}  # by run


def call(run: str, limits: Mapping[str, Any], function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Calls the function in the pool that the run has in this Dask worker."""
    with _lock:
        place = _place_of(run, limits)
        place.calls += 1
    try:
        return place.pool.submit(function, *arguments).result()
    finally:
        with _lock:
            place.calls -= 1


def _place_of(run: str, limits: Mapping[str, Any]) -> Place:
    if run not in _places:
        from distributed import get_worker

        _end_idle()
        worker = get_worker()
        folder = tempfile.mkdtemp(prefix="roish-map-", dir=worker.local_directory)  # which Dask removes, too
        _places[run] = Place(Pool(worker.state.nthreads, **limits, variables={"TMPDIR": folder}), folder)
    return _places[run]


def _end_idle() -> None:
    """Ends what runs have here whose drivers were killed, perhaps. A run that has merely paused begins again."""
    for run in [run for run, place in _places.items() if not place.calls]:
        _places.pop(run).end()


def end(run: str) -> None:
    """Ends the processes of a run in this Dask worker."""
    with _lock:
        if place := _places.pop(run, None):
            place.end()
        _end_idle()


# ---- In the driver ---------------------------------------------------------------------------------------------------


def connect(address: str, limits: Mapping[str, Any]) -> Cluster:
    """Connects to the scheduler at an address, or starts a cluster for ``local:N``."""
    try:
        import distributed
    except ImportError as error:
        raise click.ClickException(f"--scheduler needs distributed ({error}): {how_to_add('cluster')}") from None
    # The outcomes of the inputs, and lines of this program, report lost connections. Dask gives some of its loggers
    # levels of their own.
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
    if not address.startswith(LOCAL):
        return _connected(address, limits)
    count = address.removeprefix(LOCAL)
    if not count.isdecimal() or not 1 <= int(count) <= 1024:
        raise click.UsageError(f"--scheduler {LOCAL}N takes 1 to 1024 processes, got {address}")
    try:
        local = distributed.LocalCluster(
            n_workers=int(count),
            threads_per_worker=1,
            dashboard_address=None,
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        )
    except (OSError, RuntimeError) as error:
        raise click.ClickException(f"cannot start a cluster on this machine: {error}") from None
    return _connected(local.scheduler_address, limits, local)


def _connected(address: str, limits: Mapping[str, Any], local: Any = None) -> Cluster:
    try:
        return Cluster(address, limits, local)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"there is no Dask scheduler at {address}: {error}") from None


@dataclass
class Call:
    """A call that the cluster has, or will have again."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    future: Future[Any]


class Cluster(Workers):
    """The workers of a Dask cluster. New workers are used, and the calls of lost workers are repeated by others."""

    def __init__(self, address: str, limits: Mapping[str, Any], local: Any = None) -> None:
        self._address, self._limits, self._local = address, dict(limits), local
        self._run = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._client = self._connect()
        self._threads = self._count_threads()
        self._begins_nothing = self._is_closed = False
        self._has_told = False  # that there are no workers
        self._broken: str | None = None
        self._at_dask: dict[Any, Call] = {}  # Dask's future -> the call
        self._lost: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._keeper = threading.Thread(target=self._keep, name="roish-map-cluster", daemon=True)
        self._keeper.start()

    def _connect(self) -> Any:
        from distributed import Client

        return Client(self._address, timeout=CONNECT_SECONDS, set_as_default=False)

    def _count_threads(self) -> int:
        return sum(self._client.nthreads().values())

    # ---- For callers ----

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Schedules a call of a function that can be imported on the machines of the cluster."""
        if named:
            raise TypeError("the functions of this executor take no named arguments")
        if self._broken is not None:
            raise Broken(self._broken)
        each = Call(function, arguments, Future())
        if self._begins_nothing:
            each.future.cancel()
        elif each.future.set_running_or_notify_cancel():  # Dask does not report when it begins
            self._send(each)
        return each.future

    def begin_nothing(self) -> None:
        """Cancels the calls that are still to come. The scheduler does not report which of the others have begun."""
        self._begins_nothing = True

    def window(self) -> int:
        """The largest number of calls that it is useful to have under way."""
        return max(LEAST_WINDOW, PER_THREAD * self._threads)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the processes of this run in the cluster, and the cluster if it was started for it."""
        if self._is_closed:
            return
        self._is_closed = True
        self._lost.put(None)
        self._keeper.join()
        with contextlib.suppress(Exception):  # a lost cluster has no processes to end
            # Otherwise a call that waits at a worker would start processes of this run again after their end.
            self._client.cancel(list(self._at_dask), force=True)
            self._client.run(end, self._run)
        for closable in (self._client, self._local):
            with contextlib.suppress(Exception):
                if closable is not None:
                    closable.close(timeout=CONNECT_SECONDS)

    def kill(self) -> None:
        """Ends the processes, also in the middle of a call."""
        self.shutdown()

    # ---- What Dask has, and what it has lost ----

    def _send(self, each: Call) -> None:
        try:
            future = self._client.submit(
                call, self._run, self._limits, each.function, each.arguments, pure=False, key=self._key()
            )
        except Exception:  # the connection is lost
            self._lost.put(each)
            return
        self._at_dask[future] = each
        future.add_done_callback(self._receive)

    def _key(self) -> str:
        """A name at the scheduler that no other call has, of this run or another."""
        return f"roish-map-{self._run}-{os.urandom(8).hex()}"

    def _receive(self, future: Any) -> None:
        each = self._at_dask.pop(future)
        if future.status == "finished":
            try:
                each.future.set_result(future.result())
                return
            except Exception:  # both the worker with the result and the connection to the scheduler are lost
                self._lost.put(each)
        elif future.status == "error":
            each.future.set_result(Outcome(_reason(future.exception())))
        else:
            self._lost.put(each)

    def _keep(self) -> None:
        """Sends lost calls again, and follows the number of workers."""
        looked = time.monotonic()
        while True:
            try:
                lost = self._lost.get(timeout=LOOK_SECONDS)
                if lost is None:
                    return
                if not self._is_closed:
                    self._send_again(lost)
            except queue.Empty:
                pass
            if time.monotonic() - looked > LOOK_SECONDS:
                with contextlib.suppress(Exception):  # the connection is lost, which the next call notices
                    self._look()
                looked = time.monotonic()

    def _look(self) -> None:
        before, self._threads = self._threads, self._count_threads()
        if not self._threads and (before or not self._has_told):
            self.say(f"there are no Dask workers at {self._address}; the run goes on when one joins")
        elif self._threads and not before and self._has_told:
            self.say("Dask workers have joined")
        self._has_told = self._has_told or not self._threads

    def _send_again(self, each: Call) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        is_lost = self._client.status != "running"
        if is_lost:
            self.say(f"the scheduler at {self._address} is lost; the run waits {PATIENCE_SECONDS} s for it to return")
        while self._broken is None and not self._is_closed:
            if self._client.status == "running" or self._reconnect():
                if is_lost:
                    self.say("there is a scheduler again")
                self._send(each)
                return
            if time.monotonic() > until:
                self._broken = (
                    f"the scheduler at {self._address} was lost, and has not come back in {PATIENCE_SECONDS} s"
                )
        each.future.set_exception(Broken(self._broken or "the run was stopped"))

    def _reconnect(self) -> bool:
        """Waits a moment for the connection. Returns whether there is one again."""
        if self._client.status == "closed":  # it has given up
            try:
                self._client = self._connect()
            except (OSError, ValueError):
                return False
        else:
            time.sleep(0.1)
        return bool(self._client.status == "running")


def _reason(error: BaseException) -> str:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return "the Dask workers that worked on it were lost, one after the other"
    return f"{type(error).__name__}: {error}"
