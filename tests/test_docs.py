"""Every code block of README and docs runs and does what it says."""

from __future__ import annotations

import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from oracles.autograd import torchvision_ops

import pyroi

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OPERATOR_PAGES = [page for page in PAGES if page.parent.name == "operators" and page.name != "README.md"]
NO_OPERATORS = {"Error", "__version__", "cpu_features", "get_num_threads", "release_memory", "set_num_threads"}
NO_OPERATORS |= {"get_include", "get_library", "watch_cancel_flag"}
NO_OPERATORS |= {"accelerate", "restore"}
MADE_FOR_THE_SITE = {"python/index.rst", "c.md"}  # see tests/test_site.py
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")


def blocks(language):
    """(page, number, text) of all blocks in a language, as pytest parameters."""
    found = []
    for page in PAGES:
        texts = [text for fence, text in BLOCK.findall(page.read_text("utf-8")) if fence == language]
        if page.parent.name == "tutorials" and language == "python":
            texts = ["\n".join(texts)]  # each goes on from the one before, as the pages say
        name = str(page.relative_to(ROOT))
        found += [pytest.param(text, id=f"{name}-{number}") for number, text in enumerate(texts)]
    return found


def photograph(folder):
    """Saves photo.jpg, which the examples read, in a folder."""
    image = pytest.importorskip("PIL.Image")
    pixels = np.arange(640 * 480 * 3, dtype=np.uint32).astype(np.uint8).reshape(480, 640, 3)
    image.fromarray(pixels).save(folder / "photo.jpg")


@pytest.fixture
def interpreter(tmp_path, monkeypatch):
    """A fresh Tcl interpreter in an empty folder that has what the examples read."""
    pytest.importorskip("tclcmd._host", reason="the Tcl host was not built")
    from tclcmd.interpreter import Interpreter

    pytest.importorskip("matplotlib")

    monkeypatch.chdir(tmp_path)
    photograph(tmp_path)
    interpreter = Interpreter()
    yield interpreter
    interpreter.close()


@pytest.mark.parametrize("script", blocks("tcl"))
def test_tcl(interpreter, script):
    """Each Tcl block is a script that ends without an error."""
    outcome = interpreter.eval(script)
    assert not outcome.is_error, interpreter.result()


@pytest.mark.parametrize("text", blocks("console"))
def test_console(interpreter, text):
    """In a session, what stands under a command is how its result begins; ``...`` stands for anything.

    Tensors are numbered in the whole process, so that their numbers depend on what ran before.
    """
    from tclcmd.shell import results

    lines = [line for line in text.splitlines() if not line.startswith("$ ")]
    answers = {}
    for number, line in enumerate(lines):
        if line.startswith("% "):
            below = lines[number + 1 :]
            stop = next((i for i, later in enumerate(below) if later.startswith("% ")), len(below))
            answers[number] = (line[2:], below[:stop])
    assert answers
    for command, expected in answers.values():
        interpreter.eval(command)
        result = results.shown(interpreter)
        for shown, line in zip(expected, result.splitlines(), strict=False):
            pattern = re.escape(shown).replace(re.escape("..."), ".*")
            assert re.fullmatch(re.sub(r"^tensor\d+", r"tensor\\d+", pattern), line), (command, result)
        assert len(result.splitlines()) >= len(expected), (command, result)


