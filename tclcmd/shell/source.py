"""Line numbers in scripts that are not files: after -c, and on standard input.

In a file Tcl counts the lines itself, also within procedures. Elsewhere it counts from the beginning of the evaluated
text, and within a procedure from the beginning of its body.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tclcmd.language import syntax


@dataclass
class Source:
    """A script that is evaluated in pieces, and the lines of its commands."""

    name: str = ""  # its name in messages
    _now: tuple[int, str] = (1, "")
    _with_procedures: list[tuple[int, str]] = field(default_factory=list)

    def begin(self, first_line: int, text: str) -> None:
        """Notes the piece that is evaluated next."""
        self._now = (first_line, text)
        if "proc" in text:
            self._with_procedures.append(self._now)

    def line_of(self, frame: dict[str, str]) -> int | None:
        """The line of the command that Tcl's `info frame` describes; None for a generated script."""
        if frame.get("type") == "eval":
            return self._checked(self._now, 1, frame)
        found = (
            self._checked(piece, 1 + piece[1].count("\n", 0, body), frame)
            for piece in reversed(self._with_procedures)
            for body in _bodies(piece[1], frame.get("proc", ""))
        )
        return next((line for line in found if line), None)

    def _checked(self, piece: tuple[int, str], start: int, frame: dict[str, str]) -> int | None:
        """The line at an offset from a line of the piece, if the command is there."""
        first_line, text = piece
        line = start + int(frame.get("line", 1)) - 1
        written = "\n".join(text.split("\n")[line - 1 :])
        stands_there = frame.get("cmd", "").partition("\n")[0] in written.partition("\n")[0]
        return first_line + line - 1 if stands_there else None


def _bodies(text: str, procedure: str) -> list[int]:
    """The positions of the bodies of procedures of this full name."""
    commands = syntax.commands(text)
    return [
        command.words[3].start
        for command in commands
        if _begins_with(command, "proc") and len(command.words) == 4 and _full_name(command, commands) == procedure
    ]


def _begins_with(command: syntax.Written, *words: str) -> bool:
    return [word.text.removeprefix("::") for word in command.words[: len(words)]] == list(words)


def _full_name(proc: syntax.Written, commands: list[syntax.Written]) -> str:
    """The name that a procedure gets, by the `namespace eval` around the command that makes it."""
    around = [
        command.words[2].text
        for command in commands
        if _begins_with(command, "namespace", "eval")
        and len(command.words) > 3
        and command.start < proc.start < command.end
    ]
    full_name = ""
    for part in (*around, proc.words[1].text):
        full_name = part if part.startswith("::") else f"{full_name}::{part}"
    return full_name
