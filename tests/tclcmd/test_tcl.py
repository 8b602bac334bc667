"""Tcl is Tcl: nothing of the language is redefined, and its own libraries work."""

from __future__ import annotations

import os

import pytest

TCLTEST = """
package require tcltest
namespace import ::tcltest::*
test align-1.1 {a map of zeros gives zeros} -body {
    torch::tensor_item [torch::tensor_sum [torch::roi_align [torch::zeros {1 1 4 4}] {0 0 2 2} 2]]
} -result 0.000000
test align-1.2 {the error is the documented one} -body {torch::roi_align} -returnCodes error \\
    -match glob -result {Missing required parameters*}
test align-1.3 {an expectation that may fail} -body {torch::tensor_numel [torch::zeros {2 3}]} -result SIX
set failed $::tcltest::numTests(Failed)
cleanupTests
exit [expr {$failed > 0}]
"""


@pytest.mark.parametrize(("expected", "status", "failed"), [("6", 0, 0), ("7", 1, 1)])
def test_a_tcltest_file_runs(roish, tmp_path, expected, status, failed):
    """With tcltest's own report, and the exit status the file chooses."""
    (tmp_path / "align.test").write_text(TCLTEST.replace("SIX", expected))
    done = roish("align.test", "-verbose", "pe")
    assert f"Total\t3\tPassed\t{3 - failed}\tSkipped\t0\tFailed\t{failed}" in done.stdout
    assert done.returncode == status


def test_tcltest_starts_roish_again_for_a_folder_of_tests(roish, tmp_path):
    """`info nameofexecutable` is roish, so that each file of a suite runs in a roish of its own."""
    (tmp_path / "one.test").write_text(TCLTEST.replace("SIX", "6").replace("exit [", "# ["))
    done = roish("-c", "package require tcltest; tcltest::configure -testdir .; tcltest::runAllTests")
    assert "Total\t3\tPassed\t3" in done.stdout


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("proc double {t} {torch::tensor_add $t $t}; torch::tensor_to_list [double [torch::arange 3]]", "0.0 2.0 4.0"),
        ("set n 0; foreach t [list [torch::ones 2] [torch::ones 3]] {incr n [torch::tensor_numel $t]}; set n", "5"),
        ("set d [dict create map [torch::ones {1 2}]]; torch::tensor_shape [dict get $d map]", "1 2"),
        ("set opts {-dtype int64}; torch::tensor_dtype [torch::zeros 2 {*}$opts]", "Int64"),
        ("try {torch::zeros x} trap {TORCH INVALID_VALUE shape} {} {set r trapped}", "trapped"),
        ("try {torch::zeros x} trap {TORCH INVALID_VALUE} {m o} {lindex [dict get $o -errorcode] 2}", "shape"),
        ("catch {torch::zeros x} message options; dict get $options -code", "1"),
        ("lmap n {1 2} {torch::tensor_numel [torch::zeros $n]}", "1 2"),
        ("apply {{a b} {torch::tensor_to_list [torch::tensor_add $a $b]}} [torch::ones 2] 1", "2.0 2.0"),
        ("namespace eval mine {namespace import ::torch::*; tensor_shape [zeros {2 2}]}", "2 2"),
        ("namespace eval mine {namespace path ::torch; tensorShape [zeros {2 2}]}", "2 2"),
        ("coroutine c apply {{} {yield [torch::ones 2]; yield [torch::ones 3]}}; torch::tensor_numel [c]", "3"),
        ("interp alias {} z {} torch::zeros; torch::tensor_numel [z {2 2}]", "4"),
        ("set child [interp create]; $child alias n torch::tensor_numel; $child eval [list n [torch::ones 3]]", "3"),
        ("package require roi; llength [info commands ::torch::roi*lign]", "2"),
        ("expr {[torch::tensor_item [torch::full 1 2.5]] * 2}", "5.0"),
        ("string length [torch::help]; info exists tcl_version", "1"),
        ("set r {}; trace add execution torch::zeros leave {apply {args {set ::r [lindex $args 2]}}}; torch::zeros 1; "
         "string match tensor* $r", "1"),
        ("rename torch::zeros nul; torch::tensor_shape [nul {3}]", "3"),
        ("oo::class create C {method n {t} {torch::tensor_numel $t}}; [C new] n [torch::zeros {2 2}]", "4"),
    ],
)  # fmt: skip
def test_the_language_behaves(tcl, script, result):
    """procs, lists, dicts, traps, namespaces, coroutines, aliases, child interpreters, traces, objects."""
    assert tcl(script) == result


def test_source_and_its_error_trace(tcl, tmp_path):
    """A sourced file defines procs; an error in it tells file and line."""
    (tmp_path / "lib.tcl").write_text("proc f {} {\n    torch::zeros x\n}\nset loaded 1\n")
    tcl(f"source {tmp_path}/lib.tcl")
    tcl.error("f")
    assert '(procedure "f" line 2)' in tcl("set errorInfo")


def test_text_passes_unchanged(tcl, tmp_path):
    """Beyond the first plane, and with a NUL inside."""
    name = tmp_path / "zwölf😀.npy"
    assert tcl(f"torch::tensor_save [torch::ones 1] {{{name}}}") == str(name)
    assert os.path.exists(os.fsencode(tmp_path) + "/zwölf😀.npy".encode())
    assert tcl.error('torch::help "a\\0b"') == 'Invalid command value: there is no command "a\0b"'
