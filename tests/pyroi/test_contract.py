"""What every operator keeps to, whatever it computes: memory, types, emptiness, threads, cancelling.

The operators and their calls are rows of a table, tests/support/contracts.py; a new operator needs a row there.
"""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import threading
from dataclasses import replace

import numpy as np
import pytest
from calls import GOOD
from contracts import MISSING, OF_BOXES, ON_BOXES, ON_IMAGES, OPERATORS, Sizes, arrays, changed, missing_from
from oracles.cases import LAYOUTS

import pyroi
from pyroi.errors import Cancelled

pytestmark = pytest.mark.generated

EACH = pytest.mark.parametrize("name", OPERATORS)
WITH_TYPES = pytest.mark.parametrize("name", [name for name, operator in OPERATORS.items() if operator.following])
FLOATS = [np.float16, np.float32, np.float64]

# Channels that fill no vector, one and a bit, none; images of more pixels than channels, and of fewer.
MANY = [
    Sizes(),
    Sizes(channels=17, height=5, width=16, boxes=7, bins=(4, 3)),
    Sizes(channels=1, height=7, width=33, boxes=3, bins=(3, 11)),
    Sizes(channels=40, height=6, width=6, boxes=20, bins=(1, 2)),
]
# One image that threads have to cut up, and many channels.
LARGE = [
    Sizes(images=1, height=120, width=161, boxes=80, bins=(4, 4)),
    Sizes(images=3, channels=70, height=20, width=24, boxes=80, bins=(1, 5)),
]
ENLARGED = [replace(sizes, bins=(200, 250)) for sizes in LARGE[:1]] + [replace(LARGE[1], bins=(31, 33))]
CROWD = [Sizes(boxes=1500), Sizes(images=40, height=100, width=150, boxes=3)]


def large(name):
    """Sizes at which several threads have something to do."""
    return CROWD if name in OF_BOXES else ENLARGED if name in ON_IMAGES else LARGE


def bits(results):
    """Of all results."""
    return [result.tobytes() for result in results]


def test_every_function_has_its_rows():
    """Every public function is in the table, and nothing else is."""
    assert {operator.function for operator in OPERATORS.values()} == GOOD.keys()


# ---- Memory ----------------------------------------------------------------------------------------------------------

ORDERS = {**LAYOUTS, "swapped": lambda x: x.astype(x.dtype.newbyteorder("S"))}


@EACH
@pytest.mark.parametrize("dtype", FLOATS)
def test_order_of_memory(name, dtype):
    """The same numbers in another order of memory, or of bytes, give the same bits; NaN in a map, too."""
    operator = OPERATORS[name]
    for sizes in MANY:
        given = operator.arguments(1, dtype, sizes)
        if name not in OF_BOXES and name != "affine_grid":
            changed(given, _spoil, operator.following[0])
        expected = bits(operator(given))
        for argument in {argument for argument, *_ in arrays(given)}:
            for order, arrange in ORDERS.items():
                assert bits(operator(changed(given, arrange, argument))) == expected, (argument, order, sizes)


