"""`interject livekit start` as a process of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tests.live.interject_process import InterjectProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.livekit.server import LiveKitServer


class LiveKitWorker(InterjectProcess):
    """Ready once the server knows it."""

    def __init__(self, server: LiveKitServer, folder: Path, *options: str) -> None:
        super().__init__(
            ["livekit", "start", "--health", "127.0.0.1:0", *options],
            folder / "worker.log",
            ready="registered worker",
            environment=server.environment,
        )


@contextlib.contextmanager
def working(server: LiveKitServer, folder: Path, *options: str) -> Iterator[LiveKitWorker]:
    """A registered worker, gone at the end."""
    worker = LiveKitWorker(server, folder, *options)
    try:
        worker.start()
        yield worker
    finally:
        worker.kill()
