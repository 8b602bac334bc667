"""What the driver needs of an executor, be it on this machine or on a cluster."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor


class Broken(Exception):
    """There are no workers, and none can be started; the text gives the reason."""


class Workers(Executor):
    """An executor that can be stopped in two steps."""

    #: Shows the user a line about the workers. Any thread may call it.
    say: Callable[[str], None] = staticmethod(lambda text: None)

    @abstractmethod
    def begin_nothing(self) -> None:
        """Cancels the calls that have not begun, and those that are still to come. A signal handler may call this."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the executor at once, with the calls that are under way."""

    @abstractmethod
    def window(self) -> int:
        """The largest number of calls that it is useful to have under way."""
