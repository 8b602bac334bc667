"""Ways out of a safe interpreter by Tcl's own commands: processes, files, the environment, other interpreters."""

from __future__ import annotations

import os

import pytest
from tcl_versions import tcl_has

#: Commands of Tcl that reach outside, and what could bring them back.
GONE = [
    "exec ls", "exec /bin/sh -c {echo out > ../out}", "open x", "open |ls", "open ../secret.npy", "socket localhost 80",
    "source ../secret.npy", "load {} Roi", "load ./x.so", "unload x", "cd ..", "pwd", "glob *", "glob -directory / *",
    "file exists /etc/passwd", "file delete x", "file copy x y", "file mkdir x", "file normalize .", "file size x",
    "file link x ..", "file attributes x", "file stat x y", "file readable x", "file tempfile x", "file volumes",
    "file nativename ~", "::tcl::file::exists x", "::tcl::file::delete x", "::tcl::file::system .",
    "fconfigure stdout", "chan configure stdout", "chan pipe", "chan create r x", "chan push stdout x",
    "fcopy stdin stdout",
    "encoding system", "encoding dirs", "encoding convertto cp1252 x", "pid", "info nameofexecutable", "info hostname",
    "info library", "info loaded", "info sharedlibextension", "::tcl::info::hostname", "::tcl::pkgconfig list",
    "::tcl::clock::getenv SECRET", "clock format 0", "clock scan now", "clock format 0 -timezone :../../etc/passwd",
    "set env(SECRET)", "set ::env(PATH)", "array get env x; set env(HOME)", "set auto_path", "set tcl_library",
    "auto_load x", "auto_execok ls", "unknown ls", "ls", "package require Tclx", "package require Thread",
    "package require msgcat", "package require http", "package require Tk", "history", "memory info",
    "tcl::unsupported::disassemble script {}", "tcl::unsupported::inject x y", "::tcl::tm::path list",
    "::safe::interpCreate x", "interp::x", "testexithandler", "dde", "registry get x", "tclLog x", "parray env",
]  # fmt: skip

#: Ways to make or reach interpreters, or to expose what is hidden.
GAMES = [
    "interp create", "interp create -safe x", "interp cr x", "interp create -- x", "set c interp; $c create x",
    "interp alias {} make {} interp create; make x", "interp eval {} {interp create x}",
    "rename interp mine; mine create x", "mine create -safe x", "mine expose {} exec", "mine invokehidden {} exec ls",
    "mine invokehidden {} -global open ../secret.npy", "mine hide {} puts", "mine marktrusted {}",
    "mine limit {} time -seconds 0", "mine limit {} commands -value 1000000000", "mine recursionlimit {} 1000000",
    "mine share {} stdout x", "mine transfer {} stdout x", "mine delete {}", "mine slaves", "mine children",
    "mine hidden", "mine cancel", "mine bgerror {} puts", "mine debug {} -frame 1",
    "mine alias {} exec {} exec; exec ls", "mine alias {} y {} mine expose; y {} exec",
    "mine alias x y z w", "mine target {} exec", "mine eval {x} {}", "mine eval {{}} {exec ls}",
    "namespace eval ::x {exec ls}", "namespace eval :: {open x}",
    "apply {{} {exec ls} ::}", "apply {{} {open x} ::tcl}", "uplevel #0 {exec ls}", "eval exec ls", "{*}{exec ls}",
    "coroutine c exec ls", "tailcall exec ls",
    "after 0 {set done [catch {exec ls} why]}; vwait done; error $why {} CODE",
    "namespace ensemble create -command e -map {x ::exec}; e x ls", "namespace import ::exec",
    "oo::class create C {method m {} {exec ls}}; [C new] m", "oo::objdefine C {forward x exec ls}; C x",
    "try {exec ls} on ok {} {}", "subst {[exec ls]}", "expr {[exec ls]}", "lsort -command exec {a b}",
    "regsub -command x x exec", "string map", "trace add variable v write {exec ls}; set v 1; exec ls",
    "binary scan [open /etc/passwd] a x", "dict map {a b} {x y} {exec ls}", "proc x {} {exec ls}; x",
    "puts $channel x", "puts file5 x", "puts sock3 x", "read file3", "read stdout 1", "close file4", "gets file9",
    "exit 120", "exit 121", "exit 124", "exit 255", "exit -1", "exit 256", "exit 4294967296", "exit x", "exit 1 2",
]  # fmt: skip

