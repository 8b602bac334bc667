"""pyroi.numba: compiled code gets the results of pyroi and its errors, and does not hold the GIL meanwhile."""

from __future__ import annotations

import importlib
import inspect
import threading
import time

import numpy as np
import pytest
from children import run_child

import pyroi

numba = pytest.importorskip("numba", reason="numba is not installed")
rn = importlib.import_module("pyroi.numba")

RNG = np.random.default_rng(0)
MAP = RNG.standard_normal((2, 4, 9, 11)).astype(np.float32)
BOXES = np.array([[0, 1, 1, 5, 4.3], [1, -1, 2, 9, 5], [1, 3, 3, 3, 3], [0, 40, 40, 50, 50]], np.float32)
ROWS = BOXES[:, 1:]
SCORES = np.array([0.5, 0.9, 0.9, 0.1], np.float32)


@numba.njit
def pool(input, boxes):
    return rn.roi_align(input, boxes, (2, 3), 0.7)


@numba.njit(nogil=True)
def pool_with(input, boxes, side, scale, ratio, aligned):
    return rn.roi_align(input, boxes, side, scale, ratio, aligned)


@numba.njit
def overlap(boxes1, boxes2):
    return rn.box_iou(boxes1, boxes2)


@numba.njit
def suppress(boxes, scores, threshold):
    return rn.nms(boxes, scores, threshold)


@numba.njit
def suppress_with(boxes, scores, threshold, least, limit):
    return rn.nms(boxes, scores, threshold, least, limit)


# ---- Results ---------------------------------------------------------------------------------------------------------


LAYOUTS = {
    "plain": (MAP, BOXES),
    "float64": (MAP.astype(np.float64), BOXES.astype(np.float64)),
    "any strides": (MAP[:, ::2, ::-1], BOXES[::-2]),
    "columns first, whole numbers": (np.asfortranarray(MAP), np.asfortranarray(BOXES.astype(int))),
}


@pytest.mark.parametrize(("map", "boxes"), LAYOUTS.values(), ids=LAYOUTS)
def test_crops(map, boxes):
    """pyroi's own, to the last bit, for all types and layouts."""
    result = pool(map, boxes)
    assert result.dtype == map.dtype
    assert np.array_equal(result, pyroi.roi_align(map, boxes, (2, 3), 0.7))


def test_settings():
    """All that a call can have, also where the caller has let go of the GIL before."""
    expected = pyroi.roi_align(MAP, BOXES, 3, 0.5, 2, False)
    assert np.array_equal(pool_with(MAP, BOXES, 3, 0.5, 2, False), expected)
    assert np.array_equal(pool(MAP[:1], ROWS[:1]), pyroi.roi_align(MAP[:1], ROWS[:1], (2, 3), 0.7))
    assert pool(MAP, BOXES[:0]).shape == (0, 4, 2, 3)


def test_overlap():
    """float32 where both are, else float64; and nothing of nothing."""
    wide = ROWS.astype(np.float64)
    for first, second in ((ROWS, ROWS[:2]), (wide, ROWS), (ROWS.astype(int), ROWS[::-1])):
        result, expected = overlap(first, second), pyroi.box_iou(first, second)
        assert result.dtype == expected.dtype and np.array_equal(result, expected)
    assert overlap(ROWS[:0], ROWS).shape == (0, 4)


def test_suppression():
    """The same boxes, with and without what may be left out."""
    corners = RNG.uniform(0, 60, (300, 2))
    boxes = np.concatenate([corners, corners + RNG.uniform(1, 30, (300, 2))], 1)
    scores = RNG.random(300)
    assert np.array_equal(suppress(boxes, scores, 0.4), pyroi.nms(boxes, scores, 0.4))
    expected = pyroi.nms(boxes, scores, 0.4, 0.3, max_output=7)
    assert np.array_equal(suppress_with(boxes, scores, 0.4, 0.3, 7), expected)
    assert np.array_equal(suppress_with(boxes, scores, 0.4, None, None), pyroi.nms(boxes, scores, 0.4))
    assert suppress_with(boxes, scores, 0.4, None, 0).tolist() == []
    assert np.array_equal(suppress(ROWS, SCORES, 1), [1, 2, 0, 3])


def test_from_python():
    """Not compiled, a function is pyroi's own, with its parameters in their order."""
    assert np.array_equal(rn.roi_align(MAP, BOXES, 2), pyroi.roi_align(MAP, BOXES, 2))
    assert np.array_equal(rn.nms(ROWS, SCORES, 0.5), pyroi.nms(ROWS, SCORES, 0.5))
    assert np.array_equal(rn.box_iou(ROWS, ROWS), pyroi.box_iou(ROWS, ROWS))
    for name in ("roi_align", "nms", "box_iou"):
        mine = inspect.signature(getattr(rn, name)).parameters.values()
        theirs = inspect.signature(getattr(pyroi, name)).parameters
        assert [(p.name, p.default) for p in mine] == [(p.name, theirs[p.name].default) for p in mine]


