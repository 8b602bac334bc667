"""Text in every encoding, for every input and output of a script, and file names."""

from __future__ import annotations

import itertools
import os
import subprocess

import numpy as np
import pytest
from tcl_versions import TCLSH, tcl_has
from terminals import Terminal

from tclcmd.values import tclobj

#: Beyond the first plane, alone and among others; Tcl 8.6 has two characters for each, and Tcl 9 has one.
FACE = "😀"
TEXTS = [FACE, f"a{FACE}b", "𝒳é中" + FACE * 2, "\U00010000\U0010ffff"]

#: Environments in which Python guesses another encoding than UTF-8, or none.
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
GERMAN = {"LC_ALL": "de_DE.iso88591", "PYTHONUTF8": "0"}


def has_german() -> bool:
    """Is the locale there?"""
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    return GERMAN["LC_ALL"] in listed


LOCALES = [
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "C"},
    ASCII,
    pytest.param(GERMAN, marks=pytest.mark.skipif(not has_german(), reason="the locale de_DE.iso88591 is missing")),
]


# ---- In this process -------------------------------------------------------------------------------------------------


def test_every_character_passes_to_tcl_and_back():
    """NUL, lone surrogates, and all planes, one by one and side by side."""
    for text in ("".join(map(chr, range(0x11000))), *map(chr, (0, 0xD83D, 0xDE00, 0xFFFF, 0x10000, 0x10FFFF))):
        whole = text
        if tclobj.HAS_HALVES:  # halves side by side are one character
            whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        assert tclobj.decode(tclobj.encode(text)) == whole


def test_tcl_gets_the_bytes_that_it_would_make_itself(tcl):
    """The length in bytes and in characters is that of the text that Tcl makes of the code."""
    tcl.interpreter.set_global("face", FACE)
    tcl.run("set made [encoding convertfrom utf-8 \\xf0\\x9f\\x98\\x80]")
    assert int(tcl("string length $made")) == tcl_has("characters of a face")
    assert tcl("string equal $made $face") == "1"
    assert len(tclobj.encode(FACE)) == tcl_has("bytes of a face")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("command", ["toupper", "tolower", "totitle", "trim", "reverse"])
def test_strings_beyond_the_first_plane(tcl, text, command):
    """Tcl's own commands give what they give of the text that Tcl has made itself."""
    tcl.interpreter.set_global("text", text)
    codes = text.encode().hex()
    assert tcl(f"string {command} $text") == tcl(
        f"string {command} [encoding convertfrom utf-8 [binary format H* {codes}]]"
    )


@pytest.mark.parametrize("text", [*TEXTS, "é", "a\0b"])
def test_equal_texts_are_equal(tcl, tmp_path, text):
    """Of which one came from a script, one was set by Python, one was made by Tcl, and one was said by an error."""
    tcl.interpreter.set_global("set", text)
    tcl.interpreter.set_global("codes", text.encode().hex())
    tcl.run("set made [encoding convertfrom utf-8 [binary format H* $codes]]")
    tcl.run(f"set written {{{text}}}")
    tcl.run("catch {torch::help $set} message; set said [string range $message end-[string length $set] end-1]")
    for one, other in itertools.permutations(["$made", "$set", "$written", "$said"], 2):
        assert tcl(f"string equal {one} {other}") == "1", (one, other)
        assert tcl(f"dict exists [dict create {one} 1] {other}") == "1", (one, other)
        assert tcl(f"expr {{{one} in [list {other}]}}") == "1", (one, other)


@pytest.mark.parametrize("broken", [f"[{tcl_has('a byte that is no UTF-8')}]", "\\ud83d", "\\ude00x", "a\\udce9"])
def test_broken_text_is_a_message(tcl, broken):
    """A byte that is no UTF-8, and half a character: the message quotes them, and nothing is thrown."""
    for call in (
        "torch::zeros TEXT",
        "torch::tensor_load TEXT",
        "torch::help TEXT",
        "torch::zeros 2 -TEXT 1",
        "error TEXT",
    ):
        assert tcl.error(call.replace("TEXT", broken))
        tcl("set errorInfo")


# ---- File names ------------------------------------------------------------------------------------------------------

NAMES = ["grün.npy", "中.npy", f"{FACE}.npy", "a b.npy"]

ONE_RULE = """
set x [torch::arange 3]
foreach name $names {
    if {[torch::tensor_save $x $name] ne $name} {error "another name than $name"}
    if {![file exists $name] || $name ni [glob *]} {error "Tcl does not see $name"}
    file rename -force $name old.npy
    if {![catch {torch::tensor_load $name} message]} {error "$name is still there"}
    if {$message ne "Cannot read $name: no such file or directory"} {error $message}
    file copy -force old.npy $name
    if {[torch::tensor_to_list [torch::tensor_load $name]] ne "0.0 1.0 2.0"} {error "not what was in $name"}
}
"""


@pytest.mark.parametrize("variables", LOCALES, ids=lambda variables: variables["LC_ALL"])
def test_names_are_the_same_files_to_tcl_and_to_commands(roish, tmp_path, variables):
    """Under every locale, in a script file, by -c, and on standard input; and they are UTF-8."""
    script = f"set names {{{' '.join(f'{{{name}}}' for name in NAMES)}}}{ONE_RULE}"
    (tmp_path / "s.tcl").write_text(script, encoding="utf-8")
    for done in (
        roish("s.tcl", variables=variables),
        roish("-c", script, variables=variables),
        roish(input=script, variables=variables),
    ):
        assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    there = set(os.listdir(os.fsencode(tmp_path)))
    assert {name.encode() for name in NAMES} <= there


