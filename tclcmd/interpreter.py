"""A Tcl interpreter with the commands."""

from __future__ import annotations

import functools
import itertools
import os
import re
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

import pyroi
from pyroi.arrays import Array
from pyroi.memory import retrying
from tclcmd import libtcl
from tclcmd._host import ffi, lib
from tclcmd.commands import REGISTRY
from tclcmd.files import streams
from tclcmd.language import help
from tclcmd.language.declare import NAMESPACE, Command, Reach
from tclcmd.language.errors import ARGUMENT_ERRORS, SITUATIONS, CommandError, is_interruption, reason_of
from tclcmd.language.kinds import File
from tclcmd.language.parse import Call, HelpWanted, parse
from tclcmd.values import dtypes, tclobj
from tclcmd.values.folders import Forbidden, Full
from tclcmd.values.session import Grants, Session
from tclcmd.values.tclobj import Value
from tclcmd.values.tensors import Family, Tensors
from tclcmd.values.words import word

#: The outcome of a command.
OK: int = lib.HOST_OK
ERROR: int = lib.HOST_ERROR

#: The outcome of a command that cannot make its own message, for example for lack of memory -> message and errorCode.
FAULTS = {
    lib.HOST_FAULT: (SITUATIONS["INTERNAL"].text.format(command="torch", reason="unknown"), ("TORCH", "INTERNAL")),
    lib.HOST_NO_MEMORY: (SITUATIONS["MEMORY"].text.format(reason="not enough for the call"), ("TORCH", "MEMORY")),
    # Tcl's own message, since this is the same error of a script.
    lib.HOST_NESTED: ("too many nested evaluations (infinite loop?)", ("TCL", "LIMIT", "STACK")),
}


#: The commands' package in Tcl, and the line of Tcl that sets its path.
PACKAGE = "roi"
OFFER = f"package ifneeded {PACKAGE} {pyroi.__version__} {{load {{}} Roi}}"


#: Reads the script that argv names, in the encoding given there. Tcl's `open` would run a name with a leading bar as a
#: program.
READING = r"""apply {{path encoding} {
    set file [open [expr {[string index $path 0] eq "|" ? "./$path" : $path}]]
    try {
        fconfigure $file -encoding $encoding -eofchar \x1a
        set text [read $file]
    } finally {
        close $file
    }
    return [string range $text [string match \ufeff* $text] end]
}} {*}$argv"""


class ScriptFailed(Exception):
    """A script that a command has run in Tcl has failed. Its message is Tcl's result, with an errorCode of its own."""


@dataclass(frozen=True)
class Outcome:
    """How an evaluation ended."""

    is_error: bool
    was_interrupted: bool

    @property
    def is_complete(self) -> bool:
        """Did it run to its end?"""
        return not (self.is_error or self.was_interrupted)


@dataclass(frozen=True)
class Failure:
    """A command that failed: its message, the answer of Tcl's `info frame` for the call, and the number of the word."""

    command: Command
    message: str
    frame: dict[str, str]
    word: int | None


