"""Thresholds for suppression that give the decisions of programs that compare a rounded IoU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def above_when_rounded(threshold: float) -> float:
    """The limit above which an IoU in float64 is above the threshold once it is rounded to float32.

    It lies halfway between the two float32 numbers around the threshold, where rounding changes; a tie is rounded to
    even.
    """
    near = np.float32(threshold)
    upper = near if float(near) > threshold else np.nextafter(near, np.float32(np.inf))
    lower = np.nextafter(upper, np.float32(-np.inf))
    middle = (float(lower) + float(upper)) / 2
    wins_tie = float(np.float32(middle)) == float(upper)
    return min(math.nextafter(middle, -math.inf) if wins_tie else middle, 1.0)


def at_or_above(threshold: float, dtype: Any) -> float | None:
    """The limit above which an IoU in float64, rounded to this type, is at least the threshold, or None.

    pyroi suppresses above a limit from 0 to 1, and no such limit makes an IoU of 0 suppress.
    """
    if not 0 < threshold <= 1:
        return None
    return math.nextafter(float(np.dtype(dtype).type(threshold)), -math.inf)


def falling(count: int) -> Any:
    """Decreasing scores for boxes that are already in the order in which to visit them."""
    return -np.arange(count, dtype=np.float64)
