"""Images without boxes, in every accepted form of boxes."""

from __future__ import annotations

import numpy as np
import pytest
from calls import GOOD

import pyroi

pytestmark = pytest.mark.generated

POOLING = [name for name, good in GOOD.items() if "boxes" in good and ("input" in good or "features" in good)]
BACKWARD = [name for name in GOOD if name.endswith("_backward") and "boxes" in GOOD[name] and "input" not in GOOD[name]]
EMPTY = [[], (), np.array([]), np.empty((0, 4)), np.empty((0, 4), np.float32), np.array([], np.int64)]
NONE_IN_TWO = [
    ([], []),
    [[], []],
    [np.array([]), np.array([])],
    [np.empty((0, 4)), []],
    ((), np.empty(0, np.float32)),
    np.empty((0, 5)),
    np.array([]),
]
BOX = {4: [1, 1, 3, 3], 5: [2, 2, 2, 2, 30]}


def numbers(name):
    """Of a box."""
    return 5 if "rotated" in name else 4


def fitting(boxes, name):
    """The same with as many columns as the function's boxes have."""
    if isinstance(boxes, np.ndarray):
        return np.empty((0, boxes.shape[1] + numbers(name) - 4), boxes.dtype) if boxes.ndim == 2 else boxes
    return type(boxes)(fitting(part, name) for part in boxes)


def pool(name, boxes):
    """The function's crops of two images, or its gradient for them."""
    two = {"input": np.ones((2, 1, 5, 5)), "features": [np.ones((2, 1, 5, 5))], "input_shape": (2, 1, 5, 5)}
    given = {key: two.get(key, value) for key, value in GOOD[name].items()} | {"boxes": boxes}
    if "grad" in given:
        given["grad"] = np.ones((pyroi.assign_levels(boxes, 1).size, 1, *given["grad"].shape[2:]))
    if "argmax" in given:
        given["argmax"] = np.zeros(given["grad"].shape, np.int64)
    return getattr(pyroi, name)(**given)


@pytest.mark.parametrize("boxes", NONE_IN_TWO, ids=str)
@pytest.mark.parametrize("name", [name for name in POOLING if not name.endswith("_backward")])
def test_no_boxes_in_two_images(name, boxes):
    """There are no crops."""
    crops = pool(name, fitting(boxes, name))
    assert crops.shape == (0, 1, *([1, 1] if name.startswith("ps_") else [2, 2]))


@pytest.mark.parametrize("empty", EMPTY, ids=repr)
@pytest.mark.parametrize("name", [name for name in POOLING if not name.endswith("_backward")])
def test_boxes_in_one_of_two_images(name, empty):
    """The other one's are pooled, wherever they stand in the list, and whatever they are made of."""
    box, empty = BOX[numbers(name)], fitting(empty, name)
    for boxes, image in (([empty, [box]], 1), ((np.array([box]), empty), 0), ([empty, np.float32([box])], 1)):
        assert pool(name, boxes).tolist() == pool(name, [[image, *box]]).tolist()


@pytest.mark.parametrize("boxes", [[[], []], [np.array([]), np.array([])], np.array([])], ids=str)
@pytest.mark.parametrize("name", [name for name in BACKWARD if "rotated" not in name])
def test_gradient_of_no_boxes(name, boxes):
    """Is zero."""
    gradient = pool(name, boxes)
    assert gradient.shape == (2, 1, 5, 5)
    assert not gradient.any()


@pytest.mark.parametrize("empty", EMPTY, ids=repr)
def test_no_boxes_of_no_image(empty):
    """Where there is no map: nothing is kept, compared or computed."""
    assert pyroi.nms(empty, [], 0.5).shape == (0,)
    assert pyroi.batched_nms(empty, [], [], 0.5).shape == (0,)
    assert pyroi.soft_nms(empty, [])[0].shape == (0,)
    assert pyroi.box_iou(empty, [BOX[4]]).shape == (0, 1)
    assert pyroi.box_iou([BOX[4]], empty).shape == (1, 0)
    assert pyroi.box_area(empty).shape == (0,)
    assert pyroi.remove_small_boxes(empty, 1).shape == (0,)
    assert pyroi.clip_boxes_to_image(empty, 5).shape == (0, 4)
    assert pyroi.box_convert(empty, "xyxy", "cxcywh").shape == (0, 4)
    assert pyroi.assign_levels(empty, 3).shape == (0,)


@pytest.mark.parametrize("boxes", [[], [[]], [[], [], []], ()])
def test_lists_of_another_length(boxes):
    """A list has an entry for each image, even if none has a box."""
    with pytest.raises(ValueError, match="boxes: expected one array for each of the 2 images"):
        pyroi.roi_align(np.ones((2, 1, 5, 5)), boxes, 2)


@pytest.mark.parametrize("boxes", [[[1, 1, 3, 3], []], [[], [1, 1, 3, 3]], [[], 5], [[], [[]]], [[], [["a"] * 4]]])
def test_an_empty_entry_beside_a_wrong_one(boxes):
    """The wrong one is named."""
    with pytest.raises((TypeError, ValueError), match="boxes: "):
        pyroi.roi_align(np.ones((2, 1, 5, 5)), boxes, 2)
