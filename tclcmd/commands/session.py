"""The session: what is alive, threads, help."""

from __future__ import annotations

import dataclasses
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
    returns="How many there were to free.",
    examples=("set x [torch::zeros {2}]\nputs $x\ntorch::tensor_delete $x",),
    see_also=("tensor_list",),
)
def tensor_delete(tensors: list[int], session: Session) -> int:
    """Frees tensors now, whoever still refers to them.

    No script has to: a tensor goes when the last value that holds it goes. Only one whose name has been seen, because
    it was printed, say, stays until here.
    """
    return sum(session.tensors.delete(number) for number in tensors)


@command(
    Parameter("tensor", ForeignTensor(), "A tensor, whichever interpreter or thread has it."),
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
    """A copy of a tensor that belongs to another interpreter or thread.

    Each interpreter has tensors of its own, and any other command refuses those of others. A handle that went to
    another thread went there as text: its tensor stays until torch::tensor_delete where it was made.
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
    """What is alive, and why.

    "values" says how many Tcl values stand for the tensor; "named" whether its name was seen, which keeps it alive
    without any. Names that appear in this list are seen by it.
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
    """How much memory tensors take.

    "live" counts tensors, "pinned" those that stay because their name was seen; "bytes" is what they take, "peak" the
    most they ever took. Tensors that share memory count it once. "kept" is what large results that are gone left for
    the next ones: torch::empty_cache gives it back.
    """
    return {**session.tensors.stats(), "kept": kept_memory() if session.grants is None else 0}


@command(
    dataclasses.replace(DEVICE, help="Whose memory: cpu."),
    group=GROUP,
    needs_session=True,
    reach=Reach.PROCESS,
    returns="How many bytes there were.",
    examples=("puts [torch::empty_cache]",),
    see_also=("memory_stats",),
)
def empty_cache(session: Session) -> int:
    """Gives memory that is kept for results to come back to the system.

    It is memory of large results that are gone: at most 256 MiB, and at most 1/32 of what the process may have. Where
    a command runs out of memory, it is given back first. With ROI_KEEP_MEMORY=0 in the environment nothing is kept.
    A safe interpreter leaves it to the others.
    """
    return pyroi.release_memory() if session.grants is None else 0


@command(group=GROUP, returns="0.", examples=('if {[torch::cuda_is_available]} {error "other than expected"}',))
def cuda_is_available() -> bool:
    """Whether tensors can live on a GPU: not in this build, which computes on the CPU."""
    return False


@command(group=GROUP, returns="0.", examples=("puts [torch::cuda_device_count]",), see_also=("cuda_is_available",))
def cuda_device_count() -> int:
    """The number of GPUs that tensors can live on: 0 in this build."""
    return 0


@command(
    Parameter("threads", Integer(at_least=1), "The number of threads.", aliases=("numThreads", "num_threads")),
    group=GROUP,
    needs_session=True,
    reach=Reach.PROCESS,
    returns="The number.",
    examples=("torch::set_num_threads 2",),
    see_also=("get_num_threads",),
)
def set_num_threads(threads: int, session: Session) -> int:
    """Sets how many threads an operator may use.

    Results are the same to the last bit for every number. A safe interpreter sets its own number, up to that of the
    process.
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
    returns="An integer.",
    examples=("puts [torch::get_num_threads]",),
    see_also=("set_num_threads",),
)
def get_num_threads() -> int:
    """How many threads an operator may use."""
    return pyroi.get_num_threads()


@command(
    Parameter("enabled", Boolean(), "Tell the time of every command?", default=None),
    group=GROUP,
    needs_session=True,
    returns="1 where times are told, else 0.",
    examples=("torch::timing on",),
)
def timing(enabled: bool | None, session: Session) -> bool:
    """Has the prompt tell how long each command took, or says whether it does.

    For a time to compute with there is Tcl's own command time.
    """
    if enabled is not None:
        session.timing = enabled
    return session.timing


@dataclass(frozen=True)
class CommandName(Text):
    """The name of a command, with or without its namespace."""

    allows_nul: bool = True

    def words_to_offer(self) -> list[tuple[str, str]]:
        """All there are."""
        return [(row.name, row.summary) for row in REGISTRY.values()]


@command(
    Parameter("command", CommandName(), "The name of a command, with or without torch::.", default=None),
    Parameter(
        "search", Text(), "Lists the commands that have these words in their help.", default=None, named_only=True
    ),
    group=GROUP,
    name="help",
    returns="Text.",
    description="Every command tells about itself where it is given the option -help: torch::roi_align -help.",
    summary="What the commands are, or what one of them does.",
    examples=("puts [torch::help]", "puts [torch::help roi_align]", "puts [torch::help -search pool]"),
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
        hint = f"; did you mean {likeness.one_of(near)}?" if near else ""
        raise ArgumentError("command", f"there is no command {quote(command)}{hint}")
    return help.help_text(found)
