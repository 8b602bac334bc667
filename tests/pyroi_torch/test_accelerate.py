"""accelerate() and restore(): pyroi's kernels for torchvision's operators and models."""

from __future__ import annotations

import importlib

import pytest
from children import run_child
from oracles.autograd import torchvision_ops

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # which torchvision calls, and a test

BAD = torch.tensor([[7, 1, 1, 4, 4.0]])  # an image that is not there


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


# ---- Decisions -------------------------------------------------------------------------------------------------------


def whole_boxes(count, seed, most=60, dtype=torch.float32):
    """Boxes at whole numbers, whose IoU are short fractions, with scores of which some are equal."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.randint(most, (count, 2), generator=generator)
    side = torch.randint(12, (count, 2), generator=generator)
    scores = torch.randint(100, (count,), generator=generator) / 100
    return torch.cat([corner, corner + side], 1).to(dtype), scores.to(dtype)


def test_two_tenths(torchvision):
    """In float32 an IoU of 20 / 100 is above 0.2. So torchvision decides, and accelerate(); not so pyroi."""
    boxes, scores = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 2.0]]), torch.tensor([0.9, 0.8])
    assert torchvision.nms(boxes, scores, 0.2).tolist() == [0]
    assert rt.nms(boxes, scores, 0.2).tolist() == [0, 1]
    rt.accelerate()
    assert torchvision.nms(boxes, scores, 0.2).tolist() == [0]
    assert rt.nms(boxes, scores, 0.2).tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_same_decisions(torchvision, dtype):
    """To the last box, at thresholds that are IoU of such boxes: few and crowds, one class and several.

    torchvision tells classes apart by moving boxes, or takes one after the other.
    """
    thresholds = [0.0, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.9, 1.0]
    cases = [(count, seed, threshold) for count in (2, 30, 300) for seed in range(3) for threshold in thresholds]
    cases += [(1500, 9, threshold) for threshold in (0.2, 0.5, 0.7)]

    def run(count, seed, threshold):
        boxes, scores = whole_boxes(count, seed, dtype=dtype)
        classes = torch.arange(count) % 3
        kept = torchvision.nms(boxes, scores, threshold), torchvision.batched_nms(boxes, scores, classes, threshold)
        vision = importlib.import_module("torchvision.ops.boxes")
        tricks = vision._batched_nms_coordinate_trick, vision._batched_nms_vanilla
        return [*kept, *(trick(boxes, scores, classes, threshold) for trick in tricks)]

    expected = [run(*case) for case in cases]
    rt.accelerate()
    for case, theirs in zip(cases, expected, strict=True):
        for mine, yours in zip(run(*case), theirs, strict=True):
            assert torch.equal(mine, yours), case


# ---- Errors ----------------------------------------------------------------------------------------------------------

SETTINGS = {"roi_align": (1.0, 2, 2, 2, False), "roi_pool": (1.0, 2, 2), "ps_roi_align": (1.0, 2, 2, 2)}
SETTINGS["ps_roi_pool"] = SETTINGS["roi_pool"]
MAPS = [(1, 4, 5, 5), (4, 5, 5), (5, 5), (1, 0, 5, 5), (1, 3, 5, 5), ()]
ROIS = [(1, 5), (1, 4), (5,), (0, 5), (0,), (1, 6), (2, 1, 5), (), (0, 4), (3, 5)]
STRANGE = ["x", None, -1, 2.5, [1], 10**30]  # for a number


def filled(shape, dtype=torch.float32):
    """A tensor whose rows are boxes, where they have so many columns."""
    tensor = torch.ones(shape)
    if shape and shape[-1] in (4, 5, 6):
        tensor[..., -2:] += 2
    if shape in {(1, 5), (3, 5)}:
        tensor[:, 0] = 0
    return tensor.to(dtype)


def calls():
    """Calls of every operator, mostly wrong ones: (operator, arguments)."""
    for boxes in [(3, 4), (4,), (3, 5), (0,), (0, 4), (2, 3, 4), ()]:
        for scores in [(3,), (0,), (3, 2), (4,), (1,), ()]:
            yield "nms", (filled(boxes), filled(scores), 0.5)
    for name, settings in SETTINGS.items():
        for map in MAPS:
            for rois in ROIS:
                yield name, (filled(map), filled(rois), *settings)
        for dtype in (torch.int64, torch.bool, torch.complex64):
            yield name, (filled(MAPS[0], dtype), filled(ROIS[0], dtype), *settings)
        for place in range(len(settings)):
            for value in STRANGE[: 5 if place else 3]:
                if (place, value) != (0, -1):  # a scale of -1, which torchvision takes
                    yield name, (filled(MAPS[0]), filled(ROIS[0]), *settings[:place], value, *settings[place + 1 :])
        for batch in (-1, 1, 7):
            yield name, (filled(MAPS[0]), torch.tensor([[batch, 1, 1, 3, 3.0]]), *settings)
    for value in STRANGE[:2]:
        yield "nms", (filled((3, 4)), filled((3,)), value)


def outcome(name, arguments):
    """The error, or none."""
    try:
        getattr(torch.ops.torchvision, name)(*arguments)
    except Exception as error:
        return error
    return None


def test_errors_are_of_the_same_type(torchvision):
    """Where torchvision raises, so does accelerate(), an error that passes for torchvision's; and where it does not, so
    does not accelerate() either. What the two differ in on purpose is in docs/frameworks.md."""
    cases = list(calls())
    expected = [outcome(*case) for case in cases]
    rt.accelerate()
    assert sum(error is not None for error in expected) > 200
    for (name, arguments), theirs in zip(cases, expected, strict=True):
        ours = outcome(name, arguments)
        told = name, [tuple(one.shape) if isinstance(one, torch.Tensor) else one for one in arguments], ours, theirs
        assert (ours is None) == (theirs is None), told
        assert theirs is None or isinstance(ours, type(theirs)), told


def test_errors_are_pyroi_s_too(torchvision):
    """They name the argument, the rule and what came."""
    rt.accelerate()
    map, rois = filled(MAPS[0]), filled(ROIS[0])
    for kind in (ValueError, RuntimeError):
        with pytest.raises(kind, match=r"boxes: row 0: the batch index must be a whole number in \[0, 1\), got 7"):
            torchvision.roi_align(map, BAD, 2)
        with pytest.raises(kind, match=r"boxes: expected \[K, 5\], got \[1, 4\]"):
            torch.ops.torchvision.roi_align(map, rois[:, 1:], 1.0, 2, 2, 2, False)
        with pytest.raises(kind, match=r"scores: expected \[3\], one for each box, got \[1\]"):
            torchvision.nms(torch.rand(3, 4), torch.rand(1), 0.5)
    for kind in (TypeError, RuntimeError):
        with pytest.raises(kind, match=r"input: expected floating-point numbers, got torch\.int64"):
            torchvision.roi_align(map.long(), rois, 2)
    for kind in (MemoryError, RuntimeError):
        with pytest.raises(kind):
            torchvision.roi_align(map, rois.expand(2**20, 5), 2**13)


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
    assert "needs torchvision, which does not load" in run_child(accelerate_without_torchvision)
