"""Maps of more than 2^31 elements: indices are 64-bit."""

from __future__ import annotations

import sys

import pytest
from children import run_child

pytestmark = pytest.mark.skipif(sys.maxsize < 2**40, reason="needs 64 bits")


def _last_corner(shape, strides_of):
    """Marks the last pixels of a lazily zeroed float16 map and pools them; the rest is never touched."""
    import numpy as np

    import pyroi

    try:
        map = np.zeros(shape, np.float16)
    except MemoryError:
        print("skipped")
        return
    assert map.size > 2**31
    images, channels, height, width = shape
    map[-1, -1, -2:, -2:] = [[1, 2], [3, 4]]
    if strides_of == "channels_last":  # the same memory, read as [N, H, W, C]: the marks are pixels of 2 channels
        map = map.reshape(images, channels * height, width // 2, 2).transpose(0, 3, 1, 2)
        expected = [[[1], [3]], [[2], [4]]]
        y, x = channels * height, width // 2
        boxes = [[images - 1, x - 1, y - 2, x, y]]
        boxes = np.array(boxes, np.float64).astype(np.float32)
        result = pyroi.roi_align(map, boxes, (2, 1))
        assert result[0].tolist() == expected, result
        largest, place = pyroi.roi_pool(map, boxes - [0, 0, 0, 1, 1], 1, return_argmax=True)
        assert largest.ravel().tolist() == [3, 4]
        assert place.ravel().tolist() == [y * x - 1] * 2
        assert pyroi.ps_roi_pool(map, boxes, (2, 1)).ravel().tolist() == [1, 4]
    else:
        boxes = np.array([[images - 1, width - 2, height - 2, width, height]], np.float32)
        result = pyroi.roi_align(map, boxes, (2, 2))
        assert result[0, -1].tolist() == [[1, 2], [3, 4]], result
        assert not result[0, :-1].any()
        whole = pyroi.roi_align(map[:, -1:], boxes, (1, 1), mode="max")
        assert whole.item() == 4
        largest, place = pyroi.roi_pool(map, boxes - [0, 0, 0, 1, 1], 1, return_argmax=True)
        assert (largest[0, -1].item(), place[0, -1].item()) == (4, height * width - 1)
        last = 2.5 if channels == 1 else 3  # the mean of both columns, or of the last one alone
        assert pyroi.ps_roi_pool(map, boxes, (1, channels))[..., -1].item() == last
        assert pyroi.ps_roi_align(map, boxes, (1, channels), 1.0, 1)[..., -1].item() == last
    print("done")


@pytest.mark.parametrize(
    ("shape", "strides"),
    [
        ((33, 1, 8192, 8192), "contiguous"),  # image by image
        ((1, 3, 2**15, 2**15 + 64), "contiguous"),  # channel by channel
        ((1, 1, 2**16, 2**15 + 64), "contiguous"),  # row by row
        ((2, 1, 2**15, 2**15 + 64), "channels_last"),
    ],
)
def test_last_pixels(shape, strides):
    """The last image, channel and row of a float16 map beyond 2^31 elements pool right."""
    printed = run_child(_last_corner, shape, strides, timeout=120).strip()
    if printed == "skipped":
        pytest.skip("not enough memory for 4 GiB of zeros that are never touched")
    assert printed == "done"


def _many_boxes():
    import numpy as np

    import pyroi

    count = 100_000
    map = np.arange(64, dtype=np.float32).reshape(1, 1, 8, 8)
    boxes = np.zeros((count, 5), np.float32)
    boxes[:, 1] = np.arange(count) % 7
    boxes[:, 2] = np.arange(count) // 7 % 7
    boxes[:, 3:] = boxes[:, 1:3] + 1
    crops = pyroi.roi_align(map, boxes, (1, 1))
    assert crops.ravel().tolist() == (boxes[:, 1] + 8 * boxes[:, 2]).tolist()  # one sample in the middle of a pixel
    gradient = pyroi.roi_align_backward(np.ones_like(crops), boxes, map.shape)
    expected = np.zeros((8, 8))
    np.add.at(expected, (boxes[:, 2].astype(int), boxes[:, 1].astype(int)), 1)
    assert gradient[0, 0].tolist() == expected.tolist()
    print("done")


def test_hundred_thousand_boxes():
    """Forward and backward of 100 000 boxes within 20 s of processor time and 4 GiB: the cost is linear."""
    assert run_child(_many_boxes, cpu_seconds=20, address_space=4 << 30).strip() == "done"
