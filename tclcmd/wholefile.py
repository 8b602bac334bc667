"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from typing import BinaryIO


def write_whole(path: str, write: Callable[[BinaryIO], None]) -> None:
    """Has `write` fill a file beside `path`, which then takes its place; on any failure `path` is as it was.

    A symbolic link goes on pointing where it did. What is there and is no regular file (a device, a pipe) is written
    to directly, since it cannot be replaced.
    """
    target = os.path.realpath(path)
    mode = _mode_of(target)
    if mode is not None and not stat.S_ISREG(mode):
        with open(target, "wb", buffering=0) as file:
            write(file)
        return
    beside = os.path.join(os.path.dirname(target), f".roi-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with open(beside, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(beside, stat.S_IMODE(mode))
        os.replace(beside, target)
    except BaseException:
        _remove(beside)
        raise


def _mode_of(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):  # it was never made, or the folder is gone with it
        os.unlink(path)
