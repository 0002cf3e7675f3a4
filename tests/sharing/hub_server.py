"""A Hugging Face Hub of one process, on this machine: what huggingface_hub asks of it, no more."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_" + "a" * 34


class Hub:
    """Repositories by name: files by path."""

    def __init__(self):
        self.repositories = dict[str, dict[str, bytes]]()
        self.asked = list[str]()
        self.endpoint = ""

    def commit(self, name: str) -> str:
        content = sorted((path, data) for path, data in self.repositories[name].items())
        return hashlib.sha1(repr(content).encode()).hexdigest()


@contextmanager
def serving() -> Iterator[Hub]:
    """The Hub, while it serves on a port of 127.0.0.1."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.answer(*get(hub, unquote(urlsplit(self.path).path)))

        do_HEAD = do_GET

        def do_POST(self):
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.answer(401, {"error": "Invalid username or password."}, {})
                return
            self.answer(*post(hub, unquote(urlsplit(self.path).path), body))

        def answer(self, status: int, body: Any, headers: dict[str, str]) -> None:
            hub.asked.append(f"{self.command} {self.path} {status}")
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        hub.endpoint = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield hub
        finally:
            server.shutdown()


def get(hub: Hub, path: str) -> tuple[int, Any, dict[str, str]]:
    parts = path.strip("/").split("/")
    if parts[0] == "api" and "/".join(parts[2:4]) in hub.repositories:
        name = "/".join(parts[2:4])
        files, commit = hub.repositories[name], hub.commit(name)
        if "tree" in parts:
            return 200, [_about(path, data) for path, data in files.items()], {}
        siblings = [{"rfilename": path} for path in files]
        return 200, {"id": name, "sha": commit, "siblings": siblings, "private": False}, {}
    if len(parts) > 4 and parts[2] == "resolve":
        name, file = "/".join(parts[:2]), "/".join(parts[4:])
        data = hub.repositories.get(name, {}).get(file)
        if data is not None:
            etag = f'"{hashlib.sha1(data).hexdigest()}"'
            return 200, data, {"X-Repo-Commit": hub.commit(name), "ETag": etag}
        return 404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"}
    if path == "/":
        return 200, {}, {}
    return 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}


def post(hub: Hub, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
    parts = path.strip("/").split("/")
    if path == "/api/repos/create":
        told = json.loads(body)
        name = f"{told['organization']}/{told['name']}" if "organization" in told else told["name"]
        about = {"url": f"{hub.endpoint}/{name}", "name": name}
        if name in hub.repositories:
            return 409, about | {"error": "You already created this model repo"}, {}
        hub.repositories[name] = {}
        return 200, about, {}
    name = "/".join(parts[2:4])
    if path == "/api/validate-yaml":
        return 200, {"errors": [], "warnings": []}, {}
    if "preupload" in parts:
        files = [one["path"] for one in json.loads(body)["files"]]
        modes = [{"path": p, "uploadMode": "regular", "shouldIgnore": False} for p in files]
        return 200, {"files": modes}, {}
    if "commit" in parts:
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                hub.repositories[name][line["value"]["path"]] = content
        commit = hub.commit(name)
        url = f"{hub.endpoint}/{name}/commit/{commit}"
        return 200, {"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""}, {}
    return 404, {"error": f"nothing at {path}"}, {}


def _about(path: str, data: bytes) -> dict[str, object]:
    return {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
