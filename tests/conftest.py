"""Settings of the whole suite."""

from __future__ import annotations

import math
import os
import signal
import zlib

import pytest
from hypothesis import HealthCheck, settings

# "fixed" tries the same cases in every run, so that a failure is one for everybody; "few" takes a tenth of the time,
# for processors that are emulated; "search" looks for new ones: HYPOTHESIS_PROFILE=search pytest
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("fixed", derandomize=True, database=None, max_examples=60, **_COMMON)
settings.register_profile("search", max_examples=1000, **_COMMON)
settings.register_profile("few", derandomize=True, database=None, max_examples=6, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# A shell that runs the suite in the background may have it ignore SIGINT, and so every program that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Of the tests that are generated from declarations, `--sample` runs one in so many.
SAMPLED = 5


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the choice between all generated cases and a sample of them."""
    words = f"run one in {SAMPLED} of the cases of tests marked `generated`"
    parser.addoption("--sample", action="store_true", help=words)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the generated cases that are not in the sample, which has at least one of each test."""
    if not config.getoption("sample"):
        return
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("generated") and hasattr(item, "callspec"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for of_one_test in cases.values():
        of_one_test.sort(key=_draw)
    left_out = {item for of_one_test in cases.values() for item in of_one_test[math.ceil(len(of_one_test) / SAMPLED) :]}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


def _draw(case: pytest.Item) -> int:
    """The order in which cases come into the sample: the same in each run, and not that of the parameters.

    Every fifth in their own order would always be of the same type where types come in fives.
    """
    return zlib.crc32(case.nodeid.encode())
