"""Maps of one and three sides, upsampling, pixel_shuffle, and images of fewer dimensions.

The oracle is PyTorch's `interpolate` where it is installed; what needs none is said by the definition.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from addresses import on_64_bits

LINES, VOLUMES = (2, 3, 7), (2, 3, 4, 5, 6)

#: Map, mode, what is asked for in Tcl and in Python, align_corners.
CASES = [
    *((LINES, mode, words, asked, False) for mode in ("nearest", "nearest-exact", "linear", "area")
      for words, asked in (("-size 11", {"size": 11}), ("-size 3", {"size": 3}), ("-size 7", {"size": 7}),
                           ("-scaleFactor 1.6", {"scale_factor": 1.6}), ("-scaleFactor 0.4", {"scale_factor": 0.4}))),
    (LINES, "linear", "-size 11", {"size": 11}, True),
    (LINES, "linear", "-size 1", {"size": 1}, True),
    *((VOLUMES, mode, words, asked, False) for mode in ("nearest", "nearest-exact", "trilinear", "area")
      for words, asked in (("-size {7 3 9}", {"size": (7, 3, 9)}), ("-size 5", {"size": 5}),
                           ("-scaleFactor 2", {"scale_factor": 2.0}),
                           ("-scaleFactor {0.5 1.5 2}", {"scale_factor": (0.5, 1.5, 2.0)}))),
    (VOLUMES, "trilinear", "-size {7 3 9}", {"size": (7, 3, 9)}, True),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize(("shape", "mode", "words", "asked", "align"), CASES)
def test_lines_and_volumes_are_resized_as_by_pytorch(given, torch, shape, mode, words, asked, align, dtype):
    """To some units of rounding; a volume of float16 to one more, since it is rounded between its two passes."""
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    found = given(f"torch::interpolate $x {words} -mode {mode} -alignCorners {align}", x=x)
    options = {"align_corners": True} if align else {}
    wide = torch.from_numpy(x.astype(np.float64 if dtype == "float64" else np.float32))
    expected = torch.nn.functional.interpolate(wide, **asked, mode=mode, **options).numpy()
    assert found.shape == expected.shape
    assert found.dtype == dtype
    exact = mode.startswith("nearest")
    np.testing.assert_allclose(found, expected, rtol=0, atol=0 if exact else 8 * float(np.finfo(dtype).eps))


def test_a_line_is_a_map_of_height_one(given):
    """The definition: numbers that are known, and those of the map."""
    x = np.array([[[0, 10, 20, 30]]], np.float32)
    assert given("torch::interpolate $x 8 linear", x=x).ravel().tolist() == [0, 2.5, 7.5, 12.5, 17.5, 22.5, 27.5, 30]
    noise = np.random.default_rng(1).random((2, 3, 9), np.float32)
    line = given("torch::interpolate $x 14 linear", x=noise)
    assert line.tobytes() == given("torch::interpolate $x {1 14} bilinear", x=noise[:, :, None]).tobytes()


@pytest.mark.parametrize(("axis", "size"), [(2, "{9 5 6}"), (3, "{4 9 6}"), (4, "{4 5 9}")])
def test_a_volume_that_varies_along_one_axis_is_resized_along_it(given, axis, size):
    """A ramp of float64 along one side is resized as the line that it is; whatever its strides."""
    ramp = np.arange(VOLUMES[axis], dtype=np.float64).reshape([-1 if at == axis else 1 for at in range(5)])
    volume = np.broadcast_to(ramp, VOLUMES)
    line = given("torch::interpolate $x 9 linear", x=ramp.reshape(1, 1, -1).copy()).ravel()
    found = given(f"torch::interpolate $x {size} trilinear", x=np.asfortranarray(volume))
    expected = np.broadcast_to(line.reshape([-1 if at == axis else 1 for at in range(5)]), found.shape)
    np.testing.assert_allclose(found, expected, rtol=4e-16, atol=4e-16)


def test_infinity_stays_in_its_column(given):
    """The second pass mixes depths, not pixels that lie side by side."""
    volume = np.zeros((1, 1, 2, 1, 3), np.float32)
    volume[0, 0, 0, 0, 1] = np.inf
    found = given("torch::interpolate $x {4 1 3} nearest", x=volume)
    assert np.isfinite(found[..., [0, 2]]).all()
    assert np.isinf(found[0, 0, :2, 0, 1]).all()


@pytest.mark.parametrize(("shape", "size"), [((0, 3, 4), "5"), ((2, 0, 4, 5, 6), "7"), ((2, 3, 4, 5, 6), "{0 7 7}")])
def test_empty_maps(given, shape, size):
    """Their results have the shape that is asked for."""
    mode = "linear" if len(shape) == 3 else "trilinear"
    found = given(f"torch::interpolate $x {size} {mode}", x=np.zeros(shape, np.float32))
    sides = [int(word) for word in size.strip("{}").split()]
    assert found.shape == (*shape[:2], *(sides * (len(shape) - 2) if len(sides) == 1 else sides))


REFUSED = [
    ("interpolate $line {8 8}", "Invalid size value: expected one integer of 0 or more for all sides of [N, C, L]"),
    ("interpolate $line -5", "Invalid size value: expected one integer of 0 or more"),
    ("interpolate $line 8 bilinear", "Invalid mode value: bilinear is for maps [N, C, H, W], got one of [1, 2, 4]"),
    ("interpolate $line 8 bicubic", "Invalid mode value: bicubic is for maps [N, C, H, W]"),
    ("interpolate $map 8 linear", "Invalid mode value: linear is for maps [N, C, L], got one of [1, 2, 4, 4]"),
    ("interpolate $map 8 trilinear", "Invalid mode value: trilinear is for maps [N, C, D, H, W]"),
    ("interpolate $map {8 8 8}", "Invalid size value: expected (height, width), got (8, 8, 8)"),
    ("interpolate $line", "Invalid size value: expected either size or scale_factor, got neither"),
    ("interpolate $line 8 -scaleFactor 2", "Invalid size value: expected either size or scale_factor, got both"),
    ("interpolate $line -scaleFactor 0", "Invalid scaleFactor value: expected one number above 0"),
    ("interpolate $volume -scaleFactor {1 2}", "Invalid scaleFactor value: expected one number above 0"),
    ("interpolate $line -scaleFactor 1e308", "Invalid scaleFactor value: with (1e+308,), the result exceeds"),
    ("interpolate $line 4 nearest true", "Invalid align_corners value: "),
    ("interpolate $line 4 linear -antialias 1", "Invalid antialias value: is defined for maps [N, C, H, W] only"),
    ("interpolate [torch::ones {2 3}] 4", "Invalid input tensor: expected [N, C, H, W], [N, C, L] or [N, C, D, H, W]"),
    on_64_bits("interpolate $volume {1000000 1000000 1000000} trilinear", "Out of memory: "),
    ("upsample_nearest $map", "Invalid outputSize value: expected either size or scale_factor, got neither"),
    ("upsample_bilinear $line 8", "Invalid input tensor: bilinear is for maps [N, C, H, W], got one of [1, 2, 4]"),
    ("upsample_bilinear $map {8 8 8}", "Invalid output_size value: expected (height, width)"),
    ("pixel_shuffle $map 2", "Invalid input tensor: expected a number of channels that 4 divides, got [1, 2, 4, 4]"),
    ("pixel_shuffle [torch::ones {2 2}] 2", "Invalid input tensor: expected [..., C, H, W], got [2, 2]"),
    ("pixel_shuffle $map 0", "Invalid upscale_factor value: expected an integer of 1 or more"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "begins"), REFUSED)
def test_what_is_refused(tcl, call, begins):
    """Each with its rule."""
    tcl.run("set line [torch::ones {1 2 4}]; set map [torch::ones {1 2 4 4}]; set volume [torch::ones {1 2 4 4 4}]")
    message = tcl.error(f"torch::{call}")
    assert message.startswith(begins), message


# ---- Upsampling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "same"),
    [
        ("upsample_nearest $x {6 8}", "interpolate $x {6 8}"),
        ("upsample_nearest $x 2.0", "interpolate $x -scaleFactor 2"),
        ("upsampleNearest -input $x -size {6 8}", "interpolate $x {6 8}"),
        ("upsample_nearest -input $x -scale_factor {2.0 1.5}", "interpolate $x -scaleFactor {2 1.5}"),
        ("upsample_bilinear $x {6 8}", "interpolate $x {6 8} bilinear"),
        ("upsample_bilinear $x {2.0 1.5}", "interpolate $x -scaleFactor {2 1.5} -mode bilinear"),
        ("upsample_bilinear $x {6 8} 1", "interpolate $x {6 8} bilinear true"),
        ("upsample_bilinear $x {2 3} 0 1", "interpolate $x {2 3} bilinear -antialias true"),
        ("upsampleBilinear -input $x -output_size {6 8} -align_corners 1", "interpolate $x {6 8} bilinear true"),
        ("upsampleBilinear -tensor $x -outputSize 6", "interpolate $x 6 bilinear"),
        ("resize_image -input $x -size {6 8}", "interpolate $x {6 8} bilinear"),
        ("resize_image -tensor $x -size {6 8}", "interpolate $x {6 8} bilinear"),
        ("resize_image -image $x -size {6 8}", "interpolate $x {6 8} bilinear"),
    ],
)
def test_upsampling_is_interpolate(given, words, same):
    """To the bit; by position whole numbers are sizes, others factors."""
    x = np.random.default_rng(2).random((2, 3, 4, 5), np.float32)
    assert given(f"torch::{words}", x=x).tobytes() == given(f"torch::{same}", x=x).tobytes()


@pytest.mark.parametrize("shape", [(8, 2, 3), (2, 8, 2, 3), (2, 1, 8, 2, 3), (2, 0, 2, 3)])
@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_pixel_shuffle(given, shape, factor, dtype):
    """By its definition, element by element."""
    x = np.random.default_rng(3).integers(0, 9, shape).astype(dtype)
    found = given(f"torch::pixel_shuffle $x {factor}", x=x)
    squared = factor * factor
    expected = np.zeros((*shape[:-3], shape[-3] // squared, shape[-2] * factor, shape[-1] * factor), dtype)
    for c, y, z in itertools.product(*map(range, expected.shape[-3:])):
        channel = c * squared + (y % factor) * factor + z % factor
        expected[..., c, y, z] = x[..., channel, y // factor, z // factor]
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


# ---- Images of fewer dimensions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6,), (4, 6), (1, 4, 6), (1, 1, 4, 6)])
def test_images_of_any_number_of_dimensions_are_normalized(given, shape):
    """One mean and one deviation, in place or not, and back."""
    x = np.random.default_rng(4).random(shape, np.float32)
    normal = given("torch::normalize_image $x [torch::tensor_create 0.5] 0.25", x=x)
    assert normal.shape == shape
    np.testing.assert_allclose(normal, (x - np.float32(0.5)) / np.float32(0.25), rtol=1e-6, atol=1e-6)
    back = given("torch::denormalize_image $x 0.5 0.25", x=normal)
    np.testing.assert_allclose(back, x, rtol=1e-6, atol=1e-6)
    there = x.copy()
    result = given("torch::normalize_image $x 0.5 0.25 true", x=there)
    assert there.tobytes() == normal.tobytes() == result.tobytes()
    assert np.shares_memory(there, result)


def test_other_names_of_the_image(tcl):
    """-input and -tensor."""
    for name in ("image", "input", "tensor"):
        assert tcl(f"torch::tensor_to_list [torch::normalize_image -{name} [torch::ones {{2 2}}] -mean 1 -std 1]") == (
            "0.0 0.0 0.0 0.0"
        )
    assert tcl.error("torch::normalize_image [torch::ones {2 2}] {1 2} 1").startswith("Invalid mean tensor: ")
