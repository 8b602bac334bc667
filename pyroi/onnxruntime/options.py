"""Registers the library of operators with the options of a session."""

from __future__ import annotations

import ctypes
import functools
import os
import re
import sys
from typing import Any

import onnxruntime

from pyroi.arrays import to_integer
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.linking import FOLDER

OLDEST = (1, 17)  # whose table of functions has KernelContext_ParallelFor: ort.h
_OPSET = "pyroi.onnx_opset"  # the entry that register.c reads
_REGISTERED = "pyroi.registered"  # the entry of options that have the library, with the opset it was registered for
_NEWEST_MEANING = 16  # the version of ONNX's operators with the current definition of RoiAlign


def is_known(version: str) -> bool:
    """Whether the interface of this version of ONNX Runtime is known: its tables only grow within a major version."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and int(numbers[1]) == OLDEST[0] and int(numbers[2]) >= OLDEST[1]


def get_library() -> str:
    """Returns the path of the library of operators, for programs that register it themselves.

    In C and C++, ``RegisterCustomOpsLibrary_V2`` registers it; other languages have equivalent functions.

    Returns:
        The path of a shared library.

    Example:
        >>> import os, pyroi.onnxruntime
        >>> os.path.basename(pyroi.onnxruntime.get_library())
        'libroi_onnxruntime.so'
    """
    name = "libroi_onnxruntime.dll" if sys.platform == "win32" else "libroi_onnxruntime.so"
    return os.path.join(FOLDER, "onnxruntime", name)


@functools.cache
def _stay_loaded() -> None:
    """Keeps the library loaded, which ONNX Runtime would unload with the last session options that use it."""
    ctypes.CDLL(get_library())


def accelerate(session_options: Any, *, opset: int | None = None) -> Any:
    """Makes sessions with these options run unchanged models on pyroi's kernels, on the CPU.

    pyroi's kernels replace ONNX Runtime's ``RoiAlign``, ``MaxRoiPool`` and ``NonMaxSuppression``. New operators are
    added: ``MMCVRoiAlign`` and ``MMCVRoIAlignRotated`` in the domain ``mmcv``; ``MMCVRoIAlignRotated`` and
    ``NMSRotated`` in ``mmdeploy``; and those of the domain ``roi``, which docs/frameworks/onnxruntime.md lists. The
    kernels use the threads of the session. A wrong box raises an exception that names its row.

    Args:
        session_options: An ``onnxruntime.SessionOptions``. A second call has no effect.
        opset: The version of ONNX's operators that the models import, if it is below 16. ``RoiAlign`` had another
            definition before 16, and ONNX Runtime does not pass the imported version to an operator. Without `opset`,
            ONNX Runtime's own ``RoiAlign`` runs in such a model.

    Returns:
        `session_options`.

    Raises:
        TypeError: `session_options` is not an ``onnxruntime.SessionOptions``, or `opset` is not an integer.
        ValueError: `opset` is below 1, or on the other side of 16 than in an earlier call.

    Example:
        >>> import numpy as np, onnx, onnxruntime, pyroi.onnxruntime
        >>> model = onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 16]>
        ...     head (float[n, c, h, w] x, float[k, 4] rois, int64[k] batch) => (float[k, c, 7, 7] crops)
        ...     { crops = RoiAlign <output_height = 7, output_width = 7> (x, rois, batch) }''')
        >>> options = pyroi.onnxruntime.accelerate(onnxruntime.SessionOptions())
        >>> session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        >>> x, rois = np.ones((1, 8, 20, 20), np.float32), np.array([[1, 2, 9, 8]], np.float32)
        >>> session.run(None, {"x": x, "rois": rois, "batch": np.array([0])})[0].shape
        (1, 8, 7, 7)
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
    """Registers the library for the opset that is given, or that an entry of the options already states."""
    _stay_loaded()
    if opset is not None:
        session_options.add_session_config_entry(_OPSET, str(opset))
    session_options.register_custom_ops_library(get_library())
    session_options.add_session_config_entry(_REGISTERED, _entry(session_options, _OPSET) or str(_NEWEST_MEANING))


def _entry(session_options: Any, name: str) -> str | None:
    try:
        return str(session_options.get_session_config_entry(name))
    except RuntimeError:  # ONNX Runtime's report of a missing entry
        return None
