"""Errors where Python lacks memory or stack; checks of memory; NUL; the length of messages."""

from __future__ import annotations

import re
import resource

import numpy as np
import pytest
from addresses import needs_64_bits

from pyroi import limits
from tclcmd import commands, interpreter
from tclcmd._host import lib
from tclcmd.commands.session import CommandName
from tclcmd.language import kinds
from tclcmd.language.declare import Command, Parameter
from tclcmd.language.errors import SITUATIONS
from tclcmd.values import sizes, tclobj
from tclcmd.values.tensors import Tensors

NESTED = ("too many nested evaluations (infinite loop?)", "TCL LIMIT STACK")

# ---- Exceptions in callbacks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (MemoryError(), "Out of memory: not enough for the call", "TORCH MEMORY"),
        (RecursionError(), *NESTED),
        (KeyboardInterrupt(), "Internal fault in torch: unknown", "TORCH INTERNAL"),
        (ValueError("x"), "Internal fault in torch: unknown", "TORCH INTERNAL"),
    ],
)
def test_an_exception_that_leaves_a_command_is_an_error(tcl, monkeypatch, capfd, error, message, code):
    """The host says it with words made beforehand, and cffi prints nothing."""

    def failing(*arguments):
        raise error

    monkeypatch.setattr(interpreter.Interpreter, "call", failing)
    assert tcl.error("torch::get_num_threads").startswith(message)
    assert tcl("set errorCode") == code
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("where", ["retain", "release", "name"])
def test_a_count_that_is_lost_keeps_the_tensors(tcl, monkeypatch, capfd, where):
    """Rather too long than not long enough; nothing is printed, and they can still be deleted by name."""

    def failing(*arguments):
        raise MemoryError

    monkeypatch.setattr(Tensors, "is_count_lost", False)
    with monkeypatch.context() as patch:
        patch.setattr(Tensors, where, failing)
        tcl.run("set x [torch::ones 2]; binary format a* [lindex [list {*}[lrepeat 3 $x]] 0]; append y $x; unset x")
        tcl.run("set z [torch::ones 3]; lset z 0 5; unset z")
    monkeypatch.setattr(Tensors, "is_count_lost", True)
    tcl.run("set x [torch::ones 2]; unset x")
    assert tcl.stats()["live"] > 0
    assert capfd.readouterr() == ("", "")


def test_all_callbacks_are_guarded():
    """None is declared but by the one way that says what happens when it fails."""
    source = (interpreter.__file__ or "").replace(".pyc", ".py")
    with open(source, encoding="utf-8") as file:
        text = file.read()
    assert text.count("ffi.def_extern(") == 1
    assert text.count("\ndef host_on_") == text.count("\n@_callback(") == 7


def limited(megabytes: int):
    """What sets a limit on addresses in a child."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


@needs_64_bits  # with pointers of half the size there is enough
@pytest.mark.parametrize("megabytes", [500])
def test_too_little_memory_to_take_the_words_of_a_call(roish, megabytes):
    """Eight million words: the call fails, catch sees it, and the shell goes on."""
    script = "set big [lrepeat 8000000 x]; puts [catch {torch::zeros {*}$big}],$errorCode; puts [torch::zeros 3]"
    done = roish("-c", script, preexec_fn=limited(megabytes))
    assert (done.stdout, done.stderr, done.returncode) == ("1,TORCH MEMORY\ntensor0\n", "", 0)


# ---- Room ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", ["false", "true"])
def test_a_list_for_which_there_is_no_room(roish, nested):
    """Tcl would end the process; the command says what is needed, and what there is."""
    script = (
        f"catch {{torch::tensor_to_list [torch::zeros {{3000000}}] {nested}}} m; puts $m; puts [lrange $errorCode 0 1]"
    )
    done = roish("-c", script, preexec_fn=limited(300))
    message, code = done.stdout.splitlines()
    assert message.startswith("Out of memory: a list of 3000000 numbers needs ")
    assert re.search(r", this process has [\d.]+ MiB left$", message)
    assert (code, done.stderr, done.returncode) == ("TORCH MEMORY", "", 0)


def test_where_tcl_itself_has_no_memory(roish):
    """There is no way back: one line, and a status of its own."""
    done = roish("-c", "set x [lrepeat 100000000 x]", preexec_fn=limited(400))
    assert done.returncode == lib.HOST_PANIC_STATUS
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("roish: Tcl cannot go on, most likely for lack of memory: ")


def test_a_tensor_that_the_process_may_not_take(roish):
    """Though the machine has it."""
    done = roish("-c", "catch {torch::zeros {1000000000}} m; puts $m", preexec_fn=limited(1000))
    assert done.stdout.startswith("Out of memory: a tensor of shape [1000000000] needs 3.725 GiB, this process has ")


def test_room_is_the_least_of_all_limits(monkeypatch):
    """Whichever of them it is."""
    for tight in range(3):
        bounds = [limits.Limit(4 << 30, (2 if at == tight else 1) << 30, f"number {at} has") for at in range(3)]
        monkeypatch.setattr(limits, "memory_limits", lambda bounds=bounds: bounds)
        with pytest.raises(MemoryError, match=f"^it needs 3 GiB, number {tight} has 2 GiB left$"):
            sizes.check_room(3 << 30, "it")
        sizes.check_room(2 << 30, "it")


@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0), (3, 1, 2), (200, 1)])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
def test_nested_lists(tcl, shape, dtype):
    """As NumPy's own."""
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    sizes_of = " ".join(map(str, shape))
    tcl(f"set x [torch::tensor_reshape [torch::tensor_to [torch::arange {array.size}] {dtype}] {{{sizes_of}}}]")
    wanted = (array.astype(int) if dtype == "bool" else array).tolist()

    def as_tcl(item) -> str:
        if not isinstance(item, list):
            return str(item)
        words = [as_tcl(one) for one in item]
        return " ".join(f"{{{word}}}" if " " in word or not word else word for word in words)

    assert tcl("torch::tensor_to_list $x true") == as_tcl(wanted)


