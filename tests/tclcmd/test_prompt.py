"""The plain prompt, in a terminal that can do nothing; test_editor.py has the other one."""

from __future__ import annotations

import os
import pathlib
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

CONTROL = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]|\x07|\r")


class Terminal:
    """roish at a pseudo-terminal."""

    def __init__(self, command: list[str], home: pathlib.Path) -> None:
        self.master, slave = pty.openpty()
        environment = {**os.environ, "XDG_STATE_HOME": str(home), "TERM": "dumb"}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=home, start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self.expect("% ")

    def type(self, text: str) -> None:
        """Sends keys."""
        os.write(self.master, text.encode())

    def expect(self, text: str, seconds: float = 30) -> str:
        """Reads until the output ends with a text; returns it."""
        seen, end = "", time.monotonic() + seconds
        while not seen.endswith(text):
            assert time.monotonic() < end, f"waited for {text!r}, saw {seen!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    seen = CONTROL.sub("", seen + os.read(self.master, 4096).decode(errors="replace"))
                except OSError:
                    break
        return seen

    def ask(self, line: str, prompt: str = "% ") -> str:
        """Types a line, and returns what comes before the next prompt, without the echo."""
        self.type(line + "\n")
        return self.expect("\n" + prompt if prompt == "% " else prompt).removesuffix(prompt).partition("\n")[2].strip()

    def close(self) -> int:
        """Ends it, and returns its status."""
        status = self.process.wait(timeout=30)
        os.close(self.master)
        return status


@pytest.fixture
def terminal(roish, tmp_path) -> Iterator[Callable[[], Terminal]]:
    """Starts roish at a terminal."""
    started: list[Terminal] = []

    def start() -> Terminal:
        started.append(Terminal(roish.command, tmp_path))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()


def test_results_and_errors_are_shown(terminal):
    """A tensor by its name, which then works; an error by its message alone."""
    shell = terminal()
    assert shell.ask("set x [torch::zeros {2 3}]") == "tensor0: Float32 [2 3]  0 0 0 0 0 0"
    assert shell.ask("torch::tensor_shape tensor0") == "2 3"
    assert shell.ask("torch::zeros x").splitlines()[0] == 'Invalid shape value: expected a list of integers, got "x"'
    assert shell.ask("puts -nonewline abc; set tcl_interactive").startswith("abc1")
    assert "Did you mean torch::zeros?" in shell.ask("torch::zeroes 2")
    shell.type("exit 3\n")
    assert shell.close() == 3


def test_a_command_may_take_several_lines(terminal):
    """Until Tcl's own test says that it is complete."""
    shell = terminal()
    assert shell.ask("proc f {x} {", "> ") == ""
    shell.ask("  return [expr {$x + 1}]", "> ")
    assert shell.ask("}") == ""
    assert shell.ask("f 41") == "42"
    shell.type("\x04")
    assert shell.close() == 0


def test_ctrl_c_stops_a_command_and_keeps_the_shell(terminal):
    """A loop; and a half-typed command."""
    shell = terminal()
    shell.ask("set kept 7")
    for loop in ("while 1 {}", "while 1 {catch {foo}}", "after 100000"):
        shell.type(loop + "\n")
        time.sleep(0.5)
        shell.type("\x03")
        assert "Interrupted" in shell.expect("\n% ")
    shell.type("half a command {\n")
    shell.expect("> ")
    time.sleep(0.5)  # a prompt is on the screen a moment before readline minds signals
    shell.type("\x03")
    shell.expect("\n% ")
    assert shell.ask("set kept") == "7"
    shell.type("exit\n")
    assert shell.close() == 0


def test_history_outlives_the_session(terminal, tmp_path):
    """Also where the session ends by `exit`; arrow up brings the last command back."""
    first = terminal()
    first.ask("set remembered {", "> ")
    first.ask("  lines}")
    first.ask("set remembered 42")
    first.type("exit\n")
    first.close()
    kept = (tmp_path / "roish" / "history").read_text().splitlines()
    assert kept[-4:] == ["set remembered {", "  lines}", "set remembered 42", "exit"]
    assert (tmp_path / "roish" / "history").stat().st_mode & 0o077 == 0
    second = terminal()
    second.type("\x1b[A\x1b[A\n")
    assert "\n42\n% " in second.expect("\n% ")
    second.type("\x04")
    second.close()
