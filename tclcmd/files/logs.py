"""The log messages of libraries, which are not shown to users: a fault is an error of the command."""

from __future__ import annotations


def mute(library: str) -> None:
    """Keeps a library from logging to standard error, the default of Python for a logger without handlers."""
    import logging  # imported here, since few sessions use such a library

    logger = logging.getLogger(library)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
