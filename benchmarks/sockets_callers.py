"""Whoever dials in by plain sockets, in a process of its own: 16 kHz both ways, 20 ms at a time."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import wave
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

FRAME_S, FRAME_SAMPLES = 0.02, 320
KITCHEN = Path(__file__).parents[1] / "examples" / "kitchen.wav"


def frames() -> list[bytes]:
    """Talk and noises of a kitchen."""
    with wave.open(str(KITCHEN)) as kitchen:
        assert kitchen.getframerate() == FRAME_SAMPLES / FRAME_S
        sound = kitchen.readframes(kitchen.getnframes())
    step = 2 * FRAME_SAMPLES
    return [sound[at : at + step] for at in range(0, len(sound) - step, step)]


class Dialler:
    """`heard` counts bytes of speech."""

    def __init__(self, sound: list[bytes], number: int) -> None:
        self._sound = sound
        self._number = number
        self.heard = 0
        self.ready = asyncio.Event()

    async def call(self, url: str) -> None:
        async with connect(url, compression=None, proxy=None, ping_interval=None) as socket:
            await socket.send('{"type": "hello", "reads": true}')
            reading = asyncio.create_task(self._read(socket))
            with contextlib.suppress(ConnectionClosed):
                await self._say(socket)
            await reading

    async def _say(self, socket: ClientConnection) -> None:
        await self.ready.wait()
        began_at, sent = time.monotonic(), 0
        while True:
            await socket.send(self._sound[(37 * self._number + sent) % len(self._sound)])
            sent += 1
            await asyncio.sleep(began_at + sent * FRAME_S - time.monotonic())

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                if isinstance(message, bytes):
                    self.heard += len(message)
                else:
                    self.ready.set()


async def call(url: str, count: int) -> None:
    """Write a line when all are answered, then what was heard whenever it is asked, until stdin
    ends.
    """
    sound = frames()
    diallers = [Dialler(sound, number) for number in range(count)]
    tasks = []
    for dialler in diallers:
        tasks.append(asyncio.create_task(dialler.call(url)))
        await dialler.ready.wait()
    print("connected", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(
            sum(dialler.heard for dialler in diallers) / (2 * FRAME_SAMPLES / FRAME_S), flush=True
        )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(call(sys.argv[1], int(sys.argv[2])))
