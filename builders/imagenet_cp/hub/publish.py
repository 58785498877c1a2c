"""Publishing: a finished build as a gated dataset on the Hub, and a metric as a Space."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..benchmarks.layout import DATA_FILE
from ..build.finished import Report, open_build
from ..build.verify import verify
from ..cards import card as cards
from ..cards import strips as pictures
from ..cards.tables import amount
from ..errors import BuildError, suggest
from ..jobs.folder import RECORD_FILE
from ..resources import METRICS, metrics_folder
from .repo import HUB_MANAGED_FILES, Content, Repo, State

GATES = ("auto", "manual", "off")
_METRIC_FILES = ("README.md", "app.py", "requirements.txt")

Say = Callable[[str], None]
Ask = Callable[[str], bool]
Progress = Callable[[int, int], None]


def _no(question: str) -> bool:
    return False


def _silent(done: int, total: int) -> None:
    pass


def publish(
    folder: str | os.PathLike[str],
    repo_id: str,
    *,
    public: bool = False,
    gated: str | None = None,
    tag: str | None = None,
    quick: bool = False,
    say: Say = print,
    ask: Ask = _no,
    checking: Progress = _silent,
    sending: Progress = _silent,
) -> str:
    """Publish a finished build as a dataset on the Hub, or bring what is there up to date.

    The build is verified first. The repo is made private and gated, then come the data, then the card, then the tag,
    so that the card never tells of files that are not there; last of all it is made public, if asked for. Only files
    whose digest differs from the one there are sent, so the same call goes on where it was interrupted.

    Parameters
    ----------
    folder : path
        Of the build.
    repo_id : str
        ``user/name``.
    public : bool
        Make the repo public in the end. ImageNet's terms still stand before its files if it is gated.
    gated : {"auto", "manual", "off"}, optional
        Who gets access after accepting ImageNet's terms: everybody at once, or those the owner lets in; ``off`` asks
        for nothing. By default what the repo has, but ``off`` only where the pictures are not ImageNet's.
    tag : str, optional
        Name for this state of the repo.
    quick : bool
        Verify the files only, not their rows.
    say : callable
        Shows a line of text.
    ask : callable
        Puts a yes-or-no question before anything becomes public or is replaced there; no by default.
    checking, sending : callable
        Told how much is done, and of how much: files verified, bytes sent.

    Returns
    -------
    str
        The repo's address.

    Raises
    ------
    BuildError
        The folder is no sound, finished build; the answer was no; or the Hub refuses or cannot be reached. What has
        arrived there stays.
    """
    if gated is not None and gated not in GATES:
        raise BuildError(f"--gated is one of {', '.join(GATES)}, not {gated!r}")
    build = open_build(folder)
    repo = Repo(repo_id, "dataset")
    there = repo.look()
    now = there or State()
    gate = gated or (now.gated if now.gated != "off" else _usual_gate(build))
    _check_tag(now, tag)
    report = verify(folder, quick=quick, progress=checking)
    if report.faults:
        raise BuildError(
            f"{folder}: {len(report.faults)} faults, so nothing is sent; the first: {report.faults[0]}. "
            "`imagenet-cp verify` lists them all"
        )
    data: dict[str, Content] = {path: report.folder / path for path in report.files}
    digests = {path: written.sha256 for path, written in report.files.items()}
    description = _description(report)
    _refuse_what_is_private(report.folder, description)
    new_data = {path: file for path, file in data.items() if not now.has(path, file, digests[path])}
    new_rest = {path: content for path, content in description.items() if not now.has(path, content)}
    obsolete = _obsolete(repo, now, {*data, *description})

    anything = bool(new_data or new_rest or obsolete)
    if anything and tag in now.tags:
        raise BuildError(f"the tag {tag} is there already, for something older; choose another with --tag")
    becomes_public = public and now.private
    _say_plan(say, repo, report, there, new_data, new_rest, obsolete, gate, public)
    replaced = sum(path in now.files for path in new_data)
    shown = becomes_public or (not now.private and (anything or now.gated != gate))
    _ask(repo, ask, shown, gate, replaced, len(obsolete))
    if there is None:
        repo.create()
    if now.gated != gate:
        repo.gate(gate)
    total = sum(report.files[path].size for path in new_data)
    sent = 0

    def count(size: int) -> None:
        nonlocal sent
        sent += size
        sending(sent, total)

    if new_data:
        repo.send(new_data, f"Add data of {report.signature}", digests=digests, progress=count)
    if new_rest or obsolete:
        repo.send(new_rest, f"Describe {report.signature}", obsolete=obsolete)
    if tag is not None and tag not in now.tags:
        repo.tag(tag)
    if becomes_public:
        repo.make_public()
    say(f"{repo.url}: up to date")
    return repo.url


def _usual_gate(build: Report) -> str:
    return "auto" if cards.under_terms(build.benchmark) else "off"


def _check_tag(now: State, tag: str | None) -> None:
    if tag is None:
        return
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", tag):
        raise BuildError(f"{tag!r} cannot be a tag; letters, digits, '.', '_' and '-' can, as in v1.0")
    if now.tags.get(tag, now.head) != now.head:
        raise BuildError(f"the tag {tag} is there already, for something older; choose another with --tag")


def _description(report: Report) -> dict[str, Content]:
    """Return the files beside the data: the card, its pictures, and what the build says of itself."""
    # The reasons why images were skipped name files of the machine that built them.
    skipped = dict.fromkeys(report.record.get("skipped") or {}, "could not be read")
    files = {path: written._asdict() for path, written in report.files.items()}
    record: dict[str, Any] = {
        "identity": report.record["identity"],
        "versions": report.record.get("versions") or {},
        "skipped": skipped,
        "files": files,
    }
    shown = dict.fromkeys(cell.name for cell in cards.cells(report.benchmark, files) if cell.level > 0)
    card = cards.dataset_card(
        report.benchmark,
        report.recipe,
        report.classes,
        files,
        versions=record["versions"],
        skipped=skipped,
        pictures=bool(shown),
    )
    drawn = pictures.strips(report.benchmark, shown)
    return {
        **{f"assets/{name}.jpg": strip for name, strip in drawn.items()},
        RECORD_FILE: (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode(),
        "README.md": card.encode(),
    }


def _refuse_what_is_private(folder: Path, description: Mapping[str, Content]) -> None:
    """Make sure that nothing of this machine is in what everybody will read."""
    private = {str(folder.resolve()), str(Path.home())} - {"/"}
    for path, content in description.items():
        for text in private:
            if isinstance(content, bytes) and text.encode() in content:
                raise BuildError(f"{path} would tell of a folder of this machine, {text}; nothing is sent")


def _obsolete(repo: Repo, now: State, wanted: set[str]) -> list[str]:
    """Return what an earlier build left there and would be read along with this one's data."""
    of_a_build = {path for path in now.files if DATA_FILE.fullmatch(path) or path.startswith("assets/")}
    others = sorted(set(now.files) - of_a_build - HUB_MANAGED_FILES - {"README.md", RECORD_FILE})
    if others and RECORD_FILE not in now.files:
        raise BuildError(
            f"{repo.repo_id} holds something else ({', '.join(others[:3])}); choose another name"
        )
    return sorted(of_a_build - wanted)


