"""The tensors that are alive.

A tensor has a number, and as many references as there are Tcl values that stand for it. When the last one goes, its
memory goes; unless the script has seen its name, ``tensor7``: then it stays until it is deleted, for a name that a
script can still type must still work.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyroi.arrays import Array
from tclcmd.values import dtypes


@dataclass(slots=True)
class _Buffer:
    """Memory that one or more tensors look at; `owner` is the id of the array that holds it."""

    owner: int
    size: int
    users: int = 0


@dataclass(slots=True)
class _Entry:
    array: Array
    buffer: _Buffer
    references: int = 1
    is_named: bool = False


class Tensors:
    """The store of one interpreter: number -> array."""

    #: Did a value come or go, or was a name seen, that was not counted, for lack of memory? Then tensors are kept until
    #: they are deleted by name: better too long than not long enough.
    is_count_lost = False

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._buffers: dict[int, _Buffer] = {}
        self._next = 0
        self._bytes = 0
        self._peak = 0

    def add(self, array: Array) -> int:
        """Takes an array in, with one reference, and returns its number."""
        number = self._next
        self._next += 1
        self._entries[number] = _Entry(array, self._use_buffer(array))
        return number

    def get(self, number: int) -> Array | None:
        """The array, or None if there is no such tensor (any more)."""
        entry = self._entries.get(number)
        return entry.array if entry else None

    def was_freed(self, number: int) -> bool:
        """Has there been a tensor of this number, and is it gone?"""
        return 0 <= number < self._next and number not in self._entries

    def retain(self, number: int) -> None:
        """One more value stands for the tensor."""
        if number in self._entries:
            self._entries[number].references += 1

    def release(self, number: int) -> None:
        """One value less stands for it."""
        entry = self._entries.get(number)
        if entry is None:  # it was deleted before its last value went
            return
        entry.references -= 1
        if entry.references <= 0 and not entry.is_named and not self.is_count_lost:
            self.delete(number)

    def name(self, number: int) -> None:
        """The script has seen the tensor's name."""
        if number in self._entries:
            self._entries[number].is_named = True

    def delete(self, number: int) -> bool:
        """Frees the tensor whoever refers to it. Returns whether it was there."""
        entry = self._entries.pop(number, None)
        if entry is None:
            return False
        self._leave_buffer(entry.buffer)
        return True

    def clear(self) -> None:
        """Frees all."""
        for number in list(self._entries):
            self.delete(number)

    def listing(self) -> list[dict[str, object]]:
        """What is alive, and why."""
        return [
            {
                "tensor": f"tensor{number}",
                "shape": list(entry.array.shape),
                "dtype": dtypes.name_of(entry.array.dtype),
                "values": max(entry.references, 0),
                "named": entry.is_named,
            }
            for number, entry in self._entries.items()
        ]

    def named(self) -> list[tuple[str, Array]]:
        """Name and array of those whose name has been seen."""
        return [(f"tensor{number}", entry.array) for number, entry in self._entries.items() if entry.is_named]

    def stats(self) -> dict[str, int]:
        """Counts and bytes. Tensors that share memory count it once."""
        return {
            "live": len(self._entries),
            "pinned": sum(entry.is_named for entry in self._entries.values()),
            "bytes": self._bytes,
            "peak": self._peak,
        }

    def _use_buffer(self, array: Array) -> _Buffer:
        """The memory of an array, which has one user more."""
        owner = _owner(array)
        buffer = self._buffers.get(id(owner))
        if buffer is None:
            buffer = self._buffers[id(owner)] = _Buffer(id(owner), owner.nbytes)
            self._bytes += buffer.size
            self._peak = max(self._peak, self._bytes)
        buffer.users += 1
        return buffer

    def _leave_buffer(self, buffer: _Buffer) -> None:
        buffer.users -= 1
        if buffer.users == 0:
            self._bytes -= buffer.size
            del self._buffers[buffer.owner]


def _owner(array: Array) -> Array:
    """The array whose memory a view looks at."""
    base = array.base
    while isinstance(base, type(array)):
        array, base = base, base.base
    return array
