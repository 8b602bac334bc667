"""One version: that of the macros in roi.h, which everything else repeats."""

from __future__ import annotations

import ctypes
import importlib.metadata
import pathlib
import re
import subprocess
import sys

import pytest

import pyroi

ROOT = pathlib.Path(__file__).resolve().parents[1]

#: The only place where the version is written: three macros.
HEADER = (ROOT / "libroi" / "include" / "roi.h").read_text("utf-8")
VERSION = ".".join(
    re.search(rf"^#define ROI_VERSION_{part} (\d+)$", HEADER, re.M)[1] for part in ("MAJOR", "MINOR", "PATCH")
)

#: Folders of the sources, in which no other file may repeat it.
SOURCES = ("libroi", "pyroi", "tclcmd", ".ci", "tests/support")


def test_a_version_has_three_numbers():
    """As semantic versions have, and as roi_version() is documented."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_python_and_the_package_have_it():
    """The module, and the distribution's metadata."""
    assert pyroi.__version__ == VERSION
    assert importlib.metadata.version("roish") == VERSION


def test_the_library_has_it():
    """Asked of the shared library itself."""
    roi_version = ctypes.CDLL(pyroi.get_library()).roi_version
    roi_version.restype = ctypes.c_char_p
    assert roi_version().decode() == VERSION


@pytest.mark.parametrize("file", ["pkgconfig/roi.pc", "cmake/roi-config-version.cmake"])
def test_files_for_other_builds_have_it(file):
    """And no other."""
    text = (pathlib.Path(pyroi.__file__).parent / file).read_text("utf-8")
    assert set(re.findall(r"\b\d+\.\d+\.\d+\b", text)) == {VERSION}


def test_python_m_pyroi_has_it():
    """Its option, and the first line of its report."""
    for options, expected in ((["--version"], f"{VERSION}\n"), ([], f"pyroi:       {VERSION} in ")):
        done = subprocess.run(
            [sys.executable, "-I", "-m", "pyroi", *options], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout.startswith(expected)


def test_the_shell_and_tcl_have_it():
    """`roish --version`, `package present roi`, in a child too, and the file by which tclsh finds the package."""
    pytest.importorskip("tclcmd._host", reason="the Tcl host was not built")

    def said(*words: str) -> str:
        command = [sys.executable, "-I", "-m", "tclcmd", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    assert re.fullmatch(rf"roish {re.escape(VERSION)} \(Tcl [\d.]+\)\n", said("--version"))
    script = "puts [package present roi]; interp create c; puts [c eval {package require roi}]"
    assert said("-c", script) == f"{VERSION}\n{VERSION}\n"
    from tclcmd.embedding import setup

    assert f"package ifneeded roi {VERSION} " in (setup.FOLDER / "pkgIndex.tcl").read_text("utf-8")


def test_the_report_names_tcl():
    """By the entry point of tclcmd."""
    pytest.importorskip("tclcmd._host", reason="the Tcl host was not built")
    done = subprocess.run([sys.executable, "-I", "-m", "pyroi"], capture_output=True, text=True, timeout=60, check=True)
    assert re.search(r"^Tcl: +[\d.]+, .*, with the scripts in /.*; works with Tcl ", done.stdout, re.M)


def test_the_report_tells_a_tcl_that_cannot_be_used(monkeypatch):
    """In the same line, and goes on."""
    pytest.importorskip("tclcmd._host", reason="the Tcl host was not built")
    monkeypatch.setenv("ROISH_TCL", "/nowhere/libtcl.so")
    done = subprocess.run([sys.executable, "-I", "-m", "pyroi"], capture_output=True, text=True, timeout=60, check=True)
    assert re.search(
        r"^Tcl: +the library that the variable ROISH_TCL names cannot be used: /nowhere", done.stdout, re.M
    )
    assert "ROISH_TCL=/nowhere/libtcl.so" in done.stdout


def test_the_changelog_begins_with_it():
    """Its newest section is of this version."""
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert first[1] == VERSION


def test_the_citation_has_it():
    """It must be there, since programs that cite read only that file."""
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_no_source_repeats_it():
    """A number that is written twice is forgotten once."""
    suffixes = {".py", ".c", ".h", ".in", ".build", ".tcl", ".toml", ""}
    files = [path for folder in SOURCES for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]
    files += [ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / "meson.options"]
    assert len(files) > 150
    number = re.compile(rf"(?<![\d.]){re.escape(VERSION)}(?![\d.])")
    assert [
        str(path.relative_to(ROOT))
        for path in files
        if path.is_file() and "__pycache__" not in path.parts and number.search(path.read_text("utf-8"))
    ] == []
