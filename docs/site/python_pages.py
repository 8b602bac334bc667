"""The pages of the Python reference, made from the sources: signatures and docstrings, and messages of errors.

No module is imported for its page, so that `pyroi.torch` or `pyroi.jax` have theirs where PyTorch or JAX is not
installed.
Only the functions of `pyroi` itself are called, for the messages.
"""

from __future__ import annotations

import ast
import pathlib
import re
import textwrap
from collections.abc import Iterator

import python_errors
from sphinx.ext.napoleon import Config, GoogleDocstring

NAPOLEON = Config(
    napoleon_custom_sections=[("Source", "notes_style"), ("Sources", "notes_style")], napoleon_use_rtype=False
)

#: The modules with a page, in the order of the index. The first has a page for each name besides.
MODULES = (
    "pyroi",
    "pyroi.batch",
    "pyroi.box_files",
    "pyroi.torch",
    "pyroi.autograd",
    "pyroi.onnxruntime",
    "pyroi.jax",
    "pyroi.numba",
)

Definition = ast.FunctionDef | ast.ClassDef


class Sources:
    """The modules under a folder, parsed when they are first asked for."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._parsed: dict[str, ast.Module] = {}

    def module(self, name: str) -> ast.Module:
        """The syntax tree of a module or of a package's ``__init__``."""
        if name not in self._parsed:
            path = self.folder / name.replace(".", "/")
            file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            self._parsed[name] = ast.parse(file.read_text("utf-8"))
        return self._parsed[name]

    def public(self, name: str) -> list[str]:
        """What ``__all__`` of a module lists, in alphabetical order, constants left out."""
        for node in self.module(name).body:
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets):
                listed = ast.literal_eval(node.value)
                return sorted(entry for entry in listed if self.definition(name, entry))
        raise ValueError(f"{name} has no __all__")

    def definition(self, module: str, name: str) -> Definition | None:
        """The function or class of a name, found where it was imported from; None for what is neither."""
        for node in self.module(module).body:
            if isinstance(node, Definition) and node.name == name and not _is_overload(node):
                return node
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pyroi"):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return self.definition(str(node.module), alias.name)
        return self.definition(MODULES[0], name) if name in self.documents(module) else None

    def documents(self, module: str) -> dict[str, str]:
        """Docstrings of functions that have the signatures of pyroi, from the table of a module that has one."""
        for node in self.module(module).body:
            if isinstance(node, ast.AnnAssign) and node.value and ast.unparse(node.target) == "_DOCUMENTS":
                return {name: _from_row(name, *row) for name, row in ast.literal_eval(node.value).items()}
        return {}


def _from_row(name: str, arguments: str, example: str) -> str:
    section = textwrap.indent(textwrap.dedent(example).strip(), "    ")
    return f":func:`pyroi.{name}`, differentiable in {arguments}.\n\nExample:\n{section}"


def _is_overload(node: Definition) -> bool:
    return any(ast.unparse(decorator) == "overload" for decorator in node.decorator_list)


def _documented(text: str | None, indent: str) -> Iterator[str]:
    for line in GoogleDocstring(text or "", NAPOLEON).lines():
        yield indent + line if line else ""


def _signature(function: ast.FunctionDef, *, method: bool = False) -> str:
    arguments = function.args
    if method:
        kept = arguments.args[1:]
        arguments = ast.arguments(**{**{field: getattr(arguments, field) for field in arguments._fields}, "args": kept})
    result = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"({ast.unparse(arguments)}){result}"


def _class(node: ast.ClassDef, full_name: str) -> Iterator[str]:
    methods = [member for member in node.body if isinstance(member, ast.FunctionDef)]
    start = next((member for member in methods if member.name == "__init__"), None)
    yield f".. py:class:: {full_name}{_signature(start, method=True).split(' -> ')[0] if start else ''}"
    yield ""
    yield from _documented(ast.get_docstring(node), "   ")
    for member in methods:
        if not member.name.startswith("_") and ast.get_docstring(member):
            yield from ("", f"   .. py:method:: {member.name}{_signature(member, method=True)}", "")
            yield from _documented(ast.get_docstring(member), "      ")


