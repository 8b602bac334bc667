"""``roish map`` against the same calls in a Python loop per processor, start-up included.

Both read pictures, pool crops from each and write them, by the same functions. The times are those that pass, and those
of the processors, of all processes together, which other programs disturb less. Memory is what the processes have
resident at most, in the second and in the last quarter of the run: the driver, if there is one, and all workers
together. `roish map` runs twice, without a terminal and on one, where it draws a bar. The bar's cost is also measured
alone, since it is less than what two runs differ by.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import pty
import resource
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import termios
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


#: Shows 1000 inputs, and prints the microseconds of processor time per input.
DISPLAY = """\
import time
from tclcmd.batch.outcome import Outcome, Task
from tclcmd.batch.progress import Display
display, task, outcome = Display("s.tcl", 1000, is_quiet=False), Task(0, "/x"), Outcome()
spent = 0.0
for _ in range(1000):
    time.sleep(0.005)
    begin = time.process_time()
    display.settle(task, outcome)
    spent += time.process_time() - begin
print(spent / 1000 * 1e6)
"""


@dataclass
class Run:
    """What a run took: seconds that passed, seconds of processors, and the resident bytes at times."""

    wall: float = 0.0
    cpu: float = 0.0
    resident: list[tuple[int, int]] = field(default_factory=list)  # of drivers, of workers

    def growth(self, of: int) -> str:
        """The largest memory in the second and the fourth quarter, when all workers are at work."""
        sizes = [size[of] for size in self.resident]
        quarter = len(sizes) // 4
        early, late = sizes[quarter : 2 * quarter], sizes[3 * quarter :]
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


@contextlib.contextmanager
def terminal() -> Iterator[int]:
    """A terminal of 80 columns, from which all is read and nothing is shown."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))

    def read() -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while os.read(ours, 1 << 16):
                pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


def measured(commands: list[list[str]], stderr: int = subprocess.DEVNULL) -> Run:
    """Runs programs side by side to their end."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    processes = [subprocess.Popen(command, stderr=stderr) for command in commands]
    run, is_over = Run(), threading.Event()

    def watch() -> None:
        while not is_over.wait(0.2):
            sizes = [list(_resident(process.pid)) for process in processes]
            run.resident.append((sum(sum(each[:1]) for each in sizes), sum(sum(each[1:]) for each in sizes)))

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
        shutil.rmtree(folder / "out")
        with terminal() as stderr:
            drawn = measured([mapping], stderr)
    rows = [
        ["a Python loop per processor", *_times(loop), "", loop.growth(0)],
        ["`roish map`, progress in lines", *_times(mapped), mapped.growth(0), mapped.growth(1)],
        ["ratio", *_ratios(mapped, loop), "", ""],
        ["`roish map`, with a bar", *_times(drawn), drawn.growth(0), drawn.growth(1)],
        ["ratio", *_ratios(drawn, loop), "", ""],
    ]
    head = [f"{count} pictures of {WIDTH} x {HEIGHT}, {jobs} processes", "time", "processor time", "driver", "workers"]
    with terminal() as stderr:
        bar = _display_cost(stderr)
    lines = _display_cost(subprocess.DEVNULL)
    return (
        f"{table(head, rows)}\n\nShowing the progress takes {bar:.0f} µs per input with a bar, {lines:.0f} µs in lines."
    )


def _times(run: Run) -> tuple[str, str]:
    return f"{run.wall:.1f} s", f"{run.cpu:.1f} s"


def _ratios(run: Run, to: Run) -> tuple[str, str]:
    return f"{run.wall / to.wall:.2f}", f"{run.cpu / to.cpu:.2f}"


def _display_cost(stderr: int) -> float:
    """The processor time that an input takes to be shown, in microseconds, at 200 inputs a second."""
    done = subprocess.run([sys.executable, "-I", "-c", DISPLAY], stdout=subprocess.PIPE, stderr=stderr, check=True)
    return float(done.stdout)
