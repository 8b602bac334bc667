"""The table of errors: the fixed words of each message, its facts, and the errorCode."""

from __future__ import annotations

import pytest
from addresses import on_64_bits

from pyroi.errors import Cancelled
from tclcmd.language import declare

SETUP = "set x [torch::zeros {1 2 8 8}]; set two [torch::zeros {2 2 8 8}]; set b [torch::zeros {3 4}]"

#: Call -> how the message begins, what it also says, the errorCode.
ROWS = [
    ("torch::roi_align", "Missing required parameters: input, boxes, outputSize\nUsage: torch::roi_align -input tensor",
     "\n   or: torch::roi_align input boxes output_size ?spatial_scale?", "MISSING_PARAMETER input boxes outputSize"),
    ("torch::roi_align $x", "Missing required parameters: boxes, output_size\n", "Usage:",
     "MISSING_PARAMETER boxes outputSize"),
    ("torch::roi_align -input $x", "Missing required parameters: boxes, outputSize\n", "Usage:",
     "MISSING_PARAMETER boxes outputSize"),
    ("torch::roi_align $x $b 2 1 2 true 1 2", "Too many arguments", "Usage:", "TOO_MANY_ARGUMENTS roi_align"),
    ("torch::roi_align $x $b 2 -spatialscale 1", "Unknown parameter: -spatialscale\n", "Did you mean -spatialScale?",
     "UNKNOWN_PARAMETER -spatialscale"),
    ("torch::roi_align $x $b 2 -zzz 1", "Unknown parameter: -zzz\n", "Valid parameters: -input, -boxes, -outputSize,",
     "UNKNOWN_PARAMETER -zzz"),
    ("torch::get_num_threads -zzz 1", "Unknown parameter: -zzz\n", "takes none", "UNKNOWN_PARAMETER -zzz"),
    ("torch::roi_align $x $b 2 -aligned", "Missing value for parameter: -aligned", "", "MISSING_VALUE aligned"),
    ("torch::roi_align $x $b 2 -aligned -mode max", "Missing value for parameter: -aligned", "",
     "MISSING_VALUE aligned"),
    ("torch::roi_align $x $b 2 -output_size 2", "Duplicate parameter: -output_size", "",
     "DUPLICATE_PARAMETER outputSize"),
    ("torch::roi_align -input $x -tensor $x", "Duplicate parameter: -tensor", "", "DUPLICATE_PARAMETER input"),
    ("torch::roi_align invalid $b 2", "Invalid input tensor", 'got "invalid"', "INVALID_TENSOR input"),
    ("torch::roi_align $x invalid 2", "Invalid boxes tensor", 'got "invalid"', "INVALID_TENSOR boxes"),
    ("torch::roi_align tensor99999 $b 2", "Invalid input tensor", "tensor99999 does not exist",
     "INVALID_TENSOR input"),
    ("torch::roi_align $x $b 2 -spatialScale bad", "Invalid spatialScale value", "expected a number",
     "INVALID_VALUE spatialScale"),
    ("torch::roi_align $x $b 2 -spatial_scale bad", "Invalid spatial_scale value", "expected a number",
     "INVALID_VALUE spatialScale"),
    ("torch::roi_align $x $b 2 bad", "Invalid spatial_scale value", "expected a number", "INVALID_VALUE spatialScale"),
    ("torch::roi_align $x $b 2 nan", "Invalid spatial_scale value", "finite", "INVALID_VALUE spatialScale"),
    ("torch::roi_align $x $b 2 0", "Invalid spatial_scale value", "above 0", "INVALID_VALUE spatialScale"),
    ("torch::roi_align $x $b {2 2 2}", "Invalid output_size value", "{height width}", "INVALID_VALUE outputSize"),
    ("torch::roi_align $x $b {2 -2}", "Invalid output_size value", "(2, -2)", "INVALID_VALUE outputSize"),
    ("torch::roi_align $x $b 2 -mode mean", "Invalid mode value", "avg, max, max_corner", "INVALID_VALUE mode"),
    ("torch::roi_align $x [torch::zeros {2 3}] 2", "Invalid boxes tensor",
     "expected [K, 4] or [K, 5], got [2, 3]", "INVALID_TENSOR boxes"),
    ("torch::roi_align $b $b 2", "Invalid input tensor", "expected [N, C, H, W], got [3, 4]", "INVALID_TENSOR input"),
    ("torch::roi_align $two $b 2", "Invalid boxes tensor", "batch index", "INVALID_TENSOR boxes"),
    ("torch::roi_align $x {-1 0 0 1 1} 2", "Invalid boxes tensor", "row 0", "INVALID_TENSOR boxes"),
    ("torch::roi_align $x {1 0 0 1 1} 2", "Invalid boxes tensor", "row 0", "INVALID_TENSOR boxes"),
    ("torch::roi_align $x {0.5 0 0 1 1} 2", "Invalid boxes tensor", "whole number", "INVALID_TENSOR boxes"),
    ("torch::roi_align $x {1e8 0 0 1 1} 2", "Invalid boxes tensor", "row 0", "INVALID_TENSOR boxes"),
    ("torch::roi_align $x {nan 0 0 1 1} 2", "Invalid boxes tensor", "row 0", "INVALID_TENSOR boxes"),
    ("torch::roi_align $x {{0 0 1 1} {0 0 1 inf}} 2", "Invalid boxes tensor", "row 1", "INVALID_TENSOR boxes"),
    ("torch::roi_align $x {{0 0 1 1} {0 1}} 2", "Invalid boxes tensor", "ragged", "INVALID_TENSOR boxes"),
    ("torch::roi_align $two [list $b] 2", "Invalid boxes tensor", "2 images", "INVALID_TENSOR boxes"),
    ("torch::roi_align $x $b {100000000000 100000000000}", "Invalid output_size value", "exceeds the address space",
     "INVALID_VALUE outputSize"),
    ("torch::multiscale_roi_align [list $x $b] $b 2 {1 1}", "Invalid features tensor", "[3, 4]",
     "INVALID_TENSOR features"),
    ("torch::multiscale_roi_align [list $x] $b 2 {1 1}", "Invalid spatial_scales value", "1 levels",
     "INVALID_VALUE spatialScales"),
    on_64_bits("torch::zeros {1000000 1000000 1000000}", "Out of memory", "PiB", "MEMORY *"),
    ("torch::zeros {2 -1}", "Invalid shape value", "got [2, -1]", "INVALID_VALUE shape"),
    ("torch::tensor_load /nonexistent/a.npy", "Cannot read /nonexistent/a.npy", "no such file",
     "IO read /nonexistent/a.npy {no such file or directory}"),
    ("torch::tensor_save $b /nonexistent/a.npy", "Cannot write /nonexistent/a.npy", "no such file",
     "IO write /nonexistent/a.npy {no such file or directory}"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "begins", "says", "code"), ROWS)
