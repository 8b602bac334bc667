"""Boxes in files: what comes back, what other programs read, and what is refused by which line or row."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import stat
import tracemalloc
import zipfile

import numpy as np
import pytest
from children import run_child
from hypothesis import given, settings
from hypothesis import strategies as st

from pyroi.box_files import (
    BoxFileError,
    BoxRecords,
    class_format_of,
    read_boxes,
    read_class_names,
    records,
    write_boxes,
)

BOXES = [[4.25, 6.5, 30, 40], [0, 0, 64, 48], [36.1, 10.2, 60.3, 30.7]]
NAMES = {1: "cat", 3: "fire hydrant", 90: 'a "toothbrush", naïve'}
SIZES = {7: (48, 64), 9: (480, 640)}
FULL = BoxRecords(BOXES, [0.9, 0.1, 1 / 3], [1, 90, 3], [7, 7, 9], NAMES, {7: "a.jpg", 9: "b.jpg"}, SIZES)

#: Format -> what its files have no room for.
WITHOUT = {
    "coco": ("class_names", "image_names", "image_sizes"),
    "coco_dataset": (),
    "parquet": (),
    "arrow": (),
    "npz": (),
}
NAMED = {"coco": "x.json", "coco_dataset": "x.json", "parquet": "x.parquet", "arrow": "x.feather", "npz": "x.npz"}
FIELDS = ("boxes", "scores", "class_ids", "image_ids", "class_names", "image_names", "image_sizes")


def skip_without_yaml(name):
    """Files of names in YAML need PyYAML."""
    if name.endswith((".yaml", ".yml")):
        pytest.importorskip("yaml", reason="PyYAML is not installed")


def skip_without_pyarrow(format):
    if format in ("parquet", "arrow"):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")


def assert_same(found, expected, without=()):
    """Every field but those without room, bit by bit."""
    for name in FIELDS:
        one, other = getattr(found, name), getattr(expected, name)
        if name in without:
            assert one == {}
        elif isinstance(other, np.ndarray):
            np.testing.assert_array_equal(one, other, err_msg=name)
        else:
            assert one == other, name


def fault(path, content, **options):
    """The error for a file with this content; the message names the file."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BoxFileError) as caught:
        read_boxes(path, **options)
    assert str(caught.value).startswith(f"{path}: ")
    return caught.value


# ---- What comes back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", WITHOUT)
def test_records_come_back_as_they_were(tmp_path, format):
    """With names and sizes, where the format has room for them; the suffix chooses the format for reading."""
    skip_without_pyarrow(format)
    write_boxes(tmp_path / NAMED[format], FULL, format)
    assert_same(read_boxes(tmp_path / NAMED[format]), FULL, WITHOUT[format])


@pytest.mark.parametrize("format", ["parquet", "arrow", "npz"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_binary_formats_keep_element_types_and_absent_columns(tmp_path, format, dtype):
    """As the records have them."""
    skip_without_pyarrow(format)
    expected = BoxRecords(np.array(BOXES, dtype), scores=np.array([1, 0.5, 0.1], dtype))
    write_boxes(tmp_path / NAMED[format], expected)
    found = read_boxes(tmp_path / NAMED[format])
    assert found.boxes.dtype == found.scores.dtype == dtype
    assert_same(found, expected)


@pytest.mark.parametrize("format", WITHOUT)
def test_no_boxes(tmp_path, format):
    """An image without boxes is a file too, whose columns are empty."""
    skip_without_pyarrow(format)
    expected = BoxRecords(np.empty((0, 4)), [], [], [])
    write_boxes(tmp_path / NAMED[format], expected, format)
    found = read_boxes(tmp_path / NAMED[format])
    assert found.boxes.shape == (0, 4)
    assert len(found) == len(found.class_ids) == len(found.image_ids) == 0


@given(
    st.lists(st.tuples(*[st.integers(0, 999)] * 4, st.floats(0, 1, width=32), st.integers(0, 99)), min_size=1),
    st.integers(0, 3),
)
@settings(max_examples=40, deadline=None)
def test_decimal_boxes_come_back_from_json_digit_by_digit(rows, digits):
    """Although x + width is rounded: numbers of nine decimals are the same after two trips through x, y, width, height.

    A score of float32 is written as the shortest decimal that is read as it.
    """
    table = np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d, *_ in rows]) / 10**digits
    scores = np.array([row[4] for row in rows], np.float32)
    expected = BoxRecords(table, scores, [row[5] for row in rows], [1] * len(rows))
    first, second = io.BytesIO(), io.BytesIO()
    write_boxes(first, expected, "coco")
    found = read_boxes(io.BytesIO(first.getvalue()), "coco")
    np.testing.assert_allclose(found.boxes, table, rtol=1e-15, atol=1e-12)
    np.testing.assert_array_equal(found.scores.astype(np.float32), scores)
    write_boxes(second, found, "coco")
    assert second.getvalue() == first.getvalue()


