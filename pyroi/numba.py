"""The operators for numba: callable in code that ``@njit`` compiles, with the GIL released.

Functions have the names, the first parameters and the results of :mod:`pyroi`. Compiled code calls libroi directly;
called from Python, a function of this module is pyroi's own function. A wrong type or number of dimensions raises
numba's TypingError while a caller is compiled. All other errors raise ValueError in compiled code, with the messages of
pyroi.

>>> import numba, numpy as np, pyroi.numba as roi
>>> @numba.njit
... def best(boxes, scores):
...     kept = roi.nms(boxes, scores, 0.5, max_output=1)
...     return boxes[kept[0]]
>>> best(np.array([[0, 0, 10, 10], [1, 1, 11, 11]]), np.array([0.8, 0.9]))
array([ 1,  1, 11, 11])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    import llvmlite.binding
    import numba
    from numba import types
    from numba.core.errors import TypingError
    from numba.extending import overload, register_jitable
except ModuleNotFoundError as _reason:
    if _reason.name not in ("numba", "llvmlite"):
        raise
    from pyroi.install import how_to_add

    raise ImportError(f"pyroi.numba needs numba, which is not installed: {how_to_add('numba')}") from _reason

import pyroi
from pyroi import native
from pyroi.arrays import DTYPE_CODES, Array
from pyroi.box_table import BoxTable
from pyroi.errors import ArgumentError
from pyroi.native import ffi, lib

__all__ = ["box_iou", "nms", "roi_align"]


# ---- libroi's structs and functions ----------------------------------------------------------------------------------


def _record(struct: str) -> np.dtype[Any]:
    """The layout of a struct of libroi, read from cffi; each element of an array becomes a member."""
    ctype = ffi.typeof(struct)
    names, formats, offsets = [], [], []
    for name, field in ctype.fields:
        array = field.type.kind == "array"
        item = field.type.item if array else field.type
        form = "f8" if item.cname == "double" else f"i{ffi.sizeof(item)}"
        for index in range(field.type.length if array else 1):
            names.append(f"{name}{index}" if array else name)
            formats.append(form)
            offsets.append(field.offset + index * ffi.sizeof(item))
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": ffi.sizeof(ctype)})


_ARRAY, _BOXES, _VECTOR, _ERROR = map(_record, ("roi_array", "roi_boxes", "roi_vector", "roi_error"))
_ALIGN, _IOU, _NMS = map(_record, ("roi_align_params", "roi_iou_params", "roi_nms_params"))
_ALIGN_SIZE, _IOU_SIZE, _NMS_SIZE = _ALIGN.itemsize, _IOU.itemsize, _NMS.itemsize


def _external(name: str, address: Any, arguments: int) -> Any:
    """A function of libroi with pointer arguments only, for calls from compiled code.

    It is registered by name instead of by address, so that numba can cache compiled code.
    """
    llvmlite.binding.add_symbol(name, int(ffi.cast("intptr_t", address)))
    return types.ExternalFunction(name, types.int32(*[types.uintp] * arguments))


_roi_align = _external("pyroi_numba_roi_align", ffi.addressof(lib, "roi_align"), 5)
_roi_box_iou = _external("pyroi_numba_roi_box_iou", ffi.addressof(lib, "roi_box_iou"), 5)
_roi_nms = _external("pyroi_numba_roi_nms", ffi.addressof(lib, "roi_nms"), 7)
_has_gil = types.ExternalFunction("PyGILState_Check", types.int32())
_release_gil = types.ExternalFunction("PyEval_SaveThread", types.uintp())
_take_gil = types.ExternalFunction("PyEval_RestoreThread", types.void(types.uintp))


@numba.njit
def _let_go() -> Any:
    """Releases the GIL if this thread holds it. Returns a state for `_take_back`, or 0."""
    state = np.uintp(0)
    if _has_gil():
        state = _release_gil()
    return state


@numba.njit
def _take_back(state: Any) -> None:
    if state:
        _take_gil(state)


# Arrays whose addresses are passed to libroi must live until it returns, and compiled code frees an array after its
# last use. Each array is therefore an argument here, which the caller holds.


@numba.njit
def _call_align(params: Any, features: Any, boxes: Any, crops: Any, error: Any) -> Any:
    state = _let_go()
    status = _roi_align(
        params.ctypes.data, features.ctypes.data, boxes.ctypes.data, crops.ctypes.data, error.ctypes.data
    )
    _take_back(state)
    return status


@numba.njit
def _call_iou(params: Any, boxes1: Any, boxes2: Any, matrix: Any, error: Any) -> Any:
    state = _let_go()
    status = _roi_box_iou(
        params.ctypes.data, boxes1.ctypes.data, boxes2.ctypes.data, matrix.ctypes.data, error.ctypes.data
    )
    _take_back(state)
    return status


@numba.njit
def _call_nms(params: Any, boxes: Any, scores: Any, kept: Any, count: Any, error: Any) -> Any:
    state = _let_go()
    status = _roi_nms(
        params.ctypes.data,
        boxes.ctypes.data,
        scores.ctypes.data,
        np.uintp(0),
        kept.ctypes.data,
        count.ctypes.data,
        error.ctypes.data,
    )
    _take_back(state)
    return status


# ---- Types, which are known when a caller is compiled ----------------------------------------------------------------


def _check_array(value: Any, name: str, form: str, kinds: tuple[Any, ...]) -> None:
    """Raises TypingError unless the value is an array of the right number of dimensions and one of these types."""
    dimensions = form.count(",") + 1
    if not isinstance(value, types.Array):
        raise TypingError(f"{name}: expected an array {form}, got {value}")
    if value.ndim != dimensions:
        raise TypingError(f"{name}: expected {form}, got an array of {value.ndim} dimensions")
    wide = not isinstance(value.dtype, types.Float) or value.dtype.bitwidth >= 32
    if not isinstance(value.dtype, kinds) or not wide:
        whole = " or integers" if types.Integer in kinds else ""
        raise TypingError(f"{name}: expected float32 or float64{whole}, got {value.dtype}")
    if not value.aligned:
        raise TypingError(f"{name}: expected elements that are aligned in memory")


def _check_map(value: Any, name: str) -> None:
    _check_array(value, name, "[N, C, H, W]", (types.Float,))


def _check_numbers(value: Any, name: str, form: str) -> None:
    _check_array(value, name, form, (types.Float, types.Integer))


def _check_number(value: Any, name: str) -> None:
    if not isinstance(_plain(value), (types.Float, types.Integer, float, int)):
        raise TypingError(f"{name}: expected a number, got {value}")


def _check_integer(value: Any, name: str) -> None:
    if not isinstance(_plain(value), (types.Integer, int)):
        raise TypingError(f"{name}: expected an integer, got {value}")


def _check_flag(value: Any, name: str) -> None:
    """Accepts booleans and integers; that an integer is 0 or 1 is checked when its value is known."""
    if not isinstance(_plain(value), (types.Boolean, types.Integer, bool)):
        raise TypingError(f"{name}: expected True or False, got {value}")


def _check_sizes(value: Any, name: str) -> None:
    sizes = tuple(value) if isinstance(value, (types.UniTuple, types.Tuple)) else (value, value)
    if len(sizes) != 2:
        raise TypingError(f"{name}: expected (height, width), got {value}")
    for size in sizes:
        _check_integer(size, name)


def _plain(value: Any) -> Any:
    """The type of an argument, or its default value if it was left out."""
    return value.value if isinstance(value, types.Omitted) else value


def _is_none(value: Any) -> bool:
    return _plain(value) is None or isinstance(value, types.NoneType)


def _code(array: Any) -> Any:
    """libroi's number for the element type of an array."""


