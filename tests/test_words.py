"""Words of docstrings, comments and strings, checked on the source of the package and the metrics."""

import ast
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = sorted(
    {path.resolve() for folder in ("builders", "metrics") for path in (ROOT / folder).rglob("*.py")}
)
#: Openers of no docstring, which begins with a noun phrase or a verb of the field.
OPENERS = re.compile(
    r"(What|Whether|Say|Tell|Let|Leave|Take|Whose|Have|Return what|Make sure)\b", re.IGNORECASE
)
SYNONYMS = re.compile(r"\b(photograph|picture)s?\b", re.IGNORECASE)
#: The field of results.json and of the stored predictions, and its entry in a list of attributes.
EXCEPTIONS = {"picture", "picture : bytes"}


def docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            yield node.body[0].value


def lines(source):
    """Yield the number and the text of every line of comments and strings, docstrings included."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from enumerate(node.value.splitlines(), node.lineno)


def test_docstrings_open_with_a_noun_phrase_or_a_verb_of_the_field():
    found = [
        f"{path}:{node.lineno}: {node.value.splitlines()[0]}"
        for path in FILES
        for node in docstrings(ast.parse(path.read_text(encoding="utf-8")))
        if OPENERS.match(node.value.strip())
    ]
    assert not found, "\n".join(found)


def test_an_image_is_called_an_image():
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in FILES
        for number, line in lines(path.read_text(encoding="utf-8"))
        if SYNONYMS.search(re.sub("``.*?``", "", line)) and line.strip() not in EXCEPTIONS
    ]
    assert not found, "\n".join(found)
