"""Names of classes in files of their own: `classes.txt`, the `names` of YOLO's `data.yaml`, and COCO's categories."""

from __future__ import annotations

import re
from typing import Any

from pyroi.box_files import coco
from pyroi.box_files.records import INT64, check_room
from pyroi.box_files.yolo import LineError
from pyroi.install import how_to_add

try:
    import yaml
except ImportError:  # _compose reports it
    yaml = None

#: The largest file of names that is read, in bytes, and the bytes of memory that one of its bytes takes at most.
MOST_BYTES, BYTES_PER_BYTE = 2**20, 100

#: The same for YAML, which PyYAML reads at 100 kB a second: a file with thousands of names is below.
MOST_YAML_BYTES, YAML_BYTES_PER_BYTE = 2**18, 400

#: The formats and their suffixes.
FORMATS = {"lines": (".txt", ".names"), "yaml": (".yaml", ".yml"), "json": (".json",)}

_NUMBER = re.compile(r"\d{1,19}")


def read(content: bytes, format: str) -> dict[int, str]:
    """The names by number in the content of a file. Raises LineError, ValueError, or ImportError."""
    most, factor = (MOST_YAML_BYTES, YAML_BYTES_PER_BYTE) if format == "yaml" else (MOST_BYTES, BYTES_PER_BYTE)
    if len(content) > most:
        raise ValueError(f"expected at most {most} bytes of names, the file has more")
    check_room(factor * len(content), f"a text of {len(content)} bytes")
    if format == "json":
        return coco.read_categories(content)
    lines = [_decoded(line, number) for number, line in enumerate(content.splitlines(), 1)]
    return _of_lines(lines) if format == "lines" else _of_yaml("\n".join(lines))


def _decoded(line: bytes, number: int) -> str:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        raise LineError(number, "expected text in UTF-8") from None
    if "\0" in text:
        raise LineError(number, "expected a text without NUL characters")
    return text


# ---- A name in each line ---------------------------------------------------------------------------------------------


def _of_lines(lines: list[str]) -> dict[int, str]:
    names = [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    for number, name in enumerate(names, 1):
        if not name:
            raise LineError(number, "expected the name of a class, got an empty line")
    return dict(enumerate(names))


# ---- YAML ------------------------------------------------------------------------------------------------------------


def _of_yaml(text: str) -> dict[int, str]:
    """The value of the key `names`. Texts count as they are written, whatever type YAML sees in them: no is a name."""
    document = _compose(text)
    pairs = document.value if isinstance(document, yaml.MappingNode) else []
    found = [(key, value) for key, value in pairs if key.value == "names"]
    if not found:
        raise ValueError('expected a key "names"')
    if len(found) > 1:
        raise LineError(_line(found[1][0]), 'expected one key "names", got another')
    names = found[0][1]
    if isinstance(names, yaml.SequenceNode):
        return {number: _name(node) for number, node in enumerate(names.value)}
    if isinstance(names, yaml.MappingNode):
        return _by_number(names)
    raise LineError(_line(names), f"names: expected a list or a mapping, got {_said(names)}")


def _compose(text: str) -> Any:
    """The root of a document, whose nodes know their lines."""
    if yaml is None:
        raise ImportError(f"names of classes in YAML need PyYAML, which is not installed: {how_to_add('yaml')}")
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise LineError(mark.line + 1 if mark else 1, f"expected YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # an escape may be no character
        raise ValueError(f"expected YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ValueError("expected lists and mappings of a few levels, they are nested too deeply") from None


def _by_number(mapping: Any) -> dict[int, str]:
    names: dict[int, str] = {}
    for key, value in mapping.value:
        if not isinstance(key, yaml.ScalarNode) or not _NUMBER.fullmatch(key.value):
            raise LineError(_line(key), f"expected NUMBER: NAME, got the key {_said(key)}")
        number = int(key.value)
        if number in names:
            raise LineError(_line(key), f"expected a unique number, got {number} again")
        if number > INT64.max:
            raise LineError(_line(key), f"expected an integer of 64 bits, got {number}")
        names[number] = _name(value)
    return names


def _name(node: Any) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise LineError(_line(node), f"expected the name of a class, got {_said(node)}")
    if re.search("[\0\ud800-\udfff]", node.value):
        raise LineError(_line(node), f"expected a text without NUL and halves of characters, got {_said(node)}")
    return str(node.value)


def _said(node: Any) -> str:
    """A node in a message."""
    if isinstance(node, yaml.ScalarNode):
        return ascii(node.value[:40])
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
