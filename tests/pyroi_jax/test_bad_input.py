"""pyroi.jax: what is wrong, said while a function is traced where shapes tell it, else while it is computed."""

from __future__ import annotations

import ctypes
import importlib
import threading

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = importlib.import_module("jax.numpy")
rj = importlib.import_module("pyroi.jax")

MAP = np.ones((2, 3, 9, 11), np.float32)
BOXES = np.array([[0, 1, 1, 5, 4.3], [1, -1, 2, 9, 5]], np.float32)
ROWS, SCORES = BOXES[:, 1:], np.ones(2, np.float32)

AT_TRACING = {
    "input, rank": (
        lambda: rj.roi_align(MAP[0], BOXES, 2),
        ValueError,
        r"input: expected \[N, C, H, W\], got \[3, 9, 11\]",
    ),
    "input, type": (lambda: rj.roi_align(MAP + 1j, BOXES, 2), TypeError, "input: .* got complex64"),
    "input, text": (lambda: rj.roi_pool("map", BOXES, 2), TypeError, "input: cannot be converted to an array"),
    "boxes, columns": (
        lambda: rj.roi_align(MAP, BOXES[:, 2:], 2),
        ValueError,
        r"boxes: expected \[K, 4\] or \[K, 5\], got \[2, 3\]",
    ),
    "boxes, no image": (
        lambda: rj.prroi_pool(MAP, ROWS, 2),
        ValueError,
        r"boxes: .*the input holds 2 images; got 4 columns",
    ),
    "boxes, list": (
        lambda: rj.roi_align(MAP, [ROWS], 2),
        ValueError,
        "boxes: expected one array for each of the 2 images, got a list of 1",
    ),
    "boxes, in a list": (
        lambda: rj.roi_align(MAP, [ROWS, BOXES], 2),
        ValueError,
        r"boxes: array 1: expected \[L, 4\], got \[2, 5\]",
    ),
    "rotated boxes": (lambda: rj.roi_align_rotated(MAP, ROWS, 2), ValueError, r"boxes: expected \[K, 5\] or \[K, 6\]"),
    "output_size": (lambda: rj.roi_align(MAP, BOXES, (-1, 2)), ValueError, "output_size: expected sizes of 0 or more"),
    "spatial_scale": (
        lambda: rj.roi_align(MAP, BOXES, 2, 0.0),
        ValueError,
        "spatial_scale: expected a finite number above 0, got 0.0",
    ),
    "spatial_scale, traced": (
        lambda: jax.jit(lambda s: rj.roi_align(MAP, BOXES, 2, s))(1.0),
        TypeError,
        "spatial_scale: expected a number, got",
    ),
    "sampling_ratio": (
        lambda: rj.roi_align_rotated(MAP, BOXES @ np.eye(5, 6), 2, 1, 200),
        ValueError,
        "sampling_ratio: expected at most 128",
    ),
    "aligned": (lambda: rj.roi_align(MAP, BOXES, 2, aligned="no"), TypeError, "aligned: expected True or False"),
    "mode": (
        lambda: rj.roi_align(MAP, BOXES, 2, mode="mean"),
        ValueError,
        "mode: expected one of avg, max, max_corner",
    ),
    "features": (lambda: rj.multiscale_roi_align(MAP, BOXES, 2, [1]), TypeError, "features: expected a list of maps"),
    "features, none": (
        lambda: rj.multiscale_roi_align([], BOXES, 2, []),
        ValueError,
        "features: expected 1 to 60 levels, got 0",
    ),
    "features, shapes": (
        lambda: rj.multiscale_roi_align([MAP, MAP[:, :1]], BOXES, 2, [1, 1]),
        ValueError,
        "features: all levels must have",
    ),
    "spatial_scales": (
        lambda: rj.multiscale_roi_align([MAP], BOXES, 2, [1, 2]),
        ValueError,
        "spatial_scales: expected one number for each",
    ),
    "boxes1": (lambda: rj.box_iou(BOXES, ROWS), ValueError, r"boxes1: expected \[K, 4\], got \[2, 5\]"),
    "boxes2": (lambda: rj.box_iou_rotated(BOXES, ROWS), ValueError, r"boxes2: expected \[K, 5\], got \[2, 4\]"),
    "scores": (
        lambda: rj.nms(ROWS, SCORES[:1], 0.5),
        ValueError,
        r"scores: expected \[2\], one for each box, got \[1\]",
    ),
    "idxs": (lambda: rj.batched_nms(ROWS, SCORES, SCORES, 0.5), TypeError, "idxs: expected integers, got float32"),
    "idxs, wide": (
        lambda: rj.batched_nms(ROWS, SCORES, np.array([0, 2**32]), 0.5),
        ValueError,
        "idxs: expected integers in the range of int32, got 4294967296",
    ),
    "idxs, a list": (
        lambda: rj.batched_nms(ROWS, SCORES, [-(2**31) - 1, 0], 0.5),
        ValueError,
        "idxs: expected integers in the range of int32, got -2147483649",
    ),
    "idxs, uint32": (
        lambda: rj.batched_nms(ROWS, SCORES, np.array([0, 2**31], np.uint32), 0.5),
        ValueError,
        "idxs: expected integers in the range of int32, got 2147483648",
    ),
    "idxs, wider than any": (
        lambda: rj.batched_nms(ROWS, SCORES, [0, 2**70], 0.5),
        TypeError,
        "idxs: cannot be converted to an array",
    ),
    "idxs, shape": (
        lambda: rj.batched_nms(ROWS, SCORES, np.zeros(3, int), 0.5),
        ValueError,
        r"idxs: expected \[2\], one for each box, got \[3\]",
    ),
    "iou_threshold": (
        lambda: rj.nms(ROWS, SCORES, 1.5),
        ValueError,
        "iou_threshold: expected a number from 0 to 1, got 1.5",
    ),
    "max_output": (
        lambda: rj.nms(ROWS, SCORES, 0.5, max_output=-1),
        ValueError,
        "max_output: expected 0 or more, got -1",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), AT_TRACING.values(), ids=AT_TRACING)
