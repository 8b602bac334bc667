"""roi_align, mode avg: the definition, worked by hand and by other engines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from oracles import autograd, bounds, exact, runtime, walk
from oracles.cases import A25, cases, random_boxes, random_map

import pyroi


def one(box, output_size, *arguments, **options):
    """Pools one box from A25 and gives the crop's numbers in a row."""
    return pyroi.roi_align(A25, np.array([box], np.float32), output_size, *arguments, **options).ravel().tolist()


# Each worked by hand from the definition: bin 1, samples at a quarter and three quarters of it.
@pytest.mark.parametrize(
    ("box", "output_size", "ratio", "aligned", "expected"),
    [
        # samples at 0.75, 1.25 | 1.75, 2.25: means 1 and 2 on each axis; 5 * 1 + 1 = 6
        ((1, 1, 3, 3), (2, 2), 2, True, [6, 7, 11, 12]),
        # half a pixel further down and right: 3 more
        ((1, 1, 3, 3), (2, 2), 2, False, [9, 10, 14, 15]),
        # one sample in the middle of each pixel
        ((0, 0, 5, 5), (5, 5), -1, True, list(range(25))),
        # ceil(0) = 0 samples
        ((2, 2, 2, 2), (1, 1), -1, True, [0]),
        # four samples at (1.5, 1.5): 5 * 1.5 + 1.5
        ((2, 2, 2, 2), (1, 1), 2, True, [9]),
        # not aligned: at least one pixel, one sample at (2.5, 2.5)
        ((2, 2, 2, 2), (1, 1), -1, False, [15]),
        # other sides on the two axes: rows 0.5 and 2.5, columns 0, 1.5, 3
        ((0, 0, 4.5, 4), (2, 3), 1, True, [2.75, 4.25, 5.75, 12.75, 14.25, 15.75]),
    ],
)
def test_worked_examples(box, output_size, ratio, aligned, expected):
    """Crops worked by hand come out to the last digit."""
    assert one(box, output_size, 1.0, ratio, aligned) == expected


def test_defaults_are_scale_one_adaptive_and_aligned():
    """What is left out is spatial_scale 1, sampling_ratio -1, aligned, avg (the whole map gives itself)."""
    assert one((0, 0, 5, 5), (5, 5)) == list(range(25))
    assert one((0, 0, 5, 5), (5, 5)) == one((0, 0, 5, 5), (5, 5), 1.0, -1, True, mode="avg")
    assert one((2, 2, 2, 2), (1, 1)) == [0]  # not aligned would give 15


def test_arguments_by_name():
    """Each parameter is known by the name it is documented with."""
    result = pyroi.roi_align(
        input=A25,
        boxes=np.array([[0, 2, 2, 6, 6]], np.float32),
        output_size=(2, 2),
        spatial_scale=0.5,
        sampling_ratio=2,
        aligned=True,
        mode="avg",
        out=None,
    )
    assert result.ravel().tolist() == [6, 7, 11, 12]  # (1, 1, 3, 3) at scale 1


@pytest.mark.parametrize("ratio", [0, -1, -2, -(2**40)])
def test_every_ratio_below_one_is_adaptive(ratio):
    """0 and -1 both mean adaptive; 3.5 wide in 2 bins is 2 samples a bin, at a quarter and three quarters of it."""
    assert one((0.5, 0.5, 4, 4), (2, 2), 1.0, ratio) == one((0.5, 0.5, 4, 4), (2, 2), 1.0, 2)


