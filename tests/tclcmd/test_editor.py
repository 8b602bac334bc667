"""The prompt with colours and completion: recorded sessions, of which the screen is read."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("prompt_toolkit")
pytest.importorskip("pyte")
from terminals import KEYS, Terminal, control


@pytest.fixture
def start(roish, tmp_path) -> Iterator[Callable[..., Terminal]]:
    """Starts roish at a terminal."""
    started: list[Terminal] = []

    def run(**variables: str) -> Terminal:
        started.append(Terminal(roish.command, tmp_path, **variables))
        started[-1].wait_until_last_line("%")
        return started[-1]

    yield run
    for each in started:
        each.kill()


def test_a_session(start):
    """Results are told in a line, errors by their message, and Ctrl-D leaves."""
    shell = start()
    assert shell.lines()[0].startswith("roish ")
    assert shell.ask("set x [torch::zeros {2 3}]") == ["tensor0: Float32 [2 3]  0 0 0 0 0 0"]
    assert shell.ask("torch::arange 100") == ["tensor1: Float32 [100]  min 0  mean 49.5  max 99"]
    assert shell.ask("torch::tensor_shape $x") == ["2 3"]
    assert shell.ask("torch::zeros x")[0] == 'Invalid shape value: expected a list of integers, got "x"'
    assert "Did you mean torch::zeros?" in shell.ask("torch::zeroes 2")
    assert shell.ask("puts -nonewline abc") == ["abc"]
    assert shell.ask("set a 1; # nothing to show but this") == ["1"]
    shell.type(control("d"))
    assert shell.close() == 0


def test_several_lines(start):
    """Enter runs what is complete; until then lines are indented by their depth, and braces go back."""
    shell = start()
    shell.enter("proc f {x} {", "if {$x > 1} {", "return big", "}", "}", "f 2")
    assert shell.wait_for("\nbig\n%")[1:] == [
        "% proc f {x} {", ">     if {$x > 1} {", ">         return big", ">     }", "> }", "% f 2", "big", "%",
    ]  # fmt: skip


def test_a_pasted_script_is_one_command(start):
    """Terminals bracket what is pasted, so that its lines are not run one by one."""
    shell = start()
    shell.type("\x1b[200~set a 1\nset b [expr {$a +\n 1}]\x1b[201~")
    shell.wait_for(">  1}]")
    shell.enter("")
    assert shell.wait_until_last_line("%")[-2] == "2"


def test_history_is_of_commands_and_outlives_the_session(start):
    """A command of several lines comes back whole; Ctrl-R searches; what was typed before is suggested."""
    first = start()
    first.enter("set remembered {", "lines}", "set other 42", "exit")
    first.close()
    second = start()
    second.type(KEYS["up"] * 3)
    assert second.wait_for("lines}")[-2:] == ["% set remembered {", ">     lines}"]
    second.type(control("c"))
    second.wait_until_last_line("%")
    second.type(control("r") + "othe")
    second.wait_for("set other 42")
    second.type(KEYS["enter"] + KEYS["enter"])
    second.wait_for("\n42\n")
    second.type("set rem")
    second.wait_for("set remembered {")
    second.type(control("c"))


def test_both_prompts_share_their_history(start, tmp_path):
    """The file holds lines, as readline writes them."""
    first = start()
    first.enter("set remembered {", "lines}", "exit")
    first.close()
    lines = (tmp_path / "roish" / "history").read_text().splitlines()
    assert lines == ["set remembered {", "    lines}", "exit"]
    assert (tmp_path / "roish" / "history").stat().st_mode & 0o077 == 0


def test_ctrl_c(start):
    """At the prompt it clears the line; a loop, an event loop and an operator it stops; the session stays."""
    shell = start()
    shell.enter("set kept 7")
    shell.type("half a {command")
    shell.wait_for("half a")
    shell.type(control("c"))
    shell.wait_until_last_line("%")
    for number, loop in enumerate(("while 1 {}", "while 1 {catch {foo}}", "after 100000")):
        shell.type(control("l"))
        shell.wait_until_last_line("%")
        shell.enter(f"puts begun{number}; {loop}")
        shell.wait_for(f"\nbegun{number}")
        time.sleep(0.2)
        shell.type(control("c"))
        shell.wait_for("Interrupted\n%")
    assert shell.ask("set kept") == ["7"]
    shell.enter("exit 3")
    assert shell.close() == 3


def test_options_are_offered_with_type_default_and_help(start):
    """As soon as a dash is typed; without those that are given; Tab takes one."""
    shell = start()
    shell.enter("set x [torch::zeros {1 2 8 8}]")
    shell.type("torch::roi_align $x -boxes {0 0 1 1} -")
    lines = shell.wait_for("-samplingRatio")
    assert any(line.split()[:4] == ["-samplingRatio", "int", "=", "-1"] for line in lines)
    assert any("(required)" in line and "-outputSize" in line for line in lines)
    assert not any(line.lstrip().startswith(("-input", "-boxes")) for line in lines)
    shell.type("m\t")
    shell.wait_for("-mode")
    shell.type(" \t")
    assert shell.wait_for("max_corner", "default")
    shell.type(control("c"))


def test_variables_are_offered_with_what_they_hold(start):
    """Shape and type of a tensor."""
    shell = start()
    shell.enter("set features [torch::zeros {1 2 8 8}]")
    shell.type("torch::tensor_shape $")
    shell.wait_for("$features", "Float32 [1 2 8 8]")
    shell.type("fe\t")
    shell.enter("")
    shell.wait_for("\n1 2 8 8\n")


def test_colours(start):
    """By the words of Tcl; none where NO_COLOR asks for none."""
    line = 'torch::full {2} $v -dtype int64 ;# "remark'
    shell = start()
    shell.type(line)
    shell.wait_for("remark")
    kinds = [shell.colour_of(text) for text in ("torch::full", "$v", "-dtype", "# ")]
    assert "default" not in kinds
    assert len(set(kinds)) == len(kinds)
    bare = start(NO_COLOR="1")
    bare.type(line)
    bare.wait_for("remark")
    assert {bare.colour_of(text) for text in ("torch::full", "$v", "-dtype", "# ")} == {"default"}


def test_timing_on_request(start):
    """After each command, from the next one on."""
    shell = start()
    assert shell.ask("set a 1") == ["1"]
    shell.ask("torch::timing on")
    told = shell.ask("after 20")
    assert told[0].endswith(" ms")
    assert 20 <= float(told[0].split()[0]) < 2000


def test_help(start):
    """In the three ways people ask for it."""
    shell = start()
    assert shell.ask("torch::help timing")[0].startswith("torch::timing - Turns the time of each command")
    assert shell.ask("torch::timing -help")[0].startswith("torch::timing - Turns the time of each command")
    assert any("torch::nms " in line for line in shell.ask("torch::help -search suppression"))
    assert shell.ask("torch::help tming")[0].endswith("did you mean torch::timing?")


def test_without_prompt_toolkit_the_plain_prompt_stays(roish, tmp_path):
    """As where it is not installed."""
    script = (
        "import sys; sys.modules['prompt_toolkit'] = None; sys.argv = ['roish']\n"
        "from tclcmd.shell.program import main\nmain()"
    )
    shell = Terminal([sys.executable, "-c", script], tmp_path)
    try:
        shell.wait_until_last_line("%")
        shell.enter("set x [torch::zeros 2]")
        shell.wait_for("tensor0: Float32 [2]  0 0")
        shell.wait_until_last_line("%")  # between two prompts, the terminal keeps a Ctrl-D for itself
        shell.type(control("d"))
        assert shell.close() == 0
    finally:
        shell.kill()
