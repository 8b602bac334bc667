"""``roish``: the shell of the command language."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from tclcmd.files import streams
from tclcmd.files.amounts import Bytes
from tclcmd.safe import limits as safe_limits
from tclcmd.safe.limits import Limits
from tclcmd.shell.source import Source

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from tclcmd.interpreter import Interpreter, Outcome

NO_HOST = """\
roish: this installation was built without Tcl's headers, so it has no command shell.
Install them (Debian, Ubuntu: apt install tcl-dev; Fedora: dnf install tcl-devel) and build it again:
{how}."""

NOT_ON_WINDOWS = """\
roish: the command shell needs POSIX and does not run on Windows. The Python package pyroi can be built for it:
docs/install.md."""

#: The first word of a command line without a script -> the module whose `main` gets the rest of the words.
SUBCOMMANDS = {"check": "tclcmd.checking.program", "map": "tclcmd.batch.command"}

#: The status that a shell reports of a program that ended by a signal.
INTERRUPTED = 130


@dataclass(frozen=True)
class Script:
    """Where a script comes from: from the first word, from the file of this name, or from standard input."""

    is_text: bool
    words: tuple[str, ...]
    encoding: str
    keeps_going: bool


def main() -> NoReturn:
    """The program ``roish``."""
    if sys.platform == "win32":
        sys.exit(NOT_ON_WINDOWS)
    streams.occupy_closed()
    try:
        sys.exit(_program_of_words.main(prog_name="roish", standalone_mode=False))
    except click.ClickException as error:
        with contextlib.suppress(OSError):  # nobody reads it
            error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)


def _show_help(context: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        problem = streams.say(context.get_help() + "\n")
        streams.say_error(streams.complaint(problem))
        context.exit(streams.status_of(problem) if problem else 0)


def _show_setup(context: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        from tclcmd.embedding.setup import line

        problem = streams.say(line() + "\n")
        streams.say_error(streams.complaint(problem))
        context.exit(streams.status_of(problem) if problem else 0)


def _is_on_the_command_line(parameter: click.Parameter) -> bool:
    """Whether an option was given, rather than by default or by a variable of the environment."""
    source = click.get_current_context().get_parameter_source(parameter.name or "")
    return parameter.name != "words" and source is ParameterSource.COMMANDLINE


def _complete_by_files(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Has the system's shell complete a word by names of files."""
    from click.shell_completion import CompletionItem  # which is not needed to start the shell

    return [CompletionItem(typed, type="file")]