def test_adaptive_grid_is_chosen_on_each_axis():
    """A box 2 high and 1 wide takes 2 x 1 samples: rows -1.25, which is outside, and -0.25, which is row 0."""
    assert one((1, -1.25, 2, 0.75), (1, 1)) == [0.5]  # A25[0, 1] = 1, halved
    assert one((1, -1.25, 2, 0.75), (1, 1), 1.0, 1) == [1.0]  # a single sample at -0.75 is inside
    assert pyroi.roi_align(A25.transpose(0, 1, 3, 2), np.array([[-1.25, 1, 0.75, 2]]), (1, 1)).item() == 0.5


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (-1.0, 2.0),  # the limit itself is inside, and reads row 0
        (np.nextafter(np.float32(-1), np.float32(-2)), 0.0),
        (-0.25, 2.0),  # negative: moved to 0
        (0.0, 2.0),
        (3.5, 19.5),  # 5 * 3.5 + 2
        (4.0, 22.0),  # the last row alone
        (4.75, 22.0),
        (5.0, 22.0),  # the limit itself is inside
        (np.nextafter(np.float32(5), np.float32(6)), 0.0),
    ],
)
def test_border_of_the_map(y, expected):
    """A sample counts from -1 to H, both included, and reads the nearest row beyond the centres of the border rows."""
    # not aligned, one sample in a bin that ends and begins at +-0.5 around (y, 2); at least 1 pixel wide
    assert one((1.5, y - 0.5, 2.5, y + 0.5), (1, 1), 1.0, 1, False) == [expected]
    transposed = np.ascontiguousarray(A25.transpose(0, 1, 3, 2))
    boxes = np.array([[y - 0.5, 1.5, y + 0.5, 2.5]], np.float32)
    assert pyroi.roi_align(transposed, boxes, (1, 1), 1.0, 1, False).item() == expected


def test_average_divides_by_samples_outside_too():
    """Half of the samples lie left of -1: the mean of the others is halved."""
    assert one((-4.5, 1, 1.5, 3), (1, 1), 1.0, 2) == [pytest.approx((5 + 10) / 2 / 2)]  # columns -3.5 (out), -0.5 (0)


def test_mirrored_box_with_fixed_ratio_is_the_mirrored_crop():
    """x2 < x1: the same samples, walked the other way."""
    assert one((3, 1, 1, 3), (2, 2), 1.0, 2) == [7, 6, 12, 11]
    assert one((1, 3, 3, 1), (2, 2), 1.0, 2) == [11, 12, 6, 7]
    assert one((3, 3, 1, 1), (2, 2), 1.0, 2) == [12, 11, 7, 6]


def test_mirrored_box_with_adaptive_grid_is_zero():
    """x2 < x1: ceil of a negative bin is no sample at all."""
    for box in ((3, 1, 1, 3), (1, 3, 3, 1), (3, 3, 1, 1)):
        assert one(box, (2, 2)) == [0, 0, 0, 0]


def test_box_outside_the_map_is_zero():
    """No sample on the map: 0."""
    for box in ((6.5, 1, 9, 3), (-9, 1, -1.5, 3), (1, 7, 3, 9), (100, 100, 200, 200)):
        assert one(box, (2, 2), 1.0, 2) == [0, 0, 0, 0]
        assert one(box, (2, 2)) == [0, 0, 0, 0]


