"""The kernels of all CPU tiers agree up to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from children import run_child
from oracles import bounds

import pyroi

TIERS = ["baseline", "avx2", "avx512"]


def available():
    """The tiers that this processor and this build have."""
    return TIERS[: TIERS.index(pyroi.cpu_features()["best"]) + 1]


def _compute(path):
    """Stores the results of all calls of the battery, and the size of what was summed for them."""
    import numpy as np
    from oracles.cases import battery

    import pyroi

    results = {}
    for name, function, first, arguments, options in battery():
        result = getattr(pyroi, function)(first, *arguments, **options)
        if function == "roi_pool":  # exact, so that nothing is summed: values, and with return_argmax their places too
            result = np.stack([np.float64(part) for part in result]) if options["return_argmax"] else result
            results[name], results[name + " magnitude"] = result, np.zeros(result.shape)
        else:
            results[name] = result
            results[name + " magnitude"] = getattr(pyroi, function)(np.abs(first), *arguments, **options)
    np.savez(path, **results)
    print(pyroi.cpu_features()["tier"])


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    """The results of the plain C tier."""
    path = tmp_path_factory.mktemp("tiers") / "baseline.npz"
    assert run_child(_compute, str(path), ROI_CPU_TIER="baseline").strip() == "baseline"
    with np.load(path) as results:
        return dict(results)


@pytest.mark.parametrize("tier", TIERS[1:])
def test_agrees_with_the_baseline(tier, baseline, tmp_path):
    """All calls of the battery, forward and backward, within the bound of oracles.bounds; maxima to the last bit."""
    if tier not in available():
        pytest.skip(f"this processor or build has no {tier}")
    path = tmp_path / "results.npz"
    assert run_child(_compute, str(path), ROI_CPU_TIER=tier).strip() == tier
    with np.load(path) as results:
        assert results.keys() == baseline.keys()
        compared = 0
        for name, expected in baseline.items():
            if name.endswith(" magnitude"):
                continue
            magnitude = baseline[name + " magnitude"].astype(np.float64)
            try:
                bounds.assert_within(results[name], expected, magnitude, both_rounded=True)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from None
            compared += expected.size
    assert compared > 1_000_000


def _tier():
    import pyroi

    features = pyroi.cpu_features()
    print(features["tier"], features["best"])


@pytest.mark.parametrize("tier", TIERS)
def test_environment_lowers_the_choice(tier):
    """ROI_CPU_TIER names the tier; one that this machine lacks is not taken."""
    used, best = run_child(_tier, ROI_CPU_TIER=tier).split()
    assert best == pyroi.cpu_features()["best"]
    assert used == TIERS[min(TIERS.index(tier), TIERS.index(best))]


def _tier_and_warnings():
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import pyroi
    features = pyroi.cpu_features()
    print(features["tier"], features["best"])
    print(*(f"{warning.category.__name__} {warning.message}" for warning in caught), sep="\n")


@pytest.mark.parametrize("value", ["nonsense", "AVX1024", "baseline2", " ", "AVX2", "avx2 "])
def test_unknown_tier_is_told(value):
    """A word that is no tier leaves the best that this machine has, and importing pyroi warns of it."""
    tiers, *warnings = run_child(_tier_and_warnings, ROI_CPU_TIER=value).splitlines()
    used, best = tiers.split()
    assert used == best
    rule = "expected baseline, avx2 or avx512; it is ignored"
    assert warnings == [f"RuntimeWarning ROI_CPU_TIER={value}: {rule}"]


@pytest.mark.parametrize("value", ["", *TIERS])
def test_tiers_are_no_problem(value):
    """Neither is an empty value, nor a tier above the best, which this machine may be without."""
    assert run_child(_tier_and_warnings, ROI_CPU_TIER=value).splitlines()[1:] == [""]


def test_a_long_value_is_told_in_few_words():
    """The message is no longer than a line or two, also of bytes that are no text."""
    told = run_child(_tier_and_warnings, ROI_CPU_TIER="x" * 5000 + "\udcff").splitlines()[1]
    assert told.startswith("RuntimeWarning ROI_CPU_TIER=xxx")
    assert len(told) < 200
