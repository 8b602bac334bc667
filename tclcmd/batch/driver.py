"""A run: inputs go to an executor, and their outcomes to the output folder, the journal and the report.

The driver alone does all three, in this order, for each result that the executor gives it, and the executor gives one
for each input. Where an input was worked on twice, by a worker that was believed lost, only one of the results counts.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import click

from pyroi import batch
from tclcmd.batch import inputs, journal, script
from tclcmd.batch.outcome import KEPT, Job, Outcome, Task
from tclcmd.batch.outputs import NotPublished, Outputs
from tclcmd.batch.progress import Display
from tclcmd.batch.workers import Broken, Workers
from tclcmd.files import streams

#: A shell reports this plus the number of the signal that ended a program.
BY_SIGNAL = 128

#: The signals except Ctrl-C that end a run at once.
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal ends the run at once."""


@dataclass(frozen=True)
class Plan:
    """What a run is to do."""

    job: Job
    tasks: list[Task]
    report: str | None = None
    resumes: bool = False
    by_checksum: bool = False
    fails_fast: bool = False


class Run:
    """One run."""

    def __init__(self, plan: Plan, outputs: Outputs | None, display: Display) -> None:
        self._plan = plan
        self._outputs = outputs
        self._display = display
        self._earlier: dict[str, journal.Entry] = {}
        self._signatures: dict[int, tuple[int, int]] = {}  # of inputs in progress
        self._is_stopping = False
        self._interrupted_by = 0
        self._journal: journal.JsonLines | None = None
        self._report: journal.JsonLines | None = None

    def run(self, workers: Workers) -> int:
        """Does all inputs. Returns the exit status of the program."""
        workers.say = self._display.say
        with contextlib.ExitStack() as stack:
            self._open_files(stack)
            stack.callback(self._display.close)
            stack.enter_context(self._signals(workers))
            try:
                self._map(workers)
            except Ended as ended:
                workers.kill()
                self._interrupted_by = ended.args[0]
            except BaseException:
                workers.kill()
                raise
        if self._interrupted_by:
            return BY_SIGNAL + self._interrupted_by
        if problem := self._display.output_problem:
            streams.say_error(streams.complaint(problem))
            return streams.status_of(problem)
        return 1 if self._display.counts.failed else 0

    # ---- Files, and signals ----

    def _open_files(self, stack: contextlib.ExitStack) -> None:
        if self._outputs is not None:
            if self._plan.resumes:
                self._earlier = journal.entries(self._outputs.journal)
            self._journal = self._open(stack, self._outputs.journal, goes_on=self._plan.resumes)
        if self._plan.report is not None:
            self._report = self._open(stack, self._plan.report, goes_on=False)

    def _open(self, stack: contextlib.ExitStack, path: str, *, goes_on: bool) -> journal.JsonLines:
        try:
            file = journal.JsonLines(path, goes_on=goes_on)
        except OSError as error:
            raise _cannot_write(path, error) from None

        def close() -> None:
            try:
                file.close()
            except OSError as error:
                raise _cannot_write(path, error) from None

        stack.callback(close)
        return file

    @contextlib.contextmanager
    def _signals(self, workers: Workers) -> Iterator[None]:
        """The first Ctrl-C lets the workers finish what they are at; a second one, or another signal, ends them."""

        def on_signal(number: int, frame: object) -> None:
            if number != signal.SIGINT or self._interrupted_by:
                for each in heeded:  # one more ends this process, and the closed pipes end the workers
                    signal.signal(each, signal.SIG_DFL)
                raise Ended(number)
            self._interrupted_by = number
            self._stop(workers)
            os.write(2, b"\nroish map: finishing what runs; Ctrl-C again stops it\n")

        numbers = (signal.SIGINT, *ENDING_SIGNALS)
        heeded = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]  # as nohup does
        before = {number: signal.signal(number, on_signal) for number in heeded}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, workers: Workers) -> None:
        self._is_stopping = True
        workers.begin_nothing()

    # ---- The work ----

    def _map(self, workers: Workers) -> None:
        function: Callable[[Task], Outcome] = functools.partial(script.run, self._plan.job)
        results = batch.map(function, self._due(), executor=workers, window=workers.window)
        with contextlib.closing(results):  # type: ignore[type-var]
            for result in results:
                if isinstance(result.error, CancelledError):
                    continue  # it was not begun
                if isinstance(result.error, Broken):
                    raise click.ClickException(str(result.error))
                outcome = result.value or Outcome(f"{type(result.error).__name__}: {result.error}")
                self._settle(result.input, outcome)
                lost = self._display.output_problem
                if not self._is_stopping and (lost or (self._plan.fails_fast and self._display.counts.failed)):
                    self._stop(workers)

    def _due(self) -> Iterator[Task]:
        """The inputs that are to be worked on; the others are accounted for at once."""
        for task, is_done in self._looked_at():
            if self._is_stopping:
                return
            if is_done:
                self._display.keep()
                self._tell(task, {"state": KEPT})
                continue
            try:
                self._signatures[task.index] = inputs.signature(task.input)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                self._settle(task, Outcome(f"cannot read {task.input}: {reason}"))
                if self._plan.fails_fast:
                    return
                continue
            yield task

    def _looked_at(self) -> Iterator[tuple[Task, bool]]:
        """The inputs, and whether an earlier run has done them."""
        if not self._earlier or not self._plan.by_checksum:
            yield from ((task, self._is_done(task)) for task in self._plan.tasks)
            return
        with ThreadPoolExecutor() as threads:  # checksums are computed without the GIL
            for result in batch.map(self._is_done, self._plan.tasks, executor=threads, ordered=True):
                yield result.input, result.get()

    def _is_done(self, task: Task) -> bool:
        entry = self._earlier.get(task.input)
        if entry is None or self._outputs is None or entry.output not in (None, task.output):
            return False
        digest = self._plan.job.script_digest
        try:
            if self._plan.by_checksum:
                is_same = entry.is_of_content(digest, inputs.digest(task.input))
            else:
                is_same = entry.is_of(digest, inputs.signature(task.input))
        except OSError:
            return False
        return is_same and (entry.output is None or self._outputs.is_there(entry.output, entry.output_size))

    # ---- The outcome of an input ----

    def _settle(self, task: Task, outcome: Outcome) -> None:
        output = size = None
        try:
            if self._outputs is not None and outcome.message is None:
                output, size = self._publish(self._outputs, task, outcome)
        except NotPublished as failure:
            outcome = replace(outcome, message=str(failure))
        finally:
            if self._outputs is not None and outcome.written is not None and output is None:
                self._outputs.discard(outcome.written)
        self._note(task, outcome, output, size)
        self._tell(task, {**outcome.report(), **({"output": output} if output is not None else {})})
        self._display.settle(task, outcome)

    def _publish(self, outputs: Outputs, task: Task, outcome: Outcome) -> tuple[str | None, int | None]:
        name = task.output
        assert name is not None
        if outcome.content is not None:
            return name, outputs.publish_content(outcome.content, name)
        if outcome.written is not None:
            return name, outputs.publish(outcome.written, name)
        earlier = self._earlier.get(task.input)
        if earlier is not None and earlier.output == name:
            outputs.remove(name)
        return None, None

    def _note(self, task: Task, outcome: Outcome, output: str | None, size: int | None) -> None:
        signature = self._signatures.pop(task.index, (-1, -1))  # of one that cannot be read
        if self._journal is None:
            return
        digest = self._plan.job.script_digest
        entry = journal.Entry(task.input, *signature, digest, outcome.state, outcome.digest, output, size)
        _append(self._journal, entry.record())

    def _tell(self, task: Task, facts: dict[str, Any]) -> None:
        if self._report is not None:
            _append(self._report, {"index": task.index, "input": task.input, **facts})


def _append(file: journal.JsonLines, record: dict[str, Any]) -> None:
    try:
        file.append(record)
    except OSError as error:
        raise _cannot_write(file.path, error) from None


def _cannot_write(path: str, error: OSError) -> click.ClickException:
    hint = "; when there is room again, --resume goes on" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return click.ClickException(f"cannot write {path}: {(error.strerror or str(error)).lower()}{hint}")
