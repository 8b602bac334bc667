"""Inputs that cannot be read, crash, never end, take too much memory, or find no room on the disk."""

from __future__ import annotations

import collections
import os
import signal
import subprocess
import time
import types

import pytest
from mapping import CAPITALS, short_call, wait_for

from tclcmd.batch import pool
from tclcmd.batch.workers import Broken

#: By the name of the input: one that dies, one that never ends, one that takes memory, one that fails; the rest write.
HAZARDS = """\
switch [file tail $input] {
    03.txt {exec kill -SEGV [pid]}
    05.txt {while 1 {}}
    07.txt {torch::ones {1000 1000 1000}}
    09.txt {error "bad input"}
}
close [open $output w]
"""


def by_name(lines):
    """Of a report: name of the input -> line."""
    return {os.path.basename(line["input"]): line for line in lines}


def test_each_hazard_costs_its_one_input(place):
    """And is told with its cause; the exit status is 1."""
    place.add(14)
    (place.folder / "in" / "11.txt").unlink()
    names = [f"in/{number:02}.txt" for number in range(14)]
    words = ["-o", "out", "--report", "r", "--timeout", "3", "--memory-limit", "400M", "--jobs", "2"]
    done = place.run(place.script(HAZARDS), *names, *words)
    assert done.status == 1
    report = by_name(place.lines("r"))
    assert len(report) == len(place.lines("r")) == 14
    failed = {name: line["message"] for name, line in report.items() if line["state"] == "failed"}
    assert failed.pop("03.txt") == "the process was ended by SIGSEGV"
    assert report["03.txt"]["signal"] == "SIGSEGV"
    assert failed.pop("05.txt") == "took longer than 3 s"
    assert report["05.txt"]["seconds"] >= 3
    # 4 GB of float32; what is left is what the limit is, less what the interpreter takes.
    assert failed.pop("07.txt").startswith("Out of memory: a tensor of shape [1000, 1000, 1000] needs 3.725 GiB")
    assert failed.pop("09.txt") == "bad input"
    assert report["09.txt"]["line"] == 5
    assert failed.pop("11.txt") == f"cannot read {place.folder}/in/11.txt: no such file or directory"
    assert failed == {}
    assert len(place.outputs()) == 9
    assert place.private() == {"journal.jsonl", "lock"}
    place.wait_until_none_is_alive()


def test_memory_that_tcl_itself_cannot_get_ends_the_process(place):
    """Tcl has no error for it; the input is told, with Tcl's own last words."""
    place.add(2)
    script = place.script('if {$index == 0} {set x [string repeat "0123456789" 200000000]}; close [open $output w]')
    done = place.run(script, "in/*.txt", "-o", "out", "--memory-limit", "300M", "-q", "--jobs", "1")
    assert done.status == 1
    assert list(place.outputs()) == ["01.txt"]
    assert "in/00.txt" in done.complained


def test_a_process_that_dies_is_tried_again(place):
    """As often as --retries says, and no oftener; what is tried is told."""
    place.add(3)
    script = place.script("""
        set file [open tries a]; puts $file [file tail $input]; close $file
        set tries [exec grep -c [file tail $input] tries]
        if {$index == 0 || ($index == 1 && $tries < 3)} {exec kill -KILL [pid]}
        close [open $output w]
    """)
    done = place.run(script, "in/*.txt", "-o", "out", "--retries", "2", "--report", "r", "--jobs", "1")
    assert done.status == 1
    assert sorted((place.folder / "tries").read_text().split()) == ["00.txt"] * 3 + ["01.txt"] * 3 + ["02.txt"]
    report = by_name(place.lines("r"))
    assert [(line["state"], line["attempts"]) for _, line in sorted(report.items())] == [
        ("failed", 3),
        ("done", 3),
        ("done", 1),
    ]
    assert report["00.txt"]["message"] == "the process was ended by SIGKILL, perhaps for lack of memory"
    assert "(3 attempts)" in done.complained


