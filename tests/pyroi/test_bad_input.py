"""Invalid arguments, mainly of roi_align: a clear error that names the argument, the rule and the value."""

from __future__ import annotations

import math
import pickle
import re

import numpy as np
import pytest
from addresses import needs_64_bits
from oracles.cases import A25

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

NAN, INF = math.nan, math.inf
BOX = [[0, 1, 1, 3, 3]]
TWO = np.concatenate([A25, A25])  # two images


def forward(input=A25, boxes=BOX, output_size=(2, 2), **options):
    return pyroi.roi_align(input, boxes, output_size, **options)


def backward(grad=None, boxes=BOX, input_shape=(1, 1, 5, 5), **options):
    grad = np.ones((1, 1, 2, 2), np.float32) if grad is None else grad
    return pyroi.roi_align_backward(grad, boxes, input_shape, **options)


def check(kind, argument, call, *came):
    """The call raises `kind` for `argument`; the message begins with it and says each of `came`."""
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert isinstance(error, ArgumentError | ArgumentTypeError), repr(error)
    assert error.argument == argument, repr(error)
    assert str(error) == f"{argument}: {error.rule}"
    assert len(error.rule) > 10
    for what in came:
        assert re.search(what, str(error)), f"{what!r} not in {error}"


ROW = [0, 1.0, 1, 3, 3]


def bad_boxes(*cells, dtype=np.float64, rows=4):
    """Good boxes, except for cells (row, column, value)."""
    boxes = np.array([ROW] * rows, dtype)
    for row, column, value in cells:
        boxes[row, column] = value
    return boxes


FOUR = np.ones((4, 1, 1, 1), np.float32)
CALLS = {
    "roi_align": forward,
    "roi_align_backward": lambda boxes: pyroi.roi_align_backward(FOUR, boxes, A25.shape),
    "roi_pool": lambda boxes: pyroi.roi_pool(A25, boxes, 2),
    "roi_pool_backward": lambda boxes: pyroi.roi_pool_backward(FOUR, np.zeros(FOUR.shape, int), boxes, A25.shape),
    "ps_roi_align": lambda boxes: pyroi.ps_roi_align(A25, boxes, 1),
    "ps_roi_align_backward": lambda boxes: pyroi.ps_roi_align_backward(FOUR, boxes, A25.shape),
    "ps_roi_pool": lambda boxes: pyroi.ps_roi_pool(A25, boxes, 1),
    "ps_roi_pool_backward": lambda boxes: pyroi.ps_roi_pool_backward(FOUR, boxes, A25.shape),
    "prroi_pool": lambda boxes: pyroi.prroi_pool(A25, boxes, 1),
    "prroi_pool_backward": lambda boxes: pyroi.prroi_pool_backward(FOUR, A25, boxes),
}


