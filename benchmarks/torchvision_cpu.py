"""Loads the CPU operators of a torchvision that was built for CUDA, beside a PyTorch that was not.

The wheel of torchvision on PyPI holds CPU and CUDA operators in one library. That library asks the loader for CUDA's
run time and for the CUDA half of PyTorch; where they are missing, nothing of it loads, the CPU operators neither. They
never call what is missing, so stand-ins will do: libraries of the right names, in which each function that is asked for
exists and returns 0. They are made with the C compiler in a temporary folder and opened before torchvision is imported;
a library that is already open is not searched for again. Good for measuring and comparing on a CPU, and nothing else.
"""

from __future__ import annotations

import ctypes
import importlib.util
import pathlib
import re
import subprocess
import tempfile
from collections import defaultdict


def output_of(*command: object) -> str:
    """What a command prints."""
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def is_missing(library: str) -> bool:
    """Whether the loader does not find it. Libraries that are open already, as PyTorch's are, count as found."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return True
    return False


def stand_ins(library: pathlib.Path) -> dict[str, list[str]]:
    """For each missing library that `library` needs: the functions to make."""
    needed = re.findall(r"NEEDED.*\[(.*)\]", output_of("readelf", "--dynamic", "--wide", library))
    functions: dict[str, list[str]] = {name: [] for name in needed if is_missing(name)}
    for line in output_of("nm", "--dynamic", "--undefined-only", "--with-symbol-versions", library).splitlines():
        symbol, _, version = line.split()[-1].partition("@")
        if version in functions:
            functions[version].append(symbol)
        elif not version and "cuda" in symbol and functions:
            functions[next(iter(functions))].append(symbol)
    return functions


def build(folder: pathlib.Path, name: str, functions: list[str]) -> pathlib.Path:
    """Compiles a library of functions that return 0, their version the library's own name."""
    source, script, library = folder / "stand_in.c", folder / "stand_in.map", folder / name
    source.write_text("".join(f"long {function}(void) {{ return 0; }}\n" for function in sorted(set(functions))))
    script.write_text(f"{name} {{ *; }};\n")
    options = ["-shared", "-fPIC", "-w", f"-Wl,-soname,{name}", f"-Wl,--version-script={script}"]
    output_of("cc", *options, "-o", library, source)
    return library


def open_stand_ins() -> None:
    """Opens a stand-in for each library that torchvision's operators need and is missing. Import torch first."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ImportError("not installed")
    missing: dict[str, list[str]] = defaultdict(list)
    for library in pathlib.Path(spec.origin).parent.glob("_C*.so"):
        for name, functions in stand_ins(library).items():
            missing[name] += functions
    with tempfile.TemporaryDirectory() as folder:
        for name, functions in missing.items():
            ctypes.CDLL(str(build(pathlib.Path(folder), name, functions)), ctypes.RTLD_GLOBAL)
