"""``roish map``: inputs, variables, outputs and their names, reports, and what the command line refuses."""

from __future__ import annotations

import os
import pathlib
import pty
import re
import subprocess
import sys
import termios

import pytest
from mapping import CAPITALS, capitals_of

SAY = "puts [list $index [file tail $input]]"


def test_the_script_runs_once_per_input(place):
    """With input, output and index; each output is what Python says it must be."""
    paths = place.add(5)
    done = place.run(place.script(CAPITALS), *map(str, paths), "--output", "out", "--jobs", "2")
    assert (done.status, done.said) == (0, "")
    expected = {path.name: capitals_of(index, path.read_text()) for index, path in enumerate(paths)}
    assert place.outputs() == expected
    assert place.private() == {"journal.jsonl", "lock"}
    assert done.complained.startswith("roish map: 5 inputs: 5 done; ")


def test_the_interpreter_is_fresh_and_the_process_is_not(place):
    """Variables, procedures, the current folder and the number of threads are those of the beginning."""
    script = place.script("""
        if {[info exists ::before] || [llength [info procs mine]]} {error "not fresh"}
        set before 1
        proc mine {} {}
        puts [list [pid] [pwd] [torch::get_num_threads] $argc [file tail $argv0] [info exists output]]
        torch::set_num_threads 2
        cd /
    """)
    place.add(4)
    done = place.run(script, "in/*.txt", "--jobs", "1", "--quiet")
    assert (done.status, done.complained) == (0, "")
    rows = {line.split(" ", 1)[1] for line in done.said.splitlines()}
    assert rows == {f"{place.folder} 1 0 s.tcl 0"}
    assert len({line.split(" ", 1)[0] for line in done.said.splitlines()}) == 1


def test_inputs_from_everywhere_are_each_done_once(place):
    """Words, patterns, a list on standard input and one in a file; names of any bytes."""
    place.add(3)
    (place.folder / "in" / "a b[1].txt").write_text("")
    open(os.fsencode(place.folder / "in") + b"/gr\xc3\xb6\xc3\x9fe.txt", "w").close()
    (place.folder / "list").write_text("in/01.txt\r\n\nin/02.txt\n")
    done = place.run(
        place.script(SAY), "in/00.txt", "in/0[0-2].txt", "-", "--input-list", "list", "in/a b[1].txt",
        "--jobs", "1", input="in/größe.txt\nin/00.txt\n",
    )  # fmt: skip
    assert done.status == 0
    names = ["00.txt", "01.txt", "02.txt", "größe.txt", "a b[1].txt"]
    expected = [f"{index} {name if ' ' not in name else '{' + name + '}'}" for index, name in enumerate(names)]
    assert done.said.splitlines() == expected


def test_a_name_that_is_no_text_is_told(place):
    """Tcl has no word for bytes that are no UTF-8; the file is named by escapes, and the others are done."""
    place.add(1)
    with open(os.fsencode(place.folder) + b"/in/\xff.txt", "wb") as file:
        file.write(b"x")
    done = place.run(place.script(CAPITALS), "in/*.txt", "-o", "out", "--report", "r")
    assert (done.status, list(place.outputs())) == (1, ["00.txt"])
    assert re.search(r"^in/\S+\.txt +s\.tcl:1  couldn't open", done.complained, re.MULTILINE)  # as the locale has it
    assert "1 done, 1 failed" in done.complained
    assert [os.fsencode(line["input"])[-5:] for line in place.lines("r") if "line" in line] == [b"\xff.txt"]


def test_a_script_that_wants_an_output_says_how(place):
    """Without --output there is no variable of that name."""
    place.add(1)
    done = place.run(place.script(CAPITALS), "in/*.txt")
    assert done.status == 1
    assert 'can\'t read "output": no such variable; --output FOLDER sets it' in done.complained


