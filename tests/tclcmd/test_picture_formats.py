"""What torch::image_read makes of each format, depth, opacity and orientation.

The files are made by Pillow, or byte by byte after the formats' specifications where Pillow cannot write them; what is
expected is computed from the samples that went into them.
"""

from __future__ import annotations

import io
import itertools
import os
import struct
import zlib

import numpy as np
import pytest

from tclcmd.files import pictures
from tclcmd.language.errors import UnusableFile

Image = pytest.importorskip("PIL.Image")

Image.init()

#: Pillow's version: before 13, it gives up all notes of a camera with one that lies beyond their end, and some YCbCr.
VERSION = int(Image.__version__.split(".")[0])

# Pillow warns of damage and of large pictures. That no warning gets out of a command is tested in test_warnings.py.
pytestmark = pytest.mark.filterwarnings("ignore")

HEIGHT, WIDTH = 4, 6
RANDOM = np.random.default_rng(15)


def samples(bands: int, dtype: str, most: int | None = None) -> np.ndarray:
    """Samples [H, W, bands] of every size, with the least and the greatest among them."""
    info = np.iinfo(dtype)
    least, greatest = info.min, info.max if most is None else most
    made = RANDOM.integers(least, greatest, (HEIGHT, WIDTH, bands), dtype, endpoint=True)
    made.flat[0], made.flat[-1] = least, greatest
    return made


def read(tmp_path, content: bytes, **options: int) -> np.ndarray:
    """What a file with this content is read as, [C, H, W]."""
    path = tmp_path / "picture"
    path.write_bytes(content)
    tensor = pictures.load(str(path), **options)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    assert tensor.shape[0] == 1
    return tensor[0]


def expected(pixels: np.ndarray, largest: float, key: tuple[int, ...] | None = None) -> np.ndarray:
    """[C, H, W] of samples [H, W, C]: grey, colours, or colours with opacity; `key` is not there."""
    shades = pixels / largest
    if key is not None:
        opacity = (pixels != np.array(key)).any(axis=2, keepdims=True).astype(float)
        shades = np.concatenate([np.repeat(shades, 3 // shades.shape[2], axis=2), opacity], axis=2)
    elif pixels.shape[2] == 2:
        shades = shades[:, :, [0, 0, 0, 1]]
    return shades.transpose(2, 0, 1).astype(np.float32)


# ---- PNG, byte by byte -----------------------------------------------------------------------------------------------


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


#: Adam7: where each pass begins, and its steps, down and across.
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def packed_rows(pixels: np.ndarray, depth: int) -> bytes:
    """Rows as PNG has them before compression, without filters."""
    rows = []
    for row in pixels.reshape(len(pixels), -1):
        bits = (row[:, None] >> np.arange(depth - 1, -1, -1)) & 1
        rows.append(b"\0" + np.packbits(bits.astype(np.uint8)).tobytes())
    return b"".join(rows)


def png(pixels: np.ndarray, colour: int, depth: int, *chunks: bytes, interlaced: bool = False) -> bytes:
    """A PNG of samples [H, W, bands]."""
    raw = packed_rows(pixels, depth)
    if interlaced:
        passes = [pixels[top::down, left::across] for top, left, down, across in PASSES]
        raw = b"".join(packed_rows(each, depth) for each in passes if each.size)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], depth, colour, 0, 0, interlaced)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


#: PNG's types of colour -> how many samples a pixel has.
BANDS = {0: 1, 2: 3, 4: 2, 6: 4}
DEPTHS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (4, 8), (4, 16), (6, 8), (6, 16)]


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour", "depth"), DEPTHS)
def test_png(tmp_path, colour, depth, interlaced):
    """Every type of colour in every depth; 16 bits are all kept."""
    most = (1 << depth) - 1
    pixels = samples(BANDS[colour], "uint16", most)
    got = read(tmp_path, png(pixels, colour, depth, interlaced=interlaced))
    np.testing.assert_allclose(got, expected(pixels, most), rtol=1e-6)


