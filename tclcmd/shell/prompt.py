"""The prompt: reads a command, runs it, shows its result."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from dataclasses import dataclass

import click

import pyroi
from tclcmd.files import streams
from tclcmd.interpreter import Interpreter, Outcome
from tclcmd.shell.editor import Editor
from tclcmd.shell.source import Source
from tclcmd.values import tclobj

#: The script that runs before the first command, if the file exists.
START_FILE = "~/.roishrc"

#: The message after Ctrl-C has stopped a command.
INTERRUPTED = "Interrupted\n"


def run(interpreter: Interpreter, *, edit_mode: str = "emacs", reads_start_file: bool = True) -> int:
    """Reads and runs commands until the end of the input.

    The keys are those of Emacs or, with the mode "vi", of vi.

    Returns 0, or the system's error number if output cannot be written.
    """
    streams.speak_utf8()
    interpreter.set_at_prompt()
    patchlevel = interpreter.get_global("tcl_patchLevel")
    interpreter.write(
        f"roish {pyroi.__version__}, Tcl {patchlevel}. help lists the commands of torch::, Ctrl-D leaves.\n"
    )
    editor = choose_editor(interpreter, edit_mode)
    if reads_start_file:
        _run_start_file(interpreter)
    while not interpreter.output_problem:
        try:
            command = editor.ask()
            if command is None:
                break
            _obey(interpreter, command)
        except KeyboardInterrupt:  # between two evaluations: the command has ended, and the shell goes on
            interpreter.write(INTERRUPTED, to_error=True)
        except OSError as error:  # from the editor: the terminal or the pipe of standard output is closed
            return error.errno or errno.EIO
    return interpreter.output_problem


def _run_start_file(interpreter: Interpreter) -> None:
    """Runs the user's start file. An error in it is reported, and the prompt continues."""
    path = os.path.expanduser(START_FILE)
    interpreter.set_global("tcl_rcFileName", START_FILE)
    if not os.path.isfile(path):
        return
    outcome = interpreter.eval_file(interpreter.from_system(path))
    if outcome.is_error:
        trace = interpreter.get_global("errorInfo") or interpreter.result()
        interpreter.write(f"{trace}\n", to_error=True)
    interpreter.write("")


def choose_editor(interpreter: Interpreter, edit_mode: str = "emacs") -> Editor:
    """The editor with colours and completion, or the plain one if the terminal or the installation lacks support."""
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        try:
            from tclcmd.shell.rich_editor import RichEditor
        except ImportError:
            pass
        else:
            return RichEditor(interpreter, edit_mode)
    from tclcmd.shell.plain_editor import PlainEditor

    return PlainEditor(interpreter, edit_mode)


def _obey(interpreter: Interpreter, typed: str) -> None:
    given = answer(interpreter, typed)
    if given.outcome.is_complete:
        _show(interpreter, given.text)
    else:
        interpreter.write(given.text, to_error=True)
    interpreter.write(given.timing)


@dataclass(frozen=True)
class Answer:
    """The output for a command: its result, or the message of its error; and its time, if enabled."""

    outcome: Outcome
    text: str
    timing: str


def answer(interpreter: Interpreter, typed: str, source: Source | None = None) -> Answer:
    """Runs what was typed. In a script of several lines, errors quote the line."""
    from tclcmd.shell import complaints, results, shorthand

    command = shorthand.in_tcl(interpreter, typed)
    begun = time.perf_counter()
    outcome = interpreter.eval_typed(tclobj.from_keys(command))
    seconds = time.perf_counter() - begun
    if outcome.was_interrupted:
        text = INTERRUPTED
    elif outcome.is_error:
        message = interpreter.result()
        added = complaints.additions(interpreter, message, source, at_prompt=source is None)
        if not added and message.startswith(shorthand.NOT_TCL):
            added = shorthand.instead(interpreter, typed)
        text = f"{message}\n{added}"
    else:
        result = results.shown(interpreter)
        text = f"{result}\n" if result else ""
    return Answer(outcome, text, f"{duration_text(seconds)}\n" if interpreter.session.timing else "")


def _show(interpreter: Interpreter, text: str) -> None:
    """Writes a result: page by page if it is longer than the terminal, and a pager is there."""
    if text.count("\n") < shutil.get_terminal_size().lines or not (sys.stdin.isatty() and sys.stdout.isatty()):
        interpreter.write(text)
    else:
        interpreter.write("")
        click.echo_via_pager(text)


def duration_text(seconds: float) -> str:
    """A time with a unit: ``12.3 ms``."""
    for unit, size in (("us", 1e-6), ("ms", 1e-3)):
        if seconds < size * 1000:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
