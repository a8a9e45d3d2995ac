"""The page of a data set: whatever labels hold stays text, and everything is at its time."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.training.dataset.inspection.page import write_page
from interject.training.dataset.inspection.timeline import Timeline
from interject.training.dataset.statistics import DatasetStatistics
from interject.training.dataset.stream_record import without_sound
from interject.training.streams.span import Layer, StreamSpan
from tests.training.dataset.worlds import noise, rich_stream

if TYPE_CHECKING:
    from interject.training.streams.stream import TrainingStream

HOSTILE = "</script></style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&#60;\u202e"


class Tags(HTMLParser):
    """Every tag, and every attribute that could do something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page_of(*streams: TrainingStream, name: str = "set", problems: tuple[str, ...] = ()) -> str:
    statistics = DatasetStatistics()
    for stream in streams:
        statistics.add(without_sound(stream, ""))
    out = io.StringIO()
    write_page(out, name, statistics, list(problems), streams)
    return out.getvalue()


def with_text(text: str) -> TrainingStream:
    stream = rich_stream()
    span, hiss = stream.spans
    turn, quiet = stream.turns
    assert span.source is not None
    return replace(
        stream,
        sound=stream.sound,
        turns=(replace(turn, user=text, assistant=f"x{text}"), replace(quiet, scene_type=text)),
        spans=(
            replace(
                span, label=text, text=text, speaker=text,
                source=replace(span.source, name=f"x{text}", licence=f"x{text}"),
            ),
            hiss,
        ),
        system_prompt=text, skipped=(text,), scene_type=text,
    )  # fmt: skip


def test_hostile_labels_are_text() -> None:
    tame = Tags(page_of(rich_stream(), name="set", problems=("bad",)))
    page = page_of(with_text(HOSTILE), name=HOSTILE, problems=(HOSTILE,))
    hostile = Tags(page)
    assert hostile.tags == tame.tags
    assert hostile.attributes == tame.attributes
    assert "\u202e" not in page
    assert hostile.tags.count("script") == 1
    assert not {name for name in hostile.attributes if name.startswith("on") or name == "style"}


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_no_label_makes_a_tag(text: str) -> None:
    assert Tags(page_of(with_text(text))).tags == Tags(page_of(with_text("tame"))).tags


def test_nothing_is_fetched_from_anywhere() -> None:
    page = page_of(rich_stream())
    assert re.findall(r"https?://|url\(|@import|<link|<iframe", page) == []
    assert "default-src 'none'".replace("'", "&#x27;") in page
    assert "unsafe" not in page


def test_each_reply_lies_at_its_chunk() -> None:
    stream = replace(rich_stream(), sound=noise(6_400 * 10))
    drawn = Timeline(stream).svg()
    reply = re.search(
        r'<svg class="box reply happy" x="([\d.]+)%" y="[\d.]+" width="([\d.]+)%"', drawn
    )
    assert reply is not None
    assert (float(reply[1]), float(reply[2])) == (10.0, 10.0), "chunk 1 of 10"
    assert drawn.count('class="chunk"') + drawn.count('class="second"') == 11
    card = page_of(stream)
    assert "chunk 1, 300 ms after the turn" in card


def test_spans_that_overlap_lie_in_rows_of_their_own() -> None:
    spans = tuple(
        StreamSpan(Layer.SPEECH, f"s{n}", start, start + 0.5)
        for n, start in enumerate((0.0, 0.2, 0.6))
    )
    drawn = Timeline(replace(rich_stream(), sound=noise(20_000), spans=spans)).svg()
    rows = dict(re.findall(r'class="box speech" x="[\d.]+%" y="([\d.]+)".*?<title>(s\d)', drawn))
    found = re.findall(r'class="box speech" x="[\d.]+%" y="([\d.]+)".*?<title>(s\d)', drawn)
    by_label = {label: y for y, label in found}
    assert len(rows) == 2
    assert by_label["s0"] == by_label["s2"] != by_label["s1"]


def test_sounds_of_any_length_are_drawn() -> None:
    for samples in (1, 5, 599, 601, 6_401, 16_000 * 120):
        stream = replace(rich_stream(), sound=noise(samples), turns=(), spans=())
        assert "polygon" in Timeline(stream).svg()
    assert np.isfinite(len(page_of(replace(rich_stream(), turns=(), spans=()))))


def test_the_clips_of_a_noise_track_are_one_box_and_speech_shows_its_words() -> None:
    spans = (
        *(StreamSpan(Layer.NOISE, "birds", n * 0.1, 1.0) for n in range(5)),
        StreamSpan(Layer.SPEECH, "speech", 0.2, 0.6, "good day"),
        StreamSpan(Layer.OWN_VOICE, "own voice", 0.2, 0.6, "hello"),
    )
    drawn = Timeline(replace(rich_stream(), sound=noise(20_000), spans=spans)).svg()
    assert drawn.count('class="box noise"') == 1
    assert "birds (of 5 sounds)</text>" in drawn
    assert "good day</text>" in drawn
    assert "hello</text>" in drawn
