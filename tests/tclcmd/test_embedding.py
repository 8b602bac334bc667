"""`package require roi` in other programs with Tcl: tclsh, wish, and Debian's yosys and magic."""

from __future__ import annotations

import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig

import pytest
from tcl_versions import MAJOR, TCLSH, WISH

import pyroi
from tclcmd.embedding import setup

EXTENSION = setup.EXTENSIONS[MAJOR]
if not EXTENSION.exists():
    pytest.skip("built without Tcl's headers", allow_module_level=True)


def started(
    roish, program: str, script: str, folder: pathlib.Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs a script in another program, after the line that roish says is to stand before it."""
    path = folder / "script.tcl"
    path.write_text(f"{roish('--tclsh-setup').stdout}\n{script}\n", encoding="utf-8")
    words = {
        "yosys": [program, "-q", "-c", str(path)],
        "magic": [program, "-dnull", "-noconsole", "-rcfile", "/dev/null", str(path)],
    }.get(pathlib.Path(program).name, [program, str(path)])
    return subprocess.run(
        words, capture_output=True, text=True, timeout=120, cwd=folder, env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def tclsh(roish, tmp_path):
    """Runs a script in tclsh, after `package require roi` unless told otherwise."""
    if not TCLSH:
        pytest.skip("tclsh is not installed")

    def run(
        script: str, *, beginning: str = "package require roi", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return started(roish, TCLSH, f"{beginning}\n{script}", tmp_path, **variables)

    return run


# ---- The same commands -----------------------------------------------------------------------------------------------


def test_the_line_is_one_command_of_tcl(roish, tcl):
    """It makes the folder of this installation one of those where Tcl looks; spaces and braces would not harm it."""
    line = roish("--tclsh-setup").stdout
    assert line.count("\n") == 1
    tcl.run(f"set auto_path {{}}; {line}")
    assert tcl("lindex $auto_path 0") == str(setup.FOLDER)
    assert tcl("llength $auto_path") == "1"


@pytest.mark.parametrize("name", ["/a b/c", "/a{b", 'x"y$z[exit]', "new\nline", "back\\slash", "/a;b #c", "{", "\t"])
def test_any_folder_is_quoted(tcl, monkeypatch, name):
    """So that Tcl reads it as it is."""
    monkeypatch.setattr(setup, "FOLDER", name)
    tcl.run(f"set auto_path {{}}; {setup.line()}")
    assert tcl("lindex $auto_path 0") == name


def test_tclsh_has_the_very_same_commands(tclsh, roish):
    """All of roish's, in the same version."""
    script = "puts [lsort [info commands ::torch::*]]; puts [package present roi]"
    assert tclsh(script).stdout == roish("-c", script).stdout


def test_the_same_script_gives_the_same_in_tclsh(tclsh, anywhere):
    """Its output is roish's; also in a child there."""
    assert tclsh(f"source {{{anywhere.path}}}").stdout == anywhere.said
    child = f"interp create c; c eval {{source {{{anywhere.path}}}}}"
    assert tclsh(child).stdout == anywhere.said


def test_the_same_script_gives_the_same_in_a_thread_of_tclsh(tclsh, anywhere):
    """As in tclsh itself."""
    if tclsh("package require Thread", beginning="").returncode:
        pytest.skip("Tcl's package Thread is not installed")
    thread = f"package require Thread; thread::send [thread::create] {{source {{{anywhere.path}}}}}"
    assert tclsh(thread).stdout == anywhere.said


@pytest.mark.parametrize("program", ["yosys", "magic"])
def test_the_same_script_gives_the_same_in_other_programs(roish, tmp_path, anywhere, program):
    """Each of which has Tcl as the language of its commands."""
    found = shutil.which(program)
    if not found:
        pytest.skip(f"{program} is not installed")
    done = started(roish, found, f"source {{{anywhere.path}}}\nexit", tmp_path)
    assert anywhere.said in done.stdout, done.stderr


def test_the_same_script_gives_the_same_in_wish(roish, tmp_path, anywhere):
    """With a window open."""
    server = shutil.which("xvfb-run")
    if not (WISH and server):
        pytest.skip("wish or xvfb-run is not installed")
    runner = tmp_path / "wish"
    runner.write_text(f'#!/bin/sh\nexec {server} -a {WISH} "$@"\n')
    runner.chmod(0o755)
    script = f"source {{{anywhere.path}}}; update; after 100 {{puts [winfo viewable .]; exit}}"
    assert started(roish, str(runner), script, tmp_path).stdout == anywhere.said + "1\n"


KEPT = "puts [list [torch::tensor_to_list $x] [dict get [torch::memory_stats] live] [package present roi]]"


def test_to_load_the_extension_where_the_commands_are_keeps_the_tensors(tclsh, roish):
    """In roish, where Tcl has another loader for them, and in a child, which is given the package in two ways."""
    said = roish("-c", "puts [list {1.0 1.0 1.0} 1 [package present roi]]").stdout
    assert roish("-c", f"set x [torch::ones 3]; load {{{EXTENSION}}} Roi; {KEPT}").stdout == said
    script = f"""interp create c; c eval {{package require roi; set x [torch::ones 3]}}
        c eval [list set auto_path $auto_path]
        c eval {{package forget roi; package require roi; {KEPT}}}"""
    assert tclsh(script).stdout == said


def test_files_of_tcltest_run_in_tclsh(tclsh):
    """Tcl's own test package, with commands of both kinds."""
    script = """package require tcltest; namespace import ::tcltest::*
        test one {} -body {torch::tensor_numel [torch::zeros {2 3}]} -result 6
        test two {} -body {torch::zeros x} -returnCodes error -match glob -result {Invalid shape value*}
        cleanupTests"""
    assert "Total\t2\tPassed\t2" in tclsh(script).stdout


# ---- The program stays what it was -----------------------------------------------------------------------------------


def test_the_program_keeps_its_settings(tclsh):
    """Its locale, encodings, signals but those with which the C library starts threads, environment and channels."""
    script = """proc settings {} {
            set f [open /proc/self/status]; set status [read $f]; close $f
            set signals [lmap {- mask} [regexp -all -inline -line {^Sig[IC].*(.{8})$} $status] {set mask}]
            list $signals [encoding system] [array get ::env] [fconfigure stdout] [format %.1f 1.5] [pwd]
        }
        set before [settings]; package require roi; torch::zeros 3
        puts [expr {$before eq [settings]}]"""
    for locale in ("C", "C.UTF-8"):
        assert tclsh(script, beginning="", LC_ALL=locale).stdout == "1\n"


def test_a_procedure_in_place_of_load_stays(tclsh):
    """It is called for every file, and gets the old binding's library from Tcl's own, which it has renamed."""
    beginning = "rename load tcl_load; proc load args {incr ::calls; uplevel 1 tcl_load $args}; package require roi"
    assert tclsh("puts <[load ./libtorchtcl.so]>,$calls", beginning=beginning).stdout == "<>,2\n"


def test_packages_of_the_old_names_stay(tclsh):
    """A program's own keep their versions, and loading succeeds without a word."""
    beginning = f"package provide torch 1.0; puts <[load {{{EXTENSION}}} Roi]>"
    script = "puts [package present torch],[package present Torch]"
    assert tclsh(script, beginning=beginning).stdout == "<>\n1.0,2.0.0\n"


def test_ctrl_c_ends_tclsh_as_before(tclsh):
    """Python does not take the signal for itself."""
    done = tclsh("puts begun; flush stdout; exec kill -INT [pid]; after 2000; puts never")
    assert (done.stdout, done.returncode) == ("begun\n", -2)


def test_the_end_of_tclsh(tclsh):
    """By `exit` with tensors alive, within a command's own script, and at the end of the file."""
    assert tclsh("set x [torch::ones 3]; puts $x; exit 3").returncode == 3
    assert tclsh("proc f {} {set x [torch::ones 3]; exit 4}; f").returncode == 4
    assert tclsh("set x [torch::ones 3]").returncode == 0


def test_unload_says_that_it_cannot(tclsh):
    """Python cannot leave a process; everything works on."""
    extension = f"{{{EXTENSION}}}"
    done = tclsh(f"puts [catch {{unload {extension}}} message]:$message; puts [torch::tensor_numel [torch::ones 3]]")
    assert done.stdout == f'1:file "{EXTENSION}" cannot be unloaded under a trusted interpreter\n3\n'


def test_children_of_tclsh_end_with_tensors_alive(tclsh):
    """And others are made after them."""
    script = """for {set i 0} {$i < 20} {incr i} {
            interp create c
            c eval {package require roi; set t [torch::zeros 9]; string length $t; set u [torch::ones 2]}
            interp delete c
        }
        puts [dict get [torch::memory_stats] live]"""
    assert tclsh(script).stdout == "0\n"


def test_many_tensors_take_no_memory(tclsh):
    """Two hundred thousand, made and dropped, named ones by tensor_delete."""
    script = """proc resident {} {set f [open /proc/self/statm]; set n [lindex [gets $f] 1]; close $f; expr {$n * 4}}
        proc work {count} {for {set i 0} {$i < $count} {incr i} {
            set x [torch::zeros {10}]
            if {$i % 10 == 0} {string length $x; torch::tensor_delete $x}
        }}
        work 20000; set before [resident]; work 200000; puts [expr {[resident] - $before}]"""
    assert int(tclsh(script).stdout) < 1024


# ---- What can be missing ---------------------------------------------------------------------------------------------

VERSION = ".".join(map(str, sys.version_info[:2]))
COMPILER = shutil.which("cc")


def made(folder: pathlib.Path, source: str, *options: str) -> str:
    """A shared library of these functions of C."""
    if not COMPILER:
        pytest.skip("there is no compiler")
    path = folder / "libother.so"
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", *options, "-x", "c", "-", "-o", path], input=source, text=True, check=True
    )
    return str(path)