@click.command(
    context_settings={"allow_interspersed_args": False, "help_option_names": []},
    options_metavar="[OPTIONS]",
)
@click.option("-c", "is_script", is_flag=True, help="The first argument is a script, not the name of a file.")
@click.option(
    "-encoding", "encoding", metavar="NAME", help="The encoding of FILE, by its name in Tcl; the default is utf-8."
)
@click.option(
    "--keep-going",
    is_flag=True,
    envvar="ROISH_KEEP_GOING",
    help="Continue after a command on standard input has failed, as tclsh does. Also by ROISH_KEEP_GOING=1 in the "
    "environment.",
)
@click.option(
    "--tclsh-setup",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_setup,
    help="Show the line that makes `package require roi` work in tclsh, wish, and other programs with Tcl.",
)
@click.option("-i", "asks_after", is_flag=True, help="Start the prompt when FILE or SCRIPT has ended.")
@click.option("--norc", is_flag=True, help="Do not run ~/.roishrc before the prompt starts.")
@click.option(
    "--edit-mode",
    type=click.Choice(["emacs", "vi"]),
    default="emacs",
    envvar="ROISH_EDIT_MODE",
    help="The keys of the prompt. Also by ROISH_EDIT_MODE in the environment.",
)
@click.option(
    "--threads", type=click.IntRange(1, 1024), metavar="N", help="The number of threads that operators may use."
)
@click.option("--safe", "is_safe", is_flag=True, help="Run a script that is not trusted: see docs/safe.md.")
@click.option(
    "--allow",
    "folders",
    multiple=True,
    metavar="DIR",
    help="With --safe: a folder that the script may read from and write to. It can be given several times.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="With --safe: the seconds that the script may run; the default is 60.",
)
@click.option(
    "--command-limit", type=click.IntRange(0), metavar="N", help="With --safe: the number of commands it may run."
)
@click.option(
    "--memory-limit",
    type=Bytes(),
    metavar="BYTES",
    help="With --safe: the memory that it may use; the default is 1G. K, M and G are units.",
)
@click.option(
    "--output-limit",
    type=Bytes(),
    metavar="BYTES",
    help="With --safe: the bytes that it may print, and write to files; the default is 64M each.",
)
@click.option("--debug", is_flag=True, help="Show where in the program an internal fault happened.")
@click.option("--version", "show_version", is_flag=True, help="Show the versions of roish and of Tcl.")
@click.option(
    "-h", "--help", is_flag=True, is_eager=True, expose_value=False, callback=_show_help, help="Show this text."
)
@click.argument(
    "words",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="[FILE | -c SCRIPT | check | map] [ARG]...",
    shell_complete=_complete_by_files,
)
def _program_of_words(
    is_script: bool,
    encoding: str | None,
    keep_going: bool,
    asks_after: bool,
    norc: bool,
    edit_mode: str,
    threads: int | None,
    is_safe: bool,
    debug: bool,
    show_version: bool,
    words: tuple[str, ...],
    **restrictions: Any,
) -> None:
    """Runs Tcl scripts with the commands of torch:: in them.

    Without FILE, the script is read from standard input; at a terminal, the prompt starts. torch::help lists the
    commands. FILE is read as UTF-8, and its ARGs are in the variable argv, as with tclsh. roish check finds errors in
    scripts without running them, and roish map runs one script over many inputs: both have a --help of their own.
    """
    if _is_subcommand(words) and not is_script:
        if any(_is_on_the_command_line(each) for each in click.get_current_context().command.params):
            raise click.UsageError(f"{words[0]} takes its own options, which follow it: roish {words[0]} --help")
        with _needing_tcl():
            importlib.import_module(SUBCOMMANDS[words[0]]).main(list(words[1:]))
    if is_script and not words:
        raise click.UsageError("-c needs a script")
    if encoding is not None and (is_script or not words):
        raise click.UsageError("-encoding needs a FILE")
    if asks_after and (is_safe or not words):
        raise click.UsageError("--safe has no prompt" if is_safe else "-i needs a FILE or a SCRIPT")
    if is_safe and not show_version:
        _run_safely(Script(is_script, words, encoding or "utf-8", keep_going), threads, debug, restrictions)
    if given := [name for name, value in restrictions.items() if value not in (None, ())]:
        raise click.UsageError(f"--{given[0].replace('folders', 'allow').replace('_', '-')} needs --safe")
    interpreter = _open_interpreter(debug)
    words = tuple(interpreter.from_system(word) for word in words)
    _tell_of_environment()
    if threads is not None:
        interpreter.eval(f"torch::set_num_threads {threads}")
    try:
        if show_version:
            _show_version(interpreter)
        elif is_script:
            _run_text(interpreter, words[0], list(words[1:]))
        elif words:
            _run_file(interpreter, words[0], list(words[1:]), encoding or "utf-8")
        elif os.isatty(0):
            _set_arguments(interpreter, "roish", [])
            _run_prompt(interpreter, edit_mode, reads_start_file=not norc)
        else:
            _run_stdin(interpreter, keep_going)
        if asks_after:
            _run_prompt(interpreter, edit_mode, reads_start_file=not norc)
        _leave(interpreter, 0)
    except KeyboardInterrupt:  # between two evaluations
        _leave(interpreter, INTERRUPTED)


def _is_subcommand(words: tuple[str, ...]) -> bool:
    """Whether the first word is a command of the program. A script of that name in the current folder comes first."""
    return bool(words) and words[0] in SUBCOMMANDS and not os.path.isfile(words[0])


# ---- Scripts that are not trusted ------------------------------------------------------------------------------------


