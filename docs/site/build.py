"""Builds the site: `python docs/site/build.py FOLDER`.

Pages are those of docs/, and those made from the docstrings and the header. They are put together in a folder of their
own, where links out of docs/ lead to the pages that stand for the files. A warning is an error.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import sys

import c_page
import python_pages
from sphinx.cmd.build import build_main

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

#: Files that have a page although they are not in docs/: file, and the page.
COPIED = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "benchmarks/README.md": "benchmarks.md"}
#: Files that another page stands for.
STANDS_FOR = {"README.md": "index.md", "libroi/include/roi.h": "c.md", **COPIED}

#: Indexes of folders, whose pages Sphinx has to be told of.
INDEXES = ("commands/README.md", "operators/README.md")
LIST_OF_PAGES = "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def relinked(page: pathlib.Path, home: pathlib.Path) -> str:
    """A page whose links to files outside of docs/ lead to the pages that stand for them; of others the text remains.

    Args:
        page: The file it was written in: there links are relative to it.
        home: Where the page lies as if it were in docs/.
    """

    def link(match: re.Match[str]) -> str:
        if "://" in match["target"]:
            return match[0]
        file = (page.parent / match["target"]).resolve()
        goal = DOCS / STANDS_FOR.get(file.relative_to(ROOT).as_posix(), file)
        if not goal.is_relative_to(DOCS):
            return match["text"]
        return f"{match['image']}[{match['text']}]({os.path.relpath(goal, home.parent)}{match['anchor'] or ''})"

    return _LINK.sub(link, page.read_text("utf-8"))


def gather(folder: pathlib.Path) -> None:
    """Writes all pages into a folder that does not exist yet."""
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("site", "*.py", "*.md", "__pycache__"))
    homes = {page: page for page in DOCS.rglob("*.md")} | {ROOT / file: DOCS / page for file, page in COPIED.items()}
    for page, home in homes.items():
        copy = folder / home.relative_to(DOCS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(relinked(page, home), "utf-8")
    for index in INDEXES:
        with (folder / index).open("a", encoding="utf-8") as file:
            file.write(LIST_OF_PAGES)
    # Which the front page takes parts from.
    (folder.parent / "README.md").write_text(relinked(ROOT / "README.md", DOCS / "index.md"), "utf-8")
    header = (ROOT / "libroi/include/roi.h").read_text("utf-8")
    program = c_page.example((DOCS / "start.md").read_text("utf-8"))
    page = c_page.page(header, c_page.related(DOCS / "operators"), program, c_page.programs(ROOT / "examples" / "c"))
    (folder / "c.md").write_text(page, "utf-8")
    (folder / "python").mkdir()
    for name, text in python_pages.pages(python_pages.Sources(ROOT)):
        (folder / "python" / name).write_text(text, "utf-8")


def main() -> int:
    """Gathers the pages and has Sphinx make a site of them; gives its exit status."""
    target = pathlib.Path(sys.argv[1])
    source = target / "source"
    shutil.rmtree(source, ignore_errors=True)
    gather(source)
    quiet = ["-q", "-W", "--keep-going", "-b", "html", "-c", str(DOCS / "site")]
    return build_main([*quiet, "-d", str(target / "doctrees"), str(source), str(target / "html")])


if __name__ == "__main__":
    sys.exit(main())
