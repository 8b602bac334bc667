"""Element-wise comparison."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from pyroi.arrays import Array
from tclcmd.commands.common import INPUT
from tclcmd.commands.common_operands import (
    BOOL,
    FIRST,
    FLOAT64,
    INT64,
    OTHER,
    Operand,
    by_blocks,
    check_broadcast,
    common_type,
)
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Number, Tensor
from tclcmd.values import ranges, sizes

GROUP = "Comparing"

TRUTHS = "A Bool tensor."
SECOND = Parameter(
    "other",
    Tensor(),
    "The second operand, a tensor whose shape broadcasts with the first one's.",
    aliases=("input2", "tensor2"),
)


# ---- Which is larger -------------------------------------------------------------------------------------------------


def _compare(operation: np.ufunc, input: Array, other: Operand) -> Array:
    right = other if isinstance(other, np.ndarray) else _beside(other, input)
    shape = check_broadcast(input, right, result=BOOL)
    is_mixed = "f" in input.dtype.kind + right.dtype.kind and input.dtype.kind != right.dtype.kind
    common = FLOAT64 if is_mixed else common_type(input.dtype, right.dtype)
    return by_blocks(operation, input, right, computed=common, kept=BOOL, shape=shape)


def _beside(number: int | float, input: Array) -> Array:
    """A number in the type of its comparison with a tensor."""
    if input.dtype.kind == "f":
        return ranges.number(number, input.dtype, "other")
    if not isinstance(number, int):
        return np.asarray(number, FLOAT64)
    if -(2**63) <= number < 2**63:
        return np.asarray(number, INT64)
    # The number is beyond all integers of a tensor, but not in Float64, in which 2^63 - 1 and 2^63 are the same number.
    return np.asarray(np.inf if number > 0 else -np.inf, FLOAT64)


def _comparison(name: str, old: str, operation: np.ufunc, phrase: str, opposite: str) -> None:
    command(
        FIRST,
        OTHER,
        group=GROUP,
        name=name,
        aliases=(f"tensor_{name}", old),
        summary=f"Whether each element is {phrase}.",
        description="Integers are compared exactly, and an integer is compared with a floating-point number in "
        "Float64. A number that is compared with a floating-point tensor is converted to the tensor's type, which "
        "must be able to hold it. With NaN, every comparison is false except ne.",
        returns=TRUTHS,
        examples=(f"set x [torch::tensor_create {{1 2 3}}]\nputs [torch::tensor_to_list [torch::{name} $x 2]]",),
        see_also=(opposite, "isclose"),
    )(functools.partial(_compare, operation))


_comparison("eq", "Eq", np.equal, "equal to other", "ne")
_comparison("ne", "Ne", np.not_equal, "not equal to other", "eq")
_comparison("lt", "Lt", np.less, "less than other", "ge")
_comparison("le", "Le", np.less_equal, "less than other, or equal to it", "gt")
_comparison("gt", "Gt", np.greater, "greater than other", "le")
_comparison("ge", "Ge", np.greater_equal, "greater than other, or equal to it", "lt")


# ---- Which are true --------------------------------------------------------------------------------------------------


def _combine(operation: np.ufunc, input: Array, other: Array) -> Array:
    result = np.empty(check_broadcast(input, other, result=BOOL), BOOL)
    operation(input, other, out=result)
    return result


TRUE = "An element of any type is true if it is not 0; NaN is true."
MASKS = "set a [torch::tensor_create {1 1 0} bool]\nset b [torch::tensor_create {1 0 0} bool]\n"


def _connective(name: str, operation: np.ufunc, summary: str, see_also: tuple[str, ...]) -> None:
    command(
        FIRST,
        SECOND,
        group=GROUP,
        name=name,
        aliases=(f"tensor_{name}",),
        summary=summary,
        description=TRUE,
        returns=TRUTHS,
        examples=(f"{MASKS}puts [torch::tensor_to_list [torch::{name} $a $b]]",),
        see_also=see_also,
    )(functools.partial(_combine, operation))


_connective("logical_and", np.logical_and, "Whether both elements are true.", ("logical_or", "logical_not"))
_connective("logical_or", np.logical_or, "Whether one element is true, or both are.", ("logical_and", "logical_xor"))
_connective("logical_xor", np.logical_xor, "Whether one element is true, but not both.", ("logical_or", "ne"))


@command(
    INPUT,
    group=GROUP,
    aliases=("tensor_logical_not",),
    description=TRUE,
    summary="Whether each element is false.",
    returns=TRUTHS,
    examples=("set mask [torch::tensor_create {1 0} bool]\nputs [torch::tensor_to_list [torch::logical_not $mask]]",),
    see_also=("logical_and", "tensor_masked_select"),
)
def logical_not(input: Array) -> Array:
    """See above."""
    return _ask(np.logical_not, input)


# ---- Which is near ---------------------------------------------------------------------------------------------------

NEAR = (
    FIRST,
    SECOND,
    Parameter(
        "rtol",
        Number(at_least=0),
        "The relative tolerance, a factor of |other|.",
        default=1e-5,
        aliases=("relativeTolerance",),
    ),
    Parameter(
        "atol",
        Number(at_least=0),
        "The absolute tolerance, which is added to the relative one.",
        default=1e-8,
        aliases=("absoluteTolerance",),
    ),
    Parameter("equal_nan", Boolean(), "Whether NaN equals NaN.", default=False),
)


@command(
    *NEAR,
    group=GROUP,
    aliases=("isClose",),
    returns=TRUTHS,
    examples=("set x [torch::ones {2}]\nputs [torch::tensor_to_list [torch::isclose $x [torch::full {2} 1.000001]]]",),
    see_also=("allclose", "eq"),
)
def isclose(input: Array, other: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    """Whether each element is close: |input - other| <= atol + rtol * |other|."""
    shape = check_broadcast(input, other, result=BOOL, also=(FLOAT64, FLOAT64, BOOL))
    is_close = np.empty(shape, BOOL)
    with np.errstate(all="ignore"):
        np.less_equal(_difference(input, other, shape), _tolerance(other, rtol, atol), out=is_close)
        for operand in (input, other):
            np.logical_and(is_close, np.isfinite(operand), out=is_close)
        np.logical_or(is_close, np.equal(input, other), out=is_close)
        if equal_nan:
            np.logical_or(is_close, np.isnan(input) & np.isnan(other), out=is_close)
    return is_close


@command(
    *NEAR,
    group=GROUP,
    aliases=("allClose",),
    returns="1 or 0.",
    examples=("set x [torch::ones {3}]\nputs [torch::allclose $x [torch::full {3} 1.0000001]]",),
    see_also=("isclose",),
)
def allclose(input: Array, other: Array, rtol: float, atol: float, equal_nan: bool) -> bool:
    """Whether all elements are close: |input - other| <= atol + rtol * |other|."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def _tolerance(other: Array, rtol: float, atol: float) -> Array:
    tolerance = by_blocks(np.abs, other, computed=FLOAT64, kept=FLOAT64, shape=other.shape)
    np.multiply(tolerance, rtol, out=tolerance)
    return np.add(tolerance, atol, out=tolerance)


