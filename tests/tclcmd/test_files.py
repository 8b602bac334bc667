"""torch::tensor_save and torch::tensor_load: accepted files, refused files, and atomic writing."""

from __future__ import annotations

import io
import os
import pathlib
import re
import resource
import stat
import struct
import zipfile

import numpy as np
import pytest
from addresses import needs_64_bits
from children import run_child
from tcl_versions import tcl_has

from tclcmd.files import wholefile


def written(tmp_path: pathlib.Path, name: str, content: bytes) -> pathlib.Path:
    """A file with this content."""
    path = tmp_path / name
    path.write_bytes(content)
    return path


def header(text: str, version: tuple[int, int] = (1, 0)) -> bytes:
    """A .npy header as an attacker would write it."""
    length = len(text).to_bytes(2 if version == (1, 0) else 4, "little")
    return b"\x93NUMPY" + bytes(version) + length + text.encode()


def npy_bytes(array: np.ndarray, **options: bool) -> bytes:
    """What NumPy writes."""
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


# ---- What works ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"])
@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_a_tensor_comes_back_as_it_was(tcl, tmp_path, dtype, name):
    """Each type and shape, also transposed; and NumPy reads the file too."""
    path = tmp_path / name
    tcl.run(f"set x [torch::tensor_permute [torch::tensor_create {{{{1 0 1}} {{0 1 1}}}} {dtype}] {{1 0}}]")
    assert tcl(f"torch::tensor_save $x {path}") == str(path)
    tcl.run(f"set y [torch::tensor_load {path}]")
    assert tcl("torch::tensor_print $y") == tcl("torch::tensor_print $x")
    stored = np.load(path)
    array = stored["arr_0"] if name == "x.npz" else stored
    assert array.dtype == dtype
    assert array.tolist() == [[1, 0], [0, 1], [1, 1]]


@pytest.mark.parametrize("shape", ["{}", "0", "{0 3}", "{2 0 5}"])
def test_tensors_without_dimensions_or_elements(tcl, tmp_path, shape):
    """They are files too."""
    tcl.run(f"torch::tensor_save [torch::zeros {shape}] {tmp_path}/x.npy")
    assert tcl(f"torch::tensor_shape [torch::tensor_load {tmp_path}/x.npy]") == shape.strip("{}")


def test_arrays_by_name(tcl, tmp_path):
    """A .npz file with several arrays asks which one."""
    np.savez(tmp_path / "two.npz", a=np.ones(2), b=np.zeros(3))
    np.savez_compressed(tmp_path / "packed.npz", a=np.ones(1000))
    assert tcl(f"torch::tensor_numel [torch::tensor_load {tmp_path}/two.npz b]") == "3"
    assert tcl(f"torch::tensor_numel [torch::tensor_load {tmp_path}/packed.npz]") == "1000"
    assert "say which array; the file holds a, b" in tcl.error(f"torch::tensor_load {tmp_path}/two.npz")
    assert 'there is no array "c"' in tcl.error(f"torch::tensor_load {tmp_path}/two.npz c")
    tcl.run(f"torch::tensor_save [torch::ones 2] {tmp_path}/one.npz -name weights")
    assert tcl(f"torch::tensor_numel [torch::tensor_load {tmp_path}/one.npz weights]") == "2"


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.arange(4, dtype=">f4"), "Float32"),
        (np.arange(4, dtype=">i8"), "Int64"),
        (np.arange(4, dtype=np.int8), "Int32"),
        (np.arange(4, dtype=np.uint16), "Int32"),
        (np.arange(4, dtype=np.uint32), "Int64"),
        (np.arange(4, dtype=np.uint64), "Int64"),
        (np.asfortranarray(np.arange(4.0).reshape(2, 2).T), "Float64"),
    ],
)
def test_other_number_types_become_wider_ones(tcl, tmp_path, array, expected):
    """Byte order and memory order do not matter; a type that tensors lack becomes one that holds its values."""
    np.save(tmp_path / "x.npy", array)
    tcl.run(f"set x [torch::tensor_load {tmp_path}/x.npy]")
    assert tcl("torch::tensor_dtype $x") == expected
    assert tcl.floats("set x") == array.ravel().tolist()


