"""Usage lines and help, made from the declarations."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from tclcmd.language import likeness
from tclcmd.language.declare import NAMESPACE, REGISTRY, Command, Form, Parameter, by_group, camel
from tclcmd.values.quoting import quote

WIDTH = 100


def usage(command: Command) -> str:
    """How to call a command, in both syntaxes."""
    return "Usage: " + "\n   or: ".join(syntaxes(command))


def syntaxes(command: Command) -> list[str]:
    """All ways to call it: by names first, then by position."""
    return list(dict.fromkeys([named_syntax(command), *positional_syntaxes(command)]))


def named_syntax(command: Command) -> str:
    """The syntax with options."""
    words = [
        _optional(f"-{parameter.camel} {parameter.kind.placeholder}", parameter) for parameter in command.parameters
    ]
    return " ".join([command.full_name, *words])


def positional_syntaxes(command: Command) -> list[str]:
    """The syntax without options, one for each positional order."""
    return [_positional_syntax(command, form) for form in command.orders]


def _positional_syntax(command: Command, form: Form) -> str:
    # In a form of its own, what comes before the last required parameter has to be there.
    required = [index for index, name in enumerate(form) if command.by_name[name].is_required]
    needed = max(required, default=-1)
    words = [name if index <= needed else f"?{name}?" for index, name in enumerate(form)]
    only_named = [parameter for parameter in command.parameters if parameter.named_only]
    words += [_optional(f"-{parameter.camel} {parameter.kind.placeholder}", parameter) for parameter in only_named]
    return " ".join([command.full_name, *words])


def _optional(text: str, parameter: Parameter) -> str:
    return text if parameter.is_required else f"?{text}?"


def overview() -> str:
    """All commands by group, one line each."""
    lines = []
    for group, members in by_group().items():
        lines += [f"{group}:", *(f"  {command.full_name:30} {command.summary}" for command in members), ""]
    return (
        "\n".join(lines) + f"{NAMESPACE}::help NAME tells about one of them, {NAMESPACE}::help -search WORDS finds one."
    )


def search(words: str) -> str:
    """The commands whose help has all these words, one line each; those that have them in their names come first."""
    wanted = list(dict.fromkeys(words.lower().split()))
    found = [row for row in REGISTRY.values() if all(word in _searched(row) for word in wanted)]
    found.sort(key=lambda row: not any(word in row.name for word in wanted))
    lines = [f"  {row.full_name:30} {row.summary}" for row in found]
    return "\n".join(lines) if lines else f"No command has {quote(words)} in its help."


def _searched(row: Command) -> str:
    texts = [*row.names, row.summary, row.description, *(parameter.help for parameter in row.parameters)]
    return "\n".join(texts).lower()


def help_text(command: Command) -> str:
    """All that is declared about a command, as text for a terminal."""
    blocks = [f"{command.full_name} - {command.summary}", usage(command), parameter_lines(command)]
    blocks += [f"Result: {command.returns}", _filled(command.description)]
    blocks += ["Example:\n" + textwrap.indent(example, "    ") for example in command.examples[:1]]
    if command.see_also:
        blocks.append("See also: " + ", ".join(f"{NAMESPACE}::{name}" for name in command.see_also))
    return "\n\n".join(block for block in blocks if block)


def parameter_lines(command: Command) -> str:
    """One paragraph for each parameter."""
    return "\n".join(_parameter_line(parameter) for parameter in command.parameters)


def _parameter_line(parameter: Parameter) -> str:
    default = f" Default: {parameter.shown_default}." if parameter.shown_default else ""
    return textwrap.fill(
        parameter.help + default, WIDTH, initial_indent=f"  -{parameter.camel:16} ", subsequent_indent=" " * 20
    )


def _filled(text: str) -> str:
    return "\n\n".join(textwrap.fill(paragraph, WIDTH) for paragraph in text.split("\n\n")) if text else ""


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
