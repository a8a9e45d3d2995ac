"""One stream over its time: chunks, waveform, what is heard in which layer, turns and replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import FRAME_S
from interject.training.dataset.inspection.markup import element, escaped
from interject.training.dataset.inspection.waveform import waveform
from interject.training.streams.span import Layer

if TYPE_CHECKING:
    from interject.training.streams.span import StreamSpan
    from interject.training.streams.stream import TrainingStream

PIXELS_A_SECOND = 36
AXIS, WAVE, ROW, GAP, NAME = 18, 64, 20, 4, 13
CHUNKS_A_LABEL = 5
LEAST_BOX_S = 0.02
MOST_TOLD = 12
MOST_LETTERS = 1_000
LAYERS = tuple(Layer)


@dataclass(frozen=True, slots=True)
class SpanBox:
    start_s: float
    end_s: float
    label: str
    title: str


class Timeline:
    """Everything lies at per cents of the width, so that it stretches without its letters."""

    def __init__(self, stream: TrainingStream) -> None:
        self._stream = stream
        self._whole_s = stream.chunks * FRAME_S
        self._y = float(AXIS)
        self._parts: list[str] = []

    def svg(self) -> str:
        self._draw_wave()
        for layer in LAYERS:
            spans = [span for span in self._stream.spans if span.layer is layer]
            if spans:
                self._draw_layer(layer, spans)
        self._draw_turns()
        self._draw_replies()
        height = self._y
        grid = self._grid(height)
        head = element("line", class_="head", x1="0%", x2="0%", y1=0, y2=height)
        return element(
            "svg", grid + "".join(self._parts) + head, class_="timeline", height=height,
            width=round(self._whole_s * PIXELS_A_SECOND), role="img", data_seconds=self._whole_s,
            aria_label=f"timeline of {self._stream.stream_id}",
        )  # fmt: skip

    def _at(self, seconds: float) -> str:
        return f"{100 * seconds / self._whole_s:.4f}%"

    def _grid(self, height: float) -> str:
        lines = []
        for chunk in range(self._stream.chunks + 1):
            at = self._at(chunk * FRAME_S)
            strong = chunk % CHUNKS_A_LABEL == 0
            lines.append(
                element(
                    "line", class_="second" if strong else "chunk", x1=at, x2=at,
                    y1=AXIS - 4 if strong else AXIS, y2=height,
                )
            )  # fmt: skip
            if strong and chunk < self._stream.chunks:
                label = f"{chunk * FRAME_S:g} s"
                lines.append(element("text", label, class_="axis", x=at, dx=2, y=11))
        return "".join(lines)

    def _draw_wave(self) -> None:
        width = 100 * self._stream.duration_s / self._whole_s
        drawn = waveform(self._stream.sound, y=0, height=WAVE)
        self._parts.append(
            element("svg", drawn, x=0, y=self._y, width=f"{width:.4f}%", height=WAVE)
        )
        self._y += WAVE + GAP

    def _draw_layer(self, layer: Layer, spans: list[StreamSpan]) -> None:
        self._name(layer.value.replace("_", " "))
        boxes = _merged(spans) if layer is Layer.NOISE else [_box_of(span) for span in spans]
        for row in _rows(boxes):
            ends = [box.start_s for box in row[1:]] + [self._whole_s]
            for box, room_s in zip(row, ends, strict=True):
                self._box((box.start_s, box.end_s, room_s), box.label, layer.value, box.title)
            self._y += ROW + 2
        self._y += GAP

    def _draw_turns(self) -> None:
        if not self._stream.turns:
            return
        self._name("turns")
        turns = self._stream.turns
        rooms = [turn.start_s for turn in turns[1:]] + [self._whole_s]
        for turn, room_s in zip(turns, rooms, strict=True):
            kind = "silent" if turn.is_silent else "answered"
            label = turn.user or turn.scene_type or kind
            title = f"{label}\n{turn.start_s:.2f} to {turn.end_s:.2f} s, {kind}"
            self._box((turn.start_s, turn.end_s, room_s), label, f"turn {kind}", title)
        self._y += ROW + GAP

    def _draw_replies(self) -> None:
        """Each at its chunk; the number leads to the list below the picture."""
        replies = [turn for turn in self._stream.turns if turn.response_chunk is not None]
        if not replies:
            return
        self._name("replies, at the chunk that decides")
        for number, turn in enumerate(replies, start=1):
            assert turn.response_chunk is not None, "silent turns were left out"
            start_s = turn.response_chunk * FRAME_S
            title = f"chunk {turn.response_chunk}: {turn.assistant}"
            kind = f"reply {turn.emotion.value}"
            end_s = start_s + FRAME_S
            self._box((start_s, end_s, end_s), str(number), kind, title)
        self._y += ROW + GAP

    def _name(self, text: str) -> None:
        self._parts.append(element("text", text, class_="lane", x=2, y=self._y + NAME - 3))
        self._y += NAME

    def _box(self, times: tuple[float, float, float], label: str, kind: str, title: str) -> None:
        """From one time to another; its label has room up to a third."""
        start_s, end_s, room_s = times
        end_s = max(end_s, start_s + LEAST_BOX_S)
        room_s = max(end_s, room_s)
        content = (
            element("title", "\n".join(escaped(line) for line in title[:MOST_LETTERS].split("\n")))
            + element(
                "rect", width=f"{100 * (end_s - start_s) / (room_s - start_s):.4f}%",
                height="100%", rx=3,
            )
            + element("text", escaped(label[:MOST_LETTERS]), x=4, y=14)
        )  # fmt: skip
        self._parts.append(
            element(
                "svg", content, class_=f"box {kind}", x=self._at(start_s), y=self._y,
                width=self._at(room_s - start_s), height=ROW,
            )
        )  # fmt: skip


def _box_of(span: StreamSpan) -> SpanBox:
    plain = span.label in ("", span.layer.value, span.layer.value.replace("_", " "))
    label = span.text if plain and span.text else span.label or span.layer.value
    return SpanBox(span.start_s, span.end_s, label, _told(span))


def _merged(spans: list[StreamSpan]) -> list[SpanBox]:
    """One box a label: a noise track repeats its clips over the whole stream, and crosses them."""
    by_label: dict[str, list[StreamSpan]] = {}
    for span in spans:
        by_label.setdefault(span.label, []).append(span)
    return [
        SpanBox(
            min(span.start_s for span in alike),
            max(span.end_s for span in alike),
            label if len(alike) == 1 else f"{label} (of {len(alike)} sounds)",
            "\n".join(_told(span) for span in alike[:MOST_TOLD]),
        )
        for label, alike in by_label.items()
    ]


def _rows(boxes: list[SpanBox]) -> list[list[SpanBox]]:
    """As few as hold them without one lying on another."""
    rows: list[list[SpanBox]] = []
    for box in sorted(boxes, key=lambda box: box.start_s):
        row = next((row for row in rows if row[-1].end_s <= box.start_s), None)
        if row is None:
            rows.append([box])
        else:
            row.append(box)
    return rows


def _told(span: StreamSpan) -> str:
    lines = [f"{span.label}, {span.start_s:.2f} to {span.end_s:.2f} s"]
    lines += [span.text] if span.text else []
    lines += [f"speaker {span.speaker}"] if span.speaker else []
    lines += [f"{span.source.name} ({span.source.licence})"] if span.source else []
    return "\n".join(lines)
