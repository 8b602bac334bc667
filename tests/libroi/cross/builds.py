"""Builds the C library for other processors and by other compilers, and runs its tests.

Usage: python builds.py [--list] [--python] [--write PAGE] [NAME...]

A NAME is that of a build, or ``processors``, ``systems`` or ``compilers`` for all of a kind. For other processors and
Windows there are Debian's cross compilers. Programs for other processors run under qemu-user, with ROI_TEST_QEMU in
the environment, those for 32-bit x86 on this processor, and those for Windows under Wine. Those for macOS, which the
Clang of Zig builds, are not run. Each build has a folder build/NAME, which is kept. What a build needs and the machine
lacks is installed by apt-get if this runs as root, or by pip; else the build is left out, and what it lacks is named.
With --python, the packages for Python are built for the other processors, too, and a share of their tests runs there:
.ci/foreign-python and .ci/foreign-tests. With --write, the outcomes replace the rows of these builds in the tables of
a page.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field, replace

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEMPLATE = pathlib.Path(__file__).with_name("cross.ini.in")


# Most are built with -O1, which takes half as long as -O3.
O1 = "-Doptimization=1"

# What stands in place of outcomes where programs cannot be run.
NOT_RUN = "not run"

# How much of a log is printed when a command has failed.
LINES_SHOWN = 40


@dataclass(frozen=True)
class Build:
    """One way to build the library: a row of a table."""

    name: str
    kind: str
    about: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]  # of Debian
    options: tuple[str, ...] = ()
    cross: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)  # of the tests
    compiler: str = "gcc"
    slowness: int = 1  # how many times longer than at home the tests may take
    module: str = ""  # of Python, which pip installs
    has_runs: bool = True  # whether its programs can be run here
    port: str = ""  # Debian's name for another processor
    suite: str = "trixie"  # Debian's release whose Python there is tested
    qemu: tuple[str, ...] = ()  # what runs the programs of that processor, unless this one does
    script: tuple[str, ...] = ()  # what builds and tests in a system of its own
    folder: str = ""  # where that has been done, below build

    @property
    def missing(self) -> list[str]:
        """The programs and modules that are not installed."""
        modules = [self.module] if self.module and not importlib.util.find_spec(self.module) else []
        return [program for program in self.programs if not shutil.which(program)] + modules

    @property
    def how_to_install(self) -> str:
        """A command."""
        return f"pip install {self.module}" if self.module else f"apt-get install {' '.join(self.packages)}"


def processor(
    name: str, about: str, triplet: str, qemu: str, family: str, cpu: str, endian: str, port: str, *options: str
) -> Build:
    """A build by Debian's cross compiler; `port` is Debian's name for the processor."""
    return Build(
        name,
        "processors",
        about,
        (f"{triplet}-gcc", f"qemu-{qemu}"),
        (f"gcc-{triplet.replace('_', '-')}", f"libc6-dev-{port}-cross", "qemu-user"),
        options,
        cross={
            "COMPILER": f"@CCACHE@'{triplet}-gcc'",
            "AR": f"'{triplet}-gcc-ar'",
            "STRIP": f"'{triplet}-strip'",
            "WRAPPER": f"exe_wrapper = ['qemu-{qemu}', '-L', '/usr/{triplet}']",
            "SYSTEM": "linux",
            "FAMILY": family,
            "CPU": cpu,
            "ENDIAN": endian,
        },
        environment={"ROI_TEST_QEMU": "1"},
        slowness=10,
        port=port,
        qemu=(f"qemu-{qemu}",),
    )


def aarch64() -> Build:
    """A build for 64-bit ARM. Debian's programs sign pointers, which takes two thirds of the time in emulation."""
    built = processor(
        "aarch64", "64-bit ARM, `-O3`", "aarch64-linux-gnu", "aarch64", "aarch64", "armv8-a", "little", "arm64"
    )
    return replace(built, qemu=(*built.qemu, "-cpu", "cortex-a72"))


def with_oldest(build: Build) -> Build:
    """With Debian 12, whose NumPy, cffi and prompt_toolkit are the oldest that the packages work with, or nearly."""
    return replace(build, suite="bookworm")


