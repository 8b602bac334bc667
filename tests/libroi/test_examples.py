"""The programs of examples/c compile without a warning, and print what their first comments say."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import textwrap

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = sorted((ROOT / "examples" / "c").glob("*.c"))
HEADER = (ROOT / "libroi" / "include" / "roi.h").read_text("utf-8")


def test_every_function_is_called():
    """Every function that roi.h exports is called by one of the programs."""
    text = "".join(path.read_text("utf-8") for path in PROGRAMS)
    functions = re.findall(r"ROI_API [^;(]*?(roi_\w+)\(", HEADER)
    assert len(functions) > 30
    assert [name for name in functions if not re.search(rf"\b{name}\(", text)] == []


def test_first_comments():
    """Each program begins with its name, a title, and what it prints."""
    for path in PROGRAMS:
        assert re.match(rf"/\*\n \* {re.escape(path.name)} - \w.*[^.]\n \*\n \*     \S", path.read_text("utf-8")), path


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_example(tmp_path, path):
    """As C99 with the flags of an installed pyroi; the lines of the comment are those that it prints."""
    compiler = shlex.split(os.environ.get("CC") or "cc")  # of several words: "ccache gcc", "gcc -m32"
    if not shutil.which(compiler[0]):
        pytest.skip(f"there is no C compiler: {compiler[0]}")
    told = subprocess.run([sys.executable, "-I", "-m", "pyroi", "--cflags", "--libs"], capture_output=True, text=True)
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    command = [*compiler, *strict, path, *told.stdout.split(), "-o", "program"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (built.returncode, built.stderr) == (0, "")
    ran = subprocess.run([tmp_path / "program"], capture_output=True, text=True)
    comment = path.read_text("utf-8").partition("\n */")[0]
    shown = textwrap.dedent("\n".join(line.removeprefix(" * ") for line in comment.split("\n") if line[:4] == " *  "))
    assert (ran.returncode, ran.stdout) == (0, shown + "\n")
