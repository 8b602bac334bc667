"""The scripts of the project: of its docs, its examples and its tests, all of which run to their ends."""

from __future__ import annotations

import ast
import pathlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
TCL_BLOCK = re.compile(r"^```tcl\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Script:
    """A script, and where it stands."""

    place: str
    text: str


def of_docs() -> list[Script]:
    """The blocks of README and docs."""
    pages = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
    return [
        Script(f"{page.relative_to(ROOT)}-{number}", text)
        for page in pages
        for number, text in enumerate(TCL_BLOCK.findall(page.read_text("utf-8")))
    ]


def in_files() -> list[Script]:
    """The scripts that are files."""
    paths = sorted([*(ROOT / "examples").rglob("*.tcl"), *(ROOT / "tests").rglob("*.tcl")])
    return [Script(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in paths]


def of_tests() -> list[Script]:
    """The literal scripts that tests of the command language run by ``tcl(...)``, which fails where a script fails.

    Those of a test are one script, except for tests of which a part is computed.
    """
    made = []
    for path in sorted((ROOT / "tests" / "tclcmd").glob("test_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and _only_gets_tcl(node):
                pieces = list(_pieces(node))
                if pieces and None not in pieces:
                    made.append(Script(f"{path.name}::{node.name}", "\n".join(map(str, pieces)) + "\n"))
    return made


def _only_gets_tcl(function: ast.FunctionDef) -> bool:
    return [argument.arg for argument in function.args.args] == ["tcl"]


def _pieces(function: ast.FunctionDef) -> Iterator[str | None]:
    """The scripts of a test in their order; None for one that is computed, or that is to fail."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = ast.unparse(node.func)
        if name in ("tcl", "tcl.run", "tcl.floats"):
            word = node.args[0]
            yield word.value if isinstance(word, ast.Constant) else None
        elif "tcl" in name or "interpreter" in name or name.endswith("set_global"):
            yield None
