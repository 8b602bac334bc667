"""Normalizing of images: pyroi's functions as commands."""

from __future__ import annotations

from collections.abc import Callable

import pyroi
from pyroi.arrays import Array
from tclcmd.commands.common_maps import GROUP
from tclcmd.language.declare import Parameter, command
from tclcmd.language.kinds import Boolean, Tensor, TensorOrNumbers

IMAGE = Parameter(
    "image",
    Tensor(),
    "One image, [C, H, W], or a batch, [N, C, H, W]; also a single channel, [H, W], or a single row, [W].",
    aliases=("input", "tensor"),
)
MEAN = Parameter(
    "mean",
    TensorOrNumbers(),
    "The means: a number for each channel, one number for all channels, or a tensor that broadcasts to the image's "
    "shape.",
)
STD = Parameter("std", TensorOrNumbers(), "The standard deviations, all above 0, in the same form as the means.")
INPLACE = Parameter(
    "inplace",
    Boolean(),
    "Write the result into the image itself, which must then be of a floating type.",
    default=False,
)


def _with_channels(function: Callable[..., Array], image: Array, mean: Array, std: Array, inplace: bool) -> Array:
    """Calls the function with an image; one channel, or one row, becomes an image of one channel."""
    if image.ndim not in (1, 2):
        return function(image, mean, std, inplace)
    channel = image.reshape(1, 1, -1) if image.ndim == 1 else image[None]
    result = function(channel, mean, std, inplace)
    return image if inplace else result.reshape(image.shape)


@command(
    IMAGE,
    MEAN,
    STD,
    INPLACE,
    group=GROUP,
    gives_back="image",
    summary="Normalizes images: subtracts a mean and divides by a standard deviation for each channel.",
    description="With inplace, the image itself is changed, and so is every tensor that shares its memory, such as a "
    "result of torch::tensor_reshape or torch::tensor_permute.",
    returns="A tensor of the image's shape and floating type; with inplace, the image itself.",
    examples=(
        "set image [torch::rand {3 48 64}]\n"
        "set normal [torch::normalize_image $image {0.485 0.456 0.406} {0.229 0.224 0.225}]\n"
        "puts [torch::tensor_shape $normal]",
        "# Without a copy.\nset image [torch::rand {3 48 64}]\n"
        "torch::normalize_image -image $image -mean 0.5 -std 0.5 -inplace true\n"
        "puts [torch::tensor_dtype $image]",
    ),
    see_also=("denormalize_image", "resize_image", "image_read"),
)
def normalize_image(image: Array, mean: Array, std: Array, inplace: bool) -> Array:
    """See above."""
    return _with_channels(pyroi.normalize_image, image, mean, std, inplace)


@command(
    IMAGE,
    MEAN,
    STD,
    INPLACE,
    group=GROUP,
    gives_back="image",
    summary="Inverts torch::normalize_image: multiplies by the standard deviations and adds the means.",
    description="With inplace, the image itself is changed, as in torch::normalize_image.",
    returns="A tensor of the image's shape and floating type; with inplace, the image itself.",
    examples=(
        "set image [torch::rand {3 48 64}]\n"
        "set normal [torch::normalize_image $image 0.5 0.25]\n"
        "set back [torch::denormalize_image $normal 0.5 0.25]\n"
        "puts [torch::allclose $image $back -atol 1e-6]",
    ),
    see_also=("normalize_image", "image_write"),
)
def denormalize_image(image: Array, mean: Array, std: Array, inplace: bool) -> Array:
    """See above."""
    return _with_channels(pyroi.denormalize_image, image, mean, std, inplace)
