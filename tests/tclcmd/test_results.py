"""The display of results at the prompt. The expected lines follow from the values by hand."""

from __future__ import annotations

import pytest

from tclcmd.shell import results


@pytest.fixture
def shown(tcl):
    """What is shown of a script's result."""

    def show(script: str) -> str:
        outcome = tcl.interpreter.eval(script)
        assert not outcome.is_error, tcl.interpreter.result()
        return results.shown(tcl.interpreter)

    return show


ONE, TWO = "tensor0: Float32 [2]  0 0", "tensor1: Int64 [1]  7"
MAKE = "set a [torch::zeros 2]; set b [torch::full 1 7 -dtype int64]; "


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        ("set a", [ONE]),
        ("list $a", [ONE]),
        ("list $a $b", [ONE, TWO]),
        ("list $b $b", [TWO, TWO]),
        ("dict create $a $b", [ONE, TWO]),
    ],
)
def test_a_tensor_is_a_line_whatever_holds_it(shown, result, lines):
    """A value, a list, a dict. Tensors are numbered in the order in which they are made."""
    assert shown(MAKE + result).splitlines() == lines


@pytest.mark.parametrize("text", ['"$a $b"', '"  $a\\n$b "', '"$a {$b}"'])
def test_names_in_a_text_are_tensors(shown, text):
    """What a value means depends on its text alone, and Tcl reads this text as a list of two names."""
    assert shown(f"{MAKE}string cat {text}").splitlines() == [ONE, TWO]


@pytest.mark.parametrize(
    "result", ["list $a x", "list x $a", "list $a {}", "string cat tensor0x", 'string cat "$a \\{"']
)
def test_what_is_not_all_tensors_is_text(shown, tcl, result):
    """Also what is no list at all."""
    assert shown(MAKE + result) == tcl.interpreter.result()


def test_a_name_of_a_tensor_that_was_freed_is_text(shown):
    """There is nothing to tell of it."""
    assert shown(f"{MAKE}set names [list $a $b]; string length $names; torch::tensor_delete $a; set names") == (
        "tensor0 tensor1"
    )


def test_a_name_without_a_tensor_is_text(shown):
    """No tensor of this number was ever made."""
    assert shown("string cat tensor5") == "tensor5"


def test_long_lists_are_cut(shown):
    """After so many tensors the rest are counted."""
    count = results.MOST_TENSORS + 3
    lines = shown(f"for {{set i 0}} {{$i < {count}}} {{incr i}} {{lappend all [torch::zeros 1]}}; set all").splitlines()
    assert len(lines) == results.MOST_TENSORS + 1
    assert lines[0] == "tensor0: Float32 [1]  0"
    assert lines[-1] == "... and 3 more"


def test_a_long_text_is_not_made_a_list(shown, tcl):
    """Which would take many times its memory. Tcl tells what it holds a value as."""
    shown(f"set text [string repeat {{tensor0 }} {results.LONGEST_LIST // 8 + 1}]")
    assert "value is a list" not in tcl("tcl::unsupported::representation $text")
    shown("set short [string repeat {x } 3]")
    assert "value is a list" in tcl("tcl::unsupported::representation $short")