def test_coco_by_hand(tmp_path):
    """The example of results in COCO's own description has these keys; corners are x, y and x + width, y + height."""
    path = tmp_path / "results.json"
    path.write_text('[{"image_id": 42, "category_id": 18, "bbox": [258.15, 41.29, 348.25, 243.5], "score": 0.236}]')
    found = read_boxes(path, class_names={18: "dog"})
    np.testing.assert_allclose(found.boxes, [[258.15, 41.29, 606.4, 284.79]], rtol=1e-15)
    assert (found.scores.tolist(), found.class_ids.tolist(), found.image_ids.tolist()) == ([0.236], [18], [42])
    assert found.class_names == {18: "dog"}


def test_pycocotools_reads_what_we_write(tmp_path, capsys):
    """A dataset, and results on it, by COCO's own package; and we read the same file."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    write_boxes(tmp_path / "dataset.json", FULL, "coco_dataset")
    write_boxes(tmp_path / "results.json", FULL, "coco")
    dataset = coco.COCO(str(tmp_path / "dataset.json"))
    results = dataset.loadRes(str(tmp_path / "results.json"))
    assert {key: category["name"] for key, category in dataset.cats.items()} == NAMES
    assert {key: (image["height"], image["width"]) for key, image in dataset.imgs.items()} == SIZES
    for source in (dataset, results):
        rows = [source.anns[number] for number in sorted(source.anns)]
        assert [row["category_id"] for row in rows] == [1, 90, 3]
        assert [row["image_id"] for row in rows] == [7, 7, 9]
        np.testing.assert_allclose([row["bbox"] for row in rows], [[4.25, 6.5, 25.75, 33.5], [0, 0, 64, 48],
                                                                   [36.1, 10.2, 24.2, 20.5]])  # fmt: skip
    assert [results.anns[number]["score"] for number in (1, 2, 3)] == [0.9, 0.1, 1 / 3]


def test_yolo_by_hand(tmp_path):
    """Class, centre and size as parts of an image of 200 x 100 (width x height)."""
    path = tmp_path / "a.txt"
    path.write_text("2 0.5 0.5 0.25 0.5\r\n\n 0 0.1 0.2 0.2 0.4  \n")
    found = read_boxes(path, image_size=(100, 200), class_names=["person", "bicycle", "car"])
    np.testing.assert_allclose(found.boxes, [[75, 25, 125, 75], [0, 0, 40, 40]], atol=1e-12)
    assert found.class_ids.tolist() == [2, 0]
    assert found.scores is None
    assert found.class_names[2] == "car"
    assert found.image_sizes == {0: (100, 200)}


def test_yolo_comes_back(tmp_path):
    """With scores, to 1e-8 pixel, and without an image size, which the records have."""
    expected = BoxRecords(BOXES, [0.9, 0.1, 1 / 3], [0, 79, 3], image_sizes={0: (48, 64)})
    write_boxes(tmp_path / "a.txt", expected)
    found = read_boxes(tmp_path / "a.txt", image_size=(48, 64))
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-8)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-12)
    write_boxes(tmp_path / "b.txt", found)  # a box that covers the image stays within it
    again = read_boxes(tmp_path / "b.txt", image_size=(48, 64))
    np.testing.assert_allclose(again.boxes, expected.boxes, atol=1e-8)
    write_boxes(tmp_path / "none.txt", BoxRecords([], class_ids=[]), image_size=(48, 64))
    assert (tmp_path / "none.txt").read_bytes() == b""
    assert read_boxes(tmp_path / "none.txt", image_size=(48, 64)).boxes.shape == (0, 4)


def test_supervision_reads_what_we_write(tmp_path):
    """Another package's reader of YOLO's text."""
    pytest.importorskip("supervision", reason="supervision is not installed")
    from supervision.dataset.formats import yolo

    expected = BoxRecords(BOXES, None, [0, 79, 3])
    write_boxes(tmp_path / "a.txt", expected, image_size=(48, 64))
    lines = (tmp_path / "a.txt").read_text().splitlines()
    found = yolo.yolo_annotations_to_detections(lines, resolution_wh=(64, 48), with_masks=False)
    np.testing.assert_allclose(found.xyxy, expected.boxes, atol=1e-4)  # it computes in float32
    assert found.class_id.tolist() == [0, 79, 3]


def test_pyarrow_reads_what_we_write(tmp_path):
    """A column for each part of a row; and what others wrote without metadata, in other types and order, is read."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    write_boxes(tmp_path / "x.parquet", FULL)
    table = parquet.read_table(tmp_path / "x.parquet")
    assert table.column_names == ["x1", "y1", "x2", "y2", "score", "class_id", "image_id"]
    assert table.column("x2").to_pylist() == [30, 64, 60.3]
    assert json.loads(table.schema.metadata[b"pyroi"])["units"] == "pixels"
    columns = {"note": ["a", "b"], "y2": [4, 8], "x2": [3, 7], "y1": [2, 6], "x1": [1, 5], "class_id": [3, 4]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "theirs.parquet", row_group_size=1)
    found = read_boxes(tmp_path / "theirs.parquet")
    assert found.boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert found.class_ids.tolist() == [3, 4]
    assert found.scores is None


