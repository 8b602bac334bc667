"""accelerate() and restore(): torchvision's own operators and models on pyroi's kernels, and back."""

from __future__ import annotations

import importlib

import pytest
from children import run_child
from oracles.autograd import torchvision_ops

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # which torchvision calls, and a test

BAD = torch.tensor([[7, 1, 1, 4, 4.0]])  # an image that is not there: memory of nobody for torchvision


@pytest.fixture(autouse=True)
def torchvision():
    """torchvision.ops, with its own kernels at the beginning and at the end."""
    ops = torchvision_ops()
    rt.restore()
    yield ops
    rt.restore()


def is_accelerated(ops):
    """By a rule that differs: a box without area is 0 for ps_roi_align, and NaN for torchvision."""
    return not ops.ps_roi_align(torch.ones(1, 4, 4, 4), torch.tensor([[0, 2, 2, 2, 2.0]]), 2).isnan().any()


def kernel_of(name):
    """Where the kernel for the CPU was registered."""
    lines = torch._C._dispatch_dump(f"torchvision::{name}").splitlines()
    return next(line for line in lines if line.startswith("CPU:"))


def test_in_and_out(torchvision):
    """Twice in is in, twice out is out, and in again."""
    for _ in range(2):
        assert not is_accelerated(torchvision)
        rt.accelerate()
        rt.accelerate()
        assert is_accelerated(torchvision)
        rt.restore()
        rt.restore()
    assert not is_accelerated(torchvision)


OPERATORS = ["roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool"]


