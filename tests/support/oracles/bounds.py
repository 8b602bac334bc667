"""The tolerances of comparisons, in one place.

A result is a sum of weight * value. Computed in floating point, in whatever order, it may be off by a few ulp of the
sum of |weight * value|; on top of that comes one rounding to the type it is stored in. Positions of samples are no
part of this: they must agree to the last bit.
"""

from __future__ import annotations

import numpy as np

ULPS = 8.0


def unit(dtype) -> float:
    """The distance from 1 to the next number of a floating type."""
    return {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}[np.dtype(dtype).name]


def computed_in(dtype) -> type:
    """The type in which a map of `dtype` is computed."""
    return np.float64 if np.dtype(dtype) == np.float64 else np.float32


def smallest(dtype) -> float:
    """The smallest number above 0 of a floating type."""
    powers = {"float64": -1074, "float32": -149, "float16": -24, "bfloat16": -133}
    return 2.0 ** powers[np.dtype(dtype).name]


def allowed(expected, magnitude, dtype, ulps=ULPS) -> np.ndarray:
    """The largest difference that rounding explains, element by element."""
    bound = ulps * unit(computed_in(dtype)) * np.asarray(magnitude, np.float64)
    if computed_in(dtype) != np.dtype(dtype):
        bound = bound + 0.5 * unit(dtype) * (np.abs(expected) + bound)
    return bound + 4 * smallest(dtype)


def assert_within(actual, expected, magnitude, dtype=None, ulps=ULPS, both_rounded=False) -> None:
    """Holds `actual` to `expected`; NaN must stand where NaN is expected, infinities must be the same.

    Where `expected` was computed and stored in the same type, `both_rounded`, twice the bound is allowed.
    """
    dtype = np.dtype(actual.dtype if dtype is None else dtype)
    actual = np.asarray(actual, np.float64)
    expected = np.asarray(expected, np.float64)
    assert actual.shape == expected.shape, f"shape {actual.shape} instead of {expected.shape}"
    with np.errstate(invalid="ignore"):
        bound = allowed(expected, np.where(np.isfinite(magnitude), magnitude, 0.0), dtype, ulps)
        bound = 2 * bound if both_rounded else bound
        right = (np.abs(actual - expected) <= bound) | (actual == expected) | (np.isnan(actual) & np.isnan(expected))
        if right.all():
            return
        excess = np.where(right, 0.0, np.abs(actual - expected) / bound)
    worst = tuple(int(i) for i in np.argwhere(~right)[0])
    if np.isfinite(excess).all():
        worst = tuple(int(i) for i in np.unravel_index(np.argmax(excess), excess.shape))
    raise AssertionError(
        f"{int((~right).sum())} of {right.size} results are off; at {worst}: {actual[worst]!r} instead of "
        f"{expected[worst]!r}, which is {excess[worst]:.3g} times the bound {bound[worst]:.3g}"
    )
