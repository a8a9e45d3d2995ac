"""Sound into a real room, and what nano and the people there make of it, in its order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soxr

from interject.model_runtime.protocol import FRAME_S, SAMPLE_RATE_HZ, Decision, ReplyStarted
from interject.training.speech.espeak import Espeak
from tests.live.livekit.agent import (
    AGENT,
    ALARM_S,
    QUESTION_S,
    RATE_HZ,
    kitchen,
    present,
    silence,
    transcribed,
)
from tests.live.livekit.participants import person, tone
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

    from interject.integrations.livekit.jobs.visitor import VisitorEvent
    from tests.live.livekit.agent import Present
    from tests.live.livekit.participants import Person
    from tests.live.livekit.server import LiveKitServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

TRIES = 5
"""A machine so busy that sound breaks up makes the model miss a word now and then."""


async def be_heard(here: Present, who: Person, identity: str) -> None:
    await who.visitor.open_microphone()
    await until(lambda: identity in here.session.ear.heard, f"{identity} to be heard")


def spoken(text: str) -> NDArray[np.int16]:
    said = Espeak().speak(text, "en-us", words_per_min=155, pitch=50)
    return np.asarray(soxr.resample(said.pcm // 2, SAMPLE_RATE_HZ, RATE_HZ), np.int16)


@contextlib.asynccontextmanager
async def talking(
    here: Present, server: LiveKitServer, room: str, identity: str, hz: float
) -> AsyncIterator[Person]:
    """Somebody who makes the same sound all the time."""
    async with person(server, room, identity) as someone:
        await be_heard(here, someone, identity)
        playing = asyncio.create_task(someone.visitor.play(tone(hz, 200.0)))
        yield someone
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


def loud_in(decision: Decision) -> set[str]:
    return {speaker.identity for speaker in decision.speakers if speaker.level_dbfs > -40}


async def until_decided(here: Present, *identities: str) -> None:
    """A chunk in which exactly these were loud."""
    seen = here.watch.decided

    def found() -> bool:
        decisions = here.watch.found(Decision)[seen:]
        return any(loud_in(decision) == set(identities) for decision in decisions)

    await until(found, f"a chunk of {identities} alone")


def voices(someone: Person) -> list[VisitorEvent]:
    """When the agent began to be heard."""
    return someone.found("voice_started", identity=AGENT)


async def test_a_question_and_an_alarm_are_answered_in_their_order(
    shared_livekit: LiveKitServer, nano_url: str
) -> None:
    async with (
        person(shared_livekit, "kitchen", "ann") as ann,
        person(shared_livekit, "kitchen", "ben") as ben,
        present(shared_livekit, nano_url, "kitchen") as here,
    ):
        await be_heard(here, ann, "ann")
        for sound, words in ((QUESTION_S, "paris"), (ALARM_S, "smoke alarm")):
            for _ in range(TRIES):
                await ann.visitor.play(kitchen(sound))
                await ann.visitor.play(silence(4.0))
                if words in transcribed(ben):
                    break
            await until(lambda words=words: words in transcribed(ben), words)  # type: ignore[misc]
        await until(lambda: ben.found("voice_ended", identity=AGENT), "the end of its voice")
        said = transcribed(ben)
        assert said.index("paris") < said.index("smoke alarm")
        shown = ben.found("transcription", identity=AGENT)[0]
        announced = ben.found("chat", identity=AGENT)[0]
        assert announced.at_s < voices(ben)[0].at_s, "it spoke unannounced"
        assert voices(ben)[0].at_s < shown.at_s, "all words were shown before one was heard"
        here.watch.assert_whole()
        here.watch.assert_in_order()
        began = here.watch.found(ReplyStarted)[0]
        (cause,) = (d for d in here.watch.found(Decision) if d.seq == began.seq)
        assert cause.respond
        assert any("ann" in loud_in(decision) for decision in here.watch.found(Decision))


async def test_no_chunk_is_missing_while_people_come_and_go(
    shared_livekit: LiveKitServer, nano_url: str
) -> None:
    server, room = shared_livekit, "three"
    async with present(server, nano_url, room) as here:
        async with (
            talking(here, server, room, "ann", 300),
            talking(here, server, room, "ben", 500) as ben,
        ):
            async with talking(here, server, room, "cat", 700):
                await until_decided(here, "ann", "ben", "cat")
                ben.visitor.mute(True)
                await until_decided(here, "ann", "cat")
            await until_decided(here, "ann")
            ben.visitor.mute(False)
            await until_decided(here, "ann", "ben")
            async with talking(here, server, room, "cat", 700):
                await until_decided(here, "ann", "ben", "cat")
        await until_decided(here)
        here.watch.assert_whole()
        times = [decision.captured_at for decision in here.watch.found(Decision)]
        steps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert steps == pytest.approx([FRAME_S] * len(steps), abs=1e-6)


async def test_assisting_shows_a_card_to_one_and_says_nothing(
    shared_livekit: LiveKitServer, nano_url: str
) -> None:
    server, room = shared_livekit, "cues"
    async with (
        person(server, room, "ann") as ann,
        person(server, room, "ben") as ben,
        present(
            server, nano_url, room, mode="assist", outputs=("spoken", "cue"), cue_to=("ann",)
        ) as here,
    ):
        await be_heard(here, ben, "ben")
        for _ in range(TRIES):
            await ben.visitor.play(kitchen(ALARM_S))
            await ben.visitor.play(silence(2.0))
            if ann.found("data", topic="interject.cue"):
                break
        await until(lambda: ann.found("data", topic="interject.cue"), "the cue")
        cue = ann.found("data", topic="interject.cue")[0].fields["content"]
        assert cue["text"]
        assert cue["expiry"] > cue["time"]
        before = here.watch.decided
        await until(lambda: here.watch.decided > before + 3, "another second")
        assert ben.found("data", topic="interject.cue") == []
        assert voices(ben) == voices(ann) == []
        assert transcribed(ann) == transcribed(ben) == ""


async def test_whoever_asks_it_aloud_to_stop_listening_is_not_heard_any_more(
    shared_livekit: LiveKitServer, nano_url: str
) -> None:
    server, room = shared_livekit, "enough"
    asked = spoken("please stop listening")
    async with (
        person(server, room, "ann") as ann,
        present(server, nano_url, room) as here,
    ):
        await be_heard(here, ann, "ann")
        consent = here.agent.consent
        for _ in range(TRIES):
            await ann.visitor.play(asked)
            await ann.visitor.play(silence(4.0))
            if not consent.listening:
                break
        await until(lambda: not consent.listening, "it to be deaf")
        await until(lambda: "i will stop listening" in transcribed(ann), "its word for that")
        await ann.visitor.play(kitchen(ALARM_S))
        await ann.visitor.play(silence(2.0))
        assert "alarm" not in transcribed(ann)
