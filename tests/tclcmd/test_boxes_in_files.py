"""torch::boxes_read and torch::boxes_write: values, words of errors, whole files. The formats: tests/pyroi."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from pyroi.box_files import read_boxes

ROW = {"image_id": 42, "category_id": 18, "bbox": [258.15, 41.29, 348.25, 243.5], "score": 0.236}
WRITE = "torch::boxes_write {file} {{{{4.5 6 30 40}} {{36 10 60 30}}}} {{0.9 0.6}} {{1 9007199254740993}} {{7 8}}"
FACTS = '-classNames {1 cat 90 "fire hydrant"} -imageNames {7 a.jpg} -imageSizes {7 {48 64}}'


@pytest.mark.parametrize("ending", ["npz", "parquet", "feather"])
def test_what_is_written_is_read(tcl, tmp_path, ending):
    """Every key of the dict, and in Python the same."""
    if ending != "npz":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    path = f"{tmp_path}/x.{ending}"
    assert tcl(f"{WRITE.format(file=path)} {FACTS}") == path
    tcl.run(f"set found [torch::boxes_read {path}]")
    assert tcl("dict keys $found") == "boxes scores classIds imageIds classNames imageNames imageSizes units"
    assert tcl("torch::tensor_to_list [dict get $found boxes] true") == "{4.5 6.0 30.0 40.0} {36.0 10.0 60.0 30.0}"
    assert tcl("torch::tensor_to_list [dict get $found scores]") == "0.9 0.6"
    assert tcl("torch::tensor_dtype [dict get $found boxes]") == "Float32"
    assert tcl("torch::tensor_to_list [dict get $found classIds]") == "1 9007199254740993"  # no float32 has it
    assert tcl("torch::tensor_dtype [dict get $found imageIds]") == "Int64"
    assert tcl("dict get $found classNames 90") == "fire hydrant"
    assert tcl("dict get $found imageNames") == "7 a.jpg"
    assert tcl("dict get $found imageSizes 7") == "48 64"
    assert tcl("dict get $found units") == "pixels"
    assert read_boxes(path).image_sizes == {7: (48, 64)}


def test_coco(tcl, tmp_path):
    """A list of results as COCO's description has it, suppressed, and written again."""
    (tmp_path / "in.json").write_text(json.dumps([ROW, ROW | {"score": 0.9}]))
    tcl.run(f"set found [torch::boxes_read {tmp_path}/in.json -classNames {{18 dog}}]")
    assert tcl("dict get $found classNames") == "18 dog"
    tcl.run("set boxes [dict get $found boxes]; set scores [dict get $found scores]")
    assert tcl("torch::tensor_to_list [set kept [torch::nms $boxes $scores 0.5]]") == "1"
    pick = "[torch::tensor_index_select {} 0 $kept]"
    words = " ".join(pick.format(f"[dict get $found {key}]") for key in ("boxes", "scores", "classIds", "imageIds"))
    tcl.run(f"torch::boxes_write {tmp_path}/out.json {words}")
    assert json.loads((tmp_path / "out.json").read_text()) == [ROW | {"score": 0.9}]
    tcl.run(f"torch::boxes_write {tmp_path}/set.json {words} -format coco_dataset -classNames {{18 dog}}")
    dataset = json.loads((tmp_path / "set.json").read_text())
    assert dataset["categories"] == [{"id": 18, "name": "dog"}]
    assert dataset["images"] == [{"id": 42}]


