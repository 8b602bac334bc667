"""What an editor is to the prompt. There are two: `rich_editor` and `plain_editor`."""

from __future__ import annotations

from typing import Protocol

#: What stands before the first line of a command, and before the others.
PROMPT, CONTINUATION = "% ", "> "


class Editor(Protocol):
    """What asks for commands."""

    def ask(self) -> str | None:
        """One complete command; None at the end of the input."""
