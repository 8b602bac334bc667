"""The messages for invalid arguments that the Python reference shows. They come from calls of pyroi."""

from __future__ import annotations

import inspect
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import pyroi

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "support"))

from calls import GOOD  # the valid calls from which the tests make wrong ones


def _row_with_nan(boxes: Any) -> Any:
    wrong = np.array(boxes, float)
    wrong[-1, -1] = np.nan
    return wrong


#: By the name of a parameter what is passed instead of a valid value, and how it is written. A parameter with another
#: name has the value of OTHER.
INVALID: dict[str, tuple[str, Any]] = {
    "boxes": ("a row with NaN", _row_with_nan),
    "boxes1": ("a row with NaN", _row_with_nan),
    "boxes2": ("[[0, 0, 2]]", [[0, 0, 2]]),
    "input": ("np.zeros((5, 5))", np.zeros((5, 5))),
    "image": ("np.zeros(5)", np.zeros(5)),
    "features": ("[]", []),
    "masks": ("np.zeros((3, 3))", np.zeros((3, 3))),
    "grad": ("np.zeros(2)", np.zeros(2)),
    "grid": ("np.zeros((1, 2, 2, 3))", np.zeros((1, 2, 2, 3))),
    "theta": ("np.zeros((2, 2))", np.zeros((2, 2))),
    "scores": ("[0.5]", [0.5]),
    "idxs": ("[0.5, 1.5]", [0.5, 1.5]),
    "output_size": ("(7, -1)", (7, -1)),
    "spatial_scale": ("0", 0),
    "spatial_scales": ("[]", []),
    "iou_threshold": ("2", 2),
    "input_shape": ("(1, 1)", (1, 1)),
    "std": ("0", 0),
    "num_levels": ("0", 0),
}
OTHER = ("'other'", "other")


def messages(name: str) -> Iterator[tuple[str, str]]:
    """(Argument as it is written, message) for one argument after another of a function of pyroi that refuses it."""
    function = getattr(pyroi, name)
    for parameter in inspect.signature(function).parameters:
        written, value = INVALID.get(parameter, OTHER)
        arguments = dict(GOOD[name])
        arguments[parameter] = value(arguments[parameter]) if callable(value) else value
        try:
            function(**arguments)
        except (TypeError, ValueError) as error:
            if str(error).startswith(f"{parameter}: "):
                built_in = TypeError if isinstance(error, TypeError) else ValueError
                yield f"{parameter}={written}", f"{built_in.__name__}: {error}"
