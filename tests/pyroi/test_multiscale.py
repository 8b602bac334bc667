"""multiscale_roi_align: each box is pooled from the level that its size selects."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles import bounds, levels, walk
from oracles.cases import random_map

import pyroi
from pyroi.align import multiscale_roi_align_backward

SCALES = [1 / 4, 1 / 8, 1 / 16, 1 / 32]


def pyramid(rng, images=2, channels=3, side=64, dtype=np.float32):
    return [random_map(rng, (images, channels, side >> level, side >> level), dtype) for level in range(4)]


def boxes_of_all_sizes(rng, count, images=2, dtype=np.float32):
    corner = rng.uniform(-20, 230, (count, 2))
    side = 2 ** rng.uniform(3, 10, (count, 2))
    return np.concatenate([rng.integers(0, images, (count, 1)), corner, corner + side], axis=1).astype(dtype)


@pytest.mark.parametrize("parameters", [(), (2,), (-1, False), (3, True), (1, False)])
def test_is_roi_align_of_the_assigned_level(parameters):
    """Row by row the same numbers as roi_align on the level that assign_levels names, in the order of the boxes."""
    rng = np.random.default_rng(0)
    features, boxes = pyramid(rng), boxes_of_all_sizes(rng, 60)
    assigned = pyroi.assign_levels(boxes, 4)
    assert set(assigned.tolist()) == {0, 1, 2, 3}
    assert assigned.tolist() == [levels.level(*box[1:], 4) for box in boxes]
    result = pyroi.multiscale_roi_align(features, boxes, (5, 4), SCALES, *parameters)
    assert result.shape == (60, 3, 5, 4)
    assert result.dtype == np.float32
    for k, level in enumerate(assigned):
        arguments = (boxes[k : k + 1], (5, 4), SCALES[level], *parameters)
        expected = walk.roi_align(features[level], *arguments)
        bounds.assert_within(result[k : k + 1], expected, walk.magnitude(features[level], *arguments))


def test_each_level_by_a_number_of_its_own():
    """Constant maps 0, 1, 2, 3: the crop is the level (sides 56, 112, 224, 448 and far beyond)."""
    features = [np.full((1, 1, 64, 64), level, np.float32) for level in range(4)]
    boxes = np.array([[0, 8, 8, 8 + side, 8 + side] for side in (448, 56, 224, 112, 1000)], np.float32)
    crops = pyroi.multiscale_roi_align(features, boxes / [1, 1, 1, 1, 1], (1, 1), [1 / 64] * 4, 1)
    assert crops.ravel().tolist() == [3, 0, 2, 1, 3]


def test_canonical_level_and_scale():
    """They shift the choice: with canonical_scale 56 a side of 56 is canonical_level."""
    features = [np.full((1, 1, 8, 8), level, np.float32) for level in range(4)]
    boxes = np.array([[0, 2, 2, 58, 58]], np.float32)

    def level(**options):
        return pyroi.multiscale_roi_align(features, boxes, (1, 1), [1 / 16] * 4, **options).item()

    assert level() == 0
    assert level(canonical_scale=56) == 2
    assert level(canonical_level=1, canonical_scale=56) == 1
    assert level(canonical_level=4) == 2
    assert level(canonical_level=100) == 3


def test_levels_are_chosen_in_float64_before_boxes_are_rounded():
    """A float64 box just below a limit, which float32 would round above it, stays on the lower level."""
    side = 200 - 1e-9  # 200 in float32
    scale = (200 - 0.5e-9) / (1 - 1e-6)  # puts the beginning of level 2 between the two
    features = [np.full((1, 1, 4, 4), level, np.float32) for level in range(4)]
    boxes = np.array([[0, 0, 0, side, side]])
    assert pyroi.multiscale_roi_align(features, boxes, (1, 1), [1 / 64] * 4, 1, canonical_scale=scale).item() == 1
    rounded = boxes.astype(np.float32)
    assert pyroi.multiscale_roi_align(features, rounded, (1, 1), [1 / 64] * 4, 1, canonical_scale=scale).item() == 2


def test_box_formats_agree():
    """[K, 5], [K, 4] with one image, and a list of arrays."""
    rng = np.random.default_rng(1)
    features, boxes = pyramid(rng), boxes_of_all_sizes(rng, 12)
    boxes[:, 0] = [0] * 7 + [1] * 5
    expected = pyroi.multiscale_roi_align(features, boxes, (2, 2), SCALES).tobytes()
    assert pyroi.multiscale_roi_align(features, [boxes[:7, 1:], boxes[7:, 1:]], (2, 2), SCALES).tobytes() == expected
    single = [feature[:1] for feature in features]
    expected = pyroi.multiscale_roi_align(single, boxes[:7], (2, 2), SCALES).tobytes()
    assert pyroi.multiscale_roi_align(single, boxes[:7, 1:], (2, 2), SCALES).tobytes() == expected
    assert pyroi.multiscale_roi_align(tuple(single), boxes[:7], (2, 2), tuple(SCALES)).tobytes() == expected


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes(dtype):
    """The result has the features' type, and is right in it."""
    rng = np.random.default_rng(2)
    features, boxes = pyramid(rng, dtype=dtype), boxes_of_all_sizes(rng, 20)
    result = pyroi.multiscale_roi_align(features, boxes, (3, 3), SCALES, 2)
    assert result.dtype == dtype
    real = bounds.computed_in(dtype)
    for k, level in enumerate(pyroi.assign_levels(boxes, 4)):
        arguments = (boxes[k : k + 1], (3, 3), SCALES[level], 2)
        expected = walk.roi_align(features[level], *arguments, real=real)
        magnitude = walk.magnitude(features[level], *arguments, real=real)
        bounds.assert_within(result[k : k + 1], expected, magnitude)


