"""Additions to error messages: the file, the line, the command, and a caret below the invalid word."""

from __future__ import annotations

import pytest

from tclcmd.shell import complaints


@pytest.fixture
def report(tcl):
    """The report on a failing script."""

    def make(script: str, *, at_prompt: bool = False) -> list[str]:
        tcl.error(script)
        return complaints.report(tcl.interpreter.failure, at_prompt=at_prompt).splitlines()

    return make


@pytest.mark.parametrize(
    ("call", "word"),
    [
        ("torch::zeros {2 x}", "{2 x}"),
        ("torch::zeros 2 -dtype int99", "int99"),
        ("torch::zeros 2 -dtpye int64", "-dtpye"),
        ("torch::zeros 2 -dtype", "-dtype"),
        ("torch::zeros 2 -dtype half -dtype half", "-dtype"),
        ("torch::zeros 2 -shape 3", "3"),
        ("torch::zeros 2 int64 cpu surplus", "surplus"),
        ("torch::zeros 2 -dtype half stray", "stray"),
        ("torch::tensor_shape [set a foo]", "[set a foo]"),
        ("torch::tensor_load nowhere.npy", "nowhere.npy"),
        ("torch::roi_align [torch::zeros {1 1 4 4}] {0 0 1 1} 2 -spatialScale 0", "0"),
    ],
)
def test_the_caret_is_below_the_word(report, call, word):
    """Whatever is wrong with it."""
    _, line, caret = report(call)
    assert line == f"    {call}"
    end = caret.rindex("^") + 1
    start = caret.index("^")
    assert line[start:end] == word.split()[-1] or line[start:end] == word


def test_file_line_and_procedure_are_told(roish, tmp_path):
    """On standard error, below Tcl's own trace."""
    (tmp_path / "s.tcl").write_text("proc f {x} {\n  set y 1\n  torch::tensor_shape $x\n}\nf foo\n")
    lines = roish("s.tcl").stderr.splitlines()
    assert lines[-3].endswith("s.tcl:3, in f:")
    assert lines[-2:] == ["    torch::tensor_shape $x", "                        ^^"]
    assert roish("-c", "set a 1\ntorch::zeros x").stderr.endswith("line 2:\n    torch::zeros x\n                 ^\n")


def test_no_caret_where_the_word_cannot_be_told(report):
    """A word made of several, an alias with arguments of its own, nothing given."""
    assert report("set l x; torch::zeros {*}$l") == []
    assert report("interp alias {} z {} torch::zeros x; z") == []
    assert report("torch::zeros") == []


def test_other_errors_are_not_blamed_on_an_earlier_one(roish):
    """One that the script has caught."""
    assert "torch::zeros" not in roish("-c", "catch {torch::zeros x}; error broken").stderr


def test_commands_of_several_lines_and_long_ones(report):
    """The line that has the word; a part of it where it is long."""
    assert report("torch::full \\\n  {2 x} \\\n  7")[1:] == ["      {2 x} \\", "      ^^^^^"]
    _, line, caret = report(f"torch::tensor_sum [torch::zeros 2] {' ' * 200} bad")
    assert line[caret.index("^") :] == "bad"
    assert len(line) <= 104


def test_at_the_prompt_the_command_alone_is_shown(report):
    """It has just been typed."""
    assert report("torch::zeros x", at_prompt=True) == ["    torch::zeros x", "                 ^"]


def test_a_redefined_info_changes_nothing(tcl, report):
    """Nothing of the script's is run to find the place."""
    tcl.run("rename info old; proc info args {error never}")
    assert len(report("torch::zeros x")) == 3


#: Fails where the variable says.
SCRIPT = """# a comment
set which $env(WHICH); set body {torch::tensor_shape $x}
proc crop {x} {
    if {$::which == 4} {torch::tensor_shape $x}
}

namespace eval mine {
    proc crop {x} {
        if {$::which == 9} {torch::tensor_shape $x}
    }
}
foreach x {1} {
    if {$::which == 13} {torch::tensor_shape $x}
}
proc later {x} $body; oo::class create C {
    method m {x} {
        torch::tensor_shape $x
    }
}
crop 7; mine::crop 7
if {$::which == 21} {
    torch::tensor_shape 7
}
if {$::which == 15} {later 7}
if {$::which == 17} {[C new] m 7}
if {$::which == 26} {eval "\\n\\n\\ntorch::tensor_shape 7"}
"""


@pytest.mark.parametrize(
    ("which", "place"),
    [
        ("4", "s.tcl:4, in crop:"),
        ("9", "s.tcl:9, in mine::crop:"),
        ("13", "s.tcl:13:"),
        ("21", "s.tcl:22:"),
        ("15", 'procedure "later" line 1:'),
        ("17", 'method "m" line 2:'),
        ("26", None),
    ],
)
def test_lines_are_those_of_the_whole_script(roish, which, place):
    """As a file says them, also where the script comes on standard input or behind -c.

    Tcl says the lines of procedures made in files; of others, and of methods, they are those in the procedure.
    """
    for name, given in (("stdin", {"input": SCRIPT}), ("", {})):
        words = [] if given else ["-c", SCRIPT]
        lines = roish(*words, variables={"WHICH": which}, **given).stderr.splitlines()
        expected = place and place.replace("s.tcl:", f"{name}:" if name else "line ")
        assert lines[-3] == expected or (place is None and "(file " in lines[-3])
        assert lines[-2].strip().startswith(("torch::tensor_shape", "if {"))


def test_the_place_in_a_file_is_the_same(roish, tmp_path):
    """The rule that the others are held to."""
    (tmp_path / "s.tcl").write_text(SCRIPT)
    for which, place in (("4", "s.tcl:4, in crop:"), ("9", "s.tcl:9, in mine::crop:"), ("13", "s.tcl:13:")):
        lines = roish("s.tcl", variables={"WHICH": which}).stderr.splitlines()
        assert lines[-3].endswith(place)
