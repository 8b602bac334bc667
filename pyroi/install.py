"""Messages about missing parts: the reason, and the command that installs them.

The distribution is called ``roish`` and is not on PyPI, where its names may belong to others. No message may therefore
let pip search for them there.
"""

from __future__ import annotations

import os
import sys

#: The instruction to rebuild the packages.
HOW_TO_BUILD_AGAIN = "run pip install . in the folder of the sources"


def how_to_add(extra: str) -> str:
    """The instruction to install an extra: the end of a message that names the missing package."""
    return (
        f"run pip install '.[{extra}]' in the folder of the sources, or name the wheel file: "
        f"pip install 'roish-....whl[{extra}]'"
    )


def why_not_compiled() -> str:
    """The reason why the compiled module is missing. Most often, Python has imported the source folder."""
    folder = os.path.dirname(os.path.realpath(__file__))
    if os.path.exists(os.path.join(folder, "meson.build")):
        return (
            f"this is pyroi's source code, in {folder}, which has no compiled part. Python looks into the folder that "
            "it is started in first: install with pip install . there, then start Python in another folder, or as "
            "python -I"
        )
    version = ".".join(map(str, sys.version_info[:2]))
    return f"pyroi in {folder} has no compiled part for Python {version}: {HOW_TO_BUILD_AGAIN} with this Python"