def test_layouts_may_differ_between_levels():
    """Each level has strides of its own."""
    rng = np.random.default_rng(3)
    features, boxes = pyramid(rng), boxes_of_all_sizes(rng, 20)
    expected = pyroi.multiscale_roi_align(features, boxes, (2, 2), SCALES)
    mixed = [
        np.ascontiguousarray(features[0].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
        np.asfortranarray(features[1]),
        np.ascontiguousarray(features[2][:, :, ::-1, ::-1])[:, :, ::-1, ::-1],
        features[3].astype(">f4"),
    ]
    result = pyroi.multiscale_roi_align(mixed, boxes, (2, 2), SCALES)
    assert np.abs(result - expected).max() < 1e-5
    assert np.abs(expected).max() > 0.1


def test_one_level_and_no_boxes():
    """One level takes every box; no boxes give an empty result."""
    rng = np.random.default_rng(4)
    feature, boxes = random_map(rng, (2, 3, 16, 16)), boxes_of_all_sizes(rng, 9)
    alone = pyroi.multiscale_roi_align([feature], boxes, (2, 2), [0.25])
    assert alone.tolist() == pyroi.roi_align(feature, boxes, (2, 2), 0.25).tolist()
    assert pyroi.multiscale_roi_align([feature], boxes[:0], (2, 2), [0.25]).shape == (0, 3, 2, 2)


BOXES = np.array([[0, 1, 1, 3, 3]], np.float32)
MAPS = [np.ones((1, 2, 8, 8), np.float32), np.ones((1, 2, 4, 4), np.float32)]


@pytest.mark.parametrize(
    ("features", "boxes", "scales", "options", "argument"),
    [
        ([], BOXES, [], {}, "features"),
        (MAPS, BOXES, [0.5], {}, "spatial_scales"),
        (MAPS, BOXES, [0.5, 0.25, 0.125], {}, "spatial_scales"),
        (MAPS, BOXES, [0.5, 0.0], {}, "spatial_scales"),
        (MAPS, BOXES, [-0.5, 0.25], {}, "spatial_scales"),
        (MAPS, BOXES, [0.5, math.nan], {}, "spatial_scales"),
        (MAPS, BOXES, [0.5, math.inf], {}, "spatial_scales"),
        ([MAPS[0], MAPS[1][:, :1]], BOXES, [0.5, 0.25], {}, "features"),
        ([MAPS[0], np.concatenate([MAPS[1], MAPS[1]])], BOXES, [0.5, 0.25], {}, "features"),
        ([MAPS[0], MAPS[1][0]], BOXES, [0.5, 0.25], {}, "features"),
        (MAPS, np.array([[1, 1, 1, 3, 3.0]]), [0.5, 0.25], {}, "boxes"),
        (MAPS, np.array([[0, 1, 1, 3, math.nan]]), [0.5, 0.25], {}, "boxes"),
        (MAPS, np.zeros((1, 6)), [0.5, 0.25], {}, "boxes"),
        (MAPS, BOXES, [0.5, 0.25], {"canonical_scale": 0}, "canonical_scale"),
        (MAPS, BOXES, [0.5, 0.25], {"canonical_scale": math.nan}, "canonical_scale"),
    ],
)
def test_bad_values(features, boxes, scales, options, argument):
    """What does not fit together is an error that names the argument."""
    with pytest.raises(ValueError, match=argument) as caught:
        pyroi.multiscale_roi_align(features, boxes, (2, 2), scales, **options)
    assert caught.value.argument.startswith(argument)


def test_features_of_two_types_are_an_error():
    """float32 beside float64: which of the two the result should be is not guessed."""
    with pytest.raises((TypeError, ValueError), match="features"):
        pyroi.multiscale_roi_align([MAPS[0], MAPS[1].astype(np.float64)], BOXES, (2, 2), [0.5, 0.25])


@pytest.mark.parametrize(
    ("features", "scales", "argument"),
    [
        ("maps", [0.5, 0.25], "features"),
        (None, [0.5, 0.25], "features"),
        ([MAPS[0], "map"], [0.5, 0.25], "features"),
        (MAPS, "scales", "spatial_scales"),
        (MAPS, [0.5, "x"], "spatial_scales"),
        (MAPS, None, "spatial_scales"),
    ],
)
def test_bad_types(features, scales, argument):
    """Text and None where arrays and numbers are due."""
    with pytest.raises(TypeError, match=argument) as caught:
        pyroi.multiscale_roi_align(features, BOXES, (2, 2), scales)
    assert caught.value.argument.startswith(argument)


# ---- The gradient ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [(), (2,), (-1, False)])
def test_gradient_is_that_of_the_assigned_level(parameters):
    """For each level what flows back, sample by sample, from those boxes whose side says so."""
    rng = np.random.default_rng(5)
    features, boxes = pyramid(rng), boxes_of_all_sizes(rng, 40)
    grad = random_map(rng, (40, 3, 5, 4))
    assigned = np.array([levels.level(*box[1:], 4) for box in boxes])
    shapes = [level.shape for level in features]
    grads = multiscale_roi_align_backward(grad, boxes, shapes, SCALES, *parameters)
    for level, (shape, scale) in enumerate(zip(shapes, SCALES, strict=True)):
        rows = assigned == level
        arguments = (boxes[rows], shape, scale, *parameters)
        expected = walk.roi_align_backward(grad[rows], *arguments)
        bounds.assert_within(grads[level], expected, walk.roi_align_backward(np.abs(grad[rows]), *arguments))


def test_gradient_is_the_transpose():
    """<grad, crops> = sum of <gradient of a level, level>, for boxes in a list and another canonical level."""
    rng = np.random.default_rng(6)
    features, boxes = pyramid(rng, dtype=np.float64), boxes_of_all_sizes(rng, 30, dtype=np.float64)
    boxes = [boxes[:12, 1:], boxes[12:, 1:]]
    options = {"canonical_level": 1, "canonical_scale": 100}
    crops = pyroi.multiscale_roi_align(features, boxes, (3, 2), SCALES, 2, **options)
    grad = rng.standard_normal(crops.shape)
    grads = multiscale_roi_align_backward(grad, boxes, [level.shape for level in features], SCALES, 2, **options)
    assert all(part.any() for part in grads)
    total = sum(np.vdot(part, level) for part, level in zip(grads, features, strict=True))
    assert total == pytest.approx(np.vdot(grad, crops), rel=1e-12)


def test_gradient_of_no_boxes_is_zero():
    """Levels without a box of their own, and no box at all."""
    shapes = [(2, 3, 8, 8), (2, 3, 4, 4)]
    for part, shape in zip(
        multiscale_roi_align_backward(np.empty((0, 3, 2, 2)), np.empty((0, 5)), shapes, [1.0, 0.5]),
        shapes,
        strict=True,
    ):
        assert part.shape == shape
        assert not part.any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input_shapes": []}, "input_shapes: expected levels of the same N and C"),
        ({"input_shapes": [(1, 2, 8, 8), (1, 3, 4, 4)]}, "input_shapes: expected levels of the same N and C"),
        ({"input_shapes": [(1, 2, 8, 8)]}, "spatial_scales: expected one number for each of the 1 levels"),
        ({"grad": np.ones((3, 2, 2, 2))}, r"grad: expected \[2, 2, height, width\]"),
        ({"boxes": [[0, 1, 1, 4, 4], [1, 1, 1, 300, 300]]}, "boxes: row 1: the batch index"),
        ({"boxes": [[0, 1, 1, 4, 4], [0, 1, 1, np.inf, 3]]}, "boxes: row 1: coordinates must be finite"),
    ],
)
def test_gradient_of_bad_arguments(changes, words):
    """Each is named, with the row as it was given though the boxes of a level are picked from all."""
    arguments = {
        "grad": np.ones((2, 2, 2, 2)),
        "boxes": [[0, 1, 1, 4, 4], [0, 1, 1, 300, 300]],
        "input_shapes": [(1, 2, 8, 8), (1, 2, 4, 4)],
        "spatial_scales": [1.0, 0.5],
        "canonical_level": 0,
    }
    with pytest.raises(ValueError, match=words):
        multiscale_roi_align_backward(**{**arguments, **changes})
