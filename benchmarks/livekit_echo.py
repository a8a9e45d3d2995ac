"""Does the agent answer its own voices, at -10 dB, with and without echo cancellation?"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from benchmarks.hardware import describe
from benchmarks.livekit_stage import Stage
from benchmarks.result import Result, finish, this_command
from benchmarks.voices import voices
from interject.agent import open_voice
from interject.agent.framing import Framer, Pacing
from interject.agent.options import session_options
from interject.agent.resample import Resampler
from interject.agent.voice import choose_voice
from interject.config import load_profile
from interject.integrations.audio.echo import EchoCanceller
from interject.integrations.audio.own_voice import OwnVoice
from interject.integrations.conversation.role import Role
from interject.integrations.livekit.jobs.visitor import Visitor
from interject.integrations.livekit.room.room_agent import RoomAgent
from interject.integrations.livekit.room.webrtc_echo import WebRtcEcho
from interject.model_runtime import open_runtime
from interject.model_runtime.local.process import ServerProcess
from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Cause, Emotion, ReplyStarted
from interject.training.nano.language import replies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from numpy.typing import NDArray

    from interject.agent.voice import Voice
    from interject.config import VoiceSettings
    from interject.integrations.livekit.jobs.access import Access
    from interject.integrations.livekit.jobs.visitor import VisitorEvent
    from interject.model_runtime.protocol import Runtime

BLOCK = 320
PAUSE_S = 2.4
GAIN_DB = -10.0
DELAY_S = 0.25
SENTENCES = (
    "The capital of France is Paris.",
    "That is a smoke alarm! Leave the building.",
    "That was a smoke alarm.",
    "That was breaking glass.",
    "You agreed on the plan and the next steps.",
    "Two plus two is four.",
    "My name is Interject.",
    "I can cancel that for you. Shall I go on?",
    "Let me check that order. May I have the number?",
    "Goodbye, take care.",
)
ALL_SENTENCES = tuple(sorted(set(replies())))
METHOD = (
    f"Nano's own replies in its own voice, heard again at {GAIN_DB:g} dB, with a pause of "
    f"{PAUSE_S:g} s after each. Straight: all of them, {1_000 * DELAY_S:.0f} ms later, without "
    "loss, in each voice that is installed. In a room: ten of them, through a real LiveKit server "
    "on the loopback device, to somebody who sends back all that he hears. An own answer is a "
    "decision to respond; there is nothing else to hear."
)


@dataclass(frozen=True)
class Outcome:
    """`answers` the agent gave to itself; `left_db` is what remains of the echo."""

    answers: int
    left_db: float


class _Clock:
    """Time that passes with the sound."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def measure(
    runtime: Runtime, sayings: dict[str, NDArray[np.int16]], *, cancelled: bool
) -> Outcome:
    """What comes of these sentences, one after the other, in one session."""
    clock = _Clock()
    voice = OwnVoice(clock)
    canceller = EchoCanceller(voice, WebRtcEcho)
    framer = Framer(Pacing.SAMPLES)
    session = await runtime.open(session_options(load_profile("default"), "echo"))
    answers = asyncio.create_task(_answers(session.events()))
    echoed, left = [], []
    for sentence, said in sayings.items():
        await session.say(sentence)
        voice.say(said)
        for block in _blocks(_echo(said)):
            heard = canceller.clean(block, clock.now_s) if cancelled else block
            for frame in framer.push(heard, clock.now_s):
                await session.push(frame)
            clock.now_s += BLOCK / SAMPLE_RATE_HZ
            echoed.append(block)
            left.append(heard)
    await session.finish()
    return Outcome(await answers, _level_db(left) - _level_db(echoed))


async def _answers(events: AsyncIterator[object]) -> int:
    return sum(
        [isinstance(e, ReplyStarted) and e.cause is Cause.MODEL async for e in events], start=0
    )


async def all_spoken(
    settings: VoiceSettings, sentences: Sequence[str]
) -> dict[str, NDArray[np.int16]]:
    """At 16 kHz, by sentence."""
    async with aclosing(open_voice(settings)) as speaker:
        return {sentence: await _spoken(speaker, sentence) for sentence in sentences}


async def _spoken(speaker: Voice, text: str) -> NDArray[np.int16]:
    resampler = Resampler(speaker.sample_rate_hz)

    async def words() -> AsyncIterator[str]:
        yield text

    stream = speaker.speak(words(), Emotion.NORMAL)
    chunks = [np.frombuffer(chunk.pcm, np.int16) async for chunk in stream]
    return np.concatenate([*(resampler.push(chunk) for chunk in chunks), resampler.finish()])


