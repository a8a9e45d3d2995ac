"""`/metrics`, `/healthz` and `/readyz` over HTTP, from a thread of its own.

A thread, so that a hanging event loop is still reported. Plain HTTP without a password: bound to
loopback unless the operator names another address.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from prometheus_client.exposition import choose_encoder

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.address import split_address

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from interject.model_runtime.telemetry.health import Health, HealthStatus

PLAIN = "text/plain; charset=utf-8"
REQUEST_TIMEOUT_S = 5.0
MAX_CONNECTIONS = 32
"""Each takes a thread and a descriptor of the worker. The oldest is cut for one more: whoever is
answered is gone in milliseconds, or has come to stay.
"""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: HTTPStatus
    kind: str
    body: bytes


class TelemetryServer:
    """Listens from `start` to `stop`."""

    def __init__(self, address: str, registry: CollectorRegistry, health: Health) -> None:
        """`address` is `host:port`, `[host]:port` for IPv6; port 0 takes a free one.

        :raises RuntimeFailure: when it is no such address, or is in use.
        """
        self._registry = registry
        self._health = health
        try:
            self._http = _Server(split_address(address), self)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "no name of a host"
            raise RuntimeFailure(
                f"cannot serve metrics at {address}: {why.lower()}; name another address"
            ) from None
        self._thread = threading.Thread(
            target=self._http.serve_forever, name="interject-telemetry", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, path: str, accept: str) -> HttpAnswer:
        """What a GET of `path` returns."""
        match path.partition("?")[0]:
            case "/metrics":
                encode, kind = choose_encoder(accept)
                return HttpAnswer(HTTPStatus.OK, kind, encode(self._registry))
            case "/healthz":
                return _health_answer(self._health.alive())
            case "/readyz":
                return _health_answer(self._health.ready())
        return HttpAnswer(HTTPStatus.NOT_FOUND, PLAIN, b"try /metrics, /healthz or /readyz\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], telemetry: TelemetryServer) -> None:
        """A name of both families is served on IPv4."""
        self.telemetry = telemetry
        self._connections: dict[socket.socket, None] = {}
        self._counting = threading.Lock()
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        best = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        self.address_family = best[0]
        super().__init__(cast("tuple[str, int]", best[4]), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._counting:
            self._connections[request] = None
            if len(self._connections) > MAX_CONNECTIONS:
                oldest = next(iter(self._connections))
                del self._connections[oldest]
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._counting:
            self._connections.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle of an answer is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_TIMEOUT_S
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply(with_body=True)

    def do_HEAD(self) -> None:
        self._reply(with_body=False)

    def version_string(self) -> str:
        return "interject"

    def log_message(self, format: str, *args: object) -> None:
        """A probe every second is nothing to log."""

    def _reply(self, *, with_body: bool) -> None:
        answer = self.server.telemetry.answer(self.path, self.headers.get("Accept", ""))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)


def _health_answer(health: HealthStatus) -> HttpAnswer:
    status = HTTPStatus.OK if health.good else HTTPStatus.SERVICE_UNAVAILABLE
    return HttpAnswer(status, PLAIN, f"{health.reason}\n".encode())
