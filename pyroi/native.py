"""Calls of libroi, and the table from its status codes to exceptions."""

from __future__ import annotations

from typing import Any, NoReturn

from pyroi.errors import ArgumentError, Cancelled, Error
from pyroi.install import why_not_compiled

try:
    from pyroi._libroi import ffi, lib
except ModuleNotFoundError as _reason:
    if _reason.name != "pyroi._libroi":
        raise
    raise ImportError(why_not_compiled()) from None

__all__ = ["ERROR", "call", "cancel_flag", "check_cancelled", "fail", "ffi", "lib", "watch_cancel_flag"]

ERROR = ffi.typeof("roi_error *")
_cancel = ffi.NULL


def watch_cancel_flag(address: int) -> None:
    """Makes every later call stop soon after the int32 at `address` has become non-zero (0: watch nothing).

    A stopped call raises :class:`pyroi.errors.Cancelled`. The flag belongs to the caller, who also resets it.

    Args:
        address: The address of the int32, which must stay valid as long as it is watched.

    Raises:
        TypeError: `address` is not an integer.

    Example:
        >>> import numpy as np, pyroi
        >>> flag = np.ones(1, np.int32)
        >>> pyroi.watch_cancel_flag(flag.ctypes.data)
        >>> pyroi.nms(np.array([[0.0, 0, 2, 2]]), [0.5], 0.5)
        Traceback (most recent call last):
            ...
        pyroi.errors.Cancelled: cancelled
        >>> pyroi.watch_cancel_flag(0)
    """
    global _cancel
    _cancel = ffi.cast("const volatile int32_t *", address)


def cancel_flag() -> Any:
    """The address of the cancel flag for a params struct; NULL if there is none."""
    return _cancel


def check_cancelled() -> None:
    """Raises :class:`pyroi.errors.Cancelled` if the flag is set: for long work outside libroi."""
    if _cancel != ffi.NULL and _cancel[0]:
        raise Cancelled("cancelled")


# The argument that a status refers to, and the rule it violates. Braces are filled in with the facts of the call.
_RULES = {
    lib.ROI_ERROR_OUTPUT_SIZE: ("output_size", "expected sizes of 0 or more, got {output_size}"),
    lib.ROI_ERROR_SPATIAL_SCALE: ("{scale_name}", "expected a finite number above 0, got {scale}"),
    lib.ROI_ERROR_BATCH_INDEX: (
        "boxes",
        "{where}: the batch index must be a whole number in [0, {images}), got {value:.15g}",
    ),
    lib.ROI_ERROR_NO_BATCH_INDEX: (
        "boxes",
        "expected [K, {more_columns}] with the batch index in column 0, or a list of arrays [L, {columns}], since the "
        "input holds {images} images; got {columns} columns",
    ),
    lib.ROI_ERROR_COORDINATE: ("{array}", "{where}: coordinates must be finite, got {value} in column {column}"),
    lib.ROI_ERROR_BOX_OVERFLOW: ("boxes", "{where}: the box times {scale_name} is beyond the range of float64"),
    lib.ROI_ERROR_BOX_REACH: ("boxes", "{where}: the box times {scale_name} reaches farther than 2**40 pixels"),
    lib.ROI_ERROR_SAMPLING_RATIO: (
        "sampling_ratio",
        f"expected at most {lib.ROI_MOST_ROTATED_SAMPLES}, got {{sampling_ratio}}",
    ),
    lib.ROI_ERROR_ARGMAX: ("{argmax}", "{where}: expected -1 or an index in [0, {pixels}), got {value:.15g}"),
    lib.ROI_ERROR_LEVELS: ("num_levels", "expected at least 1, got {levels}"),
    lib.ROI_ERROR_CANONICAL: ("canonical_scale", "expected a finite number above 0, got {canonical_scale}"),
    lib.ROI_ERROR_SCORE: ("scores", "{where}: expected {score_kind}, got {value}"),
    lib.ROI_ERROR_IOU_THRESHOLD: ("iou_threshold", "expected a number from 0 to 1, got {iou_threshold}"),
    lib.ROI_ERROR_SCORE_THRESHOLD: ("score_threshold", "expected a number, got {score_threshold}"),
    lib.ROI_ERROR_SIGMA: ("sigma", "expected a finite number above 0, got {sigma}"),
    lib.ROI_ERROR_SIDE: ("{array}", "{where}: width and height must be 0 or more, got {value} in column {column}"),
    lib.ROI_ERROR_ALIGN_CORNERS: ("align_corners", "only the modes bilinear and bicubic support it, got {mode}"),
    lib.ROI_ERROR_ANTIALIAS: ("antialias", "only the modes bilinear and bicubic support it, got {mode}"),
    lib.ROI_ERROR_SCALE_FACTOR: ("scale_factor", "expected finite numbers above 0, got {scale_factor}"),
    lib.ROI_ERROR_MEAN: ("mean", "expected finite numbers, got {value} for channel {row}"),
    lib.ROI_ERROR_STD: ("std", "expected finite numbers above 0, got {value} for channel {row}"),
}


def _facts_of(error: Any, boxes: Any) -> dict[str, Any]:
    """The facts of an error detail, with the row in terms of the boxes if there are any."""
    facts = {"row": error.row, "column": error.column, "value": error.value}
    if boxes is None:
        return {**facts, "array": "boxes", "where": f"row {error.row}"}
    array, where = boxes.locate(error.row)
    columns = boxes.rows.shape[1]
    return {**facts, "array": array, "where": where, "columns": columns, "more_columns": columns + 1}


def fail(status: int, error: Any, **facts: Any) -> NoReturn:
    """Raises the exception of a status. Its message is made from the error detail and the facts of the call."""
    if status == lib.ROI_ERROR_MEMORY:
        raise MemoryError("out of memory for intermediate results")
    if status == lib.ROI_CANCELLED:
        raise Cancelled("cancelled")
    if status not in _RULES:
        raise Error(f"internal fault of libroi: {ffi.string(lib.roi_status_text(status)).decode()}")
    argument, rule = _RULES[status]
    facts = {**_facts_of(error, facts.get("boxes")), **facts}
    raise ArgumentError(argument.format_map(facts), rule.format_map(facts))


def call(function: Any, *arguments: Any, **facts: Any) -> None:
    """Calls a libroi function with an error detail as its last argument, and raises the exception of its status."""
    error = ffi.new(ERROR)
    status = function(*arguments, error)
    if status:
        fail(status, error, **facts)
