"""Puts our kernels under torchvision's own operators, and takes them out again.

torchvision's functions and models call ``torch.ops.torchvision``; on the CPU its dispatcher finds the kernels below
instead of torchvision's. They take and give exactly what those do, also what only the gradient needs.
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

_Registrations: Any = vars(library)["Library"]  # PyTorch's class: it notes the file that makes one, and so names us
_registered: Any = None  # the registrations, which last as long as it does


def accelerate() -> None:
    """Lets every model that uses torchvision's operators on the CPU run on pyroi's kernels, from now on.

    The operators are roi_align, roi_pool, ps_roi_align, ps_roi_pool, their gradients, and nms. Models, scripted and
    compiled ones too, stay as they are; so do the other devices. A second call changes nothing. :func:`restore` undoes
    it.

    Results are torchvision's up to rounding, except where the two differ by definition: see docs/frameworks.md. nms
    decides as torchvision does, by an IoU in the type of the boxes. Errors are RuntimeErrors, as torchvision's, and at
    the same time the ValueErrors and TypeErrors of pyroi; so is a box that is not finite, which torchvision takes.

    Raises:
        ImportError: torchvision is not installed, or its operators do not load.
    """
    global _registered
    if _registered is not None:
        return
    try:
        importlib.import_module("torchvision.ops")  # defines what is replaced below
    except Exception as reason:  # one that was built for another torch raises RuntimeError or OSError
        raise ImportError(f"accelerate() needs a torchvision that loads, and this one does not: {reason}") from reason
    if not hasattr(torch.ops.torchvision, "roi_align"):
        raise ImportError("accelerate() needs torchvision's operators, which do not load here")
    kernels = _Registrations("torchvision", "IMPL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns that kernels are replaced, which is the purpose
        for name, kernel in _KERNELS.items():
            kernels.impl(name, _with_their_errors(kernel), "CPU")
    _registered = kernels


def restore() -> None:
    """Undoes :func:`accelerate`: torchvision's own kernels are back. Without it, nothing happens."""
    global _registered
    if _registered is not None:
        _registered._destroy()
        _registered = None


# ---- Errors ----------------------------------------------------------------------------------------------------------


class VisionError(ArgumentError, RuntimeError):
    """A wrong value or shape: torchvision's errors are RuntimeErrors."""


class VisionTypeError(ArgumentTypeError, RuntimeError):
    """A type that cannot be used, likewise."""


class VisionMemoryError(MemoryError, RuntimeError):
    """No memory, which PyTorch says by a RuntimeError."""


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
    """The checks of pyroi.torch, whose operators take a list of boxes too, and then the call."""
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
    """Crops, and for each bin the channel that it was pooled from, which torchvision's gradients ask for."""
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
