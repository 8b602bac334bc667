"""pyroi under ultralytics, the package from PyPI."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest
from oracles.autograd import torchvision_ops

import pyroi

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
ultralytics = pytest.importorskip("ultralytics", reason="ultralytics is not installed")
nms = importlib.import_module("ultralytics.utils.nms")
metrics = importlib.import_module("ultralytics.utils.metrics")


@pytest.fixture(autouse=True)
def restored():
    """Its own functions before and after."""
    yield
    pyroi.restore()


def prediction(count, classes=5, seed=0):
    """What a YOLO head gives for two images: [2, 4 + classes, count], rows cx, cy, w, h and a score per class."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.rand(2, 2, count, generator=generator) * 600
    size = torch.rand(2, 2, count, generator=generator) * 80 + 4
    return torch.cat([centre, size, torch.rand(2, classes, count, generator=generator)], 1)


@pytest.mark.parametrize(
    "settings", [{}, {"agnostic": True}, {"multi_label": True, "iou_thres": 0.7}, {"classes": [1, 3]}]
)
def test_the_same_detections(monkeypatch, settings):
    """To the last bit, with ultralytics' own suppression, which it has where torchvision is not loaded."""
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    before = nms.non_max_suppression(prediction(600), 0.25, max_time_img=60, **settings)
    pyroi.accelerate("ultralytics")
    kernel = pyroi.tools.ultralytics._nms
    after = nms.non_max_suppression(prediction(600), 0.25, max_time_img=60, **settings)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)) and len(before[0]) > 50
    assert kernel(torch.zeros(0, 4), torch.zeros(0), 0.5).shape == (0,)


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.3, 0.45, 0.5, 0.7, 1.0])
def test_thresholds_on_the_spot(threshold):
    """Whole-numbered boxes, whose IoU is often the threshold itself."""
    generator = torch.Generator().manual_seed(1)
    corner = torch.randint(0, 20, (400, 2), generator=generator)
    boxes = torch.cat([corner, corner + torch.randint(1, 12, (400, 2), generator=generator)], 1).float()
    scores = torch.rand(400, generator=generator)
    before = nms.TorchNMS.nms(boxes, scores, threshold)
    pyroi.accelerate("ultralytics")
    assert torch.equal(nms.TorchNMS.nms(boxes, scores, threshold), before)


def test_overlap():
    """Up to the eps in its denominator and rounding; for gradients too, and wherever the name was imported before."""
    val = importlib.import_module("ultralytics.models.yolo.detect.val")
    generator = torch.Generator().manual_seed(2)
    corner = torch.rand(100, 2, generator=generator) * 100
    boxes = torch.cat([corner, corner + torch.rand(100, 2, generator=generator) * 50 + 1], 1)
    before = metrics.box_iou(boxes, boxes[:30])
    original = metrics.box_iou
    pyroi.accelerate("ultralytics")
    assert metrics.box_iou is val.box_iou is not original
    assert torch.allclose(val.box_iou(boxes, boxes[:30]), before, atol=1e-6)
    grown = boxes.clone().requires_grad_()
    [slope] = torch.autograd.grad(metrics.box_iou(grown, boxes[:30]).sum(), grown)
    [expected] = torch.autograd.grad(original(grown, boxes[:30]).sum(), grown)
    assert torch.allclose(slope, expected, atol=1e-5)
    pyroi.restore("ultralytics")
    assert metrics.box_iou is val.box_iou is original


def test_what_stays_theirs():
    """Half precision, and numbers that pyroi refuses: their own results."""
    boxes = torch.tensor([[0, 0, 4, 4], [0, 0, 4, float("nan")]])
    scores = torch.tensor([0.9, 0.8])
    before = nms.TorchNMS.nms(boxes, scores, 0.5), nms.TorchNMS.nms(boxes.half(), scores.half(), 0.5)
    pyroi.accelerate("ultralytics")
    after = nms.TorchNMS.nms(boxes, scores, 0.5), nms.TorchNMS.nms(boxes.half(), scores.half(), 0.5)
    assert all(map(torch.equal, before, after))


def test_a_model():
    """YOLO11n of random weights finds the same with and without, on an image of noise, where torchvision is loaded."""
    torchvision_ops()
    torch.manual_seed(0)
    model = ultralytics.YOLO("yolo11n.yaml")
    image = np.random.default_rng(0).integers(0, 255, (160, 160, 3), dtype=np.uint8)

    def run():
        return model.predict(image, conf=1e-6, imgsz=160, verbose=False, device="cpu")[0].boxes.data

    before = run()
    pyroi.accelerate("torchvision")
    pyroi.accelerate("ultralytics")
    after = run()
    assert len(before) and torch.equal(before, after)


@pytest.mark.filterwarnings("ignore")  # of the exporter
def test_a_model_of_onnx(tmp_path, monkeypatch):
    """YOLO11n of random weights, exported with suppression in the graph: ONNX Runtime gives the same numbers."""
    torchvision_ops()
    graphs = pytest.importorskip("graphs", reason="onnx or onnxruntime is not installed", exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    settings = {"nms": True, "conf": 1e-6, "iou": 0.5, "max_det": 50, "imgsz": 160, "opset": 17}
    path = ultralytics.YOLO("yolo11n.yaml").export(format="onnx", simplify=False, device="cpu", **settings)
    model = importlib.import_module("onnx").load(path)
    assert "NonMaxSuppression" in {node.op_type for node in model.graph.node}
    feeds = {"images": np.random.default_rng(0).random((1, 3, 160, 160), np.float32)}
    [plain], [ours] = graphs.run(model, feeds, ours=False), graphs.run(model, feeds)
    assert (plain[0, :, 4] > 0).sum() > 10 and np.array_equal(plain, ours)
