"""Files that are written whole or not at all.

Where the file system can do it, what is written has no name until it is whole: nobody else can open it, and nothing of
it is left whatever ends the process. Elsewhere it lies beside its target until then, under a name of its own, which
goes with an error or a signal. Either way it has the mode and the owner of its target before anything is in it.
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

#: What ends a process that does not expect it. Ctrl-C is no such signal: it is an exception here.
ENDING_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)

#: Linux's way to open a file without a name in a folder; 0 where there is none.
WITHOUT_NAME: int = getattr(os, "O_TMPFILE", 0)


def write_whole(path: str, write: Write) -> None:
    """Has `write` fill a file that then takes the place of `path`; on any failure `path` is as it was.

    A symbolic link goes on pointing where it did. An older file gives its mode and owner to the new one. What is there
    and is no regular file (a device, a pipe) is written to directly, since it cannot be replaced. `write` may be called
    a second time with another file, if the first could not be given a name.
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
    """False, with nothing done, where a file cannot be without a name, or cannot get one."""
    try:
        descriptor = os.open(os.path.dirname(target), WITHOUT_NAME | os.O_RDWR | os.O_CLOEXEC, _first_mode(older))
    except OSError:  # if the reason is another one, the other way says it
        return False
    with _File(io.FileIO(descriptor, "w")) as file:
        _fill(file, descriptor, older, write)
        return _give_name(descriptor, target, is_new=older is None)


def _give_name(descriptor: int, target: str, is_new: bool) -> bool:
    # A link cannot replace a file, hence the name beside it. It is there for no longer than from one call to the next.
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
        # Only with a src_dir_fd does Python have the link followed to the file that it stands for.
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
    """That of a new file, less what the umask takes; nobody else's until an older file's mode is known to be set."""
    return 0o666 if older is None else 0o600


def _take_over(descriptor: int, older: os.stat_result) -> None:
    """Gives a file the owner, group and mode of an older one, as far as the system allows."""
    mode = stat.S_IMODE(older.st_mode)
    if not _try_owner(descriptor, older.st_uid, older.st_gid):
        _try_owner(descriptor, -1, older.st_gid)
    now = os.fstat(descriptor)
    if now.st_gid != older.st_gid:  # what the one group was allowed is not for another
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
    """Removes the file if what is done meanwhile fails, or a signal ends the process."""
    with _before_ending(lambda: _remove(path)):
        try:
            yield
        except BaseException:
            _remove(path)
            raise


@contextlib.contextmanager
def _before_ending(act: Callable[[], None]) -> Iterator[None]:
    """Has `act` called before a signal ends the process, unless the program has its own way with the signal."""

    def end(number: int, frame: object) -> None:
        act()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    is_main = threading.current_thread() is threading.main_thread()  # nobody else may set handlers
    deadly = [number for number in ENDING_SIGNALS if is_main and signal.getsignal(number) == signal.SIG_DFL]
    for number in deadly:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in deadly:
            signal.signal(number, signal.SIG_DFL)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):  # it was never made, or the folder is gone with it
        os.unlink(path)
