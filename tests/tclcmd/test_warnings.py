"""Standard error has the messages of commands only, not the warnings or logs of libraries."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")


def files(folder) -> None:
    """What NumPy and Pillow warn of, or log."""
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }\n"  # as NumPy of Python 2 wrote it
    header = b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()
    (folder / "old.npy").write_bytes(header + np.ones(2, np.float32).tobytes())
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "TIFF")
    whole = buffer.getvalue()
    (folder / "cut.tif").write_bytes(whole[:-20])
    entry = whole.index(struct.pack("<HHI", 277, 3, 1))
    (folder / "many.tif").write_bytes(whole[: entry + 8] + struct.pack("<H", 60000) + whole[entry + 10 :])
    rows = zlib.compress(bytes(626 * 5000))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 5000, 5000, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    (folder / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    Image.new("RGB", (8, 8)).save(buffer := io.BytesIO(), "JPEG")
    (folder / "cut.jpg").write_bytes(buffer.getvalue()[:-40] + b"\xff\xd9")
    Image.new("P", (2, 2)).save(folder / "palette.png", transparency=b"\0\1")


SCRIPT = """
    proc try_to {script} {
        if {[catch {uplevel #0 $script}]} {lappend ::errors [lindex $::errorCode 1]} else {incr ::done}
    }
    foreach name {old.npy} {try_to {torch::tensor_load $name}}
    foreach name {cut.tif many.tif cut.jpg palette.png} {try_to {torch::image_read $name}}
    try_to {torch::image_read large.png -maxPixels 30000000}
    foreach title {中 😀 \u0fff $x$ $\\frac} {try_to {torch::plot_features [torch::ones {2 2}] x.png -title $title}}
    try_to {torch::plot_features [torch::tensor_create {{nan inf} {-inf nan}}] x.png}
    try_to {torch::plot_features [torch::zeros {1 100000 1}] x.png}
    try_to {torch::plot_features [torch::tensor_create {{1e300 -1e300} {0 1}} float64] x.svg}
    try_to {torch::nms {{0 0 1e39 1}} {1} 0.5}
    try_to {torch::show [torch::tensor_create {{1.7e308 -1.7e308} {nan inf}} float64] 20 -style ascii}
    try_to {torch::show [torch::tensor_create {{{1.7e308 -1.7e308} {nan inf}}} float64] 20 -kind picture -style ascii}
    try_to {torch::image_write [torch::tensor_create {{{1.7e308 nan} {-inf inf}}} float64] x.png}
    try_to {torch::image_write [torch::zeros {3 2 2}] x.im}
    try_to {torch::tensor_mean [torch::zeros {0 3}]}
    try_to {torch::tensor_div [torch::zeros 3] 0}
    try_to {torch::tensor_to [torch::full 3 1e30] int32}
    puts "errors [lsort -unique $errors], done $done"
"""


@pytest.mark.parametrize("filters", ["", "error"])
def test_no_warning_reaches_a_user(roish, tmp_path, filters):
    """Nor makes a command fail, where the environment asks for that; nor is a home that cannot be written to told."""
    files(tmp_path)
    variables = {"PYTHONWARNINGS": filters}
    if filters:
        variables["HOME"] = str(tmp_path / "old.npy")
    done = roish("-c", SCRIPT, variables=variables)
    assert done.stderr == ""
    assert "INTERNAL" not in done.stdout
    assert int(done.stdout.split()[-1]) > 12
