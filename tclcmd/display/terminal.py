"""Pictures in a terminal: half blocks in colour, shades of plain characters, or the protocols of sixel and kitty.

All functions take colours [H, W, 3] of bytes and return text to be written.
"""

from __future__ import annotations

import base64
import functools
import os
import re
import select
import zlib

import numpy as np

import pyroi
from pyroi.arrays import Array

STYLES = ("auto", "blocks", "ascii", "sixel", "kitty")

#: Characters from dark to bright, for a dark background.
SHADES = np.array(list(" .:-=+*#%@"))

#: Values of TERM for terminals without colours or without half blocks.
PLAIN = ("", "dumb", "linux", "vt100", "vt220", "ansi", "cons25")

#: The assumed size of a character cell, in pixels.
CELL_HEIGHT, CELL_WIDTH = 16, 8

#: The lines that the prompt reserves for its menu. Three more are for the command, the caption and the next prompt.
MENU_LINES = 6

#: The largest number of characters of a picture, for any width.
MOST_CHARACTERS = 10**6

ANSWER_SECONDS = 0.3


def size(width: int | None) -> tuple[int, int]:
    """The lines and columns that a picture may take and still be visible above the next prompt."""
    try:
        columns, lines = os.get_terminal_size(1)
    except OSError:
        columns, lines = 80, 24
    if width is None:
        return max(lines - 3 - MENU_LINES, 4), max(columns - 1, 1)
    return max(MOST_CHARACTERS // width, 1), width  # a given width takes precedence over the height of the window


def draw(pixels: Array, style: str, width: int | None = None) -> str:
    """The picture as text, fitted to the terminal, or to a number of columns."""
    lines, columns = size(width)
    if style == "ascii":
        return ascii_shades(fit(pixels, 2 * lines, columns))
    if style == "sixel":
        return sixel(fit(pixels, lines * CELL_HEIGHT, columns * CELL_WIDTH))
    if style == "kitty":
        return kitty(fit(pixels, lines * CELL_HEIGHT, columns * CELL_WIDTH))
    return blocks(fit(pixels, 2 * lines, columns), has_all_colours())


# ---- What the terminal can do ----------------------------------------------------------------------------------------


def choose_style() -> str:
    """The best style that the terminal supports."""
    terminal = os.environ.get("TERM", "")
    if not os.isatty(1) or os.environ.get("NO_COLOR") or terminal in PLAIN:
        return "ascii"
    if _is_kitty(terminal):
        return "kitty"
    return "sixel" if _has_sixel() else "blocks"


def _is_kitty(terminal: str) -> bool:
    if os.environ.get("TMUX") or os.environ.get("STY"):  # terminal multiplexers do not forward its pictures
        return False
    program = os.environ.get("TERM_PROGRAM", "")
    return "kitty" in terminal or "KITTY_WINDOW_ID" in os.environ or program in ("ghostty", "WezTerm")


def has_all_colours() -> bool:
    """Whether the terminal has 24-bit colours rather than a palette of 256."""
    return os.environ.get("COLORTERM") in ("truecolor", "24bit") or os.environ.get("TERM", "").endswith("-direct")


@functools.cache
def _has_sixel() -> bool:
    """Queries the device attributes of the terminal, of which sixel is number 4."""
    found = re.search(rb"\x1b\[\?([\d;]*)c", _answer(b"\x1b[c"))
    return found is not None and b"4" in found.group(1).split(b";")


def _answer(question: bytes) -> bytes:
    """The reply of the terminal to a query, up to its final c; shorter if it takes too long."""
    import termios
    import tty

    if not os.isatty(0):
        return b""
    before = termios.tcgetattr(0)
    answer = b""
    try:
        tty.setcbreak(0, termios.TCSANOW)
        os.write(1, question)
        while not answer.endswith(b"c") and select.select([0], [], [], ANSWER_SECONDS)[0]:
            answer += os.read(0, 64)
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)
    return answer


# ---- Size ------------------------------------------------------------------------------------------------------------


def fit(pixels: Array, height: int, width: int) -> Array:
    """The picture, resized to fit a frame: enlarged by a whole factor, or reduced by area averaging."""
    rows, columns = pixels.shape[:2]
    scale = min(height / rows, width / columns)
    if scale >= 1:
        return pixels.repeat(int(scale), axis=0).repeat(int(scale), axis=1)
    size = max(int(rows * scale), 1), max(int(columns * scale), 1)
    means = pyroi.resize_image(pixels.transpose(2, 0, 1), size, mode="area").transpose(1, 2, 0)
    return (means + 0.5).astype(np.uint8)


# ---- Characters ------------------------------------------------------------------------------------------------------


