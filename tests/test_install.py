"""Messages about installation: none can install another project's package, and each names the missing part."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

from pyroi import install

ROOT = pathlib.Path(__file__).resolve().parents[1]
OURS = ("roish", "pyroi", "tclcmd", "libroi")
TEXTS = ("*.md", "*.py", "*.toml", "*.tcl", "*.c", "*.h", "*.build", "Makefile", ".ci/*")
BUILT = {".venv", "build", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}


def texts() -> list[pathlib.Path]:
    """All files of the project that people read."""
    found = {path for pattern in TEXTS for path in ROOT.rglob(pattern)}
    return sorted(path for path in found if path.is_file() and not BUILT & set(path.relative_to(ROOT).parts))


def names_for_pip(line: str) -> list[str]:
    """What a `pip install` in a line would look up by name on PyPI, of the names that are ours."""
    asked = re.findall(r"\bpip\S*(?: -\S+)* install(.*)", line)
    words = [word.rstrip(",;:.)") for word in re.split(r"[\s'\"`]+", " ".join(asked))]
    return [word for word in words if re.fullmatch(rf"(?:{'|'.join(OURS)})(?:\[[^\]]*\])?(?:[=<>~!].*)?", word)]


def test_the_test_knows_the_wrong_kind():
    """With extras, versions, options; and none of the right kind."""
    for wrong in ("pip install pyroi", "pip install 'pyroi[image,plot]'", "run bin/pip -qq install --pre roish==1",
                  "pip install --no-binary pyroi pyroi", "x = 'pip install numpy \"roish[plot]>=0.1\"'"):  # fmt: skip
        assert names_for_pip(wrong), wrong
    for right in ("pip install .", "pip install '.[torch]'", "pip install 'roish-0.1.0-cp311.whl[torch]'",
                  "pip install numpy", "python -m build; import pyroi"):  # fmt: skip
        assert not names_for_pip(right), right


def test_nothing_has_pip_look_for_our_names():
    """On PyPI `pyroi` is somebody else's package, and `roish` may come to be."""
    assert len(texts()) > 100
    lines = {
        f"{path.relative_to(ROOT)}:{number}"
        for path in texts()
        if path != pathlib.Path(__file__)
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if names_for_pip(line)
    }
    assert not lines


@pytest.mark.parametrize("extra", ["image", "plot", "torch", "autograd", "onnxruntime", "jax", "numba"])
def test_the_advice_names_extras_that_there_are(extra):
    """From a checkout and from a wheel file."""
    declared = (ROOT / "pyproject.toml").read_text("utf-8")
    assert re.search(rf"^{extra} = \[", declared, re.MULTILINE)
    said = install.how_to_add(extra)
    assert f"pip install '.[{extra}]'" in said
    assert f".whl[{extra}]'" in said
    assert not names_for_pip(said)


