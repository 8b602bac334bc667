"""normalize_image, denormalize_image and resize_image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.autograd import torch
from oracles.cases import LAYOUTS, random_map

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
IMAGE = np.arange(24, dtype=np.float32).reshape(3, 2, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 3, 1, 9), (1, 3, 40, 33)])
def test_normalize_agrees_with_the_definition(shape, dtype):
    """(image - mean) / std in the image's type, two roundings: NumPy's own bits. And the inverse."""
    image = random_map(np.random.default_rng(0), shape, dtype)
    mean, std = (np.array(v, dtype).reshape(3, 1, 1) for v in (MEAN, STD))
    assert pyroi.normalize_image(image, MEAN, STD).tobytes() == ((image - mean) / std).tobytes()
    assert pyroi.denormalize_image(image, MEAN, STD).tobytes() == (image * std + mean).tobytes()
    back = pyroi.denormalize_image(pyroi.normalize_image(image, MEAN, STD), MEAN, STD)
    np.testing.assert_allclose(back, image, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normalize_agrees_with_pytorch(dtype):
    """sub_ and div_, which torchvision's normalize is made of."""
    t = torch()
    image = random_map(np.random.default_rng(1), (2, 3, 17, 19), dtype)
    mean, std = (t.tensor(v, dtype=t.from_numpy(image).dtype).view(-1, 1, 1) for v in (MEAN, STD))
    expected = t.from_numpy(image).clone().sub_(mean).div_(std).numpy()
    assert pyroi.normalize_image(image, MEAN, STD).tobytes() == expected.tobytes()


def test_forms_of_means():
    """A number, one for each channel, arrays that broadcast to the image: the same numbers."""
    image = np.stack([IMAGE, IMAGE + 1])
    assert (pyroi.normalize_image(image, 1, 2) == (image - 1) / 2).all()
    assert (pyroi.normalize_image(image, [1], np.float64(2)) == (image - 1) / 2).all()
    by_channel = (image - np.float32([1, 2, 3]).reshape(3, 1, 1)) / 2
    for mean in ([1, 2, 3], (1.0, 2, 3), np.array([1, 2, 3], np.int32), np.float16([1, 2, 3]).reshape(1, 3, 1, 1)):
        assert (pyroi.normalize_image(image, mean, 2) == by_channel).all()
    by_pixel = np.arange(8.0).reshape(2, 4)
    assert (pyroi.normalize_image(image, by_pixel, 2) == (image - by_pixel.astype(np.float32)) / 2).all()
    by_column = np.float32([3, 5, 1, 2])
    assert (pyroi.normalize_image(image, by_column.reshape(1, 4), 2) == (image - by_column) / 2).all()
    by_image = np.array([1.0, 5]).reshape(2, 1, 1, 1)
    assert (pyroi.normalize_image(image, by_image, 2) == (image - by_image.astype(np.float32)) / 2).all()


@pytest.mark.parametrize("function", [pyroi.normalize_image, pyroi.denormalize_image])
@pytest.mark.parametrize("layout", ["contiguous", "fortran", "channels_last", "sliced", "reversed"])
def test_in_place(function, layout):
    """The image itself comes back with the result in it, whatever its strides."""
    image = LAYOUTS[layout](np.stack([IMAGE, IMAGE * 2]))
    expected = function(image, MEAN, STD)
    result = function(image, MEAN, STD, True)
    assert result is image
    assert (image == expected).all()


@pytest.mark.parametrize("layout", ["contiguous", "sliced", "fortran"])
def test_in_place_with_means_out_of_the_image(layout):
    """Means that are part of the image are read before it is written, in one piece or row by row."""
    image = LAYOUTS[layout](IMAGE + 1)
    expected = pyroi.normalize_image(image, image[:, :1, :1].copy(), image[:, 1:, 3:].copy())
    assert (pyroi.normalize_image(image, image[:, :1, :1], image[:, 1:, 3:], True) == expected).all()


