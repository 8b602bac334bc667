"""The output folder: results appear in it whole or not at all.

Its subfolder ``.roish-map`` has the journal, a lock, and one folder for each run, in which the workers write. Only the
driver gives an output its name, by a rename within the file system, after the script has succeeded and the content is
on the disk. A worker that is lost, or considered lost, can therefore neither leave an incomplete file under that name
nor write it twice. The folder of a run is removed at its end. The next run removes the folders of killed runs; the lock
ensures that none of them is alive.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import time
from dataclasses import replace

import click

from tclcmd.batch.outcome import Outcome

#: The names in the output folder.
PRIVATE, LOCK, JOURNAL, WORK = ".roish-map", "lock", "journal.jsonl", "work-"

#: The errors of a rename onto a folder that is not empty, of a file onto a folder, and of a folder onto a file.
IN_THE_WAY = (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR)

#: The time for which a run that is ending may hold a lock, in seconds.
LOCK_SECONDS = 2.0


class NotPublished(Exception):
    """An output could not be given its name; the text is the reason."""


class Outputs:
    """The output folder of a run, locked against other runs."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(folder)
        private = os.path.join(self.folder, PRIVATE)
        try:
            os.makedirs(private, exist_ok=True)
            self._lock = os.open(os.path.join(private, LOCK), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
            self._take_lock(folder)
            self.journal = os.path.join(private, JOURNAL)
            for name in os.listdir(private):
                if name.startswith(WORK):
                    _remove(os.path.join(private, name))
            self.work = os.path.join(private, f"{WORK}{os.urandom(4).hex()}")
            os.mkdir(self.work)
        except OSError as error:
            raise click.ClickException(f"cannot write {folder}: {(error.strerror or str(error)).lower()}") from None
        self._folders = {self.folder}  # those that exist

    def _take_lock(self, folder: str) -> None:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    os.close(self._lock)
                    raise click.ClickException(f"another run is writing to {folder}") from None
                time.sleep(0.05)

    def path(self, name: str) -> str:
        """The path of the output of that name."""
        return os.path.join(self.folder, name)

    def publish(self, written: str, name: str) -> int | None:
        """Gives an output its name. Returns its size; None for a folder. Raises NotPublished."""
        target = self.path(name)
        try:
            found = os.lstat(written)
            self._make_folder(os.path.dirname(target))
            try:
                os.replace(written, target)
            except OSError as error:
                if error.errno not in IN_THE_WAY:
                    raise
                self._set_aside(target)
                os.replace(written, target)
        except FileNotFoundError:
            raise NotPublished(
                f"the output that the worker has written is not in {self.work}: without a file system that both share, "
                "outputs are gathered by --gather"
            ) from None
        except OSError as error:
            raise NotPublished(f"cannot write {target}: {(error.strerror or str(error)).lower()}") from None
        return None if stat.S_ISDIR(found.st_mode) else found.st_size

    def finished(self, outcome: Outcome) -> Outcome:
        """The outcome after its output was flushed to the disk, or that of this failure. Any thread may call this."""
        if outcome.written is None:
            return outcome
        try:
            flush(outcome.written)
        except FileNotFoundError:  # which is reported when it is published
            return outcome
        except OSError as error:
            return replace(outcome, message=f"cannot write the output: {(error.strerror or str(error)).lower()}")
        return outcome

    def _make_folder(self, folder: str) -> None:
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)
            self._folders.add(folder)

    def _set_aside(self, target: str) -> None:
        """Moves away a file or folder that a rename cannot replace."""
        os.replace(target, os.path.join(self.work, f"old-{os.urandom(4).hex()}"))

    def publish_content(self, content: bytes, name: str) -> int | None:
        """Writes an output that was gathered, and gives it its name. Raises NotPublished."""
        path = os.path.join(self.work, f"gathered-{os.urandom(4).hex()}")
        try:
            with open(path, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            _remove(path)
            raise NotPublished(f"cannot write {self.path(name)}: {(error.strerror or str(error)).lower()}") from None
        return self.publish(path, name)

    def is_there(self, name: str, size: int | None) -> bool:
        """Whether there is an output of that name and size, or a folder if the size is None."""
        path = self.path(name)
        try:
            return os.path.isdir(path) if size is None else os.stat(path).st_size == size
        except OSError:
            return False

    def remove(self, name: str) -> None:
        """Removes an output of an earlier version of its input, which has none now."""
        _remove(self.path(name))

    def discard(self, written: str) -> None:
        """Removes the files of a worker, if they still exist."""
        if os.path.lexists(written):
            _remove(written)

    def close(self) -> None:
        """Removes the folder of the run, and unlocks."""
        _remove(self.work)
        os.close(self._lock)


def flush(path: str) -> None:
    """Returns when a file, or all that is in a folder, is on the disk."""
    if os.path.isdir(path):
        for name in os.listdir(path):
            flush(os.path.join(path, name))
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(file)
    finally:
        os.close(file)


def _remove(path: str) -> None:
    # A worker whose driver was killed may write into the folder for a moment longer.
    for _ in range(3):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return
        with contextlib.suppress(OSError):
            os.unlink(path)