def test_a_tilde_is_what_it_is_to_tcl(tcl, tmp_path, monkeypatch):
    """The home folder in Tcl 8.6, a name like others in Tcl 9, which has `file tildeexpand`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "~").mkdir()
    tcl.run(f"cd {{{tmp_path}}}")
    try:
        if tcl_has("a tilde is the home folder"):
            assert tcl("torch::tensor_save [torch::ones 1] ~/x.npy") == f"{tmp_path}/x.npy"
        else:
            assert tcl("torch::tensor_save [torch::ones 1] ~/x.npy; file exists ~/x.npy") == "1"
            assert (tmp_path / "~" / "x.npy").exists()
    finally:
        tcl("cd /")


# ---- What is refused -------------------------------------------------------------------------------------------------

GOOD = npy_bytes(np.arange(10.0))

REFUSED = {
    "empty": (b"", "neither"),
    "text": (b"hello", "neither"),
    "magic only": (b"\x93NUMPY", "damaged"),
    "unknown version": (b"\x93NUMPY\x09\x00" + GOOD[8:], "damaged"),
    "header cut off": (GOOD[:40], "damaged"),
    "data cut off": (GOOD[:-1], "declares [10] of float64, 80 bytes, but 79 follow"),
    "pickled": (npy_bytes(np.array([{}], object), allow_pickle=True), "pickled"),
    "pickled inside": (npy_bytes(np.zeros(1, [("a", "O")])), "pickled"),
    "claims a petabyte": (header("{'descr': '<f8', 'fortran_order': False, 'shape': (125000000000000,)}\n"),
                          "declares"),
    "claims beyond 64 bits": (header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**62}, {2**62})}}\n"),
                              "declares"),
    "negative size": (header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}\n") + bytes(64), "damaged"),
    "negative sizes": (header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -8)}\n") + bytes(64), "damaged"),
    "shape of truth": (header("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}\n") + bytes(64), "damaged"),
    "code in the header": (header("__import__('os').system('touch owned')\n"), "damaged"),
    "no dictionary": (header("[]\n"), "damaged"),
    "deep header": (header("(" * 5000 + ")" * 5000 + "\n"), "damaged"),
    "huge header": (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f", "damaged"),
    "long header": (header("{" + " " * 200000 + "}", (2, 0)), "damaged"),
    "complex numbers": (npy_bytes(np.zeros(2, complex)), "complex128"),
    "text elements": (npy_bytes(np.array(["a"])), "U1"),
    "records": (npy_bytes(np.zeros(2, [("a", "f4")])), "cannot hold"),
    "dates": (npy_bytes(np.zeros(2, "datetime64[s]")), "cannot hold"),
    "large uint64": (npy_bytes(np.array([2**64 - 1], np.uint64)), "uint64"),
    "40 dimensions": (header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(1,) * 40}}}\n") + bytes(8),
                      "at most 32 dimensions, got 40"),
    "70 dimensions": (header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(1,) * 70}}}\n") + bytes(8),
                      "at most 32 dimensions, got 70"),
    "empty beyond 64 bits": (header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(0, 10**22)}}}\n"),
                             "damaged: shape [0, 10000000000000000000000]"),
    "empty beyond memory": (header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(0, 2**62, 2**62)}}}\n"),
                            "exceeds the address space"),
    "4000 digits": (header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(10**4000,)}}}\n"), "damaged: shape"),
    "a type in a tuple": (header("{'descr': ('<f4',), 'fortran_order': False, 'shape': (1,)}\n") + bytes(4), "damaged"),
    "a type in a list": (header("{'descr': [('a',)], 'fortran_order': False, 'shape': (1,)}\n") + bytes(4), "damaged"),
    "no type": (header("{'descr': {}, 'fortran_order': False, 'shape': (1,)}\n") + bytes(4), "damaged"),
    "a type of null": (header("{'descr': None, 'fortran_order': False, 'shape': (1,)}\n") + bytes(4), "damaged"),
    "a shape without": (header("{'descr': '<f4', 'fortran_order': False, 'shape': 1}\n") + bytes(4), "damaged"),
    "keys of another kind": (header("{1: '<f4', 'fortran_order': False, 'shape': (1,)}\n") + bytes(4), "damaged"),
    "elements without size": (header("{'descr': '|S0', 'fortran_order': False, 'shape': (1099511627776,)}\n"),
                              "cannot hold"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_damaged_or_malicious_file(tcl, tmp_path, content, reason):
    """Each is a clear error before memory is taken, and nothing in it is run."""
    path = written(tmp_path, "x.npy", content)
    message = tcl.error(f"torch::tensor_load {path}")
    assert message.startswith(f"Cannot read {path}: ")
    assert reason in message
    assert not os.path.exists("owned")


def archive(member: bytes, name: str = "a.npy", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A .npz file with one member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr(name, member)
    return buffer.getvalue()


def test_an_archive_that_would_expand_beyond_measure(tcl, tmp_path):
    """300 MB of zeros in 300 KB are refused; so is a member that claims what it does not have."""
    big = header("{'descr': '|u1', 'fortran_order': False, 'shape': (314572800,)}\n")
    bomb = written(tmp_path, "bomb.npz", archive(big + bytes(314572800)))
    assert bomb.stat().st_size < 400_000
    assert "would expand to 300 MiB" in tcl.error(f"torch::tensor_load {bomb}")
    liar = written(tmp_path, "liar.npz", archive(big + bytes(1000)))
    assert "but 1000 follow" in tcl.error(f"torch::tensor_load {liar}")


def claiming(content: bytes, packed: int, expanded: int, method: int = zipfile.ZIP_STORED) -> bytes:
    """A .npz file whose directory says that its member has these sizes."""
    whole = bytearray(archive(content, method=method))
    at = whole.rindex(b"PK\1\2")
    struct.pack_into("<II", whole, at + 20, packed, expanded)
    at = whole.index(b"PK\3\4")
    struct.pack_into("<II", whole, at + 18, packed, expanded)
    return bytes(whole)


def read_with_peak(path: str) -> None:
    """Prints how reading a file ends, and by how many MB memory grew meanwhile at most."""
    import resource

    from tclcmd.files import npy

    for warm_up in (True, False):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            npy.load(path, None)
        except OSError as error:
            if not warm_up:
                print(error)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)


PROMISE = header("{'descr': '|u1', 'fortran_order': False, 'shape': (3000000000,)}\n")
SMALLER = header("{'descr': '|u1', 'fortran_order': False, 'shape': (200000000,)}\n")

#: Content of the member, its size packed and expanded as claimed, and how it is packed -> the reason.
CLAIMS = {
    "3 GB in 4 KB": (PROMISE + bytes(4000), 3_000_000_128, 3_000_000_128, zipfile.ZIP_STORED,
                     "its directory promises 3000000128 bytes in 3000000128, the file has"),
    "not what is packed": (PROMISE + bytes(4000), 4082, 3_000_000_128, zipfile.ZIP_STORED, "its directory promises"),
    "more than deflate gives": (PROMISE + bytes(4000), 100, 3_000_000_128, zipfile.ZIP_DEFLATED, "would expand to"),
    "too little to ask": (SMALLER + bytes(4000), 110, 200_000_128, zipfile.ZIP_DEFLATED, "damaged|ends after"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "packed", "expanded", "method", "reason"), CLAIMS.values(), ids=CLAIMS)
def test_an_archive_that_claims_what_it_has_not(tmp_path, content, packed, expanded, method, reason):
    """It is refused, and memory grows only as bytes arrive: by less than 20 MB, where gigabytes are claimed."""
    path = written(tmp_path, "liar.npz", claiming(content, packed, expanded, method))
    message, grown = run_child(read_with_peak, str(path)).splitlines()
    assert re.search(reason, message)
    assert int(grown) < 20


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_to_pack_that_numpy_has_not(tcl, tmp_path, method):
    """Some of them expand a few bytes to any size."""
    path = written(tmp_path, "x.npz", archive(npy_bytes(np.zeros(9)), method=method))
    assert "compressed by a method" in tcl.error(f"torch::tensor_load {path}")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_damaged_anywhere(tcl, tmp_path, method):
    """Each byte of a small archive turned over, and each beginning of it: read as it was, or refused; never a fault."""
    whole = archive(npy_bytes(np.arange(5.0)), method=method)
    path = tmp_path / "x.npz"
    for place in range(len(whole)):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]):
            path.write_bytes(damaged)
            message = tcl(f"catch {{torch::tensor_to_list [torch::tensor_load {path}]}} message; set message")
            assert message == "0.0 1.0 2.0 3.0 4.0" or message.startswith(("Cannot read ", "Invalid name value"))


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("[string repeat a 70000]", "expected at most 65531 bytes of UTF-8, got 70000"),
        ("[string repeat ä 40000]", "expected at most 65531 bytes of UTF-8, got 80000"),
        (r'"a\0b"', "expected text without NUL characters"),
        ("{}", "expected a name"),
    ],
)
def test_names_that_an_archive_cannot_hold(tcl, tmp_path, name, rule):
    """They are refused before anything is written."""
    message = tcl.error(f"torch::tensor_save [torch::ones 1] {tmp_path}/x.npz -name {name}")
    assert message.startswith(f"Invalid name value: {rule}")
    assert len(message) < 200
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["[string repeat a 65531]", "größe", "a/b", "../x", "a.npy", "a b"])
def test_odd_names_come_back(tcl, tmp_path, name):
    """As long as may be, with a slash, or with an ending of their own."""
    tcl.run(f"set name {name if name[0] == '[' else '{' + name + '}'}")
    tcl.run(f"torch::tensor_save [torch::ones 3] {tmp_path}/x.npz -name $name")
    assert tcl(f"torch::tensor_numel [torch::tensor_load {tmp_path}/x.npz $name]") == "3"


def test_messages_about_archives_are_short(tcl, tmp_path):
    """However many arrays an archive holds, and however long their names and the one asked for are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for index in range(100):
            file.writestr(f"{index}{'a' * 1000}.npy", b"")
    path = written(tmp_path, "x.npz", buffer.getvalue())
    message = tcl.error(f"torch::tensor_load {path} [string repeat b 100000]")
    assert "the file holds 0aaa" in message
    assert len(message) < 1000