# ---- Bad rows --------------------------------------------------------------------------------------------------------

GOOD_ROW = {"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}

BAD_COCO_ROWS = {
    "no bbox": ({"bbox": None}, "bbox: expected a list of x, y, width, height, got nothing"),
    "three numbers": ({"bbox": [1, 2, 3]}, "got [1, 2, 3]"),
    "text in a bbox": ({"bbox": [1, 2, "3", 4]}, 'bbox: expected a finite number, got "3"'),
    "truth in a bbox": ({"bbox": [1, 2, True, 4]}, "got true"),
    "beyond float64": ({"bbox": [1, 2, 10**400, 4]}, "bbox: expected a finite number, got 1000"),
    "negative width": ({"bbox": [1, 2, -3, 4]}, "a width and a height of at least 0, got [1, 2, -3, 4]"),
    "infinite corner": ({"bbox": [1e308, 2, 1e308, 4]}, "boxes: expected finite numbers"),
    "a named image": ({"image_id": "a.jpg"}, 'image_id: expected an integer of 64 bits, got "a.jpg"'),
    "a large number": ({"image_id": 2**63}, "image_id: expected an integer of 64 bits, got 9223372036854775808"),
    "no class": ({"category_id": None}, "category_id: expected an integer of 64 bits, got nothing"),
    "a fraction of a class": ({"category_id": 1.5}, "category_id: expected an integer of 64 bits, got 1.5"),
    "no score": ({"score": None}, "score: expected a finite number, got nothing"),
}


@pytest.mark.parametrize(("change", "said"), BAD_COCO_ROWS.values(), ids=list(BAD_COCO_ROWS))
@pytest.mark.parametrize("is_dataset", [False, True], ids=["results", "dataset"])
def test_a_bad_row_of_coco_is_told_by_its_number(tmp_path, change, said, is_dataset):
    """Counted from 0."""
    rows = [GOOD_ROW, GOOD_ROW, GOOD_ROW | change]
    error = fault(tmp_path / "x.json", json.dumps({"annotations": rows} if is_dataset else rows))
    assert error.row == 2
    assert error.line is None
    assert said in str(error)
    assert f"{tmp_path}/x.json: row 2: " in str(error)


BAD_JSON = {
    "nothing": ("", "line 1, column 1: it is not JSON"),
    "cut off": ('[\n{"image_id": 1,', "line 2, column 16: it is not JSON"),
    "NaN": ('[{"image_id": 1, "category_id": 1, "bbox": [NaN, 0, 1, 1]}]', "expected finite numbers, got NaN"),
    "a number": ("1", "expected a list of results"),
    "no annotations": ('{"images": []}', 'an object with a list "annotations"'),
    "rows of no object": ("[1]", "row 0: result: expected an object, got 1"),
    "deep": ("[" * 10**6, "nested too deep"),
    "no UTF-8": (b'["\xff"]', "utf-8"),
    "a long integer": ("[" + "9" * 5000 + "]", "4300"),
    "scores from a row on": (json.dumps([{**GOOD_ROW, "score": None}, GOOD_ROW]).replace(', "score": null', ""),
                             "row 1: score: the earlier rows have none"),
    "a class without a name": ('{"annotations": [], "categories": [{"id": 1}]}', "class_names: expected a string"),
    "a flat image": ('{"annotations": [], "images": [{"id": 1, "height": 0, "width": 5}]}', "image_sizes: expected"),
    "an id of a category": (
        '{"annotations": [], "categories": [{"id": "x"}]}', 'categories[0]: id: expected an integer of 64 bits, got "x"'
    ),
    "an id of an image": (
        '{"annotations": [], "images": [{}]}', "images[0]: id: expected an integer of 64 bits, got nothing"
    ),
    "categories of numbers": ('{"annotations": [], "categories": [1]}', 'a list of objects "categories"'),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), BAD_JSON.values(), ids=list(BAD_JSON))
def test_bad_json(tmp_path, content, said):
    """Where the fault is in the text, by line and column."""
    assert said in str(fault(tmp_path / "x.json", content))


