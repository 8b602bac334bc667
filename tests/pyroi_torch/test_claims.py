"""Statements of README.md and docs/frameworks.md about torchvision 0.29 and ONNX Runtime.

When one of these fails, a release has changed: then its row there has to change, too, and this case with it.
"""

from __future__ import annotations

import importlib

import pytest
from children import run_child
from oracles.autograd import torchvision_ops

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")

NAN, INF = float("nan"), float("inf")


def _outcomes():
    """Prints the outcome of each call, in a process of its own: numbers, an error, or the signal that ended it."""
    import os
    import resource

    import torch
    from oracles.autograd import torchvision_ops

    ops = torchvision_ops()
    nan, inf = float("nan"), float("inf")
    map, none = torch.ones(1, 4, 5, 5), torch.ones(1, 4, 0, 5)

    def box(*numbers):
        return torch.tensor([numbers], dtype=torch.float32)

    fine, huge = box(0, 1, 1, 3, 3), box(0, 0, 0, 1e9, 1e9)
    pairs = torch.tensor([[0, 0, 1, 1.0], [0, 0, 1, 1]])
    calls = {
        f"{name}, batch index {batch}": lambda name=name, batch=batch: getattr(ops, name)(
            map, box(batch, 1, 1, 3, 3), 2
        )
        for name in ("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool")
        for batch in (7, -1)
    }
    calls |= {
        f"{name}, map without rows": lambda name=name: getattr(ops, name)(none, fine, 2)
        for name in ("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool")
    }
    calls |= {
        "roi_align, map without columns": lambda: ops.roi_align(none.transpose(2, 3), fine, 2),
        "roi_align, huge box": lambda: ops.roi_align(map, huge, 2),
        "ps_roi_align, huge box": lambda: ops.ps_roi_align(map, huge, 2),
        "roi_align, NaN": lambda: ops.roi_align(map, box(0, nan, 1, 3, 3), 2),
        "roi_align, NaN, fixed grid": lambda: ops.roi_align(map, box(0, nan, 1, 3, 3), 2, 1.0, 2),
        "roi_align, infinity, fixed grid": lambda: ops.roi_align(map, box(0, 0, 0, inf, inf), 2, 1.0, 2),
        "roi_align, scale 0": lambda: ops.roi_align(map, fine, 2, 0.0),
        "roi_pool, scale NaN": lambda: ops.roi_pool(map, fine, 2, nan),
        "ps_roi_align, no bins": lambda: ops.ps_roi_align(map, fine, 0),
        "ps_roi_pool, no bins": lambda: ops.ps_roi_pool(map, fine, 0),
        "nms, NaN in scores": lambda: ops.nms(pairs, torch.tensor([nan, 1.0]), 0.5),
        "nms, NaN in boxes": lambda: ops.nms(pairs * torch.tensor([[nan], [1]]), torch.tensor([1.0, 2]), 0.5),
        "nms, threshold -1": lambda: ops.nms(pairs, torch.tensor([1.0, 2]), -1.0),
        "nms of float16": lambda: ops.nms(pairs.half(), torch.tensor([1.0, 2]).half(), 0.5),
        "roi_align of float16": lambda: ops.roi_align(map.half(), fine.half(), 2),
        "roi_align of bfloat16": lambda: ops.roi_align(map.bfloat16(), fine.bfloat16(), 2),
        "roi_align of two types": lambda: ops.roi_align(map.double(), fine, 2),
        "list longer than the batch": lambda: ops.roi_align(map, [fine[:, 1:], fine[:, 1:]], 2),
        "list shorter than the batch": lambda: ops.roi_align(torch.cat([map, map]), [fine[:, 1:]], 2),
    }
    for name, call in calls.items():
        print(name, end=": ", flush=True)
        child = os.fork()
        if not child:
            resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            try:
                print(call().flatten()[:1].tolist(), flush=True)
            except RuntimeError as error:
                print(type(error).__name__, "too large" if "too large" in str(error) else "", flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print("signal", os.WTERMSIG(status))


@pytest.fixture(scope="module")
def outcomes():
    """By call."""
    ops = torchvision_ops()
    version = importlib.import_module("torchvision").__version__
    if not version.startswith("0.29."):
        pytest.skip(f"the pages speak of torchvision 0.29, and this is {version}")
    assert ops
    lines = run_child(_outcomes, timeout=600).splitlines()
    return {name: outcome.strip() for name, _, outcome in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        *((f"{name}, batch index {batch}", "RuntimeError")
          for name in ("roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool") for batch in (7, -1)),
        ("roi_align, map without rows", "signal 11"),
        ("roi_align, map without columns", "signal 11"),
        ("roi_pool, map without rows", "[0.0]"),
        ("ps_roi_align, map without rows", "[0.0]"),
        ("ps_roi_pool, map without rows", "[0.0]"),
        ("roi_align, huge box", "RuntimeError too large"),
        ("ps_roi_align, huge box", "signal 9"),  # after 2 seconds of processor time
        ("roi_align, NaN", "[0.0]"),
        ("roi_align, NaN, fixed grid", "signal 11"),
        ("roi_align, infinity, fixed grid", "[nan]"),
        ("roi_align, scale 0", "[1.0]"),
        ("roi_pool, scale NaN", "[0.0]"),
        ("ps_roi_align, no bins", "signal 8"),
        ("ps_roi_pool, no bins", "signal 8"),
        ("nms, NaN in scores", "[0]"),
        ("nms, NaN in boxes", "[1]"),
        ("nms, threshold -1", "[1]"),
        ("nms of float16", "RuntimeError"),
        ("roi_align of float16", "[1.0]"),
        ("roi_align of bfloat16", "RuntimeError"),
        ("roi_align of two types", "RuntimeError"),
        ("list longer than the batch", "RuntimeError"),
        ("list shorter than the batch", "[1.0]"),
    ],
)  # fmt: skip
def test_torchvision(outcomes, call, outcome):
    """What the tables say of it."""
    assert outcomes[call] == outcome


