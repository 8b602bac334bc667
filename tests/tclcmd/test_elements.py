"""Functions of elements, comparing, choosing and small linear algebra, against NumPy and against PyTorch.

What is expected is an expression of NumPy, in the types that the help of a command states, or what PyTorch's function
of the name gives, where PyTorch is installed.
"""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from addresses import on_64_bits

pytestmark = pytest.mark.generated


def products(*choices):
    """All combinations of one of each."""
    return list(itertools.product(*choices))


DTYPES = ("float32", "float64", "float16", "int32", "int64", "uint8", "bool")
FLOATS = ("float32", "float64", "float16")
INTEGERS = ("int32", "int64", "uint8")


def numbers(dtype, shape, seed=0):
    """Numbers of a type, few enough that some are equal; NaN, infinity and 0 among floating ones."""
    source = np.random.default_rng(seed)
    if dtype == "bool":
        return source.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        return source.integers(0 if dtype == "uint8" else -9, 9, shape).astype(dtype)
    made = np.round(source.standard_normal(shape) * 2, 1).astype(dtype)
    flat = made.reshape(-1)
    if flat.size >= 5:
        flat[[1, 3, 4]] = np.nan, np.inf, 0
    return made


def same(found, expected, *, units=2):
    """Shape, type, and elements: integers to the bit, floating ones to some units of rounding."""
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
        return
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found, expected, rtol=units * np.finfo(expected.dtype).eps, atol=0)


def counted(array):
    """Bool as Int64."""
    return array.astype(np.int64) if array.dtype == bool else array


# ---- Functions of one operand ----------------------------------------------------------------------------------------

KEEPING = {"abs": np.abs, "neg": np.negative, "relu": lambda x: np.maximum(x, x.dtype.type(0))}
ROUNDING = {"floor": np.floor, "ceil": np.ceil, "round": np.rint}
REAL = {"sqrt": np.sqrt, "exp": np.exp, "log": np.log, "tanh": np.tanh, "sigmoid": lambda x: 1 / (1 + np.exp(-x))}
ASKING = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}


@pytest.mark.parametrize(("name", "dtype"), products([*KEEPING, *ROUNDING, *REAL, *ASKING], DTYPES))
def test_a_function_against_numpy(given, name, dtype):
    """Element by element; the type is the input's, Int64 of Bool, Float32 of integers where fractions arise."""
    x = given.set("x", numbers(dtype, (3, 4)))
    found = given(f"torch::{'' if name in ASKING else 'tensor_'}{name} $x")
    with np.errstate(all="ignore"):
        if name in KEEPING:
            expected = KEEPING[name](counted(x))
        elif name in ROUNDING:
            expected = ROUNDING[name](x) if dtype in FLOATS else counted(x)
        elif name in ASKING:
            expected = ASKING[name](x)
        else:
            expected = REAL[name](x.astype(np.float64)).astype(dtype if dtype in FLOATS else np.float32)
    same(found, expected)


@pytest.mark.parametrize(("name", "dtype"), products([*KEEPING, *ROUNDING, *REAL, *ASKING], DTYPES))
def test_a_function_against_pytorch(given, torch, name, dtype):
    """Where PyTorch refuses a type (Bool, mostly), there is nothing to compare."""
    x = given.set("x", numbers(dtype, (3, 4)))
    try:
        expected = getattr(torch, name)(torch.from_numpy(x)).numpy()
    except RuntimeError:
        pytest.skip("PyTorch does not take this type")
    found = given(f"torch::{name} $x")
    if dtype == "bool" and expected.dtype == bool and found.dtype == np.int64:
        expected = counted(expected)  # Bool counts as Int64 here, as in tensor_add
    same(found, expected, units=4)


def test_integers_wrap_around(given):
    """As everywhere in arithmetic between tensors; also the least of a type."""
    given.set("x", np.array([1, 0, 255], np.uint8))
    assert given("torch::tensor_neg $x").tolist() == [255, 0, 1]
    given.set("x", np.array([-(2**63)], np.int64))
    assert given("torch::tensor_abs $x").tolist() == [-(2**63)]


def test_half_precision_is_computed_wider(given):
    """exp(-x) of -12 is beyond Float16, its sigmoid is not: 1 / (1 + e^12) = 6.1441746e-06."""
    given.set("x", np.array([-12], np.float16))
    assert given("torch::tensor_sigmoid $x")[0] == np.float16(6.1441746e-06)


