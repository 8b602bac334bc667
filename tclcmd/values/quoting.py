"""How messages quote what came: shortened, so that no message is as long as what it is about."""

from __future__ import annotations

#: So many characters of what came are quoted in a message.
LONGEST_QUOTE = 60


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning, with an ellipsis."""
    return text if len(text) <= longest else f"{text[:longest]}..."


def quote(text: str) -> str:
    """Text that came, as messages quote it: shortened, in quotation marks."""
    return f'"{shortened(text, LONGEST_QUOTE)}"'
