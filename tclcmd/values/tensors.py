"""The store of tensors.

A tensor has a number and a reference count, the number of Tcl values that stand for it. It is freed with the last of
them, unless the script has seen its name, such as ``tensor7``. A named tensor is kept until it is deleted, since the
script can still use the name.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from pyroi.arrays import Array
from tclcmd.values import dtypes


@dataclass(slots=True)
class _Buffer:
    """Memory that one or more tensors share; `owner` is the id of the array that owns it."""

    owner: int
    size: int
    users: int = 0


@dataclass(slots=True)
class _Entry:
    array: Array
    buffer: _Buffer
    references: int = 1
    is_named: bool = False


class Family:
    """The stores of interpreters between which scripts can pass values: a number is that of one tensor in all of them.

    So a handle that comes from another interpreter, or another thread, is never taken for a tensor of this one.
    """

    def __init__(self) -> None:
        self.stores: set[Tensors] = set()
        self.numbers = itertools.count()  # its steps are atomic
        self.last = -1  # the last number that was given

    def find(self, number: int) -> Array | None:
        """The tensor of this number, whichever store has it."""
        for store in tuple(self.stores):
            if (array := store.get(number)) is not None:
                return array
        return None


class Tensors:
    """The store of one interpreter: number -> array."""

    #: Whether a reference or a name was not counted, for lack of memory. Tensors are then kept until they are deleted
    #: by name.
    is_count_lost = False

    def __init__(self, family: Family | None = None) -> None:
        self._entries: dict[int, _Entry] = {}
        self._buffers: dict[int, _Buffer] = {}
        self._bytes = 0
        self._peak = 0
        self.family = family or Family()
        self.family.stores.add(self)

    def add(self, array: Array) -> int:
        """Adds an array with one reference, and returns its number."""
        number = self.family.last = next(self.family.numbers)
        self._entries[number] = _Entry(array, self._use_buffer(array))
        return number

    def get(self, number: int) -> Array | None:
        """The array, or None if there is no such tensor (any more)."""
        entry = self._entries.get(number)
        return entry.array if entry else None

    def was_freed(self, number: int) -> bool:
        """Whether there was a tensor of this number that has been freed."""
        return 0 <= number <= self.family.last and self.family.find(number) is None

    def is_elsewhere(self, number: int) -> bool:
        """Whether the tensor belongs to another interpreter."""
        return number not in self._entries and self.family.find(number) is not None

    def retain(self, number: int) -> None:
        """Adds a reference."""
        if number in self._entries:
            self._entries[number].references += 1

    def release(self, number: int) -> None:
        """Removes a reference, and frees the tensor with the last one unless it is named."""
        entry = self._entries.get(number)
        if entry is None:  # it was deleted before its last reference was removed
            return
        entry.references -= 1
        if entry.references <= 0 and not entry.is_named and not self.is_count_lost:
            self.delete(number)

    def name(self, number: int) -> None:
        """The script has seen the tensor's name."""
        if number in self._entries:
            self._entries[number].is_named = True

    def delete(self, number: int) -> bool:
        """Frees the tensor in spite of references. Returns whether it existed."""
        entry = self._entries.pop(number, None)
        if entry is None:
            return False
        self._leave_buffer(entry.buffer)
        return True

    def close(self) -> None:
        """Frees all tensors and leaves the family."""
        self.family.stores.discard(self)  # first, so that an interruption cannot leave it there
        for number in list(self._entries):
            self.delete(number)

    def listing(self) -> list[dict[str, object]]:
        """The tensors that are alive, with their references and whether they are named."""
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
        """The name and the array of each named tensor."""
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
        """The memory of an array, with one more user."""
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
    """The array that owns the memory of a view."""
    base = array.base
    while isinstance(base, type(array)):
        array, base = base, base.base
    return array
