"""The direction of imports: the map in CONTRIBUTING.md is complete, and imports follow it."""

from __future__ import annotations

import ast
import collections
import graphlib
import pathlib
import re
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = ("pyroi", "tclcmd")
C_FOLDERS = (ROOT / "libroi", ROOT / "tclcmd" / "host")

#: Compiled modules -> the place in the map where their source is.
COMPILED = {"tclcmd._host8": "tclcmd/host/", "tclcmd._host9": "tclcmd/host/"}

# ---- The map ---------------------------------------------------------------------------------------------------------

ENTRY = re.compile(r"^ {4}((?:  ){0,4})(\S+(?:, \S+)*)(?: {2,}\S.*)?$", re.MULTILINE)


def entries() -> list[str]:
    """The paths in the map, from the root, in the order of the map; those of folders end with a slash."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Map of the sources\n\n")[2]
    block = text.partition("\n\n")[0]
    found: list[str] = []
    around: list[str] = []
    for spaces, names in ENTRY.findall(block):
        depth = len(spaces) // 2
        for name in names.split(", "):
            found.append("".join(around[:depth]) + name)
        around[depth:] = [names]
    return found


def modules(package: str) -> list[pathlib.Path]:
    """The Python modules of a package, except those that every package has."""
    paths = (ROOT / package).rglob("*.py")
    return sorted(path for path in paths if path.name not in ("__init__.py", "__main__.py"))


def test_the_map_names_each_module_once():
    """And none that is gone."""
    named = collections.Counter(entry for entry in entries() if entry.endswith(".py"))
    there = {str(path.relative_to(ROOT)) for package in PACKAGES for path in modules(package)}
    assert set(named) == there
    assert [entry for entry, count in named.items() if count > 1] == []


def test_the_map_names_each_folder_of_the_sources_once():
    """And each folder at the root, of others than sources too."""
    files = [path for path in ROOT.glob("[!.]*/**/*") if path.suffix in (".c", ".h", ".py", ".md", ".tcl")]
    files = [path.relative_to(ROOT) for path in files if path.relative_to(ROOT).parts[0] != "build"]
    there = {f"{path.parts[0]}/" for path in files}
    there |= {f"{path.parent}/" for path in files if path.parts[0] in ("libroi", *PACKAGES)} - {"libroi/include/"}
    named = [entry for entry in entries() if entry.endswith("/")]
    assert sorted(named) == sorted(there)


def test_the_map_and_the_tables_name_c_files_that_are_there():
    """The host's in the map, each once, and libroi's in the tables below it."""
    host = [entry for entry in entries() if entry.startswith("tclcmd/host/") and not entry.endswith("/")]
    assert sorted(host) == sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tclcmd" / "host").iterdir())
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    there = {path.name for folder in C_FOLDERS for path in folder.rglob("*.[ch]")}
    assert set(re.findall(r"`(\w+\.[ch])`", text)) - there == set()


# ---- Imports of Python -----------------------------------------------------------------------------------------------


def names(package: str) -> dict[str, pathlib.Path]:
    """Name -> file of all modules of a package, as they are imported; and of its subpackages."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = {name: path for package in PACKAGES for name, path in names(package).items()}


