"""ROIAlign and MultiScaleROIAlign."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.cases import A25

import pyroi


def test_example_of_roi_align():
    """A map of 256 channels and one box, given as nested numbers: a crop of 7 x 7."""
    roi_align = pyroi.ROIAlign(output_size=(7, 7))
    features = np.random.default_rng(0).standard_normal((1, 256, 32, 32))
    rois = np.array([[0, 4, 4, 24, 24]])
    crops = roi_align(features, rois)
    assert crops.shape == (1, 256, 7, 7)
    assert crops.tobytes() == pyroi.roi_align(features, rois, (7, 7)).tobytes()


def test_example_of_multiscale():
    """Four levels of 256 channels and one box: a crop of 7 x 7."""
    features = [np.random.default_rng(0).standard_normal((1, 256, s, s)) for s in [64, 32, 16, 8]]
    rois = np.array([[0, 10, 10, 40, 40]])
    align = pyroi.MultiScaleROIAlign(output_size=(7, 7))
    spatial_scales = [1 / 4, 1 / 8, 1 / 16, 1 / 32]
    pooled = align(features, rois, spatial_scales)
    assert pooled.shape == (1, 256, 7, 7)
    assert pooled.tobytes() == pyroi.multiscale_roi_align(features, rois, (7, 7), spatial_scales).tobytes()


def test_call_is_forward():
    """module(...) and module.forward(...) are the same, with positions and with names."""
    align = pyroi.ROIAlign((2, 2))
    rois = np.array([[0, 2, 2, 6, 6]], np.float32)
    expected = [6, 7, 11, 12]  # (1, 1, 3, 3) at scale 1, worked by hand in test_roi_align
    assert align(A25, rois, 0.5, 2).ravel().tolist() == expected
    assert align.forward(A25, rois, 0.5, 2).ravel().tolist() == expected
    assert align.forward(features=A25, rois=rois, spatial_scale=0.5, sampling_ratio=2).ravel().tolist() == expected

    multi = pyroi.MultiScaleROIAlign((2, 2))
    assert multi([A25], rois, [0.5], 2).ravel().tolist() == expected
    assert multi.forward(features=[A25], rois=rois, spatial_scales=[0.5], sampling_ratio=2).ravel().tolist() == expected


def test_aligned_is_a_parameter_of_the_constructor():
    """aligned=False shifts by half a pixel: 3 more on A25; true is the default."""
    rois = np.array([[0, 1, 1, 3, 3]], np.float32)
    assert pyroi.ROIAlign((2, 2), aligned=False)(A25, rois, 1.0, 2).ravel().tolist() == [9, 10, 14, 15]
    assert pyroi.ROIAlign((2, 2))(A25, rois, 1.0, 2).ravel().tolist() == [6, 7, 11, 12]
    multi = pyroi.MultiScaleROIAlign((2, 2), aligned=False)
    assert multi([A25], rois, [1.0], 2).ravel().tolist() == [9, 10, 14, 15]
    with pytest.raises(TypeError):
        pyroi.ROIAlign((2, 2), True)


@pytest.mark.parametrize(
    "arguments",
    [
        lambda: pyroi.MultiScaleROIAlign((1, 1), 1, 56),
        lambda: pyroi.MultiScaleROIAlign((1, 1), canonical_level=1, canonical_scale=56),
        lambda: pyroi.MultiScaleROIAlign((1, 1), canonical_level=1, canocical_scale=56),
        lambda: pyroi.MultiScaleROIAlign(output_size=(1, 1), canonical_level=1, canocical_scale=56),
    ],
)
def test_canonical_scale_also_as_it_is_misspelt(arguments):
    """canonical_scale by position, by name and as canocical_scale: a side of 56 is level 1."""
    features = [np.full((1, 1, 8, 8), level, np.float32) for level in range(4)]
    boxes = np.array([[0, 2, 2, 58, 58]], np.float32)
    assert arguments()(features, boxes, [1 / 16] * 4).item() == 1


def test_defaults_of_multiscale():
    """canonical_level 2, canonical_scale 224: a side of 224 is level 2, of 448 level 3."""
    features = [np.full((1, 1, 8, 8), level, np.float32) for level in range(4)]
    boxes = np.array([[0, 2, 2, 226, 226], [0, 2, 2, 450, 450]], np.float32)
    crops = pyroi.MultiScaleROIAlign((1, 1))(features, boxes, [1 / 64] * 4)
    assert crops.ravel().tolist() == pytest.approx([2, 3], rel=1e-6)


def test_both_spellings_at_once_are_an_error():
    """Two values for one parameter are not silently one."""
    with pytest.raises((TypeError, ValueError), match="canocical_scale"):
        pyroi.MultiScaleROIAlign((7, 7), canonical_scale=56, canocical_scale=112)


def test_unknown_keywords_are_an_error():
    """A misspelling that is not the known one does not go unnoticed."""
    with pytest.raises(TypeError):
        pyroi.MultiScaleROIAlign((7, 7), canonicl_scale=224)
    with pytest.raises(TypeError):
        pyroi.ROIAlign((7, 7), sampling_ratio=2)


def test_module_can_be_used_again():
    """A module keeps no state of a call."""
    align = pyroi.ROIAlign((1, 1))
    first = align(A25, [[0, 1, 1, 3, 3]])
    align(A25 * 5, [[0, 0, 0, 5, 5]], 0.5, 3)
    assert align(A25, [[0, 1, 1, 3, 3]]).tolist() == first.tolist()
