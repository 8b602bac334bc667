"""Threads and processor."""

from __future__ import annotations

from pyroi.arrays import to_integer
from pyroi.errors import ArgumentError
from pyroi.native import ffi, lib


def set_num_threads(n: int) -> None:
    """Lets every later call in this process use up to `n` threads.

    The results are the same to the last bit for every number. At first it is what the environment variable
    ``OMP_NUM_THREADS`` says when pyroi is imported, or else one thread for each processor that the calling thread may
    run on (its affinity mask) and that the CPU quota of a container pays for.

    Raises:
        TypeError: `n` is no integer.
        ValueError: `n` is below 1, or above 1024.
    """
    n = to_integer(n, "n")
    if not 1 <= n <= 1024:
        raise ArgumentError("n", f"expected 1 to 1024 threads, got {n}")
    lib.roi_set_num_threads(n)


def get_num_threads() -> int:
    """How many threads a call may use; 1 where pyroi was built without threads."""
    return int(lib.roi_get_num_threads())


def environment_problems() -> list[str]:
    """What is wrong with the environment variables that libroi has read: a line for each, with what is done instead.

    They are ``ROI_CPU_TIER`` (baseline, avx2, avx512) and ``OMP_NUM_THREADS`` (a whole number of threads, 1 to 1024,
    or a list of which the first counts). A value that is neither is ignored, and too large a number counts as 1024;
    `import pyroi` tells of it by a RuntimeWarning.
    """
    problems: list[str] = []
    while (problem := lib.roi_environment_problem(len(problems))) != ffi.NULL:
        problems.append(ffi.string(problem).decode(errors="backslashreplace"))
    return problems


def cpu_features() -> dict[str, str]:
    """Which kernels are in use: ``tier`` is the one chosen, ``best`` the best that this processor has.

    Tiers are ``baseline``, ``avx2`` and ``avx512``. The environment variable ``ROI_CPU_TIER``, read when pyroi is
    imported, lowers the choice.
    """
    return {
        "tier": ffi.string(lib.roi_cpu_tier_name(lib.roi_get_cpu_tier())).decode(),
        "best": ffi.string(lib.roi_cpu_tier_name(lib.roi_best_cpu_tier())).decode(),
    }