@pytest.mark.parametrize("program", ["import pyroi", "import pyroi.align", "import tclcmd.interpreter"])
def test_the_sources_are_not_the_package(program):
    """Started in the folder of the sources, Python finds them first."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith(f"ImportError: this is pyroi's source code, in {ROOT / 'pyroi'}")
    assert "start Python in another folder" in last
    assert "No module named" not in done.stderr


def test_the_shell_in_the_folder_of_the_sources():
    """One line, no traceback."""
    done = subprocess.run([sys.executable, "-m", "tclcmd"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("roish: this is pyroi's source code")


def test_a_package_for_another_python_says_so(monkeypatch, tmp_path):
    """Or one of which a part was lost."""
    monkeypatch.setattr(install, "__file__", str(tmp_path / "install.py"))
    version = ".".join(map(str, sys.version_info[:2]))
    assert install.why_not_compiled().startswith(f"pyroi in {tmp_path} has no compiled part for Python {version}: run ")


# ---- What make asks for ----------------------------------------------------------------------------------------------


def asked_for(python: str, packages: str) -> subprocess.CompletedProcess[str]:
    """What .ci/system-packages says to a user who has nothing but apt-get, which knows some packages."""
    script = (ROOT / ".ci" / "system-packages").read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        programs = {"apt-get": "exit 1", "apt-cache": f'case " {packages} " in *" $2 "*) exit 0;; esac; exit 1'}
        for name, text in programs.items():
            path = pathlib.Path(folder, name)
            path.write_text(f"#!{shutil.which('bash')}\n{text}\n")
            path.chmod(0o755)
        pathlib.Path(folder, "cat").symlink_to(shutil.which("cat") or "")
        os.chmod(folder, 0o755)
        somebody = {"user": 65534, "extra_groups": ()} if os.geteuid() == 0 else {}
        return subprocess.run([shutil.which("bash") or "", "-s", python], input=script, capture_output=True, text=True,
                              timeout=60, env={"PATH": folder}, cwd=folder, **somebody)  # fmt: skip


def test_make_prints_the_command_that_installs_what_is_missing():
    """A line to copy, for a user who is not root."""
    packages = "gcc libc6-dev pkg-config tcl-dev python3 python3-venv python3-dev"
    done = asked_for("python3", packages)
    assert (done.returncode, done.stdout) == (1, "")
    line = "    sudo apt-get install gcc libc6-dev pkg-config tcl-dev python3 python3-venv python3-dev\n"
    assert done.stderr == f"Some system packages are missing. Please run\n\n{line}\n"


def test_make_names_no_package_that_there_is_not():
    """A distribution has the headers of its own version of Python alone; what else can be done is said instead."""
    done = asked_for("python3.99", "gcc libc6-dev pkg-config tcl-dev")
    assert (done.returncode, done.stdout) == (1, "")
    assert "apt-get install" not in done.stderr
    assert "\n    make PYTHON=python3\n" in done.stderr
    assert "\n    make PYTHON=/path/to/bin/python3.99\n" in done.stderr


def test_make_trusts_names_where_no_list_of_packages_was_fetched():
    """As in a fresh container, where apt-cache knows nothing."""
    assert "sudo apt-get install gcc libc6-dev" in asked_for("python3.99", "").stderr


# ---- What pip asks for ----------------------------------------------------------------------------------------------


def set_up(folder: pathlib.Path, *programs: str, compiler: str = "") -> str:
    """What Meson prints, as pip runs it, for a user who has these programs alone."""
    meson = shutil.which("meson", path=str(pathlib.Path(sys.executable).parent)) or pytest.skip("there is no Meson")
    there = folder / "bin"
    there.mkdir()
    for program in programs:
        (there / program).write_text(f"#!{shutil.which('sh')}\n[ {program} != id ] || echo 1000\n")
        (there / program).chmod(0o755)
    (there / "python3").symlink_to(sys.executable)  # which the build asks for the version
    command = [sys.executable, meson, "setup", str(folder / "build"), str(ROOT), "-Dpython=true"]
    environment = {"PATH": str(there), **({"CC": compiler} if compiler else {})}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, cwd=folder)
    assert done.returncode == 1, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("apt-get", "sudo apt-get install gcc libc6-dev python3-dev pkg-config tcl-dev"),
        ("dnf", "sudo dnf install gcc python3-devel pkgconf-pkg-config tcl-devel"),
        ("apk", "sudo apk add gcc musl-dev python3-dev pkgconf tcl-dev"),
        ("brew", "xcode-select --install; brew install pkgconf tcl-tk@8"),
    ],
)
def test_pip_prints_the_command_that_installs_a_compiler(tmp_path, program, command):
    """A line to copy, for a user who is not root."""
    said = set_up(tmp_path, program, "id")
    assert f"There is no C compiler that works. Please run\n\n    {command}\n\nand then the same command again" in said


def test_pip_names_what_is_missing_on_a_system_that_is_not_known(tmp_path):
    """Without a command."""
    said = set_up(tmp_path)
    assert "There is no C compiler that works: install a C compiler and the headers of Python" in said


def test_a_compiler_without_a_c_library_counts_as_none(tmp_path):
    """As gcc without libc6-dev: what it makes cannot be linked."""
    assert "There is no C compiler that works. Please run" in set_up(tmp_path, "apt-get", "id", compiler="false")


# ---- What cibuildwheel reads -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cibuildwheel():
    """The settings of a platform, as cibuildwheel reads them there."""
    pytest.importorskip("cibuildwheel", reason="cibuildwheel is not installed: its settings are not read")
    from cibuildwheel.options import CommandLineArguments, compute_options

    def read(platform):
        arguments = CommandLineArguments.defaults()
        arguments.platform, arguments.package_dir = platform, ROOT
        return compute_options(platform, arguments, {})

    return read


@pytest.mark.parametrize(
    ("platform", "systems"),
    [
        ("linux", {"manylinux_x86_64", "musllinux_x86_64"}),
        ("macos", {"macosx_x86_64", "macosx_arm64"}),
        ("windows", set()),
    ],
)
def test_builds_of_cibuildwheel(cibuildwheel, platform, systems):
    """One of the limited API, and one for free-threaded Python; for systems that the sources build on."""
    command = [sys.executable, "-m", "cibuildwheel", "--platform", platform, "--print-build-identifiers", str(ROOT)]
    archs = ["--archs", "x86_64,arm64"] if platform == "macos" else ["--archs", "x86_64"] if platform == "linux" else []
    done = subprocess.run([*command, *archs], capture_output=True, text=True, timeout=300)
    assert set(done.stdout.split()) == {f"{python}-{system}" for python in ("cp310", "cp314t") for system in systems}


@pytest.mark.parametrize(
    ("identifier", "limited"), [("cp310-manylinux_x86_64", True), ("cp314t-musllinux_aarch64", False)]
)
def test_options_of_cibuildwheel_on_linux(cibuildwheel, identifier, limited):
    """An option that does not exist or has another form is an error of cibuildwheel's."""
    options = cibuildwheel("linux").build_options(identifier)
    assert options.config_settings.startswith("setup-args=-Down_tcl=/tmp/own-tcl")
    assert ("allow_limited_api=false" in options.config_settings) != limited
    assert "manylinux_2_28_x86_64" in options.manylinux_images["x86_64"]
    assert options.test_command.endswith("roish {project}/.ci/pooled.tcl")
    assert (ROOT / ".ci" / "pooled.tcl").is_file()


def test_environment_of_cibuildwheel_on_macos(cibuildwheel, tmp_path):
    """With programs in the place of Homebrew and of a Python on macOS: cibuildwheel knows a part of bash's grammar."""
    for name, text in {"brew": "echo /brew/tcl-tk@8", "python3": f'''exec {sys.executable} -c "
import platform, sys
platform.mac_ver = lambda: ('15.5.1', ('', '', ''), 'arm64')
exec(sys.argv[1])" "$2"'''}.items():  # fmt: skip
        (tmp_path / name).write_text(f"#!{shutil.which('sh')}\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = cibuildwheel("macos").build_options("cp310-macosx_arm64").environment
    assert environment.as_dictionary({"PATH": str(tmp_path)}) == {
        "PATH": str(tmp_path),
        "PKG_CONFIG_PATH": "/brew/tcl-tk@8/lib/pkgconfig",
        "MACOSX_DEPLOYMENT_TARGET": "15.0",
    }
