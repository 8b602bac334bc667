"""The build folder, which an editable installation uses: compiled files lie there as they do when installed."""

from __future__ import annotations

import importlib.metadata
import pathlib
import re
import subprocess
import sys

import pytest
from tcl_versions import MAJOR, TCLSH

from tclcmd.embedding import setup

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILT = ROOT / "build" / "python"

if not (BUILT / "build.ninja").exists():
    pytest.skip("make build has not been run here", allow_module_level=True)


def made() -> list[pathlib.PurePath]:
    """The installed files of the packages that are no files of the sources, except a Tcl of the package's own."""
    files = [pathlib.PurePath(file) for file in importlib.metadata.files("roish") or ()]
    ours = [file for file in files if file.parts[0] in ("pyroi", "tclcmd") and file.parts[:2] != ("tclcmd", "tcl")]
    return [file for file in ours if "__pycache__" not in file.parts and not (ROOT / file).exists()]


def test_what_is_made_has_the_same_path():
    """From a compiled module, the library, the headers and the files for other tools are found by relative paths."""
    names = {file.name for file in made()}
    assert {"libroi.so", "roi.h", "roi_flat.h", "roi.pc", "roi-config.cmake"} <= names or sys.platform == "darwin"
    assert [str(file) for file in made() if not (BUILT / file).is_file()] == []


def test_the_headers_are_those_of_the_installed_package():
    """To the byte; roi.h lies in another folder of the sources."""
    for file in made():
        if file.suffix == ".h":
            installed = importlib.metadata.distribution("roish").locate_file(file)
            assert (BUILT / file).read_bytes() == pathlib.Path(str(installed)).read_bytes(), file


def test_tclsh_finds_python_from_the_build_folder(tmp_path):
    """No pyvenv.cfg lies above it. The program is the one of the environment that was built for, with its packages."""
    if not TCLSH or not setup.EXTENSIONS[MAJOR].exists():
        pytest.skip("tclsh is not installed, or the package was built without Tcl's headers")
    folder = BUILT / "tclcmd" / "embedding"
    program = re.fullmatch(r"program = (/.*)\n", (folder / "python.cfg").read_text("utf-8"))
    assert program and pathlib.Path(program[1]).samefile(sys.executable)
    script = tmp_path / "pool.tcl"
    script.write_text(
        f"lappend auto_path {{{folder}}}\npackage require roi\n"
        "puts [torch::tensor_to_list [torch::roi_align [torch::ones {1 1 8 8}] {{0 1 1 5 5}} {1 2}]]\n"
    )
    done = subprocess.run([TCLSH, str(script)], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("1.0 1.0\n", "")


def test_python_cfg_is_not_installed():
    """An installed package finds its Python by where it lies, and keeps no path of the machine that built it."""
    assert "python.cfg" not in {pathlib.PurePath(file).name for file in importlib.metadata.files("roish") or ()}
