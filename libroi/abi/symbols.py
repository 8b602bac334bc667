"""Writes what the shared library exports, and in which version each function appeared, as a version script for linkers.

Usage: python symbols.py roi.h roi_flat.h OUTPUT

Functions marked ROI_API are exported and no others. What is newer than the first release has a comment that ends with
``Since MAJOR.MINOR.``: a function the one before it, a member of a struct the one after it. A function of roi_flat.h
is as new as its twin and as the members of its structs, since these are its arguments. Each version is a node of the
script and contains the nodes before it, so that a program that needs a later library is told so when it starts.

An OUTPUT that ends with .def is a module definition file for Windows, which has names without versions.
"""

from __future__ import annotations

import pathlib
import re
import sys

FIRST = (0, 1)
FUNCTION = re.compile(r"(?:/\*((?:(?!\*/).)*)\*/\n)?ROI_API [\w ]+[ *](\w+)\((.*?)\);", re.DOTALL)
STRUCT = re.compile(r"typedef struct (\w+) \{\n(.*?)\} \1;", re.DOTALL)
SINCE = re.compile(r"\bSince (\d+)\.(\d+)\.\s*(?:\*/|\Z)")

Version = tuple[int, int]


def since(text: str) -> Version:
    """The newest version that comments in a text end with, or the first."""
    return max([FIRST, *((int(major), int(minor)) for major, minor in SINCE.findall(text))])


def versions(roi: str, flat: str) -> dict[str, Version]:
    """Name -> version of the functions in two headers, given as text."""
    structs = {name: since(body) for name, body in STRUCT.findall(roi)}
    found, twins = {}, {}
    for comment, name, parameters in FUNCTION.findall(roi):
        found[name] = since(comment)
        twins[f"{name}_flat"] = max(
            [found[name], *(structs.get(word, FIRST) for word in re.findall(r"\w+", parameters))]
        )
    return found | {name: twins[name] for _, name, _ in FUNCTION.findall(flat)}


def script(roi: str, flat: str) -> str:
    """The version script of the functions in two headers, given as text."""
    known = versions(roi, flat)
    nodes, before = [], ""
    for version in sorted({FIRST, *known.values()}):
        names = sorted(name for name in known if known[name] == version)
        hidden = "" if before else "local:\n    *;\n"
        name = f"ROI_{version[0]}.{version[1]}"
        nodes.append(f"{name} {{\nglobal:\n" + "".join(f"    {one};\n" for one in names) + hidden + f"}}{before};\n")
        before = f" {name}"
    return "\n".join(nodes)


def definitions(roi: str, flat: str) -> str:
    """The module definition file of the functions in two headers, given as text."""
    return "EXPORTS\n" + "".join(f"    {name}\n" for name in sorted(versions(roi, flat)))


def main(roi: str, flat: str, output: str) -> None:
    """Writes the file."""
    texts = [pathlib.Path(header).read_text("utf-8") for header in (roi, flat)]
    write = definitions if output.endswith(".def") else script
    pathlib.Path(output).write_text(write(*texts), "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
