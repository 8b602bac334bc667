"""Registers the library of operators with the options of a session."""

from __future__ import annotations

import ctypes
import functools
import os
import re
from typing import Any

import onnxruntime

from pyroi.arrays import to_integer
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.linking import FOLDER

OLDEST = (1, 17)  # whose table of functions has KernelContext_ParallelFor: ort.h
_OPSET = "pyroi.onnx_opset"  # the entry that register.c reads
_REGISTERED = "pyroi.registered"  # the entry of options that have the library, with the opset it was registered for
_NEWEST_MEANING = 16  # the version of ONNX's operators since which RoiAlign means what it means


def is_known(version: str) -> bool:
    """Whether the interface of this version of ONNX Runtime is known: its tables only grow within a major version."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and int(numbers[1]) == OLDEST[0] and int(numbers[2]) >= OLDEST[1]


def get_library() -> str:
    """The library of operators, for programs that register it by themselves (``RegisterCustomOpsLibrary_V2``)."""
    return os.path.join(FOLDER, "onnxruntime", "libroi_onnxruntime.so")


@functools.cache
def _stay_loaded() -> None:
    """ONNX Runtime unloads the library with the last of the options that have it, and loads it again with the next."""
    ctypes.CDLL(get_library())


def accelerate(session_options: Any, *, opset: int | None = None) -> Any:
    """Lets sessions with these options run on pyroi's kernels, on the CPU; their models stay as they are.

    In the place of ONNX Runtime's own come ``RoiAlign``, ``MaxRoiPool`` and ``NonMaxSuppression``. New are, in the
    domain ``mmcv``, ``MMCVRoiAlign`` and ``MMCVRoIAlignRotated``; in ``mmdeploy``, ``MMCVRoIAlignRotated`` and
    ``NMSRotated``; and in ``roi``: see docs/frameworks/onnxruntime.md. They use the threads of the session, and wrong
    boxes are an exception that names their row.

    Args:
        session_options: An ``onnxruntime.SessionOptions``. A second call changes nothing.
        opset: The version of ONNX's operators that the models import, if it is below 16. ``RoiAlign`` meant another
            thing then, and ONNX Runtime does not tell an operator what a model imports: without this, ``RoiAlign`` of
            such a model is ONNX Runtime's own.

    Returns:
        `session_options`.

    Raises:
        TypeError: `session_options` are none, or `opset` is no integer.
        ValueError: `opset` is below 1, or on the other side of 16 than in an earlier call.
    """
    if not isinstance(session_options, onnxruntime.SessionOptions):
        rule = f"expected onnxruntime.SessionOptions, got {type(session_options).__name__}"
        raise ArgumentTypeError("session_options", rule)
    if opset is not None and (opset := to_integer(opset, "opset")) < 1:
        raise ArgumentError("opset", f"expected 1 or more, got {opset}")
    before = _entry(session_options, _REGISTERED)
    if before is None:
        _register(session_options, opset)
    elif opset is not None and (int(before) < _NEWEST_MEANING) != (opset < _NEWEST_MEANING):
        raise ArgumentError("opset", f"these options have been accelerated for {before} already, got {opset}")
    return session_options


def _register(session_options: Any, opset: int | None) -> None:
    """Registers the library, for the opset that is given or that the options have as an entry already."""
    _stay_loaded()
    if opset is not None:
        session_options.add_session_config_entry(_OPSET, str(opset))
    session_options.register_custom_ops_library(get_library())
    session_options.add_session_config_entry(_REGISTERED, _entry(session_options, _OPSET) or str(_NEWEST_MEANING))


def _entry(session_options: Any, name: str) -> str | None:
    try:
        return str(session_options.get_session_config_entry(name))
    except RuntimeError:  # how ONNX Runtime says that there is none
        return None
