"""COCO's JSON: lists of results, and datasets with annotations. A bbox is x, y, width, height in pixels.

https://cocodataset.org/#format-results and #format-data
"""

from __future__ import annotations

import json
import math
from typing import Any, BinaryIO

import numpy as np

from pyroi.arrays import Array
from pyroi.box_files.records import INT64, BoxRecords, RowError, check_room, is_integer

#: The largest number of bytes of memory for a value of JSON, measured: that of an empty object. Commas separate values.
BYTES_PER_VALUE = 140

#: The largest number of bytes for a byte of text, decoded and in strings, where one character can widen all to 4 bytes.
BYTES_PER_ASCII, BYTES_PER_UTF8 = 3, 9

#: The decimals of a pixel that are written. x + width is rounded, and this number of digits restores the numbers.
DECIMALS = 9

Rows = list[dict[str, Any]]


def read(content: bytes) -> BoxRecords:
    """The records in the text of a file. Raises ValueError, or RowError for a row."""
    check_room(_most_memory(content), f"a JSON text of {len(content)} bytes")
    document = _parse(content)
    if isinstance(document, list):
        return _to_records(document)
    if isinstance(document, dict) and isinstance(document.get("annotations"), list):
        return _to_records(document["annotations"], **_names_and_sizes(document))
    raise ValueError('expected a list of results, or an object with a list "annotations"')


def read_categories(content: bytes) -> dict[int, str]:
    """The names of the categories of a dataset, or of a list of categories. Raises ValueError."""
    check_room(_most_memory(content), f"a JSON text of {len(content)} bytes")
    document = _parse(content)
    if isinstance(document, list):
        document = {"categories": document}
    if not isinstance(document, dict) or "categories" not in document:
        raise ValueError('expected a list of categories, or an object with a list "categories"')
    names: dict[int, str] = {}
    for number, category in enumerate(_objects(document, "categories")):
        key, name = _key(category, number, "categories"), category.get("name")
        if not isinstance(name, str):
            raise ValueError(f"categories[{number}]: name: expected a string, got {_shown(name)}")
        if key in names:
            raise ValueError(f"categories[{number}]: id: expected a unique number, got {key} again")
        names[key] = name
    return names


def _most_memory(content: bytes) -> int:
    per_byte = BYTES_PER_ASCII if content.isascii() else BYTES_PER_UTF8
    return per_byte * len(content) + BYTES_PER_VALUE * content.count(b",")


def _parse(content: bytes) -> Any:
    def refuse(word: str) -> Any:
        raise ValueError(f"expected finite numbers, got {word}")

    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=refuse)
    except RecursionError:
        raise ValueError("its lists are nested too deeply") from None
    except json.JSONDecodeError as reason:
        raise ValueError(f"line {reason.lineno}, column {reason.colno}: it is not JSON: {reason.msg}") from None


def _to_records(rows: list[Any], **facts: Any) -> BoxRecords:
    boxes = np.empty((len(rows), 4))
    scores = np.empty(len(rows))
    ids = np.empty((2, len(rows)), np.int64)
    has_scores = bool(rows) and isinstance(rows[0], dict) and "score" in rows[0]
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RowError("result", number, f"expected an object, got {_shown(row)}")
        boxes[number] = _box(row, number)
        ids[:, number] = _id(row, "image_id", number), _id(row, "category_id", number)
        if has_scores or "score" in row:
            if not has_scores:
                raise RowError("score", number, "the earlier rows have none")
            scores[number] = _number(row.get("score"), "score", number)
    return BoxRecords(boxes, scores if has_scores else None, ids[1], ids[0], **facts)


def _box(row: dict[str, Any], number: int) -> tuple[float, ...]:
    bbox = row.get("bbox")
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise RowError("bbox", number, f"expected a list of x, y, width, height, got {_shown(bbox)}")
    x, y, width, height = (_number(value, "bbox", number) for value in bbox)
    if width < 0 or height < 0:
        raise RowError("bbox", number, f"expected a width and a height of at least 0, got {_shown(bbox)}")
    return x, y, x + width, y + height


