"""``--resume``: what was done is kept, what is missing, failed or changed is done; the journal outlives any end."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time

from mapping import CAPITALS, capitals_of

from tclcmd.batch import journal

WORDS = ("s.tcl", "in/*.txt", "-o", "out", "--report", "r", "--jobs", "1")


def states(place):
    """Of the last run: the name of each input and its state."""
    return {os.path.basename(line["input"]): line["state"] for line in place.lines("r")}


def test_what_changed_is_done_again(place):
    """An input of another size or time, one without its output or with one of another size, one that had failed."""
    paths = place.add(7)
    place.script('if {$index == 6 && ![file exists go]} {error "not yet"}\n' + CAPITALS)
    assert place.run(*WORDS).status == 1
    paths[1].write_text("longer than it was before")
    os.utime(paths[2], ns=(0, 0))
    (place.folder / "out" / "03.txt").unlink()
    (place.folder / "out" / "04.txt").write_text("")
    (place.folder / "go").touch()
    assert place.run(*WORDS, "--resume").status == 0
    kept = {name for name, state in states(place).items() if state == "kept"}
    assert kept == {"00.txt", "05.txt"}
    assert len(states(place)) == 7
    assert place.outputs() == {path.name: capitals_of(index, path.read_text()) for index, path in enumerate(paths)}
    assert place.run(*WORDS, "--resume").status == 0
    assert set(states(place).values()) == {"kept"}


def test_a_changed_script_does_all_again(place):
    """By its content: another time alone changes nothing."""
    place.add(2)
    script = place.script(CAPITALS)
    place.run(*WORDS)
    os.utime(place.folder / script, ns=(0, 0))
    place.run(*WORDS, "--resume")
    assert set(states(place).values()) == {"kept"}
    place.script(CAPITALS + "\n# more\n")
    place.run(*WORDS, "--resume")
    assert set(states(place).values()) == {"done"}


def test_checksums_see_the_content(place):
    """Time does not matter then, and a change that leaves size and time is seen."""
    paths = place.add(3)
    place.script(CAPITALS)
    assert place.run(*WORDS, "--checksum").status == 0
    os.utime(paths[0], ns=(0, 0))
    before = os.stat(paths[1])
    paths[1].write_text(paths[1].read_text().replace("i", "j"))
    os.utime(paths[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert place.run(*WORDS, "--checksum", "--resume").status == 0
    assert states(place) == {"00.txt": "kept", "01.txt": "done", "02.txt": "kept"}
    assert place.outputs()["01.txt"] == capitals_of(1, paths[1].read_text())


def test_without_resume_all_is_done_again(place):
    """And the journal begins again."""
    place.add(2)
    place.script(CAPITALS)
    for _ in range(2):
        place.run(*WORDS)
        assert set(states(place).values()) == {"done"}
        assert len(list(journal.records(str(place.folder / "out/.roish-map/journal.jsonl")))) == 2


def test_an_output_that_an_input_has_no_more_goes(place):
    """As in a run that never had it."""
    paths = place.add(2)
    place.script("if {[file size $input] > 0} {close [open $output w]}")
    place.run(*WORDS)
    assert sorted(place.outputs()) == ["00.txt", "01.txt"]
    paths[0].write_text("")
    place.run(*WORDS, "--resume")
    assert sorted(place.outputs()) == ["01.txt"]


# ---- The journal -----------------------------------------------------------------------------------------------------


def test_a_journal_that_ends_anywhere_is_read(tmp_path):
    """Cut at each byte, it has just the whole lines before; what is appended then is read, too."""
    path = str(tmp_path / "j")
    entries = [journal.Entry(f"/in/{name}", 1, 2, "s", "done", output="ü") for name in ("a", "b\udcff")]
    file = journal.JsonLines(path, goes_on=False)
    for entry in entries:
        file.append(entry.record())
    file.close()
    with open(path, "rb") as whole:
        content = whole.read()
    assert content.count(b"\n") == 2
    first = content.index(b"\n")
    for length in range(len(content) + 1):
        with open(path, "wb") as cut:
            cut.write(content[:length])
        expected = entries[: (length >= first) + (length >= len(content) - 1)]
        assert journal.entries(path) == {entry.input: entry for entry in expected}
        later = journal.Entry("/in/c", 3, 4, "s", "failed")
        file = journal.JsonLines(path, goes_on=True)
        file.append(later.record())
        file.close()
        assert journal.entries(path) == {entry.input: entry for entry in [*expected, later]}


def test_lines_that_are_no_records_are_ignored(tmp_path):
    """Zeros of a power failure, other versions, other JSON; the last entry of an input counts."""
    entry = journal.Entry("/in/a", 1, 2, "s", "done")
    lines = [b"\0" * 100, b"[1]", b"3", b'{"input": "/in/b"}', b'{"future": 1}', b"\xff\xfe", b""]
    lines += [json.dumps(journal.Entry("/in/a", 1, 2, "s", "failed").record()).encode()]
    lines += [json.dumps(entry.record()).encode()]
    (tmp_path / "j").write_bytes(b"\n".join(lines))
    assert journal.entries(str(tmp_path / "j")) == {"/in/a": entry}
    assert journal.entries(str(tmp_path / "none")) == {}


def test_a_line_that_finds_no_room_leaves_no_trace(tmp_path):
    """The file is as before, by a limit of its size: the kernel writes a part of the line and refuses the rest."""
    from children import run_child

    def write(path):
        import resource

        from tclcmd.batch import journal

        file = journal.JsonLines(path, goes_on=False)
        file.append({"a": 1})
        resource.setrlimit(resource.RLIMIT_FSIZE, (12, resource.RLIM_INFINITY))
        try:
            file.append({"b": 22})
        except OSError as error:
            print(error.errno)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        file.append({"c": 3})
        file.close()

    assert run_child(write, str(tmp_path / "j")).strip() == "27"  # EFBIG
    assert (tmp_path / "j").read_text() == '{"a":1}\n{"c":3}\n'


# ---- Killed ----------------------------------------------------------------------------------------------------------


class Watch:
    """Looks at an output folder all the time, and notes files that are not whole when they are first seen."""

    def __init__(self, folder):
        self._folder = folder
        self._seen = set()
        self.partial = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    @property
    def count(self):
        """The number of files that were seen."""
        return len(self._seen)

    def _look(self):
        while not self._stop.is_set():
            for entry in os.scandir(self._folder) if self._folder.is_dir() else ():
                if entry.is_file() and (entry.name, entry.inode()) not in self._seen:
                    with open(entry.path) as file:
                        text = file.read()
                    self._seen.add((entry.name, entry.inode()))
                    if not text.endswith("end\n"):
                        self.partial.append((entry.name, text))


#: What is wrong with some inputs, until the file `tame` is there: one crashes, one never ends, one takes memory.
WILD = """\
if {![file exists tame]} {
    switch $index {
        3 {exec kill -SEGV [pid]}
        5 {while 1 {}}
        7 {torch::ones {1000 1000 1000}}
    }
}
"""


def test_the_watch_sees_half_a_file(tmp_path):
    """It would notice what the next test says never happens."""
    with Watch(tmp_path) as watch:
        with open(tmp_path / "a.txt", "w") as file:
            file.write("half")
            file.flush()
            time.sleep(0.2)
            file.write("end\n")
        (tmp_path / "b.txt").touch()
        time.sleep(0.2)
    assert {name for name, text in watch.partial if text in ("", "half")} == {"a.txt", "b.txt"}


def test_a_driver_that_is_killed_at_any_moment(place, request):
    """Then resumed: each input is accounted for once, outputs are those of an undisturbed run, nothing is left.

    Some inputs fail for causes of their own, one cannot be read, and workers are killed, too. In a sample of the tests,
    there are fewer inputs, and the driver is killed three times instead of twenty.
    """
    is_sample = request.config.getoption("sample")
    count, kills, latest = (40, 3, 1.5) if is_sample else (1000, 20, 2.5)
    paths = place.add(count)
    place.script(WILD + CAPITALS)
    words = ["s.tcl", *(str(path) for path in paths), "--jobs", "2", "--report", "r"]
    (place.folder / "tame").touch()
    assert place.run(*words, "-o", "undisturbed").status == 0
    (place.folder / "tame").unlink()
    unreadable, content = paths[9], paths[9].read_text()
    unreadable.unlink()
    words += ["-o", "out", "--resume", "--timeout", "2", "--memory-limit", "400M", "--retries", "1"]
    dice = random.Random(7)
    done_before = 0
    with Watch(place.folder / "out") as watch:
        for number in range(kills):
            process = place.start(*words)
            time.sleep(dice.uniform(0.2, latest))
            if number % 5 == 2 and (workers := [each for each in place.processes() if each != process.pid]):
                os.kill(dice.choice(workers), signal.SIGKILL)
                time.sleep(0.3)
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            assert len(place.outputs()) >= done_before  # what is done stays
            done_before = len(place.outputs())
        last = place.run(*words)
    assert last.status == 1
    lines = place.lines("r")
    assert sorted(line["index"] for line in lines) == list(range(count))
    assert sorted(line["index"] for line in lines if line["state"] == "failed") == [3, 5, 7, 9]
    assert (watch.partial, watch.count >= count - 4) == ([], True)
    (place.folder / "tame").touch()
    unreadable.write_text(content)
    assert place.run(*words).status == 0
    assert sorted(line["index"] for line in place.lines("r") if line["state"] == "done") == [3, 5, 7, 9]
    assert place.outputs() == place.outputs("undisturbed")
    assert place.outputs() == {path.name: capitals_of(index, path.read_text()) for index, path in enumerate(paths)}
    assert place.private() == {"journal.jsonl", "lock"}
    place.wait_until_none_is_alive()
    entries = journal.entries(str(place.folder / "out/.roish-map/journal.jsonl"))
    assert {entry.state for entry in entries.values()} == {"done"}
    assert set(entries) == set(map(str, paths))
