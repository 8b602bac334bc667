"""RoIAlign as a PyTorch expression, so that PyTorch finds the gradient; and torchvision's operator where it loads."""

from __future__ import annotations

import importlib.util
import math
import pathlib

import numpy as np
import pytest


def torch():
    """The torch module; skips the test where there is none."""
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def torchvision_ops():
    """torchvision.ops; skips the test where torchvision does not load (it needs a torch of its own build)."""
    torch()
    try:
        _open_stand_ins()
        return importlib.import_module("torchvision.ops")
    except Exception as error:  # a torchvision of another build raises OSError, RuntimeError or ImportError
        pytest.skip(f"torchvision does not load: {type(error).__name__}")


def _open_stand_ins():
    """What the benchmarks do for a torchvision built for CUDA beside a PyTorch that is not."""
    path = pathlib.Path(__file__).parents[3] / "benchmarks" / "torchvision_cpu.py"
    spec = importlib.util.spec_from_file_location("torchvision_cpu", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.open_stand_ins()


def torchvision_roi_align():
    """torchvision.ops.roi_align, or a skipped test."""
    return torchvision_ops().roi_align


def gradient(grad, boxes, input_shape, spatial_scale=1.0, sampling_ratio=-1, aligned=True, real=np.float32):
    """The gradient of sum(grad * mean of the samples) for a map of `input_shape`, by PyTorch, in float64."""
    t = torch()
    pixels = t.zeros(tuple(input_shape), dtype=t.float64, requires_grad=True)
    total = t.zeros((), dtype=t.float64)
    for box_grad, (image, *corners) in zip(grad, boxes, strict=True):
        crop = _crop(t, pixels[int(image)], corners, grad.shape[2:], spatial_scale, sampling_ratio, aligned, real)
        total = total + (crop * t.tensor(np.asarray(box_grad, np.float64))).sum()
    (result,) = t.autograd.grad(total, pixels) if total.requires_grad else (t.zeros_like(pixels),)
    return result.detach().numpy()


def _crop(t, image, corners, output_size, scale, ratio, aligned, real):
    x1, y1, x2, y2 = corners
    y, y_grid = _samples(t, y1, y2, scale, ratio, aligned, output_size[0], real)
    x, x_grid = _samples(t, x1, x2, scale, ratio, aligned, output_size[1], real)
    if y_grid == 0 or x_grid == 0:
        return image.sum() * t.zeros((image.shape[0], *output_size), dtype=image.dtype)
    rows = _interpolate(t, image, y, 1)
    both = _interpolate(t, rows, x, 2)
    return both.reshape(-1, output_size[0], y_grid, output_size[1], x_grid).mean(dim=(2, 4))


def _samples(t, corner1, corner2, scale, ratio, aligned, bins, real):
    dtype = t.float64 if real is np.float64 else t.float32

    def number(value):
        return t.tensor(float(value), dtype=dtype)

    offset = number(0.5 if aligned else 0.0)
    start = number(corner1) * number(scale) - offset
    size = number(corner2) * number(scale) - offset - start
    if not aligned:
        size = t.clamp(size, min=1.0)
    step = size / number(bins)
    grid = ratio if ratio > 0 else max(math.ceil(step.item()), 0)
    p = t.arange(bins, dtype=dtype)[:, None]
    i = t.arange(grid, dtype=dtype)[None, :]
    return (start + p * step + (i + 0.5) * step / number(max(grid, 1))).reshape(-1).to(t.float64), grid


def _interpolate(t, image, positions, axis):
    """Linear interpolation along one axis at positions; 0 beyond a pixel outside."""
    length = image.shape[axis]
    inside = ((positions >= -1) & (positions <= length)).to(image.dtype)
    moved = positions.clamp(0, length - 1)
    low = moved.floor()
    fraction = moved - low
    lower = image.index_select(axis, low.long())
    upper = image.index_select(axis, (low.long() + 1).clamp(max=length - 1))
    shape = [1, 1, 1]
    shape[axis] = len(positions)
    fraction, inside = fraction.reshape(shape), inside.reshape(shape)
    return (lower * (1 - fraction) + upper * fraction) * inside
