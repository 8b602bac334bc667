"""Whole detectors in ONNX Runtime: how long the nodes take that pyroi's kernels stand under, and how long all take.

The detectors are torchvision's, of random weights, exported by PyTorch, for an image of 640 x 480. No score is too low
for them, since random weights give low ones; so they suppress more than trained detectors do. A figure is the
minimum over some rounds of what ONNX Runtime's profiler counts, on one thread, with its own kernels and with pyroi's in
turns.
"""

from __future__ import annotations

import importlib
import io
import json
import pathlib
import tempfile
import warnings
from typing import Any

import measure
import numpy as np
from report import milliseconds, table

DETECTORS = {
    "Faster R-CNN (ResNet-50, FPN)": "fasterrcnn_resnet50_fpn",
    "Mask R-CNN (the same)": "maskrcnn_resnet50_fpn",
}
OPERATORS = ["RoiAlign", "NonMaxSuppression"]
WHOLE = "the model"


def exported(name: str) -> tuple[bytes, dict[str, np.ndarray]]:
    """A detector as an ONNX model, and its input."""
    torch = importlib.import_module("torch")
    importlib.import_module("torchvision_cpu").open_stand_ins()
    detection = importlib.import_module("torchvision.models.detection")
    torch.manual_seed(0)
    detector = getattr(detection, name)(weights=None, weights_backbone=None, box_score_thresh=0.0).eval()
    image, buffer = torch.rand(3, 480, 640), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter
        torch.onnx.export(detector, ([image],), buffer, opset_version=16, input_names=["image"], dynamo=False)
    return buffer.getvalue(), {"image": image.numpy()}


def profiled(model: bytes, feeds: dict[str, np.ndarray], options: Any) -> dict[str, float]:
    """Seconds of all nodes of each kind, and of the model, in a run of a session."""
    onnxruntime = importlib.import_module("onnxruntime")
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(pathlib.Path(folder, "profile"))
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        session.run(None, feeds)
        events = json.loads(pathlib.Path(session.end_profiling()).read_text())
    seconds = dict.fromkeys([*OPERATORS, WHOLE], 0.0)
    for event in events:
        kind = WHOLE if event["name"] == "model_run" else event.get("args", {}).get("op_name", "")
        if kind in seconds and (kind == WHOLE or event["name"].endswith("_kernel_time")):
            seconds[kind] += event["dur"] * 1e-6
    return seconds


def of_detector(title: str, name: str, rounds: int) -> list[list[str]]:
    """Its lines of the table."""
    options = importlib.import_module("onnxruntime").SessionOptions
    accelerate = importlib.import_module("pyroi.onnxruntime").accelerate
    measure.say(f"{title} …")
    model, feeds = exported(name)
    runs = [(profiled(model, feeds, options()), profiled(model, feeds, accelerate(options()))) for _ in range(rounds)]
    lines = []
    for kind in [*OPERATORS, WHOLE]:
        theirs, ours = (min(run[side][kind] for run in runs) for side in (0, 1))
        lines.append([f"{title}: {kind}", milliseconds(theirs), milliseconds(ours), f"{theirs / ours:.1f}"])
    return lines


def markdown(rounds: int) -> str:
    """The table."""
    version = importlib.import_module("onnxruntime").__version__
    lines = [line for title, name in DETECTORS.items() for line in of_detector(title, name, rounds)]
    return table([f"ONNX Runtime {version}, ms", "its own", "with pyroi", "ratio"], lines)