@pytest.mark.parametrize(("colour", "depth"), [each for each in DEPTHS if each[0] in (0, 2)])
def test_png_with_a_colour_that_is_not_there(tmp_path, colour, depth):
    """A tRNS chunk makes opacity, at the depth of the samples: a neighbour of the key is still there."""
    most = (1 << depth) - 1
    pixels = samples(BANDS[colour], "uint16", most)
    pixels[1, 2] = pixels[2, 3] = key = [most // 3] * BANDS[colour]
    pixels[1, 3] = [*key[:-1], key[-1] + 1]
    transparency = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))
    got = read(tmp_path, png(pixels, colour, depth, transparency))
    np.testing.assert_allclose(got, expected(pixels, most, tuple(key)), rtol=1e-6)
    assert got[3, 1, 2] == 0
    assert got[3, 1, 3] == 1


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("opacities", [None, [0], [0, 128], [255, 0]])
def test_png_with_a_palette(tmp_path, depth, opacities):
    """Colours of the palette, and its opacity if it has any; opacities that are left off are full."""
    most = (1 << depth) - 1
    pixels, palette = samples(1, "uint16", most), samples(4, "uint8").reshape(-1, 4)
    palette = np.resize(palette, (most + 1, 4))
    palette[:, 3] = 255
    chunks = [chunk(b"PLTE", palette[:, :3].tobytes())]
    if opacities is not None:
        palette[: len(opacities), 3] = opacities
        chunks.append(chunk(b"tRNS", bytes(opacities)))
    wanted = palette[pixels[:, :, 0]][:, :, : 3 if opacities is None else 4]
    np.testing.assert_allclose(read(tmp_path, png(pixels, 3, depth, *chunks)), expected(wanted, 255), rtol=1e-6)


# ---- TIFF, byte by byte ----------------------------------------------------------------------------------------------

#: EXIF's and TIFF's orientation -> what turns [C, H, W] upright, written apart from the program's own table: rows are
#: reversed, columns are reversed, both are exchanged, as the specification describes where row 0 and column 0 lie.
UPRIGHT = {1: "", 2: "x", 3: "xy", 4: "y", 5: "t", 6: "tx", 7: "txy", 8: "ty"}


def turned(channels: np.ndarray, orientation: int) -> np.ndarray:
    """[C, H, W] upright."""
    for step in UPRIGHT[orientation]:
        channels = {"x": channels[:, :, ::-1], "y": channels[:, ::-1], "t": channels.swapaxes(1, 2)}[step]
    return channels


def tiff(
    pixels, *, order="<", photometric=None, extra=(), bits=None, raw=None, orientation=1, planes=1, odd_entry=b""
) -> bytes:
    """A TIFF of samples [H, W, bands], in one strip, or one for each plane."""
    bands, kind = pixels.shape[2], {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    bits = bits or pixels.dtype.itemsize * 8
    arranged = pixels if planes == 1 else pixels.transpose(2, 0, 1)
    data = raw or arranged.astype(pixels.dtype.newbyteorder(order)).tobytes()
    strips = [len(data)] if planes == 1 else [len(data) // bands] * bands
    photometric = (1 if bands < 3 else 2) if photometric is None else photometric
    offsets = [8 + sum(strips[:index]) for index in range(len(strips))]
    tags = {
        256: [pixels.shape[1]], 257: [pixels.shape[0]], 258: [bits] * bands, 259: [1], 262: [photometric],
        273: offsets, 274: [orientation], 277: [bands], 278: [pixels.shape[0]], 279: strips, 284: [planes],
        338: list(extra), 339: [kind] * bands,
    }  # fmt: skip
    entries, more = [], b""
    tags = {tag: values for tag, values in tags.items() if values}
    start = 8 + len(data) + 2 + 12 * len(tags) + len(odd_entry) + 4
    for tag, values in tags.items():
        content = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            content, more = struct.pack(f"{order}I", start + len(more)), more + content
        entries.append(struct.pack(f"{order}HHI", tag, 4, len(values)) + content)
    entries += [odd_entry] * bool(odd_entry)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data))
    return head + data + struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4) + more


SPECIAL = np.array([-5.5, 300.7, np.nan, 1e6, 0, 0.25, 0.5, 1, np.inf, -np.inf, 1e-45, 3e38], np.float32)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", [1, 6])
def test_tiff_of_floating_numbers(tmp_path, order, orientation):
    """The numbers as they are stored, NaN and large ones too."""
    pixels = SPECIAL.reshape(3, 4, 1)
    got = read(tmp_path, tiff(pixels, order=order, orientation=orientation))
    np.testing.assert_array_equal(got, turned(pixels.transpose(2, 0, 1), orientation))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_tiff_of_signed_numbers(tmp_path, order, dtype):
    """The numbers as they are stored."""
    pixels = samples(1, dtype) if dtype != "int32" else np.array([[[70000], [-5], [2**24], [-(2**24)]]], np.int32)
    np.testing.assert_array_equal(read(tmp_path, tiff(pixels, order=order)), pixels.transpose(2, 0, 1))


