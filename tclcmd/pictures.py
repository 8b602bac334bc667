"""Reading and writing pictures, by Pillow, which is asked for only when a picture is."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from pyroi.install import how_to_add
from tclcmd import sizes
from tclcmd.errors import UnusableFile
from tclcmd.npy import open_regular
from tclcmd.wholefile import write_whole

if TYPE_CHECKING:
    from PIL import Image

#: What Pillow's modes are read as. Anything else is read as RGB.
CHANNELS = {"1": "L", "L": "L", "LA": "RGBA", "La": "RGBA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"}
DEEP_GREYS = ("I;16", "I;16L", "I;16B", "I;16N", "I")

#: Pixels between the pictures of a contact sheet, and their grey.
GUTTER = 4
GUTTER_GREY = 255


def _pillow() -> Any:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise UnusableFile(f"pictures need Pillow: {how_to_add('image')}") from None
    return Image, ImageOps


# ---- Reading ---------------------------------------------------------------------------------------------------------


def load(path: str) -> Array:
    """A picture as float32 [1, C, H, W], 0 to 1, upright: grey, colour, or colour with opacity."""
    pillow, operations = _pillow()
    with open_regular(path) as file, warnings.catch_warnings():
        # Pillow's own limit on the number of pixels is an error from twice as many on, and that is the one to have.
        warnings.simplefilter("ignore")
        try:
            picture = pillow.open(file)
            sizes.check_shape((4, picture.height, picture.width), np.float32)
            return _to_tensor(operations.exif_transpose(picture))
        except (MemoryError, ArgumentError):
            raise
        except Exception as reason:  # decoders of damaged files raise whatever they stumble over
            raise UnusableFile(_first_line(reason, path)) from None


def _first_line(reason: Exception, path: str) -> str:
    if type(reason).__name__ == "UnidentifiedImageError":
        return "it is not a picture of a known format"
    return (
        str(reason).replace(path, "it").splitlines()[0] if str(reason) else f"it is damaged ({type(reason).__name__})"
    )


def _to_tensor(picture: Image.Image) -> Array:
    if picture.mode in DEEP_GREYS:
        return _scaled(np.asarray(picture), 65535)[None, None]
    mode = CHANNELS.get(picture.mode, "RGBA" if "transparency" in picture.info else "RGB")
    pixels = np.asarray(picture.convert(mode))
    channels = pixels[..., None] if pixels.ndim == 2 else pixels
    return _scaled(channels.transpose(2, 0, 1), 255)[None]


def _scaled(pixels: Array, largest: int) -> Array:
    return np.ascontiguousarray(pixels, np.float32) / np.float32(largest)


# ---- Writing ---------------------------------------------------------------------------------------------------------


def save(path: str, tensor: Array) -> None:
    """Writes [C, H, W] or [N, C, H, W] as a picture; more than one as a contact sheet."""
    pillow, _ = _pillow()
    pixels = contact_sheet(to_pixels(tensor))
    picture = pillow.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    file_format = _format_of(path, pillow)

    def write(file: Any) -> None:
        try:
            picture.save(file, file_format)
        except (KeyError, ValueError) as reason:
            raise UnusableFile(str(reason)) from None

    write_whole(path, write)


def _format_of(path: str, pillow: Any) -> str:
    ending = "." + path.rpartition(".")[2].lower()
    file_format = pillow.registered_extensions().get(ending)
    if file_format is None or file_format not in pillow.SAVE:
        raise ArgumentError("file", f'expected a name that ends in .png, .jpg or another picture format, got "{path}"')
    return str(file_format)


def to_pixels(tensor: Array) -> Array:
    """Bytes [N, H, W, C] of a tensor: floating numbers clipped to 0 to 1, UInt8 as it is."""
    if tensor.ndim == 3:
        tensor = tensor[None]
    if tensor.ndim != 4 or tensor.shape[1] not in (1, 3, 4) or tensor.size == 0:
        rule = "expected [C, H, W] or [N, C, H, W] with 1, 3 or 4 channels and at least one pixel"
        raise ArgumentError("input", f"{rule}, got {shape_text(tensor.shape)}")
    pixels = tensor.transpose(0, 2, 3, 1)
    if tensor.dtype == np.uint8:
        return pixels
    clipped = np.nan_to_num(np.clip(pixels.astype(np.float32), 0, 1), nan=0)
    return (clipped * 255 + 0.5).astype(np.uint8)


def contact_sheet(pixels: Array, gutter: int = GUTTER, grey: int = GUTTER_GREY) -> Array:
    """Pictures [N, H, W, C] side by side in a grid as square as may be."""
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
