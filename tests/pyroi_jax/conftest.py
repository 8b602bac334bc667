"""What the tests of the join to JAX have in common."""

from __future__ import annotations

import pytest


@pytest.fixture
def float64():
    """JAX with numbers of 64 bits, which it otherwise makes 32."""
    import jax

    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)