BAD_YOLO_LINES = {
    "four numbers": ("0 0.5 0.5 0.5", "expected class, x, y, width, height, and a score or none, got 4 numbers"),
    "an outline": (
        "0 0 0 1 0 1 1",
        "expected class, x, y, width, height, and a score or none, got more; outlines of segments are not supported",
    ),
    "a name": ("cat 0.5 0.5 0.5 0.5", "expected finite numbers, got 'cat'"),
    "a fraction": ("1.5 0.5 0.5 0.5 0.5", "class: expected an integer of at least 0, got '1.5'"),
    "a negative class": ("-1 0.5 0.5 0.5 0.5", "class: expected an integer of at least 0, got '-1'"),
    "pixels": ("0 320 0.5 0.5 0.5", "x: expected a part of the image, 0 to 1, got '320'"),
    "a negative width": ("0 0.5 0.5 -0.000001 0.5", "width: expected a part of the image, 0 to 1, got '-0.000001'"),
    "not a number": ("0 0.5 nan 0.5 0.5", "expected finite numbers, got 'nan'"),
    "digits in groups": ("0 0.5 0.5 0.5 0_1", "expected finite numbers, got '0_1'"),
    "a score at once": ("0 0.5 0.5 0.5 0.5 0.9", "expected 5 numbers as in the earlier lines, got 6"),
    "endless digits": ("0 0.5 0.5 0.5 0." + "1" * 200, "expected finite numbers, got '0." + "1" * 38 + "'"),
    "no text": ("0 0.5 0.5 0.5 \x00", "expected finite numbers, got '\\x00'"),
}


