"""What scripts for the LibTorch binding say: first lines, words for device and gradients, other names."""

from __future__ import annotations

import pathlib
import re

import pytest
from tcl_versions import tcl_has

from tclcmd.language.declare import REGISTRY

#: Commands that make tensors, each with a call that has all of its own parameters by position; the dtype is the last.
MAKING = {
    "zeros": "{2 3} float32",
    "ones": "{2 3} float32",
    "empty": "{2 3} float32",
    "full": "{2 3} 7 float32",
    "arange": "0 6 1 float32",
    "linspace": "0 1 6 float32",
    "eye": "2 3 float32",
    "zeros_like": "$x float32",
    "ones_like": "$x float32",
    "empty_like": "$x float32",
    "full_like": "$x 7 float32",
    "rand": "{2 3} float32",
    "randn": "{2 3} float32",
    "rand_like": "$x float32",
    "randn_like": "$x float32",
    "randint": "0 9 {2 3} float32",
    "tensor_create": "{1 2 3 4 5 6} {2 3} float32",
    "tensor_to": "$x float32",
}

#: And one without a dtype.
UNTYPED = "torch::affine_grid {{{1 0 0} {0 1 0}}} {1 1 2 2} false"

ON_CPU = "this build computes on the CPU, expected cpu, got"
UNRECORDED = "gradients are not recorded, expected false; operators have commands for theirs, such as torch::roi_align_"


@pytest.fixture
def old(tcl):
    """An interpreter with a tensor x."""
    tcl.run("set x [torch::ones {2 3} float64]")
    return tcl


def test_these_are_all_commands_that_take_a_device():
    """The rule is one of the declarations, so that no command can have another."""
    placed = {row.name for row in REGISTRY.values() if "requires_grad" in row.by_name}
    assert placed == {*MAKING, "affine_grid"}
    assert placed | {"empty_cache"} == {row.name for row in REGISTRY.values() if "device" in row.by_name}


@pytest.mark.parametrize("name", MAKING)
def test_device_and_gradients_by_position(old, name):
    """Behind the dtype, or with the device before it; the result is that of the call without these words."""
    words = MAKING[name]
    own, _, dtype = words.rpartition(" ")
    calls = [words, f"{words} cpu", f"{words} cpu false", f"{words} CPU 0", f"{own} cpu {dtype}",
             f"{own} cpu {dtype} false"]  # fmt: skip
    results = set()
    for call in calls:
        old("torch::manual_seed 1")
        results.add(old(f"set r [torch::{name} {call}]; list [torch::tensor_dtype $r] [torch::tensor_to_list $r]"))
    assert len(results) == 1
    assert results.pop().startswith("Float32 ")


@pytest.mark.parametrize("spelled", ["requiresGrad", "requires_grad"])
@pytest.mark.parametrize("name", MAKING)
def test_device_and_gradients_by_name(old, name, spelled):
    """In both spellings, among the others."""
    own = MAKING[name].rpartition(" ")[0]
    dtype = "float64" if name[:4] == "rand" else "int64"
    made = f"torch::{name} {own} -device cpu -{spelled} no -dtype {dtype}"
    assert old(f"torch::tensor_dtype [{made}]").lower() == dtype


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "CUDA", "mps", "xpu:1"])
@pytest.mark.parametrize("name", MAKING)
def test_another_device_is_an_error(old, name, device):
    """Wherever it stands, also in the place of the dtype: it is no misspelt one."""
    own, _, dtype = MAKING[name].rpartition(" ")
    for words in (
        f"{own} {device}",
        f"{own} {dtype} {device}",
        f"{own} {device} {dtype} false",
        f"{own} -device {device}",
    ):
        assert old.error(f"torch::{name} {words}") == f'Invalid device value: {ON_CPU} "{device}"'
        assert old("set errorCode") == "TORCH INVALID_VALUE device"


@pytest.mark.parametrize("name", MAKING)
def test_recorded_gradients_are_an_error(old, name):
    """It says where gradients are."""
    for words, label in (
        (f"{MAKING[name]} cpu true", "requires_grad"),
        (f"{MAKING[name]} -requiresGrad 1", "requiresGrad"),
    ):
        message = old.error(f"torch::{name} {words}")
        assert message.startswith(f"Invalid {label} value: {UNRECORDED}")
        assert "pyroi.torch" in message
    assert old.error(f"torch::{name} {MAKING[name]} -requiresGrad maybe").startswith(
        'Invalid requiresGrad value: expected false, got "maybe"'
    )


def test_a_command_without_a_dtype(tcl):
    """affine_grid has these words, too."""
    plain = tcl(f"torch::tensor_to_list [{UNTYPED}]")
    for words in ("cpu", "cpu false", "-device cpu -requiresGrad false"):
        assert tcl(f"torch::tensor_to_list [{UNTYPED} {words}]") == plain
    assert tcl.error(f"{UNTYPED} cuda").startswith("Invalid device value")
    assert tcl.error(f"{UNTYPED} cpu true").startswith("Invalid requires_grad value")


