"""Replaces functions of a package in all modules that refer to them, and restores them."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pyroi.errors import ArgumentError, ArgumentTypeError


@dataclass(frozen=True)
class Replacement:
    """A function of a package, and the function that replaces it.

    The replacement takes the same arguments. It returns ``NotImplemented`` if it has no kernel for them. The package's
    own function is called then, and also if pyroi refuses the arguments.
    """

    module: str  # that defines it
    name: str  # in the module; of a method "Class.method"
    parameters: str  # in the supported versions of the package, separated by blanks
    ours: Callable[..., Any]


@dataclass
class Tool:
    """A package, and its functions that are replaced."""

    package: str
    series: tuple[int, ...]  # the beginning of the supported versions
    replacements: list[Replacement]
    _places: list[Place] = field(default_factory=list)

    def accelerate(self) -> None:
        """Replaces the functions, or raises ImportError and changes nothing."""
        if self._places:
            return
        self._check_version()
        places = [self._find(replacement) for replacement in self.replacements]
        self._places = places
        try:
            for place in places:
                place.put_in()
        except BaseException:  # such as an interrupt
            self.restore()
            raise

    def restore(self) -> None:
        """Restores the package's own functions."""
        for place in self._places:
            place.take_out()
        self._places = []

    def _check_version(self) -> None:
        try:
            version = str(importlib.import_module(self.package).__version__)
        except Exception as reason:  # what does not load may raise anything
            what = f"accelerate({self.package!r}) needs the package {self.package}"
            how = f"run pip install {self.package}" if isinstance(reason, ModuleNotFoundError) else "it does not load"
            raise ImportError(f"{what}: {how}: {reason}") from reason
        numbers = tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[: len(self.series)])
        if numbers != self.series:
            known = ".".join(map(str, self.series))
            raise ImportError(f"accelerate({self.package!r}) supports {self.package} {known}, found {version}")

    def _find(self, replacement: Replacement) -> Place:
        """The place of a function, after a check that it is the function that pyroi knows."""
        try:
            owner: Any = importlib.import_module(replacement.module)
            *classes, name = replacement.name.split(".")
            for part in classes:
                owner = getattr(owner, part)
            original = inspect.getattr_static(owner, name)
            parameters = list(inspect.signature(getattr(owner, name)).parameters)
        except Exception as reason:  # what does not load may raise anything
            raise ImportError(f"accelerate({self.package!r}) does not find {replacement.name}: {reason}") from reason
        if parameters != replacement.parameters.split():
            rule = f"supports {replacement.name} with the parameters {replacement.parameters}"
            raise ImportError(f"accelerate({self.package!r}) {rule}, found {' '.join(parameters)}")
        return Place(owner, name, original, _with_a_way_back(replacement.ours, getattr(owner, name)))


def _with_a_way_back(ours: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement, which calls the package's own function for calls that it does not compute.

    The package's function may accept more than its signature: a decorator of mmcv accepts former names of parameters.
    """
    signature = inspect.signature(ours)

    @functools.wraps(original)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            signature.bind(*arguments, **options)
        except TypeError:
            return original(*arguments, **options)
        try:
            result = ours(*arguments, **options)
        except (ArgumentError, ArgumentTypeError):
            result = NotImplemented
        return original(*arguments, **options) if result is NotImplemented else result

    return run


@dataclass
class Place:
    """A function in a module or a class, and its replacement."""

    owner: Any
    name: str
    original: Any
    ours: Any

    def put_in(self) -> None:
        """Puts the replacement in. Other modules that have imported the function before are changed too."""
        if inspect.isclass(self.owner):
            static = isinstance(self.original, staticmethod)
            setattr(self.owner, self.name, staticmethod(self.ours) if static else self.ours)
        else:
            _exchange(self.original, self.ours)

    def take_out(self) -> None:
        """Wherever ours is."""
        if inspect.isclass(self.owner):
            setattr(self.owner, self.name, self.original)
        else:
            _exchange(self.ours, self.original)


def _exchange(old: Any, new: Any) -> None:
    """Replaces one function by another under all its names in all modules."""
    for names, name in list(_names_of(old)):
        names[name] = new


def _names_of(function: Any) -> Iterator[tuple[dict[str, Any], str]]:
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if isinstance(names, dict):
            yield from ((names, name) for name, value in list(names.items()) if value is function)