def literal(text: str) -> str:
    """The text with the special characters of Tcl's patterns escaped."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)


def is_complete(script: str) -> bool:
    """Are all braces, brackets and quotes of the script closed?"""
    return bool(lib.host_is_complete(tclobj.encode(script)))


#: Session number -> the commands of that interpreter. Values of its tensors may outlive it.
_SESSIONS: dict[int, Commands] = {}
_NUMBERS = itertools.count()

#: The stores of tensors of all interpreters in this process. Each number is used once in the process.
_family = Family()


class _Table:
    """The commands as the host takes them: the names, and at the same places the indices of their rows."""

    def __init__(self, rows: list[Command]) -> None:
        self.rows = rows
        names = [(f"{NAMESPACE}::{name}", index) for index, row in enumerate(rows) for name in row.names]
        self._texts = [ffi.new("char[]", name.encode()) for name, _ in names]  # to which `names` points
        self.names = ffi.new("char *[]", [*self._texts, ffi.NULL])
        self.numbers = ffi.new("int[]", [index for _, index in names])


_last_table = _Table([])


def _table() -> _Table:
    """The table of the commands that are declared, which is made again only if there are others now."""
    global _last_table
    rows, table = list(REGISTRY.values()), _last_table
    if rows != table.rows:
        table = _last_table = _Table(rows)
    return table


def _startup_script() -> str:
    """What each interpreter runs before Tcl's own start-up: where the script library is, if this package has it.

    Without it Tcl would look in the folders that were compiled into the library, where another Tcl may be installed.
    """
    if libtcl.named() or not libtcl.bundled():
        return ""
    scripts = os.path.join(libtcl.FOLDER, "tcl8.6")
    return f"set ::tcl_library {word(scripts)}; encoding dirs [list {word(os.path.join(scripts, 'encoding'))}]"


@functools.cache
def _offer() -> None:
    """Sets the paths of the package and of Tcl's script library in every interpreter that is created later."""
    lib.host_offer(tclobj.encode(f"{_startup_script()}\n{OFFER}"))


def _provide(tcl: Value) -> bool:
    """Provides the package. Returns whether this succeeded; otherwise, the interpreter's result is the reason."""
    return bool(lib.host_provide(tcl, NAMESPACE.encode(), PACKAGE.encode(), pyroi.__version__.encode()))


class Commands:
    """The commands in one interpreter of Tcl, and its tensors, which end with it.

    With `grants`, they are those of a safe interpreter: their reach is restricted.
    """

    def __init__(self, tcl: Value, *, debug: bool = False, grants: Grants | None = None) -> None:
        self._tcl = tcl
        self.debug = debug
        self.session = Session(next(_NUMBERS), _family, grants)
        self.session.write = self._write_for_command
        self._table = _table()
        self.failure: Failure | None = None  # the last one; a script may have caught it
        self.output_problem = 0  # the system's last error number on standard output
        if not lib.host_has_faults():
            self._prepare_faults()
        pyroi.watch_cancel_flag(int(ffi.cast("intptr_t", lib.host_interrupt_flag())))

    def _prepare_faults(self) -> None:
        for status, (message, code) in FAULTS.items():
            lib.host_prepare_fault(status, tclobj.new_text(message), tclobj.new_value(code, self._adopt))

    def add(self) -> bool:
        """Adds the commands. Returns whether this succeeded; the interpreter's result is the reason if not."""
        # Provided first, since only this can fail, and an interpreter without the package must not have the commands.
        if not _provide(self._tcl):
            return False
        _SESSIONS[self.session.number] = self
        lib.host_watch_deletion(self._tcl, self.session.number)
        lib.host_answer_old_scripts(self._tcl)
        lib.host_add_commands(self._tcl, self.session.number, self._table.names, self._table.numbers)
        return True

    def forget(self) -> None:
        """Frees the tensors. The interpreter has ended."""
        self._tcl = None
        _SESSIONS.pop(self.session.number, None)  # first, so that a session that is being closed cannot be found
        self.session.tensors.close()

    def result(self) -> str:
        """The result of the last evaluation as text. If it is a tensor, this names it, as printing does."""
        result = lib.host_result(self._tcl)
        return tclobj.decode(ffi.string(lib.host_name(result)))

    def introspect(self, question: int, about: str) -> list[str]:
        """The words of an answer of Tcl's `info`, without running anything that a script has put in its way.

        Words that only a tensor without a name could have are empty.
        """
        answer = lib.host_introspect(self._tcl, question, tclobj.encode(about))
        if not answer:
            return []
        try:
            return [tclobj.text_of(word) or "" for word in tclobj.elements_of(answer) or ()]
        finally:
            lib.host_drop(answer)

    def write(self, text: str, *, to_error: bool = False) -> int:
        """Writes and flushes Tcl's own standard output, or error: what comes out is in order with what scripts write.

        Returns 0, or the system's error number.
        """
        raw = tclobj.encode(tclobj.writable(text))
        problem = int(lib.host_write(to_error, raw, len(raw)))
        if problem and not to_error:
            self.output_problem = problem
        return problem

    def _write_for_command(self, text: str) -> int:
        """Writes to standard output. Raises ScriptFailed if that is a script's, which failed."""
        problem = self.write(text)
        if problem and lib.host_take_channel_error(self._tcl, False):
            raise ScriptFailed
        return problem

    def call(self, index: int, words: list[Value], count: int, options: bytes | None) -> int:
        """Runs a command, `count` of whose words come before its options, and leaves its result or error in Tcl."""
        call = Call(self._table.rows[index], self.session, words, count, options)
        try:
            result = _run(call) if self.session.grants is None else _run_apart(call, self.session.grants)
            lib.host_set_result(self._tcl, _given_back(call, result) or tclobj.new_value(result, self._adopt))
            return OK
        except ScriptFailed:
            return ERROR
        except BaseException as error:
            if isinstance(error, RecursionError) and lib.host_depth() > 1:
                raise  # the nesting of commands is too deep, not this command
            if isinstance(error, KeyboardInterrupt):  # pressed before this evaluation took Ctrl-C over: now it has
                signal.raise_signal(signal.SIGINT)
            self._fail(_translate(error, call), call.command)
            if self.debug and not isinstance(error, CommandError):
                traceback.print_exc()
            return ERROR

    def _adopt(self, array: Array) -> Value:
        if not dtypes.is_supported(array.dtype):
            raise TypeError(f"a command returned an array of {array.dtype}")
        return tclobj.new_tensor(self.session.number, self.session.tensors.add(array))

    def _fail(self, error: CommandError, command: Command) -> None:
        frame = self.introspect(lib.HOST_FRAME, "0")
        self.failure = Failure(command, str(error), dict(zip(frame[::2], frame[1::2], strict=False)), error.word)
        lib.host_set_result(self._tcl, tclobj.new_text(str(error)))
        lib.host_set_error_code(self._tcl, tclobj.new_value(error.code, self._adopt))


