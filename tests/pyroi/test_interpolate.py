"""interpolate and its gradient: against the definition, PyTorch, and published values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import bounds, resampling
from oracles.autograd import torch
from oracles.cases import random_map
from oracles.resampling import INTERPOLATING, MODES

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

SQUARE = np.array([[1.0, 2], [3, 4]]).reshape(1, 1, 2, 2)
FACTORS = (0.5, 2.0, 1 / 3, 1.5, 1.0, 1.1, 3.0, 4.0, 0.9)


@st.composite
def calls(draw):
    """A map, and what comes after it: (size, mode, align_corners, scale_factor, antialias)."""
    mode = draw(st.sampled_from(MODES))
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 14)), draw(st.integers(1, 40)))
    interpolates = mode in INTERPOLATING
    align_corners, antialias = interpolates and draw(st.booleans()), interpolates and draw(st.booleans())
    size = factor = None
    if draw(st.booleans()):
        size = (draw(st.integers(0, 20)), draw(st.integers(0, 40)))
    else:
        factor = (draw(st.sampled_from(FACTORS)), draw(st.sampled_from(FACTORS)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random_map(rng, shape, draw(st.sampled_from([np.float32, np.float64]))), (
        size,
        mode,
        align_corners,
        factor,
        antialias,
    )


def matrices(shape, size, mode, align_corners, factor, antialias, dtype):
    """The weights of both axes by the definition."""
    factors = factor or (None, None)
    size = size or tuple(math.floor(side * f) for side, f in zip(shape[2:], factors, strict=True))
    real = bounds.computed_in(dtype)
    return [
        resampling.matrix(mode, pixels, bins, f, align_corners, antialias, real)
        for pixels, bins, f in zip(shape[2:], size, factors, strict=True)
    ]


def terms(weights):
    """What a weight is rounded against: it may be a small difference of terms of order 1, as a cubic's are."""
    return np.abs(weights) + (weights != 0)


@given(call=calls())
def test_agrees_with_the_definition(call):
    """All modes and options, by size and by factor, up and down."""
    map, arguments = call
    y, x = matrices(map.shape, *arguments, map.dtype)
    magnitude = resampling.resize(np.abs(map), terms(y), terms(x))
    bounds.assert_within(pyroi.interpolate(map, *arguments), resampling.resize(map, y, x), magnitude)


@given(call=calls())
def test_gradient_agrees_with_the_definition(call):
    """The gradient is the transpose of the weights."""
    map, arguments = call
    _, mode, align_corners, factor, antialias = arguments
    y, x = matrices(map.shape, *arguments, map.dtype)
    grad = random_map(np.random.default_rng(0), (*map.shape[:2], len(y), len(x)), map.dtype)
    result = pyroi.interpolate_backward(grad, map.shape, mode, align_corners, factor, antialias)
    magnitude = resampling.resize(np.abs(grad), terms(y).T, terms(x).T)
    bounds.assert_within(result, resampling.resize(grad, y.T, x.T), magnitude)


# ---- PyTorch ---------------------------------------------------------------------------------------------------------


def random_call(rng):
    """A map and the arguments of a call, of any kind that PyTorch has too."""
    mode = str(rng.choice(MODES))
    interpolates = mode in INTERPOLATING
    most = 150 if rng.random() < 0.1 else 24
    shape = (*rng.integers(1, 4, 2), *rng.integers(1, most, 2))
    options = {"align_corners": bool(interpolates and rng.random() < 0.4)}
    options["antialias"] = bool(interpolates and rng.random() < 0.4)
    if rng.random() < 0.5:
        options["size"] = tuple(int(side) for side in rng.integers(1, most, 2))
    else:
        factors = [max(float(rng.choice(FACTORS)), 1 / float(side)) for side in shape[2:]]
        options["scale_factor"] = tuple(factors)
    return mode, shape, options


def peer(map, mode, options):
    """What PyTorch makes of it, and the tensor it was made of."""
    t = torch()
    tensor = t.from_numpy(map).requires_grad_(True)
    options = dict(options)
    if mode not in INTERPOLATING:
        del options["align_corners"]
    return tensor, t.nn.functional.interpolate(tensor, mode=mode, **options)


