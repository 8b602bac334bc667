"""``roish check``: what it reports, and that it reports nothing else."""

from __future__ import annotations

import collections
import importlib.util
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import scripts
from mutations import Mutation, mutations

from tclcmd import interpreter as host
from tclcmd.language import syntax
from tclcmd.language.declare import REGISTRY

pytest.importorskip("tclint", reason="tclint is not installed")
from tclcmd.checking.calls import HANDLE
from tclcmd.checking.script import findings

# ---- What is reported ------------------------------------------------------------------------------------------------

X = "set x [torch::ones {1 3 8 8}]\n"

WRONG = [
    # options
    (X + "torch::relu -inptu $x", 2, 13, "Unknown parameter: -inptu; did you mean -input?"),
    (X + "torch::roiAlign $x {{0 0 0 3 3}} 7 -spatialscale 1", 2, 36, "Unknown parameter: -spatialscale; did you"),
    (X + "torch::relu -input", 2, 13, "Missing value for parameter: -input"),
    (X + "torch::zeros -shape -dtype int32", 2, 14, "Missing value for parameter: -shape"),
    (X + "torch::relu -input $x -tensor $x", 2, 23, "Duplicate parameter: -tensor"),
    (X + "torch::relu $x -input $x", 2, 23, "Duplicate parameter: -input"),
    # parameters
    ("torch::zeros", 1, 1, "Missing required parameters: shape"),
    (X + "puts [torch::roi_align $x {{0 0 0 3 3}}]", 2, 7, "Missing required parameters: output_size"),
    (X + "torch::roi_align \\\n  -input $x", 2, 1, "Missing required parameters: boxes, outputSize"),
    (X + "torch::relu $x $x", 2, 16, "Too many arguments: at most 1 without names, got 2"),
    ("torch::zeros -shape {2 3} 4", 1, 27, "Too many arguments: a value without a name after -shape"),
    # literals, by the kinds of the declarations
    ("torch::zeros {2 x}", 1, 14, 'Invalid shape value: expected a list of integers, got "2 x"'),
    ("torch::zeros 2 floot32", 1, 16, "Invalid dtype value: expected one of float32,"),
    ("torch::zeros 2 -requires_grad maybe", 1, 31, 'Invalid requires_grad value: expected false, got "maybe"'),
    (X + "torch::tensor_sum $x 0 perhaps", 2, 24, 'Invalid keepdim value: expected a boolean, got "perhaps"'),
    (X + "torch::tensor_slice $x 1.5 0", 2, 24, 'Invalid dim value: expected an integer, got "1.5"'),
    (X + "torch::roi_align $x {{0 0 0 3 3}} 7 NaN", 2, 37, 'Invalid spatial_scale value: expected a finite number'),
    (X + "torch::roi_align $x {{0 0 0 3 3}} {7 7 7}", 2, 35, "Invalid output_size value: expected {height width}"),
    (X + "torch::roi_align $x {{0 0 0 3 3}} 7 -mode median", 2, 43, "Invalid mode value: expected one of avg, max"),
    ("torch::relu {1 2}", 1, 13, 'Invalid input tensor: expected a tensor, got "1 2"; torch::tensor_create makes'),
    ("torch::nms {{0 0 1}  {0 0}} 0.5 0.5", 1, 12, "Invalid boxes tensor: the lists are ragged"),
    ("torch::tensor_create {1 2 three}", 1, 22, "Invalid data value: expected a number at {2}"),
    ("torch::get_num_threads 3", 1, 24, "Too many arguments: at most 0"),
    (X + "torch::resize_image $x {$h 4}", 2, 24, "Invalid size value"),
    # where a call may stand
    ("proc f {x} {\n    if {$x} {\n        torch::zeros y\n    }\n}", 3, 22, "Invalid shape value"),
    ("foreach i {1 2} {set x [torch::zeros y]}", 1, 38, "Invalid shape value"),
    ('set x "[torch::zeros y]"', 1, 22, "Invalid shape value"),
    ("if {[torch::zeros y] > 1} {}", 1, 19, "Invalid shape value"),
    ("switch $argc {1 {torch::zeros y}}", 1, 31, "Invalid shape value"),
    ("::torch::zeros y", 1, 16, "Invalid shape value"),
    ("try {torch::zeros y} finally {puts done}", 1, 19, "Invalid shape value"),
    ("try {} on error m {torch::zeros y}", 1, 33, "Invalid shape value"),
    # words that are known only at run time, beside others
    ("proc f {args} {torch::zeros {*}$args -foo 1}", 1, 38, "Unknown parameter: -foo"),
    ("proc f {option value} {torch::zeros -shape 2 $option $value -dtype x}", 1, 68, "Invalid dtype value"),
    # names
    ("torch::roi_algin", 1, 1, 'invalid command name "torch::roi_algin"; did you mean torch::roi_align?'),
    ("source other.tcl\ntorch::roi_algin", 2, 1, 'invalid command name "torch::roi_algin"'),
    ("foreach i {1 2} {pust $i}", 1, 18, 'invalid command name "pust"; did you mean puts?'),
    ("roi_aling 1", 1, 1, 'invalid command name "roi_aling"; did you mean torch::roi_align?'),
    ("set image 1\nputs $imgae", 2, 6, 'can\'t read "imgae": no such variable; did you mean $image?'),
    ("puts $later\nset later 1", 1, 6, 'can\'t read "later": no such variable'),
    ("set x 1\nproc f {y} {return $x}", 2, 20, 'can\'t read "x": no such variable'),
    # Tcl itself
    ("set x {1 2", 1, 7, "syntax error: reached EOF without finding match for brace"),
    ("puts [torch::zeros 2", 1, 7, "syntax error: reached EOF without finding end of command substitution"),
    ("if {1} {puts a}x", 1, 16, "syntax error: expected newline or semicolon"),
    ("expr {1 +}", 1, 10, "syntax error"),
    ("set", 1, 1, "not enough args for set"),
    ("puts torch::zeros 2 ]", 1, 1, "wrong # of args for puts"),
    ("puts torch::zeros 2]", 1, 1, "torch::zeros is not a channel of puts"),
    ("puts torch::get_num_threads ]", 1, 1, "torch::get_num_threads is not a channel of puts"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "line", "column", "message"), WRONG)