# ---- Errors ----------------------------------------------------------------------------------------------------------


def with_number(array, place, value):
    """A copy with one other number."""
    changed = np.array(array)
    changed[place] = value
    return changed


WRONG = {
    "no image": (pool, MAP, with_number(BOXES, (1, 0), 7)),
    "half an image": (pool, MAP, with_number(BOXES, (0, 0), 0.25)),
    "before the first image": (pool, MAP, with_number(BOXES, (0, 0), -1)),
    "NaN": (pool, MAP, with_number(BOXES, (1, 3), np.nan)),
    "infinity": (pool, MAP, with_number(BOXES, (1, 3), -np.inf)),
    "no batch index": (pool, MAP, ROWS),
    "the first boxes": (overlap, with_number(ROWS, (2, 0), np.nan), ROWS),
    "the second boxes": (overlap, ROWS, with_number(ROWS, (2, 0), np.inf)),
    "a score": (suppress, ROWS, with_number(SCORES, 1, np.nan), 0.5),
    "a threshold": (suppress, ROWS, SCORES, 1.5),
    "too few scores": (suppress, ROWS, SCORES[:2], 0.5),
    "columns": (suppress, BOXES, SCORES, 0.5),
    "columns of boxes1": (overlap, BOXES, ROWS),
}
THE_SAME = {pool: lambda x, b: pyroi.roi_align(x, b, (2, 3), 0.7), overlap: pyroi.box_iou, suppress: pyroi.nms}


@pytest.mark.parametrize(("function", "arguments"), [(f, a) for f, *a in WRONG.values()], ids=WRONG)
def test_errors_in_compiled_code(function, arguments):
    """The words of pyroi, whose own function is asked; and the next call is right."""
    with pytest.raises(ValueError) as expected:
        THE_SAME[function](*arguments)
    with pytest.raises(ValueError) as raised:
        function(*arguments)
    assert str(raised.value) == str(expected.value)
    assert np.array_equal(pool(MAP, BOXES), pyroi.roi_align(MAP, BOXES, (2, 3), 0.7))


def test_settings_out_of_range():
    """Numbers that are checked before libroi is called."""
    for scale, text in ((0.0, "0.0"), (-1.5, "-1.5"), (np.nan, "nan"), (np.inf, "inf")):
        with pytest.raises(ValueError, match=f"spatial_scale: expected a finite number above 0, got {text}$"):
            pool_with(MAP, BOXES, 3, scale, 2, False)
    with pytest.raises(ValueError, match=r"output_size: expected sizes of 0 or more, got \(-1, -1\)"):
        pool_with(MAP, BOXES, -1, 1.0, 2, False)
    with pytest.raises(ValueError, match="aligned: expected True or False, got 7"):
        pool_with(MAP, BOXES, 2, 1.0, 2, 7)
    assert np.array_equal(pool_with(MAP, BOXES, 2, 1.0, 2, 1), pyroi.roi_align(MAP, BOXES, 2, 1.0, 2, True))
    with pytest.raises(ValueError, match="score_threshold: expected a number, got nan"):
        suppress_with(ROWS, SCORES, 0.5, np.nan, 7)
    with pytest.raises(ValueError, match="max_output: expected 0 or more, got -7"):
        suppress_with(ROWS, SCORES, 0.5, 0.1, -7)


def test_strides_that_are_no_elements():
    """A column of a packed record, whose next element does not lie at a multiple of its size."""
    packed = np.zeros((2, 4, 9, 11), np.dtype([("x", np.float32), ("more", np.int8)], align=False))["x"]
    with pytest.raises((ValueError, numba.TypingError), match="input: expected"):
        pool(packed, BOXES)