def test_tiff_of_32_bits_without_sign(tmp_path):
    """The numbers as they are stored, also from 2**31 on, which Pillow takes for negative."""
    pixels = np.array([[[0], [70000], [2**31], [2**32 - 256]]], np.uint32)
    np.testing.assert_array_equal(read(tmp_path, tiff(pixels)), pixels.transpose(2, 0, 1))


@pytest.mark.parametrize("number", [2**24 + 1, -(2**24) - 1, 2**31 - 1])
def test_whole_numbers_that_float32_has_not(tmp_path, number):
    """They are refused, with the span of all."""
    with pytest.raises(UnusableFile, match=r"its integers, .* cannot be Float32 numbers"):
        read(tmp_path, tiff(np.array([[[number], [0]]], np.int32)))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bands", [1, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_tiff_of_shades(tmp_path, order, bands, dtype):
    """Grey, colours, and colours with opacity, in both depths and orders of bytes."""
    pixels = samples(bands, dtype)
    got = read(tmp_path, tiff(pixels, order=order, extra=(2,) * (bands == 4)))
    np.testing.assert_allclose(got, expected(pixels, np.iinfo(dtype).max), rtol=1e-6)


@pytest.mark.parametrize("order", "<>")
def test_tiff_with_a_channel_that_is_no_opacity(tmp_path, order):
    """It is left off."""
    pixels = samples(4, "uint16")
    got = read(tmp_path, tiff(pixels, order=order, extra=(0,)))
    np.testing.assert_allclose(got, expected(pixels[:, :, :3], 65535), rtol=1e-6)


def test_tiff_of_colours_multiplied_by_opacity(tmp_path):
    """16 bits: the colours are divided by it."""
    straight = samples(4, "uint16")
    straight[:, :, 3] |= 0x8000  # so that at most a bit is lost
    multiplied = straight.astype(np.uint64)
    multiplied[:, :, :3] = (multiplied[:, :, :3] * multiplied[:, :, 3:] + 32767) // 65535
    got = read(tmp_path, tiff(multiplied.astype(np.uint16), extra=(1,)))
    np.testing.assert_allclose(got, expected(straight, 65535), atol=3 / 65535)


def test_tiff_in_which_white_is_zero(tmp_path):
    """In 8 and 16 bits."""
    for dtype in ("uint8", "uint16"):
        pixels = samples(1, dtype)
        got = read(tmp_path, tiff(pixels, photometric=0))
        np.testing.assert_allclose(got, 1 - expected(pixels, np.iinfo(dtype).max), atol=1e-7)


def test_tiff_of_12_bits(tmp_path):
    """4095 is white."""
    pixels = samples(1, "uint16", 4095)
    bits = ((pixels.reshape(HEIGHT, -1, 1) >> np.arange(11, -1, -1)) & 1).reshape(HEIGHT, -1).astype(np.uint8)
    got = read(tmp_path, tiff(pixels, bits=12, raw=np.packbits(bits, axis=1).tobytes()))
    np.testing.assert_allclose(got, expected(pixels, 4095), rtol=1e-6)


def test_tiff_of_16_bits_in_planes_is_refused(tmp_path):
    """Pillow would take every second byte for a sample."""
    with pytest.raises(UnusableFile, match="in separate planes"):
        read(tmp_path, tiff(samples(3, "uint16"), planes=2))


def test_tiff_of_8_bits_in_planes(tmp_path):
    """As one with pixels in one piece."""
    pixels = samples(3, "uint8")
    np.testing.assert_allclose(read(tmp_path, tiff(pixels, planes=2)), expected(pixels, 255), rtol=1e-6)


# ---- PPM and its family, byte by byte --------------------------------------------------------------------------------


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("most", [1, 100, 255, 256, 1023, 65535])
def test_ppm(tmp_path, bands, most):
    """Any largest number, in one byte or two."""
    pixels = samples(bands, "uint16", most)
    head = f"P{5 if bands == 1 else 6}\n# a comment\n{WIDTH} {HEIGHT}\n{most}\n".encode()
    got = read(tmp_path, head + pixels.astype(">u2" if most > 255 else "u1").tobytes())
    np.testing.assert_allclose(got, expected(pixels, most), rtol=1e-6)


