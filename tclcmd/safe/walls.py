"""The second wall: restrictions by the system of the process that runs a script that is not trusted.

All systems have resource limits. On Linux, if the packages `pyseccomp` and `landlock` are installed (extra ``safe``)
and the kernel supports them, the system refuses calls that start processes, connect, or act on other processes, and
files outside of the allowed folders. Neither needs privileges.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os
import signal
import sys

from pyroi import limits as memory_limits
from tclcmd.safe.limits import Limits

try:
    import resource
except ModuleNotFoundError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

#: The largest number of open files: the standard streams, allowed folders, the parts of a name.
MOST_FILES = 256

#: Seconds of the processor beyond the time limit, after which the system ends the process even without a supervisor.
SPARE_SECONDS = 10

#: The option of prctl() by which the system ends this process with the one that watches it.
DIE_WITH_PARENT = 1

#: System calls that fail with EPERM: they start programs, reach other processes and machines, or change the system.
FORBIDDEN_CALLS = (
    "execve", "execveat", "fork", "vfork", "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4",
    "sendto", "sendmsg", "sendmmsg", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd",
    "pidfd_send_signal", "kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "mount", "umount2", "move_mount",
    "open_tree", "fsopen", "fsmount", "fsconfig", "pivot_root", "chroot", "chdir", "fchdir", "setns", "unshare",
    "bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "keyctl",
    "add_key", "request_key", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    "reboot", "swapon", "swapoff", "acct", "quotactl", "syslog", "name_to_handle_at", "open_by_handle_at", "mknod",
    "mknodat", "symlink", "symlinkat", "chown", "fchown", "lchown", "fchownat", "setuid", "setgid", "setreuid",
    "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset", "setpriority", "ioperm",
    "iopl", "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
    "personality", "memfd_create", "memfd_secret", "shmget", "shmat", "msgget", "semget", "mq_open", "inotify_init",
    "inotify_init1", "fanotify_init", "utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr",
    "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "truncate",
)  # fmt: skip

#: The flag of clone() for a thread of the same process, which operators start on demand.
CLONE_THREAD = 0x10000


def die_with_parent() -> None:
    """Has the system end this process when the one that watches it ends, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


# ---- Resource limits -------------------------------------------------------------------------------------------------


def open_memory_use() -> int | None:
    """Opens Linux's file about the memory of this process, before files are confined: for limit_resources()."""
    try:
        return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # without it, the system's own limits of memory remain
        return None


def limit_resources(limits: Limits, memory_use: int | None) -> None:
    """Sets the limits of the system. The limit of memory is relative to the current use of the process."""
    if resource is None:
        return
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, MOST_FILES)
    if hasattr(resource, "RLIMIT_NPROC"):
        _lower(resource.RLIMIT_NPROC, 0)
    if limits.output is not None:
        _lower(resource.RLIMIT_FSIZE, limits.output)
    if limits.seconds is not None:
        _lower(resource.RLIMIT_CPU, (math.ceil(limits.seconds) + SPARE_SECONDS) * (os.cpu_count() or 1))
    if limits.memory is not None and memory_use is not None:
        _limit_memory(limits.memory, memory_use)


def _lower(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(OSError, ValueError):  # a system that defines the limit but does not support it
        resource.setrlimit(which, (most, most))


def _limit_memory(count: int, file: int) -> None:
    """Limits private memory that can be written: Linux counts it when it is mapped, before it is used."""
    page = os.sysconf("SC_PAGE_SIZE")

    def used() -> int:
        return int(os.pread(file, 256, 0).split()[5]) * page

    most = used() + count
    memory_limits.use_only(lambda: [memory_limits.Limit(most, used(), "this script has")])
    _lower(resource.RLIMIT_DATA, most)


# ---- What Linux refuses ----------------------------------------------------------------------------------------------


def confine_files(folders: tuple[str, ...]) -> bool:
    """Has Linux refuse files outside of the folders to this thread and those that it starts, by Landlock.

    Returns whether it does.
    """
    try:
        import landlock
    except (ImportError, OSError):
        return False
    try:
        rules = landlock.Ruleset()
        for folder in folders:
            rules.allow(folder)
        rules.apply()
    except (OSError, landlock.LandlockError):  # the kernel does not support it, or not now
        return False
    return True


def forbid_calls() -> bool:
    """Has Linux refuse the system calls above, by seccomp. Returns whether it does."""
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError):  # the package, or the library libseccomp, is missing
        return False
    try:
        rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
        rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)  # for the threads of operators, too, which have been started
        refuse = pyseccomp.ERRNO(errno.EPERM)
        for name in FORBIDDEN_CALLS:
            with contextlib.suppress(OSError, ValueError):  # a call that is unknown to this kernel or this libseccomp
                rules.add_rule(refuse, name)
        rules.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_THREAD, 0))
        # Its flags are in memory, which a filter cannot read. The C library falls back on clone().
        rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
        rules.load()
    except OSError:
        return False
    return True
