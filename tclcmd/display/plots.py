"""Pictures with axes, titles and colour bars, by matplotlib, which is imported with the first plot."""

from __future__ import annotations

import io
import unicodedata
from typing import Any

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from pyroi.install import how_to_add
from tclcmd.display import views
from tclcmd.files import logs
from tclcmd.files.wholefile import write_whole
from tclcmd.language.errors import UnusableFile
from tclcmd.values.quoting import quote

#: Inches and dots per inch of a plot.
WIDTH, DOTS = 8.0, 100

#: The file formats that matplotlib writes without another program; PGF would start LaTeX.
FORMATS = ("png", "pdf", "svg", "svgz", "ps", "eps", "jpg", "jpeg", "tif", "tiff", "webp")

#: The longest title or label, in characters, and the largest number that can be drawn: matplotlib computes
#: sums and tenfold multiples of the numbers.
MOST_CHARACTERS = 1000
LARGEST = 1e300

#: Titles and labels are plain text: a $ begins no formula, and no other program typesets them.
AS_WRITTEN = {"parse_math": False, "usetex": False}

#: Colours that are distinct on photographs and for the colour-blind; the first is for boxes without scores and labels.
COLOURS = ("#e8710a", "#1a73e8", "#0f9d58", "#d01884", "#00a3bf", "#9334e6", "#a50e0e", "#b08800")


def _figure(width: float, height: float) -> Any:
    logs.mute("matplotlib")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise UnusableFile(f"plots need matplotlib: {how_to_add('plot')}") from None
    figure = Figure(figsize=(width, height), dpi=DOTS, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: str) -> None:
    ending = path.rpartition(".")[2].lower()
    if "." not in path or ending not in FORMATS or ending not in figure.canvas.get_supported_filetypes():
        raise ArgumentError("file", f"expected a name that ends in .png, .pdf or .svg, got {quote(path)}")
    write_whole(path, lambda file: figure.savefig(file, format=ending, bbox_inches="tight"))


def png(figure: Any) -> bytes:
    """The bytes of a PNG file with the figure."""
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


def draw_something() -> None:
    """Draws a plot into memory, once in each kind of file: matplotlib reads fonts and settings with the first one."""
    for file_format in ("png", "pdf", "svg", "ps"):
        figure = _figure(1, 1)
        axes = figure.add_subplot()
        axes.set_title("title \N{CJK UNIFIED IDEOGRAPH-4E2D}", fontsize=9, **AS_WRITTEN)
        _draw_box(axes, [0, 0, 1, 1], COLOURS[0], "label")
        _colours_of_boxes(figure, axes, 1, None, np.ones(1))
        figure.colorbar(axes.imshow(np.ones((2, 2)), cmap="viridis"), ax=axes)
        if file_format in figure.canvas.get_supported_filetypes():
            figure.savefig(io.BytesIO(), format=file_format, bbox_inches="tight")


def _check_text(name: str, text: str | None) -> None:
    """Refuses a text that would make the plot too large, or the SVG file invalid."""
    if text is None:
        return
    if len(text) > MOST_CHARACTERS:
        raise ArgumentError(name, f"expected at most {MOST_CHARACTERS} characters, got {len(text)}")
    odd = next((char for char in text if _is_odd(char)), None)
    if odd is not None:
        raise ArgumentError(name, f"expected text that can be shown, got the character U+{ord(odd):04X}")


