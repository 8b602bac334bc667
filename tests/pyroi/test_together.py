"""Boxes and channels are worked on together; none of them may notice.

Small boxes are pooled from a ring of rows that goes down the map, several channels side by side; maps wider than a ring
are cut into stripes, gradients are added up in patches, and large results are written past the cache. Whatever of this
happens depends on sizes, so each size at which something else happens has its case here.
"""

from __future__ import annotations

import contextlib
import ctypes

import numpy as np
import pytest
from oracles import bounds, walk
from oracles.cases import LAYOUTS, random_map

import pyroi

pytestmark = pytest.mark.generated

# Of maps: one ring with all rows; one with whole rows; stripes, as the map is wider than 512 pixels; high and narrow.
MAPS = {"small": (24, 30), "long_rows": (150, 330), "stripes": (90, 700), "high": (3100, 8)}
CHANNELS = (3, 4, 16, 21, 40)  # too few for lines; part of a line; a line; more; of float64, five lines


def boxes_on(size, images=1):
    """Boxes from top to bottom and across a map, of every kind: small, large, flat, mirrored, beyond the border."""
    height, width = size
    rng = np.random.default_rng(5)
    spread = rng.uniform(-0.05, 1.0, (40, 2)) * (width, height)
    small = np.hstack([spread, spread + rng.uniform(1, 40, (40, 2))])
    large = [
        [0, 0, width, height],
        [-9, -9, width + 9, height + 9],
        [width / 3, 0, width / 3 + 5, height],
        [0, height / 3, width, height / 3 + 3],
        [width, height, 0, 0],
        [width + 30, 0, width + 60, 9],
        [1, 1, 1, 1],
    ]
    corners = np.vstack([small, large])[rng.permutation(47)]
    return np.hstack([rng.integers(images, size=(47, 1)), corners]).astype(np.float32)


@pytest.mark.parametrize("size", MAPS)
@pytest.mark.parametrize("ratio", [2, -1])
def test_a_box_alone_and_among_others(size, ratio):
    """The same bits, box by box: what enters the ring for others is not seen."""
    boxes = boxes_on(MAPS[size], images=2)
    map = random_map(np.random.default_rng(6), (2, 5, *MAPS[size]))
    together = pyroi.roi_align(map, boxes, (3, 4), 1.0, ratio)
    alone = [pyroi.roi_align(map, box[None], (3, 4), 1.0, ratio)[0] for box in boxes]
    assert together.tobytes() == np.stack(alone).tobytes()
    assert together.any()


