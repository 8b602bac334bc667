"""Suggestions for misspelt names.

The distance of two names is the number of edits: insertions, deletions, substitutions, and transpositions of two
letters. The largest accepted distance depends on the length, since the distance of two short words is always small.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: The largest number of suggestions.
MOST = 3

#: The length above which words are not compared, since this would take long.
LONGEST = 40

#: The length of a prefix that finds a name.
SHORTEST_BEGINNING = 3


def plain(name: str) -> str:
    """The normal form of a name, which is the same for all its spellings."""
    return re.sub(r"[_\-:]", "", name).lower()


def forgiven(length: int) -> int:
    """The largest accepted distance for a word of this length."""
    return (length >= 2) + (length >= 6) + (length >= 10)


def distance(one: str, other: str) -> int:
    """The optimal string alignment distance of two words."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], wanted):
                least = min(least, earlier[j - 2] + 1)
            row.append(least)
    return row[-1]


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The normal forms nearest to another, if their distance is accepted."""
    if len(word) > LONGEST:
        return []
    counted = ((distance(word, name), name) for name in known)
    fitting = [(count, name) for count, name in counted if count <= forgiven(max(len(name), len(word)))]
    least = min(fitting, default=(0, ""))[0]
    return [name for count, name in fitting if count == least]


def beginning_with(word: str, known: Iterable[str]) -> list[str]:
    """The shortest of the normal forms that begin with another."""
    if len(word) < SHORTEST_BEGINNING:
        return []
    return sorted((name for name in known if name.startswith(word)), key=len)[:MOST]


def one_of(names: list[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
