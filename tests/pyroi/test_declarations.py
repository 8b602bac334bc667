"""Invalid calls of every function, generated from its signature: missing, misspelt, of a wrong type, out of range.

A function that is added to pyroi needs a row in GOOD (tests/support/calls.py), and a parameter of a new name one in
RANGES.
"""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from calls import BOX, GOOD, PLACES, TURNED
from oracles.cases import A25

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError

pytestmark = pytest.mark.generated

NAN, INF = math.nan, math.inf
# What has no arguments to speak of: see test_threads, test_linking, test_memory and test_contract.
SETTINGS = {"cpu_features", "get_include", "get_library", "get_num_threads", "release_memory", "set_num_threads"}
SETTINGS |= {"watch_cancel_flag"}
SETTINGS |= {"accelerate", "restore"}  # see tests/pyroi_tools

# Things that no parameter takes, unless its annotation is one of those named with it.
NO_TYPE = {
    "text": ("text", {"str"}),
    "bytes": (b"xyxy", set()),
    "None": (None, {"None"}),
    "a fraction": (2.5, {"float", "npt.ArrayLike"}),
    "a complex number": (1j, set()),
    "an object": (object(), set()),
    "a list of text": (["a", "b"], set()),
    "a dictionary": ({"x": 1}, set()),
}

SIDES = [(-1, 2), (2, 2, 2), (2**62, 2**62), (2**63, 1)]
SHAPES = [(1, 1, -5, 5), (1, 1), (1, 1, 2**62, 2**62), (1, 1, 2**63, 1)]
MAPS = [np.ones(5), np.ones((1, 1, 1, 1, 1))]
TABLES = [np.ones((1, 3)), np.ones((1, 7)), np.ones((1, 1, 5)), BOX + NAN, BOX + INF]
NO_IMAGE = [*TABLES, BOX - 1, BOX + [1, 0, 0, 0, 0]]
TURNED_TABLES = [np.ones((2, 3)), np.ones((2, 7)), np.ones((2, 1, 5)), TURNED + NAN, TURNED + INF, -TURNED]
BARE = [np.ones((2, 3)), np.ones((2, 7)), np.ones((2, 1, 5)), 1.0]  # boxes that are only computed with may be any

# What a parameter of the name may not be, whatever the function.
RANGES = {
    "argmax": [PLACES - 2, PLACES + 25, PLACES[..., :1]],
    "boxes": NO_IMAGE,
    "boxes1": BARE,
    "boxes2": BARE,
    "canonical_level": [2**63],
    "canonical_scale": [0, -1, NAN, INF],
    "features": [[], [A25[0]]],
    "grad": [*MAPS, np.ones((3, 1, 2, 2), np.float32), np.ones((1, 2, 2, 2), np.float32)],
    "grid": [np.zeros((1, 2, 2, 3), np.float32), np.zeros((2, 2, 2, 2), np.float32), np.zeros((2, 2), np.float32)],
    "idxs": [[0], [0, 0.5], [0, NAN]],
    "image": [np.ones(5), np.ones((1, 1, 1, 1, 1))],
    "in_fmt": ["xy", ""],
    "indices": [PLACES - 2, PLACES + 25, PLACES[..., :1]],
    "input": MAPS,
    "input_shape": SHAPES,
    "iou_threshold": [-0.1, 1.1, NAN],
    "masks": [np.ones((3, 3), bool), np.ones(3, bool)],
    "max_output": [-1, 2**63],
    "mean": [[0.5, 0.5, 0.5], NAN, [INF]],
    "method": ["hard", ""],
    "min_size": [NAN],
    "mode": ["median", ""],
    "num_levels": [0, -1, 2**63],
    "out": [np.ones((2, 1, 2, 2), np.float32), np.ones(3, np.float32)],
    "out_fmt": ["xy", ""],
    "output_size": SIDES,
    "padding_mode": ["zero", ""],
    "sampling_ratio": [2**63, -(2**63) - 1],
    "scale_factor": [0, -1, NAN, INF, (1.0, 1.0, 1.0)],
    "score_threshold": [NAN],
    "scores": [[0.1], [0.1, NAN], [[0.1, 0.2]]],
    "sigma": [0, -1, NAN],
    "size": [(-1, 2), (2, 2, 2)],
    "spatial_scale": [0, -1, NAN, INF],
    "spatial_scales": [[], [0], [NAN], [1, 1]],
    "std": [[0], [NAN], [1, 1, 1]],
    "theta": [np.ones((1, 2, 2)), np.ones((2, 3))],
}  # True and False are in range, whatever their parameters are called
# And what it may not be in some functions, instead.
SPECIAL = {
    ("assign_levels", "boxes"): TABLES,  # whatever the image
    ("nms_rotated", "boxes"): TURNED_TABLES,
    ("ps_roi_align", "output_size"): SIDES[:2],  # too many bins are too few channels
    ("ps_roi_pool", "output_size"): SIDES[:2],
    ("ps_roi_align_backward", "grad"): [*MAPS, np.ones((3, 1, 1, 1)), np.ones((1, 2, 1, 1))],
    ("ps_roi_pool_backward", "grad"): [*MAPS, np.ones((3, 1, 1, 1)), np.ones((1, 2, 1, 1))],
    ("roi_align_rotated", "boxes"): TURNED_TABLES,
    ("roi_align_rotated_backward", "boxes"): TURNED_TABLES,
    ("roi_align_rotated", "sampling_ratio"): [129, 2**63, -(2**63) - 1],
    ("roi_align_rotated_backward", "sampling_ratio"): [129, 2**63, -(2**63) - 1],
}
INSTEAD = {("interpolate", "scale_factor"): "size"}  # a parameter that has to go where the other one comes


