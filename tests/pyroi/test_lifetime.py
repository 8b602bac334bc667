"""Ownership of memory, and the objects accepted as arrays."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest
from children import run_child
from oracles import autograd
from oracles.cases import A25, random_boxes, random_map

import pyroi

BOX = [[0, 1, 1, 3, 3]]
CROP = [6, 7, 11, 12]  # of BOX in 2 x 2 bins, ratio 2: worked by hand in test_roi_align


def pooled(input, boxes=BOX):
    return pyroi.roi_align(input, boxes, (2, 2), 1.0, 2)


def test_temporaries():
    """Arrays that nobody else holds live as long as the call."""
    for _ in range(200):
        result = pyroi.roi_align(
            np.ascontiguousarray(np.arange(50.0).reshape(1, 1, 10, 5)[:, :, :5] * 1.0),
            np.array([[1, 1, 3, 3]], np.float32) + 0,
            (2, 2),
            1.0,
            2,
            out=np.empty((1, 1, 2, 2)),
        )
        assert result.ravel().tolist() == CROP
        gc.collect(0)


def test_result_is_independent_of_the_inputs():
    """Changing map and boxes afterwards, or dropping them, leaves the result."""
    map, boxes = A25.copy(), np.array(BOX, np.float32)
    result = pooled(map, boxes)
    map[...] = 0
    boxes[...] = 0
    del map, boxes
    gc.collect()
    assert result.ravel().tolist() == CROP
    assert not np.shares_memory(result, pooled(A25))


@pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="counts references")
def test_no_references_are_kept():
    """After a call, also a failed one, map, boxes and out are held by the caller alone."""
    map, boxes, out = A25.copy(), np.array(BOX, np.float32), np.empty((1, 1, 2, 2), np.float32)
    wrong = np.array([[7, 1, 1, 3, 3]], np.float32)
    before = [sys.getrefcount(array) for array in (map, boxes, out, wrong)]
    for _ in range(20):
        pyroi.roi_align(map, boxes, (2, 2), out=out)
        pyroi.roi_align_backward(out, boxes, map.shape)
        with pytest.raises(ValueError, match="boxes"):
            pyroi.roi_align(map, wrong, (2, 2), out=out)
    gc.collect()
    assert [sys.getrefcount(array) for array in (map, boxes, out, wrong)] == before


def _much_memory_over_time():
    import numpy as np

    import pyroi

    map = np.ones((1, 64, 64, 64), np.float32)
    rows = np.tile(np.float32([0, 1, 1, 30, 30]), (1000, 1))
    strided = np.ones((64, 64, 128, 1), np.float64).transpose(3, 0, 1, 2)[..., ::2]
    for _ in range(40):  # 50 MB each
        crops = pyroi.roi_align(map, rows, (14, 14), 1.0, 1)
        pyroi.roi_align_backward(crops[:1], rows[:1], (50, *map.shape[1:]), 1.0, 1)
        pyroi.roi_align(strided.astype(">f8"), rows[:2].tolist(), (7, 7))
        rows[-1, 0] = 9
        try:
            pyroi.roi_align(map, rows, (7, 7))
        except ValueError:
            rows[-1, 0] = 0
    print("done")


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_memory_is_given_back():
    """Gigabytes of results, one after the other, within 1.5 GiB of address space."""
    assert run_child(_much_memory_over_time, address_space=3 << 29, OMP_NUM_THREADS="2").strip() == "done"


class WithArray:
    """Something that can become an array, as NumPy 2 asks for it."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        """A fresh array each time."""
        return np.array(self.array, dtype)


class WithOldArray:
    """The same, as it was before NumPy 2."""

    def __init__(self, array):
        self.array = array

    def __array__(self):
        """A fresh array each time."""
        return self.array.copy()


class WithDLPack:
    """A tensor of some framework, of which only the exchange protocol is known."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        """NumPy's capsule."""
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        """The CPU."""
        return self.array.__dlpack_device__()


class WithInterface:
    """An object that describes its memory in NumPy's older way."""

    def __init__(self, array):
        self.array = array
        self.__array_interface__ = array.__array_interface__


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # NumPy's word on the older __array__
@pytest.mark.parametrize("wrap", [WithArray, WithOldArray, WithDLPack, WithInterface, memoryview])
def test_objects_that_are_nearly_arrays(wrap):
    """__array__, DLPack, the array interface and buffers, for map, boxes and gradient."""
    boxes = np.array(BOX, np.float32)
    assert pooled(wrap(A25)).ravel().tolist() == CROP
    assert pooled(A25, wrap(boxes)).ravel().tolist() == CROP
    assert pooled(A25, [wrap(boxes[:, 1:])]).ravel().tolist() == CROP
    grad = np.ones((1, 1, 2, 2), np.float32)
    expected = pyroi.roi_align_backward(grad, boxes, (1, 1, 5, 5)).tolist()
    assert pyroi.roi_align_backward(wrap(grad), wrap(boxes), (1, 1, 5, 5)).tolist() == expected
    assert pyroi.assign_levels(wrap(boxes), 4).tolist() == [0]
    assert pyroi.multiscale_roi_align([wrap(A25)], wrap(boxes), (2, 2), [1.0], 2).ravel().tolist() == CROP


def test_array_whose_conversion_fails():
    """An error while an object becomes an array is not turned into a crash or into numbers."""

    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no array today")

    with pytest.raises((RuntimeError, TypeError, ValueError)):
        pooled(Broken())
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        pooled(A25, Broken())


def test_pytorch_tensors():
    """Tensors of PyTorch on the CPU, also strided ones, come in as they are."""
    torch = autograd.torch()
    rng = np.random.default_rng(0)
    map, boxes = random_map(rng, (2, 3, 8, 9)), random_boxes(rng, 6, (2, 3, 8, 9))
    expected = pyroi.roi_align(map, boxes, (3, 3)).tolist()
    assert pyroi.roi_align(torch.tensor(map), torch.tensor(boxes), (3, 3)).tolist() == expected
    last = torch.tensor(map).contiguous(memory_format=torch.channels_last)
    assert np.abs(pyroi.roi_align(last, torch.tensor(boxes), (3, 3)) - np.array(expected)).max() < 1e-5


def test_memory_mapped_file(tmp_path):
    """A read-only map of a file."""
    path = tmp_path / "map.npy"
    np.save(path, A25)
    assert pooled(np.load(path, mmap_mode="r")).ravel().tolist() == CROP


def test_array_changed_during_conversion():
    """An object that hands out another array each time is asked once, so that what is checked is what is used."""
    calls = []

    class Changing:
        def __array__(self, dtype=None, copy=None):
            calls.append(1)
            return np.array([[0 if len(calls) == 1 else 10**6, 1, 1, 3, 3]], np.float32)

    assert pooled(A25, Changing()).ravel().tolist() == CROP
    assert len(calls) == 1