@overload(_code, strict=False)
def _code_of(array: Any) -> Callable[..., Any]:
    code = int(DTYPE_CODES[np.dtype(str(array.dtype))])
    return lambda array: code


def _wide(array: Any) -> Any:
    """An array converted to a type that boxes and scores may have."""


@overload(_wide, strict=False)
def _widened(array: Any) -> Callable[..., Any]:
    if isinstance(array.dtype, types.Float):
        return lambda array: array
    return lambda array: array.astype(np.float64)


def _or_default(value: Any, default: Any) -> Any:
    """A number, or the default if None is given."""


@overload(_or_default, strict=False)
def _number_or_default(value: Any, default: Any) -> Callable[..., Any]:
    if _is_none(value):
        return lambda value, default: default
    return lambda value, default: value


def _sides(output_size: Any) -> Any:
    """Height and width of a crop."""


@overload(_sides, strict=False)
def _two_sides(output_size: Any) -> Callable[..., Any]:
    if isinstance(output_size, types.Integer):
        return lambda output_size: (output_size, output_size)
    return lambda output_size: (output_size[0], output_size[1])


# ---- Errors ----------------------------------------------------------------------------------------------------------

# Compiled code raises these with numbers only; the message is made when the exception reaches Python.


class Misuse(ArgumentError):
    """A wrong value or shape found by compiled code: the argument, the rule, and the numbers in the rule."""

    def __init__(self, argument: str, rule: str, *numbers: float) -> None:
        super().__init__(argument, rule.format(*numbers) if numbers else rule)


