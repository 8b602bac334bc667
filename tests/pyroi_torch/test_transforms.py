"""torch.func and forward mode: derivatives as in reverse mode, or an error; no tangent is dropped."""

from __future__ import annotations

import importlib

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")
fwd = importlib.import_module("torch.autograd.forward_ad")
func = importlib.import_module("torch.func")

pytestmark = [
    pytest.mark.filterwarnings("ignore:There is a performance drop"),  # where vmap loops over a custom operator
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),  # which PyTorch's own jvp calls
]

REAL = torch.float64
GENERATOR = torch.Generator().manual_seed(0)
MAP = torch.randn(2, 4, 6, 7, generator=GENERATOR, dtype=REAL)
TANGENT = torch.randn(2, 4, 6, 7, generator=GENERATOR, dtype=REAL)
ROIS = torch.tensor([[0, 1.2, 0.7, 4.1, 3.9], [1, 0.3, 2.2, 5.5, 4.8], [1, 9, 9, 12, 12]], dtype=REAL)
TURNED = torch.tensor([[0, 3, 3, 2, 3, 30], [1, 2, 2, 3, 1, -70]], dtype=REAL)
BOXES = torch.tensor([[1, 1, 3, 4], [0, 2, 5, 3.5], [2, 2, 2.5, 6]], dtype=REAL)
OTHERS = torch.tensor([[0, 0, 2.5, 3], [1.5, 2.5, 6, 7]], dtype=REAL)

POOLING = {
    "roi_align": lambda map: rt.roi_align(map, ROIS, 2, 0.9),
    "roi_align of lists": lambda map: rt.roi_align(map, [ROIS[:1, 1:], ROIS[1:, 1:]], (2, 3), 1, 2, True),
    "ps_roi_align": lambda map: rt.ps_roi_align(map, ROIS, 2),
    "ps_roi_pool": lambda map: rt.ps_roi_pool(map, ROIS, 2),
    "roi_align_rotated": lambda map: rt.roi_align_rotated(map, TURNED, 2),
    "prroi_pool": lambda map: rt.prroi_pool(map, ROIS, 2),
    "roi_pool": lambda map: rt.roi_pool(map, ROIS, 2),
}
LINEAR = [name for name in POOLING if name != "roi_pool"]
OF_BOXES = {
    "box_area": rt.box_area,
    "box_area of another format": lambda boxes: rt.box_area(boxes, "cxcywh"),
    "clip_boxes_to_image": lambda boxes: rt.clip_boxes_to_image(boxes, (3, 4)),
    "box_convert": lambda boxes: rt.box_convert(boxes, "xyxy", "cxcywh"),
    "box_iou": lambda boxes: rt.box_iou(boxes, OTHERS),
    "box_iof": lambda boxes: rt.box_iof(boxes, OTHERS),
    "box_ios": lambda boxes: rt.box_ios(boxes, OTHERS),
    "generalized_box_iou": lambda boxes: rt.generalized_box_iou(OTHERS, boxes),
    "distance_box_iou": lambda boxes: rt.distance_box_iou(boxes, OTHERS),
    "complete_box_iou": lambda boxes: rt.complete_box_iou(boxes, OTHERS),
}
ALL = [pytest.param(function, MAP, id=name) for name, function in POOLING.items()]
ALL += [pytest.param(function, BOXES, id=name) for name, function in OF_BOXES.items()]
EACH = pytest.mark.parametrize(("function", "point"), ALL)


def jacobian(function, point):
    """By reverse mode, one number of the result after the other, without torch.func."""
    point = point.clone().requires_grad_()
    result = function(point)
    rows = [torch.autograd.grad(number, point, retain_graph=True)[0] for number in result.flatten()]
    return torch.stack(rows).reshape(*result.shape, *point.shape).detach()


def test_area_along_x2():
    """A box of 2 x 2 grows by 2."""
    box = torch.tensor([[1.0, 1, 3, 3]])
    area, growth = func.jvp(rt.box_area, (box,), (torch.tensor([[0.0, 0, 1, 0]]),))
    assert (area.tolist(), growth.tolist()) == ([4], [2])
    assert func.jacfwd(rt.box_area)(box).flatten().tolist() == [-2, -2, 2, 2]


@EACH
def test_forward_mode(function, point):
    """jvp, dual tensors and jacfwd agree with reverse mode."""
    expected = jacobian(function, point)
    tangent = torch.randn(point.shape, generator=torch.Generator().manual_seed(1), dtype=REAL)
    along = (expected * tangent).flatten(-point.dim()).sum(-1)
    result, growth = func.jvp(function, (point,), (tangent,))
    torch.testing.assert_close(result, function(point))
    torch.testing.assert_close(growth, along)
    with fwd.dual_level():
        torch.testing.assert_close(fwd.unpack_dual(function(fwd.make_dual(point, tangent))).tangent, along)
    torch.testing.assert_close(func.jacfwd(function)(point), expected)