@pytest.mark.parametrize("cut", [10, 100, 150])
def test_a_damaged_archive(tcl, tmp_path, cut):
    """Cut off, or with a wrong checksum."""
    whole = archive(npy_bytes(np.arange(100.0)), method=zipfile.ZIP_STORED)
    path = written(tmp_path, "x.npz", whole[:-cut])
    assert "damaged archive" in tcl.error(f"torch::tensor_load {path}")
    path.write_bytes(whole[:300] + b"\xff" + whole[301:])
    assert "damaged archive" in tcl.error(f"torch::tensor_load {path}")


@needs_64_bits
def test_a_file_of_holes(tcl, tmp_path):
    """A header that promises 4 TiB, in a file of that size with nothing in it: there is no room, and none is taken."""
    path = written(tmp_path, "x.npy", header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({2**42},)}}\n"))
    os.truncate(path, path.stat().st_size + 2**42)
    assert tcl.code(f"torch::tensor_load {path}").startswith("TORCH MEMORY")


def test_what_is_no_regular_file(tcl, tmp_path):
    """A pipe has no size to check against, and would block."""
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in tcl.error(f"torch::tensor_load {tmp_path}/pipe")
    assert "not a regular file" in tcl.error("torch::tensor_load /dev/zero")
    assert "is a directory" in tcl.error(f"torch::tensor_load {tmp_path}")


