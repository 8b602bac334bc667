"""The growth of time: one size is varied, all others are fixed, and an exponent is fitted.

An exponent of 1 is linear; well above 1 something does not fit (a cache, an algorithm), well below 1 something else
than the work is paid for. The steps between neighbouring sizes are printed beside the times: knees are seen there.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import measure
from engines import ENGINES, Engine
from report import counted, milliseconds, table
from worker import Worker
from workloads import RoiWorkload

BASE = RoiWorkload("growth", "", ((1, 64, 200, 336),), (1 / 4,), 300, (64, 64), 7, 2)
SLOT = 0.05


@dataclass(frozen=True)
class Axis:
    """One size that is varied."""

    title: str
    points: dict[int, RoiWorkload]


def sized(channels: int = 64, height: int = 200) -> RoiWorkload:
    """The base with another map; its width follows its height."""
    return replace(BASE, maps=((1, channels, height, height * 336 // 200),))


AXES = [
    Axis("boxes", {n: replace(BASE, count=n) for n in (1, 10, 100, 1000, 10_000, 100_000)}),
    Axis("channels", {n: sized(channels=n) for n in (1, 4, 16, 64, 256, 1024)}),
    Axis("output side", {n: replace(BASE, output=n) for n in (1, 2, 4, 7, 14, 28, 56)}),
    Axis("box side in px, 2 samples a bin", {n: replace(BASE, sides=(n, n)) for n in (16, 32, 64, 128, 256, 512)}),
    Axis("the same, adaptive", {n: replace(BASE, sides=(n, n), ratio=-1) for n in (16, 32, 64, 128, 256, 512)}),
    Axis("map height", {n: sized(height=n) for n in (25, 50, 100, 200, 400, 800)}),
]


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The slope of a straight line through the logarithms."""
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(t) for t in seconds]).slope


def medians(worker: Worker, workloads: Sequence[RoiWorkload], rounds: int) -> list[float]:
    """Seconds per call of each workload."""
    result = []
    for workload in workloads:
        worker.prepare(workload)
        result.append(statistics.median(worker.time(SLOT) for _ in range(rounds)))
    worker.forget()
    return result


def cells(sizes: Sequence[int], seconds: Sequence[float]) -> list[str]:
    """`size: ms` for each size, and between two sizes the exponent of that step."""
    text = f"{sizes[0]}: {milliseconds(seconds[0])}"
    for (n, t), (m, u) in pairwise(zip(sizes, seconds, strict=True)):
        text += f" ({exponent((n, m), (t, u)):+.2f}) {m}: {milliseconds(u)}"
    return [text, f"{exponent(sizes, seconds):.2f}"]


def of_engine(worker: Worker, rounds: int) -> str:
    """One engine's table."""
    lines = []
    for axis in AXES:
        measure.say(f"{worker.engine.name}: {axis.title} …")
        lines.append([axis.title, *cells(list(axis.points), medians(worker, list(axis.points.values()), rounds))])
    head = f"{worker.engine.name}, {counted(worker.threads)}"
    return table([head, "size: ms (exponent of the step)", "exponent"], lines)


def over_threads(engine: Engine, counts: Sequence[int], starts: int, rounds: int) -> str:
    """One engine's times on the base with more boxes and more and more threads, in turns; -1 would be perfect."""
    workload = replace(BASE, name="threads", title=f"{engine.name}: threads", count=3000)
    measured = measure.measure_anew(lambda _: measure.start_workers([engine], counts), starts, rounds, [workload])
    rows = measured[workload.name].rows
    line = ["threads", *cells([row.threads for row in rows], [row.median for row in rows])]
    return table([engine.name, "threads: ms (exponent of the step)", "exponent"], [line])


def markdown(names: Sequence[str], threads: int, starts: int, rounds: int) -> str:
    """Tables for the first engine that each name is the beginning of and that runs here."""
    parts = []
    for name in names:
        for engine in ENGINES:
            workers = measure.start_workers([engine], [threads]) if engine.name.startswith(name) else []
            if workers:
                parts.append(of_engine(workers[0], rounds))
                counts = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= (os.cpu_count() or 1)]
                if len(counts) > 1:
                    parts.append(over_threads(engine, counts, starts, rounds))
                break
    return "\n\n".join(parts)