class Interpreter(Commands):
    """An interpreter that the program creates itself: the commands, and the functions that a shell needs."""

    def __init__(self, program: str = "", *, debug: bool = False) -> None:
        library = libtcl.find().name
        reason = lib.host_load(os.fsencode(library), os.fsencode(program))
        if reason:
            raise libtcl.unusable(library, tclobj.decode(ffi.string(reason)))
        tcl = lib.host_create()
        if not tcl:
            raise libtcl.unusable(library, "its functions are not those of its version")
        super().__init__(tcl, debug=debug)
        self._outer = tcl  # the interpreter itself, or the one whose safe child it is
        self.input_problem = 0  # the system's last error number on standard input
        _offer()
        if lib.host_prepare(tcl) != lib.HOST_OK or not self.add():
            raise libtcl.unusable(library, self.result())

    def close(self) -> None:
        """Ends the interpreter and frees its tensors."""
        if self._tcl:
            lib.host_delete(self._outer)
            self.forget()

    def from_system(self, word: str) -> str:
        """A word that Python has from the system, by its own encoding, as Tcl takes it, by `encoding system`."""
        # ASCII is the same in all encodings that a system can have.
        return word if word.isascii() else tclobj.from_system(os.fsencode(word))

    # ---- Scripts that are not trusted ----

    def make_safe(self, grants: Grants, exposed: dict[str, str], script: str) -> None:
        """Makes this a safe interpreter, whose commands reach what is granted, for good.

        `exposed` are commands of Tcl that stay of those that it hides, with new names; `script` then decides which
        others do.
        """
        names = [ffi.new("char[]", name.encode()) for pair in exposed.items() for name in pair]
        safe = lib.host_make_safe(self._tcl, ffi.new("char *[]", [*names, ffi.NULL]))
        if not safe:
            raise RuntimeError(f"the interpreter cannot be made safe: {self.result()}")
        if safe != self._tcl:
            self._tcl = safe
            if not self.add():
                raise RuntimeError(f"the interpreter cannot be made safe: {self.result()}")
        if self.eval(script).is_error:
            raise RuntimeError(f"the interpreter cannot be made safe: {self.get_global('errorInfo')}")
        self.session.grants = grants

    def limit_commands(self, count: int) -> None:
        """Limits the number of further commands."""
        lib.host_limit_commands(self._tcl, min(count, 2**31 - 1))

    @property
    def is_at_limit(self) -> bool:
        """Whether it has run all the commands that it may."""
        return bool(lib.host_is_at_limit(self._tcl))

    def read_script(self, path: str, encoding: str) -> Outcome:
        """Reads a script as `source` does, without evaluating it; the result is the script."""
        self.set_global("argv", [path, encoding])
        return self.eval(READING)

    # ---- Evaluating ----

    def set_at_prompt(self) -> None:
        """Somebody works at a prompt: what ignores a first Ctrl-C is not ended by it."""
        lib.host_set_at_prompt(True)

    def eval(self, script: str) -> Outcome:
        """Evaluates a script at global level."""
        raw = tclobj.encode(script)
        return self._outcome(lib.host_eval(self._tcl, raw, len(raw), False))

    def eval_typed(self, command: str) -> Outcome:
        """Evaluates a command that was typed at a prompt. It is recorded for `history` and `!!`."""
        raw = tclobj.encode(command)
        return self._outcome(lib.host_eval(self._tcl, raw, len(raw), True))

    def eval_file(self, path: str, encoding: str = "utf-8") -> Outcome:
        """Evaluates the script in a file, in one of Tcl's encodings."""
        return self._outcome(lib.host_eval_file(self._tcl, tclobj.encode(path), tclobj.encode(encoding)))

    # ---- Events ----

    def serve_windows(self) -> Outcome:
        """Serves events until the windows that scripts have opened are closed; returns at once if there are none."""
        lib.host_serve_windows(self._tcl)
        return self._outcome(lib.HOST_OK)

    def serve_until_readable(self, file: int) -> None:
        """Serves events until there is something to read from the file of that number."""
        lib.host_serve_until_readable(self._tcl, file)

    def serve_at_readline(self) -> None:
        """Serves events while readline waits for keys, if this Python supports it."""
        lib.host_serve_at_readline(self._tcl)

    def _outcome(self, status: int) -> Outcome:
        return Outcome(status == lib.HOST_ERROR, bool(lib.host_interrupt_flag()[0]))

    def tensors_in_result(self) -> list[int]:
        """The numbers of the tensors in the result, which is a tensor or a list of tensors; otherwise empty."""
        return tclobj.tensor_numbers(lib.host_result(self._tcl))

    @property
    def error_line(self) -> int:
        """The line of the script in which the last evaluation failed."""
        return int(lib.host_error_line(self._tcl))

    def get_global(self, name: str) -> str | None:
        """A global variable of Tcl, None if there is none."""
        value = lib.host_global(self._tcl, tclobj.encode(name))
        return tclobj.decode(ffi.string(lib.host_name(value))) if value else None

    def set_global(self, name: str, value: str | list[str]) -> None:
        """Sets a global variable of Tcl, to text or a list."""
        made = tclobj.new_value(value, self._adopt)
        lib.host_set_global(self._tcl, tclobj.encode(name), made)

    def has_command(self, name: str) -> bool:
        """Whether there is a command of this very name, at global level."""
        return bool(self.commands(literal(name)))

    def commands(self, pattern: str) -> list[str]:
        """Names of commands."""
        return self.introspect(lib.HOST_COMMANDS, pattern)

    def procedures(self, pattern: str) -> list[str]:
        """Names of procedures."""
        return self.introspect(lib.HOST_PROCS, pattern)

    def variables(self, pattern: str) -> list[str]:
        """Names of variables, global ones and those of the namespaces that the pattern names."""
        return self.introspect(lib.HOST_VARIABLES, pattern)

    def tensor_in(self, name: str) -> Array | None:
        """The tensor that a global variable holds; None for other values, and for variables that are traced."""
        if self.introspect(lib.HOST_TRACES, name):
            return None
        value = lib.host_global(self._tcl, tclobj.encode(name))
        return self.session.tensors.get(tclobj.tensor_number(value)) if value else None

    def commands_on_stdin(self) -> Iterator[tuple[int, str]]:
        """The complete commands on standard input, each with the number of its first line.

        They are read as they are wanted, so that a command can itself read what follows it.
        """
        first, last, script = 1, 0, ""
        while line := self._read_line():
            script, last = script + line, last + 1
            if is_complete(script):
                yield first, script
                first, script = last + 1, ""
        if script:
            yield first, script

    def _read_line(self) -> str:
        line = tclobj.new_text("")
        lib.host_keep(line)
        try:
            problem = int(lib.host_read_line(self._tcl, line))
            self.input_problem = max(problem, 0)
            return tclobj.text_of(line) or "" if problem == 0 else ""
        finally:
            lib.host_drop(line)


