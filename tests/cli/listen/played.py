"""A stream that was listened to under a profile, and all that came of it."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interject.agent.records.store import RecordStore
from interject.cli.listen.request import read_request
from interject.cli.listen.running import open_by_url, run
from interject.config import load_profile
from tests.cli.command_process import DEFAULTS
from tests.cli.sounds import read_tracks, room, write_wav
from tests.fakes.runtime import FakeRuntime, Scripted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from interject.agent.records.session_record import SessionRecord
    from interject.config import Profile
    from interject.model_runtime.protocol import Runtime

EXAMPLES = Path(__file__).parents[3] / "examples"
TRADES = {
    "call_center_copilot": ("call_center.opus", str(EXAMPLES / "call_center.yaml")),
    "meeting_assistant": ("meeting.opus", "meeting_assistant"),
    "podcast_producer": ("podcast.opus", "podcast_producer"),
}
"""By the profile that serves the trade: its recording, and what that is played with."""


@dataclass(frozen=True)
class Played:
    """`told` are the lines of `--json`, `tracks` those of `--out`: the room, what was said, and
    what was played where anything may be. `kept` are the records in the folder that was named for
    them.
    """

    profile: Profile
    told: list[dict[str, Any]]
    summary: dict[str, Any]
    tracks: NDArray[np.int16]
    kept: list[SessionRecord]

    @property
    def cards(self) -> list[dict[str, Any]]:
        return [one for one in self.told if one["event"] in ("cue", "play")]

    @property
    def ticks(self) -> list[str]:
        """In their order."""
        updates = (one for one in self.told if one["event"] == "checklist")
        return [item for one in updates for item in one["ticked"]]

    @property
    def posts(self) -> list[dict[str, Any]]:
        return [one for one in self.summary["replies"] if one["became"] == "posted"]

    @property
    def is_mute(self) -> bool:
        """Nothing but the room is on the recording, and no reply was meant to be."""
        said = {"said", "cut"} & {one["became"] for one in self.summary["replies"]}
        return not said and not self.tracks[:, 1:].any()


@functools.cache
def minute(trade: str) -> Played:
    """The trade's own recording, heard by the model that ships; once for all tests of a process."""
    sound, profile = TRADES[trade]
    return _play(str(EXAMPLES / sound), profile, None)


def scripted(
    trade: str,
    replies: Mapping[int, str],
    *,
    seconds: float = 12.0,
    loud_at_s: tuple[float, ...] = (),
    **changes: Any,
) -> Played:
    """A quiet room under the trade's profile, `changes` beside it, with these replies after these
    chunks of 400 ms.
    """
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder, "changed.yaml")
        profile.write_text(json.dumps({"extends": trade, "name": trade, **changes}))
        sound = write_wav(Path(folder, "room.wav"), room(seconds, loud_at_s=loud_at_s) // 4)
        runtime = FakeRuntime({chunk: Scripted(text) for chunk, text in replies.items()})
        return _play(str(sound), str(profile), runtime)


def _play(sound: str, profile: str, runtime: FakeRuntime | None) -> Played:
    async def given(url: str) -> Runtime:
        return await open_by_url(url) if runtime is None else runtime

    with tempfile.TemporaryDirectory() as folder:
        summary, out, records = Path(folder, "end.json"), Path(folder, "out.wav"), Path(folder, "r")
        records.mkdir()
        store = RecordStore(records)
        given_words = {
            "runtime_url": "embedded:nano",
            "profile": profile,
            "source": sound,
            "summary": str(summary),
            "out": str(out),
            "records": str(records),
        }
        request = read_request(**{**DEFAULTS, **given_words})
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(io.StringIO()):
            assert run(request, opener=given) == 0
        return Played(
            profile=load_profile(profile),
            told=[json.loads(line) for line in shown.getvalue().splitlines()],
            summary=json.loads(summary.read_text()),
            tracks=read_tracks(out),
            kept=[store.read(head.id) for head in store.list()],
        )
