"""A type checker knows the type of every public name, without inferring any."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("basedpyright", reason="basedpyright, which looks for missing types, is not installed")
# Of a class whose base comes from a package that is missing, no type is known.
pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("jax", reason="JAX is not installed")


def test_every_type_is_known(tmp_path):
    """As `pyright --verifytypes` sees the installed package."""
    prefix = pathlib.Path(sys.prefix)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"venvPath": str(prefix.parent), "venv": prefix.name}))
    command = [sys.executable, "-I", "-m", "basedpyright", "--verifytypes", "pyroi", "--ignoreexternal", "--outputjson"]
    environment = {**os.environ, "PATH": f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}"}  # it asks python there
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    found = json.loads(done.stdout)["typeCompleteness"]
    assert found["exportedSymbolCounts"]["withKnownType"] > 400
    unknown = [symbol["name"] for symbol in found["symbols"] if symbol["isExported"] and not symbol["isTypeKnown"]]
    assert unknown == []
