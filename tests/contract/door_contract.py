"""The tests that every door must pass, with a model whose replies a test writes.

Subclass, and open a `DoorScene` in `scene`: real sockets and a real far end around an agent in this
process.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pytest

from interject.config import Profile, ReplyLimits
from interject.model_runtime.protocol import Cause, Emotion, FloorMode
from tests.fakes.runtime import Cancelled, FakeRuntime, FakeRuntimeSession, Scripted
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from numpy.typing import NDArray

    from interject.integrations.conversation.consent import Consent
    from interject.integrations.conversation.session_controls import SessionControls

LOUD = 500
SENTENCE = "I will stop listening."
STORY = (
    "First we take the flour, and then we add the water. After that comes the salt, and at last "
    "the yeast. Then it has to rest for an hour, and the oven must be as hot as it can be. "
) * 3
"""Half a minute: a busy machine still has time to cut it."""


class FarEnd(Protocol):
    """Whoever is at the other end: a telephone, a browser, somebody in a room."""

    @property
    def heard(self) -> list[NDArray[np.int16]]:
        """Everything that has sounded there so far, silence included."""

    @property
    def gone(self) -> bool:
        """Whether the agent, or the call itself, is no longer there."""

    async def talk(self, seconds: float) -> None:
        """Make a loud sound, in real time."""


@dataclass(frozen=True)
class DoorScene:
    """A call in progress, seen from both ends."""

    runtime: FakeRuntime
    far_end: FarEnd
    controls: SessionControls
    consent: Consent
    shut_down: Callable[[], Awaitable[None]]
    """Stop the server as an operator does, without waiting for the call's own end."""

    @property
    def model(self) -> FakeRuntimeSession:
        return self.runtime.sessions[-1]

    def sounds(self) -> int:
        """How many pieces of sound the far end has heard."""
        return sum(bool(len(piece) and np.abs(piece).max() > LOUD) for piece in self.far_end.heard)

    def loud_frames(self) -> list[set[str]]:
        """Who spoke in each frame of the model's that was loud."""
        frames = self.model.frames
        return [
            {speaker.identity for speaker in frame.speakers}
            for frame in frames
            if np.abs(np.frombuffer(frame.pcm, "<i2").astype(np.int32)).max() > LOUD
        ]


class DoorRefused(Exception):
    """Raised by a scene whose call was not taken, with what the far end was told."""


def role(**changes: Any) -> Profile:
    """Nothing is announced, so that whatever sounds is a reply."""
    settings = {"room": {"announce": "none"}, **changes}
    return Profile.model_validate({"name": "door", "system_prompt": "listen", **settings})


