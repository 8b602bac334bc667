"""The picture: for each workload, how many times as long as pyroi each peer takes."""

from __future__ import annotations

import pathlib

from report import Report, counted

COLOURS = ["#8c6bb1", "#41ab5d", "#fe9929", "#3690c0"]


def draw(report: Report, path: pathlib.Path) -> None:
    """Writes a PNG: a group of bars per workload, a bar per peer, at the largest number of threads measured."""
    from matplotlib.figure import Figure

    threads = max(report.copy_speed)
    best, peers = report.engines(ours=True)[0], report.engines(ours=False)
    workloads = list(reversed(report.workloads()))
    figure = Figure(figsize=(9, 1 + 0.6 * len(workloads)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / max(len(peers), 1)
    for index, peer in enumerate(peers):
        found = [(report.find(w.name, peer, threads), report.find(w.name, best, threads)) for w in workloads]
        bars = [(y, row.median / ours.median) for y, (row, ours) in enumerate(found) if row and ours]
        places = [y + 0.4 - height * (index + 0.5) for y, _ in bars]
        drawn = axes.barh(places, [x for _, x in bars], height * 0.9, label=peer, color=COLOURS[index % len(COLOURS)])
        axes.bar_label(drawn, fmt="%.1f", padding=3, fontsize=8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.margins(x=0.1)
    axes.set_yticks(range(len(workloads)), [workload.title for workload in workloads])
    axes.set_xlabel(f"time of a call, pyroi = 1 (float32, {counted(threads)}; longer is slower)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
