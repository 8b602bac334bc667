"""The C library by itself: built and installed without Python, its own tests, and the example as a user compiles it."""

from __future__ import annotations

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these are the versions of ELF")
SEARCH = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])


def tool(*names):
    """The first of these programs that is installed; skips the test where none is."""
    for name in names:
        path = shutil.which(name, path=SEARCH)
        if path:
            return path
    return pytest.skip(f"{names[0]} is not installed")


def run(*command, **options):
    """Runs a command; a failure shows what it said."""
    command = [str(part) for part in command]
    environment = {**os.environ, "PATH": SEARCH, **options.pop("env", {})}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=600, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout.decode()[-3000:]}\n{done.stderr.decode()[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """The library, its tests and the example, built, and installed into a folder of its own: (build, prefix, folder).

    The kernels are those of the installed pyroi where `make` has built it, which saves most of the time. What is built
    stays, so that only what has changed is compiled again.
    """
    meson = tool("meson")
    tool("ninja", "ninja-build", "samu")
    tool(os.environ.get("CC", "cc"))
    folder = tmp_path_factory.mktemp("libroi")
    compiled = ROOT / "build" / "python"
    name, options = ("c-tests", [f"-Dkernels={compiled}"]) if (compiled / "build.ninja").is_file() else ("c", [])
    build = ROOT / "build" / name if os.access(ROOT, os.W_OK) else folder / "build"
    run(meson, "setup", build, ROOT, "--libdir=lib", "-Dtests=true", "-Dwerror=true", *options)
    run(meson, "compile", "-C", build)
    run(meson, "install", "-C", build, "--no-rebuild", f"--destdir={folder}")
    (header,) = folder.glob("**/include/roi.h")
    return build, header.parents[1], folder


@pytest.fixture(scope="module")
def crop(build, tmp_path_factory):
    """examples/crop.c, compiled as its first lines say."""
    _, prefix, folder = build
    config = {"PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(folder)}
    flags = run(tool("pkg-config", "pkgconf"), "--cflags", "--libs", "roi", env=config).decode().split()
    program = tmp_path_factory.mktemp("example") / "crop"
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run(tool(os.environ.get("CC", "cc")), *warnings, ROOT / "examples" / "crop.c", *flags, "-o", program)

    def call(*arguments):
        return run(program, *arguments, env={"LD_LIBRARY_PATH": str(prefix / "lib")})

    return call


def test_c_tests(build):
    """All programs of tests/libroi pass."""
    said = run(tool("meson"), "test", "-C", build[0], "--no-rebuild", "--print-errorlogs").decode()
    assert "Fail:" in said
    assert int(said.split("Fail:")[1].split()[0]) == 0
    assert int(said.split("Ok:")[1].split()[0]) >= 7


def test_installed_files(build):
    """Headers, shared library, and the files for pkg-config and CMake, and nothing of Python."""
    prefix = build[1]
    files = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    assert "include/roi.h" in files
    assert "include/roi_flat.h" in files
    assert "lib/pkgconfig/roi.pc" in files
    assert "lib/libroi.a" in files
    assert "share/man/man3/roi.3" in files
    assert any(name.startswith("lib/libroi.so") or name.endswith(".dylib") for name in files)
    assert not any("python" in name or name.endswith(".py") for name in files)


def test_only_roi_symbols_are_exported(build):
    """What the shared library defines for others begins with roi_, and it is what the headers declare."""
    nm = tool("nm")
    library = next((build[1] / "lib").glob("libroi.so"))
    lines = run(nm, "-D", "--defined-only", library).decode().splitlines()
    # The names of versions are symbols of type A.
    names = {line.split()[-1].split("@")[0] for line in lines if " A " not in line}
    headers = "".join((build[1] / "include" / name).read_text() for name in ("roi.h", "roi_flat.h"))
    declared = {
        line.split("(")[0].split()[-1].lstrip("*") for line in headers.splitlines() if line.startswith("ROI_API ")
    }
    assert names == declared
    assert all(name.startswith("roi_") for name in names)


def stated_version():
    """MAJOR.MINOR.PATCH by the macros of the header."""
    header = (ROOT / "libroi" / "include" / "roi.h").read_text()
    return ".".join(re.search(rf"#define ROI_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))


@LINUX
def test_the_library_has_versions(build):
    """Its file, its soname, its symbols; and pkg-config says the same as the header, from which Meson has it."""
    folder = build[1] / "lib"
    assert os.readlink(folder / "libroi.so") == "libroi.so.0"
    assert os.readlink(folder / "libroi.so.0") == f"libroi.so.{stated_version()}"
    assert "soname: [libroi.so.0]" in run(tool("readelf"), "-d", folder / "libroi.so").decode()
    minor = ".".join(stated_version().split(".")[:2])
    names = run(tool("nm"), "-D", "--defined-only", "--with-symbol-versions", folder / "libroi.so").decode()
    assert {line.split("@@")[-1] for line in names.splitlines() if " T " in line} == {f"ROI_{minor}"}
    assert f"\nVersion: {stated_version()}\n" in (folder / "pkgconfig" / "roi.pc").read_text()


def test_the_manual_page(build):
    """It has each function, and nothing that man or mandoc warns of."""
    page = build[1] / "share" / "man" / "man3" / "roi.3"
    text = page.read_text().replace("\\", "")
    header = (build[1] / "include" / "roi.h").read_text()
    names = re.findall(r"^(?:ROI_API|static inline) [\w ]+[ *](roi_\w+)\(", header, re.MULTILINE)
    assert len(names) > 40
    assert [name for name in names if f"{name}(" not in text] == []
    for program, *words in (["mandoc", "-T", "lint", "-W", "warning"], ["groff", "-man", "-ww", "-z", "-K", "utf8"]):
        if path := shutil.which(program, path=SEARCH):
            done = subprocess.run([path, *words, str(page)], capture_output=True, text=True)
            assert (done.stdout + done.stderr).strip() == "", program


def test_library_needs_libc_and_libm_only(build):
    """Beside libc, libm and POSIX threads nothing is linked: no OpenMP runtime, of which others load their own."""
    library = next((build[1] / "lib").glob("libroi.so"))
    needed = run(tool("readelf"), "-d", library).decode()
    names = [line.split("[")[1].split("]")[0] for line in needed.splitlines() if "(NEEDED)" in line]
    allowed = ("libc.", "libm.", "libpthread.", "libgcc_s.", "ld-linux")
    assert names
    assert all(name.startswith(allowed) for name in names), names


PROGRAM = """\
#include <roi_flat.h>
#include <roi.h>
#include <roi_flat.h>

#include <stdio.h>

#if ROI_VERSION_MAJOR == 0 && ROI_VERSION_MINOR < 1
#error "too old"
#endif

int main(void)
{
    float map[25], crop[4] = {0, 0, 0, 0}, box[4] = {1, 1, 3, 3};
    const roi_array input = {map, ROI_FLOAT32, {1, 1, 5, 5}, {25, 25, 5, 1}};
    const roi_array output = {crop, ROI_FLOAT32, {1, 1, 2, 2}, {4, 4, 2, 1}};
    const roi_boxes boxes = {box, ROI_FLOAT32, 1, 4, {4, 1}, NULL};
    roi_align_params params = roi_align_defaults();
    roi_error error = {ROI_SUCCESS, -1, -1, 0};
    roi_status status;
    int i;
    for (i = 0; i < 25; i++)
        map[i] = (float)i;
    params.sampling_ratio = 2;
    status = roi_align(&params, &input, &boxes, &output, &error);
    printf("%s: %g %g %g %g", roi_status_text(status), crop[0], crop[1], crop[2], crop[3]);
    params.spatial_scale = -1;
    printf("; %d %s\\n", (int)roi_align(&params, &input, &boxes, &output, &error), roi_version());
    return 0;
}
"""


@pytest.mark.parametrize("library", ["shared", "static"])
@pytest.mark.parametrize(
    ("compiler", "standard"),
    [("gcc", "c99"), ("gcc", "c17"), ("clang", "c99"), ("g++", "c++11"), ("g++", "c++20"), ("clang++", "c++11")],
)
def test_an_outside_program(build, tmp_path, compiler, standard, library):
    """Built against what is installed, by both headers, without a warning; its crop is that of docs/numerics.md."""
    prefix = build[1]
    source = tmp_path / ("program.cpp" if "++" in compiler else "program.c")
    source.write_text(PROGRAM)
    program = tmp_path / "program"
    folder = prefix / "lib"
    linked = [folder / "libroi.a", "-lm", "-pthread"] if library == "static" else [f"-L{folder}", "-lroi"]
    warnings = ["-pedantic", "-Wall", "-Wextra", "-Werror"]
    run(tool(compiler), f"-std={standard}", *warnings, f"-I{prefix / 'include'}", source, *linked, "-o", program)
    said = run(program, env={"LD_LIBRARY_PATH": str(folder)}).decode()
    assert said == f"success: 6 7 11 12; 401 {stated_version()}\n"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="these are processors of x86-64")
@pytest.mark.parametrize("processor", ["x86-64", "ivybridge", "bdver2", "haswell"])
@pytest.mark.parametrize("kernel", ["align", "align_max", "grid", "pool", "ps", "rotated"])
def test_kernels_compile_for_other_processors(processor, kernel):
    """As with CFLAGS=-march=native: with F16C (ivybridge) or FMA (bdver2), but without AVX2, too."""
    source = ROOT / "libroi" / "src" / "kernels" / f"{kernel}_kernel.c"
    for kind in ("f32", "f64", "f16", "bf16"):
        words = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wno-psabi", f"-march={processor}", "-fsyntax-only"]
        words += [f"-I{ROOT / 'libroi' / name}" for name in ("include", "src")]
        run(tool("cc"), *words, f"-DROI_TYPE={kind}", "-DROI_TIER=baseline", source)


def test_cmake_finds_it(build, tmp_path):
    """find_package with the prefix alone, and the target roi::roi, whose program runs."""
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(crop C)\nfind_package(roi 0.1 REQUIRED)\n"
        f"add_executable(crop {ROOT / 'examples' / 'crop.c'})\ntarget_link_libraries(crop PRIVATE roi::roi)\n"
    )
    tool(os.environ.get("CC", "cc"))
    run(tool("cmake"), "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={build[1]}")
    run(tool("cmake"), "--build", tmp_path / "build")
    assert run(tmp_path / "build" / "crop").split()[:3] == [b"37.5", b"39.5", b"41.5"]


def test_example_without_a_picture(crop):
    """Grey 10 y + x, box (2, 3, 8, 11), 4 x 3 crops of 2 x 2 pixels each: the first is the mean at y 3.5, x 2.5."""
    rows = [[float(number) for number in line.split()] for line in crop().decode().splitlines()]
    assert rows == [[10 * y + x for x in (2.5, 4.5, 6.5)] for y in (3.5, 5.5, 7.5, 9.5)]


@pytest.mark.parametrize("channels", [1, 3])
def test_example_on_a_picture(crop, tmp_path, channels):
    """A crop of whole pixels at their own size is a slice of the picture; beyond the picture there is black."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 17, channels), dtype=np.uint8)
    magic = b"P6" if channels == 3 else b"P5"
    path = tmp_path / "picture"
    path.write_bytes(magic + b"\n# a comment\n17 12\n255\n" + pixels.tobytes())
    said = crop(path, 4, 3, 9, 10, 7, 5)
    assert said == magic + b"\n5 7\n255\n" + pixels[3:10, 4:9].tobytes()
    beyond = crop(path, 15, 0, 25, 12, 12, 10)
    header = len(magic + b"\n10 12\n255\n")
    assert not np.frombuffer(beyond[header:], np.uint8).reshape(12, 10, channels)[:, 3:].any()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("missing.ppm", 0, 0, 5, 5, 2, 2), "cannot be opened"),
        ((__file__, 0, 0, 5, 5, 2, 2), "not a binary"),
        (("short", 0, 0, 5, 5, 2, 2), "ends too early"),
        (("good", 0, 0, "x", 5, 2, 2), "not a number"),
        (("good", 0, 0, "nan", 5, 2, 2), "box: "),
        (("good", 0, 0, 5, 5, -2, 2), "sides"),
        (("good", 0), "usage"),
    ],
)
def test_example_with_bad_input(crop, tmp_path, monkeypatch, arguments, word):
    """Each mistake is one line on standard error and an exit status that is not 0."""
    monkeypatch.chdir(tmp_path)
    pathlib.Path("good").write_bytes(b"P5\n2 2\n255\n1234")
    pathlib.Path("short").write_bytes(b"P5\n200 200\n255\n1234")
    with pytest.raises(AssertionError, match=word) as caught:
        crop(*arguments)
    assert "Sanitizer" not in str(caught.value)
