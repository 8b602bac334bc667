"""RoIAlign, MaxRoiPool and NonMaxSuppression by ONNX Runtime, in models of one node."""

from __future__ import annotations

import functools

import numpy as np
import pytest


@functools.lru_cache(maxsize=512)
def _session(height, width, ratio, scale, aligned, mode, double):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    element = onnx.TensorProto.DOUBLE if double else onnx.TensorProto.FLOAT
    node = onnx.helper.make_node(
        "RoiAlign",
        ["input", "rois", "batch_indices"],
        ["output"],
        mode="avg" if mode == "avg" else "max",
        coordinate_transformation_mode="half_pixel" if aligned else "output_half_pixel",
        output_height=height,
        output_width=width,
        sampling_ratio=ratio,
        spatial_scale=scale,
    )
    graph = onnx.helper.make_graph(
        [node],
        "roi_align",
        [
            onnx.helper.make_tensor_value_info("input", element, ["N", "C", "H", "W"]),
            onnx.helper.make_tensor_value_info("rois", element, ["K", 4]),
            onnx.helper.make_tensor_value_info("batch_indices", onnx.TensorProto.INT64, ["K"]),
        ],
        [onnx.helper.make_tensor_value_info("output", element, ["K", "C", height, width])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 16)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    onnxruntime.set_default_logger_severity(3)  # it warns of version 1.13 at each model of mode max
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def roi_align(input, boxes, output_size, spatial_scale=1.0, sampling_ratio=0, aligned=True, mode="avg") -> np.ndarray:
    """`mode` is avg or max_corner, which ONNX calls max. `aligned` false is output_half_pixel, where a box is at least
    one pixel wide, as here. The scale is a float32 there: give one that float32 holds. A mirrored box needs a fixed
    ratio, because its negative grid is an error there."""
    assert mode in ("avg", "max_corner")
    double = input.dtype == np.float64
    session = _session(*output_size, max(sampling_ratio, 0), spatial_scale, aligned, mode, double)
    boxes = np.asarray(boxes, input.dtype)
    feed = {
        "input": np.ascontiguousarray(input),
        "rois": np.ascontiguousarray(boxes[:, 1:]),
        "batch_indices": boxes[:, 0].astype(np.int64),
    }
    return session.run(["output"], feed)[0]


@functools.lru_cache(maxsize=512)
def _max_pool(height, width, scale):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    kinds = {"input": ["N", "C", "H", "W"], "rois": ["K", 5], "output": ["K", "C", height, width]}
    infos = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, kind) for name, kind in kinds.items()]
    attributes = {"pooled_shape": [height, width], "spatial_scale": scale}
    node = onnx.helper.make_node("MaxRoiPool", ["input", "rois"], ["output"], **attributes)
    graph = onnx.helper.make_graph([node], "roi_pool", infos[:2], infos[2:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 11)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def roi_pool(input, boxes, output_size, spatial_scale=1.0) -> np.ndarray:
    """float32 throughout. Corners become 32-bit integers there, and a maximum is at least -3.4e38: give boxes that are
    not far away, and numbers."""
    feed = {"input": np.ascontiguousarray(input, np.float32), "rois": np.ascontiguousarray(boxes, np.float32)}
    return _max_pool(*output_size, float(spatial_scale)).run(["output"], feed)[0]


@functools.lru_cache(maxsize=8)
def _suppression():
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    kinds = {
        "boxes": (onnx.TensorProto.FLOAT, [1, "N", 4]),
        "scores": (onnx.TensorProto.FLOAT, [1, "classes", "N"]),
        "most": (onnx.TensorProto.INT64, [1]),
        "iou_threshold": (onnx.TensorProto.FLOAT, [1]),
        "score_threshold": (onnx.TensorProto.FLOAT, [1]),
    }
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("NonMaxSuppression", list(kinds), ["kept"])],
        "nms",
        [onnx.helper.make_tensor_value_info(name, *kind) for name, kind in kinds.items()],
        [onnx.helper.make_tensor_value_info("kept", onnx.TensorProto.INT64, ["K", 3])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 11)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def nms(boxes, scores, iou_threshold, score_threshold=None, most=None) -> list[int]:
    """Indices by descending score. float32 throughout, so give boxes whose areas that type holds."""
    if len(boxes) == 0:
        return []
    feed = {
        "boxes": np.asarray(boxes, np.float32)[None],
        "scores": np.asarray(scores, np.float32)[None, None],
        "most": np.array([len(boxes) if most is None else most], np.int64),
        "iou_threshold": np.array([iou_threshold], np.float32),
        "score_threshold": np.array([-np.inf if score_threshold is None else score_threshold], np.float32),
    }
    return _suppression().run(["kept"], feed)[0][:, 2].tolist()
