"""Reading and writing ``.npy`` and ``.npz``. Files that are read may be malicious.

Nothing is unpickled. The sizes in a header and in the directory of an archive are checked against the size of the file
before memory is allocated, and memory for a compressed array grows only as it is decompressed.
"""

from __future__ import annotations

import io
import math
import os
import stat
import types
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import numpy as np

from pyroi import native
from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.files.wholefile import write_whole
from tclcmd.language.errors import UnusableFile
from tclcmd.values import dtypes, sizes
from tclcmd.values.folders import Folders
from tclcmd.values.quoting import bytes_text, quote

if TYPE_CHECKING:
    import zipfile

NPY_MAGIC = b"\x93NUMPY"
ZIP_MAGIC = b"PK"

#: A member of more bytes than this is refused if its compression ratio is above the second number.
LARGE_MEMBER = 256 * 2**20
MOST_EXPANSION = 100

#: The compression methods of NumPy, by their numbers in zip: none, and deflate. Others have no bound on the ratio.
STORED, DEFLATED = 0, 8

#: NumPy's own limit on the text of a header.
MOST_HEADER_BYTES = 10_000

#: The largest size that a shape of any machine has.
MOST_ELEMENTS = 2**63 - 1

#: The longest name of a member of an archive.
MOST_NAME_BYTES = 65535

#: Bytes that are read at a time; a Ctrl-C ends the reading between two pieces.
PIECE = 2**20

#: Types that tensors do not have, and the smallest types of tensors that hold their values.
WIDER = {"int8": np.int32, "int16": np.int32, "uint16": np.int32, "uint32": np.int64}


def open_regular(path: str) -> BinaryIO:
    """Opens a regular file for reading; a pipe is refused, since it has no size and may block."""
    confined: Folders | None = getattr(path, "folders", None)
    if confined is not None:
        return open(confined.open_for_reading(path), "rb")
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UnusableFile("it is not a regular file")
    return open(path, "rb")


# ---- Reading ---------------------------------------------------------------------------------------------------------


def load(path: str, name: str | None) -> Array:
    """The array in a ``.npy`` file, or the one of that name in a ``.npz`` file."""
    with open_regular(path) as file:
        magic = file.read(len(NPY_MAGIC))
        file.seek(0)
        if magic == NPY_MAGIC:
            if name is not None:
                raise ArgumentError("name", "this is a .npy file, which holds one array without a name")
            return _read_array(file, os.fstat(file.fileno()).st_size)
        if magic.startswith(ZIP_MAGIC):
            return _load_member(file, name)
    raise UnusableFile("it is neither a .npy nor a .npz file")


def _load_member(file: BinaryIO, name: str | None) -> Array:
    import zipfile  # imported here, since few sessions read archives
    import zlib

    size = os.fstat(file.fileno()).st_size
    try:
        with zipfile.ZipFile(file) as archive:
            info = _find_member(archive, name)
            _check_member(info, size)
            with archive.open(info) as member:
                return _read_array(member, info.file_size)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as reason:
        raise UnusableFile(f"it is a damaged archive: {reason}") from None


def _find_member(archive: zipfile.ZipFile, name: str | None) -> zipfile.ZipInfo:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if name is None and len(members) == 1:
        return next(iter(members.values()))
    if name not in members:
        rule = f"there is no array {quote(name)}" if name is not None else "say which array"
        raise ArgumentError("name", f"{rule}; the file holds {', '.join(members) or 'none'}")
    return members[name]


def _check_member(info: zipfile.ZipInfo, archive_size: int) -> None:
    """Refuses a member that the file cannot hold, and one whose compression ratio is too high."""
    if info.compress_type not in (STORED, DEFLATED):
        raise UnusableFile("its arrays are compressed by a method that NumPy does not use")
    packed = info.compress_size
    if packed > archive_size or (info.compress_type == STORED and info.file_size != packed):
        claims = f"its directory promises {info.file_size} bytes in {packed}, the file has {archive_size}"
        raise UnusableFile(f"it is a damaged archive: {claims}")
    if info.file_size > LARGE_MEMBER and info.file_size > MOST_EXPANSION * max(packed, 1):
        size = bytes_text(info.file_size)
        raise UnusableFile(f"{packed} packed bytes would expand to {size}; save it as .npy if that is right")


