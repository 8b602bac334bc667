"""Suppression, overlap and formats of boxes, compared with torchvision."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from oracles import overlap, polygons
from oracles.autograd import torchvision_ops

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")

MEASURES = ["box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou"]


def random_boxes(*lead, seed=0, dtype=torch.float64):
    """With an area, at random places."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(*lead, 2, generator=generator, dtype=torch.float64) * 20
    side = 1 + torch.rand(*lead, 2, generator=generator, dtype=torch.float64) * 15
    return torch.cat([corner, corner + side], -1).to(dtype)


def random_scores(count, seed=0, dtype=torch.float64):
    return torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# ---- Suppression -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nms(threshold, dtype):
    """The indices of the definition, which are torchvision's too."""
    boxes, scores = random_boxes(300, dtype=dtype), random_scores(300, dtype=dtype)
    kept = rt.nms(boxes, scores, threshold)
    assert kept.dtype == torch.int64
    assert kept.tolist() == overlap.keep(overlap.iou(boxes.numpy(), boxes.numpy()), scores.numpy(), threshold)
    assert kept.tolist() == torchvision_ops().nms(boxes, scores, threshold).tolist()


def test_batched_nms():
    """Class by class; with negative coordinates, where torchvision's shift of coordinates lets classes meet."""
    boxes, scores = random_boxes(200), random_scores(200)
    classes = torch.arange(200) % 3
    kept = rt.batched_nms(boxes, scores, classes, 0.3)
    assert kept.tolist() == torchvision_ops().batched_nms(boxes, scores, classes, 0.3).tolist()
    moved = boxes - 1000
    assert torch.equal(rt.batched_nms(moved, scores, classes, 0.3), kept)


@pytest.mark.parametrize(
    ("boxes", "scores"),
    [
        (torch.rand(4), torch.rand(3)),
        (torch.rand(3, 5), torch.rand(3)),
        (torch.rand(3, 4), torch.rand(3, 2)),
        (torch.rand(3, 4), torch.rand(4)),
    ],
)
def test_wrong_shapes_for_nms(boxes, scores):
    """A ValueError, as everywhere in pyroi, and a RuntimeError, as torchvision's tests expect."""
    for kind in (ValueError, RuntimeError):
        with pytest.raises(kind, match="expected"):
            rt.nms(boxes, scores, 0.5)
        with pytest.raises(kind, match="expected"):
            rt.batched_nms(boxes, scores, torch.zeros(3, dtype=torch.int64), 0.5)


def test_wrong_values_for_nms():
    """Classes of another number, thresholds and scores out of range, no tensors."""
    boxes, scores = random_boxes(3), random_scores(3)
    with pytest.raises(ValueError, match=r"idxs: expected \[3\], one for each box, got \[2\]"):
        rt.batched_nms(boxes, scores, torch.zeros(2), 0.5)
    with pytest.raises(ValueError, match="iou_threshold"):
        rt.nms(boxes, scores, 1.5)
    with pytest.raises(ValueError, match="scores: row 1"):
        rt.nms(boxes, torch.tensor([1, torch.nan, 0]), 0.5)
    with pytest.raises(TypeError, match="boxes: expected a tensor, got ndarray"):
        rt.nms(boxes.numpy(), scores, 0.5)


def test_no_boxes_for_nms():
    """Nothing is kept of nothing."""
    assert rt.nms(torch.empty(0, 4), torch.empty(0), 0.5).tolist() == []
    assert rt.batched_nms(torch.empty(0, 4), torch.empty(0), torch.empty(0), 0.5).shape == (0,)


# ---- Overlap ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("name", MEASURES)
def test_overlap_is_torchvision_s(name, dtype):
    """Numbers and type. torchvision's 1e-7 in denominators is far below the tolerance for such boxes."""
    boxes, others = random_boxes(30, dtype=dtype), random_boxes(20, seed=1, dtype=dtype)
    matrix = getattr(rt, name)(boxes, others)
    expected = getattr(torchvision_ops(), name)(boxes, others)
    assert matrix.dtype == expected.dtype
    torch.testing.assert_close(matrix, expected, rtol=1e-5, atol=1e-5 if dtype != torch.float16 else 2e-3)


@pytest.mark.parametrize("name", MEASURES)
def test_overlap_with_leading_dimensions(name):
    """Each pair of leading dimensions has a matrix; they broadcast."""
    measure = getattr(rt, name)
    boxes, others = random_boxes(2, 1, 5), random_boxes(3, 4, seed=1)
    matrix = measure(boxes, others)
    assert matrix.shape == (2, 3, 5, 4)
    for i in range(2):
        for j in range(3):
            assert torch.equal(matrix[i, j], measure(boxes[i, 0], others[j]))
    torch.testing.assert_close(matrix, getattr(torchvision_ops(), name)(boxes, others), rtol=1e-5, atol=1e-6)
    assert measure(boxes[:0], others).shape == (0, 3, 5, 4)


