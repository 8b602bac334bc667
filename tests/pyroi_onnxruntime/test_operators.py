"""Our operators in sessions: against ONNX Runtime's own, the onnx package's tests, and the functions of pyroi."""

from __future__ import annotations

import importlib
import shutil
import subprocess

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from graphs import model, nms_feeds, run, session  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402
from onnx.backend.test.case import node as node_cases  # noqa: E402

import pyroi.onnxruntime  # noqa: E402

FLOATS = [np.float32, np.float64, np.float16]
CLOSE = {np.float32: 2e-6, np.float64: 1e-14, np.float16: 4e-3}
RNG = np.random.default_rng(41)


def pooling_feeds(dtype, images=2, channels=6, boxes=40, columns=4):
    """A map, boxes of which some reach beyond it, and their images, together or apart."""
    corners = RNG.uniform(-8, 50, (boxes, 2, 2))
    rows = np.concatenate([corners.min(1), corners.max(1)], 1).astype(dtype)
    batch = RNG.integers(0, images, boxes)
    feeds = {"X": RNG.standard_normal((images, channels, 21, 34)).astype(dtype)}
    if columns == 4:
        return {**feeds, "rois": rows, "batch_indices": batch}
    return {**feeds, "rois": np.concatenate([batch[:, None].astype(dtype), rows], 1)}


def table(feeds):
    """Boxes with the batch index first, wide enough for libroi."""
    rows = feeds["rois"].astype(np.float64)
    return np.column_stack([feeds["batch_indices"], rows]) if "batch_indices" in feeds else rows


# ---- ONNX ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("opset", [10, 16, 18, 22])
@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("ratio", [0, 3])
def test_roi_align(dtype, opset, mode, ratio):
    """The bits of pyroi.roi_align, and ONNX Runtime's numbers where it has the operator set; 16 moves centres."""
    feeds = pooling_feeds(dtype)
    graph = model("RoiAlign", feeds, {"Y": dtype}, opset, output_height=5, output_width=4, sampling_ratio=ratio,
                  spatial_scale=0.5, mode=mode)  # fmt: skip
    crops = run(graph, feeds, opset=opset)[0]
    aligned, kind = opset >= 16, {"avg": "avg", "max": "max_corner"}[mode]
    expected = pyroi.roi_align(feeds["X"], table(feeds), (5, 4), 0.5, ratio, aligned, mode=kind)
    np.testing.assert_array_equal(crops, expected)
    if opset < 22:
        np.testing.assert_allclose(crops, run(graph, feeds, ours=False)[0], atol=CLOSE[dtype], rtol=0)


@pytest.mark.parametrize("place", ["half_pixel", "output_half_pixel"])
def test_place_of_pixels(place):
    """The attribute says it."""
    feeds = pooling_feeds(np.float32)
    graph = model("RoiAlign", feeds, {"Y": np.float32}, 16, output_height=2, output_width=2,
                  coordinate_transformation_mode=place)  # fmt: skip
    expected = pyroi.roi_align(feeds["X"], table(feeds), 2, 1, 0, place == "half_pixel")
    np.testing.assert_array_equal(run(graph, feeds)[0], expected)


def test_old_operator_set_without_being_told():
    """RoiAlign of a model before 16 is then ONNX Runtime's own, and right."""
    feeds = pooling_feeds(np.float32)
    graph = model("RoiAlign", feeds, {"Y": np.float32}, 11, output_height=2, output_width=2)
    np.testing.assert_array_equal(run(graph, feeds)[0], run(graph, feeds, ours=False)[0])
    np.testing.assert_allclose(
        run(graph, feeds)[0], pyroi.roi_align(feeds["X"], table(feeds), 2, 1, 0, False), atol=1e-5
    )


@pytest.mark.parametrize("opset", [1, 16, 22])
@pytest.mark.parametrize("dtype", FLOATS)
def test_max_roi_pool(dtype, opset):
    """The bits of pyroi.roi_pool in every type; ONNX Runtime has float32 alone, and not with operator set 22."""
    feeds = pooling_feeds(dtype, columns=5)
    graph = model("MaxRoiPool", feeds, {"Y": dtype}, opset, pooled_shape=[3, 4], spatial_scale=0.5)
    crops = run(graph, feeds)[0]
    np.testing.assert_array_equal(crops, pyroi.roi_pool(feeds["X"], table(feeds), (3, 4), 0.5))
    if opset < 22 and dtype == np.float32:
        np.testing.assert_array_equal(crops, run(graph, feeds, ours=False)[0])


def test_bfloat16():
    """Between two casts, since NumPy has no such type of its own."""
    feeds = pooling_feeds(np.float32)
    graph = model("RoiAlign", feeds, {"Y": np.float32}, 22, output_height=3, output_width=3)
    node = graph.graph.node[0]
    for index, name in enumerate(["X", "rois"]):
        graph.graph.node.append(helper.make_node("Cast", [name], [f"{name}_narrow"], to=TensorProto.BFLOAT16))
        node.input[index] = f"{name}_narrow"
    node.output[0] = "Y_narrow"
    graph.graph.node.append(helper.make_node("Cast", ["Y_narrow"], ["Y"], to=TensorProto.FLOAT))
    nodes = sorted(graph.graph.node, key=lambda node: ("Y" in node.output, node.op_type == "RoiAlign"))
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    narrow = {name: feeds[name].astype(ml_dtypes.bfloat16) for name in ("X", "rois")}
    expected = pyroi.roi_align(narrow["X"], table({**feeds, "rois": narrow["rois"]}), 3, 1, 0)
    np.testing.assert_array_equal(run(graph, feeds)[0], expected.astype(np.float32))


def crowd(images, classes, count, center, grid=None):
    """Boxes, of which many overlap, and scores; on a grid, equal scores and IoU equal to the threshold are frequent."""
    place, size = RNG.uniform(0, 60, (images, count, 2)), RNG.uniform(4, 30, (images, count, 2))
    scores = RNG.uniform(size=(images, classes, count))
    if grid:
        place, size, scores = np.round(place / grid) * grid, np.round(size / grid) * grid, np.round(scores * 8) / 8
    if center:
        return np.concatenate([place, size], 2).astype(np.float32), scores.astype(np.float32)
    flip = RNG.uniform(size=(images, count, 2)) < 0.3
    first, second = np.where(flip, place + size, place), np.where(flip, place, place + size)
    return np.concatenate([first, second], 2).astype(np.float32), scores.astype(np.float32)


# Limit, threshold of IoU, threshold of scores.
SETTINGS = [(), (7,), (9, 0.5), (1000, 0.5, 0.3), (None, 0.5), (3, None, 0.5), (0, 0.5), (-4, 0.5)]
SETTINGS += [(1000, 0.0), (1000, 1.0), (2**62, 0.25, 0.25), (50, 0.5, -1.0)]


@pytest.mark.parametrize("center", [0, 1])
@pytest.mark.parametrize("opset", [10, 11, 22])
@pytest.mark.parametrize("settings", SETTINGS)
def test_non_max_suppression(center, opset, settings):
    """ONNX Runtime's boxes, in its order, to the last one: images, classes, limits, inputs that are left out, ties."""
    for grid in (None, 4):
        feeds = nms_feeds(*crowd(2, 3, 120, center, grid), *settings)
        graph = model("NonMaxSuppression", feeds, {"Y": np.int64}, opset, center_point_box=center)
        expected = run(graph, feeds, ours=False)[0]
        np.testing.assert_array_equal(run(graph, feeds)[0], expected)
        assert expected.dtype == np.int64


@pytest.mark.parametrize("shape", [(0, 3, 5), (2, 0, 5), (2, 3, 0), (1, 1, 1)])
def test_non_max_suppression_of_nothing(shape):
    """No image, no class, no box."""
    feeds = nms_feeds(*crowd(*shape, 0), 5, 0.5)
    kept = run(model("NonMaxSuppression", feeds, {"Y": np.int64}), feeds)[0]
    assert kept.tolist() == ([[0, 0, 0]] if shape == (1, 1, 1) else [])
    assert kept.shape[1] == 3


