"""Reading and writing pictures, by Pillow, which is imported with the first picture."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError, Cancelled
from pyroi.install import how_to_add
from tclcmd.files import logs, samples
from tclcmd.files.npy import open_regular
from tclcmd.files.wholefile import write_whole
from tclcmd.language.errors import UnusableFile
from tclcmd.values import sizes
from tclcmd.values.quoting import quote

#: The formats that are read, by Pillow's names: common ones that Pillow reads by itself. EPS is not one
#: of them, since Pillow starts another program for it.
FORMATS = (
    "PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "TGA", "PCX", "SGI", "ICO", "DDS", "QOI",
    "PSD",
)  # fmt: skip

#: The longest side of a picture in a format, where a tensor may have more.
LONGEST_SIDES = {
    "AVIF": 65536, "GIF": 65535, "ICNS": 1024, "ICO": 256, "JPEG": 65500, "MPO": 65500, "PCX": 65534, "PDF": 65500,
    "SGI": 65535, "TGA": 65535, "WEBP": 16383,
}  # fmt: skip

#: The largest number of pixels of a picture: the limit above which Pillow warns. The variable sets another one.
MOST_PIXELS = 89_478_485
PIXELS_VARIABLE = "ROISH_MAX_PIXELS"

#: The EXIF tag of the orientation, and the operations that turn [H, W, C] upright.
ORIENTATION = 0x0112
TURNS: dict[int, Callable[[Array], Array]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}

#: The width in pixels of the gaps in a contact sheet, and their shade.
GUTTER = 4
GUTTER_GREY = 255


def _pillow() -> Any:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise UnusableFile(f"pictures need Pillow: {how_to_add('image')}") from None
    return Image, ImageOps


# ---- Reading ---------------------------------------------------------------------------------------------------------


def load(path: str, most_pixels: int | None = None) -> Array:
    """A picture as float32 [1, C, H, W], upright: grey, colour, or colour with opacity.

    Shades are numbers from 0 to 1. Samples that are measurements keep their values: see `tclcmd.files.samples`.
    """
    logs.mute("PIL")
    pillow, _ = _pillow()
    limit = _usual_limit() if most_pixels is None else most_pixels
    with open_regular(path) as file, _bounded(pillow, limit):
        try:
            return _load(pillow, file)
        except (MemoryError, UnusableFile, Cancelled):
            raise
        except pillow.DecompressionBombError as reason:
            found = re.search(r"\d+", str(reason))
            got = found.group() if found else "more"
            raise UnusableFile(f"expected at most {limit} pixels, got {got}; -maxPixels allows more") from None
        except Exception as reason:  # a decoder may raise any exception for a damaged file
            raise UnusableFile(_first_line(reason, path)) from None


def _load(pillow: Any, file: BinaryIO) -> Array:
    pillow.init()
    known = [name for name in FORMATS if name in pillow.OPEN]

    def reopen() -> Any:
        file.seek(0)
        return pillow.open(file, formats=known)

    picture = reopen()
    sizes.check_room(4 * 4 * picture.width * picture.height, f"a picture of {picture.width} x {picture.height}")
    numbers, largest = samples.read(picture, file, reopen)
    return _to_tensor(TURNS[_orientation(picture)](numbers), largest)


def _orientation(picture: Any) -> int:
    """The orientation that remains to be corrected. Other EXIF fields are ignored, and may be invalid."""
    if picture.format == "TIFF":  # Pillow has already applied it while decoding
        return 1
    try:
        orientation = picture.getexif().get(ORIENTATION)
    except Exception:  # as of damaged pictures; but this one was decoded
        return 1
    return orientation if isinstance(orientation, int) and orientation in TURNS else 1


def _to_tensor(pixels: Array, largest: float) -> Array:
    channels = pixels.transpose(2, 0, 1)
    tensor = np.empty((1, *channels.shape), np.float32)
    with np.errstate(all="ignore"):  # NaN is kept
        np.divide(channels, np.float32(largest), out=tensor[0], casting="unsafe")
    return tensor


def _first_line(reason: Exception, path: str) -> str:
    if type(reason).__name__ == "UnidentifiedImageError":
        return f"it is not a picture of a known format ({', '.join(FORMATS)})"
    return (
        str(reason).replace(path, "it").splitlines()[0] if str(reason) else f"it is damaged ({type(reason).__name__})"
    )


# ---- How large -------------------------------------------------------------------------------------------------------


def _usual_limit() -> int:
    text = os.environ.get(PIXELS_VARIABLE, "").strip()
    if not text:
        return MOST_PIXELS
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) < 2**63):
        raise UnusableFile(f"the variable {PIXELS_VARIABLE} must be a number of pixels, it is {quote(text)}")
    return int(text)


@contextlib.contextmanager
def _bounded(pillow: Any, limit: int) -> Iterator[None]:
    """Makes Pillow check this limit before it decodes a picture, also one that is embedded in another."""
    before = pillow.MAX_IMAGE_PIXELS
    pillow.MAX_IMAGE_PIXELS = limit / 2  # Pillow warns above this number, and raises above twice as many
    try:
        yield
    finally:
        pillow.MAX_IMAGE_PIXELS = before


# ---- Writing ---------------------------------------------------------------------------------------------------------


def save(path: str, tensor: Array) -> None:
    """Writes [C, H, W] or [N, C, H, W] as a picture; more than one as a contact sheet."""
    logs.mute("PIL")
    pillow, _ = _pillow()
    pixels = contact_sheet(to_pixels(tensor))
    file_format = _format_of(path, pillow)
    _check_sides(file_format, pixels.shape)
    picture = pillow.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)

    def write(file: Any) -> None:
        try:
            picture.save(file, file_format)
        except (MemoryError, Cancelled):
            raise
        except OSError as reason:
            raise reason if reason.errno else _cannot_hold(file_format, reason) from None
        except Exception as reason:  # an encoder may raise any exception
            raise _cannot_hold(file_format, reason) from None

    write_whole(path, write)


def png(pixels: Array) -> bytes:
    """The bytes of a PNG file with the colours [H, W, 3]."""
    logs.mute("PIL")
    pillow, _ = _pillow()
    file = io.BytesIO()
    pillow.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG")
    return file.getvalue()


def _check_sides(file_format: str, shape: Sequence[int]) -> None:
    height, width = shape[:2]
    longest = LONGEST_SIDES.get(file_format)
    if longest is not None and max(height, width) > longest:
        raise UnusableFile(f"sides in {file_format} have at most {longest} pixels, got {width} x {height}")


def _cannot_hold(file_format: str, reason: Exception) -> UnusableFile:
    what = str(reason).partition("\n")[0] or type(reason).__name__
    return UnusableFile(f"{file_format} cannot hold it: {what}")


def _format_of(path: str, pillow: Any) -> str:
    ending = "." + path.rpartition(".")[2].lower()
    file_format = pillow.registered_extensions().get(ending)
    if file_format is None or file_format not in pillow.SAVE:
        rule = "expected a name that ends in .png, .jpg or another picture format"
        raise ArgumentError("file", f"{rule}, got {quote(path)}")
    return str(file_format)


def to_pixels(tensor: Array) -> Array:
    """The bytes [N, H, W, C] of a tensor. Floating numbers are clipped to 0 to 1; UInt8 is unchanged."""
    if tensor.ndim == 3:
        tensor = tensor[None]
    if tensor.ndim != 4 or tensor.shape[1] not in (1, 3, 4) or tensor.size == 0:
        rule = "expected [C, H, W] or [N, C, H, W] with 1, 3 or 4 channels and at least one pixel"
        raise ArgumentError("input", f"{rule}, got {shape_text(tensor.shape)}")
    pixels = tensor.transpose(0, 2, 3, 1)
    if tensor.dtype == np.uint8:
        return pixels
    with np.errstate(over="ignore"):  # a number that becomes infinite is clipped too
        clipped = np.nan_to_num(np.clip(pixels.astype(np.float32), 0, 1), nan=0)
    return (clipped * 255 + 0.5).astype(np.uint8)


def contact_sheet(pixels: Array, gutter: int = GUTTER, grey: int = GUTTER_GREY) -> Array:
    """Pictures [N, H, W, C] in a grid that is as square as possible."""
    count, height, width, channels = pixels.shape
    if count == 1:
        return np.ascontiguousarray(pixels[0])
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    shape = (rows * (height + gutter) - gutter, columns * (width + gutter) - gutter, channels)
    sheet = np.full(shape, grey, np.uint8)
    for index, picture in enumerate(pixels):
        top, left = (index // columns) * (height + gutter), (index % columns) * (width + gutter)
        sheet[top : top + height, left : left + width] = picture
    return sheet
