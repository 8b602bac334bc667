"""One input: the script runs in a fresh interpreter, in a process that lives on."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import resource
import shutil
import socket
import sys
import tempfile
import time

import pyroi
from tclcmd.batch import inputs, outputs
from tclcmd.batch.outcome import Job, Outcome, Task
from tclcmd.files import wholefile
from tclcmd.interpreter import Interpreter

#: Sets the variables that are the same for all inputs, and makes `exit` end the script instead of the process: with
#: status 0 as a success, and otherwise as an error.
BEGINNING = """\
set argv {}
set argc 0
set tcl_interactive 0
proc exit {{status 0}} {
    return -code error -errorcode [list ROISH EXIT $status] "the script ended with exit status $status"
}
"""
EXIT_CODE = "ROISH EXIT "

#: The message of a script that wants a path for its output where none is asked for.
NO_OUTPUT = 'can\'t read "output": no such variable'

#: The largest size of a gathered output, in bytes. The worker, the scheduler and the driver have it in memory at the
#: same time.
MOST_GATHERED = 1 << 30


class Failed(Exception):
    """The input has failed, for a reason other than an error in the script."""


def run(job: Job, task: Task) -> Outcome:
    """Runs the script of the job for one input. No exception leaves it but those of the program itself."""
    begin = time.perf_counter()
    if job.measures_memory:
        _begin_peak()
    facts: dict[str, object] = {}
    try:
        _check_script(job.script, job.script_digest)
        if job.takes_digest:
            facts["digest"] = inputs.digest(task.input)
        output = _output_path(job, task)
        facts |= _evaluate(job.script, task, output)
        if output is not None:
            facts |= _finish_output(output, job, task, is_wanted="message" not in facts)
    except Failed as failure:
        facts["message"] = str(failure)
    except OSError as error:
        facts["message"] = f"{error.filename or task.input}: {(error.strerror or str(error)).lower()}"
    if job.measures_memory:
        facts["peak_memory"] = _peak()
    return Outcome(seconds=time.perf_counter() - begin, **facts)  # type: ignore[arg-type]


# ---- The script ------------------------------------------------------------------------------------------------------


def _check_script(path: str, digest: str) -> None:
    """Fails if the script was changed after the run began."""
    if _digest_of_version(path, *inputs.signature(path)) != digest:
        raise Failed("the script was changed after the run began, or is another one on this machine")


@functools.lru_cache(maxsize=1)
def _digest_of_version(path: str, size: int, mtime_ns: int) -> str:
    return inputs.digest(path)


def _evaluate(script: str, task: Task, output: str | None) -> dict[str, object]:
    """Runs the script. Returns None if it succeeds, and otherwise the reason of its failure."""
    before = os.getcwd()
    interpreter = Interpreter()
    try:
        pyroi.set_num_threads(1)  # in case the previous script has changed it
        _set_variables(interpreter, script, task, output)
        outcome = interpreter.eval_file(interpreter.from_system(script))
        failure = {} if outcome.is_complete or _has_exited_well(interpreter) else _failure(interpreter, script)
        if failure.get("message") == NO_OUTPUT and output is None:
            failure["message"] = f"{NO_OUTPUT}; --output FOLDER sets it"
        interpreter.write("")
        interpreter.write("", to_error=True)
        return failure
    finally:
        interpreter.close()
        with contextlib.suppress(OSError):
            os.chdir(before)


def _set_variables(interpreter: Interpreter, script: str, task: Task, output: str | None) -> None:
    interpreter.eval(BEGINNING)
    interpreter.set_global("argv0", interpreter.from_system(script))
    interpreter.set_global("index", str(task.index))
    interpreter.set_global("input", interpreter.from_system(task.input))
    if output is not None:
        interpreter.set_global("output", interpreter.from_system(output))


def _has_exited_well(interpreter: Interpreter) -> bool:
    return interpreter.get_global("errorCode") == EXIT_CODE + "0"


def _failure(interpreter: Interpreter, script: str) -> dict[str, object]:
    message = interpreter.result()
    trace = interpreter.get_global("errorInfo") or message
    failure = interpreter.failure
    if failure is not None and failure.message == message and failure.frame.get("file") == script:
        line = int(failure.frame["line"])
    else:
        line = _line_in(script, trace) or interpreter.error_line
    return {"message": message or "the script failed without a message", "line": line, "trace": trace}


def _line_in(script: str, trace: str) -> int | None:
    """The line of the command that has failed, if the script has it only once.

    Tcl itself tells the line of the outermost command, which may be a long `foreach`.
    """
    found = re.search(r'while executing\n"(.*?)(?:"|\.\.\.)?$', trace, re.MULTILINE)
    if not found:
        return None
    with open(script, encoding="utf-8", errors="replace") as file:
        lines = [number for number, line in enumerate(file, 1) if found.group(1) in line]
    return lines[0] if len(lines) == 1 else None


# ---- Its output ------------------------------------------------------------------------------------------------------


def _output_path(job: Job, task: Task) -> str | None:
    """Where the script writes: in a folder of this process alone, under the name that the output will have."""
    if task.output is None:
        return None
    try:
        return os.path.join(_own_folder(job.work, os.getpid()), os.path.basename(task.output))
    except FileNotFoundError:
        raise Failed(
            f"the folder of the run, {job.work}, is not on this machine: without a file system that all share, outputs "
            "are gathered by --gather"
        ) from None


@functools.lru_cache(maxsize=1)
def _own_folder(work: str | None, process: int) -> str:
    """Without `work`, outputs are gathered, and the folder is one for temporary files, which the cluster removes."""
    if work is None:
        folder = tempfile.mkdtemp(prefix="roish-map-")
    else:
        folder = os.path.join(work, _unique_name())
        os.mkdir(folder)
    wholefile.flush_later(folder)  # by this process or the driver, when the script has ended well
    return folder


def _unique_name() -> str:
    """A name that no attempt has, on any machine: an earlier one may be believed lost and still be writing."""
    return f"{re.sub(r'[^0-9A-Za-z-]', '-', socket.gethostname())}-{os.getpid()}-{time.monotonic_ns():x}"


def _finish_output(output: str, job: Job, task: Task, *, is_wanted: bool) -> dict[str, object]:
    """Moves the files of the script out of the folder of the process, which is then empty."""
    folder = os.path.dirname(output)
    try:
        return _taken_output(output, job, task) if is_wanted and os.path.lexists(output) else {}
    finally:
        for name in os.listdir(folder):  # other files of the script, or those of a script that has failed
            path = os.path.join(folder, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)


def _taken_output(output: str, job: Job, task: Task) -> dict[str, object]:
    """The output, by the path to which it was moved, or by its content."""
    if not job.gathers:
        if job.flushes:
            outputs.flush(output)
        written = os.path.join(str(job.work), f"{task.index}-{_unique_name()}")
        os.rename(output, written)
        return {"written": written}
    if os.path.isdir(output):
        raise Failed("the script has written a folder, and --gather returns files only")
    if os.stat(output).st_size > MOST_GATHERED:
        raise Failed(f"the script has written more than {MOST_GATHERED >> 20} MiB, the most that --gather returns")
    with open(output, "rb") as file:
        return {"content": file.read()}


# ---- Its memory ------------------------------------------------------------------------------------------------------


def _begin_peak() -> None:
    """Forgets the peak so far. Where the system does not support it, the peak is that of the process's whole life."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _peak() -> int:
    """The largest resident memory since the peak was last forgotten, in bytes."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for row in status:
            if row.startswith("VmHWM:"):
                return int(row.split()[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
