"""One process per engine and number of threads, and the messages exchanged with it.

The parent calls methods of `Worker`; each sends (method's name, arguments) over a pipe, and the process answers with
the result of the method of that name of `Bench`, or with an exception. One at a time: while one process computes, the
others wait for a message, so that calls of different engines can be interleaved without disturbing each other.
"""

from __future__ import annotations

import gc
import inspect
import math
import multiprocessing
import os
from multiprocessing.connection import Connection
from time import perf_counter, process_time
from typing import Any

import numpy as np
from engines import Absent, Engine
from workloads import Workload


class Bench:
    """The side that has the engine."""

    def __init__(self, engine: Engine, threads: int, cpu_time: bool) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self.threads = threads
        self.clock = process_time if cpu_time else perf_counter
        self.version, self.operators = engine.load(threads)
        self.call: Any = None

    def about(self) -> tuple[str, list[str]]:
        """The engine's version, and the operators it has."""
        return self.version, list(self.operators)

    def prepare(self, workload: Workload) -> None:
        """Makes the call that the other methods use."""
        function, arguments = self.operators[workload.operator], workload.arguments()
        try:
            inspect.signature(function).bind(**arguments)
        except TypeError as error:
            raise Absent(f"it has no such argument ({error})") from None
        self.call = function(**arguments)

    def result(self) -> np.ndarray:
        """What the call returns."""
        result = self.call()
        return np.asarray(result[0] if isinstance(result, tuple) else result)

    def time(self, slot: float) -> float:
        """Seconds per call: of one that fills `slot` seconds by itself, else the mean of as many as do, after it."""
        start = self.clock()
        self.call()
        first = self.clock() - start
        if first >= slot:
            return first
        repeats = math.ceil(slot / first)
        start = self.clock()
        for _ in range(repeats):
            self.call()
        return (self.clock() - start) / repeats

    def forget(self) -> None:
        """Frees the workload."""
        self.call = None


def serve(pipe: Connection, engine: Engine, threads: int, cpu_time: bool) -> None:
    """The process: answers until the pipe is closed."""
    try:
        bench: Any = Bench(engine, threads, cpu_time)
        gc.disable()
    except (ImportError, Absent) as error:
        pipe.send(error if isinstance(error, Absent) else Absent(f"not installed ({error})"))
        return
    pipe.send(None)
    while True:
        try:
            name, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = getattr(bench, name)(*arguments)
        except Exception as error:
            answer = error
        pipe.send(answer)
        del answer  # a result's memory can be used by the next call


class Worker:
    """The parent's side. `Absent` is raised where the engine cannot run."""

    def __init__(self, engine: Engine, threads: int, cpu_time: bool = False) -> None:
        self.engine, self.threads = engine, threads
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, engine, threads, cpu_time), daemon=True)
        self._process.start()
        theirs.close()
        self._answer()
        self.version, self.operators = self._ask("about")

    def prepare(self, workload: Workload) -> None:
        """See Bench."""
        self._ask("prepare", workload)

    def result(self) -> np.ndarray:
        """See Bench."""
        return self._ask("result")

    def time(self, slot: float) -> float:
        """See Bench."""
        return self._ask("time", slot)

    def forget(self) -> None:
        """See Bench."""
        self._ask("forget")

    def close(self) -> None:
        """Lets the process end, and waits until its memory is free."""
        self._pipe.close()
        self._process.join()

    def _ask(self, name: str, *arguments: object) -> Any:
        self._pipe.send((name, arguments))
        return self._answer()

    def _answer(self) -> Any:
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise Absent("its process died") from None
        if isinstance(answer, Exception):
            raise answer
        return answer
