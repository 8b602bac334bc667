"""The limits of a script that is not trusted, and how a run ends that reaches one of them."""

from __future__ import annotations

from dataclasses import dataclass

from tclcmd.values.quoting import bytes_text

#: The status of a worker that was interrupted, as of any program that Ctrl-C ends.
INTERRUPTED = 130


@dataclass(frozen=True)
class Limits:
    """What a script may use: folders by their names, seconds, commands of Tcl, bytes. None is no limit.

    The limit of output holds for standard output and error together, and once more for all files together.
    """

    folders: tuple[str, ...] = ()
    seconds: float | None = None
    commands: int | None = None
    memory: int | None = None
    output: int | None = None

    def text(self, which: str) -> str:
        """A limit in words."""
        return {
            "time": f"{self.seconds:g} seconds" if self.seconds is not None else "",
            "commands": f"{self.commands} commands",
            "memory": f"{bytes_text(self.memory)} of memory" if self.memory is not None else "what memory there is",
            "output": f"{bytes_text(self.output)} of output" if self.output is not None else "",
        }[which]


@dataclass(frozen=True)
class Ending:
    """How a run ends that has reached a limit: its exit status, and the errorCode that stands for it.

    Of memory, Tcl's own commands have another one.
    """

    status: int
    code: str
    further_code: str | None = None


#: The limits by name. A script itself sees only the errorCodes of memory and of output in files; the others end it.
#: `exit` in a script has no statuses from here on: see ``HOST_LAST_STATUS``.
ENDINGS = {
    "commands": Ending(120, "TCL LIMIT COMMANDS"),
    "memory": Ending(121, "TORCH MEMORY", "TCL MEMORY"),
    "output": Ending(122, "TORCH LIMIT output"),
    "time": Ending(124, "TORCH LIMIT time"),
}


def status_of_error(code: str) -> int:
    """The status of a script that ends with an error of this errorCode."""
    for ending in ENDINGS.values():
        if code.startswith((ending.code, ending.further_code or ending.code)):
            return ending.status
    return 1


def which_of_status(status: int) -> str | None:
    """The limit that a status reports."""
    return next((which for which, ending in ENDINGS.items() if ending.status == status), None)


def complaint(which: str, limits: Limits) -> str:
    """The last line of output of a run that has reached a limit."""
    return f"roish: limit reached: {limits.text(which)} ({ENDINGS[which].code})\n"
