"""The prompt: line editing and history by readline, commands of several lines by Tcl's own test of completeness."""

from __future__ import annotations

import contextlib
import os
import pathlib

import pyroi
from tclcmd.interpreter import Interpreter, is_complete
from tclcmd.shell import hint

try:
    import readline
except ImportError:  # Python was built without it: plain lines, no history
    readline = None  # type: ignore[assignment]

PROMPT, CONTINUATION = "% ", "> "
LONGEST_HISTORY = 5000


def run(interpreter: Interpreter) -> None:
    """Asks for commands until the end of the input."""
    interpreter.set_at_prompt()
    history = History()
    patchlevel = interpreter.get_global("tcl_patchLevel")
    interpreter.eval("interp alias {} ::help {} ::torch::help")  # what people type first
    print(f"roish {pyroi.__version__}, Tcl {patchlevel}. help lists the commands of torch::, Ctrl-D leaves.")
    while (command := _ask()) is not None:
        history.save()
        outcome = interpreter.eval(command)
        if outcome.was_interrupted:
            interpreter.write("Interrupted\n", to_error=True)
        elif result := interpreter.result():
            advice = hint(result) if outcome.is_error else ""
            interpreter.write(f"{result}\n{advice}", to_error=outcome.is_error)
        interpreter.write("")


def _ask() -> str | None:
    """One complete command; None at the end of the input. Ctrl-C drops what was typed so far."""
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
            return "\n".join(lines)


# ---- History ---------------------------------------------------------------------------------------------------------


class History:
    """The lines that were typed, in this session and before."""

    def __init__(self) -> None:
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        self._file = pathlib.Path(state).expanduser() / "roish" / "history"
        self._saved = 0
        if readline is not None:
            readline.set_history_length(LONGEST_HISTORY)
            with contextlib.suppress(OSError):  # a shell without history is still a shell
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.touch(mode=0o600)
                readline.read_history_file(self._file)
            self._saved = readline.get_current_history_length()

    def save(self) -> None:
        """Appends what is new. To be called before each command runs, since any of them may end the process."""
        if readline is None:
            return
        known = readline.get_current_history_length()
        with contextlib.suppress(OSError):
            readline.append_history_file(known - self._saved, self._file)
        self._saved = known
