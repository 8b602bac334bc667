"""Every code block of README and docs runs and does what it says."""

from __future__ import annotations

import ast
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
from oracles.autograd import torchvision_ops

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")


def blocks(language):
    """(page, number, text) of all blocks in a language, as pytest parameters."""
    found = []
    for page in PAGES:
        texts = [text for fence, text in BLOCK.findall(page.read_text("utf-8")) if fence == language]
        name = str(page.relative_to(ROOT))
        found += [pytest.param(text, id=f"{name}-{number}") for number, text in enumerate(texts)]
    return found


@pytest.fixture
def interpreter(tmp_path, monkeypatch):
    """A fresh Tcl interpreter in an empty folder that has what the examples read."""
    pytest.importorskip("tclcmd._host", reason="the Tcl host was not built")
    from tclcmd.interpreter import Interpreter

    pytest.importorskip("matplotlib")

    monkeypatch.chdir(tmp_path)
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.arange(64 * 48 * 3, dtype=np.uint8).reshape(48, 64, 3)).save("photo.jpg")
    interpreter = Interpreter()
    yield interpreter
    interpreter.close()


@pytest.mark.parametrize("script", blocks("tcl"))
def test_tcl(interpreter, script):
    """Each Tcl block is a script that ends without an error."""
    outcome = interpreter.eval(script)
    assert not outcome.is_error, interpreter.result()


@pytest.mark.parametrize("text", blocks("console"))
def test_console(interpreter, text):
    """In a session, what stands under a command is how its result begins; ``...`` stands for anything."""
    from tclcmd.prompt import echo

    lines = [line for line in text.splitlines() if not line.startswith("$ ")]
    answers = {}
    for number, line in enumerate(lines):
        if line.startswith("% "):
            below = lines[number + 1 :]
            stop = next((i for i, later in enumerate(below) if later.startswith("% ")), len(below))
            answers[number] = (line[2:], below[:stop])
    assert answers
    for command, expected in answers.values():
        interpreter.eval(command)
        result = echo.shown(interpreter)
        for shown, line in zip(expected, result.splitlines(), strict=False):
            assert re.fullmatch(re.escape(shown).replace(re.escape("..."), ".*"), line), (command, result)
        assert len(result.splitlines()) >= len(expected), (command, result)


def skip_without_what_is_imported(code):
    """Skips the test of a block that imports a framework, or pyroi's half of one, where it is not installed."""
    nodes = list(ast.walk(ast.parse(code)))
    modules = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    needed = {part for module in modules for part in module.split(".")[:2]}
    for package in needed & {"torch", "autograd"}:
        pytest.importorskip(package, reason=f"{package} is not installed")
    if "torchvision" in needed:
        torchvision_ops()


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # which torchvision calls
@pytest.mark.parametrize("code", blocks("python"))
def test_python(tmp_path, monkeypatch, code):
    """Each Python block is a program of its own."""
    skip_without_what_is_imported(code)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "block", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("code", blocks("c"))
def test_c(tmp_path, code):
    """Each C block compiles against the header without a warning."""
    compiler = shutil.which("cc") or pytest.skip("cc is not installed")
    (tmp_path / "block.c").write_text(code)
    command = [compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'libroi' / 'include'}", "-c", "block.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_links(page):
    """Links within the project lead somewhere."""
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