def test_what_shapes_and_settings_tell(call, error, message):
    """pyroi's errors, with the argument, the rule and what came."""
    with pytest.raises(error, match=message):
        call()


def with_number(array, place, value):
    """A copy with one other number."""
    changed = np.array(array)
    changed[place] = value
    return changed


TURNED = np.array([[0, 3, 3, 5, 4, 30], [1, 4, 2, 9, 5, 0]], np.float32)
WHEN_COMPUTED = {
    "no image": (
        lambda: rj.roi_align(MAP, with_number(BOXES, (1, 0), 7), 2),
        r"boxes: row 1: the batch index must be a whole number in \[0, 2\), got 7",
    ),
    "half an image": (
        lambda: rj.roi_pool(MAP, with_number(BOXES, (0, 0), 0.5), 2),
        r"boxes: row 0: the batch index .* got 0.5",
    ),
    "NaN": (
        lambda: rj.prroi_pool(MAP, with_number(BOXES, (1, 3), np.nan), 2),
        "boxes: row 1: coordinates must be finite, got nan in column 3",
    ),
    "infinity": (
        lambda: rj.multiscale_roi_align([MAP], with_number(BOXES, (1, 3), np.inf), 2, [1]),
        "boxes: row 1: coordinates must be finite, got inf in column 3",
    ),
    "a side below 0": (
        lambda: rj.roi_align_rotated(MAP, with_number(TURNED, (0, 3), -5), 2),
        "boxes: row 0: width and height must be 0 or more, got -5.0 in column 3",
    ),
    "the second boxes": (
        lambda: rj.box_iou(ROWS, with_number(ROWS, (1, 2), np.nan)),
        "boxes2: row 1: coordinates must be finite, got nan in column 2",
    ),
    "a score": (lambda: rj.nms(ROWS, with_number(SCORES, 1, np.nan), 0.5), "scores: row 1: expected a number, got nan"),
    "in a gradient": (
        lambda: jax.grad(lambda x: rj.roi_pool(x, with_number(BOXES, (1, 0), -1), 2).sum())(MAP),
        r"boxes: row 1: the batch index must be a whole number in \[0, 2\), got -1",
    ),
    "an example": (
        lambda: jax.vmap(lambda b: rj.roi_align(MAP, b, 2))(np.stack([BOXES, with_number(BOXES, (1, 2), np.nan)])),
        "boxes: example 1, row 1: coordinates must be finite, got nan in column 2",
    ),
}


