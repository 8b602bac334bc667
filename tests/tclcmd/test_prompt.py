"""The plain prompt, in a terminal without capabilities; test_editor.py has the other one."""

from __future__ import annotations

import errno
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tclcmd.interpreter import Interpreter
from tclcmd.shell import prompt, results, shorthand

CONTROL = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]|\x07|\r")


class Terminal:
    """roish at a pseudo-terminal."""

    def __init__(self, command: list[str], home: pathlib.Path, environment: dict[str, str] | None = None) -> None:
        self.master, slave = pty.openpty()
        if environment is None:
            environment = {**os.environ, "XDG_STATE_HOME": str(home)}
        environment["TERM"] = "dumb"
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=home, start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self.expect("% ")

    def type(self, text: str) -> None:
        """Sends keys."""
        os.write(self.master, text.encode())

    def expect(self, text: str, seconds: float = 30) -> str:
        """Reads until the output ends with a text; returns it."""
        seen, end = "", time.monotonic() + seconds
        while not seen.endswith(text):
            assert time.monotonic() < end, f"waited for {text!r}, saw {seen!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    seen = CONTROL.sub("", seen + os.read(self.master, 4096).decode(errors="replace"))
                except OSError:
                    break
        return seen

    def ask(self, line: str, prompt: str = "% ") -> str:
        """Types a line, and returns what comes before the next prompt, without the echo."""
        self.type(line + "\n")
        return self.expect("\n" + prompt if prompt == "% " else prompt).removesuffix(prompt).partition("\n")[2].strip()

    def close(self) -> int:
        """Ends it, and returns its status."""
        status = self.process.wait(timeout=30)
        os.close(self.master)
        return status


