"""The layers: settings are kept, passed on and shown; MultiScaleRoIAlign finds its scales as torchvision's does."""

from __future__ import annotations

import importlib
from collections import OrderedDict

import numpy as np
import pytest
from oracles import bounds, levels, walk
from oracles.autograd import torchvision_ops

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rt = importlib.import_module("pyroi.torch")

NAMES = ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("RoIAlign", ((2, 3), 0.5, 2)),
        ("RoIAlign", (2, 0.5, -1, True)),
        ("RoIPool", ((2, 3), 0.5)),
        ("PSRoIAlign", ((2, 3), 0.5, 2)),
        ("PSRoIPool", (2, 0.5)),
        ("MultiScaleRoIAlign", (["a", "b"], 7, 2)),
        ("MultiScaleRoIAlign", (["a"], (7, 5), -1)),
    ],
)
def test_text_and_attributes_are_torchvision_s(name, settings):
    """What a layer prints, and what it keeps."""
    ours, theirs = (getattr(module, name)(*settings) for module in (rt, torchvision_ops()))
    assert repr(ours) == repr(theirs)
    for attribute in ours.settings:
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert not list(ours.parameters())
    assert not ours.state_dict()


@pytest.mark.parametrize(
    ("layer", "function", "settings"),
    [
        ("RoIAlign", "roi_align", ((2, 3), 0.5, 2, True)),
        ("RoIPool", "roi_pool", ((2, 3), 0.5)),
        ("PSRoIAlign", "ps_roi_align", ((2, 3), 0.5, 2)),
        ("PSRoIPool", "ps_roi_pool", ((2, 3), 0.5)),
    ],
)
def test_layers_are_their_functions(layer, function, settings):
    """With the settings in their places."""
    map, rows = torch.randn(1, 12, 9, 9), torch.tensor([[0, 1, 2, 9, 11.0], [0, 3, 3, 17, 9]])
    assert torch.equal(getattr(rt, layer)(*settings)(map, rows), getattr(rt, function)(map, rows, *settings))


# ---- Pyramids --------------------------------------------------------------------------------------------------------


