"""The commands in other programs with Tcl: what tclsh, wish and the like load, and where they find it."""
