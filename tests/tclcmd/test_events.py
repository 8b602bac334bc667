"""Events: at the end of a script with windows, while a prompt waits, and in scripts; and standard input beside them."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from tcl_versions import WISH, tcl_has

pytest.importorskip("pyte")
from terminals import Terminal, control


def ticks(process: int) -> int:
    """The processor time that a process has taken, in the system's clock ticks."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


# ---- In scripts ------------------------------------------------------------------------------------------------------


def test_a_script_waits_for_events(roish):
    """`after`, `fileevent` on a pipe of its own, and `vwait`."""
    script = """set pipe [open {|echo told}]; after 20 {lappend seen timer}
        fileevent $pipe readable {if {[gets $pipe line] < 0} {close $pipe; set end 1} else {lappend seen $line}}
        vwait end; if {[llength $seen] < 2} {vwait seen}; puts [lsort $seen]"""
    assert roish("-c", script).stdout == "timer told\n"


def test_a_script_on_standard_input_reads_the_rest_by_events(roish):
    """`fileevent stdin` and `vwait`: what was read so is data, and then commands go on."""
    script = (
        "fileevent stdin readable {gets stdin line; fileevent stdin readable {}}; vwait line\ndata\nputs got,$line\n"
    )
    assert roish(input=script).stdout == "got,data\n"


def test_without_windows_a_script_ends_at_its_end(roish):
    """Events that are still to come are dropped, as by tclsh."""
    done = roish("-c", "after 100000 {puts never}; puts end")
    assert (done.stdout, done.returncode) == ("end\n", 0)


# ---- Windows ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def display(tmp_path_factory) -> Iterator[dict[str, str]]:
    """A display that nobody sees, as a variable of the environment."""
    server = shutil.which("Xvfb")
    if not server:
        pytest.skip("there is no Xvfb")
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(writer), "-screen", "0", "320x200x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writer], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writer)
    with open(reader) as told:  # the whole line, for the server ends if nobody reads its end
        number = told.readline().strip()
    if not number:
        pytest.skip("Xvfb does not start here")
    yield {"DISPLAY": f":{number}"}
    process.terminate()
    process.wait()


@pytest.fixture
def windows(roish, display):
    """Runs roish with a display."""
    tried = roish("-c", "package require Tk; exit", variables=display)
    if tried.returncode:
        pytest.skip(f"Tk cannot be used: {tried.stderr.splitlines()[0]}")
    return lambda *words, **options: roish(*words, variables=display, **options)


LATER = "package require Tk; after 200 {update; puts [winfo viewable .]; destroy .}; puts end"


def test_a_script_with_a_window_goes_on_until_it_is_closed(windows, tmp_path):
    """From a file, the command line and standard input; and the window is drawn."""
    (tmp_path / "s.tcl").write_text(LATER)
    for done in (windows("s.tcl"), windows("-c", LATER), windows(input=LATER)):
        assert (done.stdout, done.stderr, done.returncode) == ("end\n1\n", "", 0)


def test_a_window_of_a_child_counts(windows):
    """Tk may be in a child alone."""
    script = "interp create c; c eval {load {} Tk}; c eval {after 200 {puts late; destroy .}}; puts end"
    tk = "package require Tk; destroy ."
    assert windows("-c", f"{tk}; {script}").stdout == "end\nlate\n"


def test_a_script_that_fails_shows_no_window(windows):
    """It ends at once, with its error."""
    done = windows("-c", "package require Tk; error broken")
    assert done.returncode == 1
    assert done.stderr.startswith("broken\n")


def test_an_error_in_an_event_goes_to_bgerror(windows):
    """And the window stays."""
    script = (
        "package require Tk; proc bgerror {message} {puts told,$message}\n"
        "after 50 {torch::zeros x}; after 300 {puts [winfo exists .]; destroy .}"
    )
    assert windows("-c", script).stdout == 'told,Invalid shape value: expected a list of integers, got "x"\n1\n'


def test_exit_in_an_event(windows):
    """Ends the program with its status."""
    assert windows("-c", "package require Tk; after 50 {exit 4}").returncode == 4


