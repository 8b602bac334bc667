"""Usage lines and help, made from the declarations."""

from __future__ import annotations

import shutil
import textwrap

from tclcmd.language.declare import NAMESPACE, REGISTRY, Command, Form, Parameter, by_group
from tclcmd.values.quoting import quote

#: The width of lines where there is no terminal, and of the widest line in a terminal: longer ones are hard to read.
WIDTH = 100

#: The narrowest column of text, in a terminal however narrow.
NARROWEST = 40

#: Where the second column begins in lists of commands.
COLUMN = 33


def usage(command: Command) -> str:
    """The usage lines of a command, in both syntaxes."""
    return "Usage: " + "\n   or: ".join(syntaxes(command))


def syntaxes(command: Command) -> list[str]:
    """All usage lines: first with options, then with positional parameters."""
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
    # In a positional order, a parameter before the last required one must be given too.
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
        lines += [f"{group}:", *map(_summary_line, members), ""]
    end = f"{NAMESPACE}::help NAME explains one of them, {NAMESPACE}::help -search WORDS finds some by their text."
    return "\n".join([*lines, _wrapped(end)])


def _summary_line(command: Command) -> str:
    return _wrapped(command.summary, f"  {command.full_name:{COLUMN - 3}} ", " " * COLUMN)


def _wrapped(text: str, first: str = "", others: str = "") -> str:
    """A text in lines as wide as the terminal, without breaking a word; `first` and `others` begin the lines."""
    columns = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH)
    return textwrap.fill(
        text, max(columns, len(others) + NARROWEST), initial_indent=first, subsequent_indent=others,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def search(words: str) -> str:
    """The commands with all these words in help or parameters, one line each; first those with them in their names."""
    found = hits(words)
    return "\n".join(map(_summary_line, found)) if found else f"No command has {quote(words)} in its help."


def hits(words: str) -> list[Command]:
    """What a search finds."""
    wanted = list(dict.fromkeys(words.lower().split()))
    found = [row for row in REGISTRY.values() if all(word in _searched(row) for word in wanted)]
    return sorted(found, key=lambda row: not any(word in row.name for word in wanted))


def _searched(row: Command) -> str:
    parameters = [text for parameter in row.parameters for text in (parameter.camel, parameter.help)]
    texts = [*row.names, row.summary, row.description, *parameters]
    return "\n".join(texts).lower()


def help_text(command: Command) -> str:
    """The declaration of a command as text for a terminal."""
    blocks = [_wrapped(f"{command.full_name} - {command.summary}"), _usage_lines(command), parameter_lines(command)]
    blocks += [_wrapped(f"Result: {command.returns}"), _filled(command.description)]
    blocks += ["Example:\n" + textwrap.indent(example, "    ") for example in command.examples[:1]]
    if command.see_also:
        blocks.append(_wrapped("See also: " + ", ".join(f"{NAMESPACE}::{name}" for name in command.see_also)))
    return "\n\n".join(block for block in blocks if block)


def parameter_lines(command: Command) -> str:
    """One paragraph for each parameter."""
    return "\n".join(_parameter_line(parameter) for parameter in command.parameters)


def _parameter_line(parameter: Parameter) -> str:
    default = f" Default: {parameter.shown_default}." if parameter.shown_default else ""
    return _wrapped(parameter.help + default, f"  -{parameter.camel:16} ", " " * 20)


def _usage_lines(command: Command) -> str:
    begins = ["Usage: ", *["   or: "] * len(syntaxes(command))]
    return "\n".join(_wrapped(text, begin, " " * 12) for begin, text in zip(begins, syntaxes(command), strict=False))


def _filled(text: str) -> str:
    return "\n\n".join(_wrapped(paragraph) for paragraph in text.split("\n\n")) if text else ""
