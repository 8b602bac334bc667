"""The same numbers in any order of memory."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import bounds, walk
from oracles.cases import LAYOUTS, random_boxes, random_map

import pyroi

SHAPES = [(2, 5, 7, 9), (1, 16, 12, 12), (3, 1, 6, 17), (2, 33, 5, 4), (1, 3, 1, 40), (1, 8, 40, 1)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("mode", ["avg", "max", "max_corner"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_map(layout, mode, dtype):
    """Maps in every layout, against the walk over the samples."""
    rng = np.random.default_rng(0)
    real = bounds.computed_in(dtype)
    for shape in SHAPES:
        map = random_map(rng, shape, dtype)
        view = LAYOUTS[layout](map)
        assert np.array_equal(view, map)
        arguments = (random_boxes(rng, 12, shape, dtype=real), (4, 3), 1.0, 2)
        expected = walk.roi_align(map, *arguments, mode=mode, real=real)
        magnitude = walk.magnitude(map, *arguments, mode=mode, real=real)
        result = pyroi.roi_align(view, *arguments, mode=mode)
        assert result.dtype == dtype
        bounds.assert_within(result, expected, magnitude)


@pytest.mark.parametrize("dtype", [">f2", "<f2", ">f4", "<f4", ">f8", "<f8", ">i4", ">u2"])
def test_swapped_bytes(dtype):
    """A map of the other byte order gives the same numbers, in the machine's own order."""
    map = np.arange(2 * 3 * 6 * 7).reshape(2, 3, 6, 7).astype(dtype)
    boxes = np.array([[0, 1, 1, 3.5, 4], [1, -2, 0.3, 6, 6]], np.float32)
    native = map.astype(map.dtype.newbyteorder("="))
    result = pyroi.roi_align(map, boxes, (2, 3))
    assert result.dtype.isnative
    assert result.tolist() == pyroi.roi_align(native, boxes, (2, 3)).tolist()
    assert result.any()


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (3,), (2, 3), (0, 1, 2, 3)])
def test_broadcast_map(axes):
    """A stride of 0 repeats what is there."""
    rng = np.random.default_rng(1)
    shape = (2, 4, 6, 7)
    small = random_map(rng, tuple(1 if axis in axes else n for axis, n in enumerate(shape)))
    view = np.broadcast_to(small, shape)
    boxes = random_boxes(rng, 10, shape)
    expected = walk.roi_align(view, boxes, (3, 2))
    bounds.assert_within(pyroi.roi_align(view, boxes, (3, 2)), expected, walk.magnitude(view, boxes, (3, 2)))


BOX_LAYOUTS = {
    "fortran": np.asfortranarray,
    "rows_reversed": lambda boxes: np.ascontiguousarray(boxes[::-1])[::-1],
    "columns_reversed": lambda boxes: np.ascontiguousarray(boxes[:, ::-1])[:, ::-1],
    "every_second_row": lambda boxes: np.repeat(boxes, 2, axis=0)[1::2],
    "part_of_wider_rows": lambda boxes: np.concatenate([boxes + 9, boxes, boxes * 2], axis=1)[:, 5:10],
    "swapped_float32": lambda boxes: boxes.astype(">f4"),
    "swapped_float64": lambda boxes: boxes.astype(">f8"),
    "misaligned": lambda boxes: _misaligned(boxes),
    "read_only": lambda boxes: _locked(boxes.copy()),
}


def _misaligned(boxes):
    room = np.zeros(boxes.nbytes + 1, np.uint8)
    view = room[1:].view(boxes.dtype).reshape(boxes.shape)
    view[...] = boxes
    return view


def _locked(boxes):
    boxes.flags.writeable = False
    return boxes


@pytest.mark.parametrize("layout", BOX_LAYOUTS)
def test_boxes(layout):
    """Boxes in every layout, five and four columns, forward and backward: the same bits."""
    rng = np.random.default_rng(2)
    map = random_map(rng, (1, 3, 8, 9))
    boxes = random_boxes(rng, 11, map.shape)
    grad = random_map(rng, (11, 3, 2, 3))
    expected = pyroi.roi_align(map, boxes, (2, 3)).tobytes()
    gradient = pyroi.roi_align_backward(grad, boxes, map.shape).tobytes()
    view = BOX_LAYOUTS[layout](boxes)
    assert np.array_equal(view, boxes)
    for same in (view, view[:, 1:]):
        assert pyroi.roi_align(map, same, (2, 3)).tobytes() == expected
        assert pyroi.roi_align_backward(grad, same, map.shape).tobytes() == gradient


def test_broadcast_boxes():
    """One box repeated by a stride of 0."""
    map = random_map(np.random.default_rng(3), (1, 2, 8, 8))
    box = np.array([0, 1, 2, 6, 7], np.float32)
    repeated = pyroi.roi_align(map, np.broadcast_to(box, (4, 5)), (2, 2))
    single = pyroi.roi_align(map, box[None], (2, 2))
    assert repeated.tolist() == single.repeat(4, 0).tolist()


def test_result_is_contiguous_and_writable():
    """The result is a plain array of the caller's, whatever the layout of the map."""
    for layout in LAYOUTS.values():
        result = pyroi.roi_align(layout(np.ones((1, 4, 6, 6), np.float32)), [[0, 1, 1, 3, 3]], (2, 2))
        assert type(result) is np.ndarray
        assert result.flags.c_contiguous
        assert result.flags.writeable


def test_subclasses_are_read_as_arrays():
    """A masked array or a matrix-like subclass gives a plain array."""

    class Sub(np.ndarray):
        pass

    map = random_map(np.random.default_rng(4), (1, 2, 5, 5))
    result = pyroi.roi_align(map.view(Sub), np.array([[0, 1, 1, 3, 3.0]]).view(Sub), (2, 2))
    assert type(result) is np.ndarray
    assert result.tolist() == pyroi.roi_align(map, [[0, 1, 1, 3, 3]], (2, 2)).tolist()