def test_events_are_served_between_commands_of_a_pipe(roish, windows, display):
    """While the next line is not there yet; and each line is run as it comes."""
    process = subprocess.Popen(
        roish.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **display}
    )
    process.stdin.write("package require Tk; after 50 {puts event; flush stdout}; puts begun; flush stdout\n")
    process.stdin.flush()
    assert process.stdout.readline() == "begun\n"
    assert process.stdout.readline() == "event\n"
    process.stdin.write("puts command\ndestroy .\n")
    process.stdin.close()
    assert process.stdout.readline() == "command\n"
    assert process.wait(timeout=30) == 0
    process.stdout.close()


def test_ctrl_c_between_commands_of_a_pipe_ends_the_run(roish, windows, display):
    """With a window open as without one, though no further line comes."""
    process = subprocess.Popen(
        roish.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **display},
    )  # fmt: skip
    try:
        process.stdin.write("package require Tk; puts begun; flush stdout\n")
        process.stdin.flush()
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)  # its standard input stays open
    finally:
        process.kill()
    assert (process.returncode, *process.communicate()) == (130, "", "")


def test_the_same_as_wish(windows, display, tmp_path):
    """What is printed, in which order."""
    if not WISH:
        pytest.skip("wish is not installed")
    (tmp_path / "s.tcl").write_text(
        "package require Tk; after idle {puts idle}; after 100 {puts late; destroy .}\n"
        "bind . <Destroy> {puts gone}; puts end"
    )
    theirs = subprocess.run(
        [WISH, "s.tcl"], cwd=tmp_path, env={**os.environ, **display}, capture_output=True, text=True
    )
    assert windows("s.tcl").stdout == theirs.stdout == "end\nidle\nlate\ngone\n"


# ---- Prompts ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["rich", "plain"])
def start(request, roish, tmp_path) -> Iterator[Callable[..., Terminal]]:
    """Starts roish at a terminal, with each of the two editors."""
    started: list[Terminal] = []

    def run(**variables: str) -> Terminal:
        if request.param == "plain":
            variables["TERM"] = "dumb"
        started.append(Terminal(roish.command, tmp_path, **variables))
        started[-1].wait_until_last_line("%")
        return started[-1]

    yield run
    for each in started:
        each.kill()


def test_a_prompt_serves_events_while_it_waits(start, tmp_path):
    """A timer fires, and fires again, while nobody types; and then the prompt still takes commands."""
    shell = start()
    shell.ask("proc tick n {close [open tick$n w]; after 50 tick [incr n]}")
    shell.ask("tick 0")
    end = time.monotonic() + 30
    while not (tmp_path / "tick3").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert shell.ask("expr {6 * 7}")[-1] == "42"
    shell.type(control("d"))
    assert shell.close() == 0


def test_a_prompt_draws_windows(start, display, windows, tmp_path):
    """A window that a command has opened is mapped while nobody types; Ctrl-D leaves it."""
    shell = start(**display)
    shell.ask("package require Tk; bind . <Map> {close [open mapped w]}")
    end = time.monotonic() + 30
    while not (tmp_path / "mapped").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    shell.type(control("d"))
    assert shell.close() == 0


def test_a_prompt_that_waits_takes_no_processor_time(start):
    """It sleeps until something happens."""
    shell = start()
    shell.ask("set a 1")
    time.sleep(0.3)
    before = ticks(shell.process.pid)
    time.sleep(1.5)
    assert ticks(shell.process.pid) - before < 0.15 * os.sysconf("SC_CLK_TCK") * 1.5


# ---- Standard input --------------------------------------------------------------------------------------------------


