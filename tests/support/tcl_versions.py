"""The version of the Tcl in which the tests try the commands, its programs, and its differences from the other one.

The variable ROISH_TCL chooses it, as for roish itself.
"""

from __future__ import annotations

import shutil
from typing import Any

from tclcmd import libtcl

#: 8 for Tcl 8.6, 9 for Tcl 9.
MAJOR = libtcl.host_version()

#: As in the names of programs.
VERSION = {8: "8.6", 9: "9.0"}[MAJOR]

#: The programs of this version, None where they are missing. Some systems have Tcl 8.6 under the plain name.
TCLSH = shutil.which(f"tclsh{VERSION}") or (shutil.which("tclsh") if MAJOR == 8 else None)
WISH = shutil.which(f"wish{VERSION}") or (shutil.which("wish") if MAJOR == 8 else None)

#: Tcl's own rules and words that have changed: what -> as it is in Tcl 8.6, and in Tcl 9.
DIFFERENCES: dict[str, tuple[object, object]] = {
    # Numbers and text.
    "the value of 010": (8, 10),
    "tcl_precision shortens numbers": (True, False),
    "characters of a face": (2, 1),
    "bytes of a face": (6, 4),
    "what is no UTF-8 is read": (True, False),
    "a byte that is no UTF-8": (
        "encoding convertfrom identity \\xe9",
        "encoding convertfrom -profile tcl8 utf-8 \\xe9",
    ),
    # Files.
    "a tilde is the home folder": (True, False),
    "the tail of a/~b": ("./~b", "~b"),
    # Messages.
    "EBADF": ("bad file number", "bad file descriptor"),
    "no such static library": ('package "Nothing" isn\'t loaded', 'no library with prefix "Nothing" is loaded'),
    "arguments of load": ("fileName ?packageName? ?interp?", "fileName ?prefix? ?interp?"),
}


def tcl_has(what: str) -> Any:
    """The entry of the table for this version."""
    return DIFFERENCES[what][0 if MAJOR == 8 else 1]