@pytest.mark.parametrize(("bands", "most"), [(1, 1), (1, 255), (1, 65535), (3, 255)])
def test_ppm_as_text(tmp_path, bands, most):
    """Numbers in decimal digits."""
    pixels = samples(bands, "uint16", most)
    head = f"P{2 if bands == 1 else 3}\n{WIDTH} {HEIGHT}\n{most}\n"
    got = read(tmp_path, (head + " ".join(map(str, pixels.ravel().tolist()))).encode())
    np.testing.assert_allclose(got, expected(pixels, most), rtol=1e-6)


def test_ppm_as_text_with_more_than_8_bits_in_colour_is_refused(tmp_path):
    """Pillow keeps 8 of them."""
    with pytest.raises(UnusableFile, match="more than 8 bits as text"):
        read(tmp_path, b"P3\n1 1\n65535\n1 2 3\n")


def test_ppm_that_is_cut_off(tmp_path):
    """It is refused, and says how far it goes."""
    with pytest.raises(UnusableFile, match="it ends after 5 of 12 bytes"):
        read(tmp_path, b"P6\n2 2\n100\n12345")


def test_pbm(tmp_path):
    """1 is black."""
    assert read(tmp_path, b"P4\n3 1\n\xa0").tolist() == [[[0, 1, 0]]]
    assert read(tmp_path, b"P1\n3 1\n1 0 1").tolist() == [[[0, 1, 0]]]


@pytest.mark.parametrize(("scale", "order"), [("-1.0", "<"), ("2.5", ">")])
def test_pfm(tmp_path, scale, order):
    """The numbers as they are stored, from the bottom up; the sign of the scale is the order of bytes."""
    pixels = SPECIAL.reshape(3, 4)
    got = read(tmp_path, f"Pf\n4 3\n{scale}\n".encode() + pixels[::-1].astype(order + "f4").tobytes())
    np.testing.assert_array_equal(got, pixels[None])


# ---- Formats that Pillow writes --------------------------------------------------------------------------------------


def saved(pixels: np.ndarray, file_format: str, mode: str | None = None, **options: object) -> bytes:
    """A file of samples [H, W, bands] in 8 bits."""
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    picture = picture.convert(mode) if mode else picture
    try:
        picture.save(buffer, file_format, **options)
    except (KeyError, OSError) as reason:  # built without it, or not yet written by this version
        if file_format not in Image.SAVE:
            pytest.skip(f"this Pillow does not write {file_format}: {reason}")
        raise
    return buffer.getvalue()


#: Format, numbers of bands, options: what is lossless.
LOSSLESS = [
    ("BMP", (1, 3), {}), ("PCX", (1, 3), {}), ("SGI", (1, 3, 4), {}), ("TGA", (1, 2, 3, 4), {}),
    ("TGA", (1, 3, 4), {"compression": "tga_rle"}), ("WEBP", (3, 4), {"lossless": True, "exact": True}),
    ("JPEG2000", (1, 2, 3, 4), {"irreversible": False}), ("PNG", (1, 2, 3, 4), {}), ("PPM", (1, 3), {}),
    ("DDS", (1, 3, 4), {}), ("QOI", (3, 4), {}), ("ICO", (4,), {"sizes": [(WIDTH, HEIGHT)]}), ("TIFF", (1, 3, 4), {}),
    *(("TIFF", (1, 3, 4), {"compression": packing}) for packing in ("tiff_lzw", "tiff_deflate", "packbits")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file_format", "bands", "options"),
    [(name, bands, options) for name, all_bands, options in LOSSLESS for bands in all_bands],
)
def test_lossless_formats(tmp_path, file_format, bands, options):
    """Each with each number of channels that it has."""
    if file_format not in Image.OPEN:
        pytest.skip(f"this Pillow does not read {file_format}")
    pixels = samples(bands, "uint8")
    got = read(tmp_path, saved(pixels, file_format, **options))
    np.testing.assert_allclose(got, expected(pixels, 255), rtol=1e-6)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate"])
def test_tiff_of_16_bits_compressed(tmp_path, compression):
    """Grey; floating numbers too, as they are stored."""
    for picture, largest in ((samples(1, "uint16")[:, :, 0], 65535), (SPECIAL.reshape(3, 4), 1)):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "TIFF", compression=compression)
        np.testing.assert_array_equal(read(tmp_path, buffer.getvalue())[0], np.float32(picture) / np.float32(largest))


