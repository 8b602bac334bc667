"""Commands on boxes: pyroi's functions, one row each."""

from __future__ import annotations

import numpy as np

import pyroi
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Integer, Number, Size, Tensor, TensorOrNumbers, choice

GROUP = "Boxes"

BOXES = Parameter("boxes", TensorOrNumbers((0, 4)), "[N, 4], rows of x1, y1, x2, y2.")
ROTATED = Parameter(
    "boxes",
    TensorOrNumbers((0, 5)),
    "[N, 5], rows of cx, cy, w, h and the angle in degrees, counter-clockwise.",
)
SCORES = Parameter("scores", TensorOrNumbers(), "[N], the score of each box.")
CLASSES = TensorOrNumbers(dtype=np.dtype(np.int64))  # all of which are different numbers, unlike those of Float32
IOU_THRESHOLD = Parameter(
    "iou_threshold", Number(), "From 0 to 1; a box that overlaps a kept one by more than this is dropped."
)
SCORE_THRESHOLD = Parameter(
    "score_threshold", Number(), "Boxes of this score or less are left out from the start.", default=None
)
MAX_OUTPUT = Parameter("max_output", Integer(), "The most boxes to keep.", default=None, named_only=True)

FORMATS = choice("xyxy", "xywh", "cxcywh", "cxcywhr", "xywhr", "xyxyxyxy")

THREE = "set boxes {{0 0 10 10} {1 1 11 11} {20 20 30 30}}\nset scores {0.9 0.8 0.7}\n"

# ---- Non-maximum suppression -----------------------------------------------------------------------------------------

KEPT = "An Int64 tensor: indices into the boxes as given, by falling score."

command(
    BOXES,
    SCORES,
    IOU_THRESHOLD,
    SCORE_THRESHOLD,
    MAX_OUTPUT,
    group=GROUP,
    aliases=("Nms",),
    summary="Non-maximum suppression: keeps the best of boxes that overlap.",
    description="Goes through the boxes by falling score, and keeps each whose overlap with every box kept before is "
    "at most the threshold. The overlap is the intersection over the union, and that of boxes without area is 0. Where "
    "scores are equal, the box that comes first goes first.",
    returns=KEPT,
    examples=(THREE + "puts [torch::tensor_to_list [torch::nms $boxes $scores 0.5]]",),
    see_also=("batched_nms", "soft_nms", "nms_rotated"),
)(pyroi.nms)

command(
    BOXES,
    SCORES,
    Parameter("idxs", CLASSES, "[N], the class of each box; boxes suppress those of their own class only."),
    IOU_THRESHOLD,
    SCORE_THRESHOLD,
    MAX_OUTPUT,
    group=GROUP,
    summary="Non-maximum suppression for each class by itself.",
    description="As torch::nms, but only a box of the same class suppresses a box.",
    returns=KEPT,
    examples=(THREE + "puts [torch::tensor_to_list [torch::batched_nms $boxes $scores {1 2 1} 0.5]]",),
    see_also=("nms",),
)(pyroi.batched_nms)

command(
    BOXES,
    SCORES,
    Parameter("sigma", Number(), "The width of the Gaussian, above 0.", default=0.5),
    Parameter("iou_threshold", Number(), "For linear: overlaps up to this cost nothing.", default=0.3),
    Parameter("score_threshold", Number(), "Boxes whose score falls to this or less are dropped.", default=0.001),
    Parameter(
        "method",
        choice("gaussian", "linear"),
        "By what a score falls: exp(-IoU^2 / sigma), or 1 - IoU where that is above the threshold.",
        default="gaussian",
    ),
    group=GROUP,
    summary="Soft non-maximum suppression: overlapping boxes lose score instead of being dropped.",
    description="Keeps the box of highest score, lowers the scores of those that overlap it, and so on until no score "
    "is above the threshold.",
    returns="A list of two tensors: Int64 indices into the boxes as given, and the new scores, by falling new score.",
    examples=(THREE + "lassign [torch::soft_nms $boxes $scores] kept newScores\nputs [torch::tensor_to_list $kept]",),
    see_also=("nms",),
)(pyroi.soft_nms)

command(
    ROTATED,
    SCORES,
    IOU_THRESHOLD,
    SCORE_THRESHOLD,
    MAX_OUTPUT,
    group=GROUP,
    summary="Non-maximum suppression of rotated boxes.",
    description="As torch::nms, with the overlap of torch::box_iou_rotated.",
    returns=KEPT,
    examples=("puts [torch::tensor_to_list [torch::nms_rotated {{5 5 8 2 30} {5 5 8 2 35}} {0.9 0.8} 0.5]]",),
    see_also=("nms", "box_iou_rotated"),
)(pyroi.nms_rotated)

# ---- Overlap ---------------------------------------------------------------------------------------------------------

OVERLAPS = "A tensor [N, M], a row for each of the first boxes, a column for each of the second."


def _pair(boxes: Parameter, *, old_names: bool = False) -> tuple[Parameter, Parameter]:
    """The parameters boxes1 and boxes2; for old scripts also input1 and input2."""
    first = Parameter("boxes1", boxes.kind, boxes.help, aliases=("input1",) if old_names else ())
    second = "The boxes to compare them with, in the same form."
    return first, Parameter("boxes2", boxes.kind, second, aliases=("input2",) if old_names else ())


