"""grid_sample and affine_grid: against the definition, and against PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import bounds, points
from oracles.autograd import torch
from oracles.cases import random_map
from oracles.points import MODES, PADDINGS

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

ROW = np.array([1.0, 2, 4, 8]).reshape(1, 1, 1, 4)


def at(*places):
    """A grid of one row of points at these x, in the middle row."""
    return np.array([[[[x, 0.0] for x in places]]])


def random_grid(rng, shape, dtype):
    """Points inside, outside, and on borders and centres of pixels."""
    kind = rng.integers(0, 4)
    if kind == 0:
        return rng.uniform(-1.2, 1.2, shape).astype(dtype)
    if kind == 1:
        return rng.uniform(-6, 6, shape).astype(dtype)
    if kind == 2:
        return (rng.integers(-12, 13, shape) / 8).astype(dtype)
    return (10.0 ** rng.uniform(-3, 6, shape) * rng.choice([-1, 1], shape)).astype(dtype)


@given(data=st.data())
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_agrees_with_the_definition(dtype, mode, data):
    """All modes, paddings and alignments, point by point."""
    seed, padding = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.sampled_from(PADDINGS))
    align_corners = data.draw(st.booleans())
    rng = np.random.default_rng(seed)
    map = random_map(rng, (*rng.integers(1, 4, 2), *rng.integers(1, 9, 2)), dtype)
    grid = rng.uniform(-2.5, 2.5, (map.shape[0], *rng.integers(1, 7, 2), 2)).astype(dtype)
    expected, magnitude = points.grid_sample(map, grid, mode, padding, align_corners, dtype)
    # a place is rounded to an ulp of itself, here at most 32, before and after it is reflected
    slack = 0 if mode == "nearest" else 64 * np.abs(map).max()
    result = pyroi.grid_sample(map, grid, mode, padding, align_corners)
    bounds.assert_within(result, expected, magnitude + slack)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_pytorch(seed, dtype, tolerance):
    """700 random calls for each type and seed: 1e-12 in float64, 1e-5 in float32, where positions are below 100."""
    t = torch()
    rng = np.random.default_rng(seed)
    for _ in range(700):
        map = random_map(rng, (*rng.integers(1, 4, 2), *rng.integers(1, 30, 2)), dtype)
        grid = random_grid(rng, (map.shape[0], *rng.integers(1, 30, 2), 2), dtype)
        mode, padding, align_corners = str(rng.choice(MODES)), str(rng.choice(PADDINGS)), bool(rng.integers(2))
        if mode == "bicubic" or padding == "reflection":
            grid = grid.clip(-6, 6)  # far away, cubics and reflections amplify the rounding of the place
        expected = t.nn.functional.grid_sample(
            t.from_numpy(map), t.from_numpy(grid), mode=mode, padding_mode=padding, align_corners=align_corners
        )
        result = pyroi.grid_sample(map, grid, mode, padding, align_corners)
        note = f"{mode} {padding} {align_corners} {map.shape} {grid.shape}"
        np.testing.assert_allclose(result, expected.numpy(), atol=tolerance, rtol=tolerance, err_msg=note)


@pytest.mark.parametrize("align_corners", [False, True])
def test_the_identity(align_corners):
    """The grid of the identity gives the map back, at every size, in every mode."""
    for shape in ((1, 2, 5, 7), (2, 1, 1, 9), (1, 3, 16, 16)):
        map = random_map(np.random.default_rng(0), shape, np.float64)
        grid = pyroi.affine_grid(np.tile([[1.0, 0, 0], [0, 1, 0]], (shape[0], 1, 1)), shape, align_corners)
        for mode in MODES:
            np.testing.assert_allclose(pyroi.grid_sample(map, grid, mode, "border", align_corners), map, atol=1e-13)


def test_places():
    """-1 and 1 are the borders, where zeros fade in by half; with align_corners the centres of the outermost pixels."""
    assert pyroi.grid_sample(ROW, at(-1, -0.75, 0, 1)).ravel().tolist() == [0.5, 1, 3, 4]
    assert pyroi.grid_sample(ROW, at(-1, 0, 1), align_corners=True).ravel().tolist() == [1, 3, 8]


def test_paddings():
    """One pixel beyond the right border: nothing, the last pixel, or its mirror image."""
    beyond = at(1.25)
    assert pyroi.grid_sample(ROW, beyond).item() == 0
    assert pyroi.grid_sample(ROW, beyond, padding_mode="border").item() == 8
    assert pyroi.grid_sample(ROW, beyond, padding_mode="reflection").item() == 8
    assert pyroi.grid_sample(ROW, at(1.75), padding_mode="reflection").item() == 4
    two_beyond = at(1 + 2 / 3)  # place 4 with align_corners: reflected at 3, the centre of the last pixel
    assert pyroi.grid_sample(ROW, two_beyond, padding_mode="reflection", align_corners=True).item() == pytest.approx(4)


def test_nearest_rounds_half_to_even():
    """Places 0.5, 1.5 and 2.5 are pixels 0, 2 and 2, as rint says."""
    grid = at(-0.5, 0, 0.5)
    assert pyroi.grid_sample(ROW, grid, "nearest").ravel().tolist() == [1, 4, 4]


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", PADDINGS)
def test_nan_in_the_grid_counts_as_minus_one(padding, mode, align_corners):
    """As PyTorch documents it (and does in some of its modes only)."""
    map = random_map(np.random.default_rng(1), (1, 2, 4, 5), np.float64)
    grid = np.random.default_rng(2).uniform(-1, 1, (1, 3, 3, 2))
    grid[0, 1, 1, 0] = grid[0, 2, 0, 1] = -1
    expected = pyroi.grid_sample(map, grid, mode, padding, align_corners)
    grid[0, 1, 1, 0] = grid[0, 2, 0, 1] = math.nan
    assert pyroi.grid_sample(map, grid, mode, padding, align_corners).tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", MODES)
def test_infinite_places(mode, dtype):
    """Infinity, and numbers whose place overflows: outside for zeros, the border's, and some pixel when reflected."""
    map = ROW.astype(dtype)
    limit = np.finfo(dtype).max
    for far, border in ((math.inf, 8), (limit, 8), (-math.inf, 1), (-limit, 1)):
        grid = at(far).astype(dtype)
        assert pyroi.grid_sample(map, grid, mode).item() == 0
        assert pyroi.grid_sample(map, grid, mode, "border").item() == pytest.approx(border, rel=1e-6)
        reflected = pyroi.grid_sample(map, grid, mode, "reflection").item()
        assert 0.5 <= reflected <= 8.5