def contradicts_itself(mode, options, shape, size):
    """Where PyTorch is no oracle.

    With antialias and a result one pixel wide its second pass reads the first row over and over. Where a scale factor
    leaves a side as long as it was, or makes it just twice as long, nearest follows the factor in large maps and the
    sizes in small ones.
    """
    if mode == "nearest" and "scale_factor" in options:
        return any(b in (a, 2 * a) for a, b in zip(shape[2:], size, strict=True))
    return options.get("antialias", False) and size[1] == 1


def contradicts_itself_backward(options, shape, size):
    """Where PyTorch's gradient is not that of its result: it copies a side that stays in cases where that does not."""
    return "scale_factor" in options and any(a == b for a, b in zip(shape[2:], size, strict=True))


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_pytorch(seed, dtype, tolerance):
    """500 random calls for each type and seed, and their gradients: 1e-12 in float64, 1e-5 in float32.

    Positions of float32 maps are rounded as PyTorch rounds them, so that the bound holds on large maps too. In float64
    its nearest modes round positions in two ways, by the layout of the map; ours are its float32's.
    """
    torch()
    rng = np.random.default_rng(seed)
    for _ in range(500):
        mode, shape, options = random_call(rng)
        if mode.startswith("nearest") and dtype == np.float64:
            continue
        map = random_map(rng, shape, dtype)
        result = pyroi.interpolate(map, mode=mode, **options)
        tensor, expected = peer(map, mode, options)
        assert result.shape == tuple(expected.shape)
        note = f"{mode} {shape} {options}"
        if contradicts_itself(mode, options, shape, result.shape[2:]):
            continue
        np.testing.assert_allclose(result, expected.detach().numpy(), atol=tolerance, rtol=tolerance, err_msg=note)
        if contradicts_itself_backward(options, shape, result.shape[2:]):
            continue
        grad = random_map(rng, result.shape, dtype)
        expected.backward(torch().from_numpy(grad))
        flown = pyroi.interpolate_backward(
            grad, shape, mode, options["align_corners"], options.get("scale_factor"), options["antialias"]
        )
        np.testing.assert_allclose(flown, tensor.grad.numpy(), atol=10 * tolerance, rtol=10 * tolerance, err_msg=note)


def test_nearest_pixels_are_those_of_pytorch():
    """The pixel numbers themselves, for 2000 pairs of lengths up to 3000, by size and by factor."""
    t = torch()
    rng = np.random.default_rng(9)
    for _ in range(1000):
        pixels, bins = (int(n) for n in rng.integers(1, 3000, 2))
        row = np.arange(pixels, dtype=np.float32).reshape(1, 1, 1, -1)
        for mode in ("nearest", "nearest-exact"):
            for options in ({"size": (1, bins)}, {"scale_factor": (1.0, (bins + 0.5) / pixels)}):
                if contradicts_itself(mode, options, row.shape, (1, bins)):
                    continue
                expected = t.nn.functional.interpolate(t.from_numpy(row), mode=mode, **options).numpy()
                result = pyroi.interpolate(row, mode=mode, **options)
                assert result.tobytes() == expected.tobytes(), (mode, pixels, options)


def test_antialias_to_one_column():
    """Rows keep apart where the result is one pixel wide; PyTorch 2.13 repeats the first of them."""
    map = np.arange(8.0).reshape(1, 1, 4, 2)
    result = pyroi.interpolate(map, (4, 1), "bilinear", antialias=True)
    assert result.ravel().tolist() == [0.5, 2.5, 4.5, 6.5]  # the means of both columns


@given(call=calls())
def test_gradient_is_the_transpose(call):
    """sum(g * resize(x)) is sum(gradient(g) * x), whatever the options."""
    map, arguments = call
    map = map.astype(np.float64)
    result = pyroi.interpolate(map, *arguments)
    grad = random_map(np.random.default_rng(1), result.shape, np.float64)
    _, mode, align_corners, factor, antialias = arguments
    flown = pyroi.interpolate_backward(grad, map.shape, mode, align_corners, factor, antialias)
    assert (grad * result).sum() == pytest.approx((flown * map).sum(), rel=1e-10, abs=1e-10)


# ---- Values ----------------------------------------------------------------------------------------------------------


