"""What the commands of one interpreter share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tclcmd.values.tensors import Tensors


class Session:
    """The tensors of an interpreter, its random numbers, and its number, by which Tcl's values know it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.tensors = Tensors()
        self.write: Callable[[str], int] = lambda text: 0  # to standard output; returns 0 or the system's error
        self.timing = False  # does the prompt tell how long each command took?
        self._generator: np.random.Generator | None = None

    @property
    def random(self) -> np.random.Generator:
        """The one generator that all random commands draw from. Without a seed it starts differently each time."""
        if self._generator is None:  # NumPy loads its generators late, and so do we
            self._generator = np.random.default_rng()
        return self._generator

    def seed(self, seed: int) -> None:
        """Starts the generator anew."""
        self._generator = np.random.default_rng(seed)