@retrying
def _run(call: Call) -> Any:
    try:
        arguments = parse(call)
    except HelpWanted:
        return help.help_text(call.command)
    grants = call.session.grants
    if grants is not None and any(isinstance(value, tclobj.FileName) for value in arguments.values()):
        grants.folders.check_any()
    if call.command.needs_session:
        arguments["session"] = call.session
    return call.command.function(**arguments)


def _run_apart(call: Call, grants: Grants) -> Any:
    """Runs a command in a safe interpreter: see `Reach`."""
    reaches, name = call.command.reaches, call.command.full_name
    if Reach.INTERPRETERS in reaches or (Reach.OUTPUT in reaches and not grants.output):
        beyond = Reach.INTERPRETERS if Reach.INTERPRETERS in reaches else Reach.OUTPUT
        raise CommandError("FORBIDDEN", call.command.name, reason=f"{name} reaches {beyond.value}")
    with call.session.with_own_threads():
        return _run(call)


def _given_back(call: Call, result: Any) -> Value | None:
    """The value of the parameter whose tensor the command has changed and returns, if it is such a command."""
    name = call.command.gives_back
    if not name or not isinstance(result, np.ndarray) or result is not call.arguments[name]:
        return None
    return call.words[call.layout.places[name]]


def _translate(error: BaseException, call: Call) -> CommandError:
    """Any failure of a command in the words of the table of errors."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, ARGUMENT_ERRORS) and error.argument in call.command.by_name:
        return call.invalid(call.command.by_name[error.argument], error.rule)
    if isinstance(error, MemoryError):
        reason = str(error) or "not enough for the result"
        return CommandError("MEMORY", reason, reason=reason)
    if is_interruption(error):
        return CommandError("INTERRUPTED")
    if isinstance(error, OSError):
        return _file_error(error, call)
    reason = f"{type(error).__name__}: {error}"
    return CommandError("INTERNAL", type(error).__name__, command=call.command.full_name, reason=reason)


def _file_error(error: OSError, call: Call) -> CommandError:
    kinds = {parameter.name: parameter.kind for parameter in call.command.parameters}
    name, verb = next((name, kind.verb) for name, kind in kinds.items() if isinstance(kind, File))
    file, reason = f"{call.arguments[name]}", reason_of(error)
    word = call.word_of(call.command.by_name[name])
    if isinstance(error, Full):
        return CommandError("LIMIT", "output", reason=reason)
    if isinstance(error, Forbidden):
        return CommandError("FORBIDDEN", "file", word=word, reason=f"to {verb} {file}: {reason}")
    return CommandError("IO", verb, file, reason, word=word, verb=verb, file=file, reason=reason)


# ---- Callbacks of the host -------------------------------------------------------------------------------------------

Callback = TypeVar("Callback", bound=Callable[..., Any])


def _callback(when_it_fails: Callable[..., int | None]) -> Callable[[Callback], Callback]:
    """Registers the decorated function as the one that the host calls by its name.

    An exception cannot be passed on to the host: cffi would print it, and the command would seem to have succeeded.
    `when_it_fails` gets the type, the exception and its traceback, and returns the value for the host. It must not need
    memory.
    """

    def register(function: Callback) -> Callback:
        is_status = when_it_fails is _status_of
        ffi.def_extern(error=lib.HOST_FAULT if is_status else None, onerror=when_it_fails)(function)
        return function

    return register


def _status_of(kind: type[BaseException], error: BaseException, traceback: object) -> int:
    """The outcome of a command that cannot make its own message."""
    if issubclass(kind, MemoryError):
        return _NO_MEMORY
    return _NESTED if issubclass(kind, RecursionError) else _FAULT


_FAULT: int
_NO_MEMORY: int
_NESTED: int
_FAULT, _NO_MEMORY, _NESTED = lib.HOST_FAULT, lib.HOST_NO_MEMORY, lib.HOST_NESTED


def _pass_on(kind: type[BaseException], error: BaseException, traceback: object) -> None:
    """An interpreter has ended, and no caller waits for an answer; but a Ctrl-C is meant for the evaluation."""
    if issubclass(kind, KeyboardInterrupt):  # pressed before this evaluation took Ctrl-C over: now it has
        signal.raise_signal(signal.SIGINT)


def _lose_count(kind: type[BaseException], error: BaseException, traceback: object) -> None:
    """A change of a tensor's values or names was not recorded: from now on, the store keeps its tensors."""
    Tensors.is_count_lost = True
    _pass_on(kind, error, traceback)


