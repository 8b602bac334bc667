"""A later interpreter of a process is like the first, although it does not search for Tcl's start-up script again."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

#: All that a script could see of an interpreter: namespaces with their variables, commands and procedures, packages,
#: aliases, channels, traces. The values of environment variables are the process's.
DUMP = r"""
proc ::dump_namespace {name} {
    set found {}
    foreach variable [lsort [info vars ${name}::*]] {
        if {$variable in {::env ::DUMP}} continue
        set value [expr {[array exists $variable] ? [lsort -stride 2 [array get $variable]]
            : [info exists $variable] ? [set $variable] : "undefined"}]
        lappend found "variable $variable $value" "traces [trace info variable $variable]"
    }
    foreach command [lsort [info commands ${name}::*]] {
        if {[string match ::dump_* $command]} continue
        lappend found "command $command [namespace origin $command] [trace info command $command]"
        if {[namespace ensemble exists $command]} {lappend found [namespace ensemble configure $command]}
    }
    foreach procedure [lsort [info procs ${name}::*]] {
        if {[string match ::dump_* $procedure]} continue
        set arguments {}
        foreach argument [info args $procedure] {
            lappend arguments $argument [info default $procedure $argument value]
        }
        lappend found "proc $procedure $arguments [info body $procedure]"
    }
    namespace eval ${name}:: {
        ::lappend ::DUMP "[::namespace current] [::namespace export] [::namespace path] [::namespace unknown]"
    }
    foreach child [lsort [namespace children ${name}::]] {lappend found {*}[::dump_namespace $child]}
    return $found
}
set ::DUMP {}
set ::DUMP [concat [::dump_namespace ""] $::DUMP]
lappend ::DUMP "packages [lsort [package names]]"
foreach name [package names] {lappend ::DUMP "$name [package provide $name] [package versions $name]"}
lappend ::DUMP "unknown [package unknown] [package prefer]" "loaded [info loaded]" "aliases [interp aliases]" \
    "channels [lsort [chan names]]" "script [info script]" "encoding [encoding system] [encoding dirs]" \
    "children [expr {[catch {interp children} found] ? [interp slaves] : $found}]" "hidden [interp hidden]" \
    "library [info library]" "level [info level]" \
    "objects [lsort [info class instances ::oo::object]] [lsort [info class instances ::oo::class]]"
join $::DUMP \n
"""

SEVERAL = """
import json, sys
from tclcmd.interpreter import Interpreter
found = []
for number in range(3):
    interpreter = Interpreter()
    outcome = interpreter.eval(sys.argv[1])
    assert not outcome.is_error, interpreter.get_global("errorInfo")
    found.append(interpreter.result())
    interpreter.close()
print(json.dumps(found))
"""


def _results(script: str, **variables: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", SEVERAL, script], env={**os.environ, **variables}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def _library() -> str:
    """The folder of Tcl's script library, of a Tcl to which another folder can be given."""
    library = _results("info library")[0]
    if library.startswith("//zipfs:"):
        pytest.skip("this Tcl has its script library in itself, and looks for no other")
    return library


def test_all_that_a_script_can_see_is_the_same():
    """The first interpreter is made by Tcl_Init() alone."""
    # TclOO numbers the objects of a process.
    first, *later = (re.sub(r"::oo::Obj\d+", "::oo::Obj", result) for result in _results(DUMP))
    assert first.count("command ::torch::") > 300
    assert "proc ::auto_load " in first
    for each in later:
        assert sorted(each.splitlines()) == sorted(first.splitlines())


def test_each_interpreter_has_its_own_search_path(tmp_path):
    """The start-up script reads TCLLIBPATH each time."""
    script = 'set ::found [lindex $auto_path 0]; set env(TCLLIBPATH) "/second"; set found'
    assert _results(script, TCLLIBPATH="/first") == ["/first", "/second", "/second"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("source {}; set ::addition é", ["é", "é", "é"]),
        ("source {}; set ::addition here\n\x1aand no further [", ["here"] * 3),
    ],
)
def test_the_script_is_read_as_source_reads_it(tmp_path, text, expected):
    """UTF-8, up to the character that ends a script."""
    library = _library()
    own = tmp_path / "library"
    own.mkdir()
    (own / "init.tcl").write_text(text.format(library + "/init.tcl"), encoding="utf-8")
    assert _results("set ::addition", TCL_LIBRARY=str(own)) == expected


def test_a_library_that_is_removed_is_not_missed_by_the_start(tmp_path):
    """What the first interpreter has read serves the others."""
    library = _library()
    own = tmp_path / "library"
    shutil.copytree(library, own)
    script = f"file delete {{{own}/init.tcl}}; info library"
    assert _results(script, TCL_LIBRARY=str(own)) == [str(own)] * 3


def test_a_damaged_library_is_passed_over_by_all(tmp_path):
    """Tcl then looks elsewhere; what that library has done before it failed is done in the first interpreter only."""
    library = _library()
    (tmp_path / "init.tcl").write_text("error {this library is damaged}")
    assert _results("info library", TCL_LIBRARY=str(tmp_path)) == [library] * 3