#: What these may not give: a listing, a secret, the name of a user's folder.
SECRETS = ("secret", "SECRET", "of the environment", "root:", "/bin", "/usr", "/home", "conftest", "in\n")


@pytest.mark.parametrize("attacks", [GONE, GAMES], ids=["commands", "games"])
def test_a_way_out(places, attacks):
    """Each ends in an error, and the interpreter works on; nothing lies outside that was not there."""
    before = sorted(path.name for path in places.root.iterdir())
    found = places.attacks([*attacks, "expr 6 * 7", "torch::tensor_to_list [torch::arange 3]"])
    for script in attacks:
        code, result = found[script]
        assert code, f"{script} gave {result}"
        assert not any(secret in result for secret in SECRETS if secret not in script), result
    assert found["expr 6 * 7"] == ("", "42")
    assert found["torch::tensor_to_list [torch::arange 3]"][1] == "0.0 1.0 2.0"
    assert sorted(path.name for path in places.root.iterdir()) == before


def test_what_is_left_of_tcl(places):
    """A script keeps what it needs to compute; the names are those that are promised, and no others."""
    from tclcmd.safe.tcl_commands import COMMANDS

    found = places.attacks(["lsort [info commands]", "lsort [namespace children ::]", "lsort [info globals]"])
    allowed = {*COMMANDS.split(), "file", "clock"}
    there = set(places.run("puts [lsort [info commands]]").output.split())
    assert there <= allowed
    assert {"puts", "proc", "dict", "lmap", "regexp", "string", "interp", "trace", "oo"} - there <= {"oo"}
    assert found["lsort [namespace children ::]"][1] == "::oo ::tcl ::torch ::zlib"


CAN = {
    "file join a b c.npy": "a/b/c.npy",
    "file tail a/b.npy": "b.npy",
    "file dirname a/b.npy": "a",
    "file extension a/b.npy": ".npy",
    "file rootname a/b.npy": "a/b",
    "file split a/b": "a b",
    "file pathtype a": "relative",
    "expr {max(1, 2) + min(3, 4)}": "5",
    "interp alias {} twice {} expr 2 *; twice 21": "42",
    "interp issafe": "1",
    "string is integer [clock seconds]": "1",
    "package require roi": "0.1.0",
    "zlib decompress [zlib compress hello]": "hello",
    "info exists env": "0",
    "dict get [dict create a 1] a": "1",
    "package vcompare [package require Tcl] 8.6": "1",
    "set tcl_platform(engine)": "Tcl",
    "file tail a/~b": tcl_has("the tail of a/~b"),
}


def test_what_a_script_can_do(places):
    """The usual ways to compute, to take names of files apart, and to define words of one's own."""
    assert places.attacks(list(CAN)) == {script: ("", result) for script, result in CAN.items()}


def test_redefining_everything(places):
    """A script may turn its own interpreter upside down; the end of the run is told nevertheless."""
    ran = places.run(
        """
        foreach name [info commands ::torch::*] {rename $name ::torch::mine_[namespace tail $name]}
        proc torch::zeros args {return mine}
        puts [torch::zeros 3]
        foreach name {puts exit error set info proc} {catch {rename ::$name ::my_$name}}
        my_proc exit args {while 1 {}}
        my_proc puts args {while 1 {}}
        my_proc unknown args {while 1 {}}
        trace add variable ::errorInfo write {apply {args {while 1 {}}}}
        """,
        "--time-limit", "5",
    )  # fmt: skip
    assert ran.output == "mine\n"
    assert ran.status in (0, 124)


