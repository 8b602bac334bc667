"""Quotations in messages, which are shortened so that messages have a bounded length, and numbers of bytes."""

from __future__ import annotations

#: The longest quotation in a message, in characters.
LONGEST_QUOTE = 60


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning, with an ellipsis."""
    return text if len(text) <= longest else f"{text[:longest]}..."


def quote(text: str) -> str:
    """A quotation for a message: shortened, in quotation marks."""
    return f'"{shortened(text, LONGEST_QUOTE)}"'


def bytes_text(count: int) -> str:
    """A number of bytes with a unit: ``1.5 GiB``."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} PiB"
