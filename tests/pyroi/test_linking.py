"""An installed pyroi as a C library: its files, what tells a compiler of them, and programs that are built so."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import pyroi
from pyroi import __main__ as command

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "frameworks" / "c.md").read_text("utf-8")
START = (ROOT / "docs" / "start.md").read_text("utf-8")
FOLDER = pathlib.Path(pyroi.get_library()).parent
SEARCH = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and binutils")


def tool(name):
    """The path of a program; skips the test where it is not installed."""
    return shutil.which(name, path=SEARCH) or pytest.skip(f"{name} is not installed")


def run(*command, **environment):
    """What a command prints; its failure fails the test with what it said."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def asked(*options):
    """What `python -m pyroi` answers."""
    return run(sys.executable, "-I", "-m", "pyroi", *options).strip()


def block(language, text=PAGE):
    """The first block of a page in a language."""
    return re.search(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[1]


def declared():
    """Names of all functions in both headers."""
    text = "".join((pathlib.Path(pyroi.get_include()) / name).read_text("utf-8") for name in ("roi.h", "roi_flat.h"))
    return set(re.findall(r"^ROI_API [\w ]+[ *](roi_\w+)\(", text, re.MULTILINE))


def exported(path):
    """Names that a shared library defines for others, except those of versions, which are symbols of type A."""
    lines = [line.split() for line in run(tool("nm"), "-D", "--defined-only", "-P", path).splitlines()]
    return {name.split("@")[0] for name, kind, *_ in lines if kind != "A"}


# ---- Files -----------------------------------------------------------------------------------------------------------


def test_files_are_in_the_package():
    """All below the folder of pyroi's compiled module, wherever that is."""
    package = pathlib.Path(pyroi._libroi.__file__).parent
    files = [pyroi.get_library(), f"{pyroi.get_include()}/roi.h", f"{pyroi.get_include()}/roi_flat.h"]
    files += [asked("--pkgconfigdir") + "/roi.pc", asked("--cmakedir") + "/roi-config.cmake"]
    for file in map(pathlib.Path, files):
        assert file.is_file() and file.is_absolute() and package in file.parents, file


def test_the_header_is_the_one_of_the_sources():
    """To the byte."""
    assert (ROOT / "libroi/include/roi.h").read_bytes() == pathlib.Path(pyroi.get_include(), "roi.h").read_bytes()


@LINUX
def test_python_and_programs_share_one_library():
    """The module links to the file that get_library names, and no second copy is mapped."""
    mapped = {line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().splitlines() if "libroi" in line}
    assert {path for path in mapped if "/libroi." in path} == {os.path.realpath(pyroi.get_library())}
    before = pyroi.get_num_threads()
    try:
        pyroi.set_num_threads(before + 1)
        assert ctypes.CDLL(pyroi.get_library()).roi_get_num_threads() == before + 1
    finally:
        pyroi.set_num_threads(before)


@LINUX
def test_exports_are_what_the_headers_declare():
    """Nothing else: names without our prefix could be somebody else's."""
    names = exported(pyroi.get_library())
    assert names == declared()
    assert all(name.startswith("roi_") for name in names)
    assert exported(next(FOLDER.glob("_libroi*.so"))) <= {"PyInit__libroi", "_init", "_fini"}


@LINUX
def test_it_can_be_moved(tmp_path):
    """The module finds the library beside itself: by $ORIGIN, and by no path of the machine it was built on."""
    for path in (pyroi.get_library(), next(FOLDER.glob("_libroi*.so"))):
        said = run(tool("readelf"), "-d", path)
        paths = re.findall(r"R(?:UN)?PATH\).*\[(.*)\]", said)
        assert all(part in ("$ORIGIN", "") for line in paths for part in line.split(":")), paths
    if not (FOLDER / "__init__.py").exists():
        pytest.skip("an editable installation cannot be copied")
    shutil.copytree(FOLDER, tmp_path / "pyroi")
    program = "import pyroi; print(pyroi.get_library(), pyroi.nms([[0, 0, 1, 1]], [1], 0.5))"
    said = run(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {program}")
    assert said.split() == [str(tmp_path / "pyroi" / FOLDER.joinpath(pyroi.get_library()).name), "[0]"]


# ---- python -m pyroi -------------------------------------------------------------------------------------------------


def test_flags():
    """In the order in which a compiler wants them, whatever the order of the options."""
    expected = f"-I{pyroi.get_include()} -L{FOLDER} -Wl,-rpath,{FOLDER} -lroi"
    assert asked("--cflags", "--libs") == asked("--libs", "--cflags") == expected
    assert asked("--library") == pyroi.get_library()
    assert asked("--version") == pyroi.__version__


def test_report(monkeypatch, capsys):
    """What a report of a fault needs, with what is wrong in the environment."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    command.main([])
    said = capsys.readouterr().out
    for part in (pyroi.__version__, pyroi.get_library(), sys.executable, pyroi.cpu_features()["tier"], np.__version__):
        assert part in said
    assert "OMP_NUM_THREADS=2" in said
    said = run(sys.executable, "-I", "-W", "ignore", "-m", "pyroi", OMP_NUM_THREADS="x")
    assert "problem:     OMP_NUM_THREADS=x: expected a whole number" in said


def test_report_of_other_packages(monkeypatch):
    """Each adds a line, also one that fails."""
    entries = [
        importlib.metadata.EntryPoint("good", "string:ascii_lowercase.upper", "pyroi.report"),
        importlib.metadata.EntryPoint("bad", "string:ascii_lowercase.encode.nothing", "pyroi.report"),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: entries if group == "pyroi.report" else [])
    lines = command.report().splitlines()
    assert "good:        ABCDEFGHIJKLMNOPQRSTUVWXYZ" in lines
    assert any(line.startswith("bad:         AttributeError: ") for line in lines)


def test_unknown_option(capsys):
    """An exit status of 2, and usage."""
    with pytest.raises(SystemExit, match="2"):
        command.main(["--ldflags"])
    assert "--libs" in capsys.readouterr().err


# ---- Programs --------------------------------------------------------------------------------------------------------

PROGRAMS = [("cc", "c", START), ("cc", "c", PAGE), ("c++", "cpp", PAGE)]


@pytest.mark.parametrize(("compiler", "language", "page"), PROGRAMS, ids=["struct", "flat", "cpp"])
def test_c_and_cplusplus(tmp_path, compiler, language, page):
    """The programs of the pages, without a warning, by the flags of `python -m pyroi`."""
    source = tmp_path / f"app.{language}"
    source.write_text(block(language, page))
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-std=c99" if language == "c" else "-std=c++11"]
    run(tool(compiler), *warnings, source, "-o", tmp_path / "app", *asked("--cflags", "--libs").split())
    assert run(tmp_path / "app").split() == ["6", "7", "11", "12"]


def test_pkg_config(tmp_path):
    """The same with roi.pc."""
    environment = {"PKG_CONFIG_PATH": asked("--pkgconfigdir")}
    flags = run(tool("pkg-config"), "--cflags", "--libs", "roi", **environment).split()
    assert run(tool("pkg-config"), "--modversion", "roi", **environment).strip() == pyroi.__version__
    (tmp_path / "app.c").write_text(block("c"))
    run(tool("cc"), tmp_path / "app.c", "-o", tmp_path / "app", *flags)
    assert run(tmp_path / "app").split() == ["6", "7", "11", "12"]


@pytest.mark.parametrize(
    ("wanted", "found"), [("", True), ("0.1", True), ("0.0.9", False), ("99", False), ("1", False)]
)
def test_cmake(tmp_path, wanted, found):
    """find_package and roi::roi, in C++. A newer version is not found, nor, before 1.0, another minor number."""
    (tmp_path / "app.cpp").write_text(block("cpp"))
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(app CXX)\n"
        f"find_package(roi {wanted} REQUIRED CONFIG)\n"
        "add_executable(app app.cpp)\ntarget_link_libraries(app PRIVATE roi::roi)\n"
    )
    tool("c++")
    arguments = [tool("cmake"), "-S", tmp_path, "-B", tmp_path / "build", "-Droi_DIR=" + asked("--cmakedir")]
    if not found:
        with pytest.raises(AssertionError, match="compatible"):
            run(*arguments)
        return
    run(*arguments)
    run(tool("cmake"), "--build", tmp_path / "build")
    assert run(tmp_path / "build" / "app").split() == ["6", "7", "11", "12"]


def test_rust(tmp_path):
    """With nothing but rustc."""
    (tmp_path / "app.rs").write_text(block("rust"))
    folders = ["-L", f"native={FOLDER}", "-C", f"link-arg=-Wl,-rpath,{FOLDER}"]
    run(tool("rustc"), "--edition=2021", "-D", "warnings", *folders, tmp_path / "app.rs", "-o", tmp_path / "app")
    assert run(tmp_path / "app").split() == ["6", "7", "11", "12"]
