"""A program in a terminal emulator, with access to its screen."""

from __future__ import annotations

import fcntl
import os
import pathlib
import pty
import select
import struct
import subprocess
import termios
import time

import pyte

COLUMNS, LINES = 100, 30

KEYS = {"enter": "\r", "tab": "\t", "up": "\x1b[A", "down": "\x1b[B", "left": "\x1b[D", "right": "\x1b[C"}


def control(letter: str) -> str:
    """What a terminal sends for Ctrl and a letter."""
    return chr(ord(letter.upper()) - 64)


class Terminal:
    """A pseudo-terminal, and the screen that somebody in front of it would see."""

    def __init__(self, command: list[str], folder: pathlib.Path, **variables: str) -> None:
        self.screen = pyte.HistoryScreen(COLUMNS, LINES, history=1000)
        self.screen.write_process_input = self.type  # the terminal's answers, as to where the cursor is
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM", "TMUX")}
        environment = {**plain, "XDG_STATE_HOME": str(folder), "TERM": "xterm-256color", **variables}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=folder, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)

    def type(self, text: str) -> None:
        """Sends keys."""
        os.write(self._master, text.encode())

    def enter(self, *lines: str) -> None:
        """Types lines, each with Enter."""
        for line in lines:
            self.type(line + KEYS["enter"])

    def lines(self) -> list[str]:
        """What is on the screen, without empty lines at the end."""
        self._read(0)
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip().split("\n")

    def wait_for(self, *texts: str, seconds: float = 30) -> list[str]:
        """Reads until the screen shows all texts; returns its lines."""
        end = time.monotonic() + seconds
        while True:
            lines = self.lines()
            if all(text in "\n".join(lines) for text in texts):
                return lines
            assert time.monotonic() < end, f"waited for {texts}, saw\n" + "\n".join(lines)
            assert self.process.poll() is None or self._read(0.1), f"it has ended: {lines}"
            self._read(0.1)

    def wait_until_last_line(self, text: str, seconds: float = 30) -> list[str]:
        """Reads until the last line of the screen is this one."""
        end = time.monotonic() + seconds
        while (lines := self.lines())[-1] != text:
            assert time.monotonic() < end, f"waited for {text!r}, saw\n" + "\n".join(lines)
            self._read(0.1)
        return lines

    def ask(self, line: str) -> list[str]:
        """Runs a command on a cleared screen, and returns the lines that it wrote."""
        self.type(control("l"))
        self.wait_until_last_line("%")
        self.enter(line)
        self.wait_for("% " + line.splitlines()[0][:60])
        return self.wait_until_last_line("%")[1:-1]

    def colour_of(self, text: str) -> str:
        """The colour of the first letter of a text on the screen."""
        for row, line in enumerate(self.screen.display):
            if text in line:
                return self.screen.buffer[row][line.index(text)].fg
        raise AssertionError(f"{text} is not on the screen")

    def close(self) -> int:
        """Waits for the end, and returns the status."""
        end = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.1)
        return self.process.wait(timeout=1)

    def kill(self) -> None:
        """Ends it, if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _read(self, seconds: float) -> bool:
        """Has the screen show what has come; returns whether something has."""
        came = False
        while select.select([self._master], [], [], seconds)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                break
            if not data:
                break
            self.raw += data
            self._stream.feed(data)
            came, seconds = True, 0
        return came