@pytest.mark.generated
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
class TestBoxValues:
    """Values in a table of boxes, of every operator that pools them."""

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize(
        ("index", "shown"),
        [
            (-1, "-1"),
            (1, r"\b1\b"),
            (1e8, r"1e\+?0?8|100000000"),
            (0.5, r"0\.5"),
            (NAN, "nan"),
            (INF, "inf"),
            (-INF, "-inf"),
        ],
    )
    def test_batch_index(self, call, dtype, index, shown):
        """-1, N, 1e8, 0.5, NaN and infinity are no image: the row and the value are said."""
        check(ValueError, "boxes", lambda: call(boxes=bad_boxes((2, 0, index), dtype=dtype)), r"row\D{0,3}2\b", shown)

    @pytest.mark.parametrize("index", [-1, 1, 2**31, 2**40, -(2**63), 2**63 - 1])
    def test_integer_batch_index(self, call, index):
        """Whole numbers outside [0, N), as integers: none wraps around into the range."""
        boxes = np.array([[0, 1, 1, 3, 3], [index, 1, 1, 3, 3], *[[0, 1, 1, 3, 3]] * 2], np.int64)
        check(ValueError, "boxes", lambda: call(boxes=boxes), r"row\D{0,3}1\b")

    def test_unsigned_batch_index(self, call):
        """2^64 - 1 is not -1, and not image 0 of a wrapped sum either."""
        boxes = np.array([ROW] * 4).astype(np.uint64)
        boxes[3, 0] = 2**64 - 1
        check(ValueError, "boxes", lambda: call(boxes=boxes), r"row\D{0,3}3\b")

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
    @pytest.mark.parametrize("column", [1, 2, 3, 4])
    @pytest.mark.parametrize(("value", "shown"), [(NAN, "nan"), (INF, "inf"), (-INF, "-inf")])
    def test_coordinate(self, call, dtype, column, value, shown):
        """NaN and infinity are no coordinates: the row and the value are said."""
        check(
            ValueError, "boxes", lambda: call(boxes=bad_boxes((1, column, value), dtype=dtype)), r"row\D{0,3}1\b", shown
        )

    @pytest.mark.parametrize("column", [0, 1, 2, 3])
    def test_coordinate_in_four_columns(self, call, column):
        """The same without a column of batch indices."""
        boxes = bad_boxes((3, column + 1, NAN))[:, 1:]
        check(ValueError, "boxes", lambda: call(boxes=boxes), r"row\D{0,3}3\b", "nan")

    @pytest.mark.parametrize(
        "cells",
        [
            ((1, 3, NAN), (2, 0, 7)),
            ((1, 0, 7), (2, 3, NAN)),
            ((1, 0, -1), (3, 0, -1)),
            ((1, 1, INF), (2, 1, NAN), (3, 2, NAN)),
            ((1, 0, NAN), (1, 1, NAN), (0, 1, 2)),
        ],
    )
    def test_first_bad_row_is_reported(self, call, cells):
        """Of several bad rows the first is named, whatever is wrong with it."""
        check(ValueError, "boxes", lambda: call(boxes=bad_boxes(*cells)), r"row\D{0,3}1\b")

    def test_last_of_many(self, call):
        """A single bad value at the end of 4 rows in a table that is not contiguous."""
        boxes = np.asfortranarray(bad_boxes((3, 4, NAN)))
        check(ValueError, "boxes", lambda: call(boxes=boxes), r"row\D{0,3}3\b")

    def test_in_a_list(self, call):
        """In a list of arrays, too, the bad box is an error of boxes."""
        check(ValueError, "boxes", lambda: call(boxes=[bad_boxes((2, 2, NAN))[:, 1:]]), "nan")


@pytest.mark.parametrize("count", [0, 2])
def test_list_of_boxes_for_one_image(count):
    """The number of arrays is that of the images."""
    boxes = [np.zeros((1, 4))] * count
    said = f"expected one array for the image, got a list of {count}"
    check(ValueError, "boxes", lambda: forward(boxes=boxes), said)


class Recording:
    """As a tensor of PyTorch that requires a gradient."""

    requires_grad = True

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


def test_tensors_that_record_gradients():
    """The advice is not to lose them."""
    check(TypeError, "input", lambda: forward(input=Recording()), "records gradients", r"pyroi\.torch")


@pytest.mark.parametrize("columns", [0, 1, 2, 3, 6, 7])
@pytest.mark.parametrize("call", [forward, backward])
def test_columns(call, columns):
    """Neither 4 nor 5 columns: the shape is said."""
    boxes = np.zeros((2, columns), np.float32)
    check(ValueError, "boxes", lambda: call(boxes=boxes), r"\[K, 4\]", rf"2, {columns}")


@pytest.mark.parametrize("shape", [(), (1, 1, 5), (1, 5, 1, 1), (3,), (6,)])
def test_dimensions_of_boxes(shape):
    """A number, a cube, a vector of 3: none of them boxes."""
    check(ValueError, "boxes", lambda: forward(boxes=np.zeros(shape)))


def test_four_columns_need_one_image():
    """[K, 4] with two images, or none, does not say where to read."""
    boxes = np.array([[1.0, 1, 3, 3]])
    check(ValueError, "boxes", lambda: forward(TWO, boxes), r"\b2\b")
    check(ValueError, "boxes", lambda: forward(A25[:0], boxes))
    check(ValueError, "boxes", lambda: backward(boxes=boxes, input_shape=(2, 1, 5, 5)), r"\b2\b")


def test_no_image_for_a_box():
    """N = 0 has no valid batch index."""
    check(ValueError, "boxes", lambda: forward(A25[:0], BOX), r"row\D{0,3}0\b")


