"""The lines about the shell in a bug report: `python -m pyroi` calls them by an entry point."""

from __future__ import annotations


def tcl() -> str:
    """The version, library and scripts of the Tcl that the shell uses, or why it cannot be used."""
    try:
        from tclcmd import interpreter, libtcl
    except ModuleNotFoundError as error:
        if error.name != "tclcmd._host":
            raise
        return "none, this installation was built without Tcl's headers"
    try:
        made = interpreter.Interpreter()
    except libtcl.TclMissing as error:
        return " ".join(str(error).splitlines())
    version, scripts = made.get_global("tcl_patchLevel"), made.get_global("tcl_library")
    made.close()
    library = libtcl.named() or libtcl.bundled() or "of the system"
    return f"{version}, {library}, with the scripts in {scripts}; works with {libtcl.served()}"
