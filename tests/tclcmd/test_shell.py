"""roish as a program: the sources of scripts, their arguments, the exit status."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tcl_versions import VERSION

import pyroi


def test_a_script_file_gets_its_arguments(roish, tmp_path):
    """argv0, argv and argc as in tclsh; what follows the file is the script's, options too."""
    (tmp_path / "s.tcl").write_text('puts "$argv0|$argv|$argc|$tcl_interactive|[info script]"', encoding="utf-8")
    done = roish("s.tcl", "-x", "--help", "a b", "ü".encode())
    assert done.stdout == "s.tcl|-x --help {a b} ü|4|0|s.tcl\n"
    assert done.returncode == 0


def test_a_script_on_the_command_line(roish):
    """-c takes the script, and the rest is its arguments."""
    done = roish("-c", "puts $argv0,$argv", "-c", "--version")
    assert done.stdout == "roish,-c --version\n"


def test_a_script_on_standard_input(roish):
    """Read command by command, so that `gets stdin` reads what follows."""
    done = roish(input="puts [gets stdin]\nthis line is data\nputs {two\nlines}\nexit 4\nputs never\n")
    assert (done.stdout, done.returncode) == ("this line is data\ntwo\nlines\n", 4)


def test_a_script_on_standard_input_stops_at_the_first_error(roish):
    """And tells the line."""
    done = roish(input="puts one\n\nif 1 {\n  error broken\n}\nputs two\n")
    assert (done.stdout, done.returncode) == ("one\n", 1)
    assert done.stderr.startswith("broken\n")
    assert '(file "stdin" line 3)' in done.stderr


def test_an_unfinished_command_on_standard_input(roish):
    """Is an error, not forgotten."""
    done = roish(input="puts {never closed\n")
    assert done.returncode == 1
    assert "missing close-brace" in done.stderr


def test_a_failing_script_tells_message_trace_file_and_line(roish, tmp_path):
    """Tcl's errorInfo on standard error, exit status 1, what was printed before on standard output."""
    (tmp_path / "s.tcl").write_text("proc f {x} {\n  torch::tensor_shape $x\n}\nputs before\nf foo\n")
    done = roish("s.tcl")
    assert (done.stdout, done.returncode) == ("before\n", 1)
    assert done.stderr.startswith('Invalid input tensor: expected a tensor, got "foo"\n    while executing\n')
    assert '(procedure "f" line 2)' in done.stderr
    assert '(file "s.tcl" line 5)' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_command_line_script_tells_its_line(roish):
    """It has no file, but lines."""
    assert '(file "-c" line 2)' in roish("-c", "set a 1\nerror broken").stderr


def test_a_misspelt_command_is_answered_with_the_right_one(roish):
    """Tcl says what it does not know; we know what was meant."""
    assert "Did you mean torch::roi_align?" in roish("-c", "torch::roi_alig").stderr
    assert "Did you mean torch::roi_align?" in roish("-c", "roi_align 1").stderr
    assert "Did you mean" not in roish("-c", "something_else").stderr


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_exit_gives_its_status(roish, status):
    """Also from within a proc, an event or a child interpreter; and files are flushed."""
    assert roish("-c", f"exit {status}").returncode == status
    assert roish("-c", f"after 1 {{exit {status}}}; vwait forever").returncode == status
    assert roish("-c", f"[interp create] eval exit {status}").returncode == status


def test_what_a_script_leaves_open_is_flushed(roish, tmp_path):
    """As in tclsh."""
    roish("-c", "puts [open out.txt w] text; puts -nonewline shown")
    assert (tmp_path / "out.txt").read_text() == "text\n"
    assert roish("-c", "puts -nonewline shown").stdout == "shown"


def test_a_missing_file(roish):
    """Is told by Tcl, in one line and its place."""
    done = roish("nowhere.tcl")
    assert done.returncode == 1
    assert done.stderr.startswith('couldn\'t read file "nowhere.tcl": no such file or directory')


def test_a_closed_pipe_ends_quietly(roish, tmp_path):
    """As in `roish -c ... | head -1`: no traceback, no noise."""
    (tmp_path / "s.tcl").write_text("for {set i 0} {$i < 100000} {incr i} {puts $i}")
    line = f"{sys.executable} -m tclcmd s.tcl | head -1"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_full_disk_on_standard_output_is_a_failure(tmp_path):
    """What cannot be written is not passed over."""
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "tclcmd", "-c", "puts hello"], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 1
    assert "no space left on device" in done.stderr


def test_threads(roish):
    """--threads sets what torch::get_num_threads says."""
    assert roish("--threads", "1", "-c", "puts [torch::get_num_threads]").stdout == "1\n"
    assert roish("--threads", "0", "-c", "").returncode == 2


def test_version_and_help(roish):
    """Both versions, and all options."""
    assert roish("--version").stdout.startswith(f"roish {pyroi.__version__} (Tcl {VERSION}.")
    text = roish("--help").stdout
    assert all(option in text for option in ("-c", "--threads", "--debug", "--version", "--help"))


def test_c_needs_a_script(roish):
    """And says so."""
    done = roish("-c")
    assert done.returncode == 2
    assert "-c needs a script" in done.stderr


def test_without_the_host_module_it_says_what_to_install(tmp_path):
    """As where it was built without Tcl's headers."""
    script = (
        "import sys; from tclcmd import libtcl; libtcl.built_for = lambda: (); sys.argv = ['roish', '-c', '']\n"
        "from tclcmd.shell.program import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 1
    assert "apt install tcl-dev" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_scripts_are_utf8_whatever_the_locale(roish, tmp_path, locale):
    """Source, standard input and output."""
    (tmp_path / "s.tcl").write_text("puts ü€", encoding="utf-8")
    variables = {"LC_ALL": locale}
    assert roish("s.tcl", variables=variables).stdout == "ü€\n"
    assert roish(input="puts ü€\n", variables=variables).stdout == "ü€\n"
    assert roish("-c", "puts ü€".encode(), variables=variables).stdout == "ü€\n"


def test_a_session_starts_without_what_it_does_not_need(tmp_path):
    """Pillow, archives and line editing wait until they are asked for."""
    script = "import sys, tclcmd.shell.program, tclcmd.interpreter as i; i.Interpreter(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"PIL", "matplotlib", "prompt_toolkit", "readline", "zipfile", "numpy.random"}