def _number(value: Any, name: str, row: int) -> float:
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise RowError(name, row, f"expected a finite number, got {_shown(value)}")
    return number


def _id(row: dict[str, Any], name: str, number: int) -> int:
    value: Any = row.get(name)
    if not is_integer(value) or not INT64.min <= value <= INT64.max:
        raise RowError(name, number, f"expected an integer of 64 bits, got {_shown(value)}")
    return int(value)


def _key(entry: dict[str, Any], number: int, objects: str) -> int:
    """The id of a category or an image, which is no row of boxes."""
    try:
        return _id(entry, "id", number)
    except RowError as reason:
        raise ValueError(f"{objects}[{number}]: {reason.fault}") from None


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value)[:100]


def _names_and_sizes(document: dict[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {"class_names": {}, "image_names": {}, "image_sizes": {}}
    for number, category in enumerate(_objects(document, "categories")):
        names["class_names"][_key(category, number, "categories")] = category.get("name")
    for number, image in enumerate(_objects(document, "images")):
        key = _key(image, number, "images")
        if "file_name" in image:
            names["image_names"][key] = image["file_name"]
        if "height" in image and "width" in image:
            names["image_sizes"][key] = (image["height"], image["width"])
    return names


def _objects(document: dict[str, Any], name: str) -> Rows:
    objects = document.get(name, [])
    if not isinstance(objects, list) or not all(isinstance(entry, dict) for entry in objects):
        raise ValueError(f'expected a list of objects "{name}"')
    return objects


# ---- Writing ---------------------------------------------------------------------------------------------------------


def write_results(file: BinaryIO, records: BoxRecords) -> None:
    """A list of results, which has no room for names and sizes."""
    scores = records.column("scores", "a list of COCO's results")
    _dump(file, [row | {"score": score} for row, score in zip(_rows(records), _exact(scores), strict=True)])


def write_dataset(file: BinaryIO, records: BoxRecords) -> None:
    """A dataset of annotations, each with its area; with scores, if there are any."""
    rows = [
        {"id": number, **row, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
        for number, row in enumerate(_rows(records), 1)
    ]
    if records.scores is not None:
        rows = [row | {"score": score} for row, score in zip(rows, _exact(records.scores), strict=True)]
    _dump(file, {"images": _images(records), "annotations": rows, "categories": _categories(records)})


def _rows(records: BoxRecords) -> Rows:
    images = records.column("image_ids", "COCO's JSON").tolist()
    classes = records.column("class_ids", "COCO's JSON").tolist()
    corners = records.boxes.astype(np.float64)
    lists = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1).round(DECIMALS).tolist()
    return [
        {"image_id": image, "category_id": number, "bbox": bbox}
        for image, number, bbox in zip(images, classes, lists, strict=True)
    ]


def _images(records: BoxRecords) -> Rows:
    used = [] if records.image_ids is None else records.image_ids.tolist()
    images = []
    for key in sorted({*used, *records.image_names, *records.image_sizes}):
        image: dict[str, Any] = {"id": key}
        if key in records.image_names:
            image["file_name"] = records.image_names[key]
        if key in records.image_sizes:
            image["height"], image["width"] = records.image_sizes[key]
        images.append(image)
    return images


def _categories(records: BoxRecords) -> Rows:
    used = [] if records.class_ids is None else records.class_ids.tolist()
    return [
        {"id": key, "name": records.class_names.get(key, str(key))} for key in sorted({*used, *records.class_names})
    ]


def _exact(column: Array) -> list[float]:
    """The numbers of a column as the shortest decimals that are read as them."""
    return [float(str(number)) for number in column]


def _dump(file: BinaryIO, document: Any) -> None:
    file.write(json.dumps(document, allow_nan=False).encode())
