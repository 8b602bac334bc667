"""pyroi under mmcv: mmcv-lite from PyPI, which is mmcv's Python without its kernels; where they are missing, the tests
have kernels by definition in their place.

What the kernels take and give is told by the functions of mmcv 2.2 that call them. The rules for a pair at the
threshold and for labels are those of mmcv's kernels for the CPU.
"""

from __future__ import annotations

import importlib
import math
import sys
import types

import numpy as np
import pytest
from oracles import walk

import pyroi

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("mmcv", reason="mmcv is not installed")

import slow_boxes  # noqa: E402

# ---- Kernels in the place of mmcv's ----------------------------------------------------------------------------------


def degrees(boxes):
    """Angles in radians, clockwise, as degrees, counter-clockwise."""
    return torch.cat([boxes[:, :4], boxes[:, 4:5] * -180 / math.pi], 1)


class Kernels(types.ModuleType):
    """mmcv._ext: what the tests call computes, and all other names that mmcv asks for are there."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None

    @staticmethod
    def nms(boxes, scores, *, iou_threshold, offset):
        """Gives which are kept."""
        assert offset == 0, "the kernel here has no other"
        limit = float(np.float32(iou_threshold))
        return slow_boxes.suppress(slow_boxes.iou(boxes, boxes), scores, lambda iou: float(iou) <= limit)

    @staticmethod
    def nms_rotated(dets, scores, order, dets_sorted, labels, iou_threshold, multi_label):
        """The column of labels is not read."""
        rows = degrees(dets)
        return slow_boxes.suppress_rotated(slow_boxes.iou_rotated(rows, rows), scores, iou_threshold)

    @staticmethod
    def box_iou_rotated(boxes1, boxes2, ious, *, mode_flag, aligned):
        """Writes into `ious`."""
        assert mode_flag == 0, "the kernel here has no other"
        matrix = slow_boxes.iou_rotated(degrees(boxes1), degrees(boxes2))
        ious[:] = matrix.diagonal() if aligned else matrix.reshape(-1)

    @staticmethod
    def bbox_overlaps(boxes1, boxes2, ious, *, mode, aligned, offset):
        """Writes into `ious`."""
        assert mode == offset == 0, "the kernel here has no other"
        matrix = slow_boxes.iou(boxes1, boxes2)
        ious[:] = matrix.diagonal() if aligned else matrix

    @staticmethod
    def roi_align_forward(input, rois, output, argmax_y, argmax_x, **settings):
        """Writes into `output`."""
        crops = walk.roi_align(input.numpy(), rois.numpy(), *_settings(settings), real=np.float64)
        output[:] = torch.from_numpy(crops)

    @staticmethod
    def roi_align_backward(grad, rois, argmax_y, argmax_x, grad_input, **settings):
        """Writes into `grad_input`."""
        _, *others, mode = _settings(settings)
        assert mode == "avg"
        flow = walk.roi_align_backward(grad.numpy(), rois.numpy(), grad_input.shape, *others, real=np.float64)
        grad_input[:] = torch.from_numpy(flow)


def _settings(given):
    """Keywords of mmcv's kernels as arguments of the oracle."""
    size = given["aligned_height"], given["aligned_width"]
    mode = ("max", "avg")[given["pool_mode"]]
    return size, given["spatial_scale"], given["sampling_ratio"], given["aligned"], mode


try:
    importlib.import_module("mmcv._ext")
except ModuleNotFoundError:
    sys.modules["mmcv._ext"] = Kernels("mmcv._ext")
ops = importlib.import_module("mmcv.ops")


@pytest.fixture(autouse=True)
def restored():
    """Its own functions before and after."""
    yield
    pyroi.restore()


# ---- With and without ------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
COLUMNS = [RNG.uniform(0, 30, (20, 2)), RNG.uniform(3, 20, (20, 2)), RNG.uniform(-math.pi, math.pi, (20, 1))]
TURNED = torch.tensor(np.concatenate(COLUMNS, 1), dtype=torch.float32)
CORNERS = torch.cat([TURNED[:, :2], TURNED[:, :2] + TURNED[:, 2:4]], 1)
SCORES = torch.tensor(RNG.random(20), dtype=torch.float32)
HALVES = torch.tensor([[4, 4, 4, 4, 0], [4, 3, 4, 2, 0], [40, 4, 4, 4, 0.0]])  # IoU 8 / 16
LABELS = torch.tensor(RNG.integers(0, 3, 20))
MAP = torch.tensor(RNG.standard_normal((2, 2, 9, 11)))
ROIS = torch.cat([torch.arange(20)[:, None] % 2, CORNERS], 1).double()

