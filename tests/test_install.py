"""Messages about installation: none can install another project's package, and each names the missing part."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

from pyroi import install

ROOT = pathlib.Path(__file__).resolve().parents[1]
OURS = ("roish", "pyroi", "tclcmd", "libroi")
TEXTS = ("*.md", "*.py", "*.toml", "*.tcl", "*.c", "*.h", "*.build", "Makefile", ".ci/*")
BUILT = {".venv", "build", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}


def texts() -> list[pathlib.Path]:
    """All files of the project that people read."""
    found = {path for pattern in TEXTS for path in ROOT.rglob(pattern)}
    return sorted(path for path in found if path.is_file() and not BUILT & set(path.relative_to(ROOT).parts))


def names_for_pip(line: str) -> list[str]:
    """What a `pip install` in a line would look up by name on PyPI, of the names that are ours."""
    asked = re.findall(r"\bpip\S*(?: -\S+)* install(.*)", line)
    words = [word.rstrip(",;:.)") for word in re.split(r"[\s'\"`]+", " ".join(asked))]
    return [word for word in words if re.fullmatch(rf"(?:{'|'.join(OURS)})(?:\[[^\]]*\])?(?:[=<>~!].*)?", word)]


def test_the_test_knows_the_wrong_kind():
    """With extras, versions, options; and none of the right kind."""
    for wrong in ("pip install pyroi", "pip install 'pyroi[image,plot]'", "run bin/pip -qq install --pre roish==1",
                  "pip install --no-binary pyroi pyroi", "x = 'pip install numpy \"roish[plot]>=0.1\"'"):  # fmt: skip
        assert names_for_pip(wrong), wrong
    for right in ("pip install .", "pip install '.[torch]'", "pip install 'roish-0.1.0-cp311.whl[torch]'",
                  "pip install numpy", "python -m build; import pyroi"):  # fmt: skip
        assert not names_for_pip(right), right


def test_nothing_has_pip_look_for_our_names():
    """On PyPI `pyroi` is somebody else's package, and `roish` may come to be."""
    assert len(texts()) > 100
    lines = {
        f"{path.relative_to(ROOT)}:{number}"
        for path in texts()
        if path != pathlib.Path(__file__)
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if names_for_pip(line)
    }
    assert not lines


@pytest.mark.parametrize("extra", ["image", "plot", "torch", "autograd", "onnxruntime", "jax", "numba"])
def test_the_advice_names_extras_that_there_are(extra):
    """From a checkout and from a wheel file."""
    declared = (ROOT / "pyproject.toml").read_text("utf-8")
    assert re.search(rf"^{extra} = \[", declared, re.MULTILINE)
    said = install.how_to_add(extra)
    assert f"pip install '.[{extra}]'" in said
    assert f".whl[{extra}]'" in said
    assert not names_for_pip(said)


@pytest.mark.parametrize("program", ["import pyroi", "import pyroi.align", "import tclcmd.interpreter"])
def test_the_sources_are_not_the_package(program):
    """Started in the folder of the sources, Python finds them first."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith(f"ImportError: this is pyroi's source code, in {ROOT / 'pyroi'}")
    assert "start Python in another folder" in last
    assert "No module named" not in done.stderr


def test_the_shell_in_the_folder_of_the_sources():
    """One line, no traceback."""
    done = subprocess.run([sys.executable, "-m", "tclcmd"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("roish: this is pyroi's source code")


def test_a_package_for_another_python_says_so(monkeypatch, tmp_path):
    """Or one of which a part was lost."""
    monkeypatch.setattr(install, "__file__", str(tmp_path / "install.py"))
    version = ".".join(map(str, sys.version_info[:2]))
    assert install.why_not_compiled().startswith(f"pyroi in {tmp_path} has no compiled part for Python {version}: run ")