def test_published_values():
    """The examples in the documentation of torch.nn.Upsample, factor 2 on [[1, 2], [3, 4]]."""
    nearest = pyroi.interpolate(SQUARE, scale_factor=2)[0, 0]
    assert nearest.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    bilinear = pyroi.interpolate(SQUARE, mode="bilinear", scale_factor=2)[0, 0]
    assert bilinear.tolist() == [
        [1, 1.25, 1.75, 2],
        [1.5, 1.75, 2.25, 2.5],
        [2.5, 2.75, 3.25, 3.5],
        [3, 3.25, 3.75, 4],
    ]
    aligned = pyroi.interpolate(SQUARE, mode="bilinear", scale_factor=2, align_corners=True)[0, 0]
    np.testing.assert_allclose(aligned, np.add.outer(np.linspace(1, 3, 4), np.linspace(0, 1, 4)), rtol=1e-15)


def test_area_of_thirds():
    """3 pixels to 2: bins 0 to 1.5 and 1.5 to 3, widened to pixels 0, 1 and 1, 2."""
    row = np.array([1.0, 2, 4]).reshape(1, 1, 1, 3)
    assert pyroi.interpolate(row, (1, 2), "area").ravel().tolist() == [1.5, 3]


def test_bicubic_halves():
    """Half way between pixels the four weights are -3/32, 19/32, 19/32, -3/32 (a = -0.75), at the border repeated."""
    row = np.array([1.0, 10, 100, 1000]).reshape(1, 1, 1, 4)
    result = pyroi.interpolate(row, (1, 2), "bicubic").ravel()
    first = (-3 * 1 + 19 * 1 + 19 * 10 - 3 * 100) / 32
    last = (-3 * 10 + 19 * 100 + 19 * 1000 - 3 * 1000) / 32
    assert result.tolist() == pytest.approx([first, last], rel=1e-14)


def test_antialias_by_two():
    """4 pixels to 2 with a triangle of half width 2: 3 3 1 of 7 at the border (distances 0.5, 0.5, 1.5 of 2)."""
    row = np.array([7.0, 14, 28, 7]).reshape(1, 1, 1, 4)
    result = pyroi.interpolate(row, (1, 2), "bilinear", antialias=True).ravel()
    assert result.tolist() == pytest.approx([(3 * 7 + 3 * 14 + 28) / 7, (14 + 3 * 28 + 3 * 7) / 7], rel=1e-14)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_same_size_is_a_copy(mode, dtype):
    """To the last bit, in every mode, also where the antialias is asked for."""
    map = random_map(np.random.default_rng(2), (2, 3, 7, 5), dtype)
    result = pyroi.interpolate(map, (7, 5), mode)
    assert result.tobytes() == map.tobytes()
    assert not np.shares_memory(result, map)
    if mode in INTERPOLATING:
        assert pyroi.interpolate(map, (7, 5), mode, antialias=True).tobytes() == map.tobytes()


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_a_constant_stays_one(mode, align_corners, antialias):
    """Weights add up to 1, also where the border cuts a filter off."""
    if mode not in INTERPOLATING and (align_corners or antialias):
        pytest.skip("the mode has no options")
    map = np.full((1, 1, 9, 13), 3.0)
    for size in ((1, 1), (4, 30), (17, 5), (9, 2)):
        result = pyroi.interpolate(map, size, mode, align_corners, None, antialias)
        np.testing.assert_allclose(result, 3.0, rtol=1e-14)


def test_corners_stay_in_place():
    """With align_corners the corner pixels keep their values, to the last bit."""
    map = random_map(np.random.default_rng(3), (1, 1, 6, 9), np.float64)
    for mode in INTERPOLATING:
        result = pyroi.interpolate(map, (17, 5), mode, align_corners=True)[0, 0]
        assert result[::16, ::4].tolist() == map[0, 0, ::5, ::8].tolist()


def test_factor_changes_the_step_and_not_only_the_size():
    """10 pixels by 0.25 are 2 with step 4: centres at 1.5 and 5.5; to size 2 the step is 5, with centres at 2 and 7."""
    row = np.arange(10.0).reshape(1, 1, 1, 10)
    by_factor = pyroi.interpolate(row, mode="bilinear", scale_factor=(1, 0.25)).ravel()
    assert by_factor.tolist() == [1.5, 5.5]
    assert pyroi.interpolate(row, (1, 2), "bilinear").ravel().tolist() == [2, 7]


