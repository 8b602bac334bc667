"""``python -m tclcmd.batch``: ``roish map``, whatever files lie in the current folder."""

from tclcmd.batch.command import main

main()
