"""The page of the C reference, made from the header: each comment, and the declaration that it stands above."""

from __future__ import annotations

import pathlib
import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

_SECTION = re.compile(r"/\* -+ (?P<name>[^-].*?) -+ \*/")
_COMMENT = re.compile(r"/\*(?P<text>.*?)\*/", re.DOTALL)
_TERM = re.compile(r"^([A-Z]\w+) {4,}(?=\S)", re.MULTILINE)
_ERROR = re.compile(r"    (?P<name>ROI_\w+) +(?P<when>\S.*)")
_INLINE = re.compile(r"^static inline (.*?)\n\{.*?^\}$", re.DOTALL | re.MULTILINE)
_HIDDEN = re.compile(r"^#.*?$|^extern \"C\" \{$|^\}$", re.MULTILINE)


def _text(comment: str) -> str:
    """A comment without its asterisks; what is indented in it stays so, and is shown as it is."""
    lines = [re.sub(r"^ \* ?", "", line.rstrip()) for line in comment.strip("\n").split("\n")]
    if all(line.startswith("   ") for line in lines[1:] if line):
        lines = [lines[0], *(line[3:] for line in lines[1:])]
    return "\n".join(lines).strip()


def _terms(paragraph: str) -> Iterator[str]:
    """A list of terms, each explained in a column beside it, as a list in Markdown."""
    head, *rest = _TERM.split(paragraph)
    if heading := head.strip("-\n "):
        yield f"### {heading}\n"
    for term, explanation in zip(rest[::2], rest[1::2], strict=True):
        yield f"* **{term}.** {_escaped(' '.join(explanation.split()))}"
    yield ""


def _escaped(text: str) -> str:
    """Text in which Markdown has no signs of its own, except for code between backquotes."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([<>*\[\]])", r"\\\1", part) for part in parts)


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs as Markdown: those that are set in columns keep them."""
    for paragraph in re.split(r"\n\s*\n", text):
        if _TERM.search(paragraph):
            yield from _terms(paragraph)
            continue
        errors = [_ERROR.fullmatch(line) for line in paragraph.split("\n")]
        if all(errors):
            yield "".join(f"* `{error['name']}`: {_escaped(error['when'])}\n" for error in errors if error)
            continue
        columns = any(line.startswith("    ") or re.search(r"\S  +\S", line) for line in paragraph.split("\n"))
        if columns:
            yield f"```text\n{paragraph.rstrip()}\n```\n"
        else:
            yield _escaped(paragraph) + "\n"


def _declarations(part: str) -> Iterator[tuple[str, str]]:
    """(Comment, declaration) in turn: a comment at the left margin belongs to what follows it, up to a blank line."""
    for block in re.split(r"\n\s*\n(?=\S)", part):
        block = _HIDDEN.sub("", _INLINE.sub(r"static inline \1;", block)).strip("\n")
        match = _COMMENT.match(block)
        if match and block.startswith("/*"):
            yield _text(match["text"]), block[match.end() :].strip()
        elif block.strip():
            yield "", block.strip()


_TABLE_ROW = re.compile(r"^\|[^|]*\|(?P<python>[^|]*)\|(?P<c>[^|]*`roi_\w+`[^|]*)\|$", re.MULTILINE)


def related(folder: pathlib.Path) -> dict[str, str]:
    """For each function of an operator, by the tables of the operators' pages: the page, and Python's functions."""
    pages: dict[str, tuple[str, list[str]]] = {}
    for path in sorted(folder.glob("*.md")):
        text = path.read_text("utf-8")
        link = f"[{text.partition(chr(10))[0].strip('# ')}](operators/{path.name})"
        for row in _TABLE_ROW.finditer(text):
            for name in re.findall(r"`(roi_\w+)`", row["c"]):
                found = pages.setdefault(name, (link, []))
                found[1].extend(f"`{python}`" for python in re.findall(r"`(pyroi\.\w+)`", row["python"]))
    return {name: ", ".join(dict.fromkeys([link, *python])) for name, (link, python) in pages.items()}


class Program(NamedTuple):
    """A program of examples/c: what it shows, its text without the comment at the top, and what it prints."""

    title: str
    text: str
    printed: str


def read_program(path: pathlib.Path) -> Program:
    """Reads a program that begins with a comment: its name and title, and indented what it prints."""
    match = _COMMENT.match(text := path.read_text("utf-8"))
    assert match, f"{path} begins with a comment"
    first, _, rest = _text(match["text"]).partition("\n")
    name, _, title = first.partition(" - ")
    assert name == path.name, f"{path} begins with its name"
    return Program(title, text[match.end() :].lstrip("\n"), textwrap.dedent(rest.strip("\n")) + "\n")


def programs(folder: pathlib.Path) -> dict[str, Program]:
    """All programs of a folder, by name."""
    return {path.stem: read_program(path) for path in sorted(folder.glob("*.c"))}


def _functions(text: str) -> list[str]:
    """The functions that a part of the header declares."""
    return re.findall(r"ROI_API [^;(]*?(roi_\w+)\(", text)


def _program_of(part: str, examples: dict[str, Program]) -> str | None:
    """The name of the program that calls every function of a section."""
    functions = _functions(part)
    for name, program in examples.items():
        if functions and all(re.search(rf"\b{function}\(", program.text) for function in functions):
            return name
    return None


def _shown(name: str, program: Program) -> Iterator[str]:
    """A program at the end of a section, with what it prints."""
    title = _escaped(program.title[0].upper() + program.title[1:])
    yield f"(example-{name})=\n### Example: {name}.c\n\n{title}.\n"
    yield f"```c\n{program.text}```\n\n```text\n{program.printed}```\n"


def example(start: str) -> str:
    """The program of docs/start.md, with what it prints."""
    match = re.search(r"```c\n.*?^```$", start, re.DOTALL | re.MULTILINE)
    assert match, "docs/start.md has a program"
    return f"## An example\n\n{match[0]}\n\n```text\n6 7 11 12\n```\n"


def page(
    header: str,
    see_also: dict[str, str] | None = None,
    program: str = "",
    examples: dict[str, Program] | None = None,
) -> str:
    """The header as a page in Markdown, with examples, and below the functions what they are related to."""
    first, *rest = _SECTION.split(header)
    lines = ["# C: roi.h", ""]
    opening = _COMMENT.match(first)
    assert opening, "the header begins with a comment"
    title, _, text = _text(opening["text"]).partition("\n")
    lines += [f"{title.split(' - ')[-1].capitalize()}.", "", *_paragraphs(text.strip())]
    lines += [program] if program else []
    for section, part in zip(rest[::2], rest[1::2], strict=True):
        lines += [f"## {section}", ""]
        name = _program_of(part, examples or {})
        for comment, declaration in _declarations(part):
            lines += _paragraphs(comment) if comment else []
            lines += [f"```c\n{declaration}\n```\n"] if declaration else []
            functions = _functions(declaration)
            links = dict.fromkeys((see_also or {})[function] for function in functions if function in (see_also or {}))
            if functions and name:
                links[f"[an example](#example-{name})"] = None
            lines += [f"See also: {'; '.join(links)}.\n"] if links else []
        if name:
            lines += _shown(name, (examples or {})[name])
    return "\n".join(lines)
