"""The common parts of the tools that compute with PyTorch."""

from __future__ import annotations

from typing import Any

import torch

_FLOATS = (torch.float32, torch.float64)


def are_ours(*tensors: Any) -> bool:
    """Whether all are tensors on the CPU, of a type that pyroi computes in, and not being traced or compiled."""
    if torch.jit.is_tracing() or torch.compiler.is_compiling():
        return False
    return all(isinstance(x, torch.Tensor) and x.device.type == "cpu" and x.dtype in _FLOATS for x in tensors)


def as_compared(threshold: float, boxes: torch.Tensor) -> float:
    """The value of a threshold when PyTorch compares it with numbers of the type of these boxes."""
    return float(torch.tensor(threshold, dtype=boxes.dtype))