CALLS = {
    "nms": lambda: ops.nms(CORNERS, SCORES, 0.3),
    "nms, limited": lambda: ops.nms(CORNERS, SCORES, 0.3, score_threshold=0.4, max_num=5),
    "nms of arrays": lambda: ops.nms(CORNERS.numpy(), SCORES.numpy(), 0.3),
    "batched_nms": lambda: ops.batched_nms(CORNERS, SCORES, LABELS, {"type": "nms", "iou_threshold": 0.3}),
    "nms_rotated": lambda: ops.nms_rotated(TURNED, SCORES, 0.3),
    "nms_rotated, counter-clockwise": lambda: ops.nms_rotated(TURNED, SCORES, 0.3, clockwise=False),
    "nms_rotated, labels": lambda: ops.nms_rotated(TURNED, SCORES, 0.3, labels=LABELS),
    "nms_rotated of nothing": lambda: ops.nms_rotated(TURNED[:0], SCORES[:0], 0.3),
    **{
        f"nms_rotated at {threshold}": lambda threshold=threshold: ops.nms_rotated(HALVES, SCORES[:3], threshold)
        for threshold in (0.0, 0.49, 0.5, 0.51, 1.0)
    },
    "box_iou_rotated": lambda: ops.box_iou_rotated(TURNED, TURNED[:7]),
    "box_iou_rotated, counter-clockwise": lambda: ops.box_iou_rotated(TURNED, TURNED[:7], clockwise=False),
    "box_iou_rotated, pairs": lambda: ops.box_iou_rotated(TURNED[:5], TURNED[5:10], aligned=True),
    "bbox_overlaps": lambda: ops.bbox_overlaps(CORNERS, CORNERS[:7]),
    "bbox_overlaps, pairs": lambda: ops.bbox_overlaps(CORNERS[:5], CORNERS[5:10], aligned=True),
    "bbox_overlaps of nothing": lambda: ops.bbox_overlaps(torch.zeros(0), CORNERS),
    "RoIAlign": lambda: ops.RoIAlign((2, 3), 0.5, 2)(MAP, ROIS),
    "RoIAlign, not aligned": lambda: ops.RoIAlign((2, 3), 0.5, 0, aligned=False)(MAP, ROIS),
    "RoIAlign, max": lambda: ops.RoIAlign((2, 2), 0.5, 2, "max", False)(MAP, ROIS),
}


def is_same(first, second):
    """Results of a call, which may be tuples with None in them."""
    if isinstance(first, tuple):
        return all(is_same(a, b) for a, b in zip(first, second, strict=True))
    if first is None or second is None:
        return first is second
    return type(first) is type(second) and np.allclose(first, second, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_same_results(call):
    """To rounding; and the functions are back afterwards."""
    before, names = call(), dict(vars(ops))
    pyroi.accelerate("mmcv")
    assert ops.nms is not names["nms"] and ops.nms_rotated is not names["nms_rotated"]
    assert is_same(call(), before)
    pyroi.restore("mmcv")
    assert dict(vars(ops)) == names


OURS = ["nms", "batched_nms", "nms_rotated", "box_iou_rotated", "bbox_overlaps", "RoIAlign"]


@pytest.mark.parametrize("name", OURS)
def test_they_are_ours(name, monkeypatch):
    """mmcv's kernels are not called."""
    pyroi.accelerate("mmcv")
    for kernel in ("nms", "nms_rotated", "box_iou_rotated", "bbox_overlaps", "roi_align_forward"):
        monkeypatch.setattr(sys.modules["mmcv._ext"], kernel, None)
    CALLS[name]()


def test_former_names():
    """The decorator that takes parameters by their former names still does, and warns."""
    expected = ops.nms(CORNERS, SCORES, 0.3)
    pyroi.accelerate("mmcv")
    with pytest.warns(DeprecationWarning, match="iou_thr"):
        assert is_same(ops.nms(CORNERS, SCORES, iou_thr=0.3), expected)


def test_gradients():
    """What flows back through RoIAlign; overlaps have none, as in mmcv."""
    layer, weights = ops.RoIAlign((2, 3), 0.5, 2), torch.tensor(RNG.standard_normal((20, 2, 2, 3)))

    def flow():
        map = MAP.clone().requires_grad_()
        (layer(map, ROIS) * weights).sum().backward()
        return map.grad

    before = flow()
    pyroi.accelerate("mmcv")
    assert torch.allclose(flow(), before, rtol=1e-9, atol=1e-9)
    assert not ops.bbox_overlaps(CORNERS.clone().requires_grad_(), CORNERS).requires_grad