def test_yolo(tcl, tmp_path):
    """An image of height 100 and width 200; names as a list."""
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.25 0.5\n")
    tcl.run(f"set found [torch::boxes_read {tmp_path}/a.txt -imageSize {{100 200}} -classList {{cat dog}}]")
    assert tcl("torch::tensor_to_list [dict get $found boxes]") == "75.0 25.0 125.0 75.0"
    assert tcl("dict get $found classNames") == "0 cat 1 dog"
    assert tcl("dict exists $found scores") == "0"
    tcl.run(f"torch::boxes_write {tmp_path}/b.txt [dict get $found boxes] -classIds 1 -imageSize {{100 200}}")
    assert (tmp_path / "b.txt").read_text() == "1 0.5 0.5 0.25 0.5\n"
    tcl.run(f"torch::boxes_write {tmp_path}/c.txt {{}} -classIds {{}} -imageSize 64")
    np.testing.assert_array_equal(read_boxes(tmp_path / "c.txt", image_size=(64, 64)).boxes, np.empty((0, 4)))


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("a.txt", "0 .5 .5 .1 .1\n0 320 .5 .1 .1\n", "-imageSize 64",
         "line 2: x: expected a part of the image, 0 to 1, got '320'"),
        ("a.json", json.dumps([ROW, ROW | {"bbox": [1, 2]}]), "",
         "row 1: bbox: expected a list of x, y, width, height, got [1, 2]"),
        ("a.json", '[\n{"a": ', "", "line 2, column 7: it is not JSON: Expecting value"),
        ("a.npz", "PK", "", "it is a damaged archive: File is not a zip file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read(tcl, tmp_path, name, content, options, said):
    """The situation IO, with the file and the place in it."""
    (tmp_path / name).write_text(content)
    script = f"torch::boxes_read {tmp_path}/{name} {options}"
    assert tcl.error(script) == f"Cannot read {tmp_path}/{name}: {said}"
    assert tcl("lrange $errorCode 0 3") == f"TORCH IO read {tmp_path}/{name}"
    assert tcl.stats()["live"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("x.json {{0 0 1 1}}", "Invalid scores tensor: a list of COCO's results needs them, got none"),
        ("x.json {{0 0 1 1}} 1 1", "Invalid imageIds tensor: COCO's JSON needs them, got none"),
        (
            "x.txt {{0 0 1 1}} -classIds 1",
            "Invalid imageSize value: YOLO's text needs the (height, width) of the image",
        ),
        ("x.txt {{0 0 9 1}} -classIds 1 -imageSize 8", "Invalid boxes tensor: row 0: expected a box within the image"),
        ("x.npz {{0 0 1 1} {5 0 1 1}}", "Invalid boxes tensor: row 1: expected x1 <= x2 and y1 <= y2, got [5.0, 0.0"),
        ("x.npz {{0 0 1}}", "Invalid boxes tensor: expected [K, 4], got [1, 3]"),
        ("x.npz {{0 0 1 1}} {1 2}", "Invalid scores tensor: expected [1], a number for each box, got [2]"),
        ("x.npz {{0 0 1 1}} -classIds [torch::full 1 0.5]", "Invalid classIds tensor: row 0: expected an integer"),
        ("x.npz {{0 0 1 1}} -imageSizes {1 {0 4}}", "Invalid imageSizes value: expected (height, width)"),
        ("x.npz {{0 0 1 1}} -imageSize 4", "Invalid imageSize value: format npz has coordinates in pixels"),
        ("x.bmp {{0 0 1 1}}", "Invalid file value: expected a name that ends in .json"),
        ("no/such/x.npz {{0 0 1 1}}", "Cannot write no/such/x.npz: no such file or directory"),
    ],
)
def test_boxes_that_cannot_be_written(tcl, tmp_path, monkeypatch, words, said):
    """The parameter, the rule and what came; and no file."""
    monkeypatch.chdir(tmp_path)
    assert tcl.error(f"torch::boxes_write {words}").startswith(said)
    assert os.listdir(tmp_path) == []


def test_two_lists_of_names(tcl, tmp_path):
    """One of them is wrong."""
    tcl.run(WRITE.format(file=f"{tmp_path}/x.npz"))
    error = tcl.error(f"torch::boxes_read {tmp_path}/x.npz -classNames {{1 a}} -classList {{a b}}")
    assert error == ("Invalid classList value: expected one of classNames, classList and classFile, got several")


def test_an_old_file_stays_after_an_error(tcl, tmp_path):
    """Written whole or not at all, by what all commands write files with."""
    (tmp_path / "x.txt").write_text("old")
    tcl.error(f"torch::boxes_write {tmp_path}/x.txt {{{{0 0 9 1}}}} -classIds 1 -imageSize 8")
    assert (tmp_path / "x.txt").read_text() == "old"


def test_without_pyarrow(tcl, tmp_path, monkeypatch):
    """The message says what to install."""
    import builtins

    real = builtins.__import__

    def without(name, *arguments):
        if name.partition(".")[0] == "pyarrow" or (name == "pyroi.box_files" and arguments[2] == ("arrow",)):
            raise ImportError("Parquet and Arrow files need pyarrow, which is not installed: run pip install")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    message = tcl.error(f"torch::boxes_write {tmp_path}/x.parquet {{{{0 0 1 1}}}}")
    assert message.startswith(f"Cannot write {tmp_path}/x.parquet: Parquet and Arrow files need pyarrow")
    assert tcl("lrange $errorCode 0 2") == "TORCH IO write"


def test_class_file(tcl, tmp_path):
    """Names from a file; an error names the line, and several sources of names are refused."""
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.25 0.5\n")
    (tmp_path / "data.yaml").write_text("nc: 2\nnames:\n  0: cat\n  1: fire hydrant\n")
    read = f"torch::boxes_read {tmp_path}/a.txt -imageSize {{100 200}} -classFile {tmp_path}/data.yaml"
    assert tcl(f"dict get [{read}] classNames") == "0 cat 1 {fire hydrant}"
    assert tcl.error(f"{read} -classList cat") == (
        "Invalid classFile value: expected one of classNames, classList and classFile, got several"
    )
    (tmp_path / "data.yaml").write_text("names:\n  0: cat\n  dog: 1\n")
    message = tcl.error(read)
    assert "line 3: expected NUMBER: NAME, got the key 'dog'" in message
