"""Repos: what they have, the commits of an upload, the calls of the client, and errors as one line."""

import hashlib
import logging
import sys
import warnings
from types import SimpleNamespace

import pytest
from huggingface_hub import RepoFile, RepoFolder, constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from imagenet_cp.errors import BuildError, UsageError
from imagenet_cp.hub import repo as module
from imagenet_cp.hub.publish import Plan, _check_foreign, publish_metric
from imagenet_cp.hub.repo import Repo, State, Upload

NAME = "owner/imagenet_c"


class Api:
    """Record the calls of the client."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))


@pytest.fixture
def repo():
    return Repo(NAME, "dataset", Api())


def test_a_repo_has_a_file_whose_digest_is_that_of_its_content(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    sha1 = hashlib.sha1(b"blob 3\0abc").hexdigest()
    plain = SimpleNamespace(lfs=None, blob_id=sha1)
    large = SimpleNamespace(lfs=SimpleNamespace(sha256=hashlib.sha256(b"abc").hexdigest()), blob_id="")
    state = State(files={"plain": plain, "large": large})
    assert (state.private, state.gated, state.head, state.tags) == (True, "off", "", {})
    for path in ("plain", "large"):
        assert state.has(path, b"abc") is state.has(path, tmp_path / "a") is True
        assert state.has(path, b"abd") is False
    assert state.has("large", tmp_path / "none", large.lfs.sha256) and not state.has("large", b"abc", "other")
    assert state.has("none", b"abc") is False
    assert Upload({"a": tmp_path / "a", "b": b"12345"}, "").size == 8


def test_the_last_commit_deletes_and_known_checksums_are_not_computed(repo, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FILES_PER_COMMIT", 2)
    (tmp_path / "c").write_bytes(b"123")
    sizes = []
    upload = Upload({"a": b"1", "b": b"22", "c": tmp_path / "c"}, "Add", ("x", "y"), {"c": "ab" * 32})
    repo.send(upload, sizes.append)
    assert sizes == [3, 3]
    (_, (name, first), how), (_, (_, second), last) = repo.api.calls
    assert name == NAME and [one.path_in_repo for one in first] == ["a", "b"]
    assert [one.path_in_repo for one in second] == ["c", "x", "y"]
    assert second[0].upload_info.sha256 == b"\xab" * 32
    assert first[0].upload_info.sha256 == hashlib.sha256(b"1").digest()
    assert how == {"repo_type": "dataset", "commit_message": "Add (1 of 2)"}
    assert last["commit_message"] == "Add (2 of 2)"
    repo.send(Upload({}, "Delete", ("x",)), sizes.append)
    _, (_, operations), how = repo.api.calls[-1]
    assert sizes == [3, 3, 0] and how["commit_message"] == "Delete" and len(operations) == 1


def test_settings_of_a_repo(repo):
    assert repo.url == f"{constants.ENDPOINT}/datasets/{NAME}"
    repo.create(space_sdk="gradio")
    repo.set_gate("off")
    repo.set_gate("manual")
    repo.make_public()
    repo.tag("v1")
    repo.tag("v2", "notes")
    kind = {"repo_type": "dataset"}
    assert repo.api.calls == [
        ("create_repo", (NAME,), kind | {"private": True, "exist_ok": True, "space_sdk": "gradio"}),
        ("update_repo_settings", (NAME,), kind | {"gated": False}),
        ("update_repo_settings", (NAME,), kind | {"gated": "manual"}),
        ("update_repo_settings", (NAME,), kind | {"private": False}),
        ("create_tag", (NAME,), kind | {"tag": "v1", "tag_message": None}),
        ("create_tag", (NAME,), kind | {"tag": "v2", "tag_message": "notes"}),
    ]


def test_the_state_is_that_of_the_hub(repo, monkeypatch):
    file = RepoFile(path="data/a", size=1, oid="blob")
    folder = RepoFolder(path="data", oid="tree")
    info = SimpleNamespace(private=False, gated="manual", sha="head")
    replies = {
        "whoami": None,
        "repo_info": info,
        "list_repo_tree": [folder, file],
        "list_repo_refs": SimpleNamespace(tags=[SimpleNamespace(name="v1", target_commit="commit")]),
    }
    calls = []
    api = SimpleNamespace(
        **{
            name: lambda *args, _name=name, **how: calls.append((_name, args, how)) or replies[_name]
            for name in replies
        }
    )
    monkeypatch.setattr(module, "get_token", lambda: "token")
    assert Repo(NAME, "dataset", api).fetch_state() == State(
        False, "manual", "head", {"data/a": file}, {"v1": "commit"}
    )
    kind = {"repo_type": "dataset"}
    assert calls == [
        ("whoami", (), {}),
        ("repo_info", (NAME,), kind),
        ("list_repo_tree", (NAME,), kind | {"recursive": True}),
        ("list_repo_refs", (NAME,), kind),
    ]
    for gated in (False, None):
        info.gated = gated
        assert Repo(NAME, "dataset", api).fetch_state().gated == "off"
    del info.gated  # of a Space
    assert Repo(NAME, "space", api).fetch_state().gated == "off"
    monkeypatch.setattr(module, "get_token", lambda: None)
    with pytest.raises(
        BuildError, match=r"^the token for the Hub is missing; run `hf auth login` once, or set HF_TOKEN$"
    ):
        Repo(NAME, "dataset", api).fetch_state()
    with pytest.raises(UsageError, match=r"^name the repo with its owner, such as user/imagenet_c$"):
        Repo("/imagenet_c/", "dataset", api).fetch_state()


@pytest.fixture
def show_bars(monkeypatch):
    """Switch for the client's progress bars, which is set back after the test."""
    client = sys.modules[module.disable_progress_bars.__module__]
    monkeypatch.setattr(client, "HF_HUB_DISABLE_PROGRESS_BARS", None)  # it would override the switch

    def switch(shown):
        (module.enable_progress_bars if shown else module.disable_progress_bars)()

    before = not module.are_progress_bars_disabled()
    yield switch
    switch(before)