def test_pixels_of_weight_0_do_not_take_part():
    """NaN and infinity beside a place on a pixel, or outside for the padding, are not read."""
    map = np.array([math.nan, 2, math.inf, 3]).reshape(1, 1, 1, 4)
    for mode in ("bilinear", "nearest"):
        assert pyroi.grid_sample(map, at(-0.25, 0.75), mode).ravel().tolist() == [2, 3]
    assert pyroi.grid_sample(map, at(-9, 9), "bicubic").ravel().tolist() == [0, 0]
    assert pyroi.grid_sample(map, at(0.75), "bicubic").item() == 3


def test_grid_of_another_type():
    """A float16 grid is widened, a float64 grid rounded to the type computed in, integers are whole places."""
    map = ROW.astype(np.float32)
    grid = at(-0.75, 0.3, 0.75)
    expected = pyroi.grid_sample(map, grid.astype(np.float32)).tobytes()
    assert pyroi.grid_sample(map, grid).tobytes() == expected
    half = grid.astype(np.float16)
    assert pyroi.grid_sample(map, half).tobytes() == pyroi.grid_sample(map, half.astype(np.float32)).tobytes()
    assert pyroi.grid_sample(map, at(-1, 0, 1).astype(np.int64)).ravel().tolist() == [0.5, 3, 4]


MAP, GRID = np.ones((2, 1, 3, 3), np.float32), np.zeros((2, 4, 5, 2), np.float32)
THETA = np.zeros((2, 2, 3))


HUGE_GRID = np.broadcast_to(np.float16(0), (2, 2**29, 2**30, 2))  # of 2^62 bytes; the result would have 2^63


