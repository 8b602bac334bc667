"""Names of files that are confined to folders: escapes by `..`, links, devices, and folders exchanged meanwhile."""

from __future__ import annotations

import errno
import os
import pathlib
import threading
import time

import pytest

from tclcmd.files import npy, wholefile
from tclcmd.values.folders import Folders, Forbidden, Full
from tclcmd.values.tclobj import FileName

SECRET = b"what lies outside"


@pytest.fixture
def places(tcl, tmp_path, monkeypatch):
    """The folder `in`, which is allowed, and beside it a secret; the process works in the folder of both.

    Tcl is there, which has the encoding of names.
    """
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "in" / "x").write_bytes(b"x")
    (tmp_path / "in" / "deep" / "y").write_bytes(b"y")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def name_in(folders: Folders, name: str | os.PathLike[str]) -> FileName:
    """A name as a command gets it in a safe interpreter."""
    made = FileName(os.fsencode(name))
    made.folders = folders
    return made


def read(folders: Folders, name: str | os.PathLike[str]) -> bytes:
    """What is in a file, by the function by which all commands open files."""
    with npy.open_regular(name_in(folders, name)) as file:
        return file.read()


def write(folders: Folders, name: str | os.PathLike[str], content: bytes = b"new") -> None:
    """Writes a file as all commands do."""
    wholefile.write_whole(name_in(folders, name), lambda file: file.write(content))


def inodes(folder: pathlib.Path) -> dict[str, bytes]:
    """All files below a folder, except those in `in`, with their content."""
    return {str(path): path.read_bytes() for path in folder.iterdir() if path.is_file()}


# ---- What is allowed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["in/x", "./in/x", "in/./x", "in//x", "in/deep/../x", "in/deep/.././deep/../x"])
def test_a_name_below_the_folder(places, name):
    """Relative to the folder in which the program was started, or from the root of the file system."""
    folders = Folders(["in"])
    assert read(folders, name) == b"x"
    assert read(folders, places / name) == b"x"
    write(folders, name)
    assert (places / "in" / "x").read_bytes() == b"new"


def test_the_folder_in_which_the_program_is(places, monkeypatch):
    """Allowed as `.`, it is where names without a folder lie."""
    monkeypatch.chdir(places / "in")
    folders = Folders(["."])
    assert read(folders, "x") == b"x"
    assert read(folders, "deep/y") == b"y"
    write(folders, "z.npy", b"z")
    assert (places / "in" / "z.npy").read_bytes() == b"z"
    with pytest.raises(Forbidden):
        read(folders, "../secret")


def test_a_folder_that_is_named_by_a_link(places):
    """Who allows it may follow links: the script uses either name."""
    (places / "link").symlink_to("in")
    folders = Folders([str(places / "link")])
    assert read(folders, places / "link" / "x") == b"x"
    assert read(folders, places / "in" / "x") == b"x"


def test_of_several_folders_the_innermost_counts(places):
    """From the inner one nothing leads into the outer one."""
    folders = Folders(["in", "in/deep"])
    assert read(folders, "in/x") == b"x"
    assert read(folders, "in/deep/y") == b"y"
    with pytest.raises(Forbidden):
        read(folders, "in/deep/../x")


def test_a_folder_that_is_not_there(places):
    """It is told before any script runs."""
    with pytest.raises(FileNotFoundError):
        Folders(["missing"])
    with pytest.raises(NotADirectoryError):
        Folders(["secret"])


def test_a_new_file_and_the_mode_of_an_older_one(places):
    """A mode is kept except for the bits by which a program gets the rights of its owner."""
    folders = Folders(["in"])
    before = os.umask(0o027)
    try:
        write(folders, "in/new")
    finally:
        os.umask(before)
    assert (places / "in" / "new").stat().st_mode & 0o7777 == 0o640
    (places / "in" / "x").chmod(0o4604)
    write(folders, "in/x")
    assert (places / "in" / "x").stat().st_mode & 0o7777 == 0o604


# ---- Escapes ---------------------------------------------------------------------------------------------------------

ESCAPES = [
    "secret", "in/../secret", "in/deep/../../secret", "in/../in/../secret", "../secret", "in/..", "in", ".", "..", "/",
    "", "in/deep/..", "./in/./../secret", "/etc/passwd", "/proc/self/environ", "//etc/passwd", "in/../../etc/passwd",
    "inn/x", "IN/x",
]  # fmt: skip


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("act", [read, write])
def test_a_name_that_leads_outside(places, act, name):
    """It is refused as such, whether there is something or not, and nothing comes to be."""
    before = inodes(places)
    with pytest.raises(Forbidden, match="outside of the folders"):
        act(Folders(["in"]), name)
    assert inodes(places) == before


@pytest.mark.parametrize("act", [read, write])
def test_no_folder_at_all(places, act):
    """Without a folder every name leads outside."""
    with pytest.raises(Forbidden, match="no folder is allowed here"):
        act(Folders(), "in/x")


