"""What a script that is not trusted makes the system do, seen by strace.

After the start nothing is opened outside of the allowed folders, no process is started, and nothing is connected to;
with the second wall, and without it.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from .conftest import SAFE

#: Everything that reads, writes and computes, and then what must not work. A word about each is printed.
SCRIPT = """
set x [torch::rand {1 3 40 40}]
torch::tensor_save $x in/x.npy
torch::tensor_save $x in/x.npz
torch::tensor_save $x in/x.npy
torch::tensor_load in/x.npz; torch::tensor_load in/./x.npy
foreach ending {png jpg gif bmp tiff webp ppm tga pcx sgi ico dds jp2} {
    torch::image_write $x in/p.$ending
    torch::image_read in/p.$ending
}
foreach ending {png pdf svg} {
    torch::plot_boxes $x {{1 1 9 9}} in/b.$ending -labels {{a 中}} -scores 0.5 -title Ü
    torch::plot_features $x in/f.$ending
}
foreach ending {npz json parquet feather} {
    if {![catch {torch::boxes_write in/b.$ending {{1 1 9 9}} 0.5 1 2} why]} {
        torch::boxes_read in/b.$ending
    } elseif {![string match "*pyarrow, which is not installed*" $why]} {
        error $why
    }
}
torch::show $x
torch::roi_align [torch::rand {1 64 80 80}] [torch::zeros {500 5}] {14 14}
torch::randn {200 200}; torch::tensor_matmul [torch::ones {200 200}] [torch::ones {200 200}]
torch::help; torch::tensor_print $x; torch::tensor_to_list $x
catch {torch::zeros {1000000 1000000}}
foreach name {../secret.npy /etc/passwd ~root/x.npy in/link.npy /dev/zero /proc/self/environ in/missing.npy} {
    foreach command {tensor_load image_read} {
        if {![catch {torch::$command $name} why]} {error "$command $name: $why"}
    }
    if {![string match in/* $name] && ![catch {torch::tensor_save $x $name.npy} why]} {error $why}
}
foreach script {{exec ls} {open /etc/passwd} {socket localhost 80} {source x} {load x} {glob *} {cd /}
                {file exists /etc} {clock format 0} {encoding convertto cp1252 x}
                {file tail ~root} {package require Thread}} {
    if {![catch $script why]} {error "$script: $why"}
}
puts done
no_such_command
"""

#: Calls that take a name, a program or an address; strace tells those that the processor does not have.
TRACED = "%file,%process,%network,open_by_handle_at,pidfd_open,ptrace"

#: A folder that an open descriptor stands for, and a name in it.
BELOW = re.compile(r'(\w+)\((\d+|AT_FDCWD), "([^"]*)"')


def can_trace() -> bool:
    """Whether strace is there and may trace."""
    if not shutil.which("strace"):
        return False
    ran = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, check=False)
    return ran.returncode == 0


@functools.cache
def trace(root: pathlib.Path, walls: str) -> tuple[list[str], list[str], subprocess.CompletedProcess[str]]:
    """The lines of strace before and after the start of the script, and how the program ended."""
    (root / "in").mkdir()
    (root / "secret.npy").write_bytes(b"secret")
    (root / "in" / "link.npy").symlink_to("../secret.npy")
    blocked = root / "blocked"
    blocked.mkdir()
    for name in ("pyseccomp", "landlock") if walls == "without" else ():
        (blocked / f"{name}.py").write_text("raise ImportError\n")
    program = [SAFE[0], *SAFE[2:]] if walls == "without" else SAFE  # -I would ignore PYTHONPATH
    ran = subprocess.run(
        ["strace", "-f", "-s", "300", "-e", f"trace={TRACED},write,seccomp", "-o", str(root / "trace"), *program,
         "--allow", "in", "--time-limit", "300", "-c", SCRIPT],
        cwd=root, env={**os.environ, "PYTHONPATH": str(blocked)}, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    lines = (root / "trace").read_text(errors="replace").splitlines()
    start = next(number for number, line in enumerate(lines) if re.search(r'write\(\d+, "\.", 1', line))
    worker = lines[start].split()[0]
    return lines[:start], [line for line in lines[start:] if line.split()[0] == worker or "clone" in line], ran


pytestmark = pytest.mark.skipif(not can_trace(), reason="strace is missing, or may not trace here")


@pytest.fixture(scope="module", params=["with", "without"])
def traced(request, tmp_path_factory):
    """A run with the second wall, where this machine has it, and one without."""
    return trace(tmp_path_factory.mktemp(request.param), request.param)


def test_the_script_ran_to_its_end(traced):
    """Everything that is allowed worked, and all else failed."""
    _, _, ran = traced
    assert ran.stdout.endswith("done\n"), ran.stderr
    assert ran.stderr.startswith('invalid command name "no_such_command"')


def test_nothing_outside_is_opened(traced):
    """Names are relative to an open folder, without a way up; the worker's own descriptors apart."""
    _, after, _ = traced
    opened = 0
    for line in after:
        if not re.search(r"\b(open|openat|openat2|creat)\(", line):
            continue
        assert (found := BELOW.search(line)), line
        assert found[2] != "AT_FDCWD", line
        assert "/" not in found[3], line
        assert found[3] != "..", line
        assert "O_NOFOLLOW" in line or "O_TMPFILE" in line or "O_EXCL" in line, line
        opened += 1
    assert opened > 30


def test_nothing_outside_is_made_or_changed(traced):
    """The calls that take names are few, and their names are in an open folder."""
    _, after, _ = traced
    changing = r"\b(link|linkat|symlink\w*|rename\w*|unlink\w*|mk\w+|\w*chmod\w*|\w*chown\w*|truncate|\w*utime\w*)\("
    for line in after:
        if re.search(changing, line) and "fchmod(" not in line:
            names = re.findall(r'"([^"]*)"', line)
            assert all("/" not in name or name.startswith("/proc/self/fd/") for name in names), line
            assert re.search(r"\b(linkat|renameat2?|unlinkat)\(\d+, ", line), line


def test_no_process_and_no_connection(traced):
    """Threads apart, which are of the same process."""
    _, after, _ = traced
    for line in after:
        assert not re.search(r"\b(execve|execveat|fork|vfork|socket|connect|bind|sendto|ptrace|pidfd_open)\(", line), (
            line
        )
        if re.search(r"\bclone3?\(", line):
            assert "CLONE_THREAD" in line, line


def test_the_second_wall_stands(tmp_path_factory):
    """Where the packages are, which the tests install, and the kernel has both."""
    pytest.importorskip("landlock")
    try:
        pytest.importorskip("pyseccomp")
    except RuntimeError:
        pytest.skip("libseccomp is missing")
    before, _, ran = trace(tmp_path_factory.mktemp("wall"), "with")
    assert ran.stdout
    assert any("seccomp(SECCOMP_SET_MODE_FILTER" in line and line.endswith("= 0") for line in before)


#: Confines this process, and prints how many threads operators have, how many threads there are, and the mode of
#: seccomp of each of them: 2 where a filter is on.
OF_THREADS = """
import pathlib, re
import pyroi
from tclcmd.interpreter import Interpreter
from tclcmd.safe import confinement, walls

folder = pathlib.Path("/proc/self/task")
interpreter = Interpreter()
confinement._start_threads()
assert walls.forbid_calls()
modes = [re.search(r"^Seccomp:\\s+(\\d)", (each / "status").read_text(), re.M)[1] for each in folder.iterdir()]
print(pyroi.get_num_threads(), len(modes), set(modes))
"""


def test_the_second_wall_holds_for_all_threads():
    """Those of the operators have been started before it is built, as many as the environment asks for."""
    try:
        pytest.importorskip("pyseccomp")
    except RuntimeError:
        pytest.skip("libseccomp is missing")
    environment = {**os.environ, "OMP_NUM_THREADS": "3"}
    ran = subprocess.run([sys.executable, "-I", "-c", OF_THREADS], capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    wanted, count, modes = ran.stdout.split(" ", 2)
    assert int(count) >= int(wanted)
    assert modes.strip() == "{'2'}"


#: Confines the files of this process, and prints how many threads operators start after that; then what can still be
#: done with files, in this thread and in one that starts later.
OF_FILES = """
import os, pathlib, sys, threading
from tclcmd.safe import confinement, walls

inside, outside = map(pathlib.Path, sys.argv[1:])
WAYS = {
    "read inside": lambda: open(inside / "file"),
    "write inside": lambda: open(inside / "new", "w"),
    "read outside": lambda: open(outside / "file"),
    "write outside": lambda: open(outside / "new", "w"),
    "follow a link": lambda: open(inside / "link"),
    "climb": lambda: open(inside / ".." / outside.name / "file"),
    "read the system's": lambda: open("/etc/passwd"),
    "list": lambda: os.listdir(outside),
    "move in": lambda: os.rename(outside / "file", inside / "taken"),
    "remove": lambda: os.unlink(outside / "file"),
}

def try_all():
    for name, way in WAYS.items():
        try:
            way()
        except OSError as error:
            print(name, error.errno, sep=": ")
        else:
            print(name, "done", sep=": ")

threads = os.open("/proc/self/task", os.O_RDONLY)
before = len(os.listdir(threads))
assert walls.confine_files((str(inside),))
confinement._start_threads()
print(len(os.listdir(threads)) - before)
try_all()
later = threading.Thread(target=try_all)
later.start()
later.join()
"""


def has_landlock():
    """Whether the kernel has it, by its own answer to the question for the version of the interface."""
    return ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) > 0


def test_the_kernel_alone_confines_files(tmp_path):
    """Nothing that the shell itself checks is in the way here; the threads of operators start behind the wall."""
    pytest.importorskip("landlock")
    if not has_landlock():
        pytest.skip("this kernel has no Landlock")
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "file").write_text("x")
    (inside / "link").symlink_to(outside / "file")
    words = [sys.executable, "-I", "-c", OF_FILES, inside, outside]
    ran = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "3"})
    assert ran.returncode == 0, ran.stderr
    started, *said = ran.stdout.splitlines()
    assert int(started) == 2
    outcomes = [line.split(": ") for line in said]
    assert len(outcomes) == 20
    for way, outcome in outcomes:
        if way in ("read inside", "write inside"):
            assert outcome == "done", way
        else:
            assert outcome in (str(errno.EACCES), str(errno.EXDEV)), way
    assert (outside / "file").read_text() == "x"
