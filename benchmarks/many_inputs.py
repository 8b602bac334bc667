"""``roish map`` against the same calls in a Python loop per processor, start-up included.

Both read pictures, pool crops from each and write them, by the same functions. The times are those that pass, and those
of the processors, of all processes together, which other programs disturb less. Memory is what all processes together
have resident at most, in the second and in the last quarter of the run.
"""

from __future__ import annotations

import os
import pathlib
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter

from report import table

#: The inputs: their number, the pictures among them that differ, and the sides of a picture.
COUNT, PICTURES, WIDTH, HEIGHT = 10_000, 50, 1280, 960

SCRIPT = """\
set picture [torch::image_read $input]
set crops [torch::roi_align $picture {{10 10 200 200} {50 60 300 400} {300 100 620 460}} {64 64}]
torch::tensor_save $crops $output
"""

LOOP = """\
import os, sys, pyroi
from tclcmd.files import npy, pictures
pyroi.set_num_threads(1)
boxes = [[10, 10, 200, 200], [50, 60, 300, 400], [300, 100, 620, 460]]
folder, output, part, parts = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for name in sorted(os.listdir(folder))[part::parts]:
    crops = pyroi.roi_align(pictures.load(os.path.join(folder, name)), boxes, (64, 64))
    npy.save(os.path.join(output, os.path.splitext(name)[0] + ".npy"), crops, None)
"""


@dataclass
class Run:
    """What a run took: seconds that passed, seconds of processors, and the resident bytes at times."""

    wall: float = 0.0
    cpu: float = 0.0
    resident: list[int] = field(default_factory=list)

    def growth(self) -> str:
        """The largest memory in the second and the fourth quarter, when all workers are at work."""
        quarter = len(self.resident) // 4
        early, late = self.resident[quarter : 2 * quarter], self.resident[3 * quarter :]
        return f"{max(early, default=0) / 1e6:.0f} MB, {max(late, default=0) / 1e6:.0f} MB"


def make_inputs(folder: pathlib.Path, count: int) -> None:
    """Pictures, and as many links to them as there are inputs."""
    import numpy as np
    from PIL import Image

    dice = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    (folder / "in").mkdir()
    for number in range(PICTURES):
        coarse = dice.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((WIDTH, HEIGHT)).save(folder / "pictures" / f"{number}.jpg")
    for number in range(count):
        os.link(folder / "pictures" / f"{number % PICTURES}.jpg", folder / "in" / f"{number:06}.jpg")


def measured(commands: list[list[str]]) -> Run:
    """Runs programs side by side to their end."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    # Not a terminal: the lines of progress are written, and no bar is drawn.
    processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
    run, is_over = Run(), threading.Event()

    def watch() -> None:
        while not is_over.wait(0.2):
            run.resident.append(sum(resident for process in processes for resident in _resident(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for process in processes:
            if process.wait():
                sys.exit(f"benchmarks: {process.args} failed")
        run.wall = perf_counter() - begin
    finally:
        is_over.set()
        watcher.join()
        for process in processes:  # without an effect on those that have ended
            process.kill()
            process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    run.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return run


def _resident(process: int) -> Iterator[int]:
    """The resident bytes of a process, and of those that it has started."""
    try:
        pages = pathlib.Path(f"/proc/{process}/statm").read_text().split()[1]
        yield int(pages) * os.sysconf("SC_PAGE_SIZE")
        for task in pathlib.Path(f"/proc/{process}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _resident(int(child))
    except OSError:
        return


def markdown(count: int, jobs: int) -> str:
    """The table."""
    roish = shutil.which("roish", path=sysconfig.get_path("scripts")) or "roish"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_inputs(folder, count)
        (folder / "loop").mkdir()
        (folder / "s.tcl").write_text(SCRIPT)
        inputs = [str(folder / "in"), str(folder / "loop")]
        loops = [[sys.executable, "-I", "-c", LOOP, *inputs, str(part), str(jobs)] for part in range(jobs)]
        mapping = [roish, "map", str(folder / "s.tcl"), str(folder / "in" / "*.jpg"), "--jobs", str(jobs)]
        mapping += ["--output", str(folder / "out"), "--suffix", ".npy"]
        loop, mapped = measured(loops), measured([mapping])
        for path in (folder / "loop").iterdir():
            if path.read_bytes() != (folder / "out" / path.name).read_bytes():
                sys.exit(f"benchmarks: {path.name} differs")
    rows = [
        ["a Python loop per processor", f"{loop.wall:.1f} s", f"{loop.cpu:.1f} s", loop.growth()],
        ["`roish map`", f"{mapped.wall:.1f} s", f"{mapped.cpu:.1f} s", mapped.growth()],
        ["ratio", f"{mapped.wall / loop.wall:.2f}", f"{mapped.cpu / loop.cpu:.2f}", ""],
    ]
    head = [f"{count} pictures of {WIDTH} x {HEIGHT}, {jobs} processes", "time", "processor time", "memory"]
    return table(head, rows)
