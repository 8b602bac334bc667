"""Suppression with the decisions of programs that compare a rounded IoU with a threshold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def above_when_rounded(threshold: float) -> float:
    """The number above which an IoU of float64 is, once rounded to float32, above the threshold.

    That is halfway between the two float32 around the threshold, where rounding turns; it is even numbers that win a
    tie.
    """
    near = np.float32(threshold)
    upper = near if float(near) > threshold else np.nextafter(near, np.float32(np.inf))
    lower = np.nextafter(upper, np.float32(-np.inf))
    middle = (float(lower) + float(upper)) / 2
    wins_tie = float(np.float32(middle)) == float(upper)
    return min(math.nextafter(middle, -math.inf) if wins_tie else middle, 1.0)


def at_or_above(threshold: float, dtype: Any) -> float | None:
    """The number above which an IoU of float64 is at or above the threshold, rounded to this type; None: it has none.

    pyroi suppresses above a number from 0 to 1. That an IoU of 0 suppresses too, no such number says.
    """
    if not 0 < threshold <= 1:
        return None
    return math.nextafter(float(np.dtype(dtype).type(threshold)), -math.inf)


def falling(count: int) -> Any:
    """Scores of boxes that are in the order in which they are to be gone through."""
    return -np.arange(count, dtype=np.float64)
