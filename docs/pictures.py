"""Draws the pictures of docs/operators and docs/numerics.md: ``python docs/pictures.py [FOLDER]``.

They are written to docs/images, or to FOLDER.

What they show is computed by pyroi on the spot. It takes matplotlib, which brings the photograph along, and Pillow, as
``pip install '.[image,plot]'`` has them.
"""

from __future__ import annotations

import io
import pathlib
import sys

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import get_sample_data
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from PIL import Image

import pyroi
from tclcmd.display.plots import COLOURS

WIDTH, DOTS = 8.0, 120  # inches and dots per inch
INK, FAINT = "#333333", "#c6c6c6"
ORANGE, BLUE, _, PINK = COLOURS[:4]
STYLE = {"font.size": 9, "axes.titlesize": 9.5, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT}
TICKS = {"xtick.color": INK, "ytick.color": INK}


# ---- Tools -----------------------------------------------------------------------------------------------------------


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty picture, in inches."""
    figure = Figure(figsize=(width, height), dpi=DOTS, layout="constrained", facecolor="white")
    figure.get_layout_engine().set(h_pad=0.07, w_pad=0.07)
    return figure


def save(figure: Figure, path: pathlib.Path) -> None:
    """As a PNG of 64 colours, which are plenty, and a fifth of the bytes."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    Image.open(drawn).convert("RGB").quantize(64, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)


def photo() -> np.ndarray:
    """The portrait of Grace Hopper, [1, 3, 600, 512], from 0 to 1."""
    pixels = np.asarray(Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)).convert("RGB"), np.float32)
    return pixels.transpose(2, 0, 1)[None] / 255


def grey(image: np.ndarray) -> np.ndarray:
    """The same without colours."""
    return image.mean(axis=1, keepdims=True).repeat(3, axis=1)


def show(axes: Axes, image: np.ndarray, title: str, **options: object) -> None:
    """A picture [3, H, W] without ticks."""
    axes.imshow(np.clip(image.transpose(1, 2, 0), 0, 1), **({"interpolation": "nearest"} | options))
    axes.set(title=title, xticks=[], yticks=[])


def pixel_grid(axes: Axes, height: int, width: int, title: str, *, numbers_at_centres: bool = False) -> None:
    """A map's pixels, pixel k from k to k + 1, and their centres."""
    axes.set(xlim=(-0.05, width + 0.05), ylim=(height + 0.05, -0.05), aspect="equal", title=title)
    axes.hlines(range(height + 1), 0, width, color=FAINT, linewidth=0.8, zorder=1)
    axes.vlines(range(width + 1), 0, height, color=FAINT, linewidth=0.8, zorder=1)
    axes.plot(*np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), ".", color=FAINT, markersize=2.5, zorder=1)
    for axis, pixels in ((axes.xaxis, width), (axes.yaxis, height)):
        numbers = np.arange(pixels + (not numbers_at_centres))
        axis.set_ticks(numbers + 0.5 * numbers_at_centres, numbers.tolist())
    axes.tick_params(length=0, labelsize=7)
    axes.spines[:].set_visible(False)


def outline(axes: Axes, box: object, colour: str, **options: object) -> None:
    """A box x1, y1, x2, y2 as a line."""
    x1, y1, x2, y2 = np.asarray(box, float)
    look = {"fill": False, "edgecolor": colour, "linewidth": 1.8} | options
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, **look))


def bins_of(box: object, rows: int, columns: int) -> np.ndarray:
    """The boxes of a box's bins, [rows, columns, 4]."""
    x1, y1, x2, y2 = np.asarray(box, float)
    x, y = np.linspace(x1, x2, columns + 1), np.linspace(y1, y2, rows + 1)
    left, top = np.meshgrid(x[:-1], y[:-1])
    right, bottom = np.meshgrid(x[1:], y[1:])
    return np.stack([left, top, right, bottom], axis=2)


