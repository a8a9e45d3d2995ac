"""How a worker ends that nobody stopped."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.timeout(240)

WORKER = """
import sys
from interject.cli.livekit.serving import run_worker
from interject.integrations.livekit.jobs.access import Access, RoomFailure
from interject.integrations.livekit.jobs.worker import WorkerSettings, make_server

access = Access("ws://127.0.0.1:1", "key", "s" * 32)
server = make_server(WorkerSettings(runtime="local:nano", slots=1), access)
server.update_options(max_retry=0)
sys.argv = ["interject livekit", "start"]
try:
    run_worker(server, access)
except RoomFailure as failure:
    print(failure, file=sys.stderr)
    sys.exit(2)
"""
"""LiveKit's command line takes over the signals of its process."""


def test_a_worker_whose_server_stays_away_fails_so_that_it_is_started_again() -> None:
    worker = subprocess.run(
        [sys.executable, "-c", WORKER], capture_output=True, text=True, timeout=200, check=False
    )
    assert worker.returncode == 2
    assert worker.stderr.splitlines()[-1] == (
        "ws://127.0.0.1:1: the worker cannot go on (failed to connect to livekit after 0 attempts);"
        " start it again when the server is back"
    )
