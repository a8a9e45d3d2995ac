"""One connection of a call. A client whose network changes makes another; the call goes on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiortc import (
    RTCConfiguration,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp
from aiortc.stats import RTCRemoteInboundRtpStreamStats

from interject.integrations.webrtc.jitter_buffer import repair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiortc import (
        MediaStreamTrack,
        RTCDataChannel,
        RTCIceCandidate,
        RTCIceServer,
        RTCRtpReceiver,
    )

    from interject.integrations.webrtc.offers import Candidate

logger = logging.getLogger(__name__)

GATHERING_S = 10.0
CLOSING_S = 5.0
MOST_CANDIDATES = 100
MOST_PORT = 65_535
TYPES = ("host", "srflx", "prflx", "relay")


class BadOffer(ValueError):
    """An offer that cannot be answered. Its text is for whoever made it."""


class Peer:
    """`on_state` is called with aiortc's word for it: connecting, connected, failed, closed."""

    def __init__(
        self,
        voice: MediaStreamTrack,
        servers: Sequence[RTCIceServer],
        *,
        relay_only: bool,
        on_state: Callable[[Peer, str], None],
        on_channel: Callable[[RTCDataChannel], None],
    ) -> None:
        policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
        self._connection = RTCPeerConnection(
            RTCConfiguration(iceServers=list(servers), iceTransportPolicy=policy)
        )
        self._voice = voice
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
        if "m=audio" not in sdp:
            raise BadOffer("the offer has no audio")
        if sdp.count("a=candidate:") > MOST_CANDIDATES:
            raise BadOffer(f"a connection may have {MOST_CANDIDATES} candidates")
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        except Exception as error:
            raise BadOffer(
                "the SDP cannot be answered: it is no offer that aiortc knows"
            ) from error
        microphone = self._take_part()
        async with asyncio.timeout(GATHERING_S):
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        return self._connection.localDescription.sdp, microphone

    def _take_part(self) -> MediaStreamTrack | None:
        """The first line of sound carries the voice. A microphone may come on it or on a later one,
        and with this offer or another: a browser that mutes by taking its track away gives the
        next one a line of its own. Pictures are declined.
        """
        lines = self._connection.getTransceivers()
        sounds = [line for line in lines if line.kind == "audio"]
        if not sounds:
            raise BadOffer("the offer has no audio")
        sounds[0].sender.replaceTrack(self._voice)
        receivers = (line.receiver for line in sounds)
        microphone = next((one for one in receivers if one.track and one not in self._read), None)
        if microphone is not None:
            repair(microphone)
            self._read.append(microphone)
        for line in lines:
            heard = line.receiver in self._read
            line.direction = "recvonly" if heard else "inactive"
        sounds[0].direction = "sendrecv"
        return None if microphone is None else microphone.track

    async def add(self, candidates: Sequence[Candidate]) -> None:
        """:raises BadOffer: when one is none, or there are too many."""
        for one in candidates:
            self._candidates += 1
            if self._candidates > MOST_CANDIDATES:
                raise BadOffer(f"a connection may have {MOST_CANDIDATES} candidates")
            await self._connection.addIceCandidate(_parsed(one))

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


def _parsed(candidate: Candidate) -> RTCIceCandidate | None:
    """None: no other candidate follows.

    :raises BadOffer: when it cannot be read.
    """
    text = candidate.candidate.removeprefix("candidate:")
    if not text:
        return None
    if candidate.sdp_mid is None and candidate.sdp_mline_index is None:
        raise BadOffer("a candidate needs sdp_mid or sdp_mline_index")
    try:
        found = candidate_from_sdp(text)
    except (AssertionError, ValueError, IndexError) as error:
        raise BadOffer("a candidate cannot be read") from error
    if not (0 < found.port <= MOST_PORT and found.component in (1, 2) and found.type in TYPES):
        raise BadOffer("a candidate cannot be read")
    found.sdpMid, found.sdpMLineIndex = candidate.sdp_mid, candidate.sdp_mline_index
    return found