@pytest.mark.parametrize("size", MAPS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_channel_alone_and_among_others(size, dtype):
    """The same bits, channel by channel, for numbers of channels that fill lines and that do not."""
    boxes = boxes_on(MAPS[size])
    whole = random_map(np.random.default_rng(7), (1, max(CHANNELS), *MAPS[size]), dtype)
    alone = [pyroi.roi_align(whole[:, [c]], boxes, (2, 3), 1.0, 2) for c in range(max(CHANNELS))]
    for channels in CHANNELS:
        together = pyroi.roi_align(np.ascontiguousarray(whole[:, :channels]), boxes, (2, 3), 1.0, 2)
        assert together.tobytes() == np.concatenate(alone[:channels], axis=1).tobytes(), channels


@pytest.mark.parametrize("size", MAPS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_give_the_same_bits(size, layout):
    """Planes, channels last, and all others, with channels that fill lines and that do not, forward and backward."""
    rng = np.random.default_rng(8)
    boxes = boxes_on(MAPS[size])
    for channels in (5, 24, 32):
        map = random_map(rng, (1, channels, *MAPS[size]))
        grad = random_map(rng, (len(boxes), channels, 2, 2))
        assert (
            pyroi.roi_align(LAYOUTS[layout](map), boxes, (2, 2), 1.0, 2).tobytes()
            == pyroi.roi_align(map, boxes, (2, 2), 1.0, 2).tobytes()
        )
        assert (
            pyroi.roi_align_backward(LAYOUTS[layout](grad), boxes, map.shape, 1.0, 2).tobytes()
            == pyroi.roi_align_backward(grad, boxes, map.shape, 1.0, 2).tobytes()
        )


@pytest.mark.parametrize("ratio", [2, -1])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_few_channels(ratio, layout, dtype):
    """Of few channels, wide boxes are pooled row by row, pixels at once where they lie together: the same bits."""
    rng = np.random.default_rng(20)
    shape = (2, 12, 60, 150)
    corner = rng.uniform(-5, 1, (60, 2)) + rng.uniform(0, 1, (60, 2)) * (150, 60)
    boxes = np.hstack([rng.integers(2, size=(60, 1)), corner, corner + rng.uniform(1, 150, (60, 2))]).astype(np.float32)
    map = random_map(rng, shape, dtype)
    map[1, 1, 20:40, 60:80] = np.nan
    for bins in ((3, 11), (9, 2)):
        alone = np.concatenate([pyroi.roi_align(map[:, [c]], boxes, bins, 1.0, ratio) for c in range(shape[1])], axis=1)
        assert np.isnan(alone[:, 1]).any()
        assert not np.isnan(np.delete(alone, 1, axis=1)).any()
        for channels in (2, 3, 4, 5, 7, 8, 9, 12):
            few = LAYOUTS[layout](np.ascontiguousarray(map[:, :channels]))
            np.testing.assert_array_equal(pyroi.roi_align(few, boxes, bins, 1.0, ratio), alone[:, :channels])


@pytest.mark.parametrize("offset", range(0, 64, 8))
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_pixels_of_few_channels_wherever_they_begin(offset, dtype):
    """Boxes reach the first and the last number of an image, and begin anywhere in a vector: nothing beyond is read."""
    rng = np.random.default_rng(21)
    boxes = np.float32([*((x, x, 33, 9 + x % 3) for x in range(12)), (0, 0, 40, 12), (20, 5, 40, 12)])
    for channels in (2, 3, 4, 7):
        map = random_map(rng, (1, channels, 12, 40), dtype)
        with channels_last_at(offset, map) as last:
            result = pyroi.roi_align(last, boxes, (2, 3))
            assert result.tobytes() == pyroi.roi_align(map, boxes, (2, 3)).tobytes()
            right = last[..., 13:]
            beside = boxes - np.float32([13, 0, 13, 0])
            expected = pyroi.roi_align(np.ascontiguousarray(right), beside, (2, 3))
            assert pyroi.roi_align(right, beside, (2, 3)).tobytes() == expected.tobytes()
            assert result.any()
            assert expected.any()


def test_channels_last_read_often_and_seldom():
    """Few boxes are pooled from where the map lies, many from a ring: the same bits."""
    rng = np.random.default_rng(9)
    map = random_map(rng, (1, 32, 14, 15))
    box = np.float32([[0, 0.7, 0.4, 14, 13]])
    for count in (1, 40):
        boxes = np.repeat(box, count, axis=0)
        expected = pyroi.roi_align(map, boxes, (3, 3))
        assert pyroi.roi_align(LAYOUTS["channels_last"](map), boxes, (3, 3)).tobytes() == expected.tobytes()


@contextlib.contextmanager
def memory_that_begins(offset, size):
    """Bytes that begin so far behind a cache line. AddressSanitizer, where it is, forbids what is around them."""
    memory = np.empty(size + 192, np.uint8)
    start = -memory.ctypes.data % 64 + 64 + offset
    around = [(memory.ctypes.data, start), (memory.ctypes.data + start + size, len(memory) - start - size)]

    def tell_sanitizer(verb):
        function = getattr(ctypes.CDLL(None), f"__asan_{verb}_memory_region", None)
        for address, count in around if function else ():
            function(ctypes.c_void_p(address), ctypes.c_size_t(count))

    tell_sanitizer("poison")
    try:
        yield memory[start : start + size]
    finally:
        tell_sanitizer("unpoison")


@pytest.mark.parametrize("offset", range(0, 64, 8))
@pytest.mark.parametrize("beside", [0, 16, 5], ids=["all channels", "lines beside", "channels beside"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_channels_last_wherever_a_map_begins(offset, beside, dtype):
    """Lines of channels are cache lines, or parts of two; boxes reach the map's first or last pixel: the same bits."""
    rng = np.random.default_rng(16)
    corner = rng.uniform(-3, 25, (9, 2))
    boxes = [*np.hstack([corner, corner + rng.uniform(1, 35, (9, 2))]), (0, 0, 50, 40), (0, 0, 5, 5), (44, 35, 50, 40)]
    boxes = np.hstack([rng.integers(2, size=(12, 1)), boxes]).astype(np.float32)
    boxes[-3:, 0] = 0, 0, 1
    for channels in (16, 21, 48, 60):  # the last line is a whole one, or has some of the channels of the one before it
        map = random_map(rng, (2, channels, 40, 50), dtype)
        map[1, 5, 20, 20] = np.nan
        expected = [pyroi.roi_align(map, boxes, bins, 1.0, 2) for bins in ((7, 7), (6, 4), (3, 2))]
        shape = (2, 40, 50, beside + channels)
        with memory_that_begins(offset, int(np.prod(shape)) * map.itemsize) as memory:
            pixels = memory.view(dtype).reshape(shape)[..., beside:]
            pixels[...] = map.transpose(0, 2, 3, 1)
            for crops in expected:
                last = pyroi.roi_align(pixels.transpose(0, 3, 1, 2), boxes, crops.shape[2:], 1.0, 2)
                np.testing.assert_array_equal(last, crops)
        assert np.isnan(expected[0][:, 5]).any()
        assert not np.isnan(np.delete(expected[0], 5, axis=1)).any()


@contextlib.contextmanager
def channels_last_at(offset, map):
    """A copy of a map with its channels together, which begins so far behind a cache line."""
    with memory_that_begins(offset, map.nbytes) as memory:
        pixels = memory.view(map.dtype).reshape(map.transpose(0, 2, 3, 1).shape)
        pixels[...] = map.transpose(0, 2, 3, 1)
        yield pixels.transpose(0, 3, 1, 2)


def boxes_that_read_often(size, images):
    """So many that a map with its channels together is worth a ring, except for some that are too wide for one."""
    height, width = size
    rng = np.random.default_rng(17)
    corner = rng.uniform(-0.1, 0.9, (500, 2)) * (width, height)
    boxes = np.hstack([corner, corner + rng.uniform(0.3, 0.7, (500, 2)) * (min(width, 100), height)])
    boxes[::100] = width / 3, 0, width, height
    return np.hstack([rng.integers(images, size=(500, 1)), boxes]).astype(np.float32)


@pytest.mark.parametrize("offset", range(0, 64, 8))
@pytest.mark.parametrize("size", [(24, 30), (60, 600)], ids=["whole rows", "stripes"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_ring_of_channels_last_wherever_a_map_begins(offset, size, dtype):
    """Channels are cut where cache lines begin, so one line has the last and the first: same bits, NaN in its place."""
    rng = np.random.default_rng(18)
    images = 2 if size[1] < 100 else 1
    boxes = boxes_that_read_often(size, images)
    map = random_map(rng, (images, 48, *size), dtype)
    map[0, [0, 30, 47], 10, 3] = np.nan
    for bins in ((3, 4), (14, 14)) if size[1] < 100 else ((2, 5),):  # of 14 x 14, so many are written past the cache
        expected = pyroi.roi_align(map, boxes, bins)
        with channels_last_at(offset, map) as last:
            np.testing.assert_array_equal(pyroi.roi_align(last, boxes, bins), expected)
            apart = np.empty((*expected.shape, 2), dtype)[..., 0]
            np.testing.assert_array_equal(pyroi.roi_align(last, boxes, bins, out=apart), expected)
        assert set(np.flatnonzero(np.isnan(expected).any((0, 2, 3)))) == {0, 30, 47}


@pytest.mark.parametrize("offsets", [(16, 16), (16, 24), (0, 16)])
def test_rings_of_channels_last_wherever_levels_begin(offsets):
    """Levels that begin the same way behind a cache line, and such as do not."""
    rng = np.random.default_rng(19)
    boxes = boxes_that_read_often((96, 96), 1)
    maps = [random_map(rng, (1, 32, side, side)) for side in (24, 12)]
    scales = {"spatial_scales": [1 / 4, 1 / 8], "canonical_scale": 20, "canonical_level": 2}
    expected = pyroi.multiscale_roi_align(maps, boxes, 5, **scales)
    with channels_last_at(offsets[0], maps[0]) as fine, channels_last_at(offsets[1], maps[1]) as coarse:
        result = pyroi.multiscale_roi_align([fine, coarse], boxes, 5, **scales)
    assert result.tobytes() == expected.tobytes()


@pytest.mark.parametrize("size", ["long_rows", "stripes"])
@pytest.mark.parametrize("ratio", [2, -1])
def test_large_maps_against_the_walk(size, ratio):
    """Forward and backward, against the walk over the samples: whole rows, stripes, patches."""
    rng = np.random.default_rng(10)
    boxes = boxes_on(MAPS[size])
    map = random_map(rng, (1, 4, *MAPS[size]))
    arguments = (boxes, (3, 2), 1.0, ratio)
    expected, magnitude = walk.roi_align(map, *arguments), walk.magnitude(map, *arguments)
    ulps = 20 if ratio == -1 else bounds.ULPS  # bins of ten thousands of pixels
    bounds.assert_within(pyroi.roi_align(map, *arguments), expected, magnitude, ulps=ulps)
    grad = random_map(rng, (len(boxes), 4, 3, 2))
    arguments = (boxes, map.shape, 1.0, ratio)
    expected = walk.roi_align_backward(grad, *arguments)
    magnitude = walk.roi_align_backward(np.abs(grad), *arguments)
    bounds.assert_within(pyroi.roi_align_backward(grad, *arguments), expected, magnitude, ulps=ulps)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_more_boxes_than_are_planned_at_once(dtype):
    """Tables of 12 000 boxes do not fit a chunk: forward as in parts, and gradients go on where the last one ended."""
    rng = np.random.default_rng(11)
    shape, count = (1, 3, 21, 23), 12_000
    corner = rng.uniform(-2, 20, (count, 2))
    boxes = np.hstack([np.zeros((count, 1)), corner, corner + rng.uniform(0.5, 6, (count, 2))]).astype(np.float32)
    map = random_map(rng, shape, dtype)
    parts = [pyroi.roi_align(map, part, (2, 2), 1.0, 2) for part in np.array_split(boxes, 7)]
    assert pyroi.roi_align(map, boxes, (2, 2), 1.0, 2).tobytes() == np.concatenate(parts).tobytes()
    grad = random_map(rng, (count, 3, 2, 2), dtype)
    real = bounds.computed_in(dtype)
    expected = walk.roi_align_backward(grad, boxes, shape, 1.0, 2, real=real)
    magnitude = walk.roi_align_backward(np.abs(grad), boxes, shape, 1.0, 2, real=real)
    result = pyroi.roi_align_backward(grad, boxes, shape, 1.0, 2)
    bounds.assert_within(result, expected, magnitude, dtype, ulps=100)  # thousands of shares in one order
    swapped = LAYOUTS["channels_last"](grad)
    assert pyroi.roi_align_backward(swapped, boxes, shape, 1.0, 2).tobytes() == result.tobytes()


@pytest.mark.parametrize("size", [(16, 18), (160, 330)], ids=["whole", "in bands"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_in_its_channel(value, size):
    """One pixel of one channel of a line: the other channels have the same bits as without it, forward and backward."""
    rng = np.random.default_rng(12)
    map = random_map(rng, (1, 20, *size))
    boxes = boxes_on(size)
    grad = random_map(rng, (len(boxes), 20, 3, 3))
    spoiled, spoiled_grad = map.copy(), grad.copy()
    spoiled[0, 7, size[0] // 2, size[1] // 2] = value
    spoiled_grad[:, 7, 1, 1] = value
    others = np.arange(20) != 7
    for clean, dirty in (
        (pyroi.roi_align(map, boxes, (3, 3)), pyroi.roi_align(spoiled, boxes, (3, 3))),
        (
            pyroi.roi_align_backward(grad, boxes, map.shape),
            pyroi.roi_align_backward(spoiled_grad, boxes, map.shape),
        ),
    ):
        assert dirty[:, others].tobytes() == clean[:, others].tobytes()
        assert not np.isfinite(dirty[:, 7]).all()


@pytest.mark.parametrize("ratio", [2, -1])
def test_bands_of_a_tall_box(ratio):
    """200 rows in bands, some beyond the map, downwards and upwards: each row of bins is that of a box of its own."""
    rng = np.random.default_rng(15)
    map = random_map(rng, (1, 20, 160, 330))
    map[0, 3, 40:60, 10] = np.nan
    left = np.float32([5, 100, 310])
    for top, height in ((-30, 200), (170, -200)):
        boxes = np.float32([[0, x, top, x + 9, top + height] for x in left])
        result = pyroi.roi_align(map, boxes, (8, 3), 1.0, ratio, aligned=True)
        for row in range(8):
            parts = boxes.copy()
            parts[:, 2] = top + row * height / 8  # eighths are exact
            parts[:, 4] = top + (row + 1) * height / 8
            part = pyroi.roi_align(map, parts, (1, 3), 1.0, ratio, aligned=True)
            assert part[:, :, 0].tobytes() == result[:, :, row].tobytes(), row
        assert np.isnan(result[0, 3]).any() == (ratio > 0 or height > 0)  # upwards, adaptive bins have no samples
        assert np.isfinite(np.delete(result, 3, axis=1)).all()


@pytest.mark.parametrize("offset", [0, 4, 60])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("channels", [64, 70])
def test_large_results_wherever_they_begin(offset, layout, channels):
    """A result of 17 MiB, written past the cache, at places that begin a cache line and that do not.

    It comes from a ring, or from where the map lies: a line's channels at a time, or, of wide boxes, in two steps.
    """
    rng = np.random.default_rng(13)
    map = random_map(rng, (1, channels, 110, 330))
    corner = rng.uniform(0, 35, (1450, 2))
    sides = rng.uniform(1, 12, (1450, 2))
    sides[::50, 1] += 70  # in bands
    sides[25::50, 0] += 200  # wide
    boxes = np.hstack([np.zeros((1450, 1)), corner, corner + sides]).astype(np.float32)
    shape = (1450, channels, 7, 7)
    memory = np.full(int(np.prod(shape)) * 4 + 128, 0xAB, np.uint8)
    start = -memory.ctypes.data % 64 + offset
    out = memory[start : start + int(np.prod(shape)) * 4].view(np.float32).reshape(shape)
    pyroi.roi_align(LAYOUTS[layout](map), boxes, 7, 1.0, 2, out=out)
    parts = [pyroi.roi_align(map, part, 7, 1.0, 2) for part in np.array_split(boxes, 4)]
    assert out.tobytes() == np.concatenate(parts).tobytes()
    assert (memory[:start] == 0xAB).all()
    assert (memory[start + out.nbytes :] == 0xAB).all()


@pytest.mark.parametrize(("count", "bins"), [(24, (3, 300)), (80, (16, 16))])
def test_large_results_of_wide_pixels(count, bins):
    """20 MiB, written past the cache, one row of bins or many at a time, for all lines of a pixel: as of planes."""
    rng = np.random.default_rng(22)
    map = random_map(rng, (1, 250, 120, 150))
    corner = rng.uniform(0, 100, (count, 2))
    boxes = np.hstack([np.zeros((count, 1)), corner, corner + rng.uniform(5, 28, (count, 2))]).astype(np.float32)
    last = LAYOUTS["channels_last"](map)
    expected = pyroi.roi_align(map, boxes, bins, 1.0, 1)
    assert pyroi.roi_align(last, boxes, bins, 1.0, 1).tobytes() == expected.tobytes()
    assert pyroi.roi_align(last, boxes[:2], bins, 1.0, 1).tobytes() == expected[:2].tobytes()


def test_large_gradients():
    """A gradient of 17 MiB, written past the cache, is that of its channels by themselves."""
    rng = np.random.default_rng(14)
    shape = (1, 64, 255, 273)  # rows begin anywhere in a cache line
    boxes = boxes_on(shape[2:])
    grad = random_map(rng, (len(boxes), 64, 3, 3))
    whole = pyroi.roi_align_backward(grad, boxes, shape)
    for begin in range(0, 64, 24):
        part = np.ascontiguousarray(grad[:, begin : begin + 24])
        expected = pyroi.roi_align_backward(part, boxes, (1, part.shape[1], *shape[2:]))
        assert whole[:, begin : begin + 24].tobytes() == expected.tobytes()
