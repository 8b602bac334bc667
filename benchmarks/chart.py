"""The chart: for each workload, the time of each peer relative to pyroi."""

from __future__ import annotations

import pathlib
import textwrap
from itertools import cycle

from report import Report, counted
from workloads import Workload

COLOURS = ["#8c6bb1", "#41ab5d", "#fe9929", "#3690c0", "#8c96a0", "#d6604d", "#253494", "#c994c7"]
BAR, GAP = 0.17, 0.13  # inches: a bar, and what is between two workloads


def compared(report: Report, threads: int) -> list[Workload]:
    """The workloads that ours and a peer were timed on."""
    best, *_ = report.engines(ours=True)
    timed = {row.workload for row in report.rows if not row.ours and row.threads == threads}
    return [w for w in report.workloads() if w.name in timed and report.find(w.name, best, threads)]


def bars(report: Report, threads: int) -> tuple[list[float], dict[str, list[tuple[float, float]]]]:
    """The middle of each workload's bars from the top, and for each peer its bars: (place, length)."""
    best = report.engines(ours=True)[0]
    found: dict[str, list[tuple[float, float]]] = {peer: [] for peer in report.engines(ours=False)}
    middles, top = [], 0.0
    for workload in compared(report, threads):
        ours = report.find(workload.name, best, threads)
        rows = [row for peer in found if (row := report.find(workload.name, peer, threads))]
        for i, row in enumerate(rows):
            if ours:
                found[row.engine].append((top + (i + 0.5) * BAR, row.median / ours.median))
        middles.append(top + len(rows) * BAR / 2)
        top += len(rows) * BAR + GAP
    return middles, {peer: shown for peer, shown in found.items() if shown}


def draw(report: Report, path: pathlib.Path) -> None:
    """Writes a PNG: a group of bars per workload, a bar per peer, at the largest number of threads measured."""
    from matplotlib.figure import Figure

    threads = max(report.threads)
    middles, peers = bars(report, threads)
    figure = Figure(figsize=(10, 1.8 + middles[-1] + BAR), layout="constrained")
    axes = figure.subplots()
    for (peer, found), colour in zip(peers.items(), cycle(COLOURS)):
        places, lengths = zip(*found, strict=True)
        drawn = axes.barh(places, [n - 1 for n in lengths], 0.85 * BAR, left=1, label=peer, color=colour)
        axes.bar_label(drawn, [f"{n:.1f}" for n in lengths], padding=3, fontsize=8)
    axes.set_xscale("log")
    ticks = [1, 2, 5, 10, 20, 50, 100, 200]
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.minorticks_off()
    axes.axvline(1, color="black", linewidth=1)
    axes.margins(x=0.08, y=0.01)
    axes.set_yticks(middles, [workload.title for workload in compared(report, threads)])
    axes.invert_yaxis()
    axes.spines[["top", "right", "left"]].set_visible(False)
    tier = report.engines(ours=True)[0].split()[-1]
    axes.set_xlabel(
        f"time of a call divided by the time of pyroi's; {report.machine}, {tier} kernels, {counted(threads)}\n"
        + "\n".join(textwrap.wrap(", ".join(report.versions), 110)),
        fontsize=9,
    )
    figure.suptitle("How many times as long as pyroi each library takes")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(peers), frameon=False, fontsize=9
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
