"""The commands in interpreters that scripts make: children, threads, and after a fork."""

from __future__ import annotations

import gc

import pytest

from tclcmd.interpreter import Interpreter
from tclcmd.values.tensors import Tensors

CHILD = "interp create child; child eval {package require roi}"


@pytest.fixture
def child(tcl):
    """An interpreter with a child that has the commands."""
    tcl.run(CHILD)
    return tcl


def stores() -> list[Tensors]:
    """All stores that anything in this process still refers to."""
    gc.collect()
    # Not isinstance(thing), which asks proxies of other packages for what they stand for, and that may be gone.
    return [thing for thing in gc.get_objects() if issubclass(type(thing), Tensors)]


# ---- Children --------------------------------------------------------------------------------------------------------


def test_a_child_has_the_same_commands(child):
    """All of them, by the package alone."""
    assert child("lsort [child eval {info commands ::torch::*}]") == child("lsort [info commands ::torch::*]")
    assert child("child eval {namespace eval ::torch {namespace export}}") == "*"
    assert child("child eval {package present roi}") == child("package present roi")


def test_a_child_has_none_until_it_asks(tcl):
    """And a child of a child can ask as well."""
    assert tcl("interp create a; a eval {info commands ::torch::*}") == ""
    assert (
        tcl("a eval {interp create b; b eval {package require roi; torch::tensor_numel [torch::zeros {2 3}]}}") == "6"
    )
    assert tcl("a eval {info commands ::torch::*}") == ""


def test_a_child_is_given_the_commands_from_outside(tcl):
    """By `load`, which is what the package does."""
    assert tcl("interp create a; load {} Roi a; a eval {torch::tensor_numel [torch::zeros 4]}") == "4"


def test_to_load_again_keeps_the_tensors(tcl):
    """Where the commands are already, nothing happens."""
    assert tcl("set x [torch::ones 3]; load {} Roi; torch::tensor_to_list $x") == "1.0 1.0 1.0"


def test_the_library_of_the_old_binding_is_loaded_into_a_child(tcl):
    """With a package's name, or without."""
    for child, word in (("a", "{}"), ("b", "Torchtcl")):
        assert tcl(f"interp create {child}; load ./libtorchtcl.so {word} {child}") == ""
        assert tcl(f"{child} eval {{torch::tensor_numel [torch::zeros 4]}}") == "4"
    assert "nowhere" in tcl.error("load ./libtorchtcl.so {} nowhere")


def test_a_child_with_another_package_of_this_name(tcl):
    """Gets nothing, however often it is tried; nor does anything of its session remain. It can forget the package."""
    tcl.run("interp create a; a eval {package provide roi 9.9}")
    before = len(stores())
    for _ in range(2):
        assert "conflicting versions" in tcl.error("load {} Roi a")
        assert tcl("a eval {list [info commands ::torch::*] [namespace exists ::torch]}") == "{} 0"
    assert len(stores()) == before
    assert tcl("a eval {package forget roi}; load {} Roi a; a eval {torch::tensor_numel [torch::zeros 4]}") == "4"


def test_a_safe_child_has_them_from_outside(tcl):
    """It cannot load anything itself. What its commands reach is tested in tests/tclcmd/safe."""
    tcl.run("interp create -safe quiet")
    assert "package" in tcl.error("quiet eval {package require roi}")
    assert "load" in tcl.error("quiet eval {load {} Roi}")
    assert tcl("quiet eval {info commands ::torch::*}") == ""
    assert tcl("load {} Roi quiet; quiet eval {torch::tensor_shape [torch::ones {2 3}]}") == "2 3"


@pytest.mark.parametrize("way", ["as a value", "as text"])
@pytest.mark.parametrize(
    ("call", "parameter"), [("torch::tensor_shape", "input"), ("torch::tensor_delete", "tensors"),
                            ("torch::tensor_stack -tensors", "tensors")],
)  # fmt: skip
def test_a_handle_of_another_interpreter_is_an_error(child, way, call, parameter):
    """In both directions; and it says what to do."""
    child.run("set mine [torch::ones 2]; child eval {set its [torch::zeros {4 5}]; set name {}}")
    if way == "as text":
        child.run("set mine [string cat $mine {}]; child eval {set its [string cat $its {}]}")
    for script in (f"{call} [child eval {{set its}}]", f"child eval [list {{*}}{{{call}}} $mine]"):
        message = child.error(script)
        assert message.startswith(f"Invalid {parameter} tensor: ")
        assert "belongs to another interpreter; torch::tensor_import makes a copy" in message
    assert child("torch::tensor_to_list $mine") == "1.0 1.0"
    assert child("child eval {torch::tensor_shape $its}") == "4 5"


def test_numbers_are_never_given_twice(child):
    """The first tensor of a child has not the name of the first one of its parent, which would be taken for it."""
    names = [child(f"{where} {{string cat [torch::zeros 1] {{}}}}") for where in ("eval", "child eval") * 3]
    assert len(set(names)) == 6


