"""Operators on boxes without a map: overlap, and suppression with a result of fixed size."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pyroi
from pyroi.jax.arguments import to_array, to_classes, to_rows, to_scores
from pyroi.jax.operators import Operator

__all__ = ["batched_nms", "box_iou", "box_iou_rotated", "nms", "nms_rotated"]


# ---- Overlap ---------------------------------------------------------------------------------------------------------


def _matrix(shapes: Any, dtypes: Any) -> list[Any]:
    return [((shapes[0][0], shapes[1][0]), jnp.promote_types(*dtypes))]


_iou = Operator("box_iou", [2, 2], _matrix)
_iou_rotated = Operator("box_iou_rotated", [2, 2], _matrix)


def box_iou(boxes1: Any, boxes2: Any) -> jax.Array:
    """Computes the intersection over union (IoU) of each pair of N and M boxes; see :func:`pyroi.box_iou`.

    Args:
        boxes1: ``[N, 4]``, rows ``x1, y1, x2, y2``.
        boxes2: ``[M, 4]``, in the same format.

    Returns:
        ``[N, M]`` in the wider of the two floating types. It is differentiable in both arguments, in forward and
        reverse mode. The derivative is that of the formula in JAX's operations, and 0 if neither box has an area.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape.
        jax.errors.JaxRuntimeError: While it is computed: a coordinate that is not finite, with its row.
        NotImplementedError: The function is compiled for a platform other than the CPU.

    Example:
        >>> import jax.numpy as jnp, pyroi.jax as ops
        >>> ops.box_iou(jnp.array([[0, 0, 10, 10.0]]), jnp.array([[5, 5, 15, 10], [0, 0, 10, 10.0]]))
        Array([[0.2, 1. ]], dtype=float32)
    """
    given = [to_array(boxes, name).dtype for boxes, name in ((boxes1, "boxes1"), (boxes2, "boxes2"))]
    first, second = to_rows(boxes1, "boxes1", 4), to_rows(boxes2, "boxes2", 4)
    return _in_given_type(_differentiable_iou(first, second), given)


def _in_given_type(matrix: jax.Array, given: list[Any]) -> jax.Array:
    """The result for two arrays of the same 16-bit type has that type."""
    first, second = given
    return matrix.astype(first) if first == second and jnp.issubdtype(first, jnp.floating) else matrix


@jax.custom_jvp
def _differentiable_iou(boxes1: Any, boxes2: Any) -> Any:
    return _iou(boxes1, boxes2)[0]


@_differentiable_iou.defjvp
def _iou_tangent(primals: Any, tangents: Any) -> Any:
    return _differentiable_iou(*primals), jax.jvp(_formula, primals, tangents)[1]


def _formula(boxes1: Any, boxes2: Any) -> Any:
    """IoU as an expression of JAX; quotients whose denominator is 0 do not contribute to its derivative."""
    low = jnp.maximum(boxes1[:, None, :2], boxes2[None, :, :2])
    high = jnp.minimum(boxes1[:, None, 2:], boxes2[None, :, 2:])
    shared = _area(high - low)
    union = _area(boxes1[:, 2:] - boxes1[:, :2])[:, None] + _area(boxes2[:, 2:] - boxes2[:, :2])[None] - shared
    return jnp.where(union > 0, shared / jnp.where(union > 0, union, 1), 0)


def _area(sides: Any) -> Any:
    return jnp.prod(jnp.where(sides > 0, sides, 0), -1)


def box_iou_rotated(boxes1: Any, boxes2: Any) -> jax.Array:
    """Intersection over union of rotated boxes; see :func:`pyroi.box_iou_rotated`. It has no derivative.

    Args:
        boxes1: ``[N, 5]``, rows ``cx, cy, w, h, angle``, the angle in degrees.
        boxes2: ``[M, 5]``, in the same format.

    Returns:
        ``[N, M]`` in the wider of the two floating types.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape.
        jax.errors.JaxRuntimeError: While it is computed: a number that is not finite or a side below 0, with its row.
        NotImplementedError: The function is compiled for a platform other than the CPU, or differentiated.

    Example:
        >>> import jax.numpy as jnp, pyroi.jax as ops
        >>> ops.box_iou_rotated(jnp.array([[5, 5, 10, 4, 0.0]]), jnp.array([[5, 5, 10, 4, 90], [5, 5, 4, 10, 90.0]]))
        Array([[0.25, 1.  ]], dtype=float32)
    """
    given = [to_array(boxes, name).dtype for boxes, name in ((boxes1, "boxes1"), (boxes2, "boxes2"))]
    [matrix] = _iou_rotated(to_rows(boxes1, "boxes1", 5), to_rows(boxes2, "boxes2", 5))
    return _in_given_type(matrix, given)


# ---- Suppression -----------------------------------------------------------------------------------------------------


def _kept(shapes: Any, dtypes: Any, *, max_output: int, **_: Any) -> list[Any]:
    return [((max_output,), np.dtype(np.int32)), ((), np.dtype(np.int32))]


_nms = Operator("nms", [2, 1, 1], _kept)
_nms_rotated = Operator("nms_rotated", [2, 1, 1], _kept)


def nms(
    boxes: Any,
    scores: Any,
    iou_threshold: float,
    score_threshold: float | None = None,
    *,
    max_output: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Non-maximum suppression, with a result of fixed size; see :func:`pyroi.nms`.

    Args:
        boxes: ``[N, 4]``, rows ``x1, y1, x2, y2``.
        scores: ``[N]``.
        iou_threshold: From 0 to 1. A box whose IoU with a kept box of higher score is above it is dropped.
        score_threshold: If given, boxes whose score is not above it are removed first.
        max_output: The largest number of boxes to keep, which is the size of the result. Default: N.

    Returns:
        ``(kept, count)``: int32 ``[max_output]``, indices into `boxes` by decreasing score, padded with -1; and int32
        ``[]``, the number of kept boxes. Neither has a derivative, but values that are selected by these indices have.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        jax.errors.JaxRuntimeError: While it is computed: a coordinate that is not finite, or a score that is NaN, with
            its row.
        NotImplementedError: The function is compiled for a platform other than the CPU.

    Example:
        >>> import jax.numpy as jnp, pyroi.jax as ops
        >>> boxes = jnp.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30.0]])
        >>> kept, count = ops.nms(boxes, jnp.array([0.9, 0.8, 0.7]), 0.5)
        >>> kept
        Array([ 0,  2, -1], dtype=int32)
        >>> int(count)
        2
    """
    rows = to_rows(boxes, "boxes", 4)
    return _suppress(_nms, rows, scores, None, iou_threshold, score_threshold, max_output)