# ---- Two operands ----------------------------------------------------------------------------------------------------

COMPARING = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
             "ge": np.greater_equal}  # fmt: skip

PAIRS = [("float32", "float32"), ("float16", "float64"), ("int64", "int32"), ("uint8", "int64"), ("int64", "float64"),
         ("bool", "bool"), ("bool", "float32"), ("uint8", "float16")]  # fmt: skip


@pytest.mark.parametrize(("name", "pair"), products(COMPARING, PAIRS))
def test_a_comparison(given, name, pair):
    """Against NumPy, with shapes that broadcast, and against PyTorch where it is installed."""
    x = given.set("x", numbers(pair[0], (3, 1)))
    y = given.set("y", numbers(pair[1], (4,), 1))
    found = given(f"torch::{name} $x $y")
    same(found, COMPARING[name](x, y))
    same(given(f"torch::{name} -input1 $x -input2 $y"), found)
    same(given(f"torch::{name} -tensor1 $x -tensor2 $y"), found)
    same(given(f"torch::{name.title()} $x $y"), found)
    try:
        import torch
    except ModuleNotFoundError:
        return
    same(found, getattr(torch, name)(torch.from_numpy(x), torch.from_numpy(y)).numpy())


#: Connective -> the same of two numbers, in Python.
CONNECTIVES = {
    "logical_and": lambda a, b: a != 0 and b != 0,
    "logical_or": lambda a, b: a != 0 or b != 0,
    "logical_xor": lambda a, b: (a != 0) != (b != 0),
}  # fmt: skip