def test_gif(tmp_path):
    """Colours of a palette; grey too is one."""
    pixels = samples(1, "uint8")
    got = read(tmp_path, saved(pixels, "GIF"))
    np.testing.assert_allclose(got, np.repeat(expected(pixels, 255), len(got), axis=0), rtol=1e-6)


def smooth(bands: int) -> np.ndarray:
    """What survives lossy compression: [64, 48, bands], a slope."""
    down, across = np.mgrid[0:64, 0:48]
    return np.stack([down * 3, across * 4, 255 - down * 2, 255 - across][:bands], axis=2).astype(np.uint8)


@pytest.mark.parametrize(("file_format", "bands"), [("JPEG", 1), ("JPEG", 3), ("WEBP", 4), ("AVIF", 3), ("AVIF", 4)])
def test_lossy_formats(tmp_path, file_format, bands):
    """A slope, within a few shades."""
    if file_format not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {file_format}")
    got = read(tmp_path, saved(smooth(bands), file_format, quality=95))
    np.testing.assert_allclose(got, expected(smooth(bands), 255), atol=0.06)


def test_jpeg_of_cmyk(tmp_path):
    """Colours, as Pillow converts them: by the product of ink and black."""
    ink = smooth(4)
    buffer = io.BytesIO()
    Image.fromarray(ink, "CMYK").save(buffer, "JPEG", quality=95, subsampling=0)
    wanted = (255 - ink[:, :, :3].astype(int)) * (255 - ink[:, :, 3:].astype(int)) / 255
    np.testing.assert_allclose(read(tmp_path, buffer.getvalue()), expected(wanted, 255), atol=0.06)


@pytest.mark.parametrize(
    ("mode", "colour"), [("CMYK", (0, 255, 255, 0)), ("YCbCr", (76, 85, 255)), ("LAB", (138, 208, 195))]
)
def test_other_colours_in_tiff(tmp_path, mode, colour):
    """Red in three systems of colours, within what their conversions lose."""
    if mode == "YCbCr" and VERSION < 13:
        pytest.skip("this Pillow does not read all of them")
    buffer = io.BytesIO()
    Image.new(mode, (3, 2), colour).save(buffer, "TIFF")
    got = read(tmp_path, buffer.getvalue())
    assert got.shape == (3, 2, 3)
    np.testing.assert_allclose(got[:, 0, 0], [1, 0, 0], atol=0.06)


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "TIFF", "WEBP"])
def test_the_first_of_several(tmp_path, file_format):
    """Animations and pages."""
    frames = [Image.new("RGB", (3, 2), colour) for colour in ("red", "lime", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, file_format, save_all=True, append_images=frames[1:], lossless=True)
    got = read(tmp_path, buffer.getvalue())
    assert got[:3, 0, 0].tolist() == [1, 0, 0]


def test_gif_with_a_colour_that_is_not_there(tmp_path):
    """In colours and in grey."""
    for mode, colours in (("P", [255, 0, 0, 0, 0, 255]), ("L", None)):
        picture = Image.new(mode, (2, 1))
        if colours:
            picture.putpalette(colours)
        picture.putpixel((1, 0), 1)
        buffer = io.BytesIO()
        picture.save(buffer, "GIF", transparency=1)
        got = read(tmp_path, buffer.getvalue())
        assert got.shape == (4, 1, 2)
        assert got[3].tolist() == [[1, 0]]


# ---- Orientation -----------------------------------------------------------------------------------------------------


def exif_of(orientation: int, order: str = "<", *entries: bytes) -> bytes:
    """EXIF notes, as they stand in a file, with an orientation and more entries, each of 12 bytes."""
    all_entries = sorted([struct.pack(f"{order}HHIHxx", 274, 3, 1, orientation), *entries])
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return head + struct.pack(f"{order}H", len(all_entries)) + b"".join(all_entries) + bytes(64)


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    "file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "TIFF, packed", "16 bits", "16 bits TIFF"]
)
def test_every_orientation(tmp_path, orientation, file_format):
    """Each format that can note it, each way that a photograph can lie."""
    name, packed = file_format.removesuffix(", packed"), file_format.endswith("packed")
    pixels, tolerance = smooth(3), 0.06 if name in ("JPEG", "WEBP", "AVIF") else 1e-6
    if name == "16 bits":
        note = chunk(b"eXIf", exif_of(orientation))
        content = png(pixels.astype(np.uint16) * 257, 2, 16, note)
    elif name == "16 bits TIFF":
        content = tiff(pixels.astype(np.uint16) * 257, orientation=orientation)
    elif name == "TIFF" and not packed:
        content = tiff(pixels, orientation=orientation)
    else:
        exif = Image.Exif()
        exif[274] = orientation
        options = {"compression": "tiff_lzw"} if packed else {"quality": 95}
        if name not in Image.SAVE:
            pytest.skip(f"this Pillow does not write {name}")
        content = saved(pixels, name, exif=exif, **options)
    np.testing.assert_allclose(read(tmp_path, content), turned(expected(pixels, 255), orientation), atol=tolerance)


