"""The bits of a result depend on nothing beside it: an image, a box, a channel alone and among others, on every tier.

A compiler that is free to fuse a multiplication with an addition in one copy of a loop and not in the next makes them
differ, and so does an order of summing that follows sizes. `PYROI_TEST_ROUNDS=30` adds so many random shapes.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from children import run_child
from oracles.cases import random_boxes
from oracles.overlap import KINDS

import pyroi

ROUNDS = int(os.environ.get("PYROI_TEST_ROUNDS", "0"))
TIERS = ["baseline", "avx2", "avx512"]
DTYPES = ["float32", "float64", "float16", "bfloat16"]


def _find(dtype, rounds):
    import numpy as np
    from oracles import alone

    import pyroi

    if dtype == "bfloat16":
        import ml_dtypes

        dtype = ml_dtypes.bfloat16
    found, seen = alone.find_differences(np.dtype(dtype), rounds)
    print(pyroi.cpu_features()["tier"], seen, len(found), *found[:20], sep="\n")


@pytest.mark.generated
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tier", TIERS)
def test_company_changes_no_bit(tier, dtype):
    """Every operator, forward and backward, in planes and channels last."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    if TIERS.index(tier) > TIERS.index(pyroi.cpu_features()["best"]):
        pytest.skip(f"this processor or build has no {tier}")
    used, seen, count, *found = run_child(_find, dtype, ROUNDS, timeout=3600, ROI_CPU_TIER=tier).splitlines()
    assert used == tier
    assert int(seen) > 400
    assert int(count) == 0, "\n".join(found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_overlap_of_a_pair(kind):
    """It has the same bits beside boxes for which float32 is too narrow: far away, or of next to no area."""
    boxes = random_boxes(np.random.default_rng(0), 12, (1, 1, 40, 50), mirror=False)[:, 1:]
    odd = np.float32([[-1e25, -1e25, 1e25, 1e25], [3, 3, 3 + 1e-6, 3 + 1e-6], [0, 0, 1e-20, 1e-20], [1e30, 0, 2e30, 5]])
    many = np.concatenate([odd[:2], boxes, odd[2:]])
    overlap = getattr(pyroi, kind)
    together = overlap(boxes, many)
    alone = [[overlap(one[None], other[None])[0, 0] for other in many] for one in boxes]
    assert together.tobytes() == np.array(alone, together.dtype).tobytes()
    assert np.array_equal(overlap(many, many)[2:-2], together)
    assert np.isfinite(together).all()
