"""Hazards of suppression and overlap, also of rotated boxes: bad input, tiers, access beyond arrays."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from children import run_child
from oracles import overlap, polygons

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

NAN, INF = math.nan, math.inf
UPRIGHT, TURNED = [[0, 0, 4, 4]] * 4, [[2, 2, 4, 4, 30]] * 4
SCORES = [0.1, 0.2, 0.3, 0.4]

SUPPRESS = {
    "nms": lambda boxes=UPRIGHT, scores=SCORES, iou_threshold=0.5, **more: pyroi.nms(
        boxes, scores, iou_threshold, **more
    ),
    "batched_nms": lambda boxes=UPRIGHT, scores=SCORES, iou_threshold=0.5, idxs=(0, 1, 0, 1), **more: pyroi.batched_nms(
        boxes, scores, idxs, iou_threshold, **more
    ),
    "nms_rotated": lambda boxes=TURNED, scores=SCORES, iou_threshold=0.5, **more: pyroi.nms_rotated(
        boxes, scores, iou_threshold, **more
    ),
    "soft_nms": lambda boxes=UPRIGHT, scores=SCORES, **more: pyroi.soft_nms(boxes, scores, **more),
}
MATRICES = {name: getattr(pyroi, name) for name in (*overlap.KINDS, "box_iou_rotated")}
EACH_SUPPRESSION = pytest.mark.parametrize("name", SUPPRESS)
EACH_MATRIX = pytest.mark.parametrize("name", MATRICES)


def good(name):
    """Boxes that the function takes."""
    return np.array(TURNED if name.endswith("rotated") else UPRIGHT, np.float64)


def check(kind, argument, call, *came):
    """The call raises `kind` for `argument`, and says each of `came`."""
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert isinstance(error, ArgumentError | ArgumentTypeError), repr(error)
    assert error.argument == argument, repr(error)
    for what in came:
        assert re.search(what, str(error)), f"{what!r} not in {error}"


# ---- Bad input -------------------------------------------------------------------------------------------------------

NOT_BOXES = [None, "boxes", [["a"] * 4], object(), np.ones((4, 4), complex)]


@EACH_SUPPRESSION
def test_boxes_of_a_wrong_shape_or_type(name):
    """The shape wanted and the one that came."""
    columns = good(name).shape[1]
    for shape in ((4, 3), (4, 6), (3,), (2, 4, columns), ()):
        came = rf"expected \[K, {columns}\], got \[{', '.join(map(str, shape))}\]"
        check(ValueError, "boxes", lambda shape=shape: SUPPRESS[name](boxes=np.ones(shape)), came)
    for wrong in NOT_BOXES:
        check(TypeError, "boxes", lambda wrong=wrong: SUPPRESS[name](boxes=wrong))


@EACH_SUPPRESSION
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_boxes_that_are_not_finite(name, dtype, value):
    """The first such row, whatever the scores are."""
    for column in range(good(name).shape[1]):
        boxes = good(name).astype(dtype)
        boxes[2:, column] = value
        came = rf"row 2: .* got {value} in column {column}"
        check(ValueError, "boxes", lambda boxes=boxes: SUPPRESS[name](boxes=boxes, scores=[1, 2, -9, 3]), came)


@EACH_SUPPRESSION
def test_scores_of_a_wrong_shape_or_type(name):
    """One number for each box."""
    for wrong in ([1, 2, 3], [1] * 5, [], [[1, 2, 3, 4]], 1.0):
        check(ValueError, "scores", lambda wrong=wrong: SUPPRESS[name](scores=wrong), r"expected \[4\]")
    for wrong in (None, "abcd", ["a"] * 4, [1j] * 4, [None] * 4):
        check(TypeError, "scores", lambda wrong=wrong: SUPPRESS[name](scores=wrong))


@EACH_SUPPRESSION
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_scores_that_are_nan(name, dtype):
    """The row is named, also where a threshold would drop others."""
    scores = np.array([1, 2, 3, NAN], dtype)
    check(ValueError, "scores", lambda: SUPPRESS[name](scores=scores, score_threshold=2.5), "row 3: .*got nan")


@pytest.mark.parametrize("value", [INF, -INF])
def test_soft_scores_that_are_infinite(value):
    """Scores that are computed with have to be finite."""
    check(ValueError, "scores", lambda: SUPPRESS["soft_nms"](scores=[1, value, 2, 3]), f"row 1: .*finite.*got {value}")


@EACH_SUPPRESSION
def test_thresholds(name):
    """An IoU threshold is from 0 to 1; a score threshold is a number."""
    for wrong in (-0.001, 1.001, NAN, INF, -INF, 50):
        check(ValueError, "iou_threshold", lambda wrong=wrong: SUPPRESS[name](iou_threshold=wrong), "from 0 to 1, got")
    check(ValueError, "score_threshold", lambda: SUPPRESS[name](score_threshold=NAN), "nan")
    for argument in ("iou_threshold", "score_threshold"):
        for wrong in ("0.5", [0.5, 0.5], 1j, object(), True):
            check(TypeError, argument, lambda argument=argument, wrong=wrong: SUPPRESS[name](**{argument: wrong}))
    check(TypeError, "iou_threshold", lambda: SUPPRESS[name](iou_threshold=None))


@pytest.mark.parametrize("name", ["nms", "batched_nms", "nms_rotated"])
def test_max_output(name):
    """A whole number of 0 or more."""
    for wrong in (-1, -(2**62), 2**63, 2**70):
        check(ValueError, "max_output", lambda wrong=wrong: SUPPRESS[name](max_output=wrong), str(wrong))
    for wrong in (1.0, "1", True, [1]):
        check(TypeError, "max_output", lambda wrong=wrong: SUPPRESS[name](max_output=wrong))


def test_classes():
    """A whole number for each box; the row of one that is not."""
    call = SUPPRESS["batched_nms"]
    for wrong in ([0, 1, 2], [], [[0, 1, 2, 3]], 0):
        check(ValueError, "idxs", lambda wrong=wrong: call(idxs=wrong), r"expected \[4\]")
    for value in (0.5, NAN, INF, -INF, 2.0**63):
        check(
            ValueError, "idxs", lambda value=value: call(idxs=[0, 1, value, 0]), "row 2: expected a whole number, got"
        )
    for wrong in (None, "abcd", ["a"] * 4, [1j] * 4):
        check((TypeError, ValueError), "idxs", lambda wrong=wrong: call(idxs=wrong))


def test_soft_options():
    """Method and sigma."""
    call = SUPPRESS["soft_nms"]
    for wrong in ("Gaussian", "", "hard"):
        check(ValueError, "method", lambda wrong=wrong: call(method=wrong), "expected one of gaussian, linear, got")
    for wrong in (None, 0, b"linear"):
        check(TypeError, "method", lambda wrong=wrong: call(method=wrong))
    for wrong in (0, -1, NAN, INF):
        check(ValueError, "sigma", lambda wrong=wrong: call(sigma=wrong), "above 0, got")
    check(TypeError, "sigma", lambda: call(sigma="1"))


@EACH_MATRIX
@pytest.mark.parametrize("argument", ["boxes1", "boxes2"])
def test_matrix_arguments(name, argument):
    """Shape, type and numbers of either argument, with the row of just that one."""
    other = {"boxes1": "boxes2", "boxes2": "boxes1"}[argument]
    columns = good(name).shape[1]

    def call(wrong):
        return MATRICES[name](**{argument: wrong, other: good(name)})

    for shape in ((4, 3), (4, 6), (3,), (2, 4, columns)):
        check(ValueError, argument, lambda shape=shape: call(np.ones(shape)), rf"expected \[K, {columns}\]")
    for wrong in NOT_BOXES:
        check(TypeError, argument, lambda wrong=wrong: call(wrong))
    for value in (NAN, INF, -INF):
        for column in range(columns):
            boxes = good(name)
            boxes[3, column] = value
            check(ValueError, argument, lambda boxes=boxes: call(boxes), rf"row 3: .* got {value} in column {column}")


@pytest.mark.parametrize("column", [2, 3])
def test_rotated_sides_below_0(column):
    """A side is 0 or more; the row and the value are named."""
    boxes = good("rotated")
    boxes[1, column] = -0.5
    came = rf"row 1: .* got -0.5 in column {column}"
    check(ValueError, "boxes", lambda: pyroi.nms_rotated(boxes, SCORES, 0.5), came)
    check(ValueError, "boxes2", lambda: pyroi.box_iou_rotated(good("rotated"), boxes), came)


def test_matrix_larger_than_memory():
    """10^8 x 10^8 numbers: MemoryError or a clear ValueError, and no crash."""
    boxes = np.broadcast_to(np.float32([0, 0, 1, 1]), (10**8, 4))
    with pytest.raises((MemoryError, ValueError)):
        pyroi.box_iou(boxes, boxes)


# ---- Tiers, memory --------------------------------------------------------------------------------------


def battery():
    """Results of every function, on boxes of several kinds, as bytes by name."""
    rng = np.random.default_rng(0)
    results = {}
    for dtype in (np.float32, np.float64):
        boxes = overlap.random_boxes(rng, 3000, 300, (1, 60)).astype(dtype)
        turned = polygons.random_boxes(rng, 1500, 80, (1, 20)).astype(dtype)
        scores, classes = rng.integers(0, 500, 3000), rng.integers(0, 9, 3000)
        for threshold in (0.0, 0.4, 0.8):
            results[f"nms {threshold} {dtype.__name__}"] = pyroi.nms(boxes, scores, threshold)
            results[f"batched {threshold} {dtype.__name__}"] = pyroi.batched_nms(boxes, scores, classes, threshold)
            results[f"rotated {threshold} {dtype.__name__}"] = pyroi.nms_rotated(turned, scores[:1500], threshold)
        results[f"soft {dtype.__name__}"] = pyroi.soft_nms(boxes, scores / 500)[1]
        for name, function in MATRICES.items():
            given_boxes = turned if name.endswith("rotated") else boxes
            results[f"{name} {dtype.__name__}"] = function(given_boxes[:300], given_boxes)
    masks = rng.random((40, 200, 300)) < 1e-4
    results["masks"] = pyroi.masks_to_boxes(masks)
    return {name: result.tobytes() for name, result in results.items()}


def _digest(folder):
    """Digests of the battery on this tier."""
    import hashlib
    import sys

    sys.path.insert(0, folder)
    import test_overlap_hazards as test

    import pyroi

    print(pyroi.cpu_features()["tier"])
    for name, result in test.battery().items():
        print(name, hashlib.sha256(result).hexdigest(), sep="\t")


def test_tiers_agree_to_the_last_bit():
    """Nothing here is contracted or summed in vectors: every tier has the same numbers."""
    folder = __file__.rpartition("/")[0]
    expected = None
    for tier in ("baseline", "avx2", "avx512"):
        used, *lines = run_child(_digest, folder, ROI_CPU_TIER=tier).splitlines()
        expected = expected or lines
        assert lines == expected, f"{used}: {set(lines) ^ set(expected)}"


def _guarded(at):
    """Each function on arrays against forbidden pages, of 1 to 40 boxes."""
    import guarded
    import numpy as np
    from oracles import overlap, polygons

    import pyroi

    rng = np.random.default_rng(0)
    for count in range(1, 41):
        for dtype in (np.float32, np.float64):
            boxes = guarded.like(overlap.random_boxes(rng, count, 20).astype(dtype), at)
            columns = guarded.like(np.asfortranarray(boxes), at)
            turned = guarded.like(polygons.random_boxes(rng, count).astype(dtype), at)
            scores = guarded.like(rng.random(count).astype(dtype), at)
            classes = guarded.like(rng.integers(0, 3, count), at)
            for given_boxes in (boxes, columns):
                pyroi.nms(given_boxes, scores, 0.3)
                pyroi.batched_nms(given_boxes, scores, classes, 0.3)
                pyroi.soft_nms(given_boxes, scores)
                pyroi.complete_box_iou(given_boxes, boxes)
            pyroi.nms_rotated(turned, scores, 0.3)
            pyroi.box_iou_rotated(turned, turned)


@pytest.mark.parametrize("at", ["start", "end"])
def test_nothing_is_read_beyond(at):
    """Reading one byte more would be a crash."""
    run_child(_guarded, at)
