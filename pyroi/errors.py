"""The exceptions of pyroi.

Misuse raises the built-in ``TypeError``, ``ValueError`` or ``MemoryError`` that a NumPy user expects. The two argument
errors below are those built-ins with the argument's name and the violated rule as attributes, so that a caller such as
a command shell can format its own message.
"""

from __future__ import annotations

MOST_CHARACTERS = 600  # of a message, which may quote the value


def shortened(text: str) -> str:
    """A text of bounded length; the middle of a longer one is omitted."""
    half = MOST_CHARACTERS // 2 - 3
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]} ... {text[-half:]}"


class Error(Exception):
    """An internal error of pyroi, which no argument should cause."""


class Cancelled(Error):
    """A running operator was cancelled; its result is incomplete."""


class _ArgumentMixin(Exception):
    """Holds the name of the argument and the rule it violates."""

    def __init__(self, argument: str, rule: str) -> None:
        rule = shortened(rule)
        super().__init__(f"{argument}: {rule}")
        self.argument = argument
        self.rule = rule

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.argument, self.rule)


class ArgumentError(_ArgumentMixin, ValueError):
    """An argument of the right type has a wrong value, shape or range."""


class ArgumentTypeError(_ArgumentMixin, TypeError):
    """An argument has a type that cannot be used."""
