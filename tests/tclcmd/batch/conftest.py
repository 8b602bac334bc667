"""A place with inputs and scripts."""

from __future__ import annotations

import os
import pathlib
import signal
from collections.abc import Iterator

import pytest
from mapping import Place


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Iterator[Place]:
    """An empty place; what a test has started there ends with it."""
    place = Place(tmp_path)
    yield place
    for process in place.processes():
        os.kill(process, signal.SIGKILL)
