"""What libraries log: nothing of it reaches a user. What is wrong is an error, or is right."""

from __future__ import annotations


def mute(library: str) -> None:
    """Keeps a library from logging to standard error, which Python has it do where nobody listens."""
    import logging  # here, since few sessions use such a library

    logger = logging.getLogger(library)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
