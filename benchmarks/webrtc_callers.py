"""Callers by WebRTC in a process of their own, who send Opus that is encoded already."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs.opus import OpusEncoder

from benchmarks.webrtc_server import on_loopback
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

RATE_HZ, FRAME_SAMPLES, FRAME_S = 48_000, 960, 0.02
SPEECH_S = 10.0
KITCHEN = Path(__file__).parents[1] / "examples" / "kitchen.wav"


def encoded_speech() -> list[bytes]:
    """Packets of 20 ms: talk and noises of a kitchen."""
    with wave.open(str(KITCHEN)) as kitchen:
        assert kitchen.getframerate() == SAMPLE_RATE_HZ
        speech = np.frombuffer(kitchen.readframes(round(SPEECH_S * SAMPLE_RATE_HZ)), "<i2")
    resampled = np.repeat(speech, RATE_HZ // SAMPLE_RATE_HZ).astype(np.int16)
    encoder, packets = OpusEncoder(), []
    for at in range(0, len(resampled) - FRAME_SAMPLES, FRAME_SAMPLES):
        part = resampled[at : at + FRAME_SAMPLES].reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, at, Fraction(1, RATE_HZ)
        packets += encoder.encode(frame)[0]
    return packets


class Recording(MediaStreamTrack):
    """Over and over, in real time."""

    kind = "audio"

    def __init__(self, packets: list[bytes]) -> None:
        super().__init__()
        self._packets = packets
        self._sent = 0
        self._began_at = 0.0

    async def recv(self) -> av.Packet[Any]:
        self._began_at = self._began_at or time.monotonic()
        await asyncio.sleep(self._began_at + self._sent * FRAME_S - time.monotonic())
        packet: av.Packet[Any] = av.Packet(self._packets[self._sent % len(self._packets)])
        packet.pts, packet.time_base = self._sent * FRAME_SAMPLES, Fraction(1, RATE_HZ)
        self._sent += 1
        return packet


class Caller:
    """Decodes nothing of what it hears: its cost is none of the door's."""

    def __init__(self, http: httpx.AsyncClient, packets: list[bytes]) -> None:
        self._http = http
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._channel = self.connection.createDataChannel("chat")
        self._opened = asyncio.Event()
        self._channel.on("open", self._opened.set)
        self._receiver = self.connection.addTransceiver(Recording(packets)).receiver

    async def call(self) -> None:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        body = {"sdp": self.connection.localDescription.sdp, "type": "offer"}
        answer = (await self._http.post("/api/offer", json=body, timeout=60)).json()
        description = RTCSessionDescription(answer["sdp"], answer["type"])
        await self.connection.setRemoteDescription(description)
        await asyncio.wait_for(self._opened.wait(), 60)
        self._receiver._enabled = False

    async def ping(self) -> None:
        while True:
            if self._channel.readyState == "open":
                self._channel.send("ping")
            await asyncio.sleep(1)


async def call(url: str, count: int) -> None:
    """Write a line when all are connected, and talk until stdin ends."""
    packets = encoded_speech()
    async with httpx.AsyncClient(base_url=url) as http, asyncio.TaskGroup() as group:
        callers = [Caller(http, packets) for _ in range(count)]
        for caller in callers:
            await caller.call()
        pinging = [group.create_task(caller.ping()) for caller in callers]
        print("connected", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in pinging:
            task.cancel()
        for caller in callers:
            with contextlib.suppress(ConnectionError):
                await caller.connection.close()


if __name__ == "__main__":
    on_loopback()
    asyncio.run(call(sys.argv[1], int(sys.argv[2])))
