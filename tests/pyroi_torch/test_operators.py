"""The operators in PyTorch's dispatcher: gradients by finite differences, PyTorch's own checks, torch.compile."""

from __future__ import annotations

import importlib

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")
ops = torch.ops.roi
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # which opcheck calls


def random(*shape, dtype=torch.float64, seed=0, grad=False):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=dtype).requires_grad_(grad)


def boxes(dtype=torch.float64):
    """Inside, across the border, mirrored, without area, outside; in both images."""
    rows = [[0, 1, 1, 5, 4.3], [1, -1, 2, 9, 5], [1, 4, 4, 2, 1], [0, 3, 3, 3, 3], [0, 40, 40, 50, 50]]
    return torch.tensor(rows, dtype=dtype)


def turned(dtype=torch.float64):
    rows = [[0, 3, 3, 5, 4.3, 30], [1, 4, 2, 9, 5, -100], [0, 3, 3, 0, 0, 45], [0, 40, 40, 5, 5, 10]]
    return torch.tensor(rows, dtype=dtype)


def pyramid(**options):
    return [random(2, 3, side, side, seed=side, **options) for side in (12, 6, 3)]


def pool_pyramid(levels):
    rows = torch.tensor([[0, 1, 1, 30, 23], [1, -1, 2, 70, 61], [1, 0, 0, 40, 40]], dtype=torch.float64)
    return rt.multiscale_roi_align(
        levels, rows, 2, [1 / 4, 1 / 8, 1 / 16], canonical_level=1, canonical_scale=32, sampling_ratio=2
    )


# ---- Gradients -------------------------------------------------------------------------------------------------------

LINEAR = {
    "roi_align": lambda x: rt.roi_align(x, boxes(), (2, 3), 0.7),
    "roi_align, aligned": lambda x: rt.roi_align(x, boxes(), (2, 3), 0.7, 2, True),
    "roi_align_rotated": lambda x: rt.roi_align_rotated(x, turned(), (2, 3), 0.7, 2, clockwise=True),
    "ps_roi_align": lambda x: rt.ps_roi_align(x, boxes(), 2, 0.7, 3),
    "ps_roi_pool": lambda x: rt.ps_roi_pool(x, boxes(), (2, 4), 0.9),
}
ALL = {
    **LINEAR,
    "roi_pool": lambda x: rt.roi_pool(x, boxes(), (2, 3), 0.7),
    "prroi_pool": lambda x: rt.prroi_pool(x, boxes(), (2, 3), 0.7),
}


@pytest.mark.parametrize("pool", ALL.values(), ids=ALL)
def test_gradient_for_the_map(pool):
    """Against finite differences in float64; numbers of the map are far enough apart for maxima to stay."""
    assert torch.autograd.gradcheck(pool, (random(2, 8, 6, 7, grad=True),))


@pytest.mark.parametrize("pool", LINEAR.values(), ids=LINEAR)
def test_second_derivatives(pool):
    """What is linear has them, by its own transpose."""
    assert torch.autograd.gradgradcheck(lambda x: pool(x) ** 2, (random(2, 8, 6, 7, grad=True),))


def test_gradient_for_the_boxes():
    """prroi_pool is smooth in the corners where no edge of a bin lies on a pixel; the batch index has gradient 0."""
    map = random(2, 3, 6, 7, grad=True)
    rows = torch.tensor([[0, 1.13, 1.27, 5.3, 4.4], [1, -0.6, 2.2, 9.1, 5.3]], dtype=torch.float64)

    def pool(map, corners):
        return rt.prroi_pool(map, torch.cat([rows[:, :1], corners], 1), 2, 0.9)

    assert torch.autograd.gradcheck(pool, (map, rows[:, 1:].clone().requires_grad_()))
    rows.requires_grad_()
    rt.prroi_pool(map, rows, 2).sum().backward()
    assert not rows.grad[:, 0].any()
    assert rows.grad[:, 1:].any()


