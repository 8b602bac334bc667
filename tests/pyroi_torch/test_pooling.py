"""pyroi.torch compared with torchvision: signatures, results, shapes, types and errors."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest
from oracles import bounds, walk
from oracles.autograd import torchvision_ops
from oracles.cases import random_boxes, random_map

import pyroi

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")

SHAPE = (2, 12, 11, 13)
LAYERS = ["RoIAlign", "RoIPool", "PSRoIAlign", "PSRoIPool"]
POOLS = ["roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "prroi_pool"]


def parameters(function):
    return [(p.name, p.default, p.kind) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", sorted(rt.__all__))
def test_signatures_are_torchvision_s(name):
    """Names, order, defaults and kinds of the parameters, of classes and their forward too."""
    ops = torchvision_ops()
    if not hasattr(ops, name):
        ours_alone = "accelerate restore box_iof box_ios prroi_pool multiscale_roi_align roi_align_rotated"
        assert name in ours_alone.split()
        return
    ours, theirs = getattr(rt, name), getattr(ops, name)
    assert parameters(ours) == parameters(theirs)
    if inspect.isclass(ours):
        assert parameters(ours.forward) == parameters(theirs.forward)


# ---- Results ---------------------------------------------------------------------------------------------------------


def arguments(dtype, seed=0, whole=True):
    """A map, boxes with an area inside it (there torchvision and pyroi agree by definition), and a scale."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(0, 7, (30, 2))
    side = rng.uniform(0.5, 3.2, (30, 2))
    rows = np.concatenate([rng.integers(0, 2, (30, 1)), first, first + side], 1) * [1, 2, 2, 2, 2]
    return torch.from_numpy(random_map(rng, SHAPE)).to(dtype), torch.from_numpy(rows).to(dtype), 0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("roi_align", {}),
        ("roi_align", {"sampling_ratio": 2}),
        ("roi_align", {"aligned": True}),
        ("roi_pool", {}),
        ("ps_roi_align", {}),
        ("ps_roi_align", {"sampling_ratio": 3}),
        ("ps_roi_pool", {}),
    ],
)
def test_results_are_torchvision_s(name, options, dtype):
    """Crops and gradients, up to rounding."""
    theirs = getattr(torchvision_ops(), name)
    map, rows, scale = arguments(dtype)
    map.requires_grad_()
    crops, expected = (f(map, rows, (2, 3), scale, **options) for f in (getattr(rt, name), theirs))
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(crops, expected)
    weights = torch.randn(crops.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    slopes = [torch.autograd.grad(part, map, weights)[0] for part in (crops, expected)]
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("ratio", [-1, 0, 2])
@pytest.mark.parametrize("options", [{}, {"aligned": True}])
def test_roi_align_sample_by_sample(options, ratio):
    """Boxes of every kind, against a walk over the samples; aligned is false unless it is asked for."""
    rng = np.random.default_rng(2)
    map, rows = random_map(rng, SHAPE), random_boxes(rng, 60, SHAPE, 0.5)
    crops = rt.roi_align(torch.from_numpy(map), torch.from_numpy(rows), (3, 2), 0.5, ratio, **options)
    aligned = options.get("aligned", False)
    expected = walk.roi_align(map, rows, (3, 2), 0.5, ratio, aligned)
    bounds.assert_within(crops.numpy(), expected, walk.magnitude(map, rows, (3, 2), 0.5, ratio, aligned))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", POOLS)
def test_half_precision(name, dtype):
    """The crops of the same numbers in float32, rounded; boxes of float16 are widened, and may be of another type."""
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    map, rows, scale = arguments(dtype)
    pool = getattr(rt, name)
    crops = pool(map, rows, (2, 3), scale)
    assert crops.dtype == dtype
    assert torch.equal(crops, pool(map.float(), rows.float(), (2, 3), scale).to(dtype))
    assert torch.equal(crops, pool(map, rows.float(), (2, 3), scale))


def test_under_autocast():
    """Where autocast makes the map bfloat16, the boxes stay what they are and the crops are bfloat16."""
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    layer = torch.nn.Conv2d(3, 4, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        map = layer(torch.ones(1, 3, 9, 9))
        crops = rt.roi_align(map, torch.tensor([[0, 1, 1, 5, 5.0]]), 2)
    assert map.dtype == crops.dtype == torch.bfloat16
    crops.float().sum().backward()
    assert layer.weight.grad.any()


def test_rotated_is_pyroi_s():
    """The same numbers, from rows and from a list, with all settings in their places."""
    map = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    rows = torch.tensor([[0, 4, 4, 5, 3, 30.0], [0, 5, 4, 2, 9, 200], [1, 3, 3, 6, 6, -45]])
    for options in ({}, {"sampling_ratio": 2, "aligned": False}, {"clockwise": True}):
        expected = pyroi.roi_align_rotated(map.numpy(), rows.numpy(), (2, 3), 0.9, **options)
        for boxes in (rows, [rows[:2, 1:], rows[2:, 1:]]):
            np.testing.assert_array_equal(rt.roi_align_rotated(map, boxes, (2, 3), 0.9, **options).numpy(), expected)
    assert parameters(rt.roi_align_rotated) == parameters(pyroi.roi_align_rotated)
    assert parameters(rt.multiscale_roi_align) == parameters(pyroi.multiscale_roi_align)
    with pytest.raises(AssertionError, match=r"boxes: expected \[K, 6\], got \[3, 5\]"):
        rt.roi_align_rotated(map, rows[:, 1:], 2)
    with pytest.raises(ValueError, match="boxes: row 1: width and height must be 0 or more, got -1"):
        rt.roi_align_rotated(map, torch.tensor([[0, 4, 4, 5, 3, 30.0], [0, 4, 4, 5, -1, 0]]), 2)


# ---- Boxes and sizes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", POOLS)
def test_forms_of_boxes_and_sizes(name):
    """A list of tensors is rows with an index; a number is a square."""
    map, rows, scale = arguments(torch.float32)
    pool = getattr(rt, name)
    rows = rows[rows[:, 0].argsort(stable=True)]
    lists = [rows[rows[:, 0] == image][:, 1:] for image in (0, 1)]
    expected = pool(map, rows, (2, 2), scale)
    for boxes in (lists, tuple(lists), [lists[0].double(), lists[1]], rows.double()):
        torch.testing.assert_close(pool(map, boxes, 2, scale), expected)
    for size in (2, [2, 2], torch.Size([2, 2])):
        assert torch.equal(pool(map, lists, size, scale), expected)
    whole = rows.round()
    assert torch.equal(pool(map, whole.long(), 2, scale), pool(map, whole.double(), 2, scale))


@pytest.mark.parametrize("name", POOLS)
def test_no_boxes(name):
    """No rows, empty lists, and no image at all."""
    map = torch.randn(2, 8, 5, 5, requires_grad=True)
    pool, channels = getattr(rt, name), 2 if "ps_" in name else 8
    for boxes in (torch.empty(0, 5), [torch.empty(0, 4), torch.empty(0, 4)]):
        crops = pool(map, boxes, 2)
        assert crops.shape == (0, channels, 2, 2)
    (slope,) = torch.autograd.grad(crops.sum(), map)
    assert slope.shape == map.shape
    assert not slope.any()
    assert pool(map[:0], [], 2).shape == (0, channels, 2, 2)


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        (torch.tensor([[0, 0, 3, 3.0]]), r"expected \[K, 5\], got \[1, 4\]"),
        (torch.tensor([0, 0, 0, 3, 3.0]), r"expected \[K, 5\], got \[5\]"),
        ([torch.tensor([[0, 0, 3.0]])], r"expected \[L, 4\], got \[1, 3\]"),
        ([torch.tensor([0, 0, 3.0])], r"expected \[L, 4\], got \[3\]"),
        ([torch.ones(1, 4), torch.ones(1, 4)], "expected one tensor for each of the 1 images, got a list of 2"),
    ],
)
def test_wrong_shapes_of_boxes(name, boxes, words):
    """A ValueError, as everywhere in pyroi, and an AssertionError, as torchvision's tests expect."""
    map = torch.arange(64.0).reshape(1, 4, 4, 4)
    for kind in (ValueError, AssertionError):
        with pytest.raises(kind, match=words):
            getattr(rt, name)(map, boxes, 2)


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"boxes": 7}, AssertionError, "expected a tensor .* got int"),
        ({"boxes": "text"}, TypeError, "expected a tensor .* got str"),
        ({"boxes": [[1, 1, 2, 2]]}, TypeError, "boxes: expected a tensor, got list"),
        ({"boxes": torch.tensor([[1, 1, 1, 2, 2.0]])}, ValueError, "row 0: the batch index"),
        ({"boxes": torch.tensor([[0, 1, 1, 2, torch.nan]])}, ValueError, "row 0: coordinates must be finite"),
        ({"input": np.ones((1, 4, 4, 4))}, TypeError, "input: expected a tensor, got ndarray"),
        ({"input": torch.ones(4, 4, 4)}, ValueError, r"input: expected \[N, C, H, W\], got \[4, 4, 4\]"),
        ({"input": torch.ones(1, 4, 4, 4, dtype=torch.int64)}, TypeError, "expected floating-point numbers"),
        ({"output_size": (2, 2, 2)}, ValueError, "output_size"),
        ({"output_size": 1.5}, TypeError, "output_size"),
        ({"output_size": -1}, ValueError, "output_size"),
        ({"spatial_scale": 0}, ValueError, "spatial_scale"),
        ({"spatial_scale": "1"}, TypeError, "spatial_scale"),
    ],
)
def test_other_misuse(name, changes, kind, words):
    """Each is named, with what came."""
    valid = {"input": torch.ones(1, 4, 4, 4), "boxes": torch.tensor([[0, 1, 1, 2, 2.0]]), "output_size": 2}
    with pytest.raises(kind, match=words):
        getattr(rt, name)(**{**valid, **changes})


