"""pyroi under Detectron2 and mmcv, which need a compiler and a framework's sources to install: against stubs.

The stubs have the modules, names, parameters and results that the documentation of Detectron2 0.6 and mmcv 2 gives;
what they compute is written out here: the overlap of rotated boxes by polygons, suppression by a plain loop.
"""

from __future__ import annotations

import math
import sys
import types

import numpy as np
import pytest
from oracles import polygons, turned, walk

import pyroi

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


def overlap(first, second):
    """IoU of each rotated box with each other, angles in degrees, counter-clockwise."""
    pairs = [[float(polygons.iou(a, b)) for b in second.tolist()] for a in first.tolist()]
    return torch.tensor(pairs, dtype=first.dtype).reshape(len(first), len(second))


def suppress(matrix, scores, may_stay):
    """Indices that are kept, by falling score; `may_stay` tells it of the IoU with a kept one."""
    kept = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        if all(may_stay(matrix[index, other]) for other in kept):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64)


def suppress_rotated(matrix, scores, threshold):
    """By the rule of both packages' CPU kernels: an IoU of the threshold suppresses too; the threshold is a float."""
    return suppress(matrix, scores, lambda iou: iou < float(np.float32(threshold)))


def degrees(boxes, clockwise):
    """mmcv's radians as the degrees of `overlap`."""
    return torch.cat([boxes[:, :4], boxes[:, 4:] * (-1 if clockwise else 1) * 180 / math.pi], 1)


