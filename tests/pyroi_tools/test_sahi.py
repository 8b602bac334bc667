"""pyroi under sahi, the package from PyPI."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import pyroi

pytest.importorskip("sahi", reason="sahi is not installed")
combine = importlib.import_module("sahi.postprocess.combine")
backends = importlib.import_module("sahi.postprocess.backends")


@pytest.fixture(autouse=True)
def restored():
    """Its own functions before and after, with the backend that it always has."""
    backends.set_postprocess_backend("numpy")
    yield
    pyroi.restore()


def predictions(count, whole=False, dtype="float32", seed=0):
    """Rows x1, y1, x2, y2, score, category; sahi itself has them in float32."""
    rng = np.random.default_rng(seed)
    corner, side = rng.uniform(0, 100, (count, 2)), rng.uniform(1, 40, (count, 2))
    if whole:
        corner, side = corner.round(), side.round() + 1
    rows = [corner, corner + side, rng.random((count, 1)).round(2), rng.integers(0, 4, (count, 1))]
    return np.concatenate(rows, 1).astype(dtype)


@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.3, 0.5, 1 / 3, 0.9, 1.0])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_predictions(threshold, whole, dtype):
    """To the last one and in the same order: of one class and of each, also where IoU is the threshold itself."""
    rows = predictions(400, whole, dtype)
    before = combine.nms(rows, "IOU", threshold), combine.batched_nms(rows, "IOU", threshold)
    pyroi.accelerate("sahi")
    assert (combine.nms(rows, "IOU", threshold), combine.batched_nms(rows, "IOU", threshold)) == before


def test_what_stays_theirs():
    """Another metric, a threshold of 0, nothing, and numbers of 16 bits."""
    rows = predictions(50)
    calls = [(rows, "IOS", 0.5), (rows, "IOU", 0.0), (rows[:0], "IOU", 0.5), (rows.astype("float16"), "IOU", 0.5)]
    before = [combine.nms(*call) for call in calls]
    original = combine.nms
    pyroi.accelerate("sahi")
    assert [combine.nms(*call) for call in calls] == before
    pyroi.restore("sahi")
    assert combine.nms is original


def test_a_pair_at_the_threshold():
    """Of 80 pixels in 100, in float64: an IoU of 0.8 suppresses at 0.8, and not at the float32 above it."""
    rows = np.array([[0, 0, 10, 10, 0.9, 0], [0, 0, 10, 8, 0.8, 0]])
    pyroi.accelerate("sahi")
    assert combine.nms(rows, "IOU", 0.8) == [0]
    assert combine.nms(rows, "IOU", float(np.float32(0.8))) == [0, 1]
    assert combine.nms(rows.astype("float32"), "IOU", 0.8) == [0]


def test_objects():
    """Through the class that merges the predictions of slices."""
    prediction = importlib.import_module("sahi.prediction")
    found = [
        prediction.ObjectPrediction(
            bbox=[float(x) for x in row[:4]], category_id=int(row[5]), category_name=str(row[5]), score=float(row[4])
        )
        for row in predictions(60)
    ]

    def run():
        kept = combine.NMSPostprocess(match_threshold=0.4, match_metric="IOU", class_agnostic=False)(found)
        return [(each.bbox.to_xyxy(), each.category.id, each.score.value) for each in kept]

    before = run()
    pyroi.accelerate("sahi")
    assert run() == before
