"""The chart: for each workload, the time of each peer relative to pyroi."""

from __future__ import annotations

import pathlib
from itertools import cycle

from report import Report, counted
from workloads import Workload

COLOURS = ["#8c6bb1", "#41ab5d", "#fe9929", "#3690c0", "#8c96a0", "#d6604d"]


def compared(report: Report, threads: int) -> list[Workload]:
    """The workloads that ours and a peer were timed on."""
    best, *_ = report.engines(ours=True)
    timed = {row.workload for row in report.rows if not row.ours and row.threads == threads}
    return [w for w in report.workloads() if w.name in timed and report.find(w.name, best, threads)]


def bars(report: Report, threads: int) -> dict[str, list[tuple[float, float]]]:
    """For each peer its bars, (place, length); workload number y has its bars about y, none where none was timed."""
    best = report.engines(ours=True)[0]
    result: dict[str, list[tuple[float, float]]] = {peer: [] for peer in report.engines(ours=False)}
    for y, workload in enumerate(compared(report, threads)):
        ours = report.find(workload.name, best, threads)
        rows = [row for peer in result if (row := report.find(workload.name, peer, threads))]
        for i, row in enumerate(rows):
            if ours:
                result[row.engine].append((y + (i - (len(rows) - 1) / 2) / len(result), row.median / ours.median))
    return result


def draw(report: Report, path: pathlib.Path) -> None:
    """Writes a PNG: a group of bars per workload, a bar per peer, at the largest number of threads measured."""
    from matplotlib.figure import Figure

    threads = max(report.threads)
    titles = [workload.title for workload in compared(report, threads)]
    figure = Figure(figsize=(10, 1.2 + 0.45 * len(titles)), layout="constrained")
    axes = figure.subplots()
    peers = bars(report, threads)
    for (peer, found), colour in zip(peers.items(), cycle(COLOURS)):
        lengths = [length for _, length in found]
        places = [place for place, _ in found]
        drawn = axes.barh(places, [n - 1 for n in lengths], 0.8 / len(peers), left=1, label=peer, color=colour)
        axes.bar_label(drawn, [f"{n:.1f}" for n in lengths], padding=3, fontsize=8)
    axes.set_xscale("log")
    ticks = [1, 2, 5, 10, 20, 50, 100, 200]
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.minorticks_off()
    axes.axvline(1, color="black", linewidth=1)
    axes.margins(x=0.08, y=0.01)
    axes.set_yticks(range(len(titles)), titles)
    axes.invert_yaxis()
    axes.spines[["top", "right", "left"]].set_visible(False)
    tier = report.engines(ours=True)[0].split()[-1]
    figure.suptitle(f"Time of a call, as a multiple of pyroi's ({tier}, float32, {counted(threads)})")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(peers), frameon=False, fontsize=9
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