def ascii_shades(pixels: Array) -> str:
    """One character for each pair of pixels, one above the other."""
    bright = pixels @ np.array([0.299, 0.587, 0.114])
    halves = (bright[::2][: (len(bright) + 1) // 2] + _lower(bright)) / 2
    shades = SHADES[(halves / 255 * (len(SHADES) - 1) + 0.5).astype(int)]
    return "".join("".join(line).rstrip() + "\n" for line in shades)


def _lower(rows: Array) -> Array:
    """Every second row; the last row is repeated where their number is odd."""
    return rows[1::2] if len(rows) % 2 == 0 else np.concatenate([rows[1::2], rows[-1:]])


def blocks(pixels: Array, all_colours: bool) -> str:
    """One character for each pair of pixels: its upper half in one colour, its lower half in the other."""
    upper, lower = pixels[::2], _lower(pixels)
    code = _direct_codes if all_colours else _indexed_codes
    return "".join(_block_line(above, below) for above, below in zip(code(upper), code(lower), strict=True))


def _block_line(above: list[str], below: list[str]) -> str:
    line, last = [], None
    for pair in zip(above, below, strict=True):
        if pair != last:
            line.append(f"\x1b[38;{pair[0]};48;{pair[1]}m")
            last = pair
        line.append("▀")
    return "".join(line) + "\x1b[0m\n"


def _direct_codes(pixels: Array) -> list[list[str]]:
    return [[f"2;{r};{g};{b}" for r, g, b in row] for row in pixels.tolist()]


def _indexed_codes(pixels: Array) -> list[list[str]]:
    return [[f"5;{index}" for index in row] for row in nearest_of_256(pixels).tolist()]


def nearest_of_256(pixels: Array) -> Array:
    """The index of the nearest colour in the xterm palette: a cube of 6 x 6 x 6 colours, and 24 greys."""
    levels = np.array([0, 95, 135, 175, 215, 255])
    wanted = pixels.astype(int)
    cube = np.abs(wanted[..., None] - levels).argmin(axis=-1)
    grey = np.clip((wanted.mean(axis=-1) - 8 + 5) // 10, 0, 23).astype(int)
    cube_error = ((levels[cube] - wanted) ** 2).sum(axis=-1)
    grey_error = (((8 + 10 * grey)[..., None] - wanted) ** 2).sum(axis=-1)
    nearest: Array = np.where(grey_error < cube_error, 232 + grey, 16 + cube @ np.array([36, 6, 1]))
    return nearest


# ---- Protocols -------------------------------------------------------------------------------------------------------


def kitty(pixels: Array) -> str:
    """The graphics protocol of kitty: compressed bytes, in pieces of 4096 characters."""
    height, width = pixels.shape[:2]
    data = base64.standard_b64encode(zlib.compress(np.ascontiguousarray(pixels).tobytes())).decode()
    pieces = [data[start : start + 4096] for start in range(0, len(data), 4096)]
    text = ""
    for index, piece in enumerate(pieces):
        head = f"a=T,f=24,s={width},v={height},o=z,q=2," if index == 0 else ""
        text += f"\x1b_G{head}m={int(index < len(pieces) - 1)};{piece}\x1b\\"
    return text + "\n"


#: The levels of red, green and blue in the sixel palette, which has at most 256 colours.
STEPS = (6, 7, 6)


def sixel(pixels: Array) -> str:
    """The sixel protocol of DEC terminals: bands of six rows, one colour at a time."""
    indices = _dithered(pixels)
    height, width = indices.shape
    bands = [_band(indices[top : top + 6]) for top in range(0, height, 6)]
    return f'\x1bP0;1;0q"1;1;{width};{height}{_palette(np.unique(indices))}{"-".join(bands)}\x1b\\\n'


def _dithered(pixels: Array) -> Array:
    """The palette index of each pixel, by ordered dithering."""
    height, width = pixels.shape[:2]
    pattern = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 + 1 / 32
    spread = np.tile(pattern, (height // 4 + 1, width // 4 + 1))[:height, :width, None]
    steps = (pixels / 255 * (np.array(STEPS) - 1) + spread).astype(int)
    numbers: Array = steps @ np.array([STEPS[1] * STEPS[2], STEPS[2], 1])
    return numbers


def _palette(used: Array) -> str:
    """The definitions of the colours in use, in percent."""
    text = ""
    for index in used.tolist():
        parts = index // (STEPS[1] * STEPS[2]), index // STEPS[2] % STEPS[1], index % STEPS[2]
        red, green, blue = (round(100 * part / (steps - 1)) for part, steps in zip(parts, STEPS, strict=True))
        text += f"#{index};2;{red};{green};{blue}"
    return text


def _band(rows: Array) -> str:
    weights = 1 << np.arange(len(rows))
    layers = [f"#{index}" + _run_lengths(weights @ (rows == index)) for index in np.unique(rows).tolist()]
    return "$".join(layers)


def _run_lengths(bits: Array) -> str:
    starts = np.flatnonzero(np.diff(bits, prepend=-1))
    lengths = np.diff(np.append(starts, len(bits)))
    characters = [chr(63 + bit) for bit in bits[starts].tolist()]
    runs = zip(characters, lengths.tolist(), strict=True)
    return "".join(char * length if length < 4 else f"!{length}{char}" for char, length in runs)