@pytest.mark.parametrize(("line", "said"), BAD_YOLO_LINES.values(), ids=list(BAD_YOLO_LINES))
def test_a_bad_line_of_yolo_is_told_by_its_number(tmp_path, line, said):
    """Counted from 1, empty lines too, as editors count."""
    error = fault(tmp_path / "a.txt", f"0 0.5 0.5 0.5 0.5\n\n{line}\n", image_size=(48, 64))
    assert error.line == 3
    assert error.row is None
    assert str(error) == f"{tmp_path}/a.txt: line 3: {said}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x1": [0, None, 0]}, "row 1: x1: expected a number, got null"),
        ({"x1": [0, 0, 9]}, "row 2: boxes: expected x1 <= x2 and y1 <= y2, got [9.0, 0.0, 1.0, 1.0]"),
        ({"score": [0, float("nan"), 0]}, "row 1: scores: expected a finite number, got nan"),
        ({"class_id": [0, 0.5, 0]}, "row 1: class_ids: expected an integer, got 0.5"),
        ({"x1": ["a", "b", "c"]}, "column x1: expected numbers, got string"),
        ({"x1": None}, "it has no column x1, but y1, x2, y2"),
    ],
)
@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_bad_tables(tmp_path, format, change, said):
    """By row, over row groups and batches."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import feather, parquet

    columns = {"x1": [0, 0, 0], "y1": [0, 0, 0], "x2": [1.0, 1, 1], "y2": [1, 1, 1]} | change
    table = pyarrow.table({name: values for name, values in columns.items() if values is not None})
    path = tmp_path / NAMED[format]
    if format == "parquet":
        parquet.write_table(table, path, row_group_size=2)
    else:
        feather.write_feather(table, str(path), chunksize=2)
    assert said in str(fault(path, path.read_bytes()))


@pytest.mark.parametrize("format", ["parquet", "arrow", "npz"])
def test_damage_ends_in_a_message(tmp_path, format):
    """Wherever a file is cut, or a byte is another: the records, or a BoxFileError."""
    skip_without_pyarrow(format)
    write_boxes(tmp_path / NAMED[format], FULL)
    good = (tmp_path / NAMED[format]).read_bytes()
    random = np.random.default_rng(5)
    told = 0
    for number in range(200):
        damaged = bytearray(good)
        if number % 2:
            del damaged[random.integers(len(good)) :]
        else:
            damaged[random.integers(len(good))] ^= 1 << random.integers(8)
        try:
            assert len(read_boxes(io.BytesIO(bytes(damaged)), format)) <= 3
        except BoxFileError:
            told += 1
    assert told > 100  # every cut, at least


@pytest.mark.parametrize("format", ["parquet", "arrow", "npz"])
@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ('{"units": "normalized"}', "its metadata has units 'normalized', expected 'pixels'"),
        ('{"box_format": "cxcywh"}', "its metadata has box_format 'cxcywh', expected 'xyxy'"),
        ("[", "its metadata is not JSON"),
        ("[]", "its metadata is not a JSON object"),
        ("[" * 10**5, "its metadata is not JSON"),
        ('{"class_names": {"a": "b"}}', "class_names other than an object with integers as keys"),
        ('{"class_names": {"1": 2}}', "class_names: expected a string for 1, got 2"),
    ],
)
def test_other_units_and_bad_metadata_are_refused(tmp_path, monkeypatch, format, metadata, said):
    """A file that says that its numbers are something else is not read as pixels."""
    skip_without_pyarrow(format)
    monkeypatch.setattr(BoxRecords, "metadata", lambda self: metadata)
    write_boxes(tmp_path / NAMED[format], FULL)
    assert said in str(fault(tmp_path / NAMED[format], (tmp_path / NAMED[format]).read_bytes()))


# ---- Files that need not be trusted ----------------------------------------------------------------------------------


def npy(array, **options):
    """The bytes of a .npy file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def archive(**members):
    """The bytes of an archive with these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", members.pop("compression", zipfile.ZIP_DEFLATED)) as written:
        for name, content in members.items():
            written.writestr(f"{name}.npy", content)
    return file.getvalue()


LYING = npy(np.zeros((1, 4))).replace(b"(1, 4)", b"(9, 4)")

BAD_ARCHIVES = {
    "pickled": (archive(boxes=npy(np.array([{}], object), allow_pickle=True)), "boxes: expected numbers, got object"),
    "text": (archive(boxes=npy(np.array(["a"]))), "boxes: expected numbers, got"),
    "promises more": (archive(boxes=LYING), "boxes: its header states [9, 4] of float64, but 32 bytes follow"),
    "no boxes": (archive(scores=npy(np.zeros(1))), "it has no array boxes, but scores.npy"),
    "three columns": (archive(boxes=npy(np.zeros((2, 3)))), "boxes: expected [K, 4], got [2, 3]"),
    "fewer scores": (archive(boxes=npy(np.zeros((2, 4))), scores=npy(np.zeros(1))), "scores: expected [2]"),
    "no array": (archive(boxes=b"hello"), "boxes: its header is damaged"),
    "bzip2": (archive(boxes=npy(np.zeros((1, 4))), compression=zipfile.ZIP_BZIP2), "a method that NumPy does not use"),
    "no archive": (b"PK\3\4", "damaged archive"),
}


@pytest.mark.parametrize(("content", "said"), BAD_ARCHIVES.values(), ids=list(BAD_ARCHIVES))
def test_bad_archives(tmp_path, content, said):
    """Nothing is unpickled."""
    assert said in str(fault(tmp_path / "x.npz", content))


def test_sizes_are_bounded(tmp_path, monkeypatch):
    """Text, and what an archive would unpack to: 8 MB of zeros are packed in 8 KB."""
    monkeypatch.setattr(records, "MOST_BYTES", 2**20)
    assert "at most 1048576 bytes of text" in str(fault(tmp_path / "x.json", b" " * (2**20 + 1)))
    bomb = archive(boxes=npy(np.zeros((250_000, 4))))
    assert len(bomb) < 10_000
    assert "at most 1048576 bytes of arrays, its directory states 8000128" in str(fault(tmp_path / "x.npz", bomb))


def test_more_than_memory_is_refused_before_it_is_taken(tmp_path, monkeypatch):
    """As MemoryError, with what is left."""
    monkeypatch.setattr(records.limits, "tightest", lambda: records.limits.Limit(1000, 900))
    (tmp_path / "x.json").write_text(json.dumps([GOOD_ROW]))
    with pytest.raises(MemoryError, match=r"a JSON text of \d+ bytes needs \d+ bytes, this machine has 100 left"):
        read_boxes(tmp_path / "x.json")


@pytest.mark.parametrize(
    "text",
    [
        "[" + ",".join(["{}"] * 200_000) + "]",
        "[" + ",".join(["[]"] * 200_000) + "]",
        "[" + ",".join(["1e3"] * 200_000) + "]",
        json.dumps([GOOD_ROW] * 20_000),
        json.dumps([GOOD_ROW | {"caption": "a" * 100 + "\N{PILE OF POO}"}] * 20_000, ensure_ascii=False),
        json.dumps(["\N{PILE OF POO}" + "a" * 10**6], ensure_ascii=False),
    ],
    ids=["objects", "lists", "numbers", "results", "captions", "a string"],
)
def test_json_takes_no_more_memory_than_was_asked_for(monkeypatch, text):
    """Whatever is in it: measured against what is asked for before it is parsed."""
    asked = []
    monkeypatch.setattr("pyroi.box_files.coco.check_room", lambda count, what: asked.append(count))
    content = text.encode()
    tracemalloc.start()
    with contextlib.suppress(BoxFileError):
        read_boxes(io.BytesIO(content), "coco")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= asked[0] + 2**16


@pytest.mark.parametrize("text", ["0 1 1 0 0\n" * 50_000, "0 .1 .1 .1 .1 1\n" * 50_000, "\n" * 500_000, "0 " * 500_000])
def test_yolo_takes_no_more_memory_than_was_asked_for(monkeypatch, text):
    """Rows, lines without rows, and one long line."""
    asked = []
    monkeypatch.setattr("pyroi.box_files.yolo.check_room", lambda count, what: asked.append(count))
    tracemalloc.start()
    with contextlib.suppress(BoxFileError):
        read_boxes(io.BytesIO(text.encode()), "yolo", image_size=(4, 4))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= asked[0] + 2**16


def test_a_small_text_takes_little_memory(tmp_path):
    """Not as much as the largest text would."""
    (tmp_path / "x.json").write_text(json.dumps([GOOD_ROW]))
    tracemalloc.start()
    read_boxes(tmp_path / "x.json")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_a_table_of_more_rows_than_memory_is_refused(tmp_path, monkeypatch, format):
    """A million equal rows take some kilobytes in Parquet."""
    skip_without_pyarrow(format)
    write_boxes(tmp_path / NAMED[format], BoxRecords(np.zeros((10**6, 4))))
    monkeypatch.setattr(records.limits, "tightest", lambda: records.limits.Limit(10**7, 0))
    with pytest.raises(MemoryError, match="a table of"):
        read_boxes(tmp_path / NAMED[format])


def test_a_pipe_is_refused(tmp_path):
    """Which would block."""
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(BoxFileError, match="it is not a regular file"):
        read_boxes(tmp_path / "x.json")


# ---- Writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_records", "options", "said"),
    [
        (BoxRecords(BOXES), {"format": "coco"}, "scores: a list of COCO's results needs them, got none"),
        (BoxRecords(BOXES, [1, 1, 1]), {"format": "coco"}, "image_ids: COCO's JSON needs them, got none"),
        (BoxRecords(BOXES), {"format": "yolo"}, "class_ids: YOLO's text needs them, got none"),
        (BoxRecords(BOXES, None, [0, 0, 0]), {"format": "yolo"}, "image_size: YOLO's text needs the (height, width)"),
        (FULL, {"format": "yolo"}, "image_ids: a text file of YOLO has the boxes of one image, got boxes of 2"),
        (FULL, {"format": "yolo", "image_size": (48, 64)}, "has the boxes of one image, got boxes of 2"),
        (BoxRecords(BOXES, None, [0, -1, 0]), {"format": "yolo", "image_size": (48, 64)},
         "class_ids: row 1: YOLO's text needs numbers of at least 0, got -1"),
        (BoxRecords(BOXES, None, [0, 0, 0]), {"format": "yolo", "image_size": (40, 64)},
         "boxes: row 1: expected a box within the image of height 40 and width 64, got [0.0, 0.0, 64.0, 48.0]"),
        (FULL, {"format": "npz", "image_size": (4, 4)}, "image_size: format npz has coordinates in pixels"),
        (FULL, {"format": "xml"}, "format: expected one of coco, coco_dataset, yolo, parquet, arrow, npz, got 'xml'"),
        (FULL, {}, "file: expected a name that ends in .json, .txt"),
        (FULL, {"format": "yolo", "image_size": (0, 4)}, "image_size: expected (height, width) in pixels"),
    ],
)  # fmt: skip
def test_what_a_format_has_no_room_for_leaves_the_file_as_it_was(tmp_path, given_records, options, said):
    """And nothing beside it."""
    (tmp_path / "x").write_text("old")
    with pytest.raises(ValueError) as caught:
        write_boxes(tmp_path / "x", given_records, **options)
    assert said in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "old"


def test_a_file_is_replaced_whole(tmp_path, monkeypatch):
    """Through a link, with the mode of the old file; a full disk leaves the old file and nothing beside it."""
    (tmp_path / "x.npz").write_text("old")
    (tmp_path / "x.npz").chmod(0o640)
    (tmp_path / "link.npz").symlink_to("x.npz")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_boxes(tmp_path / "link.npz", FULL)
    assert (tmp_path / "x.npz").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    write_boxes(tmp_path / "link.npz", FULL)
    assert (tmp_path / "link.npz").is_symlink()
    assert stat.S_IMODE((tmp_path / "x.npz").stat().st_mode) == 0o640
    assert_same(read_boxes(tmp_path / "x.npz"), FULL)


# ---- Records and arguments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"boxes": [[0, 0, 1]]}, "boxes: expected [K, 4], got [1, 3]"),
        ({"boxes": [[0, 0, 1, 1], [2, 0, 1, 1]]}, "boxes: row 1: expected x1 <= x2 and y1 <= y2, got [2.0, 0.0, 1.0"),
        ({"boxes": [[0, 0, 1, np.nan]]}, "boxes: row 0: expected finite numbers, got [0.0, 0.0, 1.0, nan]"),
        ({"scores": [1, 2]}, "scores: expected [1], a number for each box, got [2]"),
        ({"scores": [np.inf]}, "scores: row 0: expected a finite number, got inf"),
        ({"class_ids": [0.5]}, "class_ids: row 0: expected an integer, got 0.5"),
        ({"class_ids": [np.nan]}, "class_ids: row 0: expected an integer, got nan"),
        ({"class_ids": ["a"]}, "class_ids: expected"),
        ({"image_ids": np.array([2**63], np.uint64)}, "image_ids: row 0: expected an integer of 64 bits"),
        ({"class_names": "cat"}, "class_names: expected a sequence or a mapping of names, got 'cat'"),
        ({"class_names": {"1": "cat"}}, "class_names: expected integers of 64 bits as keys, got '1'"),
        ({"class_names": [1]}, "class_names: expected a string for 0, got 1"),
        ({"image_sizes": [(1, 1)]}, "image_sizes: expected a mapping"),
        ({"image_sizes": {0: (1, 1.5)}}, "image_sizes: expected (height, width)"),
    ],
)
def test_records_name_the_column_and_the_row(arguments, said):
    """Before anything is written."""
    with pytest.raises((ValueError, TypeError)) as caught:
        BoxRecords(**({"boxes": [[0, 0, 1, 1]]} | arguments))
    assert said in str(caught.value)


def test_wrong_arguments():
    """They are told by name."""
    with pytest.raises(ValueError, match=r"image_size: YOLO's text needs the \(height, width\)"):
        read_boxes("a.txt")
    with pytest.raises(ValueError, match="image_size: format coco has coordinates in pixels and takes none"):
        read_boxes("a.json", image_size=(4, 4))
    with pytest.raises(TypeError, match="file: expected a name or a binary file, got int"):
        read_boxes(3)
    with pytest.raises(TypeError, match="records: expected BoxRecords, got list"):
        write_boxes("a.json", [])
    with pytest.raises(FileNotFoundError):
        read_boxes("there-is-none.json")


def test_errors_go_between_processes():
    """As results of batch work do."""
    error = pickle.loads(pickle.dumps(BoxFileError("a.txt", "wrong", line=3)))
    assert (str(error), error.line, error.reason) == ("a.txt: line 3: wrong", 3, "line 3: wrong")
    row = pickle.loads(pickle.dumps(records.RowError("boxes", 2, "wrong")))
    assert (str(row), row.row, row.fault) == ("boxes: row 2: wrong", 2, "boxes: wrong")


def write_without_pyarrow():
    """In a process where pyarrow is not installed."""
    import io
    import sys

    sys.modules["pyarrow"] = None
    from pyroi.box_files import BoxRecords, read_boxes, write_boxes

    print(len(read_boxes(io.BytesIO(b"0 .5 .5 .5 .5"), "yolo", image_size=(4, 4))))
    try:
        write_boxes("x.parquet", BoxRecords([]))
    except ImportError as error:
        print(error)


def test_without_pyarrow_the_error_says_what_to_install():
    """And the other formats work."""
    said = run_child(write_without_pyarrow)
    assert said.startswith("1\n")
    assert "pyarrow, which is not installed: run pip install '.[arrow]'" in said


# ---- Names of classes ------------------------------------------------------------------------------------------------

ANIMALS = {0: "cat", 1: "fire hydrant", 2: "it's: a #dog"}

CLASS_FILES = {
    "classes.txt": "cat\r\nfire hydrant\r\n  it's: a #dog\n\n",
    "coco.names": "\ufeffcat\nfire hydrant\nit's: a #dog",
    "list.yaml": "path: ../x\nnames:\n- cat  # the first\n\n- 'fire hydrant'\n- \"it's: a #dog\"\nnc: 3\n",
    "map.yaml": "# data\nnames:\n  0: cat\n  1: fire hydrant # red\n  '2': 'it''s: a #dog'\ntrain: images\n",
    "flow.yml": "names: ['cat', fire hydrant,\n  \"it's: a #dog\"]\nnc: 3\n",
    "braces.yml": 'nc: 3\nnames: {0: cat, 1: fire hydrant, 2: "it\'s: a #dog",}',
    "set.json": json.dumps({"categories": [{"id": key, "name": name} for key, name in ANIMALS.items()]}),
    "list.json": json.dumps([{"id": key, "name": name} for key, name in ANIMALS.items()]),
}


@pytest.mark.parametrize("name", CLASS_FILES)
def test_class_names(tmp_path, name):
    """The forms in which datasets have them; and with boxes they replace what the boxes' file has."""
    skip_without_yaml(name)
    path = tmp_path / name
    path.write_bytes(CLASS_FILES[name].encode())
    assert read_class_names(path) == ANIMALS
    with open(path, "rb") as file:
        assert read_class_names(file) == ANIMALS
    assert read_class_names(io.BytesIO(path.read_bytes()), class_format_of(name)) == ANIMALS
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.25 0.5\n")
    found = read_boxes(tmp_path / "a.txt", image_size=(48, 64), class_names=read_class_names(path))
    assert found.class_names[int(found.class_ids[0])] == "fire hydrant"
    assert found.boxes.tolist() == [[24, 12, 40, 36]]