class DoorContract:
    """`speaker` is what the door calls the one at the far end, where that is fixed."""

    speaker: str | None = None
    refuses_when_full = True

    def scene(
        self, profile: Profile, *, barge_in: bool = False, slots: int = 4
    ) -> AbstractAsyncContextManager[DoorScene]:
        """:raises DoorRefused: when the call is not taken."""
        raise NotImplementedError

    async def test_a_reply_sounds_at_the_far_end_and_counts_as_heard(self) -> None:
        async with self.scene(role()) as scene:
            await until(lambda: scene.model.frames, "the ear")
            scene.model.reply(Scripted("The bread is burning.", Emotion.URGENT), cause=Cause.MODEL)
            await until(scene.sounds, "a voice")
            await until(lambda: scene.model.heard_reports, "the report")
            await until(
                lambda: scene.model.heard_reports[-1] == (0, len("The bread is burning.")),
                "the last word",
            )
            assert scene.model.cancelled == []

    async def test_neither_tag_nor_card_number_is_said_and_the_memory_keeps_both(self) -> None:
        text = "[offer] No 4111 1111 1111 1111 for bread."
        async with self.scene(role(cue={"categories": {"offer": {}}})) as scene:
            await until(lambda: scene.model.frames, "the ear")
            scene.model.reply(Scripted(text), cause=Cause.MODEL)
            await until(scene.sounds, "a voice")
            await until(lambda: (0, len(text)) in scene.model.heard_reports, "its end")

    async def test_who_speaks_is_heard_and_named(self) -> None:
        async with self.scene(role()) as scene:
            await until(lambda: scene.model.frames, "the ear")
            await scene.far_end.talk(1.6)
            await until(scene.loud_frames, "the sound in the model's ear")
            named = scene.loud_frames()[0]
            assert len(named) == 1
            assert self.speaker is None or named == {self.speaker}

    async def test_a_spoken_wish_makes_it_deaf(self) -> None:
        async with self.scene(role()) as scene:
            await until(lambda: scene.model.frames, "the ear")
            scene.model.reply(Scripted(SENTENCE), cause=Cause.MODEL)
            await until(lambda: not scene.consent.listening, "the agent to stop")
            await until(lambda: scene.model.heard_reports, "the sentence to be said")
            deaf_from = len(scene.model.frames)
            await scene.far_end.talk(1.2)
            assert not any(any(frame.pcm) for frame in scene.model.frames[deaf_from:])

    async def test_an_observer_makes_no_sound_until_it_may_speak(self) -> None:
        async with self.scene(role(mode="observe")) as scene:
            await until(lambda: scene.model.frames, "the ear")
            scene.model.reply(Scripted("Nobody hears this."), cause=Cause.MODEL)
            await scene.far_end.talk(1.2)
            assert scene.sounds() == 0
            scene.controls.set_mode(FloorMode.SPEAK)
            await until(lambda: scene.model.updates, "the model to know")
            scene.model.reply(Scripted("But this."), cause=Cause.MODEL)
            await until(scene.sounds, "a voice")

    async def test_beyond_the_cap_nothing_is_said(self) -> None:
        profile = role(reply=ReplyLimits(unprompted_per_minute=1))
        async with self.scene(profile) as scene:
            await until(lambda: scene.model.frames, "the ear")
            scene.model.reply(Scripted("This once."), cause=Cause.MODEL)
            scene.model.reply(Scripted("And never again.", whole=False), cause=Cause.MODEL)
            await until(lambda: Cancelled(1, 0) in scene.model.cancelled, "the second to go")
            await until(lambda: (0, len("This once.")) in scene.model.heard_reports, "the first")

    async def test_barge_in_cuts_it_and_the_memory_keeps_what_was_heard(self) -> None:
        async with self.scene(role(), barge_in=True) as scene:
            await until(lambda: scene.model.frames, "the ear")
            scene.model.reply(Scripted(STORY), cause=Cause.MODEL)
            await until(lambda: scene.sounds() > 50, "its first words")
            talking = asyncio.create_task(scene.far_end.talk(3.0))
            await until(lambda: scene.model.cancelled, "the cut")
            heard = STORY[: scene.model.cancelled[0].heard_chars]
            assert 1 <= len(heard.split()) < len(STORY.split())
            await talking
            settled = scene.sounds()
            await asyncio.sleep(1.0)
            assert scene.sounds() == settled

    async def test_without_a_policy_talking_over_it_cuts_nothing(self) -> None:
        async with self.scene(role()) as scene:
            await until(lambda: scene.model.frames, "the ear")
            text = "Then it has to rest for an hour."
            scene.model.reply(Scripted(text), cause=Cause.MODEL)
            await until(scene.sounds, "a voice")
            await scene.far_end.talk(1.0)
            await until(lambda: (0, len(text)) in scene.model.heard_reports, "its end")
            assert scene.model.cancelled == []

    async def test_a_model_that_dies_is_found_again(self) -> None:
        async with self.scene(role()) as scene:
            await until(lambda: scene.model.frames, "the ear")
            scene.model.break_off("the worker died")
            await until(lambda: len(scene.runtime.sessions) == 2, "another session")
            await scene.far_end.talk(1.2)
            await until(scene.loud_frames, "the sound in the model's ear")
            scene.model.reply(Scripted("Here I am again."), cause=Cause.MODEL)
            await until(scene.sounds, "a voice")
            assert not scene.far_end.gone

    async def test_a_model_that_is_full_is_told(self) -> None:
        if not self.refuses_when_full:
            pytest.skip("this door waits for room in the model")
        with pytest.raises(DoorRefused) as refused:
            async with self.scene(role(), slots=0):
                pass
        assert str(refused.value)

    async def test_a_server_that_is_stopped_ends_the_call(self) -> None:
        async with self.scene(role()) as scene:
            await until(lambda: scene.model.frames, "the ear")
            stopping = asyncio.ensure_future(scene.shut_down())
            await until(lambda: scene.far_end.gone, "the end of the call")
            await stopping
