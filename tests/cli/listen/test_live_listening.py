"""Microphone and loudspeaker on a sound card that this file makes up."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.agent import AgentSession
from interject.agent.framing import Pacing
from interject.agent.voice.none import SilentVoice
from interject.cli.input.sources import RawBlock, Source
from interject.cli.listen.listen_session import ListenSession
from interject.cli.listen.loudspeaker import Loudspeaker
from interject.cli.output.json_lines import JsonLines
from interject.cli.output.session_counts import SessionCounts
from interject.cli.output.session_observers import SessionObservers
from interject.cli.output.session_recording import SessionRecording
from interject.config import Profile
from tests.cli.fake_runtime import LoudnessRuntime
from tests.cli.sounds import RATE_HZ, read_stereo
from tests.fakes.clock import FakeClock
from tests.fakes.runtime import FakeRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Sounds(Source):
    """A microphone that has one second to tell."""

    live = True

    def blocks(self) -> Iterator[RawBlock]:
        yield RawBlock(np.full((RATE_HZ, 1), 0.1, np.float32), RATE_HZ)


class Stream:
    """An output that plays into a list."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.written: list[bytes] = []
        self.calls: list[str] = []

    def write(self, pcm: bytes) -> None:
        self.written.append(pcm)

    def start(self) -> None:
        self.calls.append("start")

    def abort(self) -> None:
        self.calls.append("abort")

    def close(self) -> None:
        self.calls.append("close")


class Card:
    """Stands for the package sounddevice."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []

    def RawOutputStream(self, **settings: Any) -> Stream:
        self.streams.append(Stream(**settings))
        return self.streams[-1]


async def test_what_was_heard_follows_the_clock(tmp_path: Path) -> None:
    clock, card = FakeClock(0.0), Card()
    recording = SessionRecording(tmp_path / "o.wav", None)
    recording.open()
    loudspeaker = Loudspeaker(recording, clock, device=card)
    clock.advance(1.0)
    pcm = np.full(1_600, 5_000, dtype="<i2").tobytes()
    for _ in range(5):
        await loudspeaker.write(pcm, 16_000)
    assert loudspeaker.position_samples == 0
    clock.advance(0.25)
    assert loudspeaker.position_samples == 4_000
    await loudspeaker.clear()
    clock.advance(1.0)
    assert loudspeaker.position_samples == 4_000
    assert card.streams[0].calls == ["start", "abort", "start"]
    await loudspeaker.write(pcm, 22_050)
    assert card.streams[1].settings["samplerate"] == 22_050
    loudspeaker.close()
    recording.close()
    spoken = np.flatnonzero(read_stereo(tmp_path / "o.wav")[:, 1])
    assert spoken[0] == 16_000


async def test_a_block_was_captured_before_it_is_read() -> None:
    clock, runtime = FakeClock(50.0), FakeRuntime()
    listening = ListenSession(
        Sounds("microphone"),
        recording=SessionRecording(None, None),
        observers=SessionObservers(JsonLines(io.StringIO()), SessionCounts(clock), None),
        real_time=False,
        clock=clock,
    )
    async with AgentSession(
        runtime,
        Profile(name="test", system_prompt="listen"),
        voice=SilentVoice(),
        clock=clock,
        pacing=listening.pacing,
        observer=listening.observe,
    ) as session:
        await listening.run(session, voice_busy=lambda: False)
        report = session.statistics().framing
    captured_at = [frame.captured_at for frame in runtime.sessions[0].frames]
    assert captured_at == pytest.approx([49.0, 49.4, 49.8])
    assert report.late_samples == report.overflow_samples == report.missing_samples == 0


class Pleading(Source):
    """Somebody asks it to stop, and goes on talking for two seconds."""

    def __init__(self, *, live: bool) -> None:
        super().__init__("microphone")
        self.live = live

    def blocks(self) -> Iterator[RawBlock]:
        yield RawBlock(np.full((RATE_HZ // 2, 1), 0.9, np.float32), RATE_HZ)
        for _ in range(200):
            time.sleep(0.01)
            yield RawBlock(np.full((RATE_HZ // 10, 1), 0.01, np.float32), RATE_HZ)


@pytest.mark.parametrize(
    ("live", "stop_replies", "stops"),
    [
        (True, ("I heard something loud",), True),
        (True, (), False),
        (False, ("I heard something loud",), False),
    ],
)
async def test_who_says_at_a_microphone_that_it_stops_does(
    live: bool, stop_replies: tuple[str, ...], stops: bool
) -> None:
    runtime = LoudnessRuntime()
    listening = ListenSession(
        Pleading(live=live),
        recording=SessionRecording(None, None),
        observers=SessionObservers(JsonLines(io.StringIO()), SessionCounts(time.monotonic), None),
        real_time=False,
        clock=time.monotonic,
        stop_replies=stop_replies,
    )
    async with AgentSession(
        runtime,
        Profile(name="test", system_prompt="listen"),
        voice=SilentVoice(),
        pacing=Pacing.SAMPLES,
        observer=listening.observe,
    ) as session:
        await listening.run(session, voice_busy=lambda: False)
    assert (len(runtime.sessions[0].seqs) < 20) is stops
    assert listening.asked_to_stop is stops
    assert any("asked to stop" in notice for notice in listening.notices) is stops