def test_each_situation_has_its_words_and_its_code(tcl, call, begins, says, code):
    """Scripts match the first words and the errorCode; people read the rest."""
    tcl(SETUP)
    message = tcl.error(call)
    assert message.startswith(begins)
    assert says in message
    assert tcl(f"string match {{TORCH {code}}} $errorCode") == "1", tcl("set errorCode")


def test_a_freed_handle_is_called_freed(tcl):
    """Not just an unknown word: the handle was once a tensor."""
    name = tcl("torch::zeros {2}")
    tcl(f"torch::tensor_delete {name}")
    assert tcl.error(f"torch::tensor_shape {name}") == f"Invalid input tensor: {name} was freed"


def test_an_error_leaves_everything_as_it_was(tcl):
    """No tensor is made or lost by a call that fails."""
    tcl(SETUP)
    before = tcl.stats()
    for call, *_ in ROWS:
        tcl.error(f"set x [{call}]")
    after = tcl.stats()
    assert (after["live"], after["bytes"]) == (before["live"], before["bytes"])
    assert tcl("torch::tensor_shape $x") == "1 2 8 8"


def _replace(monkeypatch, name, function):
    row = declare.REGISTRY[name]
    monkeypatch.setitem(row.__dict__, "function", function)


def test_an_internal_fault_says_that_it_is_one(tcl, monkeypatch, capfd):
    """A Python exception never reaches Tcl as such, nor its traceback the user."""

    def broken() -> None:
        raise RuntimeError("wires crossed")

    _replace(monkeypatch, "get_num_threads", broken)
    message = tcl.error("torch::get_num_threads")
    assert message.startswith("Internal fault in torch::get_num_threads: RuntimeError: wires crossed")
    assert tcl("set errorCode") == "TORCH INTERNAL RuntimeError"
    tcl.interpreter.debug = True
    assert capfd.readouterr().err == ""
    tcl.error("torch::get_num_threads")
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (Cancelled("cancelled"), "Interrupted", "TORCH INTERRUPTED"),
        (MemoryError(), "Out of memory: not enough for the result", "TORCH MEMORY {not enough for the result}"),
        (RecursionError("deep"), "Internal fault in torch::get_num_threads: RecursionError: deep",
         "TORCH INTERNAL RecursionError"),
    ],
)  # fmt: skip
def test_what_python_raises_has_its_place_in_the_table(tcl, monkeypatch, error, message, code):
    """Each exception becomes one situation."""

    def failing() -> None:
        raise error

    _replace(monkeypatch, "get_num_threads", failing)
    assert tcl.error("torch::get_num_threads").startswith(message)
    assert tcl("set errorCode") == code


def test_try_traps_by_situation_and_parameter(tcl):
    """`try ... trap` is what the errorCode is for."""
    script = (
        "try {torch::tensor_shape foo} trap {TORCH INVALID_TENSOR} {message options} {dict get $options -errorcode}"
    )
    assert tcl(script) == "TORCH INVALID_TENSOR input"


BRACES = "; is it part of a list without braces?"
CREATE = "; torch::tensor_create makes a tensor of numbers"
HINTS = [
    ("torch::zeros 2 3", BRACES),
    ("torch::tensor_create 1 2 3", BRACES),
    ("torch::tensor_reshape $x 2 64", BRACES + "\nUsage:"),
    ("torch::tensor_permute $b 1 0", BRACES + "\nUsage:"),
    ("torch::roi_align $x $b 2 -mode avg 3", BRACES + "\nUsage:"),
    ("torch::tensor_cat $b $b", "; several tensors are one list, [list $a $b]"),
    ("torch::tensor_sum {1 2 3}", CREATE),
    ("torch::tensor_sum 1", CREATE),
    ("torch::tensor_add $b {1 2 3}", CREATE),
]


@pytest.mark.parametrize(("script", "hint"), HINTS)
def test_what_was_meant_for_a_list(tcl, script, hint):
    """Newcomers leave braces off, and give numbers where a tensor is wanted: the message says what to write."""
    tcl.run(SETUP)
    assert hint in tcl.error(script)


@pytest.mark.parametrize(
    "script",
    ["torch::zeros 2 abc", "torch::zeros -shape 2 -dtype 3", "torch::tensor_sum abc", "torch::full 1 2 3",
     "torch::get_num_threads 5", "torch::tensor_sum {}", "torch::tensor_cat $b abc"],
)  # fmt: skip
def test_no_hint_that_misleads(tcl, script):
    """Where no list was meant."""
    tcl.run(SETUP)
    message = tcl.error(script)
    assert not any(hint in message for hint in (BRACES, CREATE, "several tensors"))
