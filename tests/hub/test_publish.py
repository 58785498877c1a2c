"""Publishing, against a loopback server that speaks the Hub's protocol, with the stock clients."""

import dataclasses
import getpass
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import Blob, Hub, Repo
from huggingface_hub import CommitOperationAdd

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build.build_json import open_build
from imagenet_cp.build.parquet import FileInfo
from imagenet_cp.build.plan import build
from imagenet_cp.cards import card as cards
from imagenet_cp.errors import BuildError, UsageError
from imagenet_cp.hub.model_results import benchmark_file
from imagenet_cp.hub.publish import (
    Plan,
    _check_private,
    _dataset_plan,
    _description,
    _is_whole,
    publish,
    publish_metric,
)
from imagenet_cp.hub.repo import Repo as HubRepo
from imagenet_cp.hub.repo import State, Upload, _batches
from imagenet_cp.sources import open_source

OWNER, GUEST = "hf_test_token_of_the_owner", "hf_test_token_of_a_guest"
NAME = "owner/imagenet_c"
FILES = 6
SHARD = "data/fog_3/validation-00001-of-00003.parquet"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound") / "imagenet_c"
    options = {"images_per_file": 5, "workers_count": 1}
    build("imagenet_c", open_source("sample"), folder, ["fog_3", "brightness_1"], **options)
    return folder


@pytest.fixture
def built(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "secret_place" / "imagenet_c")


@pytest.fixture
def hub():
    with Hub() as server:
        yield server
    assert not server.complaints


