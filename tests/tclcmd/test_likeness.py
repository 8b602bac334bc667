"""Suggestions for misspelt names: no suggestion is better than a wrong one."""

from __future__ import annotations

import pytest

from tclcmd.language import likeness, lookup

#: Name within torch:: -> all that is proposed.
PROPOSED = {
    "roi_alig": "roi_align",
    "zeroes": "zeros",
    "tensor_crate": "tensor_create",
    "nms_rotate": "nms_rotated",
    "rnad": "rand",
    "ps_roialign": "ps_roi_align",
    # Another spelling gets one of its kind.
    "roiAlig": "roiAlign",
    "ROIAlign": "roiAlign",
    # As others call it.
    "tensor": "tensor_create",
    "size": "tensor_shape",
    "tensor_size": "tensor_shape",
    "imread": "image_read",
    # With the family's name too much, or too little.
    "cat": "tensor_cat",
    "tensor_ones": "ones",
    "tensor_zero": "zeros",
    # Words in another order; the beginning alone.
    "iou_box": "box_iou",
    "batched": "batched_nms",
    "plot": "plot_boxes plot_features",
    # Two that are equally near.
    "tensor_sun": "tensor_sub tensor_sum",
    # What there is not, though other names look alike at first sight.
    "tensor_dot": "",
    "tensor_erf": "",
    "bmm": "",
    "conv2d": "",
    "softmax": "",
    "something_else": "",
    "x": "",
    "": "tensor_create",
    "roi_align" * 1000: "",
}


@pytest.mark.parametrize("name", PROPOSED, ids=lambda name: name[:20])
def test_within_our_namespace(name):
    """Names are compared by what is left of them without "tensor", which so many have."""
    proposed = [f"torch::{word}" for word in PROPOSED[name].split()]
    assert lookup.nearest(f"torch::{name}") == lookup.nearest(name, is_ours=True) == proposed


@pytest.mark.parametrize(
    ("name", "proposed"),
    [("roi_align", "roi_align"), ("roi_alig", "roi_align"), ("zeroes", "zeros"), ("show", "show"), ("cat", ""),
     ("size", ""), ("soft", ""), ("tensor", ""), ("shew", ""), ("tensor_erf", "")],
)  # fmt: skip
def test_without_our_namespace(name, proposed):
    """It may have been meant for anything, so it has to be very like."""
    assert lookup.nearest(name) == [f"torch::{word}" for word in proposed.split()]


@pytest.mark.parametrize(
    ("one", "other", "mistakes"),
    [("nms", "nms", 0), ("nm", "nms", 1), ("nsm", "nms", 1), ("nmss", "nms", 1), ("nas", "nms", 1), ("", "nms", 3),
     ("kitten", "sitting", 3), ("ca", "abc", 3)],
)  # fmt: skip
def test_distance(one, other, mistakes):
    """Levenshtein's own example, and the one that tells optimal string alignment (3) from Damerau's distance (2)."""
    assert likeness.distance(one, other) == likeness.distance(other, one) == mistakes


def test_the_shell_says_it(roish):
    """Several in one sentence; for options, the same measure."""
    assert "Did you mean torch::plot_boxes or torch::plot_features?" in roish("-c", "torch::plot").stderr
    assert "Did you mean" not in roish("-c", "torch::tensor_erf 2").stderr
    assert "Did you mean -dtype?" in roish("-c", "torch::zeros 2 -type int64").stderr
    assert "Did you mean" not in roish("-c", "torch::zeros 2 -size int64").stderr