def test_gradient_for_a_list_of_boxes():
    """It comes back in each tensor of the list, in its own type."""
    first, second = (
        torch.tensor([[1.1, 1.2, 4.3, 3.4]], requires_grad=True),
        torch.tensor([[1.1, 1.2, 4.3, 3.4]], dtype=torch.float64, requires_grad=True),
    )
    map = random(1, 3, 6, 7).expand(2, -1, -1, -1)
    rt.prroi_pool(map, [first, second], 2).sum().backward()
    assert (first.grad.dtype, second.grad.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(first.grad.double(), second.grad, rtol=1e-5, atol=1e-5)
    assert first.grad.any()


def test_gradient_for_a_pyramid():
    """Each level is differentiable, and those that need no gradient get none."""
    levels = pyramid(grad=True)
    assert torch.autograd.gradcheck(lambda *levels: pool_pyramid(list(levels)), levels)
    levels = [level.detach().requires_grad_(index == 1) for index, level in enumerate(levels)]
    pool_pyramid(levels).sum().backward()
    assert [level.grad is not None for level in levels] == [False, True, False]


@pytest.mark.parametrize("pool", ALL.values(), ids=ALL)
def test_gradient_of_expanded_and_permuted_crops(pool):
    """What flows in may have any strides: 0 from a sum, others from a transposition."""
    map = random(2, 8, 6, 7, grad=True)
    weights = random(*pool(map).transpose(0, 3).shape, seed=1)
    (by_strides,) = torch.autograd.grad((pool(map).transpose(0, 3) * weights).sum(), map)
    crops = pool(map)
    (by_copy,) = torch.autograd.grad(crops, map, weights.transpose(0, 3).contiguous())
    torch.testing.assert_close(by_strides, by_copy, rtol=0, atol=0)
    (by_sum,) = torch.autograd.grad(pool(map).sum(), map)
    crops = pool(map)
    (by_ones,) = torch.autograd.grad(crops, map, torch.ones_like(crops))
    torch.testing.assert_close(by_sum, by_ones, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_gradient_has_the_type_of_the_map(dtype):
    """And that of 16 bits is the one of float32, rounded."""
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    map = random(1, 4, 6, 7, dtype=torch.float32).to(dtype).requires_grad_()
    rows = boxes(torch.float32)[:1]
    (slope,) = torch.autograd.grad(rt.roi_align(map, rows, 2).sum(), map)
    (wide,) = torch.autograd.grad(rt.roi_align(map.float(), rows, 2).sum(), map)
    assert slope.dtype == dtype
    torch.testing.assert_close(slope, wide.to(dtype), rtol=0, atol=0)


# ---- PyTorch's own checks --------------------------------------------------------------------------------------------

FOUR = torch.tensor([[0, 0, 10, 10], [1, 1, 11, 12.0], [20, 20, 31, 30]], dtype=torch.float64)
ROTATED = torch.tensor([[5, 5, 10, 10, 30], [6, 5, 10, 12, 0.0]], dtype=torch.float64)
SCORES = torch.tensor([0.9, 0.8, 0.7], dtype=torch.float64)
LEVELS = ([1 / 4, 1 / 8, 1 / 16], 2, True, 1, 32.0)


def _of_pyramid(grad):
    rows = torch.tensor([[0, 1, 1, 30, 23], [1, -1, 2, 70, 61]], dtype=torch.float64)
    return pyramid(grad=grad), rows


# The arguments of each operator, with those that can want a gradient wanting one.
SAMPLES = {
    "roi_align": lambda: (random(2, 3, 6, 7, grad=True), boxes(), 2, 3, 0.7, -1, False),
    "roi_align_backward": lambda: (random(5, 3, 2, 3, grad=True), boxes(), [2, 3, 6, 7], 0.7, 2, True),
    "roi_align_rotated": lambda: (random(2, 3, 6, 7, grad=True), turned(), 2, 3, 0.7, -1, False, True),
    "roi_align_rotated_backward": lambda: (random(4, 3, 2, 3, grad=True), turned(), [2, 3, 6, 7], 0.7, 2, True, False),
    "ps_roi_align": lambda: (random(2, 12, 6, 7, grad=True), boxes(), 2, 3, 0.7, -1),
    "ps_roi_align_backward": lambda: (random(5, 2, 2, 3, grad=True), boxes(), [2, 12, 6, 7], 0.7, 2),
    "ps_roi_pool": lambda: (random(2, 12, 6, 7, grad=True), boxes(), 2, 3, 0.7),
    "ps_roi_pool_backward": lambda: (random(5, 2, 2, 3, grad=True), boxes(), [2, 12, 6, 7], 0.7),
    "roi_pool": lambda: (random(2, 3, 6, 7, grad=True), boxes(), 2, 3, 0.7),
    "roi_pool_backward": lambda: (
        random(5, 3, 2, 3),
        torch.zeros(5, 3, 2, 3, dtype=torch.int64),
        boxes(),
        [2, 3, 6, 7],
    ),
    "prroi_pool": lambda: (random(2, 3, 6, 7, grad=True), boxes().requires_grad_(), 2, 3, 0.7),
    "prroi_pool_backward": lambda: (random(5, 3, 2, 3), random(2, 3, 6, 7), boxes(), 0.7),
    "multiscale_roi_align": lambda: (*_of_pyramid(True), 2, 3, *LEVELS),
    "multiscale_roi_align_backward": lambda: (
        random(2, 3, 2, 3),
        _of_pyramid(False)[1],
        [2, 3, 12, 12, 2, 3, 6, 6, 2, 3, 3, 3],
        *LEVELS,
    ),
    "nms": lambda: (FOUR, SCORES, 0.5),
    "batched_nms": lambda: (FOUR, SCORES, torch.tensor([0, 1, 1]), 0.5),
    "remove_small_boxes": lambda: (FOUR, 10.5),
    "masks_to_boxes": lambda: (torch.ones(2, 5, 6, dtype=torch.bool),),
    "box_area": lambda: (FOUR.clone().requires_grad_(),),
    "clip_boxes_to_image": lambda: (FOUR.clone().requires_grad_(), 15, 10),
    "box_convert": lambda: (FOUR.clone().requires_grad_(), "xyxy", "cxcywh"),
    "box_iou": lambda: (FOUR, FOUR[:2]),
    "box_iof": lambda: (FOUR, FOUR[:2]),
    "box_ios": lambda: (FOUR, FOUR[:2]),
    "generalized_box_iou": lambda: (FOUR, FOUR[:2]),
    "distance_box_iou": lambda: (FOUR, FOUR[:2]),
    "complete_box_iou": lambda: (FOUR, FOUR[:2]),
    "box_iou_rotated": lambda: (ROTATED, ROTATED),
}


def test_every_operator_has_a_sample():
    """So that none is left out below."""
    names = [name.partition("::") for name in torch._C._dispatch_get_all_op_names()]
    registered = {operator for namespace, _, operator in names if namespace == "roi"}
    assert registered == set(SAMPLES)


def opcheck(name, arguments, **options):
    """PyTorch's own check of one operator."""
    from torch import library

    library.opcheck(getattr(ops, name).default, arguments, **options)


@pytest.mark.parametrize("name", SAMPLES)
def test_opcheck(name):
    """Schema, registration for autograd, fake kernels and tracing with sizes left open, as PyTorch checks them."""
    opcheck(name, SAMPLES[name]())


@pytest.mark.parametrize("name", ["box_area", "clip_boxes_to_image", "box_convert", "box_iou", "masks_to_boxes"])
@pytest.mark.parametrize("dtype", [torch.int32, torch.float16, torch.float32])
def test_fake_kernels_know_the_type_of_the_result(name, dtype):
    """Integers and 16 bits become other types; the fake kernel says which."""
    arguments = [part.detach().to(dtype) if isinstance(part, torch.Tensor) else part for part in SAMPLES[name]()]
    opcheck(name, tuple(arguments), test_utils=("test_schema", "test_faketensor"))


# ---- torch.compile ---------------------------------------------------------------------------------------------------

COMPILED = {**ALL, "multiscale": lambda x: pool_pyramid([x[:, :3], x[:, 3:6, ::2, ::2], x[:, 5:8, ::3, ::3]])}


@pytest.mark.parametrize("pool", COMPILED.values(), ids=COMPILED)
def test_compiled_is_the_same(pool):
    """In one graph, forward and backward, to the last bit."""
    torch.compiler.reset()
    map = random(2, 8, 6, 7, grad=True)

    def loss(x):
        return (pool(x * 2) ** 2).sum()

    expected, (slope,) = loss(map), torch.autograd.grad(loss(map), map)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    result = compiled(map)
    assert result.item() == expected.item()
    torch.testing.assert_close(torch.autograd.grad(result, map)[0], slope, rtol=0, atol=0)


def test_compiled_once_for_all_sizes():
    """With sizes left open one graph serves maps and boxes of any number."""
    torch.compiler.reset()
    graphs = []

    def count(graph, inputs):
        graphs.append(graph)
        return graph

    pool = torch.compile(lambda x, rows: rt.roi_align(x, rows, 2, 0.5) + 1, fullgraph=True, dynamic=True, backend=count)
    for side, many in ((6, 3), (9, 2), (12, 5)):
        map = random(2, 4, side, side + 1)
        rows = boxes()[:many]
        torch.testing.assert_close(pool(map, rows), rt.roi_align(map, rows, 2, 0.5) + 1, rtol=0, atol=0)
    assert len(graphs) == 1


def test_compiled_suppression():
    """Its result has a size that depends on the values, which torch.compile takes into a graph when told to."""
    torch.compiler.reset()

    def detect(rows, scores, classes):
        kept = rt.batched_nms(rows, scores, classes, 0.5)
        return rt.clip_boxes_to_image(rows[kept], (9, 12)), scores[rt.nms(rows, scores, 0.3)]

    arguments = FOUR, SCORES, torch.tensor([0, 0, 1])
    with torch._dynamo.config.patch(capture_dynamic_output_shape_ops=True):
        result = torch.compile(detect, fullgraph=True, backend="aot_eager")(*arguments)
    for part, expected in zip(result, detect(*arguments), strict=True):
        torch.testing.assert_close(part, expected, rtol=0, atol=0)
    assert len(result[0]) == 2


def test_compiled_with_inductor(tmp_path, monkeypatch):
    """The default backend, which compiles what is around our operators with a C++ compiler."""
    import shutil

    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("no C++ compiler is installed")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch.compiler.reset()
    map = random(2, 8, 6, 7, dtype=torch.float32, grad=True)
    rows = boxes(torch.float32)

    def loss(x):
        return (rt.roi_align(x.relu(), rows, 2, 0.7).sigmoid() * 3).sum()

    (expected,) = torch.autograd.grad(loss(map), map)
    (slope,) = torch.autograd.grad(torch.compile(loss, fullgraph=True)(map), map)
    torch.testing.assert_close(slope, expected)


def test_exported():
    """torch.export keeps the operator as a step of the program."""

    class Pool(torch.nn.Module):
        def forward(self, x, rows):
            return rt.roi_align(x, rows, (2, 2), 0.5)

    program = torch.export.export(Pool(), (random(2, 4, 6, 7), boxes()))
    assert ops.roi_align.default in [node.target for node in program.graph.nodes]
    map = random(2, 4, 6, 7, seed=3)
    torch.testing.assert_close(program.module()(map, boxes()), rt.roi_align(map, boxes(), 2, 0.5), rtol=0, atol=0)