def environment(hub, home, token=OWNER):
    """Turn a process to the server, with nothing of the user's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    tokens = {"HF_TOKEN": token} if token else {}
    return {
        **kept,
        **tokens,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home / "hf_home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }


COMMAND = [sys.executable, "-c", "from imagenet_cp.cli import main; main()"]


@pytest.fixture
def command(hub, tmp_path):
    """Run imagenet-cp in a process of its own, where the build is; whatever it says holds nothing private."""
    (tmp_path / "secret_place").mkdir(exist_ok=True)

    def run(*arguments, token=OWNER, answer=""):
        said = subprocess.run(
            [*COMMAND, *arguments],
            input=answer,
            capture_output=True,
            text=True,
            cwd=tmp_path / "secret_place",
            env=environment(hub, tmp_path, token),
        )
        assert "Traceback" not in said.stderr, said.stderr
        for private in (OWNER, GUEST, str(tmp_path), str(Path.home()), "Full Name"):
            assert private not in said.stdout + said.stderr
        return said

    return run


@pytest.fixture
def client(hub, monkeypatch, tmp_path):
    """Turn the client of this process to the server: quicker than a process for each case."""
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    monkeypatch.setenv("HF_TOKEN", OWNER)
    settings = {"ENDPOINT": hub.url, "HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True}
    for name, value in {**settings, "HF_TOKEN_PATH": str(tmp_path / "no token")}.items():
        monkeypatch.setattr(constants, name, value)
    close_session()
    yield
    close_session()


@pytest.fixture
def send(client):
    """Publish from this process; returns what is said."""

    def run(folder, repo=NAME, **options):
        lines = []
        publish(folder, repo, quick=True, echo=lines.append, **options)
        return "\n".join(lines)

    return run


def yes(question):
    return True


def repo_of(hub):
    return hub.repos[f"datasets/{NAME}"]


def change(folder):
    """Change one shard, and the record that knows its digest."""
    table = pq.read_table(folder / SHARD).to_pydict()
    table["label"][0] = 0
    pq.write_table(pa.Table.from_pydict(table, schema=pq.read_schema(folder / SHARD)), folder / SHARD)
    record = json.loads((folder / "build.json").read_text())
    data = (folder / SHARD).read_bytes()
    record["files"][SHARD] |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "build.json").write_text(json.dumps(record))
    build = open_build(folder)
    classes = pq.read_schema(folder / SHARD).metadata[b"huggingface"]
    names = json.loads(classes)["info"]["features"]["label"]["names"]
    card = cards.dataset_card(build.benchmark, build.recipe, names, record["files"])
    (folder / "README.md").write_text(card)


STEPS = (
    "/api/repos/create",
    "/settings",
    "/objects/batch",
    "PUT /lfs",
    "/commit/",
    "/validate-yaml",
    "/tag/",
)


def test_a_new_dataset_is_private_and_gated_before_any_data(hub, command, built):
    said = command("publish", "imagenet_c", NAME, "--tag", "v1")
    assert said.returncode == 0, said.stderr
    assert f"to send: {FILES} files" in said.stdout and "private, gated" in said.stdout
    repo = repo_of(hub)
    assert repo.private and repo.gated == "auto"
    record = json.loads((built / "build.json").read_text())
    assert {path: repo.files[path].sha256 for path in record["files"]} == {
        path: file["sha256"] for path, file in record["files"].items()
    }
    assert json.loads(repo.files["build.json"].data)["files"] == record["files"]
    order = [next(i for i, call in enumerate(hub.calls) if step in call) for step in STEPS]
    assert order == sorted(order)
    assert b"assets/fog.jpg" in repo.files["README.md"].data and "assets/fog.jpg" in repo.files
    with_card = [("README.md" in files, SHARD in files) for _, _, files in repo.commits]
    assert with_card == [(False, False), (False, True), (True, True)]
    assert repo.tags == {"v1": repo.commits[-1][0]}
    assert not any(path.startswith(".imagenet_cp") for path in repo.files)
    assert "eval.yaml" not in repo.files  # of some configs only


def test_a_whole_benchmark_has_its_file(hub, send, built, monkeypatch):
    monkeypatch.setattr(sys.modules[publish.__module__], "_is_whole", lambda *_: True)
    said = send(built)
    assert "ask the Hub to list the data set" in said
    assert repo_of(hub).files["eval.yaml"].data.decode() == benchmark_file("imagenet_c")
    assert "ask the Hub" not in send(built, confirm=yes)


@pytest.mark.parametrize(
    ("images", "configs", "whole"), [(50_000, 75, True), (20, 75, False), (50_000, 74, False)]
)
def test_a_benchmark_is_whole_with_all_images_in_all_configs_of_its_mean(images, configs, whole):
    benchmark = BENCHMARKS["imagenet_c"]
    cells = benchmark.configs["test"][:configs]
    files = {
        f"data/{cell.config}/validation-{part:05}-of-00002.parquet": FileInfo(images // 2, 1, "")
        for cell in cells
        for part in range(2)
    }
    made = types.SimpleNamespace(recipe=benchmark.recipe(), benchmark=benchmark, files=files)
    assert _is_whole(made, cells) is whole
    for part in ({"ids": "some"}, {"classes": "some"}, {"size": "keep"}):
        made.recipe = dataclasses.replace(benchmark.recipe(), **part)
        assert _is_whole(made, cells) is False


def test_publishing_again_sends_nothing(hub, send, built):
    send(built)
    commits, uploads = len(repo_of(hub).commits), hub.count("preupload|batch|/lfs/")
    said = send(built, tag="later", notes="the same data")
    assert "to send: 0 files" in said and "new tag: later, with the notes: the same data" in said
    assert len(repo_of(hub).commits) == commits and hub.count("preupload|batch|/lfs/") == uploads
    assert list(repo_of(hub).tags) == ["later"]
    send(built, tag="later")


def test_a_dry_run_needs_no_hub(built, monkeypatch):
    def unreachable(repo):
        raise BuildError("the token for the Hub is missing")

    monkeypatch.setattr(HubRepo, "fetch_state", unreachable)
    lines = []
    url = publish(built, "user/imagenet_c", dry_run=True, quick=True, echo=lines.append)
    assert url == HubRepo("user/imagenet_c", "dataset").url
    assert lines[0] == "the token for the Hub is missing. A new repository is assumed"
    assert any(line.startswith("to send: ") and "to send: 0" not in line for line in lines)
    with pytest.raises(BuildError, match="token for the Hub is missing"):
        publish(built, "user/imagenet_c", quick=True)


def test_a_tag_of_an_older_state_is_refused_before_the_build_is_verified(built, monkeypatch):
    monkeypatch.setattr(HubRepo, "fetch_state", lambda repo: State(head="new", tags={"v1": "old"}))
    monkeypatch.setattr(sys.modules[publish.__module__], "verify", None)
    with pytest.raises(
        BuildError, match=r"^the tag v1 exists for an older state; choose another with --tag$"
    ):
        publish(built, NAME, tag="v1")


def test_one_changed_shard_is_one_file_sent_and_not_hashed_again(hub, send, built, monkeypatch):
    send(built, tag="v1")
    before = list(hub.arrived)
    change(built)
    with pytest.raises(BuildError, match="the tag v1 exists for an older state"):
        send(built, tag="v1", confirm=yes)
    with pytest.raises(BuildError, match="nothing was sent"):
        send(built, tag="v2")
    assert hub.arrived == before
    monkeypatch.setattr("huggingface_hub.lfs.sha_fileobj", None)
    asked = []
    said = send(built, tag="v2", confirm=lambda question: asked.append(question) or True)
    assert "to send: 1 file," in said and "replace 1 file" in asked[0]
    assert hub.arrived == [*before, repo_of(hub).files[SHARD].sha256]
    assert len(set(repo_of(hub).tags.values())) == 2


def test_what_an_earlier_build_left_there_is_deleted_with_the_new_card(hub, send, built, tmp_path):
    send(built)
    other = tmp_path / "other"
    build("imagenet_c", open_source("sample"), other, ["fog_3"], images_per_file=7, workers_count=1)
    said = send(other, confirm=yes)
    assert f"to delete: {FILES + 1} files" in said
    assert sorted(path for path in repo_of(hub).files if path.startswith("data/")) == [
        f"data/fog_3/validation-0000{i}-of-00002.parquet" for i in range(2)
    ]
    *_, before, after = (set(files) for _, _, files in repo_of(hub).commits)
    assert SHARD in before and SHARD not in after


def test_a_connection_lost_midway_is_taken_up_by_the_client(hub, send, built):
    hub.trouble("PUT /lfs", "drop midway")
    hub.trouble("POST /lfs/.*/verify", "drop after")
    send(built)
    assert SHARD in repo_of(hub).files and len(hub.arrived) == len(set(hub.arrived))


@pytest.mark.parametrize("what", ["drop before", "drop after"])
def test_a_commit_that_is_lost_costs_no_file_twice(hub, send, built, what):
    hub.trouble("POST .*/commit/", what)
    with pytest.raises(BuildError, match="the connection to the Hub failed"):
        send(built)
    assert "README.md" not in repo_of(hub).files and repo_of(hub).gated == "auto"
    send(built)
    assert len(hub.arrived) == len(set(hub.arrived))
    assert set(json.loads((built / "build.json").read_text())["files"]) < set(repo_of(hub).files)


def test_files_go_up_by_xet_where_that_is_installed(hub, built, tmp_path):
    pytest.importorskip("hf_xet")
    line = [*COMMAND, "publish", "imagenet_c", NAME, "--quick"]
    settings = {**environment(hub, tmp_path), "HF_HUB_DISABLE_XET": "0"}
    for _ in range(2):
        said = subprocess.run(line, cwd=built.parent, env=settings, capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        assert str(tmp_path) not in said.stdout + said.stderr
    assert "to send: 0 files" in said.stdout and not hub.count("objects/batch")
    assert hub.count("POST /cas/v1/xorbs") == len(hub.blocks) == 2  # the data, then the images of the card
    record = json.loads((built / "build.json").read_text())
    assert {path: repo_of(hub).files[path].sha256 for path in record["files"]} == {
        path: file["sha256"] for path, file in record["files"].items()
    }


def test_a_publisher_that_is_killed_goes_on_where_it_was(hub, send, built, tmp_path):
    def kill():
        process.send_signal(signal.SIGKILL)
        process.wait()

    hub.trouble("POST /lfs/.*/verify", kill)
    line = [*COMMAND, "publish", "imagenet_c", NAME]
    process = subprocess.Popen(
        line, cwd=built.parent, env=environment(hub, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.communicate()
    assert process.returncode == -signal.SIGKILL and hub.arrived
    assert "README.md" not in repo_of(hub).files
    send(built)
    assert len(hub.arrived) == len(set(hub.arrived)) and "README.md" in repo_of(hub).files


def test_a_large_build_goes_up_in_several_commits(hub, send, built, monkeypatch):
    monkeypatch.setattr("imagenet_cp.hub.repo._FILES_PER_COMMIT", 4)
    hub.trouble("POST .*/batch", 403, times=0)
    sizes = []
    send(built, progress=lambda *step: sizes.append(step))
    sizes = [step for step in sizes if step[0] == "sending (MB)"]
    data = [message for _, message, _ in repo_of(hub).commits if message.startswith("Add data")]
    assert [message[-8:] for message in data] == ["(1 of 2)", "(2 of 2)"]
    assert len(sizes) == 3 and sizes[-1][1] == sizes[-1][2]


@pytest.mark.parametrize(
    ("where", "status", "says"),
    [
        ("GET /api/whoami", 401, "does not accept the token (401"),
        ("POST /api/repos/create", 403, "may not write to owner/imagenet_c (403"),
        ("PUT .*/settings", 403, "may not write to owner/imagenet_c (403"),
        ("POST .*/commit/", 409, "is being changed by another client (409"),
        ("POST .*/commit/", 429, "limits the number of requests (429"),
        ("POST /api/repos/create", 429, "limits the number of requests (429"),
        ("POST .*/commit/", 500, "has a problem (500"),
        ("PUT .*/settings", 500, "has a problem (500"),
        ("PUT /lfs/", 403, "may not write to owner/imagenet_c (403"),
        ("POST .*/batch", 413, "refuses to change owner/imagenet_c (413"),
        ("POST /api/validate-yaml", 400, "owner/imagenet_c: Invalid metadata in README.md"),
    ],
)
def test_an_error_of_the_server_is_one_line_and_nothing_is_lost(hub, send, built, where, status, says):
    hub.trouble(where, status, times=FILES)
    with pytest.raises(BuildError) as error:
        send(built)
    assert says in str(error.value) and "\n" not in str(error.value)
    repo = hub.repos.get(f"datasets/{NAME}")
    assert repo is None or "README.md" not in repo.files
    if where == "PUT .*/settings":
        assert not hub.arrived and repo.private
    hub.troubles.clear()
    send(built)
    assert len(hub.arrived) == len(set(hub.arrived)) and "README.md" in repo_of(hub).files


def test_an_error_that_passes_is_not_seen(hub, send, built):
    hub.trouble("POST .*/preupload/", 500)
    hub.trouble("POST .*/batch", 429)
    send(built)


def test_no_token_and_a_wrong_one(hub, send, built, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_nobody")
    with pytest.raises(BuildError, match="does not accept the token") as error:
        send(built)
    assert "hf_of_nobody" not in str(error.value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(BuildError, match="the token for the Hub is missing"):
        send(built)
    assert not hub.repos


@pytest.mark.parametrize("private", [True, False])
def test_a_repo_of_somebody_else_is_left_alone(hub, send, built, private):
    theirs = hub.repos["datasets/guest/imagenet_c"] = Repo(private)
    theirs.commit("initial commit", {"README.md": Blob(b"theirs", False)})
    with pytest.raises(BuildError, match=r"may not write to guest/imagenet_c \(403"):
        send(built, "guest/imagenet_c", confirm=yes)
    assert len(theirs.commits) == 1 and not theirs.gated and not hub.arrived


def test_a_repo_that_holds_something_else_is_left_alone(hub, send, built):
    mine = hub.repos[f"datasets/{NAME}"] = Repo(private=True)
    mine.commit("initial commit", {"thesis.tex": Blob(b"mine", False)})
    with pytest.raises(BuildError, match=r"holds something else \(thesis\.tex\)"):
        send(built, confirm=yes)
    assert len(mine.commits) == 1


@pytest.mark.parametrize("name", ["imagenet_c", "a/b/c", "owner/a b", "owner/a..b", "/imagenet_c"])
def test_a_name_that_cannot_be_is_refused(send, built, name):
    with pytest.raises((UsageError, BuildError), match=r"name the repo with its owner|[Rr]epo.id"):
        send(built, name)


@pytest.mark.parametrize(
    "change", [{"gated": "open"}, {"tag": "a tag"}, {"tag": "-v1"}, {"notes": "the first version"}]
)
def test_options_that_mean_nothing_are_refused(hub, send, built, change):
    with pytest.raises(UsageError, match=r"unknown --gated|cannot be a tag|notes belong to a tag; add one"):
        send(built, **change)
    assert not hub.repos


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("no build", "holds no build"),
        ("unfinished", "not finished"),
        ("damaged", f"1 problem, so nothing is sent; the first: {SHARD}: 4 bytes"),
    ],
)
def test_what_is_no_sound_build_is_not_sent(hub, send, built, what, says):
    if what == "no build":
        (built / "build.json").unlink()
    elif what == "unfinished":
        identity = json.loads((built / "build.json").read_text())["identity"]
        (built / "build.json").write_text(json.dumps({"identity": identity}))
    else:
        (built / SHARD).write_bytes(b"PAR1")
    with pytest.raises((UsageError, BuildError), match=says):
        send(built)
    assert not hub.repos


def test_public_is_asked_for_and_comes_last(hub, command, send, built):
    with pytest.raises(BuildError, match="nothing was sent"):
        send(built, public=True)
    assert not hub.repos
    said = command("publish", "imagenet_c", NAME, "--quick", "--public", "--gated", "manual", answer="y\n")
    assert said.returncode == 0 and "show all of it to everybody at" in said.stdout
    assert not repo_of(hub).private and repo_of(hub).gated == "manual"
    assert [call for call in hub.calls if not call.startswith("GET")][-1].endswith("/settings")
    # It is public now: more would be seen at once, so this is asked for as well. The gate stays as it was set.
    change(built)
    with pytest.raises(BuildError, match="nothing was sent"):
        send(built)
    send(built, confirm=yes)
    assert repo_of(hub).gated == "manual" and not repo_of(hub).private


def test_the_gate_is_left_out_only_by_saying_so(hub, send, built):
    asked = []
    send(built, gated="off", public=True, confirm=lambda question: asked.append(question) or True)
    assert "without asking for terms" in asked[0] and repo_of(hub).gated is False
    send(built, confirm=yes)
    assert repo_of(hub).gated == "auto"


def test_nothing_private_is_in_what_is_published(hub, command, class_folder, tmp_path):
    (class_folder / "animal" / "broken.jpg").write_bytes(b"")
    folder = tmp_path / "secret_place" / "imagenet_c"
    build("imagenet_c", open_source(class_folder), folder, ["brightness_1"], workers_count=1, on_error="skip")
    assert str(tmp_path) in (folder / "build.json").read_text()
    said = command("publish", "imagenet_c", NAME)
    assert said.returncode == 0, said.stderr
    private = [str(tmp_path), OWNER, "Full Name", str(Path.home()), f"/{getpass.getuser()}/"]
    for path, blob in repo_of(hub).files.items():
        assert not [text for text in private if text.encode() in blob.data], path
    record = json.loads(repo_of(hub).files["build.json"].data)
    assert record["skipped"] == {"broken": "could not be read"}


def test_a_text_that_names_a_folder_of_this_machine_is_refused(hub, send, built):
    record = json.loads((built / "build.json").read_text())
    record["versions"]["numpy"] = f"2.4, from {built.parent}/imagenet_c"
    (built / "build.json").write_text(json.dumps(record))
    with pytest.raises(BuildError, match="names a folder of this machine"):
        send(built)
    assert not hub.repos


@pytest.mark.parametrize("place", ["the build", "home"])
@pytest.mark.parametrize("file", ["README.md", "build.json"])
def test_every_text_that_names_a_private_folder_is_refused(tmp_path, place, file, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "somebody"))
    private = {"the build": tmp_path / "out", "home": Path.home()}[place]
    texts = {"README.md": b"text", "build.json": b"{}", "data": tmp_path / "data"}
    _check_private(tmp_path / "out", texts)
    with pytest.raises(
        BuildError, match=f"^{file} names a folder of this machine, {private}; nothing is sent"
    ):
        _check_private(tmp_path / "out", texts | {file: f"from {private}/x".encode()})


@pytest.mark.parametrize(
    ("private", "files", "obsolete", "public", "asks"),
    [
        (False, {"data/new": b"1"}, (), False, "show all of it to everybody"),
        (False, {}, ("data/old",), False, "delete 1 file and show all of it to everybody"),
        (False, {}, (), False, ""),
        (True, {"data/new": b"1"}, (), False, ""),
        (True, {}, (), True, "show all of it to everybody"),
        (True, {"data/old": b"1"}, (), False, "replace 1 file"),
    ],
)
def test_what_becomes_public_or_is_replaced_is_asked_for(private, files, obsolete, public, asks):
    state = State(private, "auto", files={"data/old": None})
    plan = Plan(HubRepo(NAME, "dataset"), state, (Upload(files, "", obsolete),), public, "auto")
    assert plan.question() == (f"This will {asks} at {plan.repo.url}. Continue?" if asks else "")


@pytest.mark.parametrize(
    ("dataset", "now", "wanted", "gate"),
    [
        ("imagenet_c", None, None, "auto"),
        ("imagenet_c", "off", None, "auto"),
        ("imagenet_c", "manual", None, "manual"),
        ("imagenet_c", "manual", "off", "off"),
        ("cifar10_c", None, None, "off"),
        ("cifar10_c", "auto", None, "auto"),
        ("cifar10_c", None, "manual", "manual"),
    ],
)
def test_the_gate_is_that_of_the_terms_unless_one_is_set(tmp_path, monkeypatch, dataset, now, wanted, gate):
    monkeypatch.setattr(sys.modules[publish.__module__], "_description", lambda *_: {"README.md": b"card"})
    build = types.SimpleNamespace(
        folder=tmp_path, files={}, signature="signature", benchmark=BENCHMARKS[dataset]
    )
    state = None if now is None else State(gated=now)
    plan = _dataset_plan(build, HubRepo(NAME, "dataset"), state, wanted, True, "v1", "notes")
    assert (plan.gate, plan.public, plan.tag, plan.notes) == (gate, True, "v1", "notes")
    assert [upload.message for upload in plan.uploads] == ["Add data of signature", "Describe signature"]


def test_only_files_of_a_build_are_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys.modules[publish.__module__], "_description", lambda *_: {"assets/fog.jpg": b"fog"}
    )
    kept = ("data/fog_3/validation-00000-of-00001.parquet", "assets/fog.jpg", "build.json", "README.md")
    old = ("assets/frost.jpg", "data/fog_3/validation-00000-of-00002.parquet", "eval.yaml")
    state = State(files=dict.fromkeys((*kept, *old, "data/notes.txt", "LICENSE", ".gitattributes")))
    build = types.SimpleNamespace(
        folder=tmp_path,
        files={kept[0]: FileInfo(1, 1, "checksum")},
        signature="signature",
        benchmark=BENCHMARKS["imagenet_c"],
    )
    plan = _dataset_plan(build, HubRepo(NAME, "dataset"), state, None, False, None, "")
    data, rest = plan.uploads
    assert (data.files, data.checksums) == ({kept[0]: tmp_path / kept[0]}, {kept[0]: "checksum"})
    assert (rest.files, rest.obsolete) == ({"assets/fog.jpg": b"fog"}, old)
    ours = State(files=dict.fromkeys(("README.md", "data/fog_3/validation-00000-of-00002.parquet")))
    assert _dataset_plan(build, HubRepo(NAME, "dataset"), ours, None, False, None, "").state is ours
    theirs = State(files=dict.fromkeys(("README.md", "thesis.tex")))
    with pytest.raises(BuildError, match=r"holds something else \(thesis\.tex\)"):
        _dataset_plan(build, HubRepo(NAME, "dataset"), theirs, None, False, None, "")


@pytest.mark.parametrize("official", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_the_card_and_record_describe_the_build(monkeypatch, official, whole):
    module = sys.modules[publish.__module__]
    options, drawn = {}, []
    monkeypatch.setattr(cards, "dataset_card", lambda *_, **named: options.update(named) or "card")
    monkeypatch.setattr(
        module, "strips", lambda _, names: drawn.extend(names) or dict.fromkeys(names, b"strip")
    )
    monkeypatch.setattr(module, "_is_whole", lambda *_: whole)
    files = {
        f"data/{name}/validation-00000-of-00001.parquet": FileInfo(1, 2, "3") for name in ("clean", "fog_1")
    }
    made = types.SimpleNamespace(
        record={
            "identity": {"images": 1},
            "versions": {"numpy": "2"},
            "skipped": {"é": "/home/me/a.jpg: bad"},
        },
        files=files,
        benchmark=BENCHMARKS["imagenet_c"],
        recipe=types.SimpleNamespace(official=official),
        classes=["cat"],
        columns={"place": "string"},
        image_ids=lambda: ["b"],
    )
    found = _description(made, NAME)
    names = ["assets/fog.jpg", "build.json", "README.md"]
    assert list(found) == (["eval.yaml", *names] if whole else names) and drawn == ["fog"]
    stored = {path: {"rows": 1, "size": 2, "sha256": "3"} for path in files}
    skipped = {"é": "could not be read"}
    assert "é".encode() in found["build.json"]
    assert json.loads(found["build.json"]) == {
        "identity": {"images": 1},
        "versions": {"numpy": "2"},
        "skipped": skipped,
        "files": stored,
    }
    assert options == {
        "versions": {"numpy": "2"},
        "skipped": skipped,
        "images": True,
        "image_ids": None if official else ["b"],
        "extra": {"place": "string"},
        "repo_id": NAME,
    }
    made.files = {path: info for path, info in files.items() if "clean" in path}
    assert not [path for path in _description(made, NAME) if path.startswith("assets/")]
    assert options["images"] is False


def test_a_sound_build_is_described_or_sent_and_a_tag_is_of_one_state(monkeypatch):
    module = sys.modules[publish.__module__]
    state, calls, lines = State(head="head", tags={"v1": "head"}), [], []
    made = types.SimpleNamespace(
        problems=[],
        signature="signature",
        files={"a": FileInfo(1, 2_000_000, ""), "b": FileInfo(1, 500_000, "")},
    )
    sent = {"eval.yaml": b"task"}

    def plan(build, repo, state, *options):
        return Plan(repo, state, (Upload(sent, ""),), True, tag=options[2])

    monkeypatch.setattr(module, "open_build", str)
    monkeypatch.setattr(HubRepo, "fetch_state", lambda repo: state)
    monkeypatch.setattr(module, "verify", lambda folder, **options: calls.append(options) or made)
    monkeypatch.setattr(module, "_dataset_plan", plan)
    monkeypatch.setattr(Plan, "carry_out", lambda plan, *options: calls.append(options))
    url = HubRepo(NAME, "dataset").url
    assert publish("folder", NAME, dry_run=True, echo=lines.append, progress=str) == url
    verified = "signature: 2 files of data, 2.5 MB, verified"
    assert lines == [verified, f"existing dataset {url}: public", "to send: 1 file, 0 kB (eval.yaml)"]
    assert calls == [{"quick": False, "progress": str}]
    lines.clear()
    assert publish("folder", NAME, quick=True, echo=lines.append, confirm=yes, progress=str) == url
    assert lines[:2] == [verified, f"{url}: up to date"] and lines[2].startswith(
        "eval.yaml was sent: ask the Hub"
    )
    assert calls[1]["quick"] is True and calls[2][1:] == (yes, str)
    with pytest.raises(
        BuildError, match=r"^the tag v1 exists for an older state; choose another with --tag$"
    ):
        publish("folder", NAME, tag="v1", echo=str)
    sent.clear()
    lines.clear()
    publish("folder", NAME, tag="v1", echo=lines.append)
    assert lines == [verified, f"{url}: up to date"]
    made.problems = ["a: missing", "b: missing"]
    with pytest.raises(
        BuildError,
        match=r"^folder: 2 problems, so nothing is sent; the first: a: missing\. `imagenet-cp verify`",
    ):
        publish("folder", NAME, echo=str)


def test_a_folder_without_a_build_is_named_before_the_hub_is_asked(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(HubRepo, "fetch_state", lambda repo: asked.append(repo))
    with pytest.raises(UsageError, match=r"holds no build|no such folder"):
        publish(tmp_path / "none", NAME)
    assert not asked


def test_a_home_at_the_root_is_no_private_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/")
    _check_private(tmp_path, {"README.md": b"https://host/page"})


def test_new_data_for_a_public_repo_are_sent_only_when_confirmed(hub, send, built):
    send(built, public=True, confirm=yes)
    *_, files = repo_of(hub).commits[-1]
    repo_of(hub).commit("without a shard", {path: blob for path, blob in files.items() if path != SHARD})
    with pytest.raises(BuildError, match="nothing was sent"):
        send(built)
    assert SHARD not in repo_of(hub).files
    send(built, confirm=yes)
    assert SHARD in repo_of(hub).files


def test_the_token_is_masked_in_what_the_server_says(client):
    line = HubRepo(NAME, "dataset")._line(f"the token {OWNER}\n was refused: {OWNER}")
    assert line == "the token *** was refused: ***"


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([6, 4, 1], [[6, 4], [1]]),
        ([11, 1], [[11], [1]]),
        ([5, 6, 5], [[5], [6], [5]]),
        ([6, 5, 5], [[6], [5, 5]]),
        ([1] * 5, [[1] * 3, [1] * 2]),
    ],
)
def test_a_commit_holds_so_many_bytes_and_files(sizes, batches, monkeypatch):
    monkeypatch.setattr("imagenet_cp.hub.repo._BYTES_PER_COMMIT", 10)
    monkeypatch.setattr("imagenet_cp.hub.repo._FILES_PER_COMMIT", 3)
    additions = [CommitOperationAdd(f"file{n}", bytes(size)) for n, size in enumerate(sizes)]
    found = [[addition.upload_info.size for addition in batch] for batch in _batches(additions)]
    assert found == batches


READ = """
import hashlib, sys
from datasets import Image, load_dataset
rows = load_dataset("owner/imagenet_c", "fog_3", split="validation", streaming=True)
stored = load_dataset("owner/imagenet_c", "fog_3", split="validation")
assert stored.info.splits["validation"].num_examples == 14 and stored[3]["image"].size == (224, 224)
assert stored.features["label"].names[3] == "chelsea"
bare = [dict(row) for row in stored.cast_column("image", Image(decode=False))]
assert bare == [dict(row) for row in rows.cast_column("image", Image(decode=False))]
assert "imagenet_cp" not in sys.modules
for row in bare:
    print(row["image_id"], row["label"], hashlib.sha256(row["image"]["bytes"]).hexdigest())
