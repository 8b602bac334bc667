"""The prompt: asks for a command, runs it, shows what came of it."""

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
    """Asks for commands until the end of the input.

    Returns 0, or the system's error number where what it says reaches nobody.
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
        except OSError as error:  # the editor's: the terminal has gone, or the pipe behind standard output
            return error.errno or errno.EIO
    return interpreter.output_problem


def _with_help(interpreter: Interpreter, command: str) -> str:
    """The command; a plain `help`, which people type first, as the name that it has with us.

    So there is no command of that name in the script's way, and one that the script makes is taken.
    """
    found = HELP.match(command)
    if not found or interpreter.commands("::help"):
        return command
    return f"{found.group(1)}::torch::help{command[found.end() :]}"


def _speak_utf8() -> None:
    """Takes the terminal to speak UTF-8 whatever the locale, as Tcl does here. Other bytes are no reason to end."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def choose_editor(interpreter: Interpreter) -> Editor:
    """The one with colours and completion, or the plain one where the terminal or the installation is too."""
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        try:
            from tclcmd.shell.rich_editor import RichEditor
        except ImportError:
            pass
        else:
            return RichEditor(interpreter)
    from tclcmd.shell.plain_editor import PlainEditor

    return PlainEditor()


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
    """A time as a person says it: ``12.3 ms``."""
    for unit, size in (("us", 1e-6), ("ms", 1e-3)):
        if seconds < size * 1000:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