TWO = "{{0 0 10 10}} {{5 5 15 10}}"

command(
    *_pair(BOXES, old_names=True),
    group=GROUP,
    summary="How much boxes overlap: intersection over union.",
    description="The overlap of two boxes without area is 0.",
    returns=OVERLAPS,
    examples=(f"puts [torch::tensor_to_list [torch::box_iou {TWO}]]",),
    see_also=("generalized_box_iou", "distance_box_iou", "complete_box_iou", "box_iou_rotated"),
)(pyroi.box_iou)

command(
    *_pair(BOXES),
    group=GROUP,
    summary="Overlap of boxes, less the empty share of the smallest box around both.",
    description="Unlike torch::box_iou it tells boxes that lie apart from those that lie far apart: from -1 to 1.",
    returns=OVERLAPS,
    examples=(f"puts [torch::tensor_to_list [torch::generalized_box_iou {TWO}]]",),
    see_also=("box_iou",),
)(pyroi.generalized_box_iou)

command(
    *_pair(BOXES),
    group=GROUP,
    summary="Overlap of boxes, less the squared distance of their centres.",
    description="The distance is measured by the diagonal of the smallest box around both.",
    returns=OVERLAPS,
    examples=(f"puts [torch::tensor_to_list [torch::distance_box_iou {TWO}]]",),
    see_also=("box_iou", "complete_box_iou"),
)(pyroi.distance_box_iou)

command(
    *_pair(BOXES),
    group=GROUP,
    summary="Overlap of boxes, less the distance of centres and the difference in proportions.",
    description="As torch::distance_box_iou, and less a share for boxes whose sides have another ratio.",
    returns=OVERLAPS,
    examples=(f"puts [torch::tensor_to_list [torch::complete_box_iou {TWO}]]",),
    see_also=("box_iou", "distance_box_iou"),
)(pyroi.complete_box_iou)

command(
    *_pair(ROTATED),
    group=GROUP,
    summary="How much rotated boxes overlap: intersection over union.",
    description="A box overlaps itself by exactly 1, whatever its size and angle.",
    returns=OVERLAPS,
    examples=("puts [torch::tensor_to_list [torch::box_iou_rotated {{5 5 8 2 0}} {{5 5 8 2 90}}]]",),
    see_also=("box_iou", "nms_rotated"),
)(pyroi.box_iou_rotated)

# ---- Boxes themselves ------------------------------------------------------------------------------------------------

command(
    BOXES,
    group=GROUP,
    summary="The area of each box.",
    description="It is in floating point also for integer boxes.",
    returns="A tensor [N].",
    examples=("puts [torch::tensor_to_list [torch::box_area {{0 0 4 5} {1 1 2 2}}]]",),
    see_also=("remove_small_boxes",),
)(pyroi.box_area)

command(
    Parameter("boxes", TensorOrNumbers((0, 4)), "[N, 4], [N, 5] or [N, 8], as their format has it."),
    Parameter("in_fmt", FORMATS, "The format they have."),
    Parameter("out_fmt", FORMATS, "The format they get."),
    group=GROUP,
    summary="Boxes in another format.",
    description="xyxy is two corners; xywh a corner and the sides; cxcywh the centre and the sides. With an angle in "
    "degrees there are cxcywhr and xywhr, and xyxyxyxy is four corners. Upright boxes do not become rotated ones, nor "
    "the reverse.",
    returns="A tensor with as many columns as the format has.",
    examples=("puts [torch::tensor_to_list [torch::box_convert {{0 0 4 6}} xyxy cxcywh]]",),
    see_also=("box_area",),
)(pyroi.box_convert)

command(
    BOXES,
    Parameter("size", Size(), "Height and width of the image."),
    group=GROUP,
    summary="Moves corners that lie outside an image to its border.",
    description="A box outside the image becomes one without area, on the border.",
    returns="A tensor [N, 4].",
    examples=("puts [torch::tensor_to_list [torch::clip_boxes_to_image {{-5 2 30 9}} {10 20}]]",),
    see_also=("remove_small_boxes",),
)(pyroi.clip_boxes_to_image)

command(
    BOXES,
    Parameter("min_size", Number(), "The least width and height of a box to keep."),
    group=GROUP,
    summary="Which boxes are large enough.",
    returns="An Int64 tensor: indices of the boxes both of whose sides are at least so long.",
    examples=("puts [torch::tensor_to_list [torch::remove_small_boxes {{0 0 4 5} {0 0 1 9}} 2]]",),
    see_also=("clip_boxes_to_image", "box_area"),
)(pyroi.remove_small_boxes)

command(
    Parameter("masks", Tensor(), "[N, H, W]; what is not 0 belongs to the mask."),
    group=GROUP,
    summary="The smallest box around each mask.",
    description="Its corners are the indices of the outermost columns and rows, these included. An empty mask gives 0 "
    "0 0 0.",
    returns="A Float32 tensor [N, 4].",
    examples=("puts [torch::tensor_to_list [torch::masks_to_boxes [torch::ones {1 3 4} bool]]]",),
    see_also=("box_convert",),
)(pyroi.masks_to_boxes)
