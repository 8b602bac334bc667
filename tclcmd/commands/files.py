"""Tensors in files."""

from __future__ import annotations

from pyroi.arrays import Array
from tclcmd.commands.common import INPUT
from tclcmd.files import npy
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import File, Text

GROUP = "Files"

SAVED = "set x [torch::arange 6]\ntorch::tensor_save $x x.npy\n"


@command(
    INPUT,
    Parameter("file", File("write"), "A name that ends in .npy or .npz."),
    Parameter("name", Text(), "The name of the array in a .npz file; arr_0 by default.", default=None, named_only=True),
    group=GROUP,
    returns="The name of the file.",
    examples=(SAVED,),
    see_also=("tensor_load", "image_write"),
)
def tensor_save(input: Array, file: str, name: str | None) -> str:
    """Writes a tensor to a .npy or .npz file, the formats of NumPy.

    The file is replaced as a whole: if writing fails, or a signal ends the program, an older file of the same name is
    unchanged. The new file has the mode and the owner of the older one from its first byte on.
    """
    npy.save(file, input, name)
    return file


@command(
    Parameter("file", File("read"), "A .npy or .npz file."),
    Parameter(
        "name", Text(), "The name of an array in a .npz file; not needed if the file holds one array.", default=None
    ),
    group=GROUP,
    examples=(SAVED + "set y [torch::tensor_load x.npy]",),
    see_also=("tensor_save", "image_read"),
)
def tensor_load(file: str, name: str | None) -> Array:
    """Reads a tensor from a .npy or .npz file, written by torch::tensor_save or by NumPy.

    Untrusted files are safe to load: pickled objects are never loaded, and sizes are checked before memory is
    allocated. An archive is refused if it declares more data than it contains, or if it would expand to more than 256
    MiB and more than a hundred times its packed size. Integer types that tensors do not have are converted to wider
    ones.
    """
    return npy.load(file, name)
