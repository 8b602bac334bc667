"""The display of results at the prompt: a line for each tensor; other values are shortened to fit the screen."""

from __future__ import annotations

from tclcmd.display import summary
from tclcmd.interpreter import Interpreter

#: The largest number of tensors shown of a list, and of characters of a line.
MOST_TENSORS = 20
LONGEST_LINE = 2000

#: The length above which a text is not parsed as a list, since this takes many times its memory.
LONGEST_LIST = 2**20


def shown(interpreter: Interpreter) -> str:
    """The result of the last evaluation, as the prompt shows it."""
    text = interpreter.result()
    numbers = interpreter.tensors_in_result() if len(text) <= LONGEST_LIST else []
    arrays = [interpreter.session.tensors.get(number) for number in numbers[:MOST_TENSORS]]
    alive = [array for array in arrays if array is not None]
    if not alive or len(alive) < len(arrays):
        return _shortened(text)
    lines = [f"tensor{number}: {summary.described(array)}" for number, array in zip(numbers, alive, strict=False)]
    if len(numbers) > MOST_TENSORS:
        lines.append(f"... and {len(numbers) - MOST_TENSORS} more")
    return "\n".join(lines)


def _shortened(text: str) -> str:
    return "\n".join(_shortened_line(line) for line in text.split("\n"))


def _shortened_line(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    return f"{line[:LONGEST_LINE]}... ({len(line)} characters; puts shows them all)"
