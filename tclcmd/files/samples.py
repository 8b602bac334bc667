"""The samples of pictures at full depth, some of which Pillow would lose by itself.

A picture is read as samples [H, W, C] of the type in the file, and their white level, the number that stands for 1.
Samples that are measurements (floating numbers, signed integers, 32-bit integers) keep their values: the level is 1.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from pyroi.arrays import Array
from tclcmd.files.npy import read_exactly
from tclcmd.language.errors import UnusableFile

#: The samples of a picture, and their white level.
Samples = tuple[Array, float]

#: Pillow's modes of pictures with opacity, and of grey ones with 16 bits.
WITH_OPACITY = ("LA", "La", "PA", "RGBA", "RGBa")
DEEP_GREYS = ("I;16", "I;16L", "I;16B", "I;16N", "I")

#: Colours of 16 bits as Pillow's decoders call them, without the order of bytes at the end.
DEEP_COLOURS = ("RGB;16", "RGBX;16", "RGBA;16", "RGBa;16")

#: TIFF tags and their values, by the specification.
BITS, PHOTOMETRIC, PLANES, SAMPLE_FORMAT = 258, 262, 284, 339
WHITE_IS_ZERO, APART, SIGNED = 0, 2, 2


def read(picture: Any, file: BinaryIO, reopen: Callable[[], Any]) -> Samples:
    """The samples of a picture that Pillow has opened but not yet decoded; `reopen` opens it once more."""
    key = _png_key(file) if picture.format == "PNG" else None
    if key is not None:
        picture.info.pop("transparency", None)  # Pillow compares the key with samples of another depth
    samples = _read(picture, file, reopen)
    return samples if key is None else _with_key(samples, key)


def _read(picture: Any, file: BinaryIO, reopen: Callable[[], Any]) -> Samples:
    codec, arguments = _coding(picture)
    if codec == "ppm":
        return _pnm(picture, file, largest=arguments[1])
    if codec == "ppm_plain" and picture.mode == "RGB" and arguments[1] > 255:
        raise UnusableFile("it has colours of more than 8 bits as text, which Pillow cannot keep: make it binary")
    if picture.format == "TIFF" and _tag(picture, PLANES) == APART and _tag(picture, BITS) > 8:
        raise UnusableFile("it has colours of more than 8 bits in separate planes, which Pillow cannot read")
    if arguments and str(arguments[0])[:-1] in DEEP_COLOURS:
        return _deep_colours(picture, arguments[0], reopen)
    if arguments and arguments[0] == "LA;16B":
        return _deep_grey_with_opacity(picture)
    picture.load()
    if picture.format == "TIFF" and (measured := _tiff_grey(picture)) is not None:
        return measured
    if picture.mode == "F":
        return _grey(np.asarray(picture)), 1.0
    if picture.mode in DEEP_GREYS:
        return _grey(np.asarray(picture)), 65535.0
    return _shallow(picture), 255.0


def _shallow(picture: Any) -> Array:
    """The samples of a picture of 8 bits: grey, RGB or RGBA."""
    if picture.mode in WITH_OPACITY or "transparency" in picture.info:
        return _in_mode(picture, "RGBA")
    return _grey(_in_mode(picture, "L")) if picture.mode in ("1", "L") else _in_mode(picture, "RGB")


def _in_mode(picture: Any, mode: str) -> Array:
    return np.asarray(picture if picture.mode == mode else picture.convert(mode))


def _grey(samples: Array) -> Array:
    return samples[:, :, None]


# ---- 16 bits in colour -----------------------------------------------------------------------------------------------


def _coding(picture: Any) -> tuple[str, tuple[Any, ...]]:
    """The decoder that Pillow will use, and its arguments, the first of which is usually the raw mode."""
    if not picture.tile:
        return "", ()
    codec, _, _, arguments = picture.tile[0]
    return codec, arguments if isinstance(arguments, tuple) else (arguments,)


def _deep_colours(picture: Any, raw: str, reopen: Callable[[], Any]) -> Samples:
    """Colours of 16 bits, which Pillow lacks. It keeps the upper byte, or the lower one for the opposite byte order."""
    name, order = raw[:-1], raw[-1]
    if order == "N":
        order = "L" if sys.byteorder == "little" else "B"
    # Premultiplied alpha is divided out below, at the full 16 bits.
    name = name.replace("RGBa", "RGBA")
    upper = _decoded(picture, name + order)
    lower = _decoded(reopen(), name + ("B" if order == "L" else "L"))
    samples = upper.astype(np.uint16) << 8 | lower
    if "RGBX" in raw:
        return samples[:, :, :3], 65535.0
    return (_unmultiplied(samples) if "RGBa" in raw else samples), 65535.0


def _deep_grey_with_opacity(picture: Any) -> Samples:
    """Reads 16-bit samples as pairs of 8-bit ones of the same size."""
    pairs = np.ascontiguousarray(_decoded(picture, "RGBA")).view(">u2")
    return pairs[:, :, [0, 0, 0, 1]], 65535.0


def _decoded(picture: Any, raw: str) -> Array:
    """The picture, decoded by Pillow with another raw mode."""
    picture.tile = [_with_raw_mode(tile, raw) for tile in picture.tile]
    return np.asarray(picture)


def _with_raw_mode(tile: Any, raw: str) -> Any:
    *rest, arguments = tile
    make = getattr(type(tile), "_make", tuple)  # a plain tuple before Pillow 11
    return make((*rest, (raw, *arguments[1:]) if isinstance(arguments, tuple) else raw))


def _unmultiplied(samples: Array) -> Array:
    opacity = np.maximum(samples[:, :, 3:], 1)
    colours = (samples[:, :, :3].astype(np.uint32) * 65535 + opacity // 2) // opacity
    return np.concatenate([np.minimum(colours, 65535).astype(np.uint16), samples[:, :, 3:]], axis=2)


# ---- PNG: one colour that is not there -------------------------------------------------------------------------------


def _png_key(file: BinaryIO) -> Array | None:
    """The grey or colour that is transparent, scaled as Pillow scales samples; None if there is none."""
    file.seek(8)
    depth, colour = 0, 0
    while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
        length, name = struct.unpack(">I4s", head)
        if name == b"IHDR" and length >= 10:
            depth, colour = struct.unpack(">8xBB", file.read(10))
            length -= 10
        elif name == b"tRNS" and (colour, length) in ((0, 2), (2, 6)):
            most = (1 << depth) - 1
            return (np.frombuffer(file.read(length), ">u2") & most) * (max(most, 255) // most)
        file.seek(length + 4, 1)
    return None


def _with_key(samples: Samples, key: Array) -> Samples:
    numbers, largest = samples
    opacity = (numbers != key).any(axis=2, keepdims=True) * numbers.dtype.type(largest)
    colours = np.broadcast_to(numbers, (*numbers.shape[:2], 3))
    return np.concatenate([colours, opacity], axis=2), largest


# ---- TIFF: numbers that measure something ----------------------------------------------------------------------------


def _tiff_grey(picture: Any) -> Samples | None:
    """The samples of a picture of one channel with more than 8 bits; None for other pictures."""
    if picture.mode not in ("L", "F", *DEEP_GREYS):
        return None
    numbers, bits, kind = np.asarray(picture), _tag(picture, BITS), _tag(picture, SAMPLE_FORMAT)
    if picture.mode == "F":
        return _grey(numbers), 1.0
    if kind == SIGNED:
        return _grey(_exact(numbers.view(np.int8) if bits == 8 else numbers)), 1.0
    if bits == 32:
        return _grey(_exact(numbers.view(np.uint32))), 1.0
    if bits <= 8:
        return None
    largest = (1 << bits) - 1
    if _tag(picture, PHOTOMETRIC) == WHITE_IS_ZERO:
        numbers = largest - numbers
    return _grey(numbers), float(largest)


def _tag(picture: Any, number: int) -> int:
    value = picture.tag_v2.get(number, 1)
    return int(value[0] if isinstance(value, tuple) else value)


def _exact(numbers: Array) -> Array:
    """Integers, after a check that Float32 represents them exactly."""
    if (numbers.astype(np.float32).astype(np.int64) != numbers).any():
        span = f"{numbers.min()} to {numbers.max()}"
        raise UnusableFile(f"its integers, {span}, cannot be Float32 numbers, which are exact only up to 2**24")
    return numbers


# ---- PPM and PGM: any largest number ---------------------------------------------------------------------------------


def _pnm(picture: Any, file: BinaryIO, largest: int) -> Samples:
    """What Pillow would scale to 8 bits, pixel by pixel."""
    bands = len(picture.getbands())
    dtype = np.dtype(">u2" if largest > 255 else "u1")
    file.seek(picture.tile[0][2])
    raw = read_exactly(file, picture.width * picture.height * bands * dtype.itemsize)
    samples = np.frombuffer(raw, dtype).reshape(picture.height, picture.width, bands)
    return np.minimum(samples, largest), float(largest)
