"""The way in for browsers: offers, answers, and how many there are at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
import uuid
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fastapi import APIRouter, HTTPException, Request

from interject.agent.voice import VoiceFailure
from interject.integrations.conversation.call_log import lines_of
from interject.integrations.conversation.switchboard import SwitchboardFull
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.guarded_route import guarded
from interject.integrations.web.page_files import page_router
from interject.integrations.webrtc.arrivals import Arrivals
from interject.integrations.webrtc.browser_call import BrowserCall
from interject.integrations.webrtc.ice_outage import IceOutage
from interject.integrations.webrtc.offers import Candidates, HangUp, Offer, OfferAnswer
from interject.integrations.webrtc.sdp_section import BadOffer
from interject.integrations.webrtc.settings import WebRtcSettings
from interject.integrations.webrtc.turn_server import IceServerMessage, ice_servers
from interject.model_runtime.protocol import RuntimeBusy, RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.conversation.switchboard import Seat, Switchboard
    from interject.integrations.webrtc.rtvi_line import RtviLine
    from interject.integrations.webrtc.track_sink import TrackSink

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5
MAKE_ROOM_S = 5.0
PAGE = Path(__file__).parent / "page"
FILES = {
    "/": "index.html",
    **{f"/page/{name}": name for name in ("call.js", "talk.js")},
}
DONE = {"status": "success"}
NOT_OPEN = "the server takes no calls now"
UNKNOWN_CALL = "there is no such call: it has ended, or the server has been started anew"
NO_WAY = "no way out was found in time: the STUN or TURN server does not answer"


class WebRtcDoor:
    """Used with `async with`; leaving it ends its calls. Its router serves the page at `/` as well,
    which needs no token; to talk from it does, where `bearer` knows one.
    """

    name = "webrtc"

    def __init__(
        self,
        switchboard: Switchboard,
        settings: WebRtcSettings | None = None,
        *,
        bearer: Bearer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._switchboard = switchboard
        self._settings = settings or WebRtcSettings()
        self._calls: dict[str, BrowserCall] = {}
        self._clock = clock
        self._outage = IceOutage(clock=clock)
        self._arrivals = Arrivals[BrowserCall](switchboard.most_calls, clock=clock)
        self._group: asyncio.TaskGroup | None = None
        api = APIRouter(prefix="/api", route_class=guarded(bearer or Bearer()))
        api.post("/offer")(self._offer)
        api.patch("/offer")(self._candidates)
        api.delete("/offer")(self._hang_up)
        api.get("/ice")(self._ice)
        self.router = APIRouter()
        self.router.include_router(page_router(PAGE, FILES))
        self.router.include_router(api)

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        group, self._group = self._group, None
        for call in self._calls.values():
            call.hang_up("the server ends")
        if group is not None:
            await group.__aexit__(None, None, None)

    async def _offer(self, offer: Offer, request: Request) -> OfferAnswer:
        known = self._calls.get(offer.pc_id or "")
        if known is not None:
            with _refusals():
                sdp = await known.renegotiate(offer.sdp, restart=bool(offer.restart_pc))
            return OfferAnswer(sdp=sdp, pc_id=known.call_id, call=known.public_id)
        call_id = uuid.uuid4().hex
        with _refusals():
            address = request.client.host if request.client else ""
            return await self._begin(call_id, offer.sdp, address)

    async def _candidates(self, more: Candidates) -> dict[str, str]:
        call = self._calls.get(more.pc_id)
        if call is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, UNKNOWN_CALL)
        with _refusals():
            await call.add(more.candidates)
        return DONE

    async def _hang_up(self, wish: HangUp) -> dict[str, str]:
        """Of a call that has ended as well: whoever hangs up twice is not told off."""
        if (call := self._calls.get(wish.pc_id)) is not None:
            call.hang_up()
        return DONE

    async def _ice(self) -> dict[str, list[IceServerMessage]]:
        """What a browser needs for its own `RTCPeerConnection`."""
        settings = self._settings
        return {"iceServers": list(ice_servers(settings.stun, settings.turn, now=time.time()))}

    async def _begin(self, call_id: str, sdp: str, address: str) -> OfferAnswer:
        """:raises SwitchboardFull: when there is no room, or there will be none any more."""
        seat = await self._admit(address)
        if self._group is None:
            seat.release()
            raise SwitchboardFull(NOT_OPEN)
        call = self._calls[call_id] = BrowserCall(
            call_id, self._settings, outage=self._outage, clock=self._clock
        )
        self._arrivals.add(call, address)
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._group.create_task(self._run(call, seat, sdp, answered), name="browser-call")
        return OfferAnswer(sdp=await answered, pc_id=call_id, call=call.public_id)

    async def _admit(self, address: str) -> Seat:
        """In a full house an offer that nobody connects to makes room."""
        self._arrivals.check(address)
        try:
            seat = await self._switchboard.admit()
        except SwitchboardFull:
            if self._switchboard.draining or not await self._make_room():
                raise
            seat = await self._switchboard.admit()
        try:
            self._arrivals.check(address)
        except SwitchboardFull:
            seat.release()
            raise
        return seat

    async def _make_room(self) -> bool:
        overdue = self._arrivals.overdue()
        if overdue is None:
            return False
        overdue.hang_up("made room")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAKE_ROOM_S):
                await overdue.ended.wait()
        return True

    async def _run(
        self, call: BrowserCall, seat: Seat, sdp: str, answered: asyncio.Future[str]
    ) -> None:
        """Whatever goes wrong in one call is told to its caller, and costs no other one."""

        def agent(line: RtviLine, sink: TrackSink) -> AbstractAsyncContextManager[CallAgent]:
            return self._switchboard.call(
                seat, door=self.name, call_id=call.public_id, line=line, sink=sink
            )

        try:
            with lines_of(call.public_id):
                await call.run(sdp, answered, agent)
                logger.info("A browser has gone", extra={"reason": call.reason})
        except Exception as error:
            if not answered.done():
                answered.set_exception(error)
            else:
                logger.exception("A call with a browser failed")
        finally:
            self._calls.pop(call.call_id, None)
            seat.release()


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Each failure with the status that its caller can act on: Pipecat's clients try again after
    5xx, and give up after 4xx.
    """
    try:
        yield
    except BadOffer as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from error
    except TimeoutError as error:
        raise HTTPException(HTTPStatus.GATEWAY_TIMEOUT, NO_WAY) from error
    except RuntimeBusy as error:
        raise _unavailable(str(error), error.retry_after_s or RETRY_AFTER_S) from error
    except (SwitchboardFull, RuntimeFailure, VoiceFailure) as error:
        raise _unavailable(str(error), RETRY_AFTER_S) from error


def _unavailable(reason: str, retry_after_s: float) -> HTTPException:
    headers = {"Retry-After": str(math.ceil(retry_after_s))}
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, reason, headers=headers)