COMPILE_TIME = {
    "input, dimensions": (pool, (MAP[0], BOXES), r"input: expected \[N, C, H, W\], got an array of 3 dimensions"),
    "input, type": (pool, (MAP.astype(int), BOXES), "input: expected float32 or float64, got int64"),
    "input, no array": (pool, (1.0, BOXES), r"input: expected an array \[N, C, H, W\], got float64"),
    "boxes": (pool, (MAP, ROWS[0]), r"boxes: expected \[K, 5\], got an array of 1 dimensions"),
    "boxes1": (overlap, (BOXES + 1j, ROWS), "boxes1: expected float32 or float64 or integers, got complex64"),
    "scores": (suppress, (ROWS, ROWS, 0.5), r"scores: expected \[N\], got an array of 2 dimensions"),
    "iou_threshold": (suppress, (ROWS, SCORES, "a half"), "iou_threshold: expected a number, got unicode_type"),
    "output_size": (pool_with, (MAP, BOXES, 2.5, 1.0, 2, True), "output_size: expected an integer, got float64"),
    "output_size, a pair": (
        pool_with,
        (MAP, BOXES, (2, 2.0), 1.0, 2, True),
        "output_size: expected an integer, got float64",
    ),
    "output_size, three": (
        pool_with,
        (MAP, BOXES, (2, 2, 2), 1.0, 2, True),
        r"output_size: expected \(height, width\)",
    ),
    "sampling_ratio": (pool_with, (MAP, BOXES, 2, 1.0, 2.0, True), "sampling_ratio: expected an integer, got float64"),
    "aligned": (pool_with, (MAP, BOXES, 2, 1.0, 2, 0.5), "aligned: expected True or False, got float64"),
    "max_output": (suppress_with, (ROWS, SCORES, 0.5, 0.1, 2.7), "max_output: expected an integer, got float64"),
}


@pytest.mark.parametrize(("function", "arguments", "message"), COMPILE_TIME.values(), ids=COMPILE_TIME)
def test_errors_while_compiled(function, arguments, message):
    """What types tell, with the argument's name."""
    with pytest.raises(numba.TypingError, match=message):
        function(*arguments)


# ---- Hazards ---------------------------------------------------------------------------------------------------------


def test_the_gil_is_released():
    """While compiled code computes, which did not ask for nogil itself, another thread of Python runs."""
    map = np.ones((1, 256, 200, 300), np.float32)
    boxes = np.tile(np.array([[0, 10, 10, 280, 190]], np.float32), (1500, 1))
    pool(map, boxes[:1])
    times = []

    def work():
        times.append(time.monotonic())
        pool(map, boxes)
        times.append(time.monotonic())

    thread, ticks = threading.Thread(target=work), []
    thread.start()
    while thread.is_alive():
        ticks.append(time.monotonic())
        time.sleep(0.001)
    start, end = times
    margin = (end - start) / 10
    assert any(start + margin < tick < end - margin for tick in ticks), (end - start, len(ticks))


def test_many_threads():
    """Some with the GIL and some without, some with an error: each has what is its own."""
    outcomes = [None] * 16

    def work(number):
        boxes = with_number(BOXES, (1, 0), number % 4)
        call = (lambda b: pool(MAP, b)) if number % 3 else (lambda b: pool_with(MAP, b, 2, 0.7, -1, True))
        for _ in range(20):
            try:
                outcomes[number] = call(boxes).shape[0]
            except ValueError as error:
                outcomes[number] = str(error)[-1]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [4, 4, "2", "3"] * 4


def in_parallel():
    """Rows of the loop on numba's threads, which hold no GIL; and an error in one of them, which numba may lose."""
    import sys

    import numba
    import numpy as np

    import pyroi.numba as rn

    @numba.njit(parallel=True)
    def means(map, boxes):
        result = np.zeros(len(boxes))
        for index in numba.prange(len(boxes)):
            result[index] = rn.roi_align(map, boxes[index], 2).mean()
        return result

    boxes = np.tile(np.array([[[0, 1, 1, 4, 4.0]]]), (50, 1, 1))
    print(means(np.ones((1, 1, 6, 6)), boxes).tolist() == [1] * 50)
    boxes[30, 0, 0] = 9
    try:
        means(np.ones((1, 1, 6, 6)), boxes)
    except (ValueError, SystemError) as error:
        print(error, file=sys.stderr)
    boxes[30, 0, 0] = 0
    print(means(np.ones((1, 1, 6, 6)), boxes).tolist() == [1] * 50)


def test_parallel_loops():
    """numba's own threads may call; after an error in one of them the process computes on."""
    assert run_child(in_parallel, timeout=300).split() == ["True", "True"]


def from_cache(folder):
    """A function that numba keeps on disk; how often it was found there, and its result."""
    import pathlib
    import sys

    source = pathlib.Path(folder, "cached.py")
    source.write_text(
        "import numba, pyroi.numba as rn\n"
        "@numba.njit(cache=True)\n"
        "def overlap(boxes):\n"
        "    return rn.box_iou(boxes, boxes)\n"
    )
    sys.path.insert(0, folder)
    import cached
    import numpy as np

    result = cached.overlap(np.array([[0, 0, 2, 2.0], [1, 0, 3, 2]]))
    print(sum(cached.overlap.stats.cache_hits.values()), result[0, 1])


def test_compiled_code_is_kept(tmp_path):
    """A second process takes it from numba's cache, where no address of the first may be in it."""
    first = run_child(from_cache, str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    second = run_child(from_cache, str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert (first.split(), second.split()) == (["0", str(1 / 3)], ["1", str(1 / 3)])
