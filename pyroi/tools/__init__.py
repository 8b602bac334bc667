"""pyroi's kernels under the functions of other packages, whose programs stay as they are.

A tool is a package with functions of its own for what pyroi computes. :func:`accelerate` puts pyroi's in their place,
:func:`restore` takes them out again. Nothing of a tool is imported before it is named.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from pyroi.errors import ArgumentError, ArgumentTypeError

__all__ = ["TOOLS", "accelerate", "restore"]

# The module that knows a tool: it has accelerate() and restore().
TOOLS = {
    "detectron2": "pyroi.tools.detectron2",
    "mmcv": "pyroi.tools.mmcv",
    "sahi": "pyroi.tools.sahi",
    "supervision": "pyroi.tools.supervision",
    "torchvision": "pyroi.torch.vision",
    "ultralytics": "pyroi.tools.ultralytics",
}


def accelerate(tool: str) -> None:
    """Lets a package compute on pyroi's kernels what both have, from now on.

    It does not matter whether the package, or a name from it, was imported before. What pyroi has no kernel for, or
    refuses, goes to the package's own function: tensors on other devices, other metrics, numbers that are not finite.
    (torchvision's operators are the exception: see :func:`pyroi.torch.accelerate`.) A second call changes nothing.

    Args:
        tool: ``"ultralytics"``, ``"supervision"``, ``"sahi"``, ``"detectron2"``, ``"mmcv"`` or ``"torchvision"``. The
            pages in docs/frameworks tell which functions of each are replaced.

    Raises:
        TypeError: `tool` is no text.
        ValueError: `tool` is none of these.
        ImportError: The package is not installed or does not load, or is of a version that pyroi does not know; nothing
            is replaced then.
    """
    _join_of(tool).accelerate()


def restore(tool: str | None = None) -> None:
    """Undoes :func:`accelerate`: the package's own functions are back. Without it, nothing happens.

    Args:
        tool: As for :func:`accelerate`. Default: all that are accelerated.

    Raises:
        TypeError: `tool` is no text.
        ValueError: `tool` is none that :func:`accelerate` knows.
    """
    if tool is not None:
        _check(tool)
    for name in TOOLS if tool is None else [tool]:
        if TOOLS[name] in sys.modules:  # else it was never accelerated
            _join_of(name).restore()


def _check(tool: Any) -> None:
    if not isinstance(tool, str):
        raise ArgumentTypeError("tool", f"expected the name of a package, got {tool!r}")
    if tool not in TOOLS:
        raise ArgumentError("tool", f"expected one of {', '.join(TOOLS)}, got {tool!r}")


def _join_of(tool: Any) -> Any:
    _check(tool)
    return importlib.import_module(TOOLS[tool])
