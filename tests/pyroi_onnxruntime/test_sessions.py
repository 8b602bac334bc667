"""Sessions beside each other: threads, forks, options used twice, options that are gone, and other ONNX Runtimes."""

from __future__ import annotations

import concurrent.futures
import ctypes
import gc

import numpy as np
import pytest
from children import run_child

pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from graphs import model, session  # noqa: E402

import pyroi.onnxruntime  # noqa: E402
from pyroi.onnxruntime import options as registering  # noqa: E402

RNG = np.random.default_rng(3)
FEEDS = {
    "X": RNG.standard_normal((1, 64, 60, 60)).astype(np.float32),
    "rois": np.sort(RNG.uniform(0, 60, (200, 2, 2)), 1).reshape(200, 4).astype(np.float32),
    "batch_indices": np.zeros(200, np.int64),
}
GRAPH = model("RoiAlign", FEEDS, {"Y": np.float32}, output_height=7, output_width=7)
EXPECTED = pyroi.roi_align(FEEDS["X"], FEEDS["rois"], 7, 1, 0)


def test_sessions_in_threads():
    """One session used by many threads, and sessions made by many."""
    running = session(GRAPH, threads=2)

    def work(index):
        return (running if index % 2 else session(GRAPH, threads=2)).run(None, FEEDS)[0]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for crops in pool.map(work, range(32)):
            np.testing.assert_array_equal(crops, EXPECTED)


def test_sessions_before_and_after():
    """A session made before others are accelerated keeps ONNX Runtime's kernels; so does one with other options."""
    before = session(GRAPH, ours=False)
    plain = before.run(None, FEEDS)[0]
    np.testing.assert_array_equal(session(GRAPH).run(None, FEEDS)[0], EXPECTED)
    for own in (before, session(GRAPH, ours=False)):
        np.testing.assert_array_equal(own.run(None, FEEDS)[0], plain)
    assert (plain != EXPECTED).any()  # by rounding: so the two kernels can be told apart


def test_options_twice():
    """The same options accelerated twice, and used for two sessions."""
    options = onnxruntime.SessionOptions()
    assert pyroi.onnxruntime.accelerate(pyroi.onnxruntime.accelerate(options)) is options
    for _ in range(2):
        running = onnxruntime.InferenceSession(GRAPH.SerializeToString(), options, providers=["CPUExecutionProvider"])
        np.testing.assert_array_equal(running.run(None, FEEDS)[0], EXPECTED)
    with pytest.raises(ValueError, match="opset: these options have been accelerated for 16 already, got 11"):
        pyroi.onnxruntime.accelerate(options, opset=11)


