"""A client like a browser, made of aiortc: it speaks, hears, and writes on a data channel."""

from __future__ import annotations

import asyncio
import json
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from tests.waiting import until

if TYPE_CHECKING:
    import httpx
    from numpy.typing import NDArray

RATE_HZ = 48_000
FRAME_SAMPLES = 960
PING_S = 1.0


class Microphone(MediaStreamTrack):
    """Plays mono samples at 48 kHz in real time, then silence until it is given more; or `again`
    and again.
    """

    kind = "audio"

    def __init__(self, sound: NDArray[np.int16] | None = None, *, again: bool = False) -> None:
        super().__init__()
        self._again = sound if again else None
        self._sound = np.zeros(0, np.int16) if sound is None else sound
        self._frames = 0
        self.began_at: float | None = None

    async def play(self, sound: NDArray[np.int16]) -> None:
        """Return when it has been played."""
        self._sound = sound
        await until(lambda: not len(self._sound), "the sound to be played")

    async def recv(self) -> AudioFrame:
        self.began_at = self.began_at or time.monotonic()
        await asyncio.sleep(self.began_at + self._frames * 0.02 - time.monotonic())
        if self.readyState != "live":
            raise MediaStreamError
        at = self._frames * FRAME_SAMPLES
        if self._again is not None and not len(self._sound):
            self._sound = self._again
        samples = np.zeros(FRAME_SAMPLES, np.int16)
        part, self._sound = self._sound[:FRAME_SAMPLES], self._sound[FRAME_SAMPLES:]
        samples[: len(part)] = part
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE_HZ, at
        frame.time_base = Fraction(1, RATE_HZ)
        self._frames += 1
        return frame


class Browser:
    """Used with `async with`, which closes it as a browser closes a tab."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        sound: NDArray[np.int16] | None = None,
        again: bool = False,
        pings: bool = True,
        writes: bool = True,
    ) -> None:
        self._http = http
        self._pings = pings and writes
        self._writes = writes
        self.microphone = Microphone(sound, again=again)
        self.messages: list[dict[str, Any]] = []
        self.heard: list[tuple[float, int]] = []
        self.pieces: list[NDArray[np.int16]] = []
        self.pc_id = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._make()

    def _make(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if self._writes:
            self.channel = self.connection.createDataChannel("chat")
            self.channel.on("message", lambda text: self.messages.append(json.loads(text)))
        self.connection.on("track", self._follow)
        self.connection.addTrack(self.microphone)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self.connection.close()

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def connect(self, **more: Any) -> httpx.Response:
        """Post an offer and take the answer, if it is one."""
        body = {"sdp": await self.offer(), "type": "offer", **more}
        response = await self._http.post("/api/offer", json=body)
        if response.is_success:
            await self.take(response.json())
        return response

    async def take(self, answer: dict[str, str]) -> None:
        self.pc_id = answer["pc_id"]
        description = RTCSessionDescription(answer["sdp"], answer["type"])
        await self.connection.setRemoteDescription(description)
        if self._pings and not self._tasks:
            self._tasks.append(asyncio.create_task(self._ping()))

    async def reconnect(self) -> httpx.Response:
        """As after a change of networks: a new connection for the same call."""
        old = self.connection
        self.microphone = Microphone()
        self._make()
        response = await self.connect(pc_id=self.pc_id, restart_pc=True)
        await old.close()
        return response

    async def open(self) -> None:
        await until(lambda: self.channel.readyState == "open")

    def send(self, kind: str, data: object = None, message_id: str = "1") -> None:
        message = {"label": "rtvi-ai", "type": kind, "id": message_id, "data": data}
        self.channel.send(json.dumps(message))

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The data of all messages of a type; of server messages by their own type."""
        return [
            one["data"]
            for one in self.messages
            if one.get("type") == kind
            or (one.get("type") == "server-message" and one["data"]["type"] == kind)
        ]

    async def until_told(self, kind: str) -> dict[str, Any]:
        await until(lambda: self.told(kind), kind)
        return self.told(kind)[0]

    def forget(self) -> None:
        """What was heard and told so far."""
        for found in (self.messages, self.heard, self.pieces):
            found.clear()

    @property
    def loudest(self) -> int:
        return max((level for _, level in self.heard), default=0)

    def _follow(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._listen(track)))

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = cast("AudioFrame", await track.recv())
            except MediaStreamError:
                return
            sound = np.asarray(frame.to_ndarray().reshape(-1), np.int16)
            self.pieces.append(sound)
            self.heard.append((time.monotonic(), int(np.abs(sound.astype(np.int32)).max())))

    async def _ping(self) -> None:
        while True:
            if self.channel.readyState == "open":
                self.channel.send(f"ping: {time.time():.0f}")
            await asyncio.sleep(PING_S)
