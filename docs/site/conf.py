"""Sphinx's settings for the site, which `docs/site/build.py` builds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]

project = "pyroi"
copyright = "the authors of pyroi"
_VERSION = subprocess.check_output([sys.executable, _ROOT / "libroi" / "version.py"], text=True)
release = version = _VERSION.strip()

extensions = ["myst_parser", "sphinx_copybutton"]
html_theme = "furo"
html_title = f"pyroi {release}"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path: list[str] = []

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
# A page of commands begins with its title, and pages that are shown on their own as well begin with a comment.
suppress_warnings = ["myst.header"]

# The prompts of sessions are not copied with the commands behind them.
copybutton_prompt_text = r"\$ |% |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

# Names that stand for types in signatures, and are explained where they are used.
nitpicky = False
# Every colour of it has a contrast of at least 4.5 to the background.
pygments_style = "a11y-light"
pygments_dark_style = "github-dark"
