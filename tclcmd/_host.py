"""The C host for the version of Tcl in this process.

There is a module for each major version, of the same source: their Tcl values differ in form.
"""

from __future__ import annotations

import importlib
from typing import Any

from tclcmd import libtcl

if not libtcl.built_for():
    raise ModuleNotFoundError("this installation was built without Tcl's headers", name="tclcmd._host")
_host = importlib.import_module(f"tclcmd._host{libtcl.host_version()}")

ffi: Any = _host.ffi
lib: Any = _host.lib
