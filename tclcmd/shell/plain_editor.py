"""The plain prompt: line editing and history by readline, where Python has it."""

from __future__ import annotations

import contextlib

from tclcmd.interpreter import Interpreter, is_complete
from tclcmd.shell import history
from tclcmd.shell.editor import CONTINUATION, PROMPT

try:
    import readline
except ImportError:  # Python was built without it: no line editing or history
    readline = None  # type: ignore[assignment]


class PlainEditor:
    """Reads commands line by line."""

    def __init__(self, interpreter: Interpreter, edit_mode: str) -> None:
        interpreter.serve_at_readline()
        self._file = history.place()
        self._saved = 0
        if readline is not None:
            readline.parse_and_bind(f"set editing-mode {edit_mode}")
            readline.set_history_length(history.LONGEST_HISTORY)
            if self._file is not None:
                with contextlib.suppress(OSError):  # a shell without history is still a shell
                    history.make(self._file)
                    readline.read_history_file(self._file)
            self._saved = readline.get_current_history_length()

    def ask(self) -> str | None:
        """One complete command; None at the end of the input. Ctrl-C discards the typed text."""
        lines: list[str] = []
        while True:
            try:
                lines.append(input(CONTINUATION if lines else PROMPT))
            except KeyboardInterrupt:
                print()
                lines.clear()
            except EOFError:
                print()
                return None
            if lines and is_complete("\n".join(lines) + "\n"):
                self._save_history()
                return "\n".join(lines)

    def _save_history(self) -> None:
        """Appends the new lines. It is called before each command, since any command may end the process."""
        if readline is None or self._file is None:
            return
        known = readline.get_current_history_length()
        with contextlib.suppress(OSError):
            readline.append_history_file(known - self._saved, self._file)
        self._saved = known
