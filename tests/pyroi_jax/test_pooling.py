"""pyroi.jax: crops are those of pyroi to the last bit, and their gradients those of the operators' definitions."""

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
MAP = RNG.standard_normal((2, 3, 9, 11)).astype(np.float32)
COARSE = RNG.standard_normal((2, 3, 5, 6)).astype(np.float32)
BOXES = np.array([[0, 1, 1, 5, 4.3], [1, -1, 2, 9, 5], [1, 3, 3, 3, 3], [0, 40, 40, 50, 50]], np.float32)
TURNED = np.array([[0, 3, 3, 5, 4.3, 30], [1, 4, 2, 9, 5, -100]], np.float32)
PYRAMID = {"spatial_scales": (0.9, 0.45), "canonical_level": 0, "canonical_scale": 2.5}

# Each operator as a function of its maps and boxes, of pyroi or pyroi.jax.
CALLS = {
    "roi_align": (lambda ops, x, b: ops.roi_align(x, b, (2, 3), 0.7), BOXES),
    "roi_align, not aligned": (lambda ops, x, b: ops.roi_align(x, b, (2, 3), 0.7, 2, aligned=False), BOXES),
    "roi_align, max": (lambda ops, x, b: ops.roi_align(x, b, 2, mode="max"), BOXES),
    "roi_align, max_corner": (lambda ops, x, b: ops.roi_align(x, b, 2, mode="max_corner"), BOXES),
    "roi_align_rotated": (lambda ops, x, b: ops.roi_align_rotated(x, b, (2, 3), 0.7, 2, clockwise=True), TURNED),
    "multiscale_roi_align": (lambda ops, x, b: ops.multiscale_roi_align([x, x[:, :, :5, :6]], b, 3, **PYRAMID), BOXES),
    "roi_pool": (lambda ops, x, b: ops.roi_pool(x, b, (2, 3), 0.7), BOXES),
    "prroi_pool": (lambda ops, x, b: ops.prroi_pool(x, b, (2, 3), 0.7), BOXES),
}
LINEAR = ["roi_align", "roi_align, not aligned", "roi_align_rotated", "multiscale_roi_align"]
DIFFERENTIABLE = [*LINEAR, "roi_pool", "prroi_pool"]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_crops(name, dtype):
    """pyroi's own, to the last bit: alone, and in a compiled program that does something before."""
    call, boxes = CALLS[name]
    map = jnp.asarray(MAP, dtype)
    expected = call(pyroi, np.asarray(map), boxes)
    for result in (call(rj, map, boxes), jax.jit(lambda x, b: call(rj, x * 1, b + 0))(map, boxes)):
        assert result.dtype == dtype and result.shape == expected.shape
        assert np.array_equal(np.asarray(result), expected)