def functions():
    """The public functions, by name."""
    return {name: value for name, value in vars(pyroi).items() if name in pyroi.__all__ and inspect.isfunction(value)}


def parameters():
    """Every parameter of every function."""
    for name, function in functions().items():
        if name not in SETTINGS:
            for parameter in inspect.signature(function).parameters.values():
                yield pytest.param(name, parameter, id=f"{name}-{parameter.name}")


EACH = pytest.mark.parametrize(("name", "parameter"), list(parameters()))


def refuses(name, parameter, value):
    """The call with this value raises an error that names the parameter and says more than that."""
    arguments = {**GOOD[name], parameter.name: value}
    arguments.pop(INSTEAD.get((name, parameter.name)), None)
    with pytest.raises((ArgumentError, ArgumentTypeError)) as caught:
        getattr(pyroi, name)(**arguments)
    assert caught.value.argument == parameter.name, (value, str(caught.value))
    assert str(caught.value) == f"{parameter.name}: {caught.value.rule}"
    assert len(caught.value.rule) > 10
    return caught.value


def test_every_function_has_its_row():
    """GOOD names all functions and no other, RANGES all parameters but the truths."""
    assert GOOD.keys() == functions().keys() - SETTINGS
    named = {p.name: p.annotation for name in GOOD for p in inspect.signature(getattr(pyroi, name)).parameters.values()}
    assert RANGES.keys() == {name for name, annotation in named.items() if annotation != "bool"}


@pytest.mark.parametrize("name", GOOD)
def test_good_call(name):
    """What the other tests break one thing in is right."""
    getattr(pyroi, name)(**GOOD[name])


@EACH
def test_missing(name, parameter):
    """What has no default has to be there."""
    if parameter.default is not inspect.Parameter.empty:
        assert parameter.name not in GOOD[name] or (parameter.name in INSTEAD.values())
        return
    arguments = {key: value for key, value in GOOD[name].items() if key != parameter.name}
    with pytest.raises(TypeError, match=parameter.name):
        getattr(pyroi, name)(**arguments)


@EACH
def test_misspelt(name, parameter):
    """A name that is not quite the parameter's is none."""
    for wrong in (parameter.name + "s", parameter.name.title(), parameter.name.replace("_", "")):
        if wrong != parameter.name:
            with pytest.raises(TypeError, match=wrong):
                getattr(pyroi, name)(**GOOD[name], **{wrong: 1})


@pytest.mark.parametrize("name", GOOD)
def test_too_many(name):
    """Parameters that go by name only do not go by position, and there is no end of those that do."""
    function = getattr(pyroi, name)
    positional = [p for p in inspect.signature(function).parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD]
    with pytest.raises(TypeError, match="positional"):
        function(*[None] * (len(positional) + 1))


@EACH
@pytest.mark.parametrize("what", NO_TYPE)
def test_wrong_type(name, parameter, what):
    """Text, None, complex numbers, objects: an error that names the parameter."""
    value, taken_by = NO_TYPE[what]
    if taken_by.isdisjoint(parameter.annotation.split(" | ")):
        refuses(name, parameter, value)


@EACH
def test_out_of_range(name, parameter):
    """A value that the parameter may not have: a ValueError that names it."""
    for value in SPECIAL.get((name, parameter.name), RANGES.get(parameter.name, [])):
        assert isinstance(refuses(name, parameter, value), ValueError)
