"""roish in Jupyter: the kernel, its installation, and the notebook of the examples."""

from __future__ import annotations

import base64
import io
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest

import pyroi
from tclcmd.notebook.output import Capture

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "portrait.ipynb"
PROGRAMS = pathlib.Path(sys.executable).parent

# ---- What a cell writes ----------------------------------------------------------------------------------------------


def test_streams_of_programs_are_caught(capfd):
    """In the order of each stream, also bytes that are no UTF-8, and only within the block."""
    seen: list[tuple[str, str]] = []
    capture = Capture(lambda stream, text: seen.append((stream, text)))
    with capture:
        subprocess.run("printf 'one\\n\\303'; printf '\\244\\377'; printf two >&2", shell=True, check=True)
        capture.catch_up()
        assert "".join(text for stream, text in seen if stream == "stdout") == "one\nä\ufffd"
        os.write(1, b"later")
    os.write(1, b"not seen")
    assert "".join(text for stream, text in seen if stream == "stdout") == "one\nä\ufffdlater"
    assert [text for stream, text in seen if stream == "stderr"] == ["two"]
    assert capfd.readouterr().out == "not seen"


def test_more_than_a_pipe_holds():
    """Does not block the writer."""
    lengths: list[int] = []
    with Capture(lambda stream, text: lengths.append(len(text))):
        os.write(1, b"x" * 1_000_000)
    assert sum(lengths) == 1_000_000


def test_what_a_program_writes_after_the_cell():
    """Is handed on when it comes."""
    seen: list[str] = []
    with Capture(lambda stream, text: seen.append(text)):
        child = subprocess.Popen("read line; echo late", shell=True, stdin=subprocess.PIPE)
    child.communicate(b"\n")
    deadline = time.monotonic() + 60
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen == ["late\n"]


# ---- The kernel ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """A folder where Jupyter finds the kernel, as the program installs it; the variables that tell Jupyter."""
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    prefix = tmp_path_factory.mktemp("jupyter")
    done = subprocess.run([PROGRAMS / "roish-kernel", "install", "--prefix", prefix], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(prefix / "share" / "jupyter"))
        patch.setenv("IPYTHONDIR", str(prefix / "ipython"))
        patch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
        yield prefix


class Cells:
    """A kernel that runs: what it says of a cell, as (kind, content) in the order of its messages.

    Streams are (name, text), joined where they follow each other; results are text, pictures the bytes of PNG files.
    """

    def __init__(self, manager, client) -> None:
        self.manager = manager
        self.client = client

    def __call__(self, code: str) -> list[tuple[str, object]]:
        """What is said of a cell."""
        request = self.client.execute(code)
        return self.answers(request)

    def answers(self, request: str) -> list[tuple[str, object]]:
        """What is said of a request that was sent."""
        said: list[tuple[str, object]] = []
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != request:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind == "stream":
                before = said.pop()[1] if said and said[-1][0] == content["name"] else ""
                said.append((content["name"], f"{before}{content['text']}"))
            elif kind == "execute_result":
                said.append(("result", content["data"]["text/plain"]))
            elif kind == "display_data":
                said.append(("picture", base64.b64decode(content["data"]["image/png"])))
            elif kind == "error":
                said.append(("error", content))
        return said

    def reply(self, request: str) -> dict:
        """The reply to a request on the shell channel."""
        while True:
            message = self.client.get_shell_msg(timeout=120)
            if message["parent_header"].get("msg_id") == request:
                return message["content"]


