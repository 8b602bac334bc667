"""``python -m tclcmd`` is ``roish``."""

from tclcmd.shell import main

main()