def _run_safely(script: Script, threads: int | None, debug: bool, restrictions: dict[str, Any]) -> NoReturn:
    """Runs the script in a separate process, within limits."""
    from tclcmd.safe import supervisor

    if not script.words and os.isatty(0):
        raise click.UsageError("--safe needs a script: FILE, -c SCRIPT, or one on standard input")
    limits = Limits(
        folders=restrictions["folders"],
        seconds=60.0 if restrictions["time_limit"] is None else restrictions["time_limit"],
        commands=restrictions["command_limit"],
        memory=2**30 if restrictions["memory_limit"] is None else restrictions["memory_limit"],
        output=2**26 if restrictions["output_limit"] is None else restrictions["output_limit"],
    )

    def work(is_prepared: Callable[[], None]) -> None:
        os.environ["ROI_KEEP_MEMORY"] = "0"  # read when pyroi is imported; what is kept would count
        interpreter = _open_interpreter(debug)
        _work_safely(interpreter, script, threads, limits, is_prepared)

    supervisor.supervise(limits, work)


def _work_safely(
    interpreter: Interpreter, script: Script, threads: int | None, limits: Limits, is_prepared: Callable[[], None]
) -> None:
    from tclcmd.safe import confinement
    from tclcmd.shell import complaints  # noqa: F401 imported here, since no module can be imported later

    words = [interpreter.from_system(word) for word in script.words]
    _tell_of_environment()
    if threads is not None:
        interpreter.eval(f"torch::set_num_threads {threads}")
    text, name = (words[0] if script.is_text else "", "-c") if words else ("", "")
    if words and not script.is_text:
        name, outcome = words[0], interpreter.read_script(words[0], script.encoding)
        text = interpreter.result()
        if not outcome.is_complete:
            _fail(interpreter, outcome, "")
    try:
        confinement.confine(interpreter, limits, text if words else None)
    except OSError as error:
        sys.exit(f"roish: cannot allow {error.filename}: {(error.strerror or str(error)).lower()}")
    is_prepared()
    if words:
        _run_text(interpreter, text, words[1:], name)
    else:
        _run_stdin(interpreter, script.keeps_going)
    _leave(interpreter, 0)


def _open_interpreter(debug: bool) -> Interpreter:
    warnings.simplefilter("ignore")  # they are for authors of Python code, whatever enables them
    with _needing_tcl():
        from tclcmd import interpreter

        return interpreter.Interpreter(_program(), debug=debug)


@contextlib.contextmanager
def _needing_tcl() -> Iterator[None]:
    """Ends the program with a message about what to install if Tcl cannot be used in it."""
    try:
        import pyroi  # noqa: F401
    except ImportError as error:  # from the sources' folder
        sys.exit(f"roish: {error}")
    try:
        import tclcmd._host  # noqa: F401 - `from tclcmd import` would give another error
        from tclcmd import libtcl
    except ModuleNotFoundError as error:
        if error.name != "tclcmd._host":
            raise
        from pyroi.install import HOW_TO_BUILD_AGAIN

        sys.exit(NO_HOST.format(how=HOW_TO_BUILD_AGAIN))
    try:
        yield
    except libtcl.TclMissing as reason:
        sys.exit(f"roish: {reason}")


def _tell_of_environment() -> None:
    from pyroi.runtime import environment_problems

    for problem in environment_problems():
        streams.say_error(f"roish: {problem}\n")


def _program() -> str:
    """What ``info nameofexecutable`` says: Tcl's test package, for one, starts it again.

    Started by ``python -m tclcmd``, it is the roish beside that Python; if there is none, Python itself.
    """
    beside = os.path.dirname(sys.executable) if sys.executable else None
    program = shutil.which(sys.argv[0]) or shutil.which("roish", path=beside) or sys.executable
    return os.path.abspath(program) if program else ""


# ---- Where commands come from ----------------------------------------------------------------------------------------


def _run_file(interpreter: Interpreter, path: str, arguments: list[str], encoding: str) -> None:
    _set_arguments(interpreter, path, arguments)
    outcome = interpreter.eval_file(path, encoding)
    if not outcome.is_complete:
        _fail(interpreter, outcome, "")
    _serve_windows(interpreter)


def _run_text(interpreter: Interpreter, script: str, arguments: list[str], name: str = "-c") -> None:
    _set_arguments(interpreter, "roish" if name == "-c" else name, arguments)
    source = Source()
    source.begin(1, script)
    outcome = interpreter.eval(script)
    if not outcome.is_complete:
        _fail(interpreter, outcome, f'\n    (file "{name}" line {interpreter.error_line})', source)
    _serve_windows(interpreter)


