"""Non-maximum suppression: pyroi's functions as commands, one row each."""

from __future__ import annotations

import numpy as np

import pyroi
from tclcmd.commands.common_boxes import BOXES, GROUP, ROTATED
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Integer, Number, TensorOrNumbers, choice

SCORES = Parameter("scores", TensorOrNumbers(), "[N], the score of each box.")
CLASSES = TensorOrNumbers(dtype=np.dtype(np.int64))  # in which all class numbers stay distinct, unlike in Float32
IOU_THRESHOLD = Parameter(
    "iou_threshold", Number(), "From 0 to 1; a box is dropped if its IoU with a kept box is above this threshold."
)
SCORE_THRESHOLD = Parameter(
    "score_threshold", Number(), "Boxes whose score is not above this threshold are dropped first.", default=None
)
MAX_OUTPUT = Parameter(
    "max_output", Integer(), "The largest number of boxes to keep; all by default.", default=None, named_only=True
)

THREE = "set boxes {{0 0 10 10} {1 1 11 11} {20 20 30 30}}\nset scores {0.9 0.8 0.7}\n"

KEPT = "An Int64 tensor: indices into the boxes as given, by descending score."

command(
    BOXES,
    SCORES,
    IOU_THRESHOLD,
    SCORE_THRESHOLD,
    MAX_OUTPUT,
    group=GROUP,
    aliases=("Nms",),
    summary="Non-maximum suppression (NMS): keeps the best of the boxes that overlap.",
    description="Boxes are visited by descending score, and a box is kept if its IoU with every box kept before is at "
    "most the threshold. The IoU of boxes without area is 0. Boxes of equal score keep their order.",
    returns=KEPT,
    examples=(THREE + "puts [torch::tensor_to_list [torch::nms $boxes $scores 0.5]]",),
    see_also=("batched_nms", "soft_nms", "nms_rotated"),
)(pyroi.nms)

command(
    BOXES,
    SCORES,
    Parameter("idxs", CLASSES, "[N], the class of each box."),
    IOU_THRESHOLD,
    SCORE_THRESHOLD,
    MAX_OUTPUT,
    group=GROUP,
    summary="Non-maximum suppression (NMS) within each class.",
    description="The same as torch::nms, except that boxes of different classes do not suppress each other.",
    returns=KEPT,
    examples=(THREE + "puts [torch::tensor_to_list [torch::batched_nms $boxes $scores {1 2 1} 0.5]]",),
    see_also=("nms",),
)(pyroi.batched_nms)

command(
    BOXES,
    SCORES,
    Parameter("sigma", Number(), "The width of the Gaussian, above 0.", default=0.5),
    Parameter(
        "iou_threshold",
        Number(),
        "For the linear method: an IoU up to this threshold leaves the score as it is.",
        default=0.3,
    ),
    Parameter(
        "score_threshold",
        Number(),
        "Boxes whose score is not above this threshold, at first or after it has been lowered, are dropped.",
        default=0.001,
    ),
    Parameter(
        "method",
        choice("gaussian", "linear"),
        "The factor for the score of an overlapping box: exp(-IoU^2 / sigma), or 1 - IoU where the IoU is above "
        "iou_threshold.",
        default="gaussian",
    ),
    group=GROUP,
    summary="Soft non-maximum suppression: lowers the scores of overlapping boxes.",
    description="The box with the highest score is kept, and the boxes that overlap it are not dropped, but their "
    "scores are lowered. This is repeated with the remaining boxes until no score is above the score threshold.",
    returns="A list of two tensors, both by descending new score: Int64 indices into the boxes as given, and the new "
    "scores.",
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
    description="The same as torch::nms, with the IoU of torch::box_iou_rotated.",
    returns=KEPT,
    examples=("puts [torch::tensor_to_list [torch::nms_rotated {{5 5 8 2 30} {5 5 8 2 35}} {0.9 0.8} 0.5]]",),
    see_also=("nms", "box_iou_rotated"),
)(pyroi.nms_rotated)