@pytest.mark.parametrize(
    ("link", "to", "name"),
    [
        ("in/link", "../secret", "in/link"), ("in/link", "x", "in/link"), ("in/link", "..", "in/link/secret"),
        ("in/link", "deep", "in/link/y"), ("in/deep/link", "../..", "in/deep/link/secret"),
        ("in/link", "/etc", "in/link/passwd"), ("in/link", "missing", "in/link"), ("in/link", "link", "in/link"),
        ("in/link", "/proc/self/fd/0", "in/link"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("act", [read, write])
def test_a_symbolic_link(places, act, link, to, name):
    """It is not followed, wherever it leads; nor is it replaced."""
    (places / link).symlink_to(to)
    before = inodes(places)
    with pytest.raises(Forbidden, match="symbolic link"):
        act(Folders(["in"]), name)
    assert os.readlink(places / link) == to
    assert inodes(places) == before


def test_a_hard_link_is_not_read(places):
    """The file has a name outside, and may be meant for others."""
    os.link(places / "secret", places / "in" / "same")
    with pytest.raises(Forbidden, match="hard links"):
        read(Folders(["in"]), "in/same")


def test_a_hard_link_is_replaced_not_written(places):
    """The file outside stays what it was."""
    os.link(places / "secret", places / "in" / "same")
    write(Folders(["in"]), "in/same")
    assert (places / "secret").read_bytes() == SECRET
    assert (places / "in" / "same").read_bytes() == b"new"


@pytest.mark.parametrize("act", [read, write])
def test_a_pipe_and_a_socket(places, act):
    """They are refused, and a pipe without a writer does not block."""
    import socket

    os.mkfifo(places / "in" / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("in/socket")
        for name in ("in/pipe", "in/socket"):
            with pytest.raises(Forbidden, match="not a regular file"):
                act(Folders(["in"]), name)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="a system without devices")
@pytest.mark.parametrize("act", [read, write])
@pytest.mark.parametrize("device", ["zero", "null", "tty"])
def test_a_device(act, device):
    """Even where the folder of devices itself is allowed."""
    with pytest.raises((Forbidden, FileNotFoundError)):
        act(Folders(["/dev"]), f"/dev/{device}")


@pytest.mark.parametrize("act", [read, write])
def test_a_file_in_the_place_of_a_folder(places, act):
    """The system's own error."""
    with pytest.raises(NotADirectoryError):
        act(Folders(["in"]), "in/x/y")
    with pytest.raises(IsADirectoryError):
        act(Folders(["in"]), "in/deep")


def test_a_name_of_many_parts(places):
    """Each open folder takes a descriptor, and all are closed in the end."""
    os.makedirs(places / "in" / "/".join("d" * 200))
    before = len(os.listdir("/dev/fd"))
    folders = Folders(["in"])
    (places / "in" / "/".join("d" * 200) / "z").write_bytes(b"z")
    assert read(folders, "in/" + "d/" * 200 + "z") == b"z"
    assert read(folders, "in/" + "d/" * 200 + "../" * 200 + "x") == b"x"
    with pytest.raises(FileNotFoundError):
        read(folders, "in/" + "d/" * 201 + "z")
    assert len(os.listdir("/dev/fd")) == before + 1


# ---- Races -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [read, write])
def test_a_folder_that_is_exchanged_for_a_link_all_the_time(places, act):
    """What is read is what lies in the folder, and nothing is written elsewhere."""
    (places / "other").mkdir()
    (places / "other" / "y").write_bytes(SECRET)
    folders, stop = Folders(["in"]), threading.Event()

    def exchange() -> None:
        while not stop.is_set():
            os.rename(places / "in" / "deep", places / "in" / "kept")
            os.symlink("../other", places / "in" / "deep")
            os.unlink(places / "in" / "deep")
            os.rename(places / "in" / "kept", places / "in" / "deep")

    thread = threading.Thread(target=exchange)
    thread.start()
    done, tries, until = 0, 0, time.monotonic() + 60
    try:
        while (tries < 600 or not done) and time.monotonic() < until:  # on few processors the folder is seldom there
            tries += 1
            try:
                got = act(folders, "in/deep/y")
                done += 1
                assert got in (b"y", b"new", None)
            except (Forbidden, FileNotFoundError, NotADirectoryError):  # it is a link, gone, or was a link just now
                pass
    finally:
        stop.set()
        thread.join()
    assert done > 0 and tries >= 600
    assert (places / "other" / "y").read_bytes() == SECRET
    assert [path.name for path in (places / "other").iterdir()] == ["y"]


def test_a_folder_that_is_moved_away(places):
    """What was allowed is the folder, not its name: another one of that name is another one."""
    folders = Folders(["in"])
    (places / "in").rename(places / "was")
    (places / "in").mkdir()
    (places / "in" / "x").write_bytes(SECRET)
    assert read(folders, "in/x") == b"x"


# ---- How much --------------------------------------------------------------------------------------------------------


def test_how_many_bytes_may_be_written(places):
    """All files together; the one that is too much is not there, and an older one is as it was."""
    folders = Folders(["in"], most_bytes=10)
    write(folders, "in/a", b"12345678")
    with pytest.raises(Full) as caught:
        write(folders, "in/a", b"123")
    assert caught.value.errno == errno.EDQUOT
    with pytest.raises(Full):
        write(folders, "in/b", b"123")
    assert (places / "in" / "a").read_bytes() == b"12345678"
    assert sorted(path.name for path in (places / "in").iterdir()) == ["a", "deep", "x"]
