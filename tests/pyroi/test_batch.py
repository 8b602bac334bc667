"""pyroi.batch.map: many inputs through one function, on any executor, with a bounded number under way."""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import signal
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import pyroi
from pyroi import batch
from pyroi.errors import ArgumentError, ArgumentTypeError


def inverse(number):
    """Fails for 0."""
    return 1 / number


def crop_mean(seed):
    """The mean of a crop of a map that the seed determines."""
    features = np.random.default_rng(seed).random((1, 3, 20, 20), dtype=np.float32)
    return float(pyroi.roi_align(features, [[0, 0, 10, 10]], (4, 4)).mean())


def killed_at_three(number):
    """Ends its own process for one input."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture
def threads():
    """An executor of three threads."""
    with ThreadPoolExecutor(3) as executor:
        yield executor


def test_each_input_has_one_result(threads):
    """With its index, and the failure where the function raises."""
    results = list(batch.map(inverse, [1, 2, 0, 4], executor=threads))
    assert sorted((result.index, result.input, result.value) for result in results if result.error is None) == [
        (0, 1, 1.0),
        (1, 2, 0.5),
        (3, 4, 0.25),
    ]
    (failed,) = (result for result in results if result.error is not None)
    assert (failed.index, failed.input, failed.value) == (2, 0, None)
    assert isinstance(failed.error, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        failed.get()
    assert results[0].get() == results[0].value


def test_own_processes_compute_the_same():
    """The default executor, against calls in this process: equal to the bit, since threads do not change results."""
    results = list(batch.map(crop_mean, range(6), ordered=True))
    assert [result.get() for result in results] == [crop_mean(seed) for seed in range(6)]


def threads_of_a_worker(_):
    """The number of operator threads."""
    return pyroi.get_num_threads()


def test_own_processes_have_one_operator_thread():
    """Since there is one for each processor."""
    assert [result.get() for result in batch.map(threads_of_a_worker, range(3))] == [1, 1, 1]


def test_results_come_as_they_are_ready(threads):
    """A later input overtakes an earlier one that takes long, unless order is asked for."""
    release = threading.Event()

    def function(number):
        return release.wait(60) if number == 0 else number

    results = batch.map(function, range(3), executor=threads)
    assert {next(results).input, next(results).input} == {1, 2}
    release.set()
    assert next(results).input == 0
    release.clear()
    threading.Timer(0.1, release.set).start()
    assert [result.input for result in batch.map(function, range(3), executor=threads, ordered=True)] == [0, 1, 2]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("window", [1, 2, 7, lambda: 3])
def test_the_window_bounds_what_is_taken(threads, ordered, window):
    """Of endless inputs, no more are taken than have been yielded, plus the window."""
    taken = itertools.count()
    size = window() if callable(window) else window
    results = batch.map(str, taken, executor=threads, ordered=ordered, window=window)
    most = 0
    for yielded in range(1, 50):
        next(results)
        ahead = int(repr(taken)[6:-1]) - yielded
        most = max(most, ahead)
        # It has refilled the window before it waited for this result, which was one of it.
        assert ahead <= size - 1
    results.close()
    assert most == size - 1


def test_order_holds_late_results_within_the_window(threads):
    """While the first input is under way, the others are computed, as far as the window goes, and no further."""
    release, begun = threading.Event(), []

    def function(number):
        begun.append(number)
        return release.wait(60) if number == 0 else number

    results = batch.map(function, itertools.count(), executor=threads, ordered=True, window=5)
    waiting = threading.Thread(target=next, args=(results,))
    waiting.start()
    time.sleep(0.3)
    assert sorted(begun) == [0, 1, 2, 3, 4]
    release.set()
    waiting.join(60)
    assert next(results).input == 1


def test_progress_counts(threads):
    """Results and failures, after each result."""
    seen = []
    for _ in batch.map(inverse, [1, 0, 2, 0], executor=threads, ordered=True, progress=lambda *c: seen.append(c)):
        pass
    assert seen == [(1, 0), (2, 1), (3, 1), (4, 2)]


def test_closing_cancels_what_has_not_begun():
    """And leaves an executor that was given open."""
    begun, release = [], threading.Event()

    def function(number):
        begun.append(number)
        return number if number == 0 else release.wait(60)

    with ThreadPoolExecutor(1) as executor:
        results = batch.map(function, range(10), executor=executor, window=6)
        next(results)
        results.close()
        release.set()
        assert executor.submit(str, 5).result(60) == "5"
    assert len(begun) <= 2


def test_inputs_that_raise_end_the_iteration(threads):
    """By their own error: there is no input to which it could belong."""

    def inputs():
        yield 1
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        list(batch.map(inverse, inputs(), executor=threads))


def test_a_pool_that_breaks_is_told():
    """What is under way in it fails; then the executor refuses, which is an error."""
    with ProcessPoolExecutor(1) as executor:
        results = []
        with pytest.raises(concurrent.futures.BrokenExecutor):
            for result in batch.map(killed_at_three, itertools.count(), executor=executor, window=1):
                results.append(result)
    assert [result.value for result in results] == [0, 1, 2, None]
    assert isinstance(results[-1].error, concurrent.futures.BrokenExecutor)


def test_any_executor_will_do():
    """One that has nothing but `submit` and is done at once."""

    class AtOnce(concurrent.futures.Executor):
        def submit(self, function, /, *arguments, **named):
            future = Future()
            future.set_result(function(*arguments, **named))
            return future

    assert [result.value for result in batch.map(abs, [-1, -2], executor=AtOnce())] == [1, 2]


def test_a_dask_cluster_is_an_executor():
    """By the executor of its client, which the default window suits as well."""
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        results = list(batch.map(inverse, [4, 0, 2], executor=client.get_executor(pure=False), ordered=True))
    assert [result.value for result in results] == [0.25, None, 0.5]
    assert isinstance(results[1].error, ZeroDivisionError)


def test_loky_is_an_executor():
    """With functions that pickle cannot take."""
    loky = pytest.importorskip("loky", reason="loky is not installed")
    executor = loky.ProcessPoolExecutor(1)
    results = batch.map(lambda number: number + 1, range(3), executor=executor, ordered=True)
    assert [result.get() for result in results] == [1, 2, 3]
    executor.shutdown()


def test_no_inputs_are_no_results(threads):
    """An empty iterable ends at once."""
    assert list(batch.map(abs, [], executor=threads)) == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"function": 3}, ArgumentTypeError, "function: expected a callable, got int"),
        ({"inputs": 3}, ArgumentTypeError, "inputs: expected an iterable, got int"),
        ({"progress": 3}, ArgumentTypeError, "progress: expected a callable, got int"),
        ({"window": 0}, ArgumentError, "window: expected 1 or more, got 0"),
        ({"window": 1.5}, ArgumentTypeError, "window: expected an integer, got 1.5"),
    ],
)
def test_wrong_arguments_are_refused_at_the_call(arguments, error, message):
    """Not when the first result is asked for."""
    with pytest.raises(error) as raised:
        batch.map(**{"function": abs, "inputs": [], **arguments})
    assert str(raised.value) == message