def test_the_memory_of_a_device(tcl):
    """There is one whose memory can be given back."""
    for words in ("cpu", "-device CPU", "cpu:0"):
        tcl("torch::empty_cache")
        assert tcl(f"torch::empty_cache {words}") == "0"
    assert tcl.error("torch::empty_cache cuda") == f'Invalid device value: {ON_CPU} "cuda"'
    assert tcl.error("torch::emptyCache cpu cpu").startswith("Too many arguments")


def test_a_misspelt_dtype_stays_one(tcl):
    """What is the name of no device is none."""
    for word in ("flaot32", "cup", "cuda:x", "cudas"):
        assert tcl.error(f"torch::zeros 2 {word}").startswith("Invalid dtype value")


def test_tensor_to_without_a_dtype_is_a_copy(tcl):
    """What is written in place into one does not reach the other."""
    tcl("set a [torch::ones {1 1 1}]; set b [torch::tensor_to $a cpu]; torch::normalize_image $b 1 1 true")
    assert tcl("torch::tensor_item $a") == "1.000000"
    assert tcl("torch::tensor_item $b") == "0.000000"


# ---- First lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["torch", "Torch", "libtorchtcl"])
def test_the_packages_of_old_scripts_are_there(tcl, name):
    """Whether or not a version is asked for."""
    assert tcl(f"package require {name}") == tcl(f"package require {name} 2") == "2.0.0"
    assert tcl(f"package present {name}") == "2.0.0"


@pytest.mark.parametrize(
    "words",
    ["../../build/libtorchtcl.so", "libtorchtcl", "./libtorchtcl[info sharedlibextension]", "/no/libtorchtcl.dylib",
     "libtorchtcl.so Torchtcl", "-global libtorchtcl.so", "-lazy -- libtorchtcl.so", "libtorchtcl.so Torch {}"],
)  # fmt: skip
def test_the_library_of_old_scripts_is_loaded_already(tcl, words):
    """From wherever it is to be."""
    assert tcl(f"load {words}") == ""


def test_load_is_otherwise_what_it_was(tcl):
    """Its messages, its own packages, and its names after a change."""
    usage = f'wrong # args: should be "load ?-global? ?-lazy? ?--? {tcl_has("arguments of load")}"'
    assert tcl.error("load") == usage
    assert "no/such.so" in tcl.error("load no/such.so")
    assert tcl.error("load no/libtorchtcl/such.so").startswith("couldn't load file")
    assert tcl.error("load {} Nothing").startswith(tcl_has("no such static library"))
    assert tcl("rename load other; other libtorchtcl.so") == ""
    assert tcl("rename other {}; info commands load") == ""


def test_there_is_no_gpu(tcl):
    """Scripts ask before they use one."""
    assert tcl("list [torch::cuda_is_available] [torch::cudaDeviceCount]") == "0 0"


def test_no_command_has_the_name_of_one_of_tcl(tcl):
    """Who imports all of ours keeps all of Tcl's."""
    tcls = set(tcl("info commands").split())
    ours = {name for row in REGISTRY.values() for name in row.names}
    assert ours & tcls == set()
    tcl("namespace import ::torch::*")


# ---- Other names of options ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        "torch::manual_seed -s 5",
        "torch::set_num_threads -numThreads [torch::get_num_threads]",
        "torch::tensor_sum -tensor $x -dimension 1",
        "torch::tensor_cat -tensors $x -dimension 0",
    ],
)
def test_other_names_of_options(old, call):
    """Accepted; help and messages have the one name."""
    old.run(call)


# ---- The page about them ---------------------------------------------------------------------------------------------

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "libtorch_binding.md").read_text("utf-8")
SHOWN = re.findall(r"\| `([^|]*)` gives `([^|]*)` \|$", PAGE, re.MULTILINE)


def test_each_difference_has_a_script():
    """No row of the table is without one."""
    rows = PAGE.partition("|---|---|---|---|\n")[2].partition("\n\n")[0].splitlines()
    assert len(rows) == len(SHOWN) > 15


@pytest.mark.parametrize(("script", "expected"), SHOWN)
def test_a_difference_is_as_the_page_says(tcl, script, expected):
    """The script gives what stands behind it; ``...`` stands for more."""
    result = tcl(script)
    assert result.startswith(expected[:-3]) if expected.endswith("...") else result == expected


def test_the_script_of_the_page(roish):
    """A dozen lines in that binding's style run as a program, and write the same at each run."""
    script = re.search(r"^```tcl\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1]
    first, second = (roish("-c", script) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Float32 [2, 2]\n[[")
    assert first.stdout == second.stdout
