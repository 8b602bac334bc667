"""Atomic writing of files: the folder during the writing, and after a crash."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap

import pytest

from tclcmd.files import wholefile

WAYS = ("without a name", "beside")


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """Both ways of writing, wherever the tests run: the second is for file systems without O_TMPFILE."""
    if request.param == "beside":
        monkeypatch.setattr(wholefile, "_write_without_name", lambda *_: False)
    return request.param


def look_while_writing(tmp_path, name="x"):
    """What lies in the folder while a file is written, by name, with its mode."""
    seen = {}

    def write(file):
        file.write(b"new")
        file.flush()
        seen.update({path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()})

    wholefile.write_whole(str(tmp_path / name), write)
    return seen


def test_without_a_name_where_the_file_system_can(tmp_path):
    """The folder holds nothing new until the file is whole."""
    assert look_while_writing(tmp_path) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666])
def test_the_mode_comes_first(tmp_path, way, mode):
    """What is written over a private file is never open to others, not even while it is written."""
    target = tmp_path / "x"
    target.write_bytes(b"old")
    target.chmod(mode)
    before = os.umask(0)
    try:
        assert set(look_while_writing(tmp_path).values()) == {mode}
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_what_the_umask_leaves(tmp_path, way, mask):
    """Also while it is written."""
    before = os.umask(mask)
    try:
        assert set(look_while_writing(tmp_path).values()) <= {0o666 & ~mask}
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~mask


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays(tmp_path, way):
    """Root that writes over somebody's file leaves it theirs."""
    target = tmp_path / "x"
    target.write_bytes(b"old")
    os.chown(target, 12345, 23456)
    wholefile.write_whole(str(target), lambda file: file.write(b"new"))
    assert (target.stat().st_uid, target.stat().st_gid) == (12345, 23456)


def test_a_group_that_cannot_be_kept_loses_what_it_was_allowed(tmp_path, way, monkeypatch):
    """Its rights are not for the members of another group."""
    target = tmp_path / "x"
    target.write_bytes(b"old")
    target.chmod(0o664)
    foreign = list(target.stat())
    foreign[5] += 1
    monkeypatch.setattr(wholefile._Target, "state", lambda self: os.stat_result(foreign))
    monkeypatch.setattr(wholefile, "_try_owner", lambda *_: False)
    wholefile.write_whole(str(target), lambda file: file.write(b"new"))
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_a_file_that_came_meanwhile_is_replaced(tmp_path, way):
    """As one that was there before."""
    target = tmp_path / "x"
    wholefile.write_whole(str(target), lambda file: (target.write_bytes(b"other"), file.write(b"ours")))
    assert target.read_bytes() == b"ours"
    assert len(list(tmp_path.iterdir())) == 1


def test_where_no_file_can_be_given_a_name(tmp_path, monkeypatch):
    """Without /proc, as in some jails: it is written the other way."""
    monkeypatch.setattr(wholefile, "_link", lambda *_: False)
    wholefile.write_whole(str(tmp_path / "x"), lambda file: file.write(b"new"))
    assert (tmp_path / "x").read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("failure", [OSError("full"), ValueError("bad"), KeyboardInterrupt(), SystemExit(3)])
def test_a_failure_leaves_nothing(tmp_path, way, failure):
    """Of whatever kind."""

    def fail(file):
        file.write(b"half")
        raise failure

    with pytest.raises(type(failure)):
        wholefile.write_whole(str(tmp_path / "x"), fail)
    assert not list(tmp_path.iterdir())


#: Writes a file, and ends by a signal in the midst of it (when "writing"), or when it is whole and gets its name.
CHILD = """
    import os, sys
    from tclcmd.files import wholefile

    target, way, moment, number = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    if way == "beside":
        wholefile._write_without_name = lambda *_: False

    def die(*_, **__):
        os.kill(os.getpid(), number)

    def write(file):
        file.write(b"half")
        file.flush()
        if moment == "writing":
            die()

    if moment == "naming":
        os.replace = die
    wholefile.write_whole(target, write)
    print("still here")
"""


def end_by(number: int, way: str, moment: str, target) -> subprocess.CompletedProcess[bytes]:
    """Runs CHILD."""
    command = [sys.executable, "-I", "-c", textwrap.dedent(CHILD), str(target), way, moment, str(number)]
    return subprocess.run(command, capture_output=True, timeout=60, preexec_fn=lambda: _die_plainly(number))


def _die_plainly(number: int) -> None:
    """Lets a signal end the child without a core file, also where the suite ignores it (nohup, a background job)."""
    if number != signal.SIGKILL:  # which nothing ignores
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@pytest.mark.parametrize("moment", ["writing", "naming"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"])
def test_a_signal_leaves_nothing(tmp_path, name, moment):
    """The older file is as it was, and nothing lies beside it; the process ends by that signal."""
    number = signal.Signals[name]
    target = tmp_path / "x"
    target.write_bytes(b"old")
    for each in WAYS:
        done = end_by(number, each, moment, target)
        assert (done.returncode, done.stdout) == (-number, b"")
        assert [path.name for path in tmp_path.iterdir()] == ["x"]
        assert target.read_bytes() == b"old"


def test_even_a_kill_leaves_nothing_of_a_file_without_a_name(tmp_path):
    """No signal handler is needed for that."""
    assert end_by(signal.SIGKILL, "without a name", "writing", tmp_path / "x").returncode == -signal.SIGKILL
    assert not list(tmp_path.iterdir())


def test_a_signal_that_the_program_handles_stays_its_own(tmp_path, way):
    """Handlers of others, and signals that are ignored, are left alone; ours are gone afterwards."""
    calls = []
    before = signal.signal(signal.SIGTERM, lambda *_: calls.append("term"))
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        wholefile.write_whole(
            str(tmp_path / "x"),
            lambda file: [os.kill(os.getpid(), number) for number in (signal.SIGTERM, signal.SIGHUP)],
        )
        assert calls == ["term"]
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGHUP, ignored)
    wholefile.write_whole(str(tmp_path / "x"), lambda file: file.write(b"new"))
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_ctrl_c_stops_a_long_file_between_two_pieces(tmp_path, way, monkeypatch):
    """The flag that operators watch is looked at before every piece."""
    from pyroi import native
    from pyroi.errors import Cancelled

    flag = native.ffi.new("int32_t *")
    monkeypatch.setattr(native, "_cancel", flag)

    def write(file):
        file.write(b"a piece")
        flag[0] = 1
        file.write(b"another")

    with pytest.raises(Cancelled):
        wholefile.write_whole(str(tmp_path / "x"), write)
    assert not list(tmp_path.iterdir())