@pytest.mark.parametrize("fmt", ["xyxy", "xywh", "cxcywh"])
def test_overlap_in_other_formats(fmt):
    """The same boxes, written otherwise; areas too."""
    boxes, others = random_boxes(9), random_boxes(7, seed=1)
    written = [rt.box_convert(part, "xyxy", fmt) for part in (boxes, others)]
    torch.testing.assert_close(rt.box_iou(*written, fmt=fmt), rt.box_iou(boxes, others))
    torch.testing.assert_close(rt.box_area(written[0], fmt), rt.box_area(boxes))
    torch.testing.assert_close(rt.box_area(written[0], fmt), torchvision_ops().box_area(written[0], fmt))


@pytest.mark.parametrize("fmt", ["cxcywhr", "xywhr", "xyxyxyxy"])
def test_overlap_of_rotated_boxes(fmt):
    """Against polygons, clipped in decimals."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.rand(8, 5, generator=generator, dtype=torch.float64) * torch.tensor([9, 9, 9, 9, 360]) + 1
    written = rt.box_convert(rows, "cxcywhr", fmt)
    matrix = rt.box_iou(written, written[:5], fmt=fmt)
    for i, j in np.ndindex(8, 5):
        assert matrix[i, j].item() == pytest.approx(float(polygons.iou(rows[i].numpy(), rows[j].numpy())), abs=1e-9)


@pytest.mark.parametrize("name", MEASURES)
def test_overlap_with_a_gradient(name):
    """Where a gradient is wanted the numbers are the same to rounding, and it is that of finite differences.

    Except for the weight in complete IoU, which counts as constant there, as in torchvision.
    """
    measure = getattr(rt, name)
    boxes, others = random_boxes(6).requires_grad_(), random_boxes(5, seed=1).requires_grad_()
    torch.testing.assert_close(measure(boxes, others), measure(boxes.detach(), others.detach()), rtol=1e-13, atol=1e-14)
    if name != "complete_box_iou":
        assert torch.autograd.gradcheck(measure, (boxes, others))
    weights = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    slopes = torch.autograd.grad((measure(boxes, others) * weights).sum(), (boxes, others))
    expected = getattr(torchvision_ops(), name)(boxes, others)
    for slope, other in zip(slopes, torch.autograd.grad((expected * weights).sum(), (boxes, others)), strict=True):
        torch.testing.assert_close(slope, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", MEASURES)
def test_overlap_of_boxes_without_area(name):
    """Points, lines, mirrored boxes: the same numbers with a gradient as without, and no NaN in either."""
    rows = [[0, 0, 0, 0], [1, 1, 1, 5], [3, 3, 2, 2], [0, 0, 4, 4], [0, 0, 0, 0]]
    boxes = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    matrix = getattr(rt, name)(boxes, boxes)
    torch.testing.assert_close(matrix, getattr(rt, name)(boxes.detach(), boxes.detach()), rtol=1e-13, atol=1e-14)
    (slope,) = torch.autograd.grad(matrix.sum(), boxes)
    assert slope.isfinite().all()


def test_overlap_of_integers():
    """In float64, in which areas beyond 2^31 are exact."""
    boxes = torch.tensor([[0, 0, 100_000, 100_000], [0, 0, 50_000, 100_000]], dtype=torch.int32)
    assert rt.box_iou(boxes, boxes).tolist() == [[1, 0.5], [0.5, 1]]
    assert rt.box_area(boxes).tolist() == [1e10, 5e9]


@pytest.mark.parametrize("name", MEASURES)
def test_overlap_misuse(name):
    """The argument is named."""
    measure, boxes = getattr(rt, name), random_boxes(2)
    with pytest.raises(ValueError, match=r"boxes2: expected \[..., N, 4\], got \[2, 5\]"):
        measure(boxes, torch.ones(2, 5))
    with pytest.raises(ValueError, match="boxes1: row 0"):
        measure(boxes * torch.nan, boxes)
    with pytest.raises(TypeError, match="boxes1: expected a tensor, got list"):
        measure([[0, 0, 1, 1]], boxes)


def test_formats_that_do_not_fit():
    """Unknown ones, and rotated ones where there must be corners."""
    boxes = random_boxes(2)
    with pytest.raises(ValueError, match="fmt: expected one of xyxy"):
        rt.box_iou(boxes, boxes, fmt="xxyy")
    with pytest.raises(ValueError, match="fmt: expected one of xyxy"):
        rt.box_area(boxes, "xxyy")
    with pytest.raises(ValueError, match="fmt: box_area is for upright boxes"):
        rt.box_area(torch.ones(2, 5), "cxcywhr")


# ---- One box at a time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lead", [(7,), (2, 3), ()])
def test_area_clipping_and_small_boxes(lead):
    """As torchvision, with leading dimensions."""
    ops, boxes = torchvision_ops(), random_boxes(*lead) - 5
    torch.testing.assert_close(rt.box_area(boxes), ops.box_area(boxes))
    torch.testing.assert_close(rt.clip_boxes_to_image(boxes, (12, 9)), ops.clip_boxes_to_image(boxes, (12, 9)))
    if len(lead) == 1:
        kept = rt.remove_small_boxes(boxes, 6)
        assert 0 < len(kept) < 7
        assert torch.equal(kept, ops.remove_small_boxes(boxes, 6))


UPRIGHT, ROTATED = ["xyxy", "xywh", "cxcywh"], ["xywhr", "cxcywhr", "xyxyxyxy"]
PAIRS = [(a, b) for group in (UPRIGHT, ROTATED) for a in group for b in group]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_box_convert(source, target):
    """All pairs, as torchvision; with leading dimensions."""
    ops = torchvision_ops()
    if source in UPRIGHT:
        boxes = rt.box_convert(random_boxes(2, 5), "xyxy", source)
    else:
        rows = torch.cat([random_boxes(2, 5), torch.linspace(-80, 80, 10, dtype=torch.float64).reshape(2, 5, 1)], -1)
        boxes = rt.box_convert(rows, "cxcywhr", source)
    converted = rt.box_convert(boxes, source, target)
    torch.testing.assert_close(converted, ops.box_convert(boxes, source, target), rtol=1e-6, atol=1e-5)
    assert converted.data_ptr() != boxes.data_ptr()
    back = rt.box_convert(converted, target, source)
    torch.testing.assert_close(back, boxes)


def test_box_convert_of_integers():
    """Corners and sides stay integers; centres may lie between."""
    boxes = torch.tensor([[1, 2, 4, 8]])
    sides = rt.box_convert(boxes, "xyxy", "xywh")
    assert (sides.dtype, sides.tolist()) == (torch.int64, [[1, 2, 3, 6]])
    assert rt.box_convert(sides, "xywh", "xyxy").dtype == torch.int64
    assert rt.box_convert(boxes, "xyxy", "cxcywh").tolist() == [[2.5, 5, 3, 6]]
    clipped = rt.clip_boxes_to_image(boxes, (5, 3))
    assert (clipped.dtype, clipped.tolist()) == (torch.int64, [[1, 2, 3, 5]])


@pytest.mark.parametrize(
    ("function", "boxes"),
    [
        (lambda x: rt.box_area(x), random_boxes(5)),
        (lambda x: rt.box_area(x, "cxcywh"), random_boxes(2, 3)),
        (lambda x: rt.clip_boxes_to_image(x, (15, 12)), random_boxes(2, 5) - 5),
        (lambda x: rt.box_convert(x, "xyxy", "cxcywh"), random_boxes(2, 5)),
        (lambda x: rt.box_convert(x, "cxcywh", "xywh"), random_boxes(5)),
    ],
)
def test_gradients(function, boxes):
    """Against finite differences."""
    assert torch.autograd.gradcheck(function, (boxes.requires_grad_(),))


def test_rotated_boxes_have_no_gradient():
    """Which is said, and not passed over."""
    boxes = torch.ones(1, 5, requires_grad=True)
    with pytest.raises(NotImplementedError, match="rotated boxes has no gradient"):
        rt.box_convert(boxes, "cxcywhr", "xywhr").sum().backward()
    with pytest.raises(RuntimeError, match="no autograd formula"):
        rt.box_iou(boxes, boxes, fmt="cxcywhr").sum().backward()


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32, torch.int64])
def test_masks_to_boxes(dtype):
    """As torchvision, an empty mask among them; no masks, no boxes."""
    masks = torch.zeros(4, 9, 12, dtype=dtype)
    masks[0, 2:5, 3:7] = 1
    masks[1, 8, 11] = 1
    masks[2] = 1
    boxes = rt.masks_to_boxes(masks)
    assert boxes.tolist() == [[3, 2, 6, 4], [11, 8, 11, 8], [0, 0, 11, 8], [0, 0, 0, 0]]
    assert torch.equal(boxes, torchvision_ops().masks_to_boxes(masks))
    assert rt.masks_to_boxes(masks[:0]).shape == (0, 4)


def test_misuse():
    """Shapes and kinds."""
    with pytest.raises(ValueError, match=r"boxes: expected \[..., 4\], got \[2, 5\]"):
        rt.clip_boxes_to_image(torch.ones(2, 5), (3, 3))
    with pytest.raises(ValueError, match=r"boxes: expected \[..., 5\], got \[2, 4\]"):
        rt.box_convert(torch.ones(2, 4), "xywhr", "cxcywhr")
    with pytest.raises(ValueError, match="out_fmt: xywhr is a rotated format"):
        rt.box_convert(torch.ones(2, 4), "xyxy", "xywhr")
    with pytest.raises(ValueError, match="boxes: row 1: coordinates must be finite"):
        rt.box_area(torch.tensor([[0, 0, 1, 1], [0, 0, 1, torch.inf]]))
    with pytest.raises(ValueError, match=r"masks: expected \[N, H, W\]"):
        rt.masks_to_boxes(torch.ones(3, 3))
    with pytest.raises(TypeError, match="masks: expected a tensor, got list"):
        rt.masks_to_boxes([[1]])