def _is_odd(char: str) -> bool:
    """Whether XML forbids a character: controls, surrogates and noncharacters."""
    return char in "\ufffe\uffff" or (unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t")


def _check_numbers(name: str, numbers: Array) -> None:
    wrong = ~(np.abs(numbers.astype(np.float64)) <= LARGEST)
    if wrong.any():
        rule = f"expected finite numbers from -{LARGEST:.0e} to {LARGEST:.0e}".replace("+", "")
        raise ArgumentError(name, f"{rule}, got {numbers[wrong].flat[0]:.6g}")


# ---- Boxes -----------------------------------------------------------------------------------------------------------


def plot_boxes(
    path: str, image: Array, boxes: Array, labels: list[str] | None, scores: Array | None, title: str | None
) -> Any:
    """Writes a picture with boxes drawn over it. Returns the figure."""
    pixels = _one_picture(image)
    rows = _rows(boxes)
    _check_count("labels", labels, rows)
    _check_count("scores", scores, rows)
    _check_numbers("boxes", rows)
    if scores is not None:
        _check_numbers("scores", np.asarray(scores))
    for name, text in [("title", title), *(("labels", label) for label in labels or [])]:
        _check_text(name, text)
    height, width = pixels.shape[:2]
    figure = _figure(WIDTH, np.clip(WIDTH * height / width, 2.5, 12) + 0.6)
    axes = figure.add_subplot()
    axes.imshow(pixels, extent=(0, width, height, 0), interpolation="nearest")
    colours = _colours_of_boxes(figure, axes, len(rows), labels, scores)
    for index, row in enumerate(rows.tolist()):
        _draw_box(axes, row, colours[index], _box_text(index, labels, scores))
    axes.set(xlim=(0, width), ylim=(height, 0), xlabel="x, pixels", ylabel="y, pixels")
    axes.set_title(title or f"{len(rows)} box{'' if len(rows) == 1 else 'es'}", **AS_WRITTEN)
    _save(figure, path)
    return figure


def _one_picture(image: Array) -> Array:
    batch = image[None] if image.ndim == 3 else image
    if batch.ndim != 4 or len(batch) != 1 or batch.shape[1] not in (1, 3, 4) or batch.size == 0:
        rule = "expected one picture, [C, H, W] or [1, C, H, W] with 1, 3 or 4 channels"
        raise ArgumentError("image", f"{rule}, got {shape_text(image.shape)}")
    return views.picture(batch)[0]


def _rows(boxes: Array) -> Array:
    """The rows x1, y1, x2, y2."""
    rows = boxes[None] if boxes.ndim == 1 and boxes.size in (4, 5) else boxes
    if rows.ndim != 2 or rows.shape[1] not in (4, 5):
        raise ArgumentError("boxes", f"expected [K, 4] or [K, 5], got {shape_text(boxes.shape)}")
    numbers = rows.astype(np.float64)
    wrong = ~np.isfinite(numbers).all(axis=1)
    if rows.shape[1] == 5:
        wrong |= numbers[:, 0] != 0
    if wrong.any():
        row = int(wrong.argmax())
        rule = "finite coordinates" + (" and the batch index 0" if rows.shape[1] == 5 else "")
        raise ArgumentError("boxes", f"expected {rule}, got {rows[row].tolist()} in row {row}")
    return numbers[:, -4:]


def _check_count(name: str, given: Any, rows: Array) -> None:
    if given is not None and np.shape(given) != (len(rows),):
        raise ArgumentError(name, f"expected one for each of the {len(rows)} boxes, got {shape_text(np.shape(given))}")


def _colours_of_boxes(figure: Any, axes: Any, count: int, labels: list[str] | None, scores: Array | None) -> list[Any]:
    """The colour of each box: by score, with a colour bar; otherwise by label; otherwise the same for all."""
    if labels is not None:
        known = list(dict.fromkeys(labels))
        return [COLOURS[known.index(label) % len(COLOURS)] for label in labels]
    if scores is None or not count:
        return [COLOURS[0]] * count
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar = ScalarMappable(Normalize(min(0.0, float(scores.min())), max(1.0, float(scores.max()))), "viridis")
    figure.colorbar(bar, ax=axes, label="score", fraction=0.04, pad=0.02)
    return list(bar.to_rgba(np.asarray(scores, np.float64)))


def _box_text(index: int, labels: list[str] | None, scores: Array | None) -> str:
    parts = ([labels[index]] if labels else []) + ([f"{float(scores[index]):.2f}"] if scores is not None else [])
    return " ".join(parts)


def _draw_box(axes: Any, row: list[float], colour: Any, text: str) -> None:
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import Stroke

    x1, y1, x2, y2 = row
    rectangle = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=2)
    # A white rim makes the line visible on dark and on bright pictures.
    rectangle.set_path_effects([Stroke(linewidth=4, foreground="white", alpha=0.8), Stroke(linewidth=2)])
    axes.add_patch(rectangle)
    if text:
        frame = {"facecolor": "white", "edgecolor": colour, "boxstyle": "round,pad=0.2", "linewidth": 1}
        place = {"xytext": (2, -2), "textcoords": "offset points", "va": "top", "annotation_clip": True}
        axes.annotate(text, (min(x1, x2), min(y1, y2)), fontsize=8, color="black", bbox=frame, **place, **AS_WRITTEN)


# ---- Feature maps ----------------------------------------------------------------------------------------------------


def plot_features(path: str, tensor: Array, channel: int | None, title: str | None) -> Any:
    """Writes the channels of a feature map, or one panel for each of several maps, in colours of one scale.

    Returns the figure.
    """
    view = views.maps(views.as_batch(tensor), channel)
    _check_numbers("input", np.asarray(view.limits))
    _check_text("title", title)
    count, height, width = view.panels.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    figure = _figure(WIDTH, np.clip((WIDTH - 1.2) * rows * height / (columns * width), 2, 12) + 0.8)
    grid = figure.subplots(rows, columns, squeeze=False)
    low, high = view.limits
    for index, axes in enumerate(grid.flat):
        axes.set_axis_off()
        if index < count:
            drawn = axes.imshow(view.panels[index], cmap="viridis", vmin=low, vmax=high, interpolation="nearest")
            axes.set_title(view.titles[index], fontsize=9)
    figure.colorbar(drawn if count == grid.size else grid.flat[0].images[0], ax=grid, fraction=0.04, pad=0.02)
    figure.suptitle(
        title or f"{shape_text(tensor.shape)}" + (f", {view.caption}" if view.caption else ""), **AS_WRITTEN
    )
    _save(figure, path)
    return figure
