"""Makes the interpreter of this process one for a script that is not trusted.

All that a script can need is loaded before: modules of Python, the decoders of pictures, threads of operators. After
`confine` no file outside of the folders is opened any more.
"""

from __future__ import annotations

import importlib
import io
import os
import re
from typing import Any

import numpy as np

import pyroi
from pyroi.box_files import BoxRecords, read_boxes, write_boxes
from tclcmd.display import plots
from tclcmd.interpreter import Interpreter
from tclcmd.safe import tcl_commands, walls
from tclcmd.safe.limits import Limits
from tclcmd.values.folders import Folders
from tclcmd.values.session import Grants

#: Modules that are imported on demand.
ON_DEMAND = (
    "zipfile", "zlib", "logging", "traceback", "unicodedata", "numpy.random", "encodings.cp437", "encodings.utf_16_le",
    "encodings.latin_1", "encodings.ascii", "pyseccomp", "landlock",
    "pyroi.box_files.class_yaml",
)  # fmt: skip


#: Tcl waits for events in a thread, which it starts for the first event. If it cannot, it ends the process.
WAIT = "after 1 {set waited 1}; vwait waited; unset waited"


def confine(interpreter: Interpreter, limits: Limits, script: str | None) -> None:
    """Loads what scripts need, and closes all the rest off. Raises OSError for a folder that cannot be opened.

    matplotlib takes seconds to load. It is left off where no folder is allowed, and where the word "plot" is not in the
    script, if that is known; and so is pyarrow where no command for boxes in files is.
    """
    folders = Folders(limits.folders, limits.output)
    words = "plot boxes_ boxesread boxeswrite" if script is None else script.lower()
    _preload(bool(limits.folders), "plot" in words, re.search("boxes_|boxesread|boxeswrite", words) is not None)
    interpreter.eval("torch::get_num_threads")  # the first call reads how large the stack is
    interpreter.eval(WAIT)
    interpreter.make_safe(Grants(folders, output=True), tcl_commands.EXPOSED, tcl_commands.SCRIPT)
    if limits.commands is not None:
        interpreter.limit_commands(limits.commands)
    memory_use = walls.open_memory_use()
    walls.confine_files(limits.folders)
    _start_threads()  # which inherit this wall, and do not count as memory or processes of the script
    walls.limit_resources(limits, memory_use)
    walls.forbid_calls()


def _preload(with_files: bool, with_plots: bool, with_tables: bool) -> None:
    for name in ON_DEMAND:
        _import(name)
    np.random.default_rng()
    if with_files:
        _load_formats(("coco", "npz", "parquet", "arrow") if with_tables else ("coco", "npz"))
        if _import("PIL.Image"):
            _load_decoders()
        if with_plots and _import("matplotlib"):
            plots.draw_something()


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, RuntimeError):  # it is not installed, or lacks its library
        return None


def _start_threads() -> None:
    """Has operators start all their threads, by work enough for each that leaves no memory behind."""
    maps = np.zeros((1, 64, 64, 64), np.float32)
    pyroi.roi_align(maps, np.array([[0, 0, 0, 60, 60]] * (4 * pyroi.get_num_threads()), np.float32), 1)
    np.ones((64, 64)) @ np.ones((64, 64))


def _load_formats(names: tuple[str, ...]) -> None:
    """Loads what Python imports for the first JSON, and the files that pyarrow opens for the first table."""
    # The allocator that pyarrow prefers reserves a gibibyte at once, which the limit of memory counts.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    records = BoxRecords(np.zeros((1, 4)), np.zeros(1), np.zeros(1), np.zeros(1))
    for name in names:
        file = io.BytesIO()
        try:
            write_boxes(file, records, name)
            file.seek(0)
            read_boxes(file, name)
        except ImportError:  # it is not installed
            continue


def _load_decoders() -> None:
    """Pillow imports the module of a format with the first picture in it, and codecs with the first of theirs."""
    image = importlib.import_module("PIL.Image")
    image.init()
    picture = image.new("RGB", (2, 2))
    for file_format in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "TGA", "PCX", "SGI",
                        "ICO", "DDS"):  # fmt: skip
        file = io.BytesIO()
        try:
            picture.save(file, file_format)
            file.seek(0)
            image.open(file).load()
        except (OSError, KeyError, ValueError):  # this Pillow was built without it
            continue