def test_one_factor_for_both_sides():
    """A number stands for a pair, and a result has floor(side * factor) pixels."""
    map = np.zeros((1, 1, 7, 9))
    assert pyroi.interpolate(map, scale_factor=0.5).shape == (1, 1, 3, 4)
    assert pyroi.interpolate(map, scale_factor=(2, 1 / 3)).shape == (1, 1, 14, 3)
    assert pyroi.interpolate(map, scale_factor=0.1).shape == (1, 1, 0, 0)
    assert pyroi.interpolate(map, scale_factor=np.float32(1.5)).shape == (1, 1, 10, 13)


# ---- Misuse ----------------------------------------------------------------------------------------------------------

MAP = np.ones((1, 2, 4, 5), np.float32)


@pytest.mark.parametrize(
    ("kind", "argument", "options"),
    [
        (ArgumentError, "size", {}),
        (ArgumentError, "size", {"size": 3, "scale_factor": 2}),
        (ArgumentError, "size", {"size": (1, 2, 3)}),
        (ArgumentError, "size", {"size": (-1, 2)}),
        (ArgumentError, "size", {"size": (2**62, 2**62)}),
        (ArgumentTypeError, "size", {"size": "7"}),
        (ArgumentTypeError, "size", {"size": (1.5, 2)}),
        (ArgumentError, "scale_factor", {"scale_factor": math.nan}),
        (ArgumentError, "scale_factor", {"scale_factor": math.inf}),
        (ArgumentError, "scale_factor", {"scale_factor": 0}),
        (ArgumentError, "scale_factor", {"scale_factor": (2, -1)}),
        (ArgumentError, "scale_factor", {"scale_factor": (1, 2, 3)}),
        (ArgumentError, "scale_factor", {"scale_factor": 1e300}),
        (ArgumentError, "scale_factor", {"scale_factor": 1e308}),
        (ArgumentTypeError, "scale_factor", {"scale_factor": "2"}),
        (ArgumentTypeError, "scale_factor", {"scale_factor": (2, None)}),
        (ArgumentError, "mode", {"size": 3, "mode": "linear"}),
        (ArgumentTypeError, "mode", {"size": 3, "mode": None}),
        (ArgumentError, "align_corners", {"size": 3, "mode": "nearest", "align_corners": True}),
        (ArgumentError, "align_corners", {"size": 3, "mode": "area", "align_corners": True}),
        (ArgumentTypeError, "align_corners", {"size": 3, "mode": "bilinear", "align_corners": "yes"}),
        (ArgumentError, "antialias", {"size": 3, "mode": "nearest-exact", "antialias": True}),
        (ArgumentError, "antialias", {"size": 3, "mode": "area", "antialias": True}),
        (ArgumentTypeError, "antialias", {"size": 3, "mode": "bilinear", "antialias": None}),
    ],
)
def test_misuse(kind, argument, options):
    """The argument is named, with the rule and what came."""
    with pytest.raises(kind) as caught:
        pyroi.interpolate(MAP, **options)
    assert caught.value.argument == argument
    assert "got" in str(caught.value) or "exceeds the address space" in str(caught.value)


@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (2, 3, 4), (1, 1, 1, 3, 4)])
def test_dimensions(shape):
    """Four dimensions, forward and backward."""
    for call in (
        lambda: pyroi.interpolate(np.zeros(shape, np.float32), 3),
        lambda: pyroi.interpolate_backward(np.zeros(shape, np.float32), (1, 1, 3, 4)),
    ):
        with pytest.raises(ArgumentError):
            call()


@pytest.mark.parametrize("shape", [(2, 2, 4, 5), (1, 3, 4, 5), (1, 2, -1, 5), (1, 2, 4)])
def test_gradient_that_does_not_fit(shape):
    """Images and channels are those of the gradient."""
    with pytest.raises(ArgumentError):
        pyroi.interpolate_backward(MAP, shape, "bilinear")


def test_result_beyond_memory():
    """64 TiB is a MemoryError, not a crash."""
    with pytest.raises(MemoryError):
        pyroi.interpolate(np.zeros((1, 1, 1, 1), np.float32), (2**22, 2**22), "bilinear")
