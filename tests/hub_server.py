"""A small, strict stand-in for the Hub on loopback: what huggingface_hub, datasets and evaluate say to it, no more.

Whatever it does not know, or what a client says wrongly, it answers with 400 or 404 and notes in ``complaints``. The
protocol itself is in hub_protocol.
"""

import hashlib
import re
import sys
import threading
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer


@dataclass
class Blob:
    """One file's content."""

    data: bytes
    lfs: bool

    @property
    def sha256(self):
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self):
        """Of git: a large file is stored as a pointer."""
        data = self.data
        if self.lfs:
            lines = (
                "version https://git-lfs.github.com/spec/v1",
                f"oid sha256:{self.sha256}",
                f"size {len(data)}",
                "",
            )
            data = "\n".join(lines).encode()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def entry(self, path):
        """Describe the file as in a listing."""
        lfs = {"lfs": {"oid": self.sha256, "size": len(self.data), "pointerSize": 130}} if self.lfs else {}
        return {"type": "file", "path": path, "size": len(self.data), "oid": self.oid, **lfs}


def directory(path):
    """Describe a folder as in a listing."""
    return {"type": "directory", "path": path, "size": 0, "oid": hashlib.sha1(path.encode()).hexdigest()}


@dataclass
class Repo:
    """A repo: its settings, its commits and its tags."""

    private: bool
    sdk: str | None = None
    gated: object = False
    commits: list = field(default_factory=list)  # (sha, message, {path: Blob})
    tags: dict = field(default_factory=dict)
    members: set = field(default_factory=set)

    def commit(self, message, files):
        """Make a commit that holds these files."""
        sha = hashlib.sha1(f"{len(self.commits)} {message}".encode()).hexdigest()
        self.commits.append((sha, message, files))
        return sha

    @property
    def files(self):
        """Path -> Blob, as of now."""
        return self.commits[-1][2]

    def at(self, revision):
        """Return the sha and the files of a branch, tag or commit, or None."""
        revision = self.tags.get(revision, revision)
        if revision in ("main", "refs/heads/main"):
            revision = self.commits[-1][0]
        return next(((sha, files) for sha, _, files in self.commits if sha == revision), None)


class Hub:
    """The state of the server, and what tests may do to it.

    Attributes
    ----------
    tokens : dict
        Token -> the user it belongs to.
    repos : dict
        Such as ``"datasets/user/imagenet_c"`` -> Repo.
    blobs : dict
        SHA-256 -> bytes of every large file that has arrived whole.
    blocks, shards : list
        What has come by the Xet protocol.
    arrived : list of str
        SHA-256 of every large file sent, in order, every time.
    calls : list of str
        ``"POST /api/repos/create"`` and so on.
    complaints : list of str
        What clients said that the Hub would not understand.
    troubles : list
        ``[pattern, times, what]``: the next ``times`` calls that match ``pattern`` meet with ``what``: a status, or
        "drop before", "drop midway" or "drop after" for a connection that is lost, or a function that is called
        before the connection is lost.
    """

    def __init__(self):
        self.tokens = {"hf_test_token_of_the_owner": "owner", "hf_test_token_of_a_guest": "guest"}
        self.repos = {}
        self.blobs = {}
        self.blocks = []
        self.shards = []
        self.arrived = []
        self.calls = []
        self.complaints = []
        self.troubles = []
        self.lock = threading.RLock()

    def trouble(self, pattern, what, times=1):
        """Let the next calls that match a pattern fail."""
        self.troubles.append([re.compile(pattern), times, what])

    def trouble_of(self, call):
        with self.lock:
            for trouble in self.troubles:
                if trouble[1] > 0 and trouble[0].search(call):
                    trouble[1] -= 1
                    return trouble[2]
        return None

    def count(self, pattern):
        """Return how many calls matched."""
        return sum(bool(re.search(pattern, call)) for call in self.calls)

    def __enter__(self):
        from hub_protocol import Handler

        handler = type("Handler", (Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = self.note_error
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def note_error(self, request, address):
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            self.complaints.append(repr(error))

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()
