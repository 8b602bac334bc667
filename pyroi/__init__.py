"""Region-of-interest operators without a framework: NumPy arrays in, NumPy arrays out.

Every function takes anything with ``__array__`` or DLPack, checks it, and says what is wrong with it by a ``TypeError``
or ``ValueError`` that names the argument, the rule and what came.
"""

from pyroi.align import assign_levels, multiscale_roi_align, roi_align, roi_align_backward
from pyroi.errors import Error
from pyroi.modules import MultiScaleROIAlign, ROIAlign
from pyroi.native import ffi as _ffi
from pyroi.native import lib as _lib
from pyroi.native import watch_cancel_flag
from pyroi.pool import roi_pool, roi_pool_backward
from pyroi.runtime import cpu_features, get_num_threads, set_num_threads

__version__: str = _ffi.string(_lib.roi_version()).decode()

__all__ = [
    "Error",
    "MultiScaleROIAlign",
    "ROIAlign",
    "__version__",
    "assign_levels",
    "cpu_features",
    "get_num_threads",
    "multiscale_roi_align",
    "roi_align",
    "roi_align_backward",
    "roi_pool",
    "roi_pool_backward",
    "set_num_threads",
    "watch_cancel_flag",
]
