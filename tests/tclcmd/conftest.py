"""Fixtures of the command language: an interpreter in this process, and roish as a program."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pyroi.arrays import Array

try:
    from tclcmd import interpreter
    from tclcmd.interpreter import Interpreter
    from tclcmd.values.tensors import Family
except ModuleNotFoundError as error:
    if error.name != "tclcmd._host":
        raise
    collect_ignore_glob = ["*"]  # built without Tcl's headers

SHELL = shutil.which("roish", path=os.path.dirname(sys.executable))
COMMAND = [SHELL] if SHELL else [sys.executable, "-m", "tclcmd"]


class Tcl:
    """An interpreter that fails a test where a script fails unexpectedly."""

    def __init__(self) -> None:
        self.interpreter = Interpreter()

    def __call__(self, script: str) -> str:
        """Evaluates a script and returns its result as text, which names a tensor."""
        self.run(script)
        return self.interpreter.result()

    def run(self, script: str) -> None:
        """Evaluates a script without looking at its result."""
        outcome = self.interpreter.eval(script)
        assert not outcome.is_error, self.interpreter.result()

    def error(self, script: str) -> str:
        """The message with which a script fails."""
        outcome = self.interpreter.eval(script)
        assert outcome.is_error, f"{script} gave {self.interpreter.result()}"
        return self.interpreter.result()

    def code(self, script: str) -> str:
        """The errorCode with which a script fails."""
        self.error(script)
        return self("set errorCode")

    def stats(self) -> dict[str, int]:
        """The memory statistics."""
        return self.interpreter.session.tensors.stats()

    def floats(self, script: str) -> list[float]:
        """The numbers of the tensor that a script gives."""
        return [float(word) for word in self(f"torch::tensor_to_list [{script}]").split()]


@pytest.fixture
def tcl(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tcl]:
    """A fresh interpreter, whose first tensor is tensor0, as in a process of its own."""
    monkeypatch.setattr(interpreter, "_family", Family())
    fresh = Tcl()
    yield fresh
    fresh.interpreter.close()


class Given:
    """Arrays as tensors in variables of an interpreter, and back."""

    def __init__(self, tcl: Tcl) -> None:
        self.tcl = tcl

    def set(self, name: str, array: Array) -> Array:
        """Makes an array a variable; the tensor has the array's elements, not a copy."""
        session = self.tcl.interpreter.session
        self.tcl.interpreter.set_global(name, array)
        assert session.tensors.stats()["live"]
        return array

    def __call__(self, script: str, **arrays: Array) -> Array:
        """The array that a script gives, in which these arrays are variables."""
        for name, array in arrays.items():
            self.set(name, array)
        self.tcl.run(f"set answer [{script}]")
        return self.tcl.interpreter.tensor_in("answer")

    def all(self, script: str) -> list[Array]:
        """The arrays of a list that a script gives."""
        self.tcl.run(f"set answers [{script}]")
        count = int(self.tcl("llength $answers"))
        return [self(f"lindex $answers {index}") for index in range(count)]


@pytest.fixture
def given(tcl: Tcl) -> Given:
    """See above."""
    return Given(tcl)


@pytest.fixture(scope="module")
def torch() -> Any:
    """PyTorch, as an oracle."""
    return pytest.importorskip("torch", reason="PyTorch is not installed: its own answers are not compared")


Roish = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def roish(tmp_path: pathlib.Path) -> Roish:
    """Runs roish in an empty folder; `variables` are added to its environment."""

    def run(
        *arguments: str | bytes, input: str = "", variables: dict[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        # The user's own history stays out of it.
        environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), **(variables or {})}
        options = {"cwd": tmp_path, "timeout": 300, "encoding": "utf-8", **options}
        words = [word if isinstance(word, bytes) else word.encode() for word in arguments]  # whatever the tests' locale
        return subprocess.run([*COMMAND, *words], input=input, capture_output=True, env=environment, **options)

    run.command = COMMAND  # type: ignore[attr-defined]
    return run


@dataclasses.dataclass
class Anywhere:
    """A script that is to give the same wherever Tcl runs, and what it prints in roish."""

    path: pathlib.Path
    said: str


@pytest.fixture
def anywhere(roish: Roish) -> Anywhere:
    """The script; that roish runs it without an error is seen here, and that products are NumPy's."""
    path = pathlib.Path(__file__).with_name("anywhere.tcl")
    done = roish(str(path))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[1:3] == ["kept 0 1", "doubled 1.8 1.6 1.4"]
    crops = np.array(lines[0].split(": ")[1].split(), np.float32).reshape(3, 4)[:2]
    assert np.array_equal(np.array(lines[3].split()[1:], np.float32), (crops @ crops.T).ravel())
    return Anywhere(path, done.stdout)
