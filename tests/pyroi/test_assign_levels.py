"""assign_levels: the pyramid level from which a box is pooled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import levels

import pyroi


def square(side, dtype=np.float64):
    return np.array([[0, 0, side, side]], dtype)


@pytest.mark.parametrize(
    ("side", "expected"),
    # canonical: 224 is level 2 (P4 of strides 4, 8, 16, 32); half is one less, twice one more
    [(1, 0), (55, 0), (56, 0), (111.9, 0), (112, 1), (223.9, 1), (224, 2), (447.9, 2), (448, 3), (896, 3), (1e9, 3)],
)
def test_squares(side, expected):
    """Sides 112, 224, 448 begin levels 1, 2, 3; below and above is clamped."""
    for dtype in (np.float32, np.float64):
        result = pyroi.assign_levels(square(side, dtype), 4)
        assert result.tolist() == [expected]
    assert result.dtype == np.int64


def test_epsilon_forgives_rounding_below_a_limit():
    """log2 takes 1e-6 more: 224 * (1 - 0.9e-6) still is level 2, 224 * (1 - 1.1e-6) is not."""
    assert pyroi.assign_levels(square(224 * (1 - 0.9e-6)), 4).tolist() == [2]
    assert pyroi.assign_levels(square(224 * (1 - 1.1e-6)), 4).tolist() == [1]


def test_area_counts_not_the_sides():
    """56 x 896 has the area of 224 x 224."""
    assert pyroi.assign_levels(np.array([[10.0, 20, 66, 916], [10, 20, 906, 76]]), 4).tolist() == [2, 2]


def test_no_area():
    """Empty and negative sides count as area 0: floor(25 + log2(1e-6)) = 5; two negative sides are no positive area."""
    boxes = np.array(
        [[5.0, 5, 5, 5], [5, 5, 3, 9], [5, 5, 9, 3], [500, 500, 3, 3], [0, 0, 0, 1e9], [-1e308, 0, 1e308, 0]]
    )
    assert pyroi.assign_levels(boxes, 40, canonical_level=25).tolist() == [5] * 6
    assert pyroi.assign_levels(boxes, 4).tolist() == [0] * 6


def test_areas_beyond_the_range_of_double():
    """An area that overflows is the last level."""
    boxes = np.array([[0, 0, 1e200, 1e200], [-1e308, -1e308, 1e308, 1e308], [0, 0, 1.7e308, 1.7e308]])
    assert pyroi.assign_levels(boxes, 4).tolist() == [3, 3, 3]


def test_double_precision_whatever_the_input():
    """Float32 and integer boxes are widened before the sides are taken: a side of 2^24 + 1 is not 2^24."""
    boxes = np.array([[-1.0, -1.0, 2**24, 2**24]], np.float32)
    limit = 2**24 + 0.5  # level 2 begins here
    assert pyroi.assign_levels(boxes, 4, canonical_scale=limit / (1 - 1e-6)).tolist() == [2]
    assert pyroi.assign_levels(boxes, 4, canonical_scale=(limit + 1) / (1 - 1e-6)).tolist() == [1]
    wide = np.array([[-(2**30), 0, 2**30 + 1, 2**31 - 1]], np.int32)  # x2 - x1 overflows int32
    assert pyroi.assign_levels(wide, 40, canonical_level=0, canonical_scale=1).tolist() == [31]
    small = np.array([[0, 0, 255, 200], [200, 0, 10, 10]], np.uint8)  # 10 - 200 is no large number
    assert pyroi.assign_levels(small, 4).tolist() == [2, 0]


@given(
    st.lists(st.tuples(*[st.floats(-2000, 2000, width=32)] * 4), min_size=1, max_size=40),
    st.integers(1, 7),
    st.integers(-2, 6),
    st.sampled_from([224, 224.0, 56, 1, 0.25, 1000]),
)
def test_agrees_with_the_formula(boxes, num_levels, canonical_level, canonical_scale):
    """Random boxes and parameters against the formula in Python's numbers."""
    result = pyroi.assign_levels(
        np.array(boxes), num_levels, canonical_level=canonical_level, canonical_scale=canonical_scale
    )
    assert result.tolist() == [levels.level(*box, num_levels, canonical_level, canonical_scale) for box in boxes]


@given(st.integers(-3, 3), st.sampled_from([-3e-6, -1.5e-6, -0.5e-6, 0.0, 1e-9, 1e-6, 1e-3]), st.floats(0.1, 10))
def test_around_the_limits(power, relative, aspect):
    """Boxes a few millionths around each limit, of any aspect."""
    area = (224 * 2.0**power * (1 + relative)) ** 2
    width = math.sqrt(area * aspect)
    box = (0.0, 0.0, width, area / width)
    assert pyroi.assign_levels(np.array([box]), 4).tolist() == [levels.level(*box, 4)]


def test_box_formats():
    """Five columns, four columns, a list of arrays, strided and swapped arrays: the batch index plays no part."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 900, (12, 4))
    corners[:, 2:] += corners[:, :2]
    expected = [levels.level(*box, 4) for box in corners]
    assert len(set(expected)) > 2
    five = np.concatenate([np.arange(12)[:, None] % 3, corners], axis=1)
    formats = {
        "four": corners,
        "five": five,
        "list": [corners[:5], corners[5:]],
        "columns": np.asfortranarray(five),
        "swapped": five.astype(">f8"),
        "sliced": np.repeat(five, 2, axis=0)[::2],
        "nested": five.tolist(),
    }
    for name, boxes in formats.items():
        assert pyroi.assign_levels(boxes, 4).tolist() == expected, name
    assert pyroi.assign_levels(five[::-1], 4).tolist() == expected[::-1]


@pytest.mark.parametrize(
    ("arguments", "options", "argument"),
    [
        ((square(9), 0), {}, "num_levels"),
        ((square(9), -1), {}, "num_levels"),
        ((square(9), 4), {"canonical_scale": 0}, "canonical_scale"),
        ((square(9), 4), {"canonical_scale": -224}, "canonical_scale"),
        ((square(9), 4), {"canonical_scale": math.nan}, "canonical_scale"),
        ((square(9), 4), {"canonical_scale": math.inf}, "canonical_scale"),
        ((np.zeros((2, 3)), 4), {}, "boxes"),
        ((np.zeros((2, 4, 1)), 4), {}, "boxes"),
        ((np.array([[0, 0, 1, 1], [0, math.nan, 1, 1.0]]), 4), {}, "boxes"),
        ((np.array([[0, 0, 1, 1], [0, 0, math.inf, 1.0]]), 4), {}, "boxes"),
    ],
)
def test_bad_values(arguments, options, argument):
    """Levels below 1, a canonical scale that is not finite and above 0, wrong columns, no numbers: named errors."""
    with pytest.raises(ValueError, match=argument) as caught:
        pyroi.assign_levels(*arguments, **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("arguments", "options", "argument"),
    [
        ((square(9), "four"), {}, "num_levels"),
        ((square(9), 4.5), {}, "num_levels"),
        ((square(9), 4), {"canonical_level": "P4"}, "canonical_level"),
        ((square(9), 4), {"canonical_level": 2.5}, "canonical_level"),
        ((square(9), 4), {"canonical_scale": "large"}, "canonical_scale"),
        (("boxes", 4), {}, "boxes"),
        ((None, 4), {}, "boxes"),
    ],
)
def test_bad_types(arguments, options, argument):
    """Text and fractions where whole numbers are due: named errors."""
    with pytest.raises(TypeError, match=argument) as caught:
        pyroi.assign_levels(*arguments, **options)
    assert caught.value.argument == argument