@pytest.mark.parametrize("variables", LOCALES, ids=lambda variables: variables["LC_ALL"])
def test_names_on_the_command_line(roish, tmp_path, variables):
    """Words, the script's own name, and what comes out of the script are the same text."""
    np.save(os.path.join(tmp_path, os.fsdecode("grün.npy".encode())), np.ones(2))
    script = "puts [torch::tensor_numel [torch::tensor_load $argv]],$argv,$argv0"
    (tmp_path / os.fsdecode(f"{FACE}ü.tcl".encode())).write_text(script, "utf-8")
    done = roish(f"{FACE}ü.tcl", "grün.npy", variables=variables)
    assert (done.stdout, done.stderr) == (f"2,grün.npy,{FACE}ü.tcl\n", "")


def test_a_script_may_change_the_encoding_of_names(tcl, tmp_path):
    """By Tcl's own command, and the names of both follow."""
    tcl(f"cd {{{tmp_path}}}; encoding system iso8859-1")
    try:
        assert tcl("torch::tensor_save [torch::ones 1] \\xfc.npy; file exists \\xfc.npy") == "1"
        assert os.listdir(os.fsencode(tmp_path)) == [b"\xfc.npy"]
        assert tcl("torch::tensor_numel [torch::tensor_load [glob *.npy]]") == "1"
    finally:
        tcl("encoding system utf-8; cd /")


@pytest.mark.parametrize("variables", LOCALES, ids=lambda variables: variables["LC_ALL"])
def test_names_in_other_encodings(roish, tmp_path, variables):
    """A byte that is no UTF-8 is the character of that number, as in tclsh; no command stumbles over it."""
    done = roish(
        "-c",
        "puts $argv; puts [catch {torch::tensor_load $argv} m]; puts $m",
        b"caf\xe9",
        variables=variables,
    )
    assert done.stdout == "café\n1\nCannot read café: no such file or directory\n"
    assert done.stderr == ""


@pytest.mark.skipif(TCLSH is None, reason="tclsh is missing")
@pytest.mark.parametrize(
    "word", [b"caf\xe9", b"\x80\xff", FACE.encode(), b"\xc3", b"a\xed\xa0\xbdb", b"\xc0\x80", b"{a b"]
)
def test_words_of_the_command_line_are_those_of_tclsh(roish, tmp_path, word):
    """Character by character, as Tcl's own shell takes them."""
    (tmp_path / "s.tcl").write_text("foreach c [split [lindex $argv 0] {}] {puts [scan $c %c]}")
    ours = roish("s.tcl", word).stdout
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    theirs = subprocess.run(
        [TCLSH, tmp_path / "s.tcl", word], capture_output=True, text=True, env=environment, check=True
    )
    assert ours == theirs.stdout


# ---- Ways into a script, and out -------------------------------------------------------------------------------------


def test_a_face_by_every_way(roish, tmp_path):
    """-c, standard input, a word, a variable of the environment, a file, an error, a name that a command returns."""
    up = f"puts [string toupper {FACE}]"
    assert roish("-c", up).stdout == f"{FACE}\n"
    assert roish(input=up).stdout == f"{FACE}\n"
    assert roish("-c", "puts [string toupper $argv]", FACE).stdout == f"{FACE}\n"
    assert (
        roish("-c", "puts [string tolower $env(FACE)]", variables={"FACE": os.fsdecode(FACE.encode())}).stdout
        == f"{FACE}\n"
    )
    (tmp_path / "s.tcl").write_text(up, "utf-8")
    assert roish("s.tcl").stdout == f"{FACE}\n"
    assert (
        roish("-c", f"puts [string totitle [torch::tensor_save [torch::ones 1] {FACE}.npy]]").stdout == f"{FACE}.npy\n"
    )
    assert roish("-c", f"catch {{torch::help {FACE}}} m; puts [string toupper $m]").stdout.count(FACE) == 1
    assert FACE in roish("-c", f"error {FACE}").stderr


@pytest.mark.parametrize("variables", LOCALES, ids=lambda variables: variables["LC_ALL"])
def test_broken_text_ends_in_messages(roish, variables):
    """A script that is not there, and errors of broken text: a status of 1, a message, and no traceback."""
    missing = roish(b"s\xe9.tcl", variables=variables)
    assert (missing.returncode, missing.stderr) == (1, 'couldn\'t read file "sé.tcl": no such file or directory\n')
    for script in (f"error [{tcl_has('a byte that is no UTF-8')}]", "error \\ud83d", b"error \xe9"):
        done = roish("-c", script, variables=variables, encoding=None, input=None)
        assert done.returncode == 1
        assert b"while executing" in done.stderr
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("terminal", ["xterm-256color", "dumb"])
def test_the_prompt_takes_all_text(roish, tmp_path, terminal):
    """Faces, broken text as a value, and bytes that are no UTF-8 (which readline drops): the prompt stays."""
    pytest.importorskip("pyte")

    shell = Terminal(roish.command, tmp_path, TERM=terminal, LC_ALL="C.UTF-8")
    try:
        shell.wait_until_last_line("%")
        shell.enter(f"string toupper x{FACE}")
        shell.wait_for(f"X{FACE}")
        shell.enter(tcl_has("a byte that is no UTF-8"))
        shell.wait_for("\né")
        shell.enter("error \\ud83d")
        shell.wait_until_last_line("%")
        os.write(shell._master, b"string length caf\xe9\r")
        shell.wait_for("\n3" if terminal == "dumb" else "\n4")
        shell.enter("expr {6 * 7}")
        assert "Traceback" not in "\n".join(shell.wait_for("\n42"))
    finally:
        shell.kill()
