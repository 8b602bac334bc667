"""Whole detectors, unchanged and rewritten: the outputs of ONNX Runtime's own kernels, up to rounding."""

from __future__ import annotations

import functools
import io

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from graphs import model, run, session  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from oracles.autograd import torchvision_ops  # noqa: E402

import pyroi.onnxruntime  # noqa: E402

RNG = np.random.default_rng(17)


def same_outputs(graph, feeds, tolerance, **how):
    """What the model gives with our kernels and without is the same: shapes and integers exactly."""
    plain, ours = run(graph, feeds, ours=False, threads=2), run(graph, feeds, threads=2, **how)
    for one, other in zip(plain, ours, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        np.testing.assert_allclose(other, one, atol=tolerance, rtol=tolerance)
    return ours


def operators(graph):
    """Domain and name of each node, also of those within nodes."""
    return [(node.domain, node.op_type) for node in pyroi.onnxruntime.model._nodes(graph.graph)]


# ---- torchvision -----------------------------------------------------------------------------------------------------


@functools.cache
def exported(kind, opset):
    """A detector of torchvision with random weights, exported by PyTorch, and an image for it."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torchvision_ops()
    import torchvision

    torch.manual_seed(0)
    maker = getattr(torchvision.models.detection, kind)
    # No score is too low: with random weights nearly all are.
    detector = maker(weights=None, weights_backbone=None, box_score_thresh=0.0, min_size=160, max_size=224,
                     rpn_post_nms_top_n_test=120, box_detections_per_img=20).eval()  # fmt: skip
    image = torch.rand(3, 160, 200)
    buffer = io.BytesIO()
    torch.onnx.export(detector, ([image],), buffer, opset_version=opset, input_names=["image"], dynamo=False)
    return onnx.load_from_string(buffer.getvalue()), {"image": image.numpy()}


DETECTORS = [("fasterrcnn_mobilenet_v3_large_fpn", 16), ("fasterrcnn_mobilenet_v3_large_fpn", 18)]
DETECTORS += [("maskrcnn_resnet50_fpn", 16), ("maskrcnn_resnet50_fpn", 18)]


@pytest.mark.filterwarnings("ignore")  # of the exporter
@pytest.mark.parametrize(("kind", "opset"), DETECTORS)
def test_torchvision(kind, opset):
    """Unchanged, and rewritten."""
    graph, feeds = exported(kind, opset)
    found = {name for _, name in operators(graph)}
    assert {"RoiAlign", "NonMaxSuppression"} <= found
    assert len(same_outputs(graph, feeds, 1e-3)[0]) > 0
    rewritten = pyroi.onnxruntime.rewrite(graph)
    assert {("roi", "RoiAlign"), ("roi", "NonMaxSuppression")} <= set(operators(rewritten))
    for one, other in zip(run(graph, feeds), run(rewritten, feeds), strict=True):
        np.testing.assert_array_equal(one, other)


# ---- A YOLO ----------------------------------------------------------------------------------------------------------


def yolo(side=20, classes=3, opset=17):
    """What exporters of one-stage detectors write with suppression in the graph: a convolution per cell, boxes decoded
    to centres and sides, scores by class, NonMaxSuppression, and the boxes that it keeps gathered."""
    weights = {
        "w": RNG.standard_normal((4 + classes, 3, 3, 3)) * 0.5,
        "cells": np.stack(np.meshgrid(np.arange(side), np.arange(side)), 0).reshape(1, 2, -1),
        "eight": np.array(8.0),
        "iou": np.array([0.45]),
        "score": np.array([0.55]),
    }
    initial = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    shapes = {"flat": [1, 4 + classes, -1], "sizes": [2, 2, classes], "limit": [30], "column": [2]}
    initial += [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in shapes.items()]
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["raw"], strides=[8, 8], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["raw", "flat"], ["cells_raw"]),
        helper.make_node("Split", ["cells_raw", "sizes"], ["place", "side", "logits"], axis=1),
        helper.make_node("Sigmoid", ["place"], ["offset"]),
        helper.make_node("Add", ["offset", "cells"], ["place_cells"]),
        helper.make_node("Mul", ["place_cells", "eight"], ["centre"]),
        helper.make_node("Exp", ["side"], ["side_cells"]),
        helper.make_node("Mul", ["side_cells", "eight"], ["sides"]),
        helper.make_node("Concat", ["centre", "sides"], ["boxes_t"], axis=1),
        helper.make_node("Transpose", ["boxes_t"], ["boxes"], perm=[0, 2, 1]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
        helper.make_node(
            "NonMaxSuppression", ["boxes", "scores", "limit", "iou", "score"], ["kept"], center_point_box=1
        ),
        helper.make_node("Gather", ["kept", "column"], ["rows"], axis=1),
        helper.make_node("Gather", ["boxes", "rows"], ["detections"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8 * side, 8 * side])
    results = [helper.make_tensor_value_info("kept", TensorProto.INT64, [None, 3]),
               helper.make_tensor_value_info("detections", TensorProto.FLOAT, None)]  # fmt: skip
    graph = helper.make_graph(nodes, "yolo", [image], results, initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.mark.parametrize("opset", [13, 17, 22])
def test_yolo(opset):
    """The same boxes to the last one, unchanged and rewritten."""
    graph = yolo(opset=opset)
    feeds = {"image": RNG.uniform(size=(1, 3, 160, 160)).astype(np.float32)}
    kept = same_outputs(graph, feeds, 0)[0]
    assert len(set(kept[:, 1])) == 3 and len(kept) > 30
    np.testing.assert_array_equal(run(pyroi.onnxruntime.rewrite(graph), feeds)[0], kept)


# ---- Rewriting -------------------------------------------------------------------------------------------------------

FEEDS = {
    "X": RNG.standard_normal((1, 4, 20, 20)).astype(np.float32),
    "rois": np.array([[1, 2, 15, 13], [0, 0, 30, 9]], np.float32),
    "batch_indices": np.zeros(2, np.int64),
}


@pytest.mark.parametrize("opset", [10, 15, 16, 22])
def test_rewrite_keeps_the_meaning(opset):
    """RoiAlign of an old model stays where it was; the model given is not changed."""
    graph = model("RoiAlign", FEEDS, {"Y": np.float32}, opset, output_height=3, output_width=3)
    before = graph.SerializeToString()
    rewritten = pyroi.onnxruntime.rewrite(graph)
    assert graph.SerializeToString() == before
    expected = pyroi.roi_align(FEEDS["X"], FEEDS["rois"], 3, 1, 0, opset >= 16)
    np.testing.assert_array_equal(run(rewritten, FEEDS)[0], expected)
    assert pyroi.onnxruntime.rewrite(rewritten).SerializeToString() == rewritten.SerializeToString()


def test_rewrite_of_a_file(tmp_path):
    """By its path, as text or not; the domain's long name is the same domain."""
    graph = model("RoiAlign", FEEDS, {"Y": np.float32}, 16, output_height=3, output_width=3)
    graph.graph.node[0].domain = "ai.onnx"
    onnx.save(graph, tmp_path / "model.onnx")
    for path in (tmp_path / "model.onnx", str(tmp_path / "model.onnx")):
        assert operators(pyroi.onnxruntime.rewrite(path)) == [("roi", "RoiAlign")]


def test_rewrite_in_branches_and_functions():
    """Nodes in the graphs of others, and in a model's functions, which import operators by themselves."""
    inner = model("RoiAlign", FEEDS, {"Y": np.float32}, 11, output_height=3, output_width=3).graph
    del inner.input[:]
    branch = helper.make_graph(inner.node, "branch", [], inner.output)
    inputs = model("RoiAlign", FEEDS, {"Y": np.float32}).graph.input
    choice = helper.make_tensor_value_info("choice", TensorProto.BOOL, [])
    node = helper.make_node("If", ["choice"], ["Y"], then_branch=branch, else_branch=branch)
    graph = helper.make_graph([node], "outer", [*inputs, choice], inner.output)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    rewritten = pyroi.onnxruntime.rewrite(whole)
    assert operators(rewritten) == [("", "If"), ("roi", "RoiAlign"), ("roi", "RoiAlign")]
    expected = pyroi.roi_align(FEEDS["X"], FEEDS["rois"], 3, 1, 0, False)
    for value in (True, False):
        np.testing.assert_array_equal(run(rewritten, {**FEEDS, "choice": np.array(value)})[0], expected)

    function = helper.make_function("own", "crop", list(FEEDS), ["Y"], inner.node, [helper.make_opsetid("", 11)])
    call = helper.make_node("crop", list(FEEDS), ["Y"], domain="own")
    graph = helper.make_graph([call], "outer", inputs, inner.output)
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    whole = helper.make_model(graph, functions=[function], opset_imports=imports, ir_version=8)
    rewritten = pyroi.onnxruntime.rewrite(whole)
    assert [node.domain for node in rewritten.functions[0].node] == ["roi"]
    assert {entry.domain for entry in rewritten.functions[0].opset_import} == {"", "roi"}
    assert {entry.domain for entry in rewritten.opset_import} == {"", "own"}


def test_nothing_to_rewrite():
    """A copy, which imports nothing new."""
    graph = model("Relu", {"X": FEEDS["X"]}, {"Y": np.float32})
    assert pyroi.onnxruntime.rewrite(graph) == graph
    assert session(graph).run(None, {"X": FEEDS["X"]})[0].shape == FEEDS["X"].shape