def entry(node: Definition, full_name: str, text: str | None = None) -> Iterator[str]:
    """The directive of a function or class, with its docstring, or with another text."""
    if isinstance(node, ast.ClassDef):
        yield from _class(node, full_name)
    else:
        yield from (f".. py:function:: {full_name}{_signature(node)}", "")
        yield from _documented(text or ast.get_docstring(node), "   ")
    yield ""


def _title(text: str) -> list[str]:
    return [text, "=" * len(text), ""]


def _first_sentence(node: Definition) -> str:
    return (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")


class Operators:
    """What the pages of the operators link to a function of pyroi: the page itself, the command, and C's function."""

    _ROW = re.compile(r"^\|(?P<command>[^|]*)\|(?P<python>[^|]*`pyroi\.[^|]*)\|(?P<c>[^|]*)\|$", re.MULTILINE)

    def __init__(self, folder: pathlib.Path) -> None:
        self.related: dict[str, list[str]] = {}
        for page in sorted(folder.glob("*.md")):
            text = page.read_text("utf-8")
            for row in self._ROW.finditer(text):
                commands = re.findall(r"`torch::(\w+)`", row["command"])
                links = [f":doc:`{text.split(chr(10))[0].strip('# ')} </operators/{page.stem}>`"]
                links += [f":doc:`torch::{name} </commands/{name}>`" for name in commands]
                links += [f"``{name}`` in :doc:`C </c>`" for name in re.findall(r"`(roi_\w+)`", row["c"])]
                for name in re.findall(r"`pyroi\.(\w+)`", row["python"]):
                    self.related[name] = links


def _messages(name: str) -> Iterator[str]:
    """The answers of a function to invalid arguments."""
    if name in python_errors.GOOD:
        yield from (".. rubric:: Messages", "", ".. list-table::", "   :widths: 35 65", "")
        for argument, message in python_errors.messages(name):
            yield from (f"   * - ``{argument}``", f"     - ``{message}``")
        yield ""


def _code_is_code(text: str) -> str:
    """The docstring of a module, in which indented paragraphs are code."""
    return re.sub(r"(?<!:)\n\n(?=    \S)", "\n\n.. code-block:: python\n\n", text, count=1)


def pages(sources: Sources) -> Iterator[tuple[str, str]]:
    """(File name, text in reST) of each page."""
    operators = Operators(sources.folder / "docs" / "operators")
    for module in MODULES:
        names = sources.public(module)
        lines = _title(module)
        lines += [*_documented(_code_is_code(ast.get_docstring(sources.module(module)) or ""), ""), ""]
        if module == MODULES[0]:
            lines += [".. list-table::", "   :widths: 30 70", ""]
        for name in names:
            node = sources.definition(module, name)
            assert node
            full_name = f"{module}.{name}"
            if module == MODULES[0]:
                lines += [f"   * - :doc:`{name} <{full_name}>`", f"     - {_first_sentence(node)}"]
                page = [*_title(full_name), *entry(node, full_name), *_messages(name)]
                if name in operators.related:
                    page += [".. rubric:: See also", "", ", ".join(operators.related[name]), ""]
                yield f"{full_name}.rst", "\n".join(page)
            else:
                lines += entry(node, full_name, sources.documents(module).get(name))
        if module == MODULES[0]:
            lines += ["", ".. toctree::", "   :hidden:", "", *(f"   {module}.{name}" for name in names)]
        yield f"{module}.rst", "\n".join([*lines, ""])
    listed = [*_title("Python"), ".. toctree::", "   :maxdepth: 1", "", *(f"   {module}" for module in MODULES), ""]
    yield "index.rst", "\n".join(listed)