def samples_of(box: object, rows: int, columns: int, ratio: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the samples of all bins lie: x and y."""
    cells = bins_of(box, rows * ratio, columns * ratio).reshape(-1, 4)
    return (cells[:, 0] + cells[:, 2]) / 2, (cells[:, 1] + cells[:, 3]) / 2


def every_pixel(height: int, width: int) -> np.ndarray:
    """A map with a channel for each pixel, 1 there: a crop of it has what each pixel counts in each bin."""
    return np.eye(height * width, dtype=np.float32).reshape(1, height * width, height, width)


def heat(axes: Axes, weights: np.ndarray, digits: int) -> None:
    """Weights of pixels as colours and numbers."""
    height, width = weights.shape
    colours = np.ma.masked_equal(weights, 0)
    axes.imshow(colours, cmap="Blues", vmin=0, vmax=weights.max() * 1.7, extent=(0, width, height, 0), zorder=0)
    for (y, x), weight in np.ndenumerate(weights):
        if weight >= 0.5 * 10.0**-digits:
            text = f"{weight:.{digits}f}".lstrip("0")
            axes.text(x + 0.5, y + 0.79, text, ha="center", va="center", fontsize=7.5, color=INK, zorder=5)


# ---- Where a map is read ---------------------------------------------------------------------------------------------


def sample() -> Figure:
    """One sample between four pixels, and the four weights, each as large as the rectangle on the opposite side."""
    height, width, point = 3, 4, np.array([2.2, 1.3])
    figure = new_figure(2.7, 7.0)
    left, right = figure.subplots(1, 2)
    crop = pyroi.roi_align(every_pixel(height, width), [[*(point - 0.1), *(point + 0.1)]], 1, sampling_ratio=1)
    weights = crop.reshape(height, width)
    pixel_grid(left, height, width, "A sample between the centres of four pixels")
    rows, columns = np.nonzero(weights)
    for row, column, colour in zip(rows, columns, COLOURS, strict=False):
        opposite = np.array([columns.min() + columns.max() - column, rows.min() + rows.max() - row]) + 0.5
        area = [*np.minimum(point, opposite), *np.maximum(point, opposite)]
        outline(left, area, colour, fill=True, facecolor=colour, alpha=0.35, linewidth=0)
        left.plot(column + 0.5, row + 0.5, "o", color=colour, markersize=7)
    left.plot(*point, "o", color=INK, markersize=5, zorder=6)
    pixel_grid(right, height, width, "What each pixel counts: the area of its colour")
    heat(right, weights, 2)
    right.plot(*point, "o", color=INK, markersize=5, zorder=6)
    return figure


def aligned() -> Figure:
    """The samples of one box with the half-pixel offset and without, on the map of 0 to 24."""
    size, box = 5, (1, 1, 3, 3)
    map = np.arange(25.0).reshape(1, 1, size, size)
    figure = new_figure(3.6)
    for axes, is_aligned in zip(figure.subplots(1, 2), (True, False), strict=True):
        crop = pyroi.roi_align(map, [box], 2, sampling_ratio=1, aligned=is_aligned).ravel()
        numbers = " ".join(f"{number:g}" for number in crop)
        pixel_grid(axes, size, size, f"aligned={is_aligned}: the crop is {numbers}")
        for (row, column), value in np.ndenumerate(map[0, 0]):
            axes.text(column + 0.13, row + 0.2, f"{value:g}", va="center", fontsize=7.5, color=INK)
        outline(axes, box, ORANGE, fill=True, facecolor=ORANGE, alpha=0.2, linewidth=0)
        outline(axes, box, ORANGE)
        x, y = samples_of(box, 2, 2, 1)
        axes.plot(x + 0.5 * (not is_aligned), y + 0.5 * (not is_aligned), "o", color=BLUE, markersize=7)
    return figure


# ---- Crops from boxes ------------------------------------------------------------------------------------------------


def roi_align() -> Figure:
    """Bins and samples over the pixels, and what the pixels count in one bin."""
    height, width, box, bin = 6, 8, (1.3, 0.5, 6.9, 5.15), (1, 1)
    figure = new_figure(3.1)
    left, right = figure.subplots(1, 2)
    bins = bins_of(box, 3, 3)
    pixel_grid(left, height, width, "A box in 3 x 3 bins, with 2 x 2 samples in each")
    outline(left, bins[bin], ORANGE, fill=True, facecolor=ORANGE, alpha=0.25, linewidth=0)
    for cell in bins.reshape(-1, 4):
        outline(left, cell, ORANGE, linewidth=0.8)
    outline(left, box, ORANGE)
    left.plot(*samples_of(box, 3, 3, 2), "o", color=BLUE, markersize=4)
    crop = pyroi.roi_align(every_pixel(height, width), [box], 3, sampling_ratio=2)
    pixel_grid(right, height, width, "What each pixel counts in the bin in the middle")
    heat(right, crop[0, :, bin[0], bin[1]].reshape(height, width), 3)
    outline(right, bins[bin], ORANGE)
    right.plot(*samples_of(bins[bin], 1, 1, 2), "o", color=BLUE, markersize=6)
    right.set(xlim=(1.9, 7.1), ylim=(4.95, 1))
    return figure


def roi_pool() -> Figure:
    """Whole pixels against the box as it is."""
    height, width, box = 7, 9, (1.4, 0.6, 7.3, 5.4)
    figure = new_figure(3.3)
    left, right = figure.subplots(1, 2)
    pixel_grid(left, height, width, "roi_pool: whole pixels, some in several bins")
    pixel_grid(right, height, width, "roi_align: the box as it is")
    belongs = pyroi.roi_pool(every_pixel(height, width), [box], 2)[0].reshape(height, width, 4).transpose(2, 0, 1)
    for index, (pixels, cell) in enumerate(zip(belongs, bins_of(box, 2, 2).reshape(-1, 4), strict=True)):
        rows, columns = np.nonzero(pixels.any(axis=1))[0], np.nonzero(pixels.any(axis=0))[0]
        whole = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        for axes, place in ((left, whole + [0.06, 0.06, -0.06, -0.06]), (right, cell)):
            outline(axes, place, COLOURS[index], fill=True, facecolor=COLOURS[index], alpha=0.22, linewidth=0)
            outline(axes, place, COLOURS[index], linewidth=1.5)
    for axes in (left, right):
        outline(axes, box, INK, linestyle=(0, (4, 2)), linewidth=1.4)
    right.plot(*samples_of(box, 2, 2, 3), "o", color=INK, markersize=2.5)
    return figure


def position_sensitive() -> Figure:
    """Each bin from a channel of its own, and why: a box that is off finds the parts nowhere."""
    size, right_box, wrong_box = 32, np.array([8.0, 8, 24, 24]), np.array([13.0, 4, 29, 20])
    parts = bins_of(right_box, 3, 3).reshape(9, 4)
    y, x = np.mgrid[:size, :size] + 0.5
    cx, cy = (parts[:, 0] + parts[:, 2]) / 2, (parts[:, 1] + parts[:, 3]) / 2
    random = np.random.default_rng(3)
    map = np.exp(-((x - cx[:, None, None]) ** 2 + (y - cy[:, None, None]) ** 2) / 18)[None]
    map = map * random.uniform(0.7, 1.1, (9, 1, 1)) + 0.15 * random.random(map.shape)
    figure = new_figure(4.1, 6.6)
    maps, crops = figure.subfigures(1, 2, width_ratios=[2.1, 1])
    maps.suptitle("The nine channels of a map, and the bin that each is read in", fontsize=9.5)
    for channel, axes in enumerate(maps.subplots(3, 3).flat):
        show_map(axes, map[0, channel])
        axes.text(1, 2, f"{channel}", va="top", fontsize=8)
        for box, colour in ((right_box, ORANGE), (wrong_box, PINK)):
            outline(axes, box, colour, linewidth=0.8)
            cell = bins_of(box, 3, 3).reshape(9, 4)[channel]
            outline(axes, cell, colour, fill=True, facecolor=colour, alpha=0.25, linewidth=0)
            outline(axes, cell, colour, linewidth=1.6)
    found = pyroi.ps_roi_align(map, [right_box, wrong_box], 3, sampling_ratio=4)[:, 0]
    panels = zip(crops.subplots(2, 1), found, ("On the object", "Beside it"), (ORANGE, PINK), strict=True)
    for axes, crop, title, colour in panels:
        show_map(axes, crop)
        axes.set_title(f"{title}: mean {crop.mean():.2f}")
        axes.spines[:].set(color=colour, linewidth=2)
        for (row, column), value in np.ndenumerate(crop):
            axes.text(column, row, f"{value:.2f}".lstrip("0"), ha="center", va="center", fontsize=8)
    return figure


def show_map(axes: Axes, values: np.ndarray) -> None:
    """A channel, from 0 to 1, in blue."""
    height, width = values.shape
    extent = (0, width, height, 0) if width > 9 else None
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1.3, interpolation="nearest", extent=extent)
    axes.set(xticks=[], yticks=[])


def roi_align_rotated() -> Figure:
    """A name tag worn a little askew, its samples, and the crops with the angle and without."""
    image, box = photo(), np.array([123.5, 500.5, 94, 34, -3.5])
    figure = new_figure(2.9)
    left, right = figure.subfigures(1, 2, width_ratios=[1.15, 1])
    axes = left.subplots()
    axes.imshow(np.clip(image[0].transpose(1, 2, 0), 0, 1), extent=(0, 512, 600, 0))
    axes.set(xlim=(66, 182), ylim=(536, 464), title="The box, and the samples of 4 x 12 bins")
    axes.set(xticks=[], yticks=[])
    corners = pyroi.box_convert([box], "cxcywhr", "xyxyxyxy").reshape(4, 2)
    axes.add_patch(Polygon(corners, fill=False, edgecolor=ORANGE, linewidth=2))
    u, v = samples_of((0, 0, 1, 1), 4, 12, 2)
    points = corners[0] + u[:, None] * (corners[1] - corners[0]) + v[:, None] * (corners[3] - corners[0])
    axes.plot(*points.T, ".", color=ORANGE, markersize=3)
    above, below = right.subplots(2, 1)
    show(above, pyroi.roi_align_rotated(image, [box], (68, 188), sampling_ratio=2)[0], "roi_align_rotated")
    upright = pyroi.box_convert([box[:4]], "cxcywh", "xyxy")
    show(below, pyroi.roi_align(image, upright, (68, 188), sampling_ratio=2)[0], "roi_align of the same sides, upright")
    return figure


def prroi_pool() -> Figure:
    """One bin as the box grows, by integration and by samples, with pixel k at k for both (hence not aligned)."""
    map = np.tile([0.1, 0.2, 0.0, 0.7, 0.1, 0.9, 0.2, 1.0, 0.0], (6, 1))[None, None]
    edges = np.linspace(2.2, 7.2, 1001)
    boxes = np.stack([np.full(1001, 1.3), np.full(1001, 0.9), edges, np.full(1001, 3.9)], axis=1)
    figure = new_figure(3.1)
    left, right = figure.subplots(1, 2, width_ratios=[1.45, 1])
    curves = {
        "roi_align, adaptive": (pyroi.roi_align(map, boxes, 1, aligned=False), BLUE),
        "prroi_pool": (pyroi.prroi_pool(map, boxes, 1), ORANGE),
    }
    for name, (crops, colour) in curves.items():
        left.plot(edges, with_gaps(crops[:, 0, 0, 0]), color=colour, label=name, linewidth=1.8)
    for index in (90, 460, 850):
        slope = pyroi.prroi_pool_backward(np.ones((1, 1, 1, 1)), map, boxes[index : index + 1])[1][0, 2]
        x, y = edges[index], curves["prroi_pool"][0][index, 0, 0, 0]
        left.plot([x - 0.4, x + 0.4], [y - 0.4 * slope, y + 0.4 * slope], color=INK, linewidth=1.1)
        left.plot(x, y, "o", color=INK, markersize=4)
    left.set(
        xlabel="right edge of the box", title="The number in one bin, as the box grows to the right", ylim=(0, 0.6)
    )
    left.plot([], [], "-o", color=INK, markersize=4, linewidth=1.1, label="its gradient for that edge")
    left.legend(frameon=False, fontsize=8, loc="upper left")
    left.spines[["top", "right"]].set_visible(False)
    box = boxes[460]
    pixel_grid(right, 6, 9, "What each pixel counts in the integral", numbers_at_centres=True)
    heat(right, pyroi.prroi_pool(every_pixel(6, 9), [box], 1).reshape(6, 9), 2)
    outline(right, box + 0.5, ORANGE)
    return figure


def with_gaps(values: np.ndarray) -> np.ndarray:
    """Values with NaN where they jump, so that no line is drawn there."""
    jumps = np.abs(np.diff(values)) > 0.01
    return np.where(np.append(jumps, False), np.nan, values)


# ---- Boxes -----------------------------------------------------------------------------------------------------------


def nms() -> Figure:
    """Boxes of a detector, before and after."""
    parts = np.array([[155, 130, 375, 350], [200, 22, 312, 112], [72, 478, 174, 522], [318, 482, 460, 532.0]])
    random = np.random.default_rng(5)
    boxes = np.concatenate([parts] + [moved(parts, random) for _ in range(6)])
    scores = np.concatenate([np.full(4, 0.95), *[random.uniform(0.35, 0.9, 4) for _ in range(6)]])
    kept = pyroi.nms(boxes, scores, 0.4)
    soft, lowered = pyroi.soft_nms(boxes, scores, score_threshold=0.05)
    faded = 0.7 + 0.3 * pyroi.interpolate(grey(photo()), (200, 171), "area")[0]
    figure = new_figure(3.15)
    panels = [
        (f"{len(boxes)} boxes, opaque as their score", boxes, scores),
        (f"nms at 0.4 keeps {len(kept)}", boxes[kept], scores[kept]),
        (f"soft_nms keeps {len(soft)}, at new scores", boxes[soft], lowered),
    ]
    for axes, (title, rows, opacity) in zip(figure.subplots(1, 3), panels, strict=True):
        show(axes, faded, title, extent=(0, 512, 600, 0), interpolation="bilinear")
        axes.set_ylim(560, 5)
        for row, alpha in zip(rows, opacity, strict=True):
            outline(axes, row, ORANGE, linewidth=1.6, alpha=float(alpha))
    return figure


def moved(parts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The boxes, each corner moved by up to an eighth of the sides."""
    sides = np.tile(parts[:, 2:] - parts[:, :2], 2)
    return parts + sides * random.uniform(-0.125, 0.125, parts.shape)


def iou() -> Figure:
    """What each measure compares, for the two boxes of the example."""
    first, second = np.array([0, 0, 10, 10.0]), np.array([5, 5, 15, 10.0])
    common = np.array([*np.maximum(first, second)[:2], *np.minimum(first, second)[2:]])
    around = np.array([*np.minimum(first, second)[:2], *np.maximum(first, second)[2:]])
    figure = new_figure(2.5)
    plain, enclosed, centred = panels = figure.subplots(1, 3)
    functions = ("box_iou", "generalized_box_iou", "distance_box_iou")
    for axes, function in zip(panels, functions, strict=True):
        value = getattr(pyroi, function)([first], [second]).item()
        axes.set(xlim=(-1, 16), ylim=(11, -1), aspect="equal", xticks=[], yticks=[], title=f"{function}: {value:.3g}")
        axes.spines[:].set_visible(False)
        if axes is enclosed:
            outline(axes, around, PINK, fill=True, facecolor=PINK, alpha=0.3, linewidth=0)
        for box in (first, second):
            outline(axes, box, "white", fill=True, facecolor="white", linewidth=0)
        for box, colour in ((first, ORANGE), (second, BLUE)):
            outline(axes, box, colour, fill=True, facecolor=colour, alpha=0.2, linewidth=0)
            outline(axes, box, colour)
    outline(plain, common, INK, fill=True, facecolor=INK, alpha=0.35, linewidth=0)
    outline(enclosed, around, PINK, linestyle=(0, (4, 2)))
    outline(centred, around, FAINT, linestyle=(0, (4, 2)))
    centred.plot(around[[0, 2]], around[[1, 3]], color=FAINT, linewidth=1.4)
    centres = np.array([first, second]).reshape(2, 2, 2).mean(axis=1)
    centred.plot(*centres.T, "-o", color=INK, markersize=5, linewidth=1.8)
    return figure


def boxes() -> Figure:
    """The formats, upright and rotated."""
    figure = new_figure(2.9)
    upright, rotated = figure.subplots(1, 2)
    for axes in (upright, rotated):
        axes.set(xlim=(-1.6, 12.5), ylim=(8.6, -0.9), aspect="equal", xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    box = np.array([1.5, 1, 9.5, 7])
    cx, cy = pyroi.box_convert([box], "xyxy", "cxcywh")[0, :2]
    outline(upright, box, ORANGE)
    named(
        upright, {"x1, y1": box[:2], "x2, y2": box[2:], "cx, cy": (cx, cy)}, {"x1, y1": (0, -0.5), "x2, y2": (0, 0.6)}
    )
    measure(upright, (box[0], box[3] - 0.8), (box[2], box[3] - 0.8), "w")
    measure(upright, (box[2] + 0.9, box[1]), (box[2] + 0.9, box[3]), "h")
    upright.set_title("xyxy, xywh and cxcywh")
    turned = np.array([5.2, 4, 7.5, 3.6, 25.0])
    corners = pyroi.box_convert([turned], "cxcywhr", "xyxyxyxy").reshape(4, 2)
    rotated.add_patch(Polygon(corners, fill=False, edgecolor=ORANGE, linewidth=1.8))
    outline(rotated, pyroi.box_convert([turned[:4]], "cxcywh", "xyxy")[0], FAINT, linestyle=(0, (4, 2)))
    places = {f"x{number}, y{number}": corner for number, corner in enumerate(corners, 1)} | {"cx, cy": turned[:2]}
    outward = (corners - turned[:2]) / np.hypot(*(corners - turned[:2]).T)[:, None]
    away = {f"x{number}, y{number}": 0.9 * direction for number, direction in enumerate(outward, 1)}
    named(rotated, places, away)
    rotated.set_title(f"cxcywhr and xyxyxyxy, at an angle of {turned[4]:g} degrees")
    return figure


def named(axes: Axes, places: dict[str, object], away: dict[str, object]) -> None:
    """Points with their names, which stand a little away from them."""
    for name, (x, y) in places.items():
        dx, dy = away.get(name, (0, -0.55))
        axes.plot(x, y, "o", color=BLUE, markersize=5)
        axes.text(x + dx, y + dy, name, ha="center", va="center", fontsize=8.5)


def measure(axes: Axes, start: object, end: object, name: str) -> None:
    """A length between two points, with arrows at both ends."""
    look = {"arrowstyle": "<->", "color": INK, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", start, end, arrowprops=look)
    gap = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.text(*(np.array(start) + end) / 2, name, ha="center", va="center", fontsize=9, bbox=gap)


# ---- Maps and images -------------------------------------------------------------------------------------------------


def interpolate() -> Figure:
    """Modes side by side, making large and making small."""
    image = grey(photo())
    eye, whole = pyroi.interpolate(image[:, :, 165:213, 178:242], (18, 24), "area"), image[:, :, 20:532, :]
    figure = new_figure(3.9)
    large = {
        "nearest": {},
        "bilinear": {},
        "bilinear, align_corners": {"mode": "bilinear", "align_corners": True},
        "bicubic": {},
    }
    small = {"nearest": {}, "bilinear": {}, "bilinear, antialias": {"mode": "bilinear", "antialias": True}, "area": {}}
    rows = figure.subplots(2, 4, height_ratios=[12 / 16, 1])
    for axes, source, size, modes in ((rows[0], eye, (192, 256), large), (rows[1], whole, (72, 72), small)):
        for panel, (title, options) in zip(axes, modes.items(), strict=True):
            show(panel, pyroi.interpolate(source, size, **({"mode": title} | options))[0], title)
    rows[0, 0].set_ylabel("18 x 24 to 192 x 256")
    rows[1, 0].set_ylabel("512 x 512 to 72 x 72")
    return figure


def adaptive_pooling() -> Figure:
    """The bins of an axis whose number of pixels is a multiple of the number of bins, and of others."""
    figure = new_figure(2.5)
    for axes, (pixels, bins) in zip(figure.subplots(1, 3), ((6, 3), (5, 3), (2, 3)), strict=True):
        weights = pyroi.adaptive_avg_pool2d(np.eye(pixels).reshape(1, pixels, 1, pixels), (1, bins))[0, :, 0].T
        pixel_grid(axes, bins, pixels, f"{pixels} pixels in {bins} bins")
        heat(axes, weights, 2)
        for row, counts in enumerate(weights > 0):
            columns = np.nonzero(counts)[0]
            outline(axes, (columns[0] + 0.06, row + 0.06, columns[-1] + 0.94, row + 0.94), ORANGE)
        axes.set(xlabel="pixel", ylabel="bin", aspect="auto")
    return figure


def grid_sample() -> Figure:
    """A photograph through three grids, the last of which leaves it."""
    image, size = photo()[:, :, 30:430, 80:480], (200, 200)
    y, x = np.meshgrid(*(2 * [(np.arange(200) + 0.5) / 100 - 1]), indexing="ij")
    radius = np.hypot(x, y)
    lens = np.stack([x, y], axis=2) * (0.45 + 0.4 * radius**2)[..., None]
    angle = np.deg2rad(20)
    turn = 1.25 * np.array([[[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]]])
    affine = pyroi.affine_grid(turn, (1, 3, *size))
    figure = new_figure(2.5)
    panels = figure.subplots(1, 4)
    show(panels[0], image[0], "the image, and a grid", extent=(-1, 1, 1, -1), interpolation="bilinear")
    for lines in (affine[0, 10::20, ::5], affine[0, ::5, 10::20].transpose(1, 0, 2)):
        for line in lines:
            panels[0].plot(*line.T, color=ORANGE, linewidth=0.8)
    panels[0].set(xlim=(-1.75, 1.75), ylim=(1.75, -1.75))
    show(panels[1], pyroi.grid_sample(image, affine)[0], "through that grid, zeros")
    show(panels[2], pyroi.grid_sample(image, affine, padding_mode="reflection")[0], "reflection")
    show(panels[3], pyroi.grid_sample(image, lens[None])[0], "through a lens")
    return figure


def normalize() -> Figure:
    """The numbers of a photograph before and after."""
    image = photo()[0]
    mean, std = image.mean(axis=(1, 2)), image.std(axis=(1, 2))
    figure = new_figure(2.4)
    panels = figure.subplots(1, 2)
    titles = ("The numbers of a photograph, by channel", "normalize_image: mean 0, standard deviation 1")
    for axes, numbers, title in zip(panels, (image, pyroi.normalize_image(image, mean, std)), titles, strict=True):
        for channel, (name, colour) in enumerate({"red": ORANGE, "green": COLOURS[2], "blue": BLUE}.items()):
            counts, edges = np.histogram(numbers[channel], 60)
            axes.stairs(counts / (counts.sum() * np.diff(edges)), edges, color=colour, label=name, linewidth=1.4)
        axes.set(title=title, yticks=[])
        axes.spines[["top", "right", "left"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize=8)
    return figure


PICTURES = {
    "sample": sample,
    "aligned": aligned,
    "roi_align": roi_align,
    "roi_pool": roi_pool,
    "position_sensitive": position_sensitive,
    "roi_align_rotated": roi_align_rotated,
    "prroi_pool": prroi_pool,
    "nms": nms,
    "iou": iou,
    "boxes": boxes,
    "interpolate": interpolate,
    "adaptive_pooling": adaptive_pooling,
    "grid_sample": grid_sample,
    "normalize": normalize,
}


def main(folder: pathlib.Path) -> None:
    """Draws all pictures into a folder."""
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE | TICKS):
        for name, draw in PICTURES.items():
            save(draw(), folder / f"{name}.png")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "images")
