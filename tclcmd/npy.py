"""Reading and writing ``.npy`` and ``.npz``, from sources that need not be trusted.

Nothing is ever unpickled. A header is held against the size of the file before memory is allocated for what it claims.
"""

from __future__ import annotations

import io
import math
import os
import stat
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd import dtypes, sizes
from tclcmd.errors import UnusableFile
from tclcmd.wholefile import write_whole

if TYPE_CHECKING:
    import zipfile

NPY_MAGIC = b"\x93NUMPY"
ZIP_MAGIC = b"PK"

#: An archive may expand to more than this only if it is packed less than so tightly.
LARGE_MEMBER = 256 * 2**20
MOST_EXPANSION = 100

#: Types of NumPy that tensors do not have, and those that hold all their values.
WIDER = {"int8": np.int32, "int16": np.int32, "uint16": np.int32, "uint32": np.int64}


def open_regular(path: str) -> BinaryIO:
    """Opens a regular file for reading; a pipe, which has no size to check against and may block, is refused."""
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
    import zipfile  # here, since few sessions read archives and each would load it

    try:
        with zipfile.ZipFile(file) as archive:
            info = _find_member(archive, name)
            _check_expansion(info)
            with archive.open(info) as member:
                return _read_array(member, info.file_size)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as reason:
        raise UnusableFile(f"it is a damaged archive: {reason}") from None


def _find_member(archive: zipfile.ZipFile, name: str | None) -> zipfile.ZipInfo:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if name is None and len(members) == 1:
        return next(iter(members.values()))
    if name not in members:
        rule = f'there is no array "{name}"' if name is not None else "say which array"
        raise ArgumentError("name", f"{rule}; the file holds {', '.join(members) or 'none'}")
    return members[name]


def _check_expansion(info: zipfile.ZipInfo) -> None:
    if info.file_size > LARGE_MEMBER and info.file_size > MOST_EXPANSION * max(info.compress_size, 1):
        size = sizes.bytes_text(info.file_size)
        raise UnusableFile(
            f"{info.compress_size} packed bytes would expand to {size}; save it as .npy if that is right"
        )


def _read_array(file: IO[bytes], size: int) -> Array:
    shape, is_fortran, dtype = _read_header(file)
    have, claimed = size - file.tell(), math.prod(shape) * dtype.itemsize
    if claimed > have:
        raise UnusableFile(f"its header promises {shape_text(shape)} of {dtype}, {claimed} bytes, but {have} follow")
    sizes.check_shape(shape, dtype)
    stored = np.frombuffer(_read_exactly(file, claimed), dtype)
    return _native(stored.reshape(shape[::-1]).T if is_fortran else stored.reshape(shape))


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read(file)
    except (ValueError, SyntaxError, TypeError, RecursionError) as reason:
        raise UnusableFile(f"its header is damaged: {str(reason).splitlines()[0]}") from None
    if dtype.hasobject:
        raise UnusableFile("it holds pickled Python objects, which are never loaded")
    if dtype.kind not in "biuf":
        raise UnusableFile(f"tensors cannot hold its elements, {dtype}")
    if any(size < 0 or isinstance(size, bool) for size in shape):
        raise UnusableFile(f"its header is damaged: shape {shape_text(shape)}")
    return shape, is_fortran, dtype


def _read_exactly(file: IO[bytes], count: int) -> bytearray:
    memory = bytearray(count)
    view, done = memoryview(memory), 0
    while done < count:
        got = file.readinto(view[done : done + 2**24])  # type: ignore[attr-defined]
        if not got:
            raise UnusableFile(f"it ends after {done} of {count} bytes")
        done += got
    return memory


def _native(stored: Array) -> Array:
    """The array in a type that tensors have, in this machine's byte order."""
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
        write_whole(path, lambda file: _write_archive(file, array, name or "arr_0"))
    elif not path.endswith(".npy"):
        raise ArgumentError("file", f'expected a name that ends in .npy or .npz, got "{path}"')
    elif name is not None:
        raise ArgumentError("name", "arrays have names in .npz files only")
    else:
        write_whole(path, lambda file: _write_array(file, array))


def _write_array(file: IO[bytes], array: Array) -> None:
    # Not np.save's own way to a file, which tells a full disk without saying so.
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    file.write(header.getvalue())
    flat = array.T.reshape(-1) if array.flags.f_contiguous and not array.flags.c_contiguous else array.reshape(-1)
    raw = np.ascontiguousarray(flat).view(np.uint8).data
    for start in range(0, len(raw), 2**24):
        file.write(raw[start : start + 2**24])


def _write_archive(file: BinaryIO, array: Array, name: str) -> None:
    import zipfile

    with zipfile.ZipFile(file, "w") as archive, archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        _write_array(member, array)
