"""Damage to files: bytes that flip, parts that are lost, and values that are replaced in their structure."""

import copy
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple


class Case(NamedTuple):
    """A case of a fuzzer: its name, the call, and the text that an error must hold."""

    name: str
    run: Callable[[], object]
    place: str


def damage(data: bytes, random: Random, edge: int = 256) -> bytes:
    """Change some bytes, most of them within ``edge`` of the beginning or the end."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        if not changed:
            break
        where = random.choice(
            (random.randrange(edge), -1 - random.randrange(edge), random.randrange(len(data)))
        )
        at = where % len(changed)
        match random.randrange(6):
            case 0 | 1:
                changed[at] ^= 1 << random.randrange(8)
            case 2:
                changed[at] = random.choice((0, 1, 127, 128, 255))
            case 3:
                changed[at : at + 4] = random.choice((b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff"))
            case 4:
                del changed[at : at + random.choice((1, 4, 64))]
            case 5:
                changed[at:at] = changed[at : at + random.choice((1, 8, 64))]
    return bytes(changed[: random.randrange(len(changed))] if changed and random.random() < 0.1 else changed)


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 10**30, 0.5, -1e308, float("nan"), float("inf")),
    *(
        "",
        "x",
        "../../x",
        "/etc/passwd",
        "\0",
        "\ud800",
        "a\nb",
        "9" * 5000,
        [],
        {},
        [[]],
        {"": None},
        [0, "x"],
    ),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a JSON value with each of its keys."""
    found = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        found.append((value, key))
        found += places(part)
    return found


def restructure(value: Any, random: Random) -> Any:
    """Replace, remove, double or exchange a value somewhere in a JSON value, which is changed."""
    if random.random() < 0.05:
        return random.choice(VALUES)
    for _ in range(random.choice((1, 1, 1, 3))):
        found = places(value)
        if not found:
            break
        container, key = random.choice(found)
        match random.randrange(6):
            case 0 | 1:
                container[key] = random.choice(VALUES)
            case 2:
                del container[key]
            case 3 if isinstance(container, dict):
                container[random.choice(("x", "", "../x", f"{key}x"))] = container[key]
            case 3:
                container.append(container[key])
            case 4:
                other, name = random.choice(found)
                container[key] = copy.deepcopy(other[name])
            case 5:
                container[key] = [container[key]]
    return value