# ---- Calls within calls ----------------------------------------------------------------------------------------------

TRANSFORM = """
proc through {command args} {
    switch $command {
        initialize {return {initialize finalize write}}
        write {
            if {[incr ::depth] < $::most} {torch::show $::x}
            return [lindex $args 1]
        }
    }
}
set x [torch::ones {2 2}]
set depth 0
set most [lindex $argv 0]
chan push stdout through
set failed [catch {torch::show $x} message]
chan pop stdout
puts stderr [expr {$failed ? "$message, $errorCode" : "fine"}]
"""


@pytest.mark.parametrize("most", [10, 40, 400, 5000])
@pytest.mark.parametrize("stack", [None, 1024, 512])
def test_commands_that_write_through_a_script_that_calls_commands(roish, tmp_path, most, stack):
    """A few deep they work; at any depth, and with a small stack, they end with Tcl's own error."""
    (tmp_path / "s.tcl").write_text(TRANSFORM)
    few = stack and (lambda: resource.setrlimit(resource.RLIMIT_STACK, (stack << 10, stack << 10)))
    done = roish("s.tcl", str(most), preexec_fn=few)
    assert done.stderr == ("fine\n" if most == 10 else ", ".join(NESTED) + "\n")
    assert done.returncode == 0


@pytest.mark.parametrize(
    "script",
    [
        "proc f {} {torch::tensor_numel [torch::zeros [f]]}; f",
        "proc unknown args {torch::zeros [nosuch]}; nosuch",
        "proc less {a b} {torch::zeros 1; lsort -command less {1 2}}; less 1 2",
        "interp alias {} g {} f; proc f {} {torch::zeros [g]}; f",
        "rename torch::ones kept; proc torch::ones n {kept [torch::ones $n]}; torch::ones 1",
        "proc f {} {set d [dict create a 1]; dict for {k v} $d {torch::zeros [f]}}; f",
        "proc torch::eye n {uplevel 1 [list torch::eye [torch::tensor_numel [torch::zeros 1]]]}; torch::eye 1",
        "trace add execution torch::ones enter {apply {args f}}; proc f {} {torch::ones [f]}; f",
    ],
)
def test_endless_calls(roish, script):
    """Through procedures, aliases, traces, sorting, what stands for unknown commands: Tcl's own limit ends them."""
    done = roish("-c", f"catch {{{script}}} m; puts $m")
    assert (done.stdout, done.stderr, done.returncode) == (f"{NESTED[0]}\n", "", 0)


# ---- Messages --------------------------------------------------------------------------------------------------------

COMMANDS = list(commands.REGISTRY.values())
PARAMETERS = [(command, parameter) for command in COMMANDS for parameter in command.parameters]
LONG = 30_000  # more than what is quoted, looked through, or kept of anything


def named(item: object) -> str | None:
    """Test names that can be read."""
    return item.name if isinstance(item, Command | Parameter) else None