def test_a_library_of_python_that_is_missing(tclsh):
    """What is missing, how it is installed, and how it is named."""
    done = tclsh("", ROISH_LIBPYTHON="/nowhere/libpython.so")
    message = done.stderr.splitlines()[0]
    assert done.returncode == 1
    assert message.startswith(
        f"cannot load the package roi: the library of Python {VERSION} cannot be opened: /nowhere/"
    )
    assert f"apt install libpython{VERSION}" in message
    assert message.endswith("in the variable ROISH_LIBPYTHON")


OTHERS = [
    ("int nothing;", "what the variable ROISH_LIBPYTHON names, or the program has loaded, is not a library of Python"),
    ('const char *Py_GetVersion(void) {return "3.1.2 (x)";}', "and the library found is Python 3.1.2"),
    (f'const char *Py_GetVersion(void) {{return "{VERSION}.9 (x)";}}', "the library of Python has no function Py_"),
]


@pytest.mark.parametrize("source", ["", *(source for source, _ in OTHERS)])
def test_it_can_be_named_later(tclsh, tmp_path, source):
    """In the same process, be it that the first one is missing, or another library."""
    script = "puts [catch {package require roi}]; unset env(ROISH_LIBPYTHON); puts [package require roi]"
    wrong = made(tmp_path, source) if source else "/nowhere.so"
    done = tclsh(script, beginning="", ROISH_LIBPYTHON=wrong)
    assert (done.stdout, done.stderr) == (f"1\n{pyroi.__version__}\n", "")


