"""Each public docstring has an example that does what it shows; and what else a reader of the API relies on."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pathlib
import re
import typing

import numpy as np
import pytest
from oracles.autograd import torchvision_ops

import pyroi
from pyroi import argument_types, batch, box_files

# What is no function, or what has no result to show.
WITHOUT = {"Error", "__version__"}
WITHOUT_RESULT = {"restore", "set_num_threads"}


#: Public functions of modules that need no other package.
OF_MODULES = [batch.Result, batch.map, box_files.class_format_of, box_files.format_of, box_files.read_boxes,
              box_files.read_class_names, box_files.write_boxes]  # fmt: skip


@pytest.mark.parametrize(
    "public",
    [*(getattr(pyroi, name) for name in sorted(set(pyroi.__all__) - WITHOUT)), *OF_MODULES],
    ids=lambda public: f"{public.__module__}.{public.__qualname__}",
)
def test_example(public):
    """There is one, and it runs to the end with the output that it shows."""
    run_example(public, public.__name__)


def run_example(public, name):
    """Runs the example in the docstring of a function, class or module."""
    found = doctest.DocTestFinder(recurse=False).find(public, name)
    examples = [example for test in found for example in test.examples]
    assert any(example.want for example in examples) or name in WITHOUT_RESULT
    with np.printoptions(legacy=False):
        for test in found:
            assert doctest.DocTestRunner().run(test).failed == 0


#: The modules of pyroi for other packages, with the packages that their examples import.
JOINS = {
    "pyroi.autograd": ["autograd"],
    "pyroi.jax": ["jax"],
    "pyroi.numba": ["numba"],
    "pyroi.onnxruntime": ["onnxruntime", "onnx"],
    "pyroi.torch": ["torch"],
}
#: Names that stand for no function or class.
CONSTANTS = {"TARGETS"}


def names_of(module):
    """What a module lists in ``__all__``, which is read without importing it."""
    path = pathlib.Path(pyroi.__file__).parents[1] / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return sorted(set(ast.literal_eval(node.value)) - CONSTANTS)
    raise AssertionError(f"{module} has no __all__")


def imported(module):
    """A module of JOINS; skips the test where a package that it needs is not installed."""
    for package in JOINS[module]:
        pytest.importorskip(package, reason=f"{package} is not installed")
    return importlib.import_module(module)


of_joins = pytest.mark.parametrize(
    ("module", "name"),
    [pytest.param(module, name, id=f"{module}.{name}") for module in JOINS for name in names_of(module)],
)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # which torchvision calls
@of_joins
def test_example_of_join(module, name):
    """Functions and classes for other packages have one as well."""
    public = getattr(imported(module), name)
    if module == "pyroi.torch" and name in ("accelerate", "restore"):
        torchvision_ops()
    run_example(public, name)


@pytest.mark.parametrize("module", JOINS)
def test_example_of_module(module):
    """The first thing that `help` shows of a module for another package is a program for that package."""
    run_example(imported(module), module)


@of_joins
def test_sections_of_join(module, name):
    """Functions and classes for other packages document parameters, results and errors as those of pyroi do."""
    check_sections(getattr(imported(module), name))


@pytest.mark.parametrize("name", sorted(set(pyroi.__all__) - WITHOUT))
def test_sections(name):
    """Parameters each by their name, a result, and the errors, for functions that have these."""
    check_sections(getattr(pyroi, name))


def check_sections(function):
    """Checks the sections of a docstring against the signature."""
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
