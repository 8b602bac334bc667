"""Numbers and element types: integers stay exact, and no number is changed silently."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from addresses import on_64_bits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.generated

#: 2^53 + 1, the least positive integer that is no float64, and the greatest and the least int64.
ODD, GREATEST, LEAST = 2**53 + 1, 2**63 - 1, -(2**63)

EXACT = [
    (f"torch::full 1 {ODD} int64", [ODD]),
    (f"torch::full 1 {GREATEST} int64", [GREATEST]),
    (f"torch::full 1 {LEAST} int64", [LEAST]),
    (f"torch::full_like [torch::zeros 1 int64] {ODD}", [ODD]),
    (f"torch::full_like -input [torch::zeros 1] -value {GREATEST} -dtype int64", [GREATEST]),
    (f"torch::arange {ODD} {ODD + 3} int64", [ODD, ODD + 1, ODD + 2]),
    (f"torch::arange {GREATEST - 5} {GREATEST} 2 int64", [GREATEST - 5, GREATEST - 3, GREATEST - 1]),
    (f"torch::arange {GREATEST} {LEAST} {LEAST} int64", [GREATEST, -1]),
    (f"torch::arange {LEAST} {GREATEST} {GREATEST} int64", [LEAST, -1, GREATEST - 1]),
    (f"torch::linspace {ODD} {ODD + 2} 3 int64", [ODD, ODD + 1, ODD + 2]),
    (f"torch::linspace {LEAST} {GREATEST} 2 int64", [LEAST, GREATEST]),
    (f"torch::linspace {LEAST} {GREATEST} 4 int64", [LEAST, LEAST // 3, GREATEST // 3, GREATEST]),
    (f"torch::linspace {GREATEST} 0 1 int64", [GREATEST]),
    ("torch::linspace -3 3 5 int64", [-3, -1, 0, 1, 3]),  # -1.5 and 1.5 lose their fractions
    (f"torch::randint {ODD} {ODD + 1} 2", [ODD, ODD]),
    (f"torch::randint {GREATEST - 1} {GREATEST} 1", [GREATEST - 1]),
    (f"torch::tensor_add [torch::full 1 1 int64] {ODD}", [ODD + 1]),
    (f"torch::tensor_sub [torch::full 1 1 int64] {ODD}", [1 - ODD]),
    (f"torch::tensor_mul [torch::full 1 1 int64] {GREATEST}", [GREATEST]),
    (f"torch::tensor_add [torch::zeros 1 bool] {ODD}", [ODD]),
    (f"torch::tensor_create {{{ODD} {GREATEST}}} int64", [ODD, GREATEST]),
    (f"torch::tensor_to [torch::full 1 {ODD} int64] int64", [ODD]),
    (f"torch::tensor_sum [torch::full 3 {ODD} int64] -keepdim 1", [3 * ODD]),
    (f"torch::tensor_max [torch::tensor_create {{{ODD} {ODD - 1}}} int64] -keepdim 1", [ODD]),
]


@pytest.mark.parametrize(("script", "expected"), EXACT)
def test_integers_are_exact(tcl, script, expected):
    """Beyond 2^53 too, where float64 has gaps; the expected numbers are Python's, of any size."""
    assert [int(word) for word in tcl(f"torch::tensor_to_list [{script}]").split()] == expected


int64 = st.integers(LEAST, GREATEST)


@given(start=int64, end=int64, steps=st.integers(0, 200))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_linspace_of_integers_is_that_of_fractions(tcl, start, end, steps):
    """Fractions of Python, cut off toward zero."""
    expected = [int(start + Fraction(end - start) * index / max(steps - 1, 1)) for index in range(steps)]
    given = tcl(f"torch::tensor_to_list [torch::linspace {start} {end} {steps} int64]")
    assert [int(word) for word in given.split()] == expected


