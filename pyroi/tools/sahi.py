"""pyroi under sahi: suppression of the predictions of slices, for all of its backends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import pyroi
from pyroi.nms import nms_in_own_type
from pyroi.tools.replacing import Replacement, Tool
from pyroi.tools.suppression import falling


def _nms(predictions: Any, match_metric: str = "IOU", match_threshold: float = 0.5) -> Any:
    """An IoU equal to the threshold, in float32, suppresses here; equal scores are ordered by the corners."""
    if match_metric != "IOU" or not 0 < match_threshold <= 1 or len(predictions) == 0:
        return NotImplemented
    x1, y1, x2, y2, scores = predictions.T[:5]
    order = np.lexsort((y2, x2, y1, x1, -scores))
    boxes = predictions[order, :4]
    limit = math.nextafter(float(np.float32(match_threshold)), -math.inf)
    suppress = nms_in_own_type if boxes.dtype == np.float32 else pyroi.nms
    return order[suppress(boxes, falling(len(order)), limit)].tolist()


_tool = Tool(
    "sahi",
    (0, 12),
    [Replacement("sahi.postprocess.combine", "nms", "predictions match_metric match_threshold", _nms)],
)
accelerate, restore = _tool.accelerate, _tool.restore
