"""Inputs and scripts for `roish map`, and `roish map` as a program."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import uuid
from typing import Any

from tclcmd.batch.outcome import Outcome

SHELL = shutil.which("roish", path=os.path.dirname(sys.executable))
COMMAND = [*([SHELL] if SHELL else [sys.executable, "-m", "tclcmd"]), "map"]

#: Writes the input in capitals, in three pieces, so that half a file would be seen, and a last line.
CAPITALS = """\
set file [open $input]
set text [read $file]
close $file
set file [open $output w]
foreach piece [list $index [string toupper $text] end] {
    puts $file $piece
    flush $file
    after 2
}
close $file
"""


def capitals_of(index: int, text: str) -> str:
    """What CAPITALS writes, by Python's own rules for ASCII letters."""
    return f"{index}\n{text.upper()}\nend\n"


@dataclasses.dataclass
class Done:
    """A run that has ended."""

    status: int
    said: str
    complained: str


class Place:
    """A folder with inputs ``in/00.txt`` and so on, and a script."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.environment = {**os.environ, "ROISH_TEST_MARK": self.mark}
        (folder / "in").mkdir()

    def add(self, count: int) -> list[pathlib.Path]:
        """Writes that many inputs."""
        paths = [self.folder / "in" / f"{number:02}.txt" for number in range(count)]
        for number, path in enumerate(paths):
            path.write_text(f"input number {number}")
        return paths

    def script(self, text: str, name: str = "s.tcl") -> str:
        """Writes a script."""
        (self.folder / name).write_text(text)
        return name

    def start(self, *names: str, **options: Any) -> subprocess.Popen[str]:
        """Starts `roish map` in the folder."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        words = [name.encode() for name in names]  # whatever the locale
        coding = {"encoding": "utf-8", "errors": "surrogateescape"}
        return subprocess.Popen([*COMMAND, *words], cwd=self.folder, env=self.environment, **coding, **options)

    def run(self, *words: str, input: str | None = None, **options: Any) -> Done:
        """Runs `roish map` to its end."""
        if input is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*words, **options)
        said, complained = process.communicate(input, timeout=300)
        for sign in ("Traceback", "Exception ignored", "internal error"):
            assert sign not in complained, complained
        return Done(process.returncode, said, complained)

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The lines of a report."""
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def outputs(self, name: str = "out") -> dict[str, str]:
        """Name -> content of what is in an output folder, except what is private."""
        folder = self.folder / name
        paths = [path for path in folder.rglob("*") if path.is_file() and ".roish-map" not in path.parts]
        return {str(path.relative_to(folder)): path.read_text() for path in paths}

    def private(self, name: str = "out") -> set[str]:
        """The names in the private part of an output folder."""
        return {path.name for path in (self.folder / name / ".roish-map").iterdir()}

    def processes(self) -> list[int]:
        """The processes that this test has started and that are alive."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def wait_until_none_is_alive(self, seconds: float = 10) -> None:
        """Fails if processes outlive their driver."""
        until = time.monotonic() + seconds
        while self.processes():
            assert time.monotonic() < until, self.processes()
            time.sleep(0.05)


def wait_for(condition: Any, seconds: float = 60) -> None:
    """Waits until the condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def short_call(number: int) -> Outcome:
    """A call for a pool: its number, in place of a line; one never ends, and one dies."""
    if number == 10:
        time.sleep(1000)
    if number == 20:
        os.kill(os.getpid(), signal.SIGSEGV)
    return Outcome(line=number)