def upright(boxes1, boxes2):
    """IoU of upright boxes."""
    low, high = torch.maximum(boxes1[:, None, :2], boxes2[:, :2]), torch.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
    shared = (high - low).clamp(min=0).prod(2)
    area1, area2 = ((boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (boxes1, boxes2))
    return shared / (area1[:, None] + area2 - shared)


# ---- The stubs -------------------------------------------------------------------------------------------------------


def detectron2_modules():
    """detectron2.layers, as far as it is joined."""

    def nms_rotated(boxes, scores, iou_threshold):
        return suppress_rotated(overlap(boxes, boxes), scores, iou_threshold)

    def pairwise_iou_rotated(boxes1, boxes2):
        return overlap(boxes1, boxes2)

    class ROIAlignRotated(torch.nn.Module):
        def __init__(self, output_size, spatial_scale, sampling_ratio):
            super().__init__()
            self.output_size, self.spatial_scale, self.sampling_ratio = output_size, spatial_scale, sampling_ratio

        def forward(self, input, rois):
            settings = self.output_size, self.spatial_scale, self.sampling_ratio
            return torch.tensor(turned.roi_align_rotated(input.detach().numpy(), rois.numpy(), *settings)).to(
                input.dtype
            )

    return {
        "detectron2": {"__version__": "0.6"},
        "detectron2.layers": {"nms_rotated": nms_rotated, "pairwise_iou_rotated": pairwise_iou_rotated},
        "detectron2.layers.nms": {"nms_rotated": nms_rotated},
        "detectron2.layers.rotated_boxes": {"pairwise_iou_rotated": pairwise_iou_rotated},
        "detectron2.layers.roi_align_rotated": {"ROIAlignRotated": ROIAlignRotated},
    }


def mmcv_modules():
    """mmcv.ops, as far as it is joined."""

    def nms(boxes, scores, iou_threshold, offset=0, score_threshold=0, max_num=-1):
        assert offset == 0, "the stub has no other"
        places = (scores > score_threshold).nonzero().squeeze(1) if score_threshold > 0 else torch.arange(len(scores))
        matrix = upright(boxes[places], boxes[places])
        kept = places[suppress(matrix, scores[places], lambda iou: iou <= iou_threshold)]
        kept = kept[:max_num] if max_num > 0 else kept
        return torch.cat([boxes[kept], scores[kept].reshape(-1, 1)], 1), kept

    def nms_rotated(dets, scores, iou_threshold, labels=None, clockwise=True):
        if dets.shape[0] == 0:
            return dets, None
        rows = degrees(dets, clockwise)
        apart = torch.zeros(len(dets)) if labels is None else labels
        matrix = overlap(rows, rows) * (apart[:, None] == apart)
        kept = suppress_rotated(matrix, scores, iou_threshold)
        return torch.cat([dets[kept], scores[kept].reshape(-1, 1)], 1), kept

    def box_iou_rotated(bboxes1, bboxes2, mode="iou", aligned=False, clockwise=True):
        matrix = overlap(degrees(bboxes1, clockwise), degrees(bboxes2, clockwise))
        return matrix.diagonal() if aligned else matrix

    def bbox_overlaps(bboxes1, bboxes2, mode="iou", aligned=False, offset=0):
        matrix = upright(bboxes1, bboxes2)
        return matrix.diagonal() if aligned else matrix

    class RoIAlign(torch.nn.Module):
        def __init__(self, output_size, spatial_scale=1.0, sampling_ratio=0, pool_mode="avg", aligned=True):
            super().__init__()
            self.output_size, self.spatial_scale, self.sampling_ratio = output_size, spatial_scale, sampling_ratio
            self.pool_mode, self.aligned = pool_mode, aligned

        def forward(self, input, rois):
            settings = self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned, self.pool_mode
            return torch.tensor(walk.roi_align(input.numpy(), rois.numpy(), *settings, real=np.float64)).to(input.dtype)

    functions = {"nms": nms, "nms_rotated": nms_rotated, "bbox_overlaps": bbox_overlaps}
    return {
        "mmcv": {"__version__": "2.2.0"},
        "mmcv.ops": {**functions, "box_iou_rotated": box_iou_rotated, "RoIAlign": RoIAlign},
        "mmcv.ops.nms": {"nms": nms, "nms_rotated": nms_rotated},
        "mmcv.ops.bbox": {"bbox_overlaps": bbox_overlaps},
        "mmcv.ops.box_iou_rotated": {"box_iou_rotated": box_iou_rotated},
        "mmcv.ops.roi_align": {"RoIAlign": RoIAlign},
    }


@pytest.fixture
def packages(monkeypatch):
    """Both, as if they were installed."""
    for name, contents in (detectron2_modules() | mmcv_modules()).items():
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    yield sys.modules["detectron2.layers"], sys.modules["mmcv.ops"]
    pyroi.restore()


# ---- With and without ------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
TURNED = torch.tensor(
    np.concatenate([RNG.uniform(0, 30, (20, 2)), RNG.uniform(3, 20, (20, 2)), RNG.uniform(-180, 180, (20, 1))], 1)
)
RADIANS = torch.cat([TURNED[:, :4], TURNED[:, 4:] * math.pi / 180], 1)
CORNERS = torch.cat([TURNED[:, :2], TURNED[:, :2] + TURNED[:, 2:4]], 1)
SCORES = torch.tensor(RNG.random(20))
HALVES = torch.tensor([[4, 4, 4, 4, 0], [4, 3, 4, 2, 0], [40, 4, 4, 4, 0.0]], dtype=torch.float64)  # IoU 8 / 16
LABELS = torch.tensor(RNG.integers(0, 3, 20))
MAP = torch.tensor(RNG.standard_normal((1, 2, 9, 11)))
IMAGE = torch.zeros(20, 1, dtype=torch.float64)

CALLS = {
    "detectron2": [
        lambda d, m: d.nms_rotated(TURNED, SCORES, 0.3),
        *[lambda d, m, t=t: d.nms_rotated(HALVES, SCORES[:3], t) for t in (0.0, 0.49, 0.5, 0.51, 1.0)],
        lambda d, m: d.nms_rotated(HALVES.float(), SCORES[:3].float(), 0.5),
        lambda d, m: d.pairwise_iou_rotated(TURNED, TURNED[:7]),
        lambda d, m: sys.modules["detectron2.layers.roi_align_rotated"].ROIAlignRotated((2, 3), 0.5, 2)(
            MAP, torch.cat([IMAGE, TURNED], 1)
        ),
    ],
    "mmcv": [
        lambda d, m: m.nms(CORNERS, SCORES, 0.3),
        lambda d, m: m.nms(CORNERS, SCORES, 0.3, score_threshold=0.4, max_num=5),
        lambda d, m: m.nms_rotated(RADIANS, SCORES, 0.3),
        lambda d, m: m.nms_rotated(RADIANS, SCORES, 0.3, labels=LABELS, clockwise=False),
        *[lambda d, m, t=t: m.nms_rotated(HALVES, SCORES[:3], t) for t in (0.0, 0.49, 0.5, 0.51, 1.0)],
        lambda d, m: m.nms_rotated(HALVES, SCORES[:3], 0.5, labels=LABELS[:3] * 0),
        lambda d, m: m.nms_rotated(RADIANS[:0], SCORES[:0], 0.3),
        lambda d, m: m.box_iou_rotated(RADIANS, RADIANS[:7]),
        lambda d, m: m.box_iou_rotated(RADIANS, RADIANS[:7], clockwise=False),
        lambda d, m: m.box_iou_rotated(RADIANS[:5], RADIANS[5:10], aligned=True),
        lambda d, m: m.bbox_overlaps(CORNERS, CORNERS[:7]),
        lambda d, m: m.RoIAlign((2, 3), 0.5, 2)(MAP, torch.cat([IMAGE, CORNERS], 1)),
        lambda d, m: m.RoIAlign((2, 2), 0.5, 2, "max", False)(MAP, torch.cat([IMAGE, CORNERS], 1)),
    ],
}


def is_same(first, second):
    """Results of a call, which may be tuples with None in them."""
    if isinstance(first, tuple):
        return all(is_same(a, b) for a, b in zip(first, second, strict=True))
    return first is second is None or torch.allclose(first, second, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("tool", "call"),
    [pytest.param(tool, call, id=f"{tool}-{n}") for tool in CALLS for n, call in enumerate(CALLS[tool])],
)
def test_the_same_results(packages, tool, call):
    """To rounding; and the functions are back afterwards."""
    before, names = call(*packages), [dict(vars(package)) for package in packages]
    pyroi.accelerate(tool)
    assert [dict(vars(package)) for package in packages] != names
    assert is_same(call(*packages), before)
    pyroi.restore(tool)
    assert [dict(vars(package)) for package in packages] == names


@pytest.mark.parametrize("tool", CALLS)
def test_pairs_at_the_threshold(packages, tool):
    """Of two rotated boxes whose IoU is 0.5 both kernels drop one, at the threshold of 0.5."""
    pyroi.accelerate(tool)
    kept = [packages[0].nms_rotated(HALVES, SCORES[:3], t) for t in (0.5, 0.51)]
    if tool == "mmcv":
        kept = [packages[1].nms_rotated(HALVES, SCORES[:3], t)[1] for t in (0.5, 0.51)]
    assert [len(places) for places in kept] == [2, 3]


def test_gradients_of_detectron2(packages):
    """What flows back through ROIAlignRotated is pyroi's gradient."""
    pyroi.accelerate("detectron2")
    layer = sys.modules["detectron2.layers.roi_align_rotated"].ROIAlignRotated((2, 2), 0.5, 2)
    rows = torch.cat([IMAGE, TURNED], 1)
    map = MAP.clone().requires_grad_()
    layer(map, rows).sum().backward()
    ones = np.ones((20, 2, 2, 2))
    assert np.allclose(map.grad, pyroi.roi_align_rotated_backward(ones, rows.numpy(), MAP.shape, 0.5, 2))
