"""The pyramid level of a box, in Python's own arithmetic."""

from __future__ import annotations

import math


def level(x1, y1, x2, y2, num_levels, canonical_level=2, canonical_scale=224) -> int:
    """floor(canonical_level + log2(sqrt(w * h) / canonical_scale + 1e-6)), clamped to [0, num_levels - 1]."""
    width = max(float(x2) - float(x1), 0.0)
    height = max(float(y2) - float(y1), 0.0)
    area = width * height
    position = canonical_level + math.log2(math.sqrt(area) / canonical_scale + 1e-6)
    return min(max(math.floor(position), 0), num_levels - 1)