@pytest.mark.parametrize("bars", [False, True])
def test_the_client_is_silent_for_the_time_of_a_call(bars, show_bars, monkeypatch):
    log = logging.getLogger("huggingface_hub")
    monkeypatch.setattr(log, "level", logging.WARNING)
    show_bars(bars)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with module._quiet():
            warnings.warn("of the client", stacklevel=1)
            assert log.level == logging.CRITICAL and module.are_progress_bars_disabled()
    assert log.level == logging.WARNING and module.are_progress_bars_disabled() is not bars


@pytest.mark.parametrize(
    ("status", "reply", "says"),
    [
        (400, "bad", f"the Hub refuses to change {NAME} (400: bad)"),
        (401, None, "the Hub does not accept the token (401); run `hf auth login`, or correct HF_TOKEN"),
        (403, "no", f"the token may not write to {NAME} (403: no); use a write token of its owner"),
        (409, None, f"{NAME} is being changed by another client (409); run the same command again later: "),
        (429, None, "the Hub limits the number of requests (429); run the same command again later: "),
        (499, None, f"the Hub refuses to change {NAME} (499)"),
        (500, None, "the Hub has a problem (500); run the same command again later: "),
    ],
)
def test_an_answer_of_the_hub_is_a_line_with_the_next_step(repo, status, reply, says):
    error = HfHubHTTPError.__new__(HfHubHTTPError)
    error.response, error.server_message = SimpleNamespace(status_code=status), reply
    wrapped = RuntimeError("outer")
    wrapped.__cause__ = error
    kept = "files that were sent are kept" if says.endswith(": ") else ""
    assert repo._message(error) == repo._message(wrapped) == says + kept


def test_errors_without_an_answer_name_no_path(repo, tmp_path):
    for error, says in (
        (FileNotFoundError(2, "No such file", str(tmp_path / "a")), "^a: No such file$"),
        (ValueError(f"odd\n  {'x' * 400}"), f"^{NAME}: odd x{{296}}$"),
        (RuntimeError("odd"), f"^{NAME}: odd$"),
        (HFValidationError("no name of a repo"), "^no name of a repo$"),
        (module.OfflineModeIsEnabled("a"), "^HF_HUB_OFFLINE is set, so the Hub cannot be reached$"),
        (
            module._HTTPError("https://host/secret"),
            r"^the connection to the Hub failed \(HTTPError\); run the ",
        ),
    ):
        with pytest.raises(BuildError, match=says), repo._translate_errors():
            raise error


