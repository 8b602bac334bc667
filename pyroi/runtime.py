"""The number of threads, the processor tier, and the environment variables of both."""

from __future__ import annotations

from pyroi.arrays import to_integer
from pyroi.errors import ArgumentError
from pyroi.native import ffi, lib


def set_num_threads(n: int) -> None:
    """Sets the number of threads that later calls in this process may use.

    Results are bit-identical for every number. The initial number is that of the environment variable
    ``OMP_NUM_THREADS`` when pyroi is imported, or else the number of processors in the affinity mask of the calling
    thread, limited by the CPU quota of the container.

    Args:
        n: From 1 to 1024.

    Raises:
        TypeError: `n` is not an integer.
        ValueError: `n` is below 1, or above 1024.

    Example:
        >>> import pyroi
        >>> pyroi.set_num_threads(pyroi.get_num_threads())
    """
    n = to_integer(n, "n")
    if not 1 <= n <= 1024:
        raise ArgumentError("n", f"expected 1 to 1024 threads, got {n}")
    lib.roi_set_num_threads(n)


def get_num_threads() -> int:
    """The number of threads that a call may use; 1 if pyroi was built without threads.

    Returns:
        The number that :func:`set_num_threads` has set, or the initial one.

    Example:
        >>> import pyroi
        >>> before = pyroi.get_num_threads()
        >>> pyroi.set_num_threads(1)
        >>> pyroi.get_num_threads()
        1
        >>> pyroi.set_num_threads(before)
    """
    return int(lib.roi_get_num_threads())


def environment_problems() -> list[str]:
    """The errors in environment variables that libroi has read: a line for each, with the value used instead.

    They are ``ROI_CPU_TIER`` (baseline, avx2, avx512) and ``OMP_NUM_THREADS`` (a whole number of threads, 1 to 1024,
    or a list, the first of which is used). An invalid value is ignored, and a larger number counts as 1024;
    `import pyroi` issues a RuntimeWarning for each.
    """
    problems: list[str] = []
    while (problem := lib.roi_environment_problem(len(problems))) != ffi.NULL:
        problems.append(ffi.string(problem).decode(errors="backslashreplace"))
    return problems


def cpu_features() -> dict[str, str]:
    """The processor tiers: ``tier`` is the tier in use, and ``best`` the best tier that this processor supports.

    Tiers are ``baseline``, ``avx2`` and ``avx512``. The environment variable ``ROI_CPU_TIER``, read when pyroi is
    imported, selects a lower one.

    Returns:
        A dict with the names of the two tiers.

    Example:
        >>> import pyroi
        >>> sorted(pyroi.cpu_features())
        ['best', 'tier']
    """
    return {
        "tier": ffi.string(lib.roi_cpu_tier_name(lib.roi_get_cpu_tier())).decode(),
        "best": ffi.string(lib.roi_cpu_tier_name(lib.roi_best_cpu_tier())).decode(),
    }