def pyramid(sides=(64, 32, 16, 8), images=2, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(images, 3, side, side + side // 2, generator=generator).to(dtype) for side in sides]
    return OrderedDict(zip(NAMES, maps, strict=False))


def boxes_of_all_sizes(dtype=torch.float32):
    rng = np.random.default_rng(0)
    rows = [np.concatenate([corner := rng.uniform(-9, 200, (25, 2)), corner + 2 ** rng.uniform(3, 9, (25, 2))], 1)] * 2
    return [torch.from_numpy(part).to(dtype) for part in rows]


@pytest.mark.parametrize(
    ("names", "shapes", "options"),
    [
        (NAMES, [(256, 384), (250, 380)], {}),
        (["0", "1"], [(256, 384), (256, 300)], {}),
        (["2"], [(256, 384), (256, 300)], {}),
        (NAMES, [(255, 384), (130, 300)], {"canonical_scale": 112, "canonical_level": 3}),
        (NAMES, [(512, 700), (300, 768)], {"canonical_scale": 100}),
    ],
)
def test_multiscale_is_torchvision_s(names, shapes, options):
    """Scales, levels, crops and gradients."""
    maps, boxes = pyramid(), boxes_of_all_sizes()
    for level in maps.values():
        level.requires_grad_()
    layers = [module.MultiScaleRoIAlign(names, (3, 2), 2, **options) for module in (rt, torchvision_ops())]
    crops, expected = (layer(maps, boxes, shapes) for layer in layers)
    assert layers[0].scales == layers[1].scales
    torch.testing.assert_close(crops, expected)
    used = [maps[name] for name in names]
    slopes = [torch.autograd.grad(part.square().sum(), used, allow_unused=True) for part in (crops, expected)]
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, torch.zeros_like(ours) if theirs is None else theirs, rtol=1e-4, atol=1e-4)


def test_multiscale_by_definition():
    """Each box by the walk over samples on the level of its size, with scales 1/4 to 1/32, not aligned."""
    maps, boxes = pyramid(), boxes_of_all_sizes()
    layer = rt.MultiScaleRoIAlign(NAMES, 2, 2)
    crops = layer(maps, boxes, [(256, 384), (256, 384)]).numpy()
    assert layer.scales == [1 / 4, 1 / 8, 1 / 16, 1 / 32]
    seen = set()
    for row, crop in enumerate(crops):
        image, box = divmod(row, 25)
        corners = boxes[image][box].numpy()
        level = levels.level(*corners, 4)
        seen.add(level)
        given = (maps[NAMES[level]].numpy(), np.float32([[image, *corners]]), (2, 2), layer.scales[level], 2, False)
        bounds.assert_within(crop[None], walk.roi_align(*given), walk.magnitude(*given))
    assert seen == {0, 1, 2, 3}


def test_scales_are_found_once():
    """At the first call; None makes the next one find them again."""
    maps, boxes = pyramid(), boxes_of_all_sizes()
    layer = rt.MultiScaleRoIAlign(NAMES, 2, 2)
    assert layer.scales is None
    first = layer(maps, boxes, [(256, 384)])
    assert torch.equal(layer(maps, boxes, [(4096, 4096)]), first)
    layer.scales = None
    assert not torch.equal(layer(maps, boxes, [(512, 768)]), first)
    assert layer.scales == [1 / 8, 1 / 16, 1 / 32, 1 / 64]


def test_a_pyramid_with_a_gap():
    """The index of a level counts features: torchvision, counting powers of 2, leaves crops beyond the last at 0."""
    maps = OrderedDict((name, torch.full((1, 1, side, side), 1.0)) for name, side in (("a", 64), ("b", 16)))
    box = [torch.tensor([[0, 0, 250, 250.0]])]
    assert rt.MultiScaleRoIAlign(["a", "b"], 1, 2, canonical_scale=200)(maps, box, [(256, 256)]).item() == 1
    theirs = torchvision_ops().MultiScaleRoIAlign(["a", "b"], 1, 2, canonical_scale=200)
    assert theirs(maps, box, [(256, 256)]).item() == 0


def test_levels_of_mixed_types():
    """As autocast may leave them: all are taken in the type of the first."""
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    maps = pyramid()
    maps["1"] = maps["1"].bfloat16()
    layer = rt.MultiScaleRoIAlign(NAMES, 2, 2)
    crops = layer(maps, boxes_of_all_sizes(), [(256, 384)])
    assert crops.dtype == torch.float32
    maps["1"] = maps["1"].float()
    assert torch.equal(crops, layer(maps, boxes_of_all_sizes(), [(256, 384)]))


def test_multiscale_misuse():
    """No image, no map of the name, boxes of another number of images."""
    layer = rt.MultiScaleRoIAlign(["0"], 2, 2)
    maps, boxes = pyramid(), boxes_of_all_sizes()
    with pytest.raises(ValueError, match="image_shapes"):
        layer(maps, boxes, [])
    with pytest.raises(ValueError, match=r"x: expected a map named one of \['0'\], got \['other'\]"):
        layer({"other": maps["0"]}, boxes, [(256, 384)])
    with pytest.raises(AssertionError, match="expected one tensor for each of the 2 images"):
        layer(maps, boxes[:1], [(256, 384)])
    with pytest.raises(TypeError, match="features: expected a list of at least one map"):
        rt.multiscale_roi_align(maps["0"], boxes, 2, [1])
    with pytest.raises(ValueError, match="all levels must have the same N, C and type"):
        rt.multiscale_roi_align([maps["0"], maps["1"][:, :2]], boxes, 2, [1, 0.5])
    with pytest.raises(ValueError, match="spatial_scales: expected one number for each of the 2 levels"):
        rt.multiscale_roi_align([maps["0"], maps["1"]], boxes, 2, [1])


def test_in_a_model_of_torchvision():
    """A Faster R-CNN whose pooling layer is replaced finds the same."""
    torchvision_ops()
    detection = importlib.import_module("torchvision.models.detection")
    torch.manual_seed(0)
    model = detection.fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=5,
        min_size=96,
        max_size=96,
        box_score_thresh=0.0,
        rpn_pre_nms_top_n_test=100,
        rpn_post_nms_top_n_test=30,
    ).eval()
    image = torch.rand(3, 96, 96)
    with torch.no_grad():
        (expected,) = model([image])
        old = model.roi_heads.box_roi_pool
        model.roi_heads.box_roi_pool = rt.MultiScaleRoIAlign(old.featmap_names, old.output_size, old.sampling_ratio)
        (found,) = model([image])
    assert len(found["boxes"]) > 10
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