@pytest.mark.parametrize(
    ("name", "content", "line", "said"),
    [
        ("a.txt", "cat\n\ndog\n", 2, "expected the name of a class, got an empty line"),
        ("a.txt", b"cat\n\xff\n", 2, "expected text in UTF-8"),
        ("a.txt", "cat\ndo\0g\n", 2, "expected a text without NUL characters"),
        ("a.yaml", "nc: 3\n", None, 'expected a key "names"'),
        ("a.yaml", "- names\n", None, 'expected a key "names"'),
        ("a.yaml", "", None, 'expected a key "names"'),
        ("a.yaml", "names: [a]\nnames: [b]\n", 2, 'expected one key "names", got another'),
        ("a.yaml", "nc: 1\nnames: cat\n", 2, "names: expected a list or a mapping, got 'cat'"),
        ("a.yaml", "names:\n  0: cat\n  dog: 1\n", 3, "expected NUMBER: NAME, got the key 'dog'"),
        ("a.yaml", "names:\n  0: cat\n  [1]: dog\n", 3, "expected NUMBER: NAME, got the key a list"),
        ("a.yaml", "names:\n  0: cat\n  0: dog\n", 3, "expected a unique number, got 0 again"),
        ("a.yaml", "names: {9223372036854775808: cat}\n", 1, "expected an integer of 64 bits, got 9223372036854775808"),
        ("a.yaml", "names:\n  - cat: 1\n", 2, "expected the name of a class, got a mapping"),
        ("a.yaml", "names:\n  - cat\n  -\n", 3, "expected the name of a class, got ''"),
        ("a.yaml", "names:\n  - *cat\n", 2, "expected YAML: found undefined alias 'cat'"),
        ("a.yaml", "names:\n  - cat\n  dog\n", 3, "expected YAML: "),
        ("a.yaml", "names: [cat,\n  dog\n", 2, "expected YAML: "),
        ("a.yaml", 'names: ["\\q"]\n', 1, "expected YAML: found unknown escape character 'q'"),
        ("a.yaml", "names: [a]\n---\nnames: [b]\n", 2, "expected YAML: but found another document"),
        ("a.yaml", "names: [a\x07]\n", None, "expected YAML: "),
        ("a.yaml", 'names: ["\\UFFFFFFFF"]\n', None, "expected YAML: "),
        ("a.yaml", 'names: [a,\n  "b\\0"]\n', 2, "expected a text without NUL and halves of characters, got 'b\\x00'"),
        ("a.yaml", 'names: ["\\ud800"]\n', 1, "expected a text without NUL and halves of characters, got '\\ud800'"),
        ("a.yaml", "names: " + "[" * 2000, None, "they are nested too deeply"),
        ("a.yaml", "names: [" + "a," * 2**17, None, "expected at most 262144 bytes of names"),
        ("a.json", '{"categories": [{"id": 1, "name": 2}]}', None, "categories[0]: name: expected a string, got 2"),
        ("a.json", '[{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]', None, "categories[1]: id: expected a unique"),
        ("a.json", "{}", None, "expected a list of categories"),
        ("a.txt", "x" * 2**20 + "y", None, "expected at most 1048576 bytes of names"),
    ],
)
def test_bad_class_names(tmp_path, name, content, line, said):
    """The message names the file, and the line of a text from 1."""
    skip_without_yaml(name)
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BoxFileError) as caught:
        read_class_names(path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}: " + (f"line {line}: " if line else ""))
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["no", "1", "1.5", "null", "2026-11-29", "0x10"])
def test_names_count_as_they_are_written(tmp_path, text):
    """Also where YAML sees another type than text."""
    skip_without_yaml("a.yaml")
    (tmp_path / "a.yaml").write_text(f"names: [{text}, &c cat, *c]\n")
    assert read_class_names(tmp_path / "a.yaml") == {0: text, 1: "cat", 2: "cat"}


