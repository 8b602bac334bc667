"""The operators for PyTorch: tensors in, tensors out, on the CPU, without copies, with gradients.

A function with the name of one in ``torchvision.ops`` has its signature and its defaults, such as ``aligned=False``, so
that only the import has to be changed. The functions that torchvision lacks (`prroi_pool`, `multiscale_roi_align`, …)
have the defaults of :mod:`pyroi`. All results are those of :mod:`pyroi`, which documents the definitions.

Each function calls an operator of PyTorch's dispatcher, in ``torch.ops.roi``, and supports ``torch.compile``.
:func:`accelerate` registers the same kernels for torchvision's operators.

>>> import torch, pyroi.torch as ops
>>> features = torch.rand(1, 256, 50, 84, requires_grad=True)
>>> crops = ops.roi_align(features, [torch.tensor([[32, 48, 300, 410.0]])], 7, spatial_scale=1 / 16)
>>> crops.shape
torch.Size([1, 256, 7, 7])
>>> crops.sum().backward()
>>> features.grad.shape
torch.Size([1, 256, 50, 84])
"""

try:
    import torch as _torch
    from torch import library as _library
except ModuleNotFoundError as _reason:
    if _reason.name != "torch":
        raise
    from pyroi.install import how_to_add

    raise ImportError(f"pyroi.torch needs PyTorch, which is not installed: {how_to_add('torch')}") from _reason
if not hasattr(_library, "custom_op"):
    raise ImportError(f"pyroi.torch needs PyTorch 2.4 or newer, found {_torch.__version__}")

from pyroi.torch.boxes import (
    batched_nms,
    box_area,
    box_convert,
    box_iof,
    box_ios,
    box_iou,
    clip_boxes_to_image,
    complete_box_iou,
    distance_box_iou,
    generalized_box_iou,
    masks_to_boxes,
    nms,
    remove_small_boxes,
)
from pyroi.torch.modules import MultiScaleRoIAlign, PSRoIAlign, PSRoIPool, RoIAlign, RoIPool
from pyroi.torch.pooling import (
    multiscale_roi_align,
    prroi_pool,
    ps_roi_align,
    ps_roi_pool,
    roi_align,
    roi_align_rotated,
    roi_pool,
)
from pyroi.torch.vision import accelerate, restore

__all__ = [
    "MultiScaleRoIAlign",
    "PSRoIAlign",
    "PSRoIPool",
    "RoIAlign",
    "RoIPool",
    "accelerate",
    "batched_nms",
    "box_area",
    "box_convert",
    "box_iof",
    "box_ios",
    "box_iou",
    "clip_boxes_to_image",
    "complete_box_iou",
    "distance_box_iou",
    "generalized_box_iou",
    "masks_to_boxes",
    "multiscale_roi_align",
    "nms",
    "prroi_pool",
    "ps_roi_align",
    "ps_roi_pool",
    "remove_small_boxes",
    "restore",
    "roi_align",
    "roi_align_rotated",
    "roi_pool",
]