def _read_array(file: IO[bytes], size: int) -> Array:
    shape, is_fortran, dtype = _read_header(file)
    have, claimed = size - file.tell(), math.prod(shape) * dtype.itemsize
    if claimed > have:
        raise UnusableFile(f"its header declares {shape_text(shape)} of {dtype}, {claimed} bytes, but {have} follow")
    try:
        sizes.check_shape(shape, dtype)
    except ArgumentError as error:
        raise UnusableFile(error.rule) from None
    stored = np.frombuffer(read_exactly(file, claimed), dtype)
    return _native(stored.reshape(shape[::-1]).T if is_fortran else stored.reshape(shape))


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    text = _header_text(file)
    try:
        version = np.lib.format.read_magic(text)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read(text)
    except Exception as reason:  # NumPy's parser may raise any exception
        what = str(reason).partition("\n")[0] or type(reason).__name__
        raise UnusableFile(f"its header is damaged: {what}") from None
    if dtype.hasobject:
        raise UnusableFile("it holds pickled Python objects, which are never loaded")
    if dtype.kind not in "biuf":
        raise UnusableFile(f"tensors cannot hold its elements, {dtype}")
    if any(size < 0 or isinstance(size, bool) or size > MOST_ELEMENTS for size in shape):
        raise UnusableFile(f"its header is damaged: shape {shape_text(shape)}")
    return shape, is_fortran, dtype


def _header_text(file: IO[bytes]) -> io.BytesIO:
    """The header with its magic and its length, which is checked before the rest is read."""
    start = file.read(len(NPY_MAGIC) + 2)
    length = file.read(2 if start[len(NPY_MAGIC) :][:1] == b"\1" else 4)
    count = int.from_bytes(length, "little")
    if count > MOST_HEADER_BYTES:
        raise UnusableFile(f"its header is damaged: at most {MOST_HEADER_BYTES} bytes are expected, it has {count}")
    return io.BytesIO(start + length + file.read(count))


def read_exactly(file: IO[bytes], count: int) -> bytearray:
    """Reads `count` bytes into memory that grows as they arrive."""
    memory = bytearray()
    while len(memory) < count:
        native.check_cancelled()
        piece = file.read(min(PIECE, count - len(memory)))
        if not piece:
            raise UnusableFile(f"it ends after {len(memory)} of {count} bytes")
        memory += piece
    return memory


def _native(stored: Array) -> Array:
    """The array in a type of tensors, in native byte order."""
    dtype = stored.dtype.newbyteorder("=")
    if dtypes.is_supported(dtype):
        return stored.astype(dtype, copy=False)
    wider = WIDER.get(dtype.name)
    if dtype == np.uint64 and (stored <= np.iinfo(np.int64).max).all():
        wider = np.int64
    if wider is None:
        raise UnusableFile(f"tensors cannot hold its elements, {dtype}")
    return stored.astype(wider)


# ---- Writing ---------------------------------------------------------------------------------------------------------


def save(path: str, array: Array, name: str | None) -> None:
    """Writes a ``.npy`` file, or a ``.npz`` file with one array."""
    if path.endswith(".npz"):
        member = _member_name("arr_0" if name is None else name)
        write_whole(path, lambda file: _write_archive(file, array, member))
    elif not path.endswith(".npy"):
        raise ArgumentError("file", f"expected a name that ends in .npy or .npz, got {quote(path)}")
    elif name is not None:
        raise ArgumentError("name", "arrays have names in .npz files only")
    else:
        write_whole(path, lambda file: _write_array(file, array))


def _member_name(name: str) -> str:
    """The name of the member, after a check that zip stores it unchanged."""
    if not name:
        raise ArgumentError("name", 'expected a name, got ""')
    try:
        length = len(f"{name}.npy".encode())
    except UnicodeEncodeError:
        raise ArgumentError("name", f"expected a name that UTF-8 can encode, got {quote(ascii(name))}") from None
    if length > MOST_NAME_BYTES:
        rule = f"expected at most {MOST_NAME_BYTES - len('.npy')} bytes of UTF-8"
        raise ArgumentError("name", f"{rule}, got {length - len('.npy')}")
    return f"{name}.npy"


def _write_array(file: IO[bytes], array: Array) -> None:
    # NumPy 1.24 asks each file of the io module for its descriptor, which the files of write_whole do not have.
    np.lib.format.write_array(types.SimpleNamespace(write=file.write), array, allow_pickle=False)


def _write_archive(file: BinaryIO, array: Array, member_name: str) -> None:
    import zipfile

    with zipfile.ZipFile(file, "w") as archive, archive.open(member_name, "w", force_zip64=True) as member:
        _write_array(member, array)
