"""An output has its name only when its content is on the disk, and no worker waits for the disk."""

from __future__ import annotations

import errno
import os
import threading
import time

import numpy as np
import pytest
from mapping import short_call

from tclcmd.batch import outputs, pool, script
from tclcmd.batch.outcome import Job, Outcome, Task
from tclcmd.files import npy, wholefile

SAVES = "torch::tensor_save [torch::ones 2] $output; set other [file join [file dirname $input] other.npy]\n"


@pytest.fixture
def flushed(monkeypatch):
    """The files that were flushed, by what was at their end: a path, or the number of a file without a name."""
    found = []
    for name in ("fsync", "fdatasync"):
        real = getattr(os, name)

        def noted(descriptor, real=real):
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
            real(descriptor)

        monkeypatch.setattr(os, name, noted)
    monkeypatch.setattr(wholefile, "_flushed_later", set())
    script._own_folder.cache_clear()
    yield found
    script._own_folder.cache_clear()


def _run(tmp_path, text: str, **options: bool) -> Outcome:
    path = tmp_path / "s.tcl"
    path.write_text(text)
    work = tmp_path / "work"
    work.mkdir()
    job = Job(str(path), script.inputs.digest(str(path)), str(work), **options)
    return script.run(job, Task(0, str(tmp_path / "x.jpg"), "x.npy"))


def test_a_worker_leaves_the_flush_to_the_driver(tmp_path, flushed):
    """One flush of each output in all, which is the driver's."""
    outcome = _run(tmp_path, SAVES)
    assert outcome.message is None
    assert flushed == []
    done = outputs.Outputs(str(tmp_path / "out")).finished(outcome)
    assert done is outcome
    assert flushed == [outcome.written]


def test_a_worker_on_another_machine_flushes(tmp_path, flushed):
    """There, the driver's flush would not reach the file."""
    outcome = _run(tmp_path, SAVES, flushes=True)
    assert outcome.message is None
    assert flushed == [os.path.join(os.path.dirname(flushed[0]), "x.npy")]


def test_what_is_written_elsewhere_is_flushed_at_once(tmp_path, flushed):
    """Only the folder of $output is waited for later."""
    outcome = _run(tmp_path, SAVES + "torch::tensor_save [torch::ones 2] $other")
    assert outcome.message is None
    assert len(flushed) == 1
    assert str(tmp_path / "work") not in flushed[0]


def test_all_files_of_a_folder_are_flushed(tmp_path, flushed):
    """An output that is a folder is flushed with all that it has, to the last level."""
    text = "file mkdir $output/a; close [open $output/a/1 w]; torch::tensor_save [torch::ones 2] $output/2.npy"
    outcome = _run(tmp_path, text)
    flushed.clear()  # a folder below the one that is flushed later is not
    outputs.flush(outcome.written)
    assert sorted(flushed) == sorted(outcome.written + rest for rest in ("", "/a", "/a/1", "/2.npy"))


def test_a_flush_that_fails_fails_the_input(tmp_path, monkeypatch):
    """A full disk may be noticed only then."""

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = outputs.Outputs(str(tmp_path / "out"))
    npy.save(str(tmp_path / "x.npy"), np.ones(2), None)
    monkeypatch.setattr(os, "fdatasync", full)
    outcome = folder.finished(Outcome(written=str(tmp_path / "x.npy")))
    assert outcome.message == "cannot write the output: no space left on device"
    assert outcome.written == str(tmp_path / "x.npy")  # for the driver to remove


def test_the_worker_goes_on_while_outcomes_wait_for_the_disk():
    """As many outcomes may wait as there are threads for it, and the one worker does all calls meanwhile."""
    gate, waiting = threading.Event(), []

    def finish(outcome):
        waiting.append(outcome.line)
        assert gate.wait(60)
        return outcome

    workers = pool.Pool(1, finish=finish)
    try:
        futures = [workers.submit(short_call, number) for number in range(pool.FINISHING)]
        until = time.monotonic() + 60
        while len(waiting) < pool.FINISHING:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert not any(future.done() for future in futures)
        gate.set()
        assert [future.result(60).line for future in futures] == list(range(pool.FINISHING))
        assert sorted(waiting) == list(range(pool.FINISHING))
    finally:
        gate.set()
        workers.kill()


def test_a_pool_that_ends_waits_for_the_disk():
    """The outcomes of calls that have ended are not lost."""

    def finish(outcome):
        time.sleep(0.2)
        return outcome

    workers = pool.Pool(1, finish=finish)
    futures = [workers.submit(short_call, number) for number in range(3)]
    workers.shutdown()
    assert [future.result(0).line for future in futures] == [0, 1, 2]


def test_a_kill_waits_for_no_disk():
    """One that does not answer would hold up the end of the run."""
    gate, is_waiting = threading.Event(), threading.Event()

    def finish(outcome):
        is_waiting.set()
        gate.wait(60)
        return outcome

    workers = pool.Pool(1, finish=finish)
    future = workers.submit(short_call, 1)
    assert is_waiting.wait(60)
    begin = time.monotonic()
    workers.kill()
    try:
        assert time.monotonic() - begin < 20
        assert not future.done()
    finally:
        gate.set()


def test_a_fault_of_finishing_is_an_error_of_its_call():
    """And of no other."""

    def finish(outcome):
        if outcome.line == 1:
            raise ValueError("no")
        return outcome

    workers = pool.Pool(1, finish=finish)
    try:
        futures = [workers.submit(short_call, number) for number in range(3)]
        assert [str(future.exception(60)) for future in futures] == ["None", "no", "None"]
    finally:
        workers.kill()
