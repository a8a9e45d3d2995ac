"""Redis as `deploy/redis/start.sh` starts it, on a free loopback port."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry

from tests.live.redis.server import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
START_S = 60.0
NO_RETRY = Retry(NoBackoff(), 0)
ADMIN = "user test-admin on >test-admin ~* &* +@all\n"


@dataclass(frozen=True)
class Denial:
    """An entry of Redis' log of refused calls."""

    user: str
    what: str


class GuardedRedis:
    """The shipped files, and one user more who can read the log of refusals."""

    def __init__(self, folder: Path, *options: str, tenants: Sequence[str] = ()) -> None:
        self.port = free_port()
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copytree(DEPLOY / "redis", folder / "redis")
        with (folder / "redis" / "users.acl").open("a", encoding="utf-8") as users:
            users.write(ADMIN)
        (folder / "secrets").mkdir()
        for role in ("media", "worker", "ops", *(f"media-{tenant}" for tenant in tenants)):
            (folder / "secrets" / role).write_text(f"secret-{role}\n")

    def url(self, role: str) -> str:
        return f"redis://interject-{role}:secret-{role}@127.0.0.1:{self.port}/0"

    def client(self, role: str) -> Redis:
        return Redis.from_url(self.url(role), protocol=2, decode_responses=True, retry=NO_RETRY)

    def admin(self) -> Redis:
        url = f"redis://test-admin:test-admin@127.0.0.1:{self.port}/0"
        return Redis.from_url(url, protocol=2, decode_responses=True, retry=NO_RETRY)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                str(self._folder / "redis" / "start.sh"),
                "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder),
                *self._options,
            ],
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "INTERJECT_SECRETS": str(self._folder / "secrets"),
                "INTERJECT_REDIS_RUN": str(self._folder),
            },
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self._process.poll() is None, "start.sh ended"
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9: it forgets everything."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def denials(self) -> list[Denial]:
        """What was refused to anyone, but for a client's greeting (`CLIENT SETINFO`)."""
        with self.admin() as admin:
            log: Any = admin.acl_log()
        found = [Denial(entry["username"], entry["object"]) for entry in log]
        return [denial for denial in found if not denial.what.startswith("client|")]

    def _answers(self) -> bool:
        try:
            with self.admin() as admin:
                return bool(admin.ping())
        except ConnectionError:
            return False
        except RedisError as error:
            raise AssertionError(f"the admin of the test cannot log in: {error}") from error
