"""What is kept of a real room: the sound of each one while he may be heard."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from interject.agent.records.record_folder import RecordFolder
from interject.agent.records.store import RecordStore
from interject.config import load_profile
from interject.model_runtime.protocol import FRAME_SAMPLES
from tests.live.livekit.participants import person, tone
from tests.live.livekit.scripted_agent import on_stage
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from interject.model_runtime.protocol import Frame
    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


def kept(path: Path) -> NDArray[np.int16]:
    with av.open(str(path)) as file:
        return np.concatenate([one.to_ndarray()[0] for one in file.decode(audio=0)])


def in_place(frames: list[Frame]) -> NDArray[np.int16]:
    """As the model was given them, each at its time."""
    sound = np.zeros((frames[-1].seq + 1) * FRAME_SAMPLES, np.int16)
    for frame in frames:
        begin = frame.seq * FRAME_SAMPLES
        sound[begin : begin + FRAME_SAMPLES] = np.frombuffer(frame.pcm, "<i2")
    return sound


def loudest_hz(sound: NDArray[np.int16]) -> float:
    spectrum = np.abs(np.fft.rfft(sound.astype(np.float64)))
    return float(spectrum.argmax() * 16_000 / len(sound))


async def test_a_room_s_record_has_the_sound_of_everybody_while_it_listens(
    shared_livekit: LiveKitServer, tmp_path: Path
) -> None:
    base = load_profile("default")
    profile = base.model_copy(
        update={
            "privacy": base.privacy.model_copy(update={"retention": "everything", "audio": True}),
            "room": base.room.model_copy(update={"ear": "each", "announce": "none"}),
        }
    )
    store = RecordStore(tmp_path)
    async with (
        person(shared_livekit, "kept", "ann") as ann,
        person(shared_livekit, "kept", "ben") as ben,
        on_stage(shared_livekit, "kept", profile=profile, records=store) as stage,
    ):
        sessions = stage.agent.sessions
        await until(lambda: len(sessions.open) == 2, "an ear for each")
        await asyncio.gather(ann.visitor.play(tone(300, 1.2)), ben.visitor.play(tone(700, 1.2)))
        models = list(stage.models)
        await until(lambda: all(any(map(loud, one.frames)) for one in models), "both to be heard")
        stage.agent.consent.stop("ann")
        heard = [len(one.frames) for one in models]
        await ann.visitor.play(tone(1_100, 0.8))
        assert [len(one.frames) for one in models] == heard
    (head,) = store.list()
    assert (head.call, head.has_audio) == ("kept", True)
    files = RecordFolder(tmp_path / head.id).audio()
    for path, model in zip(files, models, strict=True):
        assert np.array_equal(kept(path), in_place(model.frames))
    assert sorted(round(loudest_hz(kept(path)), -2) for path in files) == [300, 700]


def loud(frame: Frame) -> bool:
    return int(np.abs(np.frombuffer(frame.pcm, "<i2").astype(np.int32)).max()) > 1_000
