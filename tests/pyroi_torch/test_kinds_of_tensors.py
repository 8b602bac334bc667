"""Special tensors: meta, sparse, nested, quantised, complex, of few bits, negated, subclasses."""

from __future__ import annotations

import importlib
import warnings

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")

MAP, ROIS = torch.rand(2, 4, 5, 5), torch.tensor([[0, 1, 1, 3, 3], [1, 0, 0, 2.0, 2]])
BOXES, SCORES = torch.tensor([[0, 0, 2, 2.0], [1, 1, 4, 4]]), torch.tensor([0.5, 0.4])
TURNED = torch.tensor([[0, 2, 2, 2, 3, 30.0]])

# Every function with the tensors that it takes.
CALLS = {
    "batched_nms": (lambda *a: rt.batched_nms(*a, 0.5), BOXES, SCORES, torch.tensor([0, 1])),
    "box_area": (rt.box_area, BOXES),
    "box_convert": (lambda boxes: rt.box_convert(boxes, "xyxy", "xywh"), BOXES),
    "box_iof": (rt.box_iof, BOXES, BOXES),
    "box_ios": (rt.box_ios, BOXES, BOXES),
    "box_iou": (rt.box_iou, BOXES, BOXES),
    "clip_boxes_to_image": (lambda boxes: rt.clip_boxes_to_image(boxes, (3, 3)), BOXES),
    "complete_box_iou": (rt.complete_box_iou, BOXES, BOXES),
    "distance_box_iou": (rt.distance_box_iou, BOXES, BOXES),
    "generalized_box_iou": (rt.generalized_box_iou, BOXES, BOXES),
    "masks_to_boxes": (rt.masks_to_boxes, torch.ones(1, 3, 4)),
    "multiscale_roi_align": (lambda a, b, rois: rt.multiscale_roi_align([a, b], rois, 2, [1, 0.5]), MAP, MAP, ROIS),
    "nms": (lambda *a: rt.nms(*a, 0.5), BOXES, SCORES),
    "prroi_pool": (lambda map, rois: rt.prroi_pool(map, rois, 2), MAP, ROIS),
    "ps_roi_align": (lambda map, rois: rt.ps_roi_align(map, rois, 2), MAP, ROIS),
    "ps_roi_pool": (lambda map, rois: rt.ps_roi_pool(map, rois, 2), MAP, ROIS),
    "remove_small_boxes": (lambda boxes: rt.remove_small_boxes(boxes, 1), BOXES),
    "roi_align": (lambda map, rois: rt.roi_align(map, rois, 2), MAP, ROIS),
    "roi_align of lists": (lambda map, a, b: rt.roi_align(map, [a, b], 2), MAP, BOXES, BOXES),
    "roi_align_rotated": (lambda map, rois: rt.roi_align_rotated(map, rois, 2), MAP, TURNED),
    "roi_pool": (lambda map, rois: rt.roi_pool(map, rois, 2), MAP, ROIS),
}
PLACES = [
    pytest.param(name, place, id=f"{name}-{place}")
    for name, (_, *given) in CALLS.items()
    for place in range(len(given))
]
EACH = pytest.mark.parametrize(("name", "place"), PLACES)


def call(name, place, change):
    """The function with one of its tensors changed."""
    function, *given = CALLS[name]
    given[place] = change(given[place])
    return function(*given)


def test_every_function_is_called():
    """All that pyroi.torch has, except its layers and the two that take no tensors."""
    functions = {name for name in rt.__all__ if not isinstance(getattr(rt, name), type)} - {"accelerate", "restore"}
    assert functions == {name for name in CALLS if " " not in name}


# ---- meta ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "place"), [case for case in PLACES if len(CALLS[case.values[0]]) > 2])
def test_one_tensor_on_meta(name, place):
    """An error, as there is nothing to compute with."""
    rule = r"expected a tensor on (cpu|meta), as the others are, got one on (meta|cpu)"
    with pytest.raises(ValueError, match=rule):
        call(name, place, lambda tensor: tensor.to("meta"))


@pytest.mark.parametrize("name", [name for name in CALLS if "nms" not in name and name != "remove_small_boxes"])
def test_all_tensors_on_meta(name):
    """Shape and type, without a number. (How many boxes are kept, numbers decide: PyTorch says so.)"""
    function, *given = CALLS[name]
    result, right = function(*[tensor.to("meta") for tensor in given]), function(*given)
    assert (result.device.type, result.shape, result.dtype) == ("meta", right.shape, right.dtype)


