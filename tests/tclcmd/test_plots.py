"""torch::plot_boxes and torch::plot_features, against pictures that were looked at.

The goldens lie in goldens/. To make one again, delete it and run its test, which fails and leaves a new one to look at.
"""

from __future__ import annotations

import pathlib
import sys
import xml.etree.ElementTree

import numpy as np
import pytest

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")

GOLDENS = pathlib.Path(__file__).parent / "goldens"

SETUP = """
set ramp [torch::tensor_reshape [torch::linspace 0 1 3072] {3 32 32}]
set boxes {{2 3 14 12} {10 10 30 28} {20 2 26 9}}
set map [torch::tensor_reshape [torch::linspace -2 3 480] {1 6 8 10}]
"""

PLOTS = {
    "boxes": "torch::plot_boxes $ramp $boxes FILE",
    "boxes_labels": "torch::plot_boxes $ramp $boxes FILE -labels {cat dog cat} -scores {0.9 0.75 0.3}",
    "boxes_scores": "torch::plot_boxes $ramp $boxes FILE -scores {0.9 0.75 0.3} -title {By score}",
    "features": "torch::plot_features $map FILE",
    "features_crops": "torch::plot_features [torch::tensor_reshape $map {3 2 8 10}] FILE",
    "features_channel": "torch::plot_features $map FILE -channel 2",
}

#: Fonts and line drawing differ a little between versions of matplotlib: the goldens are small, and compared softly;
#: one box fewer makes 0.6.
SHRINK, MEAN_TOLERANCE = 4, 0.5


def small(path: pathlib.Path) -> Image.Image:
    """The plot at a quarter of its size."""
    plot = Image.open(path).convert("RGB")
    return plot.resize((plot.width // SHRINK, plot.height // SHRINK), Image.Resampling.BOX)


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_looks_as_it_did(tcl, tmp_path, name):
    """Within a tolerance, after shrinking."""
    path = tmp_path / f"{name}.png"
    tcl.run(SETUP + PLOTS[name].replace("FILE", str(path)))
    golden = GOLDENS / f"{name}.png"
    if not golden.exists():
        small(path).save(golden, optimize=True)
        pytest.fail(f"{golden} was not there: look at it")
    expected = Image.open(golden).convert("RGB")
    drawn = small(path)
    assert abs(drawn.width - expected.width) <= 3
    assert abs(drawn.height - expected.height) <= 3
    difference = np.abs(np.asarray(drawn.resize(expected.size), int) - np.asarray(expected, int))
    assert difference.mean() < MEAN_TOLERANCE


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_formats(tcl, tmp_path, ending):
    """By the ending of the name."""
    tcl.run(f"{SETUP} torch::plot_features $map {tmp_path}/x.{ending}")
    assert (tmp_path / f"x.{ending}").stat().st_size > 1000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("torch::plot_boxes [torch::zeros {2 3 8 8}] {0 0 1 1} x.png", "Invalid image tensor: expected one picture"),
        ("torch::plot_boxes $ramp {0 0 1} x.png", "Invalid boxes tensor: expected [K, 4] or [K, 5], got [3]"),
        (
            "torch::plot_boxes $ramp {1 0 0 1 1} x.png",
            "Invalid boxes tensor: expected finite coordinates and the batch",
        ),
        ("torch::plot_boxes $ramp {0 0 1 nan} x.png", "Invalid boxes tensor: expected finite coordinates"),
        ("torch::plot_boxes $ramp {0 0 1 1} x.png {a b}", "Invalid labels value: expected one for each of the 1 boxes"),
        (
            "torch::plot_boxes $ramp {0 0 1 1} x.png -scores {1 2}",
            "Invalid scores tensor: expected one for each of the 1",
        ),
        ("torch::plot_features [torch::zeros 3] x.png", "Invalid input tensor: expected [H, W]"),
        ("torch::plot_features $map x.foo", "Invalid file value: expected a name that ends in .png"),
        ("torch::plot_features $map nowhere/x.png", "Cannot write nowhere/x.png: no such file"),
    ],
)
def test_what_cannot_be_plotted(tcl, tmp_path, monkeypatch, call, message):
    """Is an error that leaves no file."""
    monkeypatch.chdir(tmp_path)
    tcl.run(SETUP)
    assert tcl.error(call).startswith(message)
    assert not list(tmp_path.iterdir())


#: What would be mathematics, or a mistake in it, if a $ began any; and what else a title or label may hold.
TEXTS = [
    r"$\frac{",
    "$$",
    "$",
    "$a",
    r"$\undefined$",
    "$5 and $6",
    r"\$x",
    "%s {x} _^",
    "a\nb\tc",
    "größe 中 😀",
    " ",
    "x" * 1000,
]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
@pytest.mark.filterwarnings("ignore:Glyph", "ignore:constrained_layout")
def test_texts_are_shown_as_they_are_written(tcl, tmp_path, ending):
    """In titles and labels of both plots, in every format; an SVG stays XML."""
    path = tmp_path / f"x.{ending}"
    tcl.interpreter.set_global("texts", TEXTS)
    tcl.run(f"{SETUP} set boxes [torch::zeros {{{len(TEXTS)} 4}}]")
    for call in (
        "torch::plot_boxes $ramp $boxes FILE -labels $texts -title [join [lrange $texts 0 end-1]]",
        "torch::plot_features [torch::ones {2 2}] FILE -title [lindex $texts 0]",
    ):
        tcl.run(call.replace("FILE", str(path)))
        if ending == "svg":
            xml.etree.ElementTree.parse(path)
        path.unlink()


