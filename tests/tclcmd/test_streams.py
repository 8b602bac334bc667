"""Standard streams that are closed, full, or a pipe without a reader, for each way of starting roish."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest
from tcl_versions import tcl_has

SHOW = "torch::show [torch::rand {3 24 32}]"


@pytest.fixture
def shell(roish, tmp_path):
    """Runs a line of bash in which ROISH is roish; returns what it wrote and its status."""

    def run(line: str) -> tuple[str, str, int]:
        line = line.replace("ROISH", " ".join(map(shlex.quote, roish.command)))
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        assert "From cffi callback" not in done.stderr
        return done.stdout, done.stderr, done.returncode

    return run


NOT_WRITTEN = "roish: cannot write to standard output: "
BAD_FILE, FULL = "bad file descriptor\n", "no space left on device\n"


@pytest.fixture
def start(shell, tmp_path):
    """Runs a script with redirections, in one of three ways."""

    def run(script: str, redirections: str, way: str = "-c") -> tuple[str, str, int]:
        (tmp_path / "s.tcl").write_text(script + "\n")
        words = {"-c": f"-c {shlex.quote(script)}", "file": "s.tcl", "stdin": "< s.tcl"}[way]
        return shell(f"ROISH {words} {redirections}")

    return run


WAYS = ("-c", "file", "stdin")


@pytest.mark.parametrize("way", WAYS)
def test_closed_streams_are_nothing_to_a_script_that_needs_none(start, way):
    """A closed stream alone, and all of them."""
    assert start("puts hi", "2>&-", way) == ("hi\n", "", 0)
    assert start("puts stderr hi", ">&-", way) == ("", "hi\n", 0)
    assert start("torch::zeros 2; exit 3", ">&- 2>&-", way) == ("", "", 3)


@pytest.mark.parametrize("way", WAYS)
def test_output_that_is_lost_is_an_error(start, way):
    """It is lost at once or at the end."""
    _, said, status = start("puts hi", ">&-", way)
    assert (said.startswith(f'error writing "stdout": {tcl_has("EBADF")}'), status) == (True, 1)
    assert start("puts -nonewline hi", ">/dev/full", way) == ("", NOT_WRITTEN + FULL, 1)


@pytest.mark.parametrize(("redirection", "reason"), [(">&-", BAD_FILE), (">/dev/full", FULL)])
def test_output_of_our_commands_that_is_lost_is_an_error(start, redirection, reason):
    """As that of Tcl's."""
    _, said, status = start(SHOW, redirection)
    assert (said.startswith(f"Cannot write stdout: {reason}"), status) == (True, 1)


@pytest.mark.parametrize("way", WAYS)
def test_an_error_that_cannot_be_told_still_has_its_status(start, way):
    """Closed or full."""
    assert start("error broken", "2>&-", way)[1:] == ("", 1)
    assert start("torch::zeros x", ">&- 2>/dev/full", way)[1:] == ("", 1)


@pytest.mark.parametrize("script", ["puts x", SHOW, "puts [torch::help]", "puts -nonewline x"])
def test_a_pipe_that_nobody_reads_is_no_error(start, script):
    """Status 141, as of a program that SIGPIPE ends, and silence."""
    out, said, _ = start(f"after 200\n{script}", "| true; echo ${PIPESTATUS[0]}")
    assert (out, said) == ("141\n", "")


def test_a_file_that_is_opened_later_is_no_standard_stream(start, tmp_path):
    """Tcl would take the first files for them, and a library that writes to descriptor 2 would write into a file."""
    script = "set f [open out.txt w]; puts $f [lsort [file channels]]; puts stderr no"
    assert start(f"catch {{{script}}}", ">&- 2>&-") == ("", "", 0)
    assert (tmp_path / "out.txt").read_text().split()[1:] == ["stderr", "stdin", "stdout"]
    assert "no" not in (tmp_path / "out.txt").read_text()


def test_closed_standard_input(shell, tmp_path):
    """A script that is to be read from there cannot be; one that comes otherwise may ask in vain."""
    assert shell("ROISH <&-") == ("", "roish: cannot read standard input: bad file descriptor\n", 1)
    assert shell("ROISH <&- >&- 2>&-") == ("", "", 1)
    assert shell("ROISH -c 'puts hi' <&-") == ("hi\n", "", 0)
    (tmp_path / "s.tcl").write_text("puts hi")
    assert shell("ROISH s.tcl <&-") == ("hi\n", "", 0)
    assert shell("ROISH -c 'puts [catch {gets stdin}]' <&-") == ("1\n", "", 0)


def test_a_script_that_closes_a_stream_itself(start):
    """As in tclsh: what is written later is an error of Tcl's."""
    assert start("close stdout; close stderr", "") == ("", "", 0)
    assert start("close stdout; puts hi", "")[2] == 1


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_what_the_program_says_of_itself(shell, option):
    """Is lost as anything else."""
    assert shell(f"ROISH {option} >&-") == ("", NOT_WRITTEN + BAD_FILE, 1)
    assert shell(f"ROISH {option} >/dev/full") == ("", NOT_WRITTEN + FULL, 1)
    assert shell(f"PYTHONUNBUFFERED=1 ROISH {option} >/dev/full 2>/dev/full") == ("", "", 1)
    assert shell(f"(sleep 0.2; exec ROISH {option}) | true; echo ${{PIPESTATUS[0]}}") == ("141\n", "", 0)


def test_wrong_usage_that_cannot_be_told(shell):
    """Has its status."""
    assert shell("ROISH --nonsense 2>&-")[1:] == ("", 2)
    assert shell("ROISH --nonsense 2>/dev/full")[1:] == ("", 2)


def test_the_prompt_needs_somewhere_to_write(roish, tmp_path):
    """At a terminal, of which only standard input is left."""
    main, terminal = os.openpty()
    words = " ".join(map(shlex.quote, roish.command))
    for redirection, reason in ((">&-", BAD_FILE), (">/dev/full", FULL)):
        done = subprocess.run(
            ["bash", "-c", f"{words} {redirection}"], stdin=terminal, capture_output=True, text=True, timeout=60,
            cwd=tmp_path, env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "dumb"},
        )  # fmt: skip
        assert (done.stderr, done.returncode) == (NOT_WRITTEN + reason, 1)
    os.close(terminal)
    os.close(main)
