"""What pyroi raises.

Misuse raises the built-in ``TypeError``, ``ValueError`` or ``MemoryError`` that a NumPy user expects. The two argument
errors below are those built-ins with the argument's name and the broken rule kept apart, so that a caller (a command
shell, say) can word the message its own way.
"""

from __future__ import annotations

MOST_CHARACTERS = 600  # of a message, which may quote what came


def shortened(text: str) -> str:
    """A text of bounded length: the middle of a longer one is left out."""
    half = MOST_CHARACTERS // 2 - 3
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]} ... {text[-half:]}"


class Error(Exception):
    """A fault in pyroi itself: never the caller's doing."""


class Cancelled(Error):
    """A running operator was stopped from outside; its result is lost."""


class _ArgumentMixin(Exception):
    """Carries which argument broke which rule."""

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