def skip_without_what_is_imported(code):
    """Skips the test of a block that imports a framework, or pyroi's half of one, where it is not installed."""
    nodes = list(ast.walk(ast.parse(code)))
    modules = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    needed = {part for module in modules for part in module.split(".")[:2]}
    for package in needed & {
        "torch",
        "autograd",
        "numba",
        "onnx",
        "onnxruntime",
        "jax",
        "ultralytics",
        "supervision",
        "sahi",
        "pyarrow",
        "yaml",
        "dask",
        "zarr",
        "datasets",
    }:
        pytest.importorskip(package, reason=f"{package} is not installed")
    tools = set(re.findall(r'accelerate\("(\w+)"\)', code))
    for package in tools - {"torchvision"}:
        module = "mmcv.ops" if package == "mmcv" else package  # which mmcv-lite has without its kernels
        pytest.importorskip(module, reason=f"{module} is not installed", exc_type=ImportError)
    if "torchvision" in needed | tools:
        torchvision_ops()


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # which torchvision calls
@pytest.mark.parametrize("code", blocks("python"))
def test_python(tmp_path, monkeypatch, code):
    """Each Python block is a program of its own."""
    skip_without_what_is_imported(code)
    if "photo.jpg" in code:
        photograph(tmp_path)
    monkeypatch.chdir(tmp_path)
    try:
        exec(compile(code, "block", "exec"), {"__name__": "__main__"})
    finally:
        pyroi.restore()


