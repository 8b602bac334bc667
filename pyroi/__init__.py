"""Region-of-interest operators without a framework: NumPy arrays in, NumPy arrays out.

Every function takes anything with ``__array__`` or DLPack, checks it, and says what is wrong with it by a ``TypeError``
or ``ValueError`` that names the argument, the rule and what came.
"""

from pyroi.adaptive import adaptive_avg_pool2d, adaptive_avg_pool2d_backward
from pyroi.align import assign_levels, multiscale_roi_align, roi_align, roi_align_backward
from pyroi.errors import Error
from pyroi.modules import MultiScaleROIAlign, ROIAlign
from pyroi.native import ffi as _ffi
from pyroi.native import lib as _lib
from pyroi.native import watch_cancel_flag
from pyroi.prroi import prroi_pool, prroi_pool_backward
from pyroi.resize import interpolate, interpolate_backward, resize_image
from pyroi.runtime import cpu_features, get_num_threads, set_num_threads

__version__: str = _ffi.string(_lib.roi_version()).decode()

__all__ = [
    "Error",
    "MultiScaleROIAlign",
    "ROIAlign",
    "__version__",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "assign_levels",
    "cpu_features",
    "get_num_threads",
    "interpolate",
    "interpolate_backward",
    "multiscale_roi_align",
    "prroi_pool",
    "prroi_pool_backward",
    "resize_image",
    "roi_align",
    "roi_align_backward",
    "set_num_threads",
    "watch_cancel_flag",
]
