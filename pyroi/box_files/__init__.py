"""Boxes in files: COCO's JSON, YOLO's label text, Parquet and Arrow tables, and ``.npz``.

    from pyroi.box_files import BoxRecords, read_boxes, write_boxes

    records = read_boxes("detections.json")
    write_boxes("detections.parquet", records)

The module is not imported by ``import pyroi``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, TypeVar

from pyroi.box_files import archive, classes, coco, yolo
from pyroi.box_files import records as columns
from pyroi.box_files.records import BoxFileError, BoxRecords, RowError, to_image_size, to_names
from pyroi.box_files.yolo import LineError
from pyroi.errors import ArgumentError, ArgumentTypeError

__all__ = [
    "FORMATS", "BoxFileError", "BoxRecords", "class_format_of", "format_of", "read_boxes", "read_class_names",
    "write_boxes",
]  # fmt: skip

#: Format -> the suffixes of its files.
FORMATS = {
    "coco": (".json",),
    "coco_dataset": (),
    "yolo": (".txt",),
    "parquet": (".parquet",),
    "arrow": (".arrow", ".feather"),
    "npz": (".npz",),
}

#: The bytes of text that are read at a time.
PIECE = 2**20

Path = str | os.PathLike[str]
Found = TypeVar("Found")


def read_boxes(
    file: Path | BinaryIO,
    format: str | None = None,
    *,
    class_names: Sequence[str] | Mapping[int, str] | None = None,
    image_size: tuple[int, int] | None = None,
) -> BoxRecords:
    """Reads the boxes in a file. A file is read whole or not at all: a bad row is an error.

    Files need not be trusted: nothing is unpickled, and the sizes that they promise are checked before memory is taken;
    text has at most 1 GiB. How much a compressed column of Arrow or Parquet becomes is not checked.

    Args:
        file: The name of a regular file, or a binary file that is open for reading.
        format: One of `FORMATS`; by default that of the suffix: ``.json``, ``.txt``, ``.parquet``, ``.arrow``,
            ``.feather``, ``.npz``. ``"coco"`` and ``"coco_dataset"`` both read a list of results as well as a dataset
            with annotations, of which `iscrowd` and `segmentation` are ignored.
        class_names: The names of the classes, in place of those in the file: a mapping from class ids, or a sequence
            whose first name is that of class 0. :func:`read_class_names` reads them from a file.
        image_size: (height, width) in pixels, which ``"yolo"`` needs, and no other format takes.

    Returns:
        The boxes as x1, y1, x2, y2 in pixels, with what the file has for them. JSON and text give float64. The image
        of YOLO's text has the id 0.

    Raises:
        BoxFileError: The file is damaged, or a row violates a rule; with the line of text or the row.
        ImportError: Parquet or Arrow without pyarrow.
        OSError, MemoryError: As of the system.
        ValueError: Another argument is wrong.

    Example:
        >>> import io
        >>> from pyroi import box_files
        >>> text = io.BytesIO(b"0 0.5 0.5 0.2 0.4")  # class, centre, width and height, as shares of the image
        >>> records = box_files.read_boxes(text, "yolo", image_size=(50, 100), class_names=["cat"])
        >>> records.boxes.tolist(), records.class_names
        ([[40.0, 15.0, 60.0, 35.0]], {0: 'cat'})
    """
    name = _name(file)
    format = _format(format, name)
    size = _image_size(format, image_size)
    names = None if class_names is None else to_names(class_names, "class_names")
    found = _read(file, name, _reader(format, size))
    if names is not None:
        found.class_names = names
    return found


def read_class_names(file: Path | BinaryIO, format: str | None = None) -> dict[int, str]:
    """Reads the names of classes from a file of their own, for `class_names` of :func:`read_boxes`.

    Args:
        file: The name of a regular file, or a binary file that is open for reading. A file has at most 1 MiB, one of
            YAML 256 KiB.
        format: ``"lines"``, a name in each line, for the classes 0, 1 and on; ``"yaml"``, a dataset of YOLO, whose key
            `names` has a list, or a mapping from numbers, which needs PyYAML; or ``"json"``, a dataset of COCO with
            `categories`, or their list. By default that of the suffix: ``.txt`` and ``.names``, ``.yaml`` and
            ``.yml``, or ``.json``.

    Returns:
        The names by number, as the file has them: those of COCO begin at 1.

    Raises:
        BoxFileError: The file is damaged, or a line violates a rule; with the line of text.
        ImportError: YAML without PyYAML.
        OSError, MemoryError: As of the system.
        ValueError: The format is another one, or none is given and the file has another suffix.

    Example:
        >>> import os, tempfile
        >>> from pyroi import box_files
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "classes.txt")
        ...     with open(path, "w") as file:
        ...         count = file.write("cat\\ndog\\n")
        ...     box_files.read_class_names(path)
        {0: 'cat', 1: 'dog'}
    """
    name = _name(file)
    known = class_format_of(name) if format is None else _known(format, classes.FORMATS)
    return _read(file, name, lambda opened: classes.read(opened.read(classes.MOST_BYTES + 1), known))


def class_format_of(name: str) -> str:
    """The format of the suffix of the name of a file of class names.

    Args:
        name: The name of a file.

    Returns:
        A format of :func:`read_class_names`.

    Raises:
        ValueError: No format has the suffix.

    Example:
        >>> from pyroi import box_files
        >>> box_files.class_format_of("data.yaml")
        'yaml'
    """
    return _of_suffix(name, classes.FORMATS)


def _read(file: Path | BinaryIO, name: str, read: Callable[[BinaryIO], Found]) -> Found:
    """What `read` makes of a file; errors name the file."""
    try:
        if isinstance(file, str | os.PathLike):
            with _open_regular(file) as opened:
                return read(opened)
        return read(file)
    except LineError as reason:
        raise BoxFileError(name, str(reason), line=reason.line) from None
    except RowError as reason:
        raise BoxFileError(name, reason.fault, row=reason.row) from None
    except BoxFileError:
        raise
    except ValueError as reason:
        raise BoxFileError(name, str(reason)) from None


def write_boxes(
    file: Path | BinaryIO,
    records: BoxRecords,
    format: str | None = None,
    *,
    image_size: tuple[int, int] | None = None,
) -> None:
    """Writes boxes to a file. A file of this name is replaced at once, when the new one is whole.

    Args:
        file: The name, or a binary file that is open for writing.
        records: The boxes. ``"coco"``, a list of results, needs `scores`, `class_ids` and `image_ids`, and has no room
            for names and sizes; ``"coco_dataset"``, a dataset with annotations, needs `class_ids` and `image_ids`;
            ``"yolo"`` needs `class_ids`, boxes of one image, and within it, and has no room for names.
        format: As for :func:`read_boxes`.
        image_size: (height, width) in pixels, for ``"yolo"``; by default that of the image in the records.

    Raises:
        ValueError: An argument is wrong, or the format has no room for a row.
        ImportError: Parquet or Arrow without pyarrow.
        OSError: As of the system; the file is as it was.

    Example:
        >>> import io
        >>> import numpy as np
        >>> from pyroi import box_files
        >>> records = box_files.BoxRecords(np.array([[40.0, 15, 60, 35]]), class_ids=np.array([0]))
        >>> file = io.BytesIO()
        >>> box_files.write_boxes(file, records, "yolo", image_size=(50, 100))
        >>> file.getvalue().split()
        [b'0', b'0.5', b'0.5', b'0.2', b'0.4']
    """
    if not isinstance(records, BoxRecords):
        raise ArgumentTypeError("records", f"expected BoxRecords, got {type(records).__name__}")
    format = _format(format, _name(file))
    write = _writer(format, records, None if image_size is None else _image_size(format, image_size))
    if isinstance(file, str | os.PathLike):
        _replace(os.fspath(file), write)
    else:
        write(file)


# ---- Formats ---------------------------------------------------------------------------------------------------------


def _name(file: Any) -> str:
    if isinstance(file, bytes):
        raise ArgumentTypeError("file", "expected a name or a binary file, got bytes")
    if isinstance(file, str | os.PathLike):
        return str(os.fspath(file))
    if not hasattr(file, "read") and not hasattr(file, "write"):
        raise ArgumentTypeError("file", f"expected a name or a binary file, got {type(file).__name__}")
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else "the file"


def format_of(name: str) -> str:
    """The format of the suffix of a file name.

    Args:
        name: The name of a file, which need not be there.

    Returns:
        One of `FORMATS`.

    Raises:
        ValueError: No format has the suffix.

    Example:
        >>> from pyroi import box_files
        >>> box_files.format_of("boxes.feather")
        'arrow'
    """
    return _of_suffix(name, FORMATS, ", or a format")


def _of_suffix(name: str, formats: Mapping[str, tuple[str, ...]], instead: str = "") -> str:
    """The format that has the suffix of the name; `instead` ends the list of suffixes in the error."""
    suffix = os.path.splitext(name)[1].lower()
    for known, suffixes in formats.items():
        if suffix in suffixes:
            return known
    ends = ", ".join(suffix for suffixes in formats.values() for suffix in suffixes)
    raise ArgumentError("file", f"expected a name that ends in {ends}{instead}, got {name!r}")


def _format(format: Any, name: str) -> str:
    return format_of(name) if format is None else _known(format, FORMATS)


def _known(format: Any, formats: Mapping[str, tuple[str, ...]]) -> str:
    if not isinstance(format, str) or format not in formats:
        raise ArgumentError("format", f"expected one of {', '.join(formats)}, got {format!r}")
    return format


def _image_size(format: str, value: Any) -> tuple[int, int] | None:
    if format == "yolo" and value is None:
        raise ArgumentError("image_size", "YOLO's text needs the (height, width) of the image, got none")
    if format != "yolo" and value is not None:
        raise ArgumentError("image_size", f"format {format} has coordinates in pixels and takes none, got {value!r}")
    return None if value is None else to_image_size(value)


def _reader(format: str, size: tuple[int, int] | None) -> Callable[[BinaryIO], BoxRecords]:
    if format in ("coco", "coco_dataset"):
        return lambda file: coco.read(_text(file))
    if format == "yolo" and size is not None:
        return lambda file: yolo.read(_text(file), size)
    if format == "npz":
        return archive.read
    from pyroi.box_files import arrow  # imported here, since pyarrow takes long

    arrow.check_installed()
    return arrow.read_parquet if format == "parquet" else arrow.read_arrow


def _writer(format: str, records: BoxRecords, size: tuple[int, int] | None) -> Callable[[BinaryIO], None]:
    if format == "coco":
        return lambda file: coco.write_results(file, records)
    if format == "coco_dataset":
        return lambda file: coco.write_dataset(file, records)
    if format == "yolo":
        return lambda file: yolo.write(file, records, size)
    if format == "npz":
        return lambda file: archive.write(file, records)
    from pyroi.box_files import arrow

    arrow.check_installed()
    write = arrow.write_parquet if format == "parquet" else arrow.write_arrow
    return lambda file: write(file, records)


# ---- Files -----------------------------------------------------------------------------------------------------------


def _text(file: BinaryIO) -> bytes:
    """The content, read piece by piece: a file allocates at once what a call may read at most."""
    pieces: list[bytes] = []
    count = 0
    while piece := file.read(PIECE):
        pieces.append(piece)
        count += len(piece)
        if count > columns.MOST_BYTES:
            raise ValueError(f"expected at most {columns.MOST_BYTES} bytes of text, the file has more")
    return b"".join(pieces)


def _open_regular(path: Path) -> BinaryIO:
    """A pipe is refused, since it has no size and may block."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise BoxFileError(str(path), "it is not a regular file")
    return open(path, "rb")


def _replace(path: str, write: Callable[[BinaryIO], None]) -> None:
    """Replaces the file by one that `write` fills under a temporary name, which is removed after an error."""
    target = os.path.realpath(path)
    older = os.stat(target) if os.path.exists(target) else None
    if older is not None and not stat.S_ISREG(older.st_mode):  # a device or a pipe, which must not be replaced
        with open(target, "wb") as file:
            write(file)
        return
    beside = os.path.join(os.path.dirname(target), f".roi-{os.getpid()}-{os.urandom(4).hex()}")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    descriptor = os.open(beside, flags, 0o666 if older is None else 0o600)
    try:
        with open(descriptor, "wb") as file:
            if older is not None and hasattr(os, "fchmod"):  # Windows has no such modes
                os.fchmod(descriptor, stat.S_IMODE(older.st_mode) & 0o777)
            write(file)
            file.flush()
            os.fsync(descriptor)
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise
