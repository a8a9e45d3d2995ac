"""A real Chromium without a window, driven through its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
START_S = 30.0
ANSWER_S = 60.0
MISSING = "there is no Chromium here: install Debian's `chromium`"
MOST_BYTES = 64 << 20


def program() -> str | None:
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Chromium:
    """One page of one browser. Its microphone plays `sound`, a WAV file, once, and everything is
    allowed to it without a question. Used with `async with`.
    """

    def __init__(self, folder: Path, sound: Path | None = None, *, size: str = "1280,900") -> None:
        self._folder = folder
        self._sound = sound
        self._size = size
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: ClientConnection | None = None
        self._ids = itertools.count(1)
        self.console: list[str] = []

    async def __aenter__(self) -> Self:
        self._start()
        try:
            await self._attach()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._process is not None:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, 10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)

    def _start(self) -> None:
        found = program()
        if found is None:
            raise FileNotFoundError(MISSING)
        microphone = (
            [f"--use-file-for-fake-audio-capture={self._sound}%noloop"] if self._sound else []
        )
        command = [
            found,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--remote-debugging-port=0",
            f"--user-data-dir={self._folder / 'profile'}",
            f"--window-size={self._size}",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            "--allow-loopback-in-peer-connection",
            "--autoplay-policy=no-user-gesture-required",
            *microphone,
            "about:blank",
        ]
        with (self._folder / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def run(self, script: str) -> Any:
        """What an expression, or the promise that it is, comes to.

        :raises AssertionError: when it throws.
        """
        answer = await self.call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, script: str, *, within_s: float = 30.0) -> None:
        """:raises AssertionError: when it does not become true."""
        deadline = time.monotonic() + within_s
        while not await self.run(f"Boolean({script})"):
            if time.monotonic() > deadline:
                page = await self.run("document.body.innerText")
                raise AssertionError(f"waited in vain for {script}; {self.console}; {page}")
            await asyncio.sleep(0.05)

    async def looks(self, *, dark: bool = False) -> None:
        """Which of a page's two looks a person has asked for."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[feature])

    async def size(self, width: int, height: int, *, scale: float = 1.0) -> None:
        """In pixels of CSS, whatever a browser's own window may be."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=scale, mobile=False,
        )  # fmt: skip

    async def enter(self) -> None:
        """Press that key, wherever the focus is."""
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent",
                type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13,
            )  # fmt: skip

    async def picture(self) -> bytes:
        """Of the page as it looks now, in PNG."""
        shot = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(shot["data"])

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        assert self._socket is not None
        number = next(self._ids)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        async with asyncio.timeout(ANSWER_S):
            while True:
                message: dict[str, Any] = json.loads(await self._socket.recv())
                self._note(message)
                if message.get("id") == number:
                    assert "error" not in message, message["error"]
                    result: dict[str, Any] = message["result"]
                    return result

    def _note(self, message: Mapping[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.console.append(str(message["params"]["exceptionDetails"].get("exception")))
        if message.get("method") == "Log.entryAdded":
            self.console.append(message["params"]["entry"]["text"])

    async def _attach(self) -> None:
        port = await self._port()
        async with httpx.AsyncClient() as http:
            targets = (await http.get(f"http://127.0.0.1:{port}/json/list")).json()
        url = next(one["webSocketDebuggerUrl"] for one in targets if one["type"] == "page")
        self._socket = await connect(url, max_size=MOST_BYTES)
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")

    async def _port(self) -> int:
        """Chromium writes it into its profile once it listens."""
        path = self._folder / "profile" / "DevToolsActivePort"
        deadline = time.monotonic() + START_S
        while not path.exists() or not path.read_text().count("\n"):
            assert time.monotonic() < deadline, (self._folder / "chromium.log").read_text()[-2_000:]
            await asyncio.sleep(0.05)
        return int(path.read_text().splitlines()[0])