def read_without_yaml():
    """In a process where PyYAML is not installed."""
    import io
    import sys

    sys.modules["yaml"] = None
    from pyroi.box_files import read_class_names

    file = io.BytesIO(b"cat")
    file.name = "a.txt"
    print(read_class_names(file))
    file.name = "a.yaml"
    try:
        read_class_names(file)
    except ImportError as error:
        print(error)


def test_without_yaml_the_error_says_what_to_install():
    """And the other formats work."""
    said = run_child(read_without_yaml)
    assert said.startswith("{0: 'cat'}\n")
    assert "need PyYAML, which is not installed: run pip install '.[yaml]'" in said


def test_class_names_have_a_suffix(tmp_path):
    """Or a format; no other is known."""
    known = r"^file: expected a name that ends in .txt, .names, .yaml, .yml, .json, got"
    with pytest.raises(ValueError, match=known):
        read_class_names(tmp_path / "names.csv")
    with pytest.raises(ValueError, match=known):
        read_class_names(io.BytesIO(b"cat"))
    with pytest.raises(ValueError, match=r"^format: expected one of lines, yaml, json, got 'csv'"):
        read_class_names(io.BytesIO(b"cat"), "csv")
    with pytest.raises(ValueError, match=r"^format: expected one of lines, yaml, json, got \['lines'\]"):
        read_class_names(io.BytesIO(b"cat"), ["lines"])


@given(st.text(st.sampled_from("names: [],{}'\"\\#-\n 01a\tuUxFd8&*!|>%"), max_size=40))
def test_any_yaml_ends(text):
    """Names, or an error of the file; nothing else."""
    skip_without_yaml("a.yaml")
    file = io.BytesIO(f"names:{text}".encode())
    file.name = "a.yaml"
    with contextlib.suppress(BoxFileError):
        assert all(isinstance(name, str) for name in read_class_names(file).values())
