"""A fuzzer: random calls of all commands.

    python tests/tclcmd/fuzz_commands.py --seconds 300 --seed 1

The calls come from `fuzz_words`. Each must give a result, or an error that the table of errors knows. It is a defect if

* the error is an internal fault, or has no errorCode that begins with TORCH, or is longer than a screen;
* anything is written to standard error, such as a traceback, or a warning of Python's;
* an error changes a tensor or a variable, or leaves a tensor behind;
* a call takes more than a generous time, or ends the process.

The calls are made in one interpreter of a process of its own, in a folder of its own, with little memory. When that
process ends before its time, this is a defect, too, and the next one goes on behind the call. The call of a number
depends on the seed and the number alone: --start and --calls make it again.
"""

from __future__ import annotations

import argparse
import dataclasses
import fnmatch
import hashlib
import json
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings

import fuzz_words
import numpy as np

from tclcmd.interpreter import Interpreter
from tclcmd.language.declare import REGISTRY

#: The most that a call may take of the processor, and a process of the address space. Seconds and bytes.
LONGEST_CALL = 20
ADDRESS_SPACE = 2 * 2**30

#: How long the process may be silent before it is taken for dead, in seconds.
LONGEST_SILENCE = 120

#: Characters. An errorCode may hold the name of a file.
LONGEST_MESSAGE, LONGEST_CODE = 2000, 6000

#: So many calls are made with the same tensors.
ROUND = 500

#: Commands that take a thousand times longer than others, and how many of their calls are left out, of one.
LEFT_OUT = {"plot_boxes": 0.97, "plot_features": 0.97}


@dataclasses.dataclass(frozen=True)
class Defect:
    """What went wrong, in which call."""

    what: str
    call: str
    message: str
    index: int

    @property
    def kind(self) -> tuple[str, str, str]:
        """Defects of one kind are told once: the same fault of the same command, or messages of the same beginning."""
        name = self.call.split(" ", 1)[0].split("::", 1)[-1].lower().replace("_", "")
        first = self.message.split(":")[:3] if self.what == "internal fault" else [self.message[:20]]
        return self.what, "" if self.what.startswith("long") else name, ":".join(first)

    def __str__(self) -> str:
        return f"{self.what}, call {self.index}\n  {_shortened(self.call)}\n  {_shortened(self.message)}"


def _shortened(text: str) -> str:
    return text if len(text) < 600 else f"{text[:300]} ... {text[-200:]} ({len(text)} characters)"


def chosen(seed: int, index: int, pattern: str = "*") -> str:
    """The call of a number, of a command whose name matches the pattern."""
    source = random.Random(f"{seed} {index}")
    commands = [command for command in REGISTRY.values() if fnmatch.fnmatch(command.name, pattern)]
    command = source.choice(commands)
    while pattern == "*" and source.random() < LEFT_OUT.get(command.name, 0):
        command = source.choice(commands)
    return fuzz_words.Words(source).call(command)


# ---- In the process that makes the calls -----------------------------------------------------------------------------


class Session:
    """An interpreter with tensors and variables, and what is known about them."""

    def __init__(self) -> None:
        self.interpreter = Interpreter()
        self.renew()

    def renew(self) -> None:
        """Makes all tensors and variables again."""
        outcome = self.interpreter.eval(fuzz_words.SETUP)
        assert not outcome.is_error, self.interpreter.result()
        self.interpreter.eval("")
        found = (self.interpreter.tensor_in(name[1:]) for name in fuzz_words.TENSORS)
        self.arrays = [array for array in found if array is not None]
        self.count, self.state = self.live(), self.look()

    def look(self) -> bytes:
        """A digest of all tensors and other variables."""
        digest = hashlib.blake2b(digest_size=16)
        for array in self.arrays:
            digest.update(array.tobytes())
        for name in ("words", "pairs"):
            digest.update((self.interpreter.get_global(name) or "").encode())
        return digest.digest()

    def live(self) -> int:
        """How many tensors there are."""
        return self.interpreter.session.tensors.stats()["live"]

    def faults(self, call: str) -> list[tuple[str, str]]:
        """Makes a call. What was wrong with it, and the message."""
        before, start = self.live(), time.process_time()
        is_error = self.interpreter.eval(call).is_error
        took = time.process_time() - start
        message = self.interpreter.result() if is_error else ""
        found = list(self._faults_of_error(message)) if is_error else []
        self.interpreter.eval("")  # lets go of the result
        after = self.look()
        if is_error and after != self.state:
            found.append("an error changed a tensor or a variable")
        if is_error and self.live() != before:
            found.append("an error left a tensor behind, or took one away")
        if took > LONGEST_CALL:
            found.append(f"took {took:.0f} s")
        self.state = after
        return [(what, message) for what in found]

    def _faults_of_error(self, message: str) -> list[str]:
        found = []
        code = self.interpreter.get_global("errorCode") or ""
        if code.startswith("TORCH INTERNAL"):
            found.append("internal fault")
        elif not code.startswith("TORCH "):
            found.append(f"errorCode {code[:40]}")
        if "Traceback" in message:
            found.append("a traceback")
        if len(message) > LONGEST_MESSAGE:
            found.append("long message")
        if len(code) > LONGEST_CODE:
            found.append("long errorCode")
        return found

    def is_spent(self, index: int) -> bool:
        """Is it time for new tensors? Also where calls have deleted some."""
        return index % ROUND == 0 or self.live() != self.count


