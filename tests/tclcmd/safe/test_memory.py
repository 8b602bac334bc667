"""The limit of memory, for every command of the declarations: each is called with arguments that need more.

Most of the 64 MB is taken by tensors beforehand, so that two megabytes are left. A command then either fails for lack
of memory or needs little; whichever it is, the resident memory of the process stays below what it had after its start,
plus 64 MB, plus a tenth.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys

import fuzz_words
import pytest
from fuzz_words import FITTING

from tclcmd.language.declare import REGISTRY, Command

ROISH = [sys.executable, "-I", "-m", "tclcmd"]
LIMIT = 64 * 2**20

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the limit needs Linux")

#: Tensors of a few megabytes, by the names that `fuzz_words` uses; together about 35 MB.
SETUP = """
set map_float32 [torch::ones {1 3 1000 1000}]
set maps_float32 [torch::ones {1 4 600 600}]
set image_float32 [torch::ones {3 600 600}]
set map_bool [torch::ones {1 3 1000 1000} bool]
set b4_float32 [torch::ones {1000 4}]
set grad_float32 [torch::ones {2 3 2 2}]
set grad_int64 [torch::zeros {2 3 2 2} int64]
set gradMap_float32 [torch::ones {1 3 2 2}]
set gradMap_int64 [torch::zeros {1 3 2 2} int64]
set gradPs_float32 [torch::ones {2 1 2 2}]
set one_float64 [torch::ones 1 float64]
set image_bool [torch::ones {3 600 600} bool]
set grid_float32 [torch::zeros {1 700 700 2}]
set theta_float32 [torch::tensor_create {{{1 0 0} {0 1 0}}}]
set boxes [torch::tensor_mul [torch::ones {2000 4}] [torch::tensor_create {0 0 90 90}]]
set rois [torch::tensor_mul [torch::ones {2 5}] [torch::tensor_create {0 0 0 90 90}]]
set manyRois [torch::zeros {200000 5}]
set turned [torch::tensor_mul [torch::ones {2000 5}] [torch::tensor_create {9 9 5 5 0}]]
set turnedRois [torch::tensor_mul [torch::ones {2 6}] [torch::tensor_create {0 9 9 5 5 0}]]
set scores [torch::ones 2000]
set idxs [torch::zeros 2000 int64]
set matrix [torch::ones {1500 1500}]
torch::image_write $image_float32 x.png
torch::tensor_save $map_float32 x.npz
torch::boxes_write x.json {{0 0 9 9}} 0.5 1 1
"""

#: What fills the memory up to two megabytes, before each call: what the one before has freed is to have again.
BALLAST = """
set ballast {}
proc fill {} {
    global ballast
    while {![catch {torch::ones 100000} made]} {lappend ballast $made}
    unset made
    set ballast [lrange $ballast 0 end-5]
}
"""

#: Words that make a command need much, by the parameter's name.
WORDS = {
    "output_size": "{1500 1500}", "size": "{1500 1500}", "input_shape": "{1 3 1500 1500}", "shape": "{3000 3000}",
    "idxs": "$idxs", "scores": "$scores", "n": "3000", "start": "0", "end": "9000000", "steps": "9000000",
    "low": "0", "high": "9", "sections": "2", "chunks": "2", "scale_factor": "3", "repeats": "{2 2 2 2}",
    "mask": "$map_bool", "condition": "$map_bool", "sizes": "{4 3 1000 1000}", "data": "[lrepeat 250000 1.5]",
    "features": "[list $map_float32 $map_float32]", "tensors": "[list $map_float32 $map_float32]",
    "other": "$map_float32", "tensor": "$one_float64", "seed": "3", "out_fmt": "xywh", "in_fmt": "xyxy", "dim1": "3",
    "dim0": "2", "upscale_factor": "2", "pad": "{900 900 900 900}", "masks": "$image_bool", "command": "nms",
    "value": "1", "max_size": "9",
}  # fmt: skip

#: And those of one command.
OF_COMMAND = {
    "ps_roi_align": {"boxes": "$manyRois", "output_size": "2"},
    "ps_roi_pool": {"boxes": "$manyRois", "output_size": "2"},
    "pixel_shuffle": {"input": "$maps_float32"},
    "tensor_split": {"dim": "2", "sections": "500"},
    "box_convert": {"boxes": "$b4_float32"},
    "tensor_matmul": {"input": "$matrix", "other": "$matrix"},
    "affine_grid": {"size": "{1 3 2000 2000}"},
    "ps_roi_align_backward": {"input_shape": "{1 4 1500 1500}"},
    "ps_roi_pool_backward": {"input_shape": "{1 4 1500 1500}"},
    "tensor_reshape": {"input": "[torch::tensor_permute $map_float32 {3 2 0 1}]", "shape": "-1"},
    "tensor_index_select": {"indices": "[lrepeat 3000 1]", "dim": "2"},
    "tensor_item": {"input": "$one_float64"},
    "interpolate": {"size": "{1500 1500}"},
    "tensor_delete": {"tensors": "[torch::ones 1]"},
    "plot_boxes": {"boxes": "{{1 1 9 9}}", "labels": "a"},
    "arange": {"end": "9000000"},
    "eye": {"n": "3000"},
    "boxes_write": {"boxes": "$boxes", "class_ids": "$idxs", "image_ids": "$idxs"},
    "tensor_expand": {"sizes": "{4 3 1000 1000}"},
}  # fmt: skip


def call(command: Command) -> str:
    """A valid call that needs much memory."""
    words = fuzz_words.Words(random.Random(1))
    parts = [f"torch::{command.name}"]
    own = {**FITTING.get(command.name, {}), **OF_COMMAND.get(command.name, {})}
    for parameter in command.parameters:
        given = OF_COMMAND.get(command.name, {}).get(parameter.name) or WORDS.get(parameter.name)
        if parameter.is_required or parameter.name in own or parameter.name in ("size", "output_size"):
            word = given or words.fitting(command, parameter) or words.right(command, parameter, 0)
            parts += [f"-{parameter.camel}", word]
    return " ".join(parts)


def run(folder: str, script: str) -> tuple[int, str, str, int]:
    """Status, both outputs, and the peak of the resident memory of all its processes, in bytes."""
    program = subprocess.Popen(
        [*ROISH, "--safe", "--memory-limit", str(LIMIT), "--time-limit", "300", "--allow", ".", "-c", script],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdout
    assert program.stderr
    output, errors = program.stdout.read(), program.stderr.read()
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    return program.returncode, output, errors, usage.ru_maxrss * 1024


def script_of(commands: list[Command]) -> str:
    """Calls all of them; a line for each, with how it ended."""
    calls = "\n".join(
        f"fill; set code [catch {{{call(command)}}} result about]\n"
        f"puts [list @ {command.name} $code [expr {{$code ? [dict get $about -errorcode] : {{}}}}]]\n"
        "set result {{}}; flush stdout"
        for command in commands
    )
    return f"{SETUP}\n{BALLAST}\n{calls}\n"


@pytest.fixture(scope="module")
def ends(tmp_path_factory) -> tuple[dict[str, str], list[int], int]:
    """How each command ended: its errorCode, or nothing; the peaks of memory; and that of a script that does nothing.

    Where Tcl itself finds no memory the process ends; the next one goes on behind that command.
    """
    folder = str(tmp_path_factory.mktemp("memory"))
    _, _, _, before = run(folder, "# plot, so that matplotlib is loaded")
    left, codes, peaks = list(REGISTRY.values()), {}, []
    while left:
        status, output, errors, peak = run(folder, script_of(left))
        peaks.append(peak)
        lines = [line.removeprefix("@ ").split(" ", 2) for line in output.splitlines() if line.startswith("@ ")]
        codes.update((name, error.strip("{}")) for name, _, error in lines)
        assert status in (0, 121), errors
        if status == 121:
            codes[left[len(lines)].name] = "TORCH MEMORY at the end of the process"
        left = left[len(lines) + (status == 121) :]
    return codes, peaks, before


def test_the_memory_of_the_process(ends):
    """The peak of what it really had, libraries and all."""
    _, peaks, before = ends
    assert max(peaks) <= before + 1.1 * LIMIT


def test_all_commands_were_called_rightly(ends):
    """Lack of memory is the only thing that is wrong with these calls."""
    codes, _, _ = ends
    assert codes.keys() == REGISTRY.keys()
    wrong = {name: code for name, code in codes.items() if code and not code.startswith(("TORCH MEMORY", "TCL MEMORY"))}
    assert wrong == {"tensor_import": "TORCH FORBIDDEN tensor_import"}


#: Commands that need little even for large arguments: their result is small, or a view of the argument.
FRUGAL = {
    "batched_nms", "box_area", "box_convert", "boxes_read", "boxes_write", "clip_boxes_to_image",
    "cuda_device_count", "cuda_is_available", "empty_cache", "get_num_threads", "help", "manual_seed",
    "masks_to_boxes", "memory_stats", "nms", "nms_rotated", "remove_small_boxes", "set_num_threads", "soft_nms",
    "tensor_argmax", "tensor_argmin", "tensor_delete", "tensor_device", "tensor_dtype", "tensor_flatten",
    "tensor_item", "tensor_list", "tensor_max", "tensor_mean", "tensor_min", "tensor_numel", "tensor_permute",
    "tensor_print", "tensor_prod", "tensor_shape", "tensor_squeeze", "tensor_sum", "tensor_transpose",
    "tensor_unsqueeze", "timing",
}  # fmt: skip


def test_all_others_found_no_memory(ends):
    """The limit was indeed tried."""
    codes, _, _ = ends
    assert {name for name, code in codes.items() if not code} <= FRUGAL
