"""One repo on the Hub: what is in it, and what is sent to it; errors in words a user can act on."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    RepoFile,
    constants,
    get_token,
)
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

from ..errors import BuildError

#: What goes up in one commit at most: what a commit holds need not be sent again when a later one fails.
_FILES_PER_COMMIT = 32
_BYTES_PER_COMMIT = 4_000_000_000
#: What the Hub itself puts into a new repo.
HUB_MANAGED_FILES = frozenset((".gitattributes",))

# The client has changed its HTTP library before; what its own error derives from is that library's.
_HTTPError: type[Exception] = next(base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError")

Content = Path | bytes


@dataclass(frozen=True)
class State:
    """A repo as it is now.

    Attributes
    ----------
    private : bool
        Whether only its owner sees it.
    gated : str
        ``"auto"``, ``"manual"`` or ``"off"``: who else must accept its terms first.
    head : str
        The commit that its main branch is at.
    files : dict
        Path -> what the Hub says of the file.
    tags : dict
        Name -> commit.
    """

    private: bool = True
    gated: str = "off"
    head: str = ""
    files: Mapping[str, RepoFile] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def has(self, path: str, content: Content, sha256: str | None = None) -> bool:
        """Whether a file is there as it should be; ``sha256`` saves reading it."""
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
    """A repo that may be still to make.

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
        """Where a browser finds it."""
        return f"{constants.ENDPOINT}/{self.repo_type}s/{self.repo_id}"

    def look(self) -> State | None:
        """Return what is there, None where there is no such repo.

        Raises
        ------
        BuildError
            No token, one that is not accepted, or no connection.
        """
        if self.repo_id.count("/") != 1:
            raise BuildError(f"name the repo with its owner, such as user/{self.repo_id.strip('/')}")
        with self._translate_errors():
            if not get_token():
                raise BuildError("there is no token for the Hub; run `hf auth login` once, or set HF_TOKEN")
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
        """Make the repo, private."""
        with self._translate_errors():
            self.api.create_repo(
                self.repo_id, repo_type=self.repo_type, private=True, exist_ok=True, **options
            )

    def gate(self, gated: str) -> None:
        """Say who must accept the repo's terms: ``auto``, ``manual`` or ``off``."""
        how: Any = False if gated == "off" else gated
        with self._translate_errors():
            self.api.update_repo_settings(self.repo_id, repo_type=self.repo_type, gated=how)

    def make_public(self) -> None:
        """Make the repo public."""
        with self._translate_errors():
            self.api.update_repo_settings(self.repo_id, repo_type=self.repo_type, private=False)

    def tag(self, name: str) -> None:
        """Tag what is there now."""
        with self._translate_errors():
            self.api.create_tag(self.repo_id, repo_type=self.repo_type, tag=name)

    def send(
        self,
        files: Mapping[str, Content],
        message: str,
        *,
        digests: Mapping[str, str] | None = None,
        obsolete: Sequence[str] = (),
        progress: Callable[[int], None] = lambda size: None,
    ) -> None:
        """Send files, several to a commit, and with the last commit delete the obsolete ones.

        Parameters
        ----------
        files : dict
            Path in the repo -> a file or its bytes.
        message : str
            Of the commits.
        digests : dict, optional
            Path in the repo -> SHA-256 in hexadecimal, of those that need not be hashed any more.
        obsolete : sequence of str
            Paths in the repo.
        progress : callable
            Told the bytes of every commit.
        """
        with self._translate_errors():
            additions = []
            for path, content in files.items():
                addition = CommitOperationAdd(path, content)
                if digests and path in digests:
                    addition.upload_info.sha256 = bytes.fromhex(digests[path])
                additions.append(addition)
            batches = list(_batches(additions)) or [[]]
            for number, batch in enumerate(batches, start=1):
                deletions = (
                    [CommitOperationDelete(path) for path in obsolete] if number == len(batches) else []
                )
                part = f" ({number} of {len(batches)})" if len(batches) > 1 else ""
                self.api.create_commit(
                    self.repo_id,
                    [*batch, *deletions],
                    repo_type=self.repo_type,
                    commit_message=message + part,
                )
                progress(sum(addition.upload_info.size for addition in batch))

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn the errors of the Hub's client into BuildErrors of one line, without paths, tokens or signed URLs."""
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
            raise BuildError(self._words(error)) from None

    def _words(self, error: BaseException) -> str:
        cause = error
        while isinstance(cause, RuntimeError) and cause.__cause__ is not None:
            cause = cause.__cause__
        again = "run the same command again later: what has arrived is kept"
        if isinstance(cause, _HTTPError) and not isinstance(cause, HfHubHTTPError):
            return f"the connection to the Hub failed ({type(cause).__name__}); {again}"
        if not isinstance(cause, HfHubHTTPError):
            if isinstance(cause, OSError) and cause.filename:
                return f"{Path(str(cause.filename)).name}: {cause.strerror}"
            return f"{self.repo_id}: {self._line(error)}"
        status = cause.response.status_code
        said = f": {self._line(cause.server_message)}" if cause.server_message else ""
        if status == 401:
            return f"the Hub does not accept the token (401{said}); run `hf auth login`, or mend HF_TOKEN"
        if status == 403:
            return f"the token may not write to {self.repo_id} (403{said}); it must be its owner's, and one that writes"
        if status == 409:
            return f"{self.repo_id} is being changed by somebody else (409{said}); {again}"
        if status == 429:
            return f"the Hub asks to wait (429{said}); {again}"
        if status >= 500:
            return f"the Hub is out of order ({status}{said}); {again}"
        return f"the Hub refuses to change {self.repo_id} ({status}{said})"

    def _line(self, text: object) -> str:
        line = " ".join(str(text).split())
        token = get_token()
        return (line.replace(token, "***") if token else line)[:300]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the client's own log to itself: it tells of paths on this machine and of URLs that let others write."""
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
