"""What may go wrong with any operator on maps: layouts, types, NaN, threads, cancelling, memory beyond arrays.

Each operator is called through the same small table, forward and backward.
"""

from __future__ import annotations

import ctypes
import math
import sys
import threading

import numpy as np
import pytest
from children import run_child
from oracles.cases import LAYOUTS, random_map

import pyroi
from pyroi.errors import Cancelled

BOXES = np.array([[0, 1.2, 0.7, 8.1, 6.4], [0, -3, 2, 5, 12], [0, 4, 4, 4.5, 4.5], [0, 3, 3, 3, 9]])
TURNED = np.array([[0, 4.2, 3.7, 8.1, 6.4, 30], [0, 1, 4, 5, 12, -100], [0, 4, 4, 0.5, 0.5, 77], [0, 3, 6, 0, 9, 45]])
GRID = np.random.default_rng(0).uniform(-1.3, 1.3, (1, 6, 11, 2))


def resized(mode, **options):
    return lambda x: pyroi.interpolate(x, (9, 23), mode, **options)


FORWARD = {
    "nearest": resized("nearest"),
    "nearest_exact": resized("nearest-exact"),
    "bilinear": resized("bilinear"),
    "bilinear_aligned": resized("bilinear", align_corners=True),
    "bicubic": resized("bicubic"),
    "bilinear_antialias": lambda x: pyroi.interpolate(x, (3, 5), "bilinear", antialias=True),
    "bicubic_antialias": lambda x: pyroi.interpolate(x, (3, 5), "bicubic", antialias=True),
    "area": lambda x: pyroi.adaptive_avg_pool2d(x, (3, 7)),
    "maxima": lambda x: pyroi.adaptive_max_pool2d(x, (3, 7)),
    "prroi": lambda x: pyroi.prroi_pool(x, BOXES, (3, 4)),
    "rotated": lambda x: pyroi.roi_align_rotated(x, TURNED, (3, 4)),
    "rotated_fixed": lambda x: pyroi.roi_align_rotated(x, TURNED, (3, 4), 1.0, 3, False),
    "roi_pool": lambda x: pyroi.roi_pool(x, BOXES, (3, 4)),
    "ps_roi_align": lambda x: pyroi.ps_roi_align(x, BOXES, (3, 2)),
    "ps_roi_align_fixed": lambda x: pyroi.ps_roi_align(x, BOXES, (2, 3), 1.0, 3),
    "ps_roi_pool": lambda x: pyroi.ps_roi_pool(x, BOXES, (2, 3)),
    "grid_bilinear": lambda x: pyroi.grid_sample(x, np.repeat(GRID, len(x), 0)),
    "grid_nearest": lambda x: pyroi.grid_sample(x, np.repeat(GRID, len(x), 0), "nearest", "border"),
    "grid_bicubic": lambda x: pyroi.grid_sample(x, np.repeat(GRID, len(x), 0), "bicubic", "reflection"),
    "normalize": lambda x: pyroi.normalize_image(x, 0.5, 0.25),
}

BACKWARD = {
    "bilinear": lambda g: pyroi.interpolate_backward(g, (*g.shape[:2], 9, 13), "bilinear"),
    "bicubic": lambda g: pyroi.interpolate_backward(g, (*g.shape[:2], 9, 13), "bicubic"),
    "antialias": lambda g: pyroi.interpolate_backward(g, (*g.shape[:2], 30, 41), "bilinear", antialias=True),
    "area": lambda g: pyroi.adaptive_avg_pool2d_backward(g, (*g.shape[:2], 19, 21)),
    "rotated": lambda g: pyroi.roi_align_rotated_backward(g, TURNED[: len(g)], (1, g.shape[1], 9, 13)),
    "roi_pool": lambda g: pyroi.roi_pool_backward(g, places(g.shape), BOXES[: len(g)], (1, g.shape[1], 9, 13)),
    "ps_roi_align": lambda g: pyroi.ps_roi_align_backward(g, BOXES[: len(g)], channel_for_each_bin(g)),
    "ps_roi_pool": lambda g: pyroi.ps_roi_pool_backward(g, BOXES[: len(g)], channel_for_each_bin(g)),
}


def places(shape):
    """Where maxima of so many bins might have been on a map of 9 x 13, some of them nowhere."""
    return np.arange(math.prod(shape)).reshape(shape) % 118 - 1


def channel_for_each_bin(grad):
    """The shape of a map of 9 x 13 that such a gradient flows back to."""
    return (1, math.prod(grad.shape[1:]), 9, 13)


