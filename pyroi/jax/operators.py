"""The handlers as primitives of JAX: their shapes, batching, derivatives and platform."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Shape: TypeAlias = tuple[int, ...]

# Settings that only determine shapes, which XLA has from the results.
_SHAPES = {"output_size", "input_shapes", "max_output"}


class Operator:
    """A function of arrays that a handler computes.

    Under vmap, each operand gets a leading dimension, which has size 1 if the operand is the same for all examples. The
    handler processes all examples in one call.

    Args:
        name: The name of the handler, without the common prefix.
        ranks: The number of dimensions of each operand in one example; the last number also applies to all operands
            that follow.
        results: A function that returns the shapes and types of the results. It gets the shapes and types of the
            operands in one example, and the settings by name.
    """

    def __init__(self, name: str, ranks: Sequence[int], results: Callable[..., list[tuple[Shape, Any]]]) -> None:
        self.name = name
        self._ranks = ranks
        self._results = results
        self._lowering = jax.ffi.ffi_lowering(f"pyroi_{name}")
        self.primitive: Any = Primitive(f"pyroi_{name}")
        self.primitive.multiple_results = True
        self.primitive.def_impl(self._run_alone)
        self.primitive.def_abstract_eval(self._shapes)
        batching.primitive_batchers[self.primitive] = self._batch
        mlir.register_lowering(self.primitive, self._refuse)
        mlir.register_lowering(self.primitive, self._lower, platform="cpu")

    def __call__(self, *operands: Any, **settings: Any) -> list[Any]:
        """The results; settings are numbers, flags and tuples of these."""
        results: list[Any] = self.primitive.bind(*operands, **settings)
        return results

    def core(self, operands: Sequence[Any]) -> list[Shape]:
        """The shapes of operands in one example."""
        return [
            tuple(x.shape[len(x.shape) - rank :]) for x, rank in zip(operands, self._all_ranks(operands), strict=True)
        ]

    def _all_ranks(self, operands: Sequence[Any]) -> list[int]:
        more = len(operands) - len(self._ranks)
        return [*self._ranks, *[self._ranks[-1]] * more]

    def _run_alone(self, *operands: Any, **settings: Any) -> Any:
        return _compiled(self.primitive, tuple(settings))(*operands, **settings)

    def _shapes(self, *operands: Any, **settings: Any) -> list[Any]:
        examples = [x.shape[: len(x.shape) - rank] for x, rank in zip(operands, self._all_ranks(operands), strict=True)]
        leading = tuple(next((size for size in sizes if size != 1), 1) for sizes in zip(*examples, strict=True))
        results = self._results(self.core(operands), [x.dtype for x in operands], **settings)
        return [jax.core.ShapedArray((*leading, *shape), dtype) for shape, dtype in results]

    def _batch(self, operands: Sequence[Any], dims: Sequence[Any], **settings: Any) -> tuple[list[Any], list[int]]:
        moved = [
            jnp.expand_dims(x, 0) if dim is None else jnp.moveaxis(x, dim, 0)
            for x, dim in zip(operands, dims, strict=True)
        ]
        results = self(*moved, **settings)
        return results, [0] * len(results)

    def _lower(self, context: Any, *operands: Any, **settings: Any) -> Any:
        attributes = {name: _attribute(value) for name, value in settings.items() if name not in _SHAPES}
        return self._lowering(context, *operands, **attributes)

    def _refuse(self, context: Any, *operands: Any, **settings: Any) -> Any:
        platforms = ", ".join(context.platforms or context.module_context.platforms)
        raise NotImplementedError(
            f"pyroi.jax.{self.name} runs only on the CPU, and is compiled for {platforms}: "
            "jax.device_put(x, jax.devices('cpu')[0]) moves an array there, jax.default_device applies to new arrays"
        )


@functools.cache
def _compiled(primitive: Any, names: tuple[str, ...]) -> Any:
    """A primitive as a compiled program, for calls outside of jit. JAX caches one for each shape and setting."""
    return jax.jit(primitive.bind, static_argnames=names)


def _attribute(value: Any) -> Any:
    return np.array(value, np.float64) if isinstance(value, tuple) else value


# ---- Derivatives -----------------------------------------------------------------------------------------------------


def transposes(
    forth: Operator,
    back: Operator,
    to_back: Callable[..., dict[str, Any]],
    to_forth: Callable[..., dict[str, Any]],
) -> None:
    """Registers the derivatives of two operators that are each other's transpose, of any order and in both modes.

    Both take boxes, and then what they are linear in. `to_back` and `to_forth` tell, from the shapes of the latter and
    the settings of one, the settings of the other. Boxes have no tangent, as in all frameworks.
    """
    _linear(forth, back, to_back)
    _linear(back, forth, to_forth)


def _linear(operator: Operator, transpose: Operator, convert: Callable[..., dict[str, Any]]) -> None:
    def push_forward(primals: Any, tangents: Any, **settings: Any) -> Any:
        if settings.get("mode", 0):
            raise NotImplementedError(f"{operator.name}: only the mode avg has a gradient")
        results = operator(*primals, **settings)
        if all(type(tangent) is ad.Zero for tangent in tangents[1:]):
            return results, [jnp.zeros_like(result) for result in results]
        return results, operator(primals[0], *map(ad.instantiate_zeros, tangents[1:]), **settings)

    def pull_back(cotangents: Any, boxes: Any, *linear: Any, **settings: Any) -> Any:
        shapes = operator.core([boxes, *(x.aval if ad.is_undefined_primal(x) else x for x in linear)])[1:]
        grads = transpose(boxes, *map(ad.instantiate_zeros, cotangents), **convert(shapes, **settings))
        return [
            None,
            *(
                _as_small_as(x.aval.shape, grad) if ad.is_undefined_primal(x) else None
                for x, grad in zip(linear, grads, strict=True)
            ),
        ]

    ad.primitive_jvps[operator.primitive] = push_forward
    ad.primitive_transposes[operator.primitive] = pull_back


def _as_small_as(shape: Shape, grad: Any) -> Any:
    """The sum over examples that share an operand."""
    common = [axis for axis, size in enumerate(shape) if size == 1 and grad.shape[axis] != 1]
    return jnp.sum(grad, axis=tuple(common), keepdims=True) if common else grad
