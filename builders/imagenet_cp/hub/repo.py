"""Repos on the Hub: their state, uploads, and errors as messages that a user can act on."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoFile, constants, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from ..errors import BuildError, UsageError

#: Limits of one commit: files of a commit need not be sent again if a later one fails.
_FILES_PER_COMMIT = 32
_BYTES_PER_COMMIT = 4_000_000_000
#: Files that the Hub puts into a new repo.
HUB_MANAGED_FILES = frozenset((".gitattributes",))

# The base class of the client's error belongs to its HTTP library, which has changed before.
_HTTPError: type[Exception] = next(base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError")

Content = Path | bytes


@dataclass(frozen=True)
class Upload:
    """Files to send to a repo and files to delete from it.

    Attributes
    ----------
    files : dict
        Path in the repo -> a file or its bytes.
    message : str
        Message of the commits.
    obsolete : tuple of str
        Paths in the repo to delete.
    checksums : dict
        Path in the repo -> SHA-256 in hexadecimal, which saves hashing the file.
    """

    files: Mapping[str, Content]
    message: str
    obsolete: tuple[str, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Size of the files in bytes."""
        return sum(
            len(content) if isinstance(content, bytes) else content.stat().st_size
            for content in self.files.values()
        )


@dataclass(frozen=True)
class State:
    """State of a repo.

    Attributes
    ----------
    private : bool
        Visible to its owner only.
    gated : str
        ``"auto"``, ``"manual"`` or ``"off"``: how access is granted after accepting the terms.
    head : str
        Commit of its main branch.
    files : dict
        Path -> the Hub's record of the file.
    tags : dict
        Name -> commit.
    """

    private: bool = True
    gated: str = "off"
    head: str = ""
    files: Mapping[str, RepoFile] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def has(self, path: str, content: Content, sha256: str | None = None) -> bool:
        """Test if the repo has a file with this content; ``sha256`` saves reading it."""
        file = self.files.get(path)
        if file is None:
            return False
        if file.lfs is not None:
            return file.lfs.sha256 == (sha256 or hashlib.sha256(_bytes(content)).hexdigest())
        data = _bytes(content)
        return bool(
            file.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        )


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