# a channel of a crop has so many of the map's
CHANNELS = {"ps_roi_align": 6, "ps_roi_align_fixed": 6, "ps_roi_pool": 6}
# normalizing does not mix pixels, the others are told apart by images here; boxes are in image 0 alone
MAPS_OF_ONE_IMAGE = {"prroi", "rotated", "rotated_fixed", "roi_pool", *CHANNELS}


def map_for(name, rng, shape, dtype=np.float32):
    """A map for an operator of FORWARD, with as many times the channels as it needs."""
    images, channels, *sides = shape
    return random_map(rng, (images, channels * CHANNELS.get(name, 1), *sides), dtype)


def maps(name, rng, dtype):
    """Maps for an operator of FORWARD."""
    images = 1 if name in MAPS_OF_ONE_IMAGE else 2
    for shape in ((images, 3, 8, 9), (images, 17, 5, 16), (images, 1, 7, 33), (images, 40, 6, 6)):
        yield map_for(name, rng, shape, dtype)


def grads(rng, dtype):
    """Gradients for the operators of BACKWARD."""
    for shape in ((2, 3, 8, 9), (2, 17, 5, 16), (2, 1, 7, 33), (2, 40, 6, 6)):
        yield random_map(rng, shape, dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", FORWARD)
def test_layouts(name, dtype):
    """The same numbers in another order of memory give the same bits."""
    for map in maps(name, np.random.default_rng(1), dtype):
        expected = FORWARD[name](map)
        assert expected.dtype == dtype
        assert expected.flags.c_contiguous
        for layout, arrange in LAYOUTS.items():
            result = FORWARD[name](arrange(map))
            assert result.tobytes() == expected.tobytes(), layout


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", BACKWARD)
def test_layouts_of_gradients(name, dtype):
    """The same for gradients."""
    for grad in grads(np.random.default_rng(2), dtype):
        expected = BACKWARD[name](grad)
        assert expected.dtype == dtype
        for layout, arrange in LAYOUTS.items():
            assert BACKWARD[name](arrange(grad)).tobytes() == expected.tobytes(), layout


@pytest.mark.parametrize("name", FORWARD)
def test_half_precision_is_computed_in_float32(name):
    """float16 maps: float32's result, rounded once."""
    for map in maps(name, np.random.default_rng(3), np.float16):
        expected = FORWARD[name](map.astype(np.float32)).astype(np.float16)
        assert FORWARD[name](map).tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", FORWARD)
def test_bfloat16(name):
    """bfloat16 likewise, where ml_dtypes is installed."""
    bfloat16 = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed").bfloat16
    for map in maps(name, np.random.default_rng(4), np.float32):
        small = map.astype(bfloat16)
        assert FORWARD[name](small).tobytes() == FORWARD[name](small.astype(np.float32)).astype(bfloat16).tobytes()


@pytest.mark.parametrize("name", FORWARD)
def test_integers_are_read_as_float32(name):
    """Any integers and booleans."""
    map = np.arange(72 * CHANNELS.get(name, 1)).reshape(1, -1, 8, 9) % 2
    expected = FORWARD[name](map.astype(np.float32))
    for dtype in (np.bool_, np.uint8, np.int16, np.int64):
        result = FORWARD[name](map.astype(dtype))
        assert result.dtype == np.float32
        assert result.tobytes() == expected.tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "fortran"])
@pytest.mark.parametrize("name", FORWARD)
def test_one_pixel_that_is_no_number(name, layout, value):
    """It reaches those results that it has a weight in, and changes no bit of the others."""
    rng = np.random.default_rng(5)
    for shape in ((1, 20, 6, 19), (1, 2, 8, 9)):
        map = map_for(name, rng, shape)
        clean = FORWARD[name](LAYOUTS[layout](map))
        for y, x in ((0, 0), (2, 8), (shape[2] - 1, shape[3] - 1), (4, 3)):
            one = np.zeros(map.shape, np.float64)
            one[0, 1, y, x] = 1
            weight = FORWARD[name](one) != FORWARD[name](np.zeros(map.shape))
            broken = map.copy()
            broken[0, 1, y, x] = value
            result = FORWARD[name](LAYOUTS[layout](broken))
            beaten = name in ("maxima", "roi_pool") and value == -np.inf
            assert beaten or not np.isfinite(result[weight]).any()
            assert result[~weight].tobytes() == clean[~weight].tobytes()


@pytest.fixture
def _threads_as_before():
    before = pyroi.get_num_threads()
    yield
    pyroi.set_num_threads(before)


