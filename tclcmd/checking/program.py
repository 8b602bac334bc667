"""``roish check``: reports the errors of scripts without running them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NoReturn

import click

from pyroi.install import how_to_add
from tclcmd.files import streams
from tclcmd.language.errors import reason_of

#: The exit status if a script has errors.
FOUND = 1


def main(words: list[str]) -> NoReturn:
    """The program ``roish check`` with these words."""
    streams.speak_utf8()
    sys.exit(_check.main(words, prog_name="roish check", standalone_mode=False))


@click.command(name="check", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scripts", nargs=-1, required=True, metavar="SCRIPT...", type=click.UNPROCESSED)
def _check(scripts: tuple[str, ...]) -> None:
    """Reports the errors of Tcl scripts that are certain without running them.

    A line for each: FILE:LINE:COLUMN: what is wrong. SCRIPT is a UTF-8 file, or - for standard input. A name that one
    SCRIPT may make is not unknown in another. The exit status is 1 if anything was reported, or if a file cannot be
    read.
    """
    try:
        lines = list(_report(scripts))
    except ModuleNotFoundError as error:
        if error.name != "tclint":
            raise
        sys.exit(f"roish: check needs tclint: {how_to_add('check')}")
    problem = streams.say("".join(f"{line}\n" for line in lines))
    streams.say_error(streams.complaint(problem))
    sys.exit(streams.status_of(problem) if problem else FOUND if lines else 0)


def _report(scripts: tuple[str, ...]) -> Iterator[str]:
    from tclcmd.checking.script import findings  # imported here, since help needs neither tclint nor Tcl

    texts = {}
    for name in scripts:
        try:
            texts[name] = _text_of(name)
        except OSError as error:
            yield f"{_shown(name)}: cannot be read: {reason_of(error)}"
        except UnicodeDecodeError as error:
            yield f"{_shown(name)}: cannot be read: byte {error.start} is no UTF-8"
    for name, text in texts.items():
        beside = "\n".join(other for each, other in texts.items() if each != name)
        for found in findings(text, beside):
            yield f"{_shown(name)}:{found.line}:{found.column}: {found.message}"


def _shown(name: str) -> str:
    return "stdin" if name == "-" else name


def _text_of(name: str) -> str:
    """The text of a script as Tcl reads it.

    A file ends at a Ctrl-Z, and a mark of its encoding is dropped; every end of a line is a newline.
    """
    if name == "-":
        raw = sys.stdin.buffer.read()
    else:
        with open(name, "rb") as file:
            raw = file.read().partition(b"\x1a")[0]
    text = raw.decode("utf-8" if name == "-" else "utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")
