"""Measurement: the results of all engines are compared, then their times are measured in turns.

The machine's speed wanders, by a third from minute to minute. So one round times each engine once, on one workload, and
the rounds are repeated: what disturbs the machine disturbs all of them alike. The figure is the median of the rounds,
the spread half the distance between the quartiles. Ratios of one run are worth more than its milliseconds. Copying
memory, which tells how fast a workload could be at best, takes its turn like an engine.

What a process got of the machine's memory is not all equally fast, which no median within that process shows. So all
of this is done some times over, each time with new processes, which come up in another order; all rounds count.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter, process_time

import numpy as np
from engines import Absent, Engine
from worker import Worker
from workloads import Workload

# Two results agree if no element differs by more than the larger of both engines' tolerances, relative to the largest
# magnitude of the result. float32 carries 6e-8; sums over a bin's or a pixel's shares, in any order, stay well below
# 2e-5. Engines that place samples by other steps in float32, or whose compiler contracts sums, move them by
# 3e-5 pixels at the far end of a map, and have a tolerance of their own. A wrong sample is far above. Where 16 bits are
# stored, their rounding comes on top.
TOLERANCES_16 = {"float16": 2e-3, "bfloat16": 8e-3}
SLOT = 0.1  # seconds of repeated calls that are timed as one


@dataclass
class Row:
    """One engine's times on one workload."""

    workload: str
    engine: str
    threads: int
    ours: bool
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Seconds per call."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, relative to the median."""
        low, high = np.percentile(self.seconds, [25, 75])
        return float(high - low) / 2 / self.median


class Disagreement(Exception):
    """Two engines do not compute the same, so their times do not compare."""


def say(*words: object) -> None:
    """Progress, beside the tables."""
    print(*words, file=sys.stderr, flush=True)


def start_workers(engines: Sequence[Engine], threads: Sequence[int], cpu_time: bool = False) -> list[Worker]:
    """A process per engine and number of threads. What cannot run is left out, with a word."""
    workers = []
    for engine in engines:
        try:
            workers += [Worker(engine, count, cpu_time) for count in threads]
        except Absent as reason:
            say(f"{engine.name}: skipped, {reason}")
    return workers


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference of two results, relative to the largest magnitude."""
    if one.shape != other.shape:
        return np.inf
    if one.dtype.kind in "iub":
        return 0.0 if np.array_equal(one, other) else np.inf
    return float(np.abs(one.astype(float) - other).max(initial=0) / np.abs(other).max(initial=1e-30))


def prepare(workload: Workload, workers: Sequence[Worker]) -> list[Worker]:
    """Readies those that can, and compares each result with that of the engine of least tolerance, a peer if any."""
    able = []
    for worker in workers:
        try:
            worker.prepare(workload)
            able.append(worker)
        except Absent as reason:
            say(f"{workload.name}: {worker.engine.name}: skipped, {reason}")
    # Of several, the last: peers stand behind ours.
    reference = min(reversed(able), key=lambda worker: worker.engine.tolerance, default=None)
    expected = reference.result() if reference else None
    for worker in able:
        if worker is reference:
            continue
        result = worker.result()
        apart = difference(result, expected)
        tolerance = max(worker.engine.tolerance, reference.engine.tolerance)
        allowed = TOLERANCES_16.get(result.dtype.name, tolerance)
        if not apart <= allowed:
            raise Disagreement(
                f"{workload.name}: {worker.engine.name} and {reference.engine.name} differ by {apart:.2g} "
                f"of the largest magnitude; {allowed:.0e} is allowed"
            )
    return able


class Copying:
    """Memory that some threads copy to other memory, far more of it than caches hold."""

    def __init__(self, threads: int, cpu_time: bool = False, size: int = 1 << 28) -> None:
        source, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
        self.threads, self._moved, self._clock = threads, 2 * size, process_time if cpu_time else perf_counter
        self._parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
        self._pool = ThreadPoolExecutor(threads)

    def speed(self) -> float:
        """Bytes read plus bytes written per second, this time."""
        start = self._clock()
        list(self._pool.map(lambda part: np.copyto(*part), self._parts))
        return self._moved / (self._clock() - start)


@dataclass
class Measurement:
    """One workload: the times of all engines, and how fast memory was copied in each round, by number of threads."""

    rows: list[Row]
    copy_speeds: dict[int, list[float]]

    @property
    def copy_speed(self) -> dict[int, float]:
        """The medians."""
        return {threads: statistics.median(speeds) for threads, speeds in self.copy_speeds.items()}

    def extend(self, later: Measurement) -> None:
        """Takes in what was measured of the same workload with other processes."""
        times = {(row.engine, row.threads): row.seconds for row in later.rows}
        for row in self.rows:
            row.seconds += times.get((row.engine, row.threads), [])
        for threads, speeds in later.copy_speeds.items():
            self.copy_speeds[threads] += speeds


def measure(workload: Workload, workers: Sequence[Worker], copying: Sequence[Copying], rounds: int) -> Measurement:
    """Times one workload on the workers that have its operator; copying, too, if it matters there."""
    able = prepare(workload, [worker for worker in workers if workload.operator in worker.operators])
    rows = [Row(workload.name, worker.engine.name, worker.threads, worker.engine.ours) for worker in able]
    copying = copying if workload.floor_bytes() else []
    speeds: dict[int, list[float]] = {copy.threads: [] for copy in copying}
    for _ in range(rounds):
        for row, worker in zip(rows, able, strict=True):
            row.seconds.append(worker.time(SLOT))
        for copy in copying:
            speeds[copy.threads].append(copy.speed())
    for worker in able:
        worker.forget()
    return Measurement(rows, speeds)


def measure_anew(
    start: Callable[[int], Sequence[Worker]],
    starts: int,
    rounds: int,
    workloads: Sequence[Workload],
    copied: Sequence[int] = (),
    cpu_time: bool = False,
) -> dict[str, Measurement]:
    """Times workloads, by name, on workers that are started some times (`start` is told which time it is, from 0).

    `rounds` in all, copying with these numbers of threads, by the clock or by processor time.
    """
    measured: dict[str, Measurement] = {}
    for number in range(starts):
        workers = start(number)
        copying = [Copying(threads, cpu_time) for threads in copied]
        for workload in workloads:
            say(f"{number + 1}/{starts} {workload.title} …")
            this = measure(workload, workers, copying, -(-rounds // starts))
            if workload.name in measured:
                measured[workload.name].extend(this)
            else:
                measured[workload.name] = this
        for worker in workers:
            worker.close()
    return measured
