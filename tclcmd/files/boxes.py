"""Boxes in files, by `pyroi.box_files`; how files are opened and replaced is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tclcmd.files.npy import open_regular
from tclcmd.files.wholefile import write_whole
from tclcmd.language.errors import UnusableFile

if TYPE_CHECKING:
    from pyroi.box_files import BoxRecords


def load(
    path: str, format: str | None, class_names: Mapping[int, str] | None, image_size: tuple[int, int] | None
) -> BoxRecords:
    """The records in a file."""
    from pyroi import box_files  # imported here, since few sessions read boxes

    try:
        known = box_files.format_of(path) if format is None else format
        with open_regular(path) as file:
            return box_files.read_boxes(file, known, class_names=class_names, image_size=image_size)
    except box_files.BoxFileError as reason:
        raise UnusableFile(reason.reason) from None
    except ImportError as reason:
        raise UnusableFile(str(reason)) from None


def load_class_names(path: str) -> dict[int, str]:
    """The names of classes in a file."""
    from pyroi import box_files

    try:
        known = box_files.class_format_of(path)
        with open_regular(path) as file:
            return box_files.read_class_names(file, known)
    except box_files.BoxFileError as reason:
        raise UnusableFile(reason.reason) from None
    except ImportError as reason:
        raise UnusableFile(str(reason)) from None


def save(path: str, records: BoxRecords, format: str | None, image_size: tuple[int, int] | None) -> None:
    """Writes records to a file."""
    from pyroi import box_files

    known = box_files.format_of(path) if format is None else format
    try:
        write_whole(path, lambda file: box_files.write_boxes(file, records, known, image_size=image_size))
    except ImportError as reason:
        raise UnusableFile(str(reason)) from None
