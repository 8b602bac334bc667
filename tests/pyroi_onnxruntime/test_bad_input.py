"""Misuse of the operators: an exception that names input or attribute, rule and what came; the session goes on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from graphs import model, nms_feeds, session  # noqa: E402

import pyroi.onnxruntime  # noqa: E402

Fault = onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument
NAN, INF = float("nan"), float("inf")
X = np.ones((2, 3, 9, 9), np.float32)
ROIS = np.array([[1, 1, 5, 5], [2, 0, 7, 8], [0, 0, 4, 4]], np.float32)
FIVE = np.column_stack([[0, 1, 0], ROIS]).astype(np.float32)
SIX = np.column_stack([FIVE, [0, 30, 60]]).astype(np.float32)
SIZE = {"output_height": 2, "output_width": 2}
ALIGN = {"X": X, "rois": ROIS, "batch_indices": np.array([0, 1, 0])}
NMS = nms_feeds(np.stack([ROIS] * 2), np.ones((2, 4, 3), np.float32), 5, 0.5, 0.1)

# Operator, domain, good inputs, attributes.
GOOD = {
    "RoiAlign": ("", ALIGN, SIZE),
    "MaxRoiPool": ("", {"X": X, "rois": FIVE}, {"pooled_shape": [2, 2]}),
    "NonMaxSuppression": ("", NMS, {}),
    "MMCVRoiAlign": ("mmcv", {"X": X, "rois": FIVE}, SIZE),
    "MMCVRoIAlignRotated": ("mmcv", {"X": X, "rois": SIX}, SIZE),
    "NMSRotated": ("mmdeploy", {"boxes": SIX[None, :, 1:], "scores": NMS["scores"][:1]}, {"iou_threshold": 0.5}),
    "NmsRotated": ("roi", {"boxes": SIX[None, :, 1:], "scores": NMS["scores"][:1]}, {}),
    "RoiAlignRotated": ("roi", {"X": X, "rois": SIX}, SIZE),
    "PrRoiPool": ("roi", {"X": X, "rois": FIVE}, SIZE),
    "PsRoiAlign": ("roi", {"X": X, "rois": FIVE}, {"output_height": 3, "output_width": 1}),
    "PsRoiPool": ("roi", {"X": X, "rois": FIVE}, {"output_height": 1, "output_width": 3}),
    "SoftNms": ("roi", {"boxes": ROIS, "scores": np.ones(3, np.float32)}, {}),
}
INDICES = {"NonMaxSuppression", "NMSRotated", "NmsRotated"}


def changed(array, place, value):
    """A copy with another element."""
    array = array.copy()
    array[place] = value
    return array


def build(op, feeds=None, **attributes):
    """The model of a row of GOOD, with other attributes; its inputs have no fixed rank."""
    domain, good, given = GOOD[op]
    outputs = {"Y": np.int64 if op in INDICES else np.float32}
    if op == "SoftNms":
        outputs = {"Y": np.int64, "Z": np.float32}
    graph = model(op, good if feeds is None else feeds, outputs, domain=domain, **{**given, **attributes})
    for value in graph.graph.input:
        value.type.tensor_type.ClearField("shape")
    return graph


FEEDS = [
    ("RoiAlign", "rois", changed(ROIS, (1, 2), NAN), r"rois, row 1: a coordinate is NaN or infinite, got nan"),
    ("RoiAlign", "rois", changed(ROIS, (2, 0), INF), r"rois, row 2: .* got inf"),
    ("RoiAlign", "batch_indices", np.array([0, 1, 2]), r"batch_indices, row 2: .* got 2"),
    ("RoiAlign", "batch_indices", np.array([0, -1, 0]), r"batch_indices, row 1: .* got -1"),
    ("RoiAlign", "batch_indices", np.array([0, 2**62, 0]), r"batch_indices, row 1: "),
    ("RoiAlign", "batch_indices", np.array([0]), r"batch_indices: expected one for each of the 3 rois, got 1"),
    ("RoiAlign", "batch_indices", np.zeros((3, 1), np.int64), r"batch_indices: expected \[K\], got a tensor of rank 2"),
    ("RoiAlign", "X", X[0], r"X: expected \[N, C, H, W\], got a tensor of rank 3"),
    ("RoiAlign", "X", np.ones((1,) * 7, np.float32), r"X: .* got a tensor of rank 7"),
    ("RoiAlign", "X", np.array(1, np.float32), r"X: .* got a tensor of rank 0"),
    ("RoiAlign", "rois", FIVE, r"rois: expected \[K, 4\], got \[3, 5\]"),
    ("RoiAlign", "rois", ROIS[0], r"rois: expected \[K, 4\], got a tensor of rank 1"),
    ("MaxRoiPool", "rois", ROIS, r"rois: expected \[K, 5\], the batch index first, got \[3, 4\]"),
    ("MaxRoiPool", "rois", changed(FIVE, (1, 0), 0.5), r"rois, row 1: a batch index .* got 0.5"),
    ("MaxRoiPool", "rois", changed(FIVE, (1, 0), 2), r"rois, row 1: a batch index .* got 2"),
    ("MMCVRoiAlign", "rois", changed(FIVE, (0, 3), NAN), r"MMCVRoiAlign: rois, row 0: "),
    ("MMCVRoIAlignRotated", "rois", FIVE, r"rois: expected \[K, 6\]"),
    ("MMCVRoIAlignRotated", "rois", changed(SIX, (1, 3), -2), r"rois, row 1: a width or height is negative, got -2"),
    ("MMCVRoIAlignRotated", "rois", changed(SIX, (2, 5), NAN), r"rois, row 2: "),
    ("RoiAlignRotated", "rois", changed(SIX, (1, 1), 1e30), r"rois, row 1: a rotated box reaches farther"),
    ("PrRoiPool", "rois", changed(FIVE, (1, 1), NAN), r"PrRoiPool: rois, row 1: "),
    ("PsRoiAlign", "X", np.ones((2, 4, 9, 9), np.float32), r"X: expected a multiple of 3 x 1 channels, got 4"),
    ("PsRoiPool", "X", np.ones((2, 0, 9, 9), np.float32), r"X: expected a multiple of 1 x 3 channels, got 0"),
    ("NonMaxSuppression", "boxes", changed(NMS["boxes"], (1, 2, 0), NAN), r"boxes, image 1, row 2: .* got nan"),
    (
        "NonMaxSuppression",
        "scores",
        changed(NMS["scores"], (1, 3, 1), NAN),
        r"scores, image 1, class 3, row 1: .* got nan",
    ),
    ("NonMaxSuppression", "boxes", NMS["boxes"][0], r"boxes: expected \[images, boxes, 4\], got a tensor of rank 2"),
    ("NonMaxSuppression", "boxes", np.ones((2, 3, 5), np.float32), r"boxes: .* got 5 in the last place"),
    ("NonMaxSuppression", "scores", NMS["scores"][:, :, :2], r"scores: expected \[2, classes, 3\] for boxes"),
    ("NonMaxSuppression", "scores", NMS["scores"][:1], r"scores: expected \[2, classes, 3\]"),
    ("NonMaxSuppression", "iou_threshold", np.float32([1.5]), r"iou_threshold: expected a number from 0 to 1, got 1.5"),
    ("NonMaxSuppression", "iou_threshold", np.float32([NAN]), r"iou_threshold: .* got -?nan"),
    ("NonMaxSuppression", "score_threshold", np.float32([NAN]), r"score_threshold: expected a number, got NaN"),
    ("NonMaxSuppression", "iou_threshold", np.float32([0.5, 0.5]), r"iou_threshold: expected one number, got 2"),
    (
        "NonMaxSuppression",
        "max_output",
        np.empty(0, np.int64),
        r"max_output_boxes_per_class: expected one number, got 0",
    ),
    ("NMSRotated", "boxes", changed(SIX[None, :, 1:], (0, 1, 2), -1), r"boxes, image 0, row 1: a width or height"),
    ("NMSRotated", "scores", np.full((1, 1, 3), NAN, np.float32), r"scores, image 0, class 0, row 0: "),
    ("NmsRotated", "boxes", np.ones((1, 3, 4), np.float32), r"boxes: expected \[images, boxes, 5\]"),
    ("SoftNms", "boxes", changed(ROIS, (2, 1), NAN), r"SoftNms: boxes, row 2: "),
    ("SoftNms", "scores", np.float32([1, INF, 1]), r"scores, row 1: "),
    ("SoftNms", "scores", np.ones(2, np.float32), r"expected \[N, 4\] and \[N\], got \[3, 4\] and \[2\]"),
]


@pytest.mark.parametrize("op", GOOD)
def test_good(op):
    """What the other tests break one thing in is right."""
    session(build(op)).run(None, GOOD[op][1])


@pytest.mark.parametrize(("op", "name", "value", "message"), FEEDS)
def test_inputs(op, name, value, message):
    """One input that is wrong; the same session then goes on with the right one."""
    feeds = GOOD[op][1]
    running = session(build(op), threads=2)
    before = running.run(None, feeds)
    with pytest.raises(Fault, match=f"{op}: .*{message}" if not message.startswith(op) else message):
        running.run(None, {**feeds, name: value})
    for first, second in zip(before, running.run(None, feeds), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("op", GOOD)
def test_random_inputs(op):
    """Any ranks, sizes and numbers, infinite ones and NaN too: a result or an exception of ours, and no crash."""
    rng = np.random.default_rng(sum(map(ord, op)))
    running = session(build(op), threads=2)
    results = faults = 0
    for _ in range(150):
        feeds = {}
        for name, good in GOOD[op][1].items():
            shape = good.shape if rng.uniform() < 0.9 else rng.integers(0, 6, rng.integers(0, 7))
            values = [0, 1, 0.5, 7, -1, 1e30, 1e-30, NAN, INF, -INF]
            if good.dtype == np.int64:
                values = [0, 1, 1, 1, -1, 5, 2**62, -(2**63), 7, 9]
            odds = [0.4, 0.4, 0.19, *[0.01 / 7] * 7]
            feeds[name] = np.asarray(rng.choice(np.array(values, good.dtype), shape, p=odds))
        try:
            running.run(None, feeds)
            results += 1
        except Fault as fault:
            assert f"Status Message: {op}: " in str(fault)
            faults += 1
    assert results > 0 and faults > 20
    running.run(None, GOOD[op][1])


ATTRIBUTES = [
    ("RoiAlign", {"output_height": -1}, r"output size: expected 0 or more, got -1 x 2"),
    ("RoiAlign", {"output_width": 2.0}, r"output_width: expected an integer, got the float 2"),
    ("RoiAlign", {"spatial_scale": 1}, r"spatial_scale: expected a float, got the integer 1"),
    ("RoiAlign", {"spatial_scale": 0.0}, r"spatial_scale: expected a finite number above 0, got 0"),
    ("RoiAlign", {"spatial_scale": NAN}, r"spatial_scale: .* got -?nan"),
    ("RoiAlign", {"mode": "median"}, r'mode: expected avg or max, got "median"'),
    ("RoiAlign", {"mode": "m" * 999}, r"mode: expected avg or max"),
    ("RoiAlign", {"mode": ""}, r'mode: expected avg or max, got ""'),
    ("RoiAlign", {"mode": 1}, r"mode: expected a word, got the integer 1"),
    ("RoiAlign", {"coordinate_transformation_mode": "pixel"}, r'expected output_half_pixel or half_pixel, got "pixel"'),
    ("MaxRoiPool", {"pooled_shape": [2]}, r"pooled_shape: expected two integers"),
    ("MaxRoiPool", {"pooled_shape": [2, 2, 2]}, r"pooled_shape: expected two integers"),
    ("MaxRoiPool", {"pooled_shape": [2, -2]}, r"output size: "),
    ("NonMaxSuppression", {"center_point_box": 2}, r"center_point_box: expected 0 or 1, got 2"),
    ("MMCVRoiAlign", {"aligned": 3}, r"aligned: expected 0 or 1, got 3"),
    ("MMCVRoIAlignRotated", {"sampling_ratio": 129}, r"sampling_ratio: expected at most 128, got 129"),
    ("NMSRotated", {"iou_threshold": -0.5}, r"iou_threshold: expected a number from 0 to 1, got -0.5"),
    ("SoftNms", {"sigma": 0.0}, r"sigma: expected a finite number above 0, got 0"),
    ("SoftNms", {"method": "hard"}, r'method: expected gaussian or linear, got "hard"'),
    ("SoftNms", {"method": ["linear"]}, r"method: expected a word, got a list"),
    ("PrRoiPool", {"output_height": [2, 2]}, r"output_height: expected an integer, got a list"),
    ("PrRoiPool", {"spatial_scale": [0.5]}, r"spatial_scale: expected a float, got a list"),
    ("MMCVRoiAlign", {"aligned": [1]}, r"aligned: expected an integer, got a list"),
]


@pytest.mark.parametrize(("op", "attributes", "message"), ATTRIBUTES)
def test_attributes(op, attributes, message):
    """What is wrong in the model is told when the session is made."""
    with pytest.raises(Exception, match=message):
        session(build(op, **attributes))


def test_low_scores_are_not_looked_at():
    """A box that is not finite and below the threshold takes no part: decoders make such of padding."""
    boxes, scores = changed(NMS["boxes"], (0, 1), INF), changed(NMS["scores"], (0, slice(None), 1), 0.01)
    feeds = {**NMS, "boxes": boxes, "scores": scores}
    graph = build("NonMaxSuppression")
    np.testing.assert_array_equal(session(graph).run(None, feeds)[0], session(graph, ours=False).run(None, feeds)[0])


def test_output_too_large():
    """More crops than there is memory for: an exception, and the session goes on."""
    running = session(build("RoiAlign", output_height=2**20, output_width=2**20))
    with pytest.raises(Exception, match=r"(?i)alloc|overflow|memory|size"):
        running.run(None, ALIGN)
    none = {**ALIGN, "rois": ROIS[:0], "batch_indices": np.empty(0, np.int64)}
    assert running.run(None, none)[0].shape == (0, 3, 2**20, 2**20)


@pytest.mark.parametrize("op", ["PsRoiAlign", "PsRoiPool"])
def test_bins_whose_number_overflows(op):
    """Their product is 2^64. The map of so many channels has no elements, so that nothing but a check stops it."""
    running = session(build(op, output_height=2**32, output_width=2**32))
    feeds = {"X": np.empty((1, 2**32, 0, 1), np.float32), "rois": FIVE[:1]}
    with pytest.raises(Fault, match=r"X: expected a multiple of 4294967296 x 4294967296 channels, got 4294967296"):
        running.run(None, feeds)


def test_crops_whose_number_overflows():
    """Of no boxes, with 2^80 bins each: refused, although such a result would have no elements."""
    running = session(build("RoiAlign", output_height=2**40, output_width=2**40))
    with pytest.raises(Fault, match="the size of an array in bytes does not fit in 63 bits"):
        running.run(None, {**ALIGN, "rois": ROIS[:0], "batch_indices": np.empty(0, np.int64)})


def test_many_classes_of_no_boxes():
    """There is nothing to look at, however many classes it would be for."""
    feeds = {"boxes": np.empty((1, 0, 4), np.float32), "scores": np.empty((1, 2**40, 0), np.float32)}
    running = session(build("NonMaxSuppression"))
    assert running.run(None, {**NMS, **feeds})[0].shape == (0, 3)


@pytest.mark.parametrize("options", [None, 1, "options", object()])
def test_no_options(options):
    """A TypeError that names the argument."""
    with pytest.raises(TypeError, match=r"session_options: expected onnxruntime\.SessionOptions"):
        pyroi.onnxruntime.accelerate(options)


@pytest.mark.parametrize(("opset", "fault"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("11", TypeError)])
def test_no_opset(opset, fault):
    """Named as well; the options stay as they were."""
    options = onnxruntime.SessionOptions()
    with pytest.raises(fault, match="opset: "):
        pyroi.onnxruntime.accelerate(options, opset=opset)
    pyroi.onnxruntime.accelerate(options)


@pytest.mark.parametrize("value", [None, 1, object()])
def test_no_model(value):
    """A TypeError that names the argument."""
    with pytest.raises(TypeError, match=r"model: expected an onnx\.ModelProto or a path"):
        pyroi.onnxruntime.rewrite(value)
