"""The site's pages that are made from sources have an entry for every public name."""

from __future__ import annotations

import ast
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import pyroi

pytest.importorskip("sphinx", reason="Sphinx is not installed: make docs")

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADER = (ROOT / "libroi" / "include" / "roi.h").read_text("utf-8")


@pytest.fixture
def site(monkeypatch):
    """The modules that make the pages."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "docs" / "site"), *sys.path])
    import c_page
    import python_pages

    import build

    yield {"build": build, "c": c_page, "python": python_pages}
    for module in ("build", "c_page", "python_pages", "python_errors"):
        sys.modules.pop(module, None)


def test_python(site):
    """Every name of pyroi that is no constant has a page with its signature."""
    pages = dict(site["python"].pages(site["python"].Sources(ROOT)))
    for name in set(pyroi.__all__) - {"__version__"}:
        assert re.search(rf"\.\. py:(function|class):: pyroi\.{name}\b", pages[f"pyroi.{name}.rst"])
    assert ":param boxes:" in pages["pyroi.roi_align.rst"]
    assert ".. py:function:: pyroi.torch.roi_align(" in pages["pyroi.torch.rst"]


@pytest.mark.parametrize("module", ["pyroi.autograd", "pyroi.jax", "pyroi.numba", "pyroi.onnxruntime", "pyroi.torch"])
def test_python_modules(site, module):
    """The page of a module has an entry with an example for every function and class that it exports."""
    sources = site["python"].Sources(ROOT)
    exported = next(
        ast.literal_eval(node.value)
        for node in sources.module(module).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    text = dict(site["python"].pages(sources))[f"{module}.rst"]
    entries = re.split(rf"^\.\. py:(?:function|class):: {re.escape(module)}\.", text, flags=re.MULTILINE)[1:]
    assert [re.match(r"\w+", entry)[0] for entry in entries] == sorted(set(exported) - {"TARGETS"})
    assert all(">>> " in entry for entry in entries)


def test_python_errors(site):
    """Every operator's page has messages that it answers with, each for the argument that is wrong."""
    pages = dict(site["python"].pages(site["python"].Sources(ROOT)))
    operators = [name for name in sorted(pyroi.__all__) if name in site["python"].python_errors.GOOD]
    assert len(operators) > 30
    for name in operators:
        messages = re.findall(
            r"^   \* - ``(\w+)=.*``\n     - ``(\w+): (\w+): ", pages[f"pyroi.{name}.rst"], re.MULTILINE
        )
        assert messages, name
        for argument, error, named in messages:
            assert error in ("TypeError", "ValueError") and argument == named


def test_python_related(site):
    """Every operator's page leads to the page with its formula, and to its command."""
    pages = dict(site["python"].pages(site["python"].Sources(ROOT)))
    for name in site["python"].python_errors.GOOD:
        assert "</operators/" in pages[f"pyroi.{name}.rst"], name
    assert ":doc:`torch::nms </commands/nms>`" in pages["pyroi.nms.rst"]
    assert ".. code-block:: python" in pages["pyroi.batch.rst"]


def test_version(site, monkeypatch):
    """The site is of the version that is installed."""
    monkeypatch.delitem(sys.modules, "conf", raising=False)
    import conf

    assert conf.release == pyroi.__version__ and pyroi.__version__ in conf.html_title


def test_c(site):
    """Every function, struct and constant of roi.h is on the page, and comments became text."""
    page = site["c"].page(HEADER)
    fenced = "\n".join(re.findall(r"```c\n(.*?)```", page, re.DOTALL))
    for name in re.findall(r"^ROI_API .*?(roi_\w+)\(", HEADER, re.MULTILINE):
        assert f"{name}(" in fenced
    for name in re.findall(r"^\} (roi_\w+);", HEADER, re.MULTILINE):
        assert f"}} {name};" in fenced
    assert re.search(r"^Pools each box from `input`", page, re.MULTILINE)
    assert "`batch_index[k]`" in page and "\\[0, N)" in page  # code stays as it is, and text is escaped
    assert "\n* `ROI_ERROR_LEVELS`: num_levels is below 1\n" in page


