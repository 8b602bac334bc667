"""Lookup of commands by name, by another spelling, or by a misspelt name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tclcmd.language import likeness
from tclcmd.language.declare import NAMESPACE, REGISTRY, Command, camel


def find(name: str) -> Command | None:
    """The command by any of its names, with or without its namespace."""
    name = name.removeprefix("::").removeprefix(f"{NAMESPACE}::")
    return next((command for command in REGISTRY.values() if name in command.names), None)


#: The name in PyTorch, torchvision or another library -> the name here.
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
    "gather": "tensor_index_select",
    "type": "tensor_dtype",
    "upsample": "interpolate",
    "view": "tensor_reshape",
    "write_image": "image_write",
}

#: Prefixes that are ignored, because many names have them.
FAMILY = "tensor"


def nearest(name: str, *, is_ours: bool = False) -> list[str]:
    """The full names of commands to suggest for an unknown name; often none.

    A name outside the namespace may be any command, so that only very similar names are suggested for it.
    """
    bare = name.removeprefix("::").removeprefix(f"{NAMESPACE}::")
    rows = {likeness.plain(spelled): row for row in REGISTRY.values() for spelled in row.names}
    word = likeness.plain(bare)
    if bare == name and not is_ours:  # only a very similar name
        near = [word] if word in rows else [] if len(word) < 6 else likeness.nearest(word, rows)
        near = [known for known in near if likeness.distance(word, known) <= 1]
    else:
        near = _in_namespace(bare, rows)
    found = dict.fromkeys(rows[known].name for known in near)
    is_camel = bare.lower() != bare
    return [f"{NAMESPACE}::{camel(known) if is_camel else known}" for known in found][: likeness.MOST]


def _in_namespace(bare: str, rows: Mapping[str, Command]) -> list[str]:
    """The normal forms near to a name, compared without the prefix of their family."""
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
    """The words of a name in alphabetical order."""
    return sorted(word.lower() for word in re.findall(r"[a-z0-9]+|[A-Z][a-z0-9]*", name))