def _run_stdin(interpreter: Interpreter, keeps_going: bool) -> None:
    _set_arguments(interpreter, "roish", [])
    source = Source("stdin")
    for first_line, command in interpreter.commands_on_stdin():
        source.begin(first_line, command)
        outcome = interpreter.eval(command)
        if not outcome.is_complete:
            place = f'\n    (file "stdin" line {first_line + interpreter.error_line - 1})'
            is_over = outcome.was_interrupted or interpreter.is_at_limit or _is_broken_pipe(interpreter)
            if not keeps_going or is_over:
                _fail(interpreter, outcome, place, source)
            _report(interpreter, place, source)
    if problem := interpreter.input_problem:
        interpreter.write(streams.complaint(problem, "read standard input"), to_error=True)
        _leave(interpreter, 1)
    _serve_windows(interpreter)


def _serve_windows(interpreter: Interpreter) -> None:
    """A script that has opened windows continues until they are closed, as with tclsh and wish."""
    if interpreter.serve_windows().was_interrupted:
        _leave(interpreter, INTERRUPTED)


def _run_prompt(interpreter: Interpreter, edit_mode: str, *, reads_start_file: bool) -> None:
    from tclcmd.shell import prompt

    interpreter.set_global("tcl_interactive", "1")
    _leave(interpreter, 0, prompt.run(interpreter, edit_mode=edit_mode, reads_start_file=reads_start_file))


def _set_arguments(interpreter: Interpreter, name: str, arguments: list[str]) -> None:
    interpreter.set_global("argv0", name)
    interpreter.set_global("argv", arguments)
    interpreter.set_global("argc", str(len(arguments)))
    interpreter.set_global("tcl_interactive", "0")


def _show_version(interpreter: Interpreter) -> None:
    import pyroi

    text = f"roish {pyroi.__version__} (Tcl {interpreter.get_global('tcl_patchLevel')})\n"
    _leave(interpreter, 0, interpreter.write(text))


# ---- How it ends -----------------------------------------------------------------------------------------------------


def _fail(interpreter: Interpreter, outcome: Outcome, place: str, source: Source | None = None) -> NoReturn:
    """Reports a script that did not run to its end, and ends."""
    if outcome.was_interrupted:
        _leave(interpreter, INTERRUPTED)
    if _is_broken_pipe(interpreter):
        _leave(interpreter, streams.BROKEN_PIPE)
    _report(interpreter, place, source)
    _leave(interpreter, _status_of_failure(interpreter))


def _status_of_failure(interpreter: Interpreter) -> int:
    """1, or the status of the limit that a script has reached which is not trusted."""
    if interpreter.session.grants is None:
        return 1
    if interpreter.is_at_limit:
        return safe_limits.ENDINGS["commands"].status
    return safe_limits.status_of_error(interpreter.get_global("errorCode") or "")


def _report(interpreter: Interpreter, place: str, source: Source | None) -> None:
    from tclcmd.shell import complaints

    trace = interpreter.get_global("errorInfo") or interpreter.result()
    interpreter.write(f"{trace}{place}\n{complaints.additions(interpreter, trace, source)}", to_error=True)


def _is_broken_pipe(interpreter: Interpreter) -> bool:
    """Whether a command, Tcl's or ours, has written to a pipe without a reader."""
    code = interpreter.get_global("errorCode") or ""
    if code.startswith("POSIX EPIPE"):
        return interpreter.result().startswith('error writing "stdout"')
    return code.startswith("TORCH IO write stdout") and interpreter.output_problem == errno.EPIPE


def _leave(interpreter: Interpreter, status: int, problem: int = 0) -> NoReturn:
    """Ends by Tcl's own `exit`, which flushes what a script has left open. Output that is lost is a failure.

    `problem` is the system's error number of output that was lost before.
    """
    if problem := problem or interpreter.write(""):
        interpreter.write(streams.complaint(problem), to_error=True)
        status = status or streams.status_of(problem)
    if interpreter.session.grants is None:
        interpreter.eval(f"exit {status}")
    sys.exit(status)  # the script has redefined `exit`


if __name__ == "__main__":
    main()
