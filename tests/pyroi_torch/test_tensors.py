"""Tensors and arrays share memory: nothing is copied on the way in or out, and nothing outlives its use."""

from __future__ import annotations

import gc
import importlib
import sys
import weakref

import numpy as np
import pytest

import pyroi

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")
tensors = importlib.import_module("pyroi.torch.tensors")

DTYPES = [torch.float16, torch.float32, torch.float64, torch.bfloat16]
BOXES = torch.tensor([[0, 1, 1, 4, 4.0]])


def need(dtype):
    if dtype == torch.bfloat16:
        pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")


def seen_by(tensor):
    """The array that a function of arrays gets for a tensor."""
    arrays = []
    tensors.call(lambda array: arrays.append(array) or np.zeros(1), tensor)
    return arrays[0]


def address(array):
    return array.__array_interface__["data"][0]


LAYOUTS = {
    "contiguous": lambda x: x,
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "transposed": lambda x: x.transpose(2, 3),
    "every other": lambda x: x[:, ::2, 1:, ::3],
    "expanded": lambda x: x[:1].expand(4, -1, -1, -1),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_in_without_a_copy(dtype, layout):
    """The array lies where the tensor does, with its strides and its numbers."""
    need(dtype)
    tensor = layout(torch.arange(2 * 4 * 6 * 8).reshape(2, 4, 6, 8).to(dtype))
    array = seen_by(tensor)
    assert address(array) == tensor.data_ptr()
    assert array.shape == tuple(tensor.shape)
    assert array.strides == tuple(stride * tensor.element_size() for stride in tensor.stride())
    assert array.dtype.name == str(dtype).removeprefix("torch.")
    np.testing.assert_array_equal(array.astype(np.float64), tensor.double().numpy())


@pytest.mark.parametrize("dtype", DTYPES)
def test_out_without_a_copy(dtype):
    """The tensor lies where the array does."""
    need(dtype)
    arrays = []
    tensor = tensors.call(lambda array: arrays.append(array.copy()) or arrays[0], torch.arange(6).to(dtype))
    assert tensor.data_ptr() == address(arrays[0])
    assert tensor.dtype == dtype
    assert tensor.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_any_layout_is_the_same(dtype, layout):
    """Crops from a view are those from its copy, to the last bit, and come contiguous."""
    need(dtype)
    map = layout(torch.randn(2, 4, 6, 8, generator=torch.Generator().manual_seed(0)).to(dtype))
    crops = rt.roi_align(map, BOXES, 3)
    assert crops.dtype == dtype
    assert crops.is_contiguous()
    assert torch.equal(crops, rt.roi_align(map.contiguous(), BOXES, 3))


def test_numbers_are_those_of_pyroi():
    """One library behind both."""
    map, rows = torch.randn(1, 3, 7, 7), torch.tensor([[0, 1, 0.5, 4, 6]])
    for name in ("roi_align", "roi_pool", "prroi_pool"):
        options = {"aligned": False} if name == "roi_align" else {}
        expected = getattr(pyroi, name)(map.numpy(), rows.numpy(), (2, 3), 0.9, **options)
        np.testing.assert_array_equal(getattr(rt, name)(map, rows, (2, 3), 0.9).numpy(), expected)


def test_views_of_conjugates():
    """A tensor whose sign is a mark on it, not in memory, is read with its sign."""
    map = torch.randn(1, 3, 7, 7, dtype=torch.complex64).conj().imag
    assert map.is_neg()
    assert torch.equal(rt.roi_align(map, BOXES, 2), rt.roi_align(map.resolve_neg().clone(), BOXES, 2))


def test_result_outlives_everything_else():
    """Its memory belongs to it alone."""
    map = torch.ones(1, 2, 8, 8)
    crops = rt.roi_align(map, BOXES, 2, sampling_ratio=2)
    map.fill_(7)
    del map
    gc.collect()
    assert crops.eq(1).all()


def test_inputs_are_let_go():
    """No cache and no cycle keeps a tensor after the call, nor after backward."""
    map = torch.ones(1, 2, 8, 8, requires_grad=True)
    rows = BOXES.clone()
    crops = rt.roi_align(map, rows, 2)
    crops.sum().backward()
    watched = [weakref.ref(tensor) for tensor in (map, rows, map.grad)]
    counts = sys.getrefcount(map), sys.getrefcount(rows)
    assert max(counts) <= 4
    del map, rows, crops
    gc.collect()
    assert [watch() for watch in watched] == [None, None, None]


def test_array_is_freed_with_its_tensor():
    """The array behind a result goes when the result goes."""

    class Watched(np.ndarray):
        """An array that can be watched."""

    arrays = []

    def make(_):
        arrays.append(np.zeros(3).view(Watched))
        return arrays[0]

    tensor = tensors.call(make, torch.zeros(1))
    watch = weakref.ref(arrays.pop())
    gc.collect()
    assert watch() is not None
    del tensor
    gc.collect()
    assert watch() is None


def test_in_place_changes_of_saved_tensors_are_noticed():
    """Boxes that change between forward and backward would give a wrong gradient: PyTorch says so."""
    map, rows = torch.ones(1, 2, 8, 8, requires_grad=True), BOXES.clone()
    crops = rt.roi_align(map, rows, 2)
    rows.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        crops.sum().backward()


def test_tensors_on_another_device():
    """They are named; a fake one stands in for a device that may not be there."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        there = torch.empty(1, 2, 8, 8, device="cuda")
        here = torch.empty(1, 2, 8, 8)
        rows = torch.empty(1, 5)
        with pytest.raises(ValueError, match=r"input: expected a tensor on the CPU, got one on cuda:0"):
            rt.roi_align(there, rows, 2)
        with pytest.raises(RuntimeError, match=r"boxes: expected a tensor on the CPU"):
            rt.roi_align(here, torch.empty(1, 5, device="cuda"), 2)
        with pytest.raises(RuntimeError, match=r"scores: expected a tensor on the CPU"):
            rt.nms(torch.empty(3, 4), torch.empty(3, device="cuda"), 0.5)


def test_tensors_of_no_device():
    """Of type meta there are shapes alone, in and out."""
    crops = rt.roi_align(torch.empty(1, 2, 8, 8, device="meta"), torch.empty(3, 5, device="meta"), (2, 4))
    assert crops.shape == (3, 2, 2, 4)
    assert crops.device.type == "meta"


def test_bfloat16_without_ml_dtypes(monkeypatch):
    """The error names the package."""
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(TypeError, match="needs the package ml_dtypes"):
        rt.roi_align(torch.ones(1, 1, 4, 4, dtype=torch.bfloat16), BOXES, 2)
