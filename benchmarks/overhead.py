"""The overhead: the start of the program, and the cost of a call and of a command.

Each figure is the best of some rounds, taken in turns; what is not ours (Python, NumPy, the call from Python) is
measured in the same rounds and taken off.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from time import perf_counter

from report import table

CALLS = 5000
SETUP = "set x [torch::ones {1 1 5 5}]; set b [torch::tensor_create {{0 0 4 4}}]"
COMMANDS = {
    "values in order": "torch::roi_align $x $b {2 2} 1.0 2 true",
    "named": "torch::roi_align -input $x -boxes $b -outputSize {2 2} -spatialScale 1.0 -samplingRatio 2 -aligned true",
}
PYTHON = f"""
import timeit, numpy, pyroi
from pyroi.arrays import describe
from pyroi.box_table import to_boxes
from pyroi.native import ffi, lib
x, b = numpy.ones((1, 1, 5, 5), numpy.float32), numpy.array([[0.0, 0, 4, 4]], numpy.float32)
crop, table = numpy.empty((1, 1, 2, 2), numpy.float32), to_boxes(b, 1)
params = ffi.new("roi_align_params *", lib.roi_align_defaults())
params.sampling_ratio = 2
ready = params, describe(x), table.describe(), describe(crop), ffi.new("roi_error *")
for call in (lambda: pyroi.roi_align(x, b, (2, 2), 1.0, 2, True)), (lambda: lib.roi_align(*ready)):
    print(timeit.timeit(call, number={CALLS}) / {CALLS})
"""


def output_of(*command: str) -> str:
    """What a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def seconds(*command: str) -> float:
    """How long a program runs."""
    start = perf_counter()
    output_of(*command)
    return perf_counter() - start


def of_command(roish: str, script: str) -> float:
    """Seconds per call of a command, by Tcl's own clock."""
    said = output_of(roish, "-c", f"{SETUP}; {script}; puts [lindex [time {{{script}}} {CALLS}] 0]")
    return float(said) * 1e-6


def markdown(rounds: int) -> str:
    """The table."""
    roish = shutil.which("roish", path=sysconfig.get_path("scripts")) or "roish"
    measured: dict[str, list[float]] = {}
    for _ in range(rounds):
        call, kernel = map(float, output_of(sys.executable, "-I", "-c", PYTHON).split())
        now = {
            "numpy": seconds(sys.executable, "-I", "-c", "import numpy"),
            "pyroi": seconds(sys.executable, "-I", "-c", "import pyroi"),
            "roish": seconds(roish, "-c", ""),
            "python": call,
            "kernel": kernel,
            **{name: of_command(roish, script) for name, script in COMMANDS.items()},
        }
        for name, value in now.items():
            measured.setdefault(name, []).append(value)
    best = {name: min(values) for name, values in measured.items()}
    lines = [
        ["`import pyroi`, beyond NumPy's own", f"{(best['pyroi'] - best['numpy']) * 1e3:.0f} ms"],
        ['`roish -c ""`', f"{best['roish'] * 1e3:.0f} ms"],
        ["the smallest call from Python", f"{best['python'] * 1e6:.1f} µs"],
        ["of it, beyond libroi's own call", f"{(best['python'] - best['kernel']) * 1e6:.1f} µs"],
        *([f"a command beyond it, {name}", f"{(best[name] - best['python']) * 1e6:.1f} µs"] for name in COMMANDS),
    ]
    return table(["beside the operators", "cost"], lines)
