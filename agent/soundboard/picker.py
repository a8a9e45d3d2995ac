"""From replies to the sounds that they call for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.agent.cues.tagged_runtime import TaggedReply
from interject.agent.outputs import stream_time_s, ways_out
from interject.agent.soundboard.mood_watch import MoodWatch
from interject.agent.soundboard.play_cue import CATEGORY, PlayAction, PlayCue
from interject.agent.soundboard.rules import SoundOutcome, SoundRules
from interject.config.soundboard import SILENCE
from interject.model_runtime.protocol import Emotion, EndReason, FloorMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.config import Profile
    from interject.model_runtime.protocol import ReplyEnded, ReplyStarted

STOP_TEXT = "Stop the sounds."


class SoundPicker:
    """`aloud`: whether this door can play now what the profile lets it. `on_sound` is told of each
    sound's kind and what became of it.
    """

    def __init__(
        self,
        profile: Profile,
        clock: Callable[[], float],
        *,
        aloud: Callable[[], bool],
        on_sound: Callable[[str, SoundOutcome], None],
    ) -> None:
        self._profile = profile
        self._settings = settings = profile.soundboard
        self._aloud = aloud
        self._on_sound = on_sound
        self._rules = SoundRules(settings, clock)
        self._moods = MoodWatch(settings.mood, clock) if settings.mood.picks_beds else None
        self._bed = SILENCE
        self._last: PlayCue | None = None
        """The last that was played, until all are stopped."""

    def forbid(self) -> Iterator[PlayCue]:
        """Somebody wants no sounds in this session."""
        self._rules.forbidden = True
        if self._last is not None:
            yield from self._stop(self._last)

    def replied(self, started: ReplyStarted, ended: ReplyEnded) -> Iterator[PlayCue]:
        """Of a reply that was cut, and where nobody hears or sees it, there are none."""
        if not self._settings.sounds or ended.reason is EndReason.CANCELLED:
            return
        shown = "cue" in ways_out(self._profile, started.mode)
        if not (shown or self._plays(started)):
            return
        for number, name in enumerate(self._called_for(started, ended)):
            if name != SILENCE:
                yield from self._play(started, number, name)
            elif self._last is not None:
                yield from self._stop(self._card(started, number))

    def _called_for(self, started: ReplyStarted, ended: ReplyEnded) -> Iterator[str]:
        """Danger is heard without music, whatever else the reply says."""
        if started.emotion is Emotion.URGENT:
            yield SILENCE
            return
        named = ended.sounds if isinstance(ended, TaggedReply) else ()
        yield from named
        if self._moods is not None and self._moods.replied(started.emotion) and not named:
            yield from self._bed_of(self._moods.mood)

    def _bed_of(self, mood: Emotion | None) -> Iterator[str]:
        """One for this mood, unless such a bed lies there already."""
        sounds = self._settings.sounds
        beds = [name for name, one in sounds.items() if one.kind == "bed" and mood in one.moods]
        if beds and self._bed not in beds:
            yield beds[0]

    def _play(self, started: ReplyStarted, number: int, name: str) -> Iterator[PlayCue]:
        entry = self._settings.sounds[name]
        outcome = self._rules.judge(name)
        self._on_sound(entry.kind, outcome)
        if outcome is not SoundOutcome.PLAYED:
            return
        self._bed = name if entry.kind == "bed" else self._bed
        licence = f"{entry.licence}, {entry.credit}" if entry.credit else entry.licence
        self._last = replace(
            self._card(started, number),
            text=f"{name} ({licence})",
            action=PlayAction.PLAY,
            sound=name,
            kind=entry.kind,
            licence=entry.licence,
            credit=entry.credit,
        )
        yield self._last

    def _stop(self, card: PlayCue) -> Iterator[PlayCue]:
        self._bed, self._last = SILENCE, None
        yield replace(
            card,
            text=STOP_TEXT,
            action=PlayAction.STOP,
            sound="",
            kind="",
            licence="",
            credit="",
        )

    def _card(self, started: ReplyStarted, number: int) -> PlayCue:
        cue, at_s = self._profile.cue, stream_time_s(started.seq)
        return PlayCue(
            session_id=started.session_id,
            id=f"{started.session_id}-{started.reply_id}-{CATEGORY}{number}",
            category=CATEGORY,
            priority=cue.priority_of(CATEGORY),
            text=STOP_TEXT,
            emotion=started.emotion,
            chunk=started.seq,
            at_s=at_s,
            expires_at_s=at_s + cue.expires_s_of(CATEGORY),
            action=PlayAction.STOP,
            aloud=self._plays(started),
        )

    def _plays(self, started: ReplyStarted) -> bool:
        allowed = self._settings.play == "track" and started.mode is FloorMode.SPEAK
        return allowed and self._aloud()
