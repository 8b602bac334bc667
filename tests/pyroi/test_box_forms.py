"""box_area, box_convert, clip_boxes_to_image, remove_small_boxes and masks_to_boxes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from children import run_child
from hypothesis import given
from hypothesis import strategies as st
from oracles import autograd, overlap, polygons

import pyroi

FLOATS = [np.float16, np.float32, np.float64]

# ---- Area ------------------------------------------------------------------------------------------------------------


def test_area():
    """Width times height; a side below 0 counts as 0, also where both are."""
    boxes = [[0, 0, 2, 3], [1, 1, 1, 5], [2, 0, 0, 3], [2, 3, 0, 0], [-1.5, 0, 1, 2]]
    assert pyroi.box_area(boxes).tolist() == [6, 0, 0, 0, 5]


def test_area_of_integers():
    """In float64: neither 2^31 nor 2^32 wraps around, nor a difference below 0 of unsigned integers."""
    for dtype in (np.int32, np.uint32, np.int64, np.uint64):
        area = pyroi.box_area(np.array([[0, 0, 2**16, 2**15], [0, 0, 2**16, 2**16], [5, 5, 1, 1]], dtype))
        assert area.dtype == np.float64
        assert area.tolist() == [2**31, 2**32, 0]


def test_area_of_half_precision():
    """float32: 300 x 300 is beyond float16."""
    area = pyroi.box_area(np.array([[0, 0, 300, 300]], np.float16))
    assert (area.dtype, area.tolist()) == (np.float32, [90000])


def test_area_agrees_with_float64():
    """Random boxes."""
    boxes = overlap.random_boxes(np.random.default_rng(0), 100).astype(np.float32)
    np.testing.assert_allclose(pyroi.box_area(boxes), overlap.area(boxes), rtol=1e-6)


# ---- Formats ---------------------------------------------------------------------------------------------------------

SAME = {"xyxy": [[1, 2, 5, 5]], "xywh": [[1, 2, 4, 3]], "cxcywh": [[3, 3.5, 4, 3]]}
ROTATED = {  # 4 x 3 around (3, 3.5), turned by 90 degrees counter-clockwise: its left side now is below
    "cxcywhr": [[3, 3.5, 4, 3, 90]],
    "xywhr": [[1.5, 5.5, 4, 3, 90]],
    "xyxyxyxy": [[1.5, 5.5, 1.5, 1.5, 4.5, 1.5, 4.5, 5.5]],
}
PAIRS = [*itertools.product(SAME, SAME), *itertools.product(ROTATED, ROTATED)]
EVERY = {**SAME, **ROTATED}


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_one_box_in_every_format(source, target, dtype):
    """The same box, worked by hand, in each type."""
    result = pyroi.box_convert(np.array(EVERY[source], dtype), source, target)
    assert result.tolist() == EVERY[target]
    assert result.dtype == dtype


@pytest.mark.parametrize("source", ["xyxy", "xywh"])
def test_integer_boxes_become_float64(source):
    """Their centre may lie between whole numbers; a difference below 0 of unsigned integers does not wrap around."""
    for target, expected in SAME.items():
        result = pyroi.box_convert(np.array(SAME[source], np.uint8), source, target)
        assert (result.dtype, result.tolist()) == (np.float64, expected)
    assert pyroi.box_convert(np.array([[5, 5, 1, 2]], np.uint8), "xyxy", "xywh").tolist() == [[5, 5, -4, -3]]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_there_and_back(source, target):
    """Random boxes come back, except for rounding (angles modulo a turn)."""
    rng = np.random.default_rng(0)
    centred = polygons.random_boxes(rng, 200, 50)
    boxes = pyroi.box_convert(centred, "cxcywhr", source) if source in ROTATED else overlap.random_boxes(rng, 200)
    back = pyroi.box_convert(pyroi.box_convert(boxes, source, target), target, source)
    difference = back - boxes
    if boxes.shape[1] == 5:
        difference[:, 4] -= 360 * np.round(difference[:, 4] / 360)
    assert np.abs(difference).max() < 1e-11


@pytest.mark.parametrize("source", ["cxcywhr", "xywhr"])
def test_corners_agree_with_polygons(source):
    """The four corners, against decimals of 60 digits, in order."""
    boxes = polygons.random_boxes(np.random.default_rng(1), 100)
    expected = np.array([np.array(polygons.corners(box), float).ravel() for box in boxes])
    given_boxes = boxes if source == "cxcywhr" else pyroi.box_convert(boxes, "cxcywhr", source)
    np.testing.assert_allclose(pyroi.box_convert(given_boxes, source, "xyxyxyxy"), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("angle", [0, 90, 180, 270, 360, -90, -450, 90 * 12345677])
def test_quarter_turns_do_not_round(angle):
    """Corners at whole coordinates stay there."""
    corners = pyroi.box_convert([[10, 20, 4, 2, angle]], "cxcywhr", "xyxyxyxy")
    assert (corners == np.round(corners)).all()
    assert sorted(corners[0, ::2]) in ([8, 8, 12, 12], [9, 9, 11, 11])


@pytest.mark.parametrize(("source", "target"), [pair for pair in PAIRS if pair[0] != pair[1]])
def test_convert_agrees_with_torchvision(source, target):
    """torchvision.ops.box_convert, in float64."""
    ops, torch = autograd.torchvision_ops(), autograd.torch()
    rng = np.random.default_rng(2)
    rotated = pyroi.box_convert(polygons.random_boxes(rng, 40), "cxcywhr", "xyxyxyxy")
    boxes = pyroi.box_convert(rotated, "xyxyxyxy", source) if source in ROTATED else overlap.random_boxes(rng, 40)
    try:
        theirs = ops.box_convert(torch.from_numpy(boxes), source, target).numpy()
    except ValueError:
        pytest.skip("this torchvision lacks one of the formats")
    np.testing.assert_allclose(pyroi.box_convert(boxes, source, target), theirs, rtol=0, atol=1e-4)


def test_convert_makes_a_new_array():
    """Also into the same format: the result does not share memory with the boxes."""
    boxes = np.array(SAME["xyxy"], np.float32)
    result = pyroi.box_convert(boxes, "xyxy", "xyxy")
    assert not np.shares_memory(result, boxes)
    assert pyroi.box_convert(np.zeros((0, 4)), "xyxy", "xywh").shape == (0, 4)
    assert pyroi.box_convert([], "cxcywhr", "xyxyxyxy").shape == (0, 8)


# ---- Clipping and size -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32])
def test_clip(dtype):
    """x to [0, width], y to [0, height], the border included; what lies outside shrinks to the border."""
    boxes = np.array([[-5, -5, 30, 40], [1, 2, 3, 4], [50, 50, 60, 60], [-9, 3, -1, 4], [20, 10, 20, 10]]).astype(dtype)
    result = pyroi.clip_boxes_to_image(boxes, (10, 20))
    assert result.tolist() == [[0, 0, 20, 10], [1, 2, 3, 4], [20, 10, 20, 10], [0, 3, 0, 4], [20, 10, 20, 10]]
    assert result.dtype == (np.float64 if dtype == np.int32 else dtype)
    assert pyroi.clip_boxes_to_image(boxes, 20)[0].tolist() == [0, 0, 20, 20]
    assert pyroi.clip_boxes_to_image(boxes, (0, 0)).tolist() == [[0] * 4] * 5


def test_clip_leaves_its_argument():
    """A new array, also where nothing lies outside."""
    boxes = np.array([[1, 2, 3, 4]], np.float32)
    result = pyroi.clip_boxes_to_image(boxes, (10, 20))
    assert not np.shares_memory(result, boxes)
    assert pyroi.clip_boxes_to_image(np.zeros((0, 4), np.float32), (3, 3)).shape == (0, 4)


def test_remove_small_boxes():
    """Both sides at least min_size, the size itself included; indices in order."""
    boxes = [[0, 0, 3, 3], [0, 0, 2, 9], [0, 0, 9, 2.999], [5, 5, 8, 8.5], [9, 9, 0, 0]]
    assert pyroi.remove_small_boxes(boxes, 3).tolist() == [0, 3]
    assert pyroi.remove_small_boxes(boxes, 3).dtype == np.int64
    assert pyroi.remove_small_boxes(boxes, 0).tolist() == [0, 1, 2, 3]
    assert pyroi.remove_small_boxes(boxes, -100).tolist() == [0, 1, 2, 3, 4]
    assert pyroi.remove_small_boxes(np.zeros((0, 4)), 1).tolist() == []


def test_small_boxes_in_unsigned_integers():
    """A side below 0 is not a large one."""
    assert pyroi.remove_small_boxes(np.array([[9, 9, 1, 1]], np.uint8), 3).tolist() == []


# ---- Masks -----------------------------------------------------------------------------------------------------------


def enclosing(mask):
    """The definition: the outermost indices of what is not 0."""
    y, x = np.nonzero(mask)
    return [x.min(), y.min(), x.max(), y.max()] if len(x) else [0, 0, 0, 0]


def test_masks():
    """A block, a single element, a full mask, and one that is empty."""
    masks = np.zeros((4, 5, 7), bool)
    masks[0, 1:3, 2:6] = True
    masks[1, 4, 6] = True
    masks[2] = True
    result = pyroi.masks_to_boxes(masks)
    assert result.dtype == np.float32
    assert result.tolist() == [[2, 1, 5, 2], [6, 4, 6, 4], [0, 0, 6, 4], [0, 0, 0, 0]]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int16, np.int64, *FLOATS])
def test_what_is_not_0_belongs_to_the_mask(dtype):
    """In each type; -0.0 is 0, NaN is not."""
    masks = np.zeros((1, 6, 6), dtype)
    masks[0, 2, 3] = 1
    if np.dtype(dtype).kind == "f":
        masks[0, 0, 0], masks[0, 5, 1], masks[0, 4, 4] = -0.0, np.nan, 1e-7
        assert pyroi.masks_to_boxes(masks).tolist() == [[1, 2, 4, 5]]
    else:
        assert pyroi.masks_to_boxes(masks).tolist() == [[3, 2, 3, 2]]


@pytest.mark.parametrize("shape", [(0, 4, 5), (3, 0, 5), (3, 4, 0), (0, 0, 0)])
def test_masks_without_elements(shape):
    """There is nothing in them."""
    assert pyroi.masks_to_boxes(np.ones(shape, bool)).tolist() == [[0, 0, 0, 0]] * shape[0]


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.001, 0.02, 0.2]))
def test_masks_agree_with_the_definition(seed, height, width, share):
    """Random masks, in any layout."""
    rng = np.random.default_rng(seed)
    masks = rng.random((3, height, width)) < share
    expected = [enclosing(mask) for mask in masks]
    wide = np.ones((6, 2 * height, 3 * width), bool)
    wide[::2, ::2, ::3] = masks
    for same in (
        masks,
        np.asfortranarray(masks),
        wide[::2, ::2, ::3],
        masks[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
    ):
        assert pyroi.masks_to_boxes(same).tolist() == expected


def test_masks_agree_with_torchvision():
    """torchvision.ops.masks_to_boxes, of an empty mask, too."""
    ops, torch = autograd.torchvision_ops(), autograd.torch()
    masks = np.random.default_rng(0).random((20, 30, 40)) < 0.01
    masks[0] = False
    assert pyroi.masks_to_boxes(masks).tolist() == ops.masks_to_boxes(torch.from_numpy(masks)).tolist()


def _guarded_masks(at):
    """Masks of 1 to 40 columns against forbidden pages."""
    import guarded
    import numpy as np

    import pyroi

    for width in range(1, 41):
        masks = np.zeros((2, 3, width), np.uint8)
        masks[1, 2, -1] = 1
        assert pyroi.masks_to_boxes(guarded.like(masks, at)).tolist() == [[0] * 4, [width - 1, 2, width - 1, 2]]


@pytest.mark.parametrize("at", ["start", "end"])
def test_masks_are_not_read_beyond(at):
    """Reading one byte more would be a crash."""
    run_child(_guarded_masks, at)


# ---- Bad input -------------------------------------------------------------------------------------------------------

CALLS = {
    "box_area": lambda boxes: pyroi.box_area(boxes),
    "box_convert": lambda boxes: pyroi.box_convert(boxes, "xyxy", "xywh"),
    "clip_boxes_to_image": lambda boxes: pyroi.clip_boxes_to_image(boxes, (10, 10)),
    "remove_small_boxes": lambda boxes: pyroi.remove_small_boxes(boxes, 1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_bad_boxes(call):
    """Wrong shapes, types and numbers: the argument, and the row where there is one."""
    for shape in ((3, 5), (3, 3), (3,), (2, 3, 4), ()):
        with pytest.raises(ValueError, match=r"^boxes: expected \[K, 4\], got \["):
            call(np.ones(shape))
    for wrong in ("boxes", [["a"] * 4], None, [[1j] * 4], object()):
        with pytest.raises(TypeError, match=r"^boxes: "):
            call(wrong)
    for value in (math.nan, math.inf, -math.inf):
        boxes = np.zeros((4, 4), np.float32)
        boxes[2, 1] = value
        with pytest.raises(ValueError, match=rf"^boxes: row 2: coordinates must be finite, got {value} in column 1"):
            call(boxes)


@pytest.mark.parametrize("argument", ["in_fmt", "out_fmt"])
def test_bad_formats(argument):
    """Unknown, of another kind, or no text."""
    options = {"in_fmt": "xyxy", "out_fmt": "xyxy"}
    for wrong in ("XYXY", "", "xy", "xyxyr"):
        with pytest.raises(ValueError, match=rf"^{argument}: expected one of xyxy, .*, got '{wrong}'"):
            pyroi.box_convert([[0, 0, 1, 1]], **{**options, argument: wrong})
    for wrong in (None, 1, b"xyxy"):
        with pytest.raises(TypeError, match=rf"^{argument}: expected one of"):
            pyroi.box_convert([[0, 0, 1, 1]], **{**options, argument: wrong})


def test_upright_boxes_do_not_become_rotated():
    """Nor the reverse: the message names both formats."""
    with pytest.raises(ValueError, match=r"out_fmt: .*xywhr.*xyxy"):
        pyroi.box_convert([[0, 0, 1, 1]], "xyxy", "xywhr")
    with pytest.raises(ValueError, match=r"out_fmt: .*xyxy.*cxcywhr"):
        pyroi.box_convert([[0, 0, 1, 1, 0]], "cxcywhr", "xyxy")
    with pytest.raises(ValueError, match=r"boxes: expected \[K, 8\]"):
        pyroi.box_convert([[0, 0, 1, 1]], "xyxyxyxy", "xywhr")


@pytest.mark.parametrize("size", [(1,), (1, 2, 3), (-1, 5), (5, -1)])
def test_bad_image_size(size):
    """Not two sizes of 0 or more."""
    with pytest.raises(ValueError, match=r"^size: expected"):
        pyroi.clip_boxes_to_image([[0, 0, 1, 1]], size)


def test_bad_min_size():
    """NaN, infinity and text."""
    for wrong in (math.nan, math.inf):
        with pytest.raises(ValueError, match=r"^min_size: expected a finite number"):
            pyroi.remove_small_boxes([[0, 0, 1, 1]], wrong)
    for wrong in ("1", None, [1, 2]):
        with pytest.raises(TypeError, match=r"^min_size: expected a number"):
            pyroi.remove_small_boxes([[0, 0, 1, 1]], wrong)


def test_bad_masks():
    """Two or four dimensions, text, complex numbers, objects; sides that float32 cannot count."""
    for shape in ((3, 3), (1, 1, 3, 3), (3,), ()):
        with pytest.raises(ValueError, match=r"^masks: expected \[N, H, W\], got \["):
            pyroi.masks_to_boxes(np.ones(shape, bool))
    for wrong in ("masks", [[["a"]]], np.ones((1, 2, 2), complex), [[[None]]]):
        with pytest.raises(TypeError, match=r"^masks: "):
            pyroi.masks_to_boxes(wrong)
    with pytest.raises(ValueError, match=r"^masks: expected sides of at most 2\^24"):
        pyroi.masks_to_boxes(np.ones((0, 1, 2**24 + 1), bool))
