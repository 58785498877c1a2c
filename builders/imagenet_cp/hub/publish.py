"""Publication of a finished build as a gated dataset on the Hub, and of a metric as a Space."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..benchmarks.benchmark import Cell
from ..benchmarks.catalog import part_of
from ..benchmarks.file_names import DATA_FILE
from ..build.build_json import Build, open_build
from ..build.verify import verify
from ..cards import card as cards
from ..cards.strips import strips
from ..errors import BuildError, UsageError, suggest
from ..jobs.job_folder import RECORD_FILE
from ..progress import Progress, silent
from ..resources import METRICS, metrics_folder
from ..text import amount, count, join_first
from .model_results import BENCHMARK_FILE, benchmark_file
from .repo import HUB_MANAGED_FILES, Content, Repo, State, Upload

_METRIC_FILES = ("README.md", "app.py", "requirements.txt")
_GATES = {
    "auto": ", gated: everybody who accepts the terms gets access",
    "manual": ", gated: those who accept the terms get access when you approve them",
    "off": ", not gated: nobody is asked to accept any terms",
}
_MEGABYTE = 1_000_000

Echo = Callable[[str], None]
Confirm = Callable[[str], bool]


def _no(question: str) -> bool:
    return False


@dataclass(frozen=True)
class Plan:
    """Changes to a repo on the Hub.

    Attributes
    ----------
    repo : Repo
        The repo.
    state : State or None
        Its present state; None if it is to be created.
    uploads : tuple of Upload
        New and changed files, in the order in which they are sent, and files to delete. Replacing files of the first
        upload takes a confirmation.
    public : bool
        Make the repo public.
    gate : str, optional
        The gate to set; None leaves it as it is.
    tag : str, optional
        The tag to set.
    notes : str
        Release notes of the tag.
    options : dict
        Options for the creation of the repo.
    """

    repo: Repo
    state: State | None
    uploads: tuple[Upload, ...]
    public: bool
    gate: str | None = None
    tag: str | None = None
    notes: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def now(self) -> State:
        """State before the changes."""
        return self.state or State()

    @property
    def changes_files(self) -> bool:
        """True if files are sent or deleted."""
        return any(upload.files or upload.obsolete for upload in self.uploads)

    def summary(self) -> list[str]:
        """Describe the changes, in lines."""
        new = "existing" if self.state else "new"
        seen = "public" if self.public or not self.now.private else "private"
        lines = [f"{new} {self.repo.repo_type} {self.repo.url}: {seen}{_GATES.get(self.gate or '', '')}"]
        for upload in self.uploads:
            names = join_first(upload.files, 3)
            lines.append(
                f"to send: {count(len(upload.files), 'file')}, {amount(upload.size)} ({names or 'nothing new'})"
            )
            if upload.obsolete:
                lines.append(
                    f"to delete: {count(len(upload.obsolete), 'file')}, such as {upload.obsolete[0]}"
                )
        if self.tag is not None:
            kind = "existing tag" if self.tag in self.now.tags else "new tag"
            lines.append(f"{kind}: {self.tag}{', with the notes: ' if self.notes else ''}{self.notes}")
        return lines

    def question(self) -> str:
        """Compose the question to confirm before files are replaced, deleted or shown to the public; may be empty."""
        replaced = sum(path in self.now.files for path in self.uploads[0].files)
        deleted = sum(len(upload.obsolete) for upload in self.uploads)
        regated = self.gate not in (None, self.now.gated)
        changes = [f"replace {count(replaced, 'file')}"] if replaced else []
        changes += [f"delete {count(deleted, 'file')}"] if deleted else []
        if (self.public and self.now.private) or (not self.now.private and (self.changes_files or regated)):
            ungated = ", without asking for terms" if self.gate == "off" else ""
            changes.append(f"show all of it to everybody{ungated}")
        return f"This will {' and '.join(changes)} at {self.repo.url}. Continue?" if changes else ""

    def carry_out(self, echo: Echo, confirm: Confirm, progress: Progress) -> None:
        """Show the plan, ask for confirmation where needed, and execute it.

        The repo is created private and then gated, before files are sent; the tag follows, and last the visibility.

        Raises
        ------
        BuildError
            The answer was no, or the Hub refuses or cannot be reached.
        """
        for line in self.summary():
            echo(line)
        question = self.question()
        if question and not confirm(question):
            raise BuildError("nothing was sent")
        if self.state is None:
            self.repo.create(**self.options)
        if self.gate not in (None, self.now.gated):
            self.repo.set_gate(str(self.gate))
        sent, total = 0, sum(upload.size for upload in self.uploads)

        def report(size: int) -> None:
            nonlocal sent
            sent += size
            progress("sending (MB)", sent // _MEGABYTE, total // _MEGABYTE)

        for upload in self.uploads:
            if upload.files or upload.obsolete:
                self.repo.send(upload, report)
        if self.tag is not None and self.tag not in self.now.tags:
            self.repo.tag(self.tag, self.notes)
        if self.public and self.now.private:
            self.repo.make_public()


def publish(
    folder: str | os.PathLike[str],
    repo_id: str,
    *,
    public: bool = False,
    gated: str | None = None,
    tag: str | None = None,
    notes: str = "",
    quick: bool = False,
    dry_run: bool = False,
    echo: Echo = print,
    confirm: Confirm = _no,
    progress: Progress = silent,
) -> str:
    """Publish a finished build as a dataset on the Hub, or update it there.

    The build is verified first. The repo is made private and gated; then the data are sent, then the card, so that
    the card never names missing files; then the repo is tagged and, on request, made public. Files whose checksum is
    that of the repo's file are not sent, so the same call resumes after an interruption.

    Parameters
    ----------
    folder : path
        Folder of the build.
    repo_id : str
        ``user/name``.
    public : bool
        Make the repo public at the end. If it is gated, ImageNet's terms still apply before access.
    gated : {"auto", "manual", "off"}, optional
        Access after accepting ImageNet's terms: for everybody at once, or for those that the owner approves; ``off``
        asks for nothing. By default the repo's gate; ``off`` only for images that are not ImageNet's.
    tag : str, optional
        Name of this state of the repo.
    notes : str
        Release notes of the tag.
    quick : bool
        Verify the files, but not their rows.
    dry_run : bool
        Verify and print what would be sent and deleted, but change nothing. Without the Hub or a token, what would be
        sent to a new repository.
    echo : callable
        Prints a line of text.
    confirm : callable
        Asks a yes-or-no question before anything becomes public, or is replaced or deleted; no by default.
    progress : callable
        Called with ``"verifying files"`` or ``"sending (MB)"``, the number done and the total.

    Returns
    -------
    str
        The repo's URL.

    Raises
    ------
    UsageError
        There is no such folder or kind of access, or the names of the repo or tag cannot be.
    BuildError
        The folder holds no finished build or one with problems; the answer was no; or the Hub refuses or cannot be
        reached. Files that were sent stay there.
    """
    if gated not in (None, *_GATES):
        raise UsageError(f"unknown --gated {gated!r}{suggest(gated, _GATES)}")
    if tag is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", tag):
        raise UsageError(f"{tag!r} cannot be a tag; use letters, digits, '.', '_' and '-', as in v1.0")
    if notes and tag is None:
        raise UsageError("release notes belong to a tag; add one, such as --tag v1.0")
    open_build(folder)  # raises before the Hub is contacted
    repo = Repo(repo_id, "dataset")
    try:
        state = repo.fetch_state()
    except BuildError as error:
        if not dry_run:
            raise
        echo(f"{error}. A new repository is assumed")
        state = None
    if state and tag and state.tags.get(tag, state.head) != state.head:
        raise BuildError(f"the tag {tag} exists for an older state; choose another with --tag")
    build = verify(folder, quick=quick, progress=progress)
    if build.problems:
        raise BuildError(
            f"{folder}: {count(len(build.problems), 'problem')}, so nothing is sent; the first: {build.problems[0]}. "
            "`imagenet-cp verify` lists them all"
        )
    plan = _dataset_plan(build, repo, state, gated, public, tag, notes)
    if plan.changes_files and tag in plan.now.tags:
        raise BuildError(f"the tag {tag} exists for an older state; choose another with --tag")
    size = sum(info.size for info in build.files.values())
    echo(f"{build.signature}: {count(len(build.files), 'file')} of data, {amount(size)}, verified")
    if dry_run:
        for line in plan.summary():
            echo(line)
        return repo.url
    plan.carry_out(echo, confirm, progress)
    echo(f"{repo.url}: up to date")
    if any(BENCHMARK_FILE in upload.files for upload in plan.uploads):
        echo(
            f"{BENCHMARK_FILE} was sent: ask the Hub to list the data set as a Benchmark, which it does by hand"
        )
    return repo.url


def _dataset_plan(
    build: Build,
    repo: Repo,
    state: State | None,
    gated: str | None,
    public: bool,
    tag: str | None,
    notes: str,
) -> Plan:
    now = state or State()
    checksums = {path: info.sha256 for path, info in build.files.items()}
    description = _description(build, repo.repo_id)
    _check_private(build.folder, description)
    data: dict[str, Content] = {
        path: build.folder / path
        for path, checksum in checksums.items()
        if not now.has(path, build.folder / path, checksum)
    }
    rest = {path: content for path, content in description.items() if not now.has(path, content)}
    ours = {path for path in now.files if DATA_FILE.fullmatch(path) or path.startswith("assets/")}
    ours |= {BENCHMARK_FILE} & now.files.keys()
    _check_foreign(repo, now, ours | {"README.md", RECORD_FILE}, RECORD_FILE)
    obsolete = tuple(sorted(ours - checksums.keys() - description.keys()))
    uploads = (
        Upload(data, f"Add data of {build.signature}", checksums=checksums),
        Upload(rest, f"Describe {build.signature}", obsolete),
    )
    usual = "auto" if cards.under_terms(build.benchmark) else "off"
    gate = gated or (now.gated if now.gated != "off" else usual)
    return Plan(repo, state, uploads, public, gate, tag, notes)


def _description(build: Build, repo_id: str) -> dict[str, Content]:
    """Files beside the data: the card, its images, the record of the build, and ``eval.yaml`` of a whole benchmark."""
    # The reasons for skipping an image name files of the machine that built it.
    skipped = dict.fromkeys(build.record.get("skipped") or {}, "could not be read")
    files = {path: info._asdict() for path, info in build.files.items()}
    versions = build.record.get("versions") or {}
    cells = cards.cells(build.benchmark, files)
    names = dict.fromkeys(cell.name for cell in cells if cell.level > 0)
    card = cards.dataset_card(
        build.benchmark,
        build.recipe,
        build.classes,
        files,
        versions=versions,
        skipped=skipped,
        images=bool(names),
        image_ids=None if build.recipe.official else build.image_ids(),
        extra=build.columns,
        repo_id=repo_id,
    )
    record = {"identity": build.record["identity"], "versions": versions, "skipped": skipped, "files": files}
    task = {BENCHMARK_FILE: benchmark_file(build.benchmark.dataset).encode()}
    return {
        **(task if _is_whole(build, cells) else {}),
        **{f"assets/{name}.jpg": strip for name, strip in strips(build.benchmark, names).items()},
        RECORD_FILE: (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode(),
        "README.md": card.encode(),
    }


def _is_whole(build: Build, cells: Iterable[Cell]) -> bool:
    """True for a build of all images at the benchmark's size that has every config of its mean."""
    recipe = build.recipe
    if (recipe.ids, recipe.classes, recipe.size) != ("", "", "profile"):
        return False
    tested = build.benchmark.configs["test"]
    rows: Counter[str] = Counter()
    for path, info in build.files.items():
        rows[path.split("/")[1]] += info.rows
    part = part_of(build.benchmark.profile, (rows[cell.config] for cell in tested))
    return set(cells) >= set(tested) and part is None