def _ignore(kind: type[BaseException], error: BaseException, traceback: object) -> None:
    """The process ends, so that an error cannot be reported."""


@_callback(_status_of)
def host_on_command(session: int, command: int, count: int, words: Any, values: int, text: Any, length: int) -> int:
    """A command was called."""
    interpreter = _SESSIONS.get(session)
    if interpreter is None:
        return ERROR
    options = ffi.unpack(text, length) if length >= 0 else None
    return interpreter.call(command, ffi.unpack(words, count) if count else [], values, options)


@_callback(_status_of)
def host_on_join(tcl: Value) -> int:
    """Adds the commands to an interpreter that a script or another program has created."""
    if not lib.host_join(tcl, OFFER.encode()):
        return ERROR
    if lib.host_has_commands(tcl):  # a script may have called `package forget`
        return OK if _provide(tcl) else ERROR
    commands = Commands(tcl, grants=Grants() if lib.host_is_safe(tcl) else None)
    if commands.add():
        return OK
    commands.forget()
    return ERROR


def join(address: int) -> int:
    """Adds the commands to the interpreter of Tcl at that address. Returns how that ended, as a command does.

    `libtcl.serve` has been told its version before.
    """
    return int(host_on_join(ffi.cast("struct Tcl_Interp *", address)))


@_callback(_pass_on)
def host_on_deleted(session: int) -> None:
    """Frees the tensors of an interpreter that is deleted."""
    if interpreter := _SESSIONS.get(session):
        interpreter.forget()


@_callback(_lose_count)
def host_on_retain(session: int, number: int) -> None:
    """A value was duplicated."""
    if interpreter := _SESSIONS.get(session):
        interpreter.session.tensors.retain(number)


@_callback(_lose_count)
def host_on_release(session: int, number: int) -> None:
    """A value went."""
    if interpreter := _SESSIONS.get(session):
        interpreter.session.tensors.release(number)


@_callback(_lose_count)
def host_on_named(session: int, number: int) -> None:
    """A value's text was made."""
    if interpreter := _SESSIONS.get(session):
        interpreter.session.tensors.name(number)


@_callback(_ignore)
def host_on_exit() -> None:
    """The process ends by Tcl's `exit`, which knows nothing of what Python has not yet written."""
    streams.flush()