def test_a_dollar_is_drawn(tcl, tmp_path):
    """Each is a character of the title; as the signs around a formula, they would be gone."""
    counts = []
    for dollars in (20, 2):
        title = "$" * dollars + "I" * 10
        tcl.run(f"{SETUP} torch::plot_boxes $ramp {{2 3 14 12}} {tmp_path}/x.svg -title {{{title}}}")
        counts.append((tmp_path / "x.svg").read_text().count("<use "))
    assert counts[0] - counts[1] == 18


@pytest.mark.filterwarnings("ignore:constrained_layout")
def test_the_longest_title(tcl, tmp_path):
    """It makes the plot wide."""
    tcl.run(f"{SETUP} torch::plot_boxes $ramp {{2 3 14 12}} {tmp_path}/x.png -title [string repeat x 1000]")
    assert Image.open(tmp_path / "x.png").width > 5000


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("x" * 1001, "expected at most 1000 characters, got 1001"),
        ("x" * 20000, "expected at most 1000 characters, got 20000"),
        ("a\x01b", "expected text that can be shown, got the character U+0001"),
        ("a\x1bb", "expected text that can be shown, got the character U+001B"),
        ("a\uffff", "expected text that can be shown, got the character U+FFFF"),
    ],
)
def test_texts_that_cannot_be_shown(tcl, tmp_path, text, rule):
    """They are refused before anything is drawn, by the parameter that they are given to."""
    tcl.interpreter.set_global("text", text)
    path = f"{tmp_path}/x.png"
    for call, name in (
        (f"torch::plot_boxes $ramp {{2 3 14 12}} {path} -title $text", "title"),
        (f"torch::plot_boxes $ramp {{2 3 14 12}} {path} -labels [list $text]", "labels"),
        (f"torch::plot_features $map {path} -title $text", "title"),
    ):
        assert tcl.error(SETUP + call) == f"Invalid {name} value: {rule}"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", ["1.7e308"])
@pytest.mark.filterwarnings("ignore:constrained_layout")
def test_numbers_too_large_to_draw(tcl, tmp_path, size):
    """They are refused, by the rule; up to 1e300 they are drawn."""
    path, rule = f"{tmp_path}/x.png", "expected finite numbers from -1e300 to 1e300, got "
    for call, name in (
        (f"torch::plot_features [torch::tensor_create {{{{-SIZE 0}} {{0 SIZE}}}} float64] {path}", "input"),
        (f"torch::plot_boxes $ramp [torch::tensor_create {{{{0 0 1 SIZE}}}} float64] {path}", "boxes"),
        (f"torch::plot_boxes $ramp {{0 0 1 1}} {path} -scores [torch::tensor_create {{SIZE}} {{1}} float64]", "scores"),
    ):
        assert tcl.error(SETUP + call.replace("SIZE", size)).startswith(f"Invalid {name} tensor: {rule}")
        assert not list(tmp_path.iterdir())
        tcl.run(SETUP + call.replace("SIZE", "1e300"))
        (tmp_path / "x.png").unlink()


@pytest.mark.parametrize("score", ["nan", "inf", "-inf"])
def test_scores_without_a_colour(tcl, tmp_path, score):
    """NaN and infinity have no place on the bar: a box that would not be seen is an error."""
    call = f"torch::plot_boxes $ramp {{0 0 1 1}} {tmp_path}/x.png -scores [torch::tensor_create {{{score}}} {{1}}]"
    assert tcl.error(SETUP + call).startswith("Invalid scores tensor: expected finite numbers")


def test_no_format_starts_a_program(tcl, tmp_path):
    """PGF would start LaTeX."""
    assert tcl.error(f"{SETUP} torch::plot_features $map {tmp_path}/x.pgf").startswith("Invalid file value")
    message = tcl.error(f"{SETUP} torch::plot_features $map {'x' * 10000}.foo")
    assert len(message) < 200


@pytest.mark.parametrize("boxes", ["{}", "[torch::zeros {0 5}]", "{0 5 5 20 20}", "{20 20 5 5}", "{-9 -9 90 90}"])
def test_odd_boxes(tcl, tmp_path, boxes):
    """None, one as a plain list, mirrored, beyond the picture."""
    tcl.run(f"{SETUP} torch::plot_boxes $ramp {boxes} {tmp_path}/x.png")


def test_odd_maps(tcl, tmp_path):
    """Constant, not finite, of integers."""
    for tensor in ("torch::ones {4 4}", "torch::tensor_create {{NaN 1} {2 inf}}", "torch::ones {2 3 4 4} int64"):
        tcl.run(f"torch::plot_features [{tensor}] {tmp_path}/x.png")


def test_without_matplotlib_it_says_what_to_install(tcl, tmp_path, monkeypatch):
    """Only plots need it."""
    for name in list(sys.modules):
        if name.startswith("matplotlib"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = tcl.error(f"{SETUP} torch::plot_features $map {tmp_path}/x.png")
    assert "pip install '.[plot]'" in message


def test_a_home_in_which_nothing_can_be_written(roish, tmp_path):
    """matplotlib keeps its notes elsewhere, and tells nobody."""
    nowhere = {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "MPLCONFIGDIR": ""}
    done = roish("-c", "puts [torch::plot_features [torch::ones {1 2 4 4}] f.png]", variables=nowhere)
    assert (done.stdout, done.stderr, done.returncode) == ("f.png\n", "", 0)
    assert (tmp_path / "f.png").exists()
