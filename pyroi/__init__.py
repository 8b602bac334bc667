"""Region-of-interest operators without a framework: NumPy arrays in, NumPy arrays out.

Every function accepts NumPy arrays, nested lists of numbers, and objects that support ``__array__`` or DLPack. For an
invalid argument it raises ``TypeError`` or ``ValueError``; the message names the argument, the rule and the value.
"""

import warnings as _warnings

from pyroi.adaptive import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
)
from pyroi.align import assign_levels, multiscale_roi_align, roi_align, roi_align_backward
from pyroi.boxes import box_area, box_convert, clip_boxes_to_image, masks_to_boxes, remove_small_boxes
from pyroi.errors import Error
from pyroi.grid import affine_grid, grid_sample
from pyroi.images import denormalize_image, normalize_image, resize_image
from pyroi.iou import (
    box_iof,
    box_ios,
    box_iou,
    box_iou_rotated,
    complete_box_iou,
    distance_box_iou,
    generalized_box_iou,
)
from pyroi.linking import get_include, get_library
from pyroi.memory import release_memory
from pyroi.modules import MultiScaleROIAlign, ROIAlign
from pyroi.native import ffi as _ffi
from pyroi.native import lib as _lib
from pyroi.native import watch_cancel_flag
from pyroi.nms import batched_nms, nms, nms_rotated, soft_nms
from pyroi.position_sensitive import ps_roi_align, ps_roi_align_backward, ps_roi_pool, ps_roi_pool_backward
from pyroi.prroi import prroi_pool, prroi_pool_backward
from pyroi.resize import interpolate, interpolate_backward
from pyroi.roi_pool import roi_pool, roi_pool_backward
from pyroi.rotated import roi_align_rotated, roi_align_rotated_backward
from pyroi.runtime import cpu_features, get_num_threads, set_num_threads
from pyroi.runtime import environment_problems as _environment_problems
from pyroi.tools import accelerate, restore

for _problem in _environment_problems():
    _warnings.warn(_problem, RuntimeWarning, stacklevel=2)

__version__: str = _ffi.string(_lib.roi_version()).decode()

__all__ = [
    "Error",
    "MultiScaleROIAlign",
    "ROIAlign",
    "__version__",
    "accelerate",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "affine_grid",
    "assign_levels",
    "batched_nms",
    "box_area",
    "box_convert",
    "box_iof",
    "box_ios",
    "box_iou",
    "box_iou_rotated",
    "clip_boxes_to_image",
    "complete_box_iou",
    "cpu_features",
    "denormalize_image",
    "distance_box_iou",
    "generalized_box_iou",
    "get_include",
    "get_library",
    "get_num_threads",
    "grid_sample",
    "interpolate",
    "interpolate_backward",
    "masks_to_boxes",
    "multiscale_roi_align",
    "nms",
    "nms_rotated",
    "normalize_image",
    "prroi_pool",
    "prroi_pool_backward",
    "ps_roi_align",
    "ps_roi_align_backward",
    "ps_roi_pool",
    "ps_roi_pool_backward",
    "release_memory",
    "remove_small_boxes",
    "resize_image",
    "restore",
    "roi_align",
    "roi_align_backward",
    "roi_align_rotated",
    "roi_align_rotated_backward",
    "roi_pool",
    "roi_pool_backward",
    "set_num_threads",
    "soft_nms",
    "watch_cancel_flag",
]


def __dir__() -> list[str]:
    """The public names, without the modules that define them."""
    return __all__
