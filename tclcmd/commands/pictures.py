"""Pictures in files."""

from __future__ import annotations

import os
from typing import Any

from pyroi.arrays import Array, shape_text
from tclcmd.display import plots, terminal, views
from tclcmd.files import pictures
from tclcmd.language.declare import Parameter, Reach, command
from tclcmd.language.errors import CommandError
from tclcmd.language.kinds import File, Integer, Tensor, TensorOrNumbers, Text, Texts, choice
from tclcmd.values.session import Session

GROUP = "Pictures"

WRITTEN = "set picture [torch::rand {3 48 64}]\ntorch::image_write $picture noise.png\n"


@command(
    Parameter("file", File("read"), "A picture in one of the formats below."),
    Parameter(
        "max_pixels",
        Integer(at_least=1),
        f"How many pixels it may have; if left off, what the variable {pictures.PIXELS_VARIABLE} says, or else "
        f"{pictures.MOST_PIXELS}.",
        default=None,
        named_only=True,
    ),
    group=GROUP,
    returns="A Float32 tensor [1, C, H, W]; shades are numbers from 0 to 1.",
    examples=(WRITTEN + "set x [torch::image_read noise.png]\nputs [torch::tensor_shape $x]",),
    see_also=("image_write", "tensor_load"),
)
def image_read(file: str, max_pixels: int | None) -> Array:
    """Reads a picture.

    Grey pictures have one channel, pictures in colour three, pictures with opacity four; of several in a file, the
    first is read. A photograph comes upright, as its camera noted. Colours of 16 bits are read as such from PNG, TIFF
    and PPM; those of AVIF, JPEG 2000 and SGI, and CMYK, come in 8 bits. Numbers in a TIFF that are no shades (floating
    ones, signed ones, and those of 32 bits), and those in a PFM, are kept as they are stored, NaN too; whole numbers
    that Float32 has not are refused.

    Formats: AVIF, BMP, DDS, GIF, ICO, JPEG with MPO, JPEG 2000, PCX, PNG, PPM with PBM, PGM and PFM, PSD, QOI, SGI,
    TGA, TIFF and WebP, each as far as the installed Pillow reads it. Files need not be trusted: what counts is their
    content, not their name, no format has another program started, and pictures with too many pixels are refused
    before they are unpacked. Needs Pillow.
    """
    return pictures.load(file, max_pixels)


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

    Numbers are clipped to 0 to 1; a UInt8 tensor holds 0 to 255. What the format has no room for is refused: four
    channels in JPEG, sides of 65536 pixels in GIF. The file is written whole or not at all. Needs Pillow.
    """
    pictures.save(file, input)
    return file


#: The side to which a small picture is enlarged in a notebook, in pixels.
INLINE_SIDE = 320

CHANNEL = Parameter("channel", Integer(at_least=0), "Only this channel, counted from 0.", default=None, named_only=True)
TITLE = Parameter(
    "title",
    Text(),
    f"The title, in place of one that tells what is shown; at most {plots.MOST_CHARACTERS} characters.",
    default=None,
    named_only=True,
)


@command(
    Parameter("input", Tensor(), "[H, W], [C, H, W] or [N, C, H, W]."),
    Parameter("width", Integer(1, 1000), "Columns of the terminal; as many as fit, if left off.", default=None),
    Parameter("kind", choice("auto", "picture", "map"), "What to take it for.", default="auto", named_only=True),
    CHANNEL,
    Parameter("style", choice(*terminal.STYLES), "How to draw it.", default="auto", named_only=True),
    group=GROUP,
    needs_session=True,
    reach=Reach.OUTPUT,
    returns="Nothing.",
    examples=("torch::show [torch::rand {3 24 32}]", "torch::show [torch::randn {1 8 7 7}] 40 -style ascii"),
    see_also=("plot_features", "image_write"),
)
def show(input: Array, width: int | None, kind: str, channel: int | None, style: str, session: Session) -> str:
    """Draws a tensor in the terminal.

    With 1, 3 or 4 channels of numbers from 0 to 1, or of bytes, it is taken for a picture, and a batch for pictures
    side by side. Anything else is drawn as numbers by colour, dark to bright: the channels of one map; of several maps
    the mean of their channels, or the one channel that is asked for. What is drawn is said in a line below.

    Two pixels make a character in colour; where the terminal says that it knows sixel or kitty's protocol, the picture
    is one. Where it has no colours, where NO_COLOR is set, and in files and pipes, shades are plain characters. In a
    notebook the picture stands below the cell, unless a width or a style is asked for.
    """
    batch = views.as_batch(input)
    if kind == "picture" or (kind == "auto" and channel is None and views.is_picture(batch)):
        pixels, caption = views.picture(batch)
    else:
        view = views.maps(batch, channel)
        low, high = view.limits
        pixels = views.coloured(view)
        caption = f"{view.caption + ', ' if view.caption else ''}{low:.4g} (dark) to {high:.4g} (bright)"
    if session.display and style == "auto" and width is None:
        session.display(pictures.png(views.enlarged(pixels, INLINE_SIDE)))
        drawn = ""
    else:
        drawn = terminal.draw(pixels, terminal.choose_style() if style == "auto" else style, width)
    problem = session.write(f"{drawn}{shape_text(input.shape)}{': ' if caption else ''}{caption}\n")
    if problem:
        reason = os.strerror(problem).lower()
        raise CommandError("IO", "write", "stdout", reason, verb="write", file="stdout", reason=reason)
    return ""


@command(
    Parameter("image", Tensor(), "One picture: [C, H, W] or [1, C, H, W], with 1, 3 or 4 channels."),
    Parameter(
        "boxes", TensorOrNumbers((0, 4)), "[K, 4], rows of x1, y1, x2, y2; or [K, 5], with the batch index 0 first."
    ),
    Parameter("file", File("write"), "A name that ends in .png, .pdf or .svg."),
    Parameter("labels", Texts(), "A text for each box.", default=None),
    Parameter("scores", TensorOrNumbers(), "[K], a number for each box.", default=None),
    TITLE,
    group=GROUP,
    needs_session=True,
    returns="The name of the file.",
    examples=(
        "set picture [torch::rand {3 48 64}]\n"
        "torch::plot_boxes $picture {{4 6 30 40} {36 10 60 30}} boxes.png -labels {cat dog} -scores {0.9 0.6}",
    ),
    see_also=("plot_features", "image_write"),
)
def plot_boxes(
    image: Array,
    boxes: Array,
    file: str,
    labels: list[str] | None,
    scores: Array | None,
    title: str | None,
    session: Session,
) -> str:
    """Writes a picture with boxes drawn over it.

    Boxes have the colour of their label, or else of their score, with a bar that tells which. Titles and labels are
    shown as they are written: a $ begins no formula. Numbers reach from -1e300 to 1e300. A notebook shows the picture
    too. Needs matplotlib.
    """
    _show_inline(plots.plot_boxes(file, image, boxes, labels, scores, title), session)
    return file


def _show_inline(figure: Any, session: Session) -> None:
    if session.display:
        session.display(plots.png(figure))


@command(
    Parameter("input", Tensor(), "[H, W], [C, H, W] or [N, C, H, W]."),
    Parameter("file", File("write"), "A name that ends in .png, .pdf or .svg."),
    CHANNEL,
    TITLE,
    group=GROUP,
    needs_session=True,
    returns="The name of the file.",
    examples=("torch::plot_features [torch::randn {1 6 16 20}] features.png",),
    see_also=("show", "plot_boxes"),
)
def plot_features(input: Array, file: str, channel: int | None, title: str | None, session: Session) -> str:
    """Writes a feature map as numbers by colour, with a bar that tells which is which.

    One map is shown channel by channel; of several, each as the mean of its channels, or by the one that is asked for.
    All panels share a scale; of more than 16, the first 16 are shown. The title is shown as it is written: a $ begins
    no formula. Numbers reach from -1e300 to 1e300; NaN and infinity have no colour. A notebook shows the picture
    too. Needs matplotlib.
    """
    _show_inline(plots.plot_features(file, input, channel, title), session)
    return file
