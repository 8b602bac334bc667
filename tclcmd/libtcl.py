"""The library of Tcl that this process opens: the one that the user names, the one in this package, or the system's.

A wheel has a Tcl of its own in the folder ``tcl``: the shared library, its script library, and its licence. A build
from the sources has none and uses the system's.
"""

from __future__ import annotations

import os
import sys

from tclcmd._host import ffi, lib
from tclcmd.values import tclobj
from tclcmd.values.words import word

#: The environment variable that names another library.
VARIABLE = "ROISH_TCL"

#: Where a wheel has its own Tcl.
FOLDER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "tcl")

#: Names by which the system's loader may find a library, in the order of trying.
NAMES = ["libtcl8.6.so", "libtcl8.6.so.0", "libtcl8.6.dylib", "libtcl.so"]

#: The library that is open.
_opened: str | None = None


class TclMissing(Exception):
    """No library of Tcl can be used. The text gives the reasons, and what to do about them."""


def named() -> str | None:
    """The library that the environment names, if it names one."""
    return os.environ.get(VARIABLE) or None


def bundled() -> str | None:
    """The library in this package, if it has one."""
    path = os.path.join(FOLDER, "libtcl.dylib" if sys.platform == "darwin" else "libtcl.so")
    return path if os.path.exists(path) else None


def open_library(program: str = "") -> str:
    """Opens the library and returns its name; later calls only return it.

    `program` is what ``info nameofexecutable`` returns.
    """
    global _opened
    if _opened is not None:
        return _opened
    own = bundled()
    candidates = [name] if (name := named()) else [own] if own else NAMES
    reasons = []
    for name in candidates:
        reason = lib.host_load(os.fsencode(name), os.fsencode(program))
        if not reason:
            _opened = name
            return name
        reasons.append(_with_name(name, tclobj.decode(ffi.string(reason))))
    raise _missing("; ".join(reasons))


def unusable(name: str, reason: str) -> TclMissing:
    """The error for a library that was opened but cannot be used."""
    return _missing(_with_name(name, reason))


def _missing(reasons: str) -> TclMissing:
    if named():
        return TclMissing(
            f"the library that the variable {VARIABLE} names cannot be used: {reasons}\n"
            f"Name a shared library of Tcl 8.6 there, or unset {VARIABLE}."
        )
    return TclMissing(
        f"the library of Tcl 8.6 cannot be used: {reasons}\n"
        f"Install it (Debian, Ubuntu: apt install tcl; Fedora: dnf install tcl), or name it in the variable {VARIABLE}."
    )


def _with_name(name: str, reason: str) -> str:
    """The reason, which names the library once: most of the loader's messages do so already."""
    return reason if name in reason else f"{name}: {reason}"


def startup_script() -> str:
    """What each interpreter runs before Tcl's own start-up: where the script library is, if this package has it.

    Without it Tcl would look in the folders that were compiled into the library, where another Tcl may be installed.
    """
    if named() or not bundled():
        return ""
    scripts = os.path.join(FOLDER, "tcl8.6")
    return f"set ::tcl_library {word(scripts)}; encoding dirs [list {word(os.path.join(scripts, 'encoding'))}]"
