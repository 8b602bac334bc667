"""Runs a test function in a Python process of its own: for crashes, forks, limits and environment variables."""

from __future__ import annotations

import inspect
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap

HERE = pathlib.Path(__file__).parent


def run_child(function, *arguments, timeout=600, cpu_seconds=None, address_space=None, **environment: str) -> str:
    """Calls `function` (which must import what it needs itself) in a new process, and gives what it printed.

    `cpu_seconds` and `address_space` (bytes) are hard limits: the process dies when it goes beyond them. A death or an
    exception fails the test, with what the process said last.
    """
    lines = ["import faulthandler, resource", "faulthandler.enable()"]
    if cpu_seconds is not None:
        lines.append(f"resource.setrlimit(resource.RLIMIT_CPU, ({cpu_seconds}, {cpu_seconds}))")
    if address_space is not None:
        lines.append(f"resource.setrlimit(resource.RLIMIT_AS, ({address_space}, {address_space}))")
    lines.append(textwrap.dedent(inspect.getsource(function)))
    call = ", ".join(repr(argument) for argument in arguments)
    lines.append(f"{function.__name__}({call})")
    with tempfile.TemporaryDirectory() as folder:  # elsewhere, so that the installed package is imported
        child = subprocess.run(
            [sys.executable, "-c", "\n".join(lines)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(HERE), "OPENBLAS_NUM_THREADS": "1", **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    if child.returncode != 0:
        cause = f"exit status {child.returncode}"
        if child.returncode < 0:
            cause = signal.Signals(-child.returncode).name
        raise AssertionError(f"{function.__name__} ended by {cause}\n{child.stdout[-1500:]}\n{child.stderr[-3000:]}")
    return child.stdout