@pytest.mark.parametrize(("call", "message"), WHEN_COMPUTED.values(), ids=WHEN_COMPUTED)
def test_what_only_numbers_tell(call, message):
    """An error of the computation, with the row; and what is computed afterwards is right.

    It is a ValueError where the computation ends within JAX's call, and a JaxRuntimeError where it is waited for.
    """
    with pytest.raises((jax.errors.JaxRuntimeError, ValueError), match=f"INVALID_ARGUMENT: {message}"):
        jax.block_until_ready(call())
    assert np.array_equal(rj.roi_align(MAP, BOXES[:1], 1, sampling_ratio=1), np.ones((1, 3, 1, 1)))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_words_that_fail(monkeypatch):
    """If Python raises while it describes an error, there is an error still, with words of its own."""

    def fail(fault):
        raise RuntimeError("no words")

    monkeypatch.setattr(importlib.import_module("pyroi.jax.handlers"), "_message", fail)
    with pytest.raises((jax.errors.JaxRuntimeError, ValueError), match="libroi found an error, and Python failed"):
        jax.block_until_ready(rj.roi_align(MAP, with_number(BOXES, (1, 0), 7), 2))


def test_errors_in_threads():
    """Those whose boxes are wrong get their errors, the others their crops."""
    pool = jax.jit(lambda b: rj.roi_align(MAP, b, 1, sampling_ratio=1))
    outcomes = [None] * 8

    def work(number):
        boxes = with_number(BOXES, (1, 0), number if number % 2 else 0)
        try:
            outcomes[number] = np.asarray(pool(boxes)).sum()
        except (jax.errors.JaxRuntimeError, ValueError) as error:  # see above
            outcomes[number] = str(error).split("got ")[1].strip()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [6, 6, 6, "3", 6, "5", 6, "7"]  # 1 is an image that is there


# ---- Calls of other programs -----------------------------------------------------------------------------------------


def arrays(*forms):
    """Types and shapes as results are declared, from text like "float32 2 3"."""
    parts = [form.split() for form in forms]
    return tuple(jax.ShapeDtypeStruct(tuple(map(int, sizes)), np.dtype(name)) for name, *sizes in parts)


ALIGN = {"spatial_scale": 1.0, "sampling_ratio": 2, "aligned": True}
LEVELS = {"sampling_ratio": 2, "aligned": True, "canonical_level": 0, "canonical_scale": 9.0}
LEVELS |= {"spatial_scales": np.ones(1)}
NMS, SCALE = {"iou_threshold": 0.5, "score_threshold": 0.0}, {"spatial_scale": 1.0}
TYPE = "an operand has elements of another type than this handler takes"
LEADING = "the leading dimensions of an operand are not those of the first result"
SHAPES = "the shapes of arrays do not match"
MAPS, CROPS = "float32 2 3 9 11", "float32 2 3 2 2"

# Name, arguments, results, settings, and what is said.
FOREIGN = {
    "kept, type": ("nms", ["float32 8 4", "float32 8", "int32 0"], ["float16 8", "int32"], NMS, TYPE),
    "count, type": ("nms", ["float32 8 4", "float32 8", "int32 0"], ["int32 8", "float16"], NMS, TYPE),
    "classes, type": ("nms", ["float32 8 4", "float32 8", "float16 8"], ["int32 8", "int32"], NMS, TYPE),
    "classes, size": ("nms", ["float32 8 4", "float32 8", "int32 7"], ["int32 8", "int32"], NMS, "one class for each"),
    "scores, size": ("nms", ["float32 8 4", "float32 7", "int32 0"], ["int32 8", "int32"], NMS, SHAPES),
    "places, type": ("roi_pool", ["float32 2 5", MAPS], [CROPS, "float16 2 3 2 2 2"], SCALE, TYPE),
    "places, pairs": ("roi_pool", ["float32 2 5", MAPS], [CROPS, "int32 2 3 2 2 1"], SCALE, "no pairs"),
    "places, shape": ("roi_pool", ["float32 2 5", MAPS], [CROPS, "int32 2 3 1 2 2"], SCALE, SHAPES),
    "places of a gradient, type": (
        "roi_pool_backward",
        ["float32 2 5", CROPS, "float16 2 3 2 2 2"],
        [MAPS],
        SCALE,
        TYPE,
    ),
    "places of a gradient, shape": (
        "roi_pool_backward",
        ["float32 2 5", CROPS, "int32 1 3 2 2 2"],
        [MAPS],
        SCALE,
        SHAPES,
    ),
    "corners, type": (
        "prroi_pool_backward",
        ["float32 2 5", CROPS, MAPS],
        [MAPS, "float16 2 5"],
        SCALE,
        TYPE,
    ),
    "corners, shape": (
        "prroi_pool_backward",
        ["float32 2 5", CROPS, MAPS],
        [MAPS, "float32 2 4"],
        SCALE,
        "the gradient of the boxes has another shape",
    ),
    "more examples than results": ("roi_align", ["float32 3 2 5", MAPS], [CROPS], ALIGN | {"mode": 0}, LEADING),
    "other examples": (
        "roi_align",
        ["float32 3 2 5", "float32 1 2 3 9 11"],
        ["float32 4 2 3 2 2"],
        ALIGN | {"mode": 0},
        LEADING,
    ),
    "results of fewer examples": (
        "nms",
        ["float32 3 8 4", "float32 3 8", "int32 1 0"],
        ["int32 3 8", "int32 1"],
        NMS,
        LEADING,
    ),
    "fewer crops than boxes": (
        "multiscale_roi_align_backward",
        ["float32 9 5", CROPS],
        [MAPS],
        LEVELS,
        "one crop for each box",
    ),
    "no levels": ("multiscale_roi_align_backward", ["float32 2 5", CROPS], [], LEVELS, "another number of operands"),
    "two results": (
        "multiscale_roi_align",
        ["float32 2 5", MAPS],
        [CROPS, CROPS],
        LEVELS,
        "another number of operands",
    ),
}


