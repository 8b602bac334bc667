"""The operators of PyTorch's dispatcher: ``torch.ops.roi``, on the CPU.

Each has a schema; a kernel, which is pyroi's function; a fake kernel, from which ``torch.compile`` infers the shape of
the result; and for autograd the operator that computes its gradient.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import library

import pyroi
from pyroi.align import multiscale_roi_align_backward
from pyroi.boxes import COLUMNS, to_format
from pyroi.torch.tensors import DeviceError, call
from pyroi.torch.transforms import refuse_tangents


def _define(name: str, schema: str, kernel: Callable[..., Any], fake: Callable[..., Any]) -> Any:
    operator = library.custom_op(f"roi::{name}", kernel, mutates_args=(), device_types="cpu", schema=schema)
    names = [argument.name for argument in getattr(torch.ops.roi, name).default._schema.arguments]

    @functools.wraps(fake)
    def checked(*arguments: Any) -> Any:
        _check_devices(names, arguments)
        return fake(*arguments)

    operator.register_fake(checked)
    if fake is not _fake_indices:  # indices have no derivative
        refuse_tangents(operator)
    return operator


def _fake_indices(boxes: Any, *rest: Any) -> Any:
    """Indices, whose number depends on the values."""
    return boxes.new_empty((library.get_ctx().new_dynamic_size(),), dtype=torch.int64)


def _check_devices(names: Sequence[str], arguments: Sequence[Any]) -> None:
    """Checks that all tensors are on one device: PyTorch calls a fake kernel if only one of them is on meta."""
    devices = [
        (name, tensor.device)
        for name, argument in zip(names, arguments, strict=False)
        for tensor in (argument if isinstance(argument, (list, tuple)) else [argument])
        if isinstance(tensor, torch.Tensor)
    ]
    for name, device in devices:
        if device.type != devices[0][1].type:
            raise DeviceError(name, f"expected a tensor on {devices[0][1]}, as {devices[0][0]} is, got one on {device}")


# ---- Crops that are linear in the map --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Linear:
    """A pooling operator whose crops are linear in the map, with its transpose as its gradient.

    Each is the gradient of the other, which gives derivatives of any order.
    """

    forward: Callable[..., Any]  # (input, boxes, output_size, spatial_scale, *settings)
    backward: Callable[..., Any]  # (grad, boxes, input_shape, spatial_scale, *settings)
    settings: str = ""  # in the form of a schema
    by_name: tuple[str, ...] = ()  # the last of them, which the functions take by keyword
    bins_are_channels: bool = False  # position-sensitive: each bin is pooled from a channel of its own

    def register(self) -> None:
        """Defines both operators."""
        into = _define(
            self.forward.__name__,
            f"(Tensor input, Tensor boxes, SymInt height, SymInt width, float spatial_scale{self.settings}) -> Tensor",
            lambda input, boxes, height, width, *rest: self._call(self.forward, input, boxes, (height, width), *rest),
            self._fake_crops,
        )
        back = _define(
            self.backward.__name__,
            f"(Tensor grad, Tensor boxes, SymInt[] input_shape, float spatial_scale{self.settings}) -> Tensor",
            functools.partial(self._call, self.backward),
            lambda grad, boxes, shape, *rest: grad.new_empty(shape),
        )

        def keep_shape(ctx: Any, inputs: Any, output: Any) -> None:
            input, boxes, _, _, *ctx.rest = inputs
            ctx.save_for_backward(boxes)
            ctx.shape = input.shape

        def flow_back(ctx: Any, grad: Any) -> Any:
            return back(grad, *ctx.saved_tensors, ctx.shape, *ctx.rest), None, None, None, *[None] * len(ctx.rest)

        def keep_size(ctx: Any, inputs: Any, output: Any) -> None:
            grad, boxes, _, *ctx.rest = inputs
            ctx.save_for_backward(boxes)
            ctx.size = grad.shape[2:]

        def flow_forth(ctx: Any, grad: Any) -> Any:
            return into(grad, *ctx.saved_tensors, *ctx.size, *ctx.rest), None, None, *[None] * len(ctx.rest)

        into.register_autograd(flow_back, setup_context=keep_shape)
        back.register_autograd(flow_forth, setup_context=keep_size)

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        plain = len(arguments) - len(self.by_name)
        return call(function, *arguments[:plain], **dict(zip(self.by_name, arguments[plain:], strict=True)))

    def _fake_crops(self, input: Any, boxes: Any, height: Any, width: Any, *rest: Any) -> Any:
        channels = input.shape[1] // (height * width) if self.bins_are_channels else input.shape[1]
        return input.new_empty((boxes.shape[0], channels, height, width))


for _operator in (
    Linear(pyroi.roi_align, pyroi.roi_align_backward, ", int sampling_ratio, bool aligned"),
    Linear(pyroi.ps_roi_align, pyroi.ps_roi_align_backward, ", int sampling_ratio", bins_are_channels=True),
    Linear(pyroi.ps_roi_pool, pyroi.ps_roi_pool_backward, bins_are_channels=True),
    Linear(
        pyroi.roi_align_rotated,
        pyroi.roi_align_rotated_backward,
        ", int sampling_ratio, bool aligned, bool clockwise",
        by_name=("clockwise",),
    ),
):
    _operator.register()


# ---- Crops from a pyramid --------------------------------------------------------------------------------------------

_LEVELS = "float[] spatial_scales, int sampling_ratio, bool aligned, int canonical_level, float canonical_scale"


def _multiscale_roi_align(
    features: Any, boxes: Any, height: int, width: int, scales: Any, ratio: int, aligned: bool, level: int, scale: float
) -> Any:
    return call(
        pyroi.multiscale_roi_align,
        list(features),
        boxes,
        (height, width),
        scales,
        ratio,
        aligned,
        canonical_level=level,
        canonical_scale=scale,
    )


def _multiscale_roi_align_backward(
    grad: Any, boxes: Any, sizes: Any, scales: Any, ratio: int, aligned: bool, level: int, scale: float
) -> Any:
    return call(
        multiscale_roi_align_backward,
        grad,
        boxes,
        _in_fours(sizes),
        scales,
        ratio,
        aligned,
        canonical_level=level,
        canonical_scale=scale,
    )


def _in_fours(sizes: Sequence[int]) -> list[Sequence[int]]:
    """The shapes of maps from one list of sizes, since a schema has no nested lists."""
    return [sizes[first : first + 4] for first in range(0, len(sizes), 4)]


_multiscale = _define(
    "multiscale_roi_align",
    f"(Tensor[] features, Tensor boxes, SymInt height, SymInt width, {_LEVELS}) -> Tensor",
    _multiscale_roi_align,
    lambda features, boxes, height, width, *rest: features[0].new_empty(
        (boxes.shape[0], features[0].shape[1], height, width)
    ),
)
_multiscale_back = _define(
    "multiscale_roi_align_backward",
    f"(Tensor grad, Tensor boxes, SymInt[] sizes, {_LEVELS}) -> Tensor[]",
    _multiscale_roi_align_backward,
    lambda grad, boxes, sizes, *rest: [grad.new_empty(shape) for shape in _in_fours(sizes)],
)


def _keep_shapes(ctx: Any, inputs: Any, output: Any) -> None:
    features, boxes, _, _, *ctx.rest = inputs
    ctx.save_for_backward(boxes)
    ctx.sizes = [size for level in features for size in level.shape]


def _flow_to_levels(ctx: Any, grad: Any) -> Any:
    grads = _multiscale_back(grad, *ctx.saved_tensors, ctx.sizes, *ctx.rest)
    return grads, None, None, None, *[None] * len(ctx.rest)


_multiscale.register_autograd(_flow_to_levels, setup_context=_keep_shapes)


# ---- Maxima ----------------------------------------------------------------------------------------------------------


def _fake_crops_and_places(input: Any, boxes: Any, height: Any, width: Any, spatial_scale: Any) -> Any:
    crops = input.new_empty((boxes.shape[0], input.shape[1], height, width))
    return crops, torch.empty_like(crops, dtype=torch.int64)


_roi_pool = _define(
    "roi_pool",
    "(Tensor input, Tensor boxes, SymInt height, SymInt width, float spatial_scale) -> (Tensor, Tensor)",
    lambda input, boxes, height, width, scale: call(
        pyroi.roi_pool, input, boxes, (height, width), scale, return_argmax=True
    ),
    _fake_crops_and_places,
)
_roi_pool_back = _define(
    "roi_pool_backward",
    "(Tensor grad, Tensor argmax, Tensor boxes, SymInt[] input_shape) -> Tensor",
    lambda grad, argmax, boxes, shape: call(pyroi.roi_pool_backward, grad, argmax, boxes, shape),
    lambda grad, argmax, boxes, shape: grad.new_empty(shape),
)


def _keep_places(ctx: Any, inputs: Any, output: Any) -> None:
    input, boxes, *_ = inputs
    ctx.save_for_backward(output[1], boxes)
    ctx.shape = input.shape


def _flow_to_maxima(ctx: Any, grad: Any, grad_of_places: Any) -> Any:
    return _roi_pool_back(grad, *ctx.saved_tensors, ctx.shape), None, None, None, None


_roi_pool.register_autograd(_flow_to_maxima, setup_context=_keep_places)


# ---- Integrals -------------------------------------------------------------------------------------------------------


def _prroi_pool_backward(grad: Any, input: Any, boxes: Any, spatial_scale: float) -> Any:
    grad_input, grad_boxes = call(pyroi.prroi_pool_backward, grad, input, boxes, spatial_scale)
    return grad_input, grad_boxes.to(boxes.dtype)


_prroi_pool = _define(
    "prroi_pool",
    "(Tensor input, Tensor boxes, SymInt height, SymInt width, float spatial_scale) -> Tensor",
    lambda input, boxes, height, width, scale: call(pyroi.prroi_pool, input, boxes, (height, width), scale),
    lambda input, boxes, height, width, scale: input.new_empty((boxes.shape[0], input.shape[1], height, width)),
)
_prroi_pool_back = _define(
    "prroi_pool_backward",
    "(Tensor grad, Tensor input, Tensor boxes, float spatial_scale) -> (Tensor, Tensor)",
    _prroi_pool_backward,
    lambda grad, input, boxes, scale: (input.new_empty(input.shape), boxes.new_empty(boxes.shape)),
)


def _keep_all(ctx: Any, inputs: Any, output: Any) -> None:
    input, boxes, _, _, ctx.spatial_scale = inputs
    ctx.save_for_backward(input, boxes)


def _flow_to_both(ctx: Any, grad: Any) -> Any:
    grad_input, grad_boxes = _prroi_pool_back(grad, *ctx.saved_tensors, ctx.spatial_scale)
    return grad_input, grad_boxes, None, None, None


_prroi_pool.register_autograd(_flow_to_both, setup_context=_keep_all)


# ---- Boxes -----------------------------------------------------------------------------------------------------------


_define(
    "nms",
    "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor",
    lambda boxes, scores, limit: call(pyroi.nms, boxes, scores, limit),
    _fake_indices,
)
_define(
    "batched_nms",
    "(Tensor boxes, Tensor scores, Tensor idxs, float iou_threshold) -> Tensor",
    lambda boxes, scores, idxs, limit: call(pyroi.batched_nms, boxes, scores, idxs, limit),
    _fake_indices,
)
_define(
    "remove_small_boxes",
    "(Tensor boxes, float min_size) -> Tensor",
    lambda boxes, min_size: call(pyroi.remove_small_boxes, boxes, min_size),
    _fake_indices,
)
_define(
    "masks_to_boxes",
    "(Tensor masks) -> Tensor",
    lambda masks: call(pyroi.masks_to_boxes, masks),
    lambda masks: masks.new_empty((masks.shape[0], 4), dtype=torch.float32),
)


def _to_floats(boxes: Any, least: Any) -> Any:
    """The floating type of results that pyroi computes from boxes, and at least `least`."""
    return torch.promote_types(boxes.dtype, least) if boxes.is_floating_point() else torch.float64


def _keep_boxes(ctx: Any, inputs: Any, output: Any) -> None:
    boxes, *ctx.rest = inputs
    ctx.save_for_backward(boxes)


def _flow_through_area(ctx: Any, grad: Any) -> Any:
    """The derivative of the area by a side is the other side; a side below 0 counts as 0."""
    (boxes,) = ctx.saved_tensors
    width, height = (boxes[:, 2:] - boxes[:, :2]).to(grad.dtype).clamp(min=0).unbind(1)
    by_width, by_height = grad * height * (width > 0), grad * width * (height > 0)
    return torch.stack([-by_width, -by_height, by_width, by_height], 1).to(boxes.dtype)


_box_area = _define(
    "box_area",
    "(Tensor boxes) -> Tensor",
    lambda boxes: call(pyroi.box_area, boxes),
    lambda boxes: boxes.new_empty(boxes.shape[:1], dtype=_to_floats(boxes, torch.float32)),
)
_box_area.register_autograd(_flow_through_area, setup_context=_keep_boxes)


def _flow_through_clipping(ctx: Any, grad: Any) -> Any:
    """The gradient is 1 for coordinates that were not clipped, else 0."""
    boxes, clipped = ctx.saved_tensors
    return grad * (boxes == clipped), None, None


def _keep_clipped(ctx: Any, inputs: Any, output: Any) -> None:
    ctx.save_for_backward(inputs[0], output)


_clip_boxes_to_image = _define(
    "clip_boxes_to_image",
    "(Tensor boxes, SymInt height, SymInt width) -> Tensor",
    lambda boxes, height, width: call(pyroi.clip_boxes_to_image, boxes, (height, width)),
    lambda boxes, height, width: boxes.new_empty(boxes.shape, dtype=_to_floats(boxes, boxes.dtype)),
)
_clip_boxes_to_image.register_autograd(_flow_through_clipping, setup_context=_keep_clipped)


def _flow_through_conversion(ctx: Any, grad: Any) -> Any:
    """Conversion of upright formats is linear; its matrix is the conversion of the unit vectors."""
    source, target = ctx.rest
    if max(COLUMNS[source], COLUMNS[target]) > 4:
        raise NotImplementedError("the conversion of rotated boxes has no gradient")
    units = torch.eye(4, dtype=grad.dtype, device=grad.device)
    return grad @ torch.ops.roi.box_convert(units, source, target).T, None, None


_box_convert = _define(
    "box_convert",
    "(Tensor boxes, str in_fmt, str out_fmt) -> Tensor",
    lambda boxes, source, target: call(pyroi.box_convert, boxes, source, target),
    lambda boxes, source, target: boxes.new_empty(
        (boxes.shape[0], COLUMNS[to_format(target, "out_fmt")]), dtype=_to_floats(boxes, boxes.dtype)
    ),
)
_box_convert.register_autograd(_flow_through_conversion, setup_context=_keep_boxes)


def _fake_matrix(boxes1: Any, boxes2: Any) -> Any:
    both = torch.promote_types(*(_to_floats(boxes, boxes.dtype) for boxes in (boxes1, boxes2)))
    return boxes1.new_empty((boxes1.shape[0], boxes2.shape[0]), dtype=both)


for _measure in (
    pyroi.box_iou,
    pyroi.box_iof,
    pyroi.box_ios,
    pyroi.generalized_box_iou,
    pyroi.distance_box_iou,
    pyroi.complete_box_iou,
    pyroi.box_iou_rotated,
):
    _define(
        _measure.__name__,
        "(Tensor boxes1, Tensor boxes2) -> Tensor",
        functools.partial(call, _measure),
        _fake_matrix,
    )