class Fault(Misuse):
    """An error found by libroi: its status, its position, and the facts of the call."""

    def __init__(
        self, status: int, row: int, column: int, value: float, images: int, columns: int, first_rows: int
    ) -> None:
        super().__init__(*_words(status, row, column, value, images, columns, first_rows))

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return Misuse, (self.argument, self.rule)


def _words(
    status: int, row: int, column: int, value: float, images: int, columns: int, first_rows: int
) -> tuple[str, str]:
    """pyroi's message for an error. libroi numbers the rows of two arrays of boxes consecutively."""
    name = "boxes" if first_rows < 0 else "boxes1" if row < first_rows else "boxes2"
    row -= first_rows if name == "boxes2" else 0
    error = ffi.new(native.ERROR, (status, row, column, value))
    table = BoxTable(np.empty((0, columns)), name=name)
    try:
        native.fail(status, error, boxes=table, images=images, scale_name="spatial_scale", score_kind="a number")
    except ArgumentError as found:
        return found.argument, found.rule
    except Exception as found:
        return "libroi", str(found)


_NO_MEMORY = int(lib.ROI_ERROR_MEMORY)


@numba.njit
def _fail(status: int, error: Any, images: int, columns: int, first_rows: int) -> None:
    """Raises the exception of a status."""
    if status == _NO_MEMORY:
        raise MemoryError("out of memory for intermediate results")
    raise Fault(status, error[0].row, error[0].column, error[0].value, images, columns, first_rows)


# ---- Descriptions of arrays ------------------------------------------------------------------------------------------


@register_jitable
def _check_strides(array: Any, name: str) -> None:
    for stride in array.strides:
        if stride % array.itemsize:
            raise Misuse(name, "expected strides of whole elements, got one of {} bytes", stride)


@register_jitable
def _describe_map(array: Any, name: str) -> Any:
    _check_strides(array, name)
    described = np.zeros(1, _ARRAY)
    map = described[0]
    map.data, map.dtype = array.ctypes.data, _code(array)
    map.shape0, map.shape1, map.shape2, map.shape3 = array.shape
    size = array.itemsize
    map.strides0, map.strides1 = array.strides[0] // size, array.strides[1] // size
    map.strides2, map.strides3 = array.strides[2] // size, array.strides[3] // size
    return described


@register_jitable
def _describe_boxes(array: Any, name: str) -> Any:
    _check_strides(array, name)
    described = np.zeros(1, _BOXES)
    boxes = described[0]
    boxes.data, boxes.dtype = array.ctypes.data, _code(array)
    boxes.count, boxes.columns = array.shape
    boxes.strides0, boxes.strides1 = array.strides[0] // array.itemsize, array.strides[1] // array.itemsize
    return described


@register_jitable
def _describe_vector(array: Any, name: str) -> Any:
    _check_strides(array, name)
    described = np.zeros(1, _VECTOR)
    vector = described[0]
    vector.data, vector.dtype = array.ctypes.data, _code(array)
    vector.count, vector.stride = array.shape[0], array.strides[0] // array.itemsize
    return described


# ---- The operators ---------------------------------------------------------------------------------------------------


def roi_align(
    input: npt.ArrayLike,
    boxes: Any,
    output_size: Any,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
) -> Array:
    """Pools each box to a crop of fixed size; see :func:`pyroi.roi_align`.

    Args:
        input: Feature map ``[N, C, H, W]`` of any strides: float32 or float64.
        boxes: ``[K, 5]``, rows ``batch_index x1 y1 x2 y2``, or ``[K, 4]`` where N is 1: floating-point numbers or
            integers.
        output_size: ``(height, width)`` of a crop, or one number for a square.
        spatial_scale: Size of the map divided by the size of the image.
        sampling_ratio: Number of samples per bin along each axis. With 0 or less, a bin has as many samples as pixels,
            rounded up.
        aligned: Whether to shift boxes by half a pixel, because the centre of pixel k lies at k + 0.5.

    Returns:
        Crops ``[K, C, height, width]`` of the input's type, computed with mode ``avg``.

    Raises:
        numba.TypingError: A wrong type or number of dimensions, while a caller is compiled.
        ValueError: A wrong shape, range, batch index or coordinate, with its row.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numba, numpy as np, pyroi.numba as roi
        >>> head = numba.njit(lambda map, boxes: roi.roi_align(map, boxes, (2, 2), sampling_ratio=2))
        >>> head(np.arange(25.0).reshape(1, 1, 5, 5), np.array([[1, 1, 3, 3]]))
        array([[[[ 6.,  7.],
                 [11., 12.]]]])
    """
    return pyroi.roi_align(input, boxes, output_size, spatial_scale, sampling_ratio, aligned)


