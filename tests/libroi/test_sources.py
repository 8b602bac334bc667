"""The sources of libroi keep the rules of CONTRIBUTING: their includes, the length of functions, their first lines."""

from __future__ import annotations

import pathlib
import re

import pytest

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "libroi" / "src"
FOLDERS = ["common", "boxes", "axes", "drive", "kernels", "operators", "overlap", "image"]  # from the bottom to the top
MOST_LINES = 50


def files():
    return sorted(path for path in SOURCES.rglob("*.[ch]"))


def functions(text):
    """The name of each function, and its lines: from the one with its name to the brace in column 0 that ends it."""
    lines = text.splitlines()
    for end, line in enumerate(lines):
        if line == "}":
            begin = max(i for i in range(end) if lines[i] == "{")
            first = begin - 1
            while first > 0 and re.match(r"\s", lines[first]):
                first -= 1
            name = re.search(r"(\w+)\(", lines[first])
            if name:
                yield name[1], end - first + 1


SAMPLE = """/* x */
static int two(int a,
               int b)
{
    return a;
}

struct s {
    int a;
};

int one(void)
{
}
"""


def test_finds_functions():
    assert list(functions(SAMPLE)) == [("two", 5), ("one", 3)]


def test_no_file_lies_elsewhere():
    assert {path.parent.name for path in files()} == set(FOLDERS)


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_keeps_the_rules(path):
    text = path.read_text()
    assert max(map(len, text.splitlines())) <= 128, "a line that is too long, which clang-format leaves in a comment"
    first = re.match(r"/\*\n? ?\*? ?(\S+) - ", text)
    assert first, "no first line that says what the file is for"
    assert first[1] == path.name
    for folder, name in re.findall(r'#include "(\w+)/([\w.]+)"', text):
        assert (SOURCES / folder / name).exists(), name
        assert FOLDERS.index(folder) <= FOLDERS.index(path.parent.name), f"includes {folder}/{name}, which is above it"
    for name, lines in functions(text):
        assert lines < MOST_LINES, f"{name} has {lines} lines"