def _spoil(map):
    map[0, -1, 0, map.shape[3] // 2] = np.nan
    return map


@EACH
def test_strides_of_0(name):
    """A broadcast array is one that repeats itself."""
    operator = OPERATORS[name]
    given = operator.arguments(2)
    for argument, _, array in arrays(given):
        for axis in (*range(array.ndim), None):
            repeated = changed(given, lambda part, axis=axis: _first_repeated(part, axis), argument)
            copied = changed(repeated, np.array, argument)
            assert bits(operator(repeated)) == bits(operator(copied)), (argument, axis)


def _first_repeated(array, axis):
    """The first numbers along an axis everywhere on it; without an axis, the first number of all."""
    return np.broadcast_to(array.ravel()[0] if axis is None else array.take([0], axis), array.shape)


@EACH
@pytest.mark.parametrize("dtype", FLOATS)
def test_inputs_are_not_changed(name, dtype):
    """Arguments are only read, also where their memory may not be written, and no result shares it."""
    operator = OPERATORS[name]
    for sizes in MANY:
        given = operator.arguments(3, dtype, sizes)
        before = {(argument, place): array.tobytes() for argument, place, array in arrays(given)}
        for _ in range(2):  # writeable, and locked
            results = operator(given)
            for argument, place, array in arrays(given):
                assert array.tobytes() == before[argument, place], argument
                assert not any(np.shares_memory(result, array) for result in results), argument
                array.flags.writeable = False


@EACH
def test_results_are_plain_arrays(name):
    """Contiguous, writeable, aligned, in the machine's order of bytes, each with memory of its own."""
    operator = OPERATORS[name]
    for arrange in ORDERS.values():
        given = operator.arguments(4)
        results = operator(changed(given, arrange, *(argument for argument, *_ in arrays(given))))
        for result in results:
            assert type(result) is np.ndarray
            assert result.flags.c_contiguous
            assert result.flags.writeable
            assert result.flags.aligned
            assert result.dtype.isnative
        assert len(results) == 1 or not np.shares_memory(*results)


@EACH
def test_subclasses_are_read_as_arrays(name):
    """And give plain arrays."""

    class Subclass(np.ndarray):
        pass

    operator = OPERATORS[name]
    given = operator.arguments(5)
    dressed = changed(given, lambda array: array.view(Subclass), *(argument for argument, *_ in arrays(given)))
    results = operator(dressed)
    assert {type(result) for result in results} == {np.ndarray}
    assert bits(results) == bits(operator(given))


@EACH
def test_results_are_overwritten(name, monkeypatch):
    """Not added to, and written in whole: what lay in their memory before is not seen."""
    operator = OPERATORS[name]
    for sizes in (*MANY, replace(MANY[0], height=0), replace(MANY[0], boxes=1, height=40, width=50)):
        expected = bits(operator(operator.arguments(6, sizes=sizes)))
        for byte in (0xFF, 0x7B):  # NaN, and large numbers
            given = operator.arguments(6, sizes=sizes)
            with monkeypatch.context() as patched:
                patched.setattr(np, "empty", lambda *shape, byte=byte, **how: _filled(byte, *shape, **how))
                assert bits(operator(given)) == expected, sizes


_empty = np.empty


def _filled(byte, *shape, **how):
    array = _empty(*shape, **how)
    array.reshape(-1).view(np.uint8)[...] = byte
    return array


# ---- Types -----------------------------------------------------------------------------------------------------------


def bfloat16():
    """The type of ml_dtypes; skips the test where it is not installed."""
    return np.dtype(pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed").bfloat16)


@EACH
@pytest.mark.parametrize("dtype", FLOATS)
def test_types_of_the_results(name, dtype):
    """Each has the type of the maps, or boxes, or the one that it always has."""
    operator = OPERATORS[name]
    types = [kind(np.dtype(dtype)) for kind in operator.types]
    assert [result.dtype for result in operator(operator.arguments(7, dtype))] == types


@WITH_TYPES
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_types_are_computed_in_float32(name, half):
    """The results are those of float32, rounded once; places and indices are the same."""
    dtype = bfloat16() if half == "bfloat16" else np.dtype(np.float16)
    operator = OPERATORS[name]
    for sizes in MANY:
        given = operator.arguments(8, dtype, sizes)
        results = operator(given)
        widened = operator(changed(given, lambda array: array.astype(np.float32), *operator.following))
        for result, exact, kind in zip(results, widened, operator.types, strict=True):
            assert result.dtype == kind(dtype)
            assert result.tobytes() == exact.astype(result.dtype).tobytes(), sizes


@WITH_TYPES
def test_whole_numbers(name):
    """Maps of them are read as float32, boxes as float64."""
    operator = OPERATORS[name]
    given = changed(operator.arguments(9), lambda array: np.abs(array * 3) % 100, *operator.following)
    for dtype in (bool, "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i2", ">u4"):
        whole = changed(given, lambda array, dtype=dtype: array.astype(dtype), *operator.following)
        read = changed(whole, lambda array: array.astype(operator.read_as), *operator.following)
        results = operator(whole)
        assert [result.dtype for result in results] == [kind(operator.read_as) for kind in operator.types], dtype
        assert bits(results) == bits(operator(read)), dtype


# ---- Nothing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "missing"),
    [pytest.param(name, missing, id=f"{name}-{missing}") for name in OPERATORS for missing in missing_from(name)],
)
def test_nothing(name, missing):
    """Without boxes, images, channels or bins there is no result, but of the right shape; without pixels it is 0."""
    operator = OPERATORS[name]
    sizes = replace(Sizes(), **MISSING[missing])
    for dtype in FLOATS:
        results = operator(operator.arguments(10, dtype, sizes))
        assert [result.shape for result in results] == list(operator.shapes(sizes))
        assert [result.dtype for result in results] == [kind(np.dtype(dtype)) for kind in operator.types]
        for result, value in zip(results, operator.nothing, strict=True):
            assert (result == value).all()


# ---- Threads, cancelling ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def threads(number):
    """So many threads, for a while."""
    before = pyroi.get_num_threads()
    pyroi.set_num_threads(number)
    try:
        yield
    finally:
        pyroi.set_num_threads(before)


@EACH
@pytest.mark.parametrize("dtype", FLOATS)
def test_same_bits_for_every_number_of_threads(name, dtype):
    """1, 2, 3 and 8 threads, also where one image is cut into strips, and with NaN in it."""
    operator = OPERATORS[name]
    for sizes in large(name):
        given = operator.arguments(11, dtype, sizes)
        if name not in OF_BOXES and name != "affine_grid":
            changed(given, _spoil, operator.following[0])
        seen = []
        for number in (1, 2, 3, 8):
            with threads(number):
                seen.append(bits(operator(given)))
        assert all(result == seen[0] for result in seen[1:]), sizes


@EACH
def test_calls_at_once(name):
    """Several Python threads, each with arguments of its own: as alone."""
    operator = OPERATORS[name]
    works = [operator.arguments(seed, sizes=Sizes(channels=5, width=9 + seed, boxes=6 + seed)) for seed in range(4)]
    expected = [bits(operator(work)) for work in works]
    wrong = []

    def repeat(work, alone):
        wrong.extend(1 for _ in range(20) if bits(operator(work)) != alone)

    running = [threading.Thread(target=repeat, args=pair) for pair in zip(works, expected, strict=True)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert not wrong


# What takes no more time than its arguments took to come.
WITHOUT_A_FLAG = {
    "assign_levels", "box_area", "box_convert", "clip_boxes_to_image", "masks_to_boxes", "remove_small_boxes",
}  # fmt: skip


@EACH
def test_cancelled(name):
    """A flag that is set stops a call; one that is not changes nothing."""
    operator = OPERATORS[name]
    given = operator.arguments(12)
    expected = bits(operator(given))
    flag = ctypes.c_int32(1)
    pyroi.watch_cancel_flag(ctypes.addressof(flag))
    try:
        if operator.function in WITHOUT_A_FLAG:
            assert bits(operator(given)) == expected
        else:
            with pytest.raises(Cancelled):
                operator(given)
        flag.value = 0
        assert bits(operator(given)) == expected
    finally:
        pyroi.watch_cancel_flag(0)


# ---- Where a result is written ---------------------------------------------------------------------------------------

WRITING = [name for name in ON_BOXES if "out" in inspect.signature(getattr(pyroi, OPERATORS[name].function)).parameters]


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("dtype", FLOATS)
def test_out_of_any_strides(name, dtype):
    """It is written in whole and returned, also where a map has no pixels; what lies between is not touched."""
    operator = OPERATORS[name]
    for sizes in (*MANY, Sizes(height=0)):
        given = operator.arguments(13, dtype, sizes)
        (expected,) = operator(given)
        height, width = sizes.bins
        room = np.full((2 * sizes.boxes + 1, 2 * sizes.channels + 1, height + 2, 3 * width + 1), 7, dtype)
        views = [
            room[1::2, 1::2, 1 : height + 1, 1::3],
            room[: -sizes.boxes - 1 : -1, : -sizes.channels - 1 : -1, -2:0:-1, : -width - 1 : -1],
            np.full(expected.shape[::-1], 7, dtype).T,
            np.full(expected.shape, 7, dtype),
        ]
        for view in views:
            assert view.shape == expected.shape
            (result,) = operator({**given, "out": view})
            assert result is view
            assert view.tobytes() == expected.tobytes()
            view[...] = 7
            assert (room == 7).all()


def test_out_is_known():
    """The operators that write where they are told: a new one has its tests here."""
    assert {OPERATORS[name].function for name in WRITING} == {"roi_align"}
