"""What the commands of one interpreter share."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

import pyroi
from tclcmd.values.folders import Folders
from tclcmd.values.tensors import Family, Tensors


@dataclass(frozen=True)
class Grants:
    """What the commands of a safe interpreter may reach outside of it."""

    folders: Folders = field(default_factory=Folders)
    output: bool = False  # standard output


class _ThreadsOfProcess:
    """The number of the process, which the last of those that use numbers of their own at the same time restores."""

    lock = threading.Lock()
    users = 0
    number = 0


class Session:
    """The tensors of an interpreter, its random generator, and its number, which its Tcl values carry.

    In a safe interpreter, `grants` says what its commands may reach outside; elsewhere it is None. A safe interpreter
    has a number of threads of its own, at most that of the process.
    """

    def __init__(self, number: int, family: Family | None = None, grants: Grants | None = None) -> None:
        self.number = number
        self.grants = grants
        self.threads = self.most_threads = pyroi.get_num_threads()  # they are counted only in a safe interpreter
        self.tensors = Tensors(family)
        self.write: Callable[[str], int] = lambda text: 0  # to standard output; returns 0 or the system's error
        self.display: Callable[[bytes], None] | None = (
            None  # shows a picture, a PNG file; None if only text can be shown
        )
        self.timing = False  # whether the prompt shows the time of each command
        self._generator: np.random.Generator | None = None

    @property
    def random(self) -> np.random.Generator:
        """The generator of all random commands. Without a seed it is seeded by the system."""
        if self._generator is None:  # imported here, since NumPy loads its generators on demand
            self._generator = np.random.default_rng()
        return self._generator

    @contextlib.contextmanager
    def with_own_threads(self) -> Iterator[None]:
        """The block's operators use the threads of this interpreter; the number of the process is restored after it."""
        with _ThreadsOfProcess.lock:
            if not _ThreadsOfProcess.users:
                _ThreadsOfProcess.number = pyroi.get_num_threads()
            _ThreadsOfProcess.users += 1
            self.most_threads = _ThreadsOfProcess.number
            pyroi.set_num_threads(min(self.threads, self.most_threads))
        try:
            yield
        finally:
            with _ThreadsOfProcess.lock:
                _ThreadsOfProcess.users -= 1
                if not _ThreadsOfProcess.users:
                    pyroi.set_num_threads(_ThreadsOfProcess.number)

    def seed(self, seed: int) -> None:
        """Seeds the generator."""
        self._generator = np.random.default_rng(seed)
