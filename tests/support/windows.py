"""Takes from Python what only POSIX has, in a process in which a test stands in for Windows."""

from __future__ import annotations

import importlib
import sys

#: Modules that Windows does not have and that pyroi, or what it imports, could use.
MODULES = ("fcntl", "grp", "pty", "pwd", "readline", "resource", "termios", "tty")

#: Module -> names that it does not have there.
NAMES = {
    "mmap": ("MADV_FREE", "MADV_HUGEPAGE", "MAP_ANONYMOUS", "MAP_PRIVATE", "PROT_READ", "PROT_WRITE"),
    "os": ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "fchmod", "fchown", "fork", "geteuid", "getuid",
           "killpg", "register_at_fork", "sched_getaffinity", "statvfs", "sysconf", "uname"),
    "signal": ("SIGALRM", "SIGHUP", "SIGKILL", "SIGQUIT", "pthread_sigmask", "setitimer"),
}  # fmt: skip

#: Modules of Python and of others that need these names here.
FIRST = ("click", "concurrent.futures.process", "ctypes", "multiprocessing.connection", "numpy", "platform",
         "subprocess", "tempfile", "zipfile")  # fmt: skip


def hide_posix() -> None:
    """Removes these modules and names."""
    for name in FIRST:
        importlib.import_module(name)
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for module, names in NAMES.items():
        for name in names:
            delattr(importlib.import_module(module), name)
