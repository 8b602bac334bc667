"""What commands reach from a safe interpreter: decided by their declarations, and seen in what Python opens."""

from __future__ import annotations

import ast
import pathlib

import pytest
from children import run_child

import pyroi
from tclcmd.language.declare import REGISTRY, Reach
from tclcmd.language.kinds import File, ForeignTensor
from tclcmd.values import session

TCLCMD = pathlib.Path(__file__).resolve().parents[3] / "tclcmd"

#: The modules that open, make or remove files by a name that a command was given.
GATES = {"values/folders.py", "files/npy.py", "files/wholefile.py"}

#: Functions that take the name of a file, or start something, by the last part of their names.
OPENING = {
    "open", "fdopen", "FileIO", "unlink", "remove", "rename", "replace_by", "mkdir", "rmdir", "link", "symlink", "stat",
    "lstat", "listdir", "scandir", "chmod", "chown", "truncate", "system", "popen", "Popen", "run", "spawn", "memmap",
    "fromfile", "tofile", "load_library", "loadtxt", "savetxt", "genfromtxt", "read_text", "write_text", "read_bytes",
    "write_bytes", "exists", "isfile", "isdir", "expanduser", "glob", "import_module", "CDLL", "connect",
}  # fmt: skip

#: Calls of such names that open no file: of Pillow and zipfile, with a file that is open; of time and terminals.
HARMLESS = {("files/pictures.py", "open"), ("files/npy.py", "open")}


@pytest.fixture
def safe(tcl):
    """An interpreter with a safe child, `safe`, that has the commands, and a tensor of its own, `mine`."""
    tcl.run("interp create -safe safe; load {} Roi safe; set mine [torch::arange 6]")
    return tcl


# ---- Declarations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", REGISTRY.values(), ids=REGISTRY)
def test_a_parameter_that_names_a_file_is_of_that_kind(command):
    """By this kind alone it is known that a command reads or writes files."""
    for parameter in command.parameters:
        words = {word for name in (parameter.name, *parameter.aliases) for word in name.lower().split("_")}
        about_files = {"file", "path", "folder", "directory", "filename"} & words
        assert isinstance(parameter.kind, File) == bool(about_files), parameter.name
    kinds = [type(parameter.kind) for parameter in command.parameters]
    assert (Reach.FILES in command.reaches) == (File in kinds)
    assert (Reach.INTERPRETERS in command.reaches) == (ForeignTensor in kinds)


def test_what_reaches_further():
    """The commands that are known to; this list is for the reader, the rule is in the declarations."""
    found = {reach: {row.name for row in REGISTRY.values() if reach in row.reaches} for reach in Reach}
    assert found == {
        Reach.FILES: {
            "tensor_save",
            "tensor_load",
            "image_read",
            "image_write",
            "plot_boxes",
            "plot_features",
            "boxes_read",
            "boxes_write",
        },
        Reach.OUTPUT: {"show"},
        Reach.INTERPRETERS: {"tensor_import"},
        Reach.PROCESS: {"set_num_threads", "empty_cache"},
    }


def test_a_command_that_touches_the_process_knows_its_session():
    """Only then it can keep to its interpreter."""
    assert all(row.needs_session for row in REGISTRY.values() if Reach.PROCESS in row.reaches)