def _echo(said: NDArray[np.int16]) -> NDArray[np.int16]:
    delay, pause = round(DELAY_S * SAMPLE_RATE_HZ), round(PAUSE_S * SAMPLE_RATE_HZ)
    whole = np.concatenate([np.zeros(delay), said * 10 ** (GAIN_DB / 20), np.zeros(pause)])
    return whole[: len(whole) // BLOCK * BLOCK].astype(np.int16)


def _blocks(samples: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    return [samples[at : at + BLOCK] for at in range(0, len(samples), BLOCK)]


def _level_db(blocks: list[NDArray[np.int16]]) -> float:
    power = np.mean(np.square(np.concatenate(blocks), dtype=np.float64))
    return float(10 * np.log10(power + 1e-9))


async def in_a_room(access: Access, runtime_url: str, *, cancelled: bool) -> int:
    """How often the agent answers itself, where everything it says comes back."""
    name = f"echo-{cancelled}"
    events: list[VisitorEvent] = []
    heard: asyncio.Queue[NDArray[np.int16]] = asyncio.Queue()
    async with (
        _agent(access, runtime_url, name, cancelled=cancelled) as agent,
        Visitor(
            url=access.url,
            token=access.token(name, "ann"),
            on_event=events.append,
            on_heard=lambda _, sound: heard.put_nowait(sound),
        ) as visitor,
        asyncio.TaskGroup() as group,
    ):
        playing = group.create_task(_play_back(visitor.room, heard))
        for number, sentence in enumerate(SENTENCES, start=1):
            agent.sessions.open[0].say(sentence)
            async with asyncio.timeout(60):
                await _voice_ended(events, number)
            await asyncio.sleep(PAUSE_S)
        playing.cancel()
    return sum(e.event == "data" and e.fields["content"]["respond"] for e in events)


async def _voice_ended(events: list[VisitorEvent], times: int) -> None:
    for _ in iter(lambda: sum(e.event == "voice_ended" for e in events) < times, False):
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _agent(
    access: Access, runtime_url: str, name: str, *, cancelled: bool
) -> AsyncIterator[RoomAgent]:
    """It decides, and tells what, but only says what it is given."""
    profile = load_profile("default")
    settings = {"telemetry": True, "echo_cancellation": cancelled, "announce": "none"}
    limits = profile.reply.model_copy(update={"unprompted_per_minute": 0})
    changes = {"room": profile.room.model_copy(update=settings), "reply": limits}
    room = rtc.Room()
    options = rtc.RoomOptions(auto_subscribe=False)
    await room.connect(access.url, access.token(name, "agent"), options)
    try:
        role = Role(profile.model_copy(update=changes), runtime=runtime_url)
        async with RoomAgent(room, role) as agent:
            yield agent
    finally:
        await room.disconnect()


async def _play_back(room: rtc.Room, heard: asyncio.Queue[NDArray[np.int16]]) -> None:
    source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=100)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    await room.local_participant.publish_track(track)
    try:
        while True:
            sound = (await heard.get() * 10 ** (GAIN_DB / 20)).astype(np.int16)
            frame = rtc.AudioFrame(sound.tobytes(), SAMPLE_RATE_HZ, 1, len(sound))
            await source.capture_frame(frame)
    finally:
        await source.aclose()


async def run(scratch: Path) -> Result:
    rows, headlines = [], {}
    async with aclosing(open_runtime("embedded:nano")) as runtime:
        for label, settings, _ in voices(scratch / "voices"):
            sayings = await all_spoken(settings, ALL_SENTENCES)
            for cancelled in (False, True):
                outcome = await measure(runtime, sayings, cancelled=cancelled)
                answered = _row(outcome.answers, len(sayings), cancelled)
                rows.append(["straight", label, *answered, f"{outcome.left_db:.0f} dB"])
    default = choose_voice(load_profile("default").voice).label
    with Stage() as stage, ServerProcess("nano", slots=2) as model:
        for cancelled in (False, True):
            answers = await in_a_room(stage.access, model.url, cancelled=cancelled)
            how, count = _row(answers, len(SENTENCES), cancelled)
            rows.append(["in a room", default, how, count, ""])
            headlines[f"own sentences answered, echo at {GAIN_DB:g} dB, {how}"] = count
    return Result(
        name="livekit_echo",
        title="The agent's own voice",
        command=this_command("livekit_echo"),
        hardware=describe(),
        columns=["echo", "voice", "heard", "own sentences answered", "echo's level after"],
        rows=rows,
        notes=[METHOD],
        headlines=headlines,
    )


def _row(answers: int, said: int, cancelled: bool) -> tuple[str, str]:
    how = "with echo cancellation" if cancelled else "as it comes"
    return how, f"{answers} of {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="do not keep the result")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        finish(asyncio.run(run(Path(scratch))), keep=not given.smoke)


if __name__ == "__main__":
    main()
