"""Numbers of bytes on the command line: 65536, 64K, 1.5G."""

from __future__ import annotations

from typing import Any

import click

#: The units of a number of bytes.
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Bytes(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.4
    """A number of bytes, with a unit or without."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Reads a positive number."""
        text = str(value).upper().removesuffix("B").removesuffix("I")
        unit = UNITS.get(text[-1:], 1)
        try:
            number = float(text[:-1] if text[-1:] in UNITS else text)
        except ValueError:
            number = 0.0
        if not 1 <= number * unit < 1 << 62:
            self.fail(f"expected a number of bytes such as 65536, 64M or 1G, got {value!r}", param, ctx)
        return int(number * unit)
