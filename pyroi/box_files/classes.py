"""Names of classes in files of their own: `classes.txt`, the `names` of YOLO's `data.yaml`, and COCO's categories."""

from __future__ import annotations

from pyroi.box_files import coco
from pyroi.box_files.records import check_room
from pyroi.box_files.yolo import LineError

#: The largest file of names that is read, in bytes, and the bytes of memory that one of its bytes takes at most.
MOST_BYTES, BYTES_PER_BYTE = 2**20, 100

#: The same for YAML, which PyYAML reads at 100 kB a second: a file with thousands of names is below.
MOST_YAML_BYTES, YAML_BYTES_PER_BYTE = 2**18, 400

#: The formats and their suffixes.
FORMATS = {"lines": (".txt", ".names"), "yaml": (".yaml", ".yml"), "json": (".json",)}


def read(content: bytes, format: str) -> dict[int, str]:
    """The names by number in the content of a file. Raises LineError, ValueError, or ImportError."""
    most, factor = (MOST_YAML_BYTES, YAML_BYTES_PER_BYTE) if format == "yaml" else (MOST_BYTES, BYTES_PER_BYTE)
    if len(content) > most:
        raise ValueError(f"expected at most {most} bytes of names, the file has more")
    check_room(factor * len(content), f"a text of {len(content)} bytes")
    if format == "json":
        return coco.read_categories(content)
    lines = [_decoded(line, number) for number, line in enumerate(content.splitlines(), 1)]
    if format == "lines":
        return _of_lines(lines)
    from pyroi.box_files import class_yaml  # imported here, since few files need PyYAML

    return class_yaml.read("\n".join(lines))


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