def opening_calls(path: pathlib.Path) -> set[str]:
    """The functions called in a module that may open files."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    names = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
    return names & OPENING


def test_files_are_opened_in_few_modules():
    """A command that opens a file itself would not heed the folders."""
    for room in ("values", "language", "files", "display", "commands"):
        for path in (TCLCMD / room).glob("*.py"):
            module = f"{room}/{path.name}"
            if module in GATES or module == "files/streams.py":  # which knows no names
                continue
            found = {name for name in opening_calls(path) if (module, name) not in HARMLESS}
            assert not found, module


# ---- What is opened --------------------------------------------------------------------------------------------------


def random_calls(folder: str) -> None:
    """Calls all commands in a safe child of an interpreter, and prints what Python opened meanwhile, as a list."""
    import importlib
    import pathlib
    import random
    import resource
    import sys

    sys.path.insert(0, folder)
    import fuzz_words

    from tclcmd.interpreter import Interpreter
    from tclcmd.language.declare import REGISTRY

    watched = ("open", "os.", "socket.", "subprocess.", "shutil.", "glob.", "pathlib.", "ctypes.dlopen", "tempfile.")
    # What may be opened: modules of Python, on demand, and what the system tells of memory.
    usual = (*{str(pathlib.Path(part).resolve()) for part in (sys.prefix, sys.base_prefix)}, "/proc/", "/sys/fs/cgroup",
             "/usr/lib/python", "/usr/local/lib")  # fmt: skip
    events, is_watched = [], False

    def note(event, arguments):
        if is_watched and event.startswith(watched):
            events.append((event, str(arguments[0]) if arguments else ""))

    importlib.import_module("matplotlib.font_manager")  # which makes files of its own
    sys.addaudithook(note)  # for as long as the process
    # A tensor of gigabytes, which takes a minute to fill, is refused.
    resource.setrlimit(resource.RLIMIT_DATA, (2 * 2**30, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    interpreter = Interpreter()
    assert not interpreter.eval("interp create -safe safe; load {} Roi safe").is_error
    assert not interpreter.eval(f"safe eval {{{fuzz_words.SETUP}}}").is_error
    words = fuzz_words.Words(random.Random(20261129))
    refused = 0
    for command in REGISTRY.values():
        if command.name == "tensor_delete":  # it would delete the words of the other calls
            continue
        for _ in range(4):
            is_watched = True
            interpreter.eval(f"safe eval {{{words.call(command)}}}")
            is_watched = False
            refused += "Not allowed here" in interpreter.result()
    interpreter.close()
    odd = [event for event in events if not (event[0] in ("open", "os.listdir") and event[1].startswith(usual))]
    print(refused, odd)


def test_random_calls_of_all_commands_open_nothing():
    """Valid and invalid ones, without any folder allowed; in a process of their own, whose memory is limited."""
    pytest.importorskip("matplotlib")
    refused, odd = run_child(random_calls, str(pathlib.Path(__file__).resolve().parents[1])).split(" ", 1)
    assert odd.strip() == "[]"
    assert int(refused) > 10  # of the calls of commands that reach out, which therefore came so far


FILE_CALLS = {
    "tensor_save": "torch::tensor_save [torch::ones 3] FILE.npy",
    "tensor_load": "torch::tensor_load FILE.npy",
    "image_write": "torch::image_write [torch::ones {3 4 4}] FILE.png",
    "image_read": "torch::image_read FILE.png",
    "plot_boxes": "torch::plot_boxes [torch::ones {3 9 9}] {{0 0 3 3}} FILE.png",
    "plot_features": "torch::plot_features [torch::ones {3 9 9}] FILE.png",
    "boxes_read": "torch::boxes_read FILE.json",
    "boxes_write": "torch::boxes_write FILE.json {{0 0 3 3}} 0.5 1 2",
}


@pytest.mark.parametrize("command", [row for row in REGISTRY.values() if Reach.FILES in row.reaches],
                         ids=lambda row: row.name)  # fmt: skip
def test_a_command_of_files(safe, command, tmp_path):
    """Each is refused, with the same message whether the file is there or not, and leaves the folder as it is."""
    file = tmp_path / "x"
    for name in ("x.npy", "x.png", "x.json"):
        (tmp_path / name).write_bytes(b"old")
    for name in (file, tmp_path / "missing"):
        script = "safe eval {" + FILE_CALLS[command.name].replace("FILE", str(name)) + "}"
        assert "no folder is allowed here" in safe.error(script)
        assert safe("set errorCode") == "TORCH FORBIDDEN file"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "x.npy": b"old", "x.png": b"old", "x.json": b"old",
    }  # fmt: skip


# ---- Other interpreters ----------------------------------------------------------------------------------------------


def test_guessing_a_handle(safe):
    """Every number that there is, or was: none is told from one that never was."""
    safe.run("puts -nonewline [string cat $mine {}]; safe eval {set its [torch::ones 2]}")
    number = int(safe("string cat $mine").removeprefix("tensor"))
    for guess in range(number + 50):
        if safe(f"safe eval {{expr {{[string cat $its] eq {{tensor{guess}}}}}}}") == "1":
            continue
        message = safe.error(f"safe eval {{torch::tensor_to_list tensor{guess}}}")
        assert message == f"Invalid input tensor: tensor{guess} does not exist, or no longer"


def test_a_handle_that_is_handed_in(safe):
    """As a value, too, it is not the child's, and neither freed nor changed by it."""
    assert "does not exist" in safe.error("safe eval [list torch::tensor_shape $mine]")
    assert "does not exist" in safe.error("safe eval [list torch::tensor_delete $mine]")
    assert safe("safe eval {llength [torch::tensor_list]}") == "0"
    assert safe("torch::tensor_shape $mine") == "6"


