"""Limits of time, commands, memory and output: how a run ends that reaches one, and that it does end."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import numpy as np
import pytest

from tclcmd._host import lib
from tclcmd.safe.limits import ENDINGS

from .conftest import SAFE

#: Seconds within which a run must end whose limit of time is 1, on a machine that has much to do.
PATIENCE = 60

CAPTURED = {"capture_output": True, "text": True, "timeout": PATIENCE}

ENDLESS = {
    "a loop": "while 1 {}",
    "a loop that catches": "while 1 {catch {while 1 {}}}",
    "a loop that tries": "while 1 {try {while 1 {}} on error {} {} finally {while 1 {}}}",
    "the event loop": "vwait forever",
    "after": "proc again {} {after 0 again}; again; vwait forever",
    "after after after": "proc again {} {after 0 again; after 0 again}; again; while 1 {catch update}",
    "background errors": "proc bgerror args {while 1 {}}; after 0 {error x}; vwait forever",
    "coroutines": "proc c {} {while 1 yield}; coroutine x c; while 1 x",
    "recursion": "proc f {} {catch f; catch f}; f",
    "sleep": "after 1000000",
    "waiting for input": "gets stdin",
    "a trace": "trace add variable v write {apply {args {while 1 {}}}}; set v 1",
    "one long calculation": "string length [expr {3**3000000}]; while 1 {}",
    "one long operator": "set b [torch::tensor_mul [torch::rand {40000 5}] [torch::tensor_create {9 9 90 90 180}]]; "
    "torch::nms_rotated $b [torch::rand 40000] 0.99; while 1 {}",
    "closed channels": "close stdout; close stderr; while 1 {}",
}


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_the_limit_of_time(places, script):
    """The run ends with the status and the line of this limit, whatever the script does."""
    with subprocess.Popen(["sleep", "300"], stdout=subprocess.PIPE) as silent:  # standard input without an end
        try:
            ran = places.run(script, "--time-limit", "1", seconds=PATIENCE, stdin=silent.stdout)
        finally:
            silent.kill()
    assert ran.status == 124
    assert ran.last_line == "roish: limit reached: 1 seconds (TORCH LIMIT time)"


BOMBS = {
    "a text": "set x [string repeat 0123456789 10000000]; while 1 {append x $x}",
    "a list": "while 1 {lappend l [list a b c]}",
    "a dict": "while 1 {dict set d [incr i] [string repeat x 100]}",
    "an array": "while 1 {set a([incr i]) [string repeat x 100]}",
    "one repetition": "string repeat 0123456789 50000000",
    "one list": "lrepeat 50000000 x",
    "a tensor": "torch::zeros {100000 100000}",
    "tensors": "while 1 {lappend l [torch::ones 100000]}",
    "tensors with names": "while 1 {append names [torch::ones 100000]}",
    "numbers of a list": "torch::tensor_create [lrepeat 20000000 1]",
    "a list of numbers": "torch::tensor_to_list [torch::ones 10000000]",
    "procedures": "while 1 {proc p[incr i] {} [string repeat {set x 1;} 100]}",
    "events": "while 1 {after 1000000 [list puts [string repeat x 10000]]}",
    "what was compressed": "set z [zlib compress [string repeat x 10000000]]; while 1 {lappend l [zlib decompress $z]}",
    "a substitution": "set x [string repeat a 5000000]; while 1 {set x [string map {a aaaaaaaa} $x]}",
    "a format": "while 1 {lappend l [format %10000000s x]}",
}


@pytest.mark.parametrize("script", BOMBS.values(), ids=BOMBS)
def test_the_limit_of_memory(places, script):
    """Whether a command refuses, or Tcl itself cannot go on: the status and the last line are the same."""
    ran = places.run(script, "--memory-limit", "64M", "--time-limit", "100", seconds=200)
    assert ran.status == 121, ran.errors
    assert ran.last_line == "roish: limit reached: 64 MiB of memory (TORCH MEMORY)"


def test_a_script_can_catch_lack_of_memory(places):
    """And goes on with what it has."""
    script = "puts [catch {torch::zeros {9999 9999}}]; puts [lrange $errorCode 0 1]; puts [torch::manual_seed 9]"
    ran = places.run(script, "--memory-limit", "64M")
    assert (ran.status, ran.output) == (0, "1\nTORCH MEMORY\nok\n")


@pytest.mark.parametrize(
    "script", ["while 1 {eval {llength x}}", "while 1 {catch {incr i}}", "proc f {} {catch f; catch f}; f",
               "foreach i [lrepeat 10000 x] {catch {error $i}}", "proc r {} {after 0 r}; r; vwait forever"],
)  # fmt: skip
def test_the_limit_of_commands(places, script):
    """It can be caught as little."""
    ran = places.run(script, "--command-limit", "2000", "--time-limit", "50", seconds=PATIENCE)
    assert ran.status == 120
    assert ran.last_line == "roish: limit reached: 2000 commands (TCL LIMIT COMMANDS)"


def test_what_is_below_the_limit_of_commands(places):
    """The program itself uses none of it."""
    assert places.run("set i 1; puts $i", "--command-limit", "2").output == "1\n"
    assert places.run("set i 1; puts $i", "--command-limit", "1").status == 120


@pytest.mark.parametrize("channel", ["stdout", "stderr"])
def test_the_limit_of_output(places, channel):
    """Not a byte more comes out, except the line that says so."""
    ran = places.run(f"while 1 {{puts {channel} 0123456}}", "--output-limit", "4K", seconds=PATIENCE)
    assert ran.status == 122
    assert ran.last_line == "roish: limit reached: 4 KiB of output (TORCH LIMIT output)"
    written = ran.output if channel == "stdout" else ran.errors.removesuffix(ran.last_line + "\n")
    assert len(written) == 4096


def test_the_limit_of_output_for_files(places):
    """All files together have as much; the script can catch it."""
    ran = places.run(
        "torch::tensor_save [torch::ones 500] in/a.npy; puts [catch {torch::tensor_save [torch::ones 900] in/b.npy}]\n"
        "puts $errorCode; torch::tensor_save [torch::ones 900] in/c.npy",
        "--output-limit", "4K",
    )  # fmt: skip
    assert ran.output == "1\nTORCH LIMIT output\n"
    assert ran.status == 122
    assert np.load(places.allowed / "a.npy").size == 500
    assert not (places.allowed / "b.npy").exists()
    assert not (places.allowed / "c.npy").exists()


def test_a_tower_of_calls(places):
    """Tcl's own limit of recursion comes first, and stays where it is."""
    ran = places.run("proc f {} f; puts [catch f why]; puts $why; puts [catch {interp recursionlimit {} 100000}]")
    assert ran.output.startswith("1\ntoo many nested evaluations")
    assert ran.output.endswith("\n1\n")
    assert ran.status == 0


