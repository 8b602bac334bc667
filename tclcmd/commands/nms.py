"""Non-maximum suppression: pyroi's functions as commands, one row each."""

from __future__ import annotations

import numpy as np

import pyroi
from tclcmd.commands.common_boxes import BOXES, GROUP, ROTATED
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Integer, Number, TensorOrNumbers, choice

SCORES = Parameter("scores", TensorOrNumbers(), "[N], the score of each box.")
CLASSES = TensorOrNumbers(dtype=np.dtype(np.int64))  # all of which are different numbers, unlike those of Float32
IOU_THRESHOLD = Parameter(
    "iou_threshold", Number(), "From 0 to 1; a box that overlaps a kept one by more than this is dropped."
)
SCORE_THRESHOLD = Parameter(
    "score_threshold", Number(), "Boxes of this score or less are left out from the start.", default=None
)
MAX_OUTPUT = Parameter("max_output", Integer(), "The most boxes to keep.", default=None, named_only=True)

THREE = "set boxes {{0 0 10 10} {1 1 11 11} {20 20 30 30}}\nset scores {0.9 0.8 0.7}\n"

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
