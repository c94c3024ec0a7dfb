"""A small Hub on this machine: it answers the calls that `huggingface_hub` makes, and misbehaves where a test wants it.

The calls (read in the sources of huggingface_hub 2.4.0): repository info, paths-info, the tree in pages, `resolve` with
HEAD and GET (X-Repo-Commit, ETag, for LFS files a redirect with X-Linked-Etag and X-Linked-Size), ranges, creating a
repository, validate-yaml, preupload, the LFS batch with its upload and verify, and the commit as lines of JSON.
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_rightrightright"
OWNER = "me"
PAGE = 2  # files in a page of a tree
LARGE = 1000  # bytes from which a file is kept by LFS


@dataclass
class Repo:
    """One repository: its commits, each a path → bytes, the newest last."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: bool = False
    gated: bool = False
    titles: list[str] = field(default_factory=list)

    @property
    def head(self):
        return list(self.commits)[-1]

    def commit(self, files, title="commit"):
        whole = {**(self.commits[self.head] if self.commits else {}), **files}
        text = repr((len(self.commits), sorted(whole.items()))).encode()
        oid = hashlib.sha1(text).hexdigest()
        self.commits[oid] = whole
        self.titles.append(title)
        return oid

    def at(self, revision):
        """(commit, files) of a branch or a commit; None: there is none."""
        if revision == "main":
            return self.head, self.commits[self.head]
        return (revision, self.commits[revision]) if revision in self.commits else None