def test_what_a_script_starts_ends_with_its_process(place):
    """A program that a script waits for is ended with it, and one that it has left behind with its worker."""
    place.add(2)
    script = place.script("if {$index == 0} {exec sleep 1000} else {exec sleep 2000 &}")
    assert place.run(script, "in/*.txt", "--timeout", "1", "--jobs", "1").status == 1
    place.wait_until_none_is_alive(2)


def test_an_exit_status_that_is_no_scripts(place):
    """A process that ends without a signal and without an answer is told by its status."""
    place.add(2)
    script = place.script("if {$index == 0} {interp create child; child eval {exit 7}}")
    done = place.run(script, "in/*.txt", "--jobs", "1", "-q")
    assert "the process ended with exit status 7" in done.complained
    assert len(done.complained.splitlines()) == 2


def test_what_a_process_said_before_it_died_is_passed_on(place):
    """It is what helps to find the cause."""
    place.add(1)
    done = place.run(place.script('puts stderr "at the end"; exec kill -ABRT [pid]'), "in/00.txt")
    assert done.complained.startswith("at the end\n")
    assert "the process was ended by SIGABRT" in done.complained


def test_a_script_that_changes_during_the_run_is_told(place):
    """What follows fails rather than being done by another script than the journal says."""
    place.add(3)
    script = place.script("if {$index == 0} {set f [open s.tcl a]; puts $f {# more}; close $f}; close [open $output w]")
    done = place.run(script, "in/*.txt", "-o", "out", "--jobs", "1")
    assert list(place.outputs()) == ["00.txt"]
    assert "the script was changed after the run began" in done.complained


def test_workers_that_cannot_start_are_an_error(monkeypatch):
    """After three, not endlessly, with the last words of the last: here by a program that is none of ours."""
    monkeypatch.setattr(pool, "PROGRAM", "import sys; sys.exit('no room')")
    workers = pool.Pool(2)
    with pytest.raises(Broken, match=r"^workers cannot be started: the process ended with exit status 1: no room$"):
        workers.submit(print).result(60)
    with pytest.raises((Broken, RuntimeError)):
        workers.submit(print)
    workers.shutdown()


def test_a_fault_of_the_program_is_an_outcome():
    """It costs its input, not the run."""
    workers = pool.Pool(1)
    assert workers.submit(divmod, 1, 0).result(60).message.startswith("internal error: ZeroDivisionError: ")
    workers.shutdown()


@pytest.fixture
def small_disk(place):
    """A file system of 2 MB, in the place's folder out."""
    out = place.folder / "out"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(out)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a file system can be mounted by root only")
    yield out
    subprocess.run(["umount", "-l", str(out)], check=True)


def test_a_disk_that_is_full_for_a_while(place, small_disk):
    """Inputs fail, or the run ends; when there is room, --resume does what was not done, and no half file was seen."""
    paths = place.add(40)
    filler = small_disk / "filler"
    script = place.script("after 20\n" + CAPITALS)
    words = [script, "in/*.txt", "-o", "out", "--jobs", "2"]
    process = place.start(*words)
    wait_for(lambda: len(place.outputs()) > 5)
    try:
        with open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass
    process.communicate(timeout=120)
    assert process.returncode == 1
    filler.unlink()
    assert len(place.outputs()) < 40
    done = place.run(*words, "--resume")
    assert done.status == 0, done.complained
    assert sorted(place.outputs()) == [path.name for path in paths]
    assert all(text.endswith("end\n") for text in place.outputs().values())
    assert place.private() == {"journal.jsonl", "lock"}


def test_standard_output_that_nobody_reads_ends_the_run(place):
    """As with any program in a pipe; what was done stays done."""
    place.add(30)
    script = place.script("puts [string repeat x 100000]; close [open $output w]")
    process = place.start(script, "in/*.txt", "-o", "out", "--jobs", "1")
    process.stdout.read(1)
    process.stdout.close()
    process.stdout = None
    process.communicate(timeout=60)
    assert process.returncode == 141
    assert 0 < len(place.outputs()) < 30
    assert place.run(script, "in/*.txt", "-o", "out", "--resume").status == 0