def test_names_of_outputs(place):
    """The input's, its suffix replaced; folders below --base stay."""
    for name in ("a/x.tar.gz", "b/x.tar.gz"):
        (place.folder / "in" / name).parent.mkdir()
        (place.folder / "in" / name).write_text("x")
    words = [place.script(CAPITALS), "in/*/*.gz", "--output", "out"]
    done = place.run(*words, "--suffix", ".npy")
    assert done.status == 2
    assert "would have the same output, x.tar.npy: name the folder that contains both by --base" in done.complained
    assert not (place.folder / "out").exists()
    assert place.run(*words, "--suffix", "_crops.txt", "--base", "in").status == 0
    assert sorted(place.outputs()) == ["a/x.tar_crops.txt", "b/x.tar_crops.txt"]
    done = place.run(*words, "--base", "in/a")
    assert (done.status, "is not below in/a, which --base names" in done.complained) == (2, True)


def test_an_output_may_be_a_folder_and_what_lies_beside_it_goes(place):
    """It replaces the folder of an earlier run, not mixing with it."""
    place.add(1)
    text = "file mkdir $output; close [open $output/{} w]; close [open [file dirname $output]/scratch w]"
    for name in ("one", "two"):
        assert place.run(place.script(text.format(name)), "in/00.txt", "-o", "out", "--suffix", "").status == 0
        assert list(place.outputs()) == [f"00/{name}"]
        assert place.private() == {"journal.jsonl", "lock"}


def test_a_script_need_not_write_and_may_exit(place):
    """By `exit` or `exit 0` it has ended well, by another status it has failed."""
    place.add(3)
    script = place.script("if {$index < 2} {exit {*}[lindex {{} 0} $index]}; exit 3")
    done = place.run(script, "in/*.txt", "-o", "out", "--report", "r")
    assert done.status == 1
    assert [line["state"] for line in sorted(place.lines("r"), key=lambda line: line["index"])] == [
        "done",
        "done",
        "failed",
    ]
    assert "the script ended with exit status 3" in done.complained
    assert place.outputs() == {}


def test_what_scripts_write_is_passed_on_whole(place):
    """Of several processes at the same time, the lines of an input stay together, on each stream."""
    place.add(6)
    text = "foreach n {1 2 3} {puts $index; puts stderr e$index; flush stdout; flush stderr; after 5}"
    done = place.run(place.script(text), "in/*.txt", "--jobs", "3", "-q")
    for said, prefix in ((done.said, ""), (done.complained, "e")):
        rows = said.split()
        assert sorted(rows) == sorted(f"{prefix}{index}" for index in range(6) for _ in range(3))
        assert all(len(set(rows[at : at + 3])) == 1 for at in range(0, 18, 3))


def test_long_output_is_cut(place):
    """A script that writes without end costs neither memory nor the others."""
    place.add(1)
    done = place.run(place.script('puts [string repeat "x" 3000000]'), "in/00.txt", "-q")
    assert done.said.endswith("x\n... (1951425 more bytes)\n")  # 3 000 001 - 2^20


def test_the_report_has_a_line_per_input(place):
    """With state, time, memory and, after a failure, message, line and trace of the script."""
    paths = place.add(3)
    script = place.script('if {$index == 1} {\n  error "no luck"\n}\nclose [open $output w]\n')
    assert place.run(script, "in/*.txt", "-o", "out", "--report", "r").status == 1
    lines = sorted(place.lines("r"), key=lambda line: line["index"])
    assert [line["input"] for line in lines] == list(map(str, paths))
    assert [line["state"] for line in lines] == ["done", "failed", "done"]
    assert [line.get("output") for line in lines] == ["00.txt", None, "02.txt"]
    assert lines[1]["message"] == "no luck"
    assert lines[1]["line"] == 2
    assert lines[1]["trace"].startswith("no luck\n    while executing")
    for line in lines:
        assert 0 < line["seconds"] < 60
        assert 10 << 20 < line["peak_memory"] < 4 << 30  # Python and NumPy alone are 20 MiB and more
        assert line["attempts"] == 1


def test_peak_memory_is_of_the_input_alone(place):
    """A large input before does not count, though the process is the same."""
    place.add(2)
    script = place.script("if {$index == 0} {set x [torch::ones {50 1000 1000}]}")  # 200 MB
    place.run(script, "in/*.txt", "--jobs", "1", "--report", "r")
    first, second = (line["peak_memory"] for line in place.lines("r"))
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("the system does not measure it")
    assert first - second > 150 << 20


