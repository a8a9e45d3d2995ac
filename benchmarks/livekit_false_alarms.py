"""How often does a stock agent cry alarm in a kitchen where nothing happens but a late start?"""

from __future__ import annotations

import argparse
import asyncio
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from livekit import rtc
from livekit.agents import NOT_GIVEN, Agent, AgentSession

from benchmarks.hardware import describe
from benchmarks.livekit_stage import Stage
from benchmarks.result import Result, finish, this_command
from interject.integrations import livekit as plugin
from interject.model_runtime.local.process import ServerProcess
from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Cause, Emotion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.model_runtime.protocol import Decision, ReplyEnded, ReplyStarted

KITCHEN = Path(__file__).parent.parent / "examples" / "kitchen.wav"
RATE_HZ = 48_000
BLOCK = 480
SCENE_S = 12.0
HISS_DBFS = -45.0
FADE_S = 0.05
AT_ONCE = 2
GAIN_CONTROLLED_FROM = 12
"""The last four of sixteen go through WebRTC's gain control and noise suppression."""
GREETING = "Hello, I am listening. Ask me anything you like, I am here for you all day."
HARD = ((5.2, 2.0, 2.5, 0.7), (7.1, -4.0, 2.4, 0.6), (6.9, 6.0, 1.8, 0.5), (4.7, -9.0, 1.1, 0.2))
"""The first scenes, chosen by hand. An ear that takes the step out of digital silence as it comes
hears a crash in the first and in the third."""
METHOD = (
    "A stock `AgentSession` with `RealtimeModel` and nano on a real LiveKit server on the loopback "
    "device. A microphone is silent for 1 to 2.5 s, then twelve seconds of examples/kitchen.wav "
    "begin in their middle, at -9 to +6 dB, with a hiss of -45 dBFS; every other one fades in "
    "over 50 ms, the last quarter goes through WebRTC's gain control. The agent greets meanwhile. "
    "The first four scenes are chosen by hand, the others drawn. "
    "There is no alarm to be heard: an urgent reply is false."
)


@dataclass(frozen=True)
class Scene:
    """One start: where the sound begins in the file, how loud, after how much silence."""

    number: int
    from_s: float
    gain_db: float
    silence_s: float
    greet_after_s: float

    @classmethod
    def of(cls, number: int) -> Scene:
        """The same for everybody who asks for this number."""
        if number < len(HARD):
            return cls(number, *HARD[number])
        draw = np.random.default_rng(100 + number)
        return cls(
            number,
            draw.uniform(4.5, 7.2),
            draw.uniform(-9, 6),
            draw.uniform(1, 2.5),
            draw.uniform(0.2, 0.8),
        )

    def sound(self) -> NDArray[np.int16]:
        """48 kHz mono."""
        with wave.open(str(KITCHEN)) as file:
            whole = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(float)
        first = round(self.from_s * SAMPLE_RATE_HZ)
        part = whole[first : first + round(SCENE_S * SAMPLE_RATE_HZ)] * 10 ** (self.gain_db / 20)
        ratio = RATE_HZ // SAMPLE_RATE_HZ
        part = np.interp(np.arange(len(part) * ratio) / ratio, np.arange(len(part)), part)
        hiss = np.random.default_rng(self.number).standard_normal(len(part))
        part += hiss * 2**15 * 10 ** (HISS_DBFS / 20)
        if self.number % 2:
            count = round(FADE_S * RATE_HZ)
            part[:count] *= np.linspace(0, 1, count)
        heard: NDArray[np.float64] = np.concatenate(
            [np.zeros(round(self.silence_s * RATE_HZ)), part]
        )
        return np.clip(heard, -(2**15), 2**15 - 1).astype(np.int16)


@dataclass
class Heard:
    """What the agent made of a scene."""

    decisions: int = 0
    replies: list[tuple[Emotion, str]] = field(default_factory=list)

    def decided(self, _: Decision) -> None:
        self.decisions += 1

    def replied(self, started: ReplyStarted, ended: ReplyEnded, _: object) -> None:
        if started.cause is Cause.MODEL:
            self.replies.append((started.emotion, ended.text))

    @property
    def alarms(self) -> list[str]:
        return [text for emotion, text in self.replies if emotion is Emotion.URGENT]


async def start(stage: Stage, model_url: str, scene: Scene) -> Heard:
    """One room, one caller, one stock agent."""
    name = f"start-{scene.number}"
    caller, room, heard = rtc.Room(), rtc.Room(), Heard()
    await caller.connect(stage.access.url, stage.access.token(name, "ann"))
    await room.connect(stage.access.url, stage.access.token(name, "agent"))
    model = plugin.RealtimeModel(model_url, "default")
    session: AgentSession[Any] = AgentSession(llm=model, tts=model.tts() or NOT_GIVEN)
    try:
        await session.start(Agent(instructions=""), room=room, record=False)
        realtime: Any = session.current_agent.realtime_llm_session
        realtime.on("interject_decision", heard.decided)
        realtime.on("interject_reply_ended", heard.replied)
        talking = asyncio.create_task(talk(caller, scene))
        await asyncio.sleep(scene.silence_s + scene.greet_after_s)
        session.say(GREETING)
        await talking
        await asyncio.sleep(1.0)
    finally:
        await session.aclose()
        await model.aclose()
        await room.disconnect()
        await caller.disconnect()
    return heard


async def talk(caller: rtc.Room, scene: Scene) -> None:
    """Publish a microphone and play the scene into it at its own pace."""
    source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=60)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    microphone = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await caller.local_participant.publish_track(track, microphone)
    controlled = scene.number % 16 >= GAIN_CONTROLLED_FROM
    processing = rtc.AudioProcessingModule(
        high_pass_filter=True, noise_suppression=controlled, auto_gain_control=controlled
    )
    samples = scene.sound()
    for at in range(0, len(samples) - BLOCK, BLOCK):
        frame = rtc.AudioFrame(bytearray(samples[at : at + BLOCK].tobytes()), RATE_HZ, 1, BLOCK)
        processing.process_stream(frame)
        await source.capture_frame(frame)
    await source.aclose()


async def run(starts: int) -> Result:
    with Stage() as stage, ServerProcess("nano", slots=AT_ONCE + 1) as model:
        found: list[Heard] = []
        for first in range(0, starts, AT_ONCE):
            some = [Scene.of(n) for n in range(first, min(starts, first + AT_ONCE))]
            found += await asyncio.gather(*(start(stage, model.url, scene) for scene in some))
            print(f"{len(found)} of {starts} starts", flush=True)
    alarms = [text for heard in found for text in heard.alarms]
    others = [text for heard in found for emotion, text in heard.replies]
    count = f"{len(alarms)} in {starts} starts"
    return Result(
        name="livekit_false_alarms",
        title="False alarms of a stock agent",
        command=this_command("livekit_false_alarms"),
        hardware=describe(),
        columns=["starts", "decisions", "replies", "urgent, all of them false", "their words"],
        rows=[
            [
                str(starts),
                str(sum(heard.decisions for heard in found)),
                str(len(others)),
                str(len(alarms)),
                "; ".join(sorted(set(alarms))),
            ]
        ],
        notes=[METHOD],
        headlines={"false alarms of a stock LiveKit agent": count},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--starts", type=int, default=16)
    parser.add_argument("--smoke", action="store_true", help="two starts, not kept")
    given = parser.parse_args()
    starts = 2 if given.smoke else given.starts
    finish(asyncio.run(run(starts)), keep=not given.smoke)


if __name__ == "__main__":
    main()