def batched_nms(
    boxes: Any,
    scores: Any,
    idxs: Any,
    iou_threshold: float,
    score_threshold: float | None = None,
    *,
    max_output: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    """:func:`nms` class by class; see :func:`pyroi.batched_nms`.

    Args:
        boxes: As for :func:`nms`.
        scores: As for :func:`nms`.
        idxs: ``[N]``, the class of each box: integers of at most 32 bits.
        iou_threshold: As for :func:`nms`.
        score_threshold: As for :func:`nms`.
        max_output: As for :func:`nms`, of all classes together.

    Returns:
        As :func:`nms`, by decreasing score over all classes.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        jax.errors.JaxRuntimeError: As for :func:`nms`.
        NotImplementedError: The function is compiled for a platform other than the CPU.

    Example:
        >>> import jax.numpy as jnp, pyroi.jax as ops
        >>> boxes = jnp.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30.0]])
        >>> kept, count = ops.batched_nms(boxes, jnp.array([0.9, 0.8, 0.7]), jnp.array([1, 2, 1]), 0.5, max_output=2)
        >>> kept
        Array([0, 1], dtype=int32)
    """
    rows = to_rows(boxes, "boxes", 4)
    return _suppress(_nms, rows, scores, to_classes(idxs, rows), iou_threshold, score_threshold, max_output)


def nms_rotated(
    boxes: Any,
    scores: Any,
    iou_threshold: float,
    score_threshold: float | None = None,
    *,
    max_output: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    """:func:`nms` of rotated boxes; see :func:`pyroi.nms_rotated`.

    Args:
        boxes: ``[N, 5]``, rows ``cx, cy, w, h, angle``, the angle in degrees.
        scores: As for :func:`nms`.
        iou_threshold: As for :func:`nms`.
        score_threshold: As for :func:`nms`.
        max_output: As for :func:`nms`.

    Returns:
        As :func:`nms`.

    Raises:
        TypeError: An argument has a type that cannot be used.
        ValueError: A wrong shape or range.
        jax.errors.JaxRuntimeError: As for :func:`nms`; or a side below 0.
        NotImplementedError: The function is compiled for a platform other than the CPU.

    Example:
        >>> import jax.numpy as jnp, pyroi.jax as ops
        >>> boxes = jnp.array([[50, 50, 80, 10, 45], [50, 50, 80, 10, -45], [51, 50, 80, 10, 44.0]])
        >>> kept, count = ops.nms_rotated(boxes, jnp.array([0.9, 0.8, 0.7]), 0.5)
        >>> kept
        Array([ 0,  1, -1], dtype=int32)
    """
    rows = to_rows(boxes, "boxes", 5)
    return _suppress(_nms_rotated, rows, scores, None, iou_threshold, score_threshold, max_output)


def _suppress(
    operator: Operator,
    rows: jax.Array,
    scores: Any,
    classes: jax.Array | None,
    iou_threshold: float,
    score_threshold: float | None,
    max_output: int | None,
) -> tuple[jax.Array, jax.Array]:
    numbers = to_scores(scores, rows)
    pyroi.nms(np.empty((0, 4)), np.empty(0), iou_threshold, score_threshold, max_output=max_output)
    kept, count = operator(
        jax.lax.stop_gradient(rows),
        jax.lax.stop_gradient(numbers),
        jnp.zeros(0, jnp.int32) if classes is None else classes,
        iou_threshold=float(iou_threshold),
        score_threshold=-math.inf if score_threshold is None else float(score_threshold),
        max_output=rows.shape[0] if max_output is None else int(max_output),
    )
    return kept, count
