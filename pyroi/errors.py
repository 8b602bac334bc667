"""What pyroi raises.

Misuse raises the built-in ``TypeError``, ``ValueError`` or ``MemoryError`` that a NumPy user expects. The two argument
errors below are those built-ins with the argument's name and the broken rule kept apart, so that a caller (a command
shell, say) can word the message its own way.
"""

from __future__ import annotations


class Error(Exception):
    """A fault in pyroi itself: never the caller's doing."""


class Cancelled(Error):
    """A running operator was stopped from outside; its result is lost."""


class _ArgumentMixin(Exception):
    """Carries which argument broke which rule."""

    def __init__(self, argument: str, rule: str) -> None:
        super().__init__(f"{argument}: {rule}")
        self.argument = argument
        self.rule = rule

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.argument, self.rule)


class ArgumentError(_ArgumentMixin, ValueError):
    """An argument of the right type has a wrong value, shape or range."""


class ArgumentTypeError(_ArgumentMixin, TypeError):
    """An argument has a type that cannot be used."""
