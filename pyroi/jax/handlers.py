"""Registers the handlers in C with XLA, and makes the messages of their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from pyroi import native
from pyroi.jax._handlers import ffi, lib

__all__ = ["TARGETS"]

# The handlers by the names under which XLA calls them.
_HANDLERS = {
    "pyroi_roi_align": ffi.addressof(lib, "xla_roi_align"),
    "pyroi_roi_align_backward": ffi.addressof(lib, "xla_roi_align_backward"),
    "pyroi_roi_align_rotated": ffi.addressof(lib, "xla_roi_align_rotated"),
    "pyroi_roi_align_rotated_backward": ffi.addressof(lib, "xla_roi_align_rotated_backward"),
    "pyroi_multiscale_roi_align": ffi.addressof(lib, "xla_multiscale_roi_align"),
    "pyroi_multiscale_roi_align_backward": ffi.addressof(lib, "xla_multiscale_roi_align_backward"),
    "pyroi_roi_pool": ffi.addressof(lib, "xla_roi_pool"),
    "pyroi_roi_pool_backward": ffi.addressof(lib, "xla_roi_pool_backward"),
    "pyroi_prroi_pool": ffi.addressof(lib, "xla_prroi_pool"),
    "pyroi_prroi_pool_backward": ffi.addressof(lib, "xla_prroi_pool_backward"),
    "pyroi_box_iou": ffi.addressof(lib, "xla_box_iou"),
    "pyroi_box_iou_rotated": ffi.addressof(lib, "xla_box_iou_rotated"),
    "pyroi_nms": ffi.addressof(lib, "xla_nms"),
    "pyroi_nms_rotated": ffi.addressof(lib, "xla_nms_rotated"),
}

#: The names of the custom calls, for ``jax.export``, which accepts only calls that are declared to be stable. Names and
#: attributes do not change within a major version of pyroi.
TARGETS = tuple(_HANDLERS)


def _register() -> None:
    """Registers the addresses of the handlers with XLA.

    XLA asks each handler for its API version, and refuses a version that it does not support.
    """
    for name, handler in _HANDLERS.items():
        try:
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(int(ffi.cast("intptr_t", handler))), platform="cpu")
        except Exception as reason:  # of jaxlib's own types
            raise ImportError(f"pyroi.jax: JAX {jax.__version__} does not accept its functions: {reason}") from reason


# ---- What they find wrong --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """Rows of boxes, with the facts that messages need."""

    columns: int
    example: int
    first_rows: int

    @property
    def rows(self) -> Any:
        """Rows of as many columns as the boxes have."""
        return np.empty((0, self.columns))

    def locate(self, row: int) -> tuple[str, str]:
        """The argument that a row belongs to, and its position there."""
        example = "" if self.example < 0 else f"example {self.example}, "
        if not self.first_rows:
            return "boxes", f"{example}row {row}"
        if row < self.first_rows:
            return "boxes1", f"{example}row {row}"
        return "boxes2", f"{example}row {row - self.first_rows}"


def _message(fault: Any) -> str:
    """pyroi's message for an error; its operators have the same arguments."""
    rows = _Rows(fault.columns, fault.example, fault.first_rows)
    try:
        native.fail(
            fault.status, fault, boxes=rows, images=fault.images, scale_name="spatial_scale", score_kind="a number"
        )
    except Exception as error:  # which is what fail() does
        return str(error)


@ffi.def_extern(name="xla_describe_fault")
def _describe(fault: Any, text: Any, size: int) -> None:
    message = _message(fault).encode("ascii", "backslashreplace")[: size - 1] + b"\0"
    ffi.memmove(text, message, len(message))


_register()
