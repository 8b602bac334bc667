"""The command that a name means: its own name, another spelling of it, or a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tclcmd.language import likeness
from tclcmd.language.declare import NAMESPACE, REGISTRY, Command, camel


def find(name: str) -> Command | None:
    """The command by any of its names, with or without its namespace."""
    name = name.removeprefix("::").removeprefix(f"{NAMESPACE}::")
    return next((command for command in REGISTRY.values() if name in command.names), None)


#: What PyTorch, torchvision and others call it -> our name.
OTHER_NAMES = {
    "as_tensor": "tensor_create",
    "concat": "tensor_cat",
    "concatenate": "tensor_cat",
    "imread": "image_read",
    "imshow": "show",
    "imwrite": "image_write",
    "iou": "box_iou",
    "narrow": "tensor_slice",
    "read_image": "image_read",
    "save_image": "image_write",
    "seed": "manual_seed",
    "size": "tensor_shape",
    "tensor": "tensor_create",
    "transpose": "tensor_permute",
    "type": "tensor_dtype",
    "upsample": "interpolate",
    "view": "tensor_reshape",
    "write_image": "image_write",
}

#: What so many names begin with that it tells nothing.
FAMILY = "tensor"


def nearest(name: str, *, is_ours: bool = False) -> list[str]:
    """The full names of the commands that may have been meant by this one, which there is not; often none.

    Without our namespace it may have been meant for anything, unless it is said to be the name of a command of ours.
    """
    bare = name.removeprefix("::").removeprefix(f"{NAMESPACE}::")
    rows = {likeness.plain(spelled): row for row in REGISTRY.values() for spelled in row.names}
    word = likeness.plain(bare)
    if bare == name and not is_ours:  # it has to be very like
        near = [word] if word in rows else [] if len(word) < 6 else likeness.nearest(word, rows)
        near = [known for known in near if likeness.distance(word, known) <= 1]
    else:
        near = _in_namespace(bare, rows)
    found = dict.fromkeys(rows[known].name for known in near)
    is_camel = bare.lower() != bare
    return [f"{NAMESPACE}::{camel(known) if is_camel else known}" for known in found][: likeness.MOST]


def _in_namespace(bare: str, rows: Mapping[str, Command]) -> list[str]:
    """The plain names near to one, by what is left of both without the name of the family."""
    word = likeness.plain(bare)
    rest = word.removeprefix(FAMILY)
    by_rest = {known.removeprefix(FAMILY): known for known in rows}
    other_names = {likeness.plain(other): likeness.plain(known) for other, known in OTHER_NAMES.items()}
    if FAMILY.startswith(word) or rest in other_names:
        return [other_names[FAMILY if FAMILY.startswith(word) else rest]]
    near = likeness.nearest(rest, by_rest) or likeness.beginning_with(rest, by_rest)
    turned = [known for known, row in rows.items() if _words(row.name) == _words(bare)]
    return turned or [by_rest[other] for other in near]


def _words(name: str) -> list[str]:
    """The words of a name in the order of the alphabet."""
    return sorted(word.lower() for word in re.findall(r"[a-z0-9]+|[A-Z][a-z0-9]*", name))
