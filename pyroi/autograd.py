"""The operators for HIPS autograd, which computes gradients in programs that use only NumPy.

The functions have the names, parameters and results of those in :mod:`pyroi`; each is a primitive of the package
``autograd`` and has a gradient. Functions without a gradient are left out. Those that are linear in the map have
derivatives of any order, in reverse and in forward mode; the others have the first derivative, in reverse mode.

>>> import autograd, autograd.numpy as np, pyroi.autograd as ops
>>> boxes = np.array([[0, 3.2, 4.1, 12.5, 15.7]])
>>> loss = lambda features: np.sum(ops.roi_align(features, boxes, 7) ** 2)
>>> autograd.grad(loss)(np.ones((1, 8, 20, 20))).shape
(1, 8, 20, 20)
"""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    import autograd.numpy as anp
    from autograd.extend import defjvp, defvjp, defvjp_argnums, primitive
    from autograd.tracer import getval
except ModuleNotFoundError as _reason:
    if _reason.name is None or _reason.name.partition(".")[0] != "autograd":
        raise
    from pyroi.install import how_to_add

    raise ImportError(
        f"pyroi.autograd needs the package autograd, which is not installed: {how_to_add('autograd')}"
    ) from _reason

import pyroi
from pyroi.align import multiscale_roi_align_backward

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "interpolate",
    "multiscale_roi_align",
    "prroi_pool",
    "ps_roi_align",
    "ps_roi_pool",
    "roi_align",
    "roi_align_rotated",
    "roi_pool",
]


def _primitive(function: Callable[..., Any]) -> tuple[Any, Callable[..., Any]]:
    """A primitive, and the function that passes it all arguments by position where possible.

    autograd differentiates positional arguments only.
    """
    node = primitive(function)
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        bound = signature.bind(*arguments, **options)
        bound.apply_defaults()
        return node(*bound.args, **bound.kwargs)

    return node, call


def _shape(value: Any) -> tuple[int, ...]:
    return np.shape(getval(value))


# ---- Linear in the map -----------------------------------------------------------------------------------------------


def _linear(
    forward: Callable[..., Any], backward: Callable[..., Any], to_backward: Any, to_forward: Any
) -> Callable[..., Any]:
    """A function that is linear in its first argument, and its transpose: each is the gradient of the other.

    `to_backward` and `to_forward` make the arguments of one, except the first, from those of the other.
    """
    node, call = _primitive(forward)
    back_node, back = _primitive(backward)

    def flow_back(ans: Any, input: Any, *rest: Any, mode: str = "avg", out: Any = None, **options: Any) -> Any:
        if mode != "avg":
            raise NotImplementedError(f"only the mode avg has a gradient, got {mode}")
        behind = to_backward(_four(_shape(input)), *rest)
        return lambda g: anp.reshape(back(_to_4d(g), *behind, **options), _shape(input))

    def flow_forth(ans: Any, grad: Any, *rest: Any, **options: Any) -> Any:
        return lambda g: call(g, *to_forward(_shape(grad), *rest), **options)

    defvjp(node, flow_back, argnums=[0])
    defvjp(back_node, flow_forth, argnums=[0])
    defjvp(node, "same", argnums=[0])
    defjvp(back_node, "same", argnums=[0])
    return call


