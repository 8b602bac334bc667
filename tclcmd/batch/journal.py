"""Files of JSON lines that survive the end of the process at any byte, and the journal, which is one.

A line is appended by one write. The end of the process, or of the machine, can leave an incomplete last line, and some
file systems leave zeros after a power failure: a line that is no record is ignored by the reader, wherever it stands,
and the next writer begins on a new line.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tclcmd.batch.outcome import DONE

#: The seconds between two flushes to the disk. Inputs whose lines a power failure loses are processed again.
SYNC_SECONDS = 5.0


class JsonLines:
    """A file to which lines are appended."""

    def __init__(self, path: str, *, goes_on: bool) -> None:
        """Opens the file; `goes_on` keeps its contents."""
        self.path = path
        mode = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (0 if goes_on else os.O_TRUNC)
        self._file = os.open(path, mode, 0o666)
        self._synced = time.monotonic()
        self._is_regular = os.path.isfile(path)
        if self._is_regular and (size := os.fstat(self._file).st_size) and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # after the incomplete line of a process that was ended

    def append(self, record: dict[str, Any]) -> None:
        """Appends a record whole. After an OSError the file is as before."""
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        self._write(line)
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._sync()

    def _write(self, line: bytes) -> None:
        rest = line
        try:
            while rest:  # a disk that becomes full accepts a part of it
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            if self._is_regular:
                os.ftruncate(self._file, os.fstat(self._file).st_size - (len(line) - len(rest)))
            raise

    def _sync(self) -> None:
        if self._is_regular:
            os.fsync(self._file)
        self._synced = time.monotonic()

    def close(self) -> None:
        """Flushes the file to the disk and closes it."""
        try:
            self._sync()
        finally:
            os.close(self._file)


def records(path: str) -> Iterator[dict[str, Any]]:
    """The records in a file of JSON lines. What is no record is ignored; without the file there are none."""
    if not os.path.exists(path):
        return
    with open(path, "rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


@dataclass(frozen=True)
class Entry:
    """What the journal says of an input: the version of the input and of the script, and what became of it.

    `output` is the name of the output below the output folder and `output_size` its size, or that of no folder; both
    are None if the script wrote none.
    """

    input: str
    size: int
    mtime_ns: int
    script: str
    state: str
    sha256: str | None = None
    output: str | None = None
    output_size: int | None = None

    def is_of(self, script: str, signature: tuple[int, int]) -> bool:
        """Whether this script has done this version of the input."""
        return self.state == DONE and self.script == script and (self.size, self.mtime_ns) == signature

    def is_of_content(self, script: str, sha256: str) -> bool:
        """Whether this script has done an input of this content."""
        return self.state == DONE and self.script == script and self.sha256 == sha256

    def record(self) -> dict[str, Any]:
        """The line of the journal."""
        return {name: value for name, value in vars(self).items() if value is not None}


def entries(path: str) -> dict[str, Entry]:
    """The last entry of each input."""
    found = {}
    for record in records(path):
        try:
            entry = Entry(**record)
        except TypeError:  # of a version that has other fields
            continue
        found[entry.input] = entry
    return found