@pytest.mark.parametrize("length", [0, 1, 3])
def test_list_of_another_length(length):
    """A list of arrays has one for each image: both numbers are said."""
    boxes = [np.array([[1.0, 1, 3, 3]])] * length
    check(ValueError, "boxes", lambda: forward(TWO, boxes), r"\b2\b")


@pytest.mark.parametrize(
    "entry", [np.zeros((1, 5)), np.zeros((1, 3)), np.zeros((1, 1, 4)), np.array([[1, 1, 3, NAN]]), np.zeros((1, 0))]
)
def test_entry_of_a_list(entry):
    """Each array of a list is [L, 4] and finite; 5 columns would say the image twice."""
    good = np.array([[1.0, 1, 3, 3]])
    check(ValueError, "boxes", lambda: forward(TWO, [good, entry]))


@pytest.mark.parametrize("boxes", ["boxes", b"boxes", None, object(), 3.5j, {"x1": 1}, [["0", "1", "1", "3", "3"]]])
def test_boxes_that_are_no_numbers(boxes):
    """Text, None and the like."""
    check(TypeError, "boxes", lambda: forward(boxes=boxes))
    check(TypeError, "boxes", lambda: backward(boxes=boxes))


@pytest.mark.parametrize("ragged", [[[0, 1, 1, 3, 3], [0, 1, 1, 3]], [[0, 1, 1, 3, [3]]], [[[0, 1], [2]], [3]]])
def test_ragged_boxes(ragged):
    """Rows of different lengths."""
    check((TypeError, ValueError), "boxes", lambda: forward(boxes=ragged))


@pytest.mark.parametrize("input", ["invalid", b"invalid", None, object(), {}, [["a"]], 1j])
def test_input_that_is_no_array_of_numbers(input):
    """Text, None and the like."""
    check(TypeError, "input", lambda: forward(input))


@pytest.mark.parametrize("shape", [(), (5,), (5, 5), (1, 5, 5), (1, 1, 1, 5, 5)])
def test_dimensions_of_input(shape):
    """Four dimensions, [N, C, H, W]: the shape is said."""
    check(ValueError, "input", lambda: forward(np.ones(shape, np.float32)), r"\[N, C, H, W\]", *map(str, shape[:1]))


def test_ragged_input():
    """Rows of different lengths."""
    check((TypeError, ValueError), "input", lambda: forward([[[[1.0, 2], [3]]]]))


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((-1, 2), "-1"),
        ((2, -1), "-1"),
        ((-(2**40), 2), str(-(2**40))),
        ((2,), r"\b2\b"),
        ((2, 2, 2), r"2, 2, 2"),
        ((), ""),
    ],
)
def test_output_size(size, shown):
    """Two sizes, none below 0."""
    check(ValueError, "output_size", lambda: forward(output_size=size), shown)
    check(ValueError, "output_size", lambda: forward(output_size=list(size)), shown)


@pytest.mark.parametrize("size", ["77", "7", None, (2.5, 2), (2, "2"), (None, 2), (2, NAN), ((2, 2), (2, 2)), 1j])
def test_output_size_that_is_no_pair_of_whole_numbers(size):
    """Text, fractions, None."""
    check((TypeError, ValueError), "output_size", lambda: forward(output_size=size))


@pytest.mark.parametrize("size", [(2**62, 2**62), (2**32, 2**32), (2**31, 2**31), (2**63 - 1, 1), (1, 2**61)])
def test_output_that_does_not_fit_a_size(size):
    """Sizes whose product, or number of bytes, overflows 63 bits."""
    with pytest.raises((ValueError, MemoryError)) as caught:
        forward(output_size=size)
    assert isinstance(caught.value, MemoryError | ArgumentError)


@pytest.mark.parametrize("size", [(2**63, 1), (1, 2**64), (2**200, 1)])
def test_output_size_beyond_64_bits(size):
    """A Python integer that no C integer holds."""
    check(ValueError, "output_size", lambda: forward(output_size=size))


@needs_64_bits
def test_output_that_does_not_fit_memory():
    """16 TiB is a MemoryError, not a crash."""
    with pytest.raises(MemoryError):
        forward(output_size=(2**21, 2**21))