@pytest.mark.parametrize(("source", "reason"), OTHERS)
def test_another_library(tclsh, tmp_path, source, reason):
    """One of something else, of another version, or a part of one."""
    done = tclsh("", ROISH_LIBPYTHON=made(tmp_path, source))
    assert done.returncode == 1
    assert reason in done.stderr.splitlines()[0]


def test_the_layout_of_pythons_settings(tmp_path):
    """The numbers by which a build for another version sets them, as this version's headers have them."""
    source = (pathlib.Path(__file__).parents[2] / "tclcmd/embedding/tclroi.c").read_text("utf-8")
    minor = sys.version_info.minor
    row = re.search(rf"^ +\{{({minor}(?:, \d+){{4}})\}},$", source, re.MULTILINE)
    headers = sysconfig.get_path("include")
    if minor >= 14:
        assert row is None  # they have names
        return
    if not os.path.exists(f"{headers}/Python.h"):
        pytest.skip("there are no headers of Python")
    fields = ("install_signal_handlers", "parse_argv", "configure_c_stdio", "executable")
    words = ", ".join(f"(int)offsetof(PyConfig, {field})" for field in fields)
    program = f"#include <Python.h>\n#include <stddef.h>\nint layout(int i) {{int at[] = {{{words}}}; return at[i];}}"
    library = ctypes.CDLL(made(tmp_path, program, "-I", headers))
    assert [int(number) for number in row[1].split(", ")] == [minor, *map(library.layout, range(4))]


