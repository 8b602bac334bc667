"""What commands work on: tensors, their element types and sizes, and the values of Tcl."""
