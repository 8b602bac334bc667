"""torch::show: the views of a tensor, and the styles of the terminal."""

from __future__ import annotations

import base64
import math
import re
import zlib

import numpy as np
import pytest

from tclcmd.display import terminal, views

RAMP = np.linspace(0, 1, 16 * 24, dtype=np.float32).reshape(1, 1, 16, 24)


def rainbow(height: int, width: int) -> np.ndarray:
    """Colours that differ from pixel to pixel."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 2 * 255], axis=-1).astype(
        np.uint8
    )


def test_a_session_at_a_terminal(roish, tmp_path):
    """Half blocks whose colours, read back from the screen, are those of the picture."""
    pytest.importorskip("pyte")
    from terminals import Terminal

    shell = Terminal(roish.command, tmp_path, COLORTERM="truecolor")
    try:
        shell.wait_until_last_line("%")
        shell.enter("set x [torch::tensor_create {{{1 0} {0 1}} {{0 1} {0 1}} {{0 0} {1 1}}}]; torch::show $x 4")
        shell.wait_for("[3, 2, 2]")
        row = next(index for index, line in enumerate(shell.screen.display) if line.startswith("▀▀▀▀"))
        cells = [shell.screen.buffer[row][column] for column in (0, 2)]
        assert [(cell.fg, cell.bg) for cell in cells] == [("ff0000", "ff0000"), ("00ff00", "00ff00")]
        below = [shell.screen.buffer[row + 1][column] for column in (0, 2)]
        assert [(cell.fg, cell.bg) for cell in below] == [("0000ff", "0000ff"), ("ffffff", "ffffff")]
    finally:
        shell.kill()


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "vt100"}])
def test_shades_without_colours(roish, tmp_path, variables):
    """Where the terminal has none, or none are wanted."""
    pytest.importorskip("pyte")
    from terminals import Terminal

    shell = Terminal([*roish.command, "-c", "torch::show [torch::ones {1 2 2}] 4; after 200"], tmp_path, **variables)
    try:
        assert shell.wait_for("[1, 2, 2]")[:2] == ["@@@@", "@@@@"]
    finally:
        shell.kill()


def test_a_pipe_gets_plain_characters(roish):
    """Eighty columns of them."""
    out = roish("-c", "torch::show [torch::tensor_reshape [torch::arange 64] {1 1 8 8}]").stdout
    assert "\x1b" not in out
    assert out.splitlines()[-1] == "[1, 1, 8, 8]: 0 (dark) to 63 (bright)"
    assert out.splitlines()[0].strip()[-1] in ":-."
    assert "%" in out.splitlines()[-2]


@pytest.mark.parametrize(
    ("tensor", "caption"),
    [
        ("torch::rand {3 8 8}", "[3, 8, 8]"),
        ("torch::rand {2 3 8 8}", "[2, 3, 8, 8]: 2 pictures"),
        ("torch::rand {20 1 8 8}", "[20, 1, 8, 8]: the first 16 of 20 pictures"),
        ("torch::full {1 64 4 4} 2", "[1, 64, 4, 4]: the first 16 of 64 channels, 2 (dark) to 2 (bright)"),
        ("torch::full {5 64 4 4} 2", "[5, 64, 4, 4]: mean over 64 channels of 5 maps, 2 (dark) to 2 (bright)"),
        ("torch::full {4 4} -1", "[4, 4]: -1 (dark) to -1 (bright)"),
        ("torch::full {2 2} NaN", "[2, 2]: 0 (dark) to 0 (bright)"),
        ("torch::arange 6 -dtype int64", None),
    ],
)
def test_what_is_drawn_is_said(tcl, tensor, caption):
    """A picture, pictures, channels, or means."""
    written = []
    tcl.interpreter.session.write = lambda text: written.append(text) or 0
    if "NaN" in tensor:
        tensor = "torch::tensor_create {{NaN NaN} {NaN NaN}}"
    if caption is None:
        assert tcl.error(f"torch::show [{tensor}]").startswith("Invalid input tensor: expected [H, W]")
    else:
        assert tcl(f"torch::show [{tensor}]") == ""
        assert "".join(written).splitlines()[-1] == caption


def test_kinds_and_channels(tcl):
    """A picture can be asked for as numbers, and one channel of a map."""
    written = []
    tcl.interpreter.session.write = lambda text: written.append(text) or 0
    tcl.run("set x [torch::rand {3 8 8}]; torch::show $x -kind map; torch::show $x -channel 2")
    assert "3 channels" in written[0]
    assert "channel 2 of the map" in written[1]
    assert tcl.error("torch::show $x -channel 3").startswith("Invalid channel value: expected 0 to 2, got 3")
    assert tcl.error("torch::show [torch::randn {2 5 5}] -kind picture").startswith("Invalid input tensor")


def test_output_that_is_lost_is_an_error(tcl):
    """A full disk, a closed pipe."""
    tcl.interpreter.session.write = lambda text: 28
    assert tcl.error("torch::show [torch::rand {3 8 8}]") == "Cannot write stdout: no space left on device"


# ---- The ways of drawing ---------------------------------------------------------------------------------------------


def test_half_blocks_hold_all_pixels():
    """Each character two, the upper in front, the lower behind."""
    pixels = rainbow(6, 5)
    lines = terminal.blocks(pixels, True).splitlines()
    assert len(lines) == 3
    codes = re.findall(r"38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▀", lines[1])
    assert [[int(number) for number in code] for code in codes] == [
        [*above, *below] for above, below in zip(pixels[2].tolist(), pixels[3].tolist(), strict=True)
    ]
    assert all(line.endswith("\x1b[0m") for line in lines)


def test_the_nearest_of_256_colours():
    """By brute force over the palette that terminals have."""
    levels = [0, 95, 135, 175, 215, 255]
    palette = [(r, g, b) for r in levels for g in levels for b in levels] + [(8 + 10 * i,) * 3 for i in range(24)]
    pixels = np.random.default_rng(1).integers(0, 256, (20, 20, 3), np.uint8)
    error = ((pixels[:, :, None].astype(int) - np.array(palette)) ** 2).sum(-1)
    found = terminal.nearest_of_256(pixels) - 16
    chosen = np.take_along_axis(error, found[..., None], -1)[..., 0]
    assert (chosen <= error.min(-1) * 1.5 + 30).all()
    assert terminal.nearest_of_256(np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]])).tolist() == [[16, 231, 196]]


def test_kittys_protocol_gives_the_pixels_back():
    """Compressed, in base64, in pieces."""
    pixels = np.random.default_rng(1).integers(0, 256, (60, 50, 3), np.uint8)
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", terminal.kitty(pixels))
    assert len(pieces) > 1
    assert pieces[0][0] == "a=T,f=24,s=50,v=60,o=z,q=2,m=1"
    assert [head for head, _ in pieces[1:]] == ["m=1"] * (len(pieces) - 2) + ["m=0"]
    data = zlib.decompress(base64.b64decode("".join(piece for _, piece in pieces)))
    assert (np.frombuffer(data, np.uint8).reshape(60, 50, 3) == pixels).all()


def decoded_sixel(text: str) -> np.ndarray:
    """What a terminal makes of sixel."""
    width, height = map(int, re.search(r'"1;1;(\d+);(\d+)', text).groups())
    canvas = np.zeros((height + 6, width, 3))
    palette, top, left, colour = {}, 0, 0, 0
    for found in re.finditer(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)(.)|([$-])|([?-~])", text.partition('"')[2][4:]):
        index, red, green, blue, chosen, length, repeated, move, single = found.groups()
        if index:
            palette[int(index)] = np.array([int(red), int(green), int(blue)]) * 2.55
        elif chosen:
            colour = int(chosen)
        elif move:
            left, top = 0, top + (6 if move == "-" else 0)
        else:
            bits = ord(repeated or single) - 63
            for row in (row for row in range(6) if bits >> row & 1):
                canvas[top + row, left : left + int(length or 1)] = palette[colour]
            left += int(length or 1)
    return canvas[:height]


def test_sixel_gives_the_picture_back():
    """Within its palette: pixels nearly, areas closely."""
    rows, columns = np.mgrid[:40, :50]
    pixels = np.stack([rows * 6, columns * 5, 255 - rows * 3], axis=-1).astype(np.uint8)
    drawn = decoded_sixel(terminal.sixel(pixels).split("\x1b\\")[0])
    assert np.abs(drawn - pixels).max() <= 52
    areas = (drawn - pixels)[:40, :48].reshape(5, 8, 6, 8, 3).mean(axis=(1, 3))
    assert np.abs(areas).max() < 6


@pytest.mark.parametrize(
    ("variables", "style"),
    [
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-kitty", "TMUX": "1"}, "blocks"),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, "ascii"),
        ({"TERM": "xterm", "TERM_PROGRAM": "WezTerm"}, "kitty"),
        ({"TERM": "linux"}, "ascii"),
        ({}, "ascii"),
    ],
)
def test_the_style_follows_the_terminal(monkeypatch, variables, style):
    """What it says of itself in the environment."""
    for name in ("TERM", "NO_COLOR", "TMUX", "STY", "TERM_PROGRAM", "KITTY_WINDOW_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("os.isatty", lambda descriptor: True)
    monkeypatch.setattr(terminal, "_has_sixel", lambda: False)
    assert terminal.choose_style() == style
    monkeypatch.setattr("os.isatty", lambda descriptor: False)
    assert terminal.choose_style() == "ascii"


def test_a_terminal_that_knows_sixel_says_so(monkeypatch):
    """Number 4 among its attributes."""
    for answer, expected in ((b"\x1b[?62;4;22c", True), (b"\x1b[?62;22c", False), (b"", False), (b"\x1b[?64c", False)):
        monkeypatch.setattr(terminal, "_answer", lambda question, answer=answer: answer)
        terminal._has_sixel.cache_clear()
        assert terminal._has_sixel() == expected
    terminal._has_sixel.cache_clear()


def test_pictures_fit_their_frame():
    """A picture is enlarged by a whole factor, or reduced by area averaging."""
    pixels = rainbow(10, 20)
    assert terminal.fit(pixels, 35, 1000).shape == (30, 60, 3)
    assert (terminal.fit(pixels, 35, 1000)[::3, ::3] == pixels).all()
    assert terminal.fit(pixels, 5, 1000).shape == (5, 10, 3)
    means = pixels.reshape(5, 2, 10, 2, 3).mean(axis=(1, 3))
    assert np.abs(terminal.fit(pixels, 5, 1000) - means).max() <= 0.5
    # Bins of adaptive average pooling: here the 10 rows become 4, and the 20 columns 8.
    bins = [slice(math.floor(p * 2.5), math.ceil((p + 1) * 2.5)) for p in range(8)]
    means = np.array([[pixels[rows, columns].mean(axis=(0, 1)) for columns in bins] for rows in bins[:4]])
    assert np.abs(terminal.fit(pixels, 4, 1000) - means).max() <= 0.5
    assert terminal.fit(pixels, 1, 1).shape == (1, 1, 3)


def test_numbers_by_colour():
    """Dark to bright, grey for what is no number; also where the span is no float64."""
    colours = views.by_colour(np.array([[0.0, 1.0, np.nan, np.inf, 0.5]]), 0, 1)[0].tolist()
    assert colours == [[68, 1, 84], [253, 231, 37], [128] * 3, [128] * 3, [33, 145, 140]]
    assert views.by_colour(np.array([[-1.7e308, 1.7e308]]), -1.7e308, 1.7e308)[0].tolist()[0] == [68, 1, 84]


def test_a_width_that_would_make_a_book():
    """A strip is not enlarged to more than a million characters; a picture as wide as it is high has its width."""
    strip = terminal.draw(np.zeros((100000, 1, 3), np.uint8), "blocks", 1000)
    assert strip.count("▀") <= terminal.MOST_CHARACTERS
    square = terminal.draw(np.zeros((500, 500, 3), np.uint8), "blocks", 1000)
    assert square.count("▀") == 1000 * 500