def test_the_table_of_failures(place):
    """Input, line, message; of a procedure the line within it; no more than twenty."""
    place.add(25)
    script = place.script("proc f {} {\n    torch::zeros {-1}\n}\n\nf\n")
    done = place.run(script, "in/*.txt", "-q", "--jobs", "1")
    rows = done.complained.splitlines()
    assert rows[0].split() == ["input", "line", "message"]
    assert rows[1].startswith("in/00.txt  s.tcl:2  Invalid shape value: ")
    assert rows[21] == "... and 5 more, which --report FILE lists"
    assert len(rows) == 22


def test_fail_fast_stops(place):
    """What has not begun is not begun, and --resume does it."""
    place.add(30)
    script = place.script('if {$index == 2 && ![file exists go]} {error "stop"}; after 20; close [open $output w]')
    words = [script, "in/*.txt", "-o", "out", "--jobs", "1"]
    done = place.run(*words, "--fail-fast")
    assert done.status == 1
    assert "1 failed" in done.complained
    assert len(place.outputs()) < 10
    (place.folder / "go").touch()
    assert place.run(*words, "--resume").status == 0
    assert len(place.outputs()) == 30


def test_plain_lines_where_there_is_no_terminal(place):
    """None within the first ten seconds but the sum, and with --quiet not that either."""
    place.add(2)
    script = place.script("set x 1")
    assert len(place.run(script, "in/*.txt").complained.splitlines()) == 1
    assert place.run(script, "in/*.txt", "--quiet").complained == ""


def test_lines_of_progress(monkeypatch, capsys):
    """With the rate, the time left and the failures: 3 of 8 in 2 s are 1.5/s, which leaves 5 / 1.5 s."""
    from tclcmd.batch import progress
    from tclcmd.batch.outcome import Outcome, Task

    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "LINE_SECONDS", 1.0)
    display = progress.Display("s.tcl", 8, is_quiet=False)
    for index, message in enumerate((None, "bad", None)):
        now[0] = 102.0 if index == 2 else 100.5
        display.settle(Task(index, "/x"), Outcome(message))
    assert capsys.readouterr().err == "roish map: 3 of 8, 1 failed, 1.5/s, 3.3 s left\n"


def test_a_bar_on_a_terminal(place):
    """With numbers, rate and failures; what scripts write does not go into it."""
    place.add(4)
    script = place.script('puts "said $index"; if {$index == 1} {error "bad"}; after 150')
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = place.start(script, "in/*.txt", "--jobs", "1", stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    said, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 1
    assert said.splitlines() == [f"said {index}" for index in range(4)]
    assert b"0/4 [" in shown
    assert b"failed=1" in shown
    assert b" inputs/s" in shown
    assert b"4 inputs: 3 done, 1 failed" in shown


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["s.tcl"], 2, "there are no inputs"),
        ([], 2, "Missing argument 'SCRIPT'"),
        (["none.tcl", "in/00.txt"], 1, "none.tcl: no such file or directory"),
        (["s.tcl", "in/*.png"], 2, "no file matches in/*.png"),
        (["s.tcl", "--input-list", "none"], 2, "cannot read the list of inputs none: no such file or directory"),
        (["s.tcl", "in/00.txt", "--resume"], 2, "--resume needs --output DIR"),
        (["s.tcl", "in/00.txt", "--suffix", ".x"], 2, "--suffix needs --output DIR"),
        (["s.tcl", "in/00.txt", "-o", "out", "--suffix", "/x"], 2, "--suffix is the end of a file's name, got /x"),
        (["s.tcl", "in/00.txt", "-o", "out", "--gather"], 2, "--gather needs --scheduler ADDRESS"),
        (["s.tcl", "in/00.txt", "--jobs", "0"], 2, "0 is not in the range 1<=x<=1024"),
        (["s.tcl", "in/00.txt", "--timeout", "0"], 2, "0 is not in the range x>0"),
        (["s.tcl", "in/00.txt", "--memory-limit", "much"], 2, "a number of bytes such as 65536, 64M or 1G, got 'much'"),
        (["s.tcl", "in/00.txt", "--memory-limit", "-1M"], 2, "expected a number of bytes"),
        (["s.tcl", "in/00.txt", "--output", "s.tcl"], 1, "cannot write s.tcl: "),
        (["s.tcl", "in/00.txt", "--report", "/none/r"], 1, "cannot write /none/r: no such file or directory"),
        (["s.tcl", "in/00.txt", "--report", "/dev/full"], 1, "cannot write /dev/full: no space left on device"),
        (["s.tcl", "in/00.txt", "--scheduler", "local:0"], 2, "takes 1 to 1024 processes, got local:0"),
    ],
)  # fmt: skip
def test_what_is_refused(place, words, status, message):
    """With a message that names the option and the rule, and nothing done."""
    place.add(1)
    place.script("puts ran")
    if "local:0" in words:
        pytest.importorskip("distributed")
    done = place.run(*words)
    assert (done.status, message in done.complained) == (status, True), done.complained
    assert not (place.folder / "out").exists()


