"""A stream of a domain: its events among what nano knows and what asks nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.acoustics import stretch
from interject.training.nano.lone_scene import LoneSceneBuilder
from interject.training.nano.scene import Style, WantedReply
from interject.training.nano.scene_builder import SceneBuilder
from interject.training.sounds.waves import uniform

if TYPE_CHECKING:
    from interject.training.domain.domain_file import Reaction
    from interject.training.domain.recordings import OwnRecording
    from interject.training.nano.scene import Scene, Stock
    from interject.training.nano.speech_bank import SpeechBank
    from interject.training.sounds.waves import Rng, Wave

NEAR = "near "
"""Before a reaction's name: what is nearly it, and asks nothing."""
IGNORED = "ignored"
OWN_LEVEL_DB = (-10.0, 4.0)
"""Of recordings, beside speech. Lower ones would be lost in many of the backgrounds."""
_PIECE_OF_S = 0.8


@dataclass(frozen=True, slots=True)
class DomainStock:
    """What a domain's streams are made from. `bank` holds phrases by a reaction's name."""

    reactions: tuple[Reaction, ...]
    recordings: dict[str, tuple[OwnRecording, ...]]
    ignored: tuple[OwnRecording, ...]
    bank: SpeechBank | None = field(repr=False)
    general: Stock = field(repr=False)
    forget: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EventShares:
    """Of the happenings in a stream: the domain's events, what is nearly one, what is ignored."""

    reaction: float = 0.0
    near: float = 0.0
    ignored: float = 0.0


BUSY, LONE, NONE = EventShares(0.35, 0.17, 0.13), EventShares(0.22, 0.15, 0.12), EventShares()


class DomainSceneBuilder(SceneBuilder):
    """`others` is false where the base is not nano: then its requests and alarms are left out."""

    def __init__(
        self,
        stock: DomainStock,
        rng: Rng,
        chunks: int,
        *,
        others: bool,
        shares: EventShares = BUSY,
        style: Style = Style.MIXED,
    ) -> None:
        super().__init__(stock.general, rng, chunks, style if others else Style.UNRELATED)
        self._domain, self._others, self._shares = stock, others, shares
        self._replies = {r.name: WantedReply(r.reply, r.tone, r.name) for r in stock.reactions}
        self._forgotten = stock.forget | self._replies.keys()

    def step(self) -> None:
        choice, shares = self._rng.random(), self._shares
        if choice < shares.reaction:
            self._react()
        elif choice < shares.reaction + shares.near:
            self._nearly()
        elif choice < shares.reaction + shares.near + shares.ignored:
            self._ignore()
        elif self._others:
            super().step()
        else:
            self.unrelated_step()

    def place(self, key: str, wave: Wave, level_db: float, reply: WantedReply | None) -> int | None:
        """What the base would say to what the domain forgets, or answers itself, is not wanted. A
        sound that is ordinary to nano and has a reaction's name is not heard: none says whether it
        is one.
        """
        own = self._replies.get(key)
        if reply is None and own is not None:
            return None
        if reply is not None and reply is not own and reply.key in self._forgotten:
            reply = None
        return super().place(key, wave, level_db, reply)

    def _react(self) -> None:
        reaction = self._one_reaction()
        reply = self._replies[reaction.name]
        recordings = self._domain.recordings.get(reaction.name, ())
        spoken = self._said(reaction.name)
        if recordings and (not spoken or self._rng.random() < 0.5):
            self.play(reaction.name, self._one(recordings).wave, reply, OWN_LEVEL_DB)
        else:
            self.speak(reaction.name, reply, self._domain.bank)

    def _nearly(self) -> None:
        """Another wording, or a recording that is changed so that it is not the event any more."""
        reaction = self._one_reaction()
        key = NEAR + reaction.name
        recordings = self._domain.recordings.get(reaction.name, ())
        if self._said(key) and (not recordings or self._rng.random() < 0.6):
            self.speak(key, None, self._domain.bank)
        elif recordings:
            self.play(key, changed(self._one(recordings).wave, self._rng), None, OWN_LEVEL_DB)

    def _ignore(self) -> None:
        spoken = self._said(IGNORED)
        if self._domain.ignored and (not spoken or self._rng.random() < 0.5):
            self.play(IGNORED, self._one(self._domain.ignored).wave, None, OWN_LEVEL_DB)
        elif spoken:
            self.speak(IGNORED, None, self._domain.bank)
        else:
            self.unrelated_step()

    def _said(self, key: str) -> bool:
        return self._domain.bank is not None and key in self._domain.bank.groups

    def _one_reaction(self) -> Reaction:
        return self._domain.reactions[int(self._rng.integers(len(self._domain.reactions)))]

    def _one(self, recordings: tuple[OwnRecording, ...]) -> OwnRecording:
        return recordings[int(self._rng.integers(len(recordings)))]


class LoneDomainBuilder(DomainSceneBuilder, LoneSceneBuilder):
    """The same with one short thing at a time and long pauses, as somebody would try it out."""


def busy_scene(stock: DomainStock, rng: Rng, chunks: int, *, others: bool) -> Scene:
    """An event, or what is nearly one, every few seconds."""
    return DomainSceneBuilder(stock, rng, chunks, others=others).build()


def lone_scene(stock: DomainStock, rng: Rng, chunks: int, *, others: bool) -> Scene:
    return LoneDomainBuilder(
        stock, rng, chunks, others=others, shares=LONE, style=Style.LONE
    ).build()


def known_scene(stock: DomainStock, rng: Rng, chunks: int) -> Scene:
    """What nano knows already, as its own recipe would mix it, so that it is not lost."""
    choice = rng.random()
    build = LoneDomainBuilder if choice < 0.4 else DomainSceneBuilder
    style = Style.LONE if choice < 0.4 else Style.COUNT if choice < 0.5 else Style.MIXED
    return build(stock, rng, chunks, others=True, shares=NONE, style=style).build()


def ordinary_scene(stock: DomainStock, rng: Rng, chunks: int) -> Scene:
    """Talk and sounds of which none asks for anything, as hours of a day are."""
    builder = DomainSceneBuilder(
        stock, rng, chunks, others=True, shares=NONE, style=Style.UNRELATED
    )
    return builder.build()


def changed(wave: Wave, rng: Rng) -> Wave:
    """The sound at about half or double speed and pitch, or of a long one a small piece."""
    if len(wave) > _PIECE_OF_S * SAMPLE_RATE_HZ and rng.random() < 0.4:
        length = int(len(wave) * uniform(rng, 0.1, 0.25))
        start = int(rng.integers(len(wave) - length))
        return wave[start : start + length]
    return stretch(wave, uniform(rng, 1.7, 2.5) if rng.random() < 0.5 else uniform(rng, 0.4, 0.6))
