"""The prompt: asks for a command, runs it, shows what came of it."""

from __future__ import annotations

import os
import sys
import time
from typing import Protocol

import pyroi
from tclcmd.interpreter import Interpreter

PROMPT, CONTINUATION = "% ", "> "


class Editor(Protocol):
    """What asks for commands."""

    def ask(self) -> str | None:
        """One complete command; None at the end of the input."""


def run(interpreter: Interpreter) -> None:
    """Asks for commands until the end of the input."""
    interpreter.set_at_prompt()
    patchlevel = interpreter.get_global("tcl_patchLevel")
    interpreter.eval("interp alias {} ::help {} ::torch::help")  # what people type first
    print(f"roish {pyroi.__version__}, Tcl {patchlevel}. help lists the commands of torch::, Ctrl-D leaves.")
    editor = choose_editor(interpreter)
    while (command := editor.ask()) is not None:
        _obey(interpreter, command)


def choose_editor(interpreter: Interpreter) -> Editor:
    """The one with colours and completion, or the plain one where the terminal or the installation is too."""
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        try:
            from tclcmd.prompt.editor import RichEditor
        except ImportError:
            pass
        else:
            return RichEditor(interpreter)
    from tclcmd.prompt.plain import PlainEditor

    return PlainEditor()


def _obey(interpreter: Interpreter, command: str) -> None:
    from tclcmd.prompt import echo

    begun = time.perf_counter()
    outcome = interpreter.eval(command)
    seconds = time.perf_counter() - begun
    if outcome.was_interrupted:
        interpreter.write("Interrupted\n", to_error=True)
    elif outcome.is_error:
        interpreter.write(_complaint(interpreter), to_error=True)
    elif result := echo.shown(interpreter):
        interpreter.write(f"{result}\n")
    if interpreter.session.timing:
        interpreter.write(f"{duration_text(seconds)}\n")
    interpreter.write("")


def _complaint(interpreter: Interpreter) -> str:
    """The message of an error, with what helps to mend it."""
    from tclcmd import blame
    from tclcmd.shell import hint

    message, failure = interpreter.result(), interpreter.failure
    is_ours = failure is not None and failure.message == message
    pointed = blame.report(failure, at_prompt=True) if failure and is_ours else ""
    return f"{message}\n{hint(message)}{pointed}"


def duration_text(seconds: float) -> str:
    """A time as a person says it: ``12.3 ms``."""
    for unit, size in (("us", 1e-6), ("ms", 1e-3)):
        if seconds < size * 1000:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
