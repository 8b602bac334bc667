"""accelerate() and restore() for packages: names, versions, places, and the way back."""

from __future__ import annotations

import functools
import sys
import types

import numpy as np
import pytest
from children import run_child

import pyroi
from pyroi.errors import ArgumentError
from pyroi.tools import TOOLS
from pyroi.tools.replacing import Place, Replacement, Tool
from pyroi.tools.suppression import above_when_rounded


@pytest.fixture
def package():
    """A package `sample` of version 1.2 with a function and a method, and a module that has imported the function."""
    sample, user = types.ModuleType("sample"), types.ModuleType("user_of_sample")
    exec(
        "__version__ = '1.2.3+local'\n"
        "def double(x, times=1): return ('theirs', x, times)\n"
        "class Box:\n"
        "    @staticmethod\n"
        "    def area(x): return ('their area', x)\n"
        "    def side(self, x): return ('their side', x)\n",
        vars(sample),
    )
    user.twice = sample.double
    sys.modules.update({"sample": sample, "user_of_sample": user})
    yield sample, user
    del sys.modules["sample"], sys.modules["user_of_sample"]


def double(x, times=1):
    """Ours, which has no kernel for text and refuses 0."""
    if isinstance(x, str):
        return NotImplemented
    if x == 0:
        raise ArgumentError("x", "expected another number")
    return ("ours", x, times)


REPLACEMENTS = [
    Replacement("sample", "double", "x times", double),
    Replacement("sample", "Box.area", "x", lambda x: ("our area", x)),
    Replacement("sample", "Box.side", "self x", lambda self, x: ("our side", x)),
]


def test_in_and_out(package):
    """Everywhere, also where it was imported before; afterwards the very objects that were there."""
    sample, user = package
    before = sample.double, dict(vars(sample.Box))
    tool = Tool("sample", (1, 2), REPLACEMENTS)
    for _ in range(2):
        tool.accelerate()
        tool.accelerate()
        imported_later = sample.double
        assert sample.double(1, times=2) == user.twice(1, 2) == imported_later(1, 2) == ("ours", 1, 2)
        assert sample.Box.area(3) == sample.Box().area(3) == ("our area", 3)
        assert sample.Box().side(4) == ("our side", 4)
        assert sample.double.__name__ == "double" and sample.double.__wrapped__ is before[0]
        tool.restore()
        tool.restore()
        assert sample.double is user.twice is before[0]
        assert dict(vars(sample.Box)) == before[1]


def test_what_is_refused_goes_back(package):
    """To the package's own function, with the arguments as they came."""
    sample, _ = package
    tool = Tool("sample", (1, 2), REPLACEMENTS)
    tool.accelerate()
    assert sample.double("text", times=3) == ("theirs", "text", 3)
    assert sample.double(0) == ("theirs", 0, 1)
    tool.restore()


def test_former_names_go_back(package):
    """What a decorator lets the package's own take beyond its signature, and what is wrong for both."""
    sample, _ = package
    theirs = sample.double

    @functools.wraps(theirs)
    def renamed(*arguments, **options):
        return theirs(*arguments, **{"times" if name == "repeats" else name: x for name, x in options.items()})

    sample.double = renamed
    tool = Tool("sample", (1, 2), REPLACEMENTS)
    tool.accelerate()
    assert sample.double(1, times=2) == ("ours", 1, 2)
    assert sample.double(1, repeats=2) == ("theirs", 1, 2)
    with pytest.raises(TypeError, match="more"):
        sample.double(1, more=2)
    tool.restore()
    assert sample.double is renamed


def test_a_module_that_does_not_load(package, tmp_path, monkeypatch):
    """Whatever it raises, it is an ImportError, and nothing is replaced."""
    sample, _ = package
    (tmp_path / "sample_that_breaks.py").write_text("raise OSError('undefined symbol')")
    monkeypatch.syspath_prepend(tmp_path)
    before = sample.double
    tool = Tool("sample", (1, 2), [REPLACEMENTS[0], Replacement("sample_that_breaks", "double", "x", double)])
    with pytest.raises(ImportError, match="does not find double: undefined symbol"):
        tool.accelerate()
    assert sample.double is before


