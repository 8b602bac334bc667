"""pyroi.jax: overlap and suppression, with results of fixed size."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import pyroi

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = importlib.import_module("jax.numpy")
check_grads = importlib.import_module("jax.test_util").check_grads
rj = importlib.import_module("pyroi.jax")

RNG = np.random.default_rng(0)
CORNERS = RNG.uniform(0, 60, (200, 2)).astype(np.float32)
BOXES = np.concatenate([CORNERS, CORNERS + RNG.uniform(1, 30, (200, 2)).astype(np.float32)], 1)
TURNED = np.concatenate([CORNERS, RNG.uniform(1, 30, (200, 2)), RNG.uniform(-200, 200, (200, 1))], 1).astype(np.float32)
SCORES = RNG.random(200).astype(np.float32)
CLASSES = RNG.integers(0, 5, 200)


def padded(kept, size):
    """What pyroi keeps, as a result of this size has it."""
    return [*kept, *[-1] * (size - len(kept))]


SUPPRESSIONS = {
    "nms": lambda ops, scores, **more: ops.nms(BOXES, scores, 0.4, **more),
    "nms, score threshold": lambda ops, scores, **more: ops.nms(BOXES, scores, 0.4, 0.3, **more),
    "batched_nms": lambda ops, scores, **more: ops.batched_nms(BOXES, scores, CLASSES.astype(np.int32), 0.4, **more),
    "nms_rotated": lambda ops, scores, **more: ops.nms_rotated(TURNED, scores, 0.4, **more),
}


@pytest.mark.parametrize("limit", [None, 0, 7, 500])
@pytest.mark.parametrize("call", SUPPRESSIONS.values(), ids=SUPPRESSIONS)
def test_suppression(call, limit):
    """The indices of pyroi, and -1 behind them."""
    kept, count = jax.jit(lambda scores: call(rj, scores, max_output=limit))(SCORES)
    expected = call(pyroi, SCORES, max_output=limit)
    assert kept.dtype == count.dtype == np.int32
    assert count == len(expected)
    assert kept.tolist() == padded(expected, 200 if limit is None else limit)


@pytest.mark.parametrize("call", SUPPRESSIONS.values(), ids=SUPPRESSIONS)
def test_suppression_of_examples(call):
    """Under vmap each example has its own result, and its own number."""
    scores = jnp.stack([SCORES, SCORES[::-1], 1 - SCORES])
    kept, counts = jax.jit(jax.vmap(lambda scores: call(rj, scores)))(scores)
    for row, count, each in zip(kept, counts, scores, strict=True):
        expected = call(pyroi, np.asarray(each))
        assert count == len(expected) and row.tolist() == padded(expected, 200)


def test_what_is_taken_by_indices_has_a_gradient():
    """Though the indices have none: 1 for the scores that are kept."""

    def total(scores):
        kept, _ = rj.nms(BOXES, scores, 0.4)
        return jnp.where(kept >= 0, scores[kept], 0).sum()

    expected = np.zeros(200)
    expected[pyroi.nms(BOXES, SCORES, 0.4)] = 1
    assert np.array_equal(jax.grad(total)(SCORES), expected)


def test_one_box():
    """A row stands for an array of one, as in pyroi."""
    row, other = [0, 0, 1, 1.0], [[0, 0, 1, 2.0]]
    assert np.array_equal(rj.box_iou(row, other), pyroi.box_iou(row, other))
    assert np.array_equal(rj.box_iou_rotated([2, 2, 2, 2, 0.0], [2, 2, 2, 2, 0.0]), [[1]])
    kept, count = rj.nms(row, [0.5], 0.5)
    assert kept.tolist() == [0] and count == 1


def test_no_boxes():
    """Nothing is kept of nothing, and there is room for what is asked for."""
    kept, count = rj.nms(np.zeros((0, 4)), np.zeros(0), 0.5)
    assert kept.shape == (0,) and count == 0
    kept, count = rj.nms(np.zeros(0), np.zeros(0), 0.5, max_output=3)
    assert kept.tolist() == [-1, -1, -1] and count == 0
    assert rj.box_iou(np.zeros((0, 4)), BOXES).shape == (0, 200)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_overlap(dtype):
    """pyroi's own matrices, to the last bit."""
    boxes = jnp.asarray(BOXES, dtype)
    result = jax.jit(rj.box_iou)(boxes, boxes[:50])
    assert result.dtype == dtype
    assert np.array_equal(result, pyroi.box_iou(np.asarray(boxes), np.asarray(boxes[:50])))
    assert np.array_equal(rj.box_iou_rotated(TURNED, TURNED[:50]), pyroi.box_iou_rotated(TURNED, TURNED[:50]))


def test_overlap_of_examples():
    """Under vmap, with one of the two the same for all."""
    boxes = jnp.stack([BOXES, BOXES[::-1]])
    result = jax.vmap(rj.box_iou, (0, None))(boxes, BOXES[:50])
    assert np.array_equal(result, [pyroi.box_iou(np.asarray(b), BOXES[:50]) for b in boxes])


def test_gradient_of_overlap(float64):
    """Against finite differences, in both modes and twice; 0, and no NaN, for boxes without area."""
    first, second = BOXES[:6].astype(np.float64), BOXES[6:10].astype(np.float64)
    check_grads(rj.box_iou, (first, second), order=2, modes=["fwd", "rev"])
    nothing = np.zeros((2, 4))
    assert not jax.grad(lambda b: rj.box_iou(b, nothing).sum())(nothing).any()


def test_gradient_of_overlap_against_pytorch():
    """pyroi.torch's."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ops = importlib.import_module("pyroi.torch")
    weights = np.random.default_rng(1).standard_normal((200, 50)).astype(np.float32)
    boxes = torch.tensor(BOXES, requires_grad=True)
    [expected] = torch.autograd.grad(ops.box_iou(boxes, torch.tensor(BOXES[150:] + 1)), boxes, torch.tensor(weights))
    result = jax.grad(lambda b: (rj.box_iou(b, BOXES[150:] + 1) * weights).sum())(BOXES)
    assert np.allclose(result, expected, atol=1e-5)


def test_no_gradient_of_rotated_overlap():
    """Which is an error, and not 0."""
    with pytest.raises(NotImplementedError, match="pyroi_box_iou_rotated"):
        jax.grad(lambda b: rj.box_iou_rotated(b, TURNED).sum())(TURNED)
