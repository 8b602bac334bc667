"""The lifetime of tensors: as long as they have a reference, or a name that was seen."""

from __future__ import annotations

import pytest

from tclcmd.interpreter import Interpreter


def live(tcl) -> int:
    """How many tensors are alive."""
    return tcl.stats()["live"]


def test_a_loop_that_overwrites_holds_one_tensor(tcl):
    """In constant memory: the peak is two, the old one and its successor."""
    tcl.run("for {set i 0} {$i < 20000} {incr i} {set x [torch::zeros {4 4}]}")
    assert tcl.stats() == {"live": 1, "pinned": 0, "bytes": 64, "peak": 128}


@pytest.mark.parametrize(
    "ending",
    ["unset x", "set x 5", "set x [torch::zeros 1]; unset x", "rename f {}; unset x", "namespace delete ::n; unset x"],
)
def test_the_last_holder_takes_the_tensor_along(tcl, ending):
    """However the variable goes."""
    tcl.run("proc f {} {}; namespace eval n {}; set x [torch::zeros {2}]")
    assert live(tcl) == 1
    tcl.run(ending)
    assert live(tcl) == 0


@pytest.mark.parametrize(
    "script",
    [
        "proc f {t} {torch::tensor_add $t 1}; set y [f $x]; unset y",
        "set l [list $x $x]; set first [lindex $l 0]; unset l first",
        "set d [dict create a $x]; dict set d b $x; unset d",
        "array set a [list k $x]; set a(k2) $a(k); array unset a",
        "foreach t [list $x $x] {torch::tensor_shape $t}; unset t",
        "lassign [list $x $x] a b; unset a b",
        "torch::tensor_numel [torch::tensor_cat [list $x $x]]",
        "torch::tensor_cat [list $x]",
        "torch::tensor_sum {*}[list $x 0]",
        "catch {torch::roi_align $x $x $x}",
        "catch {torch::zeros $x}; catch {torch::zeros [list $x $x]}; catch {torch::tensor_save $x $x}",
        "catch {torch::tensor_create [list $x 1]}; catch {torch::tensor_create [list [list $x] [list $x]]}",
        "catch {torch::help $x}; catch {torch::zeros 2 $x}; catch {torch::full 2 [list $x]}",
        "set y $x; set z $y; unset y z",
        "apply {t {set u $t; return $u}} $x",
    ],
)
def test_handling_a_tensor_does_not_name_it(tcl, script):
    """A tensor passes through procs, lists, dicts, arrays and failing calls without its name being made."""
    tcl.run("set x [torch::zeros {2}]")
    tcl.run(script + "; set ok 1")
    assert (live(tcl), tcl.stats()["pinned"]) == (1, 0)
    # After an error Tcl itself holds the words of the call that failed, for `info errorstack`, until the next one.
    tcl.run("unset x; catch {error another}")
    assert live(tcl) == 0


def test_a_printed_handle_still_works_after_its_variable_is_gone(tcl):
    """A name that a script can still type must still work."""
    tcl.run('set x [torch::arange 3]; set name "the tensor is $x"; unset x')
    assert tcl.stats()["pinned"] == 1
    assert tcl("torch::tensor_to_list [lindex $name end]") == "0.0 1.0 2.0"


def test_a_handle_as_array_key(tcl):
    """A key is text: the tensor stays."""
    tcl.run("set x [torch::arange 2]; set colour($x) red; unset x")
    assert tcl("torch::tensor_to_list [lindex [array names colour] 0]") == "0.0 1.0"


def test_a_value_that_becomes_something_else_keeps_its_tensor(tcl):
    """Reading a handle as a list takes its text; the tensor stays by its name."""
    tcl.run("set x [torch::arange 2]; llength $x; string length $x")
    assert tcl.stats() == {"live": 1, "pinned": 1, "bytes": 8, "peak": 8}
    assert tcl("torch::tensor_shape $x") == "2"


def test_a_duplicated_value_counts(tcl):
    """Tcl copies a value before it changes a shared one: the copy is a reference of its own."""
    tcl.run("set x [torch::arange 2]; set y $x; append y {}; unset x; set z $y; lappend z more; unset z")
    assert tcl("torch::tensor_shape $y") == "2"
    tcl.run("torch::tensor_delete $y; unset y")
    assert live(tcl) == 0


def test_deleting_frees_at_once(tcl):
    """Even if a value refers to the tensor; a second time there is nothing to free."""
    tcl.run("set x [torch::zeros {2}]; set y [torch::zeros {3}]; set keep [list $x $y]")
    assert tcl("torch::tensor_delete $keep") == "2"
    assert live(tcl) == 0
    assert tcl.error("torch::tensor_shape $x") == "Invalid input tensor: tensor0 was freed"
    assert tcl("torch::tensor_delete [list $x $y]") == "0"
    tcl.run("unset x y keep")


def test_names_are_never_used_again(tcl):
    """A freed handle must not come to mean another tensor."""
    first = tcl("set x [torch::zeros 1]")
    tcl.run("torch::tensor_delete $x; unset x")
    assert tcl("torch::zeros 1") != first


def test_views_share_memory_and_count_it_once(tcl):
    """Reshape and permute copy nothing; a slice does, so that it does not keep the whole alive."""
    tcl.run(
        "set x [torch::zeros {100 10}]"
        "\nset y [torch::tensor_reshape $x {10 100}]"
        "\nset z [torch::tensor_permute $x {1 0}]"
    )
    assert tcl.stats()["bytes"] == 4000
    tcl.run("unset x y")
    assert tcl.stats()["bytes"] == 4000
    tcl.run("set s [torch::tensor_slice $z 0 0 1]; unset z")
    assert tcl.stats()["bytes"] == 400


def test_tensor_list_says_what_is_alive_and_why(tcl):
    """Values that hold it, or a name that was seen."""
    tcl.run("set x [torch::zeros {2 3}]; set y $x; set n [torch::ones 1 bool]; string length $n; unset n")
    first, second = (tcl(f"lindex [torch::tensor_list] {index}") for index in (0, 1))
    assert first == "tensor tensor0 shape {2 3} dtype Float32 values 1 named 0"
    assert second == "tensor tensor1 shape 1 dtype Bool values 0 named 1"


def test_the_end_of_an_interpreter_frees_its_tensors(tcl):
    """Named ones too."""
    tcl.run("set x [torch::zeros 1]; string length $x; set y [list [torch::zeros 2]]")
    store = tcl.interpreter.session.tensors
    tcl.interpreter.close()
    assert store.stats()["live"] == 0


def test_each_interpreter_has_its_own_tensors(tcl):
    """A handle of one is nothing to the other, be it text or a value."""
    other = Interpreter()
    other.eval("set x [torch::zeros 1]")
    name = other.result()
    assert tcl.error(f"torch::tensor_shape {name}").startswith("Invalid input tensor: ")
    other.close()
