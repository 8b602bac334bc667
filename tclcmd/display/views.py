"""Views of a tensor: a picture, a contact sheet, or a colour map of its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyroi.arrays import Array, shape_text
from pyroi.errors import ArgumentError
from tclcmd.files import pictures

#: The largest number of panels that is shown.
MOST_PANELS = 16

#: The distance from 0 and 1 to which a tensor is still a picture, since interpolation and filters overshoot.
OVERSHOOT = 0.02

#: A colour map from dark to bright, of even steps of lightness: readable in grey and for the colour-blind.
SCALE = np.array(
    [[68, 1, 84], [71, 45, 123], [59, 82, 139], [44, 114, 142], [33, 145, 140],
     [40, 174, 128], [94, 201, 98], [173, 220, 48], [253, 231, 37]],
    np.float32,
)  # fmt: skip
NOT_FINITE = np.array([128, 128, 128], np.uint8)


@dataclass(frozen=True)
class Maps:
    """Panels [P, H, W] to be shown in colour, with their titles and a description."""

    panels: Array
    titles: list[str]
    caption: str

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest finite number; 0 and 0 if there is none."""
        finite = self.panels[np.isfinite(self.panels)]
        return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def enlarged(pixels: Array, side: int) -> Array:
    """Colours [H, W, 3], each pixel repeated as often as the longer side of the picture stays within `side`."""
    factor = max(side // max(pixels.shape[:2]), 1)
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def as_batch(tensor: Array) -> Array:
    """[N, C, H, W] of a tensor of two to four dimensions."""
    if not 2 <= tensor.ndim <= 4 or tensor.size == 0:
        rule = "expected [H, W], [C, H, W] or [N, C, H, W] with at least one element"
        raise ArgumentError("input", f"{rule}, got {shape_text(tensor.shape)}")
    return tensor.reshape((1,) * (4 - tensor.ndim) + tensor.shape)


def is_picture(batch: Array) -> bool:
    """Whether the tensor can be a picture: 1, 3 or 4 channels of numbers from 0 to 1, or of bytes."""
    if batch.shape[1] not in (1, 3, 4):
        return False
    if batch.dtype in (np.uint8, np.bool_):
        return True
    return batch.dtype.kind == "f" and bool(batch.min() >= -OVERSHOOT and batch.max() <= 1 + OVERSHOOT)


def picture(batch: Array) -> tuple[Array, str]:
    """Colours [H, W, 3] of the first pictures side by side, and a caption."""
    count = len(batch)
    pixels = pictures.to_pixels(batch[:MOST_PANELS])
    return pictures.contact_sheet(_opaque(pixels), _gutter(pixels), 0), _first_of(count, "pictures")


def _opaque(pixels: Array) -> Array:
    """Colours with an alpha channel, composed on white."""
    if pixels.shape[3] != 4:
        return np.broadcast_to(pixels, (*pixels.shape[:3], 3))
    opacity = pixels[..., 3:].astype(np.float32) / 255
    return (pixels[..., :3] * opacity + 255 * (1 - opacity) + 0.5).astype(np.uint8)


def _gutter(pixels: Array) -> int:
    return max(1, int(min(pixels.shape[1:3])) // 20)


def _first_of(count: int, what: str) -> str:
    if count == 1:
        return ""
    return f"{count} {what}" if count <= MOST_PANELS else f"the first {MOST_PANELS} of {count} {what}"


def maps(batch: Array, channel: int | None = None) -> Maps:
    """The channels of one map; of several maps one channel, or the mean over channels."""
    count, channels = batch.shape[:2]
    if channel is not None:
        if not 0 <= channel < channels:
            raise ArgumentError("channel", f"expected 0 to {channels - 1}, got {channel}")
        return _maps(batch[:, channel], "map", f"channel {channel} of {_first_of(count, 'maps') or 'the map'}")
    if count == 1:
        return _maps(batch[0], "channel", _first_of(channels, "channels"))
    caption = f"mean over {channels} channels of " if channels > 1 else ""
    return _maps(batch[:MOST_PANELS].mean(axis=1, dtype=np.float64), "map", caption + _first_of(count, "maps"))


def _maps(panels: Array, what: str, caption: str) -> Maps:
    shown = panels[:MOST_PANELS].astype(np.float64)
    titles = [f"{what} {index}" for index in range(len(shown))] if len(panels) > 1 else [""]
    return Maps(shown, titles, caption)


def coloured(view: Maps) -> Array:
    """Colours [H, W, 3] of the panels side by side."""
    colours = by_colour(view.panels, *view.limits)
    return pictures.contact_sheet(colours, _gutter(colours), 0)


def by_colour(numbers: Array, low: float, high: float) -> Array:
    """The colour of each number, from dark for `low` to bright for `high`; grey for NaN and infinity."""
    finite = np.isfinite(numbers)
    with np.errstate(over="ignore"):  # the difference may be beyond the range of float64
        span = (high - low) or 1.0
    parts = np.clip(np.where(finite, numbers, low) / span - low / span, 0, 1) * (len(SCALE) - 1)
    below = np.minimum(parts.astype(int), len(SCALE) - 2)
    share = (parts - below)[..., None]
    colours = (SCALE[below] * (1 - share) + SCALE[below + 1] * share + 0.5).astype(np.uint8)
    return np.where(finite[..., None], colours, NOT_FINITE)