def test_names_that_make_no_sense(tcl, tmp_path):
    """An unknown ending; a name for an array where arrays have none."""
    assert tcl.error(f"torch::tensor_save [torch::ones 1] {tmp_path}/x.txt").startswith("Invalid file value")
    assert tcl.error(f"torch::tensor_save [torch::ones 1] {tmp_path}/x.npy -name a").startswith("Invalid name value")
    path = written(tmp_path, "x.npy", GOOD)
    assert tcl.error(f"torch::tensor_load {path} a").startswith("Invalid name value")


# ---- Whole or not at all ---------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_no_half_file(roish, tmp_path):
    """The older file is as it was, and nothing lies beside it."""
    (tmp_path / "x.npy").write_bytes(GOOD)
    (tmp_path / "x.npz").write_bytes(b"older")

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    for name in ("x.npy", "x.npz"):
        script = f"set x [torch::zeros {{100 100}}]; catch {{torch::tensor_save $x {name}}} m; puts $m; puts $errorCode"
        done = roish("-c", script, preexec_fn=small_files)
        assert done.stdout == f"Cannot write {name}: file too large\nTORCH IO write {name} {{file too large}}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npy", "x.npz"]
    assert (tmp_path / "x.npy").read_bytes() == GOOD
    assert (tmp_path / "x.npz").read_bytes() == b"older"


def test_a_device_is_written_to_directly(tcl, tmp_path):
    """/dev/full cannot be replaced, and says that it is full; so does an array's file that is a link to it."""
    (tmp_path / "x.npy").symlink_to("/dev/full")
    message = tcl.error(f"torch::tensor_save [torch::ones 100] {tmp_path}/x.npy")
    assert message == f"Cannot write {tmp_path}/x.npy: no space left on device"
    with pytest.raises(OSError, match="No space left"):
        wholefile.write_whole("/dev/full", lambda file: file.write(b"x"))
    wholefile.write_whole("/dev/null", lambda file: file.write(b"x"))
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_links_and_modes_stay(tmp_path):
    """A link goes on pointing where it did, a file keeps its mode, a new one gets what the umask leaves."""
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(0o640)
    (tmp_path / "link").symlink_to(target)
    wholefile.write_whole(str(tmp_path / "link"), lambda file: file.write(b"new"))
    assert (tmp_path / "link").is_symlink()
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"new", 0o640)
    mask = os.umask(0o027)
    try:
        wholefile.write_whole(str(tmp_path / "fresh"), lambda file: file.write(b"x"))
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o640


@pytest.mark.parametrize("place", ["missing/x.npy", "file/x.npy", "folder.npy"])
def test_a_place_that_cannot_be_written(tcl, tmp_path, place):
    """No folder, a file where a folder should be, a folder where the file should be."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.npy").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert tcl.error(f"torch::tensor_save [torch::ones 1] {tmp_path}/{place}").startswith("Cannot write ")
    assert sorted(tmp_path.rglob("*")) == before
