"""Completion at the cursor, for all declarations."""

from __future__ import annotations

import os
import re

import pytest

from tclcmd.commands import REGISTRY
from tclcmd.language import kinds
from tclcmd.shell.complete import SUBCOMMANDS, Completer, option_note

COMMANDS = list(REGISTRY.values())
PARAMETERS = [(command, parameter) for command in COMMANDS for parameter in command.parameters]


def named(item):
    """Test names that can be read."""
    return getattr(item, "name", None)


@pytest.fixture
def offered(tcl):
    """What is offered after a text, with the notes."""
    completer = Completer(tcl.interpreter)
    return lambda before: {found.text: found.note for found in completer.candidates(before)}


@pytest.mark.generated
@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_every_command_is_offered(offered, command):
    """By its full name, by the name alone, in camelCase, within brackets, and with what it does."""
    for typed in (command.full_name[:-1], command.name, f"set x [{command.full_name}", f"puts a; ::{command.name}"):
        found = offered(typed)
        full_name = f"::{command.full_name}" if typed.endswith(f"::{command.name}") and ";" in typed else None
        assert found[full_name or command.full_name] == command.summary
    assert all(f"torch::{name}" in offered(f"torch::{name}") for name in command.names)


@pytest.mark.generated
@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_all_options_are_offered_until_they_are_given(offered, command):
    """With type, default and help."""
    expected = {f"-{parameter.camel}": option_note(parameter) for parameter in command.parameters}
    assert offered(f"{command.full_name} -") == expected
    for parameter in command.parameters:
        rest = offered(f"{command.full_name} -{parameter.name} {{0 0}} -")
        assert rest.keys() == expected.keys() - {f"-{parameter.camel}"}
        note = expected[f"-{parameter.camel}"]
        assert all(part in note for part in (parameter.kind.placeholder, parameter.shown_default, parameter.help))


@pytest.mark.generated
@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_what_is_given_by_position_is_not_offered(offered, command):
    """In the longest order."""
    order = max(command.orders, key=len)
    for count in range(len(order) + 1):
        given = " ".join(["1"] * count)
        rest = offered(f"{command.full_name} {given} -")
        assert len(rest) == len(command.parameters) - count or len(command.orders) > 1


@pytest.mark.generated
@pytest.mark.parametrize(("command", "parameter"), PARAMETERS, ids=named)
def test_values_are_offered_by_kind(tcl, tmp_path, monkeypatch, offered, command, parameter):
    """Choices with the default marked, booleans, files, tensors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some file.png").touch()
    tcl.run("set held [torch::zeros {2 3}]")
    found = offered(f"{command.full_name} -{parameter.camel} ")
    if isinstance(parameter.kind, kinds.Choice):
        assert found.keys() == parameter.kind.words.keys()
        if parameter.shown_default:
            assert found[parameter.shown_default] == "default"
    elif isinstance(parameter.kind, kinds.File):
        assert "some\\ file.png" in found
    elif isinstance(parameter.kind, kinds.Gradients):
        assert found == {"false": "default"}
    elif isinstance(parameter.kind, kinds.Boolean):
        assert found.keys() == {"true", "false"}
    elif parameter.kind.is_tensor:
        assert found == {"$held": "Float32 [2 3]"}


def test_values_by_position(offered):
    """The parameter is found by the words before."""
    assert offered("torch::roi_align a b 7 1 2 ").keys() >= {"true", "false", "-mode"}
    assert "int64" in offered("torch::zeros {2 2} i")
    assert "torch::roi_align" not in offered("torch::help roi_al")
    assert "roi_align" in offered("torch::help roi_al")


def test_variables(tcl, offered):
    """Everywhere a dollar stands; tensors first; Tcl's own only where asked for; odd names in braces."""
    tcl.run("set zz [torch::zeros 2 int64]; set a 1; set {odd name} 2; namespace eval n {variable v 1}")
    assert list(offered("puts $")) == ["$zz", "$a", "${odd name}"]
    assert offered('puts "it is $z') == {"$zz": "Int64 [2]"}
    assert offered("expr {$z") == {"$zz": "Int64 [2]"}
    assert "$tcl_version" in offered("puts $tcl_v")
    assert "zz" in offered("set z")
    assert "$n::v" in offered("puts $n::")


