"""A real LiveKit server on free loopback ports, that a test may kill and start again."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from livekit import api

from tests.live.redis.server import free_port

if TYPE_CHECKING:
    from datetime import timedelta

PROGRAM = Path(__file__).parents[3] / ".cache" / "livekit" / "livekit-server"
START_S = 30.0
ATTEMPTS = 3
KEY = "interject"
SECRET = "a secret of at least thirty-two characters"


def free_udp_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LiveKitServer:
    """Everything on the loopback device; `settings` are further keys of its configuration."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.key, self.secret = KEY, SECRET
        self._folder = folder
        self._settings = settings
        self._log = folder / "livekit-server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._ran = False
        self._choose_ports()

    def _choose_ports(self) -> None:
        self.port, self._tcp_port, self._udp_port = free_port(), free_port(), free_udp_port()
        self.url = f"ws://127.0.0.1:{self.port}"

    def _configuration(self) -> dict[str, object]:
        """A room without people ends after 2 s instead of 20, so that no test waits for it."""
        return {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "rtc": {
                "tcp_port": self._tcp_port,
                "udp_port": self._udp_port,
                "node_ip": "127.0.0.1",
                "use_external_ip": False,
                "interfaces": {"includes": ["lo"]},
                "enable_loopback_candidate": True,
            },
            "keys": {KEY: SECRET},
            "logging": {"level": "warn"},
            "room": {"departure_timeout": 2},
            **self._settings,
        }

    @property
    def environment(self) -> dict[str, str]:
        """What LiveKit's own tools read."""
        return {
            "LIVEKIT_URL": self.url,
            "LIVEKIT_API_KEY": self.key,
            "LIVEKIT_API_SECRET": self.secret,
        }

    def start(self) -> None:
        """Returns once it answers. After a kill it has the same ports."""
        for _ in range(ATTEMPTS - 1):
            if self._started():
                return
            if self._ran:
                break
            self._choose_ports()
        assert self._started(), self._log.read_text(encoding="utf-8", errors="replace")

    def _started(self) -> bool:
        """False: it ended by itself, perhaps since another process took one of its ports."""
        config = self._folder / "livekit.yaml"
        config.write_text(json.dumps(self._configuration()), encoding="utf-8")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), "--config", str(config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            said = self._log.read_text(encoding="utf-8", errors="replace")
            assert time.monotonic() < deadline, f"livekit-server did not start: {said}"
            if self._process.poll() is not None:
                return False
            time.sleep(0.02)
        self._ran = self._process.poll() is None
        return self._ran

    def kill(self) -> None:
        """kill -9: rooms and participants are gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """SIGTERM, as an update would do; it lets go of its rooms first."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=START_S)
            finally:
                self.kill()

    def token(self, identity: str, room: str, *, ttl: timedelta | None = None) -> str:
        grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
        token = api.AccessToken(self.key, self.secret).with_identity(identity).with_grants(grants)
        return (token if ttl is None else token.with_ttl(ttl)).to_jwt()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return connection.recv(64).startswith(b"HTTP/1.")
        except OSError:
            return False
