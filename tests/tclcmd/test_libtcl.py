"""Which library of Tcl is opened: the one that ROISH_TCL names, the one in the package, or the system's."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import pyroi
from tclcmd import libtcl

ROOT = pathlib.Path(__file__).resolve().parents[2]

#: The files of Tcl that the process has loaded.
LOADED = """set f [open /proc/self/maps]; set maps [read $f]; close $f
    puts [lsort -unique [regexp -all -inline {/[^\\n]*/libtcl[^\\n]*} $maps]]"""


@pytest.fixture(scope="module")
def own_tcl(tmp_path_factory):
    """A folder as a wheel has it, with the system's Tcl; its name has characters that a script must quote."""
    folder = tmp_path_factory.mktemp("place") / "a b{$c" / "tcl"
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/collect-tcl", folder], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return folder


def with_own_tcl(folder: pathlib.Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in roish as in a package that has this folder."""
    program = (
        "import pathlib, sys\nfrom tclcmd import libtcl\n"
        "libtcl.FOLDER = pathlib.Path(sys.argv.pop())\n"
        "from tclcmd.shell.program import main\nmain()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ROISH_TCL"}
    words = [sys.executable, "-I", "-c", program, "-c", script, str(folder)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, env={**environment, **variables})


# ---- The one that the user names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("missing.so", "cannot open shared object file"),
        (".", "Is a directory"),
        ("text.so", "file too short|invalid ELF header"),
        ("libroi.so", "it is not a Tcl library"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_reason(roish, tmp_path, file, reason):
    """The variable, the file once, the reason, and what to do; exit status 1, no traceback."""
    (tmp_path / "text.so").write_text("no library")
    shutil.copyfile(pyroi.get_library(), tmp_path / "libroi.so")
    named = f"{tmp_path}/{file}"
    done = roish("-c", "", variables={"ROISH_TCL": named})
    first, second = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert first.startswith(f"roish: the library that the variable ROISH_TCL names cannot be used: {named}: ")
    assert re.search(reason, first)
    assert first.count(named) == 1
    assert second == f"Name a shared library of {libtcl.served().replace('and', 'or')} there, or unset ROISH_TCL."


def library_of(version: tuple[int, int], folder: pathlib.Path) -> pathlib.Path:
    """A library that says that it is of that version of Tcl, but has no table of functions: an interpreter of zeros."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler")
    source = f"""void Tcl_FindExecutable(const char *program) {{ (void)program; }}
        void Tcl_GetVersion(int *major, int *minor, int *patch, int *kind)
        {{ *major = {version[0]}; *minor = {version[1]}; (void)patch; (void)kind; }}
        void *Tcl_CreateInterp(void) {{ static void *interp[64]; return interp; }}"""
    library = folder / "libtcl.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, "-xc", "-"], input=source, text=True, check=True)
    return library


@pytest.mark.parametrize("version", [(7, 6), (8, 5), (10, 0)])
def test_a_tcl_of_another_version_is_refused(roish, tmp_path, version):
    """Of one that no host is for, with the versions that there are hosts for."""
    library = library_of(version, tmp_path)
    done = roish("-c", "", variables={"ROISH_TCL": str(library)})
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"roish: the library that the variable ROISH_TCL names cannot be used: {library}: "
        f"it is Tcl {version[0]}.{version[1]}, and roish works with {libtcl.served()}\n"
    )


def test_a_library_without_the_functions_of_its_version_is_refused(roish, tmp_path):
    """What the library itself says is not all that is looked at."""
    library = library_of((8, 6) if 8 in libtcl.built_for() else (9, 0), tmp_path)
    done = roish("-c", "", variables={"ROISH_TCL": str(library)})
    assert done.returncode == 1
    assert f"{library}: its functions are not those of its version\n" in done.stderr