@pytest.mark.parametrize("text", ["[" * 100000, "{" * 100000, "[set x " * 20000], ids=lambda text: text[:6])
def test_a_deeply_nested_text(places, text):
    """Whatever Tcl makes of it, the end is told."""
    (places.allowed / "deep.tcl").write_text(f"catch {{expr {{{text}}}}}\nset x {text}\n")
    ran = subprocess.run([*SAFE, str(places.allowed / "deep.tcl")], **CAPTURED)
    assert ran.returncode in (1, 128 + signal.SIGSEGV)
    assert ran.stderr


# ---- The table of endings --------------------------------------------------------------------------------------------


def test_the_statuses():
    """Those of the limits are the largest below those of signals, and `exit` in a script has none of them."""
    statuses = [ending.status for ending in ENDINGS.values()]
    assert len(set(statuses)) == len(ENDINGS)
    assert all(lib.HOST_LAST_STATUS < status < 126 for status in statuses)
    assert ENDINGS["memory"].status == lib.HOST_MEMORY_STATUS


STATUSES = {
    "exit 0": 0, "exit": 0, "exit 7": 7, "exit 119": 119, "error x": 1, "catch {exit 5}": 5,
    "error x {} {TORCH LIMIT time}": 124,
}  # fmt: skip


@pytest.mark.parametrize(("script", "status"), STATUSES.items(), ids=STATUSES)
def test_a_status_of_the_script(places, script, status):
    """An error that a script invents is told by its errorCode, as any other."""
    assert places.run(script).status == status


# ---- The process -----------------------------------------------------------------------------------------------------