@pytest.mark.parametrize("code", blocks("c"))
def test_c(tmp_path, code):
    """Each C block compiles against the installed headers without a warning."""
    compiler = shutil.which("cc") or pytest.skip("cc is not installed")
    (tmp_path / "block.c").write_text(code)
    command = [compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{pyroi.get_include()}", "-c", "block.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


SHELL_PAGES = [page for page in PAGES if "```sh\n" in page.read_text("utf-8")]


@pytest.fixture
def photos(tmp_path):
    """A folder of photographs of several sizes, of which one is damaged."""
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "photos").mkdir()
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (90 + number, 120, 3), dtype=np.uint8)
        image.fromarray(pixels).save(tmp_path / "photos" / f"{number:02}.jpg")
    whole = (tmp_path / "photos" / "00.jpg").read_bytes()
    (tmp_path / "photos" / "damaged.jpg").write_bytes(whole[: len(whole) // 2])
    return tmp_path


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in SHELL_PAGES])
def test_shell(photos, page):
    """The blocks of a page in order, in one folder; with the damaged photograph, and only then, a command fails."""
    pytest.importorskip("tclcmd._host", reason="the Tcl host was not built")
    environment = {**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    commands = [text for fence, text in BLOCK.findall(page.read_text("utf-8")) if fence == "sh"]
    for command in commands:
        is_damaged = (photos / "photos" / "damaged.jpg").exists() and "\nrm " not in f"\n{command}"
        done = subprocess.run(
            ["bash", "-c", command], cwd=photos, env=environment, capture_output=True, text=True, timeout=300
        )
        expected = 1 if is_damaged and "roish map" in command else 0
        assert done.returncode == expected, done.stderr
        assert ("damaged.jpg  middle.tcl:1  Cannot read " in done.stderr) == bool(expected), done.stderr
    assert len(list((photos / "crops").glob("*.png"))) == 12
    with pytest.importorskip("PIL.Image").open(photos / "sheet.png") as sheet:  # of 12 crops, in rows and columns
        assert min(sheet.size) >= 3 * 128
        assert len(re.findall(r"^\*\*\d\. ", page.read_text("utf-8"), re.MULTILINE)) == 5


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_links(page):
    """Links within the project lead somewhere."""
    for target in set(LINK.findall(page.read_text("utf-8"))) - MADE_FOR_THE_SITE:
        assert (page.parent / target).exists(), target


#: The hosts that links lead to. A new one is added here once its link has been opened.
HOSTS = {
    "cocodataset.org",
    "docs.ultralytics.com",
    "github.com",
    "jobqueue.dask.org",
    "kubernetes.dask.org",
    "tqdm.github.io",
}


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_links_to_other_sites(page):
    """By their form, since tests run without a network: https, a known host, and a text instead of the address."""
    text = BLOCK.sub("", page.read_text("utf-8"))
    linked = re.findall(r"\[([^\]]*)\]\((\w+://[^)\s]*)\)", text)
    for shown, address in linked:
        assert re.fullmatch(r"https://[\w.-]+(/[\w./#%-]*)?", address), address
        assert address.split("/")[2] in HOSTS, address
        assert shown and shown != address
    in_code = " ".join(re.findall(r"`[^`]*`|^    .*$", text, re.MULTILINE))
    bare = re.findall(r"https?://[^\s)>`]+", text)
    assert [address for address in bare if address not in dict(linked).values() and address not in in_code] == []


def anchors(page):
    """Of the headings of a page, as GitHub makes them."""
    text = BLOCK.sub("", page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_places(page):
    """Links to a place on a page lead to a heading."""
    for target, place in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text("utf-8")):
        assert place in anchors(page.parent / target if target else page), (target, place)


def told(column, pages=OPERATOR_PAGES):
    """Names in a column of the tables on the operators' pages that tell command, Python and C."""
    rows = [row.split("|") for page in pages for row in page.read_text("utf-8").splitlines()]
    names = [cells for cells in rows if len(cells) == 5 and cells[2].startswith(" `pyroi.")]
    return [name for cells in names for name in re.findall("`(.*?)`", cells[column])]


def test_operators_of_pyroi_have_a_page():
    """Every operator is told on exactly one page of docs/operators, in its table, and nothing else is."""
    pages = [{name.removeprefix("pyroi.") for name in told(2, [page])} for page in OPERATOR_PAGES]
    assert sorted(name for page in pages for name in page) == sorted(set(pyroi.__all__) - NO_OPERATORS)


def test_operators_of_libroi_have_a_page():
    """Every function of roi.h that returns a status is told, and those told are there."""
    header = (ROOT / "libroi" / "include" / "roi.h").read_text("utf-8")
    functions = set(re.findall(r"ROI_API roi_status (roi_\w+)\(", header))
    assert {name for name in told(3) if name.startswith("roi_")} == functions
    assert all(name in header for name in told(3))


def test_operators_pictures(tmp_path):
    """docs/pictures.py draws just those that the operators' pages and numerics show, and they are small.

    Every page of an operator has one, and every picture has a description for those who do not see it.
    """
    pytest.importorskip("matplotlib")
    pytest.importorskip("PIL")
    assert all(re.search(r"^!\[", page.read_text("utf-8"), re.MULTILINE) for page in OPERATOR_PAGES)
    pages = [*OPERATOR_PAGES, ROOT / "docs" / "numerics.md"]
    assert all(len(text) > 60 for page in pages for text in re.findall(r"^!\[([^]]*)\]", page.read_text("utf-8"), re.M))
    links = {target for page in pages for target in LINK.findall(page.read_text("utf-8"))}
    shown = {pathlib.Path(target).name for target in links if target.endswith(".png")}
    subprocess.run([sys.executable, "-I", ROOT / "docs" / "pictures.py", tmp_path], check=True)
    assert {path.name for path in tmp_path.iterdir()} == shown
    assert all((ROOT / "docs" / "images" / name).stat().st_size < 60_000 for name in shown)


def test_operators_figures():
    """Times on the operators' pages are those of docs/performance.md, and every page has some."""
    done = subprocess.run(
        [sys.executable, "-I", ROOT / "docs" / "figures.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for page in OPERATOR_PAGES:
        assert re.search(r"^\| .* AVX.* \| [0-9.]+ \|", page.read_text("utf-8"), re.MULTILINE), page


def test_operators_figures_follow(tmp_path):
    """Another time in docs/performance.md is found, and written on the page."""
    shutil.copytree(ROOT / "docs" / "operators", tmp_path / "operators")
    shutil.copy(ROOT / "docs" / "figures.py", tmp_path)
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    changed, count = re.subn(r"^(\| IoU, [^|]*\|) [0-9.]+ \|", r"\1 987 |", text, flags=re.MULTILINE)
    assert count == 1
    (tmp_path / "performance.md").write_text(changed, "utf-8")
    command = [sys.executable, "-I", tmp_path / "figures.py"]
    done = subprocess.run([*command, "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "iou.md differs from docs/performance.md: run docs/figures.py\n")
    subprocess.run(command, check=True)
    assert "| 987 |" in (tmp_path / "operators" / "iou.md").read_text("utf-8")
