"""Which names a misspelt one may have been meant for.

Nearness is counted in single mistakes of typing: a letter too many, one too few, a wrong one, two that changed places.
How many are forgiven depends on the length, since of two short words almost any is a few letters from the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Nobody is told more than so many names.
MOST = 3

#: Longer words are nobody's slip, and comparing them takes long.
LONGEST = 40

#: So many letters begin a name.
SHORTEST_BEGINNING = 3


def plain(name: str) -> str:
    """A name without what its spellings differ in."""
    return re.sub(r"[_\-:]", "", name).lower()


def forgiven(length: int) -> int:
    """How many mistakes a word of so many letters may have."""
    return (length >= 2) + (length >= 6) + (length >= 10)


def distance(one: str, other: str) -> int:
    """The least number of mistakes that lead from one word to the other (optimal string alignment)."""
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
    """Those of the plain words that are nearest to a plain word, if no more mistakes apart than are forgiven."""
    if len(word) > LONGEST:
        return []
    counted = ((distance(word, name), name) for name in known)
    fitting = [(count, name) for count, name in counted if count <= forgiven(max(len(name), len(word)))]
    least = min(fitting, default=(0, ""))[0]
    return [name for count, name in fitting if count == least]


def beginning_with(word: str, known: Iterable[str]) -> list[str]:
    """The shortest of the plain words that begin with one."""
    if len(word) < SHORTEST_BEGINNING:
        return []
    return sorted((name for name in known if name.startswith(word)), key=len)[:MOST]


def one_of(names: list[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