@pytest.mark.parametrize(
    ("kind", "argument", "call"),
    [
        (ArgumentError, "input", lambda: pyroi.grid_sample(MAP[0], GRID)),
        (ArgumentError, "grid", lambda: pyroi.grid_sample(MAP, GRID[:1])),
        (ArgumentError, "grid", lambda: pyroi.grid_sample(MAP, GRID[..., :1])),
        (ArgumentError, "grid", lambda: pyroi.grid_sample(MAP, GRID[0])),
        (ArgumentTypeError, "grid", lambda: pyroi.grid_sample(MAP, "grid")),
        (ArgumentError, "grid", lambda: pyroi.grid_sample(MAP.repeat(4, 1), HUGE_GRID)),
        (ArgumentError, "mode", lambda: pyroi.grid_sample(MAP, GRID, "area")),
        (ArgumentTypeError, "mode", lambda: pyroi.grid_sample(MAP, GRID, 1)),
        (ArgumentError, "padding_mode", lambda: pyroi.grid_sample(MAP, GRID, "bilinear", "zero")),
        (ArgumentTypeError, "align_corners", lambda: pyroi.grid_sample(MAP, GRID, align_corners=None)),
        (ArgumentError, "theta", lambda: pyroi.affine_grid(np.zeros((2, 3, 2)), (2, 1, 4, 5))),
        (ArgumentError, "theta", lambda: pyroi.affine_grid(np.zeros((2, 3)), (1, 1, 4, 5))),
        (ArgumentError, "size", lambda: pyroi.affine_grid(THETA, (1, 1, 4, 5))),
        (ArgumentError, "size", lambda: pyroi.affine_grid(THETA, (2, 4, 5))),
        (ArgumentError, "size", lambda: pyroi.affine_grid(THETA, (2, 1, -4, 5))),
        (ArgumentError, "size", lambda: pyroi.affine_grid(THETA, (2, 1, 2**62, 2**62))),
        (ArgumentTypeError, "size", lambda: pyroi.affine_grid(THETA, "2145")),
        (ArgumentTypeError, "align_corners", lambda: pyroi.affine_grid(THETA, (2, 1, 4, 5), 0.5)),
    ],
)
def test_misuse(kind, argument, call):
    """The argument is named."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.argument == argument


# ---- affine_grid -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.filterwarnings("ignore:Since version 1.3.0")
def test_affine_grid_agrees_with_pytorch(dtype, tolerance):
    """200 random matrices and sizes, a side of 1 included."""
    t = torch()
    rng = np.random.default_rng(4)
    for _ in range(200):
        images, height, width = (int(n) for n in rng.integers(1, [4, 30, 30]))
        theta = rng.standard_normal((images, 2, 3)).astype(dtype)
        size, align_corners = (images, 3, height, width), bool(rng.integers(2))
        expected = t.nn.functional.affine_grid(t.from_numpy(theta), size, align_corners=align_corners)
        result = pyroi.affine_grid(theta, size, align_corners)
        assert result.dtype == dtype
        np.testing.assert_allclose(result, expected.numpy(), atol=tolerance, rtol=tolerance)


def test_affine_grid_by_hand():
    """x' = 2 x + 1, y' = y - x over 2 x 2 pixels, whose centres are at -0.5 and 0.5, or at -1 and 1."""
    theta = [[[2.0, 0, 1], [-1, 1, 0]]]
    result = pyroi.affine_grid(theta, (1, 1, 2, 2))
    assert result.tolist() == [[[[0, 0], [2, -1]], [[0, 1], [2, 0]]]]
    aligned = pyroi.affine_grid(theta, (1, 1, 2, 2), True)
    assert aligned.tolist() == [[[[-1, 0], [3, -2]], [[-1, 2], [3, 0]]]]
    assert pyroi.affine_grid(theta, (1, 1, 1, 1), True).tolist() == [[[[1, 0]]]]


def test_affine_grid_types_and_empty_sizes():
    """theta's floating type comes back; integers are float32; sizes of 0 are valid."""
    for dtype in (np.float16, np.float32, np.float64):
        assert pyroi.affine_grid(THETA.astype(dtype), (2, 1, 3, 4)).dtype == dtype
    assert pyroi.affine_grid(THETA.astype(int), (2, 1, 3, 4)).dtype == np.float32
    assert pyroi.affine_grid(THETA, (2, 1, 0, 4)).shape == (2, 0, 4, 2)
    assert pyroi.affine_grid(THETA[:0], (0, 1, 3, 4)).shape == (0, 3, 4, 2)