def test_handles_are_offered_once_their_name_was_seen(tcl, offered):
    """Completion itself names no tensor."""
    tcl.run("set x [torch::zeros {2 3}]")
    assert offered("torch::tensor_shape tens") == {}
    assert tcl.stats()["pinned"] == 0
    assert tcl("set x") == "tensor0"
    assert offered("torch::tensor_shape tens") == {"tensor0": "Float32 [2 3]"}


def test_procedures_and_commands_of_tcl(tcl, offered):
    """With what they are; patterns in names mean nothing."""
    tcl.run("proc mine {} {}; proc torch::extra {} {}; namespace eval n {proc p {} {}}")
    assert offered("mi") == {"mine": "procedure"}
    assert offered("lrev") == {"lreverse": "Tcl"}
    assert "n::p" in offered("n::")
    assert offered("[") != {}
    assert offered("*") == {}


def test_where_nothing_is_offered(offered):
    """In comments, in data, in words of commands that are not known."""
    assert offered("# torch::") == {}
    assert offered("torch::zeros {tor") == {}
    assert offered("puts tor") == {}


def test_within_scripts(offered):
    """Bodies of Tcl's own commands are scripts."""
    for before in (
        "proc f {} {",
        "if {$x} {puts a\n",
        "foreach x $l {",
        "while 1 {",
        "if 1 {} else {",
        "try {} finally {",
    ):
        assert "torch::zeros" in offered(f"{before}torch::ze"), before
    assert "-dtype" in offered("proc f {} { torch::zeros 2 -dt")


def test_files(offered, tmp_path, monkeypatch):
    """Folders with a slash, odd names with backslashes, hidden ones when asked for."""
    monkeypatch.chdir(tmp_path)
    os.makedirs("sub/in")
    for name in ("a b.png", "sub/c.png", ".hidden", "$x"):
        (tmp_path / name).touch()
    assert offered("source ").keys() == {"a\\ b.png", "sub/", "\\$x"}
    assert offered("torch::image_read sub/").keys() == {"sub/c.png", "sub/in/"}
    assert offered("torch::image_read a\\ ").keys() == {"a\\ b.png"}
    assert offered("torch::image_read .").keys() == {".hidden"}
    assert offered("source nowhere/") == {}


def test_nothing_of_the_user_is_run(tcl, offered):
    """Neither traces nor a redefined `info`; and the result and errorInfo stay."""
    tcl.run("set runs 0; set traced 1; set r [torch::zeros 2]")
    tcl.run("trace add variable traced read {incr ::runs ;#}; trace add variable r read {incr ::runs ;#}")
    tcl.run("rename info real_info; proc info args {incr ::runs}; catch {error earlier}")
    tcl.run("trace add execution real_info enter {incr ::runs ;#}; set kept 42")
    assert "$traced" in offered("puts $")
    assert offered("puts $r")["$r"] == ""
    offered("")
    offered("torch::tensor_shape ")
    assert tcl.interpreter.result() == "42"
    assert tcl("set runs") == "0"
    assert tcl("set errorInfo").startswith("earlier")


def test_second_words_of_tcl(offered, tmp_path, monkeypatch):
    """Those that Tcl itself knows: of ensembles, and of commands that list them in their error."""
    monkeypatch.chdir(tmp_path)
    assert {"length", "map", "range"} <= set(offered("string "))
    assert set(offered("string rep")) == {"repeat", "replace"}
    assert {"exists", "names"} <= set(offered("::array "))
    assert set(offered("dict up")) == {"update"}
    assert {"format", "seconds"} <= set(offered("clock ")) and all(word.islower() for word in offered("clock "))
    assert set(offered("trace ")) == {"add", "info", "remove"}
    assert not offered("string length up")


@pytest.mark.parametrize("command", sorted(SUBCOMMANDS))
def test_listed_second_words_are_those_of_tcl(tcl, command):
    """The list is that of Tcl's own error message, except for `variable` of trace and the like."""
    tcl.interpreter.eval(f"{command} no-such-word 1")
    told = set(re.findall(r"[a-z]+", tcl.interpreter.result().rpartition("must be ")[2])) - {"or", "an", "integer"}
    assert SUBCOMMANDS[command] <= told or command == "after"
