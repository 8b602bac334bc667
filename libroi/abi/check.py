"""Compares the interface of the shared library with that of the last release, by abidiff of libabigail.

Usage: python check.py [--write]

The description of a release is MAJOR.MINOR.abixml, for x86-64. The newest one is compared with the sources; --write
makes that of the version which the header states. The library is compiled without its kernels, which export nothing,
and without the functions of roi_flat.h, which symbol versions keep apart. docs/abi.md has the rule, and
compatible.abignore what it allows beside new functions. The exit status is that of abidiff: 0 means compatible.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LIBROI = HERE.parent
# A library whose kernels are missing, and what is of an operating system, is linked all the same, and never loaded.
FLAGS = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-O0", "-g", "-fPIC", "-shared", "-fvisibility=hidden", "-w"]


def run(*command: object) -> None:
    """Runs a command that has to succeed."""
    subprocess.run([str(word) for word in command], check=True)


def compiled(folder: pathlib.Path, include: pathlib.Path) -> pathlib.Path:
    """The shared library of the sources and of the headers in `include`, with what debuggers know of its types."""
    empty = folder / "roi_flat.h"
    empty.write_text("")
    run(sys.executable, HERE / "symbols.py", include / "roi.h", empty, folder / "roi.map")
    sources = [
        path
        for path in sorted(LIBROI.glob("src/*/*.c"))
        if path.parent.name != "kernels" and not path.stem.endswith(("_posix", "_linux", "_windows"))
    ]
    library = folder / "libroi.so.0"
    run("cc", *FLAGS, f"-fdebug-prefix-map={LIBROI.parent}/=", f"-I{include}", f"-I{LIBROI / 'src'}", *sources,
        f"-Wl,--version-script={folder / 'roi.map'}", f"-Wl,-soname,{library.name}", "-o", library)  # fmt: skip
    return library


def description(library: pathlib.Path, include: pathlib.Path, output: pathlib.Path) -> None:
    """Writes the interface of a library, with the types of its headers and no others."""
    run("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed", "--drop-undefined-syms",
        "--drop-private-types", "--headers-dir", include, "--out-file", output, library)  # fmt: skip


def newest() -> pathlib.Path:
    """The description of the last release."""
    return max(HERE.glob("*.abixml"), key=lambda path: [int(part) for part in path.stem.split(".")])


def compare(before: pathlib.Path, include: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """What abidiff says of a description and the sources with the headers in `include`."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        description(compiled(folder, include), include, folder / "now.abixml")
        allowed = HERE / "compatible.abignore"
        command = ["abidiff", "--no-added-syms", "--suppressions", allowed, before, folder / "now.abixml"]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True)


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="describe the version that the header states")
    include = LIBROI / "include"
    if parser.parse_args().write:
        macros = dict(re.findall(r"#define ROI_VERSION_(\w+) (\d+)", (include / "roi.h").read_text("utf-8")))
        with tempfile.TemporaryDirectory() as name:
            library = compiled(pathlib.Path(name), include)
            description(library, include, HERE / f"{macros['MAJOR']}.{macros['MINOR']}.abixml")
        return 0
    done = compare(newest(), include)
    print(done.stdout + done.stderr, end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