@pytest.mark.parametrize(
    ("scale", "shown"), [(0, "0"), (0.0, "0"), (-0.0, "0"), (-1, "-1"), (-0.25, r"-0\.25"), (NAN, "nan"), (INF, "inf")]
)
def test_spatial_scale(scale, shown):
    """Finite and above 0, said with what came."""
    check(ValueError, "spatial_scale", lambda: forward(spatial_scale=scale), shown)
    check(ValueError, "spatial_scale", lambda: backward(spatial_scale=scale), shown)
    check(ValueError, "spatial_scale", lambda: forward(spatial_scale=np.float32(scale)), shown)
    empty = np.zeros((0, 5))
    check(ValueError, "spatial_scale", lambda: forward(boxes=empty, spatial_scale=scale), shown)


@pytest.mark.parametrize("scale", ["invalid", "0.5", None, [0.5], 1j, object()])
def test_spatial_scale_that_is_no_number(scale):
    """Text, also text that looks like a number, None, lists."""
    check(TypeError, "spatial_scale", lambda: forward(spatial_scale=scale))
    check(TypeError, "spatial_scale", lambda: backward(spatial_scale=scale))


@pytest.mark.parametrize("ratio", ["2", None, 2.5, NAN, [2], 1j])
def test_sampling_ratio_that_is_no_whole_number(ratio):
    """Text, fractions, None."""
    check((TypeError, ValueError), "sampling_ratio", lambda: forward(sampling_ratio=ratio))
    check((TypeError, ValueError), "sampling_ratio", lambda: backward(sampling_ratio=ratio))


@pytest.mark.parametrize("ratio", [2**63, 2**100, -(2**63) - 1])
def test_sampling_ratio_beyond_64_bits(ratio):
    """A Python integer that no C integer holds."""
    check(ValueError, "sampling_ratio", lambda: forward(sampling_ratio=ratio))


def test_numpy_numbers_are_numbers():
    """NumPy's own integers and floats are taken for sizes, ratio and scale."""
    result = forward(
        output_size=(np.int64(2), np.uint8(2)),
        spatial_scale=np.float32(1),
        sampling_ratio=np.int32(2),
        aligned=np.True_,
    )
    assert result.ravel().tolist() == [6, 7, 11, 12]
    assert forward(output_size=np.array([2, 2]), sampling_ratio=2).ravel().tolist() == [6, 7, 11, 12]


@pytest.mark.parametrize("mode", ["median", "AVG ", "", "max-corner"])
def test_mode(mode):
    """The words that are known are said."""
    check(ValueError, "mode", lambda: forward(mode=mode), "avg", "max", "max_corner", re.escape(repr(mode)))


@pytest.mark.parametrize("mode", [None, 0, b"avg", ["avg"]])
def test_mode_that_is_no_word(mode):
    """None and numbers."""
    check((TypeError, ValueError), "mode", lambda: forward(mode=mode))


@pytest.mark.parametrize("shape", [(2, 1, 2, 2), (0, 1, 2, 2), (1, 2, 2, 2), (1, 0, 2, 2)])
def test_grad_that_does_not_fit(shape):
    """As many rows as boxes, as many channels as the input."""
    check(ValueError, "grad", lambda: backward(np.ones(shape, np.float32)))


@pytest.mark.parametrize("shape", [(), (2, 2), (1, 2, 2), (1, 1, 1, 2, 2)])
def test_dimensions_of_grad(shape):
    """Four dimensions, [K, C, h, w]."""
    check(ValueError, "grad", lambda: backward(np.ones(shape, np.float32)))


@pytest.mark.parametrize("grad", ["text", object(), [["a"]], [[[[1.0, 2], [3]]]]])
def test_grad_that_is_no_array_of_numbers(grad):
    """Text and ragged lists."""
    check((TypeError, ValueError), "grad", lambda: backward(grad))


@pytest.mark.parametrize("shape", [(1, 1, -5, 5), (-1, 1, 5, 5), (1, 1, 5), (1, 1, 5, 5, 5), (), (1, 1, 5, -1)])
def test_input_shape(shape):
    """Four sizes, none below 0."""
    check(ValueError, "input_shape", lambda: backward(input_shape=shape))


@pytest.mark.parametrize("shape", ["1155", None, (1, 1, 5.5, 5), (1, 1, "5", 5), 5, (1, 1, None, 5)])
def test_input_shape_that_is_no_list_of_whole_numbers(shape):
    """Text, fractions, None."""
    check((TypeError, ValueError), "input_shape", lambda: backward(input_shape=shape))


