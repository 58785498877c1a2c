"""Layouts of paths as templates, such as ``{corruption}/{severity}/{class}/{file}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import SourceError, UsageError, suggest

#: Placeholders of a template.
PLACEHOLDERS = ("corruption", "severity", "class", "file")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Template:
    """Layout of the paths of corrupted images.

    Attributes
    ----------
    text : str
        Such as ``"{corruption}/{severity}/{class}/{file}"``.
    pattern : re.Pattern
        Matches whole paths; its groups are the placeholders.
    readings : tuple of re.Pattern
        The same where the severity is a number, with the first placeholders as long and as short as can be.
    """

    text: str
    pattern: re.Pattern[str]
    readings: tuple[re.Pattern[str], re.Pattern[str]]

    @property
    def has_class(self) -> bool:
        """True if the paths hold the class."""
        return "class" in self.pattern.groupindex

    def match(self, path: str) -> dict[str, str] | None:
        """Values of the placeholders in a path relative to the data; None if it does not match.

        Raises
        ------
        SourceError
            The path matches in more than one way.
        """
        long, short = (reading.fullmatch(path) for reading in self.readings)
        if long and short and long.groupdict() != short.groupdict():
            raise SourceError(
                f"{path} can be read in more than one way by the layout {self.text!r}: {_describe(long)}, or "
                f"{_describe(short)}; put a slash between the placeholders, or rename the files"
            )
        found = long or self.pattern.fullmatch(path)
        return found and found.groupdict()


def parse_template(text: str) -> Template:
    """Parse a template.

    Parameters
    ----------
    text : str
        Path with slashes. ``{corruption}`` and ``{file}``, the name of the image's file, are required; ``{severity}``
        and ``{class}`` may be absent. A placeholder can be a part of a name: ``{corruption}_{severity}/{file}``.

    Raises
    ------
    UsageError
        It lacks a placeholder, names an unknown one or one twice, has two side by side, or a brace or a ``|`` too
        many.
    """
    names = _PLACEHOLDER.findall(text)
    every = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    place = f"the layout {text!r}"
    for name in names:
        if name not in PLACEHOLDERS:
            raise UsageError(f"{place} has the unknown placeholder {{{name}}}{suggest(name, PLACEHOLDERS)}")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{place} has {{{twice}}} twice; write it once")
    if missing := next((name for name in ("corruption", "file") if name not in names), None):
        raise UsageError(
            f"{place} lacks {{{missing}}}; write one such as {{corruption}}/{{severity}}/{{class}}/{{file}}"
        )
    text = text.removeprefix("./").strip("/")
    literals = _PLACEHOLDER.split(text)[::2]
    if any(character in literal for literal in literals for character in "{}|"):
        raise UsageError(f"{place} has a brace or a | that is no part of a placeholder; they are {every}")
    if "" in literals[1:-1]:
        raise UsageError(f"{place} has two placeholders side by side; put a character between them")

    def compiled(kinds: Mapping[str, str], value: str) -> re.Pattern[str]:
        groups = (f"(?P<{name}>{kinds.get(name, value)})" for name in names)
        return re.compile(
            re.escape(literals[0])
            + "".join(group + re.escape(literal) for group, literal in zip(groups, literals[1:], strict=True))
        )

    readings = (compiled({"severity": r"\d+"}, "[^/]+"), compiled({"severity": r"\d+?"}, "[^/]+?"))
    return Template(text, compiled({}, "[^/]+"), readings)


def _describe(found: re.Match[str]) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in found.groupdict().items())
