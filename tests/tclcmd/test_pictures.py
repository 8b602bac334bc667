"""torch::image_read and torch::image_write."""

from __future__ import annotations

import resource
import struct
import sys
import zlib

import numpy as np
import pytest

from tclcmd.files import pictures

Image = pytest.importorskip("PIL.Image")

RGB = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10


@pytest.mark.parametrize(
    ("pixels", "written", "channels", "largest"),
    [
        (RGB, (8, 2), 3, 255),
        (RGB[..., 0], (8, 0), 1, 255),
        (RGB[..., 0] > 60, (1, 0), 1, 1),
        (np.dstack([RGB, RGB[..., :1]]), (8, 6), 4, 255),
        (RGB[..., :2], (8, 4), 4, 255),
        ((RGB[..., 0].astype(np.uint16) * 257).astype("<u2"), (16, 0), 1, 65535),  # some Pillows write no other order
    ],
)
def test_pictures_become_channels_first(tcl, tmp_path, pixels, written, channels, largest):
    """Grey has one channel, colour three, opacity makes four; numbers from 0 to 1."""
    pixels = np.ascontiguousarray(pixels)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    # Bit depth and colour type in PNG's first chunk, whatever mode Pillow gives them.
    assert tuple((tmp_path / "x.png").read_bytes()[24:26]) == written
    tcl.run(f"set x [torch::image_read {tmp_path}/x.png]")
    assert tcl("torch::tensor_shape $x") == f"1 {channels} 2 3"
    assert tcl("torch::tensor_dtype $x") == "Float32"
    first = tcl.floats("torch::tensor_slice $x 1 0 1")
    expected = (pixels[..., 0] if pixels.ndim == 3 else pixels).ravel() / largest
    np.testing.assert_allclose(first, expected, atol=1e-6)


def test_a_palette_is_read_as_colours(tcl, tmp_path):
    """Not as its numbers."""
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "x.png")
    assert tcl.floats(f"torch::image_read {tmp_path}/x.png") == [1, 0, 0, 0, 0, 1]


