"""What the size of a pointer decides: how large an array can be."""

from __future__ import annotations

import sys

import pytest

#: For arrays that memory cannot hold, but a pointer of 64 bits could address.
needs_64_bits = pytest.mark.skipif(sys.maxsize < 2**32, reason="pointers of 32 bits address no array of that size")


def on_64_bits(*values: object) -> object:
    """Values of a test's parameters that are tried there alone."""
    return pytest.param(*values, marks=needs_64_bits)
