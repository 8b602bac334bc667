"""roi_align_backward: worked by hand, as the transpose of the forward, by differences and by PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from oracles import autograd, bounds, walk
from oracles.cases import A25, cases, random_boxes, random_map

import pyroi


def ones_grad(output_size, dtype=np.float32):
    return np.ones((1, 1, *output_size), dtype)


def test_worked_example():
    """The sum of (1, 1, 3, 3), 2 x 2, ratio 2, not aligned: samples at 1.25 to 2.75 share out as 1 2 1 by 1 2 1."""
    result = pyroi.roi_align_backward(ones_grad((2, 2)), [[0, 1, 1, 3, 3]], (1, 1, 5, 5), 1.0, 2, False)
    expected = np.zeros((5, 5))
    expected[1:4, 1:4] = np.outer([1, 2, 1], [1, 2, 1]) / 4
    assert result[0, 0].tolist() == expected.tolist()
    assert result.dtype == np.float32


def test_whole_map_by_itself():
    """The whole map in as many bins as pixels: the gradient is the gradient."""
    grad = random_map(np.random.default_rng(0), (1, 3, 4, 6))
    result = pyroi.roi_align_backward(grad, [[0, 0, 0, 6, 4]], (1, 3, 4, 6))
    assert result.tolist() == grad.tolist()


def test_defaults_and_names():
    """Parameters are called grad, boxes, input_shape, spatial_scale, sampling_ratio, aligned; defaults 1, -1, true."""
    boxes = np.array([[0, 1, 1, 3, 3]], np.float32)
    expected = pyroi.roi_align_backward(ones_grad((2, 2)), boxes, (1, 1, 5, 5), 1.0, -1, True)
    assert pyroi.roi_align_backward(grad=ones_grad((2, 2)), boxes=boxes, input_shape=(1, 1, 5, 5)).tolist() == (
        expected.tolist()
    )
    named = pyroi.roi_align_backward(
        ones_grad((2, 2)), boxes, [1, 1, 5, 5], spatial_scale=1.0, sampling_ratio=-1, aligned=True
    )
    assert named.tolist() == expected.tolist()


def test_sum_is_kept():
    """Weights of a box inside the map add up to 1 in each bin: what flows in flows out."""
    rng = np.random.default_rng(2)
    grad = rng.uniform(0, 1, (2, 3, 4, 5))
    boxes = np.array([[0, 1, 1, 7, 6], [1, 2.5, 0.7, 9.1, 8.8]])
    result = pyroi.roi_align_backward(grad, boxes, (2, 3, 10, 10))
    assert result.sum() == pytest.approx(grad.sum(), rel=1e-12)


def check_against_walk(grad, boxes, shape, *parameters):
    """Holds the gradient to the walk over the samples."""
    real = bounds.computed_in(grad.dtype)
    expected = walk.roi_align_backward(grad, boxes, shape, *parameters, real=real)
    magnitude = walk.roi_align_backward(np.abs(grad), boxes, shape, *parameters, real=real)
    bounds.assert_within(pyroi.roi_align_backward(grad, boxes, shape, *parameters), expected, magnitude)


@given(cases())
def test_agrees_with_the_walk(case):
    """float32: random gradients, boxes and parameters."""
    shape = (len(case.boxes), case.input.shape[1], *case.output_size)
    grad = random_map(np.random.default_rng(1), shape)
    check_against_walk(grad, case.boxes, case.input.shape, *case.arguments[2:])


@given(cases(dtype=np.float64))
def test_agrees_with_the_walk_in_float64(case):
    """The same in float64."""
    shape = (len(case.boxes), case.input.shape[1], *case.output_size)
    grad = random_map(np.random.default_rng(1), shape, np.float64)
    check_against_walk(grad, case.boxes, case.input.shape, *case.arguments[2:])


@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_the_walk_on_many_boxes(seed):
    """Batches of 48 boxes, several images and channels, maps of up to 33 x 33."""
    rng = np.random.default_rng(seed)
    dtype = (np.float32, np.float64)[seed % 2]
    shape = (3, int(rng.integers(1, 18)), int(rng.integers(1, 34)), int(rng.integers(1, 34)))
    boxes = random_boxes(rng, 48, shape, dtype=dtype)
    grad = random_map(rng, (48, shape[1], *(int(side) for side in rng.integers(1, 9, 2))), dtype)
    check_against_walk(grad, boxes, shape, 1.0, int(rng.integers(-1, 4)), seed % 3 != 0)


@given(cases(dtype=np.float64))
def test_is_the_transpose_of_the_forward(case):
    """<A x, g> = <x, A' g> for every x and g."""
    forward = pyroi.roi_align(case.input, *case.arguments)
    grad = random_map(np.random.default_rng(3), forward.shape, np.float64)
    backward = pyroi.roi_align_backward(grad, case.boxes, case.input.shape, *case.arguments[2:])
    scale = (pyroi.roi_align(np.abs(case.input), *case.arguments) * np.abs(grad)).sum()
    assert abs((forward * grad).sum() - (case.input * backward).sum()) <= 1e-13 * scale


