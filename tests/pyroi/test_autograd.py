"""pyroi.autograd: gradients in programs of NumPy alone, compared with finite differences."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest

import pyroi

autograd = pytest.importorskip("autograd", reason="autograd is not installed")
check_grads = importlib.import_module("autograd.test_util").check_grads
ra = importlib.import_module("pyroi.autograd")

RNG = np.random.default_rng(0)
MAP = RNG.standard_normal((2, 8, 6, 7))
BOXES = np.array([[0, 1, 1, 5, 4.3], [1, -1, 2, 9, 5], [1, 3, 3, 3, 3], [0, 40, 40, 50, 50.0]])
TURNED = np.array([[0, 3, 3, 5, 4.3, 30], [1, 4, 2, 9, 5, -100]])

LINEAR = {
    "roi_align": lambda x: ra.roi_align(x, BOXES, (2, 3), 0.7),
    "roi_align, not aligned": lambda x: ra.roi_align(x, BOXES, (2, 3), 0.7, 2, aligned=False),
    "roi_align_rotated": lambda x: ra.roi_align_rotated(x, TURNED, (2, 3), 0.7, 2, clockwise=True),
    "ps_roi_align": lambda x: ra.ps_roi_align(x, BOXES, 2, sampling_ratio=3),
    "ps_roi_pool": lambda x: ra.ps_roi_pool(x, BOXES, (2, 4), 0.9),
    "adaptive_avg_pool2d": lambda x: ra.adaptive_avg_pool2d(x, (4, None)),
    "adaptive_avg_pool2d, one image": lambda x: ra.adaptive_avg_pool2d(x[0], 3),
    "interpolate, bicubic": lambda x: ra.interpolate(x, (9, 3), "bicubic"),
    "interpolate, by a factor": lambda x: ra.interpolate(x, scale_factor=(1.7, 0.6), mode="bilinear", antialias=True),
    "interpolate, nearest": lambda x: ra.interpolate(x, (4, 9)),
}
OTHERS = {
    "roi_pool": lambda x: ra.roi_pool(x, BOXES, (2, 3), 0.7),
    "adaptive_max_pool2d": lambda x: ra.adaptive_max_pool2d(x, (4, None)),
    "adaptive_max_pool2d, one image": lambda x: ra.adaptive_max_pool2d(x[0], 3),
    "prroi_pool": lambda x: ra.prroi_pool(x, BOXES, (2, 3), 0.7),
}


@pytest.mark.parametrize("function", LINEAR.values(), ids=LINEAR)
def test_linear_in_the_map(function):
    """First and second derivatives, in both modes."""
    check_grads(function, modes=["fwd", "rev"], order=2)(MAP)


@pytest.mark.parametrize("function", OTHERS.values(), ids=OTHERS)
def test_not_linear_in_the_map(function):
    """First derivatives. The numbers of the map are so far apart that no maximum changes its place."""
    check_grads(function, modes=["rev"], order=1)(MAP)


@pytest.mark.parametrize("function", OTHERS.values(), ids=OTHERS)
def test_no_second_derivative_is_an_error(function):
    """And not a 0 that would pass unseen."""
    slope = autograd.grad(lambda x: (function(x) ** 2).sum())
    with pytest.raises(NotImplementedError, match="_backward wrt argnum"):
        autograd.grad(lambda x: (slope(x) ** 2).sum())(MAP)


@pytest.mark.parametrize(
    "boxes",
    [BOXES[:2], BOXES[:1, 1:], [BOXES[:1, 1:], BOXES[1:2, 1:]], np.array([1, 1, 5, 4.3])],
    ids=["rows of 5", "rows of 4", "list", "one box"],
)
def test_prroi_pool_in_map_and_boxes(boxes):
    """Boxes of every form, their corners where the surface is smooth; the batch index has the gradient 0."""
    map = MAP if isinstance(boxes, list) or boxes.shape[-1] == 5 else MAP[:1]
    if isinstance(boxes, np.ndarray) and boxes.shape[-1] == 5:
        images, corners = boxes[:, :1], boxes[:, 1:] + 0.25

        def function(map, corners):
            return ra.prroi_pool(map, autograd.numpy.concatenate([images, corners], 1), 2, 0.9)

        assert not autograd.grad(lambda b: ra.prroi_pool(map, b, 2).sum())(boxes)[:, 0].any()
    else:
        corners = boxes

        def function(map, corners):
            return ra.prroi_pool(map, corners, 2, 0.9)

    check_grads(function, modes=["rev"], order=1)(map, corners)


def test_multiscale_roi_align():
    """In all levels at once, and in one among constants."""
    levels = [RNG.standard_normal((2, 3, side, side)) for side in (16, 8, 4)]
    boxes = np.array([[0, 1, 1, 30, 23], [1, -1, 2, 70, 61.0], [1, 0, 0, 40, 40]])
    options = {"canonical_level": 1, "canonical_scale": 32}

    def pooled(levels):
        return ra.multiscale_roi_align(levels, boxes, 2, [1 / 4, 1 / 8, 1 / 16], **options)

    np.testing.assert_array_equal(
        pooled(levels), pyroi.multiscale_roi_align(levels, boxes, 2, [1 / 4, 1 / 8, 1 / 16], **options)
    )
    check_grads(pooled, modes=["rev"], order=1)(levels)
    check_grads(lambda level: pooled([levels[0], level, levels[2]]), modes=["rev"], order=1)(levels[1])
    assert all(part.any() for part in autograd.grad(lambda levels: pooled(levels).sum())(levels))


def test_arguments_by_name():
    """What autograd follows by position alone is followed by name here."""
    by_name = autograd.grad(lambda x: ra.roi_align(boxes=BOXES, output_size=2, input=x).sum())(MAP)
    by_position = autograd.grad(lambda x: ra.roi_align(x, BOXES, 2).sum())(MAP)
    np.testing.assert_array_equal(by_name, by_position)


@pytest.mark.parametrize("name", ra.__all__)
def test_without_gradient_they_are_pyroi_s(name):
    """The same signature; outside autograd the same numbers, to the last bit, for the type given."""
    ours, theirs = getattr(ra, name), getattr(pyroi, name)
    plain = [[(p.name, p.default, p.kind) for p in inspect.signature(f).parameters.values()] for f in (ours, theirs)]
    assert plain[0] == plain[1]
    if name == "multiscale_roi_align":
        return  # above
    boxes = TURNED if name == "roi_align_rotated" else BOXES
    arguments = (2,) if "pool2d" in name or name == "interpolate" else (boxes, 2)
    map = MAP.astype(np.float32)
    result, expected = ours(map, *arguments), theirs(map, *arguments)
    assert type(result) is np.ndarray
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def test_places_of_maxima():
    """return_argmax and return_indices give them beside what is differentiable."""

    def total(map):
        crops, places = ra.roi_pool(map, BOXES, 2, return_argmax=True)
        pooled, indices = ra.adaptive_max_pool2d(map, 2, return_indices=True)
        assert places.dtype == indices.dtype == np.int64
        return crops.sum() + pooled.sum()

    expected = autograd.grad(lambda x: ra.roi_pool(x, BOXES, 2).sum() + ra.adaptive_max_pool2d(x, 2).sum())(MAP)
    np.testing.assert_array_equal(autograd.grad(total)(MAP), expected)


def test_what_has_no_gradient_says_so():
    """Maxima of samples, and boxes of operators that are not smooth in them."""
    with pytest.raises(NotImplementedError, match="only the mode avg has a gradient"):
        autograd.grad(lambda map: ra.roi_align(map, BOXES, 2, mode="max").sum())(MAP)
    with pytest.raises(NotImplementedError, match="VJP of roi_align wrt argnum"):
        autograd.grad(lambda boxes: ra.roi_align(MAP, boxes, 2).sum())(BOXES)
    with pytest.raises(NotImplementedError, match="no gradient for its boxes"):
        autograd.grad(lambda boxes: ra.multiscale_roi_align([MAP, MAP], boxes, 2, [1, 0.5]).sum())(BOXES)


def test_gradient_keeps_float32():
    """A map of float32 has a gradient of float32."""
    slope = autograd.grad(lambda x: ra.roi_align(x, BOXES, 2).sum())(MAP.astype(np.float32))
    assert slope.dtype == np.float32
