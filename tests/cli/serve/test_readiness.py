"""A server is ready where it can take a call: with its model, and with its voice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from interject.agent.voice import SilentVoice, VoiceFailure
from interject.cli.serve.readiness import AWAY, NO_MODEL, VOICE_LOOK_S, Readiness
from interject.cli.serve.voice_check import HANGS, SILENT, VoiceCheck
from interject.config import EspeakVoice, NoVoice, OpenAIVoice, PiperVoice
from interject.model_runtime.protocol import RuntimeAway
from interject.model_runtime.telemetry.health import Stage
from tests.fakes.clock import FakeClock
from tests.fakes.voice import FakeVoice

if TYPE_CHECKING:
    from interject.agent.voice import Voice
    from interject.config import VoiceSettings


class World:
    """What a server stands on; `slots` None: there is no model."""

    def __init__(self) -> None:
        self.slots: int | None = 3
        self.away = False
        self.fault = ""
        self.clock = FakeClock()
        self.readiness = Readiness(self._free_slots, self._voice_fault, clock=self.clock)
        self.readiness.stage = Stage.READY

    async def _free_slots(self) -> int | None:
        if self.away:
            raise RuntimeAway("gone")
        return self.slots

    async def _voice_fault(self) -> str:
        return self.fault

    async def told(self) -> tuple[bool, str]:
        self.clock.advance(VOICE_LOOK_S)
        await self.readiness.look()
        status = self.readiness.status()
        return status.good, status.reason


async def test_what_is_missing_is_told_and_what_is_back_makes_it_ready() -> None:
    world = World()
    assert await world.told() == (True, "ready")
    world.fault = "no data"
    assert await world.told() == (False, "the voice cannot speak: no data")
    world.away = True
    assert await world.told() == (False, f"{AWAY}; the voice cannot speak: no data")
    world.away, world.fault, world.slots = False, "", None
    assert await world.told() == (False, NO_MODEL)
    world.slots = 0
    assert await world.told() == (True, "ready"), "whoever calls is told that it is full"
    world.readiness.stage = Stage.DRAINING
    assert await world.told() == (False, "draining")


async def test_the_voice_is_not_asked_at_every_look() -> None:
    world = World()
    await world.readiness.look()
    world.fault = "no data"
    await world.readiness.look()
    assert world.readiness.status().good
    assert not (await world.told())[0]


def check(voice: Voice, settings: VoiceSettings | None = None) -> VoiceCheck:
    return VoiceCheck(settings or EspeakVoice(), lambda _: voice, answer_s=0.05)


async def test_a_voice_says_a_word_before_it_counts_as_one() -> None:
    assert await check(FakeVoice()).fault() == ""
    assert await check(SilentVoice()).fault() == SILENT
    assert "fake" in await check(FakeVoice(fails_after=0)).fault()
    assert await VoiceCheck(NoVoice(engine="none")).fault() == ""


async def test_a_voice_on_another_server_is_not_made_to_speak() -> None:
    voice = FakeVoice()
    server = OpenAIVoice(engine="openai", base_url="http://127.0.0.1:9")
    assert await check(voice, server).fault() == ""
    assert voice.texts == []
    keyless = OpenAIVoice(
        engine="openai", base_url="http://127.0.0.1:9", api_key_env="INTERJECT_NO_SUCH_KEY"
    )
    assert "INTERJECT_NO_SUCH_KEY" in await VoiceCheck(keyless).fault()


async def test_a_voice_that_hangs_is_asked_once_and_may_come_back() -> None:
    go_on, asked = threading.Event(), []

    def hanging(_: VoiceSettings) -> Voice:
        asked.append(1)
        assert go_on.wait(10)
        raise VoiceFailure("it broke")

    voice = VoiceCheck(EspeakVoice(), hanging, answer_s=0.05)
    assert [await voice.fault() for _ in range(3)] == [HANGS] * 3
    assert len(asked) == 1
    go_on.set()
    patient = VoiceCheck(EspeakVoice(), hanging)
    assert await patient.fault() == "it broke"


async def test_a_natural_voice_is_asked_to_speak_until_it_has_spoken() -> None:
    voice = FakeVoice(fails_after=0)
    asked = check(voice, PiperVoice(engine="piper"))
    assert "fake" in await asked.fault()
    assert "fake" in await asked.fault()
    able = FakeVoice()
    asked = check(able, PiperVoice(engine="piper"))
    assert [await asked.fault() for _ in range(3)] == ["", "", ""]
    assert len(able.texts) == 1
