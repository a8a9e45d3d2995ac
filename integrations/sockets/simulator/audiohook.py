"""Genesys Cloud's side of an AudioHook session."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.integrations.sockets.simulator.audiohook_session import (
    AudioHookSession,
    duration,
)
from interject.integrations.sockets.simulator.dialect import (
    Dialect,
    Forgotten,
    ServerText,
    SpeechHeard,
)
from interject.integrations.twilio.simulator.mulaw import BLOCK_SAMPLES, RATE_HZ, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from interject.integrations.sockets.simulator.dialect import Wire

BLOCKS_A_PACKET = 10
FIRST_PING_BLOCKS, PING_BLOCKS = 50, 250
MESSAGES_A_S, MOST_AT_ONCE = 5.0, 25.0
"""What the platform takes of a bot; it answers 429 to more."""


class AudioHookDialect(Dialect):
    """It pings after a second and then every five, answers what it is asked, and sends
    sound in packets of 200 ms, once the session is open.
    """

    rate_hz = heard_rate_hz = RATE_HZ

    def __init__(
        self,
        session: AudioHookSession | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        **opened: Any,
    ) -> None:
        self.session = session or AudioHookSession()
        self.paused = self.closing_began = self._closed = False
        self._opened_with = opened
        self._clock = clock
        self._tokens, self._counted_at = MOST_AT_ONCE, clock()
        self._answers: list[Wire] = []
        self._blocks: list[list[NDArray[np.int16]]] = []
        self._ticks = 0
        self._held = 0
        self._playing = False

    @property
    def is_over(self) -> bool:
        return self._closed

    @property
    def channels(self) -> list[str]:
        return list((self.session.selected or {}).get("channels", []))

    def opening(self) -> list[Wire]:
        return [self.session.open(**self._opened_with)]

    def sound(self, blocks: Mapping[str, NDArray[np.int16]]) -> list[Wire]:
        answers, self._answers = self._answers, []
        if self.session.selected is None or self.closing_began:
            return answers
        return [*answers, *self._played_on(), *self._pinged(), *self._packet(blocks)]

    def take(self, message: Wire) -> SpeechHeard | Forgotten | ServerText:
        told = self.session.take(message)
        kind, parameters = told["type"], told.get("parameters", {})
        if kind == "sound":
            return self._play(told["sound"])
        if kind == "event":
            self._held = 0
            return Forgotten()
        if kind == "pause":
            self.pause()
        elif kind == "resume":
            self.resume()
        elif kind == "disconnect" and not self.closing_began:
            self._answers += self.closing("disconnect")
        self._closed = self._closed or kind == "closed"
        return ServerText(kind, parameters)

    def played(self, name: str) -> list[Wire]:
        raise AssertionError("there are no marks")

    def closing(self, reason: str = "end") -> list[Wire]:
        if self.closing_began:
            return []
        self.closing_began = True
        return [self.session.text("close", reason=reason)]

    def pause(self) -> None:
        """As in a secure flow, or because the server asks for it."""
        self.paused = True
        self._blocks.clear()
        self._answers.append(self.session.text("paused"))

    def resume(self, lost_s: float = 0.0) -> None:
        self.paused = False
        start = duration(self.session.samples / RATE_HZ)
        self._answers.append(self.session.text("resumed", start=start, discarded=duration(lost_s)))

    def say(self, kind: str, /, **parameters: Any) -> None:
        """Whatever a test wants, in its turn."""
        self._answers.append(self.session.text(kind, **parameters))

    def _packet(self, blocks: Mapping[str, NDArray[np.int16]]) -> list[Wire]:
        if self.paused or not self.channels:
            return []
        silence = np.zeros(BLOCK_SAMPLES, np.int16)
        self._blocks.append([blocks.get(channel, silence) for channel in self.channels])
        if len(self._blocks) < BLOCKS_A_PACKET:
            return []
        packet = [np.concatenate(parts) for parts in zip(*self._blocks, strict=True)]
        self._blocks.clear()
        return [self.session.sound(*packet)]

    def _pinged(self) -> list[Wire]:
        self._ticks += 1
        if self._ticks % PING_BLOCKS != FIRST_PING_BLOCKS:
            return []
        if self.session.ping_seq is not None:
            return [self.session.text("error", code=408, message="Timeout waiting for pong")]
        return [self.session.text("ping")]

    def _play(self, sound: bytes) -> SpeechHeard:
        now = self._clock()
        refilled = self._tokens + (now - self._counted_at) * MESSAGES_A_S
        self._tokens, self._counted_at = min(MOST_AT_ONCE, refilled) - 1, now
        if self._tokens < 0:
            self._answers.append(self.session.text("error", code=429, message="rate limit"))
            raise ValueError("429 too many messages a second")
        self._held += len(sound)
        return SpeechHeard(decode(sound))

    def _played_on(self) -> list[Wire]:
        was, self._playing = self._playing, self._held > 0
        self._held = max(0, self._held - BLOCK_SAMPLES)
        if was == self._playing:
            return []
        return [self.session.text("playback_started" if self._playing else "playback_completed")]