@pytest.mark.parametrize(("name", "pair"), products(CONNECTIVES, PAIRS))
def test_a_connective(given, name, pair):
    """Against Python, number by number; NaN is not 0, and so true."""
    x = given.set("x", numbers(pair[0], (6, 1)))
    y = given.set("y", numbers(pair[1], (7,), 1))
    expected = np.array([[CONNECTIVES[name](a, b) for b in y.tolist()] for a in x[:, 0].tolist()])
    assert {True, False} == set(expected.flat)
    same(given(f"torch::{name} $x $y"), expected)
    same(given(f"torch::tensor_{name} -input1 $x -tensor2 $y"), expected)
    same(given(f"torch::logical{name[8:].title()} -input $x -other $y"), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_logical_not(given, dtype):
    """As Python has it."""
    x = given.set("x", numbers(dtype, (3, 4)))
    expected = np.array([[not element for element in row] for row in x.tolist()])
    for call in ("torch::logical_not $x", "torch::logicalNot -tensor $x", "torch::tensor_logical_not -input $x"):
        same(given(call), expected)


def test_integers_are_compared_exactly(given):
    """2^53 and 2^53 + 1 are one number in Float64; 300 is beyond UInt8, yet an integer; 1.5 is no integer."""
    given.set("x", np.array([2**53, 2**53 + 1], np.int64))
    assert given("torch::lt $x 9007199254740993").tolist() == [True, False]
    given.set("x", np.array([0, 255], np.uint8))
    assert given("torch::lt $x 300").tolist() == [True, True]
    assert given("torch::ge $x -1").tolist() == [True, True]
    given.set("x", np.array([1, 2], np.int64))
    assert given("torch::gt $x 1.5").tolist() == [False, True]
    assert given("torch::lt $x inf").tolist() == [True, True]
    given.set("x", np.array([16777217], np.int32))
    given.set("y", np.array([16777216], np.float32))
    assert given("torch::gt $x $y").tolist() == [True]


def test_an_integer_beyond_64_bits_is_beyond_all_of_a_tensor(given):
    """2^63 - 1 and 2^63 are one number in Float64, and so are -2^63 and -2^63 - 1."""
    given.set("x", np.array([2**63 - 1, -(2**63)], np.int64))
    for name, above, below in (("eq", 0, 0), ("ne", 1, 1), ("lt", 1, 0), ("le", 1, 0), ("gt", 0, 1), ("ge", 0, 1)):
        for beyond in (2**63, 10**30):
            assert given(f"torch::{name} $x {beyond}").tolist() == [above, above], (name, beyond)
        for beyond in (-(2**63) - 1, -(10**30)):
            assert given(f"torch::{name} $x {beyond}").tolist() == [below, below], (name, beyond)
    assert given("torch::eq $x 9223372036854775807").tolist() == [True, False]


def test_a_number_beside_a_floating_tensor_has_its_type(given):
    """0.1 is not a Float32, but what a script means by it is the nearest one."""
    given.set("x", np.array([0.1], np.float32))
    assert given("torch::eq $x 0.1").tolist() == [True]


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_isclose(given, dtype):
    """Against NumPy, whose formula it is; and allclose is its conjunction."""
    x, y = numbers(dtype, (20,)), numbers(dtype, (20,))
    y[7] += 1
    given.set("x", x), given.set("y", y)
    for words, options in (("", {}), ("0.1 0.5", {"rtol": 0.1, "atol": 0.5}), ("-equalNan 1", {"equal_nan": True})):
        expected = np.isclose(x, y, **options)
        same(given(f"torch::isclose $x $y {words}"), expected)
        assert given.tcl(f"torch::allclose $x $y {words}") == str(int(expected.all()))
    same(given("torch::isclose $x $y -relativeTolerance 0.1 -absoluteTolerance 0.5"), np.isclose(x, y, 0.1, 0.5))


@pytest.mark.parametrize("pair", [("float32", "float32"), ("float32", "int64"), ("int64", "int32"),
                                  ("float16", "uint8"), ("bool", "int64")])  # fmt: skip
def test_pow(given, pair):
    """Common type as in tensor_add; integers are exact."""
    x = given.set("x", np.abs(numbers(pair[0], (4, 1))) if pair[0] != "bool" else numbers("bool", (4, 1)))
    y = given.set("y", np.abs(numbers(pair[1], (3,), 1)))
    common = np.float16 if "float16" in pair else np.float32 if "float32" in pair else np.int64
    wide = np.float64 if common != np.int64 else np.int64
    with np.errstate(all="ignore"):
        expected = np.power(x.astype(wide), y.astype(wide)).astype(common)
    same(given("torch::tensor_pow $x $y"), expected)
    same(given("torch::pow -base $x -exponent $y"), expected)
    same(given("torch::pow -input1 $x -input2 $y"), expected)


def test_powers_of_integers_are_exact(given):
    """3^39 has 62 bits, more than Float64 holds."""
    given.set("x", np.array([3], np.int64))
    assert given("torch::tensor_pow $x 39").tolist() == [3**39]
    assert given("torch::tensor_pow $x 0.5").dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8"])
def test_alpha(given, torch, dtype):
    """input + alpha * other and input - alpha * other, by all of its names; against PyTorch too."""
    x, y = (np.abs(numbers(dtype, (3, 4), seed)) for seed in (0, 1))
    given.set("x", x), given.set("y", y)
    for name, call in (("add", torch.add), ("sub", torch.sub)):
        expected = call(torch.from_numpy(x), torch.from_numpy(y), alpha=2).numpy()
        for words in ("$x $y 2", "-input1 $x -input2 $y -alpha 2", "$x $y 2.0", "-input $x -other $y -alpha 2"):
            same(given(f"torch::tensor_{name} {words}"), expected)


# ---- Along a dimension -----------------------------------------------------------------------------------------------

DIMENSIONS = [("", None, False), ("0", 0, False), ("-1", 1, False), ("1 true", 1, True), ("-keepdim 1", None, True)]


def moderate(dtype, shape=(3, 4)):
    """Finite numbers, all of the integers among them small."""
    source = np.random.default_rng(5)
    return source.integers(0, 4, shape).astype(dtype) if dtype not in FLOATS else source.random(shape).astype(dtype)


@pytest.mark.parametrize(("dtype", "along"), products(DTYPES, DIMENSIONS))
def test_prod(given, dtype, along):
    """Int64 of integers, else the own type, computed as Float64."""
    words, axis, keep = along
    x = given.set("x", moderate(dtype))
    wide = np.float64 if dtype in FLOATS else np.int64
    expected = np.prod(x, axis=axis, keepdims=keep, dtype=wide).astype(dtype if dtype in FLOATS else np.int64)
    same(given(f"torch::tensor_prod $x {words}"), expected)


@pytest.mark.parametrize(("dtype", "along"), products(DTYPES, DIMENSIONS))
def test_var_and_std(given, dtype, along):
    """With and without Bessel's correction; Float32 of integers."""
    words, axis, keep = along
    words = f"-dim {words.replace(' true', ' -keepdim 1')}" if axis is not None else words
    x = given.set("x", moderate(dtype))
    kept = dtype if dtype in FLOATS else np.float32
    for unbiased in (0, 1):
        for name, function in (("var", np.var), ("std", np.std)):
            expected = function(x.astype(np.float64), axis=axis, keepdims=keep, ddof=unbiased).astype(kept)
            same(given(f"torch::tensor_{name} $x {words} -unbiased {unbiased}"), expected, units=4)


def test_the_variance_of_too_little_is_nan(given):
    """As in PyTorch; and without a warning."""
    given.set("x", np.ones((1, 0), np.float32))
    assert np.isnan(given("torch::tensor_var $x"))
    assert np.isnan(given("torch::tensor_std [torch::ones 1]"))
    assert given("torch::tensor_std [torch::ones 1] -unbiased 0") == 0


@pytest.mark.parametrize(("p", "along"), products(["2", "1", "inf", "-inf", "0", "3", "0.5", "-1"], DIMENSIONS))
def test_norm(given, torch, p, along):
    """Against NumPy's vector norms, and PyTorch's."""
    words, axis, keep = along
    words = f"-dim {words.replace(' true', ' -keepdim 1')}" if axis is not None else words
    x = given.set("x", moderate("float64") - 0.5)
    vector = x.reshape(-1) if axis is None else x
    expected = np.linalg.norm(vector, float(p), 0 if axis is None else axis)
    if keep:
        expected = expected.reshape(1, 1) if axis is None else np.expand_dims(expected, axis)
    found = given(f"torch::tensor_norm $x {p} {words}")
    same(found, expected, units=8)
    same(found, torch.norm(torch.from_numpy(x), float(p), axis, keep).numpy(), units=8)


def test_a_norm_does_not_overflow_on_the_way(given):
    """Nor does it vanish: 3 and 4 by any factor give 5."""
    for factor in (2.0**1000, 2.0**-1000):
        given.set("x", np.array([3, 4]) * factor)
        assert given("torch::tensor_norm $x") == 5 * factor
    given.set("x", np.array([3, 4], np.int32))
    same(given("torch::tensor_norm $x"), np.float32(5))


#: Numbers, order -> norm. Where an element is 1e20 times another one, only one of them counts: the larger one, or the
#: smaller one for a negative order. The rest is as IEEE 754 has it: 0 to a negative power is infinite.
FAR = [
    ([3, 4], "2000", 4), ([3, 4], "-2000", 3), ([3, 4], "1e300", 4), ([-3, 0], "2000", 3),
    ([1e-300, 1e300], "-1", 1e-300), ([1e-10, 1e10], "-20", 1e-10), ([1e-300, 1e300], "3", 1e300),
    ([1e-300, 1e300], "-2", 1e-300), ([5e-324, 5e-324], "1", 1e-323), ([5e-324, 1], "-3", 5e-324),
    ([5e-324, 0], "7", 5e-324), ([1.5e308, 0], "2", 1.5e308), ([0, 0], "3", 0), ([0, 4], "-3", 0), ([0, 0], "-2", 0),
    ([np.inf, 4], "3", np.inf), ([np.inf, 4], "2", np.inf), ([np.inf, 4], "-3", 4), ([np.inf, np.inf], "-1", np.inf),
    ([0, np.inf], "-1", 0), ([np.nan, 4], "3", np.nan), ([np.nan, 4], "-3", np.nan), ([np.nan, np.inf], "2", np.nan),
    ([5, 12], "2", 13), ([0.25, -0.5, 1], "1", 1.75),
]  # fmt: skip


@pytest.mark.parametrize(("elements", "p", "expected"), FAR)
def test_a_norm_of_elements_far_apart(given, elements, p, expected):
    """Or of a large order: the power of the element that counts most neither overflows nor vanishes."""
    given.set("x", np.array([elements], np.float64))
    for words in ("", "-dim 1", "-dim -1 -keepdim 1"):
        np.testing.assert_allclose(given(f"torch::tensor_norm $x {p} {words}").reshape(()), expected, rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cumsum(given, dtype):
    """Along either dimension; 0 if left off."""
    x = given.set("x", moderate(dtype))
    wide = np.float64 if dtype in FLOATS else np.int64
    for words, axis in (("", 0), ("0", 0), ("-1", 1), ("-dimension 1", 1)):
        expected = np.cumsum(x, axis, wide).astype(dtype if dtype in FLOATS else np.int64)
        same(given(f"torch::tensor_cumsum $x {words}"), expected)
        same(given(f"torch::cumSum $x {words}"), expected)


SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((1, 2, 3), (5, 3, 4)),
          ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((3,), (5, 3, 2)), ((5, 2, 3), (3,))]  # fmt: skip


@pytest.mark.parametrize(("shapes", "dtype"), products(SHAPES, ["float32", "float16", "int64", "uint8", "bool"]))
def test_matmul(given, shapes, dtype):
    """Vectors, matrices, and many of them; integers are exact, Bool counts as Int64."""
    x, y = (given.set(name, moderate(dtype, shape)) for name, shape in zip("xy", shapes, strict=True))
    wide = np.float64 if dtype in FLOATS else np.int64 if dtype == "bool" else dtype
    expected = np.asarray(np.matmul(x.astype(wide), y.astype(wide)))
    same(given("torch::tensor_matmul $x $y"), expected.astype(dtype if dtype in FLOATS else wide), units=4)
    same(given("torch::tensor_matmul -input $x -other $y"), given("torch::tensor_matmul $x $y"))


def test_products_of_integers_are_exact(given):
    """Not through floating numbers: (2^31 + 1)^2 has 63 bits."""
    given.set("x", np.array([2**31 + 1], np.int64))
    assert given("torch::tensor_matmul $x $x") == (2**31 + 1) ** 2


# ---- Choosing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_index_select(given, dtype):
    """Along each dimension, with indices of both types, as a list, and none at all."""
    x = given.set("x", numbers(dtype, (3, 4)))
    for kind in (np.int64, np.int32, np.uint8):
        given.set("i", np.array([2, 0, 2], kind))
        same(given("torch::tensor_index_select $x 0 $i"), x[[2, 0, 2]])
        same(given("torch::tensorIndexSelect -tensor $x -dimension -1 -indices $i"), x[:, [2, 0, 2]])
    same(given("torch::tensor_index_select $x 1 {3 1}"), x[:, [3, 1]])
    same(given("torch::tensor_index_select $x 0 {}"), x[:0])
    same(given("torch::tensor_index_select $x 0 2"), x[2:])


def test_what_nms_answers_selects_boxes(tcl):
    """The sentence every detector ends with."""
    tcl("set b {{0 0 10 10} {1 1 11 11} {20 20 30 30}}; set b [torch::tensor_create $b]")
    tcl("set kept [torch::nms $b [torch::tensor_create {0.9 0.8 0.95}] 0.5]")
    assert (
        tcl("torch::tensor_to_list [torch::tensor_index_select $b 0 $kept]") == "20.0 20.0 30.0 30.0 0.0 0.0 10.0 10.0"
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_masks(given, dtype):
    """Selecting, filling and choosing, with masks that broadcast."""
    x = given.set("x", numbers(dtype, (3, 4)))
    mask = given.set("m", np.array([True, False, False, True]))
    same(given("torch::tensor_masked_select $x $m"), x[:, mask].reshape(-1))
    same(given("torch::tensor_masked_fill $x $m 1"), np.where(mask, x.dtype.type(1), x))
    y = given.set("y", numbers(dtype, (3, 1), 2))
    same(given("torch::tensor_where $m $x $y"), np.where(mask, x, y))
    same(given("torch::tensorWhere -condition $m -x $x -y $y"), np.where(mask, x, y))
    where = given.set("w", x == x.reshape(-1)[0])
    same(given("torch::tensor_nonzero $w"), np.argwhere(where).astype(np.int64))


def test_fill_with_what_is_not_finite(given):
    """-inf is what a mask of attention is filled with."""
    given.set("x", np.zeros(2, np.float32)), given.set("m", np.array([True, False]))
    assert given("torch::tensor_masked_fill $x $m -inf").tolist() == [-np.inf, 0]
    assert given("torch::tensor_masked_fill $x $m [torch::full {1} 7]").tolist() == [7, 0]


def test_the_types_of_where(given):
    """Of numbers, and of different tensors."""
    given.set("m", np.array([True, False]))
    for words, dtype in (("1 0", "int64"), ("1.0 0", "float32"), ("[torch::ones 2 int32] 0", "int32"),
                         ("[torch::ones 2 int32] 0.5", "float32"), ("0 [torch::ones 2 half]", "float16"),
                         ("[torch::ones 2 int64] [torch::ones 2 half]", "float16"),
                         ("[torch::ones 2 uint8] [torch::ones 2 int32]", "int32")):  # fmt: skip
        assert given(f"torch::tensor_where $m {words}").dtype == dtype
    assert given("torch::tensor_where [torch::ones {} bool] 1 2").shape == ()


@pytest.mark.parametrize(("dtype", "along"), products(DTYPES, DIMENSIONS))
def test_argmax_and_argmin(given, dtype, along):
    """Int64; the first of equal ones, and NaN before all others."""
    words, axis, keep = along
    x = given.set("x", numbers(dtype, (3, 4)))
    for name in ("argmax", "argmin"):
        expected = np.asarray(getattr(np, name)(x, axis=axis, keepdims=keep), np.int64)
        same(given(f"torch::tensor_{name} $x {words}"), expected)


@pytest.mark.parametrize(("dtype", "axis", "descending"), products(DTYPES, (0, -1), (False, True)))
def test_sort_argsort_and_topk(given, torch, dtype, axis, descending):
    """Against PyTorch's stable sort, which has NaN at the far end too."""
    x = given.set("x", numbers(dtype, (7, 6)))
    values, indices = torch.sort(torch.from_numpy(x), dim=axis, descending=descending, stable=True)
    words = f"$x {axis} {descending}"
    same(given(f"torch::tensor_argsort {words}"), indices.numpy())
    for found, expected in zip(given.all(f"torch::tensor_sort {words}"), (values, indices), strict=True):
        same(found, expected.numpy())
    for found, expected in zip(
        given.all(f"torch::tensor_topk $x 3 {axis} {descending}"), (values, indices), strict=True
    ):
        same(found, expected.numpy().take(range(3), axis))


def test_sorting_without_elements(given):
    """Also where the sizes beside the 0 are as large as there can be."""
    for shape in (f"{{0 {sys.maxsize // 8}}}", "{2 0}"):
        for found in given.all(f"torch::tensor_sort [torch::zeros {shape} int32] 0 true"):
            assert found.size == 0
        values, indices = given.all(f"torch::tensor_topk [torch::zeros {shape} half] 0 0")
        assert (values.dtype, indices.dtype, values.shape[0], indices.shape) == ("float16", "int64", 0, values.shape)
        assert given(f"torch::tensor_argsort [torch::zeros {shape}] 0").size == 0


# ---- Limits ----------------------------------------------------------------------------------------------------------


LIMITS = [("", None, None), ("1", 1, None), ("-max 2", None, 2), ("1 2", 1, 2), ("2 1", 2, 1), ("0.5 1.5", 0.5, 1.5)]


@pytest.mark.parametrize(("dtype", "limits"), products(["float32", "float16", "int64", "uint8", "bool"], LIMITS))
def test_clamp(given, torch, dtype, limits):
    """By types and values that of PyTorch; without limits a copy."""
    words, low, high = limits
    x = given.set("x", numbers(dtype, (3, 4)))
    found = given(f"torch::tensor_clamp $x {words}")
    if low is None and high is None:
        same(found, x)
        assert not np.shares_memory(found, x)
    else:
        same(found, torch.clamp(torch.from_numpy(x), low, high).numpy())


# ---- Shapes ----------------------------------------------------------------------------------------------------------

RESHAPED = [
    ("expand $x {2 3 4}", lambda t: t.expand(2, 3, 4)),
    ("expand $r {2 -1 4}", lambda t: t[:, :1].expand(2, -1, 4)),
    ("squeeze $r", lambda t: t[:, :1].squeeze()),
    ("squeeze $r -1", lambda t: t[:, :1].squeeze(-1)),
    ("squeeze $r 0", lambda t: t[:, :1].squeeze(0)),
    ("unsqueeze $x 0", lambda t: t.unsqueeze(0)),
    ("unsqueeze $x -1", lambda t: t.unsqueeze(-1)),
    ("flatten $x", lambda t: t.flatten()),
    ("flatten [torch::tensor_unsqueeze $x 0] 1", lambda t: t.unsqueeze(0).flatten(1)),
    ("flatten [torch::tensor_unsqueeze $x 0] 0 1", lambda t: t.unsqueeze(0).flatten(0, 1)),
    ("transpose $x 0 1", lambda t: t.transpose(0, 1)),
    ("transpose $x -1 0", lambda t: t.transpose(-1, 0)),
]


@pytest.mark.parametrize(("words", "expected"), RESHAPED, ids=[words for words, _ in RESHAPED])
def test_shapes(given, torch, words, expected):
    """The methods of PyTorch's tensors."""
    x = given.set("x", np.arange(12.0).reshape(3, 4))
    given.set("r", x[:, :1])
    same(given(f"torch::tensor_{words}"), expected(torch.from_numpy(x)).numpy())


@pytest.mark.parametrize(("words", "pieces"), [("3", 3), ("{2 4}", [2, 4]), ("9", 9), ("{1 1 99}", [1, 1, 99]),
                                               ("2 -1", (2, 1)), ("-indices 2", [2]), ("1", 1)])  # fmt: skip
def test_split(given, torch, words, pieces):
    """The parts of PyTorch's tensor_split; they hold no more than their own elements."""
    x = given.set("x", np.arange(14.0).reshape(7, 2))
    count, dim = pieces if isinstance(pieces, tuple) else (pieces, 0)
    found = given.all(f"torch::tensor_split $x {words}")
    expected = torch.tensor_split(torch.from_numpy(x), count, dim)
    for part, other in zip(found, expected, strict=True):
        same(part, other.numpy())
        assert not np.shares_memory(part, x)


@pytest.mark.parametrize(
    ("words", "count", "dim"), [("3", 3, 0), ("7", 7, 0), ("5", 5, 0), ("99", 99, 0), ("2 1", 2, 1)]
)
def test_chunk(given, torch, words, count, dim):
    """The parts of PyTorch's chunk, of which there may be fewer."""
    x = given.set("x", np.arange(14.0).reshape(7, 2))
    for part, other in zip(given.all(f"torch::tensor_chunk $x {words}"), torch.chunk(torch.from_numpy(x), count, dim),
                           strict=True):  # fmt: skip
        same(part, other.numpy())


# ---- What is refused -------------------------------------------------------------------------------------------------

X = "set x [torch::zeros {2 3}]; set i [torch::zeros {2 3} int64]; set b [torch::ones {2 3} bool]; "

REFUSED = [
    ("torch::logical_and $x 1", "Invalid other tensor: expected a tensor"),
    ("torch::logical_xor $x [torch::ones 4]", "Invalid other tensor: shape [4] does not broadcast with [2, 3]"),
    ("torch::tensor_index_select $x 0 {0 2}", "Invalid indices tensor: expected 0 to 1, got 2"),
    ("torch::tensor_index_select $x 0 -1", "Invalid indices tensor: expected 0 to 1, got -1"),
    ("torch::tensor_index_select [torch::zeros {2 0}] 1 0",
     "Invalid indices tensor: expected none, because the dimension is empty, got 0"),
    ("torch::tensor_index_select $x 0 [torch::ones 1]", "Invalid indices tensor: expected Int64 or Int32, got Float32"),
    ("torch::tensor_index_select $x 0 [torch::ones 1 bool]",
     "Invalid indices tensor: expected Int64 or Int32, got Bool; torch::tensor_masked_select takes a mask"),
    ("torch::tensor_index_select $x 0 {{0 1} {1 0}}", "Invalid indices tensor: expected one dimension, got [2, 2]"),
    ("torch::tensor_index_select $x 2 0", "Invalid dim value: expected -2 to 1, got 2"),
    ("torch::tensor_masked_select $x $x", "Invalid mask tensor: expected Bool, got Float32; torch::ne with 0 gives"),
    ("torch::tensor_masked_select $x [torch::ones 2 bool]",
     "Invalid mask tensor: shape [2] does not broadcast with [2, 3]"),
    ("torch::tensor_masked_fill $i $b 0.5", "Invalid value tensor: Int64 holds whole numbers, got 0.5"),
    ("torch::tensor_masked_fill $i $b nan", "Invalid value tensor: Int64 holds whole numbers, got nan"),
    ("torch::tensor_masked_fill $x $b $x", "Invalid value tensor: expected one element, got shape [2, 3]"),
    ("torch::tensor_masked_fill $x $b no", 'Invalid value tensor: expected a tensor or a number, got "no"'),
    ("torch::tensor_where $x 1 0", "Invalid condition tensor: expected Bool, got Float32"),
    ("torch::tensor_where $b [torch::ones 2] 0", "Invalid x tensor: shape [2] does not broadcast with [2, 3]"),
    ("torch::tensor_where $b 0 [torch::ones 2]", "Invalid y tensor: shape [2] does not broadcast with [2, 3]"),
    ("torch::tensor_where $b 1e300 $x", "Invalid x tensor: Float32 holds"),
    ("torch::tensor_argmax [torch::zeros {0 3}]", "Invalid input tensor: expected at least one element"),
    ("torch::tensor_argmin [torch::zeros {0 3}] 0", "Invalid input tensor: expected at least one element"),
    ("torch::tensor_sort [torch::zeros {}]", "Invalid dim value: expected none"),
    ("torch::tensor_topk $x 4", "Invalid k value: expected at most 3, got 4"),
    ("torch::tensor_topk $x -1", "Invalid k value: expected an integer of 0 or more"),
    ("torch::eq $x [torch::ones 2]", "Invalid other tensor: shape [2] does not broadcast with [2, 3]"),
    ("torch::lt $x 1e300", "Invalid other tensor: Float32 holds"),
    ("torch::tensor_pow $i -1", "Invalid exponent tensor: expected 0 or more for integers, got -1"),
    ("torch::tensor_add $i $i 0.5", "Invalid alpha value: Int64 holds whole numbers, got 0.5"),
    ("torch::tensor_clamp [torch::zeros 2 uint8] -1", "Invalid min value: UInt8 holds 0 to 255, got -1"),
    ("torch::tensor_clamp $x 0 inf", "Invalid max value: expected a finite number"),
    ("torch::tensor_norm $x nan", "Invalid p value: expected a number, inf or -inf"),
    ("torch::tensor_norm [torch::zeros 0] inf", "Invalid input tensor: expected at least one element for this order"),
    ("torch::tensor_matmul $x $x", "Invalid other tensor: expected [..., K, M] for [..., N, K], got [2, 3] for [2, 3]"),
    ("torch::tensor_matmul $x [torch::zeros {}]", "Invalid other tensor: expected one dimension or more, got none"),
    ("torch::tensor_matmul [torch::zeros {2 1 3}] [torch::zeros {3 3 1}]", "Invalid other tensor: expected [..., "),
    on_64_bits("torch::tensor_matmul [torch::zeros {1000000 1}] [torch::zeros {1 1000000}]", "Out of memory: "),
    on_64_bits("torch::eq [torch::zeros {1000000 1}] [torch::zeros {1 1000000}]", "Out of memory: "),
    ("torch::tensor_expand $x {3 3}", "Invalid sizes value: [2, 3] cannot be expanded to [3, 3]"),
    ("torch::tensor_expand $x 3", "Invalid sizes value: [2, 3] cannot be expanded to [3]"),
    ("torch::tensor_expand $x {-1 2 3}", "Invalid sizes value: [2, 3] cannot be expanded to [-1, 2, 3]"),
    on_64_bits("torch::tensor_expand [torch::zeros 1] {1000000 1000000}", "Out of memory: "),
    ("torch::tensor_unsqueeze $x 3", "Invalid dim value: expected -3 to 2, got 3"),
    ("torch::tensor_unsqueeze [torch::zeros [lrepeat 32 1]] 0", "Invalid input tensor: expected at most 32 dimensions"),
    ("torch::tensor_flatten $x 1 0", "Invalid start_dim value: expected a dimension not after end_dim, which is 0"),
    ("torch::tensor_flatten $x 0 5", "Invalid end_dim value: expected -2 to 1, got 5"),
    ("torch::tensor_transpose $x 0 2", "Invalid dim1 value: expected -2 to 1, got 2"),
    ("torch::tensor_split $x 0", "Invalid sections value: expected 1 or more, got 0"),
    ("torch::tensor_split $x", "Invalid sections value: expected either sections or indices, got neither"),
    ("torch::tensor_split $x -sections 2 -indices 1", "Invalid sections value: expected either sections or indices"),
    ("torch::tensor_split $x 1000000000000", "Out of memory: a list of 1000000000000 tensors"),
    ("torch::tensor_chunk $x 0", "Invalid chunks value: expected an integer of 1 or more"),
    ("torch::rand_like $i", "Invalid input tensor: expected a floating type, got Int64"),
    ("torch::rand_like $i int32", "Invalid dtype value: expected a floating type, got Int32"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "begins"), REFUSED)
def test_what_is_refused(tcl, call, begins):
    """Each with its rule; and no tensor is left behind."""
    tcl.run(X)
    before = tcl.stats()["live"]
    assert tcl.error(call).startswith(begins)
    tcl.run("")
    assert tcl.stats()["live"] == before
