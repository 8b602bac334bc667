"""The `names` of YOLO's `data.yaml`. Needs PyYAML."""

from __future__ import annotations

import re
from typing import Any

from pyroi.box_files.records import INT64
from pyroi.box_files.yolo import LineError
from pyroi.install import how_to_add

try:
    import yaml
except ImportError:  # _compose reports it
    yaml = None

_NUMBER = re.compile(r"\d{1,19}")


def read(text: str) -> dict[int, str]:
    """The value of the key `names`. Raises LineError, ValueError, or ImportError.

    Texts count as they are written, whatever type YAML sees in them: no is a name.
    """
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