@pytest.mark.parametrize("shape", [(1, 1, 2**62, 2**62), (1, 1, 2**32, 2**32), (2**61, 1, 2, 1), (1, 1, 2**63, 1)])
def test_input_shape_that_does_not_fit_a_size(shape):
    """Sizes whose product overflows."""
    with pytest.raises((ValueError, MemoryError)) as caught:
        backward(input_shape=shape)
    assert isinstance(caught.value, MemoryError | ArgumentError)


def test_channels_of_grad_and_input_shape_differ():
    """One of the two is named."""
    with pytest.raises(ArgumentError) as caught:
        backward(np.ones((1, 3, 2, 2), np.float32), input_shape=(1, 2, 5, 5))
    assert caught.value.argument in ("grad", "input_shape")


def test_missing_and_superfluous_arguments():
    """mode and out go by name only; what is required is required."""
    for call in (
        lambda: pyroi.roi_align(A25),
        lambda: pyroi.roi_align(A25, BOX),
        lambda: pyroi.roi_align(A25, BOX, (2, 2), 1.0, 2, True, "avg"),
        lambda: pyroi.roi_align(A25, BOX, (2, 2), samplingRatio=2),
        lambda: pyroi.roi_align_backward(A25, BOX),
        lambda: pyroi.roi_align_backward(A25, BOX, (1, 1, 5, 5), mode="avg"),
    ):
        with pytest.raises(TypeError):
            call()


def test_errors_are_the_builtin_ones():
    """Who catches ValueError and TypeError catches them; a fault of pyroi's own is neither."""
    assert issubclass(ArgumentError, ValueError)
    assert issubclass(ArgumentTypeError, TypeError)
    assert not issubclass(pyroi.Error, ValueError | TypeError)


def test_errors_can_be_pickled():
    """So that they come back from a process pool as they are."""
    with pytest.raises(ArgumentError) as caught:
        forward(spatial_scale=0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.argument, again.rule) == (ArgumentError, "spatial_scale", caught.value.rule)
    assert str(again) == str(caught.value)


def test_good_calls_after_bad_ones():
    """Errors leave nothing behind."""
    for _ in range(50):
        with pytest.raises(ValueError, match="boxes"):
            forward(boxes=[[0, 1, 1, 3, NAN]])
        assert forward(sampling_ratio=2).ravel().tolist() == [6, 7, 11, 12]


@pytest.mark.parametrize(
    ("function", "argument", "good"),
    [
        (pyroi.roi_align, "output_size", {"input": A25, "boxes": BOX}),
        (pyroi.adaptive_max_pool2d, "output_size", {"input": A25}),
        (pyroi.clip_boxes_to_image, "size", {"boxes": [BOX[0][1:]]}),
        (pyroi.interpolate, "size", {"input": A25}),
        (pyroi.interpolate, "scale_factor", {"input": A25}),
        (pyroi.affine_grid, "size", {"theta": np.ones((1, 2, 3))}),
        (pyroi.adaptive_avg_pool2d_backward, "input_shape", {"grad": A25}),
        (
            pyroi.multiscale_roi_align,
            "spatial_scales",
            {"features": [A25], "boxes": BOX, "output_size": 2},
        ),
    ],
)
def test_arrays_that_are_no_lists(function, argument, good):
    """An array without dimensions or with a mask, where a few numbers are wanted."""
    for value in (np.array(True), np.array(None), np.ma.masked, np.ma.array([2, 2]), np.array("2")):
        with pytest.raises(ArgumentTypeError, match=f"^{argument}: expected"):
            function(**good, **{argument: value})


def test_messages_are_bounded():
    """However long what came is; what was expected is still said."""
    for value in ("x" * 10**6, [["x" * 9] * 1000] * 10, {i: i for i in range(10000)}):
        with pytest.raises((TypeError, ValueError), match=r"^[a-z_]+: .* \.\.\. ") as caught:
            pyroi.roi_align(A25, BOX, value)
        assert len(str(caught.value)) < 700
        with pytest.raises((TypeError, ValueError), match=r"^mode: expected one of avg, max") as caught:
            pyroi.roi_align(A25, BOX, 2, mode=value)
        assert len(str(caught.value)) < 700
