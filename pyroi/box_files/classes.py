"""Names of classes in files of their own: `classes.txt`, the `names` of YOLO's `data.yaml`, and COCO's categories.

Of YAML, only what data.yaml files contain for `names` is read: a list or a mapping, in a block or in brackets, with
plain or quoted texts. Other keys are skipped. Anything else is an error that names the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pyroi.box_files import coco
from pyroi.box_files.records import INT64, check_room
from pyroi.box_files.yolo import LineError

#: The largest size of a file of names, in bytes, and the largest number of bytes of memory for one of its bytes.
MOST_BYTES, BYTES_PER_BYTE = 2**20, 100

#: The suffixes of the formats.
LINES, YAML, JSON = (".txt", ".names"), (".yaml", ".yml"), (".json",)

_KEY = re.compile(r"names[ \t]*:(?=[ \t]|$)")
_ITEM = re.compile(r"-[ \t]+(?P<name>.*)")
_PAIR = re.compile(r"(?P<number>\d{1,19}|'\d{1,19}'|\"\d{1,19}\")[ \t]*:[ \t]+(?P<name>.*)")

#: A text in YAML: in double or single quotes, or plain up to a comment, and in brackets up to a comma.
_QUOTED = r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\''
_BLOCK_TEXT = re.compile(rf"(?P<text>{_QUOTED}|(?:(?![ \t]#).)*?)[ \t]*(?:[ \t]#.*)?$")
_FLOW_TEXT = re.compile(rf"(?P<text>{_QUOTED}|[^,\[\]{{}}\n#]*?)\s*(?P<end>[,\]}}])\s*")
_FLOW_KEY = re.compile(r"(?P<number>\d{1,19})[ \t]*:[ \t]+")

_ESCAPES = {"\\": "\\", '"': '"', "/": "/", "n": "\n", "t": "\t", "r": "\r"}


def read(content: bytes, suffix: str) -> dict[int, str]:
    """The names by number in the content of a file. Raises LineError, or ValueError."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"expected at most {MOST_BYTES} bytes of names, the file has more")
    check_room(BYTES_PER_BYTE * len(content), f"a text of {len(content)} bytes")
    if suffix in JSON:
        return coco.read_categories(content)
    lines = [_decoded(line, number) for number, line in enumerate(content.splitlines(), 1)]
    return _of_lines(lines) if suffix in LINES else _of_yaml(lines)


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


def _of_yaml(lines: list[str]) -> dict[int, str]:
    starts = [number for number, line in enumerate(lines) if _KEY.match(line)]
    if not starts:
        raise ValueError('expected a key "names"')
    if len(starts) > 1:
        raise LineError(starts[1] + 1, 'expected one key "names", got another')
    start = starts[0]
    value = lines[start].partition(":")[2].strip()
    if value and not value.startswith("#"):
        return _flow("\n".join([value, *lines[start + 1 :]]), start + 1)
    return _block(list(_entries(lines, start + 1)))


def _entries(lines: list[str], start: int) -> Iterator[tuple[int, int, str]]:
    """(Line, indentation, text) up to the next key; a list may have no indentation."""
    for number, line in enumerate(lines[start:], start + 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if line[0] not in " -" or line.startswith("---"):
            return
        yield number, len(line) - len(line.lstrip(" ")), text


def _block(entries: list[tuple[int, int, str]]) -> dict[int, str]:
    names: dict[int, str] = {}
    pattern = _ITEM if entries and entries[0][2].startswith("-") else _PAIR
    for number, indentation, text in entries:
        match = pattern.fullmatch(text)
        if not match or indentation != entries[0][1]:
            expected = "- NAME" if pattern is _ITEM else "NUMBER: NAME"
            raise LineError(number, f"expected {expected} as in the earlier lines, got {text[:40]!a}")
        key = len(names) if pattern is _ITEM else int(match["number"].strip("'\""))
        _add(names, key, _text(_BLOCK_TEXT.fullmatch(match["name"]), number), number)
    return names


def _flow(text: str, line: int) -> dict[int, str]:
    """A list in brackets, or a mapping in braces, which may extend over several lines."""
    names: dict[int, str] = {}
    close = {"[": "]", "{": "}"}.get(text[0])
    if close is None:
        raise LineError(line, f"names: expected a list or a mapping, got {text.partition(chr(10))[0][:40]!a}")
    at = len(text) - len(text[1:].lstrip())
    if text[at : at + 1] == close:
        return names
    while True:
        number = line + text.count("\n", 0, at)
        key = _FLOW_KEY.match(text, at) if close == "}" else None
        if close == "}" and not key:
            raise LineError(number, f"expected NUMBER: NAME, got {text[at : at + 40]!a}")
        match = _FLOW_TEXT.match(text, key.end() if key else at)
        if not match or match["end"] not in (",", close):
            raise LineError(number, f"expected a name, then a comma or {close}, got {text[at : at + 40]!a}")
        _add(names, int(key["number"]) if key else len(names), _text(match, number), number)
        at = match.end()
        if match["end"] == close or text[at : at + 1] == close:
            return names


def _add(names: dict[int, str], key: int, name: str, line: int) -> None:
    if key in names:
        raise LineError(line, f"expected a unique number, got {key} again")
    if key > INT64.max:
        raise LineError(line, f"expected an integer of 64 bits, got {key}")
    names[key] = name


def _text(match: re.Match[str] | None, line: int) -> str:
    """The text that a word of YAML stands for."""
    word = match["text"].strip() if match else ""
    if word[:1] == "'" and len(word) > 1:
        return word[1:-1].replace("''", "'")
    if word[:1] == '"' and len(word) > 1:
        return re.sub(r"\\(.)", lambda escape: _unescaped(escape[1], line), word[1:-1], flags=re.DOTALL)
    if not word or word[0] in "\"'[]{}&*!|>%@`" or ": " in word:
        raise LineError(line, f"expected the name of a class, got {word[:40]!a}")
    return word


def _unescaped(character: str, line: int) -> str:
    if character not in _ESCAPES:
        raise LineError(line, f"expected one of the escapes {' '.join(_ESCAPES)}, got {character!a}")
    return _ESCAPES[character]