@pytest.mark.usefixtures("_threads_as_before")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_same_bits_for_every_number_of_threads(dtype):
    """1, 2, 3 and 8 threads, also where one image is cut into strips, and with NaN in it."""
    rng = np.random.default_rng(6)
    photo, stack = random_map(rng, (1, 3, 120, 161), dtype), random_map(rng, (3, 70, 20, 24), dtype)
    photo[0, 1, 60, 80] = np.nan
    grads = random_map(rng, (1, 3, 300, 410), dtype), random_map(rng, (3, 70, 31, 33), dtype)
    theta = np.tile(np.float32([[0.8, 0.3, 0.1], [-0.2, 0.9, 0]]), (3, 1, 1))
    grids = pyroi.affine_grid(theta[:1], (1, 3, 200, 210)), pyroi.affine_grid(theta, (3, 70, 20, 30))
    boxes = np.concatenate([BOXES * 9] * 20)
    crops = random_map(rng, (len(boxes), 3, 4, 4), dtype)
    seen = set()
    for threads in (1, 2, 3, 8):
        pyroi.set_num_threads(threads)
        parts = []
        for map, grad, grid in ((photo, grads[0], grids[0]), (stack, grads[1], grids[1])):
            for mode in ("nearest", "bilinear", "bicubic", "area"):
                parts.append(pyroi.interpolate(map, (400, 500), mode))
                parts.append(pyroi.interpolate_backward(grad, map.shape, mode))
            parts.append(pyroi.interpolate(map, (11, 13), "bicubic", antialias=True))
            parts.append(pyroi.grid_sample(map, grid, "bicubic"))
            parts.extend(pyroi.adaptive_max_pool2d(map, (17, 19), return_indices=True))
            parts.append(pyroi.adaptive_max_pool2d_backward(parts[-2], parts[-1], map.shape))
            parts.append(pyroi.normalize_image(map, 0.5, 2))
        parts.append(pyroi.prroi_pool(photo, boxes, (4, 4)))
        parts.extend(pyroi.prroi_pool_backward(crops, photo, boxes))
        turned = np.concatenate([TURNED * [0, 9, 9, 9, 9, 1]] * 20)
        parts.append(pyroi.roi_align_rotated(photo, turned, (4, 4), 1.0, 2))
        parts.append(pyroi.roi_align_rotated_backward(crops, turned, photo.shape, 1.0, 2))
        parts.extend(pyroi.roi_pool(photo, boxes, (4, 4), return_argmax=True))
        parts.append(pyroi.roi_pool_backward(crops, parts[-1], boxes, photo.shape))
        for map, columns in ((photo, 3), (stack, 10)):
            parts.append(pyroi.ps_roi_align(map, boxes, (1, columns)))
            parts.append(pyroi.ps_roi_align_backward(parts[-1], boxes, map.shape))
            parts.append(pyroi.ps_roi_pool(map, boxes, (1, columns)))
            parts.append(pyroi.ps_roi_pool_backward(parts[-1], boxes, map.shape))
        seen.add(b"".join(part.tobytes() for part in parts))
    assert len(seen) == 1