@dataclass(frozen=True)
class Repo:
    """A repo, which may not exist yet.

    Attributes
    ----------
    repo_id : str
        ``user/name``.
    repo_type : str
        ``dataset`` or ``space``.
    """

    repo_id: str
    repo_type: str
    api: HfApi = field(default_factory=HfApi)

    @property
    def url(self) -> str:
        """Address of its page."""
        return f"{constants.ENDPOINT}/{self.repo_type}s/{self.repo_id}"

    def fetch_state(self) -> State | None:
        """Fetch the state of the repo; None if it does not exist.

        Raises
        ------
        UsageError
            The name of the repo has no owner.
        BuildError
            The token is missing or not accepted, or the Hub cannot be reached.
        """
        if self.repo_id.count("/") != 1:
            raise UsageError(f"name the repo with its owner, such as user/{self.repo_id.strip('/')}")
        with self._translate_errors():
            if not get_token():
                raise BuildError(
                    "the token for the Hub is missing; run `hf auth login` once, or set HF_TOKEN"
                )
            self.api.whoami()
            try:
                info = self.api.repo_info(self.repo_id, repo_type=self.repo_type)
            except RepositoryNotFoundError:
                return None
            listed = self.api.list_repo_tree(self.repo_id, repo_type=self.repo_type, recursive=True)
            refs = self.api.list_repo_refs(self.repo_id, repo_type=self.repo_type)
            return State(
                bool(info.private),
                str(getattr(info, "gated", None) or "off"),
                str(info.sha),
                {entry.path: entry for entry in listed if isinstance(entry, RepoFile)},
                {tag.name: tag.target_commit for tag in refs.tags},
            )

    def create(self, **options: Any) -> None:
        """Create the repo as a private one."""
        with self._translate_errors():
            self.api.create_repo(
                self.repo_id, repo_type=self.repo_type, private=True, exist_ok=True, **options
            )

    def set_gate(self, gated: str) -> None:
        """Set how access is granted after accepting the terms: ``auto``, ``manual`` or ``off``."""
        how: Any = False if gated == "off" else gated
        with self._translate_errors():
            self.api.update_repo_settings(self.repo_id, repo_type=self.repo_type, gated=how)

    def make_public(self) -> None:
        """Make the repo public."""
        with self._translate_errors():
            self.api.update_repo_settings(self.repo_id, repo_type=self.repo_type, private=False)

    def tag(self, name: str, notes: str = "") -> None:
        """Tag the current state, with release notes."""
        with self._translate_errors():
            self.api.create_tag(self.repo_id, repo_type=self.repo_type, tag=name, tag_message=notes or None)

    def send(self, upload: Upload, progress: Callable[[int], None] = lambda size: None) -> None:
        """Send files in as many commits as needed; the last one deletes the obsolete files.

        Parameters
        ----------
        upload : Upload
            The files.
        progress : callable
            Called with the number of bytes of every commit.
        """
        with self._translate_errors():
            additions = []
            for path, content in upload.files.items():
                addition = CommitOperationAdd(path, content)
                if path in upload.checksums:
                    addition.upload_info.sha256 = bytes.fromhex(upload.checksums[path])
                additions.append(addition)
            batches: list[list[Any]] = list(_batches(additions)) or [[]]
            batches[-1] += map(CommitOperationDelete, upload.obsolete)
            for number, batch in enumerate(batches, start=1):
                part = f" ({number} of {len(batches)})" if len(batches) > 1 else ""
                self.api.create_commit(
                    self.repo_id, batch, repo_type=self.repo_type, commit_message=upload.message + part
                )
                sent = [operation for operation in batch if isinstance(operation, CommitOperationAdd)]
                progress(sum(addition.upload_info.size for addition in sent))

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn errors of the Hub's client into BuildErrors of one line, without paths, tokens or signed URLs."""
        try:
            with _quiet():
                yield
        except BuildError:
            raise
        except HFValidationError as error:
            raise BuildError(str(error)) from None
        except OfflineModeIsEnabled:
            raise BuildError("HF_HUB_OFFLINE is set, so the Hub cannot be reached") from None
        except (HfHubHTTPError, OSError, RuntimeError, ValueError, _HTTPError) as error:
            raise BuildError(self._message(error)) from None

    def _message(self, error: BaseException) -> str:
        cause = error
        while isinstance(cause, RuntimeError) and cause.__cause__ is not None:
            cause = cause.__cause__
        again = "run the same command again later: files that were sent are kept"
        if isinstance(cause, _HTTPError) and not isinstance(cause, HfHubHTTPError):
            return f"the connection to the Hub failed ({type(cause).__name__}); {again}"
        if not isinstance(cause, HfHubHTTPError):
            if isinstance(cause, OSError) and cause.filename:
                return f"{Path(str(cause.filename)).name}: {cause.strerror}"
            return f"{self.repo_id}: {self._line(error)}"
        status = cause.response.status_code
        reply = f": {self._line(cause.server_message)}" if cause.server_message else ""
        if status == 401:
            return f"the Hub does not accept the token (401{reply}); run `hf auth login`, or correct HF_TOKEN"
        if status == 403:
            return f"the token may not write to {self.repo_id} (403{reply}); use a write token of its owner"
        if status == 409:
            return f"{self.repo_id} is being changed by another client (409{reply}); {again}"
        if status == 429:
            return f"the Hub limits the number of requests (429{reply}); {again}"
        if status >= 500:
            return f"the Hub has a problem ({status}{reply}); {again}"
        return f"the Hub refuses to change {self.repo_id} ({status}{reply})"

    def _line(self, text: object) -> str:
        line = " ".join(str(text).split())
        token = get_token()
        return (line.replace(token, "***") if token else line)[:300]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the client's log, which holds paths of this machine and URLs that grant write access."""
    log = logging.getLogger("huggingface_hub")
    level, bars = log.level, not are_progress_bars_disabled()
    log.setLevel(logging.CRITICAL)
    disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
        if bars:
            enable_progress_bars()


def _batches(additions: Sequence[CommitOperationAdd]) -> Iterator[list[CommitOperationAdd]]:
    batch: list[CommitOperationAdd] = []
    size = 0
    for addition in additions:
        if batch and (
            len(batch) == _FILES_PER_COMMIT or size + addition.upload_info.size > _BYTES_PER_COMMIT
        ):
            yield batch
            batch, size = [], 0
        batch.append(addition)
        size += addition.upload_info.size
    if batch:
        yield batch