def imported(source: str) -> Iterator[str]:
    """The names of the modules that a source imports, be it within a function or for types alone."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in MODULES or whole in COMPILED else str(node.module)


GRAPH = {name: set(imported(path.read_text("utf-8"))) for name, path in MODULES.items()}


def test_imports_count_wherever_they_stand():
    """At the top, in a function, of a module or of a name in it."""
    source = "import pyroi.native as n\ndef f():\n    from pyroi import arrays\n    from pyroi.errors import Error\n"
    assert set(imported(source)) == {"pyroi.native", "pyroi.arrays", "pyroi.errors"}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle in a graph, if there is one."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("package", ["pyroi", "pyroi.torch", "tclcmd"])
def test_no_modules_import_each_other(package):
    """Not by a chain of others either."""
    inside = {name for name in GRAPH if name.partition(".")[0] == package or name.startswith(f"{package}.")}
    assert len(inside) > 5
    assert circle({name: GRAPH[name] & inside for name in inside}) == []


def test_a_circle_is_found():
    """Of three, of which none knows its neighbour in both directions."""
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


def rank(module: str, order: list[str]) -> int:
    """Where in the map a module of tclcmd stands; a package and its program stand last there."""
    if module in COMPILED:
        return order.index(COMPILED[module])
    path = MODULES[module].relative_to(ROOT)
    if path.name not in ("__init__.py", "__main__.py"):
        return order.index(str(path))
    return max(number for number, entry in enumerate(order) if entry.startswith(f"{path.parent}/"))


def test_imports_point_up_the_map():
    """In tclcmd: what stands lower in the map knows what stands higher, never the reverse, within a folder as well."""
    order = [entry for entry in entries() if entry.startswith("tclcmd/")]
    ours = {name: GRAPH[name] for name in GRAPH if name.startswith("tclcmd.")}
    pairs = [(name, other) for name, others in ours.items() for other in others if other.startswith("tclcmd.")]
    assert len(pairs) > 100
    assert [pair for pair in pairs if rank(pair[1], order) > rank(pair[0], order)] == []


def test_pyroi_knows_nothing_of_tclcmd():
    """The arrow between the two packages points down."""
    ours = {name: others for name, others in GRAPH.items() if name.partition(".")[0] == "pyroi"}
    assert [name for name, others in ours.items() if any(other.startswith("tclcmd") for other in others)] == []


PAGES = sorted(page for page in (ROOT / "docs" / "operators").glob("*.md") if page.stem != "README")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_operators_has_a_module_of_commands(page):
    """Of the same name, whose commands the page names."""
    source = (ROOT / "tclcmd" / "commands" / f"{page.stem}.py").read_text("utf-8")
    declared = re.findall(r"^(?:\)\(pyroi\.|def )([a-z]\w*)(?:\)$|\()", source, re.MULTILINE)
    text = page.read_text("utf-8")
    assert declared
    assert [name for name in declared if not re.search(rf"\b{name}\b", text)] == []


GROUPS = sorted(
    page for page in (ROOT / "docs" / "commands").glob("*.md") if "\n# torch::" not in page.read_text("utf-8")
)


@pytest.mark.parametrize("page", [page for page in GROUPS if page.stem != "README"], ids=lambda page: page.stem)
def test_a_page_of_a_group_has_a_module_of_commands(page):
    """Of the same name, where the commands of the page are functions, or rows that begin with their names."""
    source = (ROOT / "tclcmd" / "commands" / f"{page.stem}.py").read_text("utf-8")
    declared = re.findall(r"^## torch::(\w+)$", page.read_text("utf-8"), re.MULTILINE)
    assert declared
    assert [
        name for name in declared if not re.search(rf'^(?:def {name}_?\(|_\w+\(\s*"{name}")', source, re.MULTILINE)
    ] == []


# ---- Headers of C ----------------------------------------------------------------------------------------------------

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def headers() -> dict[str, set[str]]:
    """Header -> those that it includes, as paths from the root."""
    paths = [path for folder in C_FOLDERS for path in folder.rglob("*.h")]
    graph = {}
    for path in paths:
        found = set()
        for name in INCLUDE.findall(path.read_text("utf-8")):
            near = [other for other in paths if str(other).endswith(f"/{name}") and other.parent == path.parent]
            ends = near or [other for other in paths if str(other).endswith(f"/{name}")]
            assert len(ends) == 1, f"{path} includes {name}, which is {len(ends)} files"
            found.add(str(ends[0].relative_to(ROOT)))
        graph[str(path.relative_to(ROOT))] = found
    return graph


def test_no_headers_include_each_other():
    """Neither the library's nor the host's."""
    graph = headers()
    assert sum(map(len, graph.values())) > 10
    assert circle(graph) == []
