"""From a stream to its item and back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from interject.training.dataset.items import (
    SILENT,
    PublicItem,
    PublicTurn,
    SoundSourceItem,
    SpanItem,
    WordItem,
    is_silent,
)
from interject.training.dataset.problem import BadRecord, bad_stream
from interject.training.streams.problem import BadStream
from interject.training.streams.span import SoundSource, StreamSpan, TimedWord
from interject.training.streams.stream import STREAM_ID, TrainingStream
from interject.training.streams.turn import StreamTurn, response_chunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interject.training.streams.ability import Ability

DIGEST_LETTERS = 24


def as_stream_id(foreign: str | int) -> str:
    """An id of somebody else's as one of ours: quoted as in a URL, or a digest if it is long."""
    text = str(foreign)
    quoted = quote(text, safe="", errors="surrogatepass").replace(".", "%2E").replace("~", "%7E")
    if STREAM_ID.fullmatch(quoted):
        return quoted
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGEST_LETTERS]


def as_item(stream: TrainingStream, audio_path: str) -> PublicItem:
    """With everything that is known of it; all turns name the one file of the whole sound.

    :raises BadStream: when a reply says what the format keeps for silence.
    """
    return PublicItem(
        id=unquote(stream.stream_id),
        stream_scene_type=stream.scene_type or stream.ability,
        num_turns=len(stream.turns),
        turns=tuple(
            PublicTurn(
                user=turn.user,
                assistant=assistant_text(turn, number),
                emotion=turn.emotion,
                scene_type=turn.scene_type,
                audio_path=audio_path,
                start_s=turn.start_s,
                end_s=turn.end_s,
                response_chunk=turn.response_chunk,
                reference_turn=turn.reference_turn,
            )
            for number, turn in enumerate(stream.turns)
        ),
        ability=stream.ability,
        seed=stream.seed,
        system_prompt=stream.system_prompt,
        skipped=stream.skipped,
        samples=len(stream.sound),
        spans=tuple(_span_item(span) for span in stream.spans),
    )


def assistant_text(turn: StreamTurn, number: int) -> str:
    """:raises BadStream: when a reply says what the format keeps for silence."""
    if turn.is_silent:
        return SILENT
    if is_silent(turn.assistant):
        raise BadStream(f"turns.{number}.assistant", "says the format's word for no reply")
    return turn.assistant


def as_turns(item: PublicItem) -> tuple[StreamTurn, ...]:
    """Those of an item that has times.

    :raises BadStream: when they contradict themselves.
    """
    turns = []
    for number, turn in enumerate(item.turns):
        place = f"turns.{number}"
        if turn.start_s is None or turn.end_s is None:
            raise BadStream(f"{place}.end_s", "is missing, as other times of this item are not")
        silent = is_silent(turn.assistant)
        chunk = turn.response_chunk
        if chunk is None and not silent:
            chunk = response_chunk(turn.end_s)
        try:
            turns.append(
                StreamTurn(
                    turn.start_s,
                    turn.end_s,
                    turn.user,
                    "" if silent else turn.assistant,
                    turn.emotion,
                    turn.scene_type,
                    chunk,
                    turn.reference_turn,
                )
            )
        except BadStream as exc:
            raise exc.inside(place) from None
    return tuple(turns)


def as_spans(item: PublicItem) -> tuple[StreamSpan, ...]:
    """:raises BadStream: when they contradict themselves."""
    spans = []
    for number, span in enumerate(item.spans):
        try:
            spans.append(_span(span))
        except BadStream as exc:
            raise exc.inside(f"spans.{number}") from None
    return tuple(spans)


def as_stream(
    item: PublicItem, sound: NDArray[np.float32], turns: tuple[StreamTurn, ...], ability: Ability
) -> TrainingStream:
    """:raises BadStream: when a part of it contradicts another."""
    return TrainingStream(
        stream_id=as_stream_id(item.id),
        ability=item.ability or ability,
        sound=sound,
        turns=turns,
        spans=as_spans(item),
        seed=item.seed,
        system_prompt=item.system_prompt,
        skipped=item.skipped,
        scene_type="" if item.stream_scene_type == item.ability else item.stream_scene_type,
    )


def from_shard(item: PublicItem, sound: NDArray[np.float32], place: str) -> TrainingStream:
    """:raises BadRecord: when the item and its sound contradict themselves or each other."""
    if item.ability is None:
        raise BadRecord(place, "ability", "the key 'ability' is missing")
    if item.samples != len(sound):
        raise BadRecord(
            place, "samples", f"'samples' is {item.samples}, but the sound has {len(sound)}"
        )
    try:
        return as_stream(item, sound, as_turns(item), item.ability)
    except BadStream as exc:
        raise bad_stream(place, exc) from None


def _span_item(span: StreamSpan) -> SpanItem:
    source = span.source
    return SpanItem(
        layer=span.layer,
        label=span.label,
        start_s=span.start_s,
        end_s=span.end_s,
        text=span.text,
        words=tuple(WordItem(text=word.text, end_s=word.end_s) for word in span.words),
        speaker=span.speaker,
        source=None
        if source is None
        else SoundSourceItem(name=source.name, licence=source.licence, sha256=source.sha256),
    )


def _span(item: SpanItem) -> StreamSpan:
    source = item.source
    return StreamSpan(
        layer=item.layer,
        label=item.label,
        start_s=item.start_s,
        end_s=item.end_s,
        text=item.text,
        words=tuple(TimedWord(word.text, word.end_s) for word in item.words),
        speaker=item.speaker,
        source=None if source is None else SoundSource(source.name, source.licence, source.sha256),
    )
