"""Optional dependencies: pyroi uses them if they are installed, and works without them."""

from __future__ import annotations

import pytest
from children import run_child


def import_without(package, module):
    """In a process where `package` is not installed."""
    import importlib
    import sys

    sys.modules[package] = None
    importlib.import_module("pyroi")
    try:
        importlib.import_module(module)
    except ImportError as error:
        print(error)


@pytest.mark.parametrize("extra", ["torch", "autograd", "jax", "numba"])
def test_without_it_the_error_says_what_to_install(extra):
    """And `import pyroi` works."""
    said = run_child(import_without, extra, f"pyroi.{extra}")
    assert "which is not installed" in said
    assert f"pip install '.[{extra}]'" in said


def names_of_loaded_modules():
    """After `import pyroi`."""
    import sys

    import pyroi  # noqa: F401

    print(*sys.modules)


def test_pyroi_loads_none_of_them():
    """They cost nobody who does not ask for them."""
    loaded = run_child(names_of_loaded_modules).split()
    assert "pyroi" in loaded
    assert not {"torch", "autograd", "ml_dtypes", "jax", "numba"} & set(loaded)
