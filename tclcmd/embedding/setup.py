"""The line by which a program with Tcl finds the package."""

from __future__ import annotations

import importlib.util
import pathlib

from tclcmd import libtcl
from tclcmd.values.words import word


def _folder() -> pathlib.Path:
    """The folder of the compiled files, which in an editable installation is not that of the modules."""
    host = importlib.util.find_spec(f"tclcmd._host{libtcl.built_for()[0]}") if libtcl.built_for() else None
    beside = pathlib.Path(__file__).parent
    return (pathlib.Path(host.origin).parent / beside.name if host and host.origin else beside).resolve()


#: Where `pkgIndex.tcl` is, and major version of Tcl -> the extension that it names.
FOLDER = _folder()
EXTENSIONS = {8: FOLDER / "libtclroi.so", 9: FOLDER / "libtcl9roi.so"}


def line() -> str:
    """The command that adds the folder to those where Tcl looks for packages."""
    return f"lappend auto_path {word(str(FOLDER))}"