def test_numbers_are_given_once_in_a_process(child):
    """A child made after another interpreter of this process has begun is its parent's relation, not the other's."""
    name = "string cat [torch::zeros 1] {}"
    names = [child(name), child(f"child eval {{{name}}}")]
    other = Interpreter()
    try:
        other.eval(name)
        names.append(other.result())
        child.run("interp create late; late eval {package require roi}")
        names.append(child(f"late eval {{{name}}}"))
    finally:
        other.close()
    assert len(set(names)) == 4
    assert child(f"torch::tensor_shape [torch::tensor_import {names[-1]}]") == "1"


def test_a_tensor_is_handed_over_by_value(child):
    """Type, shape and numbers go; later neither depends on the other."""
    child.run(
        "child eval {set its [torch::tensor_permute [torch::tensor_create {{1 2 3} {4 5 6}} -dtype int64] {1 0}]}"
    )
    child.run("set copy [torch::tensor_import [child eval {set its}]]")
    assert child("child eval {torch::tensor_delete $its}") == "1"
    assert child("list [torch::tensor_dtype $copy] [torch::tensor_shape $copy]") == "Int64 {3 2}"
    assert child("torch::tensor_to_list $copy") == "1 4 2 5 3 6"


@pytest.mark.parametrize(
    ("handle", "reason"),
    [("tensor123456", "tensor123456 does not exist"), ("[set gone]", "was freed"),
     ("foo", 'expected a tensor of this or another interpreter, got "foo"')],
)  # fmt: skip
def test_what_cannot_be_handed_over(child, handle, reason):
    """A name of nothing, a tensor that is gone, and what is no tensor."""
    child.run("set gone [child eval {string cat [set t [torch::zeros 1]] {}}]; child eval {torch::tensor_delete $t}")
    message = child.error(f"torch::tensor_import {handle}")
    assert message.startswith("Invalid tensor tensor: ")
    assert reason in message


def test_random_numbers_are_each_interpreters_own(child):
    """A seed is not shared."""
    draw = "torch::tensor_to_list [torch::rand 3]"
    child.run("torch::manual_seed 7; child eval {torch::manual_seed 7}")
    assert child(draw) == child(f"child eval {{{draw}}}") != child(draw)


def test_the_end_of_a_child_frees_its_tensors(child):
    """Named ones, too; nothing of its store remains, and values that its parent still has are harmless."""
    before = len(stores())
    child.run("set kept [child eval {set t [torch::zeros 9]; string length $t; list $t [torch::ones 5]}]")
    child.run("interp delete child")
    assert len(stores()) == before - 1
    assert "was freed" in child.error("torch::tensor_shape [lindex $kept 1]")
    assert child("unset kept; torch::tensor_numel [torch::zeros 3]") == "3"


def test_a_child_that_ends_itself(child):
    """In the midst of its own script, while it has tensors."""
    child.run("child alias end interp delete child")
    child.interpreter.eval("child eval {set t [torch::ones 2]; end; torch::tensor_shape $t}")
    assert child("interp exists child") == "0"
    assert child("torch::tensor_numel [torch::zeros 3]") == "3"


RESIDENT = """
proc resident {} {set f [open /proc/self/statm]; set n [lindex [gets $f] 1]; close $f; expr {$n * 4}}
proc repeat {count script} {
    for {set i 0} {$i < $count / 10} {incr i} $script
    set before [resident]
    for {set i 0} {$i < $count} {incr i} $script
    puts [expr {[resident] - $before}]
}
"""


def test_many_children_take_no_memory(roish):
    """Made and ended with tensors alive, five hundred times, of 400 kB each: eleven that are left would be seen."""
    script = (
        RESIDENT
        + """repeat 500 {
        interp create c
        c eval {package require roi; set t [torch::ones {100 1000}]; set u [list [torch::ones 3]]; string length $t}
        interp delete c
    }"""
    )
    grown = int(roish("-c", script).stdout)
    assert grown < 4096


def test_the_same_script_gives_the_same_in_a_child(roish, tmp_path, anywhere):
    """As in roish itself."""
    script = f"interp create c; c eval {{source {{{anywhere.path}}}}}"
    assert roish("-c", script).stdout == anywhere.said


# ---- Threads ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def threaded(roish):
    """Runs a script in roish, after a thread was made that has the commands; returns what is printed."""
    if roish("-c", "package require Thread").returncode:
        pytest.skip("Tcl's package Thread is not installed")

    def run(script: str) -> str:
        beginning = "package require Thread; set t [thread::create]; thread::send $t {package require roi}\n"
        done = roish("-c", beginning + script)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_thread_has_tensors_of_its_own(threaded):
    """A handle of another thread is an error; the copy is not."""
    said = threaded(
        "set name [thread::send $t {set x [torch::arange 3]}]\n"
        "puts [catch {torch::tensor_shape $name} message]:$message\n"
        "puts [torch::tensor_to_list [torch::tensor_import $name]]\n"
        "puts [thread::send $t {torch::tensor_to_list $x}]\n"
        "puts [thread::send $t {torch::tensor_delete $x}]"
    )
    error, *rest = said.splitlines()
    assert error.startswith("1:Invalid input tensor: tensor")
    assert "belongs to another interpreter" in error
    assert rest == ["0.0 1.0 2.0", "0.0 1.0 2.0", "1"]


