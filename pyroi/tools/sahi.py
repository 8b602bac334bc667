"""pyroi for sahi: suppression of the predictions of slices, for all of its backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pyroi
from pyroi.nms import nms_in_own_type
from pyroi.tools.replacing import Replacement, Tool
from pyroi.tools.suppression import at_or_above, falling


def _nms(predictions: Any, match_metric: str = "IOU", match_threshold: float = 0.5) -> Any:
    """An IoU equal to the threshold, in the type of the boxes, suppresses; equal scores are ordered by corners."""
    if match_metric != "IOU" or predictions.dtype not in (np.float32, np.float64) or len(predictions) == 0:
        return NotImplemented
    limit = at_or_above(match_threshold, predictions.dtype)
    if limit is None:
        return NotImplemented
    x1, y1, x2, y2, scores = predictions.T[:5]
    order = np.lexsort((y2, x2, y1, x1, -scores))
    boxes = predictions[order, :4]
    suppress = nms_in_own_type if boxes.dtype == np.float32 else pyroi.nms
    return order[suppress(boxes, falling(len(order)), limit)].tolist()


_tool = Tool(
    "sahi",
    (0, 12),
    [Replacement("sahi.postprocess.combine", "nms", "predictions match_metric match_threshold", _nms)],
)
accelerate: Callable[[], None] = _tool.accelerate
restore: Callable[[], None] = _tool.restore
