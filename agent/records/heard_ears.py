"""What the model heard, as FLAC: after consent, and of nobody who has withdrawn it."""

from __future__ import annotations

import logging
import os
from collections import deque
from typing import TYPE_CHECKING

import av
import numpy as np

from interject.agent.rewritten_runtime import RewrittenRuntime
from interject.model_runtime.forwarding import ForwardingSession
from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.model_runtime.protocol import Frame, Runtime, RuntimeSession

logger = logging.getLogger(__name__)

MOST_FRAMES = 108_000
"""Twelve hours."""
MOST_EARS = 64
AT_ONCE = 250
"""Frames that are encoded while a call waits, 20 ms of work: after an hour on hold more is owed."""
SILENCE = bytes(2 * FRAME_SAMPLES)
AS_IT_COMES = {"flush_packets": "1"}
"""Else FFmpeg keeps the last 256 KiB to itself: of a quiet call all of it, until its end."""


class HeardEars:
    """One file for each ear of a session: `heard-1.flac`, and so on. A frame is where it was in the
    stream: what never came is silence.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ears: list[HeardFile] = []
        self._over = False

    def ear(self) -> Callable[[Frame], None] | None:
        """Of one session more. None: of so many nothing is kept, or the record is over."""
        if self._over or len(self._ears) >= MOST_EARS:
            return None
        ear = HeardFile(self._folder / f"heard-{len(self._ears) + 1}.flac")
        self._ears.append(ear)
        return ear.write

    def around(self, runtime: Runtime) -> Runtime:
        return RewrittenRuntime(runtime, self._kept)

    @property
    def failure(self) -> Exception | None:
        """Why one of the files is not whole."""
        return next((ear.failure for ear in self._ears if ear.failure), None)

    def close(self) -> None:
        """Nothing more is kept."""
        self._over = True
        for ear in self._ears:
            ear.close()

    def _kept(self, inner: RuntimeSession) -> RuntimeSession:
        ear = self.ear()
        return inner if ear is None else HeardSession(inner, ear)


class HeardSession(ForwardingSession):
    def __init__(self, inner: RuntimeSession, ear: Callable[[Frame], None]) -> None:
        super().__init__(inner)
        self._ear = ear

    async def push(self, frame: Frame) -> None:
        self._ear(frame)
        await self.inner.push(frame)


class HeardFile:
    """A file that cannot be written is given up, and the session goes on; `failure` says why."""

    def __init__(self, path: Path) -> None:
        self.failure: Exception | None = None
        self._path = path
        self._container: av.container.OutputContainer | None = None
        self._stream: av.AudioStream
        self._waiting: deque[Frame] = deque()
        self._next_seq = self._encoded = 0
        self._over = False

    def write(self, frame: Frame) -> None:
        if self._over or frame.seq < self._next_seq or frame.seq >= MOST_FRAMES:
            return
        self._next_seq = frame.seq + 1
        self._waiting.append(frame)
        try:
            self._encode_some(AT_ONCE)
        except (OSError, av.FFmpegError) as error:
            self._over = True
            self._waiting.clear()
            self._give_up(error)

    def close(self) -> None:
        self._over = True
        try:
            self._encode_some(MOST_FRAMES)
            container, self._container = self._container, None
            if container is not None:
                with container:
                    container.mux(self._stream.encode(None))
        except (OSError, av.FFmpegError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.failure = self.failure or error
        logger.warning("Sound is kept no more", extra={"error_type": type(error).__name__})

    def _encode_some(self, most: int) -> None:
        """The frames that are owed, and silence for those that never came."""
        for _ in range(most):
            if not self._waiting:
                return
            is_here = self._waiting[0].seq == self._encoded
            self._encode(self._waiting.popleft().pcm if is_here else SILENCE)
            self._encoded += 1

    def _encode(self, pcm: bytes) -> None:
        if self._container is None:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))
            self._container = av.open(str(self._path), "w", format="flac", options=AS_IT_COMES)
            self._stream = self._container.add_stream("flac", rate=SAMPLE_RATE_HZ)
            self._stream.layout = "mono"
        samples = np.frombuffer(pcm, "<i2")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        self._container.mux(self._stream.encode(frame))