class Hub(ThreadingHTTPServer):
    """The server. `with Hub() as hub: hub.address`.

    Attributes:
        repos: ("models" or "datasets", "user/name") → Repo.
        asked: (method, path, Authorization or None) of every call.
        odd: What a test changes: path → the name that the tree has for it; see `Handler`.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos, self.asked, self.stored, self.odd = {}, [], {}, {}
        self.cuts = 0  # how many answers with content are cut in the middle
        self.faults = {}  # (method, part of a path) → status, headers, body
        self.before_commit = lambda: None
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def storage(self):
        """Another host, as large files have: the token must not go there."""
        return f"http://localhost:{self.server_address[1]}"

    def repo(self, kind, name):
        made = self.repos.setdefault((kind, name), Repo())
        made.commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        return made

    def calls(self, part=""):
        return [(method, path) for method, path, _ in self.asked if part in path]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *about):
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that goes away is none."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *about):
        """Silent."""

    def do_GET(self):
        self.answer("GET")

    def do_HEAD(self):
        self.answer("HEAD")

    def do_POST(self):
        self.answer("POST")

    def do_PUT(self):
        self.answer("PUT")

    # what every answer is made of

    def say(self, status, body=b"", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": len(data), **sent}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "HEAD":
            return
        if (
            (self.server.cuts or "cut" in self.server.odd)
            and len(data) > 2
            and self.command == "GET"
            and ("/resolve/" in self.path or "/lfs/" in self.path)
        ):
            self.server.cuts -= 1
            self.wfile.write(data[: 0 if "cut" in self.server.odd else len(data) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(data)

    def fail(self, status, code="", message=""):
        self.say(status, {"error": message or code}, X_Error_Code=code, X_Error_Message=message or code)

    def answer(self, method):
        hub, token = self.server, self.headers.get("Authorization")
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub.asked.append((method, self.path, token))
        for (verb, part), (status, headers, body) in hub.faults.items():
            if verb == method and part in self.path:
                return self.say(status, body, **headers)
        split = urlsplit(self.path)
        self.path_only, self.query = unquote(split.path), parse_qs(split.query)
        if "/lfs/" in split.path and split.path.startswith("/lfs/"):
            return self.lfs(method, split.path.rpartition("/")[2])
        if token not in (None, f"Bearer {TOKEN}"):
            return self.fail(401, "", "Invalid credentials in Authorization header")
        self.signed = token is not None
        routes = (
            ("POST", r"/api/repos/create", self.create),
            ("POST", r"/api/validate-yaml", lambda: self.say(200, {"errors": [], "warnings": []})),
            ("GET", r"/api/(models|datasets)/([^/]+/[^/]+)(?:/revision/(?P<rev>[^/]+))?", self.info),
            ("POST", r"/api/(models|datasets)/([^/]+/[^/]+)/paths-info/(?P<rev>[^/]+)", self.paths),
            ("GET", r"/api/(models|datasets)/([^/]+/[^/]+)/tree/(?P<rev>[^/]+)", self.tree),
            ("POST", r"/api/(models|datasets)/([^/]+/[^/]+)/preupload/(?P<rev>[^/]+)", self.preupload),
            ("POST", r"/api/(models|datasets)/([^/]+/[^/]+)/commit/(?P<rev>[^/]+)", self.commit),
            ("POST", r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", self.batch),
            ("HEAD", r"/(datasets/)?([^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<file>.+)", self.resolve),
            ("GET", r"/(datasets/)?([^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<file>.+)", self.resolve),
        )
        for verb, pattern, work in routes:
            if verb == method and (found := re.fullmatch(pattern, split.path)):
                if work in (self.create, self.batch) or not found.groups():
                    return work()
                kind = {"datasets/": "datasets", None: "models"}.get(found[1], found[1])
                return self.within(work, kind, found[2], unquote(found.groupdict()["rev"] or "main"), found)
        return self.fail(404, "", "no such call")

    def within(self, work, kind, name, revision, found):
        repo = self.server.repos.get((kind, name))
        if repo is None or (repo.private and not self.signed):
            return self.fail(404 if self.signed else 401, "RepoNotFound", "Repository not found")
        if repo.gated and not self.signed:
            return self.fail(401, "GatedRepo", "Access is restricted")
        if repo.at(revision) is None:
            return self.fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return work(repo, *repo.at(revision), kind, name, found)

    # reading

    def info(self, repo, commit, files, kind, name, found):
        self.say(200, {
            "_id": "1", "id": name, "sha": self.server.odd.get("sha", commit), "private": repo.private, "gated": False,
            "downloads": 0, "likes": 0, "tags": [], "siblings": [{"rfilename": path} for path in files],
        })  # fmt: skip

    def listed(self, path, data):
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        oid = hashlib.sha256(data).hexdigest()
        size = self.server.odd.get("size", len(data))
        path = self.server.odd.get(path, path)
        large = {"oid": self.server.odd.get("oid", oid), "size": size, "pointerSize": 130}
        return {"type": "file", "path": path, "size": size, "oid": git} | ({"lfs": large} if len(data) >= LARGE else {})

    def paths(self, repo, commit, files, kind, name, found):
        wanted = json.loads(self.body)["paths"] if self.body.startswith(b"{") else parse_qs(self.body.decode())["paths"]
        self.say(200, [self.listed(path, files[path]) for path in wanted if path in files])

    def tree(self, repo, commit, files, kind, name, found):
        folders = sorted({path.rpartition("/")[0] for path in files if "/" in path})
        listed = [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in folders]
        listed += [self.listed(path, data) for path, data in sorted(files.items())]
        first = int(self.query.get("cursor", ["0"])[0])
        base = f"{self.server.address}{urlsplit(self.path).path}"
        more = (
            {"Link": f'<{base}?recursive=True&cursor={first + PAGE}>; rel="next"'} if first + PAGE < len(listed) else {}
        )
        self.say(200, listed[first : first + PAGE], **more)

    def resolve(self, repo, commit, files, kind, name, found):
        path = unquote(found["file"])
        known = {self.server.odd.get(each, each): data for each, data in files.items()}
        if path not in known:
            return self.fail(404, "EntryNotFound", "Entry not found")
        data = known[path]
        oid = hashlib.sha256(data).hexdigest()
        if len(data) >= LARGE:
            self.server.stored[oid] = data
            return self.say(
                302, b"", X_Repo_Commit=commit, ETag='"pointer"', X_Linked_Etag=f'"{oid}"', X_Linked_Size=len(data),
                Location=f"{self.server.storage}/lfs/{oid}",
            )  # fmt: skip
        return self.part(data, X_Repo_Commit=commit, ETag=f'"{oid[:40]}"')

    def part(self, data, **headers):
        data = self.server.odd.get("content", data)
        if wanted := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
            first = int(wanted[1])
            return self.say(206, data[first:], Content_Range=f"bytes {first}-{len(data) - 1}/{len(data)}", **headers)
        return self.say(200, data, **headers)

    def lfs(self, method, oid):
        if method in ("GET", "HEAD"):
            return self.part(self.server.stored[oid], ETag=f'"{oid}"')
        if method == "PUT":
            self.server.stored[hashlib.sha256(self.body).hexdigest()] = self.body
            return self.say(200)
        return self.say(200 if json.loads(self.body)["oid"] in self.server.stored else 404, {})

    # writing

    def may(self, name):
        return self.signed and name.partition("/")[0] == OWNER

    def create(self):
        asked = json.loads(self.body)
        name = f"{asked.get('organization')}/{asked['name']}"
        if not self.may(name):
            return self.fail(403 if self.signed else 401, "", f"You don't have the rights to create under {name}")
        made = self.server.repo("models", name)
        made.private = asked.get("visibility") == "private" or bool(asked.get("private"))
        return self.say(200, {"url": f"{self.server.address}/{name}", "name": name})

    def preupload(self, repo, commit, files, kind, name, found):
        if not self.may(name):
            return self.fail(403, "", "You don't have the rights")
        asked = json.loads(self.body)["files"]
        modes = [("lfs" if each["size"] >= LARGE and not each["path"].endswith(".md") else "regular") for each in asked]
        files = [{"path": each["path"], "uploadMode": mode, "shouldIgnore": False} for each, mode in zip(asked, modes)]
        return self.say(200, {"files": files})

    def batch(self):
        objects = []
        for each in json.loads(self.body)["objects"]:
            where = {"href": f"{self.server.storage}/lfs/{each['oid']}"}
            actions = {} if each["oid"] in self.server.stored else {"actions": {"upload": where, "verify": where}}
            objects.append({**each, **actions})
        self.say(200, {"transfer": "basic", "objects": objects}, Content_Type="application/vnd.git-lfs+json")

    def commit(self, repo, commit, files, kind, name, found):
        self.server.before_commit()
        head, *lines = [json.loads(line) for line in self.body.splitlines()]
        if head["value"].get("parentCommit", repo.head) != repo.head:
            return self.fail(412, "", "A commit has happened since. Please refresh and try again.")
        new = {}
        for line in lines:
            value = line["value"]
            new[value["path"]] = (
                base64.b64decode(value["content"]) if line["key"] == "file" else self.server.stored[value["oid"]]
            )
        oid = repo.commit(new, head["value"]["summary"])
        url = f"{self.server.address}/{name}/commit/{oid}"
        return self.say(200, {"success": True, "commitOid": oid, "commitUrl": url})
