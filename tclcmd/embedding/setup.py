"""The line by which a program with Tcl finds the package."""

from __future__ import annotations

import pathlib
import re

#: Where `pkgIndex.tcl` is, and the extension that it names.
FOLDER = pathlib.Path(__file__).resolve().parent
EXTENSION = FOLDER / "libtclroi.so"

_SPECIAL = re.compile(r'[\s\\{}\[\]$";#]')


def line() -> str:
    """The command that adds the folder to those where Tcl looks for packages."""
    return f"lappend auto_path {_SPECIAL.sub(_escaped, str(FOLDER))}"


def _escaped(found: re.Match[str]) -> str:
    return "\\n" if found.group() == "\n" else f"\\{found.group()}"
