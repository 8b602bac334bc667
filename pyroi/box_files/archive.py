"""Boxes as arrays in a ``.npz`` file: boxes, scores, class_ids, image_ids, and metadata, JSON as UTF-8 in uint8.

Files that are read may be malicious. Nothing is unpickled, and the sizes that headers promise are checked before memory
is taken.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.box_files import records as columns
from pyroi.box_files.records import BoxRecords, check_room, parse_metadata

COLUMNS = ("boxes", "scores", "class_ids", "image_ids")
METADATA = "metadata"

#: What zipfile and zlib raise for a damaged archive.
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, UnicodeError)


def read(file: BinaryIO) -> BoxRecords:
    """The records in an archive, of which other arrays are ignored. Raises ValueError, or RowError for a row."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = {info.filename: info for info in archive.infolist()}
            known = [name for name in (*COLUMNS, METADATA) if f"{name}.npy" in members]
            if "boxes" not in known:
                raise ValueError(f"it has no array boxes, but {', '.join(members) or 'none'}")
            _check_sizes([members[f"{name}.npy"] for name in known])
            arrays: dict[str, Any] = {
                name: _read_array(_unpacked(archive, members[f"{name}.npy"]), name) for name in known
            }
    except DAMAGED as reason:
        raise ValueError(f"it is a damaged archive: {reason}") from None
    metadata = arrays.pop(METADATA, None)
    return BoxRecords(**arrays, **({} if metadata is None else parse_metadata(metadata.tobytes())))


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in members):
        raise ValueError("its arrays are compressed by a method that NumPy does not use")
    size = sum(info.file_size for info in members)
    if size > columns.MOST_BYTES:
        raise ValueError(f"expected at most {columns.MOST_BYTES} bytes of arrays, its directory states {size}")
    check_room(2 * size, "an archive of boxes")


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """As many bytes as the directory promises. Without a number, zipfile would unpack more before it cuts them off."""
    with archive.open(info) as member:
        return member.read(info.file_size)


def _read_array(content: bytes, name: str) -> Array:
    file = io.BytesIO(content)
    shape, is_fortran, dtype = _read_header(file, name)
    claimed, have = math.prod(shape) * dtype.itemsize, len(content) - file.tell()
    if dtype.kind not in "iuf" or dtype.itemsize == 0:
        raise ValueError(f"{name}: expected numbers, got {dtype}")
    if any(side < 0 for side in shape) or claimed != have:
        raise ValueError(f"{name}: its header states {shape_text(shape)} of {dtype}, but {have} bytes follow")
    stored = np.frombuffer(content, dtype, offset=file.tell()).astype(dtype.newbyteorder("="))
    return stored.reshape(shape[::-1]).T if is_fortran else stored.reshape(shape)


def _read_header(file: BinaryIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read(file)
    except Exception as reason:  # NumPy's parser may raise any exception
        what = str(reason).partition("\n")[0] or type(reason).__name__
        raise ValueError(f"{name}: its header is damaged: {what}") from None


def write(file: BinaryIO, records: BoxRecords) -> None:
    """An archive with the columns that the records have."""
    arrays = {name: getattr(records, name) for name in COLUMNS if getattr(records, name) is not None}
    metadata = np.frombuffer(records.metadata().encode(), np.uint8)
    np.savez(file, allow_pickle=False, **arrays, **{METADATA: metadata})