def test_the_entry_of_a_user_is_no_mark(monkeypatch):
    """It says which opset the models have; a call without `opset` keeps it, and one that agrees changes nothing."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("pyroi.onnx_opset", "10")
    assert pyroi.onnxruntime.accelerate(pyroi.onnxruntime.accelerate(options)) is options
    pyroi.onnxruntime.accelerate(options, opset=11)  # RoiAlign means the same in both
    with pytest.raises(ValueError, match="opset: these options have been accelerated for 10 already, got 16"):
        pyroi.onnxruntime.accelerate(options, opset=16)
    with pytest.raises(Exception, match="expected a version of ONNX's operators"):
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("pyroi.onnx_opset", "-1")
        pyroi.onnxruntime.accelerate(options)


def test_a_failed_registration_is_no_success(monkeypatch):
    """The next call registers the operators."""
    options = onnxruntime.SessionOptions()
    with monkeypatch.context() as patch:
        patch.setattr("pyroi.onnxruntime.options.get_library", lambda: "/nowhere/libroi.so")
        with pytest.raises(Exception, match="nowhere"):
            pyroi.onnxruntime.accelerate(options)
    calls = []
    monkeypatch.setattr("pyroi.onnxruntime.options._register", lambda *given: calls.append(given))
    pyroi.onnxruntime.accelerate(options)
    assert len(calls) == 1


def test_old_and_new_models_in_turn():
    """Options for models before operator set 16 and for newer ones do not mix."""
    old = model("RoiAlign", FEEDS, {"Y": np.float32}, 11, output_height=7, output_width=7)
    shifted = pyroi.roi_align(FEEDS["X"], FEEDS["rois"], 7, 1, 0, False)
    for _ in range(2):
        np.testing.assert_array_equal(session(old, opset=11).run(None, FEEDS)[0], shifted)
        np.testing.assert_array_equal(session(GRAPH).run(None, FEEDS)[0], EXPECTED)


def test_sessions_outlive_their_options():
    """And the library outlives them all: ONNX Runtime unloads it with the last options that have it."""
    for _ in range(3):
        running = session(GRAPH)
        gc.collect()
        np.testing.assert_array_equal(running.run(None, FEEDS)[0], EXPECTED)
        del running
        gc.collect()


def test_only_the_threads_of_the_session():
    """libroi starts none beside them, and they share the work: every call asks for help of all."""

    def child():
        import pathlib
        import time

        import numpy as np
        from graphs import model, session

        import pyroi

        pyroi.set_num_threads(3)
        rng = np.random.default_rng(0)
        feeds = {
            "X": rng.standard_normal((1, 256, 100, 100)).astype(np.float32),
            "batch_indices": np.zeros(400, np.int64),
        }
        feeds["rois"] = np.sort(rng.uniform(0, 100, (400, 2, 2)), 1).reshape(400, 4).astype(np.float32)
        feeds = {name: feeds[name] for name in ("X", "rois", "batch_indices")}
        graph = model("RoiAlign", feeds, {"Y": np.float32}, output_height=14, output_width=14)
        running = session(graph, threads=3)

        def worked():
            """Processor time of each thread, by its number."""
            found = {}
            for thread in pathlib.Path("/proc/self/task").iterdir():
                fields = (thread / "stat").read_text().rsplit(")", 1)[1].split()
                found[thread.name] = int(fields[11]) + int(fields[12])
            return found

        before = worked()
        until = time.monotonic() + 6
        while time.monotonic() < until:
            running.run(None, feeds)
        after = worked()
        assert before.keys() == after.keys(), (before, after)
        busy = [thread for thread in after if after[thread] - before[thread] >= 5]
        assert len(busy) >= 2, (before, after)

    run_child(child)


def test_forked_children():
    """A child makes sessions of its own after its parent has used some, and uses one of one thread that it was left."""

    def child():
        import os

        import numpy as np
        from graphs import model, session

        import pyroi

        rng = np.random.default_rng(3)
        feeds = {"X": rng.standard_normal((1, 32, 60, 60)).astype(np.float32)}
        feeds["rois"] = np.sort(rng.uniform(0, 60, (99, 2, 2)), 1).reshape(99, 4).astype(np.float32)
        feeds["batch_indices"] = np.zeros(99, np.int64)
        graph = model("RoiAlign", feeds, {"Y": np.float32}, output_height=7, output_width=7)
        expected = pyroi.roi_align(feeds["X"], feeds["rois"], 7, 1, 0)
        left = session(graph, threads=1)
        assert (session(graph, threads=2).run(None, feeds)[0] == expected).all()
        assert (left.run(None, feeds)[0] == expected).all()
        for _ in range(3):
            process = os.fork()
            if process == 0:
                right = (left.run(None, feeds)[0] == expected).all()
                right &= (session(graph, threads=2).run(None, feeds)[0] == expected).all()
                os._exit(0 if right else 1)
            assert os.waitpid(process, 0)[1] == 0
        assert (left.run(None, feeds)[0] == expected).all()

    run_child(child)


# ---- Other ONNX Runtimes ---------------------------------------------------------------------------------------------


KNOWN = ["1.17.0", "1.17.3", "1.24.0.dev20251031003", "1.32.0", "1.100.0"]
UNKNOWN = ["1.16.3", "0.5", "2.0.0", "nightly", ""]


@pytest.mark.parametrize("version", [*KNOWN, *UNKNOWN])
def test_versions(version):
    """From 1.17, whose table of functions has all that is needed, to the end of 1.x."""
    assert registering.is_known(version) == (version in KNOWN)


class ApiBase(ctypes.Structure):
    """What a library of operators is handed: a table by version, and what the run-time is."""

    GetApi = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)
    GetVersionString = ctypes.CFUNCTYPE(ctypes.c_char_p)
    _fields_ = (("get_api", GetApi), ("get_version", GetVersionString))


@pytest.mark.parametrize("version", ["1.16.3", "2.0.0", "0.5"])
def test_library_refuses_what_it_does_not_know(version):
    """By itself, for programs that register it without Python: an error that names both versions, nothing is called."""
    create_status = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)
    said = []
    make = create_status(lambda code, message: said.append(message.decode()) or 4711)
    table = (ctypes.c_void_p * 1)(ctypes.cast(make, ctypes.c_void_p))
    base = ApiBase(
        ApiBase.GetApi(lambda asked: ctypes.addressof(table) if asked == 1 or version[0] == "2" else None),
        ApiBase.GetVersionString(lambda: version.encode()),
    )
    register = ctypes.CDLL(pyroi.onnxruntime.get_library()).RegisterCustomOps
    register.restype = ctypes.c_void_p
    assert register(None, ctypes.byref(base)) == 4711
    assert said == [f"pyroi's operators need ONNX Runtime 1.17 or a later 1.x, found {version}"]
