"""Pictures in files."""

from __future__ import annotations

from pyroi.arrays import Array
from tclcmd import pictures
from tclcmd.declare import Parameter, command
from tclcmd.kinds import File, Tensor

GROUP = "Pictures"

WRITTEN = "set picture [torch::rand {3 48 64}]\ntorch::image_write $picture noise.png\n"


@command(
    Parameter("file", File("read"), "A picture: PNG, JPEG or another format that Pillow knows."),
    group=GROUP,
    returns="A Float32 tensor [1, C, H, W] with numbers from 0 to 1.",
    examples=(WRITTEN + "set x [torch::image_read noise.png]\nputs [torch::tensor_shape $x]",),
    see_also=("image_write", "tensor_load"),
)
def image_read(file: str) -> Array:
    """Reads a picture.

    Grey pictures have one channel, pictures in colour three, pictures with opacity four. A photograph comes upright,
    as its camera noted. Very large pictures are refused before they are unpacked. Needs Pillow.
    """
    return pictures.load(file)


@command(
    Parameter("input", Tensor(), "[C, H, W], or [N, C, H, W], with 1, 3 or 4 channels."),
    Parameter("file", File("write"), "The name; its ending says which format."),
    group=GROUP,
    returns="The name of the file.",
    examples=(WRITTEN, "torch::image_write [torch::rand {6 1 28 28}] sheet.png"),
    see_also=("image_read", "tensor_save"),
)
def image_write(input: Array, file: str) -> str:
    """Writes a picture, or a batch of pictures as a contact sheet.

    Numbers are clipped to 0 to 1; a UInt8 tensor holds 0 to 255. The file is written whole or not at all. Needs Pillow.
    """
    pictures.save(file, input)
    return file
