"""ONNX models of one node, and sessions for them with our kernels and without."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import pyroi.onnxruntime

TYPES = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.float64): TensorProto.DOUBLE,
    np.dtype(np.float16): TensorProto.FLOAT16,
    np.dtype(np.int64): TensorProto.INT64,
}
NMS_NAMES = ["boxes", "scores", "max_output", "iou_threshold", "score_threshold"]


def model(op, feeds, outputs, opset=16, domain="", **attributes):
    """A model of one node. `feeds`: its inputs by name, "" for one that is left out; `outputs`: types by name."""
    node = helper.make_node(op, [name if value is not None else "" for name, value in feeds.items()], list(outputs))
    node.domain = domain
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    inputs = [
        helper.make_tensor_value_info(name, TYPES[value.dtype], [None] * value.ndim)
        for name, value in feeds.items()
        if value is not None
    ]
    results = [helper.make_tensor_value_info(name, TYPES[np.dtype(type)], None) for name, type in outputs.items()]
    imports = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(helper.make_graph([node], "graph", inputs, results), opset_imports=imports, ir_version=8)


def session(graph, ours=True, threads=1, opset=None):
    """A session on the CPU; with our kernels unless told otherwise."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # errors are raised, and need not be printed too
    if ours:
        pyroi.onnxruntime.accelerate(options, opset=opset)
    data = graph.SerializeToString() if isinstance(graph, onnx.ModelProto) else graph
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run(graph, feeds, **how):
    """All outputs."""
    given = {name: value for name, value in feeds.items() if value is not None}
    return session(graph, **how).run(None, given)


def nms_feeds(boxes, scores, *settings):
    """Inputs of NonMaxSuppression; settings are max_output, iou_threshold, score_threshold, None for one left out."""
    types = (np.int64, np.float32, np.float32)
    numbers = [None if value is None else np.array([value], type) for value, type in zip(settings, types, strict=False)]
    return dict(zip(NMS_NAMES, [boxes, scores, *numbers], strict=False))
