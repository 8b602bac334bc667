"""Atomic writing of files.

On file systems with O_TMPFILE, a file is written without a name, so that no other process can open it, and nothing of
it is left after a crash. Elsewhere it is written beside its target under a temporary name, which is removed after an
error or a signal. In both cases the file has the mode and the owner of its target before it has any content.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from pyroi import native
from tclcmd.values import folders
from tclcmd.values.folders import Folders

Write = Callable[[BinaryIO], Any]

#: The signals that end a process without a handler. Ctrl-C is not among them: it raises an exception here.
ENDING_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)

#: Folders whose files are flushed to the disk by someone else, later than they are written.
_flushed_later: set[str] = set()

#: The flag of Linux to open an unnamed file in a folder; 0 on other systems.
WITHOUT_NAME: int = getattr(os, "O_TMPFILE", 0)


@dataclass(frozen=True)
class _Target:
    """The file to be replaced: its name, and the folder that the name is relative to; None if it is a path.

    A name of a safe interpreter has its `folders`, which count what is written. Its file is regular, and is not given
    an owner.
    """

    name: str
    folder: int | None = None
    folders: Folders | None = None

    def beside(self) -> _Target:
        """A temporary name in the same folder."""
        parent, _, _ = self.name.rpartition("/")
        return dataclasses.replace(self, name=os.path.join(parent, f".roi-{os.getpid()}-{os.urandom(4).hex()}"))

    def open(self, name: str, flags: int, mode: int) -> int:
        """Opens a file in the same folder, or the folder itself."""
        return os.open(name, flags | os.O_CLOEXEC, mode, dir_fd=self.folder)

    def replace_by(self, other: _Target) -> None:
        """Gives this name to the file of the other."""
        os.replace(other.name, self.name, src_dir_fd=other.folder, dst_dir_fd=self.folder)

    def remove(self) -> None:
        """Removes the file, if there is one."""
        with contextlib.suppress(OSError):  # it was not created, or its folder has been removed
            os.unlink(self.name, dir_fd=self.folder)

    def state(self) -> os.stat_result | None:
        """The state of the file; None if there is none."""
        try:
            state = os.stat(self.name, dir_fd=self.folder, follow_symlinks=self.folder is None)
        except FileNotFoundError:
            return None
        if self.folders is not None:
            folders.check_regular(state)
        return state


def write_whole(path: str, write: Write) -> None:
    """Replaces the file at `path` by one that `write` fills; after an error the old file is unchanged.

    A symbolic link is followed. The new file has the mode and the owner of the old one. A path that is not a regular
    file (a device, a pipe) is written directly, since it cannot be replaced. `write` may be called a second time with
    another file, if the first could not be given a name. The rules for a name that is confined to folders are those of
    `tclcmd.values.folders`.
    """
    confined: Folders | None = getattr(path, "folders", None)
    if confined is None:
        _replace(_Target(os.path.realpath(path)), write)
        return
    with confined.folder_of(path) as (folder, name):
        _replace(_Target(name, folder, confined), write)


def flush_later(folder: str) -> None:
    """Has files in this folder, though not in those below it, written without a flush to the disk.

    The caller flushes them, once, before anyone relies on them. Not for names that are confined to folders.
    """
    _flushed_later.add(os.path.realpath(folder))


def _replace(target: _Target, write: Write) -> None:
    older = target.state()
    if older is not None and not stat.S_ISREG(older.st_mode):
        with _File(io.FileIO(target.name, "w"), target) as file:
            write(file)
    elif not _write_without_name(target, older, write):
        _write_beside(target, older, write)


class _File(io.BufferedWriter):
    """A file being written. A Ctrl-C ends the writing between two pieces.

    It hides its descriptor, since NumPy and image encoders that find one write to it themselves, and then do not report
    why the system refused a write.
    """

    def __init__(self, raw: io.FileIO, target: _Target) -> None:
        super().__init__(raw)
        self._folders = target.folders

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")

    def write(self, piece: Any) -> int:
        native.check_cancelled()
        if self._folders is not None:
            self._folders.count_written(memoryview(piece).nbytes)
        return super().write(piece)


# ---- Two ways --------------------------------------------------------------------------------------------------------


def _write_without_name(target: _Target, older: os.stat_result | None, write: Write) -> bool:
    """Returns False, without an effect, where unnamed files are not supported or cannot be given a name."""
    folder = os.path.dirname(target.name) or os.curdir
    try:
        descriptor = target.open(folder, WITHOUT_NAME | os.O_RDWR, _first_mode(older))
    except OSError:  # any other error is raised by _write_beside
        return False
    with _File(io.FileIO(descriptor, "w"), target) as file:
        _fill(file, descriptor, older, target, write)
        return _give_name(descriptor, target, is_new=older is None)


def _give_name(descriptor: int, target: _Target, is_new: bool) -> bool:
    # A link cannot replace a file, hence a temporary name, which exists from one system call to the next.
    if is_new and _link(descriptor, target):
        return True
    beside = target.beside()
    with _removed_by_failure(beside):
        if not _link(descriptor, beside):
            return False
        target.replace_by(beside)
    return True


def _link(descriptor: int, target: _Target) -> bool:
    origin = f"/proc/self/fd/{descriptor}"
    try:
        # Python follows the link in /proc only if src_dir_fd is given.
        os.link(origin, target.name, src_dir_fd=descriptor, dst_dir_fd=target.folder, follow_symlinks=True)
    except OSError:
        return False
    return True


def _write_beside(target: _Target, older: os.stat_result | None, write: Write) -> None:
    beside = target.beside()
    with _removed_by_failure(beside):
        descriptor = beside.open(beside.name, os.O_CREAT | os.O_EXCL | os.O_RDWR, _first_mode(older))
        with _File(io.FileIO(descriptor, "w"), target) as file:
            _fill(file, descriptor, older, target, write)
        target.replace_by(beside)


def _fill(file: _File, descriptor: int, older: os.stat_result | None, target: _Target, write: Write) -> None:
    if older is not None and target.folders is None:
        _take_over(descriptor, older)
    elif older is not None:
        os.fchmod(descriptor, stat.S_IMODE(older.st_mode) & 0o777)
    write(file)
    file.flush()
    if target.folders is not None or os.path.dirname(target.name) not in _flushed_later:
        os.fsync(descriptor)


# ---- Names, modes and owners -----------------------------------------------------------------------------------------


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
def _removed_by_failure(target: _Target) -> Iterator[None]:
    """Removes the file if an exception leaves the block or a signal ends the process."""
    with _before_ending(target.remove):
        try:
            yield
        except BaseException:
            target.remove()
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