@EACH
def test_reverse_mode(function, point):
    """grad and jacrev of torch.func agree with backward(); with vmap over them, too."""
    expected = jacobian(function, point)
    torch.testing.assert_close(func.jacrev(function)(point), expected)

    def total(point):
        return (function(point) ** 2).sum()

    here, there = point.clone().requires_grad_(), (point * 0.9).requires_grad_()
    slopes = [torch.autograd.grad(total(place), place)[0] for place in (here, there)]
    torch.testing.assert_close(func.grad(total)(point), slopes[0])
    torch.testing.assert_close(func.vmap(func.grad(total))(torch.stack([point, point * 0.9])), torch.stack(slopes))


@EACH
def test_vmap(function, point):
    """One result after the other."""
    points = torch.stack([point, point * 0.9, point + 0.1])
    torch.testing.assert_close(func.vmap(function)(points), torch.stack([function(point) for point in points]))


@pytest.mark.parametrize("name", [name for name in LINEAR if name != "prroi_pool"])
def test_second_derivatives(name):
    """Forward over reverse and reverse over reverse, of a square: twice the Jacobian's square."""
    small = MAP[:, :, :3, :4].contiguous()

    def total(map):
        return (POOLING[name](map) ** 2).sum()

    matrix = jacobian(POOLING[name], small).reshape(-1, small.numel())
    expected = (2 * matrix.T @ matrix).reshape(*small.shape, *small.shape)
    torch.testing.assert_close(func.hessian(total)(small), expected)
    torch.testing.assert_close(func.jacrev(func.jacrev(total))(small), expected)


@pytest.mark.parametrize("name", ["roi_pool", "prroi_pool"])
def test_second_derivatives_that_are_missing(name):
    """Are an error in both modes."""
    for outer in (func.jacfwd, func.jacrev):
        with pytest.raises(NotImplementedError, match=f"roi::{name}_backward has no derivative"):
            outer(func.grad(lambda map: (POOLING[name](map) ** 2).sum()))(MAP)


# ---- What has none ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda rois: rt.roi_align(MAP, rois, 2),
        lambda rois: rt.roi_align(MAP, [rois[:1, 1:], rois[1:, 1:]], 2),
        lambda rois: rt.ps_roi_pool(MAP, rois, 2),
        lambda rois: rt.roi_pool(MAP, rois, 2),
        lambda rois: rt.prroi_pool(MAP, rois, 2),
        lambda rois: rt.multiscale_roi_align([MAP, MAP], rois, 2, [1, 0.5]),
        lambda rois: rt.box_iou(rois, rois, fmt="cxcywhr"),
        lambda rois: rt.box_convert(rois, "cxcywhr", "xywhr"),
        lambda rois: rt.masks_to_boxes(rois[None]),
        lambda rois: torch.ops.roi.roi_align(MAP, rois, 2, 2, 1.0, 2, True),
        lambda rois: torch.ops.roi.box_area(rois[:, 1:]),
    ],
)
def test_tangents_that_would_be_lost(function):
    """Are an error, in both kinds of forward mode; without a tangent nothing is wrong there."""
    with pytest.raises(NotImplementedError, match="has no derivative in forward mode"):
        func.jvp(function, (ROIS,), (torch.ones_like(ROIS),))
    with fwd.dual_level():
        with pytest.raises(NotImplementedError, match="has no derivative in forward mode"):
            function(fwd.make_dual(ROIS, torch.ones_like(ROIS)))
        torch.testing.assert_close(function(ROIS), function(ROIS.clone()))


def test_levels_of_a_pyramid():
    """Have no forward mode, and say so."""
    with pytest.raises(NotImplementedError, match="roi::multiscale_roi_align has no derivative in forward mode"):
        func.jvp(lambda map: rt.multiscale_roi_align([map, map], ROIS, 2, [1, 0.5]), (MAP,), (TANGENT,))


def test_indices_have_no_derivative():
    """What is kept does not change with a box, nearly everywhere: no error, and no tangent."""
    scores = torch.tensor([0.9, 0.8, 0.7], dtype=REAL)
    kept, growth = func.jvp(lambda boxes: rt.nms(boxes, scores, 0.5), (BOXES,), (torch.ones_like(BOXES),))
    assert kept.tolist() == [0, 1, 2]
    assert not growth.any()
    assert func.jvp(lambda boxes: rt.remove_small_boxes(boxes, 1), (BOXES,), (BOXES,))[0].tolist() == [0, 1]