#: Entries of EXIF whose type is not what Pillow expects: Copyright as SRATIONAL, Make as RATIONAL, ImageWidth as ASCII;
#: a value beyond the end; an orientation of its own that makes no sense is among the next ones.
ODD_ENTRIES = {
    "Copyright": struct.pack("<HHII", 0x8298, 10, 1, 40),
    "Make": struct.pack("<HHII", 0x010F, 5, 1, 40),
    "ImageWidth": struct.pack("<HHI4s", 0x0100, 2, 4, b"ab\0\0"),
    "beyond": struct.pack("<HHII", 0x0110, 2, 500, 4000),
    "unknown type": struct.pack("<HHII", 0x0111, 99, 1, 0),
}


@pytest.mark.parametrize("name", ODD_ENTRIES)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_odd_notes_of_a_camera(tmp_path, name, file_format):
    """Orientation 6 is heeded, whatever else is noted."""
    if name == "beyond" and VERSION < 13:
        pytest.skip("this Pillow gives up all notes")
    notes = exif_of(6, "<", ODD_ENTRIES[name])
    if file_format == "JPEG":
        whole = saved(smooth(3), "JPEG", quality=95)
        content = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(notes) + 8) + b"Exif\0\0" + notes + whole[2:]
    elif file_format == "TIFF":
        if name in ("ImageWidth", "unknown type"):
            pytest.skip("these say what the TIFF itself is made of")
        content = tiff(smooth(3), orientation=6, odd_entry=ODD_ENTRIES[name])
    else:
        content = png(smooth(3), 2, 8, chunk(b"eXIf", notes))
    np.testing.assert_allclose(read(tmp_path, content), turned(expected(smooth(3), 255), 6), atol=0.06)


@pytest.mark.parametrize("notes", [exif_of(0), exif_of(9), exif_of(65535), b"", b"II", b"nonsense" * 9, exif_of(6)[:9]])
def test_notes_that_make_no_sense(tmp_path, notes):
    """The picture is read as it lies."""
    got = read(tmp_path, png(smooth(3), 2, 8, chunk(b"eXIf", notes)))
    np.testing.assert_allclose(got, expected(smooth(3), 255), rtol=1e-6)


# ---- What is not read ------------------------------------------------------------------------------------------------

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
WMF = struct.pack("<IHhhhhHIH", 0x9AC6CDD7, 0, 0, 0, 100, 100, 72, 0, 0) + b"\1\0\x09\0" + bytes(200)
FITS = b"".join(f"{line:80}".encode() for line in ("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 1", "END"))


@pytest.mark.parametrize(
    "content", [EPS, WMF, FITS.ljust(2880), b"\xc5\xd0\xd3\xc6" + bytes(26) + EPS], ids=["EPS", "WMF", "FITS", "DOS"]
)
def test_other_formats_are_refused(tmp_path, content, monkeypatch):
    """Whatever the file is called. No program is started for it: what an EPS needs is not even looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("gs", "gswin32c", "djpeg", "cjpeg", "ppmquant", "wmf2svg"):
        (folder / program).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\necho 10.0\n")
        (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    for name in ("x.png", "x.eps", "x"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UnusableFile, match=r"not a picture of a known format \(PNG, JPEG, "):
            pictures.load(str(path))
    assert not (tmp_path / "started").exists()


def test_the_formats_are_those_of_the_documentation(tcl):
    """By their names there."""
    told = tcl("torch::help image_read")
    names = {"JPEG2000": "JPEG 2000", "WEBP": "WebP"}
    for name in pictures.FORMATS:
        assert names.get(name, name) in told
    assert not {"EPS", "WMF", "PDF"} & set(pictures.FORMATS)


# ---- How many pixels -------------------------------------------------------------------------------------------------


def blank(width: int, height: int) -> bytes:
    """A PNG of one bit, with nothing behind its header."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"")