@pytest.mark.parametrize("name", [*OPERATORS, *(f"_{name}_backward" for name in OPERATORS), "nms"])
def test_each_operator_is_replaced(name):
    """And is what it was, afterwards."""
    before = kernel_of(name)
    rt.accelerate()
    assert "pyroi" in kernel_of(name)
    rt.restore()
    assert kernel_of(name) == before


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", OPERATORS)
def test_crops_and_gradients(torchvision, name, dtype):
    """Up to rounding the same, and so is what the gradient needs beside: places of maxima, channels of bins."""
    generator = torch.Generator().manual_seed(0)
    map = torch.randn(2, 12, 11, 13, generator=generator, dtype=dtype, requires_grad=True)
    corner = torch.rand(30, 2, generator=generator) * 6
    side = torch.rand(30, 2, generator=generator) * 3 + 0.5
    rows = torch.cat([torch.arange(30)[:, None] % 2, corner, corner + side], 1).to(dtype)
    operator = getattr(torch.ops.torchvision, name)
    settings = {"roi_align": (2, False), "ps_roi_align": (-1,)}.get(name, ())
    weights = torch.randn(30, 12 // 6 if "ps_" in name else 12, 2, 3, generator=generator, dtype=dtype)

    def run():
        result = operator(map, rows, 1.0, 2, 3, *settings)
        crops, *more = result if isinstance(result, tuple) else (result,)
        return crops, torch.autograd.grad(crops, map, weights)[0], *more

    expected = run()
    rt.accelerate()
    for ours, theirs in zip(run(), expected, strict=True):
        assert (ours.dtype, ours.shape, ours.stride()) == (theirs.dtype, theirs.shape, theirs.stride())
        torch.testing.assert_close(ours, theirs)
        if not ours.is_floating_point():
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", OPERATORS)
def test_no_boxes(torchvision, name):
    """Empty crops, and a gradient of zeros."""
    rt.accelerate()
    map = torch.ones(1, 12, 5, 5, requires_grad=True)
    crops = getattr(torchvision, name)(map, torch.empty(0, 5), 2)
    assert crops.shape == (0, 3 if "ps_" in name else 12, 2, 2)
    crops.sum().backward()
    assert not map.grad.any()


def test_forward_and_backward_of_different_kernels(torchvision):
    """Between them restore() or accelerate() may have been called."""
    map, rows = torch.randn(1, 4, 9, 9, requires_grad=True), torch.tensor([[0, 1, 1, 7, 6.0]])
    for name in OPERATORS:
        pool = getattr(torchvision, name)
        (expected,) = torch.autograd.grad(pool(map, rows, 2).sum(), map)
        crops = pool(map, rows, 2)
        rt.accelerate()
        torch.testing.assert_close(torch.autograd.grad(crops.sum(), map)[0], expected)
        crops = pool(map, rows, 2)
        rt.restore()
        torch.testing.assert_close(torch.autograd.grad(crops.sum(), map)[0], expected)


def test_suppression(torchvision):
    """The same boxes are kept, class by class too."""
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(2000, 2, generator=generator) * 200
    boxes = torch.cat([corner, corner + 5 + torch.rand(2000, 2, generator=generator) * 50], 1)
    scores, classes = torch.rand(2000, generator=generator), torch.arange(2000) % 5
    expected = torchvision.nms(boxes, scores, 0.4), torchvision.batched_nms(boxes, scores, classes, 0.4)
    rt.accelerate()
    assert torch.equal(torchvision.nms(boxes, scores, 0.4), expected[0])
    assert torch.equal(torchvision.batched_nms(boxes, scores, classes, 0.4), expected[1])


def test_checks_come_with_the_kernels(torchvision):
    """What torchvision would read from anywhere is an error."""
    rt.accelerate()
    with pytest.raises(ValueError, match=r"row 0: the batch index must be a whole number in \[0, 1\), got 7"):
        torchvision.roi_align(torch.ones(1, 1, 8, 8), BAD, 2)


def test_half_precision_under_autocast(torchvision):
    """torchvision computes it in float32, and so do its operators here."""
    rt.accelerate()
    map, rows = torch.randn(1, 4, 9, 9).bfloat16(), torch.tensor([[0, 1, 1, 7, 6.0]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        crops = torchvision.roi_align(map, rows, 2)
    assert crops.dtype == torch.bfloat16
    torch.testing.assert_close(crops, torchvision.roi_align(map.float(), rows, 2).bfloat16(), rtol=0, atol=0)


def test_scripted(torchvision):
    """TorchScript finds the kernels through the dispatcher, too."""
    script = torch.jit.script(torchvision.RoIAlign(2, 1.0, 2))
    map, rows = torch.randn(1, 4, 9, 9), torch.tensor([[0, 1, 1, 7, 6.0]])
    expected = script(map, rows)
    rt.accelerate()
    torch.testing.assert_close(script(map, rows), expected)
    with pytest.raises(Exception, match="the batch index must be a whole number"):
        script(map, BAD)


def test_compiled(torchvision):
    """torch.compile keeps torchvision's operators in its graph, which run on the kernels of the moment."""
    torch.compiler.reset()
    compiled = torch.compile(lambda map, rows: torchvision.roi_align(map, rows, 2) + 1, fullgraph=True, backend="eager")
    map, rows = torch.randn(1, 4, 9, 9), torch.tensor([[0, 1, 1, 7, 6.0]])
    expected = compiled(map, rows)
    rt.accelerate()
    torch.testing.assert_close(compiled(map, rows), expected)


# ---- Models ----------------------------------------------------------------------------------------------------------


def detector(name):
    """With random weights, which find something everywhere: so every box is let through."""
    detection = importlib.import_module("torchvision.models.detection")
    torch.manual_seed(0)
    return getattr(detection, name)(
        weights=None,
        weights_backbone=None,
        num_classes=5,
        min_size=64,
        max_size=96,
        box_score_thresh=0.0,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_test=30,
        rpn_pre_nms_top_n_train=200,
        rpn_post_nms_top_n_train=30,
        box_batch_size_per_image=16,
        box_detections_per_img=10,
    )


@pytest.mark.parametrize("name", ["fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn"])
def test_models_find_the_same(torchvision, name):
    """Boxes, labels, scores and masks: before, with pyroi's kernels, and after."""
    model = detector(name).eval()
    images = [torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(seed)) for seed in range(2)]
    with torch.no_grad():
        before = model(images)
        rt.accelerate()
        during = model(images)
        rt.restore()
        after = model(images)
    assert all(len(found["boxes"]) == 10 for found in before)
    for expected, ours, again in zip(before, during, after, strict=True):
        for part, tensor in expected.items():
            torch.testing.assert_close(ours[part], tensor, rtol=1e-3, atol=1e-3)
            assert torch.equal(again[part], tensor)


def test_models_learn_the_same(torchvision):
    """The losses, and what flows back to every weight of the backbone's pyramid."""
    model = detector("fasterrcnn_mobilenet_v3_large_fpn").train()
    images = [torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(0))]
    targets = [{"boxes": torch.tensor([[4, 4, 30, 50], [25, 10, 90, 60.0]]), "labels": torch.tensor([1, 3])}]

    def step():
        torch.manual_seed(1)  # which proposals are sampled
        model.zero_grad()
        losses = model(images, targets)
        sum(losses.values()).backward()
        slopes = {key: weight.grad for key, weight in model.backbone.fpn.named_parameters()}
        return {key: loss.detach() for key, loss in losses.items()}, slopes

    losses, slopes = step()
    rt.accelerate()
    our_losses, our_slopes = step()
    torch.testing.assert_close(our_losses, losses, rtol=1e-4, atol=1e-5)
    for key, slope in slopes.items():
        torch.testing.assert_close(our_slopes[key], slope, rtol=1e-2, atol=1e-3 * slope.abs().max().item())


# ---- Without torchvision ---------------------------------------------------------------------------------------------


def accelerate_without_torchvision():
    """In a process where it is not installed."""
    import sys

    sys.modules["torchvision"] = None
    import pyroi.torch

    try:
        pyroi.torch.accelerate()
    except ImportError as error:
        print(error)
    pyroi.torch.restore()


def test_without_torchvision():
    """It is named; the rest of pyroi.torch does without."""
    assert "needs a torchvision that loads" in run_child(accelerate_without_torchvision)