def test_reported(script, line, column, message):
    """One fault, with its place and the words of the error at run time."""
    found = findings(script)
    assert [(each.line, each.column) for each in found] == [(line, column)], found
    assert found[0].message.startswith(message)
    assert "\n" not in found[0].message


SILENT = [
    "catch {torch::zeros x} message",
    "if {[catch {expr {1 +}}]} {puts caught}",
    "try {torch::zeros x} on error message {puts $message}",
    "torch::zeros -help",
    "proc pool {args} {torch::roi_align {*}$args}",
    "set given {-shape 2}\ntorch::zeros {*}$given",
    "set shape {2 3}\ntorch::zeros $shape",
    "torch::zeros [list 2 3]",
    'set n 3\ntorch::zeros "2 $n"',
    "torch::zeros {2 3} cpu\ntorch::zeros {2 3} float32 cpu false",
    "torch::arange 5\ntorch::arange 1 5\ntorch::arange 1 5 2 int32",
    "torch::tensor_create {true false} bool",
    "torch::tensor_create {{1 2}\n {3 4}} {4} float64",
    "torch::tensor_shape tensor5",
    "torch::image_write tensor5 ~nobody/x.png",
    "torch::nms {0 0 1 1} 0.5 -iouThreshold 0.5",
    "catch {unknown_command $unknown}",
    "package require tcltest\ntest a b {} c\nputs $where",
    "proc other {} {return 1}\nother",
    "interp alias {} z {} torch::zeros\nz 2",
    "foreach {a b} {1 2} {puts $a$b}\nlassign {1 2} c d\nputs $c$d",
    "dict for {k v} {a 1} {puts $k$v}\nregexp (.) x -> first\nputs $first",
    "proc f {name} {upvar 1 $name it; set it 1}\nf made\nputs $made",
    "proc f {} {global g; return $g}",
    "puts $env(HOME)$argv0$tcl_version$errorInfo",
    "namespace eval n {variable v 1; proc p {} {variable v; return $v}}\nn::p\nputs $n::v",
    "while {[info exists x]} {puts $x}",
    "set script {puts 1}\neval $script\nafter 100 $script\nuplevel #0 $script",
    "set f {{x} {return $x}}\napply $f 1",
    "# torch::zeros x",
    "puts {torch::zeros x}",
    "puts stderr message\nputs -nonewline stdout text",
    "array set a {x 1}\nputs $a(x)",
    "oo::class create C {method m {} {my n}}\nC create c\nc m",
    "",
]


