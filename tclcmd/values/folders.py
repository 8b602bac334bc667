"""The folders to which the file names of a script are confined.

A name is resolved folder by folder. Each folder is opened within the previous one, so that replacing a folder by a
symbolic link in the meantime has no effect. Symbolic links are not followed, `..` returns to a folder that has been
opened before and never leaves an allowed folder, and only regular files are opened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence

#: Opening a folder as a place, without the right to list it, where the system has this.
_AS_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)

#: A FIFO is opened without waiting for a writer; it is refused thereafter.
_FOR_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | getattr(os, "O_NOCTTY", 0)


#: The reason where no folder is allowed.
NO_FOLDER = "no folder is allowed here"


class Forbidden(OSError):
    """A file that a script may not use; with the reason."""


class Full(OSError):
    """The files of a script have all the bytes that they may have together."""

    def __init__(self, most: int) -> None:
        super().__init__(errno.EDQUOT, f"files of this script may have {most} bytes together")


class Folders:
    """Folders that file names are confined to, and how many bytes may be written to them.

    They stay open: renaming one of them moves what is allowed with it.
    """

    def __init__(self, paths: Sequence[str] = (), most_bytes: int | None = None) -> None:
        """Opens the folders. Raises OSError, with the name, for one that cannot be opened."""
        self._most_bytes, self._bytes = most_bytes, 0
        self._start = _parts(os.path.realpath(os.curdir)) if paths else []
        self._roots: list[tuple[list[str], int]] = []
        for path in paths:
            real = os.path.realpath(path)
            descriptor = os.open(real, _AS_FOLDER)
            self._roots += [(parts, descriptor) for parts in (_parts(real), _parts(os.path.abspath(path)))]
        self._roots.sort(key=lambda root: -len(root[0]))  # the innermost folder first

    def check_any(self) -> None:
        """Raises Forbidden if no folder is allowed: before anything is loaded that the command needs for its file."""
        if not self._roots:
            raise Forbidden(NO_FOLDER)

    def open_for_reading(self, name: str) -> int:
        """The descriptor of a regular file that has no other name."""
        with self.folder_of(name) as (folder, last):
            check_regular(os.stat(last, dir_fd=folder, follow_symlinks=False))  # opening a device can have an effect
            descriptor = os.open(last, _FOR_READING, dir_fd=folder)
            try:
                state = os.fstat(descriptor)
                check_regular(state)
                if state.st_nlink > 1:
                    raise Forbidden("it has several names (hard links), and may belong to another folder")
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor

    def count_written(self, count: int) -> None:
        """Counts bytes that are about to be written. Raises Full if they are too many."""
        self._bytes += count
        if self._most_bytes is not None and self._bytes > self._most_bytes:
            raise Full(self._most_bytes)

    @contextlib.contextmanager
    def folder_of(self, name: str) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder in which the file lies, as long as the block runs, and its name there."""
        root, parts = self._below(name)
        opened = [root]
        try:
            for part in parts[:-1]:
                _enter(opened, part)
            yield opened[-1], parts[-1]
        finally:
            for descriptor in opened[1:]:
                os.close(descriptor)

    def _below(self, name: str) -> tuple[int, list[str]]:
        """The allowed folder that the name begins with, and the rest of its parts, of which the last is a file's."""
        parts = _parts(name)
        full = parts if name.startswith("/") else self._start + parts
        for root, descriptor in self._roots:
            rest = full[len(root) :]
            if full[: len(root)] == root and rest and rest[-1] != "..":
                return descriptor, rest
        self.check_any()
        raise _outside()


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _enter(opened: list[int], part: str) -> None:
    """Opens the next folder, or returns to the one before."""
    if part != "..":
        try:
            opened.append(os.open(part, _AS_FOLDER, dir_fd=opened[-1]))
        except NotADirectoryError:
            _check_no_link(part, opened[-1])
            raise
    elif len(opened) == 1:
        raise _outside()
    else:
        os.close(opened.pop())


def _check_no_link(part: str, folder: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISLNK(os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode):
            raise _link()


def check_regular(state: os.stat_result) -> None:
    """Refuses everything but a regular file."""
    if stat.S_ISLNK(state.st_mode):
        raise _link()
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(None, "is a directory")
    if not stat.S_ISREG(state.st_mode):
        raise Forbidden("it is not a regular file")


def _outside() -> Forbidden:
    return Forbidden("it is outside of the folders that this script may use")


def _link() -> Forbidden:
    return Forbidden("it is, or lies behind, a symbolic link, which is not followed here")
