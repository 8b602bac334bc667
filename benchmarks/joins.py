"""The joins: what functions of other packages take, without pyroi and with it, and what pyroi's own call takes.

All of a row is timed in one process, in turns, on one thread. A figure is the least processor time of some rounds, to
which others who use the machine can only add. Before, the results are compared, as those of engines are.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from time import process_time
from typing import Any

import measure
import numpy as np
from engines import Absent, Call, onnxruntime_call, onnxruntime_operators
from report import milliseconds, table
from workloads import FPN_HEAD, NmsWorkload, whole_boxes

import pyroi

SLOT = 0.05  # seconds of repeated calls that are timed as one


@dataclass(frozen=True)
class Way:
    """One way to compute something: a call, and which tool is accelerated meanwhile."""

    call: Call
    tool: str = ""

    @contextmanager
    def ready(self) -> Iterator[None]:
        """As it is to be while the call is timed."""
        if not self.tool:
            yield
            return
        pyroi.accelerate(self.tool)
        try:
            yield
        finally:
            pyroi.restore(self.tool)

    def result(self) -> np.ndarray:
        """What the call gives."""
        with self.ready():
            return np.asarray(self.call())

    def time(self) -> float:
        """Seconds of processor time per call."""
        with self.ready():
            self.call()
            start = process_time()
            self.call()
            first = process_time() - start
            if first >= SLOT:
                return first
            repeats = math.ceil(SLOT / max(first, 1e-6))
            start = process_time()
            for _ in range(repeats):
                self.call()
            return (process_time() - start) / repeats


@dataclass(frozen=True)
class Row:
    """What is computed, and the ways to do it, by the heads of their columns."""

    title: str
    ways: dict[str, Way]


def replaced(title: str, tool: str, call: Call) -> Row:
    """A function of a tool that pyroi.accelerate() replaces: it is looked up by its name in each call."""
    return Row(title, {"without": Way(call), "with": Way(call, tool)})


# ---- The joins -------------------------------------------------------------------------------------------------------


def rows_of_onnxruntime() -> list[Row]:
    """Sessions of one node, on arrays of NumPy."""
    onnxruntime = importlib.import_module("onnxruntime")
    accelerate = importlib.import_module("pyroi.onnxruntime").accelerate

    def options() -> Any:
        made = onnxruntime.SessionOptions()
        made.intra_op_num_threads = made.inter_op_num_threads = 1
        return made

    theirs, ours = onnxruntime_operators(options), onnxruntime_operators(lambda: accelerate(options()))

    def row(title: str, operator: str, arguments: dict[str, Any], direct: Callable[..., Any]) -> Row:
        return Row(
            title,
            {
                "without": Way(theirs[operator](**arguments)),
                "with": Way(ours[operator](**arguments)),
                "direct": Way(partial(direct, **arguments)),
            },
        )

    def by_class() -> Row:
        rng = np.random.default_rng(0)
        feeds = {"boxes": whole_boxes(rng, 8400)[None], "scores": rng.random((1, 80, 8400), np.float32)}
        limits = {"most": np.array([8400]), "iou": np.float32([0.5]), "score": np.float32([0.9])}
        made = options(), accelerate(options())
        without, with_pyroi = (
            onnxruntime_call(lambda o=o: o, "NonMaxSuppression", feeds | limits, np.int64, {}) for o in made
        )
        title = "`NonMaxSuppression`, 8400 boxes, 80 classes, scores above 0.9"
        return Row(title, {"without": Way(without), "with": Way(with_pyroi)})

    return [
        row("`RoiAlign`, 1000 boxes, 256 channels, 7 x 7", "roi_align", FPN_HEAD.arguments(), pyroi.roi_align),
        row("`NonMaxSuppression`, 20 000 boxes", "nms", NmsWorkload("", "", 20_000).arguments(), pyroi.nms),
        by_class(),
    ]


def rows_of_sahi() -> list[Row]:
    """Both backends that do not need PyTorch; with pyroi they are one."""
    combine = importlib.import_module("sahi.postprocess.combine")
    choose = importlib.import_module("sahi.postprocess.backends").set_postprocess_backend
    rng = np.random.default_rng(0)
    predictions = np.column_stack([whole_boxes(rng, 3000), rng.permutation(3000) / 3000, rng.integers(0, 5, 3000)])
    predictions = predictions.astype(np.float32)

    def run(name: str, backend: str) -> Any:
        choose(backend)
        return getattr(combine, name)(predictions, "IOU", 0.5)

    return [
        replaced(f"`{name}`, 3000 predictions, backend `{backend}`", "sahi", partial(run, name, backend))
        for name in ("nms", "batched_nms")
        for backend in ("numpy", "numba")
    ]


def rows_of_supervision() -> list[Row]:
    """Suppression by class, and both kinds of overlap."""
    module = importlib.import_module("supervision.detection.utils.iou_and_nms")
    rng = np.random.default_rng(0)
    boxes = whole_boxes(rng, 3000).astype(np.float64)
    found = np.column_stack([boxes, rng.permutation(3000) / 3000, rng.integers(0, 5, 3000)])
    turned = np.column_stack([boxes[:300, :2], boxes[:300, 2:] - boxes[:300, :2], rng.uniform(-180, 180, 300)])
    corners = pyroi.box_convert(turned, "cxcywhr", "xyxyxyxy").reshape(300, 4, 2)
    return [
        replaced(
            "`box_non_max_suppression`, 3000 boxes of 5 classes",
            "supervision",
            lambda: module.box_non_max_suppression(found, 0.5),
        ),
        replaced(
            "`box_iou_batch`, 1000 x 1000", "supervision", lambda: module.box_iou_batch(boxes[:1000], boxes[:1000])
        ),
        replaced(
            "`oriented_box_iou_batch`, 300 x 300",
            "supervision",
            lambda: module.oriented_box_iou_batch(corners, corners),
        ),
    ]


def rows_of_ultralytics() -> list[Row]:
    """Its own suppression, which it has where torchvision is not loaded, and its overlap."""
    torch = importlib.import_module("torch")
    importlib.import_module("torchvision_cpu").open_stand_ins()
    nms = importlib.import_module("ultralytics.utils.nms")
    metrics = importlib.import_module("ultralytics.utils.metrics")
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    boxes = torch.from_numpy(whole_boxes(rng, 3000))
    scores = torch.from_numpy(rng.permutation(3000).astype(np.float32))
    return [
        replaced("`TorchNMS.nms`, 3000 boxes", "ultralytics", lambda: nms.TorchNMS.nms(boxes, scores, 0.5)),
        replaced("`metrics.box_iou`, 1000 x 1000", "ultralytics", lambda: metrics.box_iou(boxes[:1000], boxes[:1000])),
    ]


def rows_of_torchvision() -> list[Row]:
    """Two of its operators."""
    torch = importlib.import_module("torch")
    importlib.import_module("torchvision_cpu").open_stand_ins()
    ops = importlib.import_module("torchvision.ops")
    torch.set_num_threads(1)
    head, crowd = FPN_HEAD.arguments(), NmsWorkload("", "", 5000).arguments()
    map, boxes = torch.from_numpy(head["input"]), torch.from_numpy(head["boxes"])
    settings = head["output_size"], head["spatial_scale"], head["sampling_ratio"], head["aligned"]
    rows, scores = torch.from_numpy(crowd["boxes"]), torch.from_numpy(crowd["scores"])
    return [
        replaced(
            "`roi_align`, 1000 boxes, 256 channels, 7 x 7", "torchvision", lambda: ops.roi_align(map, boxes, *settings)
        ),
        replaced("`nms`, 5000 boxes", "torchvision", lambda: ops.nms(rows, scores, 0.5)),
    ]


def rows_of_numba() -> list[Row]:
    """A call that is small enough for the way to libroi to matter."""
    numba = importlib.import_module("numba")
    operators = importlib.import_module("pyroi.numba")
    rng = np.random.default_rng(0)
    map = rng.random((1, 8, 50, 84), np.float32)
    boxes = np.array([[0, 32, 48, 300, 310], [0, 9, 9, 70, 40], [0, 500, 100, 900, 400]], np.float64)
    compiled = numba.njit(lambda x, b: operators.roi_align(x, b, (3, 4), 1 / 16))

    return [
        Row(
            "`roi_align`, 8 channels, 3 boxes, 3 x 4",
            {
                "`pyroi` from Python": Way(lambda: pyroi.roi_align(map, boxes, (3, 4), 1 / 16)),
                "`pyroi.numba`, compiled": Way(lambda: compiled(map, boxes)),
            },
        )
    ]


#: What a join's package is called when it is installed, and its rows.
JOINS: dict[str, Callable[[], list[Row]]] = {
    "onnxruntime": rows_of_onnxruntime,
    "sahi": rows_of_sahi,
    "supervision": rows_of_supervision,
    "torchvision": rows_of_torchvision,
    "ultralytics": rows_of_ultralytics,
    "numba": rows_of_numba,
}


# ---- The tables ------------------------------------------------------------------------------------------------------


def check(row: Row) -> None:
    """All ways must give the same, or their times do not compare."""
    first, *others = row.ways
    expected = row.ways[first].result()
    for name in others:
        apart = measure.difference(row.ways[name].result(), expected)
        if not apart <= 2e-5:
            raise measure.Disagreement(f"{row.title}: {first} and {name} differ by {apart:.2g}")


def least(row: Row, rounds: int) -> dict[str, float]:
    """The least seconds of each way."""
    check(row)
    times = [{name: way.time() for name, way in row.ways.items()} for _ in range(rounds)]
    return {name: min(each[name] for each in times) for name in row.ways}


def cells(seconds: dict[str, float], heads: Sequence[str]) -> list[str]:
    """The times under these heads, and how many times as long each takes as the next one."""
    times = [milliseconds(seconds[head]) if head in seconds else "" for head in heads]
    pairs = [(seconds[slow], seconds[fast]) if fast in seconds else None for slow, fast in pairwise(heads)]
    return times + [ratio(*pair) if pair else "" for pair in pairs]


def ratio(slow: float, fast: float) -> str:
    """Of two times, to the digits that they are good for."""
    return f"{slow / fast:.0f}" if slow >= 10 * fast else f"{slow / fast:.2f}"


def of_join(name: str, rounds: int) -> str:
    """A join's table."""
    rows = JOINS[name]()
    heads = list(rows[0].ways)
    ratios = [f"{slow} / {fast}" for slow, fast in pairwise(heads)]
    lines = []
    for row in rows:
        measure.say(f"{name}: {row.title} …")
        lines.append([row.title, *cells(least(row, rounds), heads)])
    return table([f"{name} {version(name)}, ms of processor time", *heads, *ratios], lines)


def markdown(names: Sequence[str], rounds: int) -> str:
    """The tables of the joins of these names; of all, if there are none."""
    pyroi.set_num_threads(1)
    parts = []
    for name in names or JOINS:
        try:
            parts.append(of_join(name, rounds))
        except (ImportError, Absent) as reason:
            measure.say(f"{name}: skipped, not installed ({reason})")
    return "\n\n".join(parts)
