"""Quotations in messages, which are shortened so that messages have a bounded length."""

from __future__ import annotations

#: The longest quotation in a message, in characters.
LONGEST_QUOTE = 60


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning, with an ellipsis."""
    return text if len(text) <= longest else f"{text[:longest]}..."


def quote(text: str) -> str:
    """A quotation for a message: shortened, in quotation marks."""
    return f'"{shortened(text, LONGEST_QUOTE)}"'
