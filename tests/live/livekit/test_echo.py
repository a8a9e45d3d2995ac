"""An open loudspeaker beside a microphone: what the agent says comes back into its ear."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import rtc

from interject.config import load_profile
from interject.model_runtime.protocol import Cause, Frame, ReplyStarted
from tests.live.livekit.agent import AGENT, RATE_HZ, present
from tests.live.livekit.participants import Person, person
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

    from tests.live.livekit.agent import Present
    from tests.live.livekit.server import LiveKitServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

ROOM = "loudspeaker"
ECHO_GAIN = 10 ** (-10 / 20)
LOWERED_DB = 6.0
TRIES = 8
"""On a machine that is so busy that sound breaks up, an echo's delay changes in mid-sentence."""
SENTENCE = "You agreed on the plan and the next steps, and the capital of France is Paris."


@contextlib.asynccontextmanager
async def loudspeaker(who: Person) -> AsyncIterator[None]:
    """Everything that a person hears goes into the microphone again, 10 dB lower."""
    source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=100)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    await who.visitor.room.local_participant.publish_track(track)
    playing = asyncio.create_task(_play_back(who, source))
    try:
        yield
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        await source.aclose()


async def _play_back(who: Person, source: rtc.AudioSource) -> None:
    for at in itertools.count(len(who.heard)):
        await until(functools.partial(_is_there, who.heard, at), "sound")
        echo = (who.heard[at] * ECHO_GAIN).astype(np.int16)
        await source.capture_frame(rtc.AudioFrame(echo.tobytes(), RATE_HZ, 1, len(echo)))


def _is_there(pieces: list[NDArray[np.int16]], at: int) -> bool:
    return len(pieces) > at


def level_db(pieces: list[NDArray[np.int16]]) -> float:
    energy = sum(float(np.square(piece, dtype=np.float64).sum()) for piece in pieces)
    return float(10 * np.log10(energy + 1.0))


async def hears_itself(here: Present, ann: Person) -> tuple[float, int]:
    """By how much the echo of one sentence was lowered (dB), and how often it was answered."""
    frames, heard = len(here.watch.found(Frame)), len(ann.heard)
    voices = len(ann.found("voice_ended", identity=AGENT))
    answers = own_replies(here)
    await here.watch.opened[0].say(SENTENCE)
    await until(lambda: len(ann.found("voice_ended", identity=AGENT)) > voices, "its voice")
    decided = here.watch.decided
    await until(lambda: here.watch.decided > decided + 4, "the echo to be over")
    taken = [np.frombuffer(f.pcm, np.int16) for f in here.watch.found(Frame)[frames:]]
    sent = 20 * np.log10(ECHO_GAIN) + level_db(ann.heard[heard:])
    return sent - level_db(taken), own_replies(here) - answers


def own_replies(here: Present) -> int:
    return sum(started.cause is Cause.MODEL for started in here.watch.found(ReplyStarted))


async def test_its_own_voice_is_taken_out_and_not_answered(
    shared_livekit: LiveKitServer, nano_url: str
) -> None:
    settings = load_profile("default").room.model_copy(update={"echo_cancellation": True})
    async with (
        person(shared_livekit, ROOM, "ann") as ann,
        present(shared_livekit, nano_url, ROOM, room=settings) as here,
        loudspeaker(ann),
    ):
        await until(lambda: "ann" in here.session.ear.heard, "Ann to be heard")
        outcomes = []
        for _ in range(TRIES):
            outcomes.append(await hears_itself(here, ann))
            if outcomes[-1][0] >= LOWERED_DB and outcomes[-1][1] == 0:
                return
    raise AssertionError(f"lowered by so many dB, answered so often: {outcomes}")
