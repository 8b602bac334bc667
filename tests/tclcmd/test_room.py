"""The room that commands check before they work: for results, and for all arrays that are made on the way.

What a command takes is measured, since NumPy tells tracemalloc of its arrays. With less room, the command is to say so.
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from pyroi import limits
from tclcmd.values import sizes

pytestmark = pytest.mark.generated

DTYPES = ("float32", "float64", "float16", "int32", "int64", "uint8", "bool")
FLOATS = DTYPES[:3]

#: The tensors x and y are [512, 512] and of each type in turn; i and h are Int64 and Float32, m is a mask, v is [512],
#: c [262144, 1] and one [1]; k and k32 are indices.
SIDE = 512

#: The smallest array of all elements that a command may have forgotten takes a byte for each, so less is tolerated:
#: buffers of NumPy, and objects of Python.
TOLERATED = SIDE * SIDE // 2

REDUCED = [
    f"torch::tensor_{name}{words}"
    for name in ("sum", "mean", "max", "min", "prod", "var", "std", "argmax", "argmin")
    for words in (" $x", " $x 0", " $c 1")
]
NORMS = [
    f"torch::tensor_norm {x} {p}{dim}" for p in ("2", "1", "-1", "inf", "0") for x, dim in (("$x", ""), ("$c", " 1"))
]
SORTED = [
    f"torch::tensor_{words}"
    for words in ("argsort $x", "argsort $x 0 true", "argsort $v", "sort $x", "sort $x 0 true", "topk $x 3",
                  "topk $x 500 0 false", "nonzero $x", "nonzero [torch::tensor_reshape $x 262144]", "cumsum $x")
]  # fmt: skip
FUNCTIONS = [
    f"torch::tensor_{words}"
    for words in ("abs $x", "neg $x", "relu $x", "floor $x", "ceil $x", "round $x", "sqrt $x", "exp $x", "log $x",
                  "sigmoid $x", "tanh $x", "clamp $x 1", "clamp $x 0.5", "clamp $x", "matmul $x $y", "matmul $v $x",
                  "matmul $x $i", "matmul $x $h")
]  # fmt: skip
CHOSEN = [
    f"torch::tensor_{words}"
    for words in ("index_select $x 1 $k", "index_select $v 0 $k", "index_select $v 0 $k32", "masked_select $x $m",
                  "masked_select $v $m", "masked_fill $x $m 1", "masked_fill $x $m $one", "where $m $x $y",
                  "where $m $x $i", "where $m $h $x", "where $m $x 1", "where $m 0.5 $x")
]  # fmt: skip
SHAPED = [
    f"torch::tensor_{words}"
    for words in ("expand $v {300 512}", "slice $x 1 0 400 2", "slice $x 0 1", "split $x 3",
                  "split $x {300 0 300 0 300}", "chunk $x 3 1", "cat [list $x $y $x]", "stack [list $x $y] 1",
                  "permute $x {1 0}", "reshape [torch::tensor_permute $x {1 0}] -1",
                  "flatten [torch::tensor_permute $x {1 0}]")
]  # fmt: skip
TWO = [
    *(f"torch::tensor_{name} $x {other}" for name in ("add", "mul", "div", "pow")
      for other in ("$y", "$i", "$h", "$v", "2", "0.5")),
    *(f"torch::tensor_{name} $x {other} 2" for name in ("add", "sub") for other in ("$y", "$i", "$h", "$v", "2")),
    *(f"torch::{name} $x {other}" for name in ("eq", "gt") for other in ("$y", "$i", "$h", "$v", "2", "0.5")),
    *(f"torch::{name} $x {other}" for name in ("isclose", "allclose") for other in ("$y", "$i", "$h", "$v")),
    "torch::isclose $x $y -equalNan 1",
    *(f"torch::logical_{name}" for name in ("and $x $i", "xor $x $v", "not $x")),
]  # fmt: skip
MADE = [
    *(f"torch::{name} $x" for name in ("isnan", "isinf", "isfinite", "zeros_like", "ones_like")),
    *(f"torch::tensor_to $x {dtype}" for dtype in DTYPES),
    *(f"torch::{name} {{512 512}} {dtype}" for name in ("zeros", "ones") for dtype in DTYPES),
    *(f"torch::{name} {{512 512}} {dtype}" for name in ("rand", "randn") for dtype in FLOATS),
    *(f"torch::randint 0 2 {{512 512}} {dtype}" for dtype in DTYPES),
    *(f"torch::{name} 0 262144 1{words}" for name in ("arange",) for words in ("", " int64", ".0", ".0 float64")),
    *(f"torch::linspace 0 {end} 262144 {dtype}" for end in ("1", "0.5") for dtype in ("float32", "float64", "int64")),
]


@pytest.fixture
def small_buffers():
    """NumPy converts few elements at a time, so that its buffers are small beside the tensors."""
    before = np.setbufsize(1024)
    yield
    np.setbufsize(before)


@pytest.fixture
def room(monkeypatch):
    """Sets the bytes that there are for arrays from then on; also small requests are checked."""
    monkeypatch.setattr(sizes, "SMALL", 1)

    def limit(most):
        monkeypatch.setattr(limits, "memory_limits", lambda: [limits.Limit(most, tracemalloc.get_traced_memory()[0])])

    return limit


def measured(evaluate, script):
    """What a script gives, and the bytes of the arrays that there are at most meanwhile."""
    tracemalloc.start()
    try:
        return evaluate(script), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def set_tensors(given, dtype):
    """The variables that the calls name."""
    source = np.random.default_rng(0)

    def drawn(kind, *shape):
        return source.integers(0, 2 if kind == "bool" else 5, shape).astype(kind)

    for name, kind in (("x", dtype), ("y", dtype), ("i", "int64"), ("h", "float32"), ("m", "bool")):
        given.set(name, drawn(kind, SIDE, SIDE))
    given.set("c", drawn(dtype, SIDE * SIDE, 1))
    given.set("v", drawn(dtype, SIDE))
    given.set("one", drawn(dtype, 1))
    given.set("k32", np.zeros(SIDE * SIDE, np.int32))


@pytest.mark.parametrize("call", [*REDUCED, *NORMS, *SORTED, *FUNCTIONS, *CHOSEN, *SHAPED, *TWO, *MADE])
def test_room_is_checked_for_all_that_is_taken(given, room, small_buffers, call):
    """Not only for the result."""
    forgotten = {}
    for dtype in DTYPES if "$" in call else DTYPES[:1]:
        set_tensors(given, dtype)
        given.set("k", np.zeros(SIDE if "$x" in call else SIDE * SIDE, np.int64))
        script = f"set answer [{call}]"
        room(1 << 62)
        given.tcl.run(f"{script}; unset answer")  # what is made once is made
        _, taken = measured(given.tcl.run, script)
        given.tcl.run("unset answer")
        if taken < TOLERATED:  # a number, or a view
            continue
        room(taken - TOLERATED)
        message, _ = measured(given.tcl, f"catch {{{script}}} message; set message")
        if not message.startswith("Out of memory: "):
            forgotten[dtype] = taken / SIDE**2
    assert not forgotten, "bytes for each element that were taken without a check"


def test_a_number_of_elements_is_checked_before_they_are_sorted(given, room):
    """There is no room to sort them."""
    given.set("x", np.zeros(SIDE, np.float32))
    room(1)
    assert given.tcl.error(f"torch::tensor_topk $x {SIDE + 1}").startswith("Invalid k value: expected at most 512")
    assert given.tcl.error(f"torch::tensor_topk $x {SIDE}").startswith("Out of memory: ")


def test_parts_that_overlap_are_counted_together(given, room):
    """Indices may go back, and then the parts are more than the tensor; the message has their number."""
    given.set("x", np.zeros(SIDE * SIDE, np.float32))
    script = f"torch::tensor_split $x {{{' '.join([str(SIDE * SIDE), '0'] * 500)}}}"
    room(SIDE * SIDE * 4 * 400)
    assert given.tcl.error(script).startswith("Out of memory: a list of 1001 tensors needs 5")
    room(SIDE * SIDE * 4 * 520)
    given.tcl.run(script)