@pytest.fixture
def terminal(roish, tmp_path) -> Iterator[Callable[..., Terminal]]:
    """Starts roish at a terminal."""
    started: list[Terminal] = []

    def start(**options: Any) -> Terminal:
        started.append(Terminal([*roish.command, "--norc"], tmp_path, **options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()


def test_results_and_errors_are_shown(terminal):
    """A tensor by its name, which then works; an error by its message alone."""
    shell = terminal()
    assert shell.ask("set x [torch::zeros {2 3}]") == "tensor0: Float32 [2 3]  0 0 0 0 0 0"
    assert shell.ask("torch::tensor_shape tensor0") == "2 3"
    assert shell.ask("torch::zeros x").splitlines()[0] == 'Invalid shape value: expected a list of integers, got "x"'
    assert shell.ask("puts -nonewline abc; set tcl_interactive").startswith("abc1")
    assert "Did you mean torch::zeros?" in shell.ask("torch::zeroes 2")
    shell.type("exit 3\n")
    assert shell.close() == 3


def test_a_command_may_take_several_lines(terminal):
    """Until Tcl's own test says that it is complete."""
    shell = terminal()
    assert shell.ask("proc f {x} {", "> ") == ""
    shell.ask("  return [expr {$x + 1}]", "> ")
    assert shell.ask("}") == ""
    assert shell.ask("f 41") == "42"
    shell.type("\x04")
    assert shell.close() == 0


def test_ctrl_c_stops_a_command_and_keeps_the_shell(terminal):
    """A loop; and a half-typed command."""
    shell = terminal()
    shell.ask("set kept 7")
    for loop in ("while 1 {}", "while 1 {catch {foo}}", "after 100000"):
        shell.type(f"puts begun; flush stdout; {loop}\n")
        shell.expect("\nbegun\n")
        time.sleep(0.2)
        shell.type("\x03")
        assert "Interrupted" in shell.expect("\n% ")
    shell.type("half a command {\n")
    shell.expect("> ")
    time.sleep(0.5)  # a prompt is on the screen a moment before readline minds signals
    shell.type("\x03")
    shell.expect("\n% ")
    assert shell.ask("set kept") == "7"
    shell.type("exit\n")
    assert shell.close() == 0


def test_history_outlives_the_session(terminal, tmp_path):
    """Also where the session ends by `exit`; arrow up brings the last command back."""
    first = terminal()
    first.ask("set remembered {", "> ")
    first.ask("  lines}")
    first.ask("set remembered 42")
    first.type("exit\n")
    first.close()
    kept = (tmp_path / "roish" / "history").read_text().splitlines()
    assert kept[-4:] == ["set remembered {", "  lines}", "set remembered 42", "exit"]
    assert (tmp_path / "roish" / "history").stat().st_mode & 0o077 == 0
    second = terminal()
    second.type("\x1b[A\x1b[A\n")
    assert "\n42\n% " in second.expect("\n% ")
    second.type("\x04")
    second.close()


def test_nothing_of_the_prompt_is_in_a_scripts_way(terminal):
    """All commands can be imported; what people type first works before and after, and a script's own is taken."""
    shell = terminal()
    assert shell.ask("info commands help") == ""
    assert "torch::nms" in shell.ask("help")
    assert shell.ask("  help timing; # this").startswith("torch::timing - ")
    assert shell.ask("namespace import torch::*") == ""
    assert shell.ask("tensor_numel [zeros {2 3}]") == "6"
    assert shell.ask("help timing").startswith("torch::timing - ")
    assert shell.ask("namespace forget torch::*; proc help {} {return mine}") == ""
    assert shell.ask("help") == "mine"
    assert shell.ask("helper").startswith('invalid command name "helper"')


@pytest.mark.parametrize("home", [None, "", "/proc/nowhere"])
def test_without_a_home_there_is_no_history(terminal, tmp_path, home):
    """A prompt all the same."""
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_STATE_HOME")}
    environment |= {} if home is None else {"HOME": home}
    shell = terminal(environment=environment | {"PYTHONPATH": str(homeless(tmp_path))})
    assert shell.ask("expr {6 * 7}") == "42"
    shell.type("\x04")
    assert shell.close() == 0
    assert not (tmp_path / ".local").exists()


def homeless(folder: pathlib.Path) -> pathlib.Path:
    """A folder whose sitecustomize takes the user's entry away, as in a container that runs under any number."""
    (folder / "sitecustomize.py").write_text("import pwd\n\ndef none(*_):\n    raise KeyError\n\npwd.getpwuid = none\n")
    return folder


class Typed:
    """An editor in which a list of commands is typed."""

    def __init__(self, *commands: str) -> None:
        self.commands = list(commands)

    def ask(self) -> str | None:
        """The next one."""
        return self.commands.pop(0) if self.commands else None


def test_ctrl_c_between_two_commands_ends_nothing(tcl, monkeypatch):
    """It came as the first one ended: its result may not be shown, and the shell goes on."""
    presses = [signal.SIGINT]

    def shown(interpreter):
        if presses:
            signal.raise_signal(presses.pop())
        return interpreter.result()

    monkeypatch.setattr(prompt, "choose_editor", lambda *_: Typed("set a 1", "set b 2", "set c 3"))
    monkeypatch.setattr(results, "shown", shown)
    written = []
    monkeypatch.setattr(tcl.interpreter, "write", lambda text, **_: written.append(text) or 0)
    monkeypatch.setattr(tcl.interpreter, "set_at_prompt", lambda: None)
    assert prompt.run(tcl.interpreter) == 0
    assert written[1:] == ["Interrupted\n", "2\n", "", "3\n", ""]


def test_a_terminal_that_has_gone_ends_the_prompt(tcl, monkeypatch):
    """Or a pipe behind standard output: the system's error number says which."""

    def gone():
        raise BrokenPipeError(errno.EPIPE, "broken pipe")

    editor = Typed()
    editor.ask = gone
    monkeypatch.setattr(prompt, "choose_editor", lambda *_: editor)
    monkeypatch.setattr(tcl.interpreter, "write", lambda text, **_: 0)
    monkeypatch.setattr(tcl.interpreter, "set_at_prompt", lambda: None)
    assert prompt.run(tcl.interpreter) == errno.EPIPE


# ---- What is typed although it is not Tcl ----------------------------------------------------------------------------


def test_question_mark_and_quit(terminal):
    """NAME? and ?NAME are help on NAME, and quit leaves."""
    shell = terminal()
    assert shell.ask("nms?").startswith("torch::nms - ")
    assert shell.ask("? torch::nms").startswith("torch::nms - ")
    shell.type("quit\n")
    assert shell.close() == 0


def test_what_a_script_has_defined_goes_first(terminal):
    """Procedures of these names are run, not replaced."""
    shell = terminal()
    shell.ask("proc quit {} {return stays}; proc nms? {} {return mine}; proc help {} {return own}")
    assert [shell.ask(name) for name in ("quit", "nms?", "help")] == ["stays", "mine", "own"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("import torch", "need no import. `package require NAME` loads a package of Tcl."),
        ("print $x", "puts $x"),
        ("print(x)", "puts $x"),
        ("print(nosuch)", 'puts "text"'),
        ('print("done")', 'puts "text"'),
        ("print(len(x))", 'puts "text"'),
        ("def f(x):", "proc name {argument} {body}"),
        ("value = 5", "set value 5"),
        ("value = 5 + 2", "set value [expr {5 + 2}]"),
        ("value = 1/16", "set value [expr {1.0/16}]"),
        ("value = 'my photo.jpg'", 'set value "my photo.jpg"'),
        ("value = x", "set value $x"),
        ("value = torch::roi_align($x, 7)", "set value [torch::roi_align ...]"),
        ("value = torch.roi_align(x)", "set value [torch::roi_align ...]"),
        ("value = f(3)", "set value value, or set value [command ...]"),
        ("value = 7 // 2", "set value value, or set value [command ...]"),
        ("value = [1, 2.5]", "set value {1 2.5}"),
        ("value = [1, 2].sum()", "set value value, or set value [command ...]"),
        ("[[100, 50, 400, 350]]", "braces, without commas: {{100 50 400 350}}"),
        ("set boxes [100 50 400 350]", "braces, without commas: {100 50 400 350}"),
        ("1 + 1", "expr {1 + 1}"),
        ("1/16", "expr {1.0/16}"),
        ("x", "x is a variable: its value is $x"),
        ("some[1]", "lindex $some 1"),
        ("some[-1]", "lindex $some end"),
        ("some[-2]", "lindex $some end-1"),
        ("x[2]", "torch::help tensor_slice"),
        ("len(x)", "torch::tensor_shape $x"),
        ("len(some)", "llength $some"),
        ("for i in range(3):", "for {set i 0} {$i < 3} {incr i} {...}"),
        ("for box in boxes:", "foreach box $list {...}"),
        ("y = 5", "set y 5"),  # of which Tcl says that it is ambiguous
        ("x.shape", "torch::tensor_shape $x"),
        ("x.mean()", "torch::tensor_mean $x"),
        ("torch.roi_align(x, 3)", "torch::roi_align"),
        ("roi_align(x,3)", "torch::roi_align ..."),
    ],
)
def test_habits_from_elsewhere(terminal, typed, told):
    """A command that Tcl does not know, as it would be in Python, is answered by how Tcl has it, which works there."""
    shell = terminal()
    shell.ask("set x [torch::ones 3]; set some {1 2 3}")
    message = shell.ask(typed)
    assert message.startswith(("invalid command name", "ambiguous command name", "wrong # args"))
    assert " ".join(message.split()).endswith(told)
    if told.startswith(("set value", "lindex", "llength", "expr", "puts", "torch::tensor")) and "..." not in told:
        assert "is_error" not in shell.ask(f"if {{[catch {{{told}}}]}} {{set answer is_error}}")


@pytest.mark.parametrize(
    "typed",
    [
        "length $some",
        "lens",
        "7 // 2",
        "192.168.0.1 - 2",
        "x[0:2]",
        "x.nosuch",
        "nosuch {a[0]} [list 1]",
        "x[" + "9" * 5000 + "]",
    ],
)
def test_no_answer_is_better_than_a_wrong_one(interpreter_of_shorthand, typed):
    """Text that looks like a habit and is none, or of which nothing that works is known."""
    assert shorthand.instead(interpreter_of_shorthand, typed) == ""


@pytest.mark.parametrize(
    "typed", ["len" + " " * 16000 + "{-}", "foo \\[a" + "\\[1" * 16000, "quit" + " " * 16000 + "x"]
)
def test_long_text_takes_no_time(interpreter_of_shorthand, typed):
    """No pattern is quadratic in what can be typed. The bound is a hundred times what it takes."""
    begin = time.process_time()
    shorthand.in_tcl(interpreter_of_shorthand, typed)
    shorthand.instead(interpreter_of_shorthand, typed)
    assert time.process_time() - begin < 0.2


@pytest.fixture
def interpreter_of_shorthand():
    """An interpreter with a tensor and a list."""
    interpreter = Interpreter()
    interpreter.eval("set x [torch::ones 3]; set some {1 2 3}")
    yield interpreter
    interpreter.close()


def test_a_procedure_called_print_is_not_explained(terminal):
    """The error lies within it."""
    shell = terminal()
    shell.ask("proc print {text} {nosuch_command}")
    assert "puts" not in shell.ask("print hello")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("torch::tensor_shape photo", "photo is a variable: its value is $photo"),
        ("torch::tensor_shape $phot", "Did you mean $photo?"),
        ("torch::image_read $input", "`roish map SCRIPT INPUT...` sets it for each input."),
    ],
)
def test_variables_that_are_not_there(terminal, typed, told):
    """Or that lack their dollar sign."""
    shell = terminal()
    shell.ask("set photo [torch::ones 3]")
    assert told in shell.ask(typed).splitlines()


