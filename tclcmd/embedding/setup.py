"""The line by which a program with Tcl finds the package."""

from __future__ import annotations

import pathlib

from tclcmd.values.words import word

#: Where `pkgIndex.tcl` is, and the extension that it names.
FOLDER = pathlib.Path(__file__).resolve().parent
EXTENSION = FOLDER / "libtclroi.so"


def line() -> str:
    """The command that adds the folder to those where Tcl looks for packages."""
    return f"lappend auto_path {word(str(FOLDER))}"