@pytest.mark.parametrize("script", SILENT)
def test_not_reported(script):
    """What may run is not reported, nor what the script itself catches."""
    assert findings(script) == []


def test_a_backslash_at_the_end(capsys):
    """Of an open brace, of which tclint's lexer tells on standard output."""
    assert [each.message.partition(":")[0] for each in findings("puts {a\\")] == ["syntax error"]
    assert capsys.readouterr().out == ""


def test_a_script_nested_too_deeply_to_be_checked():
    """Is reported as such."""
    found = findings("puts " + "[list " * 5000 + "]" * 5000)
    assert [each.message for each in found] == ["the script is nested too deeply to be checked"]


# ---- Scripts that run ------------------------------------------------------------------------------------------------

RUNNING = [*scripts.of_docs(), *scripts.in_files(), *scripts.of_tests()]


@pytest.mark.parametrize("script", RUNNING, ids=lambda script: script.place)
def test_no_report_on_scripts_that_run(script):
    """Those of docs, examples and tests."""
    assert findings(script.text) == []


def test_no_report_on_the_library_of_tcl(tcl):
    """Which comes with the interpreter: scripts by others, of thousands of lines."""
    if tcl("info tclversion") != "8.6":
        pytest.skip("tclint has the grammar of Tcl 8.6")
    folder = pathlib.Path(tcl("info library"))
    texts = {path: path.read_text("utf-8") for path in folder.rglob("*.tcl") if path.name != "pkgIndex.tcl"}
    assert sum(map(len, texts.values())) > 100_000
    assert {path: found for path, text in texts.items() if (found := findings(text))} == {}


# ---- Scripts with a mistake ------------------------------------------------------------------------------------------

#: So many sets of so many scripts with one mistake each: 1000.
SETS, IN_A_SET = 20, 50

#: The errors of a call that its words alone decide, whatever the values of variables are.
BY_WORDS = {
    "MISSING_PARAMETER", "TOO_MANY_ARGUMENTS", "UNKNOWN_PARAMETER", "MISSING_VALUE", "DUPLICATE_PARAMETER",
}  # fmt: skip

#: How Tcl's errors begin that a script's text alone decides.
OF_TCL = (
    "missing close-",
    'missing "',
    "extra characters after ",
    "wrong # args",
    'invalid command name "torch::',
    "can not find channel",
)


