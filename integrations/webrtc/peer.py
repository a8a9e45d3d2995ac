"""One connection of a call. A client whose network changes makes another; the call goes on."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from aiortc import (
    RTCConfiguration,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.stats import RTCRemoteInboundRtpStreamStats

from interject.integrations.webrtc.jitter_buffer import repair
from interject.integrations.webrtc.negotiation import Negotiation
from interject.integrations.webrtc.sdp_section import HIDDEN, BadOffer, candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiortc import (
        MediaStreamTrack,
        RTCDataChannel,
        RTCIceCandidate,
        RTCIceServer,
        RTCRtpReceiver,
        RTCRtpTransceiver,
    )

    from interject.integrations.webrtc.ice_outage import IceOutage
    from interject.integrations.webrtc.offers import Candidate

logger = logging.getLogger(__name__)

GATHERING_S = 10.0
CLOSING_S = 5.0
MOST_CANDIDATES = 100
UNKNOWN = "the SDP cannot be answered: it is no offer that aiortc knows"


class Peer:
    """`on_state` is called with aiortc's word for it: connecting, connected, failed, closed."""

    def __init__(
        self,
        voice: MediaStreamTrack,
        servers: Sequence[RTCIceServer],
        *,
        relay_only: bool,
        outage: IceOutage,
        on_state: Callable[[Peer, str], None],
        on_channel: Callable[[RTCDataChannel], None],
    ) -> None:
        policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
        self._connection = RTCPeerConnection(
            RTCConfiguration(iceServers=list(servers), iceTransportPolicy=policy)
        )
        self._outage = outage
        self._to_ask = bool(servers)
        self._voice = voice
        self._negotiation = Negotiation()
        self._speaking: RTCRtpTransceiver | None = None
        self._candidates = 0
        self._read: list[RTCRtpReceiver] = []
        self._connection.on("connectionstatechange", lambda: on_state(self, self.state))
        self._connection.on("datachannel", on_channel)

    @property
    def state(self) -> str:
        return self._connection.connectionState

    async def answer(self, sdp: str) -> tuple[str, MediaStreamTrack | None]:
        """The answer's SDP, and the track of a microphone where this offer brings one.

        :raises BadOffer: when it is no offer of a client with sound.
        """
        if sdp.count("a=candidate:") > MOST_CANDIDATES:
            raise BadOffer(f"a connection may have {MOST_CANDIDATES} candidates")
        offered = self._negotiation.then(sdp)
        try:
            await self._connection.setRemoteDescription(
                RTCSessionDescription(offered.offer, "offer")
            )
        except Exception as error:
            raise BadOffer(UNKNOWN) from error
        self._negotiation = offered
        microphone = self._take_part()
        return offered.answer(await self._gathered()), microphone

    async def _gathered(self) -> str:
        """The description of this end, with the ways to it."""
        began_at = time.monotonic()
        try:
            async with asyncio.timeout(GATHERING_S):
                await self._connection.setLocalDescription(await self._connection.createAnswer())
        except ValueError as error:
            raise BadOffer(UNKNOWN) from error
        sdp = self._connection.localDescription.sdp
        if self._to_ask:
            self._to_ask = False
            self._tell(sdp, time.monotonic() - began_at)
        return sdp

    def _tell(self, sdp: str, seconds: float) -> None:
        found = any(f" typ {kind}" in sdp for kind in ("srflx", "relay"))
        self._outage.note(found=found)
        if not found:
            logger.warning(
                "No way was found by STUN or TURN: the server does not answer, or refuses",
                extra={"seconds": round(seconds, 1)},
            )

    def _take_part(self) -> MediaStreamTrack | None:
        """The first line of sound on which the client listens carries the voice. A microphone may
        come on it or on another one, and with this offer or a later one: a browser that mutes by
        taking its track away gives the next one a line of its own.
        """
        lines = [line for line in self._connection.getTransceivers() if line.kind == "audio"]
        live = [line for line in lines if line.mid in self._negotiation.live]
        self._speak_on(live)
        receivers = (line.receiver for line in live)
        microphone = next((one for one in receivers if one.track and one not in self._read), None)
        if microphone is not None:
            repair(microphone)
            self._read.append(microphone)
        for line in lines:
            heard = line.receiver in self._read
            line.direction = "recvonly" if heard else "inactive"
        if self._speaking is not None:
            self._speaking.direction = "sendrecv"
        return None if microphone is None else microphone.track

    def _speak_on(self, live: Sequence[RTCRtpTransceiver]) -> None:
        """Where the voice is, it stays for as long as it is heard there."""
        listening = [line for line in live if line.mid in self._negotiation.listening]
        if self._speaking in listening:
            return
        if self._speaking is not None:
            self._speaking.sender.replaceTrack(None)
        self._speaking = next(iter([*listening, *live]), None)
        if self._speaking is not None:
            self._speaking.sender.replaceTrack(self._voice)

    async def add(self, candidates: Sequence[Candidate]) -> None:
        """:raises BadOffer: when one is none, or there are too many."""
        for one in candidates:
            self._candidates += 1
            if self._candidates > MOST_CANDIDATES:
                raise BadOffer(f"a connection may have {MOST_CANDIDATES} candidates")
            if (found := _parsed(one)) is not None:
                await self._connection.addIceCandidate(found)

    async def round_trip_s(self) -> float | None:
        """As RTCP has measured it last; None before that."""
        for sender in self._connection.getSenders():
            for report in (await sender.getStats()).values():
                if isinstance(report, RTCRemoteInboundRtpStreamStats) and report.roundTripTime:
                    return report.roundTripTime
        return None

    async def close(self) -> None:
        """However long aiortc would take for it."""
        try:
            async with asyncio.timeout(CLOSING_S):
                await self._connection.close()
        except TimeoutError:
            logger.warning("A connection does not close")


def _parsed(one: Candidate) -> RTCIceCandidate | None:
    """None: no other candidate follows, which nobody need know, or one that nobody can reach.

    :raises BadOffer: when it cannot be read.
    """
    text = one.candidate.removeprefix("candidate:")
    if not text:
        return None
    if one.sdp_mid is None and one.sdp_mline_index is None:
        raise BadOffer("a candidate needs sdp_mid or sdp_mline_index")
    found = candidate(text)
    if found.ip.endswith(HIDDEN):
        return None
    found.sdpMid, found.sdpMLineIndex = one.sdp_mid, one.sdp_mline_index
    return found
