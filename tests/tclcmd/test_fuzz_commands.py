"""The fuzzer of commands finds no defect, and finds planted ones."""

from __future__ import annotations

import importlib
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tclcmd.commands.common import INPUT
from tclcmd.language.declare import REGISTRY, command
from tclcmd.language.errors import CommandError

HERE = pathlib.Path(__file__).parent

#: How many calls there is time for here; `python tests/tclcmd/fuzz_commands.py --seconds 300` makes more.
CALLS = 2000


def test_random_calls_of_all_commands():
    """Each gives a result, or an error of the table; the hunt itself says what else is a defect."""
    words = [sys.executable, HERE / "fuzz_commands.py", f"--calls={CALLS}", "--seed=1"]
    made = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert made.stdout.endswith(f"{CALLS} calls, 0 defects of 0 kinds, seed 1\n"), made.stdout + made.stderr


@pytest.fixture
def fuzz(monkeypatch):
    """The module, which runs as a program elsewhere."""
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module("fuzz_commands")


def internal_fault(input: np.ndarray) -> None:
    """Fails by an exception that no table knows."""
    raise KeyError("no such thing")


def change_and_fail(input: np.ndarray) -> None:
    """Leaves the tensor other than it was."""
    input += 1
    raise CommandError("MEMORY", "none", reason="none")


@pytest.mark.parametrize(
    ("function", "what"),
    [(internal_fault, "internal fault"), (change_and_fail, "an error changed a tensor or a variable")],
)
def test_the_hunt_finds_defects(fuzz, function, what):
    """Of commands that are made for it."""
    command(INPUT, group="Session")(function)
    try:
        session = fuzz.Session()
    finally:
        del REGISTRY[function.__name__]
    assert [found for found, _ in session.faults(f"torch::{function.__name__} $pair_float32")] == [what]
    assert session.faults("torch::tensor_sum $pair_float32") == []
    session.interpreter.close()


def test_a_call_depends_on_seed_and_number_alone(fuzz):
    """So that the call of a defect can be made again."""
    calls = [fuzz.chosen(3, index) for index in range(20)]
    assert calls[7:] == [fuzz.chosen(3, index) for index in range(7, 20)]
    assert calls != [fuzz.chosen(4, index) for index in range(20)]
