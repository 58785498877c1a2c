"""Paths are local, and JSON files of the package are believed only if they have its schema."""

import json
import pickle
from pathlib import Path

import pytest

from imagenet_cp.errors import BuildError, SourceError, UsageError
from imagenet_cp.files import local_path, read_json

SCHEMA = {"name": str, "files": {str: {"rows": int}}, "pair": [str, int], "remark?": str}
GOOD = {"name": "n", "files": {"a": {"rows": 3}}, "pair": ["p", 1]}


@pytest.mark.parametrize("change", [{}, {"remark": "r"}, {"files": {}}])
def test_a_file_of_the_schema_is_read(tmp_path, change):
    (tmp_path / "a.json").write_text(json.dumps(GOOD | change))
    assert read_json(tmp_path / "a.json", SCHEMA) == GOOD | change


def test_names_that_the_schema_does_not_have_are_left_out(tmp_path):
    more = GOOD | {"more": None, "files": {"a": {"rows": 3, "x": 1}}}
    (tmp_path / "a.json").write_text(json.dumps(more))
    assert read_json(tmp_path / "a.json", SCHEMA) == GOOD


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no object"),
        ("{}", "/name is missing"),
        (json.dumps(GOOD | {"name": 1}), "no text at /name"),
        (json.dumps(GOOD | {"remark": None}), "no text at /remark"),
        (json.dumps(GOOD | {"files": []}), "no object at /files"),
        (json.dumps(GOOD | {"files": {"a": {}}}), "/files/a/rows is missing"),
        (json.dumps(GOOD | {"files": {"a": {"rows": "3"}}}), "no number at /files/a/rows"),
        (json.dumps(GOOD | {"files": {"a": {"rows": True}}}), "no number at /files/a/rows"),
        (json.dumps(GOOD | {"files": {"a": {"rows": -1}}}), "no number at /files/a/rows"),
        (json.dumps(GOOD | {"pair": ["p"]}), "no list of 2 at /pair"),
        (json.dumps(GOOD | {"pair": ["p", "q"]}), "no number at /pair/1"),
    ],
)
def test_another_file_is_refused_with_the_reason(tmp_path, text, says):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=f"^{says}$"):
        read_json(tmp_path / "a.json", SCHEMA)


@pytest.mark.parametrize("kind", [SourceError, BuildError])
def test_an_error_is_one_line_whatever_the_names_of_files_hold(kind):
    error = kind("a\nb\x1b[2J\udc80: it's \\ é")
    assert str(pickle.loads(pickle.dumps(error))) == "a\\nb\\x1b[2J\\udc80: it's \\ é"


@pytest.mark.parametrize("path", ["out", "/a/b", "a:b", "C:/x", "C:\\x", "1:/x", "~/x", "a b/c://d"])
def test_a_local_path_is_taken(path):
    assert local_path(path) == local_path(Path(path)) == Path(path).expanduser()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://bucket/out", "copy between the two"),
        ("GS://bucket", "copy between the two"),
        ("memory:///x", "copy between the two"),
        ("https://host/x.tar", "copy between the two"),
        ("file:///home/out", "write /home/out$"),
        ("hf://datasets/user/name", "named user/name"),
    ],
)
def test_a_url_is_refused_with_the_way_out(url, says):
    for path in (url, Path(url)):
        with pytest.raises(UsageError, match=f"is a URL, not a local path; .*{says}"):
            local_path(path)
