"""A hub of models over real HTTP: its API, its files, and what goes wrong between them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPOSITORY = "somebody/tiny"
COMMIT = hashlib.sha1(b"first").hexdigest()
LARGE_BYTES = 100_000


@dataclass
class Hub:
    """Serves one repository. `cut_after` bytes of a file its connection breaks, once each."""

    files: dict[str, bytes]
    token: str | None = None
    cut_after: dict[str, int] = field(default_factory=dict)
    lies: dict[str, bytes] = field(default_factory=dict)
    status: int | None = None
    gated: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Method and path, and which range was wanted."""
    url: str = ""

    def sha256(self, name: str) -> str:
        return hashlib.sha256(self.files[name]).hexdigest()

    def git_hash(self, name: str) -> str:
        content = self.files[name]
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    def info(self) -> dict[str, object]:
        siblings = []
        for name, content in self.files.items():
            entry: dict[str, object] = {
                "rfilename": name, "size": len(content), "blobId": self.git_hash(name),
            }  # fmt: skip
            if len(content) > LARGE_BYTES:
                entry["blobId"] = "0" * 40
                entry["lfs"] = {
                    "sha256": self.sha256(name), "size": len(content), "pointerSize": 134,
                }  # fmt: skip
            siblings.append(entry)
        return {"id": REPOSITORY, "sha": COMMIT, "siblings": siblings}


@contextlib.contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """On a free port of 127.0.0.1 until the block is left."""

    class Handler(_HubHandler):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class _HubHandler(BaseHTTPRequestHandler):
    served: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        self.served.asked.append((f"{self.command} {self.path}", self.headers.get("Range")))
        path = unquote(urlsplit(self.path).path)
        api, revision = f"/api/models/{REPOSITORY}/revision/", path.rpartition("/revision/")[2]
        if self.served.status is not None:
            self._answer(self.served.status, b"")
        elif not path.startswith((api, f"/{REPOSITORY}/resolve/")):
            self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif self.served.gated:
            self._answer(403, b"", {"X-Error-Code": "GatedRepo"})
        elif not self._may_see():
            message = {"X-Error-Message": "Invalid credentials in Authorization header"}
            given = self.headers.get("Authorization") is not None
            self._answer(401, b"", message if given else {})
        elif path.startswith(api):
            if revision not in ("main", COMMIT):
                self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
                return
            self._answer(200, json.dumps(self.served.info()).encode())
        else:
            self._file(path.removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/"))

    def _may_see(self) -> bool:
        token = self.served.token
        return token is None or self.headers.get("Authorization") == f"Bearer {token}"

    def _file(self, name: str) -> None:
        content = self.served.lies.get(name, self.served.files.get(name))
        if content is None:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        first, wanted = 0, self.headers.get("Range")
        if wanted:
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
        headers = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        cut = self.served.cut_after.pop(name, None)
        body = content[first:]
        self._answer(206 if wanted else 200, body, headers if wanted else {}, cut=cut)

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
