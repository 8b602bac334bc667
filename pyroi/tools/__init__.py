"""Replaces functions of other packages by pyroi's kernels, so that programs need no change.

A tool is a package that has its own functions for operations that pyroi computes. :func:`accelerate` replaces them with
pyroi's, and :func:`restore` undoes this. A tool is imported only when it is named.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from pyroi.errors import ArgumentError, ArgumentTypeError

__all__ = ["TOOLS", "accelerate", "restore"]

# The module for each tool, which has accelerate() and restore().
TOOLS = {
    "detectron2": "pyroi.tools.detectron2",
    "mmcv": "pyroi.tools.mmcv",
    "sahi": "pyroi.tools.sahi",
    "supervision": "pyroi.tools.supervision",
    "torchvision": "pyroi.torch.vision",
    "ultralytics": "pyroi.tools.ultralytics",
}


def accelerate(tool: str) -> None:
    """Replaces the functions of a package that pyroi can compute with pyroi's kernels.

    The package, or a name from it, may have been imported before. Calls that pyroi has no kernel for, or that it
    refuses, go to the package's own function, such as tensors on other devices, other metrics, and numbers that are not
    finite. (torchvision's operators are the exception: see :func:`pyroi.torch.accelerate`.) A second call has no
    effect.

    Args:
        tool: ``"ultralytics"``, ``"supervision"``, ``"sahi"``, ``"detectron2"``, ``"mmcv"`` or ``"torchvision"``. The
            pages in docs/frameworks list the functions of each that are replaced.

    Raises:
        TypeError: `tool` is not a string.
        ValueError: `tool` is none of these.
        ImportError: The package is not installed or does not load, or has a version that pyroi does not know. No
            function is replaced then.

    Example:
        >>> import pyroi
        >>> pyroi.accelerate("a package")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        pyroi.errors.ArgumentError: tool: expected one of ..., got 'a package'
    """
    _join_of(tool).accelerate()


def restore(tool: str | None = None) -> None:
    """Undoes :func:`accelerate` and restores the package's own functions. It has no effect if they are not replaced.

    Args:
        tool: As for :func:`accelerate`. By default, all packages that are accelerated.

    Raises:
        TypeError: `tool` is not a string.
        ValueError: `tool` is not one that :func:`accelerate` knows.

    Example:
        >>> import pyroi
        >>> pyroi.restore()  # of packages that are not accelerated, nothing changes
    """
    if tool is not None:
        _check(tool)
    for name in TOOLS if tool is None else [tool]:
        if TOOLS[name] in sys.modules:  # otherwise it was never accelerated
            _join_of(name).restore()


def _check(tool: Any) -> None:
    if not isinstance(tool, str):
        raise ArgumentTypeError("tool", f"expected the name of a package, got {tool!r}")
    if tool not in TOOLS:
        raise ArgumentError("tool", f"expected one of {', '.join(TOOLS)}, got {tool!r}")


def _join_of(tool: Any) -> Any:
    _check(tool)
    return importlib.import_module(TOOLS[tool])