@pytest.mark.parametrize("name", FORWARD)
def test_calls_at_once(name):
    """Several Python threads, each with a map of its own: as alone."""
    works = [map_for(name, np.random.default_rng(seed), (1, 5, 8, 9 + seed)) for seed in range(4)]
    expected = [FORWARD[name](work).tobytes() for work in works]
    wrong = []

    def repeat(work, alone):
        wrong.extend(1 for _ in range(20) if FORWARD[name](work).tobytes() != alone)

    threads = [threading.Thread(target=repeat, args=pair) for pair in zip(works, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.fixture
def flag():
    """A flag that every call watches."""
    flag = ctypes.c_int32(0)
    pyroi.watch_cancel_flag(ctypes.addressof(flag))
    yield flag
    pyroi.watch_cancel_flag(0)


@pytest.mark.parametrize("name", FORWARD)
def test_cancel_flag(name, flag):
    """A flag that is set stops a call; one that is not changes nothing."""
    map = map_for(name, np.random.default_rng(7), (1, 3, 8, 9))
    expected = FORWARD[name](map)
    flag.value = 1
    with pytest.raises(Cancelled):
        FORWARD[name](map)
    flag.value = 0
    assert FORWARD[name](map).tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", BACKWARD)
def test_cancel_flag_backward(name, flag):
    """The same for gradients."""
    flag.value = 1
    with pytest.raises(Cancelled):
        BACKWARD[name](np.ones((1, 3, 8, 9), np.float32))


def test_cancel_flag_in_the_gradient_for_boxes(flag):
    """And for both gradients of prroi_pool."""
    flag.value = 1
    with pytest.raises(Cancelled):
        pyroi.prroi_pool_backward(np.ones((4, 3, 2, 2), np.float32), np.ones((1, 3, 8, 9), np.float32), BOXES)


def test_images_in_any_place():
    """Images whose channels lie at equal distances are worked on as one: they give what each gives alone."""
    rng = np.random.default_rng(8)
    wide = random_map(rng, (4, 6, 8, 9))
    views = [wide, wide[:, ::2], wide[::2], wide[:, :1], wide[1:2], wide.transpose(1, 0, 2, 3), wide[:, 1:4]]
    views.append(np.broadcast_to(wide[:1], wide.shape))
    views.append(np.broadcast_to(wide[:, :1], wide.shape))
    for name in ("bilinear", "area", "bicubic_antialias", "nearest"):
        for view in views:
            alone = [FORWARD[name](image[np.newaxis].copy()) for image in view]
            assert FORWARD[name](view).tobytes() == np.concatenate(alone).tobytes()


# ---- Memory beyond the arrays ----------------------------------------------------------------------------------------


def _small_maps(at, dtype_name):
    """Maps of 1 to 36 columns against forbidden memory, in several layouts, through every operator."""
    import guarded
    import numpy as np
    from oracles.cases import LAYOUTS

    import pyroi

    dtype = np.dtype(dtype_name)
    boxes = np.array([[0, 0.2, 0.3, 30, 3], [0, -3, -3, 60, 9], [0, 1, 1, 1.5, 1.5]], np.float64)
    turned = guarded.like(np.array([[0, 2, 2, 9, 3, 30], [0, 3, 1, 50, 70, -60], [0, 1, 1, 1.5, 1.5, 90]]), at)
    grid = np.random.default_rng(0).uniform(-1.5, 1.5, (1, 3, 5, 2)).astype(np.float32)
    calls = 0
    for layout in ("contiguous", "channels_last", "fortran", "reversed"):
        for width in range(1, 37):
            for channels, height in ((1, 1), (3, 4), (17, 2)):
                map = np.arange(channels * height * width, dtype=dtype).reshape(1, channels, height, width) % 9
                inside = guarded.like(LAYOUTS[layout](map), at)
                points = guarded.like(grid, at)
                pairs = [
                    (pyroi.interpolate(x, (5, 2 * width + 1), mode), pyroi.interpolate(x, (2, 3), mode))
                    for mode in ("nearest", "bilinear", "bicubic", "area")
                    for x in (inside, map)
                ]
                results = [part for pair in pairs[::2] for part in pair]
                expected = [part for pair in pairs[1::2] for part in pair]
                for x, parts in ((inside, results), (map, expected)):
                    parts.append(pyroi.interpolate(x, (1, width // 2 + 1), "bicubic", antialias=True))
                    parts.append(pyroi.prroi_pool(x, boxes, (2, 3)))
                    parts.extend(pyroi.adaptive_max_pool2d(x, (2, 3), return_indices=True))
                    parts.append(pyroi.interpolate_backward(x, (1, channels, 3, 7), "bilinear"))
                    parts.append(pyroi.adaptive_avg_pool2d_backward(x, (1, channels, 2 * height, width + 5)))
                    parts.extend(pyroi.grid_sample(x, points, mode) for mode in ("bilinear", "nearest", "bicubic"))
                    parts.append(pyroi.normalize_image(x, 1, 2))
                    parts.extend(pyroi.roi_pool(x, boxes, (2, 3), return_argmax=True))
                    parts.append(pyroi.roi_align_rotated(x, turned, (2, 3)))
                    parts.append(pyroi.roi_align_rotated_backward(x, turned[:1], (1, channels, 4, 5)))
                    for bins in ((1, 1), (1, channels)):
                        parts.append(pyroi.ps_roi_align(x, boxes, bins))
                        parts.append(pyroi.ps_roi_pool(x, boxes, bins))
                    whole = (1, channels * height * width, 4, 5)
                    parts.append(pyroi.ps_roi_align_backward(x, boxes[:1], whole))
                    parts.append(pyroi.ps_roi_pool_backward(x, boxes[:1], whole))
                    where = np.arange(x.size).reshape(x.shape) % 20
                    where = where if x is map else guarded.like(LAYOUTS[layout](where), at)
                    parts.append(pyroi.roi_pool_backward(x, where, boxes[:1], (1, channels, 4, 5)))
                for result, right in zip(results, expected, strict=True):
                    assert result.tobytes() == right.tobytes(), (layout, width, channels)
                    calls += 1
                place = guarded.like(LAYOUTS[layout](map), at)
                pyroi.normalize_image(place, 1, 2, True)
                assert place.tobytes() == pyroi.normalize_image(map, 1, 2).tobytes()
    print(calls)


@pytest.mark.skipif(sys.platform == "win32", reason="needs mmap and mprotect")
@pytest.mark.parametrize("at", ["start", "end"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_overread(at, dtype):
    """Not one byte beyond the arrays is read, at every width from 1 to 36."""
    assert int(run_child(_small_maps, at, dtype)) == 4 * 36 * 3 * 29