@pytest.mark.parametrize("shape", [(1, 1, 1, 7), (1, 1, 7, 1), (1, 1, 1, 1)])
def test_one_row_and_one_column(shape):
    """A map of one row or column is constant across it."""
    map = np.arange(1.0, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    boxes = np.array([[0, 0, shape[3], shape[2]], [-1, -1, shape[3] + 1, shape[2] + 1]], np.float32)
    result = pyroi.roi_align(map, boxes, shape[2:], 1.0, 1)
    assert result[0, 0].tolist() == map[0, 0].tolist()
    rows = [[0, *box] for box in boxes]
    bounds.assert_within(
        pyroi.roi_align(map, boxes, (3, 4)), walk.roi_align(map, rows, (3, 4)), walk.magnitude(map, rows, (3, 4))
    )


def test_box_formats_agree():
    """[K, 5], [K, 4] with one image, one box as a vector, a list of arrays, and nested lists mean the same."""
    rng = np.random.default_rng(0)
    one_image = random_map(rng, (1, 2, 6, 7))
    boxes = random_boxes(rng, 9, one_image.shape)
    expected = pyroi.roi_align(one_image, boxes, (3, 2)).tobytes()
    for same in (boxes[:, 1:], [boxes[:, 1:]], boxes.tolist(), boxes[:, 1:].tolist()):
        assert pyroi.roi_align(one_image, same, (3, 2)).tobytes() == expected
    first = pyroi.roi_align(one_image, boxes[:1], (3, 2)).tobytes()
    assert pyroi.roi_align(one_image, boxes[0], (3, 2)).tobytes() == first
    assert pyroi.roi_align(one_image, boxes[0, 1:], (3, 2)).tobytes() == first

    images = random_map(rng, (3, 2, 6, 7))
    rows = random_boxes(rng, 8, images.shape)
    rows[:, 0] = [0, 0, 0, 2, 2, 2, 2, 2]  # no box on image 1
    parts = [rows[rows[:, 0] == image, 1:] for image in range(3)]
    expected = pyroi.roi_align(images, rows, (2, 3)).tobytes()
    assert pyroi.roi_align(images, parts, (2, 3)).tobytes() == expected


def test_list_of_no_boxes_for_each_image():
    """A list of N arrays [0, 4] gives [0, C, h, w]; for N = 0 the list is empty."""
    empty = np.zeros((0, 4), np.float32)
    assert pyroi.roi_align(np.ones((2, 3, 4, 4), np.float32), [empty, empty], (2, 2)).shape == (0, 3, 2, 2)
    assert pyroi.roi_align(np.ones((0, 3, 4, 4), np.float32), [], (2, 2)).shape == (0, 3, 2, 2)


def test_batch_index_selects_the_image():
    """Each box reads its own image (image n is constant n + 1)."""
    images = np.ones((4, 1, 5, 5), np.float32) * np.arange(1, 5, dtype=np.float32).reshape(4, 1, 1, 1)
    boxes = np.array([[3, 1, 1, 3, 3], [0, 1, 1, 3, 3], [2, 1, 1, 3, 3], [3, 0, 0, 2, 2]], np.float32)
    assert pyroi.roi_align(images, boxes, (1, 1)).ravel().tolist() == [4, 1, 3, 4]


def test_batch_index_is_not_rounded_with_the_boxes():
    """Image 2^24 + 1 is no float32, and still the one that is read when float64 or integer boxes name it."""
    images = np.zeros((2**24 + 3, 1, 1, 1), np.float16)
    images[2**24] = 1
    images[2**24 + 1] = 2
    images[2**24 + 2] = 3
    row = [2**24 + 1, 0, 0, 1, 1]
    for dtype in (np.float64, np.int64, np.int32):
        assert pyroi.roi_align(images, np.array([row], dtype), (1, 1)).item() == 2
    with pytest.raises(ValueError, match="boxes"):
        pyroi.roi_align(images[:2], np.array([[1 - 1e-12, 0, 0, 1, 1]], np.float64), (1, 1))


def check_against_walk(case, mode="avg"):
    """Holds pyroi to the walk over the samples."""
    real = bounds.computed_in(case.input.dtype)
    expected = walk.roi_align(case.input, *case.arguments, mode=mode, real=real)
    magnitude = walk.magnitude(case.input, *case.arguments, mode=mode, real=real)
    bounds.assert_within(pyroi.roi_align(case.input, *case.arguments, mode=mode), expected, magnitude)


@given(cases())
def test_agrees_with_the_walk(case):
    """float32: random maps, boxes and parameters, against an evaluation that visits each sample."""
    check_against_walk(case)


@given(cases(dtype=np.float64))
def test_agrees_with_the_walk_in_float64(case):
    """The same in float64, geometry included."""
    check_against_walk(case)


@pytest.mark.parametrize("seed", range(24))
def test_agrees_with_the_walk_on_many_boxes(seed):
    """Batches of 64 boxes inside, across and outside the border, thin, empty, mirrored, on maps of up to 40 x 40."""
    rng = np.random.default_rng(seed)
    dtype = (np.float32, np.float64)[seed % 2]
    shape = (2, int(rng.integers(1, 20)), int(rng.integers(1, 41)), int(rng.integers(1, 41)))
    scale = float(rng.choice([1.0, 0.25, 0.0625, np.float32(0.3)]))
    output_size = tuple(int(side) for side in rng.integers(1, 15, 2))
    boxes = random_boxes(rng, 64, shape, scale, dtype)
    map = random_map(rng, shape, dtype)
    arguments = (boxes, output_size, scale, int(rng.integers(-1, 5)), bool(rng.integers(2)))
    expected = walk.roi_align(map, *arguments, real=dtype)
    magnitude = walk.magnitude(map, *arguments, real=dtype)
    bounds.assert_within(pyroi.roi_align(map, *arguments), expected, magnitude)


def peer_ulps(case):
    """How far a peer may be off that adds its samples one after the other, half an ulp each time, on top of ours."""
    samples = case.sampling_ratio if case.sampling_ratio > 0 else 2 + max(case.input.shape[2:])  # on the map, an axis
    return bounds.ULPS + 4 + 0.5 * samples**2


def tame(case):
    """The boxes that are not so large that walking them takes a peer seconds."""
    boxes = case.boxes[np.abs(case.boxes[:, 1:]).max(axis=1) * case.spatial_scale < 200]
    assume(len(boxes) > 0)
    return boxes


@given(cases(adaptive_mirror=False), st.booleans())
def test_agrees_with_onnx_runtime(case, double):
    """ONNX Runtime, mode avg, half_pixel (aligned) and output_half_pixel (not aligned), float32 and float64."""
    dtype = np.float64 if double else np.float32
    map, boxes = case.input.astype(dtype), tame(case).astype(dtype)
    arguments = (boxes, *case.arguments[1:])
    theirs = runtime.roi_align(map, *arguments)
    magnitude = walk.magnitude(map, *arguments, real=dtype)
    ulps = peer_ulps(case)
    bounds.assert_within(pyroi.roi_align(map, *arguments), theirs, magnitude, ulps=ulps)


@given(cases(adaptive_mirror=False))
def test_agrees_with_torchvision(case):
    """torchvision.ops.roi_align on the CPU."""
    torchvision_roi_align, torch = autograd.torchvision_roi_align(), autograd.torch()
    boxes = tame(case)
    arguments = (boxes, *case.arguments[1:])
    theirs = torchvision_roi_align(torch.tensor(case.input), torch.tensor(boxes), *case.arguments[1:]).numpy()
    ulps = peer_ulps(case)
    bounds.assert_within(
        pyroi.roi_align(case.input, *arguments), theirs, walk.magnitude(case.input, *arguments), ulps=ulps
    )


def test_sampling_grid_is_decided_in_the_type_computed_in():
    """30 * float32(0.1) is 3 in float32, so 3 samples, the pixels; in float64 it is 3.00000004, so 4 samples."""
    scale = float(np.float32(0.1))
    squares = A25**2
    boxes = np.array([[0, 0, 0, 30, 30]], np.float32)
    three = squares[0, 0, :3, :3].mean()
    assert pyroi.roi_align(squares, boxes, (1, 1), scale).item() == pytest.approx(three, rel=1e-6)
    four = np.array([-0.125, 0.625, 1.375, 2.125])  # -0.5 + (i + 0.5) * 3 / 4
    weights = np.zeros(5)
    for position in np.maximum(four, 0):
        weights += np.maximum(0, 1 - np.abs(np.arange(5) - position)) / 4
    expected = weights @ squares[0, 0].astype(np.float64) @ weights
    double = pyroi.roi_align(squares.astype(np.float64), boxes, (1, 1), scale).item()
    assert double == pytest.approx(expected, rel=1e-6)
    assert expected != pytest.approx(three, rel=1e-3)


@example(1, 2, (1.5, 0.0, 0.0, 0.0), 2**62, (1, 1), True)  # sample numbers are no longer apart in float64
@example(2, 2, (0.0, 0.0, 1.5, 2.0), 2**54, (1, 1), True)
@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.tuples(*[st.integers(-24, 48).map(lambda quarters: quarters / 4)] * 4),
    st.sampled_from([1, 2, 3, 7, 64, 1000, 10**6, 10**9, 2**31, 2**40, 2**62]),
    st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 2), (4, 2)]),
    st.booleans(),
)
def test_any_number_of_samples(height, width, box, ratio, output_size, aligned):
    """Up to 2^62 samples a bin, against closed sums in rational numbers (positions in float64 differ by rounding)."""
    map = random_map(np.random.default_rng(height * 7 + width), (1, 2, height, width), np.float64)
    expected = exact.roi_align(map[0], box, output_size, 1.0, ratio, aligned)[None]
    result = pyroi.roi_align(map, np.array([[0, *box]]), output_size, 1.0, ratio, aligned)
    # a sample on the very border may fall on either side by rounding, which moves 1 / ratio of the weight
    few = 1e-13 if ratio < 1000 else 4.0 / ratio
    assert np.abs(result - expected).max() <= (few + 1e-11) * np.abs(map).max()