@pytest.mark.parametrize("operator", ["roi_align", "box_iou", "multiscale_roi_align"])
def test_operators_of_the_dispatcher(operator):
    """Check it, too, for who calls them without pyroi.torch."""
    meta = ROIS.to("meta")
    calls = {
        "roi_align": lambda: torch.ops.roi.roi_align(MAP, meta, 2, 2, 1.0, 2, True),
        "box_iou": lambda: torch.ops.roi.box_iou(BOXES, meta),
        "multiscale_roi_align": lambda: torch.ops.roi.multiscale_roi_align(
            [MAP, MAP], meta, 2, 2, [1.0, 0.5], 2, True, 2, 224.0
        ),
    }
    with pytest.raises(RuntimeError, match=r"boxes2?: expected a tensor on cpu, as .* is, got one on meta"):
        calls[operator]()


# ---- Others ----------------------------------------------------------------------------------------------------------


@EACH
def test_kinds_that_cannot_be_read(name, place):
    """A TypeError that says which kind it is."""

    def of_dtype(dtype):
        return lambda tensor: tensor.to(dtype)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, about kinds that are new or old
        kinds = {
            r"dense tensor, got one of layout torch.sparse_coo": lambda tensor: tensor.to_sparse(),
            r"dense tensor, got a nested one": lambda tensor: torch.nested.nested_tensor([tensor, tensor]),
            r"got torch.quint8: see tensor.dequantize": lambda tensor: torch.quantize_per_tensor(
                tensor.float(), 1.0, 0, torch.quint8
            ),
            r"got torch.complex64": of_dtype(torch.complex64),
            r"got torch.float8_e4m3fn": of_dtype(torch.float8_e4m3fn),
        }
        for rule, change in kinds.items():
            with pytest.raises(TypeError, match=rule):
                call(name, place, change)


class Named(torch.Tensor):
    """A subclass, as torchvision's boxes and masks are."""


@EACH
def test_kinds_that_are_read(name, place):
    """Views that are negated or conjugated, subclasses, parameters: the numbers they stand for."""
    right = call(name, place, lambda tensor: tensor)

    def negated(tensor):
        view = torch.conj(torch.complex(tensor.double(), -tensor.double())).imag
        assert view.is_neg()
        return view if tensor.dtype.is_floating_point else tensor

    changes = [lambda tensor: tensor.as_subclass(Named), negated]
    if CALLS[name][place + 1].is_floating_point():
        changes.append(torch.nn.Parameter)
    for change in changes:
        if change is negated and name == "multiscale_roi_align" and place < 2:
            continue  # whose levels are of one type
        result = call(name, place, change)
        torch.testing.assert_close(torch.Tensor(result.detach()).to(right.dtype), right)


# ---- No boxes --------------------------------------------------------------------------------------------------------


def test_no_boxes():
    """A tensor [0] stands for them, alone and in the list of images; nms wants [0, 4], as torchvision's does."""
    none = torch.empty(0)
    assert rt.batched_nms(none, none, none, 0.5).tolist() == []
    with pytest.raises(RuntimeError, match=r"boxes: expected \[N, 4\], got \[0\]"):
        rt.nms(none, none, 0.5)
    for function in (rt.roi_align, rt.roi_pool, rt.prroi_pool):
        for boxes in (none, [none, none], (none, torch.empty(0, 4))):
            assert function(MAP, boxes, 2).shape == (0, 4, 2, 2)
        assert torch.equal(function(MAP, [none, BOXES], 2), function(MAP, [BOXES[:0], BOXES], 2))
    assert rt.roi_align_rotated(MAP, [none, TURNED[:, 1:]], 2).shape == (1, 4, 2, 2)
    assert rt.box_iou(none, BOXES).shape == (0, 2)
    assert rt.generalized_box_iou(BOXES, none).shape == (2, 0)
    assert rt.box_area(none).shape == (0,)
    assert rt.box_convert(none, "xyxy", "xywh").shape == rt.clip_boxes_to_image(none, (2, 2)).shape == (0, 4)
    assert rt.remove_small_boxes(none, 1).shape == (0,)