@pytest.mark.parametrize(("width", "height"), [(13000, 13000), (9460, 9460), (2**31 - 1, 2**31 - 1), (89_478_486, 1)])
def test_too_many_pixels(tmp_path, width, height):
    """They are refused before anything is unpacked, with the limit, and what sets another one."""
    with pytest.raises(UnusableFile, match=f"at most 89478485 pixels, got {width * height}; -maxPixels allows more"):
        read(tmp_path, blank(width, height))


def test_the_limit_can_be_set(tcl, tmp_path, monkeypatch):
    """By the call, or by a variable; the call goes before it."""
    path = tmp_path / "x.png"
    path.write_bytes(saved(samples(1, "uint8"), "PNG"))  # 24 pixels
    assert tcl(f"torch::tensor_shape [torch::image_read {path} -maxPixels 24]") == "1 1 4 6"
    message = tcl.error(f"torch::image_read {path} -maxPixels 23")
    assert message == f"Cannot read {path}: expected at most 23 pixels, got 24; -maxPixels allows more"
    monkeypatch.setenv(pictures.PIXELS_VARIABLE, "23")
    assert "at most 23 pixels" in tcl.error(f"torch::image_read {path}")
    assert tcl(f"torch::tensor_shape [torch::image_read {path} -maxPixels 24]") == "1 1 4 6"
    for text in ("many", "-1", "0", "1e6", "9" * 500):
        monkeypatch.setenv(pictures.PIXELS_VARIABLE, text)
        message = tcl.error(f"torch::image_read {path}")
        assert "the variable ROISH_MAX_PIXELS must be a number of pixels" in message
        assert len(message) < 250


def test_a_picture_inside_of_a_picture_counts(tmp_path):
    """An icon of 16 x 16 pixels, as its directory says, with a PNG of 5000 x 5000 in it."""
    inner = saved(np.zeros((5000, 5000, 1), np.uint8), "PNG")
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(inner), 22) + inner
    with pytest.raises(UnusableFile, match="expected at most 1000000 pixels, got 25000000"):
        read(tmp_path, icon, most_pixels=1_000_000)


def test_pillows_own_limit_stays(tmp_path):
    """It is that of the whole process, and only borrowed."""
    before = Image.MAX_IMAGE_PIXELS
    read(tmp_path, saved(samples(1, "uint8"), "PNG"), most_pixels=24)
    with pytest.raises(UnusableFile):
        read(tmp_path, b"", most_pixels=24)
    assert before == Image.MAX_IMAGE_PIXELS


# ---- Damage ----------------------------------------------------------------------------------------------------------


def small_files() -> dict[str, bytes]:
    """One of each way of reading."""
    return {
        "grey with a key": png(samples(1, "uint16", 15), 0, 4, chunk(b"tRNS", b"\0\5")),
        "16 bits": png(samples(3, "uint16"), 2, 16),
        "16 bits of grey with opacity": png(samples(2, "uint16"), 4, 16),
        "TIFF": tiff(samples(3, "uint16")),
        "floating TIFF": tiff(SPECIAL.reshape(3, 4, 1), order=">"),
        "PPM": b"P6\n2 2\n1000\n" + samples(1, "uint16", 999).tobytes(),
        "JPEG": saved(samples(3, "uint8"), "JPEG"),
        "GIF": saved(samples(1, "uint8"), "GIF"),
    }


@pytest.mark.parametrize("name", small_files())
def test_damage_anywhere(tmp_path, name):
    """Each byte turned over, and each beginning of the file: a picture, or an error that says that it is the file."""
    whole = small_files()[name]
    step = max(len(whole) // 150, 1)
    for place, cut in itertools.product(range(0, len(whole), step), (True, False)):
        damaged = whole[:place] if cut else whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        try:
            read(tmp_path, damaged, most_pixels=10_000)
        except UnusableFile as reason:
            assert len(str(reason)) < 300
