"""Writes the figures of docs/performance.md into the pages of the operators: ``python docs/figures.py [--check]``.

Figures are typed in docs/performance.md only. A page has those rows of its tables that `ROWS` names, between two
comments. With ``--check`` nothing is written, and the exit status is 1 if a page differs.
"""

from __future__ import annotations

import pathlib
import re
import sys
from typing import NamedTuple

DOCS = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- Written by docs/figures.py from docs/performance.md. -->\n", "<!-- end of figures -->"

#: For each page the beginnings of the workloads that it shows.
ROWS = {
    "roi_align": (
        "FPN box head:",
        "C4 head:",
        "mask head:",
        "large boxes:",
        "gradient of the FPN box head",
        "four levels",
    ),
    "roi_pool": ("RoIPool, 1000 boxes", "RoIPool with argmax"),
    "position_sensitive": ("PSRoIAlign",),
    "roi_align_rotated": ("rotated RoIAlign",),
    "prroi_pool": ("PrRoIPool",),
    "nms": ("NMS, 1000", "NMS, 5000", "NMS, 20000", "NMS by class"),
    "iou": ("IoU",),
    "boxes": ("boxes of 100 masks",),
    "adaptive_pooling": ("adaptive means", "adaptive maxima"),
    "interpolate": ("bilinear, to twice",),
    "grid_sample": ("bilinear samples",),
    "normalize": ("normalizing",),
}

#: The tables that are read: heading of the section, its table from 0, and the processor that it was measured on.
TABLES = (
    ("RoIAlign with AVX-512", 0, "Zen 4, AVX-512"),
    ("RoIAlign with AVX2", 0, "Zen 4, AVX2 kernels"),
    ("A processor without AVX-512", 0, "Zen 3"),
    ("Other operators", 0, "Zen 4, AVX-512"),
)
#: Columns of peers by the word that their heading has, in the order in which pages show them.
PEERS = ("torchvision", "ONNX Runtime", "OpenVINO", "powerboxes", "a loop in C")

_TABLE = re.compile(r"^\|.*?(?=^(?!\|))", re.DOTALL | re.MULTILINE)


class Row(NamedTuple):
    """A row of a table: the workload, the processor, pyroi's time, and the peers' ratios."""

    workload: str
    processor: str
    time: str
    ratios: dict[str, str]


def rows(text: str) -> list[Row]:
    """All rows of `TABLES` with a time; ratios of one thread, which the first column of a peer has."""
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    found = []
    for section, number, processor in TABLES:
        lines = _TABLE.findall(sections[section])[number].splitlines()
        head, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        time = head.index("pyroi, ms")
        columns = {peer: next((i for i, cell in enumerate(head) if cell.startswith(peer)), None) for peer in PEERS}
        for cells in body:
            ratios = {peer: cells[i] for peer, i in columns.items() if i is not None and cells[i]}
            if cells[time]:
                found.append(Row(cells[0], processor, cells[time], ratios))
    return found


def table(page: str, measured: list[Row]) -> str:
    """The table of a page. A column without any figure is left out.

    Raises:
        ValueError: docs/performance.md has no such row.
    """
    shown = [row for start in ROWS[page] for row in measured if row.workload.startswith(start)]
    for start in ROWS[page]:
        if not any(row.workload.startswith(start) for row in shown):
            raise ValueError(f'no row of docs/performance.md begins with "{start}"')
    peers = [peer for peer in PEERS if any(peer in row.ratios for row in shown)]
    heads = [f"{peer.replace('torchvision', 'torchvision or PyTorch')}, times as long" for peer in peers]
    lines = [["workload, one thread", "processor", "pyroi, ms", *heads], ["---", "---", *["---:"] * (1 + len(peers))]]
    lines += [[row.workload, row.processor, row.time, *(row.ratios.get(peer, "") for peer in peers)] for row in shown]
    spaced = ["|" + "|".join(line) + "|" if "---" in line else "| " + " | ".join(line) + " |" for line in lines]
    return "\n".join(spaced) + "\n"


def filled(page: str, text: str, measured: list[Row]) -> str:
    """A page with its table.

    Raises:
        ValueError: The page has no place for it.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/operators/{page}.md has no place for figures")
    return f"{before}{BEGIN}{table(page, measured)}{END}{after}"


def main() -> int:
    """Writes the pages, or with ``--check`` compares them."""
    measured = rows((DOCS / "performance.md").read_text("utf-8"))
    differ = 0
    for name in ROWS:
        path = DOCS / "operators" / f"{name}.md"
        text = path.read_text("utf-8")
        new = filled(name, text, measured)
        if new != text and "--check" in sys.argv:
            print(f"{path.name} differs from docs/performance.md: run docs/figures.py", file=sys.stderr)
            differ = 1
        elif new != text:
            path.write_text(new, "utf-8")
    return differ


if __name__ == "__main__":
    sys.exit(main())