HUGE = [
    (0.0, 0.0, 1e9, 1e9),
    (-1e9, -1e9, 1e9, 1e9),
    (-5e8, -5e8, 5e8, 5e8),
    (-1e9, -1e9, 2.0, 2.0),
    (1.0, 1.0, 1e9, 3.0),
    (1e9, 1e9, 2e9, 2e9),
    (-3e7, 0.5, 1e8, 1e9),
]


@pytest.mark.parametrize("box", HUGE)
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [-1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_box(box, aligned, ratio, dtype):
    """Boxes of side 1e9 over 5 x 5 pixels, against the walk over those samples that lie on the map."""
    map = (A25 + 1).astype(dtype)
    boxes = np.array([[0, *box]], dtype)
    for output_size in ((1, 1), (2, 3)):
        arguments = (boxes, output_size, 1.0, ratio, aligned)
        expected = walk.roi_align(map, *arguments, real=dtype)
        bounds.assert_within(pyroi.roi_align(map, *arguments), expected, walk.magnitude(map, *arguments, real=dtype))


def test_huge_adaptive_box_divides_by_the_whole_grid():
    """(0, 0, 1e9, 1e9): 6 of 1e9 samples on each axis are on the map, at 0, 1, 2, 3, 4 and 5, where 5 reads row 4."""
    weights = np.array([1, 1, 1, 1, 2.0]) / 1e9
    expected = weights @ A25[0, 0].astype(np.float64) @ weights
    result = pyroi.roi_align(A25, np.array([[0, 0, 0, 1e9, 1e9]], np.float32), (1, 1)).item()
    assert result == pytest.approx(expected, rel=1e-6)
    assert expected > 0


@pytest.mark.parametrize(
    ("dtype", "corner"), [(np.float32, 1e30), (np.float32, 3e38), (np.float64, 1e30), (np.float64, 1e300)]
)
@pytest.mark.parametrize("mode", ["avg", "max", "max_corner"])
def test_box_near_the_range_of_its_type(dtype, corner, mode):
    """One sample per bin: (-c, -c, c, c) has its centre at 0 and reads pixel 0; with 2 x 2 bins all miss the map."""
    map = (A25 + 3).astype(dtype)
    boxes = np.array([[0, -corner, -corner, corner, corner]], dtype)
    assert pyroi.roi_align(map, boxes, (1, 1), 1.0, 1, mode=mode).item() == 3
    assert (pyroi.roi_align(map, boxes, (2, 2), 1.0, 1, mode=mode) == 0).all()
    adaptive = pyroi.roi_align(map, boxes, (2, 2), mode=mode)
    assert np.isfinite(adaptive).all()
    if mode == "avg":
        assert np.abs(adaptive).max() <= 1e-9  # a handful of 1e30 samples


def test_float64_box_beyond_float32_on_a_float32_map():
    """A coordinate of 1e300 is finite, hence valid, although float32 has no such number."""
    boxes = np.array([[0, -1e300, -1e300, 1e300, 1e300], [0, 1, 1, 3, 3], [0, 1, 1, 1e300, 3]])
    result = pyroi.roi_align(A25 + 3, boxes, (1, 1), 1.0, 1)
    # the centre of (1, 1, 3, 3) is (1.5, 1.5): 5 * 1.5 + 1.5 + 3; the centre of the last box is far to the right
    assert result.ravel().tolist() == [3, 12, 0]
    assert pyroi.roi_align(A25 + 3, boxes[:1], (1, 1)).item() == pytest.approx(0, abs=1e-9)


def test_coordinate_that_overflows_by_the_scale():
    """1e30 * 1e10 overflows float32 and not float64: the centre of the box is still pixel 0."""
    boxes = np.array([[0, -1e30, -1e30, 1e30, 1e30]], np.float32)
    assert pyroi.roi_align(A25 + 3, boxes, (1, 1), 1e10, 1).item() == 3


def test_samples_of_a_box_that_overflow_on_their_way():
    """(i + 0.5) * bin overflows float32 where the sample itself does not: the middle one of three is at 0."""
    boxes = np.array([[0, -1.2e38, 1, 1.2e38, 2]], np.float32)
    assert pyroi.roi_align(A25, boxes, (1, 1), 1.0, 3).item() == pytest.approx(5 / 3, rel=1e-6)  # A25[1, 0] once in 3


def test_boxes_at_the_limit_of_float64_stay_numbers():
    """A box as wide as the range of double either is refused by name or gives numbers, never NaN."""
    for corner in (1e308, 1.7e308):
        boxes = np.array([[0, -corner, -corner, corner, corner]])
        for dtype in (np.float32, np.float64):
            for ratio in (-1, 1, 2):
                try:
                    result = pyroi.roi_align((A25 + 3).astype(dtype), boxes, (1, 1), 1.0, ratio)
                except ValueError as error:
                    assert "boxes" in str(error)
                else:
                    assert np.isfinite(result).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-300, 5e-324])