def test_c_examples(site):
    """Every function of roi.h is called by the program at the end of its section, to which its entry leads."""
    programs = site["c"].programs(ROOT / "examples" / "c")
    parts = re.split(r"^## (.*)$", site["c"].page(HEADER, examples=programs), flags=re.MULTILINE)
    found, shown = [], []
    for text in parts[2::2]:
        functions = re.findall(r"ROI_API [^;(]*?(roi_\w+)\(", text)
        names = re.findall(r"^\(example-(\w+)\)=\n### Example: \1\.c$", text, re.MULTILINE)
        assert len(names) == bool(functions), functions
        for function in functions:
            assert re.search(rf"\b{function}\(", programs[names[0]].text), function
            below = rf"ROI_API [^;(]*{function}\([^`]*```\n\nSee also: \[an example\]\(#example-{names[0]}\)"
            assert re.search(below, text), function
        found, shown = found + functions, shown + names
    assert found == re.findall(r"ROI_API [^;(]*?(roi_\w+)\(", HEADER)
    assert sorted(shown) == sorted(programs)


def test_c_related(site, tmp_path):
    """Each operator of roi.h leads to its page; and the example prints what the page shows."""
    related = site["c"].related(ROOT / "docs" / "operators")
    functions = set(re.findall(r"ROI_API roi_status (roi_\w+)\(", HEADER))
    assert functions <= set(related)
    text = site["c"].page(HEADER, related)
    for name in functions:
        below = text[text.index(f" {name}(") :]
        assert re.match(r"[^`]*```\n\nSee also: \[[^]]*\]\(operators/\w+\.md\)", below), name
    compiler = shutil.which("cc") or pytest.skip("cc is not installed")
    program, printed = re.findall(
        r"```(?:c|text)\n(.*?)```", site["c"].example((ROOT / "docs/start.md").read_text()), re.S
    )
    (tmp_path / "a.c").write_text(program)
    flags = subprocess.run([sys.executable, "-I", "-m", "pyroi", "--cflags", "--libs"], capture_output=True, text=True)
    subprocess.run([compiler, "a.c", *flags.stdout.split()], cwd=tmp_path, check=True)
    assert subprocess.run(["./a.out"], cwd=tmp_path, capture_output=True, text=True).stdout == printed


@pytest.mark.parametrize(
    ("page", "home", "given", "expected"),
    [
        ("README.md", "docs/index.md", "[a](docs/numerics.md#x)", "[a](numerics.md#x)"),
        ("docs/operators/a.md", "docs/operators/a.md", "[a](../../README.md#how)", "[a](../index.md#how)"),
        ("docs/operators/a.md", "docs/operators/a.md", "[a](../images/a.png)", "[a](../images/a.png)"),
        ("docs/a.md", "docs/a.md", "[header](../libroi/include/roi.h)", "[header](c.md)"),
        ("docs/a.md", "docs/a.md", "[a file](../examples/crop.c)", "a file"),
        ("docs/a.md", "docs/a.md", "![picture](images/a.png)", "![picture](images/a.png)"),
        ("docs/a.md", "docs/a.md", "[far](https://example.org/a)", "[far](https://example.org/a)"),
    ],
)
def test_links(site, monkeypatch, tmp_path, page, home, given, expected):
    """Links lead to where a page's text has gone; of a link to a file without a page its text is left."""
    monkeypatch.setattr(site["build"], "ROOT", tmp_path)
    monkeypatch.setattr(site["build"], "DOCS", tmp_path / "docs")
    (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / page).write_text(given, "utf-8")
    assert site["build"].relinked(tmp_path / page, tmp_path / home) == expected
