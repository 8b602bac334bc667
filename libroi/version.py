#!/usr/bin/env python3
"""Prints the version of the library, which roi.h states: meson.build runs this, and everything else asks Meson."""

from __future__ import annotations

import pathlib
import re

HEADER = pathlib.Path(__file__).parent / "include" / "roi.h"


def version() -> str:
    """MAJOR.MINOR.PATCH, from the macros of the header."""
    macros = dict(re.findall(r"^#define ROI_VERSION_(\w+) (\d+)$", HEADER.read_text("utf-8"), re.MULTILINE))
    return ".".join(macros[part] for part in ("MAJOR", "MINOR", "PATCH"))


if __name__ == "__main__":
    print(version())
