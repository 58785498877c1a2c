"""The Hub's protocol, as far as the stock clients speak it when they publish and load."""

import base64
import hashlib
import json
import re
import urllib.parse
from http.server import BaseHTTPRequestHandler

from hub_server import Blob, Hub, Repo, directory
from xet_server import XetRoutes

PAGE = 40  # entries of a listing: few, so that clients must follow the links
LFS_ENDINGS = (".parquet", ".jpg", ".jpeg", ".png", ".bin")


class AnswerError(Exception):
    """An answer that is not simply 200 and JSON."""

    def __init__(self, status, body=None, headers=None):
        self.status, self.body, self.headers = status, body, headers or {}


REPO = r"(?P<kind>datasets|spaces|models)/(?P<id>[\w.-]+/[\w.-]+)"
ROUTES = [
    (method, re.compile(pattern), name)
    for method, pattern, name in (
        ("GET", r"/api/whoami-v2", "whoami"),
        ("POST", r"/api/repos/create", "create"),
        ("POST", r"/api/validate-yaml", "validate_yaml"),
        ("GET", rf"/api/{REPO}", "info"),
        ("GET", rf"/api/{REPO}/revision/(?P<revision>[^/]+)", "info"),
        ("GET", rf"/api/{REPO}/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?", "tree"),
        ("POST", rf"/api/{REPO}/paths-info/(?P<revision>[^/]+)", "paths_info"),
        ("GET", rf"/api/{REPO}/refs", "refs"),
        ("PUT", rf"/api/{REPO}/settings", "settings"),
        ("POST", rf"/api/{REPO}/preupload/(?P<revision>[^/]+)", "preupload"),
        ("POST", rf"/api/{REPO}/commit/(?P<revision>[^/]+)", "commit"),
        ("POST", rf"/api/{REPO}/tag/(?P<revision>[^/]+)", "tag"),
        ("POST", rf"/{REPO}\.git/info/lfs/objects/batch", "batch"),
        ("PUT", rf"/lfs/{REPO}/(?P<sha256>[0-9a-f]{{64}})/(?P<size>\d+)", "upload"),
        ("POST", rf"/lfs/{REPO}/verify", "verify"),
        ("HEAD", rf"/{REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
        ("GET", rf"/{REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
        *((method, pattern.replace("{repo}", REPO), name) for method, pattern, name in XetRoutes.routes),
    )
]


class Handler(XetRoutes, BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.respond()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def respond(self):
        parts = urllib.parse.urlsplit(self.path)
        path = parts.path
        self.query = dict(urllib.parse.parse_qsl(parts.query))
        call = f"{self.command} {path}"
        with self.hub.lock:
            self.hub.calls.append(call)
        trouble = self.hub.trouble_of(call)
        length = int(self.headers.get("Content-Length") or 0)
        if trouble == "drop before":
            return self.drop()
        if trouble == "drop midway":
            self.rfile.read(length // 2)
            return self.drop()
        self.body = self.rfile.read(length)
        if len(self.body) < length:  # the client has gone
            return self.drop()
        if callable(trouble):
            trouble()
            return self.drop()
        try:
            if isinstance(trouble, int):
                raise AnswerError(trouble, {"error": "as the test wants it"})
            for method, pattern, name in ROUTES:
                found = pattern.fullmatch(path)
                if method == self.command and found:
                    arguments = {
                        k: urllib.parse.unquote(v) for k, v in found.groupdict().items() if v is not None
                    }
                    with self.hub.lock:
                        answer = getattr(self, name)(**arguments)
                    break
            else:
                self.complain(f"no such call: {call}", 404)
        except AnswerError as problem:
            answer = problem
        if trouble == "drop after":
            return self.drop()
        self.send(answer)

    def drop(self):
        self.close_connection = True
        self.connection.close()

    def send(self, answer):
        status, body, headers = 200, answer, {}
        if isinstance(answer, AnswerError):
            status, body, headers = answer.status, answer.body, answer.headers
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {"Content-Type": kind, "Content-Length": str(len(data)), **headers}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def unknown(self):
        return AnswerError(404, {"error": "unknown"})

    def complain(self, text, status=400):
        with self.hub.lock:
            self.hub.complaints.append(text)
        raise AnswerError(status, {"error": text})

    def json(self, *needed):
        try:
            value = json.loads(self.body)
        except ValueError:
            self.complain(f"{self.path}: the body is no JSON")
        lacking = [name for name in needed if name not in value]
        if lacking:
            self.complain(f"{self.path}: the body lacks {lacking}")
        return value

    # Who asks, and what they may do

    def user(self, needed=True):
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token not in self.hub.tokens:
            said = "Invalid credentials in Authorization header"
            raise AnswerError(401, {"error": said}, {"X-Error-Message": said})
        if needed and not token:
            raise AnswerError(401, {"error": "Unauthorized"})
        return self.hub.tokens.get(token)

    def repo(self, kind, id, write=False, files=False):
        user = self.user(needed=write)
        repo = self.hub.repos.get(f"{kind}/{id}")
        owner = id.split("/")[0] == user
        if repo is None or (repo.private and not owner):
            status = 404 if user else 401
            raise AnswerError(status, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        if write and not owner:
            raise AnswerError(403, {"error": "You don't have the rights to write here"})
        if files and repo.gated and not owner and user not in repo.members:
            raise AnswerError(403, {"error": "Access is restricted"}, {"X-Error-Code": "GatedRepo"})
        return repo

    def revision(self, repo, revision):
        found = repo.at(revision)
        if found is None:
            raise AnswerError(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
        return found

    # Reading

    def whoami(self):
        name = self.user()
        return {
            "type": "user",
            "id": "1",
            "name": name,
            "fullname": f"Full Name of {name}",
            "orgs": [],
            "auth": {},
        }

    def info(self, kind, id, revision="main"):
        repo = self.repo(kind, id)
        sha, files = self.revision(repo, revision)
        siblings = [{"rfilename": path} for path in files]
        sdk = {"sdk": repo.sdk} if repo.sdk else {}
        return {
            "_id": "1", "id": id, "author": id.split("/")[0], "sha": sha, "private": repo.private, "gated": repo.gated,
            "disabled": False, "downloads": 0, "likes": 0, "tags": [], "siblings": siblings,
            "lastModified": "2025-01-01T00:00:00.000Z", "createdAt": "2025-01-01T00:00:00.000Z", **sdk,
        }  # fmt: skip

    def tree(self, kind, id, revision, path=""):
        repo = self.repo(kind, id, files=True)
        _, files = self.revision(repo, revision)
        inside = {name: blob for name, blob in files.items() if not path or name.startswith(f"{path}/")}
        if path and not inside:
            raise AnswerError(404, {"error": f"{path} does not exist"}, {"X-Error-Code": "EntryNotFound"})
        deep = self.query.get("recursive", "").lower() == "true"
        depth = path.count("/") + 1 if path else 0
        entries = {}
        for name, blob in sorted(inside.items()):
            steps = name.split("/")
            for end in range(depth + 1, len(steps) if deep else min(len(steps), depth + 2)):
                folder = "/".join(steps[:end])
                entries[folder] = directory(folder)
            if deep or len(steps) == depth + 1:
                entries[name] = blob.entry(name)
        listed = list(entries.values())
        start = int(self.query.get("cursor", 0))
        link = {}
        if start + PAGE < len(listed):
            query = urllib.parse.urlencode({**self.query, "cursor": start + PAGE})
            link = {"Link": f'<{self.hub.url}{urllib.parse.urlsplit(self.path).path}?{query}>; rel="next"'}
        return AnswerError(200, listed[start : start + PAGE], link)

    def paths_info(self, kind, id, revision):
        repo = self.repo(kind, id, files=True)
        _, files = self.revision(repo, revision)
        try:
            wanted = self.json("paths")["paths"]
        except AnswerError:
            self.hub.complaints.pop()
            wanted = [value for name, value in urllib.parse.parse_qsl(self.body.decode()) if name == "paths"]
        folders = [p for p in wanted if p not in files and any(name.startswith(f"{p}/") for name in files)]
        return [files[path].entry(path) for path in wanted if path in files] + [
            directory(path) for path in folders
        ]

    def refs(self, kind, id):
        repo = self.repo(kind, id)
        tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": sha} for n, sha in repo.tags.items()]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repo.commits[-1][0]}
        return {"branches": [main], "converts": [], "tags": tags}

    def resolve(self, kind, id, revision, path):
        repo = self.repo(kind, id, files=True)
        sha, files = self.revision(repo, revision)
        if path not in files:
            raise AnswerError(
                404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": sha}
            )
        blob = files[path]
        etag = f'"{blob.sha256 if blob.lfs else blob.oid}"'
        headers = {"ETag": etag, "X-Repo-Commit": sha, "Accept-Ranges": "bytes"}
        if blob.lfs:
            headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(len(blob.data))}
        data, status = blob.data, 200
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if wanted:
            start, end = int(wanted[1]), int(wanted[2] or len(data) - 1)
            end = min(end, len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            data, status = data[start : end + 1], 206
        return AnswerError(status, data, headers)

    # Writing

    def create(self):
        user = self.user()
        said = self.json("name", "organization", "type")
        if said["type"] not in ("dataset", "space", "model"):
            self.complain(f"a repo of the type {said['type']!r}")
        if said["type"] == "space" and said.get("sdk") not in ("gradio", "docker", "static"):
            self.complain("a Space needs an sdk")
        owner = said["organization"] or user
        name = f"{said['type']}s/{owner}/{said['name']}"
        if owner != user:
            raise AnswerError(
                403, {"error": "You don't have the rights to create a repo under this namespace"}
            )
        if name in self.hub.repos:
            raise AnswerError(
                409, {"error": "You already created this repo", "url": f"{self.hub.url}/{name}"}
            )
        private = said.get("visibility", "private" if said.get("private") else "public") == "private"
        repo = self.hub.repos[name] = Repo(private, said.get("sdk"))
        attributes = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
        repo.commit("initial commit", {".gitattributes": Blob(attributes, False)})
        return {"url": f"{self.hub.url}/{name}", "name": f"{owner}/{said['name']}", "id": "1"}

    def settings(self, kind, id):
        repo = self.repo(kind, id, write=True)
        said = self.json()
        if not said or set(said) - {"gated", "visibility", "private"}:
            self.complain(f"settings {said}")
        if "gated" in said:
            if said["gated"] not in ("auto", "manual", False) or kind == "spaces":
                self.complain(f"gated {said['gated']!r} of {kind}")
            repo.gated = said["gated"]
        if "visibility" in said or "private" in said:
            repo.private = said.get("visibility", "private" if said.get("private") else "public") == "private"
        return {}

    def validate_yaml(self):
        import yaml

        said = self.json("content", "repoType")
        found = re.match(r"---\n(.*?)\n---\n", said["content"], re.S)
        problems = []
        try:
            block = yaml.safe_load(found[1]) if found else None
            if not isinstance(block, dict):
                problems.append("no YAML block")
        except yaml.YAMLError as error:
            problems.append(str(error))
        if problems:
            raise AnswerError(400, {"errors": [{"message": text} for text in problems], "warnings": []})
        return {"errors": [], "warnings": []}

    def preupload(self, kind, id, revision):
        repo = self.repo(kind, id, write=True)
        if revision != "main":
            self.complain(f"preupload to {revision}")
        answers = []
        for file in self.json("files")["files"]:
            if not {"path", "size", "sample"} <= set(file):
                self.complain(f"preupload of {file}")
            self.check_path(file["path"])
            there = repo.files.get(file["path"])
            large = file["path"].endswith(LFS_ENDINGS) or file["size"] > 10_000_000
            oid = None if there is None else there.sha256 if there.lfs else there.oid
            mode = "lfs" if large else "regular"
            answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return {"files": answers}

    def check_path(self, path):
        if path.startswith("/") or "\\" in path or {"", ".", "..", ".git"} & set(path.split("/")):
            self.complain(f"a path {path!r}")

    def batch(self, kind, id):
        self.repo(kind, id, write=True)
        said = self.json("operation", "transfers", "objects", "hash_algo")
        if (said["operation"], said["hash_algo"]) != ("upload", "sha256") or "basic" not in said["transfers"]:
            self.complain(f"batch {said}")
        objects = []
        for wanted in said["objects"]:
            oid, size = wanted["oid"], wanted["size"]
            if not re.fullmatch(r"[0-9a-f]{64}", oid) or not isinstance(size, int):
                self.complain(f"a large file {wanted}")
            actions = {}
            if oid not in self.hub.blobs:
                base = f"{self.hub.url}/lfs/{kind}/{id}"
                hrefs = {"upload": f"{base}/{oid}/{size}", "verify": f"{base}/verify"}
                actions = {"actions": {action: {"href": href} for action, href in hrefs.items()}}
            objects.append({"oid": oid, "size": size, **actions})
        return {"transfer": "basic", "objects": objects}

    def upload(self, kind, id, sha256, size):
        if hashlib.sha256(self.body).hexdigest() != sha256 or len(self.body) != int(size):
            self.complain(f"what arrived as {sha256} is something else")
        self.hub.arrived.append(sha256)
        self.hub.blobs[sha256] = self.body
        return {}

    def verify(self, kind, id):
        self.repo(kind, id, write=True)
        said = self.json("oid", "size")
        if len(self.hub.blobs.get(said["oid"], b"")) != said["size"]:
            self.complain(f"{said} has not arrived")
        return {}

    def commit(self, kind, id, revision):
        repo = self.repo(kind, id, write=True)
        if revision != "main":
            self.complain(f"a commit to {revision}")
        if self.headers.get("Content-Type") != "application/x-ndjson":
            self.complain("a commit that is no ndjson")
        lines = [json.loads(line) for line in self.body.splitlines()]
        if not lines or lines[0]["key"] != "header" or not lines[0]["value"].get("summary"):
            self.complain("a commit without a header")
        files = dict(repo.files)
        for line in lines[1:]:
            key, value = line["key"], line["value"]
            self.check_path(value["path"])
            if key == "file" and value["encoding"] == "base64":
                files[value["path"]] = Blob(base64.b64decode(value["content"], validate=True), False)
            elif key == "lfsFile" and value["algo"] == "sha256" and self.has_arrived(value):
                files[value["path"]] = Blob(self.hub.blobs[value["oid"]], True)
                if value["size"] != len(files[value["path"]].data):
                    self.complain(f"a commit of {value}")
            elif key == "deletedFile" and value["path"] in files:
                del files[value["path"]]
            else:
                self.complain(f"a commit of {key} {value.get('path')}")
        sha = repo.commit(lines[0]["value"]["summary"], files)
        return {"success": True, "commitUrl": f"{self.hub.url}/{kind}/{id}/commit/{sha}", "commitOid": sha}

    def has_arrived(self, file):
        if file["oid"] not in self.hub.blobs:
            data = self.xet_file(file["oid"], file["size"])
            if data is not None:
                self.hub.blobs[file["oid"]] = data
        return file["oid"] in self.hub.blobs

    def tag(self, kind, id, revision):
        repo = self.repo(kind, id, write=True)
        name = self.json("tag")["tag"]
        sha, _ = self.revision(repo, revision)
        if name in repo.tags:
            raise AnswerError(409, {"error": "Tag reference exists already"})
        repo.tags[name] = sha
        return {}