def test_the_outer_interpreter_can_take_a_copy(safe):
    """It is the trusted one."""
    assert safe("torch::tensor_to_list [torch::tensor_import [safe eval {torch::full {2} 7}]]") == "7.0 7.0"


def test_a_tensor_of_another_cannot_be_imported(safe):
    """Whatever it is called by."""
    for call in ("torch::tensor_import tensor0", "torch::tensorImport -tensor tensor0"):
        assert safe.code(f"safe eval {{{call}}}") == "TORCH FORBIDDEN tensor_import"


def test_random_numbers_are_its_own(safe):
    """A seed in the child does not make the outer numbers known, nor the reverse."""
    outer = safe("torch::manual_seed 5; torch::tensor_to_list [torch::rand 3]")
    safe.run("torch::manual_seed 5; safe eval {torch::manual_seed 6; torch::rand 100}")
    assert safe("torch::tensor_to_list [torch::rand 3]") == outer


# ---- The process -----------------------------------------------------------------------------------------------------


@pytest.fixture
def four_threads():
    """The process has four threads for operators."""
    before = pyroi.get_num_threads()
    pyroi.set_num_threads(4)
    yield
    pyroi.set_num_threads(before)


def test_threads_are_its_own(four_threads, safe):
    """Its number is at most that of the process, which stays."""
    assert safe("safe eval {torch::set_num_threads 2; torch::get_num_threads}") == "2"
    assert pyroi.get_num_threads() == 4
    assert safe("torch::get_num_threads") == "4"
    assert "expected at most 4 here, got 5" in safe.error("safe eval {torch::set_num_threads 5}")
    assert safe("safe eval {torch::get_num_threads}") == "2"
    safe.run("torch::set_num_threads 1")
    assert safe("safe eval {torch::get_num_threads}") == "1"
    assert "expected 1 to" in safe.error("torch::set_num_threads 100000")
    assert pyroi.get_num_threads() == 1


def test_threads_of_two_at_the_same_time(four_threads):
    """As in two threads, the first of which ends first: the number of the process is back at the end."""
    first, second = session.Session(1), session.Session(2)
    first.threads = second.threads = 2
    one, other = first.with_own_threads(), second.with_own_threads()
    one.__enter__()
    other.__enter__()
    assert (pyroi.get_num_threads(), first.most_threads, second.most_threads) == (2, 4, 4)
    one.__exit__(None, None, None)
    other.__exit__(None, None, None)
    assert pyroi.get_num_threads() == 4


def test_an_error_in_a_call_restores_the_threads(four_threads, safe):
    """Whichever way a command ends."""
    safe.run("safe eval {torch::set_num_threads 1}")
    safe.error("safe eval {torch::zeros x}")
    assert pyroi.get_num_threads() == 4


def test_kept_memory_is_of_the_others(safe):
    """It is neither told nor given back."""
    safe.run("set x [torch::roi_align [torch::rand {1 64 99 99}] {{0 0 0 90 90}} {99 99}]; unset x")
    kept = safe("dict get [torch::memory_stats] kept")
    assert safe("safe eval {dict get [torch::memory_stats] kept}") == "0"
    assert safe("safe eval {torch::empty_cache}") == "0"
    assert safe("dict get [torch::memory_stats] kept") == kept


def test_standard_output_is_not_its_own(safe):
    """A safe child has no channel to it, hence `show` has none."""
    assert safe.code("safe eval {torch::show [torch::ones {3 3}]}") == "TORCH FORBIDDEN show"
