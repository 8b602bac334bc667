"""The session: living tensors, memory, threads and help."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

import pyroi
from pyroi.arrays import Array
from pyroi.errors import ArgumentError
from pyroi.memory import kept_memory
from tclcmd.language import help, likeness, lookup
from tclcmd.language.declare import DEVICE, REGISTRY, Parameter, Reach, command
from tclcmd.language.kinds import Boolean, ForeignTensor, Handles, Integer, Text
from tclcmd.values.quoting import quote
from tclcmd.values.session import Session

GROUP = "Session"


@command(
    Parameter("tensors", Handles(), "One tensor, or a list of them."),
    group=GROUP,
    needs_session=True,
    returns="The number of tensors that were freed.",
    examples=("set x [torch::zeros {2}]\ntorch::tensor_delete $x\nputs [dict get [torch::memory_stats] live]",),
    see_also=("tensor_list",),
)
def tensor_delete(tensors: list[int], session: Session) -> int:
    """Frees tensors at once, even if variables still refer to them.

    Scripts rarely need this: a tensor is freed when the last Tcl value that holds it is freed. The exception is a
    tensor whose handle has been used as text, for example because it was printed: it stays until torch::tensor_delete.
    """
    return sum(session.tensors.delete(number) for number in tensors)


@command(
    Parameter("tensor", ForeignTensor(), "The handle of a tensor of any interpreter or thread."),
    group=GROUP,
    reach=Reach.INTERPRETERS,
    returns="A tensor of this interpreter, with the same shape, type and numbers.",
    examples=(
        "interp create child\nchild eval {package require roi; set x [torch::ones {2}]}\n"
        "set copy [torch::tensor_import [child eval {set x}]]",
    ),
    see_also=("tensor_delete",),
)
def tensor_import(tensor: Array) -> Array:
    """Copies a tensor that belongs to another interpreter or thread.

    Each interpreter has its own tensors, and all other commands refuse tensors of another interpreter. A handle is
    passed to another thread as text, so that its tensor stays until torch::tensor_delete is called in the thread that
    made it.
    """
    return tensor.copy(order="K")


@command(
    group=GROUP,
    needs_session=True,
    returns="A list of dicts with the keys tensor, shape, dtype, values, named.",
    examples=("set x [torch::zeros {2 3}]\nforeach entry [torch::tensor_list] {puts [dict get $entry shape]}",),
    see_also=("memory_stats", "tensor_delete"),
)
def tensor_list(session: Session) -> list[dict[str, object]]:
    """Lists the living tensors.

    "values" is the number of Tcl values that hold the tensor. "named" says whether its handle has been used as text,
    which keeps the tensor alive without any value. Using a handle from this list as text counts too.
    """
    return session.tensors.listing()


@command(
    group=GROUP,
    needs_session=True,
    returns="A dict with the keys live, pinned, bytes, peak, kept.",
    examples=("puts [dict get [torch::memory_stats] live]",),
    see_also=("tensor_list", "empty_cache"),
)
def memory_stats(session: Session) -> dict[str, int]:
    """Reports the memory of tensors.

    "live" is the number of tensors, and "pinned" the number of those that stay because their handle has been used as
    text. "bytes" is the memory that they use now, and "peak" the most that they have used; memory that tensors share
    counts once. "kept" is memory of freed tensors that is kept for later results; torch::empty_cache returns it to the
    system.
    """
    return {**session.tensors.stats(), "kept": kept_memory() if session.grants is None else 0}


@command(
    dataclasses.replace(DEVICE, help="The device whose memory to release: cpu."),
    group=GROUP,
    needs_session=True,
    reach=Reach.PROCESS,
    returns="The number of bytes that were released.",
    examples=("puts [torch::empty_cache]",),
    see_also=("memory_stats",),
)
def empty_cache(session: Session) -> int:
    """Returns memory that is kept for later results to the system.

    It is the memory of large results that have been freed: at most 256 MiB, and at most 1/32 of the memory that the
    process may use. A command that runs out of memory releases it by itself and tries again. With ROI_KEEP_MEMORY=0 in
    the environment, no memory is kept. In a safe interpreter the command has no effect.
    """
    return pyroi.release_memory() if session.grants is None else 0


@command(group=GROUP, returns="0.", examples=("puts [torch::cuda_is_available]",), see_also=("cuda_device_count",))
def cuda_is_available() -> bool:
    """Returns whether tensors can be on a GPU.

    They cannot in this build, which computes on the CPU.
    """
    return False


@command(group=GROUP, returns="0.", examples=("puts [torch::cuda_device_count]",), see_also=("cuda_is_available",))
def cuda_device_count() -> int:
    """Returns the number of GPUs that tensors can be on, which is 0 in this build."""
    return 0


@command(
    Parameter("threads", Integer(at_least=1), "The number of threads.", aliases=("numThreads", "num_threads")),
    group=GROUP,
    needs_session=True,
    reach=Reach.PROCESS,
    returns="The number of threads.",
    examples=("torch::set_num_threads 2",),
    see_also=("get_num_threads",),
)
def set_num_threads(threads: int, session: Session) -> int:
    """Sets the number of threads that an operator may use.

    Results do not depend on the number of threads, down to the last bit. A safe interpreter sets its own number, up to
    that of the process.
    """
    if session.grants is not None:
        if threads > session.most_threads:
            raise ArgumentError("threads", f"expected at most {session.most_threads} here, got {threads}")
        session.threads = threads
        return threads
    try:
        pyroi.set_num_threads(threads)
    except ArgumentError as error:
        raise ArgumentError("threads", error.rule) from None
    return pyroi.get_num_threads()


@command(
    group=GROUP,
    returns="The number of threads.",
    examples=("torch::set_num_threads 2\nputs [torch::get_num_threads]",),
    see_also=("set_num_threads",),
)
def get_num_threads() -> int:
    """Returns the number of threads that an operator may use."""
    return pyroi.get_num_threads()


@command(
    Parameter("enabled", Boolean(), "Whether to print the time of every command.", default=None),
    group=GROUP,
    needs_session=True,
    returns="1 if times are printed, and 0 otherwise.",
    examples=("torch::timing on",),
    see_also=("set_num_threads",),
)
def timing(enabled: bool | None, session: Session) -> bool:
    """Turns the time of each command at the prompt on or off, or returns whether it is on.

    Scripts measure times with Tcl's own command time.
    """
    if enabled is not None:
        session.timing = enabled
    return session.timing


@dataclass(frozen=True)
class CommandName(Text):
    """The name of a command, with or without its namespace."""

    allows_nul: bool = True

    def words_to_offer(self) -> list[tuple[str, str]]:
        """All commands and their summaries."""
        return [(row.name, row.summary) for row in REGISTRY.values()]


@command(
    Parameter("command", CommandName(), "The name of a command, with or without torch::.", default=None),
    Parameter("search", Text(), "Lists the commands whose help contains these words.", default=None, named_only=True),
    group=GROUP,
    name="help",
    returns="The text of the help.",
    description="Every command shows its help if it is called with -help: torch::roi_align -help.",
    summary="Lists the commands, or explains one of them.",
    examples=("puts [torch::help]", "puts [torch::help roi_align]", "puts [torch::help -search pool]"),
    see_also=("timing",),
)
def help_(command: str | None, search: str | None) -> str:
    """See above."""
    if search is not None:
        return help.search(search)
    if command is None:
        return help.overview()
    found = lookup.find(command)
    if found is None:
        near = lookup.nearest(command, is_ours=True)
        is_told = re.fullmatch(r"[a-zA-Z]{3,20}", command) and help.hits(command)
        search = f"; torch::help -search {command} looks for the word" if is_told else ""
        hint = f"; did you mean {likeness.one_of(near)}?" if near else search
        raise ArgumentError("command", f"there is no command {quote(command)}{hint}")
    return help.help_text(found)