@pytest.mark.parametrize("ratio", [-1, 2])
@pytest.mark.parametrize("aligned", [True, False])
def test_is_the_difference_of_the_forward(ratio, aligned):
    """Changing one pixel by 1 changes the result by its gradient (the forward is linear), for every pixel."""
    rng = np.random.default_rng(4)
    shape = (1, 2, 5, 6)
    map, boxes = random_map(rng, shape, np.float64), random_boxes(rng, 6, shape, dtype=np.float64)
    parameters = ((3, 2), 1.0, ratio, aligned)
    before = pyroi.roi_align(map, boxes, *parameters)
    grad = random_map(rng, before.shape, np.float64)
    gradient = pyroi.roi_align_backward(grad, boxes, shape, *parameters[1:])
    for pixel in np.ndindex(*shape):
        changed = map.copy()
        changed[pixel] += 1
        difference = ((pyroi.roi_align(changed, boxes, *parameters) - before) * grad).sum()
        assert difference == pytest.approx(gradient[pixel], abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_pytorch(seed):
    """PyTorch differentiates an expression of its own for the same mean of samples."""
    rng = np.random.default_rng(seed)
    dtype = (np.float32, np.float64)[seed % 2]
    shape = (2, 3, int(rng.integers(1, 12)), int(rng.integers(1, 12)))
    boxes = random_boxes(rng, 16, shape, dtype=dtype)
    grad = random_map(rng, (16, 3, int(rng.integers(1, 6)), int(rng.integers(1, 6))), dtype)
    parameters = (1.0, (-1, 1, 2, 3)[seed % 4], seed % 3 != 0)
    expected = autograd.gradient(grad, boxes, shape, *parameters, real=dtype)
    magnitude = autograd.gradient(np.abs(grad), boxes, shape, *parameters, real=dtype)
    bounds.assert_within(pyroi.roi_align_backward(grad, boxes, shape, *parameters), expected, magnitude)


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_torchvision(seed):
    """torchvision's own backward, in float64, where its rounding is out of sight."""
    torchvision_roi_align, torch = autograd.torchvision_roi_align(), autograd.torch()
    rng = np.random.default_rng(seed)
    shape = (2, 3, 11, 9)
    boxes = random_boxes(rng, 16, shape, dtype=np.float64, mirror=False)
    map = torch.tensor(random_map(rng, shape, np.float64), requires_grad=True)
    parameters = (1.0, (-1, 1, 2)[seed % 3], seed % 2 == 0)
    crops = torchvision_roi_align(map, torch.tensor(boxes), (3, 4), *parameters)
    grad = random_map(rng, crops.shape, np.float64)
    crops.backward(torch.tensor(grad))
    magnitude = walk.roi_align_backward(np.abs(grad), boxes, shape, *parameters, real=np.float64)
    result = pyroi.roi_align_backward(grad, boxes, shape, *parameters)
    bounds.assert_within(result, map.grad.numpy(), magnitude, ulps=200)


def test_result_does_not_depend_on_what_memory_held():
    """The result is overwritten, not added to: pixels that no box reads are 0, call after call."""
    for _ in range(5):
        result = pyroi.roi_align_backward(ones_grad((2, 2)), [[0, 1, 1, 3, 3]], (2, 1, 64, 64))
        # aligned: one sample in the middle of pixels (1, 1), (1, 2), (2, 1), (2, 2)
        assert np.argwhere(result[0, 0]).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]
        assert not result[1].any()
        result[...] = 7  # what the next call may be given


