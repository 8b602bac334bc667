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
    Parameter("file", File("read"), "A picture file in one of the formats below."),
    Parameter(
        "max_pixels",
        Integer(at_least=1),
        "The largest number of pixels to accept; by default, the value of the environment variable "
        f"{pictures.PIXELS_VARIABLE}, or {pictures.MOST_PIXELS}.",
        default=None,
        named_only=True,
    ),
    group=GROUP,
    returns="A Float32 tensor [1, C, H, W] with values from 0 to 1.",
    examples=(WRITTEN + "set x [torch::image_read noise.png]\nputs [torch::tensor_shape $x]",),
    see_also=("image_write", "tensor_load"),
)
def image_read(file: str, max_pixels: int | None) -> Array:
    """Reads a picture file.

    Grey pictures have one channel, colour pictures three, and pictures with an alpha channel four. If a file holds
    several pictures, the first one is read. Photographs are turned upright by the orientation in their EXIF data. PNG,
    TIFF and PPM are read with up to 16 bits per channel; AVIF, JPEG 2000, SGI and CMYK pictures with 8 bits. Values in
    a TIFF that are floating-point, signed or of 32 bits, and values in a PFM, are not scaled, and may be NaN; integers
    that Float32 cannot represent are refused.

    Formats: AVIF, BMP, DDS, GIF, ICO, JPEG with MPO, JPEG 2000, PCX, PNG, PPM with PBM, PGM and PFM, PSD, QOI, SGI,
    TGA, TIFF and WebP, each as far as the installed Pillow reads it. Untrusted files are safe to read: the format is
    detected from the content, not from the name, no format starts another program, and pictures with too many pixels
    are refused before they are decoded. This command needs Pillow.
    """
    return pictures.load(file, max_pixels)


@command(
    Parameter("input", Tensor(), "[C, H, W], or [N, C, H, W], with 1, 3 or 4 channels."),
    Parameter("file", File("write"), "The name of the file; its ending selects the format."),
    group=GROUP,
    returns="The name of the file.",
    examples=(WRITTEN, "torch::image_write [torch::rand {6 1 28 28}] sheet.png"),
    see_also=("image_read", "tensor_save"),
)
def image_write(input: Array, file: str) -> str:
    """Writes a picture, or a batch of pictures as a contact sheet.

    Values are clipped to the range from 0 to 1; a UInt8 tensor holds 0 to 255. A picture that the format cannot hold is
    refused, such as four channels in JPEG or a side of 65536 pixels in GIF. If writing fails, an older file of the same
    name is unchanged. This command needs Pillow.
    """
    pictures.save(file, input)
    return file


#: The side to which a small picture is enlarged in a notebook, in pixels.
INLINE_SIDE = 320

CHANNEL = Parameter("channel", Integer(at_least=0), "Only this channel, counted from 0.", default=None, named_only=True)
TITLE = Parameter(
    "title",
    Text(),
    f"The title, of at most {plots.MOST_CHARACTERS} characters; by default, it describes what is shown.",
    default=None,
    named_only=True,
)


@command(
    Parameter("input", Tensor(), "[H, W], [C, H, W] or [N, C, H, W]."),
    Parameter(
        "width", Integer(1, 1000), "The width in columns of the terminal; by default, as many as fit.", default=None
    ),
    Parameter(
        "kind",
        choice("auto", "picture", "map"),
        "Whether to draw the tensor as a picture or as a feature map; auto decides by channels and values.",
        default="auto",
        named_only=True,
    ),
    CHANNEL,
    Parameter(
        "style",
        choice(*terminal.STYLES),
        "The style of drawing; auto selects one that the terminal supports.",
        default="auto",
        named_only=True,
    ),
    group=GROUP,
    needs_session=True,
    reach=Reach.OUTPUT,
    returns="Nothing.",
    examples=(
        "set ramp [torch::tensor_expand [torch::linspace 0 1 32] {1 16 32}]\ntorch::show $ramp -style ascii",
        "torch::show [torch::rand {3 24 32}]",
    ),
    see_also=("plot_features", "image_write"),
)
def show(input: Array, width: int | None, kind: str, channel: int | None, style: str, session: Session) -> str:
    """Draws a tensor in the terminal.

    A tensor with 1, 3 or 4 channels of values from 0 to 1, or of type UInt8, is drawn as a picture, and a batch as
    pictures side by side. Any other tensor is drawn as a feature map, with values as colours from dark to bright: all
    channels of a single map, or for several maps the mean of their channels, unless a channel is given. A line below
    says what is drawn.

    Each character shows two pixels in colour. In a terminal that reports support for sixel or for kitty's graphics
    protocol, real pixels are drawn. In a terminal without colours, if NO_COLOR is set, and in files and pipes, shades
    are drawn as plain characters. In a notebook, the picture is shown below the cell, unless a width or a style is
    given.
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
        "boxes",
        TensorOrNumbers((0, 4)),
        "[K, 4], with rows of x1, y1, x2, y2; or [K, 5], with the batch index 0 in front.",
    ),
    Parameter("file", File("write"), "A name that ends in .png, .pdf or .svg."),
    Parameter("labels", Texts(), "A label for each box.", default=None),
    Parameter("scores", TensorOrNumbers(), "[K], a score for each box.", default=None),
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
    """Draws boxes over a picture and writes it to a file.

    Boxes are coloured by their labels, or by their scores if there are no labels; a colour bar shows the scores. Titles
    and labels are plain text, in which $ does not start a formula. Numbers must lie between -1e300 and 1e300. A
    notebook shows the picture too. This command needs matplotlib.
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
    """Draws a feature map as colours, with a colour bar, and writes it to a file.

    Each channel of a single map has a panel. For several maps, each map has a panel that shows the mean of its
    channels, or the channel that is given. At most 16 panels are drawn, and all of them share one scale. The title is
    plain text, in which $ does not start a formula. Finite numbers must lie between -1e300 and 1e300; NaN and infinity
    have no colour. A notebook shows the picture too. This command needs matplotlib.
    """
    _show_inline(plots.plot_features(file, input, channel, title), session)
    return file