@pytest.mark.parametrize("name", CALLS)
def test_crops_of_float64(float64, name):
    """Maps and boxes of 64 bits stay what they are."""
    call, boxes = CALLS[name]
    map = MAP.astype(np.float64)
    result = jax.jit(lambda x: call(rj, x, boxes.astype(np.float64)))(map)
    assert result.dtype == np.float64
    assert np.array_equal(result, call(pyroi, map, boxes.astype(np.float64)))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_for_the_map(float64, name):
    """Against finite differences in float64: of linear operators also the second ones, and in forward mode."""
    call, boxes = CALLS[name]
    map = MAP.astype(np.float64)
    linear = name in LINEAR
    check_grads(
        lambda x: call(rj, x, boxes), (map,), order=2 if linear else 1, modes=["fwd", "rev"] if linear else ["rev"]
    )


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_against_pytorch(name):
    """The gradient that pyroi.torch gives for the same crops, to the last bit."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ops = importlib.import_module("pyroi.torch")
    call, boxes = CALLS[name]
    map = torch.tensor(MAP, requires_grad=True)
    aligned = {} if "not aligned" in name or name != "roi_align" else {"aligned": True}
    crops = (
        call(ops, map, torch.tensor(boxes))
        if not aligned
        else ops.roi_align(map, torch.tensor(boxes), (2, 3), 0.7, **aligned)
    )
    weights = np.random.default_rng(1).standard_normal(crops.shape).astype(np.float32)
    [expected] = torch.autograd.grad(crops, map, torch.tensor(weights))
    result = jax.jit(jax.grad(lambda x: (call(rj, x, boxes) * weights).sum()))(MAP)
    assert np.array_equal(result, expected.numpy())


def test_gradient_for_the_corners(float64):
    """prroi_pool is differentiable in its boxes; in a batch index it is not, and has 0 there."""
    corners = BOXES[:2, 1:].astype(np.float64) + 0.13  # no edge of a bin lies on a pixel, where derivatives jump
    map = MAP.astype(np.float64)

    def pool(x, corners):
        return rj.prroi_pool(x, jnp.concatenate([BOXES[:2, :1], corners], 1), (2, 3), 0.7)

    check_grads(pool, (map, corners), order=1, modes=["rev"])
    rows = jnp.asarray(BOXES[:2], jnp.float64)
    assert (jax.grad(lambda b: rj.prroi_pool(map, b, 2).sum())(rows)[:, 0] == 0).all()


@pytest.mark.parametrize("name", ["roi_align", "roi_align_rotated", "roi_pool"])
def test_boxes_without_a_derivative(name):
    """Their gradient is 0, so that boxes that depend on parameters do no harm."""
    call, boxes = CALLS[name]
    assert not jax.grad(lambda b: call(rj, MAP, b).sum())(boxes).any()


@pytest.mark.parametrize("mode", ["max", "max_corner"])
def test_maxima_have_no_gradient(mode):
    """And say so, where one is asked for."""
    with pytest.raises(NotImplementedError, match="only the mode avg has a gradient"):
        jax.grad(lambda x: rj.roi_align(x, BOXES, 2, mode=mode).sum())(MAP)


@pytest.mark.parametrize("name", ["roi_pool", "prroi_pool"])
def test_no_second_derivative_is_an_error(name):
    """And not a 0 that would pass unseen."""
    call, boxes = CALLS[name]
    slope = jax.grad(lambda x: (call(rj, x, boxes) ** 2).sum())
    with pytest.raises(NotImplementedError, match=f"pyroi_{name}"):
        jax.grad(lambda x: (slope(x) ** 2).sum())(MAP)


@pytest.mark.parametrize("in_axes", [(0, 0), (0, None), (None, 0), (1, 2)])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_jit_of_vmap_of_grad(name, in_axes):
    """Examples in one call have the gradients that each has alone, whichever operand is the same for all."""
    call, boxes = CALLS[name]
    maps = jnp.stack([MAP, 2 * MAP, MAP[::-1]]) if in_axes[0] is not None else jnp.asarray(MAP)
    rows = jnp.stack([boxes, boxes[::-1], boxes]) if in_axes[1] is not None else jnp.asarray(boxes)

    def slope(x, b):
        return jax.grad(lambda x: (call(rj, x, b) ** 2).sum())(x)

    alone = [
        slope(maps[i] if in_axes[0] is not None else maps, rows[i] if in_axes[1] is not None else rows)
        for i in range(3)
    ]
    given = [x if axis is None else jnp.moveaxis(x, 0, axis) for x, axis in zip((maps, rows), in_axes, strict=True)]
    result = jax.jit(jax.vmap(slope, in_axes))(*given)
    assert np.array_equal(result, np.stack(alone))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_grad_of_vmap(name):
    """A map that all examples have in common gets the sum of their gradients."""
    call, boxes = CALLS[name]
    rows = jnp.stack([boxes, boxes + 0, boxes[::-1]])
    result = jax.grad(lambda x: jax.vmap(lambda b: (call(rj, x, b) ** 2).sum())(rows).sum())(MAP)
    alone = [jax.grad(lambda x, b=b: (call(rj, x, b) ** 2).sum())(MAP) for b in rows]
    assert np.allclose(result, sum(alone), rtol=1e-5, atol=1e-5)


def test_vmap_in_vmap():
    """Maps along the outer, boxes along the inner."""
    maps, rows = jnp.stack([MAP, -MAP]), jnp.stack([BOXES, BOXES[::-1], BOXES])
    result = jax.vmap(lambda x: jax.vmap(lambda b: rj.roi_align(x, b, 2))(rows))(maps)
    expected = [[pyroi.roi_align(np.asarray(x), np.asarray(b), 2) for b in rows] for x in maps]
    assert np.array_equal(result, expected)
    assert jax.vmap(lambda b: rj.roi_align(MAP, b, 2))(jnp.zeros((0, 4, 5))).shape == (0, 4, 3, 2, 2)


def test_second_derivatives():
    """The Hessian of a quadratic form of crops is that of its matrix: roi_align_backward after roi_align."""
    direction = np.random.default_rng(2).standard_normal(MAP.shape).astype(np.float32)
    slope = jax.grad(lambda x: 0.5 * (rj.roi_align(x, BOXES, 2) ** 2).sum())
    expected = pyroi.roi_align_backward(pyroi.roi_align(direction, BOXES, 2), BOXES, MAP.shape)
    assert np.allclose(jax.jvp(slope, (MAP,), (direction,))[1], expected, atol=1e-5)
    assert np.allclose(jax.vjp(slope, MAP)[1](direction)[0], expected, atol=1e-5)


def test_forms_of_boxes():
    """One image without batch index; a list with an array for each image; none."""
    one = MAP[:1]
    assert np.array_equal(rj.roi_align(one, BOXES[:, 1:], 2), pyroi.roi_align(one, BOXES[:, 1:], 2))
    lists = [BOXES[:1, 1:], BOXES[1:3, 1:]]
    assert np.array_equal(rj.roi_align(MAP, lists, 2), pyroi.roi_align(MAP, lists, 2))
    assert np.array_equal(
        rj.roi_align(MAP, [[], lists[1]] and [np.zeros(0), lists[1]], 2), pyroi.roi_align(MAP, [[], lists[1]], 2)
    )
    assert rj.roi_align(MAP, np.zeros((0, 5), np.float32), 2).shape == (0, 3, 2, 2)
    assert np.array_equal(rj.roi_align(one, [1, 1, 5, 4.3], 2), pyroi.roi_align(one, [1, 1, 5, 4.3], 2))
    nested = [[[1, 1, 5, 4.3]], []]
    assert np.array_equal(rj.roi_align(MAP, nested, 2), pyroi.roi_align(MAP, nested, 2))
    traced = jax.jit(lambda x: rj.roi_align(MAP, [[[x, 1, 5, 4.3]], []], 2))(1.0)
    assert np.array_equal(traced, pyroi.roi_align(MAP, nested, 2))
    whole = np.array([[0, 1, 2, 5, 6]])
    assert np.array_equal(rj.roi_align(MAP, whole, 2), pyroi.roi_align(MAP, whole, 2))


def test_levels_that_are_constant():
    """Of a pyramid one level alone may be differentiated."""
    fine = jax.grad(lambda x: (rj.multiscale_roi_align([x, COARSE], BOXES, 3, **PYRAMID) ** 2).sum())(MAP)
    both = jax.grad(lambda x: (rj.multiscale_roi_align(x, BOXES, 3, **PYRAMID) ** 2).sum())([MAP, COARSE])
    assert np.array_equal(fine, both[0]) and both[1].any()