def test_tiny_scale_shrinks_boxes_to_a_point(scale):
    """Everything lies at (0, 0), less the half pixel: one sample reads pixel 0."""
    boxes = np.array([[0, 1, 1, 3, 3]], np.float32)
    assert pyroi.roi_align(A25 + 3, boxes, (1, 1), scale, 1).item() == 3
    assert pyroi.roi_align((A25 + 3).astype(np.float64), boxes, (1, 1), scale, 1).item() == 3


def test_tall_and_wide_outputs():
    """Many more bins than pixels: still the interpolation between them."""
    for output_size in ((1, 1000), (1000, 1), (3, 333)):
        boxes = np.array([[0, 0.5, 0.5, 4.5, 4.5]], np.float32)
        expected = walk.roi_align(A25, boxes, output_size, 1.0, 1)
        result = pyroi.roi_align(A25, boxes, output_size, 1.0, 1)
        bounds.assert_within(result, expected, walk.magnitude(A25, boxes, output_size, 1.0, 1))


@given(cases(), st.floats(-4, 4, width=16), st.floats(-4, 4, width=16))
def test_linear_in_the_map(case, a, b):
    """The mean is linear: pooling a * F + b * G is a * (pooled F) + b * (pooled G)."""
    other = random_map(np.random.default_rng(7), case.input.shape)
    first = pyroi.roi_align(case.input.astype(np.float64), *case.arguments)
    second = pyroi.roi_align(other.astype(np.float64), *case.arguments)
    mixed = pyroi.roi_align(a * case.input.astype(np.float64) + b * other.astype(np.float64), *case.arguments)
    assert np.abs(mixed - (a * first + b * second)).max() < 1e-12


def test_each_box_and_channel_by_itself():
    """A box gives the same crop alone and among others, a channel alone and among others."""
    rng = np.random.default_rng(5)
    for channels in (1, 3, 17):
        map = random_map(rng, (2, channels, 13, 21))
        boxes = random_boxes(rng, 33, map.shape)
        together = pyroi.roi_align(map, boxes, (7, 7), 1.0, 2)
        magnitude = walk.magnitude(map, boxes, (7, 7), 1.0, 2)
        for k in range(len(boxes)):
            alone = pyroi.roi_align(map, boxes[k : k + 1], (7, 7), 1.0, 2)
            bounds.assert_within(alone, together[k : k + 1], magnitude[k : k + 1])
        for c in range(channels):
            alone = pyroi.roi_align(map[:, c : c + 1], boxes, (7, 7), 1.0, 2)
            bounds.assert_within(alone, together[:, c : c + 1], magnitude[:, c : c + 1])
