"""Settings of the whole suite."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# "fixed" tries the same cases in every run, so that a failure is one for everybody; "search" looks for new ones:
# HYPOTHESIS_PROFILE=search pytest
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("fixed", derandomize=True, database=None, max_examples=60, **_COMMON)
settings.register_profile("search", max_examples=1000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# A shell that runs the suite in the background may have it ignore SIGINT, and so every program that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Of the tests that are generated from declarations, `--sample` runs one in so many.
SAMPLED = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the choice between all generated cases and a sample of them."""
    parser.addoption("--sample", action="store_true", help=f"run one in {SAMPLED} of the tests marked `generated`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the generated tests that are not in the sample, counted through all, so that each has its share."""
    if not config.getoption("sample"):
        return
    generated = [item for item in items if item.get_closest_marker("generated") and hasattr(item, "callspec")]
    left_out = {item for number, item in enumerate(generated) if number % SAMPLED}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]
