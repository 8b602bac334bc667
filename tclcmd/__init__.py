"""The Tcl command language over pyroi: declarations, one parser, tensor values, the shell ``roish``."""