def drip(command: list[str], *pieces: str) -> subprocess.CompletedProcess[str]:
    """Runs a program whose standard input comes in pieces, with pauses."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for piece in pieces:
        process.stdin.write(piece)
        process.stdin.flush()
        time.sleep(0.2)
    process.stdin.close()
    said, errors = process.stdout.read(), process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    return subprocess.CompletedProcess(command, process.wait(timeout=30), said, errors)


def test_standard_input_that_does_not_block_loses_nothing(roish):
    """Lines that come late, and in parts; the last one without an end."""
    done = drip(
        roish.command, "fconfigure stdin -blocking 0\n", "puts o", "ne\nputs two\nputs {", "three}\n", "puts four"
    )
    assert (done.stdout, done.stderr, done.returncode) == ("one\ntwo\nthree\nfour\n", "", 0)


def test_waiting_for_a_line_takes_no_processor_time(roish):
    """Though the channel does not block."""
    process = subprocess.Popen(roish.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write("fconfigure stdin -blocking 0; puts [clock clicks]; flush stdout\n")
    process.stdin.flush()
    process.stdout.readline()
    time.sleep(0.2)
    before = ticks(process.pid)
    time.sleep(1)
    used = ticks(process.pid) - before
    process.communicate("")
    assert used < 0.1 * os.sysconf("SC_CLK_TCK")


BROKEN = "puts one\nnothing\nif 1 {\n  error broken\n}\nputs two\n"


def test_a_failure_on_standard_input_may_end_the_run_or_not(roish):
    """It does, unless --keep-going is given: then each failure is told, and the status is that of the script."""
    ends, goes_on = roish(input=BROKEN), roish("--keep-going", input=BROKEN + "exit 3\n")
    assert (ends.stdout, ends.returncode) == ("one\n", 1)
    assert (goes_on.stdout, goes_on.returncode) == ("one\ntwo\n", 3)
    assert goes_on.stderr.startswith(ends.stderr)
    assert '(file "stdin" line 3)' in goes_on.stderr
    assert roish("--keep-going", input=BROKEN).returncode == 0
    assert roish(input=BROKEN, variables={"ROISH_KEEP_GOING": "1"}).stdout == "one\ntwo\n"


@pytest.mark.parametrize("word", ["break", "continue"])
def test_what_belongs_into_a_loop_is_an_error_outside(roish, word):
    """As in a file, so on standard input and the command line."""
    for done in (roish(input=word), roish("-c", word)):
        assert done.returncode == 1
        assert done.stderr.startswith(f'invoked "{word}" outside of a loop\n')


def test_a_program_that_is_talked_to(roish):
    """By `open "|roish --keep-going" r+`: it answers line by line, also after an error."""
    command = " ".join(roish.command)
    script = f"""set pipe [open {{|{command} --keep-going 2>@1}} r+]; fconfigure $pipe -buffering line
        foreach line {{{{puts 1; flush stdout}} {{error broken}} {{puts 2; flush stdout}}}} {{puts $pipe $line}}
        puts [gets $pipe]; while {{[gets $pipe line] >= 0 && $line ne "2"}} {{}}; puts $line; close $pipe"""
    assert roish("-c", script).stdout == "1\n2\n"


# ---- The program -----------------------------------------------------------------------------------------------------


def test_the_encoding_of_a_file(roish, tmp_path):
    """By Tcl's name, as tclsh takes it; UTF-8 without."""
    (tmp_path / "s.tcl").write_bytes(b"puts [string length \xe9\xe8]")
    assert roish("-encoding", "iso8859-1", "s.tcl").stdout == "2\n"
    assert (roish("-encoding", "utf-8", "s.tcl").returncode == 0) is tcl_has("what is no UTF-8 is read")
    done = roish("-encoding", "utf-7", "s.tcl")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, 'unknown encoding "utf-7"')


@pytest.mark.parametrize("words", [["-encoding", "utf-8"], ["-encoding", "utf-8", "-c", "puts 1"], ["-encoding"]])
def test_an_encoding_without_a_file(roish, words):
    """Is an error that says so."""
    done = roish(*words)
    assert done.returncode == 2
    assert "-encoding" in done.stderr


def test_a_module_that_is_run_knows_its_program(roish, tmp_path):
    """So tcltest starts roish again, where `python -m tclcmd` was started."""
    done = subprocess.run(
        [sys.executable, "-m", "tclcmd", "-c", "puts [info nameofexecutable]"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stdout == roish("-c", "puts [info nameofexecutable]").stdout
    program = done.stdout.strip()
    assert subprocess.run([program, "-c", "puts 7"], capture_output=True, text=True).stdout == "7\n"
