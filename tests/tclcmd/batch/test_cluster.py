"""``roish map --scheduler``: a real Dask cluster on loopback, whose parts are killed, restarted and added."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
from mapping import CAPITALS, Place, capitals_of, wait_for

pytest.importorskip("distributed", reason="distributed is not installed")

DASK = shutil.which("dask", path=os.path.dirname(sys.executable)) or "dask"


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DaskCluster:
    """A scheduler and workers, each a program of its own."""

    def __init__(self, place):
        self.place = place
        self._port = free_port()
        self.address = f"tcp://127.0.0.1:{self._port}"
        self.scheduler = None
        self.workers = []
        self._logs = {}  # by process

    def _start(self, *words):
        path = self.place.folder / f"dask-{time.monotonic_ns()}.log"
        scratch = self.place.folder / "scratch"
        with open(path, "w") as log:
            process = subprocess.Popen(
                [DASK, *words], stdout=log, stderr=log, start_new_session=True, cwd=self.place.folder,
                env={**self.place.environment, "DASK_TEMPORARY_DIRECTORY": str(scratch)},
            )  # fmt: skip
        self._logs[process] = path
        return process

    def wait_for(self, workers):
        """Waits until the scheduler has these workers."""
        wait_for(lambda: all("Registered to:" in self._logs[worker].read_text() for worker in workers), 120)

    def start_scheduler(self):
        """At the same address each time."""
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard")
        wait_for(self._listens)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def add_worker(self):
        """One with a single thread. Without a nanny, which would be a second process that takes as long to start."""
        words = ["worker", self.address, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--no-nanny"]
        self.workers.append(self._start(*words, "--memory-limit", "0"))

    def kill(self, process):
        """Ends a program of the cluster, and what belongs to it, by SIGKILL."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def __enter__(self):
        self.start_scheduler()
        return self

    def __exit__(self, *_):
        for process in [self.scheduler, *self.workers]:
            if process.poll() is None:
                self.kill(process)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster of a scheduler and two workers, for all tests that leave it as it is."""
    with DaskCluster(Place(tmp_path_factory.mktemp("cluster"))) as cluster:
        for _ in range(2):
            cluster.add_worker()
        yield cluster


def command_of(process):
    """The command line of a process; empty if it has ended."""
    try:
        return pathlib.Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def expected(paths):
    """What CAPITALS writes for each."""
    return {path.name: capitals_of(index, path.read_text()) for index, path in enumerate(paths)}


def test_parts_are_killed_restarted_and_added(place, request):
    """Workers that join late, a worker killed, the scheduler restarted: nothing lost, nothing twice.

    A Dask worker ends when the connection to its scheduler breaks. In a sample of the tests, there are fewer inputs.
    """
    count = 40 if request.config.getoption("sample") else 100
    paths = place.add(count)
    go = place.folder / "go"
    script = place.script(f"if {{$index > 25}} {{while {{![file exists {go}]}} {{after 50}}}}\nafter 100\n" + CAPITALS)
    complaints = place.folder / "complaints"
    with DaskCluster(place) as cluster, open(complaints, "w") as stderr:
        words = [script, "in/*.txt", "-o", "out", "--scheduler", cluster.address, "--report", "r"]
        process = place.start(*words, stderr=stderr)
        wait_for(lambda: "roish map: there are no Dask workers at tcp://" in complaints.read_text(), 120)
        for _ in range(3):
            cluster.add_worker()
        wait_for(lambda: len(place.outputs()) > 5, 120)
        cluster.kill(cluster.workers[0])
        wait_for(lambda: len(place.outputs()) > 12, 120)
        cluster.wait_for(cluster.workers[1:])
        cluster.kill(cluster.scheduler)
        for worker in cluster.workers[1:]:
            assert worker.wait(60) == 0
        go.touch()
        cluster.start_scheduler()
        for _ in range(2):  # as a deployment does
            cluster.add_worker()
        process.communicate(timeout=240)
    told = complaints.read_text()
    assert process.returncode == 0, told
    assert all(line.startswith("roish map: ") for line in told.splitlines()), told
    assert told.index("roish map: the scheduler at tcp://") < told.index("roish map: there is a scheduler again")
    assert place.outputs() == expected(paths)
    assert sorted(line["index"] for line in place.lines("r")) == list(range(count))
    assert {line["state"] for line in place.lines("r")} == {"done"}
    assert place.private() == {"journal.jsonl", "lock"}


def test_hazards_cost_their_inputs_and_no_worker(place, cluster):
    """The limits hold on the cluster, too, and so does --resume from a run on this machine."""
    paths = place.add(8)
    tame = place.folder / "tame"
    script = place.script(f"set tame {tame}" + """
        if {![file exists $tame]} {
            switch $index {
                1 {exec kill -SEGV [pid]}
                3 {while 1 {}}
                5 {torch::ones {1000 1000 1000}}
                7 {error "bad input"}
            }
        }
        puts "said $index"
    """ + CAPITALS)  # fmt: skip
    words = [script, "in/*.txt", "-o", "out", "--report", "r", "--timeout", "3", "--memory-limit", "400M"]
    done = place.run(*words, "--scheduler", cluster.address)
    assert done.status == 1
    failed = {line["index"]: line["message"] for line in place.lines("r") if line["state"] == "failed"}
    assert failed.pop(5).startswith("Out of memory: ")
    assert failed == {1: "the process was ended by SIGSEGV", 3: "took longer than 3 s", 7: "bad input"}
    assert sorted(done.said.splitlines()) == [f"said {index}" for index in (0, 2, 4, 6)]
    assert [worker.poll() for worker in cluster.workers] == [None] * 2
    tame.touch()
    assert place.run(*words, "--resume").status == 0
    assert [line["state"] for line in sorted(place.lines("r"), key=lambda line: line["index"])] == ["kept", "done"] * 4
    assert place.outputs() == expected(paths)


def test_outputs_are_gathered(place, cluster):
    """Without a shared folder of the run; nothing is left in the folders of Dask's workers."""
    paths = place.add(6)
    script = place.script(CAPITALS)
    done = place.run(script, "in/*.txt", "-o", "out", "--scheduler", cluster.address, "--gather")
    assert done.status == 0, done.complained
    assert place.outputs() == expected(paths)
    assert list((cluster.place.folder / "scratch").rglob("roish-map-*")) == []
    assert list((cluster.place.folder / "scratch").iterdir()) != []


