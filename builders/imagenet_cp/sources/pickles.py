"""Pickles read as plain data: nothing that they name is looked up or called, and time and memory are bounded."""

from __future__ import annotations

import pickletools
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from ..errors import SourceError

#: That of CIFAR-100's test images, the longest of CIFAR, has 40,000.
_MOST_OPCODES = 200_000
_VALUES = {
    *("BININT", "BININT1", "BININT2", "BINBYTES", "SHORT_BINBYTES", "BYTEARRAY8"),
    *("BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


class Name(NamedTuple):
    """Name of a class or function, such as ``numpy.dtype``."""

    name: str


class Call:
    """Call that unpickling would make.

    Attributes
    ----------
    name : str
        Name of the class or function.
    arguments : tuple
        Its arguments.
    state : object
        State that would be set on the result.
    """

    def __init__(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.name, self.arguments, self.state = name, arguments, None


def load(data: bytes, names: Collection[str]) -> Any:
    """Read a pickle of numbers, text, bytes, tuples, lists, dicts with keys of text, and calls.

    Parameters
    ----------
    data : bytes
        The pickle.
    names : collection of str
        Names that may occur.

    Returns
    -------
    object
        The content, with `Name` and `Call` in place of what is named and called. One object may occur in many
        places: never print, hash or compare a container, as this may take exponential time.

    Raises
    ------
    SourceError
        It has another name or opcode, or more opcodes than CIFAR's pickles.
    ValueError, LookupError, TypeError
        It is damaged.
    """
    stack: list[Any] = []
    below: list[list[Any]] = []  # the stack below each mark
    memo: dict[Any, Any] = {}
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if count >= _MOST_OPCODES:
            raise SourceError(f"its pickle has more than {_MOST_OPCODES:,} opcodes, which CIFAR's have not")
        match opcode.name:
            case code if code in _VALUES:
                stack.append(argument)
            case "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_TUPLE" as code:
                stack.append(_CONSTANTS[code])
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case "MARK":
                below.append(stack)
                stack = []
            case "LIST":
                items, stack = stack, below.pop()
                stack.append(items)
            case "TUPLE":
                items, stack = stack, below.pop()
                stack.append(tuple(items))
            case "DICT":
                items, stack = stack, below.pop()
                stack.append(_update({}, items))
            case "APPENDS":
                items, stack = stack, below.pop()
                _check(stack[-1], list).extend(items)
            case "SETITEMS":
                items, stack = stack, below.pop()
                _update(stack[-1], items)
            case "TUPLE1" | "TUPLE2" | "TUPLE3" as code:
                stack.append(_pop(stack, int(code[-1])))
            case "APPEND":
                (item,) = _pop(stack, 1)
                _check(stack[-1], list).append(item)
            case "SETITEM":
                pair = _pop(stack, 2)
                _update(stack[-1], pair)
            case "GLOBAL":
                stack.append(_name(str(argument).replace(" ", "."), names))
            case "STACK_GLOBAL":
                module, name = _pop(stack, 2)
                stack.append(_name(f"{_check(module, str)}.{_check(name, str)}", names))
            case "REDUCE":
                function, arguments = _pop(stack, 2)
                stack.append(Call(_check(function, Name).name, _check(arguments, tuple)))
            case "BUILD":
                (state,) = _pop(stack, 1)
                _check(stack[-1], Call).state = state
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "STOP":
                return stack[-1]
            case "PROTO" | "FRAME":
                pass
            case code:
                raise SourceError(f"its pickle has the opcode {code}, which CIFAR's have not")
    raise ValueError("no end")


def _check(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"a {type(value).__name__} in place of a {kind.__name__}")
    return value


def _pop(stack: list[Any], count: int) -> tuple[Any, ...]:
    if len(stack) < count:
        raise ValueError("too few values")
    values = tuple(stack[-count:])
    del stack[-count:]
    return values


def _update(into: Any, items: Sequence[Any]) -> Any:
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, (str, bytes, Call)):
            raise TypeError(f"a {type(key).__name__} as the key of a dict")
        _check(into, dict)[key] = value
    return into


def _name(name: str, names: Collection[str]) -> Name:
    if name not in names:
        raise SourceError(
            f"its pickle asks for {name:.200}, which CIFAR's do not; nothing of it was run. It may be an attempt to "
            "run a program: take the archive from its authors' page"
        )
    return Name(name)
