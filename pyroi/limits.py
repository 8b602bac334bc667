"""The memory limits of this process: the machine's memory, its control groups, and its address space limit.

Paths are strings here: pathlib would add milliseconds to every start.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

try:
    import resource
except ModuleNotFoundError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

_NAMES_OF_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_CGROUPS = "/sys/fs/cgroup"


@dataclass(frozen=True)
class Limit:
    """A memory limit in bytes, the bytes in use, and its holder, which is the subject and verb of a message."""

    most: int
    used: int
    holder: str = "this machine has"

    @property
    def free(self) -> int:
        """The bytes that are not in use."""
        return max(self.most - self.used, 0)


#: The sources of the limits that are not in the system's files.
_given: Callable[[], list[Limit]] | None = None


def use_only(given: Callable[[], list[Limit]]) -> None:
    """From now on these are the limits of this process, which may open the files of the system no more."""
    global _given
    _given = given


def memory_limits() -> list[Limit]:
    """All limits that can be read, with their present use."""
    if _given is not None:
        return _given()
    return [limit for limit in (_of_machine(), *_of_process(), *_of_groups()) if limit is not None]


def tightest() -> Limit:
    """The limit with the fewest free bytes."""
    return min(memory_limits(), key=lambda limit: limit.free, default=Limit(1 << 62, 0))


def _of_machine() -> Limit | None:
    """The memory and swap space of the machine. The page cache counts as free, since the system reclaims it."""
    try:
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    facts = _kilobytes("/proc/meminfo")
    if "MemAvailable" not in facts:
        return Limit(most, 0)
    most += facts.get("SwapTotal", 0)
    return Limit(most, max(most - facts["MemAvailable"] - facts.get("SwapFree", 0), 0))


def _of_process() -> Iterator[Limit]:
    """The limits that ``ulimit -v`` and ``ulimit -d`` set."""
    if resource is None:
        return
    for limit, used in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            yield Limit(most, _kilobytes("/proc/self/status").get(used, 0), "this process has")


def _kilobytes(path: str) -> dict[str, int]:
    """The sizes in a file of /proc, in bytes, by name."""
    lines = (line.split() for line in _read(path).splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if words[2:] == ["kB"]}


def _of_groups() -> Iterator[Limit]:
    """The limits of the control groups of this process, and of the groups that contain them."""
    for folder, most_name, used_name, files_name in _group_files():
        most = _read(os.path.join(folder, most_name)).strip()
        if not most.isdigit() or int(most) >= 1 << 60:  # "max", or in version 1 about 2^63: there is no limit
            continue
        used = _read(os.path.join(folder, used_name)).strip()
        facts = dict(line.split(" ", 1) for line in _read(os.path.join(folder, "memory.stat")).splitlines())
        files = int(facts.get(files_name, 0))  # the page cache, which the system reclaims
        yield Limit(int(most), max(int(used) - files, 0) if used.isdigit() else 0, "this container has")


@functools.cache
def _group_files() -> list[tuple[str, str, str, str]]:
    """The folders of control groups that can have a limit, with the names of their files."""
    found = []
    for line in _read("/proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            root, names = _CGROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, names = os.path.join(_CGROUPS, "memory"), _NAMES_OF_VERSION_1
        else:
            continue
        # In a container the path may be the one on the host, of which only the root is visible.
        folders, inner = {root}, os.path.join(root, path.lstrip("/")).rstrip("/")
        while len(inner) > len(root):
            folders.add(inner)
            inner = os.path.dirname(inner)
        found += [(folder, *names) for folder in sorted(folders) if os.path.exists(os.path.join(folder, names[0]))]
    return found


def _read(path: str) -> str:
    """The text of a small file, or nothing if it cannot be read."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