def _say_plan(
    say: Say,
    repo: Repo,
    report: Report,
    there: State | None,
    new_data: Mapping[str, Content],
    new_rest: Mapping[str, Content],
    obsolete: list[str],
    gate: str,
    public: bool,
) -> None:
    everything = sum(written.size for written in report.files.values())
    size = sum(report.files[path].size for path in new_data)
    seen = "public" if public or (there and not there.private) else "private"
    door = {
        "auto": "gated: whoever accepts the terms gets in",
        "manual": "gated: whoever accepts the terms gets in when you say so",
        "off": "not gated: nobody is asked to accept any terms",
    }[gate]
    say(f"{report.signature}: {len(report.files)} files of data, {amount(everything)}, verified")
    say(f"{'new' if there is None else 'existing'} dataset {repo.url}: {seen}, {door}")
    say(f"to send: {len(new_data)} files of data, {amount(size)}, and {len(new_rest)} that describe them")
    if obsolete:
        say(f"to delete there: {len(obsolete)} files of an earlier build, such as {obsolete[0]}")


def _ask(repo: Repo, ask: Ask, public: bool, gate: str, replaced: int, deleted: int) -> None:
    changes = [
        *([f"replace {replaced} files"] if replaced else []),
        *([f"delete {deleted} files"] if deleted else []),
        *(
            ["show all this to everybody" + (", without asking for terms" if gate == "off" else "")]
            if public
            else []
        ),
    ]
    if changes and not ask(f"This will {' and '.join(changes)} at {repo.url}. Go on?"):
        raise BuildError("nothing was sent")


def publish_metric(name: str, repo_id: str, *, public: bool = False, say: Say = print, ask: Ask = _no) -> str:
    """Publish a metric as a Gradio Space that ``evaluate.load(repo_id)`` loads, or bring it up to date.

    Parameters
    ----------
    name : str
        ``mce``, ``mfr`` or ``mt5d``.
    repo_id : str
        ``user/name``. evaluate wants the name to be the metric's own.
    public : bool
        Make the Space public in the end.
    say, ask : callable
        As for `publish`.

    Returns
    -------
    str
        The Space's address.

    Raises
    ------
    BuildError
        No such metric; the answer was no; or the Hub refuses or cannot be reached.
    """
    if name not in METRICS:
        raise BuildError(f"there is no metric {name!r}{suggest(name, METRICS)}")
    if repo_id.rsplit("/", 1)[-1] != name:
        raise BuildError(f"evaluate finds {name}.py only in a Space of that name: user/{name}, not {repo_id}")
    folder = metrics_folder() / name
    files: dict[str, Content] = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    }
    missing = [file for file in (f"{name}.py", *_METRIC_FILES) if file not in files]
    if missing:
        raise BuildError(f"the metric {name} is not complete: {', '.join(missing)} is missing")
    repo = Repo(repo_id, "space")
    there = repo.look()
    now = there or State()
    new = {path: content for path, content in files.items() if not now.has(path, content)}
    others = sorted(set(now.files) - set(files) - HUB_MANAGED_FILES)
    if others and f"{name}.py" not in now.files:
        raise BuildError(f"{repo_id} holds something else ({', '.join(others[:3])}); choose another name")
    say(f"{'new' if there is None else 'existing'} Space {repo.url}, to send: {', '.join(new) or 'nothing'}")
    replaced = (
        sum(path in now.files for path in new) if there is not None and f"{name}.py" in now.files else 0
    )
    _ask(repo, ask, public and now.private, "auto", replaced, 0)
    if there is None:
        repo.create(space_sdk="gradio")
    if new:
        repo.send(new, f"Update {name}" if there else f"Add {name}")
    if public and now.private:
        repo.make_public()
    say(f'{repo.url}: up to date; evaluate.load("{repo_id}") loads it')
    return repo.url
