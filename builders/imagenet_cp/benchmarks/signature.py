"""Signature of data, models and scores: all settings that must agree for a comparison."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Signature:
    """Sequence of parts, written as ``word|name:value|...``.

    Attributes
    ----------
    parts : tuple of str
        Words, such as ``"imagenet_c"``, and fields, such as ``"seed:0"``.

    Examples
    --------
    >>> signature = Signature.of("imagenet_c", ("recipe", 1), ("size", None), ("seed", 0), "jpeg:85")
    >>> str(signature)
    'imagenet_c|recipe:1|seed:0|jpeg:85'
    >>> Signature.parse("imagenet_c|recipe:1|seed:0|jpeg:85") == signature, signature.fields["seed"]
    (True, '0')
    """

    parts: tuple[str, ...]

    @classmethod
    def of(cls, *parts: str | tuple[str, object]) -> Signature:
        """Build a signature from words, signatures and pairs of name and value, omitting empty ones."""
        fields = (part if isinstance(part, str) else _field(*part) for part in parts)
        return cls.parse("|".join(field for field in fields if field))

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Parse the text of a signature."""
        return cls(tuple(text.split("|")))

    def __str__(self) -> str:
        return "|".join(self.parts)

    @property
    def fields(self) -> dict[str, str]:
        """Values by name; the value of a word is the word itself."""
        split = (part.partition(":") for part in self.parts if part)
        return {name: value if colon else name for name, colon, value in split}


def _field(name: str, value: object) -> str:
    return "" if value is None else f"{name}:{value}"
