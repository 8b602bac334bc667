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
    Parameter(
        "name", Text(), "The name of the array in a .npz file, arr_0 if left off.", default=None, named_only=True
    ),
    group=GROUP,
    returns="The name of the file.",
    examples=(SAVED,),
    see_also=("tensor_load", "image_write"),
)
def tensor_save(input: Array, file: str, name: str | None) -> str:
    """Writes a tensor to a file that NumPy reads too.

    The file is written whole or not at all: where writing fails, or a signal ends the program, an older file of that
    name is as it was. A new file has the mode and owner of the older one, from its first byte on.
    """
    npy.save(file, input, name)
    return file


@command(
    Parameter("file", File("read"), "A .npy or .npz file."),
    Parameter("name", Text(), "Which array of a .npz file; may be left off if it holds one.", default=None),
    group=GROUP,
    examples=(SAVED + "set y [torch::tensor_load x.npy]",),
    see_also=("tensor_save", "image_read"),
)
def tensor_load(file: str, name: str | None) -> Array:
    """Reads a tensor from a file that this program or NumPy wrote.

    Files need not be trusted: pickled objects are never loaded, sizes are checked before memory is taken, and an
    archive that claims more than it has, or would expand beyond measure (256 MiB, and a hundred times what is packed),
    is refused. Integer types that tensors do not have become wider ones.
    """
    return npy.load(file, name)