@pytest.mark.parametrize(("version", "package"), [((8, 6), "tcl-dev"), ((9, 0), "tcl9.0-dev")])
def test_a_version_whose_headers_the_build_lacked(tmp_path, version, package):
    """The line says what was missing, and how to add it."""
    if 17 - version[0] not in libtcl.built_for():
        pytest.skip("built for one version of Tcl alone")
    library = library_of(version, tmp_path)
    program = (
        "import sys\nfrom tclcmd import libtcl\n"
        f"libtcl.built_for = lambda: ({17 - version[0]},)\n"
        "from tclcmd.shell.program import main\nmain()"
    )
    words = [sys.executable, "-I", "-c", program, "-c", ""]
    environment = {**os.environ, "ROISH_TCL": str(library)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment)
    first, second = done.stderr.splitlines()
    assert first.endswith(
        f"{library}: it is Tcl {version[0]}.{version[1]}, whose headers were missing when this installation was built: "
        f"install them (Debian, Ubuntu: apt install {package}), then run pip install . in the folder of the sources"
    )
    other = {8: "Tcl 9", 9: "Tcl 8.6"}[version[0]]
    assert second == f"Name a shared library of {other} there, or unset ROISH_TCL."


def test_the_named_library_is_the_only_one_opened(roish, own_tcl, tmp_path):
    """A copy under another name; an empty variable names none."""
    copy = tmp_path / "libtcl-mine.so"
    shutil.copyfile(own_tcl / "libtcl.so", copy)
    assert roish("-c", LOADED, variables={"ROISH_TCL": str(copy)}).stdout == f"{copy}\n"
    assert str(copy) not in roish("-c", LOADED, variables={"ROISH_TCL": ""}).stdout


# ---- The one in the package ------------------------------------------------------------------------------------------


def test_a_package_with_its_own_tcl_uses_nothing_of_the_systems(own_tcl):
    """Library, scripts, encodings and modules, in children too; programs that it starts see none of that."""
    script = f"""{LOADED}
        puts [info library]; puts [encoding dirs]; puts [encoding convertfrom cp1252 \\x80]
        foreach package {{tcltest http msgcat}} {{
            package require $package; puts [lindex [package ifneeded $package [package present $package]] end]
        }}
        interp create child; puts [child eval {{info library}}]; puts [info exists env(TCL_LIBRARY)]"""
    done = with_own_tcl(own_tcl, script)
    assert done.stderr == ""
    library, scripts, encodings, euro, *modules, child, variable = done.stdout.splitlines()
    folder = str(own_tcl)
    assert library.replace("\\", "") == f"{folder}/libtcl.so"
    assert scripts == child == f"{folder}/tcl8.6"
    assert f"{folder}/tcl8.6/encoding" in encodings.replace("\\", "")
    assert (euro, variable) == ("\u20ac", "0")
    assert len(modules) == 3
    assert all(module.startswith(f"{folder}/tcl8/") for module in modules)


def test_the_named_library_comes_before_the_packages_own(own_tcl, tmp_path):
    """With the scripts of its own installation."""
    copy = tmp_path / "libtcl-mine.so"
    shutil.copyfile(own_tcl / "libtcl.so", copy)
    done = with_own_tcl(own_tcl, f"{LOADED}; puts [info library]", ROISH_TCL=str(copy))
    library, scripts = done.stdout.splitlines()
    assert library == str(copy)
    assert not scripts.startswith(str(own_tcl))


def test_a_damaged_package_is_not_said_to_be_the_users_fault(tmp_path):
    """Nor is the system's Tcl used without a word."""
    damaged = tmp_path / "tcl"
    damaged.mkdir()
    (damaged / "libtcl.so").touch()
    done = with_own_tcl(damaged, "")
    assert done.returncode == 1
    assert done.stderr.startswith(f"roish: the library of Tcl 8.6 cannot be used: {damaged}/libtcl.so: ")
    assert "apt install tcl" in done.stderr


# ---- None ------------------------------------------------------------------------------------------------------------


def test_without_any_library_it_says_what_to_install():
    """All names that were tried, each with its reason."""
    program = (
        "import pathlib\nfrom tclcmd import libtcl\nlibtcl.FOLDER = pathlib.Path('/nowhere')\n"
        "libtcl.NAMES = {8: ['libtcl-none.so'], 9: ['libtcl-none.so', 'libtcl-nor-this.so']}\n"
        "libtcl.built_for = lambda: (8, 9)\nlibtcl.find()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ROISH_TCL"}
    words = [sys.executable, "-I", "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment)
    assert done.stderr.count("libtcl-none.so: ") == 1
    assert "TclMissing: the library of Tcl 8.6 cannot be used: libtcl-none.so: " in done.stderr
    assert "; libtcl-nor-this.so: " in done.stderr
    assert "apt install tcl" in done.stderr