def test_a_program_with_another_python(tclsh, tmp_path):
    """That has its own already: two cannot be in a process."""
    library = made(tmp_path, 'const char *Py_GetVersion(void) {return "3.1.2 (x)";}')
    done = tclsh("", LD_PRELOAD=library)
    assert "what this program has loaded is Python 3.1.2" in done.stderr.splitlines()[0]


def test_a_python_that_does_not_start(tclsh):
    """Its own start-up fails: an error that a script can catch, again when it is tried again, and no end."""
    script = "foreach i {1 2} {puts [catch {package require roi} message]:$message}; puts alive"
    done = tclsh(script, beginning="", PYTHONHOME="/nowhere")
    first, second, last = done.stdout.splitlines()
    assert first == second
    assert first.startswith(f"1:cannot load the package roi: Python {VERSION} cannot be started: ")
    assert "PYTHONHOME" in first
    assert (last, done.returncode) == ("alive", 0)


def test_a_python_without_packages(tclsh, tmp_path):
    """What cannot be imported is told."""
    (tmp_path / "numpy.py").write_text("raise ImportError('no such thing here')\n")
    done = tclsh("", PYTHONPATH=str(tmp_path))
    assert done.stderr.splitlines()[0] == (
        f"cannot load the package roi: Python {VERSION} cannot load the commands: ImportError: no such thing here"
    )


def test_an_extension_away_from_its_packages(tclsh, tmp_path):
    """The message tells the file above which they are missing."""
    copy = shutil.copy(EXTENSION, tmp_path.resolve())
    done = tclsh("", beginning=f"load {{{copy}}} Roi")
    assert done.stderr.splitlines()[0] == (
        f"cannot load the package roi: the package tclcmd cannot be found above {copy}"
    )


@pytest.mark.parametrize(
    ("version", "count"), [("8.5", 0), ("8.6", 1), ("8.6.99", 1), ("8.7", 1), ("9.0", 1), ("9.1", 1), ("10.0", 0)]
)
def test_another_version_of_tcl_does_not_see_the_package(tcl, version, count):
    """The index offers it to 8.6, to 9, and to what is compatible with these."""
    tcl.run(f"interp create c; c eval {{package forget roi; rename package tcl_package; set version {version}}}")
    tcl.run("c eval {proc package args {if {$args eq {provide Tcl}} {return $::version}; uplevel 1 tcl_package $args}}")
    tcl.run(f"c eval {{set dir {{{setup.FOLDER}}}; source $dir/pkgIndex.tcl}}")
    assert tcl("c eval {llength [package versions roi]}") == str(count)