@overload(roi_align)
def _compile_roi_align(
    input: Any, boxes: Any, output_size: Any, spatial_scale: Any = 1.0, sampling_ratio: Any = -1, aligned: Any = True
) -> Callable[..., Any]:
    _check_map(input, "input")
    _check_numbers(boxes, "boxes", "[K, 5]")
    _check_number(spatial_scale, "spatial_scale")
    _check_sizes(output_size, "output_size")
    _check_integer(sampling_ratio, "sampling_ratio")
    _check_flag(aligned, "aligned")

    def run(
        input: Any,
        boxes: Any,
        output_size: Any,
        spatial_scale: Any = 1.0,
        sampling_ratio: Any = -1,
        aligned: Any = True,
    ) -> Any:
        height, width = _sides(output_size)
        if height < 0 or width < 0:
            raise Misuse("output_size", "expected sizes of 0 or more, got ({}, {})", height, width)
        if not 4 <= boxes.shape[1] <= 5:
            raise Misuse("boxes", "expected [K, 4] or [K, 5], got [{}, {}]", boxes.shape[0], boxes.shape[1])
        if not (spatial_scale > 0 and math.isfinite(spatial_scale)):
            raise Misuse("spatial_scale", "expected a finite number above 0, got {}", spatial_scale)
        if aligned != 0 and aligned != 1:
            raise Misuse("aligned", "expected True or False, got {}", aligned)
        rows = _wide(boxes)
        crops = np.empty((boxes.shape[0], input.shape[1], height, width), input.dtype)
        params, error = np.zeros(1, _ALIGN), np.zeros(1, _ERROR)
        setting = params[0]
        setting.size, setting.spatial_scale, setting.sampling_ratio = _ALIGN_SIZE, spatial_scale, sampling_ratio
        setting.aligned = aligned
        features, table, result = (
            _describe_map(input, "input"),
            _describe_boxes(rows, "boxes"),
            _describe_map(crops, ""),
        )
        status = _call_align(params, features, table, result, error)
        if status:
            _fail(status, error, input.shape[0], boxes.shape[1], -1)
        _keep(input, rows)
        return crops

    return run


def box_iou(boxes1: npt.ArrayLike, boxes2: npt.ArrayLike) -> Array:
    """Computes the intersection over union (IoU) of each pair of N and M boxes; see :func:`pyroi.box_iou`.

    Args:
        boxes1: ``[N, 4]``, rows ``x1, y1, x2, y2``: floating-point numbers or integers.
        boxes2: ``[M, 4]``, in the same format.

    Returns:
        ``[N, M]``: float32 if both arguments are float32, and otherwise float64.

    Raises:
        numba.TypingError: A wrong type or number of dimensions, while a caller is compiled.
        ValueError: A wrong shape, or a coordinate that is not finite, with its row.
        MemoryError: The result does not fit in memory.

    Example:
        >>> import numba, numpy as np, pyroi.numba as roi
        >>> best = numba.njit(lambda boxes, truth: roi.box_iou(boxes, truth).max())
        >>> best(np.array([[0, 0, 10, 10]]), np.array([[5, 5, 15, 10], [5, 0, 10, 10]]))
        0.5
    """
    return pyroi.box_iou(boxes1, boxes2)


