"""Conversion between tensors and arrays, which share memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pyroi.arrays import Array
from pyroi.errors import ArgumentError, ArgumentTypeError

# The element types of tensors that pyroi reads: those of arrays.is_number.
NUMBERS = {torch.bool, torch.float16, torch.bfloat16, torch.float32, torch.float64}
NUMBERS |= {getattr(torch, f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)}


class DeviceError(ArgumentError, RuntimeError):
    """A tensor is not on the CPU, or not on the device of the others."""


class ShapeError(ArgumentError, RuntimeError):
    """Boxes or scores have a wrong shape; also a RuntimeError, which torchvision raises."""


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Calls a function of arrays with tensors, also those in lists; arrays in its result become tensors."""
    return _to_tensors(function(*[_to_arrays(argument) for argument in arguments], **options))


def _to_arrays(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return _to_array(value)
    if isinstance(value, list) and value and isinstance(value[0], torch.Tensor):
        return [_to_array(tensor) for tensor in value]
    return value


def _to_tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _to_tensor(value)
    return type(value)(_to_tensor(array) for array in value)


def _to_array(tensor: torch.Tensor) -> Array:
    """The tensor's own memory as an array. bfloat16, which NumPy lacks, is passed as int16."""
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        return np.asarray(tensor.view(torch.int16).numpy().view(_bfloat16()))
    return np.asarray(tensor.numpy())


def _to_tensor(array: Array) -> torch.Tensor:
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _bfloat16() -> Any:
    try:
        import ml_dtypes
    except ModuleNotFoundError:
        raise ArgumentTypeError("dtype", "torch.bfloat16 needs the package ml_dtypes, which is not installed") from None
    return ml_dtypes.bfloat16


def check_tensor(value: Any, name: str, beside: torch.Tensor | None = None) -> torch.Tensor:
    """`value`, after a check that it is a tensor of a supported type, and on the device of the tensor `beside`.

    The device meta, whose tensors have no data, gives shapes and types only; then all tensors must be there.
    """
    if not isinstance(value, torch.Tensor):
        raise ArgumentTypeError(name, f"expected a tensor, got {type(value).__name__}")
    if value.is_nested or value.layout is not torch.strided:
        kind = "a nested one" if value.is_nested else f"one of layout {value.layout}"
        raise ArgumentTypeError(name, f"expected a dense tensor, got {kind}: see tensor.to_dense()")
    if value.dtype not in NUMBERS:
        advice = ": see tensor.dequantize()" if value.is_quantized else ""
        rule = "expected floating-point numbers of at least 16 bits, integers or booleans"
        raise ArgumentTypeError(name, f"{rule}, got {value.dtype}{advice}")
    if value.device.type not in ("cpu", "meta"):
        raise DeviceError(name, f"expected a tensor on the CPU, got one on {value.device}: tensor.cpu() makes a copy")
    if beside is not None and value.device.type != beside.device.type:
        raise DeviceError(name, f"expected a tensor on {beside.device}, as the others are, got one on {value.device}")
    return value


def no_boxes(boxes: Any, columns: int) -> Any:
    """`boxes`; a tensor [0] becomes [0, columns]."""
    none = isinstance(boxes, torch.Tensor) and not boxes.is_nested and tuple(boxes.shape) == (0,)
    return boxes.reshape(0, columns) if none else boxes