def test_a_plan_is_described_in_lines(repo):
    state = State(False, "off", "head", {}, {"v1": "head"})
    few, many = (
        Upload(dict.fromkeys("abc", b"12345"), ""),
        Upload(dict.fromkeys("abcd", b"x" * 300), "", ("o", "p")),
    )
    plan = Plan(repo, state, (few, many, Upload({}, "")), False, "manual", "v1", "text")
    assert plan.summary() == [
        f"existing dataset {repo.url}: public, gated: those who accept the terms get access when you approve them",
        "to send: 3 files, 0 kB (a, b, c)",
        "to send: 4 files, 1 kB (a, b, c, ...)",
        "to delete: 2 files, such as o",
        "to send: 0 files, 0 kB (nothing new)",
        "existing tag: v1, with the notes: text",
    ]
    assert Plan(repo, None, (few,), False, None, "v2").summary() == [
        f"new dataset {repo.url}: private",
        "to send: 3 files, 0 kB (a, b, c)",
        "new tag: v2",
    ]
    assert (
        Plan(repo, State(), (few,), True, "auto")
        .summary()[0]
        .startswith(f"existing dataset {repo.url}: public, ")
    )
    assert plan.changes_files and not Plan(repo, None, (Upload({}, ""),), False).changes_files
    assert Plan(repo, None, (Upload({}, ""), Upload({}, "", ("o",))), False).changes_files


def test_a_plan_is_carried_out_in_order(repo):
    ticks = []
    uploads = Upload({"a": b"x" * 1_600_000}, "A"), Upload({}, "none"), Upload({"b": b"x" * 400_000}, "B")
    plan = Plan(repo, None, uploads, True, "auto", "v1", "notes", {"space_sdk": "gradio"})
    with pytest.raises(BuildError, match=r"^nothing was sent$"):
        plan.carry_out(lambda line: None, lambda question: False, lambda *tick: None)
    assert not repo.api.calls
    lines, questions = [], []
    plan.carry_out(lines.append, lambda text: not questions.append(text), lambda *tick: ticks.append(tick))
    assert lines == plan.summary() and questions == [plan.question()]
    names = ["create_repo", "update_repo_settings", "create_commit", "create_commit", "create_tag"]
    assert [name for name, *_ in repo.api.calls] == [*names, "update_repo_settings"]
    assert repo.api.calls[0][2]["space_sdk"] == "gradio" and repo.api.calls[4][2]["tag_message"] == "notes"
    assert ticks == [("sending (MB)", 1, 2), ("sending (MB)", 2, 2)]
    repo.api.calls.clear()
    state = State(False, "auto", tags={"v1": "head"})
    Plan(repo, state, (Upload({}, ""),), True, "auto", "v1").carry_out(
        lines.append, lambda text: False, print
    )
    assert not repo.api.calls


def test_what_is_not_asked_for(repo):
    shown = Plan(repo, State(False, "auto"), (Upload({}, ""),), False, "off")
    assert shown.question().startswith("This will show all of it to everybody, without asking for terms at ")
    assert Plan(repo, State(False, "auto"), (Upload({}, ""),), True, None).question() == ""


def test_a_repo_of_something_else_is_named_by_three_files(repo):
    files = dict.fromkeys(("d", "c", "b", "a", ".gitattributes"))
    with pytest.raises(BuildError, match=rf"^{NAME} holds something else \(a, b, c\); choose another name$"):
        _check_foreign(repo, State(files=files), {"README.md"}, "build.json")
    _check_foreign(repo, State(files=files | {"build.json": None}), set(), "build.json")
    _check_foreign(repo, State(files=dict.fromkeys(("a", ".gitattributes"))), {"a"}, "build.json")


def test_a_metric_is_sent_when_complete_without_hidden_files(tmp_path, monkeypatch):
    (tmp_path / "mce").mkdir()
    for name in ("mce.py", "app.py", ".requirements.txt", "__pycache__/README.md"):
        (tmp_path / "mce" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "mce" / name).touch()
    (tmp_path / "mce/requirements.txt").mkdir()
    monkeypatch.setattr("imagenet_cp.hub.publish.metrics_folder", lambda: tmp_path)
    with pytest.raises(
        BuildError, match=r"^the metric mce is incomplete: README.md, requirements.txt is missing$"
    ):
        publish_metric("mce", "owner/mce")
    (tmp_path / "mce/requirements.txt").rmdir()
    for name in ("README.md", "requirements.txt", "shared/a.py"):
        (tmp_path / "mce" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "mce" / name).touch()
    plans = []
    monkeypatch.setattr(Repo, "fetch_state", lambda repo: None)
    monkeypatch.setattr(Plan, "carry_out", lambda plan, *_: plans.append(plan))
    publish_metric("mce", "owner/mce", echo=str)
    assert sorted(plans[0].uploads[0].files) == [
        "README.md",
        "app.py",
        "mce.py",
        "requirements.txt",
        "shared/a.py",
    ]