@pytest.mark.parametrize("value", [1.5, "2", None, True])
def test_sampling_ratio_is_an_integer(value):
    """Whatever PyTorch would make of it."""
    for pool in (rt.roi_align, rt.ps_roi_align):
        with pytest.raises(TypeError, match="sampling_ratio"):
            pool(torch.ones(1, 4, 4, 4), torch.tensor([[0, 1, 1, 2, 2.0]]), 2, 1.0, value)


# ---- What torchvision does otherwise ---------------------------------------------------------------------------------


def test_ps_roi_align_of_a_box_without_area():
    """0 here; torchvision divides nothing by nothing."""
    map, rows = torch.ones(1, 4, 4, 4), torch.tensor([[0, 2, 2, 2, 2.0]])
    assert not rt.ps_roi_align(map, rows, 2).any()
    assert torchvision_ops().ps_roi_align(map, rows, 2).isnan().all()


def test_ps_roi_pool_reads_the_last_row_and_column():
    """The mean over 5 x 5 is 12; torchvision leaves out the last of each, 9."""
    map = torch.arange(25.0).reshape(1, 1, 5, 5)
    assert rt.ps_roi_pool(map, torch.tensor([[0, 0, 0, 5, 5.0]]), 1).item() == 12
    assert torchvision_ops().ps_roi_pool(map, torch.tensor([[0, 0, 0, 5, 5.0]]), 1).item() == 9


# ---- Symbolic tracing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS)
def test_one_step_to_symbolic_tracing(name):
    """torch.fx sees two inputs, one call and the output, as torchvision's tests ask of its layers."""
    settings = {"RoIAlign": (2, 0.5, 2), "RoIPool": (2, 0.5), "PSRoIAlign": (2, 0.5, 2), "PSRoIPool": (2, 0.5)}
    layer = getattr(rt, name)(*settings[name])
    traced = torch.fx.symbolic_trace(layer)
    assert [node.op for node in traced.graph.nodes] == ["placeholder", "placeholder", "call_function", "output"]
    map, rows = torch.randn(1, 4, 5, 5), torch.tensor([[0, 1, 1, 7, 7.0]])
    assert torch.equal(traced(map, rows), layer(map, rows))
