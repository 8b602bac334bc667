"""The bridge between tensors and arrays: the same memory, seen from both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pyroi.arrays import Array
from pyroi.errors import ArgumentError, ArgumentTypeError


class DeviceError(ArgumentError, RuntimeError):
    """A tensor is not in the memory of the processor."""


class ShapeError(ArgumentError, RuntimeError):
    """Boxes or scores have a wrong shape; a RuntimeError for those who expect torchvision's."""


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """`function`, which takes and gives arrays, called with tensors for tensors: also in lists, and among others."""
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
    """The tensor's own memory as an array. bfloat16, which NumPy lacks, passes as integers of its size."""
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


def check_tensor(value: Any, name: str) -> torch.Tensor:
    """`value`, after a check that it is a tensor that can be read here (one of type meta has nothing to read)."""
    if not isinstance(value, torch.Tensor):
        raise ArgumentTypeError(name, f"expected a tensor, got {type(value).__name__}")
    if value.device.type not in ("cpu", "meta"):
        raise DeviceError(name, f"expected a tensor on the CPU, got one on {value.device}: tensor.cpu() makes a copy")
    return value