def _difference(left: Array, right: Array, shape: tuple[int, ...]) -> Array:
    """|left - right| as Float64, rounded once, also for integers beyond 2^53."""
    if "f" in left.dtype.kind + right.dtype.kind:
        far = by_blocks(np.subtract, left, right, computed=FLOAT64, kept=FLOAT64, shape=shape)
        return np.abs(far, out=far)
    far = by_blocks(np.maximum, left, right, computed=INT64, kept=INT64, shape=shape)
    far -= by_blocks(np.minimum, left, right, computed=INT64, kept=INT64, shape=shape)
    return far.view(np.uint64).astype(FLOAT64)  # modulo 2^64, a difference of 0 or more is right


# ---- Which is a finite number ----------------------------------------------------------------------------------------


def _ask(question: Callable[[Array], Array], input: Array) -> Array:
    sizes.check_shape(input.shape, np.bool_, "input")
    return np.asarray(question(input))


def _question(name: str, old: str, question: Callable[[Array], Array], phrase: str, see_also: tuple[str, ...]) -> None:
    command(
        INPUT,
        group=GROUP,
        name=name,
        aliases=(f"tensor_{name}", old),
        summary=f"Whether each element is {phrase}.",
        returns=TRUTHS,
        examples=(f"set x [torch::tensor_create {{1 NaN Inf}}]\nputs [torch::tensor_to_list [torch::{name} $x]]",),
        see_also=see_also,
    )(functools.partial(_ask, question))


_question("isnan", "isNan", np.isnan, "NaN", ("isinf", "isfinite"))
_question("isinf", "isInf", np.isinf, "infinite, of either sign", ("isnan", "isfinite"))
_question("isfinite", "isFinite", np.isfinite, "a finite number", ("isnan", "isinf"))
