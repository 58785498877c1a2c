"""Fingerprint of a function: its code, and the values that it can see."""

from __future__ import annotations

import copyreg
import functools
import hashlib
import sys
import threading
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_LITERALS = (bool, int, float, complex, str, bytes, type(None), type(...))
_CONSTANTS = (tuple, frozenset, types.CodeType)
_LOCKS = (type(threading.Lock()), type(threading.RLock()))
_WRAPPERS = (staticmethod, classmethod)
_DESCRIPTORS = (types.GetSetDescriptorType, types.MemberDescriptorType)
#: Attributes of a class that Python sets, and that do not change what it computes.
_NOT_CODE = {
    *("__abstractmethods__", "__annotate_func__", "__annotations__", "__annotations_cache__", "__dict__"),
    *("__doc__", "__firstlineno__", "__module__", "__static_attributes__", "__weakref__", "_abc_impl"),
}
#: Names of the folders that libraries are installed in.
_LIBRARIES = {"site-packages", "dist-packages"}


class Fingerprint(NamedTuple):
    """Fingerprint of a value.

    Attributes
    ----------
    digest : str
        12 hexadecimal digits.
    complete : bool
        False if a part of the value is invisible from Python, such as the state of an object of a C library.
    """

    digest: str
    complete: bool


def fingerprint(value: Any) -> Fingerprint:
    """Compute the fingerprint of a function, or of an object that is called like one.

    It covers bytecode, constants and defaults, the values in closures, the globals that the code names, and the
    attributes of objects with the bytes of their arrays. What installed libraries define counts by name and version.
    """
    visitor = _Visitor()
    try:
        visitor.add(value)
    except Exception:  # of any code of the value's that reads it, or of too deep a nesting
        visitor.complete = False
    return Fingerprint(visitor.sha256.hexdigest()[:12], visitor.complete)


class _Visitor:
    """SHA-256 of all values that can be reached from one."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self.complete = True
        self.seen: dict[int, tuple[int, Any]] = {}  # with the value, so that its id is not used again

    def add(self, value: Any) -> None:
        """Add a value, and everything that can be reached from it."""
        if isinstance(value, _LITERALS):
            self._text(f"{type(value).__name__} {value!r}")
        elif id(value) in self.seen:
            self._text(f"value {self.seen[id(value)][0]}")
        elif name := _library_name(value):
            self._text(name)
        else:
            if not isinstance(value, _CONSTANTS):  # which Python may share between functions, or not
                self.seen[id(value)] = len(self.seen), value
            self._text(type(value).__qualname__)
            self._add_parts(value)

    def _text(self, text: str) -> None:
        self._bytes(text.encode("utf-8", "surrogatepass"))

    def _bytes(self, data: Any) -> None:
        view = memoryview(data).cast("B")
        self.sha256.update(b"%d:" % view.nbytes)
        self.sha256.update(view)

    def _add_all(self, values: Iterable[Any]) -> None:
        for value in values:
            self.add(value)
        self._text("end")

    def _add_parts(self, value: Any) -> None:
        if isinstance(value, types.CodeType):
            self._bytes(value.co_code)
            self._add_all((value.co_flags, value.co_names, value.co_freevars, value.co_consts))
        elif isinstance(value, types.FunctionType):
            self._add_all((value.__code__, value.__defaults__, value.__kwdefaults__, vars(value)))
            self._add_all(value.__closure__ or ())
            self._add_globals(value)
        elif isinstance(value, type):
            own = {name: part for name, part in vars(value).items() if name not in _NOT_CODE}
            self._add_all((value.__qualname__, value.__bases__, type(value), own))
        elif isinstance(value, types.ModuleType):
            self._text(value.__name__)
        elif isinstance(value, _DESCRIPTORS):
            self._text(value.__qualname__)
        elif isinstance(value, _WRAPPERS):
            self.add(value.__func__)
        elif isinstance(value, property):
            self._add_all((value.fget, value.fset))
        elif isinstance(value, types.CellType):
            self._add_all(_contents(value))
        elif type(value) in (list, tuple):
            self._add_all(value)
        elif type(value) in (dict, types.MappingProxyType):
            self._add_all(part for item in value.items() for part in item)
        elif type(value) in (set, frozenset):
            members = [fingerprint(member) for member in value]
            self.complete &= all(member.complete for member in members)
            self._add_all(sorted(member.digest for member in members))
        elif _is_array(value):
            self._add_array(value)
        elif isinstance(getattr(value, "__wrapped__", None), types.FunctionType):
            self.add(value.__wrapped__)
            self.complete &= not isinstance(value, functools._lru_cache_wrapper)  # which hides what it caches
        elif not isinstance(value, _LOCKS):
            self._add_object(value)

    def _add_array(self, array: Any) -> None:
        self._text(f"{array.dtype} {tuple(array.shape)}")
        if hasattr(array, "detach"):
            flat = array.detach().cpu().contiguous().reshape(-1)
            self._bytes(flat.view(sys.modules["torch"].uint8).numpy() if flat.numel() else b"")
        elif array.dtype.hasobject:
            self._add_all(array.ravel().tolist())
        else:
            self._bytes(array.tobytes())

    def _add_object(self, value: Any) -> None:
        """Add what copies of an object are made of; an object that cannot be copied has invisible parts."""
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            reduced = reduce(value) if reduce else value.__reduce_ex__(4)
        except TypeError:
            self.complete = False
            reduced = (type(value), getattr(value, "__dict__", None))
        if isinstance(reduced, str):
            self._text(reduced)
            self.complete &= _is_library(type(value).__module__) and not callable(value)
        else:
            self._add_all(list(part) if isinstance(part, Iterator) else part for part in reduced)

    def _add_globals(self, function: types.FunctionType) -> None:
        names = sorted(set(_names(function.__code__)))
        for name in names:
            if name in function.__globals__:
                self._add_global(name, function.__globals__[name], names)
            elif name in sys.modules:  # imported in the function
                self._add_global(name, sys.modules[name], names)

    def _add_global(self, name: str, value: Any, names: list[str]) -> None:
        """Add a global, and of a module that is not of a library those attributes that the code may use."""
        self._text(name)
        new = id(value) not in self.seen
        self.add(value)
        if isinstance(value, types.ModuleType) and not _is_library(value.__name__):
            for attribute in names:
                part = vars(value).get(attribute)
                if part is not None and (new or not isinstance(part, types.ModuleType)):
                    self._add_global(attribute, part, names)


def _names(code: types.CodeType) -> Iterator[str]:
    """Names of globals and attributes in a function and in the functions inside it."""
    yield from code.co_names
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            yield from _names(value)


def _contents(cell: types.CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # of an empty cell
        return []


def _is_array(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))


def _is_library(module: Any) -> bool:
    """True for a module of Python or of an installed library."""
    if not isinstance(module, str) or module == "__main__":
        return False
    if module.partition(".")[0] in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and not _LIBRARIES.isdisjoint(Path(file).parts)


def _library_name(value: Any) -> str:
    """Name and version of what an installed library defines; empty for anything else."""
    module: Any = (
        value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
    )
    if not _is_library(module):
        return ""
    found: Any = sys.modules.get(module)
    name = "" if found is value else getattr(value, "__qualname__", None)
    if not isinstance(name, str):
        return ""
    for part in name.split(".") if name else ():
        found = getattr(found, part, None)
    version = getattr(sys.modules.get(module.partition(".")[0]), "__version__", "")
    return f"{module}:{name} {version}" if found is value else ""