@pytest.fixture(scope="module")
def cells(jupyter, tmp_path_factory):
    """A kernel for all tests of this file."""
    manager_module = pytest.importorskip("jupyter_client.manager")
    folder = tmp_path_factory.mktemp("cells")
    manager, client = manager_module.start_new_kernel(kernel_name="roish", startup_timeout=120, cwd=str(folder))
    yield Cells(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_results_are_those_of_the_prompt(cells):
    """A line for a tensor, text for the rest, nothing for an empty result; of the last command of the cell."""
    assert cells("set x [torch::ones {2 3}]") == [("result", "tensor0: Float32 [2 3]  1 1 1 1 1 1")]
    assert cells("set a 1\nset b 2") == [("result", "2")]
    assert cells("list") == []
    assert cells("expr {6 * 7}") == [("result", "42")]


def test_output_stands_where_it_was_written(cells):
    """Of Tcl and of programs; then the result."""
    said = cells('puts one; exec >@stdout echo two; puts -nonewline three; set x "four ä 𝄞"')
    assert said == [("stdout", "one\ntwo\nthree"), ("result", "four ä 𝄞")]
    assert cells("puts stderr message") == [("stderr", "message\n")]


def test_errors_are_those_of_the_prompt(cells):
    """The message, the line of the cell, and a caret at the word; the errorCode is the name."""
    (kind, content), *others = cells("set x 1\ntorch::zeros {2 y}")
    assert (kind, others) == ("error", [])
    assert content["ename"] == "TORCH INVALID_VALUE shape"
    assert content["evalue"] == 'Invalid shape value: expected a list of integers, got "2 y"'
    assert content["traceback"] == [
        content["evalue"], "cell:2:", "    torch::zeros {2 y}", "                 ^^^^^",
    ]  # fmt: skip
    ((_, content),) = cells("torch::zerosss 2")
    assert content["traceback"][1] == "Did you mean torch::zeros?"


def test_a_failed_cell_stops_those_that_wait(cells):
    """As Jupyter does with an error; the kernel goes on, once it has refused what waits."""
    requests = [cells.client.execute(code) for code in ("after 500; error broken", "set y 2")]
    assert [cells.reply(request)["status"] for request in requests] == ["error", "aborted"]
    until = time.monotonic() + 60
    while (status := cells.reply(cells.client.execute("set y 3"))["status"]) == "aborted" and time.monotonic() < until:
        time.sleep(0.01)
    assert status == "ok"
    assert cells("set y")[-1] == ("result", "3")


def test_help_and_timing(cells):
    """As at the prompt."""
    ((kind, text),) = cells("help roi_align")
    assert (kind, text.startswith("torch::roi_align - ")) == ("result", True)
    cells("torch::timing on")
    said = cells("set x 1")
    cells("torch::timing off")
    assert said[0] == ("result", "1")
    assert said[1][0] == "stdout" and said[1][1].endswith("s\n")


def test_pictures(cells):
    """Each stands between what was written before and after it, and is the picture of the tensor."""
    pillow = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    cells("set rising [torch::tensor_reshape [torch::tensor_div [torch::arange 12] 11] {1 3 4}]")
    said = cells("puts before; torch::show $rising; puts after")
    assert [kind for kind, _ in said] == ["stdout", "picture", "stdout"]
    assert said[0][1] == "before\n"
    assert said[2][1] == "[1, 3, 4]\nafter\n"
    shown = np.asarray(pillow.open(io.BytesIO(said[1][1])))
    grey = np.floor(np.arange(12) / 11 * 255 + 0.5).reshape(3, 4)  # each pixel 80 x 80, for the sides stay within 320
    assert np.array_equal(shown, np.kron(grey, np.ones((80, 80)))[..., None].repeat(3, axis=2))
    assert [kind for kind, _ in cells("torch::show $rising -style ascii")] == ["stdout"]
    for command in ("plot_boxes $rising {{0 0 2 2}} boxes.png", "plot_features $rising features.pdf"):
        (kind, png), result = cells(f"torch::{command}")
        assert (kind, result) == ("picture", ("result", command.split()[-1]))
        assert pillow.open(io.BytesIO(png)).width > 500
    written = cells("list [file exists boxes.png] [file exists features.pdf]")
    assert written == [("result", "1 1")]


@pytest.mark.parametrize("code", ["while 1 {}", "after 100000", "while 1 {torch::relu [torch::ones {64 64}]}"])
def test_an_interrupt_stops_a_cell(cells, code):
    """And the kernel goes on."""
    cells("set kept 5")
    request = cells.client.execute(f"puts begun; {code}")
    while cells.client.get_iopub_msg(timeout=120)["msg_type"] != "stream":
        pass
    cells.manager.interrupt_kernel()
    ((kind, content),) = cells.answers(request)
    assert (kind, content["ename"], content["evalue"]) == ("error", "INTERRUPTED", "Interrupted")
    assert cells("set kept") == [("result", "5")]


def test_completion(cells):
    """From the declarations and the interpreter, at the cursor."""
    cells("set portrait [torch::ones {1 3 8 8}]")
    code = "set y [torch::roi_al"
    reply = cells.reply(cells.client.complete(code, len(code)))
    assert {"torch::roi_align", "torch::roi_align_rotated"} <= set(reply["matches"])
    assert all("roi_al" in match for match in reply["matches"])
    assert (reply["cursor_start"], reply["cursor_end"]) == (7, len(code))
    code = "torch::roi_align -input $por -boxes"
    reply = cells.reply(cells.client.complete(code, code.index(" -boxes")))
    assert (reply["matches"], reply["cursor_start"]) == (["$portrait"], code.index("$por"))
    code = "torch::roi_align -spa"
    reply = cells.reply(cells.client.complete(code, len(code)))
    assert reply["matches"] == ["-spatialScale"]


def test_help_at_the_cursor(cells):
    """Of the command that the cursor is in, and of the tensor in a variable."""
    cells("set portrait [torch::ones {1 3 8 8}]")
    code = "set y [torch::roi_align -input $portrait]"
    reply = cells.reply(cells.client.inspect(code, code.index("align")))
    assert reply["data"]["text/plain"].startswith("torch::roi_align - ")
    reply = cells.reply(cells.client.inspect(code, code.index("-input")))
    assert reply["data"]["text/plain"].startswith("torch::roi_align - ")
    reply = cells.reply(cells.client.inspect(code, code.index("portrait") + 2))
    assert reply["data"]["text/plain"] == "$portrait: Float32 [1 3 8 8]  min 1  mean 1  max 1"
    assert not cells.reply(cells.client.inspect("puts hello", 2))["found"]


def test_unfinished_cells(cells):
    """A console asks for more lines."""
    assert cells.reply(cells.client.is_complete("set x 1"))["status"] == "complete"
    reply = cells.reply(cells.client.is_complete("if 1 {\n"))
    assert (reply["status"], reply["indent"]) == ("incomplete", "    ")


def test_a_cell_that_reads_standard_input(cells):
    """Finds it empty, and does not wait."""
    assert cells("gets stdin line")[-1] == ("result", "-1")


# ---- The notebook of the examples ------------------------------------------------------------------------------------


def test_the_notebook(jupyter, tmp_path):
    """Runs, and its pictures are the photograph, with boxes, in crops as pyroi makes them, and by colour."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat")
    pillow = pytest.importorskip("PIL.Image")
    cbook = pytest.importorskip("matplotlib.cbook")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "it is kept without its output"
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    assert notebook.metadata.kernelspec.name == "roish"
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pngs = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    pictures = [np.asarray(pillow.open(io.BytesIO(base64.b64decode(png)))) for png in pngs]
    assert len(pictures) == 4

    photo = np.asarray(pillow.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    assert np.array_equal(pictures[0], photo)

    assert min(pictures[1].shape[:2]) > 700  # the plot of the boxes, in the colours of each label
    assert all((np.abs(pictures[1][..., :3].astype(int) - colour).sum(axis=2) < 20).any() for colour in BOX_COLOURS)

    face = pyroi.roi_align(photo.transpose(2, 0, 1)[None] / np.float32(255), [[155, 130, 375, 350]], (160, 160))
    crop = pictures[2][:160, 168:328].astype(float)  # the second of three in a row, eight pixels between
    assert np.abs(crop - face[0].transpose(1, 2, 0) * 255).max() <= 0.51

    assert pictures[3].shape[2] >= 3 and min(pictures[3].shape[:2]) > 500
    results = [output.data["text/plain"] for output in outputs if output.output_type == "execute_result"]
    assert results[0].endswith("Float32 [1 3 600 512]  min 0  mean 0.3155  max 1")
    assert results[1:] == ["boxes.png", results[2], "face.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boxes.png", "face.png"]


#: Orange, blue, green: the first colours of labels.
BOX_COLOURS = [(232, 113, 10), (26, 115, 232), (15, 157, 88)]


# ---- The installation ------------------------------------------------------------------------------------------------


def test_the_specification(jupyter):
    """Starts the kernel with this Python, which Jupyter interrupts by a signal."""
    found = json.loads((jupyter / "share" / "jupyter" / "kernels" / "roish" / "kernel.json").read_text("utf-8"))
    assert (found["argv"][0], found["argv"][3:]) == (sys.executable, ["-f", "{connection_file}"])
    assert (found["language"], found["interrupt_mode"]) == ("tcl", "signal")


def test_the_folder_of_a_notebook_is_none_of_modules(jupyter, tmp_path):
    """A file there may have the name of a module: the kernel that is started there knows its own."""
    found = json.loads((jupyter / "share" / "jupyter" / "kernels" / "roish" / "kernel.json").read_text("utf-8"))
    (tmp_path / "json.py").write_text("raise SystemExit('this is no module')")
    (tmp_path / "pyroi.py").write_text("raise SystemExit('this is no module')")
    words = [word for word in found["argv"] if word not in ("-f", "{connection_file}")]
    done = subprocess.run([*words, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "no module" in done.stdout + done.stderr) == (0, False)


def kernel_program(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs roish-kernel."""
    environment = {**os.environ, **variables}
    return subprocess.run([PROGRAMS / "roish-kernel", *words], capture_output=True, text=True, env=environment)


def test_installed_for_a_user(tmp_path):
    """Into the folder of Jupyter's data, by another name if one is given."""
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    done = kernel_program("install", "--user", "--name", "tcl-roi", JUPYTER_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kernels" / "tcl-roi" / "kernel.json").exists()
    assert f"installed as tcl-roi in {tmp_path}" in done.stdout


def test_installed_for_the_environment_of_python(tmp_path, monkeypatch):
    """Is the default."""
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    from click.testing import CliRunner

    from tclcmd.notebook import program

    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    for words in (["install"], ["install", "--sys-prefix", "--name", "second"]):
        assert CliRunner().invoke(program.main, words).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "share" / "jupyter" / "kernels").iterdir()) == ["roish", "second"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["install", "--user", "--prefix", "/tmp"], "--user and --prefix are two places"),
        (["install", "--prefix", "/proc/none"], "cannot write the kernel's folder"),
        (["install", "--name", "a b", "--prefix", "/proc/none"], "Invalid kernel name"),
        (["remove"], "No such command"),
    ],
)
def test_what_cannot_be_installed(words, said):
    """Is told, without a traceback."""
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    done = kernel_program(*words)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_ipykernel(tmp_path):
    """The message says how to install it."""
    (tmp_path / "ipykernel.py").write_text("raise ModuleNotFoundError('No module named ipykernel', name='ipykernel')")
    done = kernel_program("install", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("roish-kernel: Jupyter needs ipykernel: run pip install '.[jupyter]'")
