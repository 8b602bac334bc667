"""The argument `out`, which receives the result."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.cases import A25

import pyroi

BOX = [[0, 1, 1, 3, 3]]


def test_result_is_written_to_out_and_returned():
    """The array itself comes back, overwritten and not added to."""
    out = np.full((1, 1, 2, 2), np.nan, np.float32)
    result = pyroi.roi_align(A25, BOX, (2, 2), 1.0, 2, out=out)
    assert result is out
    assert out.ravel().tolist() == [6, 7, 11, 12]


@pytest.mark.parametrize("out", [np.empty((1, 1, 2, 2), ">f4"), "misaligned"])
def test_swapped_or_misaligned_out(out):
    """Written rightly, or refused by name."""
    if isinstance(out, str):
        out = np.zeros(17, np.uint8)[1:].view(np.float32).reshape(1, 1, 2, 2)
    out[...] = 7
    try:
        assert pyroi.roi_align(A25, BOX, (2, 2), 1.0, 2, out=out) is out
    except (TypeError, ValueError) as error:
        assert "out" in str(error)
        assert (out == 7).all()
    else:
        assert out.ravel().tolist() == [6, 7, 11, 12]


@pytest.mark.parametrize(
    "shape", [(1, 1, 2, 3), (2, 1, 2, 2), (1, 2, 2, 2), (1, 1, 2), (4,), (1, 1, 2, 2, 1), (0, 1, 2, 2)]
)
def test_wrong_shape(shape):
    """Out is not broadcast, cut or reshaped."""
    out = np.full(shape, 7, np.float32)
    with pytest.raises(ValueError, match="out") as caught:
        pyroi.roi_align(A25, BOX, (2, 2), out=out)
    assert caught.value.argument == "out"
    assert (out == 7).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32])
def test_wrong_type(dtype):
    """Out has the type of the result, float32 here."""
    out = np.full((1, 1, 2, 2), 7, dtype)
    with pytest.raises((TypeError, ValueError), match="out") as caught:
        pyroi.roi_align(A25, BOX, (2, 2), out=out)
    assert caught.value.argument == "out"
    assert (out == 7).all()


@pytest.mark.parametrize("out", ["text", [[[[0.0, 0], [0, 0]]]], 3])
def test_not_an_array(out):
    """A list would be filled in a copy that nobody sees."""
    with pytest.raises(TypeError, match="out"):
        pyroi.roi_align(A25, BOX, (2, 2), out=out)


def test_read_only():
    """Read-only memory is not written to."""
    out = np.full((1, 1, 2, 2), 7, np.float32)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out"):
        pyroi.roi_align(A25, BOX, (2, 2), out=out)
    assert (out == 7).all()


@pytest.mark.parametrize("stride", [0, 4, -4, 8], ids=["broadcast", "overlapping", "overlapping-backwards", "apart"])
def test_elements_that_lie_on_each_other(stride):
    """An out with a row stride of less than a row has several results in one place."""
    room = np.zeros(6, np.float32)
    out = np.lib.stride_tricks.as_strided(room[2:], (1, 1, 2, 2), (0, 0, stride, 4), writeable=True)
    if stride == 8:
        assert pyroi.roi_align(A25, BOX, (2, 2), out=out).ravel().tolist() == room[2:].tolist()
        return
    with pytest.raises(ValueError, match="out"):
        pyroi.roi_align(A25, BOX, (2, 2), out=out)


def test_overlap_with_an_input():
    """Out may not share memory with map or boxes, whole or in part."""
    map = np.arange(50, dtype=np.float32).reshape(1, 2, 5, 5)
    before = map.copy()
    for out in (map[:, :, :2, :2], map[:, :, 3:, 3:], map[:, :, ::-3, ::-3]):
        with pytest.raises(ValueError, match="out") as caught:
            pyroi.roi_align(map, BOX, (2, 2), out=out)
        assert caught.value.argument == "out"
    assert map.tolist() == before.tolist()

    boxes = np.zeros((2, 5), np.float32)
    boxes[:] = [0, 1, 1, 3, 3]
    with pytest.raises(ValueError, match="out"):
        pyroi.roi_align(A25, boxes, (2, 2), out=boxes.reshape(-1)[2:10].reshape(2, 1, 2, 2))


def test_neighbours_in_one_buffer_do_not_overlap():
    """Map and out may be different parts of one array, also interleaved."""
    room = np.zeros((1, 2, 5, 5), np.float32)
    room[:, :1] = A25
    out = room[:, 1:, :2, :2]
    assert pyroi.roi_align(room[:, :1], BOX, (2, 2), 1.0, 2, out=out) is out
    assert out.ravel().tolist() == [6, 7, 11, 12]


def test_out_is_untouched_by_an_error():
    """Checks come before the first write."""
    out = np.full((2, 1, 2, 2), 7, np.float32)
    wrong = [
        ([[0, 1, 1, 3, 3], [1, 1, 1, 3, 3]], {}),
        ([[0, 1, 1, 3, 3], [0, np.nan, 1, 3, 3]], {}),
        ([[0, 1, 1, 3, 3], [0, 1, 1, 3, 3]], {"spatial_scale": -1.0}),
        ([[0, 1, 1, 3, 3], [0, 1, 1, 3, 3]], {"mode": "median"}),
    ]
    for boxes, options in wrong:
        with pytest.raises(ValueError, match=r"boxes|spatial_scale|mode"):
            pyroi.roi_align(A25, boxes, (2, 2), out=out, **options)
        assert (out == 7).all()


def test_empty_out():
    """No boxes: an empty out is taken and returned."""
    out = np.empty((0, 1, 2, 2), np.float32)
    assert pyroi.roi_align(A25, np.zeros((0, 5)), (2, 2), out=out) is out