def test_ctrl_c_lets_what_runs_finish(place):
    """One input is at work and done, the others are not begun; --resume does them."""
    place.add(5)
    script = place.script("close [open begun w]; after 1000; close [open $output w]")
    process = place.start(script, "in/*.txt", "-o", "out", "--jobs", "1")
    wait_for((place.folder / "begun").exists)
    process.send_signal(signal.SIGINT)
    _, complained = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "finishing what runs; Ctrl-C again stops it" in complained
    assert list(place.outputs()) == ["00.txt"]
    assert "1 done, 4 not begun" in complained
    quick = place.run(script, "in/*.txt", "-o", "out", "--resume", "--jobs", "5")
    assert "4 done, 1 kept" in quick.complained


@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]])
def test_a_second_one_stops(place, signals):
    """At once, as does another signal: no output, nothing left, and --resume goes on."""
    place.add(2)
    script = place.script("close [open begun w]; if {![file exists go]} {after 100000}; close [open $output w]")
    process = place.start(script, "in/*.txt", "-o", "out", "--jobs", "1")
    wait_for((place.folder / "begun").exists)
    begin = time.monotonic()
    for number in signals:
        process.send_signal(number)
        time.sleep(0.3)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signals[-1]
    assert time.monotonic() - begin < 20
    assert place.outputs() == {}
    assert place.private() == {"journal.jsonl", "lock"}
    place.wait_until_none_is_alive()
    (place.folder / "go").touch()
    assert place.run(script, "in/*.txt", "-o", "out", "--resume").status == 0
    assert len(place.outputs()) == 2


def test_a_worker_that_is_killed_costs_nothing_with_retries(place):
    """Whatever it is at: four times, each after two more inputs are done."""
    place.add(20)
    process = place.start(
        place.script("after 30\n" + CAPITALS), "in/*.txt", "-o", "out", "--jobs", "2", "--retries", "4"
    )
    for round in range(4):
        wait_for(lambda done=2 * round: len(place.outputs()) > done or process.poll() is not None, 200)
        for number in [number for number in place.processes() if number != process.pid][:1]:
            os.kill(number, signal.SIGKILL)
    _, complained = process.communicate(timeout=200)
    assert process.returncode == 0, complained
    assert len(place.outputs()) == 20
    assert all(text.endswith("end\n") for text in place.outputs().values())


def test_a_call_that_ends_as_its_time_does_is_not_the_next_ones_fault():
    """The worker is killed for the first call, whose result is already there; the second is done by another."""
    workers = pool.Pool(1)
    first, second = (pool.Call(b"", pool.Future(), attempts=1) for _ in range(2))

    workers._take_back(types.SimpleNamespace(calls=collections.deque([second]), late=first), -9)
    assert list(workers._waiting) == [second]
    assert (second.attempts, second.future.done()) == (0, False)
    workers._waiting.clear()
    workers.shutdown()


@pytest.mark.parametrize("has_waitid", [True, False])
def test_many_short_calls_with_limits_each_have_one_result(monkeypatch, has_waitid):
    """Each with its own, though each worker has the next call before it asks, and some die or are late."""
    if not has_waitid:  # as in Python 3.12 on macOS
        monkeypatch.delattr(os, "waitid")
    workers = pool.Pool(2, timeout=0.5, retries=1)
    futures = [workers.submit(short_call, number) for number in range(60)]
    outcomes = [future.result(120) for future in futures]
    for number, outcome in enumerate(outcomes):
        expected = {10: "took longer than 0.5 s", 20: "the process was ended by SIGSEGV"}.get(number)
        assert (outcome.message, outcome.line) == ((expected, None) if expected else (None, number))
    assert outcomes[20].attempts == 2
    workers.shutdown()
    with pytest.raises(RuntimeError, match="the pool is closed"):
        workers.submit(short_call, 0)