@pytest.mark.parametrize(("name", "given", "results", "settings", "message"), FOREIGN.values(), ids=FOREIGN)
def test_calls_that_pyroi_does_not_make(name, given, results, settings, message):
    """A program that names a handler itself, with types or shapes that it has not, gets an error and no numbers."""
    call = jax.ffi.ffi_call(f"pyroi_{name}", arrays(*results), has_side_effect=True)
    given = [np.zeros(form.shape, form.dtype) for form in arrays(*given)]
    with pytest.raises((jax.errors.JaxRuntimeError, ValueError, RuntimeError), match=message):
        jax.block_until_ready(jax.jit(lambda *given: call(*given, **settings))(*given))
        jax.effects_barrier()


# ---- Frames of other versions ----------------------------------------------------------------------------------------

_SIZE, _POINTER = ctypes.c_size_t, ctypes.c_void_p


class _ErrorArgs(ctypes.Structure):
    _fields_ = [("struct_size", _SIZE), ("extensions", _POINTER), ("message", ctypes.c_char_p), ("code", ctypes.c_int)]


_CREATE = ctypes.CFUNCTYPE(_POINTER, ctypes.POINTER(_ErrorArgs))


class _Api(ctypes.Structure):
    _fields_ = [
        ("size", _SIZE),
        ("more", _POINTER),
        ("version", ctypes.c_int64 * 3),
        ("internal", _POINTER),
        ("create", _CREATE),
    ]


class _Operands(ctypes.Structure):
    _fields_ = [
        ("struct_size", _SIZE),
        ("more", _POINTER),
        ("count", ctypes.c_int64),
        ("types", _POINTER),
        ("values", _POINTER),
    ]


class _Frame(ctypes.Structure):
    _fields_ = [
        ("struct_size", _SIZE),
        ("more", _POINTER),
        ("api", ctypes.POINTER(_Api)),
        ("context", _POINTER),
        ("stage", ctypes.c_int),
        ("arguments", _Operands),
        ("results", _Operands),
        ("attributes", ctypes.c_int64 * 6),
    ]


@pytest.mark.parametrize(
    ("frame_size", "operands_size", "message"),
    [
        (ctypes.sizeof(_Frame) - 8, 40, b"pyroi.jax does not know this version of XLA's call frames"),
        (ctypes.sizeof(_Frame), 32, b"pyroi.jax does not know this version of XLA's call frames"),
        (ctypes.sizeof(_Frame) + 8, 40, b"another number of operands than this handler has"),
    ],
)
def test_frames_that_are_other(frame_size, operands_size, message):
    """A frame smaller than the known one is refused, and so is a call with other operands; a larger one is read."""
    handlers = importlib.import_module("pyroi.jax._handlers")
    said = []
    api = _Api(size=56, create=_CREATE(lambda args: said.append((args[0].message, args[0].code)) or 1))
    operands = _Operands(struct_size=operands_size)
    frame = _Frame(struct_size=frame_size, api=ctypes.pointer(api), stage=3, arguments=operands, results=operands)
    frame.attributes[0] = 48
    handlers.lib.xla_roi_align(handlers.ffi.cast("void *", ctypes.addressof(frame)))
    assert [text for text, _ in said] == [message]
