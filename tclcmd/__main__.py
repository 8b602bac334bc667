"""``python -m tclcmd`` is ``roish``."""

from tclcmd.shell.program import main

main()