def test_many_boxes_on_one_pixel():
    """4096 boxes that each give 1 to one pixel: 4096 there, in float16 too, where 2048 + 1 is 2048."""
    boxes = np.tile(np.array([[0, 1, 1, 2, 2]], np.float32), (4096, 1))
    for dtype in (np.float16, np.float32, np.float64):
        result = pyroi.roi_align_backward(np.ones((4096, 1, 1, 1), dtype), boxes, (1, 1, 3, 3))
        assert result.dtype == dtype
        assert result[0, 0].tolist() == [[0, 0, 0], [0, 4096, 0], [0, 0, 0]]


@pytest.mark.parametrize("box", [(0, 0, 1e9, 1e9), (-5e8, -5e8, 5e8, 5e8), (-1e9, 1, 1e9, 3)])
@pytest.mark.parametrize("ratio", [-1, 2])
def test_huge_box(box, ratio):
    """Boxes of side 1e9, against the walk over those samples that lie on the map."""
    for dtype in (np.float32, np.float64):
        grad = random_map(np.random.default_rng(8), (1, 2, 2, 3), dtype)
        check_against_walk(grad, np.array([[0, *box]], dtype), (1, 2, 5, 5), 1.0, ratio, True)


def test_any_number_of_samples():
    """10^9 samples a bin from pixel 1 to pixel 3: the integrals of the pixels' hat functions."""
    result = pyroi.roi_align_backward(np.ones((1, 1, 1, 1)), [[1.5, 1.5, 3.5, 3.5]], (1, 1, 5, 5), 1.0, 10**9)
    row = np.array([0, 0.25, 0.5, 0.25, 0])  # 1/2, 1, 1/2 over a length of 2
    assert result[0, 0] == pytest.approx(np.outer(row, row), abs=1e-8)


@pytest.mark.parametrize("ratio", [1, 2, 3, 9, 40])
def test_small_weights_keep_their_digits(ratio):
    """Samples just below pixel 1 leave pixel 0 a small weight, which has as many digits in float64 as a large one."""
    rng = np.random.default_rng(11)
    for distance in 10.0 ** rng.uniform(-14, -1, 200):
        arguments = ([[0, 1.5 - distance, 0, 1.5 - distance * rng.uniform(0, 1), 1]], (1, 1, 1, 4), 1.0, ratio)
        grad = np.ones((1, 1, 1, 1))
        expected = walk.roi_align_backward(grad, *arguments, real=np.float64)
        result = pyroi.roi_align_backward(grad, *arguments)
        assert result[..., 0].item() == pytest.approx(expected[..., 0].item(), rel=1e-13, abs=0)


def test_box_formats_agree():
    """[K, 4] with one image and a list of arrays flow back as [K, 5] does."""
    rng = np.random.default_rng(10)
    boxes = random_boxes(rng, 7, (2, 1, 6, 6))
    boxes[:, 0] = [0, 0, 0, 0, 1, 1, 1]
    grad = random_map(rng, (7, 2, 3, 3))
    expected = pyroi.roi_align_backward(grad, boxes, (2, 2, 6, 6)).tobytes()
    parts = [boxes[:4, 1:], boxes[4:, 1:]]
    assert pyroi.roi_align_backward(grad, parts, (2, 2, 6, 6)).tobytes() == expected
    one = pyroi.roi_align_backward(grad[:4], boxes[:4], (1, 2, 6, 6)).tobytes()
    assert pyroi.roi_align_backward(grad[:4], boxes[:4, 1:], (1, 2, 6, 6)).tobytes() == one


def test_forward_of_ones_is_the_weight_of_each_bin():
    """The mean of a constant map is the share of samples inside; the gradient's sum is that share's sum."""
    boxes = np.array([[0, -3, -2, 4, 9]], np.float64)
    share = pyroi.roi_align(np.ones_like(A25, np.float64), boxes, (3, 3))
    gradient = pyroi.roi_align_backward(np.ones((1, 1, 3, 3)), boxes, (1, 1, 5, 5))
    assert gradient.sum() == pytest.approx(share.sum(), rel=1e-13)
    assert 0 < share.sum() < 9
