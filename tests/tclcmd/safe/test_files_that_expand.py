"""Small files that become large: archives, pictures and boxes, read under a limit of memory."""

from __future__ import annotations

import io
import json
import zipfile
import zlib

import numpy as np
import pytest

pytest.importorskip("PIL.Image")

#: How much a file becomes, in bytes: many times the limit, and much more than the file.
LARGE = 400_000_000


def npy_header(count: int) -> bytes:
    """What a file of so many numbers of 4 bytes begins with."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (count,)})
    return file.getvalue()


def archive() -> bytes:
    """An .npz of zeros, which deflate packs to a thousandth."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("x.npy", "w") as member:
        member.write(npy_header(LARGE // 4))
        for _ in range(100):
            member.write(bytes(LARGE // 100))
    return file.getvalue()


def archive_that_lies() -> bytes:
    """An .npz whose array claims more than its member holds."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("x.npy", npy_header(LARGE // 4) + bytes(100))
    return file.getvalue()


def picture(side: int = 12000) -> bytes:
    """A PNG of one colour and one bit per pixel: a few kilobytes, and as floats 576 MB."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    rows = zlib.compress(bytes((1 + side // 8) * side), 9)
    size = side.to_bytes(4, "big") * 2
    header = chunk(b"IHDR", size + bytes([1, 0, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def boxes() -> bytes:
    """COCO's JSON of results without content: each takes three bytes, and many times that as objects of Python."""
    return json.dumps([{}] * 2_000_000, separators=(",", ":")).encode()


CASES = {
    "x.npz": (archive, "torch::tensor_load in/x.npz"),
    "lies.npz": (archive_that_lies, "torch::tensor_load in/lies.npz"),
    "x.png": (picture, "torch::image_read in/x.png"),
    "pixels.png": (picture, "torch::image_read in/pixels.png -maxPixels 1000000000"),
    "x.json": (boxes, "torch::boxes_read in/x.json -format coco"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_small_file_that_becomes_large(places, name):
    """Is refused as a file, or for lack of memory, which the script can catch; and it goes on."""
    make, call = CASES[name]
    content = make()
    assert len(content) < LARGE / 50
    (places.allowed / name).write_bytes(content)
    script = f"puts [catch {{{call}}} message]\nputs [lrange $errorCode 0 1]\nputs [torch::manual_seed 1]"
    ran = places.run(script, "--memory-limit", "64M", "--time-limit", "60")
    assert ran.status == 0, ran.errors
    failed, code, last = ran.output.splitlines()
    assert (failed, last) == ("1", "ok")
    assert code in ("TORCH MEMORY", "TORCH IO", "TORCH INVALID_VALUE")