def i386() -> Build:
    """A build for 32-bit x86, whose programs this processor runs; under qemu-user 7.2 some never end."""
    built = processor(
        "i386", "32-bit x86 with SSE2, `-O1`", "i686-linux-gnu", "i386", "x86", "i686", "little", "i386", O1
    )
    folder = "/usr/i686-linux-gnu/lib"
    loader = f"{folder}/ld-linux.so.2"
    wrapper = {"WRAPPER": f"exe_wrapper = ['{loader}', '--library-path', '{folder}']"}
    return replace(
        built,
        programs=(built.programs[0], loader),
        packages=built.packages[:2],
        cross=built.cross | wrapper,
        environment={},
        qemu=(),
    )


def windows(name: str, about: str, threads: str, *options: str) -> Build:
    """A build for 64-bit Windows by GCC of mingw-w64, of which Debian has two, named for the threads that they use."""
    triplet = "x86_64-w64-mingw32"
    return Build(
        name,
        "systems",
        about,
        (f"{triplet}-gcc-{threads}", "wine"),
        (f"gcc-mingw-w64-x86-64-{threads}", "wine", "wine64"),
        options,
        cross={
            "COMPILER": f"@CCACHE@'{triplet}-gcc-{threads}'",
            "AR": f"'{triplet}-gcc-ar'",
            "STRIP": f"'{triplet}-strip'",
            "WRAPPER": "exe_wrapper = 'wine'",
            "SYSTEM": "windows",
            "FAMILY": "x86_64",
            "CPU": "x86_64",
            "ENDIAN": "little",
        },
        environment={"WINEDEBUG": "-all", "WINEPREFIX": str(ROOT / "build" / "wine")},
        slowness=4,
    )


def macos(name: str, about: str, cpu: str, family: str, *options: str) -> Build:
    """A build for macOS by the Clang of Zig, which brings the headers of macOS. Nothing here runs its programs."""
    zig = f"'{sys.executable}', '-m', 'ziglang'"
    return Build(
        name,
        "systems",
        about,
        (),
        (),
        options,
        cross={
            "COMPILER": f"{zig}, 'cc', '-target', '{cpu}-macos'",
            "AR": f"{zig}, 'ar'",
            "STRIP": "'true'",
            "WRAPPER": "",
            "SYSTEM": "darwin",
            "FAMILY": family,
            "CPU": cpu,
            "ENDIAN": "little",
        },
        module="ziglang",
        has_runs=False,
    )


def compiler(name: str, about: str, program: str, package: str, *options: str) -> Build:
    """A build for this machine's processor by one compiler, with options of Meson."""
    return Build(name, "compilers", about, (program,), (package,), options, compiler=program)


def debian13() -> Build:
    """A build by the compiler of Debian 13, in a root folder of that system, which only root can make."""
    return Build(
        "gcc-14",
        "compilers",
        "GCC 14, `-O3`, in Debian 13",
        ("debootstrap",),
        ("debootstrap",),
        script=(str(ROOT / ".ci" / "debian13"), "c"),
        folder="debian13/src/build/c",
    )


BUILDS = [
    aarch64(),
    processor("armhf", "32-bit ARM, `-O1`", "arm-linux-gnueabihf", "arm", "arm", "armv7-a", "little", "armhf", O1),
    i386(),
    with_oldest(
        processor(
            "ppc64el", "POWER8, `-O1`", "powerpc64le-linux-gnu", "ppc64le", "ppc64", "power8", "little", "ppc64el", O1
        )
    ),
    processor("riscv64", "RV64GC, `-O1`", "riscv64-linux-gnu", "riscv64", "riscv64", "rv64gc", "little", "riscv64", O1),
    with_oldest(
        processor(
            "s390x", "System z, big-endian, `-O1`", "s390x-linux-gnu", "s390x", "s390x", "zEC12", "big", "s390x", O1
        )
    ),
    windows("windows", "Windows on x86-64, `-O3`", "posix"),
    windows("windows-serial", "Windows on x86-64, `-O1`, without threads", "win32", O1, "-Dthreads=disabled"),
    macos("macos", "macOS on 64-bit ARM, `-O1`", "aarch64", "aarch64", O1),
    macos("macos-x86", "macOS on x86-64, `-O1`", "x86_64", "x86_64", O1),
    compiler("debug", "GCC, `-O0`, with assertions", "gcc", "gcc", "-Dbuildtype=debug"),
    compiler("release", "GCC, `-O3`, `-DNDEBUG`", "gcc", "gcc"),
    compiler("serial", "the same, without threads", "gcc", "gcc", "-Dthreads=disabled"),
    compiler("lto", "GCC, `-O1`, link-time optimization", "gcc", "gcc", O1, "-Db_lto=true"),
    compiler("musl", "GCC, `-O1`, musl instead of the GNU C library", "musl-gcc", "musl-tools", O1),
    debian13(),
    compiler("clang-14", "Clang 14, `-O1`", "clang-14", "clang-14", O1),
    compiler("clang-22", "Clang 22, `-O1`", "clang-22", "clang-22", O1),
]


