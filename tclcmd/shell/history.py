"""What was typed at the prompt, in this session and before: one file for both kinds of prompt.

The file holds lines as they were typed. Which of them belong together is Tcl's to say, as it was at the prompt.
"""

from __future__ import annotations

import contextlib
import os
import pathlib

from tclcmd.interpreter import is_complete

#: How many lines are remembered, and how many one command may take.
LONGEST_HISTORY = 5000
LONGEST_COMMAND = 200


def place() -> pathlib.Path | None:
    """The file; None where nobody knows of a home folder, as for a user of a container that has no entry for it."""
    state = os.environ.get("XDG_STATE_HOME")
    if not state and os.environ.get("HOME") == "":
        return None
    state = os.path.expanduser(state or "~/.local/state")
    return None if state.startswith("~") else pathlib.Path(state) / "roish" / "history"


def make(path: pathlib.Path) -> None:
    """Makes the file, for its owner alone. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)


def entries(lines: list[str]) -> list[str]:
    """Commands of one line or more. A line that no later one completes stands alone."""
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
