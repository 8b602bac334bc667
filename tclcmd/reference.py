"""Reference pages, made from the declarations.

python -m tclcmd.reference FOLDER           writes the pages
python -m tclcmd.reference --check FOLDER   exits with 1 if a page differs
"""

from __future__ import annotations

import functools
import pathlib
import re
import sys

import click

from tclcmd import commands as _  # noqa: F401  importing the modules makes the declarations
from tclcmd import reference_runs
from tclcmd.language.declare import NAMESPACE, REGISTRY, Command, Parameter, by_group
from tclcmd.language.errors import SITUATIONS
from tclcmd.language.help import syntaxes

NOTE = "<!-- Made from the declarations by `python -m tclcmd.reference`. Change tclcmd/commands, not this file. -->\n"

INDEX = "README.md"

#: The part of the reference that applies to the values of all commands.
VALUES = """\
## Values

What a value means depends on its text alone, never on how Tcl happens to store it: `1`, `{1}`, `[list 1]` and
`[expr 1]` are the same value, and `[list " 5 "]` is `{ 5 }` in braces.

* **Lists of numbers.** `torch::tensor_create` and every parameter that takes a tensor or lists of numbers (boxes,
  scores, classes, means, a grid) read a lone number as a list of one: `torch::tensor_create 1` has the shape 1, and
  `-scores 0.9` is the score of one box. Within a list, a word that is a number is a number, and anything else is a
  list, so `{{1} {2}}` has the shape 2. A parameter that is one number takes a list of one number for that number.
* **Boxes of several images** may be a list with a tensor or a list of rows for each image, and `{}` for an image
  without boxes. A list is read in this way if its first element is a tensor, an empty list, or a list of lists.
* **Device and gradients.** Commands that make tensors from numbers or shapes, such as `torch::zeros`, take `device` and
  `requires_grad` behind their other parameters, by position and by name: `torch::zeros {2 3} float32 cpu false`. So do
  `torch::tensor_to` and `torch::affine_grid`. A device may also stand before the dtype.
  `cpu` and `false` are the only valid values. Another device is an error, since this build computes on the CPU;
  `requires_grad true` is an error, since no command records gradients: the gradients of the operators are commands of
  their own, such as `torch::roi_align_backward`, and in Python PyTorch differentiates the operators of `pyroi.torch`.
* **Options.** A word that begins with a dash and a letter, and has no space in it, is an option. With a space it is a
  value, such as a list of labels.

## Text and files

Scripts, standard input and output, the words of the command line and names of files are UTF-8 under every locale. In
words of the command line and in names that the system has, a byte that is not valid UTF-8 is the character of the same
number, as with tclsh. A command of torch:: takes a name for the same file as Tcl's own `open`, `file` and `glob`: in
Tcl 8.6 a tilde in front is somebody's home, a relative name belongs to the working folder, and a script that changes
Tcl's `encoding system` changes the names of both. Text with a NUL character is refused wherever it would go to a file.

Messages quote the beginning of a value, so that they are short even if the value is long.
"""


@functools.cache
def pages() -> dict[str, str]:
    """File name -> text of every page."""
    made = {f"{command.name}.md": command_page(command) for command in REGISTRY.values() if command.has_page}
    for group, commands in by_group().items():
        members = [command for command in commands if not command.has_page]
        if members:
            made[_group_file(group)] = group_page(group, members)
    made[INDEX] = index_page()
    return made


def _group_file(group: str) -> str:
    return group.lower().replace(" ", "_") + ".md"


def file_of(command: Command) -> str:
    """The page of a command, with the anchor on it."""
    return f"{command.name}.md" if command.has_page else f"{_group_file(command.group)}#torch{command.name}"


def index_page() -> str:
    """All commands, by group."""
    lines = [NOTE, "# The commands\n"]
    for group, members in by_group().items():
        lines += [f"## {group}\n", "| command | |", "|---|---|"]
        lines += [f"| [`{command.full_name}`]({file_of(command)}) | {command.summary} |" for command in members]
        lines.append("")
    return "\n".join([*lines, VALUES, "## Errors\n", _error_table()]) + "\n"