def test_an_error_in_a_thread(threaded):
    """Also one that is made beforehand, again in each thread."""
    assert threaded("puts [catch {thread::send $t {torch::zeros x}} message]:$message").startswith("1:Invalid shape")


def test_the_end_of_a_thread_frees_its_tensors(threaded):
    """Those with names, too."""
    said = threaded(
        "set name [thread::send $t {set x [torch::zeros 5]}]; thread::release $t\n"
        "while {[llength [thread::names]] > 1} {after 5}; after 50\n"
        "catch {torch::tensor_import $name} message; puts $message"
    )
    assert "was freed" in said


def test_many_threads_compute_at_a_time(threaded, anywhere):
    """And each gives what one alone does."""
    script = (
        "proc add {sum n} {expr {$sum + $n}}; set sums {}\n"
        "set work {package require roi; set s [torch::tensor_sum [torch::roi_align [torch::ones {1 8 32 32}]"
        " {0 0 9 9} {7 7}]]; torch::tensor_item $s}\n"
        "for {set i 0} {$i < 8} {incr i} {thread::send -async [thread::create] $work got($i)}\n"
        "while {[array size got] < 8} {vwait got}\n"
        "foreach {name sum} [array get got] {lappend sums $sum}; puts [lsort -unique $sums]"
    )
    assert threaded(script) == f"{8 * 7 * 7:.6f}\n"  # means of ones


@pytest.mark.parametrize("end", ["exit 5", "thread::broadcast {thread::release}; after 300; exit 5"])
def test_the_program_ends_while_threads_compute(roish, threaded, end):
    """With the status that was asked for."""
    script = (
        "package require Thread\n"
        "for {set i 0} {$i < 3} {incr i} {thread::send -async [thread::create] {package require roi\n"
        "    while 1 {torch::roi_align [torch::ones {1 16 64 64}] {0 0 50 50} {14 14}; update}}}\n"
        f"after 700; {end}"
    )
    done = roish("-c", script)
    assert (done.returncode, done.stderr) == (5, "")


def test_many_threads_take_no_memory(roish, threaded):
    """A hundred, each with a tensor of 400 kB when it ends: of 40 MB, a fifth that is left would be seen."""
    script = (
        RESIDENT
        + """package require Thread; repeat 100 {
        thread::create {package require roi; set t [torch::ones {100 1000}]; string length $t}
        while {[llength [thread::names]] > 1} {after 1}
    }"""
    )
    assert int(roish("-c", script).stdout) < 8192


def test_the_same_script_gives_the_same_in_a_thread(threaded, anywhere):
    """What it prints, and to the same standard output."""
    assert threaded(f"thread::send $t {{source {{{anywhere.path}}}}}") == anywhere.said


# ---- Fork ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def forking(roish):
    """Runs roish with scripts that fork."""
    if roish("-c", "package require Tclx").returncode:
        pytest.skip("the package Tclx is not installed")
    return roish


def test_both_go_on_after_a_fork(forking):
    """By Tclx: the child process computes, too, with operators that use threads, and in a child interpreter."""
    script = """package require Tclx
        proc work {} {torch::tensor_item [torch::tensor_sum [torch::roi_align [torch::ones {1 64 64 64}] {0 0 9 9} 7]]}
        set x [torch::ones 3]; work
        set pid [fork]
        puts "[expr {$pid > 0}] [torch::tensor_to_list $x] [work]"
        if {$pid == 0} {
            interp create c
            puts [c eval {package require roi; torch::tensor_numel [torch::ones 9]}]
            exit 3
        }
        puts [lrange [wait $pid] 1 2]"""
    done = forking("-c", script)
    assert done.stderr == ""
    sums = f"{64 * 7 * 7:.6f}"
    assert sorted(done.stdout.splitlines()) == sorted([f"0 1.0 1.0 1.0 {sums}", "9", f"1 1.0 1.0 1.0 {sums}", "EXIT 3"])


@pytest.mark.parametrize("generations", [1, 2])
def test_ctrl_c_stops_the_process_that_gets_it(forking, generations):
    """A child process, or a child's child, is cancelled as roish itself would be, and its parents go on."""
    script = """package require Tclx
        pipe reader writer
        proc descend {generations} {
            global reader writer
            set pid [fork]
            if {$pid == 0} {
                if {$generations > 1} {descend [expr {$generations - 1}]; exit 7}
                puts $writer begun; flush $writer
                set end [expr {[clock seconds] + 30}]
                while {[clock seconds] < $end} {catch {foo}}
                exit 9
            }
            if {$generations == 1} {gets $reader; kill INT $pid}
            puts [lrange [wait $pid] 1 2]
        }
        torch::ones 3; descend %d; puts [torch::tensor_numel [torch::ones 9]]"""
    done = forking("-c", script % generations, timeout=60)
    ends = ["EXIT 130", "EXIT 7"][:generations]
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == ([*ends, "9"], "", 0)
