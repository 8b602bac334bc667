"""Texts as words of a Tcl script."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r'[\s\\{}\[\]$";#]')


def word(text: str) -> str:
    """A word that Tcl reads as the text: each character that has a meaning in a script gets a backslash."""
    return _SPECIAL.sub(_escaped, text) or "{}"


def _escaped(found: re.Match[str]) -> str:
    return "\\n" if found.group() == "\n" else f"\\{found.group()}"
