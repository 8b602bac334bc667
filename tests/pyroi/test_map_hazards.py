"""Hazards of operators on maps: one pixel that is NaN, images in any position, access beyond arrays.

Each operator is called through the same small table.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
from children import run_child
from oracles.cases import LAYOUTS, random_map

import pyroi

pytestmark = pytest.mark.generated

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

# a channel of a crop has so many of the map's
CHANNELS = {"ps_roi_align": 6, "ps_roi_align_fixed": 6, "ps_roi_pool": 6}
# normalizing does not mix pixels, the others are told apart by images here; boxes are in image 0 alone
MAPS_OF_ONE_IMAGE = {"prroi", "rotated", "rotated_fixed", "roi_pool", *CHANNELS}


def map_for(name, rng, shape, dtype=np.float32):
    """A map for an operator of FORWARD, with as many times the channels as it needs."""
    images, channels, *sides = shape
    return random_map(rng, (images, channels * CHANNELS.get(name, 1), *sides), dtype)


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
