"""roish --safe as a program, in a folder that is allowed, with a secret beside it."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

#: The program, wherever it is installed.
SAFE = [sys.executable, "-I", "-m", "tclcmd", "--safe"]


@dataclasses.dataclass(frozen=True)
class Run:
    """How a run ended."""

    status: int
    output: str
    errors: str

    @property
    def last_line(self) -> str:
        """What was said last."""
        return self.errors.rstrip("\n").rpartition("\n")[2]


class Places:
    """The folder `in`, which is allowed, and what lies beside it."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root, self.allowed = root, root / "in"
        self.allowed.mkdir()
        (root / "secret.npy").write_bytes(b"secret")

    def run(self, script: str, *options: str, seconds: float = 120, **others: object) -> Run:
        """Runs a script. Its environment has a secret too."""
        ended = subprocess.run(
            [*SAFE, *(["--allow", "in"] if "torch::" in script else []), *options, "-c", script],
            cwd=self.root, capture_output=True, text=True, timeout=seconds, errors="replace",
            env={**os.environ, "SECRET": "of the environment"}, **others,
        )  # fmt: skip
        return Run(ended.returncode, ended.stdout, ended.stderr)

    def attacks(self, scripts: list[str]) -> dict[str, tuple[str, str]]:
        """Runs scripts one after the other in one interpreter: each with its errorCode, or nothing, and its result."""
        each = "\n".join(
            f"set _code [catch {{\n{script}\n}} _result _about]\n"
            "puts [list [expr {$_code == 1 ? [dict get $_about -errorcode] : {}}] [string range $_result 0 200]]"
            for script in scripts
        )
        ran = self.run(each)
        assert ran.status == 0, ran.errors
        lines = ran.output.splitlines()
        assert len(lines) == len(scripts), ran.output
        return {script: tuple(_elements(line)) for script, line in zip(scripts, lines, strict=True)}


def _elements(line: str) -> Iterator[str]:
    """The two elements of a list as Tcl writes it."""
    if line.startswith("{"):
        first, _, rest = line[1:].partition("} ")
    else:
        first, _, rest = line.partition(" ")
    yield from (first, rest.removeprefix("{").removesuffix("}"))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """The same for all tests of a module."""
    return Places(tmp_path_factory.mktemp("safe"))


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(places: Places) -> Iterator[Start]:
    """Starts a script and goes on; what still runs in the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(script: str, *options: str) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [*SAFE, "--allow", "in", *options, "-c", script],
            cwd=places.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(program)
        return program

    yield begin
    for program in started:
        if program.poll() is None:
            program.send_signal(signal.SIGKILL)
        program.communicate()
