"""All commands, one module for each page of the docs. Importing this package declares them."""

# In the order of help and of the reference.
# isort: off
from tclcmd.commands import (  # noqa: F401
    roi_align,
    roi_pool,
    position_sensitive,
    roi_align_rotated,
    prroi_pool,
    nms,
    iou,
    boxes,
    adaptive_pooling,
    interpolate,
    upsampling,
    grid_sample,
    normalize,
    making_tensors,
    looking_into_tensors,
    shape_and_type,
    arithmetic,
    functions,
    comparing,
    choosing_elements,
    files,
    boxes_in_files,
    pictures,
    session,
)
from tclcmd.language.declare import REGISTRY

# isort: on

__all__ = ["REGISTRY"]
