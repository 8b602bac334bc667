"""The command line of ``roish map``."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tclcmd.files import streams
from tclcmd.files.amounts import Bytes

if TYPE_CHECKING:
    from tclcmd.batch.outcome import Task
    from tclcmd.batch.outputs import Outputs


def _check_outputs(folder: str, tasks: Sequence[Task]) -> None:
    """Refuses outputs that would replace inputs."""
    real = functools.cache(os.path.realpath)  # of folders, which are few
    folder = real(folder)
    inputs = {_real_path(task.input, real) for task in tasks}
    for task in tasks:
        place = os.path.join(folder, task.output or "")
        if place in inputs:
            raise click.UsageError(f"{place} is an input, and would be replaced: give another --output or a --suffix")


def _real_path(path: str, real: Callable[[str], str]) -> str:
    """The path without symbolic links, for which `real` is called with its folder unless it is a link itself."""
    parent, name = os.path.split(path)
    return real(path) if os.path.islink(path) else os.path.join(real(parent), name)


def main(arguments: list[str] | None = None) -> NoReturn:
    """The program ``roish map``."""
    streams.occupy_closed()
    try:
        sys.exit(_command.main(arguments, prog_name="roish map", standalone_mode=False))
    except click.ClickException as error:
        with contextlib.suppress(OSError):  # nobody reads it
            error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("script", type=click.Path())
@click.argument("words", nargs=-1, metavar="INPUT...", type=click.Path())
@click.option("--input-list", "lists", multiple=True, metavar="FILE", help="A file with one input per line.")
@click.option("-o", "--output", metavar="DIR", help="The folder of the outputs; it is made if it does not exist.")
@click.option(
    "--suffix", metavar="SUFFIX", help="The suffix of outputs, such as .npy; the default is that of the input."
)
@click.option("--base", metavar="DIR", help="Repeat the folders of the inputs below this one in the output folder.")
@click.option("-j", "--jobs", type=click.IntRange(1, 1024), metavar="N", help="The number of processes.")
@click.option(
    "--resume", is_flag=True, help="Process only inputs that are new, have failed or have changed since earlier runs."
)
@click.option("--checksum", is_flag=True, help="Detect changed inputs by their content instead of size and time.")
@click.option("--report", metavar="FILE", help="Write a JSON line for each input, during the run.")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="The seconds that an input may take."
)
@click.option("--memory-limit", type=Bytes(), metavar="BYTES", help="The memory that an input may use, such as 800M.")
@click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=0,
    metavar="N",
    help="How often to retry an input whose process has died.",
)
@click.option("--fail-fast", is_flag=True, help="Stop after the first failure.")
@click.option("--scheduler", metavar="ADDRESS", help="Work on the Dask cluster of this scheduler; local:4 starts one.")
@click.option("--gather", is_flag=True, help="Return outputs through the scheduler, without a shared file system.")
@click.option("-q", "--quiet", is_flag=True, help="Show only failures, without progress and summary.")
def _command(script: str, words: tuple[str, ...], lists: tuple[str, ...], **options: Any) -> int:
    """Runs SCRIPT once for each INPUT, on all processors.

    The script finds the variables input, output and index. INPUT is a file, a pattern such as 'photos/*.jpg', or - for
    a list on standard input. What the script writes to $output appears in the output folder when the script has ended
    well. The exit status is 1 if an input has failed.
    """
    _check(options)
    return _run(os.path.abspath(script), words, lists, **options)


def _check(options: dict[str, Any]) -> None:
    """Options that mean nothing without others."""
    for name in ("suffix", "base", "resume", "gather"):
        if options[name] and options["output"] is None:
            raise click.UsageError(f"--{name} needs --output DIR")
    if options["gather"] and options["scheduler"] is None:
        raise click.UsageError("--gather needs --scheduler ADDRESS")
    if options["jobs"] is not None and options["scheduler"] is not None:
        raise click.UsageError("--jobs is for this machine; on a cluster, its workers say how many threads they have")
    if (suffix := options["suffix"]) and (os.sep in suffix or "\0" in suffix):
        raise click.UsageError(f"--suffix is the end of a file's name, got {suffix}")


def _run(
    script: str,
    words: tuple[str, ...],
    lists: tuple[str, ...],
    *,
    output: str | None,
    suffix: str | None,
    base: str | None,
    jobs: int | None,
    resume: bool,
    checksum: bool,
    report: str | None,
    timeout: float | None,
    memory_limit: int | None,
    retries: int,
    fail_fast: bool,
    scheduler: str | None,
    gather: bool,
    quiet: bool,
) -> int:
    # imported here, since --help does not need it
    from tclcmd.batch import driver, inputs
    from tclcmd.batch.outcome import Job
    from tclcmd.batch.outputs import Outputs
    from tclcmd.batch.progress import Display

    digest = _digest(script)
    tasks = inputs.tasks(inputs.listed(words, lists), suffix, base, has_output=output is not None)
    if output is not None:
        _check_outputs(output, tasks)
    limits = {"timeout": timeout, "memory_limit": memory_limit, "retries": retries}
    with contextlib.ExitStack() as stack:
        outputs = None
        if output is not None:
            outputs = Outputs(output)
            stack.callback(outputs.close)
        workers = _workers(scheduler, jobs, len(tasks), limits, outputs)
        stack.callback(workers.shutdown)
        work = outputs.work if outputs is not None and not gather else None
        measures = report is not None or memory_limit is not None
        job = Job(script, digest, work, gather, scheduler is not None, checksum, measures)
        plan = driver.Plan(job, tasks, report, resume, checksum, fail_fast)
        return driver.Run(plan, outputs, Display(script, len(tasks), is_quiet=quiet)).run(workers)


def _digest(script: str) -> str:
    from tclcmd.batch import inputs

    try:
        return inputs.digest(script)
    except OSError as error:
        raise click.ClickException(f"cannot read {script}: {(error.strerror or str(error)).lower()}") from None


def _workers(
    scheduler: str | None, jobs: int | None, count: int, limits: dict[str, Any], outputs: Outputs | None
) -> Any:
    if scheduler is not None:
        from tclcmd.batch import cluster

        return cluster.connect(scheduler, limits)
    import pyroi
    from tclcmd.batch.pool import Pool

    finish = None if outputs is None else outputs.finished
    return Pool(min(jobs or pyroi.get_num_threads(), count), **limits, finish=finish)
