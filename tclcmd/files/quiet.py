"""Nothing of what libraries say besides their results reaches a user: what is wrong is an error, or is right."""

from __future__ import annotations

import warnings


def ignore_warnings() -> None:
    """For a process of our own, from its start: warnings are for those who write Python, whatever asks for them."""
    warnings.simplefilter("ignore")


def mute(library: str) -> None:
    """Keeps a library from logging to standard error, which Python has it do where nobody listens."""
    import logging  # here, since few sessions use such a library

    logger = logging.getLogger(library)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