def _check_private(folder: Path, description: Mapping[str, Content]) -> None:
    """Refuse to publish a text that names a folder of this machine."""
    for path, content in description.items():
        for text in {str(folder.resolve()), str(Path.home())} - {"/"}:
            if isinstance(content, bytes) and text.encode() in content:
                raise BuildError(f"{path} names a folder of this machine, {text}; nothing is sent")


def _check_foreign(repo: Repo, state: State, ours: set[str], mark: str) -> None:
    """Refuse a repo with other files than ours, unless it holds the file that marks it as ours."""
    foreign = sorted(set(state.files) - ours - HUB_MANAGED_FILES)
    if foreign and mark not in state.files:
        raise BuildError(
            f"{repo.repo_id} holds something else ({', '.join(foreign[:3])}); choose another name"
        )


def publish_metric(
    name: str, repo_id: str, *, public: bool = False, echo: Echo = print, confirm: Confirm = _no
) -> str:
    """Publish a metric as a Gradio Space for ``evaluate.load(repo_id)``, or update it there.

    Parameters
    ----------
    name : str
        ``mce``, ``mfr`` or ``mt5d``.
    repo_id : str
        ``user/name``. evaluate requires the name to be that of the metric.
    public : bool
        Make the Space public at the end.
    echo, confirm : callable
        As for `publish`.

    Returns
    -------
    str
        The Space's URL.

    Raises
    ------
    UsageError
        Unknown metric, or a repo that cannot have it.
    BuildError
        The answer was no; or the Hub refuses or cannot be reached.
    """
    if name not in METRICS:
        raise UsageError(f"unknown metric {name!r}{suggest(name, METRICS)}")
    if repo_id.rpartition("/")[2] != name:
        raise UsageError(f"evaluate finds {name}.py only in a Space of that name: user/{name}, not {repo_id}")
    folder = metrics_folder() / name
    files: dict[str, Content] = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    }
    missing = [file for file in (f"{name}.py", *_METRIC_FILES) if file not in files]
    if missing:
        raise BuildError(f"the metric {name} is incomplete: {', '.join(missing)} is missing")
    repo = Repo(repo_id, "space")
    state = repo.fetch_state()
    now = state or State()
    _check_foreign(repo, now, set(files), f"{name}.py")
    new = {path: content for path, content in files.items() if not now.has(path, content)}
    upload = Upload(new, f"Update {name}" if state else f"Add {name}")
    plan = Plan(repo, state, (upload,), public, options={"space_sdk": "gradio"})
    plan.carry_out(echo, confirm, silent)
    echo(f'{repo.url}: up to date; evaluate.load("{repo_id}") loads it')
    return repo.url
