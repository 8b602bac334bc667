"""Ctrl-C: what it cancels, its report, and the state of the interpreter afterwards."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import threading
import time

import pytest

from tclcmd import interpreter
from tclcmd._host import lib
from tclcmd.commands import REGISTRY
from tclcmd.values.tensors import Tensors

ENDLESS = {
    "loop": "while 1 {}",
    "catching loop": "while 1 {catch {foo}}",
    "trying loop": "while 1 {try {torch::zeros x} on error {} {}}",
    "calling loop": "while 1 {torch::zeros {2 2}}",
    "recursion": "proc f {} {while 1 {catch f}}; f",
    "sleep": "after 100000",
    "event loop": "vwait forever",
    "child interpreter": "[interp create] eval {while 1 {catch {foo}}}",
    "operator": "set x [torch::zeros {1 64 512 512}]; set b [torch::zeros {20000 5}]; "
    "set b [torch::tensor_add $b [torch::tensor_create {0 0 0 500 500}]]; "
    "while 1 {catch {torch::roi_align $x $b {14 14}}}",
    "waiting for a line": "gets stdin",
}


def started(roish, script: str, **options: object) -> subprocess.Popen[str]:
    """roish at work on a script; it has said that it began."""
    process = subprocess.Popen(
        [*roish.command, "-c", f"puts begun; flush stdout; {script}; puts never"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.2)
    return process


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_a_script_ends_with_status_130(roish, script):
    """No `catch` holds it back, and nothing is written as if it were an error of the script."""
    process = started(roish, script)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)  # its standard input stays open
    assert (process.returncode, *process.communicate()) == (130, "", "")


def test_a_script_that_waits_to_be_read(roish, tmp_path):
    """Between two commands on standard input, too."""
    process = subprocess.Popen(roish.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write("puts begun; flush stdout\n")
    process.stdin.flush()
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.stdin.write("puts never\n")
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")


def test_a_job_in_the_background_is_not_interrupted(roish):
    """A process that was started to ignore SIGINT goes on ignoring it."""
    process = started(roish, "after 1000", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "never\n"


@pytest.mark.parametrize("script", [ENDLESS["loop"], ENDLESS["catching loop"], ENDLESS["event loop"]])
def test_the_interpreter_goes_on(tcl, made_to, script):
    """It can be used again at once, and interrupted again."""
    for _ in range(2):
        made_to(press_later)
        outcome = tcl.interpreter.eval(f"torch::zeros 2; {script}")
        made_to(REGISTRY["zeros"].function)
        assert outcome.is_error
        assert outcome.was_interrupted
        assert tcl("set a 1; catch {error x}; torch::tensor_numel [torch::zeros 3]") == "3"


def test_python_has_its_own_handler_back(tcl):
    """Outside of evaluations Ctrl-C is Python's KeyboardInterrupt."""
    tcl("set x 1")
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)


@pytest.fixture
def made_to(tcl):
    """Has torch::zeros call a function of the test."""

    def make(function):
        rows = tcl.interpreter._table.rows
        (index,) = (index for index, row in enumerate(rows) if row.name == "zeros")
        rows[index] = dataclasses.replace(rows[index], function=function)

    return make


def press(**_):
    """Ctrl-C, as the last thing that a command does."""
    signal.raise_signal(signal.SIGINT)
    return ""


def press_later(**_):
    """Ctrl-C a moment after the command, which is to say within the evaluation, however busy the machine is."""
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    return ""


@pytest.fixture
def hesitating():
    """The thread that cancels takes its time, as on a machine that has none to spare."""
    lib.host_set_hesitation(100)
    yield
    lib.host_set_hesitation(0)


@pytest.mark.usefixtures("hesitating")
def test_a_press_as_a_command_ends_stops_nothing_else(tcl, made_to):
    """By the time the thread acts, another evaluation runs, and then none."""
    made_to(press)
    assert tcl.interpreter.eval("torch::zeros 2").was_interrupted
    outcome = tcl.interpreter.eval("after 300; set ok 1")
    assert (outcome.is_complete, tcl.interpreter.result()) == (True, "1")
    assert tcl.interpreter.eval("torch::zeros 2").was_interrupted
    time.sleep(0.3)
    assert tcl("set ok 2") == "2"


def test_presses_as_commands_end_in_a_loop(tcl, made_to):
    """At whatever moment the thread acts."""
    made_to(press)
    for count in range(200):
        assert tcl.interpreter.eval("torch::zeros 2").was_interrupted
        outcome = tcl.interpreter.eval("for {set i 0} {$i < 300} {incr i} {}; set i")
        assert (outcome.is_complete, tcl.interpreter.result()) == (True, "300"), count


def test_what_is_left_of_an_interruption_in_child_interpreters(tcl, made_to):
    """They are cancelled with their parent, and go on with it."""
    tcl("set child [interp create]; set grandchild [$child eval {interp create}]; $child eval {proc f {} {return 7}}")
    made_to(press_later)
    assert tcl.interpreter.eval("torch::zeros 2; while 1 {}").was_interrupted
    assert tcl("$child eval f") == "7"
    assert tcl("$child eval [list $grandchild eval {expr {3 + 4}}]") == "7"


def test_a_press_as_an_interpreter_ends(tcl, monkeypatch):
    """It stops the script as well, and nothing finds the session of that interpreter any more."""

    def late(*_):
        raise KeyboardInterrupt

    sessions = dict(interpreter._SESSIONS)
    tcl.run("interp create child; child eval {package require roi; set t [torch::ones 3]; string length $t}")
    with monkeypatch.context() as patch:
        patch.setattr(Tensors, "delete", late)
        outcome = tcl.interpreter.eval("interp delete child; after 5000; set never 1")
    assert outcome.was_interrupted
    assert tcl("info exists never") == "0"
    assert sessions == interpreter._SESSIONS
    assert interpreter._family.stores == {tcl.interpreter.session.tensors}


def test_a_press_that_python_took_before_the_evaluation(tcl, made_to):
    """Its KeyboardInterrupt comes up in the first command of ours: it stops the script there, whatever is caught."""

    def late(**_):
        raise KeyboardInterrupt

    made_to(late)
    outcome = tcl.interpreter.eval("catch {torch::zeros 2}; after 5000; set never 1")
    assert outcome.was_interrupted
    assert tcl("info exists never") == "0"
