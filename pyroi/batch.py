"""Calls a function for many inputs, on any executor of ``concurrent.futures``, with a bounded number of pending calls.

    import pyroi.batch

    for result in pyroi.batch.map(crop, paths):
        if result.error is None:
            print(result.input, result.value.shape)

The module is not imported by ``import pyroi``.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from pyroi.arrays import to_integer
from pyroi.errors import ArgumentError, ArgumentTypeError
from pyroi.runtime import get_num_threads, set_num_threads

__all__ = ["Result", "map"]

Input = TypeVar("Input")
Value = TypeVar("Value")

#: The number of inputs in progress per worker: one that is processed, and one that waits.
PER_WORKER = 2


@dataclass(frozen=True)
class Result(Generic[Input, Value]):
    """The result of one input.

    Attributes:
        input: The input.
        index: The position of the input, from 0.
        value: The value that the function returned; None after an error.
        error: The exception that the function raised, or that ended its process; None after success.

    Example:
        >>> from pyroi import batch
        >>> batch.Result("a.png", 0, value=7).get()
        7
    """

    input: Input
    index: int
    value: Value | None = None
    error: BaseException | None = None

    def get(self) -> Value:
        """Returns the value, or raises the error."""
        if self.error is not None:
            raise self.error
        return cast(Value, self.value)


def map(
    function: Callable[[Input], Value],
    inputs: Iterable[Input],
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], object] | None = None,
    ordered: bool = False,
    window: int | Callable[[], int] | None = None,
) -> Iterator[Result[Input, Value]]:
    """Calls ``function(input)`` for each input, in parallel, and yields results and failures as the calls finish.

    Inputs are taken from the iterable as they are needed, so that it may be endless, and results are not kept: memory
    is bounded by the window, for any number of inputs. An exception that the function raises is yielded like any other
    result, and later inputs are not affected. A process that dies breaks a pool of ``concurrent.futures``: the calls in
    progress fail, and the iteration ends with an error. Closing the iterator cancels the calls that have not begun.

    Args:
        function: The function to call. For an executor of processes it must be importable, as for `pickle`.
        inputs: Any iterable.
        executor: Any ``concurrent.futures.Executor``: of threads, of processes, of loky, of Ray, or the result of
            ``distributed.Client.get_executor()``. It is not shut down. By default, a pool of processes is made and ends
            with the iterator. It has as many processes as :func:`pyroi.get_num_threads` says, by default one for each
            processor that affinity and the container's quota allow, each with one operator thread.
        progress: A function that is called in the caller's thread after each result, with the numbers of results and of
            failures so far.
        ordered: Whether to yield results in the order of the inputs. A slow input then delays the later ones, within
            the window.
        window: The largest number of inputs that have been taken and whose results have not been yielded, or a function
            that returns it, for executors that grow. By default, twice the number of the executor's workers if it is
            known, and otherwise twice the number of processes of the default pool.

    Yields:
        A :class:`Result` for each input.

    Raises:
        TypeError: `function` or `progress` is not callable, `inputs` not iterable, `window` not an integer.
        ValueError: `window` is below 1.
        concurrent.futures.BrokenExecutor: The executor accepts no more calls.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from pyroi import batch
        >>> def halve(text):
        ...     return int(text) / 2
        >>> with ThreadPoolExecutor(2) as executor:
        ...     for result in batch.map(halve, ["6", "x", "5"], executor=executor, ordered=True):
        ...         print(result.input, result.value, result.error)
        6 3.0 None
        x None invalid literal for int() with base 10: 'x'
        5 2.5 None
    """
    if not callable(function):
        raise ArgumentTypeError("function", f"expected a callable, got {type(function).__name__}")
    if progress is not None and not callable(progress):
        raise ArgumentTypeError("progress", f"expected a callable, got {type(progress).__name__}")
    if window is not None and not callable(window):
        window = to_integer(window, "window")
        if window < 1:
            raise ArgumentError("window", f"expected 1 or more, got {window}")
    try:
        each = iter(inputs)
    except TypeError:
        raise ArgumentTypeError("inputs", f"expected an iterable, got {type(inputs).__name__}") from None
    return _map(function, each, executor, progress, ordered, window)


def _map(
    function: Callable[[Input], Value],
    inputs: Iterator[Input],
    executor: Executor | None,
    progress: Callable[[int, int], object] | None,
    is_ordered: bool,
    size: int | Callable[[], int] | None,
) -> Iterator[Result[Input, Value]]:
    with contextlib.ExitStack() as stack:
        if executor is None:
            executor = stack.enter_context(_own_pool())
            # Before the pool is closed, which waits for the calls that have begun.
            stack.callback(executor.shutdown, wait=False, cancel_futures=True)
        window: Window[Input, Value] = Window(executor, function)
        stack.callback(window.cancel)
        done = failed = 0
        for result in _results(window, enumerate(inputs), size or _default_size(executor), is_ordered):
            done, failed = done + 1, failed + (result.error is not None)
            if progress is not None:
                progress(done, failed)
            yield result


def _results(
    window: Window[Input, Value],
    inputs: Iterator[tuple[int, Input]],
    size: int | Callable[[], int],
    is_ordered: bool,
) -> Iterator[Result[Input, Value]]:
    held: dict[int, Result[Input, Value]] = {}  # results that wait for those of earlier inputs
    following = 0
    while True:
        room = (size() if callable(size) else size) - len(window) - len(held)
        for index, each in itertools.islice(inputs, max(room, 0 if window else 1)):
            window.submit(index, each)
        if not window:
            return
        result = window.next()
        if not is_ordered:
            yield result
            continue
        held[result.index] = result
        while following in held:
            yield held.pop(following)
            following += 1


class Window(Generic[Input, Value]):
    """The pending calls of an executor."""

    def __init__(self, executor: Executor, function: Callable[[Input], Value]) -> None:
        self._executor = executor
        self._function = function
        self._under_way: dict[Future[Value], tuple[int, Input]] = {}
        self._finished: queue.SimpleQueue[Future[Value]] = queue.SimpleQueue()

    def __len__(self) -> int:
        """The number of calls whose results have not been taken."""
        return len(self._under_way)

    def submit(self, index: int, each: Input) -> None:
        """Begins a call."""
        future = self._executor.submit(self._function, each)
        self._under_way[future] = (index, each)
        # concurrent.futures.wait() would examine all calls in progress each time.
        future.add_done_callback(self._finished.put)

    def next(self) -> Result[Input, Value]:
        """Waits for the next result."""
        future = self._finished.get()
        index, each = self._under_way.pop(future)
        try:
            error = future.exception()
        except concurrent.futures.CancelledError as cancelled:
            error = cancelled
        return Result(each, index, None if error else future.result(), error)

    def cancel(self) -> None:
        """Cancels the calls that have not begun."""
        for future in self._under_way:
            future.cancel()


def _own_pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(get_num_threads(), initializer=set_num_threads, initargs=(1,))


def _default_size(executor: Executor) -> int:
    # Not part of the interface, but the name in the executors of the standard library and of loky.
    workers = getattr(executor, "_max_workers", None)
    return PER_WORKER * (workers if isinstance(workers, int) and workers > 0 else get_num_threads())
