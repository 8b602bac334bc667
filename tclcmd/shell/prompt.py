"""The prompt: reads a command, runs it, shows its result."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import time

import pyroi
from tclcmd.interpreter import Interpreter
from tclcmd.shell.editor import Editor
from tclcmd.values import tclobj

HELP = re.compile(r"(\s*)help(?![^\s;])")


def run(interpreter: Interpreter) -> int:
    """Reads and runs commands until the end of the input.

    Returns 0, or the system's error number if output cannot be written.
    """
    _speak_utf8()
    interpreter.set_at_prompt()
    patchlevel = interpreter.get_global("tcl_patchLevel")
    interpreter.write(
        f"roish {pyroi.__version__}, Tcl {patchlevel}. help lists the commands of torch::, Ctrl-D leaves.\n"
    )
    editor = choose_editor(interpreter)
    while not interpreter.output_problem:
        try:
            command = editor.ask()
            if command is None:
                break
            _obey(interpreter, _with_help(interpreter, command))
        except KeyboardInterrupt:  # between two evaluations: the command has ended, and the shell goes on
            interpreter.write("Interrupted\n", to_error=True)
        except OSError as error:  # from the editor: the terminal or the pipe of standard output is closed
            return error.errno or errno.EIO
    return interpreter.output_problem


def _with_help(interpreter: Interpreter, command: str) -> str:
    """The command, with `help` replaced by ::torch::help.

    No command `help` is defined, which could conflict with one of the script; if the script defines one, that is run.
    """
    found = HELP.match(command)
    if not found or interpreter.commands("::help"):
        return command
    return f"{found.group(1)}::torch::help{command[found.end() :]}"


def _speak_utf8() -> None:
    """Sets the encoding of the standard streams to UTF-8 in every locale, as in Tcl. Invalid bytes are accepted."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def choose_editor(interpreter: Interpreter) -> Editor:
    """The editor with colours and completion, or the plain one if the terminal or the installation lacks support."""
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        try:
            from tclcmd.shell.rich_editor import RichEditor
        except ImportError:
            pass
        else:
            return RichEditor(interpreter)
    from tclcmd.shell.plain_editor import PlainEditor

    return PlainEditor(interpreter)


def _obey(interpreter: Interpreter, command: str) -> None:
    from tclcmd.shell import complaints, results

    begun = time.perf_counter()
    outcome = interpreter.eval(tclobj.from_keys(command))
    seconds = time.perf_counter() - begun
    if outcome.was_interrupted:
        interpreter.write("Interrupted\n", to_error=True)
    elif outcome.is_error:
        message = interpreter.result()
        interpreter.write(f"{message}\n{complaints.additions(interpreter, message, at_prompt=True)}", to_error=True)
    elif result := results.shown(interpreter):
        interpreter.write(f"{result}\n")
    if interpreter.session.timing:
        interpreter.write(f"{duration_text(seconds)}\n")
    interpreter.write("")


def duration_text(seconds: float) -> str:
    """A time with a unit: ``12.3 ms``."""
    for unit, size in (("us", 1e-6), ("ms", 1e-3)):
        if seconds < size * 1000:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
