"""Mutants of the code: copies that differ from it by one small change.

A change swaps a comparison, ``and`` and ``or`` or an arithmetic operator, negates a condition, adds 1 to an integer,
doubles a float, flips a bool, lengthens a name in a string, returns None, or removes a statement or a keyword argument.
Sentences, docstrings, imports and annotations stay as they are.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Operator of the syntax tree -> how it is written, and what is written instead.
OPERATORS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "|"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}


@dataclass(frozen=True)
class Mutant:
    """One change: ``data[start:stop]`` of the file becomes ``new``; ``old`` is what was there."""

    file: str
    line: int
    start: int
    stop: int
    old: str
    new: str

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.file}|{self.start}|{self.stop}|{self.new}".encode()).hexdigest()[:10]

    def apply(self, data: bytes) -> bytes:
        """Change the bytes of the file; every later line keeps its number."""
        lines = "\n" * (self.old.count("\n") - self.new.count("\n"))
        new = f"({self.new}{lines})" if lines and self.new == "None" else self.new + lines
        return data[: self.start] + new.encode() + data[self.stop :]

    def __str__(self) -> str:
        old = " ".join(self.old.split())
        return f"{self.key}  {self.file}:{self.line}  {old[:70]}  ->  {self.new.strip() or 'nothing'}"


def mutants_of(root: Path, file: str) -> list[Mutant]:
    """List the mutants of a file, in its order; a few are not valid."""
    data = (root / file).read_bytes()
    line_starts = [0]
    for line in data.splitlines(keepends=True):
        line_starts.append(line_starts[-1] + len(line))

    def span(node: ast.AST) -> tuple[int, int]:
        start = line_starts[node.lineno - 1] + node.col_offset
        return start, line_starts[node.end_lineno - 1] + node.end_col_offset

    found = sorted(set(_changes(ast.parse(data), data, span)))
    return [
        Mutant(file, data.count(b"\n", 0, start) + 1, start, stop, data[start:stop].decode(), new)
        for start, stop, new in found
    ]


def is_valid(root: Path, one: Mutant) -> bool:
    """Test if Python can parse a mutant, and finds a change in it."""
    data = (root / one.file).read_bytes()
    try:
        return ast.dump(ast.parse(one.apply(data))) != ast.dump(ast.parse(data))
    except SyntaxError:
        return False


def _changes(tree, data, span) -> Iterator[tuple[int, int, str]]:
    """Yield start, stop and new text of every change."""
    waiting = [(node, False) for node in tree.body]
    while waiting:
        node, sentence = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.arg)) or _is_text(node):
            continue
        yield from _changes_of(node, data, span, sentence)
        sentence = sentence or isinstance(node, (ast.Raise, ast.JoinedStr))
        annotations = [getattr(node, name, None) for name in ("annotation", "returns")]
        exceptions = node.type if isinstance(node, ast.ExceptHandler) else None
        for child in ast.iter_child_nodes(node):
            if child not in annotations and child is not exceptions:
                waiting.append((child, sentence))


def _is_text(node) -> bool:
    """Test for a docstring, or a block that only a type checker reads."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _changes_of(node, data, span, sentence) -> Iterator[tuple[int, int, str]]:
    """Yield the changes of one node, without those of the nodes in it."""
    operands = {
        ast.Compare: lambda: zip([node.left, *node.comparators], node.comparators, node.ops, strict=False),
        ast.BoolOp: lambda: zip(node.values, node.values[1:], [node.op] * len(node.values), strict=False),
        ast.BinOp: lambda: [(node.left, node.right, node.op)],
    }
    for left, right, operator in operands.get(type(node), list)():
        if type(operator) in OPERATORS and not (isinstance(node, ast.BinOp) and _has_text(left, right)):
            old, new = OPERATORS[type(operator)]
            after = span(left)[1]
            place = re.search(r"\s+".join(map(re.escape, old.split())).encode(), data[after : span(right)[0]])
            if place:
                yield after + place.start(), after + place.end(), new
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield from _negated(node.test, data, span)
    elif isinstance(node, ast.comprehension):
        for test in node.ifs:
            yield from _negated(test, data, span)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        start, stop = span(node.operand)
        yield *span(node), f"bool({data[start:stop].decode()})"
    elif isinstance(node, ast.Constant):
        if (new := _other_value(node.value, sentence)) is not None:
            yield *span(node), new
    elif isinstance(node, ast.Return) and node.value and ast.unparse(node.value) != "None":
        yield *span(node.value), "None"
    elif isinstance(node, (ast.Raise, ast.AugAssign)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Await))
    ):
        yield *span(node), "pass"
    elif isinstance(node, ast.Assign):
        if any(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets):
            yield *span(node), "pass"
    elif isinstance(node, (ast.Continue, ast.Break)):
        yield *span(node), "break" if isinstance(node, ast.Continue) else "continue"
    elif isinstance(node, ast.Call):
        for keyword in node.keywords:
            start, stop = span(keyword)
            comma = re.match(rb"\s*,", data[stop:])
            yield start, stop + (comma.end() if comma else 0), ""


def _negated(test, data, span) -> Iterator[tuple[int, int, str]]:
    if not isinstance(test, ast.Constant):
        start, stop = span(test)
        yield start, stop, f"(not ({data[start:stop].decode()}))"


def _has_text(*nodes) -> bool:
    return any(
        isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        for node in nodes
    )


def _other_value(value, sentence: bool) -> str | None:
    """Return another value in place of a constant, as Python writes it."""
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, (int, float)):
        return repr(value + 1 if isinstance(value, int) or not value else value * 2)
    if isinstance(value, str) and value and not sentence and " " not in value.strip():
        return repr(f"{value}X")
    return None
