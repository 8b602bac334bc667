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
