"""Results as JSON, and as Markdown tables: times, ratios, and changes since an earlier run."""

from __future__ import annotations

import json
import os
import pathlib
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from measure import Row
from workloads import WORKLOADS, Workload


@dataclass
class Report:
    """One run."""

    machine: str
    versions: list[str]
    threads: list[int]
    copy_speed: dict[str, dict[int, float]]  # by workload and number of threads
    floors: dict[str, int | None]
    rows: list[Row]

    def find(self, workload: str, engine: str, threads: int) -> Row | None:
        """The row of these three, if it was measured."""
        return find(self.rows, workload, engine, threads)

    def engines(self, ours: bool) -> list[str]:
        """Names, in the order of measuring; the first of ours is the best tier."""
        return list(dict.fromkeys(row.engine for row in self.rows if row.ours == ours))

    def workloads(self) -> list[Workload]:
        """Those that were measured."""
        measured = {row.workload for row in self.rows}
        return [workload for workload in WORKLOADS if workload.name in measured]

    def floor(self, workload: str, threads: int) -> float | None:
        """Seconds that moving the bytes takes at copy speed, where that matters."""
        moved = self.floors[workload]
        return moved / self.copy_speed[workload][threads] if moved else None


def find(rows: Iterable[Row], workload: str, engine: str, threads: int) -> Row | None:
    """The row of these three, if it is there."""
    for row in rows:
        if (row.workload, row.engine, row.threads) == (workload, engine, threads):
            return row
    return None


def save(report: Report, path: pathlib.Path) -> None:
    """Writes a report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")


class Unreadable(Exception):
    """A file that does not hold what is asked of it."""


def read(path: pathlib.Path) -> dict[str, Any]:
    """What `save` wrote. Its rows have been the same in all versions of this program, the rest has not."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return data | {"rows": [Row(**row) for row in data["rows"]]}
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"{path} is no result of these benchmarks: {error}") from error


def load_rows(path: pathlib.Path) -> list[Row]:
    """The times alone, of this version or another."""
    rows: list[Row] = read(path)["rows"]
    return rows


def load(path: pathlib.Path) -> Report:
    """Reads what `save` of this version wrote."""
    data = read(path)
    try:
        data["copy_speed"] = {
            workload: {int(threads): speed for threads, speed in by_threads.items()}
            for workload, by_threads in data["copy_speed"].items()
        }
        return Report(**data)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise Unreadable(f"{path} was written by another version of the benchmarks; --compare can read it") from error


def machine() -> str:
    """The processor, in one line."""
    try:
        model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        model = None
    return f"{os.cpu_count()} x {model[1] if model else platform.processor() or platform.machine()}"


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column is text, the others are numbers."""
    rows = [header, ["---"] + ["---:"] * (len(header) - 1), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def milliseconds(seconds: float) -> str:
    """Three digits, in ms."""
    value = seconds * 1e3
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive numbers."""
    product = 1.0
    for value in values:
        product *= value ** (1 / len(values))
    return product


def times(report: Report, threads: int) -> str:
    """Milliseconds of every engine."""
    names = report.engines(ours=True) + report.engines(ours=False)

    def cell(row: Row | None) -> str:
        return f"{milliseconds(row.median)} ±{row.spread:.0%}" if row else "-"

    lines = []
    for workload in report.workloads():
        floor = report.floor(workload.name, threads)
        cells = [cell(report.find(workload.name, name, threads)) for name in names]
        lines.append([workload.title, *cells, milliseconds(floor) if floor else "-"])
    return table([f"ms, {counted(threads)}", *names, "memory floor"], lines)


def ratios(report: Report, threads: int) -> str:
    """What each peer takes in units of our best tier's time; this in units of the memory's floor; what threads gain."""
    best, peers = report.engines(ours=True)[0], report.engines(ours=False)
    lines: list[tuple[str, list[float | None]]] = []
    by_group: dict[str, list[list[float | None]]] = {}
    for workload in report.workloads():
        ours, alone = report.find(workload.name, best, threads), report.find(workload.name, best, 1)
        if ours is None:
            continue
        rows = [report.find(workload.name, peer, threads) for peer in peers]
        line = [row and row.median / ours.median for row in rows]
        by_group.setdefault(workload.group, []).append(line)
        floor = report.floor(workload.name, threads)
        lines.append((workload.title, [*line, floor and ours.median / floor, alone and alone.median / ours.median]))
    for name, group in by_group.items():
        if name and len(group) > 1:
            lines.append((f"geometric mean, {name}", [*map(mean_of_known, zip(*group, strict=True)), None, None]))
    header = [f"{best}, {counted(threads)}", *(f"{peer} / ours" for peer in peers), "ours / floor", "1 thread / ours"]
    return table(header, [[title, *(f"{ratio:.1f}" if ratio else "-" for ratio in line)] for title, line in lines])


def mean_of_known(values: Iterable[float | None]) -> float | None:
    """The geometric mean of those that are there."""
    known = [value for value in values if value]
    return geometric_mean(known) if known else None


def counted(threads: int) -> str:
    """`1 thread`, `2 threads`."""
    return f"{threads} thread" + "s" * (threads != 1)


def comparison(old: Sequence[Row], new: Report) -> str:
    """Our times against an earlier run's, with the machine's drift, as the peers show it, taken out."""
    pairs = [(find(old, row.workload, row.engine, row.threads), row) for row in new.rows]
    both = [(before, row) for before, row in pairs if before]
    peers = [row.median / before.median for before, row in both if not row.ours]
    drift = geometric_mean(peers) if peers else 1.0
    lines = [
        [
            row.workload,
            row.engine,
            str(row.threads),
            milliseconds(before.median),
            milliseconds(row.median),
            f"{row.median / before.median / drift:.2f}",
        ]
        for before, row in both
        if row.ours
    ]
    word = f"The peers took {drift:.2f} times as long as then; the last column has that taken out.\n\n" if peers else ""
    return word + table(["workload", "engine", "threads", "ms then", "ms now", "now / then"], lines)


def copy_speeds(report: Report) -> str:
    """How fast memory was copied, in the middle of all workloads beside which it was."""
    speeds = [speed for speed in report.copy_speed.values() if speed]
    if not speeds:
        return "not copied"
    by_threads = {n: median(speed[n] for speed in speeds) for n in report.threads}
    each = ", ".join(f"{speed / 1e9:.0f} GB/s ({counted(n)})" for n, speed in by_threads.items())
    return f"copied at {each}, bytes read and written"


def markdown(report: Report) -> str:
    """The whole report."""
    versions = ", ".join(report.versions)
    parts = [f"{report.machine}; memory {copy_speeds(report)}; {versions}."]
    for threads in report.threads:
        parts.append(times(report, threads))
        if report.engines(ours=True):
            parts.append(ratios(report, threads))
    return "\n\n".join(parts)
