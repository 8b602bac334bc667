"""What programs that were compiled with one version of the C library rely on in the next: docs/abi.md."""

from __future__ import annotations

import importlib.util
import pathlib
import platform
import re
import shutil

import pytest

LIBROI = pathlib.Path(__file__).resolve().parents[2] / "libroi"
HEADER = (LIBROI / "include" / "roi.h").read_text("utf-8")


def script(path):
    """A program of libroi as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


symbols = script(LIBROI / "abi" / "symbols.py")
check = script(LIBROI / "abi" / "check.py")


# ---- Statuses --------------------------------------------------------------------------------------------------------


def numbers():
    """Name -> number of the statuses, in the order of the header."""
    body = re.search(r"typedef enum roi_status \{(.*?)\} roi_status;", HEADER, re.DOTALL)[1]
    names = re.findall(r"^ {4}(ROI_\w+)", body, re.MULTILINE)
    found = {name: int(number) for name, number in re.findall(r"^ {4}(ROI_\w+) = (\d+)", body, re.MULTILINE)}
    assert list(found) == names, "a status without a number"
    return found


def test_each_status_has_a_number_that_stays():
    """Those of version 0.1. New ones are added here, and none is changed."""
    expected = {"ROI_SUCCESS": 0, "ROI_CANCELLED": 1, "ROI_ERROR_MEMORY": 2}
    for first, names in (
        (100, "NULL STRUCT_SIZE DTYPE SHAPE OVERFLOW"),
        (200, "COLUMNS NO_BATCH_INDEX BATCH_INDEX COORDINATE SIDE BOX_OVERFLOW BOX_REACH"),
        (300, "ARGMAX SCORE MEAN STD"),
        (400, "OUTPUT_SIZE SPATIAL_SCALE MODE SAMPLING_RATIO LEVELS CANONICAL IOU_THRESHOLD SCORE_THRESHOLD SIGMA"
              " METHOD ALIGN_CORNERS ANTIALIAS SCALE_FACTOR PADDING"),
    ):  # fmt: skip
        expected |= {f"ROI_ERROR_{name}": first + i for i, name in enumerate(names.split())}
    assert numbers() == expected


def test_every_enum_of_the_header_is_numbered():
    """Else a constant in the middle would renumber those after it."""
    text = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
    for name, body in re.findall(r"typedef enum (\w+) \{(.*?)\}", text, re.DOTALL):
        for constant in filter(str.strip, body.split(",")):
            assert "=" in constant, (name, constant.strip())


# ---- Versions of symbols ---------------------------------------------------------------------------------------------

SAMPLE = """\
typedef struct roi_a_params {
    size_t size;
    int32_t old;
    int32_t more; /* not 0: more. Since 0.3. */
} roi_a_params;

/* Makes a. */
ROI_API roi_status roi_a(const roi_a_params *params, int64_t *a_ret);

/*
 * Makes b, as roi_a does since 0.2 was out.
 *
 * Since 0.2.
 */
ROI_API roi_status roi_b(int64_t *b_ret);
ROI_API int32_t roi_c(void);
"""
SAMPLE_FLAT = """\
ROI_API int32_t roi_a_flat(int32_t old, int32_t more, int64_t *a_ret);

ROI_API int32_t roi_b_flat(
    int64_t *b_ret);
"""


def test_versions_of_symbols():
    """A function without structs is as new as its comment says, its twin as the newest member of its structs."""
    assert symbols.versions(SAMPLE, SAMPLE_FLAT) == {
        **{"roi_a": (0, 1), "roi_a_flat": (0, 3), "roi_b": (0, 2), "roi_b_flat": (0, 2), "roi_c": (0, 1)}
    }
    assert symbols.script(SAMPLE, SAMPLE_FLAT) == (
        "ROI_0.1 {\nglobal:\n    roi_a;\n    roi_c;\nlocal:\n    *;\n};\n\n"
        "ROI_0.2 {\nglobal:\n    roi_b;\n    roi_b_flat;\n} ROI_0.1;\n\n"
        "ROI_0.3 {\nglobal:\n    roi_a_flat;\n} ROI_0.2;\n"
    )


def test_names_for_windows():
    """All functions of both headers, without versions."""
    names = "roi_a", "roi_a_flat", "roi_b", "roi_b_flat", "roi_c"
    assert symbols.definitions(SAMPLE, SAMPLE_FLAT).split() == ["EXPORTS", *names]


def test_no_symbol_is_newer_than_the_header():
    """Whose version is the last node."""
    stated = tuple(int(re.search(rf"#define ROI_VERSION_{part} (\d+)", HEADER)[1]) for part in ("MAJOR", "MINOR"))
    assert set(symbols.versions(HEADER, "").values()) <= {(0, minor) for minor in range(1, stated[1] + 1)}


# ---- Compared with the last release ----------------------------------------------------------------------------------

needs_abidiff = pytest.mark.skipif(
    not all(map(shutil.which, ("abidiff", "abidw", "cc"))) or platform.machine() != "x86_64",
    reason="abigail-tools are not installed, or this is not the processor of the descriptions",
)
DEFAULTS = "{sizeof params, 1, -1, 1, ROI_AVG, NULL}"
ALIGN_END = "not 0 stops the call */\n} roi_align_params;"


def compared(tmp_path, *changes):
    """The outcome of abidiff for a header with changes (old, new)."""
    text = HEADER
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (tmp_path / "roi.h").write_text(text)
    return check.compare(check.newest(), tmp_path)


@needs_abidiff
def test_the_sources_are_compatible_with_the_last_release(tmp_path):
    """By libroi/abi/MAJOR.MINOR.abixml."""
    done = compared(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_abidiff
def test_what_the_rule_allows(tmp_path):
    """A member at the end of a struct with a size, a new status, a new function."""
    done = compared(
        tmp_path,
        (ALIGN_END, ALIGN_END.replace("}", "    int32_t more;\n}")),
        (DEFAULTS, DEFAULTS.replace("}", ", 0}")),
        ("    ROI_ERROR_STD = 303,", "    ROI_ERROR_NEW = 304,\n    ROI_ERROR_STD = 303,"),
        ("ROI_API const char *roi_version", "ROI_API int32_t roi_new(void);\nROI_API const char *roi_version"),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_abidiff
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ([("    roi_mode mode;\n    const", "    int32_t more;\n    roi_mode mode;\n    const"),
          (DEFAULTS, DEFAULTS.replace("ROI", "0, ROI"))], "roi_align_params"),
        ([("ROI_ERROR_STD = 303", "ROI_ERROR_STD = 304")], "ROI_ERROR_STD"),
        ([("ROI_API roi_cpu_tier roi_best", "roi_cpu_tier roi_best")], "roi_best_cpu_tier"),
        ([("strides[4];\n} roi_array;", "strides[4];\n    int32_t more;\n} roi_array;")], "roi_array"),
    ],
    ids=["member-in-the-middle", "status-renumbered", "function-gone", "struct-without-a-size"],
)  # fmt: skip
def test_what_the_rule_forbids(tmp_path, changes, named):
    """Each is told, with what it is about."""
    done = compared(tmp_path, *changes)
    assert done.returncode & 4, done.stdout + done.stderr
    assert named in done.stdout
