"""Replaces the CPU kernels of torchvision's operators by pyroi's, and restores them.

torchvision's functions and models call the operators of ``torch.ops.torchvision``. The kernels below are registered for
these operators on the CPU. They have the same arguments and results, including those that only the gradient needs.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import library

import pyroi
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.nms import nms_in_own_type
from pyroi.torch.boxes import check_scored
from pyroi.torch.pooling import check_boxes, check_map
from pyroi.torch.tensors import call

_Registrations: Any = vars(library)["Library"]  # PyTorch's class, which reports the file of its caller
_registered: Any = None  # the registrations, which end with this object


def accelerate() -> None:
    """Registers pyroi's kernels for torchvision's operators on the CPU, for all models in this process.

    The operators are roi_align, roi_pool, ps_roi_align, ps_roi_pool, their gradients, and nms. Models, also
    scripted and compiled ones, need no change; other devices are not affected. A second call has no effect.
    :func:`restore` undoes it.

    Results are torchvision's up to rounding, except where the two differ by definition: see docs/frameworks.md. nms
    decides as torchvision does, by an IoU in the type of the boxes. Errors are both the RuntimeErrors of
    torchvision and the ValueErrors and TypeErrors of pyroi; a box that is not finite is an error too, though not in
    torchvision.

    Raises:
        ImportError: torchvision is not installed, or its operators do not load.

    Example:
        >>> import torch, torchvision, pyroi.torch
        >>> map = torch.arange(4.0).reshape(1, 4, 1, 1).expand(1, 4, 6, 6)
        >>> box_without_area = [torch.tensor([[2, 2, 2, 2.0]])]
        >>> pyroi.torch.accelerate()
        >>> torchvision.ops.ps_roi_align(map, box_without_area, 2)  # NaN in torchvision's own kernel
        tensor([[[[0., 0.],
                  [0., 0.]]]])
        >>> pyroi.torch.restore()
    """
    global _registered
    if _registered is not None:
        return
    try:
        importlib.import_module("torchvision.ops")  # defines what is replaced below
    except Exception as reason:  # one that was built for another torch raises RuntimeError or OSError
        raise ImportError(f"accelerate() needs torchvision, which does not load: {reason}") from reason
    if not hasattr(torch.ops.torchvision, "roi_align"):
        raise ImportError("accelerate() needs torchvision's operators, which have not been loaded")
    kernels = _Registrations("torchvision", "IMPL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns that kernels are replaced, which is the purpose
        for name, kernel in _KERNELS.items():
            kernels.impl(name, _with_their_errors(kernel), "CPU")
    _registered = kernels


def restore() -> None:
    """Undoes :func:`accelerate`. It has no effect if the kernels have not been replaced.

    Example:
        >>> import pyroi.torch
        >>> pyroi.torch.accelerate()
        >>> pyroi.torch.restore()
    """
    global _registered
    if _registered is not None:
        _registered._destroy()
        _registered = None


# ---- Errors ----------------------------------------------------------------------------------------------------------


class VisionError(ArgumentError, RuntimeError):
    """A wrong value or shape; also a RuntimeError, as in torchvision."""


class VisionTypeError(ArgumentTypeError, RuntimeError):
    """A type that cannot be used; also a RuntimeError, as in torchvision."""


class VisionMemoryError(MemoryError, RuntimeError):
    """A lack of memory; also a RuntimeError, as in PyTorch."""


def _with_their_errors(kernel: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(kernel)
    def run(*arguments: Any) -> Any:
        try:
            return kernel(*arguments)
        except ArgumentError as error:
            raise VisionError(error.argument, error.rule) from None
        except ArgumentTypeError as error:
            raise VisionTypeError(error.argument, error.rule) from None
        except MemoryError as error:
            raise VisionMemoryError(*error.args) from None

    return run


# ---- Kernels, with the signatures of torchvision's -------------------------------------------------------------------


def _pool(function: Callable[..., Any], map: Any, rois: Any, *settings: Any, **options: Any) -> Any:
    """Calls a pooling function after the checks of pyroi.torch."""
    map = check_map(map, "input")
    return call(function, map, check_boxes(rois, "K", 5, map), *settings, **options)


def _roi_align(input: Any, rois: Any, scale: float, height: int, width: int, ratio: int, aligned: bool) -> Any:
    return _pool(pyroi.roi_align, input, rois, (height, width), scale, ratio, aligned)


def _roi_align_backward(
    grad: Any,
    rois: Any,
    scale: float,
    height: int,
    width: int,
    n: int,
    c: int,
    h: int,
    w: int,
    ratio: int,
    aligned: bool,
) -> Any:
    return _pool(pyroi.roi_align_backward, grad, rois, (n, c, h, w), scale, ratio, aligned)


def _roi_pool(input: Any, rois: Any, scale: float, height: int, width: int) -> Any:
    map = check_map(input, "input")
    if map.shape[2] * map.shape[3] > 2**31:
        raise ArgumentError("input", "a map of more than 2^31 pixels is beyond torchvision's indices of 32 bits")
    crops, places = _pool(pyroi.roi_pool, input, rois, (height, width), scale, return_argmax=True)
    return crops, places.to(torch.int32)


def _roi_pool_backward(
    grad: Any, rois: Any, argmax: Any, scale: float, height: int, width: int, n: int, c: int, h: int, w: int
) -> Any:
    return call(pyroi.roi_pool_backward, grad, argmax, rois, (n, c, h, w))


def _ps_roi_align(input: Any, rois: Any, scale: float, height: int, width: int, ratio: int) -> Any:
    return _with_channels(_pool(pyroi.ps_roi_align, input, rois, (height, width), scale, ratio))


def _ps_roi_align_backward(
    grad: Any,
    rois: Any,
    channels: Any,
    scale: float,
    height: int,
    width: int,
    ratio: int,
    n: int,
    c: int,
    h: int,
    w: int,
) -> Any:
    return _pool(pyroi.ps_roi_align_backward, grad, rois, (n, c, h, w), scale, ratio)


def _ps_roi_pool(input: Any, rois: Any, scale: float, height: int, width: int) -> Any:
    return _with_channels(_pool(pyroi.ps_roi_pool, input, rois, (height, width), scale))


def _ps_roi_pool_backward(
    grad: Any, rois: Any, channels: Any, scale: float, height: int, width: int, n: int, c: int, h: int, w: int
) -> Any:
    return _pool(pyroi.ps_roi_pool_backward, grad, rois, (n, c, h, w), scale)


def _with_channels(crops: Any) -> tuple[Any, Any]:
    """Crops, and the input channel of each bin, which torchvision's gradient operators take."""
    channels = torch.arange(crops.shape[1:].numel(), dtype=torch.int32)
    return crops, channels.reshape(crops.shape[1:]).expand(crops.shape).contiguous()


def _nms(dets: Any, scores: Any, iou_threshold: float) -> Any:
    return call(nms_in_own_type, *check_scored(dets, scores), iou_threshold)


_KERNELS: dict[str, Callable[..., Any]] = {
    "roi_align": _roi_align,
    "_roi_align_backward": _roi_align_backward,
    "roi_pool": _roi_pool,
    "_roi_pool_backward": _roi_pool_backward,
    "ps_roi_align": _ps_roi_align,
    "_ps_roi_align_backward": _ps_roi_align_backward,
    "ps_roi_pool": _ps_roi_pool,
    "_ps_roi_pool_backward": _ps_roi_pool_backward,
    "nms": _nms,
}