def test_torchvision_has_no_second_derivatives():
    """Of crops that are linear in the map: here the gradient has one."""
    ops = torchvision_ops()
    map, rois = torch.rand(1, 1, 5, 5, dtype=torch.float64, requires_grad=True), torch.tensor([[0, 1, 1, 4, 4.0]])
    weights = torch.ones(1, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    for roi_align, fails in ((ops.roi_align, True), (rt.roi_align, False)):
        crops = roi_align(map, rois.double(), 2)
        (slope,) = torch.autograd.grad(crops, map, weights, create_graph=True)
        if fails:
            with pytest.raises(RuntimeError, match="double backwards"):
                torch.autograd.grad((slope**2).sum(), weights)
        else:
            assert torch.autograd.grad((slope**2).sum(), weights)[0].any()


def test_here():
    """The same calls: an error with the row, or the number that the definition has."""
    map, fine = torch.ones(1, 4, 5, 5), torch.tensor([[0, 1, 1, 3, 3.0]])
    pairs = torch.tensor([[0, 0, 1, 1.0], [0, 0, 1, 1]])
    for pool in (rt.roi_align, rt.roi_pool, rt.ps_roi_align, rt.ps_roi_pool):
        for batch in (7, -1):
            with pytest.raises(ValueError, match="boxes: row 0: the batch index"):
                pool(map, torch.tensor([[batch, 1, 1, 3, 3.0]]), 2)
        for number in (NAN, INF):
            with pytest.raises(ValueError, match="boxes: row 0: coordinates must be finite"):
                pool(map, torch.tensor([[0, number, 1, 3, 3.0]]), 2)
        for scale in (0.0, NAN):
            with pytest.raises(ValueError, match="spatial_scale"):
                pool(map, fine, 2, scale)
        for shape in ((1, 4, 0, 5), (1, 4, 5, 0)):
            assert not pool(torch.ones(shape), fine, 2).any()
        assert pool(map, fine, 0).numel() == 0
        pool(map, torch.tensor([[0, 0, 0, 1e9, 1e9]]), 2)
    for lists in ([fine[:, 1:], fine[:, 1:]], []):
        with pytest.raises(ValueError, match="boxes: expected one tensor for each of the 1 images"):
            rt.roi_align(map, lists, 2)
    for boxes, scores in ((pairs, torch.tensor([NAN, 1])), (pairs * NAN, torch.tensor([2.0, 1]))):
        with pytest.raises(ValueError, match="row 0"):
            rt.nms(boxes, scores, 0.5)


# ---- ONNX Runtime ----------------------------------------------------------------------------------------------------


def test_onnx_runtime():
    """It refuses a batch index and a NaN, and runs out of memory over a huge box. A map without rows it reads."""
    np = pytest.importorskip("numpy")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    helper, types = onnx.helper, onnx.TensorProto
    given = {"X": types.FLOAT, "rois": types.FLOAT, "batch_indices": types.INT64}
    inputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in given.items()]
    node = helper.make_node("RoiAlign", list(given), ["Y"], output_height=2, output_width=2)
    graph = helper.make_graph([node], "crops", inputs, [helper.make_tensor_value_info("Y", types.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def pool(box, batch=0, height=5):
        arrays = np.ones((1, 1, height, 5), np.float32), np.float32([box]), np.int64([batch])
        return session.run(None, dict(zip(given, arrays, strict=True)))[0]

    for wrong in ({"box": [1, 1, 3, 3], "batch": 7}, {"box": [NAN, 1, 3, 3]}, {"box": [0, 0, 1e9, 1e9]}):
        with pytest.raises(Exception, match="RoiAlign node"):
            pool(**wrong)
    assert pool([1, 1, 3, 3], height=0).shape == (1, 1, 2, 2)
