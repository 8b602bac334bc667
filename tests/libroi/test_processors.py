"""The script that builds for other processors, its tables in docs/processors.md, and the machine code for aarch64."""

from __future__ import annotations

import collections
import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "processors.md"


@pytest.fixture(scope="module")
def builds():
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("builds", ROOT / "tests" / "libroi" / "cross" / "builds.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["builds"] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["builds"]


def rows(page, kind):
    """Name -> the other cells of the rows of a table."""
    table = re.search(rf"<!-- {kind}: .*?-->\n.*?\n.*?\n(.*?)<!-- end of {kind} -->", page, re.DOTALL)[1]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {line[0]: line[1:] for line in lines}


def test_the_page_has_builds_that_are_right(builds):
    """In the order of the script, each built, with all tests passed: in C, and of Python if they were run."""
    page = PAGE.read_text("utf-8")
    for kind in ("processors", "systems", "compilers"):
        found = rows(page, kind)
        assert list(found) == [build.name for build in builds.BUILDS if build.kind == kind and build.name in found]
        assert found
        for name, (about, built, *tests) in found.items():
            build = next(build for build in builds.BUILDS if build.name == name)
            assert about == build.about
            if not build.has_runs:
                assert (built, tests) == ("yes", [builds.NOT_RUN])
                continue
            assert (built, len(tests)) == ("yes", 2 if kind == "processors" else 1), name
            for cell in tests if tests[-1] else tests[:1]:
                passed, number = re.match(r"(\d+) of (\d+)(?:, \d+ skipped)?$", cell).groups()
                assert passed == number, name


def test_rows_are_replaced_in_the_order_of_the_builds(builds):
    """A row that is not there is added, one that is there replaced; what stands around the table stays."""
    by_name = {build.name: build for build in builds.BUILDS}
    page = PAGE.read_text("utf-8")
    before, rest = page.split("<!-- processors: ")
    after = rest.split("<!-- end of processors -->")[1]
    head = "<!-- processors: written by tests/libroi/cross/builds.py -->\n| a | b | c | d |\n|---|---|---|---|\n"
    page = f"{before}{head}<!-- end of processors -->{after}"
    for name, tests in (("s390x", "1 of 2"), ("armhf", "2 of 2"), ("s390x", "2 of 2")):
        build = by_name[name]
        page = builds.with_row(page, build, "yes", tests)
    assert page.startswith(f"{before}{head}| armhf |")
    assert page.endswith(f"| yes | 2 of 2 |\n<!-- end of processors -->{after}")
    assert list(rows(page, "processors")) == ["armhf", "s390x"]
    with pytest.raises(SystemExit, match="no table of processors"):
        builds.with_row("", by_name["armhf"], "")


def test_what_was_not_run_stays_in_the_table(builds):
    """An outcome of the Python packages, where those in C alone were tested; a new row has none."""
    aarch64, s390x = (next(build for build in builds.BUILDS if build.name == name) for name in ("aarch64", "s390x"))
    begin = (
        "<!-- processors: written by tests/libroi/cross/builds.py -->\n| a | b | c | d | e |\n|---|---|---|---|---|\n"
    )
    page = f"{begin}<!-- end of processors -->\n"
    for build, outcomes in ((aarch64, ("yes", "1 of 2", "3 of 3")), (aarch64, ("yes", "2 of 2")), (s390x, ("no", ""))):
        page = builds.with_row(page, build, *outcomes)
    found = rows(page, "processors")
    assert found["aarch64"][1:] == ["yes", "2 of 2", "3 of 3"]
    assert found["s390x"][1:] == ["no", "", ""]


def test_outcomes_of_pytest(builds, tmp_path):
    """Failures and errors have not passed; a skipped test counts for nothing."""
    (tmp_path / "report.xml").write_text(
        '<testsuites name="x"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"/></testsuites>'
    )
    assert builds.summary(builds.reported(tmp_path / "report.xml")) == "4 of 7, 3 skipped"


def test_a_summary(builds):
    """Tests of kernels that this processor lacks count for nothing; those that took too long have not passed."""
    assert builds.summary(["OK", "OK"]) == "2 of 2"
    assert builds.summary(["OK", "SKIP", "FAIL", "TIMEOUT"]) == "1 of 3, 1 skipped"


def test_names_of_builds(builds):
    """Those of one build, of a kind, and others."""
    assert [build.name for build in builds.chosen(["s390x", "aarch64"])] == ["aarch64", "s390x"]
    assert {build.kind for build in builds.chosen(["compilers"])} == {"compilers"}
    assert builds.chosen([]) == builds.BUILDS
    with pytest.raises(SystemExit, match="mips: expected one of aarch64, "):
        builds.chosen(["mips"])


def test_a_cross_file(builds, tmp_path, monkeypatch):
    """Nothing of the template is left open, and it names the compiler, the emulator and the order of bytes."""
    monkeypatch.setattr(builds, "ccache", lambda: ["ccache"])
    build = next(build for build in builds.BUILDS if build.name == "s390x")
    command, environment = builds.setup_command(build, tmp_path / "s390x")
    assert command[-1] == f"--cross-file={tmp_path / 's390x.ini'}"
    assert environment == {}
    text = (tmp_path / "s390x.ini").read_text()
    assert "@" not in text
    for line in ("c = ['ccache', 's390x-linux-gnu-gcc']", "exe_wrapper = ['qemu-s390x', '-L', '/usr/s390x-linux-gnu']",
                 "endian = 'big'"):  # fmt: skip
        assert line in text.splitlines()


# ---- Machine code ----------------------------------------------------------------------------------------------------

VECTOR = re.compile(r"\t(fmla|fadd|fmul|fcmgt|bit|bif|bsl)\tv\d+\.(4s|16b)")
SCALAR = re.compile(r"\t(fmadd|fadd|fmul|fcmpe?|fcsel|fcvt)\t[sdh]\d+")


def disassembled(tmp_path, triplet, *words):
    """The lines of what a compiler makes of its arguments."""
    for program in (f"{triplet}-gcc", f"{triplet}-objdump"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    subprocess.run([f"{triplet}-gcc", *words, "-c", "-o", tmp_path / "code.o"], check=True)
    dump = [f"{triplet}-objdump", "-d", "--no-show-raw-insn", tmp_path / "code.o"]
    return subprocess.run(dump, check=True, capture_output=True, text=True).stdout.splitlines()


def kernel_code(tmp_path, triplet, kernel, kind, *words):
    """The same of a kernel, compiled as libroi/meson.build has it."""
    words += ("-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wno-psabi", "-ffp-contract=off", "-fno-trapping-math",
              "-fno-math-errno", "-DNDEBUG", f"-DROI_TYPE={kind}")  # fmt: skip
    words += tuple(f"-I{ROOT / 'libroi' / name}" for name in ("include", "src"))
    return disassembled(tmp_path, triplet, *words, ROOT / "libroi" / "src" / "kernels" / f"{kernel}_kernel.c")


def machine_code(tmp_path, kernel, kind):
    """Function -> its instructions, of a kernel for aarch64."""
    functions, name = collections.defaultdict(list), ""
    for line in kernel_code(tmp_path, "aarch64-linux-gnu", kernel, kind, "-O3", "-DROI_TIER=baseline"):
        if found := re.match(r"[0-9a-f]+ <([\w.]+)>:", line):
            name = found[1]
        else:
            functions[name].append(line)
    return functions


@pytest.mark.parametrize(
    ("kernel", "kind", "loops"),
    [
        ("align", "f32", ["add_up_rows_of_ring", "add_up_rows_of_map", "put_bins"]),
        ("align", "f16", ["add_up_rows_of_ring", "add_up_rows_of_map", "put_bins"]),
        ("align", "bf16", ["add_up_rows_of_ring", "add_up_rows_of_map", "put_bins"]),
        ("pool", "f32", ["reduce_lines", "put_line"]),
    ],
)
def test_loops_use_neon(tmp_path, kernel, kind, loops):
    """The sums and maxima of a box head along rows and columns are found by vectors of four, and none one by one."""
    functions = machine_code(tmp_path, kernel, kind)
    for loop in loops:
        lines = functions[loop]
        assert sum(bool(VECTOR.search(line)) for line in lines) > 50, loop
        assert [line for line in lines if SCALAR.search(line)] == [], loop


# ---- Windows ---------------------------------------------------------------------------------------------------------

WINDOWS = "x86_64-w64-mingw32"
WIDE = re.compile(r"%[yz]mm\d")
ALIGNED = re.compile(r"\tv(movap[sd]|movdqa(32|64)?) .*\(.*")  # from or to memory
UNALIGNED_MOVES = re.search(r"'(-Wa,[\w-]+)'", (ROOT / "libroi" / "meson.build").read_text("utf-8"))[1]


def test_the_assembler_for_windows_replaces_aligned_moves(tmp_path):
    """By the option that libroi/meson.build gives it."""
    source = tmp_path / "moves.s"
    moves = "vmovaps %ymm0, 16(%rsp)", "vmovdqa (%rax), %ymm1", "vmovdqa64 %zmm2, (%rsp)", "vmovapd %zmm3, (%rsp)"
    source.write_text("\n".join(moves) + "\n")
    assert len([line for line in disassembled(tmp_path, WINDOWS, source) if ALIGNED.search(line)]) == 4
    lines = disassembled(tmp_path, WINDOWS, UNALIGNED_MOVES, source)
    assert len([line for line in lines if WIDE.search(line)]) == 4
    assert [line for line in lines if ALIGNED.search(line)] == []


@pytest.mark.parametrize("level", ["-O0", "-O3"])
def test_kernels_for_windows_do_not_expect_an_aligned_stack(tmp_path, level):
    """Under Windows it is aligned to 16 bytes, and a vector of AVX2 has 32. Wine happens to align it to more."""
    flags = ["-mavx2", "-mfma", "-mf16c", "-DROI_TIER=avx2", level, UNALIGNED_MOVES]
    wide = [line for line in kernel_code(tmp_path, WINDOWS, "align", "f32", *flags) if WIDE.search(line)]
    assert len(wide) > 1000
    assert [line for line in wide if ALIGNED.search(line)] == []
