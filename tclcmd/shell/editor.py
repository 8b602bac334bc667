"""The interface of editors, of which there are two: `rich_editor` and `plain_editor`."""

from __future__ import annotations

from typing import Protocol

#: The prompts before the first line of a command, and before the other lines.
PROMPT, CONTINUATION = "% ", "> "


class Editor(Protocol):
    """Reads commands from the user."""

    def ask(self) -> str | None:
        """One complete command; None at the end of the input."""