def workers_of(program: int) -> list[int]:
    """The processes that a process has started."""
    with open(f"/proc/{program}/task/{program}/children") as file:
        return [int(word) for word in file.read().split()]


def is_running(process: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.exists(f"/proc/self/task/{os.getpid()}/children"), reason="the system does not tell")
@pytest.mark.parametrize(("number", "status"), [("SIGTERM", -15), ("SIGHUP", -1), ("SIGKILL", -9), ("SIGINT", 130)])
def test_a_signal_to_the_program(start, number, status):
    """The worker never outlives the program."""
    program = start("puts ready; flush stdout; while 1 {}")
    assert program.stdout.readline() == "ready\n"
    (worker,) = workers_of(program.pid)
    program.send_signal(signal.Signals[number])
    assert program.wait(PATIENCE) == status
    deadline = time.monotonic() + PATIENCE
    while is_running(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_that_is_ended_by_a_signal(start):
    """It is told as such, with the status that a shell reports."""
    program = start("puts ready; flush stdout; while 1 {}")
    assert program.stdout.readline() == "ready\n"
    (worker,) = workers_of(program.pid)
    os.kill(worker, signal.SIGSEGV)
    assert program.wait(PATIENCE) == 128 + signal.SIGSEGV
    assert program.stderr.read() == "roish: the process of the script was ended by the signal SIGSEGV\n"


def test_nobody_reads_the_output(start):
    """Quietly, as everywhere."""
    program = start("while 1 {puts hello}")
    assert program.stdout.readline() == "hello\n"
    program.stdout.close()
    assert program.wait(PATIENCE) == 141
    assert program.stderr.read() == ""


def test_a_reader_who_takes_his_time(start):
    """The clock runs on while nobody reads."""
    program = start("while 1 {puts hello}", "--time-limit", "1")
    assert program.wait(PATIENCE) == 124


def test_a_command_of_the_program_is_not_run_safely(roish):
    """It would run without any limit."""
    ran = roish("--safe", "map", "x.tcl")
    assert ran.returncode == 2
    assert "map takes its own options" in ran.stderr


def test_options_without_the_mode(roish):
    """They would promise what does not hold."""
    for options in (["--allow", "."], ["--time-limit", "3"], ["--memory-limit", "1G"], ["--output-limit", "1"]):
        ran = roish(*options, "-c", "puts 1")
        assert ran.returncode == 2
        assert f"{options[0]} needs --safe" in ran.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--allow", "missing"], "missing: no such file or directory"),
        (["--memory-limit", "5x"], "expected a number of bytes such as 65536, 64M or 1G, got '5x'"),
        (["--time-limit", "0"], "0"),
        (["--command-limit", "-1"], "-1"),
    ],
)
def test_wrong_options(roish, options, complaint):
    """No script runs."""
    ran = roish("--safe", *options, "-c", "puts ran")
    assert ran.returncode in (1, 2)
    assert complaint in ran.stderr
    assert ran.stdout == ""


def test_a_script_from_each_place(places):
    """A file is read before it is confined; standard input command by command; the text of -c."""
    (places.root / "script.tcl").write_bytes("\ufeffputs [list $argv0 $argv $argc grün]\nerror here".encode())
    ran = subprocess.run([*SAFE, "script.tcl", "a", "b"], cwd=places.root, **CAPTURED)
    assert ran.stdout == "script.tcl {a b} 2 grün\n"
    assert '(file "script.tcl" line 2)' in ran.stderr
    ran = subprocess.run([*SAFE], input="puts 1\nputs [gets stdin]\nline\nfoo\n", **CAPTURED)
    assert ran.stdout == "1\nline\n"
    assert '(file "stdin" line ' in ran.stderr
    assert ran.returncode == 1
    ran = subprocess.run([*SAFE, "missing.tcl"], **CAPTURED)
    assert 'couldn\'t open "missing.tcl": no such file or directory' in ran.stderr
    assert ran.returncode == 1


def test_a_file_whose_name_begins_with_a_bar(places):
    """Is a script, and no program to be run, as Tcl's `open` has it."""
    (places.root / "|touch made").write_text("puts read")
    ran = subprocess.run([*SAFE, "|touch made"], cwd=places.root, **CAPTURED)
    assert (ran.returncode, ran.stdout) == (0, "read\n")
    assert not (places.root / "made").exists()