@pytest.mark.parametrize("shape", [(2, 0, 4, 4), (2, 3, 0, 4), (2, 3, 4, 0)])
def test_pooling_of_nothing(shape):
    """A map without channels, rows or columns; and no boxes."""
    feeds = {**pooling_feeds(np.float32), "X": np.ones(shape, np.float32)}
    graph = model("RoiAlign", feeds, {"Y": np.float32}, output_height=2, output_width=2)
    crops = run(graph, feeds)[0]
    assert crops.shape == (40, shape[1], 2, 2) and not crops.any()
    none = {**feeds, "rois": np.empty((0, 4), np.float32), "batch_indices": np.empty(0, np.int64)}
    assert run(graph, none)[0].shape == (0, shape[1], 2, 2)


# ---- The onnx package's own tests ------------------------------------------------------------------------------------

# Of these two operators alone, since making all cases takes a minute. There are none of MaxRoiPool.
for operator in ("roialign", "nonmaxsuppression"):
    importlib.import_module(f"onnx.backend.test.case.node.{operator}")
CASES = {case.name: case for case in node_cases._NodeTestCases if "roialign" in case.name or "nonmax" in case.name}


def test_there_are_cases():
    """So that the test below is none of nothing."""
    assert sum(name.startswith("test_roialign") for name in CASES) >= 3
    assert sum(name.startswith("test_nonmaxsuppression") for name in CASES) >= 9


# ONNX allows float32 alone for NonMaxSuppression.
NODES = [(name, dtype) for name in CASES for dtype in FLOATS if "roi" in name or dtype == np.float32]


@pytest.mark.parametrize(("name", "dtype"), NODES)
def test_node(name, dtype):
    """As published, and with every other type that ONNX allows for the operator: the model's tensors of that type."""
    graph = onnx.ModelProto()
    graph.CopyFrom(CASES[name].model)
    inputs, outputs = CASES[name].data_sets[0]
    if dtype != np.float32:
        for value in (*graph.graph.input, *graph.graph.output):
            if value.type.tensor_type.elem_type == TensorProto.FLOAT:
                value.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        inputs = [value.astype(dtype) if value.dtype == np.float32 else value for value in inputs]
    names = [value.name for value in graph.graph.input]
    opset = next(entry.version for entry in graph.opset_import if not entry.domain)
    found = run(graph, dict(zip(names, inputs, strict=True)), opset=opset)
    for result, expected in zip(found, outputs, strict=True):
        assert result.dtype == (dtype if expected.dtype == np.float32 else expected.dtype)
        np.testing.assert_allclose(result, expected, atol=4e-3 if dtype == np.float16 else 1e-4)


# ---- mmcv, mmdeploy, and our own -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("aligned", [0, 1])
@pytest.mark.parametrize("mode", ["avg", "max"])
def test_mmcv_roi_align(dtype, aligned, mode):
    """Its max is the largest sample, not the largest corner."""
    feeds = pooling_feeds(dtype, columns=5)
    graph = model("MMCVRoiAlign", feeds, {"Y": dtype}, domain="mmcv", output_height=3, output_width=4,
                  spatial_scale=0.5, sampling_ratio=2, mode=mode, aligned=aligned)  # fmt: skip
    expected = pyroi.roi_align(feeds["X"], table(feeds), (3, 4), 0.5, 2, bool(aligned), mode=mode)
    np.testing.assert_array_equal(run(graph, feeds)[0], expected)


def turned_feeds(dtype, unit):
    """Rotated boxes with the batch index first, the angle in degrees times `unit`."""
    feeds = pooling_feeds(dtype, columns=5)
    boxes = np.column_stack([RNG.integers(0, 2, 30), RNG.uniform(0, 40, (30, 2)), RNG.uniform(2, 30, (30, 2)),
                             RNG.uniform(-180, 180, 30) * unit])  # fmt: skip
    return {"X": feeds["X"], "rois": boxes.astype(dtype)}


