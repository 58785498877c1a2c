"""Paths are local, and JSON files of the package are believed only if they have its schema."""

import ast
import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest

import imagenet_cp
from imagenet_cp.errors import RESUME_HINT, BuildError, SourceError, UsageError, suggest, wrap_os_errors
from imagenet_cp.files import (
    check_replaceable,
    check_writable,
    local_path,
    read_json,
    sha256_of,
    temporary_path,
    write_bytes,
    write_json,
)
from imagenet_cp.resources import metrics_folder

SCHEMA = {"name": str, "files": {str: {"rows": int}}, "pair": [str, int], "remark?": str}
GOOD = {"name": "n", "files": {"a": {"rows": 3}}, "pair": ["p", 1]}


@pytest.mark.parametrize("change", [{}, {"remark": "r"}, {"files": {}}, {"pair": ["", 0]}])
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


def test_a_file_is_replaced_only_with_the_mark_near_its_begin_or_end(tmp_path):
    file = tmp_path / "a"
    check_replaceable(file, "mark")
    for data in (b"mark", b" " * 4092 + b"mark" + b" " * 9000, b" " * 9000 + b"mark" + b" " * 4092):
        file.write_bytes(data)
        check_replaceable(file, "mark")
    for data in (b"mar", b" " * 4093 + b"mark" + b" " * 9000, b" " * 9000 + b"mark" + b" " * 4093):
        file.write_bytes(data)
        with pytest.raises(BuildError, match="exists, and is none"):
            check_replaceable(file, "mark")
    with pytest.raises(BuildError, match="is a folder; choose another output"):
        check_replaceable(tmp_path, "mark")


def test_a_check_of_a_file_changes_nothing(tmp_path):
    check_writable(tmp_path / "new")
    (tmp_path / "old").write_text("old")
    check_writable(tmp_path / "old")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "a.json"
    write_json(file, {"name": "é"})
    assert file.read_text(encoding="utf-8") == '{\n "name": "é"\n}\n'
    assert temporary_path(file).name.startswith(".a.json.") and temporary_path(file) != temporary_path(file)
    synced = []
    monkeypatch.setattr("os.fsync", lambda number: synced.append(os.fstat(number).st_size))
    monkeypatch.setattr("os.replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_bytes(file, b"other")
    assert (
        synced == [len(b"other")]
        and [path.name for path in tmp_path.iterdir()] == ["a.json"]
        and file.stat().st_size == 18
    )


def test_a_checksum_is_that_of_all_files_one_after_the_other(tmp_path):
    data = [bytes(range(256)) * 1000, b"", b"end"]
    for number, one in enumerate(data):
        (tmp_path / str(number)).write_bytes(one)
    assert sha256_of(*(tmp_path / name for name in "012")) == hashlib.sha256(b"".join(data)).hexdigest()


def test_an_error_of_opening_is_not_hidden_by_that_of_cleaning_up(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError("refused")

    monkeypatch.setattr("imagenet_cp.files.open", refuse, raising=False)
    with pytest.raises(PermissionError, match="refused"):
        write_bytes(tmp_path / "a", b"")


def test_suggestions_are_three_similar_names_or_the_first_24():
    assert suggest("fog_9", ["fog_1", "fog_2", "fog_3", "fog_4", "snow"]).count("fog_") == 3
    assert suggest("fgo", ["fog", "snow"]) == "; did you mean fog?"
    names = [f"{chr(97 + i)}" for i in range(25)]
    assert suggest("???", names[:24]) == f"; known: {', '.join(names[:24])}"
    assert suggest("???", names) == f"; known: {', '.join(names[:24])}, ..."
    assert suggest("abcdefgh", ["abcdxxxx"]) != suggest("abcdefgh", ["abcxxxxx"]) == "; known: abcxxxxx"


def test_errors_of_the_system_name_their_file_or_the_place(tmp_path):
    said = f"^{tmp_path}/no: No such file or directory. {RESUME_HINT}$"
    with pytest.raises(BuildError, match=said), wrap_os_errors(Path("place")):
        (tmp_path / "no").read_text()
    with pytest.raises(BuildError, match=f"^place: odd. {RESUME_HINT}$"), wrap_os_errors(Path("place")):
        raise OSError("odd")


def test_text_is_utf_8_whatever_the_system_s_encoding():
    """Of Linux's own files, which are read where ``jobs`` looks for cores and memory, digits alone matter."""
    package = Path(imagenet_cp.__file__).parent
    for path in (*package.rglob("*.py"), *metrics_folder().rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(
                getattr(call, "func", None), "attr", getattr(getattr(call, "func", None), "id", "")
            )
            if name == "read_text" or (name == "open" and isinstance(call.func, ast.Name)):
                given = {keyword.arg for keyword in call.keywords} | {ast.unparse(one) for one in call.args}
                binary = any(one.strip("'") in ("rb", "wb", "ab") for one in given if one)
                assert binary or given & {"encoding", "'utf-8'"} or path.parent.name == "jobs", (
                    path,
                    call.lineno,
                )