def test_a_photograph_comes_upright(tcl, tmp_path):
    """As its camera noted: orientation 6 is a quarter turn clockwise."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "x.png", exif=exif)
    tcl.run(f"set x [torch::image_read {tmp_path}/x.png]")
    assert tcl("torch::tensor_shape $x") == "1 3 3 2"
    red = tcl.floats("torch::tensor_mul [torch::tensor_slice $x 1 0 1] 255")
    np.testing.assert_allclose(red, np.rot90(RGB[..., 0], -1).ravel(), atol=1e-3)


@pytest.mark.parametrize("ending", ["png", "PNG", "bmp", "tiff", "ppm"])
def test_a_picture_comes_back_as_it_was(tcl, tmp_path, ending):
    """In every lossless format."""
    Image.fromarray(RGB).save(tmp_path / "x.png")
    tcl.run(f"torch::image_write [torch::image_read {tmp_path}/x.png] {tmp_path}/y.{ending}")
    assert (np.asarray(Image.open(tmp_path / f"y.{ending}")) == RGB).all()


@pytest.mark.parametrize(
    ("tensor", "shape"),
    [
        ("torch::zeros {3 4 5}", (4, 5, 3)),
        ("torch::zeros {1 4 5}", (4, 5)),
        ("torch::zeros {1 1 4 5}", (4, 5)),
        ("torch::zeros {4 4 5}", (4, 5, 4)),
        ("torch::zeros {2 3 4 5}", (4, 14, 3)),
        ("torch::zeros {5 1 4 5}", (12, 23)),
        ("torch::tensor_permute [torch::zeros {4 5 3}] {2 0 1}", (4, 5, 3)),
    ],
)
def test_a_batch_becomes_a_contact_sheet(tcl, tmp_path, tensor, shape):
    """A grid as square as may be, with a gutter between the pictures."""
    tcl.run(f"torch::image_write [{tensor}] {tmp_path}/x.png")
    assert np.asarray(Image.open(tmp_path / "x.png")).shape == shape


def test_the_sheet_is_filled_row_by_row():
    """The last row may be short."""
    sheet = pictures.contact_sheet(np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1))
    assert sheet[..., 0].tolist() == [
        [0, 255, 255, 255, 255, 1],
        *[[255] * 6] * pictures.GUTTER,
        [2, 255, 255, 255, 255, 255],
    ]


def test_numbers_are_clipped(tcl, tmp_path):
    """To 0 to 1; NaN is black; UInt8 is taken as it is, Bool as black and white."""
    tcl.run(f"torch::image_write [torch::tensor_create {{-1 0.5 2 NaN}} {{1 1 4}}] {tmp_path}/x.png")
    assert np.asarray(Image.open(tmp_path / "x.png")).tolist() == [[0, 128, 255, 0]]
    tcl.run(f"torch::image_write [torch::tensor_create {{0 7 255}} {{1 1 3}} uint8] {tmp_path}/x.png")
    assert np.asarray(Image.open(tmp_path / "x.png")).tolist() == [[0, 7, 255]]
    tcl.run(f"torch::image_write [torch::tensor_create {{0 1}} {{1 1 2}} bool] {tmp_path}/x.png")
    assert np.asarray(Image.open(tmp_path / "x.png")).tolist() == [[0, 255]]


@pytest.mark.parametrize("shape", ["{2 4 5}", "{4 5}", "{1 1 1 4 5}", "{0 3 4 5}", "{3 0 5}", "{3 4 0}", "5"])
def test_shapes_that_are_no_picture(tcl, tmp_path, shape):
    """Two channels, too few or too many dimensions, nothing to see."""
    assert tcl.error(f"torch::image_write [torch::zeros {shape}] {tmp_path}/x.png").startswith("Invalid input tensor")
    assert not list(tmp_path.iterdir())


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG that claims to be large."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def test_damaged_and_malicious_pictures(tcl, tmp_path):
    """Not a picture; one that is cut off; one that claims billions of pixels."""
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / "good.jpg")
    whole = (tmp_path / "good.jpg").read_bytes()
    path = tmp_path / "bad.jpg"
    contents = [b"", b"GIF89a", b"not a picture", whole[:100], whole[: len(whole) // 2], png(100000, 100000), png(1, 1)]
    for content in contents:
        path.write_bytes(content)
        message = tcl.error(f"torch::image_read {path}")
        assert message.startswith(f"Cannot read {path}: ")
        assert "\n" not in message
    assert tcl.error(f"torch::image_read {tmp_path}").startswith("Cannot read ")
    assert tcl.stats()["live"] == 0


def test_unknown_endings_and_unsuitable_formats(tcl, tmp_path):
    """A format that cannot hold the picture leaves no file."""
    assert tcl.error(f"torch::image_write [torch::zeros {{3 2 2}}] {tmp_path}/x.foo").startswith("Invalid file value")
    assert tcl.error(f"torch::image_write [torch::zeros {{4 2 2}}] {tmp_path}/x.jpg").startswith("Cannot write ")
    assert tcl.error(f"torch::image_write [torch::zeros {{3 2 2}}] {tmp_path}/no/x.png").startswith("Cannot write ")
    assert not list(tmp_path.iterdir())


#: The longest side of each format, by its specification or its library; a picture of one row more is refused.
LIMITS = {
    "gif": 65535, "tga": 65535, "pcx": 65534, "sgi": 65535, "webp": 16383, "jpg": 65500, "avif": 65536, "ico": 256,
    "pdf": 65500,
}  # fmt: skip


@pytest.mark.parametrize("ending", LIMITS)
def test_sides_beyond_what_a_format_has_room_for(tcl, tmp_path, ending):
    """They are refused by the rule, upright and lying, and leave no file; the longest that fits is written."""
    path, limit = f"{tmp_path}/x.{ending}", LIMITS[ending]
    if (
        "." + ending not in Image.registered_extensions()
        or Image.registered_extensions()["." + ending] not in Image.SAVE
    ):
        pytest.skip("this Pillow does not write it")
    for shape in (f"{limit + 1} 1", f"1 {limit + 1}"):
        call = f"torch::image_write [torch::zeros {{3 {shape}}}] {path}"
        message = tcl.error(call)
        assert message.startswith(f"Cannot write {path}: sides in ")
        assert f"have at most {limit} pixels, got " in message
        assert tcl.code(call).startswith("TORCH IO write ")
        assert not list(tmp_path.iterdir())
    tcl.run(f"torch::image_write [torch::zeros {{3 1 {limit}}}] {path}")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.filterwarnings("ignore:IM image format")
def test_every_ending_is_written_or_refused(tcl, tmp_path, channels):
    """Whatever an encoder stumbles over, the file is said to be at fault, not the program, and nothing is left."""
    Image.init()
    for ending in Image.registered_extensions():
        for sides in ("3 5", "1 70000"):
            call = f"torch::image_write [torch::zeros {{{channels} {sides}}}] {tmp_path}/x{ending}"
            code = tcl(f"set errorCode NONE; catch {{{call}}}; set errorCode")
            assert code == "NONE" or code.startswith(("TORCH IO write ", "TORCH INVALID_VALUE file"))
            left = [path.name for path in tmp_path.iterdir()]
            assert left == ([f"x{ending}"] if code == "NONE" else [])
            for name in left:
                (tmp_path / name).unlink()


def test_a_full_disk_is_told_as_the_system_tells_it(roish, tmp_path):
    """Also where an encoder would write by itself."""

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    endings = ("png", "bmp", "tif", "jpg", "gif")
    script = "foreach e $argv {catch {torch::image_write [torch::rand {3 200 200}] x.$e} m; puts $m}"
    done = roish("-c", script, *endings, preexec_fn=small_files)
    assert done.stdout.splitlines() == [f"Cannot write x.{ending}: file too large" for ending in endings]
    assert not [path for path in tmp_path.iterdir() if path.name != "state"]


def test_without_pillow_it_says_what_to_install(tcl, tmp_path, monkeypatch):
    """Only pictures need it."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    for call in (
        f"torch::image_read {tmp_path}/x.png",
        f"torch::image_write [torch::zeros {{3 2 2}}] {tmp_path}/x.png",
    ):
        assert "pip install '.[image]'" in tcl.error(call)