def test_nan_stays_where_it_is():
    """NaN and infinity are numbers of the image like others."""
    image = IMAGE.copy()
    image[1, 0, 2], image[2, 1, 1] = math.nan, math.inf
    result = pyroi.normalize_image(image, MEAN, STD)
    assert np.argwhere(~np.isfinite(result)).tolist() == [[1, 0, 2], [2, 1, 1]]


LOCKED = IMAGE.copy()
LOCKED.flags.writeable = False


@pytest.mark.parametrize("function", [pyroi.normalize_image, pyroi.denormalize_image])
@pytest.mark.parametrize(
    ("kind", "argument", "arguments"),
    [
        (ArgumentError, "mean", (IMAGE, [1, 2], 1)),
        (ArgumentError, "std", (IMAGE, 1, [1, 2, 3, 4])),
        (ArgumentError, "mean", (IMAGE, np.zeros((2, 1, 1)), 1)),
        (ArgumentError, "std", (IMAGE, 0, np.ones((2, 3, 2, 4)))),
        (ArgumentError, "std", (IMAGE, 0, 0)),
        (ArgumentError, "std", (IMAGE, 0, [1, -1, 1])),
        (ArgumentError, "std", (IMAGE, 0, [1, 1, math.nan])),
        (ArgumentError, "std", (IMAGE, 0, math.inf)),
        (ArgumentError, "std", (IMAGE, 0, 1e-60)),
        (ArgumentError, "mean", (IMAGE, math.nan, 1)),
        (ArgumentError, "mean", (IMAGE, [0, math.inf, 0], 1)),
        (ArgumentTypeError, "mean", (IMAGE, "0.5", 1)),
        (ArgumentTypeError, "std", (IMAGE, 0, None)),
        (ArgumentError, "image", (IMAGE[0], 0, 1)),
        (ArgumentTypeError, "image", ("image", 0, 1)),
        (ArgumentTypeError, "inplace", (IMAGE, 0, 1, "yes")),
        (ArgumentTypeError, "inplace", (IMAGE.astype(np.uint8), 0, 1, True)),
        (ArgumentTypeError, "inplace", (IMAGE.tolist(), 0, 1, True)),
        (ArgumentError, "image", (LOCKED, 0, 1, True)),
    ],
)
def test_misuse(function, kind, argument, arguments):
    """The argument is named, and nothing is written."""
    before = IMAGE.copy()
    with pytest.raises(kind) as caught:
        function(*arguments)
    assert caught.value.argument == argument
    assert (before == IMAGE).all()


def test_wrong_deviation_is_named_with_its_channel():
    """Which of the numbers is wrong."""
    with pytest.raises(ArgumentError, match=r"-2.*channel 1"):
        pyroi.normalize_image(IMAGE, 0, [1, -2, 1])


# ---- resize_image ----------------------------------------------------------------------------------------------------


def test_resize_is_interpolate():
    """One image or several; the default mode is bilinear."""
    images = random_map(np.random.default_rng(3), (2, 3, 8, 9))
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        expected = pyroi.interpolate(images, (5, 14), mode)
        assert pyroi.resize_image(images, (5, 14), mode).tobytes() == expected.tobytes()
        assert pyroi.resize_image(images[1], (5, 14), mode).tobytes() == expected[1].tobytes()
    aligned = pyroi.interpolate(images, (5, 5), "bilinear", True)
    assert pyroi.resize_image(images, 5, align_corners=True).tobytes() == aligned.tobytes()


@pytest.mark.parametrize(
    ("kind", "argument", "arguments"),
    [
        (ArgumentError, "image", (IMAGE[0], 3)),
        (ArgumentTypeError, "size", (IMAGE, None)),
        (ArgumentError, "size", (IMAGE, (3, -1))),
        (ArgumentError, "mode", (IMAGE, 3, "cubic")),
        (ArgumentError, "align_corners", (IMAGE, 3, "nearest", True)),
    ],
)
def test_misuse_of_resize(kind, argument, arguments):
    """The argument is named."""
    with pytest.raises(kind) as caught:
        pyroi.resize_image(*arguments)
    assert caught.value.argument == argument