def test_no_message_is_as_long_as_its_input(tcl):
    """For every parameter of every command: long text, long lists, whatever is wrong with them."""
    tcl.run(f"set word [string repeat a {LONG}]; set many [string repeat {{a }} {LONG}]; set list [lrepeat {LONG} 1.5]")
    tcl.run(
        "set deep 1; for {set i 0} {$i < 500} {incr i} {set deep [list $deep 2]}; set name x.npy; append name $word"
    )
    for command, parameter in PARAMETERS:
        for value in ("$word", "$many", "$list", "$deep", "$name"):
            outcome = tcl.interpreter.eval(f"{command.full_name} -{parameter.camel} {value}")
            usage = "Usage:" in tcl.interpreter.result()  # other parameters are missing: one by one below
            assert len(tcl.interpreter.result()) < 1500 or usage or not outcome.is_error, (command.name, parameter.name)


@pytest.mark.parametrize(
    "kind", {type(each.kind): each.kind for _, each in PARAMETERS}.values(), ids=lambda kind: type(kind).__name__
)
def test_what_a_kind_says_of_long_values(tcl, kind):
    """The beginning of what came, once, in quotation marks."""
    tcl.run(f"set v0 [string repeat a {LONG}]; set v1 [lrepeat {LONG} {{}}]; set v2 [list [lrepeat {LONG} x]]")
    tcl.run("set v3 [lrepeat 3 $v0]")
    for name in (b"v0", b"v1", b"v2", b"v3"):
        try:
            read = kind.read(lib.host_global(tcl.interpreter._tcl, name), tcl.interpreter.session)
        except kinds.Mismatch as reason:
            assert len(str(reason)) < 300
        else:
            assert read is not None


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_a_long_option(tcl, command):
    """Is quoted in part, and like none of the command's."""
    tcl.run(f"set option -[string repeat a {LONG}]")
    message = tcl.error(f"{command.full_name} $option 1")
    assert message.startswith("Unknown parameter: -aaaa")
    assert "Did you mean" not in message
    assert len(message) < 600
    assert int(tcl("string length $errorCode")) < 200


@pytest.mark.parametrize(
    "call", ["torch::help $word", "torch::help -search $word", "torch::help $many", "torch::help -search $many"]
)
def test_help_about_long_texts(tcl, call):
    """Is short, or what it would be of the text's few different words."""
    tcl.run(f"set word [string repeat ax {LONG}]; set many [string repeat {{tensor }} {LONG}]")
    tcl.interpreter.eval(call)
    said = tcl.interpreter.result()
    assert len(said) < 200 or said == tcl("torch::help -search tensor")


def test_a_failure_in_a_long_script_has_no_caret(tcl):
    """To find the word at fault takes time by the length of the command as it is written."""
    from tclcmd.shell import complaints

    tcl.error(f"torch::zeros 2 -{'a' * LONG} 1")
    assert tcl.interpreter.failure is not None
    assert complaints.report(tcl.interpreter.failure, at_prompt=True) == ""


def test_facts_are_shortened_in_one_place():
    """Every situation's text, filled with facts as long as may be."""
    from tclcmd.language.errors import BOUNDED, CommandError

    for name, situation in SITUATIONS.items():
        facts = dict.fromkeys({"reason", "rule", "option", "name", "file", "verb", "command"}, "x" * LONG)
        error = CommandError(name, "x" * LONG, **facts, **dict.fromkeys(BOUNDED, ""))
        assert len(str(error)) < 1500, situation
        assert len(error.code[2]) < 6000


# ---- NUL -------------------------------------------------------------------------------------------------------------

TEXTUAL = [
    (command, parameter)
    for command, parameter in PARAMETERS
    if isinstance(parameter.kind, kinds.Text | kinds.Texts | kinds.File) and not isinstance(parameter.kind, CommandName)
]


@pytest.mark.parametrize(("command", "parameter"), TEXTUAL, ids=named)
def test_text_with_nul_is_refused(tcl, command, parameter):
    """Files and libraries of C would take what is before it for the whole."""
    with pytest.raises(kinds.Mismatch, match=r"NUL|the name of a file"):
        parameter.kind.read(tclobj.new_text("a\0b"), tcl.interpreter.session)


def test_a_name_with_nul_is_not_cut_short(tcl, tmp_path):
    """No file is written."""
    message = tcl.error(f'torch::tensor_save [torch::ones 1] {{{tmp_path}/x.npz}} -name "a\\0b"')
    assert message == 'Invalid name value: expected text without NUL characters, got "a\0b"'
    assert not list(tmp_path.iterdir())
