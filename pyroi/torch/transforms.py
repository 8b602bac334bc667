"""The operators under torch.func and forward-mode differentiation: jvp, jacfwd, grad, jacrev, vmap, dual tensors.

PyTorch's custom operators have derivatives in reverse mode only, and none under torch.func; in forward mode a tangent
would be dropped silently. Under such a transform, the functions of pyroi.torch use the classes of this module, which
call the same operators. An operator that receives a tangent in any other way raises NotImplementedError. Linear
operators have derivatives of any order in both modes, maxima and integrals the first. The values of boxes are not
checked there, since a transform does not provide them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.autograd import Function, forward_ad

try:
    from torch._library.autograd import make_autograd_impl as _autograd_kernel
except ImportError:  # another version of PyTorch: only the functions of pyroi.torch are checked
    _autograd_kernel = None


def is_transformed() -> bool:
    """Whether a transform of torch.func or a level of dual tensors is active. torch.compile can trace neither."""
    if torch.compiler.is_compiling():
        return False
    return bool(torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0)


def no_forward_mode(what: str) -> NotImplementedError:
    """The error for an operator without a derivative in forward mode."""
    return NotImplementedError(f"{what} has no derivative in forward mode (torch.func.jvp, jacfwd, dual tensors)")


# ---- Operators that receive a tangent --------------------------------------------------------------------------------


def refuse_tangents(operator: Any) -> None:
    """Makes a custom operator raise NotImplementedError where it would drop a tangent."""
    if _autograd_kernel is None:
        return
    kernel = _autograd_kernel(operator._opoverload, operator)

    def check(keyset: Any, *arguments: Any, **options: Any) -> Any:
        if forward_ad._current_level >= 0 and torch._C._is_fwd_grad_enabled() and any(map(_has_tangent, arguments)):
            raise no_forward_mode(f"the operator {operator._qualname}")
        return kernel(keyset, *arguments, **options)

    operator._lib.impl(operator._name, check, "AutogradCPU", with_keyset=True)


def _has_tangent(argument: Any) -> bool:
    if isinstance(argument, (list, tuple)):
        return any(map(_has_tangent, argument))
    return isinstance(argument, torch.Tensor) and forward_ad.unpack_dual(argument).tangent is not None


# ---- Linear in the map -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Linear:
    """The arguments of a linear operator except its tensors, for it or for its transpose.

    The operator takes (map, boxes, *size, *settings), where the size is that of a crop; its transpose takes (grad,
    boxes, size, *settings), where it is the shape of a map.
    """

    forth: Callable[..., Any]
    back: Callable[..., Any]
    size: tuple[int, ...]
    settings: tuple[Any, ...]
    transposed: bool = False

    def __call__(self, tensor: torch.Tensor, boxes: torch.Tensor) -> Any:
        """The result, with derivatives."""
        return _Linear.apply(self, tensor, boxes)

    def compute(self, tensor: torch.Tensor, boxes: torch.Tensor) -> Any:
        """The result."""
        if self.transposed:
            return self.back(tensor, boxes, self.size, *self.settings)
        return self.forth(tensor, boxes, *self.size, *self.settings)

    def transpose(self, tensor: torch.Tensor) -> Linear:
        """The transposed operator, whose result has the shape of this tensor."""
        size = tensor.shape[2:] if self.transposed else tensor.shape
        return replace(self, size=tuple(size), transposed=not self.transposed)


class _Linear(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(call: Linear, tensor: Any, boxes: Any) -> Any:
        return call.compute(tensor, boxes)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.call, tensor, boxes = inputs
        ctx.transpose = ctx.call.transpose(tensor)
        ctx.set_materialize_grads(False)  # else boxes without a tangent would be given one of zeros
        ctx.save_for_backward(boxes)
        ctx.save_for_forward(boxes)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return None, None if grad is None else ctx.transpose(grad, *ctx.saved_tensors), None

    @staticmethod
    def jvp(ctx: Any, _: Any, tangent: Any, of_boxes: Any) -> Any:
        if of_boxes is not None:
            raise no_forward_mode("the pooling of a map, for its boxes,")
        return ctx.call(tangent, *ctx.saved_tensors)


class _Once(Function):
    """An operator that computes a gradient and has no derivative of its own."""

    generate_vmap_rule = True

    @staticmethod
    def forward(operator: Any, *arguments: Any) -> Any:
        return operator(*arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.name = inputs[0]._qualified_op_name

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        raise NotImplementedError(f"the operator {ctx.name} has no derivative of its own")

    @staticmethod
    def jvp(ctx: Any, *_: Any) -> Any:
        raise no_forward_mode(f"the operator {ctx.name}")


# ---- Maxima ----------------------------------------------------------------------------------------------------------


def maxima(forth: Any, back: Any, *arguments: Any) -> Any:
    """roi_pool by its operator and the operator of its gradient; returns crops and indices of maxima."""
    return _Maxima.apply(forth, back, *arguments)


class _Maxima(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(forth: Any, back: Any, map: Any, boxes: Any, *rest: Any) -> Any:
        return forth(map, boxes, *rest)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        _, ctx.back, map, boxes, *_ = inputs
        ctx.shape = map.shape
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1], boxes)
        ctx.set_materialize_grads(False)  # else boxes without a tangent would be given one of zeros
        ctx.save_for_forward(output[1], boxes)

    @staticmethod
    def backward(ctx: Any, grad: Any, _: Any) -> Any:
        if grad is None:
            return (None,) * 7
        return None, None, _Once.apply(ctx.back, grad, *ctx.saved_tensors, ctx.shape), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, _forth: Any, _back: Any, map: Any, boxes: Any, *_: Any) -> Any:
        """The tangent of the map at the maxima; 0 for bins without pixels."""
        if boxes is not None:
            raise no_forward_mode("roi_pool, for its boxes,")
        places, rows = ctx.saved_tensors
        lines = map.flatten(2)[rows[:, 0].long()]
        found = lines.gather(2, places.flatten(2).clamp(min=0)).reshape(places.shape)
        return torch.where(places >= 0, found, torch.zeros_like(found)), None


# ---- Integrals -------------------------------------------------------------------------------------------------------


def integrals(forth: Any, back: Any, *arguments: Any) -> Any:
    """prroi_pool by its operator and the operator of its gradients."""
    return _Integrals.apply(forth, back, *arguments)


class _Integrals(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(forth: Any, back: Any, map: Any, boxes: Any, *rest: Any) -> Any:
        return forth(map, boxes, *rest)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.forth, ctx.back, map, boxes, *ctx.rest = inputs
        ctx.save_for_backward(map, boxes)
        ctx.set_materialize_grads(False)  # else boxes without a tangent would be given one of zeros
        ctx.save_for_forward(map, boxes)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        if grad is None:
            return (None,) * 7
        return None, None, *_Once.apply(ctx.back, grad, *ctx.saved_tensors, ctx.rest[-1]), None, None, None

    @staticmethod
    def jvp(ctx: Any, _forth: Any, _back: Any, map: Any, boxes: Any, *_: Any) -> Any:
        if boxes is not None:
            raise no_forward_mode("prroi_pool, for its boxes,")
        return ctx.forth(map, ctx.saved_tensors[1], *ctx.rest)


# ---- Boxes, in PyTorch's own operations ------------------------------------------------------------------------------


def area_of(boxes: torch.Tensor) -> torch.Tensor:
    """Areas of rows; a side below 0 counts as 0."""
    sides = boxes[:, 2:] - boxes[:, :2]
    width, height = torch.where(sides > 0, sides, 0).unbind(1)
    return width * height


def clip(boxes: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Corners clipped to the image; a corner on the border has the gradient 1."""
    most = boxes.new_tensor([width, height, width, height])
    return torch.where(boxes < 0, 0, torch.where(boxes > most, most, boxes))


def convert(boxes: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Upright boxes in another format, which is a linear function of the first."""
    return boxes @ matrix