def test_an_interrupt_while_they_are_put_in(package, monkeypatch):
    """What was put in until then is taken out, and the next call starts afresh."""
    sample, _ = package
    before, tool = dict(vars(sample.Box)), Tool("sample", (1, 2), REPLACEMENTS[::-1])
    put_in = Place.put_in

    def interrupted(self):
        if self.name == "double":
            raise KeyboardInterrupt
        put_in(self)

    monkeypatch.setattr(Place, "put_in", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tool.accelerate()
    assert dict(vars(sample.Box)) == before
    monkeypatch.undo()
    tool.accelerate()
    assert sample.double(1) == ("ours", 1, 1)
    tool.restore()


def test_restored_by_either_door():
    """What a join's own accelerate() has put in, restore() takes out: there is one record of it."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("torchvision", reason="torchvision is not installed")
    from pyroi.torch import vision

    for tool in (None, "torchvision"):
        vision.accelerate()
        assert vision._registered is not None
        pyroi.restore(tool)
        assert vision._registered is None
        pyroi.accelerate("torchvision")
        vision.restore()
        assert vision._registered is None


@pytest.mark.parametrize(
    ("series", "replacement", "message"),
    [
        ((1, 3), REPLACEMENTS[0], r"accelerate\('sample'\) supports sample 1.3, found 1.2.3\+local"),
        ((1, 2), Replacement("sample", "triple", "x", double), r"does not find triple: .*triple"),
        ((1, 2), Replacement("sample.more", "double", "x", double), r"does not find double: "),
        (
            (1, 2),
            Replacement("sample", "double", "x", double),
            r"supports double with the parameters x, found x times",
        ),
    ],
)
def test_what_is_not_known(package, series, replacement, message):
    """Another version, or functions that are other: nothing is replaced, also not what was found before."""
    sample, _ = package
    before = sample.double, dict(vars(sample.Box))
    tool = Tool("sample", series, [*REPLACEMENTS[1:], replacement])
    with pytest.raises(ImportError, match=message):
        tool.accelerate()
    tool.restore()
    assert (sample.double, dict(vars(sample.Box))) == before


def test_names():
    """The tools that there are, and what else comes."""
    for wrong, error in (("yolo", ValueError), ("", ValueError), (None, TypeError), (3, TypeError)):
        with pytest.raises(error, match="tool: expected"):
            pyroi.accelerate(wrong)
    with pytest.raises(
        ValueError, match="tool: expected one of detectron2, mmcv, sahi, supervision, torchvision, ultra"
    ):
        pyroi.restore("yolo")
    pyroi.restore("ultralytics")
    pyroi.restore()


def import_absent(tool, package):
    """What is said where a package is not installed."""
    import sys

    import pyroi

    sys.modules[package] = None
    try:
        pyroi.accelerate(tool)
    except ImportError as error:
        print(error)


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_without_the_package(tool):
    """The error names it. (Some are joined through PyTorch, whose absence is told first.)"""
    said = run_child(import_absent, tool, tool)
    assert tool in said or "PyTorch, which is not installed" in said


def what_is_loaded():
    """By pyroi alone."""
    import sys

    import pyroi

    print(*[name for name in sys.modules if name in pyroi.tools.TOOLS])


def test_nothing_is_imported_before_it_is_named():
    """Tools cost nobody who does not ask for them."""
    assert run_child(what_is_loaded).split() == []


def test_thresholds_of_rounded_numbers():
    """x is above the number exactly if float32(x) is above the threshold: around the steps of float32."""
    rng = np.random.default_rng(0)
    for threshold in [
        0.0,
        0.3,
        0.5,
        0.7,
        1 / 3,
        1.0,
        *rng.random(30),
        *rng.random(30).astype(np.float32).astype(float),
    ]:
        limit = above_when_rounded(threshold)
        steps = np.float32(threshold) + np.arange(-3, 4, dtype=np.float32) * np.spacing(np.float32(threshold))
        middles = (steps[1:].astype(float) + steps[:-1].astype(float)) / 2
        around = np.concatenate([steps.astype(float), middles, np.nextafter(middles, -9), np.nextafter(middles, 9)])
        inside = around[(around >= 0) & (around <= 1)]
        assert np.array_equal(inside > limit, inside.astype(np.float32).astype(float) > threshold)
