"""The operators for JAX on the CPU: under ``jit``, ``grad``, ``vmap`` and ``jax.export``.

Functions have the names, parameters and defaults of :mod:`pyroi`, and what is computed is what it computes. Arrays are
JAX's; every other parameter is a number that is known when the function is traced. What pools from a map in a linear
way (`roi_align`, `roi_align_rotated`, `multiscale_roi_align`) has derivatives of any order in both modes; `roi_pool`
and `prroi_pool` have the first in reverse mode, `box_iou` has all. Where a result's size depends on numbers, as that of
`nms`, it is given before, and the rest is filled up.

Wrong shapes and types are the ValueErrors and TypeErrors of pyroi, raised while the function is traced. An error in
the values, such as NaN in a box, ends the computation with an error that names the argument and the row.
"""

try:
    import jax as _jax
except ModuleNotFoundError as _reason:
    if _reason.name != "jax":
        raise
    from pyroi.install import how_to_add

    raise ImportError(f"pyroi.jax needs JAX, which is not installed: {how_to_add('jax')}") from _reason
if _jax.__version_info__ < (0, 5):
    raise ImportError(f"pyroi.jax needs JAX 0.5 or newer, and this is {_jax.__version__}")

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
