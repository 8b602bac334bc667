"""The library of Tcl that this process opens: the one that the user names, the one in this package, or the system's.

A wheel contains Tcl in the folder ``tcl``: the shared library, its script library, and its licence. A build from the
sources uses the system's library.

The host depends on the library: there is one for each major version of Tcl whose headers were found at build time. In
another program with Tcl, the version is that of the program.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import sys
from dataclasses import dataclass

#: The environment variable that names another library.
VARIABLE = "ROISH_TCL"

#: The folder of a wheel's own Tcl.
FOLDER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "tcl")

#: Major version of Tcl -> names by which the system's loader may find its library. They are tried in this order.
NAMES = {
    8: ["libtcl8.6.so", "libtcl8.6.so.0", "libtcl8.6.dylib", "libtcl.so"],
    9: ["libtcl9.0.so", "libtcl9.0.dylib", "libtcl.so"],
}

#: Major version -> its name, its oldest supported minor version, and Debian's packages with its library and headers.
VERSIONS = {8: ("Tcl 8.6", 6, "tcl", "tcl-dev"), 9: ("Tcl 9", 0, "libtcl9.0", "tcl9.0-dev")}


class TclMissing(Exception):
    """No library of Tcl can be used. The text gives the reasons, and what to do about them."""


@dataclass(frozen=True)
class Library:
    """A library that can be used, and the major version of its Tcl."""

    name: str
    major: int


@functools.cache
def built_for() -> tuple[int, ...]:
    """The major versions of Tcl for which this installation has a host."""
    return tuple(major for major in VERSIONS if importlib.util.find_spec(f"tclcmd._host{major}"))


def served() -> str:
    """These versions in a message."""
    return " and ".join(VERSIONS[major][0] for major in built_for())


def named() -> str | None:
    """The library that the environment names, if it names one."""
    return os.environ.get(VARIABLE) or None


def bundled() -> str | None:
    """The library in this package, if it has one."""
    path = os.path.join(FOLDER, "libtcl.dylib" if sys.platform == "darwin" else "libtcl.so")
    return path if os.path.exists(path) else None


@functools.cache
def find() -> Library:
    """The library to open. Raises TclMissing if there is none that this installation can use."""
    reasons = []
    for name in _candidates():
        try:
            return Library(name, _major_of(name))
        except OSError as error:
            reasons.append(_with_name(name, str(error)))
    raise _missing("; ".join(reasons))


def _candidates() -> list[str]:
    if name := named() or bundled():
        return [name]
    return list(dict.fromkeys(name for major in built_for() for name in NAMES[major]))


def _major_of(name: str) -> int:
    """The major version of a library's Tcl. Raises OSError if it is none that a host serves."""
    library = ctypes.CDLL(name)
    if not all(hasattr(library, function) for function in ("Tcl_GetVersion", "Tcl_FindExecutable", "Tcl_CreateInterp")):
        raise OSError("it is not a Tcl library")
    major, minor = ctypes.c_int(), ctypes.c_int()
    library.Tcl_GetVersion(ctypes.byref(major), ctypes.byref(minor), None, None)
    check(major.value, minor.value)
    return major.value


def check(major: int, minor: int) -> None:
    """Raises OSError for a version of Tcl that this installation does not support, with a remedy."""
    text, oldest, _, headers = VERSIONS.get(major, ("", 0, "", ""))
    if not text or minor < oldest:
        raise OSError(f"it is Tcl {major}.{minor}, and roish works with {served()}")
    if major not in built_for():
        raise OSError(
            f"it is Tcl {major}.{minor}, whose headers were missing when this installation was built: install them "
            f"(Debian, Ubuntu: apt install {headers}), then run pip install . in the folder of the sources"
        )


#: The major version of Tcl in the program around this process, if it is one that has loaded the commands.
_of_program: int | None = None


def serve(major: int, minor: int) -> None:
    """Makes the host for that version the one of this process, which is another program with Tcl."""
    global _of_program
    check(major, minor)
    if "tclcmd._host" in sys.modules and major != host_version():
        raise OSError(f"this process has the commands for {VERSIONS[host_version()][0]} already")
    _of_program = major


@functools.cache
def host_version() -> int:
    """The major version of Tcl whose host serves this process."""
    if _of_program:
        return _of_program
    try:
        return find().major
    except TclMissing:  # which is raised again where the library is needed
        return next(iter(built_for()), min(VERSIONS))


def unusable(name: str, reason: str) -> TclMissing:
    """The error for a library that was opened but cannot be used."""
    return _missing(_with_name(name, reason))


def _missing(reasons: str) -> TclMissing:
    if named():
        return TclMissing(
            f"the library that the variable {VARIABLE} names cannot be used: {reasons}\n"
            f"Name a shared library of {served().replace(' and ', ' or ')} there, or unset {VARIABLE}."
        )
    wanted, _, package, _ = VERSIONS[next(iter(built_for()), min(VERSIONS))]
    return TclMissing(
        f"the library of {wanted} cannot be used: {reasons}\n"
        f"Install it (Debian, Ubuntu: apt install {package}; Fedora: dnf install tcl), "
        f"or name it in the variable {VARIABLE}."
    )


def _with_name(name: str, reason: str) -> str:
    """The reason, which names the library once: most of the loader's messages do so already."""
    return reason if name in reason else f"{name}: {reason}"
