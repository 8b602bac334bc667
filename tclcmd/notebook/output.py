"""The output of a cell to the standard streams of the process: of Tcl, of a program that it starts, or of Python."""

from __future__ import annotations

import codecs
import os
import select
import threading
from collections.abc import Callable
from types import TracebackType

#: The largest number of bytes that is read at once.
PIECE = 2**16

#: Descriptor -> the name of its stream.
STREAMS = {1: "stdout", 2: "stderr"}


class Capture:
    """Hands on what is written on descriptors 1 and 2 within `with`, by `write(stream, text)`.

    A thread reads along, so that the output of a long cell is seen at once, and later that of programs which it left
    running. `catch_up` hands on the rest, so that what the caller shows next stands behind it.
    """

    def __init__(self, write: Callable[[str, str], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._pipes: dict[int, str] = {}  # the reading end of a pipe -> the name of the stream
        self._ends: dict[int, int] = {}  # descriptor -> the writing end of its pipe
        self._decoders: dict[int, codecs.IncrementalDecoder] = {}
        self._kept: dict[int, int] = {}  # descriptor -> what it was before the cell
        for descriptor, stream in STREAMS.items():
            reading, self._ends[descriptor] = os.pipe()
            os.set_blocking(reading, False)
            self._pipes[reading] = stream
            self._decoders[reading] = codecs.getincrementaldecoder("utf-8")("replace")
        threading.Thread(target=self._read_along, daemon=True).start()

    def __enter__(self) -> Capture:
        for descriptor, end in self._ends.items():
            self._kept[descriptor] = os.dup(descriptor)
            os.dup2(end, descriptor)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for descriptor, before in self._kept.items():
            os.dup2(before, descriptor)
            os.close(before)
        self.catch_up()

    def catch_up(self) -> None:
        """Hands on everything that was written until now."""
        with self._lock:
            for reading, stream in self._pipes.items():
                while piece := self._read(reading):
                    if text := self._decoders[reading].decode(piece):
                        self._write(stream, text)

    def _read(self, reading: int) -> bytes:
        try:
            return os.read(reading, PIECE)
        except BlockingIOError:
            return b""

    def _read_along(self) -> None:
        while True:
            select.select(list(self._pipes), [], [])
            self.catch_up()
