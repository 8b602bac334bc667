"""torch::plot_boxes and torch::plot_features, against pictures that were looked at.

The goldens lie in goldens/. To make one anew, delete it and run its test, which fails and leaves a new one to look at.
"""

from __future__ import annotations

import pathlib
import sys

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