def test_history_of_tcl(terminal):
    """Commands are recorded, so that !! and history know them; what is shown of them is what was typed."""
    shell = terminal()
    assert shell.ask("expr {6 * 7}") == "42"
    assert shell.ask("!!").splitlines()[-1] == "42"
    assert "expr {6 * 7}" in shell.ask("history")


def test_start_file(tmp_path, roish):
    """~/.roishrc is run before the first command; an error in it is reported; --norc leaves it out."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".roishrc").write_text("proc mine {} {return found}\nerror broken\n")
    environment = {**os.environ, "HOME": str(home), "XDG_STATE_HOME": str(tmp_path)}
    shell = Terminal(roish.command, tmp_path, dict(environment))
    assert shell.ask("mine") == "found"
    assert shell.ask("set tcl_rcFileName") == "~/.roishrc"
    shell.type("exit\n")
    shell.close()
    shell = Terminal([*roish.command, "--norc"], tmp_path, dict(environment))
    assert "invalid command name" in shell.ask("mine")
    shell.type("exit\n")
    shell.close()


def test_prompt_after_a_script(tmp_path, roish):
    """-i runs a script, then asks for commands; what the script has set is there, and its arguments are."""
    (tmp_path / "a.tcl").write_text("set made 7\n")
    shell = Terminal([*roish.command, "--norc", "-i", "a.tcl", "word"], tmp_path)
    assert shell.ask("list $made $argv $tcl_interactive") == "7 word 1"
    shell.type("exit\n")
    assert shell.close() == 0
    assert "-i needs a FILE" in roish("-i").stderr


def test_shell_completion(roish):
    """bash, zsh and fish get their scripts; options are completed by click, words as names of files."""
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run(
            roish.command, env={**os.environ, "_ROISH_COMPLETE": f"{shell}_source"}, capture_output=True
        )
        assert b"_ROISH_COMPLETE" in done.stdout
    asked = {**os.environ, "_ROISH_COMPLETE": "bash_complete", "COMP_WORDS": "roish --th", "COMP_CWORD": "1"}
    assert subprocess.run(roish.command, env=asked, capture_output=True, text=True).stdout == "plain,--threads\n"
    asked["COMP_WORDS"] = "roish scr"
    assert subprocess.run(roish.command, env=asked, capture_output=True, text=True).stdout == "file,scr\n"
