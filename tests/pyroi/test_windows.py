"""pyroi without what Python has on POSIX alone, as a stand-in for Windows, where these tests have not been run."""

from __future__ import annotations

import sys

import pytest
from children import run_child

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these tests take from Python what Windows lacks")


def use_all(folder):
    import importlib
    import os

    import windows

    windows.hide_posix()
    import numpy as np

    import pyroi
    import pyroi.__main__
    from pyroi import box_files

    for name in sorted(os.listdir(os.path.dirname(pyroi.__file__))):
        if name.endswith(".py") and name not in ("__init__.py", "__main__.py", "autograd.py", "numba.py"):
            importlib.import_module(f"pyroi.{name[:-3]}")
    crops = pyroi.roi_align(np.ones((1, 64, 20, 20), np.float32), np.tile([0.0, 0, 0, 9, 9], (400, 1)), (7, 7), 1.0)
    assert crops.nbytes > 4 << 20  # where memory is reused on other systems
    assert crops.min() == crops.max() == 1
    assert pyroi.nms([[0, 0, 2, 2], [0, 0, 2, 2]], [0.5, 0.6], 0.5).tolist() == [1]
    for name in ("boxes.json", "boxes.json", "boxes.npz"):  # a new file, and one that replaces another
        path = os.path.join(folder, name)
        box_files.write_boxes(path, box_files.BoxRecords([[1, 2, 3, 4]], [0.5], [1], [7]))
        assert box_files.read_boxes(path).boxes.tolist() == [[1, 2, 3, 4]]
    assert sorted(os.listdir(folder)) == ["boxes.json", "boxes.npz"]
    print(pyroi.__main__.report())


def test_pyroi_needs_nothing_of_posix(tmp_path):
    """Its modules that need no other package are imported and used."""
    assert "kernels:" in run_child(use_all, str(tmp_path))


def start_the_shell():
    import sys

    import windows

    windows.hide_posix()
    sys.platform = "win32"
    from tclcmd.shell import program

    try:
        program.main()
    except SystemExit as end:
        print(end)


def test_the_shell_says_that_it_needs_posix():
    """Before it imports what Windows does not have."""
    assert run_child(start_the_shell).startswith("roish: the command shell needs POSIX and does not run on Windows.")
