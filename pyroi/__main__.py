"""Prints the version and the processor tier of pyroi, or the options to build programs against its C library."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import sysconfig
from collections.abc import Callable

import pyroi
from pyroi import linking
from pyroi.runtime import environment_problems

# Packages whose versions matter in a bug report; none is imported for it.
_COMPANIONS = (
    *("numpy", "cffi", "torch", "torchvision", "onnxruntime", "onnx", "jax", "numba", "autograd", "ml_dtypes"),
    *(
        "sahi",
        "supervision",
        "ultralytics",
        "mmcv",
        "detectron2",
        "pillow",
        "matplotlib",
        "click",
        "prompt_toolkit",
        "pyyaml",
    ),
)
_VARIABLES = ("OMP_NUM_THREADS", "ROI_CPU_TIER", "ROI_KEEP_MEMORY", "ROISH_TCL", "ROISH_LIBPYTHON", "TCL_LIBRARY")

# The entry points by which packages above this one add a line: a name, and a function that returns the text.
_GROUP = "pyroi.report"

# Options that print a value, in the order of the output, with their descriptions.
_ANSWERS: dict[str, tuple[Callable[[], list[str]], str]] = {
    "cflags": (linking.compiler_flags, "what a C or C++ compiler needs to find the headers"),
    "libs": (linking.linker_flags, "what a linker needs to find the library"),
    "pkgconfigdir": (lambda: [linking.pkgconfig_folder()], "the folder of roi.pc, for PKG_CONFIG_PATH"),
    "cmakedir": (lambda: [linking.cmake_folder()], "the folder of roi-config.cmake, for -Droi_DIR"),
    "library": (lambda: [linking.get_library()], "the shared library itself"),
}


def report() -> str:
    """The text that a bug report should begin with."""
    cpu = pyroi.cpu_features()
    companions = (f"{name} {version}" for name in _COMPANIONS if (version := _version(name)))
    given = (f"{name}={os.environ[name]}" for name in _VARIABLES if name in os.environ)
    lines = [
        ("pyroi", f"{pyroi.__version__} in {os.path.dirname(pyroi.__file__)}"),
        ("library", linking.get_library()),
        ("Python", f"{platform.python_version()}{_threading()} in {sys.executable}"),
        ("system", f"{platform.platform()}, {os.cpu_count()} processors"),
        ("kernels", f"{cpu['tier']} (the best here: {cpu['best']})"),
        ("threads", f"{pyroi.get_num_threads()}"),
        *((entry.name, _told_by(entry)) for entry in importlib.metadata.entry_points(group=_GROUP)),
        ("packages", ", ".join(companions)),
        ("environment", ", ".join(given) or "nothing that pyroi reads"),
        *(("problem", problem) for problem in environment_problems()),
    ]
    return "\n".join(f"{name + ':':<13}{text}" for name, text in lines)


def _threading() -> str:
    """How the interpreter differs from the usual one with a global lock."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        return ""
    return " free-threaded, with the GIL " + ("on" if getattr(sys, "_is_gil_enabled", lambda: True)() else "off")


def _told_by(entry: importlib.metadata.EntryPoint) -> str:
    """The text of another package. A fault of that package is a part of the report and does not end it."""
    try:
        return str(entry.load()())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def main(arguments: list[str] | None = None) -> None:
    """Prints the answers to all options on one line; without options, the report."""
    parser = argparse.ArgumentParser(prog="python -m pyroi", description="Without options: what a bug report needs.")
    parser.add_argument("--version", action="version", version=pyroi.__version__)
    for name, (_, meaning) in _ANSWERS.items():
        parser.add_argument(f"--{name}", action="store_true", help=meaning)
    asked = vars(parser.parse_args(arguments))
    words = [word for name, (answer, _) in _ANSWERS.items() if asked[name] for word in answer()]
    print(" ".join(words) if words else report())


if __name__ == "__main__":
    main()