@pytest.mark.parametrize(("op", "domain", "unit"), [("MMCVRoIAlignRotated", "mmcv", np.pi / 180),
                                                    ("MMCVRoIAlignRotated", "mmdeploy", np.pi / 180),
                                                    ("RoiAlignRotated", "roi", 1)])  # fmt: skip
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("clockwise", [0, 1])
def test_rotated(op, domain, unit, dtype, clockwise):
    """mmcv's angles are in radians, ours in degrees."""
    feeds = turned_feeds(dtype, unit)
    graph = model(op, feeds, {"Y": dtype}, domain=domain, output_height=3, output_width=4, spatial_scale=0.5,
                  sampling_ratio=2, aligned=1, clockwise=clockwise)  # fmt: skip
    boxes = feeds["rois"].astype(np.float64)
    boxes[:, 5] /= unit
    expected = pyroi.roi_align_rotated(feeds["X"], boxes, (3, 4), 0.5, 2, clockwise=bool(clockwise))
    np.testing.assert_allclose(run(graph, feeds)[0], expected, atol=CLOSE[dtype], rtol=0)


OUR_POOLING = [("PrRoiPool", "prroi_pool", 6), ("PsRoiAlign", "ps_roi_align", 12), ("PsRoiPool", "ps_roi_pool", 12)]


@pytest.mark.parametrize(("op", "function", "channels"), OUR_POOLING)
@pytest.mark.parametrize("dtype", FLOATS)
def test_our_pooling(op, function, channels, dtype):
    """The functions of pyroi of the same name."""
    feeds = pooling_feeds(dtype, channels=channels, columns=5)
    graph = model(op, feeds, {"Y": dtype}, domain="roi", output_height=2, output_width=3, spatial_scale=0.5)
    expected = getattr(pyroi, function)(feeds["X"], table(feeds), (2, 3), 0.5)
    np.testing.assert_array_equal(run(graph, feeds)[0], expected)


TURNS = [("NMSRotated", "mmdeploy", np.pi / 180, 1), ("NmsRotated", "roi", 1, -1)]  # operator, unit, what is clockwise


@pytest.mark.parametrize(("op", "domain", "unit", "clockwise"), TURNS)
@pytest.mark.parametrize(("turn", "kept"), [(45, 1), (-45, 2)])
def test_which_way_angles_turn(op, domain, unit, clockwise, turn, kept):
    """Two thin boxes, one down and to the right of the other. Where their long sides lie along that way, as after a
    clockwise turn by 45 degrees of what was level, they overlap by more than half; else they are apart."""
    angle = turn * clockwise * unit
    boxes = np.array([[[50, 50, 40, 2, angle], [54, 54, 40, 2, angle]]], np.float32)
    feeds = {"boxes": boxes, "scores": np.array([[[0.9, 0.8]]], np.float32)}
    graph = model(op, feeds, {"Y": np.int64}, domain=domain, iou_threshold=0.5, score_threshold=0.0)
    assert len(run(graph, feeds)[0]) == kept


@pytest.mark.parametrize("method", ["gaussian", "linear"])
def test_soft_nms(method):
    """Indices and new scores."""
    boxes, scores = crowd(1, 1, 60, 0)
    feeds = {"boxes": np.sort(boxes[0].reshape(-1, 2, 2), 1).reshape(-1, 4), "scores": scores[0, 0]}
    graph = model("SoftNms", feeds, {"rows": np.int64, "new_scores": np.float32}, domain="roi", method=method,
                  sigma=0.5, iou_threshold=0.25, score_threshold=0.125)  # fmt: skip
    rows, new = pyroi.soft_nms(*feeds.values(), method=method, sigma=0.5, iou_threshold=0.25, score_threshold=0.125)
    found = run(graph, feeds)
    np.testing.assert_array_equal(found[0], rows)
    np.testing.assert_array_equal(found[1], new)


def test_library_exports_one_name():
    """What ONNX Runtime looks for, and nothing that could be somebody else's."""
    nm = shutil.which("nm") or pytest.skip("nm is not installed")
    said = subprocess.run(
        [nm, "-D", "--defined-only", "-P", pyroi.onnxruntime.get_library()], capture_output=True, text=True
    )
    assert {line.split()[0] for line in said.stdout.splitlines()} - {"_init", "_fini"} == {"RegisterCustomOps"}


def test_bits_do_not_depend_on_threads():
    """One, two, four threads of the session."""
    feeds = pooling_feeds(np.float32, channels=64, boxes=300)
    graph = model("RoiAlign", feeds, {"Y": np.float32}, output_height=7, output_width=7)
    first, *others = (session(graph, threads=threads).run(None, feeds)[0] for threads in (1, 2, 4))
    assert all((first == other).all() for other in others)
