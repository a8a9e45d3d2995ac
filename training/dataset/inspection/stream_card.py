"""One stream on the page: a player, its timeline, its replies."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from interject.agent.sound_file import as_flac
from interject.training.dataset.inspection.markup import element, isolated
from interject.training.dataset.inspection.timeline import Timeline
from interject.training.dataset.statistics import response_lag_ms

if TYPE_CHECKING:
    from interject.training.streams.stream import TrainingStream
    from interject.training.streams.turn import StreamTurn


def stream_card(stream: TrainingStream) -> str:
    sound = base64.b64encode(as_flac(stream.sound)).decode()
    player = element(
        "audio", controls="", preload="metadata", src=f"data:audio/flac;base64,{sound}",
        aria_label=f"sound of {stream.stream_id}",
    )  # fmt: skip
    timeline = element("div", Timeline(stream).svg(), class_="scroll", tabindex="0")
    content = _head(stream) + player + timeline + _replies(stream)
    return element("article", content, data_ability=stream.ability.value)


def _head(stream: TrainingStream) -> str:
    facts = [
        f"{stream.duration_s:.2f} s", f"{stream.chunks} chunks", f"{len(stream.turns)} turns",
        f"seed {stream.seed}",
    ]  # fmt: skip
    facts += [f"{stream.scene_type}"] if stream.scene_type else []
    facts += [f"not checked: {', '.join(stream.skipped)}"] if stream.skipped else []
    head = element("h3", isolated(stream.stream_id)) + element(
        "span", stream.ability.value.replace("_", " "), class_="ability"
    )
    head += element("p", ", ".join(isolated(fact) for fact in facts), class_="facts")
    if stream.system_prompt:
        head += element("p", f"System prompt: {isolated(stream.system_prompt)}", class_="prompt")
    return element("header", head)


def _replies(stream: TrainingStream) -> str:
    replies = [turn for turn in stream.turns if not turn.is_silent]
    if not replies:
        return element("p", "Nothing in it is answered.", class_="none")
    return element("ol", "".join(_reply(turn) for turn in replies))


def _reply(turn: StreamTurn) -> str:
    when = f"chunk {turn.response_chunk}, {response_lag_ms(turn)} ms after the turn's end"
    asked = f" to {isolated(turn.user)}" if turn.user else ""
    said = element("q", isolated(turn.assistant), class_=f"said {turn.emotion.value}")
    return element("li", f"{said}{asked} {element('small', f'{turn.emotion.value}, {when}')}")