def test_a_driver_that_is_killed_costs_nothing(place, cluster):
    """The next run does what is left, and ends the processes that the first one had on the machines."""
    paths = place.add(30)
    script = place.script("after 100\n" + CAPITALS)
    words = [script, "in/*.txt", "-o", "out", "--scheduler", cluster.address]
    process = place.start(*words)
    wait_for(lambda: len(place.outputs()) > 4, 120)
    process.kill()
    process.communicate(timeout=60)
    assert place.run(*words, "--resume").status == 0
    assert place.outputs() == expected(paths)
    assert place.private() == {"journal.jsonl", "lock"}
    serving = [number for number in cluster.place.processes() if b"worker.serve" in command_of(number)]
    assert serving == []


def test_a_folder_cannot_be_gathered(place):
    """It is told, on a cluster that is started for the run."""
    place.add(1)
    script = place.script("file mkdir $output")
    done = place.run(script, "in/*.txt", "-o", "out", "--scheduler", "local:1", "--gather")
    assert done.status == 1
    assert "the script has written a folder, and --gather returns files only" in done.complained
    place.wait_until_none_is_alive()


def test_ctrl_c_on_a_cluster(place):
    """What is under way is finished; a second one ends it, and the cluster that was started with it."""
    place.add(40)
    script = place.script("after 150\n" + CAPITALS)
    process = place.start(script, "in/*.txt", "-o", "out", "--scheduler", "local:2")
    wait_for(lambda: len(place.outputs()) > 1, 120)
    process.send_signal(signal.SIGINT)
    _, complained = process.communicate(timeout=120)
    assert process.returncode == 130, complained
    assert 0 < len(place.outputs()) < 40
    place.wait_until_none_is_alive()
    process = place.start(script, "in/*.txt", "-o", "out", "--scheduler", "local:2", "--resume")
    wait_for(lambda: len(place.outputs()) > 20, 120)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    process.communicate(timeout=60)
    assert process.returncode == 130
    place.wait_until_none_is_alive(20)
    assert place.run(script, "in/*.txt", "-o", "out", "--resume", "--jobs", "4").status == 0
    assert len(place.outputs()) == 40


def test_no_scheduler_is_told(place):
    """Within seconds, with the address."""
    place.add(1)
    address = f"tcp://127.0.0.1:{free_port()}"
    done = place.run(place.script("set x 1"), "in/00.txt", "--scheduler", address)
    assert (done.status, f"there is no Dask scheduler at {address}" in done.complained) == (1, True)
