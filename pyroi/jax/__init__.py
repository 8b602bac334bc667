"""The operators for JAX on the CPU: under ``jit``, ``grad``, ``vmap`` and ``jax.export``.

Functions have the names, parameters, defaults and results of :mod:`pyroi`. Arrays are JAX arrays; every other parameter
must be known when the function is traced. Operators that are linear in the map (`roi_align`, `roi_align_rotated`,
`multiscale_roi_align`) have derivatives of any order in forward and reverse mode; so has `box_iou`. `roi_pool` and
`prroi_pool` have the first derivative in reverse mode. If the size of a result depends on values, as that of `nms`
does, its size is a parameter, and the result is padded.

A wrong shape or type raises pyroi's ValueError or TypeError while the function is traced. A wrong value, such as a box
with NaN, ends the computation with an error that names the argument and the row.

>>> import jax, jax.numpy as jnp, pyroi.jax as ops
>>> boxes = jnp.array([[0, 32, 48, 300, 410.0]])
>>> pool = jax.jit(lambda features: ops.roi_align(features, boxes, 7, spatial_scale=1 / 16))
>>> features = jnp.ones((1, 256, 50, 84))
>>> pool(features).shape
(1, 256, 7, 7)
>>> jax.grad(lambda features: pool(features).sum())(features).shape
(1, 256, 50, 84)
"""

try:
    import jax as _jax
except ModuleNotFoundError as _reason:
    if _reason.name != "jax":
        raise
    from pyroi.install import how_to_add

    raise ImportError(f"pyroi.jax needs JAX, which is not installed: {how_to_add('jax')}") from _reason
if _jax.__version_info__ < (0, 5):
    raise ImportError(f"pyroi.jax needs JAX 0.5 or newer, found {_jax.__version__}")

from pyroi.jax.boxes import batched_nms, box_iou, box_iou_rotated, nms, nms_rotated
from pyroi.jax.handlers import TARGETS
from pyroi.jax.pooling import multiscale_roi_align, prroi_pool, roi_align, roi_align_rotated, roi_pool

__all__ = [
    "TARGETS",
    "batched_nms",
    "box_iou",
    "box_iou_rotated",
    "multiscale_roi_align",
    "nms",
    "nms_rotated",
    "prroi_pool",
    "roi_align",
    "roi_align_rotated",
    "roi_pool",
]
