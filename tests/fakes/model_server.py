"""A real HTTP server on the loopback that answers as a test says, well or badly."""

from __future__ import annotations

import json
import select
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Scripted:
    """`cut_at`: the connection breaks after so many bytes. `drip_s`: the pause behind each byte.
    `hold_at`: nothing follows after so many bytes, until the client has left.
    """

    body: bytes = b""
    status: int = 200
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    cut_at: int | None = None
    drip_s: float = 0.0
    hold_at: int | None = None


@dataclass(frozen=True)
class Received:
    path: str
    key: str | None
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class ModelServer:
    """`answers` are given in turn, the last one for ever; or `respond` makes them."""

    answers: list[Scripted] = field(default_factory=list)
    respond: Callable[[Received], Scripted] | None = None
    received: list[Received] = field(default_factory=list)
    url: str = ""
    ended: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Received) -> Scripted:
        with self.lock:
            self.received.append(request)
            if self.respond is not None:
                return self.respond(request)
            return self.answers[min(len(self.received), len(self.answers)) - 1]


def said(text: str) -> Scripted:
    """A chat completion."""
    message = {"role": "assistant", "content": text}
    return Scripted(json.dumps({"choices": [{"index": 0, "message": message}]}).encode())


def streamed(*pieces: str | dict[str, Any], usage: tuple[int, int] | None = None) -> Scripted:
    """The same in pieces: words, or deltas as they are."""
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": one} if isinstance(one, str) else one}]}
        for one in pieces
    ]
    if usage is not None:
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
        chunks.append({"choices": [], "usage": counts})
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return Scripted("".join([*lines, "data: [DONE]\n\n"]).encode(), kind="text/event-stream")


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up resets the connection, which is what some tests are about."""


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = server.answer(Received(self.path, self.headers.get("Authorization"), body))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            try:
                self._send(answer)
            except ConnectionError:
                self.close_connection = True

        def _send(self, answer: Scripted) -> None:
            if answer.cut_at is not None:
                self.wfile.write(answer.body[: answer.cut_at])
                self.close_connection = True
            elif answer.hold_at is not None:
                self.wfile.write(answer.body[: answer.hold_at])
                self._wait_until_left()
            elif answer.drip_s:
                for byte in answer.body:
                    if server.ended.wait(answer.drip_s):
                        return
                    self.wfile.write(bytes((byte,)))
            else:
                self.wfile.write(answer.body)

        def _wait_until_left(self) -> None:
            self.close_connection = True
            while not server.ended.is_set():
                if select.select([self.connection], [], [], 0.01)[0]:
                    server.left.set()
                    return

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    httpd = _QuietServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{httpd.server_port}/v1"
    try:
        yield server
    finally:
        server.ended.set()
        httpd.shutdown()
        thread.join()
        httpd.server_close()