"""


def stock(hub, home, code, token=OWNER):
    """Run code that knows nothing of this package, in an empty folder."""
    (home / "elsewhere").mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=home / "elsewhere",
        env=environment(hub, home, token),
        capture_output=True,
        text=True,
    )


def test_stock_datasets_reads_what_was_published(hub, send, built, tmp_path):
    send(built)
    said = stock(hub, tmp_path, READ)
    assert said.returncode == 0, said.stderr
    files = sorted((built / "data" / "fog_3").iterdir())
    rows = [row for path in files for row in pq.read_table(path).to_pylist()]
    assert said.stdout.splitlines() == [
        f"{row['image_id']} {row['label']} {hashlib.sha256(row['image']['bytes']).hexdigest()}"
        for row in rows
    ]
    refused = stock(hub, tmp_path / "guest", READ, token=GUEST)
    assert refused.returncode != 0 and "cannot be accessed" in refused.stderr


METRIC = """
import sys, evaluate
mce = evaluate.load("owner/mce")
print(mce.compute(predictions=[1, 2], references=[1, 1], corruption=["fog"] * 2, severity=[3] * 2)["error"]["fog"])
assert "imagenet_cp" not in sys.modules
"""


def test_models_are_evaluated_on_what_was_published(hub, send, built, tmp_path):
    send(built)
    program = (
        "import sys; from imagenet_cp.evaluation.data.built_rows import from_folder; rows = from_folder(sys.argv[1])\n"
        "print(rows.signature, rows.num_rows)\n"
        "for task in rows.slice(rows.cells, 0, min(rows.num_rows.values())).tasks():\n"
        "    for sample in task():\n"
        "        print(*sample[:3], [hash(image.tobytes()) for image in sample.images])"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program, place],
            env={**environment(hub, tmp_path), "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for place in (NAME, str(built))
    ]
    assert said[0] == said[1] and len(said[0].splitlines()) > 10


def test_a_metric_is_a_space_that_stock_evaluate_loads(hub, client, command, tmp_path):
    said = command("publish-metric", "mce", "owner/mce")
    assert said.returncode == 0, said.stderr
    assert "README.md" in said.stdout and 'evaluate.load("owner/mce")' in said.stdout
    space = hub.repos["spaces/owner/mce"]
    assert space.private and space.sdk == "gradio" and len(space.commits) == 2
    lines = []
    url = publish_metric("mce", "owner/mce", public=True, echo=lines.append, confirm=yes)
    assert url == f"{hub.url}/spaces/owner/mce"
    assert "to send: 0 files" in lines[1] and not space.private and len(space.commits) == 2
    said = stock(hub, tmp_path, METRIC)
    assert said.stdout.strip().splitlines()[-1:] == ["[None, None, 0.5, None, None]"], said.stderr


def test_a_metric_is_added_or_updated_in_a_space_of_its_own(monkeypatch):
    plans, lines = [], []
    monkeypatch.setattr(Plan, "carry_out", lambda plan, *_: plans.append(plan))
    for state, verb in ((None, "Add"), (State(), "Update")):
        monkeypatch.setattr(HubRepo, "fetch_state", lambda repo, state=state: state)
        url = publish_metric("mce", "owner/mce", echo=lines.append)
        (upload,) = plans[-1].uploads
        assert upload.message == f"{verb} mce" and url == plans[-1].repo.url
        assert {"mce.py", "app.py"} <= upload.files.keys() and plans[-1].options == {"space_sdk": "gradio"}
        assert lines[-1] == f'{url}: up to date; evaluate.load("owner/mce") loads it'
    monkeypatch.setattr(HubRepo, "fetch_state", lambda repo: State(files={"thesis.tex": None}))
    with pytest.raises(BuildError, match=r"owner/mce holds something else \(thesis\.tex\)"):
        publish_metric("mce", "owner/mce")


@pytest.mark.parametrize("metric", ["mce", "mfr", "mt5d"])
def test_a_space_holds_the_whole_folder_and_no_more(hub, client, metric):
    publish_metric(metric, f"owner/{metric}", echo=str)
    files = set(hub.repos[f"spaces/owner/{metric}"].files)
    assert {f"{metric}.py", "app.py", "README.md", "requirements.txt"} <= files
    assert not any("__pycache__" in path or path.startswith(".") for path in files - {".gitattributes"})
    with pytest.raises(BuildError, match="nothing was sent"):
        publish_metric(metric, f"owner/{metric}", public=True, echo=str)


@pytest.mark.parametrize(
    ("metric", "repo", "says"),
    [("mce", "owner/other", "only in a Space of that name"), ("mcee", "owner/mcee", "did you mean mce")],
)
def test_a_metric_that_evaluate_would_not_find_is_refused(client, metric, repo, says):
    with pytest.raises(UsageError, match=says):
        publish_metric(metric, repo)