def test_traces_see_nothing_of_others(places):
    """Traces on commands of torch:: see their words and results, which are the script's own."""
    ran = places.run(
        """
        proc seen args {lappend ::log [lindex $args end]}
        trace add execution torch::zeros {enter leave} seen
        trace add command torch::ones {rename delete} seen
        torch::zeros 3; rename torch::ones {}; puts $log
        puts [catch {torch::ones 3}]
        """
    )
    assert ran.output == "enter leave delete\n1\n"


def test_guessing_handles(places):
    """The program itself has no tensors in this interpreter, and a number that was not given yet is none."""
    scripts = [f"torch::tensor_shape tensor{number}" for number in range(40)]
    assert all(code == "TORCH INVALID_TENSOR input" for code, _ in places.attacks(scripts).values())


def test_the_environment_is_not_told(places):
    """Neither by a variable, nor in a message."""
    ran = places.run(
        "foreach name [info vars ::*] {puts [expr {[array exists $name] ? [array get $name] : [set $name]}]}"
    )
    assert "of the environment" not in ran.output + ran.errors
    assert ran.status == 0
    assert ran.output


NAMES = ["../secret.npy", "/etc/passwd", "in/../secret.npy", "secret.npy", "/dev/zero", "in/link.npy", "in/pipe.npy",
         "in/dir.npy/secret.npy"]  # fmt: skip
CALLS = ["torch::tensor_load NAME", "torch::image_read NAME", "torch::image_write [torch::ones {3 4 4}] NAME.png",
         "torch::tensor_save [torch::ones 3] NAME.npy"]  # fmt: skip


def test_files_by_the_commands_of_torch(places):
    """The rules are tested in test_folders.py; here is the whole way through the program."""
    (places.allowed / "link.npy").symlink_to("../secret.npy")
    (places.allowed / "dir.npy").symlink_to("..")
    for name in ("link.npy.npy", "link.npy.png"):
        (places.allowed / name).symlink_to("../secret.npy")
    for name in ("pipe.npy", "pipe.npy.npy", "pipe.npy.png"):
        os.mkfifo(places.allowed / name)
    for script, (code, result) in places.attacks([c.replace("NAME", n) for c in CALLS for n in NAMES]).items():
        assert code == "TORCH FORBIDDEN file", (script, code, result)
    assert (places.root / "secret.npy").read_bytes() == b"secret"
    assert sorted(path.name for path in places.root.iterdir()) == ["in", "secret.npy"]


def test_a_command_that_is_refused_is_named_as_such(places):
    """It does not exist; the line after the error says why. A misspelt name has no such line."""
    ran = places.run("exec ls")
    assert (ran.status, ran.errors.splitlines()[0]) == (1, 'invalid command name "exec"')
    assert "Scripts under --safe have no exec." in ran.errors.splitlines()
    assert "under --safe" not in places.run("no_such_command").errors


@pytest.mark.parametrize(
    "call",
    ["image_read y.png", "tensor_load y.npy", "boxes_read y.json", "image_write [zeros {1 3 4 4}] y.png",
     "plot_boxes [zeros {1 3 4 4}] {{0 0 1 1}} y.png"],
)  # fmt: skip
def test_without_a_folder_the_message_says_how_to_allow_one(places, call):
    """Also of a command that needs a package for its file, which is not loaded then. (No `torch::` here: `places`.)"""
    ran = places.run(f"namespace eval torch {{catch {{{call}}} message; puts $message; puts $::errorCode}}")
    assert ran.output.splitlines()[0].endswith(": no folder is allowed here"), ran
    assert ran.output.splitlines()[1] == "TORCH FORBIDDEN file"
    ran = places.run(f"namespace eval torch {{{call}}}")
    assert ran.status == 1
    assert "`roish --safe --allow FOLDER` allows one." in ran.errors.splitlines()
