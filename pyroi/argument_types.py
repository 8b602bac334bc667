"""Names for the types of arguments, to annotate code that calls pyroi."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy.typing as npt

__all__ = ["AlignMode", "BoxFormat", "Boxes", "GridMode", "Padding", "ResizeMode", "SoftMethod"]

#: Boxes of a pooling operator: ``[K, 5]`` with the batch index first, ``[K, 4]`` for one image, or a list with an array
#: ``[L, 4]`` for each image.
Boxes: TypeAlias = npt.ArrayLike | Sequence[npt.ArrayLike]

#: How RoIAlign combines the samples of a bin.
AlignMode: TypeAlias = Literal["avg", "max", "max_corner"]

#: Which pixels of the input a pixel of a resized map reads.
ResizeMode: TypeAlias = Literal["nearest", "nearest-exact", "bilinear", "bicubic", "area"]

#: Which pixels a point of a grid reads.
GridMode: TypeAlias = Literal["bilinear", "nearest", "bicubic"]

#: What a point outside the map reads.
Padding: TypeAlias = Literal["zeros", "border", "reflection"]

#: The numbers of a box: corners, sides, centre, angle.
BoxFormat: TypeAlias = Literal["xyxy", "xywh", "cxcywh", "xywhr", "cxcywhr", "xyxyxyxy"]

#: How soft suppression lowers a score.
SoftMethod: TypeAlias = Literal["gaussian", "linear"]
