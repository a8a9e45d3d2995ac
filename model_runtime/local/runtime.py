"""A runtime whose model is in another process of this machine. Needs no torch.

One connection carries all sessions. When it breaks, they are opened again on the next one.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interject.model_runtime.device_choice import DeviceChoice, split_place
from interject.model_runtime.local.link import LOST, Link
from interject.model_runtime.local.messages import Kind, Message
from interject.model_runtime.local.process import START_S, ServerProcess
from interject.model_runtime.local.session import LocalSession
from interject.model_runtime.protocol import CloseReason, RuntimeFailure, SessionClosed
from interject.model_runtime.remote.options_codec import encode_options
from interject.model_runtime.remote.wire import WireError

if TYPE_CHECKING:
    from interject.model_runtime.protocol import SessionOptions

PREFIX = "local:"
SOCKET_PREFIX = "unix:"
RETRY_S = 0.05
STOPPED = "the runtime has stopped; open a new one"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a model may take to load, a lost server to come back, and any server to answer or
    to confirm that a session has ended.
    """

    start_s: float = START_S
    away_s: float = 30.0
    answer_s: float = 30.0
    close_s: float = 2.0


class LocalRuntime:
    """Many sessions of this process on one engine beside it. Use it as an async context manager.

    `local:nano` and `local:DIRECTORY` start a process with `slots` slots before the first session
    and end it with the runtime. `local:unix:PATH` uses a server that somebody else has started.
    A device and the slots are said as in `open_runtime`.

    :raises RuntimeFailure: when the URL names neither.
    """

    def __init__(
        self, url: str, *, slots: int | None = 8, patience: Patience | None = None
    ) -> None:
        self._place = url.removeprefix(PREFIX)
        _, choice = split_place(self._place)
        if self._place.startswith(SOCKET_PREFIX) and choice != DeviceChoice():
            raise RuntimeFailure(
                "the server at a socket has settings of its own; start that with "
                "--model 'nano?device=...'"
            )
        if not self._place.removeprefix(SOCKET_PREFIX):
            raise RuntimeFailure(
                f"{url}: names no model; use {PREFIX}nano, {PREFIX}DIRECTORY "
                f"or {PREFIX}{SOCKET_PREFIX}/path/of/a.sock"
            )
        self.server: ServerProcess | None = None
        self._slots = slots
        self._patience = patience or Patience()
        self._numbers = itertools.count(1)
        self._sessions: dict[int, LocalSession] = {}
        self._counts: dict[int, asyncio.Future[int | None]] = {}
        self._questions: list[int] = []
        self._news = asyncio.Event()
        self._linked = False
        self._ready: asyncio.Future[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._stopped = False

    async def __aenter__(self) -> LocalRuntime:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Have the model loaded before the first session needs it.

        :raises RuntimeFailure: when there is no such model or server.
        """
        if self._stopped:
            raise SessionClosed(STOPPED)
        if self._running is None or self._running.done():
            self._ready = asyncio.get_running_loop().create_future()
            self._running = asyncio.create_task(self._run(self._ready), name="interject-local")
        assert self._ready is not None, "what runs will be ready"
        await asyncio.shield(self._ready)

    async def open(self, options: SessionOptions) -> LocalSession:
        """Begin a session.

        :raises InvalidInput: when the options cannot be sent.
        """
        encode_options(options)
        await self.start()
        number = next(self._numbers)
        session = LocalSession(
            options,
            number,
            answer_s=self._patience.answer_s,
            close_s=self._patience.close_s,
            wake=self._news.set,
        )
        try:
            async with asyncio.timeout(self._patience.answer_s):
                await self._until_free(options.session_id)
                self._sessions[number] = session
                self._news.set()
                await session.opened
        except BaseException as error:
            session.begin_close(CloseReason.CLIENT)
            if isinstance(error, TimeoutError):
                raise RuntimeFailure("the model's process is silent; start it again") from None
            raise
        return session

    async def free_slots(self) -> int | None:
        """How many sessions could be opened now; None while the server is away.

        :raises RuntimeFailure: when there is no such model or server.
        """
        await self.start()
        if not self._linked:
            return None
        number = next(self._numbers)
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._counts[number] = answer
        self._questions.append(number)
        self._news.set()
        try:
            async with asyncio.timeout(self._patience.answer_s):
                return await answer
        except TimeoutError:
            return None
        finally:
            self._counts.pop(number, None)

    async def aclose(self) -> None:
        """Close every session, and end the process if it is ours."""
        self._stopped = True
        self._end_all(CloseReason.SHUTDOWN, "")
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _until_free(self, session_id: str) -> None:
        for session in list(self._sessions.values()):
            if session.session_id == session_id and not session.closed.is_set():
                if not session.ending:
                    raise RuntimeFailure(f"session {session_id} is open already")
                await session.closed.wait()

    # The server

    async def _run(self, ready: asyncio.Future[None]) -> None:
        failure = STOPPED
        try:
            if self._place.startswith(SOCKET_PREFIX):
                await self._stay_linked(Path(self._place.removeprefix(SOCKET_PREFIX)), ready)
            else:
                await self._run_own_server(ready)
        except RuntimeFailure as error:
            failure = str(error)
        except Exception:
            logger.exception("the connection with the model's process failed")
            failure = "the connection with the model's process failed; see the log"
        finally:
            self._end_all(CloseReason.FAILURE, failure)
            if not ready.done():
                ready.set_exception(RuntimeFailure(failure))
                ready.exception()

    async def _run_own_server(self, ready: asyncio.Future[None]) -> None:
        server = ServerProcess(self._place, slots=self._slots, start_s=self._patience.start_s)
        self.server = server
        try:
            await asyncio.to_thread(server.start)
            await self._stay_linked(server.path, ready)
        finally:
            await asyncio.to_thread(server.stop)

    def _end_all(self, reason: CloseReason, detail: str) -> None:
        for session in self._sessions.values():
            session.end(reason, detail)

    # The connection

    async def _stay_linked(self, path: Path, ready: asyncio.Future[None]) -> None:
        while True:
            async with await self._reach(path, ready) as link:
                self._begin(ready)
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._read(link), name="read")
                        group.create_task(self._send(link), name="send")
                except* LOST:
                    logger.warning("the model's process is gone; its sessions wait for the next")
                finally:
                    self._forget_link()
            await asyncio.sleep(RETRY_S)

    async def _reach(self, path: Path, ready: asyncio.Future[None]) -> Link:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._patience.away_s
        while True:
            try:
                return await Link.reach(path, answer_s=self._patience.answer_s)
            except (FileNotFoundError, ConnectionError) as error:
                if isinstance(error, FileNotFoundError) and not ready.done():
                    raise RuntimeFailure(f"{path}: no server listens there; start one") from None
                if loop.time() > end:
                    away_s = self._patience.away_s
                    raise RuntimeFailure(
                        f"{path}: no server for {away_s:.0f} s; see its log"
                    ) from None
            except OSError as error:
                raise RuntimeFailure(f"{path}: {error.strerror or error}") from None
            await asyncio.sleep(RETRY_S)

    def _begin(self, ready: asyncio.Future[None]) -> None:
        self._linked = True
        self._questions.clear()
        self._news.set()
        if not ready.done():
            ready.set_result(None)

    def _forget_link(self) -> None:
        self._linked = False
        for session in self._sessions.values():
            session.lost()
        for answer in self._counts.values():
            if not answer.done():
                answer.set_result(None)

    async def _read(self, link: Link) -> None:
        while True:
            message = await link.read()
            if message.kind is Kind.COUNT:
                self._take_count(message)
            elif message.channel in self._sessions:
                try:
                    self._sessions[message.channel].receive(message.fields)
                except WireError as error:
                    logger.warning("an event was refused", extra={"reason": str(error)})

    async def _send(self, link: Link) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._questions:
                await link.send(Message(Kind.COUNT, number=self._questions.pop()))
            for number, session in list(self._sessions.items()):
                for message in session.outgoing():
                    await link.send(message)
                if session.done:
                    self._sessions.pop(number, None)

    def _take_count(self, message: Message) -> None:
        answer = self._counts.get(message.number)
        if answer is not None and not answer.done():
            answer.set_result(int(message.fields.get(b"n", b"0")))
