"""Each public docstring has an example that does what it shows; and what else a reader of the API relies on."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import typing

import numpy as np
import pytest

import pyroi
from pyroi import argument_types, batch, box_files

# What is no function, or what has no result to show.
WITHOUT = {"Error", "__version__"}
WITHOUT_RESULT = {"restore", "set_num_threads"}


#: Public functions of modules that need no other package.
OF_MODULES = [batch.Result, batch.map, box_files.format_of, box_files.read_boxes, box_files.read_class_names,
              box_files.write_boxes]  # fmt: skip


@pytest.mark.parametrize(
    "public",
    [*(getattr(pyroi, name) for name in sorted(set(pyroi.__all__) - WITHOUT)), *OF_MODULES],
    ids=lambda public: f"{public.__module__}.{public.__qualname__}",
)
def test_example(public):
    """There is one, and it runs to the end with the output that it shows."""
    name = public.__name__
    found = doctest.DocTestFinder(recurse=False).find(public, name)
    examples = [example for test in found for example in test.examples]
    assert any(example.want for example in examples) or name in WITHOUT_RESULT
    with np.printoptions(legacy=False):
        for test in found:
            assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("name", sorted(set(pyroi.__all__) - WITHOUT))
def test_sections(name):
    """Parameters each by their name, a result, and the errors, for functions that have these."""
    function = getattr(pyroi, name)
    text, signature = inspect.getdoc(function), inspect.signature(function)
    for parameter in signature.parameters:
        assert re.search(rf"^    {parameter}: \S", text, re.MULTILINE), parameter
    if not isinstance(function, type):
        assert ("\nReturns:\n" in text) == (signature.return_annotation != "None")
        assert ("\nRaises:\n" in text) or not signature.parameters


def test_names_of_choices():
    """The literals in signatures are the choices that the functions have."""
    choices = {
        "AlignMode": ("pyroi.align", "MODES"),
        "GridMode": ("pyroi.grid", "_MODES"),
        "Padding": ("pyroi.grid", "_PADDING"),
        "ResizeMode": ("pyroi.resize", "_MODES"),
        "SoftMethod": ("pyroi.nms", "_METHODS"),
        "BoxFormat": ("pyroi.boxes", "COLUMNS"),
    }
    for name, (module, table) in choices.items():
        known = getattr(importlib.import_module(module), table)
        assert typing.get_args(getattr(argument_types, name)) == tuple(known), name
    assert set(choices) | {"Boxes"} == set(argument_types.__all__)


def test_dir():
    """dir() lists the API alone."""
    assert dir(pyroi) == sorted(pyroi.__all__)


@pytest.mark.parametrize("kind", [pyroi.ROIAlign, pyroi.MultiScaleROIAlign])
def test_modules_compare_by_their_settings(kind):
    """Objects with the same settings are equal, hash alike, and show their settings; others differ in each of them."""
    one = kind(7)
    assert one == kind((7, 7)) and hash(one) == hash(kind((7, 7))) and repr(one) == repr(kind((7, 7)))
    assert one != kind(8) and one != kind(7, aligned=False) and one != "ROIAlign"
    for name in inspect.signature(kind).parameters:
        if name != "canocical_scale":
            assert f"{name}=" in repr(one)
    if kind is pyroi.MultiScaleROIAlign:
        assert one != kind(7, 3) and one != kind(7, 2, 100.0) and kind(7) != pyroi.ROIAlign(7)
