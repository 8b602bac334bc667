"""The values of commands: tensors, their element types and sizes, and Tcl values."""