def _four(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape [C, H, W] as [1, C, H, W], the shape of gradients."""
    return (1,) * (4 - len(shape)) + shape


def _to_4d(array: Any) -> Any:
    return anp.reshape(array, _four(_shape(array)))


def _pooling(forward: Callable[..., Any], backward: Callable[..., Any]) -> Callable[..., Any]:
    """A pooling operator of (input, boxes, output_size, …), with its backward of (grad, boxes, input_shape, …)."""
    return _linear(
        forward,
        backward,
        lambda shape, boxes, output_size, *rest: (boxes, shape, *rest),
        lambda shape, boxes, input_shape, *rest: (boxes, shape[2:], *rest),
    )


roi_align: Callable[..., Any] = _pooling(pyroi.roi_align, pyroi.roi_align_backward)
roi_align_rotated: Callable[..., Any] = _pooling(pyroi.roi_align_rotated, pyroi.roi_align_rotated_backward)
ps_roi_align: Callable[..., Any] = _pooling(pyroi.ps_roi_align, pyroi.ps_roi_align_backward)
ps_roi_pool: Callable[..., Any] = _pooling(pyroi.ps_roi_pool, pyroi.ps_roi_pool_backward)

adaptive_avg_pool2d: Callable[..., Any] = _linear(
    pyroi.adaptive_avg_pool2d,
    pyroi.adaptive_avg_pool2d_backward,
    lambda shape, output_size: (shape,),
    lambda shape, input_shape: (shape[2:],),
)
interpolate: Callable[..., Any] = _linear(
    pyroi.interpolate,
    pyroi.interpolate_backward,
    lambda shape, size, *settings: (shape, *settings),
    lambda shape, input_shape, mode, align_corners, factor, antialias: (
        shape[2:] if factor is None else None,
        mode,
        align_corners,
        factor,
        antialias,
    ),
)


# ---- Pyramids --------------------------------------------------------------------------------------------------------


def _pool_levels(boxes: Any, settings: tuple[Any, ...], options: dict[str, Any], *features: Any) -> Any:
    return pyroi.multiscale_roi_align(list(features), boxes, *settings, **options)


_pyramid = primitive(_pool_levels)
_pyramid_back = primitive(multiscale_roi_align_backward)


def _flow_to_levels(argnums: Sequence[int], ans: Any, arguments: Any, _: Any) -> Any:
    boxes, (_size, *rest), options, *features = arguments
    if min(argnums) < 3:
        raise NotImplementedError("multiscale_roi_align has no gradient for its boxes")
    shapes = [_shape(level) for level in features]

    def flow(g: Any) -> list[Any]:
        grads = _pyramid_back(g, boxes, shapes, *rest, **options)
        return [grads[argnum - 3] for argnum in argnums]

    return flow


defvjp_argnums(_pyramid, _flow_to_levels)


@functools.wraps(pyroi.multiscale_roi_align)
def multiscale_roi_align(
    features: Sequence[npt.ArrayLike],
    boxes: Any,
    output_size: int | Sequence[int],
    spatial_scales: Sequence[float],
    sampling_ratio: int = -1,
    aligned: bool = True,
    *,
    canonical_level: int = 2,
    canonical_scale: float = 224,
) -> Any:
    """:func:`pyroi.multiscale_roi_align`, differentiable for each level."""
    options = {"canonical_level": canonical_level, "canonical_scale": canonical_scale}
    return _pyramid(boxes, (output_size, spatial_scales, sampling_ratio, aligned), options, *features)


# ---- Maxima ----------------------------------------------------------------------------------------------------------

_roi_pool_back = primitive(pyroi.roi_pool_backward)
_adaptive_max_back = primitive(pyroi.adaptive_max_pool2d_backward)


@primitive
def _maxima(input: Any, maxima: Any, flow_back: Any) -> Any:
    """The maxima of `input`, already computed; `flow_back` is their gradient."""
    return maxima


defvjp(_maxima, lambda ans, input, maxima, flow_back: flow_back, argnums=[0])


@functools.wraps(pyroi.roi_pool)
def roi_pool(
    input: Any,
    boxes: Any,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    *,
    return_argmax: bool = False,
) -> Any:
    """:func:`pyroi.roi_pool`, differentiable in the map."""
    crops, places = pyroi.roi_pool(getval(input), boxes, output_size, spatial_scale, return_argmax=True)
    result = _maxima(input, crops, lambda g: _roi_pool_back(g, places, boxes, _shape(input)))
    return (result, places) if return_argmax else result


@functools.wraps(pyroi.adaptive_max_pool2d)
def adaptive_max_pool2d(
    input: Any, output_size: int | Sequence[int | None] | None, *, return_indices: bool = False
) -> Any:
    """:func:`pyroi.adaptive_max_pool2d`, differentiable."""
    shape = _shape(input)
    pooled, places = pyroi.adaptive_max_pool2d(getval(input), output_size, return_indices=True)

    def flow_back(g: Any) -> Any:
        return anp.reshape(_adaptive_max_back(_to_4d(g), places.reshape(_four(places.shape)), _four(shape)), shape)

    result = _maxima(input, pooled, flow_back)
    return (result, places) if return_indices else result


# ---- Integrals -------------------------------------------------------------------------------------------------------

prroi_pool: Callable[..., Any]
_prroi_node, prroi_pool = _primitive(pyroi.prroi_pool)
_prroi_back = primitive(pyroi.prroi_pool_backward)


def _flow_to_map_and_boxes(argnums: Sequence[int], ans: Any, arguments: Any, _: Any) -> Any:
    input, boxes, _size, spatial_scale = arguments

    def flow(g: Any) -> list[Any]:
        of_map, of_boxes = _prroi_back(g, input, boxes, spatial_scale)
        if not isinstance(getval(boxes), (list, tuple)):
            of_boxes = anp.reshape(of_boxes, _shape(boxes))  # a single box may be an array of one dimension
        return [(of_map, of_boxes)[argnum] for argnum in argnums]

    return flow


defvjp_argnums(_prroi_node, _flow_to_map_and_boxes)


# ---- Docstrings ------------------------------------------------------------------------------------------------------

#: For each function the arguments in which it is differentiable, and an example. docs/site reads this table.
_DOCUMENTS: dict[str, tuple[str, str]] = {
    "roi_align": (
        "`input`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> boxes = [[1, 1, 3, 2]]
        >>> of_map = autograd.grad(lambda map: ops.roi_align(map, boxes, 1).sum())
        >>> of_map(np.ones((1, 1, 3, 4)))
        array([[[[0. , 0. , 0. , 0. ],
                 [0. , 0.5, 0.5, 0. ],
                 [0. , 0. , 0. , 0. ]]]])
        """,
    ),
    "roi_align_rotated": (
        "`input`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> boxes = [[1.5, 1.5, 2, 1, 90]]
        >>> of_map = autograd.grad(lambda map: ops.roi_align_rotated(map, boxes, 1).sum())
        >>> of_map(np.ones((1, 1, 3, 3)))
        array([[[[0.  , 0.25, 0.  ],
                 [0.  , 0.5 , 0.  ],
                 [0.  , 0.25, 0.  ]]]])
        """,
    ),
    "ps_roi_align": (
        "`input`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> boxes = [[0, 0, 4, 4]]
        >>> of_map = autograd.grad(lambda map: ops.ps_roi_align(map, boxes, 2).sum())
        >>> of_map(np.ones((1, 4, 4, 4))).sum((2, 3))
        array([[1., 1., 1., 1.]])
        """,
    ),
    "ps_roi_pool": (
        "`input`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> boxes = [[0, 0, 4, 4]]
        >>> of_map = autograd.grad(lambda map: ops.ps_roi_pool(map, boxes, 2).sum())
        >>> of_map(np.ones((1, 4, 4, 4))).sum((2, 3))
        array([[1., 1., 1., 1.]])
        """,
    ),
    "roi_pool": (
        "`input`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> boxes = [[0, 0, 1, 1]]
        >>> of_map = autograd.grad(lambda map: ops.roi_pool(map, boxes, 1).sum())
        >>> of_map(np.arange(9.0).reshape(1, 1, 3, 3))
        array([[[[0., 0., 0.],
                 [0., 1., 0.],
                 [0., 0., 0.]]]])
        """,
    ),
    "prroi_pool": (
        "`input` and `boxes`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> map = np.arange(25.0).reshape(1, 1, 5, 5)
        >>> of_boxes = autograd.grad(lambda boxes: ops.prroi_pool(map, boxes, 1).sum())
        >>> of_boxes(np.array([[1.0, 1, 3, 3]]))
        array([[0.5, 2.5, 0.5, 2.5]])
        """,
    ),
    "multiscale_roi_align": (
        "each level of `features`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> boxes, scales = [[0, 0, 120, 120], [0, 0, 30, 30]], [1 / 4, 1 / 8, 1 / 16]
        >>> of_levels = autograd.grad(lambda levels: ops.multiscale_roi_align(levels, boxes, 1, scales).sum())
        >>> [float(grad.sum()) for grad in of_levels([np.ones((1, 1, size, size)) for size in (64, 32, 16)])]
        [1.0, 1.0, 0.0]
        """,
    ),
    "adaptive_avg_pool2d": (
        "`input`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> of_map = autograd.grad(lambda map: ops.adaptive_avg_pool2d(map, (1, 2)).sum())
        >>> of_map(np.ones((1, 1, 2, 4)))
        array([[[[0.25, 0.25, 0.25, 0.25],
                 [0.25, 0.25, 0.25, 0.25]]]])
        """,
    ),
    "adaptive_max_pool2d": (
        "`input`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> of_map = autograd.grad(lambda map: ops.adaptive_max_pool2d(map, (1, 2)).sum())
        >>> of_map(np.array([[[[1.0, 3, 4, 2]]]]))
        array([[[[0., 1., 1., 0.]]]])
        """,
    ),
    "interpolate": (
        "`input`",
        """
        >>> import autograd, numpy as np, pyroi.autograd as ops
        >>> of_map = autograd.grad(lambda map: ops.interpolate(map, (1, 3)).sum())
        >>> of_map(np.ones((1, 1, 1, 2)))
        array([[[[2., 1.]]]])
        """,
    ),
}


def _documented(original: Callable[..., Any], arguments: str, example: str) -> str:
    """The docstring of pyroi's function, with the arguments that have a gradient, and with another example."""
    summary, _, rest = (inspect.getdoc(original) or "").partition("\n\n")
    section = f"Example:\n{textwrap.indent(textwrap.dedent(example).strip(), '    ')}\n\n"
    rest = re.sub(r"^Example:\n.*?(?=^\S|\Z)", lambda _: section, rest, count=1, flags=re.DOTALL | re.MULTILINE)
    return f"{summary}\n\nDifferentiable in {arguments}.\n\n{rest}"


for _name, _row in _DOCUMENTS.items():
    globals()[_name].__doc__ = _documented(getattr(pyroi, _name), *_row)
