"""A valid call of each function of pyroi, with its required parameters only."""

from __future__ import annotations

import numpy as np
from oracles.cases import A25
from oracles.overlap import KINDS

BOX = np.array([[0.0, 1, 1, 3, 3]])
UPRIGHT, TURNED = np.array([[0.0, 0, 2, 2], [1, 1, 4, 4]]), np.array([[2.0, 2, 3, 3, 30], [4, 4, 2, 2, 0]])
CROP, PLACES = np.ones((1, 1, 2, 2), np.float32), np.zeros((1, 1, 2, 2), np.int64)
SHAPE = (1, 1, 5, 5)
SCORES = [0.1, 0.2]

GOOD = {
    "adaptive_avg_pool2d": {"input": A25, "output_size": 2},
    "adaptive_avg_pool2d_backward": {"grad": CROP, "input_shape": SHAPE},
    "adaptive_max_pool2d": {"input": A25, "output_size": 2},
    "adaptive_max_pool2d_backward": {"grad": CROP, "indices": PLACES, "input_shape": SHAPE},
    "affine_grid": {"theta": np.ones((1, 2, 3)), "size": (1, 1, 2, 2)},
    "assign_levels": {"boxes": BOX, "num_levels": 4},
    "batched_nms": {"boxes": UPRIGHT, "scores": SCORES, "idxs": [0, 1], "iou_threshold": 0.5},
    "box_area": {"boxes": UPRIGHT},
    "box_convert": {"boxes": UPRIGHT, "in_fmt": "xyxy", "out_fmt": "cxcywh"},
    "box_iou_rotated": {"boxes1": TURNED, "boxes2": TURNED},
    "clip_boxes_to_image": {"boxes": UPRIGHT, "size": (3, 3)},
    "denormalize_image": {"image": A25, "mean": [0.5], "std": [2.0]},
    "grid_sample": {"input": A25, "grid": np.zeros((1, 2, 2, 2), np.float32)},
    "interpolate": {"input": A25, "size": 2},
    "interpolate_backward": {"grad": CROP, "input_shape": SHAPE},
    "masks_to_boxes": {"masks": np.ones((1, 3, 3), bool)},
    "multiscale_roi_align": {"features": [A25], "boxes": BOX, "output_size": 2, "spatial_scales": [1.0]},
    "nms": {"boxes": UPRIGHT, "scores": SCORES, "iou_threshold": 0.5},
    "nms_rotated": {"boxes": TURNED, "scores": SCORES, "iou_threshold": 0.5},
    "normalize_image": {"image": A25, "mean": [0.5], "std": [2.0]},
    "prroi_pool": {"input": A25, "boxes": BOX, "output_size": 2},
    "prroi_pool_backward": {"grad": CROP, "input": A25, "boxes": BOX},
    "ps_roi_align": {"input": A25, "boxes": BOX, "output_size": 1},
    "ps_roi_align_backward": {"grad": CROP[..., :1, :1], "boxes": BOX, "input_shape": SHAPE},
    "ps_roi_pool": {"input": A25, "boxes": BOX, "output_size": 1},
    "ps_roi_pool_backward": {"grad": CROP[..., :1, :1], "boxes": BOX, "input_shape": SHAPE},
    "remove_small_boxes": {"boxes": UPRIGHT, "min_size": 1.0},
    "resize_image": {"image": A25, "size": 2},
    "roi_align": {"input": A25, "boxes": BOX, "output_size": 2},
    "roi_align_backward": {"grad": CROP, "boxes": BOX, "input_shape": SHAPE},
    "roi_align_rotated": {"input": A25, "boxes": TURNED, "output_size": 2},
    "roi_align_rotated_backward": {"grad": np.repeat(CROP, 2, 0), "boxes": TURNED, "input_shape": SHAPE},
    "roi_pool": {"input": A25, "boxes": BOX, "output_size": 2},
    "roi_pool_backward": {"grad": CROP, "argmax": PLACES, "boxes": BOX, "input_shape": SHAPE},
    "soft_nms": {"boxes": UPRIGHT, "scores": SCORES},
    **{kind: {"boxes1": UPRIGHT, "boxes2": UPRIGHT} for kind in KINDS},
}
