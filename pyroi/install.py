"""What to say where a part is missing: why, and how it is installed.

The distribution is called ``roish`` and is not on PyPI, where others may have its names: so nothing here, nor anywhere
else, has pip look for them there.
"""

from __future__ import annotations

import pathlib
import sys

#: How the packages are built anew.
HOW_TO_BUILD_AGAIN = "run pip install . in the folder of the sources"


def how_to_add(extra: str) -> str:
    """How the packages of an extra come in, as the end of a message that says which of them is missing."""
    return (
        f"run pip install '.[{extra}]' in the folder of the sources, or name the wheel file: "
        f"pip install 'roish-....whl[{extra}]'"
    )


def why_not_compiled() -> str:
    """What is wrong where pyroi has no compiled part: most often, Python has found the sources first."""
    folder = pathlib.Path(__file__).resolve().parent
    if (folder / "meson.build").exists():
        return (
            f"this is pyroi's source code, in {folder}, which has no compiled part. Python looks into the folder that "
            "it is started in first: install with pip install . there, then start Python in another folder, or as "
            "python -I"
        )
    version = ".".join(map(str, sys.version_info[:2]))
    return f"pyroi in {folder} has no compiled part for Python {version}: {HOW_TO_BUILD_AGAIN} with this Python"
