"""Help, usage and reference pages, which are made from the declarations."""

from __future__ import annotations

import pathlib
import re

import pytest
from click.testing import CliRunner

from tclcmd import reference, reference_runs
from tclcmd.commands import REGISTRY
from tclcmd.language import declare, help

pytestmark = pytest.mark.generated

COMMANDS = list(REGISTRY.values())
EXAMPLES = [(command, example) for command in COMMANDS for example in command.examples]


@pytest.mark.parametrize(("command", "example"), EXAMPLES, ids=lambda item: getattr(item, "name", None))
def test_an_example_runs_as_it_stands(tcl, tmp_path, monkeypatch, command, example):
    """In a fresh interpreter and an empty folder; and it shows the command it belongs to."""
    if command.group == "Pictures":
        pytest.importorskip("PIL")
    if command.name.startswith("plot_"):
        pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    tcl.run(example)
    assert command.full_name in example


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_declaration_is_whole(command):
    """A summary of one sentence, help for every parameter, an example, and links that lead somewhere."""
    assert re.fullmatch(r"[A-Z(].*[.?]", command.summary)
    assert len(command.summary) <= 90
    assert command.examples
    assert command.see_also
    assert all(re.fullmatch(r"\S.*[.?]", parameter.help) for parameter in command.parameters)
    assert all(name in REGISTRY and name != command.name for name in command.see_also)
    assert len(command.options) >= len(command.parameters)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_tells_all_parameters(tcl, command):
    """The text in the shell names each option and default. How it is cut into lines does not matter here."""
    text = " ".join(tcl(f"torch::help {command.name}").split())
    assert text.startswith(f"{command.full_name} - {command.summary}")
    assert all(f"-{parameter.camel}" in text for parameter in command.parameters)
    assert all(parameter.shown_default in text for parameter in command.parameters)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_search_finds_a_command_by_its_parameters(tcl, command):
    """By the name of each, although the help of a parameter need not say it."""
    for parameter in command.parameters:
        found = tcl(f"torch::help -search {parameter.camel}").split()
        assert command.full_name in found, parameter.camel


@pytest.mark.parametrize("columns", [30, 60, 80, 300])
def test_help_fits_the_terminal(tcl, monkeypatch, columns):
    """No line is wider than the terminal, nor than what is read well, and no word is broken."""
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ("", "roi_align", "nms", "tensor_matmul")
    text = "\n".join(tcl(f"torch::help {name}") for name in names)
    examples = [line for line in text.splitlines() if line.startswith("    ") and "torch::" in line]
    others = [line for line in text.splitlines() if line not in examples]
    narrowest = help.COLUMN + help.NARROWEST
    assert max(map(len, others)) <= min(max(columns, narrowest), help.WIDTH)
    assert "Usage: torch::roi_align -input tensor" in text.replace("\n            ", " ")


def test_the_usage_has_both_syntaxes():
    """Optional parts between question marks, as Tcl's own manuals have it."""
    assert help.usage(REGISTRY["arange"]).splitlines() == [
        "Usage: torch::arange ?-start double? -end double ?-step double? ?-dtype dtype? "
        "?-device device? ?-requiresGrad bool?",
        "   or: torch::arange end ?dtype? ?device? ?requires_grad?",
        "   or: torch::arange start end ?dtype? ?device? ?requires_grad?",
        "   or: torch::arange start end ?step? ?dtype? ?device? ?requires_grad?",
    ]


def test_both_names_of_every_command_are_there(tcl):
    """snake_case and camelCase."""
    known = set(tcl("info commands ::torch::*").split())
    for command in COMMANDS:
        assert {f"::torch::{command.name}", f"::torch::{declare.camel(command.name)}"} <= known


def test_each_page_tells_its_commands():
    """Syntax, every parameter with its default, result, examples."""
    pages = reference.pages()
    for command in COMMANDS:
        text = pages[reference.file_of(command).partition("#")[0]]
        assert command.full_name in text
        assert help.syntaxes(command)[0] in text
        assert all(f"| `-{parameter.camel}` |" in text for parameter in command.parameters)
    assert {"README.md", "roi_align.md", "roi_align_backward.md", "multiscale_roi_align.md"} <= set(pages)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_page_shows_what_happens(tcl, command):
    """Below an example what it prints or gives; and for an invalid value the message that the command fails with."""
    if command.group == "Pictures":
        pytest.importorskip("PIL")
    if command.name.startswith("plot_"):
        pytest.importorskip("matplotlib")
    assert any(reference_runs.output(example) for example in command.examples)
    failures = list(reference_runs.failures(command))
    assert failures or not command.required
    for failure in failures:
        assert failure.code in ("TORCH INVALID_TENSOR", "TORCH INVALID_VALUE", "TORCH IO"), failure
        assert re.match(r"Invalid \w+ (tensor|value): |Cannot (read|write) ", failure.message), failure


def test_outputs_that_change_are_not_shown():
    """Random numbers; a long output is cut, and the names of tensors are those of a new process."""
    assert reference_runs.output("puts [expr {rand()}]") == ""
    assert reference_runs.output("for {set i 0} {$i < 30} {incr i} {puts $i}").splitlines()[-2:] == ["19", "..."]
    assert reference_runs.output("torch::zeros 2; torch::zeros 2") == "tensor0: Float32 [2]  0 0"


def test_no_link_leads_nowhere():
    """Between the pages, and to places on them."""
    pages = reference.pages()
    for text in pages.values():
        for target in re.findall(r"\]\(([^)]*)\)", text):
            name, _, place = target.partition("#")
            assert name in pages
            anchors = {re.sub(r"[^\w]", "", line.lower()) for line in pages[name].splitlines() if line.startswith("#")}
            assert not place or place in anchors


def test_drift_is_found(tmp_path):
    """--check fails for a page that is missing or other than it should be, and names it."""
    folder = tmp_path / "commands"
    runner = CliRunner()
    assert "roi_align.md" in runner.invoke(reference.main, ["--check", str(folder)]).output
    assert not folder.exists()
    assert runner.invoke(reference.main, [str(folder)]).exit_code == 0
    assert runner.invoke(reference.main, ["--check", str(folder)]).exit_code == 0
    page = pathlib.Path(folder / "files.md")
    page.write_text(page.read_text() + "typed by hand\n")
    result = runner.invoke(reference.main, ["--check", str(folder)])
    assert result.exit_code == 1
    assert "files.md" in result.output


def test_the_overview_has_every_operator():
    """With a link to its page, which names its command; what has a gradient names that one."""
    folder = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operators"
    overview = (folder / "README.md").read_text("utf-8")
    for command in COMMANDS:
        if command.has_page:
            page = re.search(rf"\[`{command.name}`\]\((\w+\.md)[^)]*\)", overview)
            assert page, command.name
            link = f"[`torch::{command.name}`](../commands/{command.name}.md)"
            assert link in (folder / page[1]).read_text("utf-8")