@dataclass(frozen=True)
class Failure:
    """How a script failed: its message, whether that can be known without running it, and where (line, column)."""

    message: str
    is_knowable: bool
    places: list[tuple[int, int]]


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs a script in an interpreter of its own, and says how it failed; None if it did not.

    What the parser of calls itself raised is told from what the function of a command raised.
    """
    pillow = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    pillow.fromarray(np.arange(64 * 48 * 3, dtype=np.uint8).reshape(48, 64, 3)).save("photo.jpg")
    raised: list[str] = []

    def parse(call):
        try:
            return true_parse(call)
        except host.CommandError as error:
            raised.append(str(error))
            raise

    true_parse = host.parse
    monkeypatch.setattr(host, "parse", parse)

    def run_(text: str) -> Failure | None:
        raised.clear()
        fresh = host.Interpreter()
        fresh.eval("proc exit args {error exit}; interp limit {} time -seconds [expr {[clock seconds] + 20}]")
        outcome = fresh.eval(text)
        message, code = fresh.result(), (fresh.get_global("errorCode") or "").split()
        failure = fresh.failure if outcome.is_error and raised[-1:] == [message] else None
        fresh.close()
        if not outcome.is_error:
            return None
        if failure is None:
            return Failure(message, message.startswith(OF_TCL), [])
        return Failure(message, *_of_call(text, failure, code[1]))

    return run_


def is_after_an_option(calls: list[syntax.Written], index: int) -> bool:
    """Whether an option precedes the word of this index."""
    return any(syntax.OPTION.fullmatch(word.text) for call in calls for word in call.words[1:index])


def _of_call(text: str, failure: host.Failure, situation: str) -> tuple[bool, list[tuple[int, int]]]:
    """Whether the words of the failed call tell that it fails, and the places of the word at fault in equal calls."""
    written = failure.frame["cmd"].removesuffix("...").rstrip()
    calls = [call for call in syntax.commands(text) if text.startswith(written, call.start)]
    words = [call.words[failure.word or 0] for call in calls if len(call.words) > (failure.word or 0)]
    is_last = any(call.words[-1:] == words[:1] for call in calls)
    is_literal = not any(sign in word.text for word in words for sign in "$[\\")
    if situation == "TOO_MANY_ARGUMENTS" and failure.word and not is_last and is_after_an_option(calls, failure.word):
        return is_literal, [place(text, word.start) for word in words]  # a variable may hold an option
    if any("\\" in word.text for word in words):  # whose text only Tcl makes
        return False, []
    return situation in BY_WORDS or is_literal, [place(text, word.start) for word in words]


def is_in_the_command(mutation: Mutation, line: int) -> bool:
    """Whether a line is one of the command of the global level in which the mistake is."""
    end = 0
    for call in syntax.commands(mutation.text):
        if call.start >= end:  # not within the one before
            end = call.end
            if call.start <= mutation.start <= end:
                return place(mutation.text, call.start)[0] <= line <= place(mutation.text, end)[0]
    return False


def is_elsewhere(mutation: Mutation) -> bool:
    """Whether the mistake is in a script whose errors are caught, or in one that another interpreter gets as text."""
    around = [call for call in syntax.commands(mutation.text) if call.start <= mutation.start <= call.end]
    return any(call.words[0].text in ("catch", "try") for call in around) or "interp create" in mutation.text


@pytest.mark.generated
@pytest.mark.parametrize("seed", range(SETS))
def test_mistakes_that_can_be_known_are_reported(run, seed):
    """Each at its line and column: every one that the words of the call tell, and every one of the syntax."""
    missed = []
    for mutation in mutations([*scripts.of_docs(), *scripts.of_tests()], IN_A_SET, seed):
        failure, found = run(mutation.text), findings(mutation.text)
        if failure is None or not failure.is_knowable or is_elsewhere(mutation):
            continue
        places = [(each.line, each.column) for each in found]
        at_the_word = not failure.places or not set(places).isdisjoint(failure.places)
        if not at_the_word or not any(is_in_the_command(mutation, each.line) for each in found):
            missed.append((mutation, failure, found))
    assert missed == []


def test_the_share_of_mistakes_that_is_reported(run):
    """Of 250 scripts: most fail, of those nine in ten can be known, and no mistake is reported of one that runs."""
    count: collections.Counter[str] = collections.Counter()
    false = []
    for mutation in mutations(scripts.of_docs(), 250, seed=1):
        failure, found = run(mutation.text), findings(mutation.text)
        if failure is None and found and mutation.kind != "lost bracket":  # which may be in a branch that is not taken
            false.append((mutation, found))
        count["runs" if failure is None else "reported" if found else "unreported"] += 1
    assert false == []
    assert count["runs"] < 25
    assert count["reported"] > 0.9 * (count["reported"] + count["unreported"])


# ---- Random calls ----------------------------------------------------------------------------------------------------

FUZZ = importlib.util.spec_from_file_location("fuzz_words", pathlib.Path(__file__).with_name("fuzz_words.py"))
fuzz_words = importlib.util.module_from_spec(FUZZ)
FUZZ.loader.exec_module(fuzz_words)


@pytest.fixture
def parse_alone(monkeypatch):
    """Reads a call of a command as at run time, but runs no function; the error, or None."""
    stopped, target = "the call is fine", ""

    def parse(call):
        arguments = true_parse(call)
        if call.command.name == target != "tensor_create":  # whose function reads the numbers
            raise host.CommandError("MEMORY", stopped, reason=stopped)
        return arguments

    true_parse = host.parse
    fresh = host.Interpreter()
    assert not fresh.eval(fuzz_words.SETUP).is_error
    monkeypatch.setattr(host, "parse", parse)

    def run(command, text) -> Failure | None:
        nonlocal target
        target = command.name
        is_error = fresh.eval(text).is_error
        message, code = fresh.result(), (fresh.get_global("errorCode") or "").split()
        if not is_error or stopped in message:  # without an error, it was a request for help
            return None
        return Failure(message, *_of_call(text, fresh.failure, code[1]))

    yield run
    fresh.close()


@pytest.mark.generated
@pytest.mark.parametrize("command", REGISTRY.values(), ids=REGISTRY)
def test_random_calls(parse_alone, command):
    """What the parser refuses for a literal word or for the order of words is reported, and nothing else is."""
    words = fuzz_words.Words(random.Random(command.name))
    wrong = []
    for _ in range(40):
        text = words.call(command)
        if command.name == "tensor_create" and parse_alone(command, text):
            continue  # its numbers depend on its dtype
        if "[torch" in text or '"\\u002d' in text:  # an option in disguise, which is taken for a value
            continue
        failure, found = parse_alone(command, text), findings(text, beside=fuzz_words.SETUP)
        places = {(each.line, each.column) for each in found}
        if failure is None and found:
            wrong.append((text, "runs", found))
        elif failure and failure.is_knowable and not HANDLE.search(text) and places.isdisjoint(failure.places):
            wrong.append((text, failure, found))
    assert wrong == []


# ---- The program -----------------------------------------------------------------------------------------------------


def test_reports_of_the_program(roish, tmp_path):
    """A line for each finding, with file, line and column; exit status 1."""
    (tmp_path / "a.tcl").write_text("torch::zeros x\ntorch::relu -foo 1\n")
    (tmp_path / "b.tcl").write_text("puts fine\n")
    done = roish("check", "a.tcl", "b.tcl")
    assert done.stdout.splitlines() == [
        'a.tcl:1:14: Invalid shape value: expected a list of integers, got "x"',
        "a.tcl:2:13: Unknown parameter: -foo",
    ]
    assert (done.returncode, done.stderr) == (1, "")
    done = roish("check", "b.tcl")
    assert (done.stdout, done.returncode, done.stderr) == ("", 0, "")


def test_standard_input_is_checked(roish):
    """By the name of a dash."""
    done = roish("check", "-", input="torch::zeros x")
    assert done.stdout.startswith("stdin:1:14: Invalid shape value")
    assert done.returncode == 1


def test_nothing_is_executed(roish, tmp_path):
    """Neither a script, nor what stands in brackets in it."""
    (tmp_path / "s.tcl").write_text("close [open made w]\nexec touch made\ntorch::zeros [exec touch made]\nputs said\n")
    done = roish("check", "s.tcl")
    assert (done.stdout, done.returncode) == ("", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["s.tcl"]


def test_scripts_that_are_checked_together_know_each_other(roish, tmp_path):
    """A procedure or variable of one is not unknown in another."""
    (tmp_path / "lib.tcl").write_text("proc helper {} {}\nset setting 1\n")
    (tmp_path / "main.tcl").write_text("helper\nputs $setting\n")
    assert roish("check", "main.tcl").returncode == 1
    assert roish("check", "main.tcl", "lib.tcl").returncode == 0


def test_files_that_cannot_be_checked(roish, tmp_path):
    """Are told, and the others are checked all the same."""
    (tmp_path / "latin.tcl").write_bytes(b"puts \xe4\n")
    (tmp_path / "a.tcl").write_text("torch::zeros x\n")
    done = roish("check", "absent.tcl", "latin.tcl", "a.tcl", ".")
    assert done.stdout.splitlines()[:3] == [
        "absent.tcl: cannot be read: no such file or directory",
        "latin.tcl: cannot be read: byte 5 is no UTF-8",
        ".: cannot be read: is a directory",
    ]
    assert done.stdout.splitlines()[3].startswith("a.tcl:1:14: ")
    assert done.returncode == 1


def test_names_and_messages_in_every_locale(roish, tmp_path):
    """Are UTF-8; a name that is none is shown as it is."""
    (tmp_path / "ü.tcl").write_text("torch::zeros é", encoding="utf-8")
    (tmp_path / os.fsdecode(b"\xff.tcl")).write_text("torch::zeros x")
    for locale in ("C", "C.UTF-8", "en_US.ISO-8859-1"):
        variables = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        done = roish("check", "ü.tcl", b"\xff.tcl", variables=variables, errors="surrogateescape")
        assert done.stdout.splitlines() == [
            'ü.tcl:1:14: Invalid shape value: expected a list of integers, got "é"',
            '\udcff.tcl:1:14: Invalid shape value: expected a list of integers, got "x"',
        ]


def test_a_script_that_is_called_check_runs(roish, tmp_path):
    """It was there first."""
    (tmp_path / "check").write_text("puts [list I ran $argv]")
    assert roish("check", "a", "-").stdout == "I ran {a -}\n"
    assert roish("-c", "puts $argv", "check").stdout == "check\n"


@pytest.mark.parametrize("words", [("check",), ("check", "--nonsense", "a"), ("--threads", "2", "check", "a")])
def test_wrong_words_for_the_program(roish, words):
    """Are an error of use."""
    done = roish(*words)
    assert done.returncode == 2
    assert "Error: " in done.stderr


def test_without_tclint(roish, tmp_path):
    """The message says how to install it."""
    (tmp_path / "hidden" / "tclint").mkdir(parents=True)
    (tmp_path / "hidden" / "tclint" / "__init__.py").write_text(
        "raise ModuleNotFoundError('No module named tclint', name='tclint')"
    )
    (tmp_path / "a.tcl").touch()
    done = roish("check", "a.tcl", variables={"PYTHONPATH": str(tmp_path / "hidden")})
    assert done.returncode == 1
    assert done.stderr.startswith("roish: check needs tclint: run pip install '.[check]'")


# ---- tclint and its language server ----------------------------------------------------------------------------------


def program(name: str) -> str:
    """A program beside this Python."""
    beside = str(pathlib.Path(sys.executable).parent)
    return shutil.which(name, path=beside) or pytest.skip(f"{name} is not installed")


def test_tclint_knows_the_commands(tmp_path):
    """By the entry point, if its settings name it."""
    (tmp_path / "tclint.toml").write_text('commands = ["roish"]\n')
    (tmp_path / "a.tcl").write_text("set x [torch::zeros {2 3}]\ntorch::relu -inptu $x\ncatch {torch::zeros y}\n")
    done = subprocess.run([program("tclint"), "a.tcl"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "a.tcl:2:13: Unknown parameter: -inptu; did you mean -input? [command-args]\n"
    assert done.returncode == 1


def test_the_language_server_knows_the_commands(tmp_path):
    """An editor that opens a script gets the places of its errors."""
    (tmp_path / "tclint.toml").write_text('commands = ["roish"]\n')
    script = tmp_path / "a.tcl"
    document = {"uri": script.as_uri(), "languageId": "tcl", "version": 1, "text": "torch::relu -inptu 1\n"}
    script.write_text(document["text"])
    folders = [{"uri": tmp_path.as_uri(), "name": "a"}]
    messages = [
        {"id": 1, "method": "initialize",
         "params": {"processId": None, "rootUri": tmp_path.as_uri(), "capabilities": {}, "workspaceFolders": folders}},
        {"method": "initialized", "params": {}},
        {"method": "textDocument/didOpen", "params": {"textDocument": document}},
        {"id": 2, "method": "textDocument/diagnostic", "params": {"textDocument": {"uri": document["uri"]}}},
    ]  # fmt: skip
    server = subprocess.Popen([program("tclsp")], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        for message in messages:
            body = json.dumps({"jsonrpc": "2.0", **message}).encode()
            server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        server.stdin.flush()
        found = next(each for each in _answers(server.stdout) if each.get("id") == 2)
    finally:
        server.kill()
        server.communicate()
    diagnostic = found["result"]["items"][0]
    assert diagnostic["message"] == "Unknown parameter: -inptu; did you mean -input?"
    assert diagnostic["range"]["start"] == {"line": 0, "character": 12}  # which LSP counts from 0


def _answers(stream):
    """The messages of a language server."""
    while header := stream.readline():
        if header.lower().startswith(b"content-length:"):
            while stream.readline().strip():
                pass
            yield json.loads(stream.read(int(header.split(b":")[1])))


def test_a_file_with_a_mark_of_its_encoding(roish, tmp_path):
    """The mark is no part of the first command, as for Tcl's `source`."""
    (tmp_path / "x.tcl").write_bytes(b"\xef\xbb\xbftorch::zeros y\n")
    done = roish("check", "x.tcl")
    assert done.returncode == 1
    assert done.stdout.startswith("x.tcl:1:14: Invalid shape value")
