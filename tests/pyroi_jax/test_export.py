"""pyroi.jax: programs that are stored, and platforms that it is not for."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest
from children import run_child

import pyroi

jax = pytest.importorskip("jax", reason="JAX is not installed")
importlib.import_module("jax.export")  # which older versions do not load by themselves
rj = importlib.import_module("pyroi.jax")

MAP = np.random.default_rng(0).standard_normal((2, 3, 9, 11)).astype(np.float32)
BOXES = np.array([[0, 1, 1, 5, 4.3], [1, -1, 2, 9, 5]], np.float32)


def export(function, *arguments, **options):
    """A stored program, with JAX told that our calls are meant to be in it."""
    checks = [jax.export.DisabledSafetyCheck.custom_call(name) for name in rj.TARGETS]
    return jax.export.export(jax.jit(function), disabled_checks=checks, **options)(*arguments)


def slope(map, boxes):
    """A program with crops and their gradient in it."""
    return jax.grad(lambda x: (rj.roi_align(x, boxes, (2, 3), 0.7) ** 2).sum())(map)


def run_stored(folder):
    """Whether a stored program, run in this process, gives what is stored beside it."""
    import pathlib

    import jax.export
    import numpy as np

    import pyroi.jax  # with which JAX knows the calls

    arrays = np.load(pathlib.Path(folder, "arrays.npz"))
    program = jax.export.deserialize(bytearray(pathlib.Path(folder, "program").read_bytes()))
    print(np.array_equal(program.call(arrays["map"], arrays["boxes"]), arrays["expected"]), pyroi.jax.__name__)


def test_stored_and_loaded_elsewhere(tmp_path):
    """In another process, which has imported pyroi.jax, it computes the same to the last bit."""
    (tmp_path / "program").write_bytes(export(slope, MAP, BOXES).serialize())
    np.savez(tmp_path / "arrays.npz", map=MAP, boxes=BOXES, expected=slope(MAP, BOXES))
    assert run_child(run_stored, str(tmp_path)) == "True pyroi.jax\n"


def test_any_number_of_boxes():
    """A program for K boxes, whatever K is."""
    [count] = jax.export.symbolic_shape("k")
    boxes = jax.ShapeDtypeStruct((count, 5), np.float32)
    program = export(lambda x, b: rj.roi_align(x, b, (2, 3)), jax.ShapeDtypeStruct(MAP.shape, np.float32), boxes)
    for rows in (BOXES, BOXES[:1], np.repeat(BOXES, 5, 0)):
        assert np.array_equal(program.call(MAP, rows), pyroi.roi_align(MAP, rows, (2, 3)))


@pytest.mark.parametrize("platform", ["cuda", "rocm", "tpu"])
def test_other_platforms(platform):
    """A program for these is refused while it is made, in words that say what to do."""
    with pytest.raises(
        NotImplementedError, match=f"roi_align runs only on the CPU, and is compiled for {platform}: jax.device_put"
    ):
        export(lambda x: rj.roi_align(x, BOXES, 2), MAP, platforms=[platform])


@pytest.mark.parametrize(
    "name",
    [
        "roi_align",
        "roi_align_rotated",
        "multiscale_roi_align",
        "roi_pool",
        "prroi_pool",
        "box_iou",
        "box_iou_rotated",
        "nms",
        "batched_nms",
        "nms_rotated",
    ],
)
def test_signatures(name):
    """Parameters have pyroi's names, order and defaults; what XLA has no way for (out, return_argmax) is left out."""
    theirs = dict(inspect.signature(getattr(pyroi, name)).parameters)
    mine = inspect.signature(getattr(rj, name)).parameters
    assert set(theirs) - set(mine) <= {"out", "return_argmax"}
    assert [(p.name, p.default, p.kind) for p in mine.values()] == [
        (p.name, p.default, p.kind) for p in theirs.values() if p.name in mine
    ]


def import_beside(version):
    """What is said where JAX is of this version."""
    import sys
    import types

    sys.modules["jax"] = types.SimpleNamespace(
        __version__=version, __version_info__=tuple(map(int, version.split(".")))
    )
    try:
        import pyroi.jax
    except ImportError as error:
        print(error)
    else:
        print(pyroi.jax)


def test_an_old_jax():
    """It is refused by its version."""
    assert run_child(import_beside, "0.4.30") == "pyroi.jax needs JAX 0.5 or newer, found 0.4.30\n"