def test_another_run_in_the_same_folder_is_refused(place):
    """While the first is alive; it is not disturbed."""
    place.add(1)
    script = place.script("close [open begun w]; while {![file exists go]} {after 10}; close [open $output w]")
    first = place.start(script, "in/00.txt", "-o", "out")
    from mapping import wait_for

    wait_for((place.folder / "begun").exists)
    done = place.run(script, "in/00.txt", "-o", "out")
    assert (done.status, "another run is writing to out" in done.complained) == (1, True)
    (place.folder / "go").touch()
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert list(place.outputs()) == ["00.txt"]


def test_a_script_that_is_called_map_is_run_as_ever(roish, tmp_path):
    """The file in the current folder comes first; the command has another name then, too."""
    (tmp_path / "map").write_text("puts [list file $argv]\n")
    assert roish("map", "a").stdout == "file a\n"
    done = subprocess.run(
        [sys.executable, "-I", "-m", "tclcmd.batch", "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "Runs SCRIPT once for each INPUT" in done.stdout
    os.unlink(tmp_path / "map")
    pathlib.Path(tmp_path / "map").mkdir()
    assert "Runs SCRIPT once for each INPUT" in roish("map", "--help").stdout


def test_options_of_the_shell_are_not_those_of_map(roish):
    """They are refused rather than ignored."""
    done = roish("--threads", "2", "map", "s.tcl", "x")
    assert (done.returncode, "map takes its own options, which follow it" in done.stderr) == (2, True)


def test_an_output_does_not_replace_an_input(place):
    """Nor through a link to the folder; with a suffix of its own it lies beside."""
    place.add(2)
    (place.folder / "link").symlink_to("in")
    script = place.script(CAPITALS)
    for folder in ("in", "link", "./in/../in"):
        done = place.run(script, "in/*.txt", "--output", folder)
        assert done.status == 2
        assert "is an input, and would be replaced: give another --output or a --suffix" in done.complained
    assert place.run(script, "in/*.txt", "--output", "in", "--suffix", ".out").status == 0
    assert (place.folder / "in" / "00.out").exists()


def test_the_first_input_that_cannot_be_read_stops_a_run_that_fails_fast(place):
    """Of a thousand that are missing, not all are told."""
    missing = [f"missing{number}" for number in range(1000)]
    done = place.run(place.script(CAPITALS), *missing, "--output", "out", "--fail-fast")
    assert done.status == 1
    assert done.complained.count("cannot read missing") < 10


def test_options_before_the_word(roish, tmp_path):
    """Are refused where they are given, and not where a variable of the environment sets one."""
    (tmp_path / "s.tcl").write_text("puts $input\n")
    for options in (["--memory-limit", "1G"], ["--version"], ["--norc"], ["--keep-going"]):
        done = roish(*options, "map", "s.tcl", "s.tcl")
        assert (done.returncode, "map takes its own options" in done.stderr) == (2, True), options
    done = roish("map", "s.tcl", "s.tcl", variables={"ROISH_KEEP_GOING": "1"})
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 's.tcl'}\n")
