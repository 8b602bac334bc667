"""pyroi under supervision, the package from PyPI."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import pyroi

sv = pytest.importorskip("supervision", reason="supervision is not installed")
module = importlib.import_module("supervision.detection.utils.iou_and_nms")


@pytest.fixture(autouse=True)
def restored():
    """Its own functions before and after."""
    yield
    pyroi.restore()


def predictions(count, columns=6, whole=False, seed=0):
    """Rows x1, y1, x2, y2, score and perhaps class; scores of two digits, so that some are equal."""
    rng = np.random.default_rng(seed)
    corner, side = rng.uniform(0, 100, (count, 2)), rng.uniform(1, 40, (count, 2))
    if whole:
        corner, side = corner.round(), side.round() + 1
    rows = np.concatenate([corner, corner + side, rng.random((count, 1)).round(2), rng.integers(0, 4, (count, 1))], 1)
    return rows[:, :columns]


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.3, 0.5, 1 / 3, 0.9, 1.0])
@pytest.mark.parametrize("columns", [5, 6])
@pytest.mark.parametrize("whole", [False, True])
def test_the_same_boxes(threshold, columns, whole):
    """To the last one, also where IoU is the threshold itself, and where scores are equal."""
    rows = predictions(400, columns, whole)
    before = sv.box_non_max_suppression(rows, threshold)
    pyroi.accelerate("supervision")
    assert np.array_equal(sv.box_non_max_suppression(rows, threshold), before)


def test_detections():
    """Through its main class, which imported the function before."""
    rows = predictions(300)
    detections = sv.Detections(rows[:, :4], confidence=rows[:, 4], class_id=rows[:, 5].astype(int))
    before = detections.with_nms(0.4), detections.with_nms(0.4, class_agnostic=True)
    pyroi.accelerate("supervision")
    after = detections.with_nms(0.4), detections.with_nms(0.4, class_agnostic=True)
    assert [len(found) for found in before] == [len(found) for found in after]
    assert all(np.array_equal(a.xyxy, b.xyxy) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("convention", ["inclusive", "exclusive"])
def test_boxes_of_masks(convention):
    """The same integers, of scattered, full and empty masks; of none, and of masks without pixels."""
    rng = np.random.default_rng(0)
    masks = np.stack([rng.random((30, 40)) < share for share in (0.5, 0.01, 0.001, 0, 1)])
    for given in (masks, masks[:, ::-1, ::2], masks[:0], masks[:, :0]):
        before = sv.mask_to_xyxy(given, convention)
        pyroi.accelerate("supervision")
        after = sv.mask_to_xyxy(given, convention)
        pyroi.restore()
        assert np.array_equal(after, before) and after.dtype == before.dtype


def test_overlap():
    """The same float32 up to the last place; smaller area as the denominator stays theirs."""
    boxes = predictions(200)[:, :4]
    before, smaller = sv.box_iou_batch(boxes, boxes[:50]), sv.box_iou_batch(boxes, boxes[:50], sv.OverlapMetric.IOS)
    pyroi.accelerate("supervision")
    after = sv.box_iou_batch(boxes, boxes[:50])
    assert after.dtype == before.dtype and np.allclose(after, before, rtol=2e-7, atol=0)
    assert np.array_equal(sv.box_iou_batch(boxes, boxes[:50], sv.OverlapMetric.IOS), smaller)
    assert sv.box_iou_batch(boxes[:0], boxes).shape == (0, 200)


def test_oriented_overlap():
    """Rectangles by pyroi, to what OpenCV's floats are right to; other quadrilaterals stay theirs."""
    rng = np.random.default_rng(3)
    turned = np.concatenate(
        [rng.uniform(0, 60, (80, 2)), rng.uniform(4, 30, (80, 2)), rng.uniform(-180, 180, (80, 1))], 1
    )
    corners = pyroi.box_convert(turned, "cxcywhr", "xyxyxyxy").reshape(80, 4, 2)
    before = module.oriented_box_iou_batch(corners, corners[:30])
    bent = corners + rng.uniform(0, 1, corners.shape)
    theirs = module.oriented_box_iou_batch(bent, bent[:30])
    pyroi.accelerate("supervision")
    after = module.oriented_box_iou_batch(corners, corners[:30])
    assert after.shape == before.shape and np.allclose(after, before, atol=1e-5) and (after > 0).sum() > 100
    assert np.allclose(after, pyroi.box_iou_rotated(turned, turned[:30]), atol=1e-9)
    assert np.array_equal(module.oriented_box_iou_batch(bent, bent[:30]), theirs)


def test_errors_are_theirs():
    """A wrong threshold, and complex or NaN coordinates, do what they did."""
    rows = predictions(5)
    rows[2, 1] = np.nan
    before = sv.box_non_max_suppression(rows, 0.5)
    pyroi.accelerate("supervision")
    assert np.array_equal(sv.box_non_max_suppression(rows, 0.5), before)
    with pytest.raises(ValueError, match="iou_threshold"):
        sv.box_non_max_suppression(rows, 1.5)


def test_out_again():
    """The very functions that were there, in every place."""
    core = importlib.import_module("supervision.detection.core")
    before = core.box_non_max_suppression, sv.box_iou_batch
    pyroi.accelerate("supervision")
    assert core.box_non_max_suppression is not before[0]
    pyroi.restore("supervision")
    assert (core.box_non_max_suppression, sv.box_iou_batch) == before