@overload(box_iou)
def _compile_box_iou(boxes1: Any, boxes2: Any) -> Callable[..., Any]:
    _check_numbers(boxes1, "boxes1", "[N, 4]")
    _check_numbers(boxes2, "boxes2", "[M, 4]")
    single = boxes1.dtype == boxes2.dtype == types.float32
    dtype = np.float32 if single else np.float64

    def run(boxes1: Any, boxes2: Any) -> Any:
        if boxes1.shape[1] != 4:
            raise Misuse("boxes1", "expected [K, 4], got [{}, {}]", boxes1.shape[0], boxes1.shape[1])
        if boxes2.shape[1] != 4:
            raise Misuse("boxes2", "expected [K, 4], got [{}, {}]", boxes2.shape[0], boxes2.shape[1])
        first, second = _wide(boxes1), _wide(boxes2)
        matrix = np.empty((1, 1, boxes1.shape[0], boxes2.shape[0]), dtype)
        params, error = np.zeros(1, _IOU), np.zeros(1, _ERROR)
        params[0].size = _IOU_SIZE
        rows, others = _describe_boxes(first, "boxes1"), _describe_boxes(second, "boxes2")
        result = _describe_map(matrix, "")
        status = _call_iou(params, rows, others, result, error)
        if status:
            _fail(status, error, 1, 4, boxes1.shape[0])
        _keep(first, second)
        return matrix[0, 0]

    return run


def nms(
    boxes: npt.ArrayLike,
    scores: npt.ArrayLike,
    iou_threshold: float,
    score_threshold: float | None = None,
    max_output: int | None = None,
) -> npt.NDArray[np.int64]:
    """Non-maximum suppression; see :func:`pyroi.nms`.

    Args:
        boxes: ``[N, 4]``, rows ``x1, y1, x2, y2``: floating-point numbers or integers.
        scores: ``[N]``.
        iou_threshold: From 0 to 1. An IoU equal to it does not suppress.
        score_threshold: If given, boxes whose score is not above it are removed first.
        max_output: If given, the largest number of boxes to keep.

    Returns:
        int64 ``[kept]``: indices into `boxes` as given, by decreasing score.

    Raises:
        numba.TypingError: A wrong type or number of dimensions, while a caller is compiled.
        ValueError: A wrong shape or range, a coordinate that is not finite or a score that is NaN, with its row.

    Example:
        >>> import numba, numpy as np, pyroi.numba as roi
        >>> suppress = numba.njit(lambda boxes, scores: boxes[roi.nms(boxes, scores, 0.5)])
        >>> suppress(np.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]]), np.array([0.9, 0.8, 0.7]))
        array([[ 0,  0, 10, 10],
               [20, 20, 30, 30]])
    """
    return pyroi.nms(boxes, scores, iou_threshold, score_threshold, max_output=max_output)


@overload(nms)
def _compile_nms(
    boxes: Any, scores: Any, iou_threshold: Any, score_threshold: Any = None, max_output: Any = None
) -> Callable[..., Any]:
    _check_numbers(boxes, "boxes", "[N, 4]")
    _check_numbers(scores, "scores", "[N]")
    _check_number(iou_threshold, "iou_threshold")
    if not _is_none(score_threshold):
        _check_number(score_threshold, "score_threshold")
    if not _is_none(max_output):
        _check_integer(max_output, "max_output")

    def run(boxes: Any, scores: Any, iou_threshold: Any, score_threshold: Any = None, max_output: Any = None) -> Any:
        count = boxes.shape[0]
        if boxes.shape[1] != 4:
            raise Misuse("boxes", "expected [K, 4], got [{}, {}]", boxes.shape[0], boxes.shape[1])
        if scores.shape[0] != count:
            raise Misuse("scores", "expected [{}], one for each box, got [{}]", count, scores.shape[0])
        if not 0 <= iou_threshold <= 1:
            raise Misuse("iou_threshold", "expected a number from 0 to 1, got {}", iou_threshold)
        least = float(_or_default(score_threshold, -np.inf))
        if math.isnan(least):
            raise Misuse("score_threshold", "expected a number, got nan")
        limit = int(_or_default(max_output, count))
        if limit < 0:
            raise Misuse("max_output", "expected 0 or more, got {}", limit)
        rows, numbers = _wide(boxes), _wide(scores)
        kept, found = np.empty(min(count, limit), np.int64), np.zeros(1, np.int64)
        params, error = np.zeros(1, _NMS), np.zeros(1, _ERROR)
        setting = params[0]
        setting.size, setting.iou_threshold, setting.score_threshold = _NMS_SIZE, iou_threshold, least
        setting.max_output = limit
        table, column = _describe_boxes(rows, "boxes"), _describe_vector(numbers, "scores")
        status = _call_nms(params, table, column, kept, found, error)
        if status:
            _fail(status, error, 1, 4, -1)
        _keep(rows, numbers)
        return kept[: found[0]].copy()

    return run


@numba.njit
def _keep(first: Any, second: Any) -> None:
    """Has no effect, but arrays that are passed to it live until this point."""