def _error_table() -> str:
    """The errors of all commands, from the table of messages."""
    rows = [
        (situation.when, f"`{_first_words(situation.text)}`", f"`TORCH {code}` {situation.details}".strip())
        for code, situation in SITUATIONS.items()
    ]
    return "\n".join(["| situation | the message begins | errorCode |", "|---|---|---|", *map(_table_row, rows)])


def _first_words(text: str) -> str:
    """A message with the names of its facts in capitals."""
    fixed = re.split(r"\{(?:names|option|reason|rule)\}", text)[0].strip()
    return re.sub(r"\{(\w+)\}", lambda match: match.group(1).upper(), fixed)


def command_page(command: Command) -> str:
    """The page of one command."""
    return f"{NOTE}\n# {command.full_name}\n\n{_sections(command, '##')}"


def group_page(group: str, members: list[Command]) -> str:
    """The page of a group of small commands."""
    parts = [f"## {command.full_name}\n\n{_sections(command, '###')}" for command in members]
    return f"{NOTE}\n# {group}\n\n" + "\n".join(parts)


def _sections(command: Command, heading: str) -> str:
    sections = {
        "": command.summary + ("\n\n" + command.description if command.description else ""),
        "Syntax": _syntax(command),
        "Parameters": _parameter_table(command.parameters),
        "Result": command.returns,
        "Examples": "\n\n".join(_example(example) for example in command.examples),
        "Errors": _errors(command),
        "See also": ", ".join(_link(name) for name in command.see_also),
    }
    return (
        "\n\n".join(f"{heading} {title}\n\n{text}" if title else text for title, text in sections.items() if text)
        + "\n"
    )


def _example(example: str) -> str:
    """A script, and below it its output or result."""
    output = reference_runs.output(example)
    return f"```tcl\n{example.rstrip()}\n```" + (f"\n\n```text\n{output}\n```" if output else "")


def _errors(command: Command) -> str:
    """The messages for invalid values, those of all commands apart."""
    rows = [
        (f"`{failure.parameter}`", f"`{failure.value}`", failure.message, f"`{failure.code}`")
        for failure in reference_runs.failures(command)
    ]
    common = f"Those of [all commands]({INDEX}#errors)"
    if not rows:
        return f"{common}."
    return "\n".join(
        [
            f"{common}, and such as these, where the call of the first example has an invalid value:\n",
            "| parameter | value | message | errorCode |",
            "|---|---|---|---|",
            *map(_table_row, rows),
        ]
    )


def _link(name: str) -> str:
    return f"[`{NAMESPACE}::{name}`]({file_of(REGISTRY[name])})"


def _syntax(command: Command) -> str:
    others = [f"{NAMESPACE}::{name}" for name in command.names if name != command.name]
    also = f"\n\nAlso known as {', '.join(f'`{name}`' for name in others)}." if others else ""
    return "```text\n" + "\n".join(syntaxes(command)) + "\n```" + also


def _parameter_table(parameters: tuple[Parameter, ...]) -> str:
    if not parameters:
        return ""
    rows = [
        (f"`-{parameter.camel}`", f"`{parameter.kind.placeholder}`", _default(parameter), parameter.help)
        for parameter in parameters
    ]
    return "\n".join(["| parameter | type | default | |", "|---|---|---|---|", *map(_table_row, rows)])


def _table_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(parameter: Parameter) -> str:
    if parameter.is_required:
        return "required"
    return f"`{parameter.shown_default}`" if parameter.shown_default else "none"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a page differs.")
@click.argument("folder", type=click.Path(path_type=pathlib.Path))
def main(check: bool, folder: pathlib.Path) -> None:
    """Writes the reference pages of the commands into FOLDER."""
    differing = [name for name, text in pages().items() if _current(folder / name) != text]
    if check:
        sys.exit(f"out of date: {', '.join(differing)}" if differing else 0)
    folder.mkdir(parents=True, exist_ok=True)
    for name in differing:
        (folder / name).write_text(pages()[name], encoding="utf-8")


def _current(path: pathlib.Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    main()
