"""The history of commands, in one file for both editors.

The file holds the lines as typed. Tcl decides which lines form a command, as at the prompt.
"""

from __future__ import annotations

import contextlib
import os
import pathlib

from tclcmd.interpreter import is_complete

#: The largest number of lines in the history, and of one command.
LONGEST_HISTORY = 5000
LONGEST_COMMAND = 200


def place() -> pathlib.Path | None:
    """The path of the file; None without a home folder, as for a user of a container without an entry."""
    state = os.environ.get("XDG_STATE_HOME")
    if not state and os.environ.get("HOME") == "":
        return None
    state = os.path.expanduser(state or "~/.local/state")
    return None if state.startswith("~") else pathlib.Path(state) / "roish" / "history"


def make(path: pathlib.Path) -> None:
    """Creates the file, readable by its owner only. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)


def entries(lines: list[str]) -> list[str]:
    """The commands, of one or more lines. A line that no later one completes is a command of its own."""
    found, start = [], 0
    while start < len(lines):
        count = _length(lines[start : start + LONGEST_COMMAND])
        found.append("\n".join(lines[start : start + count]))
        start += count
    return found


def _length(lines: list[str]) -> int:
    text = ""
    for count, line in enumerate(lines, 1):
        text += line + "\n"
        if is_complete(text):
            return count
    return 1


class HistoryFile:
    """The file of the commands."""

    def __init__(self) -> None:
        self.path = place()

    def load(self) -> list[str]:
        """All commands, oldest first; none where the file cannot be read."""
        if self.path is None:
            return []
        with contextlib.suppress(OSError):  # a shell without history is still a shell
            make(self.path)
            text = self.path.read_text("utf-8", errors="replace")
            return [entry for entry in entries(text.splitlines()[-LONGEST_HISTORY:]) if entry.strip()]
        return []

    def append(self, command: str) -> None:
        """Adds a command."""
        if self.path is None:
            return
        with contextlib.suppress(OSError), open(self.path, "a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(command + "\n")
