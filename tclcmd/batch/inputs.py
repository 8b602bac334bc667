"""The inputs of a run, and the names of their outputs."""

from __future__ import annotations

import glob
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator

import click

from tclcmd.batch.outcome import Task

#: The word for a list on standard input.
STDIN = "-"


def listed(words: Iterable[str], lists: Iterable[str] = ()) -> list[str]:
    """The absolute paths of the inputs, each once, in the order in which they are named first.

    A word is a path, a pattern (``*``, ``?``, ``[]``, ``**``) if there is no file of that name, or ``-``. `lists` are
    files with one path per line.
    """
    named = [path for word in words for path in _of_word(word)]
    named += [path for file in lists for path in _of_list(file)]
    if not named:
        raise click.UsageError("there are no inputs")
    return list(dict.fromkeys(os.path.abspath(path) for path in named))


def _of_word(word: str) -> Iterable[str]:
    if word == STDIN:
        return _of_list(STDIN)
    if os.path.lexists(word) or not glob.has_magic(word):
        return [word]
    found = sorted(glob.iglob(word, recursive=True))
    if not found:
        raise click.UsageError(f"no file matches {word}")
    return [path for path in found if not os.path.isdir(path)]


def _of_list(path: str) -> Iterator[str]:
    try:
        # The descriptor, not sys.stdin, whose encoding depends on the locale.
        with open(sys.stdin.fileno() if path == STDIN else path, "rb", closefd=path != STDIN) as file:
            lines = file.read().split(b"\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise click.UsageError(f"cannot read the list of inputs {path}: {reason.lower()}") from None
    return (os.fsdecode(line.removesuffix(b"\r")) for line in lines if line.strip())


def tasks(paths: list[str], suffix: str | None, base: str | None, *, has_output: bool) -> list[Task]:
    """A task for each input, with the name of its output: no two may be written to the same file.

    The name is that of the input, with `suffix` in place of its own. The folders of the input below `base` are kept.
    """
    if not has_output:
        return [Task(index, path) for index, path in enumerate(paths)]
    owners: dict[str, str] = {}
    found = []
    for index, path in enumerate(paths):
        name = _output_name(path, suffix, base)
        if name in owners:
            raise click.UsageError(
                f"{owners[name]} and {path} would have the same output, {name}: name the folder that contains both by "
                "--base, and the folders below it are kept"
            )
        owners[name] = path
        found.append(Task(index, path, name))
    return found


def _output_name(path: str, suffix: str | None, base: str | None) -> str:
    name = os.path.basename(path)
    if base is not None:
        name = os.path.relpath(path, os.path.abspath(base))
        if name.split(os.sep)[0] == os.pardir:
            raise click.UsageError(f"{path} is not below {base}, which --base names")
    return name if suffix is None else os.path.splitext(name)[0] + suffix


def signature(path: str) -> tuple[int, int]:
    """The size and the time of the last change, in nanoseconds. Raises OSError if there is no such file."""
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def digest(path: str) -> str:
    """The SHA-256 of a file's content. Raises OSError."""
    state = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.hexdigest()
