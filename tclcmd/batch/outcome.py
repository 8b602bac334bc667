"""What is sent between the driver and the workers: the job, a task of it, and the outcome of that task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: The states of an input in the journal and in the report. "kept" is a result of an earlier run.
DONE, FAILED, KEPT = "done", "failed", "kept"


@dataclass(frozen=True)
class Job:
    """What all inputs of a run have in common.

    Attributes:
        script: The absolute path of the script.
        script_digest: The SHA-256 of its content; a worker that finds another content fails the input.
        work: The folder in which outputs are written before they get their names; None if there is no output.
        gathers: Whether the output is returned as bytes, since the folder is not on a shared file system.
        flushes: Whether the worker flushes the output to the disk, since the driver is on another machine.
        takes_digest: Whether the SHA-256 of each input is taken.
        measures_memory: Whether the peak memory of each input is measured.
    """

    script: str
    script_digest: str
    work: str | None = None
    gathers: bool = False
    flushes: bool = False
    takes_digest: bool = False
    measures_memory: bool = False


@dataclass(frozen=True)
class Task:
    """An input: its place among the inputs, its absolute path, and the name of its output below the output folder."""

    index: int
    input: str
    output: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        message: Why it failed; None if the script ended well.
        line: The line of the script that failed, if it was the script that failed.
        trace: Tcl's errorInfo.
        signal: The name of the signal that ended the process.
        seconds: The time that the last attempt took.
        peak_memory: The largest resident memory of the process in bytes, if measured.
        attempts: How often the task was begun; more than once if processes died.
        said, complained: What the script wrote to its standard output and error.
        written: The path at which the output was written; None if the script wrote none.
        content: The output itself, if it is gathered.
        digest: The SHA-256 of the input, if taken.
    """

    message: str | None = None
    line: int | None = None
    trace: str | None = None
    signal: str | None = None
    seconds: float = 0.0
    peak_memory: int | None = None
    attempts: int = 1
    said: bytes = b""
    complained: bytes = b""
    written: str | None = None
    content: bytes | None = None
    digest: str | None = None

    @property
    def state(self) -> str:
        """Whether it is done or failed."""
        return DONE if self.message is None else FAILED

    def report(self) -> dict[str, Any]:
        """The entry of the report, without unknown values."""
        facts: dict[str, Any] = {"state": self.state, "seconds": round(self.seconds, 6), "attempts": self.attempts}
        for name in ("peak_memory", "message", "line", "signal", "trace"):
            if (value := getattr(self, name)) is not None:
                facts[name] = value
        return facts
