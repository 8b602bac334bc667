"""pyroi under Detectron2, which PyPI does not have: against a stub.

It has the modules, names, parameters and results that the documentation of Detectron2 0.6 gives; what it computes is
written out here: the overlap of rotated boxes by polygons, suppression by a plain loop.
"""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from oracles import turned

import pyroi

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import slow_boxes  # noqa: E402

# ---- The stub --------------------------------------------------------------------------------------------------------


def detectron2_modules():
    """detectron2.layers, as far as it is joined."""

    def nms_rotated(boxes, scores, iou_threshold):
        return slow_boxes.suppress_rotated(slow_boxes.iou_rotated(boxes, boxes), scores, iou_threshold)

    def pairwise_iou_rotated(boxes1, boxes2):
        return slow_boxes.iou_rotated(boxes1, boxes2)

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


@pytest.fixture
def layers(monkeypatch):
    """detectron2.layers, as if it were installed."""
    for name, contents in detectron2_modules().items():
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    yield sys.modules["detectron2.layers"]
    pyroi.restore()


# ---- With and without ------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
TURNED = torch.tensor(
    np.concatenate([RNG.uniform(0, 30, (20, 2)), RNG.uniform(3, 20, (20, 2)), RNG.uniform(-180, 180, (20, 1))], 1)
)
SCORES = torch.tensor(RNG.random(20))
HALVES = torch.tensor([[4, 4, 4, 4, 0], [4, 3, 4, 2, 0], [40, 4, 4, 4, 0.0]], dtype=torch.float64)  # IoU 8 / 16
MAP = torch.tensor(RNG.standard_normal((1, 2, 9, 11)))
ROIS = torch.cat([torch.zeros(20, 1, dtype=torch.float64), TURNED], 1)


def pool(map):
    return sys.modules["detectron2.layers.roi_align_rotated"].ROIAlignRotated((2, 3), 0.5, 2)(map, ROIS)


CALLS = {
    "nms_rotated": lambda layers: layers.nms_rotated(TURNED, SCORES, 0.3),
    **{
        f"nms_rotated at {threshold}": lambda layers, t=threshold: layers.nms_rotated(HALVES, SCORES[:3], t)
        for threshold in (0.0, 0.49, 0.5, 0.51, 1.0)
    },
    "nms_rotated of float32": lambda layers: layers.nms_rotated(HALVES.float(), SCORES[:3].float(), 0.5),
    "pairwise_iou_rotated": lambda layers: layers.pairwise_iou_rotated(TURNED, TURNED[:7]),
    "ROIAlignRotated": lambda layers: pool(MAP),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_same_results(layers, call):
    """To rounding; and the functions are back afterwards."""
    before, names = call(layers), dict(vars(layers))
    pyroi.accelerate("detectron2")
    assert dict(vars(layers)) != names
    assert torch.allclose(call(layers), before, rtol=1e-7, atol=1e-9)
    pyroi.restore("detectron2")
    assert dict(vars(layers)) == names


def test_pairs_at_the_threshold(layers):
    """Of two rotated boxes whose IoU is 0.5 one is dropped at the threshold of 0.5."""
    pyroi.accelerate("detectron2")
    assert [len(layers.nms_rotated(HALVES, SCORES[:3], threshold)) for threshold in (0.5, 0.51)] == [2, 3]


def test_gradients(layers):
    """What flows back through ROIAlignRotated is pyroi's gradient."""
    pyroi.accelerate("detectron2")
    map = MAP.clone().requires_grad_()
    pool(map).sum().backward()
    expected = pyroi.roi_align_rotated_backward(np.ones((20, 2, 2, 3)), ROIS.numpy(), MAP.shape, 0.5, 2)
    assert np.allclose(map.grad, expected)