# ---- Running ---------------------------------------------------------------------------------------------------------


def ccache() -> list[str]:
    """What a compiler is called through, so that what is built again is not compiled again."""
    return ["ccache"] if shutil.which("ccache") else []


def setup_command(build: Build, folder: pathlib.Path) -> tuple[list[str], dict[str, str]]:
    """The command that configures a build, and what its environment has beside ours."""
    command = ["meson", "setup", str(folder), str(ROOT), "-Dtests=true", "-Dwerror=true", *build.options]
    if not build.cross:
        return command, {"CC": " ".join([*ccache(), build.compiler])}
    text = TEMPLATE.read_text("utf-8")
    for name, value in {**build.cross, "CCACHE": "".join(f"'{word}', " for word in ccache())}.items():
        text = text.replace(f"@{name}@", value)
    path = folder.with_suffix(".ini")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return [*command, f"--cross-file={path}"], {}


def run(command: list[str], log: pathlib.Path, **environment: str) -> bool:
    """Runs a command and adds what it says to a log, whose end is printed if it fails; whether it succeeded."""
    with log.open("a", encoding="utf-8") as file:
        if not subprocess.run(command, stdout=file, stderr=file, env={**os.environ, **environment}).returncode:
            return True
    with log.open(encoding="utf-8", errors="replace") as file:
        print(*collections.deque(file, LINES_SHOWN), sep="", file=sys.stderr)
    return False


def outcomes(folder: pathlib.Path) -> list[str]:
    """The outcome of each test in the newest log of Meson's: OK, FAIL, SKIP, TIMEOUT, ERROR."""
    lines = (folder / "meson-logs" / "testlog.json").read_text("utf-8").splitlines()
    return [json.loads(line)["result"] for line in lines]


def summary(found: list[str]) -> str:
    """How many tests passed, of how many that this machine can run."""
    skipped = found.count("SKIP")
    return f"{found.count('OK')} of {len(found) - skipped}" + (f", {skipped} skipped" if skipped else "")


def carry_out(build: Build) -> tuple[bool, str, str]:
    """Builds and tests: whether all is right, and what stands in the columns built and tests, "" if skipped."""
    folder = ROOT / "build" / (build.folder or build.name)
    log = ROOT / "build" / f"{build.name}.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("")
    if build.script:
        shutil.rmtree(folder, ignore_errors=True)
        passed = run([*build.script], log)
        if not (folder / "meson-logs" / "testlog.json").exists():
            return passed, "" if passed else "no", ""  # it has been skipped, or could not be built
        return passed, "yes", summary(outcomes(folder))
    command, environment = setup_command(build, folder)
    if not (folder / "build.ninja").exists():
        shutil.rmtree(folder, ignore_errors=True)
    if not run(command, log, **environment) or not run(["ninja", "-C", str(folder)], log):
        return False, "no", ""
    if not build.has_runs:
        return True, "yes", NOT_RUN
    test = ["meson", "test", "-C", str(folder), "--print-errorlogs", f"--timeout-multiplier={build.slowness}"]
    passed = run(test, log, **build.environment)
    return passed, "yes", summary(outcomes(folder))


def reported(report: pathlib.Path) -> list[str]:
    """The outcome of each test in a report of pytest's."""
    suites = [suite.attrib for suite in ElementTree.parse(report).getroot().iter("testsuite")]
    count = {name: sum(int(suite[name]) for suite in suites) for name in ("tests", "skipped", "failures", "errors")}
    wrong = count["failures"] + count["errors"]
    return ["OK"] * (count["tests"] - count["skipped"] - wrong) + ["SKIP"] * count["skipped"] + ["FAIL"] * wrong


