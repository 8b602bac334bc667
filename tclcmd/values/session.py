"""What the commands of one interpreter share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tclcmd.values.tensors import Family, Tensors


class Session:
    """The tensors of an interpreter, its random generator, and its number, which its Tcl values carry."""

    def __init__(self, number: int, family: Family | None = None) -> None:
        self.number = number
        self.tensors = Tensors(family)
        self.write: Callable[[str], int] = lambda text: 0  # to standard output; returns 0 or the system's error
        self.display: Callable[[bytes], None] | None = (
            None  # shows a picture, a PNG file; None where only text is shown
        )
        self.timing = False  # whether the prompt shows the time of each command
        self._generator: np.random.Generator | None = None

    @property
    def random(self) -> np.random.Generator:
        """The generator of all random commands. Without a seed it is seeded by the system."""
        if self._generator is None:  # imported here, since NumPy loads its generators on demand
            self._generator = np.random.default_rng()
        return self._generator

    def seed(self, seed: int) -> None:
        """Seeds the generator."""
        self._generator = np.random.default_rng(seed)