def test_linspace_of_many_integers(tcl):
    """More than are computed at once; the expected numbers are made one by one, by integers of Python."""
    count, end = 200_001, 10**18 + 7
    tcl.run(f"set x [torch::linspace 0 {end} {count} int64]")
    for index in (0, 65_535, 65_536, 131_072, 199_999, 200_000):
        element = tcl(f"torch::tensor_item [torch::tensor_slice $x 0 {index} {index + 1}]")
        assert int(element) == end * index // (count - 1)


@given(start=int64, end=int64, parts=st.integers(1, 100), sign=st.sampled_from([1, -1]))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arange_of_integers_is_that_of_python(tcl, start, end, parts, sign):
    """Python's range knows no bounds."""
    step = sign * min(abs(end - start) // parts + 1, GREATEST)
    given = tcl(f"torch::tensor_to_list [torch::arange {start} {end} {step} int64]")
    assert [int(word) for word in given.split()] == list(range(start, end, step))


def test_classes_written_as_numbers_are_told_apart(tcl):
    """As float32, both were 16777216, and the second box was dropped."""
    kept = tcl("torch::tensor_to_list [torch::batched_nms {{0 0 9 9} {0 0 9 9}} {2 1} {16777216 16777217} 0.5]")
    assert kept == "0 1"


CLOSE = [
    (f"[torch::full 1 {ODD} int64] [torch::full 1 {ODD - 1} int64] 0 0", 0),
    (f"[torch::full 1 {ODD} int64] [torch::full 1 {ODD} int64] 0 0", 1),
    (f"[torch::full 1 {ODD} int64] [torch::full 1 {ODD - 1} int64] 0 1", 1),
    (f"[torch::full 1 {GREATEST} int64] [torch::full 1 {LEAST} int64] 0 1e19", 0),
    (f"[torch::full 1 {GREATEST} int64] [torch::full 1 {LEAST} int64] 0 2e19", 1),
    ("[torch::full 1 255 uint8] [torch::zeros 1 uint8] 0 254", 0),
    ("[torch::full 1 255 uint8] [torch::zeros 1 uint8] 0 255", 1),
    ("[torch::full 1 1.7e308 float64] [torch::full 1 -1.7e308 float64]", 0),
    ("[torch::full 1 65000 half] [torch::full 1 -65000 half]", 0),
    ("[torch::full 1 3e38] [torch::full 1 -3e38]", 0),
    ("[torch::tensor_create {{Inf}}] [torch::tensor_create {{Inf}}]", 1),
    ("[torch::tensor_create {{Inf}}] [torch::tensor_create {{-Inf}}]", 0),
    ("[torch::zeros {1 1}] [torch::tensor_create {{Inf}}]", 0),
    ("[torch::tensor_create {{Inf}}] [torch::zeros {1 1}] 1e300 1e300", 0),
    ("[torch::ones 2 bool] [torch::zeros 2 bool]", 0),
    ("[torch::zeros 0] [torch::zeros 0]", 1),
]


@pytest.mark.parametrize(("operands", "expected"), CLOSE)
def test_allclose_of_numbers_at_the_limits(tcl, operands, expected):
    """By |input - other| <= atol + rtol * |other| in numbers without bounds; infinity is close to itself alone."""
    assert tcl(f"torch::allclose {operands}") == str(expected)


# ---- Numbers that a type does not hold -------------------------------------------------------------------------------

FLOATS = {
    # The greatest number, and the least that rounds to infinity: half a unit of the last place beyond it.
    "float16": ("Float16", 65504.0, 65520.0),
    "float32": ("Float32", 2.0**128 - 2.0**104, 2.0**128 - 2.0**103),
}

#: Each way in which a number becomes an element: a script with {x} and {dtype}, and what is at fault.
WAYS = [
    ("torch::tensor_create {x} {dtype}", "Invalid data value"),
    ("torch::tensor_create [list 0 {x}] {dtype}", "Invalid data value"),
    ("torch::full 2 {x} {dtype}", "Invalid value value"),
    ("torch::full_like [torch::zeros 2 {dtype}] {x}", "Invalid value value"),
    ("torch::tensor_to [torch::full 1 {x} float64] {dtype}", "Invalid input tensor"),
    ("torch::arange {x} 1.7e308 1.7e308 {dtype}", "Invalid start value"),
    ("torch::linspace {x} 0 2 {dtype}", "Invalid start value"),
    ("torch::linspace 0 {x} 2 {dtype}", "Invalid end value"),
    ("torch::tensor_add [torch::zeros 1 {dtype}] {x}", "Invalid other tensor"),
    ("torch::tensor_sub [torch::zeros 1 {dtype}] {x}", "Invalid other tensor"),
    ("torch::tensor_mul [torch::zeros 1 {dtype}] {x}", "Invalid other tensor"),
    ("torch::tensor_div [torch::zeros 1 {dtype}] {x}", "Invalid other tensor"),
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("script", "fault"), WAYS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_beyond_a_floating_type(tcl, dtype, script, fault, sign):
    """An error in every way that numbers come in, and never infinity. What rounds to the greatest number is held."""
    name, greatest, beyond = FLOATS[dtype]
    bound = f"{greatest:.5g}"
    message = tcl.error(script.format(x=sign * beyond, dtype=dtype))
    assert message.startswith(f"{fault}: {name} holds -{bound} to {bound}, got {'-' if sign < 0 else ''}")
    assert tcl("lindex $errorCode 1").startswith("INVALID_")
    held = np.nextafter(beyond, 0)
    kept = max(tcl.floats(f"torch::tensor_to [{script.format(x=sign * held, dtype=dtype)}] float64"), key=abs)
    assert abs(kept) in (greatest, 0)


@pytest.mark.parametrize("dtype", FLOATS)
def test_infinity_is_a_number_of_a_floating_type(tcl, dtype):
    """Where it is written, or comes from another type, it stays."""
    assert tcl(f"torch::tensor_to_list [torch::tensor_create {{Inf -Inf NaN}} {dtype}]") == "Inf -Inf NaN"
    infinite = "[torch::tensor_create {Inf -Inf NaN} float64]"
    assert tcl(f"torch::tensor_to_list [torch::tensor_to {infinite} {dtype}]") == "Inf -Inf NaN"


REFUSED = [
    ("torch::full 1 9223372036854775808 int64", "Invalid value value: Int64 holds -9223372036854775808 to "
     "9223372036854775807, got 9223372036854775808"),
    ("torch::full 1 -9223372036854775809 int64", "Invalid value value: Int64 holds"),
    ("torch::full 1 1e19 int64", "Invalid value value: Int64 holds"),
    ("torch::full 1 2.5 int64", "Invalid value value: Int64 holds whole numbers, got 2.5"),
    ("torch::full_like [torch::zeros 1 uint8] 0.5", "Invalid value value: UInt8 holds whole numbers, got 0.5"),
    ("torch::full 1 -1 uint8", "Invalid value value: UInt8 holds 0 to 255, got -1"),
    ("torch::arange 2147483646 2147483650 int32", "Invalid end value: Int32 holds"),
    ("torch::arange -1 5 uint8", "Invalid start value: UInt8 holds 0 to 255, got -1"),
    ("torch::linspace 256 0 2 uint8", "Invalid start value: UInt8 holds 0 to 255, got 256"),
    ("torch::linspace 0 255.5e300 2 int32", "Invalid end value: Int32 holds"),
    ("torch::randint 0 257 {2} uint8", "Invalid high value: UInt8 holds 0 to 255, got 256"),
    ("torch::randint -1 257 {2} uint8", "Invalid low value: UInt8 holds 0 to 255, got -1"),
    ("torch::randint 0 70000 {2} half", "Invalid high value: Float16 holds -65504 to 65504, got 69999"),
    ("torch::tensor_to [torch::full 1 70000 int64] half", "Invalid input tensor: Float16 holds"),
    ("torch::tensor_to [torch::tensor_create {{Inf}}] int64", "Invalid input tensor: Int64 holds"),
    ("torch::tensor_to [torch::tensor_create {{-Inf}} half] int64", "Invalid input tensor: Int64 holds"),
    ("torch::tensor_to [torch::full 1 9223372036854775808] int64", "Invalid input tensor: Int64 holds"),
    ("torch::tensor_add [torch::zeros 1 int32] 2147483648", "Invalid other tensor: Int32 holds"),
    ("torch::tensor_add [torch::zeros 1 int64] 9223372036854775808", "Invalid other tensor: Int64 holds"),
    ("torch::tensor_add [torch::zeros 1 int32] 1e39", "Invalid other tensor: Float32 holds"),
    ("torch::tensor_add [torch::zeros 1 half] 70000", "Invalid other tensor: Float16 holds"),
    ("torch::roi_align [torch::zeros {1 1 4 4}] {{0 0 1e39 1}} 2", "Invalid boxes tensor: Float32 holds"),
    ("torch::box_area {{0 0 1 1e39}}", "Invalid boxes tensor: Float32 holds"),
    ("torch::nms {{0 0 1 1} {0 0 1 1}} {1e39 1} 0.5", "Invalid scores tensor: Float32 holds"),
    ("torch::normalize_image [torch::zeros {1 2 2}] 1e39 1", "Invalid mean tensor: Float32 holds"),
    ("torch::batched_nms {{0 0 1 1} {0 0 1 1}} {1 2} {0.5 1} 0.5", "Invalid idxs tensor: expected a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "begins"), REFUSED)
def test_a_number_that_its_place_does_not_hold(tcl, capfd, script, begins):
    """The message names the type's range and what came; nothing is said anywhere else, by Python or NumPy."""
    assert tcl.error(script).startswith(begins)
    assert capfd.readouterr() == ("", "")


HELD = [
    ("torch::full 1 -0.0", "-0.0"),
    ("torch::full 1 1e-60", "0.0"),
    ("torch::full 1 340282346638528859811704183484516925440 float32", "3.4028235e+38"),
    ("torch::full 1 18446744073709551616 float64", "1.844674407370955e+19"),
    ("torch::full 1 5 bool", "1"),
    ("torch::full 1 1e300 bool", "1"),
    ("torch::full 1 5.0 int64", "5"),
    ("torch::full 1 1e3 int32", "1000"),
    ("torch::linspace -1.7e308 1.7e308 3 float64", "-1.7e+308 0.0 1.7e+308"),
    ("torch::arange -1.5e308 1.5e308 1e308 float64", "-1.5e+308 -5e+307 5e+307"),
    ("torch::arange 1.5e308 -1.5e308 -1e308 float64", "1.5e+308 5e+307 -5e+307"),
    ("torch::tensor_to [torch::tensor_create {-0.9 255.9}] uint8", "0 255"),
    ("torch::tensor_to [torch::full 1 -2147483648.5 float64] int32", "-2147483648"),
    ("torch::tensor_to [torch::full 1 -9223372036854775808] int64", "-9223372036854775808"),
    ("torch::tensor_to [torch::tensor_create {300 -300} half] int32", "300 -300"),
    ("torch::tensor_to [torch::tensor_create {NaN 0 Inf}] bool", "1 0 1"),
    ("torch::tensor_to [torch::zeros 0] uint8", ""),
    ("torch::tensor_add [torch::ones 1] inf", "Inf"),
    ("torch::tensor_mul [torch::full 2 127 uint8] 3", "125 125"),  # 381 - 256
    ("torch::tensor_mul [torch::full 1 3e38] 2", "Inf"),
    ("torch::tensor_div [torch::full 1 128 uint8] 256", "0.5"),
    ("torch::tensor_sum [torch::full 2 3e38] 0 1", "Inf"),
    (f"torch::tensor_sum [torch::tensor_create {{{GREATEST} 1}} int64] 0 1", str(LEAST)),
    ("torch::tensor_mean [torch::full 4 1.7e308 float64] 0 1", "1.7e+308"),
    ("torch::tensor_mean [torch::full {2 2} -1.7e308 float64] 0", "-1.7e+308 -1.7e+308"),
    ("torch::tensor_mean [torch::full 5000 3e38] 0 1", "3e+38"),
    ("torch::tensor_mean [torch::tensor_create {Inf 1}] 0 1", "Inf"),
    ("torch::tensor_mean [torch::tensor_create {Inf -Inf}] 0 1", "NaN"),
    ("torch::tensor_mean [torch::full 2 65504 half] 0 1", "65500.0"),
    ("torch::tensor_mean [torch::tensor_create {1 0 1 1} bool] 0 1", "0.75"),
    ("torch::tensor_sum [torch::ones 3 bool] 0 1", "3"),
]


@pytest.mark.parametrize(("script", "expected"), HELD)
def test_numbers_that_are_held(tcl, capfd, script, expected):
    """Rounding is no fault, nor is infinity as the result of arithmetic; Python and NumPy warn of none of it."""
    assert tcl(f"torch::tensor_to_list [{script}]") == expected
    assert capfd.readouterr() == ("", "")


DTYPES = ["float16", "float32", "float64", "int32", "int64", "uint8", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 4), (0, 3), (2, 0)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_sums_and_means_are_numpys(tcl, dtype, shape, keepdim):
    """By NumPy in float64 or, for whole numbers, int64; types by PyTorch's rule: floating ones stay, others Int64."""
    array = (np.arange(np.prod(shape)).reshape(shape) * 7 % 11).astype(dtype)
    is_float = array.dtype.kind == "f"
    numbers = " ".join(map(str, array.astype(float).ravel()))
    tcl.run(f"set x [torch::tensor_create -data [list {numbers}] -shape {{{shape[0]} {shape[1]}}} -dtype {dtype}]")
    for dim in (None, 0, 1, -1):
        words = f"$x {f'-dim {dim}' if dim is not None else ''} -keepdim {int(keepdim)}"
        for name, function in (("sum", np.sum), ("mean", np.mean)):
            with np.errstate(all="ignore"):
                count = array.size if dim is None else shape[dim]
                wide = np.sum(array, axis=dim, keepdims=keepdim, dtype=np.float64)
                expected = wide if function is np.sum else wide / count
            tcl.run(f"set y [torch::tensor_{name} {words}]")
            kept = dtype if is_float else ("int64" if name == "sum" else "float32")
            assert tcl("torch::tensor_dtype $y").lower() == kept
            assert tuple(map(int, tcl("torch::tensor_shape $y").split())) == expected.shape
            given = np.array(tcl.floats("set y"), kept if kept != "int64" else float)
            np.testing.assert_array_equal(given, expected.astype(kept).ravel())


# ---- Sizes -----------------------------------------------------------------------------------------------------------

HUGE = [
    ("torch::tensor_reshape [torch::zeros 1] [lrepeat 65 1]", "Invalid shape value: expected at most 32 dimensions"),
    ("torch::tensor_reshape [torch::zeros 1] [lrepeat 33 1]", "Invalid shape value: expected at most 32 dimensions"),
    ("torch::tensor_reshape [torch::zeros 0] {0 9223372036854775807}", "Invalid shape value: a tensor of shape"),
    ("torch::tensor_reshape [torch::zeros 0] {9223372036854775807 -1}", "Invalid shape value: a tensor of shape"),
    ("torch::tensor_reshape [torch::zeros 0] {-9223372036854775808}", "Invalid shape value: expected sizes"),
    ("torch::tensor_reshape [torch::zeros 2] [lrepeat 900 2]", "Invalid shape value: expected at most 32 dimensions"),
    ("torch::tensor_stack [list [torch::zeros [lrepeat 32 1]]]", "Invalid tensors tensor: expected at most 32 dim"),
    ("torch::tensor_permute [torch::zeros 2] {9223372036854775807}", "Invalid dims value: expected each of 0 to 0"),
    ("torch::tensor_permute [torch::zeros {}] 0", "Invalid dims value: expected none, because the tensor has no dim"),
    ("torch::tensor_permute [torch::zeros 2] [lrepeat 900 0]", "Invalid dims value: expected each of 0 to 0 once"),
    ("torch::arange 5 0 1e-320", None),
    ("torch::arange 5 0 -1e-320", "Invalid end value: a tensor of shape"),
    ("torch::arange 0 5 1e-320", "Invalid end value: a tensor of shape"),
    ("torch::arange -1e308 1e308 1e-320", "Invalid end value: a tensor of shape"),
    ("torch::arange -1.7e308 1.7e308 5e-324", "Invalid end value: a tensor of shape"),
    (f"torch::arange {LEAST} {GREATEST} 1 int64", "Invalid end value: a tensor of shape"),
    ("torch::linspace 0 1 9223372036854775807", "Invalid steps value: a tensor of shape"),
    ("torch::eye 0 9223372036854775807", "Invalid n value: a tensor of shape"),
    on_64_bits(
        "torch::zeros_like [torch::zeros {0 4611686018427387904} uint8] float64", "Invalid input tensor: a tensor of"
    ),
    on_64_bits(
        "torch::full_like [torch::zeros {0 4611686018427387904} uint8] 1 float64", "Invalid input tensor: a tensor of"
    ),
    on_64_bits(
        "torch::tensor_to [torch::zeros {0 4611686018427387904} uint8] float64", "Invalid input tensor: a tensor of"
    ),
    on_64_bits("torch::tensor_sum [torch::zeros {0 4611686018427387904} uint8] 0", "Invalid input tensor: a tensor of"),
    on_64_bits(
        "torch::tensor_mean [torch::zeros {0 4611686018427387904} uint8] 0", "Invalid input tensor: a tensor of"
    ),
    on_64_bits("torch::tensor_sum [torch::zeros {0 1000000 1000000}] 0", "Out of memory: a tensor of shape"),
    on_64_bits(
        "torch::tensor_cat [lrepeat 5 [torch::zeros {0 2305843009213693951}]] 1", "Invalid tensors tensor: a tensor of"
    ),
    on_64_bits(
        "torch::tensor_stack [lrepeat 5 [torch::zeros {0 2305843009213693951}]] 1", "Invalid tensors tensor: a tensor"
    ),
    ("torch::tensor_slice [torch::arange 5] 0 9223372036854775807 -9223372036854775808 9223372036854775807", None),
    ("torch::tensor_slice [torch::arange 5] 9223372036854775807 0", "Invalid dim value: expected -1 to 0"),
    ("torch::roi_align_backward [torch::zeros {1 1 2 2}] {0 0 1 1} [lrepeat 900 1]", "Invalid input_shape value: "),
]


@pytest.mark.parametrize(("script", "begins"), HUGE)
def test_sizes_without_end(tcl, script, begins):
    """More dimensions than there are, and sizes whose product leaves 63 bits; None for what is fine, and empty."""
    if begins is None:
        assert tcl(f"torch::tensor_shape [{script}]") == "0"
    else:
        message = tcl.error(script)
        assert message.startswith(begins)
        assert len(message) < 500


def test_a_tensor_of_many_dimensions_is_shown_in_short(tcl):
    """NumPy shortens a dimension of more than six elements, and 2^16 elements lie in none of these."""
    text = tcl("torch::tensor_print [torch::zeros [lrepeat 16 2]]")
    assert text.startswith("Float32 [" + ", ".join("2" * 16) + "]")
    assert len(text) < 2000