def make_files() -> None:
    """What calls can read: good files and bad ones."""
    interpreter = Interpreter()
    outcome = interpreter.eval(
        "torch::tensor_save [torch::arange 6] x.npy; torch::tensor_save [torch::arange 6] x.npz; "
        "torch::image_write [torch::zeros {3 4 4}] x.png; torch::image_write [torch::zeros {3 4 4}] x.tiff; "
        "torch::boxes_write x.json {{0 0 1 1}} 1 2 3; torch::boxes_write x.txt {{0 0 1 1}} -classIds 1 -imageSize 4"
    )
    assert not outcome.is_error, interpreter.result()
    interpreter.close()
    others = {
        "short": np.ones(2, np.int16),
        "long": np.ones(2, np.uint64),
        "big": np.ones(2, ">f4"),
        "deep": np.ones([1] * 32),
    }
    others |= {
        "record": np.zeros(2, "i4,f4"),
        "text": np.array(["a"]),
        "object": np.array([{}]),
        "complex": np.ones(1, "c8"),
    }
    for name, array in others.items():
        np.save(name, array)
    np.savez("many", **{name: array for name, array in others.items() if name != "object"})
    for name in ("x.npy", "x.npz", "x.png"):
        pathlib.Path("cut" + name[1:]).write_bytes(pathlib.Path(name).read_bytes()[:-20])
        pathlib.Path("empty" + name[1:]).touch()
    for name in ("folder", "folder.npy"):
        pathlib.Path(name).mkdir(exist_ok=True)


def make_calls(given: argparse.Namespace) -> None:
    """The calls of some numbers. Writes what is being done, and the defects, a line of JSON each."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    # The shell ignores all warnings. Here those of arithmetic are heard, but not that a font lacks a character.
    warnings.simplefilter("ignore", UserWarning)
    make_files()
    session = Session()
    with open("journal", "w", encoding="utf-8") as journal:
        said = os.fstat(2).st_size
        for index in range(given.start, given.start + given.calls):
            if time.time() > given.until:
                break
            if session.is_spent(index):
                session.renew()
            call = chosen(given.seed, index, given.commands)
            print(json.dumps({"index": index, "call": call}), file=journal, flush=True)
            found = session.faults(call)
            if os.fstat(2).st_size != said:
                found.append(("wrote to standard error", os.pread(2, 3000, said).decode(errors="replace")))
                said = os.fstat(2).st_size
            for what, message in found:
                defect = {"what": what, "call": call, "message": message, "index": index}
                print(json.dumps(defect), file=journal, flush=True)
            session.interpreter.eval("torch::set_num_threads 2; torch::timing off")
        print(json.dumps({"done": True}), file=journal, flush=True)


# ---- In the process that watches -------------------------------------------------------------------------------------


def hunt(given: argparse.Namespace) -> tuple[list[Defect], int]:
    """The defects found by so many calls, or in so many seconds, and the number of calls made."""
    until = time.time() + given.seconds
    defects: list[Defect] = []
    index, stop = given.start, given.start + given.calls
    while index < stop and time.time() < until:
        words = [f"--seed={given.seed}", f"--start={index}", f"--calls={stop - index}", f"--commands={given.commands}"]
        found, index, is_done = _watched([*words, f"--until={until}"], index)
        defects += found
        if is_done:
            break
    return defects, index - given.start


def _watched(options: list[str], start: int) -> tuple[list[Defect], int, bool]:
    """One process: the defects it found, the number after its last call, and whether it came to its end."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, os.path.abspath(__file__), "--child", *options]
        with open(os.path.join(folder, "stderr"), "w+b") as errors:
            child = subprocess.Popen(
                words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
            )
            journal = pathlib.Path(folder, "journal")
            silent = _wait(child, journal)
            said = os.pread(errors.fileno(), 3000, max(0, os.fstat(errors.fileno()).st_size - 3000))
        lines = (
            [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()] if journal.exists() else []
        )
    defects = [Defect(**line) for line in lines if "what" in line]
    calls = [line for line in lines if "call" in line]
    last = calls[-1] if calls else {"index": start, "call": "(none)"}
    if lines and "done" in lines[-1]:
        return defects, last["index"] + 1, True
    how = "silence" if silent else _end_of(child.returncode)
    defects.append(Defect(f"ended by {how}", last["call"], said.decode(errors="replace"), last["index"]))
    return defects, last["index"] + 1, False


def _wait(child: subprocess.Popen[bytes], journal: pathlib.Path) -> bool:
    """Waits for the end of the process; ends it, and says so, where it does nothing any more."""
    size, since = -1, time.monotonic()
    while child.poll() is None:
        time.sleep(0.05)
        now = journal.stat().st_size if journal.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        if time.monotonic() - since > LONGEST_SILENCE:
            child.kill()
            child.wait()
            return True
    return False


def _end_of(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description="Hunts for defects with random calls of all commands.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="the number of the first call")
    parser.add_argument("--calls", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--commands", default="*", help="a pattern of names of commands")
    given = parser.parse_args()
    if given.child:
        make_calls(given)
        return
    defects, made = hunt(given)
    kinds = {defect.kind: defect for defect in reversed(defects)}
    for defect in kinds.values():
        print(defect, end="\n\n")
    print(f"{made} calls, {len(defects)} defects of {len(kinds)} kinds, seed {given.seed}")
    sys.exit(bool(defects))


if __name__ == "__main__":
    main()