def try_python(build: Build) -> tuple[bool, str]:
    """Builds the Python packages and tests them: whether all is right, and what stands in the column of their tests."""
    folder = ROOT / "build" / f"{build.name}-python"
    log = folder.with_suffix(".log")
    log.write_text("")
    (folder / "report.xml").unlink(missing_ok=True)
    scripts = ROOT / ".ci"
    made = run([str(scripts / "foreign-python"), str(folder), build.suite, build.port, *build.qemu], log)
    command = [str(scripts / "foreign-tests"), str(folder), str(ROOT / "build" / f"{build.name}.ini")]
    passed = made and run(command, log, **build.environment)
    return passed, summary(reported(folder / "report.xml")) if (folder / "report.xml").exists() else "not built"


def install(build: Build) -> bool:
    """Installs what a build needs: a module of Python, or Debian packages if this is root and there is apt-get."""
    if build.module:
        return not subprocess.run([sys.executable, "-m", "pip", "-qq", "install", build.module]).returncode
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "install", "--no-install-recommends", *build.packages]
    return not subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode


# ---- Tables ----------------------------------------------------------------------------------------------------------


def cells_of(line: str) -> list[str]:
    """The cells of a row."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def with_row(page: str, build: Build, *outcomes: str) -> str:
    """A page, in whose table of this kind the row of this build has these outcomes; rows are in the order of BUILDS.

    Where the row has more columns, its cells there stay.
    """
    begin, end = f"<!-- {build.kind}: written by tests/libroi/cross/builds.py -->\n", f"<!-- end of {build.kind} -->\n"
    before, found, rest = page.partition(begin)
    table, ended, after = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"the page has no table of {build.kind}")
    head = table.splitlines()[:2]
    rows = {cells_of(text)[0]: text for text in table.splitlines()[2:]}
    cells = [build.name, build.about, *outcomes]
    before_this = cells_of(rows[build.name]) if build.name in rows else [""] * len(cells_of(head[0]))
    cells += before_this[len(cells) :]
    rows[build.name] = f"| {' | '.join(cells)} |"
    ordered = [rows[one.name] for one in BUILDS if one.name in rows and one.kind == build.kind]
    return before + begin + "".join(f"{text}\n" for text in [*head, *ordered]) + end + after


def chosen(names: list[str]) -> list[Build]:
    """The builds of these names or kinds; all, when there are none."""
    known = {build.name for build in BUILDS} | {build.kind for build in BUILDS}
    for name in names:
        if name not in known:
            raise SystemExit(f"{name}: expected one of {', '.join(sorted(known))}")
    return [build for build in BUILDS if not names or {build.name, build.kind} & set(names)]


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a build or a kind of them; default: all")
    parser.add_argument("--python", action="store_true", help="test the Python packages on other processors, too")
    parser.add_argument("--list", action="store_true", help="list the builds")
    parser.add_argument("--write", metavar="PAGE", type=pathlib.Path, help="put the outcomes into the tables of a page")
    arguments = parser.parse_args()
    builds = chosen(arguments.names)
    if arguments.list:
        for build in builds:
            print(f"{build.name:12} {build.kind:11} {build.about}")
        return
    wrong = []
    for build in builds:
        if build.missing and not install(build):
            print(f"{build.name}: left out, without {', '.join(build.missing)}: {build.how_to_install}")
            continue
        began = time.monotonic()
        right, *cells = carry_out(build)
        if not cells[0]:
            print(f"{build.name}: left out: build/{build.name}.log says why")
            continue
        told = "built: {:4} tests passed: {:9}".format(*cells)
        if arguments.python and right and build.port:
            right, of_python = try_python(build)
            cells.append(of_python)
            told += f" those of the Python packages: {of_python}"
        print(f"{build.name:12} {told} {time.monotonic() - began:5.0f} s", flush=True)
        if not right:
            wrong.append(build.name)
        if arguments.write:
            page = arguments.write.read_text("utf-8")
            arguments.write.write_text(with_row(page, build, *cells), "utf-8")
    if wrong:
        sys.exit(f"Not right: {', '.join(wrong)}; what was said is in {ROOT / 'build'}/NAME.log or NAME-python.log")


if __name__ == "__main__":
    main()
