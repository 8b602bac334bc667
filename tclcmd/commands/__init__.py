"""All commands, one module for each group. Importing this package declares them."""

from tclcmd.commands import arithmetic, boxes, create, files, images, inspect, maps, operators, pooling, session, shape
from tclcmd.language.declare import REGISTRY

__all__ = [
    "REGISTRY",
    "arithmetic",
    "boxes",
    "create",
    "files",
    "images",
    "inspect",
    "maps",
    "operators",
    "pooling",
    "session",
    "shape",
]
