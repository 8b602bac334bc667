"""Boxes in files under roish --safe: all that their formats need is loaded before the walls stand."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("ending", ["json", "npz", "parquet", "feather"])
def test_boxes_are_written_and_read(places, ending):
    """In the allowed folder."""
    if ending in ("parquet", "feather"):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    ran = places.run(
        f"torch::boxes_write in/x.{ending} {{{{1 1 9 9}}}} 0.5 1 2\n"
        f"puts [torch::tensor_to_list [dict get [torch::boxes_read in/x.{ending}] boxes]]"
    )
    assert (ran.status, ran.output) == (0, "1.0 1.0 9.0 9.0\n"), ran.errors


def test_names_of_classes_are_read_from_yaml(places):
    """PyYAML is loaded before, too."""
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    (places.allowed / "a.txt").write_text("1 0.5 0.5 0.25 0.5\n")
    (places.allowed / "data.yaml").write_text("names: [cat, dog]\n")
    ran = places.run(
        "puts [dict get [torch::boxes_read in/a.txt -imageSize 8 -classFile in/data.yaml] classNames]",
    )
    assert (ran.status, ran.output) == (0, "0 cat 1 dog\n"), ran.errors
