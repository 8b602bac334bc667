"""Atomic writing of files.

On file systems with O_TMPFILE, a file is written without a name, so that no other process can open it, and nothing of
it is left after a crash. Elsewhere it is written beside its target under a temporary name, which is removed after an
error or a signal. In both cases the file has the mode and the owner of its target before it has any content.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from pyroi import native

Write = Callable[[BinaryIO], Any]

#: The signals that end a process without a handler. Ctrl-C is not among them: it raises an exception here.
ENDING_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)

#: The flag of Linux to open an unnamed file in a folder; 0 on other systems.
WITHOUT_NAME: int = getattr(os, "O_TMPFILE", 0)


def write_whole(path: str, write: Write) -> None:
    """Replaces the file at `path` by one that `write` fills; after an error the old file is unchanged.

    A symbolic link is followed. The new file has the mode and the owner of the old one. A path that is not a regular
    file (a device, a pipe) is written directly, since it cannot be replaced. `write` may be called a second time with
    another file, if the first could not be given a name.
    """
    target = os.path.realpath(path)
    older = _look_at(target)
    if older is not None and not stat.S_ISREG(older.st_mode):
        with _File(io.FileIO(target, "w")) as file:
            write(file)
    elif not _write_without_name(target, older, write):
        _write_beside(target, older, write)


class _File(io.BufferedWriter):
    """A file being written. A Ctrl-C ends the writing between two pieces.

    It hides its descriptor, since NumPy and image encoders that find one write to it themselves, and then do not report
    why the system refused a write.
    """

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")

    def write(self, piece: Any) -> int:
        native.check_cancelled()
        return super().write(piece)


# ---- Two ways --------------------------------------------------------------------------------------------------------


def _write_without_name(target: str, older: os.stat_result | None, write: Write) -> bool:
    """Returns False, without an effect, where unnamed files are not supported or cannot be given a name."""
    try:
        descriptor = os.open(os.path.dirname(target), WITHOUT_NAME | os.O_RDWR | os.O_CLOEXEC, _first_mode(older))
    except OSError:  # any other error is raised by _write_beside
        return False
    with _File(io.FileIO(descriptor, "w")) as file:
        _fill(file, descriptor, older, write)
        return _give_name(descriptor, target, is_new=older is None)


def _give_name(descriptor: int, target: str, is_new: bool) -> bool:
    # A link cannot replace a file, hence a temporary name, which exists from one system call to the next.
    if is_new and _link(descriptor, target):
        return True
    beside = _name_beside(target)
    with _removed_by_failure(beside):
        if not _link(descriptor, beside):
            return False
        os.replace(beside, target)
    return True


def _link(descriptor: int, name: str) -> bool:
    try:
        # Python follows the link in /proc only if src_dir_fd is given.
        os.link(f"/proc/self/fd/{descriptor}", name, src_dir_fd=descriptor, follow_symlinks=True)
    except OSError:
        return False
    return True


def _write_beside(target: str, older: os.stat_result | None, write: Write) -> None:
    beside = _name_beside(target)
    with _removed_by_failure(beside):
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, _first_mode(older))
        with _File(io.FileIO(descriptor, "w")) as file:
            _fill(file, descriptor, older, write)
        os.replace(beside, target)


def _fill(file: _File, descriptor: int, older: os.stat_result | None, write: Write) -> None:
    if older is not None:
        _take_over(descriptor, older)
    write(file)
    file.flush()
    os.fsync(descriptor)


# ---- Names, modes and owners -----------------------------------------------------------------------------------------


def _look_at(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _name_beside(target: str) -> str:
    return os.path.join(os.path.dirname(target), f".roi-{os.getpid()}-{os.urandom(4).hex()}")


def _first_mode(older: os.stat_result | None) -> int:
    """The mode of a new file, before the umask; for an old file, access for the owner alone until its mode is set."""
    return 0o666 if older is None else 0o600


def _take_over(descriptor: int, older: os.stat_result) -> None:
    """Gives a file the owner, group and mode of an older one, as far as the system allows."""
    mode = stat.S_IMODE(older.st_mode)
    if not _try_owner(descriptor, older.st_uid, older.st_gid):
        _try_owner(descriptor, -1, older.st_gid)
    now = os.fstat(descriptor)
    if now.st_gid != older.st_gid:  # the permissions of one group are not for another
        mode = mode & ~0o070 | (mode & 0o007) << 3
    if (now.st_uid, now.st_gid) != (older.st_uid, older.st_gid):
        mode &= 0o777
    if stat.S_IMODE(now.st_mode) != mode:
        os.fchmod(descriptor, mode)


def _try_owner(descriptor: int, user: int, group: int) -> bool:
    try:
        os.fchown(descriptor, user, group)
    except OSError:
        return False
    return True


# ---- Leaving nothing behind ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _removed_by_failure(path: str) -> Iterator[None]:
    """Removes the file if an exception leaves the block or a signal ends the process."""
    with _before_ending(lambda: _remove(path)):
        try:
            yield
        except BaseException:
            _remove(path)
            raise


@contextlib.contextmanager
def _before_ending(act: Callable[[], None]) -> Iterator[None]:
    """Calls `act` before a signal ends the process, unless the program handles the signal itself."""

    def end(number: int, frame: object) -> None:
        act()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    is_main = threading.current_thread() is threading.main_thread()  # other threads may not set handlers
    deadly = [number for number in ENDING_SIGNALS if is_main and signal.getsignal(number) == signal.SIG_DFL]
    for number in deadly:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in deadly:
            signal.signal(number, signal.SIG_DFL)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):  # it was not created, or its folder has been removed
        os.unlink(path)
