"""The output of a run: a bar on a terminal, plain lines elsewhere, the output of scripts, and a table of failures.

Standard output is for the results of scripts; everything else goes to standard error.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass

from tclcmd.batch.outcome import Outcome, Task
from tclcmd.files import streams

#: The seconds between two lines without a terminal.
LINE_SECONDS = 10.0

#: The largest number of failures in the table, and of characters of a message in it.
MOST_FAILURES, MOST_CHARACTERS = 20, 160


@dataclass
class Counts:
    """The numbers of inputs: of all, and of those done, failed, and kept from an earlier run."""

    total: int
    done: int = 0
    failed: int = 0
    kept: int = 0

    @property
    def settled(self) -> int:
        """The number of inputs that are accounted for."""
        return self.done + self.failed + self.kept


class Display:
    """Shows how far a run is."""

    def __init__(self, script: str, total: int, *, is_quiet: bool) -> None:
        self.counts = Counts(total)
        self.output_problem = 0  # the system's error number of standard output
        self._script = os.path.basename(script)
        self._is_quiet = is_quiet
        self._failures: list[tuple[Task, Outcome]] = []
        self._begin = self._shown = time.monotonic()
        self._bar = None
        if not is_quiet and sys.stderr.isatty():
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no thread of its own
            self._bar = tqdm(total=total, unit=" inputs", file=sys.stderr, dynamic_ncols=True, leave=False)

    # ---- While it runs ----

    def keep(self) -> None:
        """An input needs no work."""
        self.counts.kept += 1
        if self._bar is not None:  # it does not count for the rate
            self._bar.initial += 1
            self._bar.update(1)

    def settle(self, task: Task, outcome: Outcome) -> None:
        """An input is done or has failed."""
        if outcome.said or outcome.complained:
            self._pass_on(outcome)
        if outcome.message is None:
            self.counts.done += 1
        else:
            self.counts.failed += 1
            if len(self._failures) < MOST_FAILURES:
                self._failures.append((task, outcome))
        self._advance()

    def _advance(self) -> None:
        if self._bar is not None:
            if self.counts.failed:
                self._bar.set_postfix(failed=self.counts.failed, refresh=False)
            self._bar.update(1)
        elif not self._is_quiet and (now := time.monotonic()) > self._shown + LINE_SECONDS:
            self._shown = now
            streams.say_error(f"roish map: {self._line(now)}\n")

    def _line(self, now: float) -> str:
        counts = self.counts
        rate = (counts.done + counts.failed) / max(now - self._begin, 1e-9)
        left = (counts.total - counts.settled) / max(rate, 1e-9)
        failed = f", {counts.failed} failed" if counts.failed else ""
        return f"{counts.settled} of {counts.total}{failed}, {rate:.1f}/s, {_duration(left)} left"

    def say(self, text: str) -> None:
        """Shows a line about the workers. Any thread may call this."""
        if self._bar is not None:
            self._bar.write(f"roish map: {text}", file=sys.stderr)
        elif not self._is_quiet:
            streams.say_error(f"roish map: {text}\n")

    def _pass_on(self, outcome: Outcome) -> None:
        """Writes the output of a script as a whole, and not into the bar."""
        if self._bar is not None:
            self._bar.clear()
        for text, stream in ((outcome.said, sys.stdout), (outcome.complained, sys.stderr)):
            try:
                stream.buffer.write(text)
                stream.flush()
            except OSError as error:
                if stream is sys.stdout:
                    self.output_problem = error.errno or 5
        if self._bar is not None:
            self._bar.refresh()

    # ---- At its end ----

    def close(self) -> None:
        """Removes the bar, and shows the failures and the sum."""
        if self._bar is not None:
            self._bar.close()
        if self.counts.failed:
            streams.say_error(self._table())
        if not self._is_quiet:
            streams.say_error(f"roish map: {self._sum()}\n")

    def _sum(self) -> str:
        counts, seconds = self.counts, time.monotonic() - self._begin
        parts = [f"{counts.done} done"]
        parts += [f"{counts.failed} failed"] if counts.failed else []
        parts += [f"{counts.kept} kept from an earlier run"] if counts.kept else []
        missing = counts.total - counts.settled
        parts += [f"{missing} not begun"] if missing else []
        rate = (counts.done + counts.failed) / max(seconds, 1e-9)
        inputs = "input" if counts.total == 1 else "inputs"
        return f"{counts.total} {inputs}: {', '.join(parts)}; {_duration(seconds)}, {rate:.1f}/s"

    def _table(self) -> str:
        rows = [(_short(task.input), self._place(outcome), _first_line(outcome)) for task, outcome in self._failures]
        rows.insert(0, ("input", "line", "message"))
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        width = max(shutil.get_terminal_size((0, 0)).columns, 0) if sys.stderr.isatty() else 0
        lines = [f"{name:<{widths[0]}}  {place:<{widths[1]}}  {message}" for name, place, message in rows]
        more = self.counts.failed - len(self._failures)
        lines += [f"... and {more} more, which --report FILE lists"] if more else []
        return "".join(f"{line[: width or len(line)]}\n" for line in lines)

    def _place(self, outcome: Outcome) -> str:
        return f"{self._script}:{outcome.line}" if outcome.line else "-"


def _first_line(outcome: Outcome) -> str:
    text = (outcome.message or "").strip().partition("\n")[0]
    text = text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."
    return f"{text} ({outcome.attempts} attempts)" if outcome.attempts > 1 else text


def _short(path: str) -> str:
    """The path, from the current folder if that is shorter. Bytes that are no text are shown as escapes."""
    near = min(path, os.path.relpath(path), key=len)
    return near.encode(errors="backslashreplace").decode()


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    minutes, whole = divmod(whole, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{whole:02}"
