"""A minute of each of three trades, with the model that ships: cards, ticks and summary, in order
and on time; and whatever their profiles and pages promise. `examples/trades.py` made the
recordings.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from interject.config import load_profile
from tests.cli.listen.played import EXAMPLES, TRADES, minute
from tests.cli.listen.promises import CALL, HOURS, MEETING, PODCAST, PROMISES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.listen.promises import Promise

ROOT = Path(__file__).parents[3]
MOST_BYTES = 1_500_000
LATEST_S = 1.2
"""A chunk of 400 ms after the last word is decided, or one of the next two."""

CLAIMS = {CALL: [("shown", [HOURS]), ("no_source", [])]}
"""nano says that refunds are possible within thirty days; the notes have fourteen."""

# What happens, and when the sound that causes it ends.
STREAMS: dict[str, list[tuple[float, str, str]]] = {
    CALL: [
        (2.1, "tick", "greeting"),
        (5.4, "tick", "identity"),
        (13.3, "tick", "recording"),
        (17.5, "question", "Asks for an order: take its number."),
        (25.8, "claim", "We are open from nine to five."),
        (39.5, "cancel", "Wants to cancel: ask what is wrong first."),
        (44.6, "upset", "Complains or wants a manager: say sorry."),
        (52.9, "tick", "farewell"),
    ],
    MEETING: [
        (10.5, "action", "To do: somebody asked to note this."),
        (19.3, "tick", "next_date"),
        (19.3, "question", "Open: when is the next meeting?"),
        (24.2, "", "The capital of France is Paris."),
        (29.4, "", "That is a smoke alarm! Leave the building."),
        (39.0, "tick", "summed_up"),
        (39.0, "decision", "To settle: what was decided?"),
    ],
    PODCAST: [
        (1.9, "tick", "recording"),
        (6.4, "play", "calm (CC0-1.0, Interject)"),
        (10.7, "tick", "guest"),
        (18.9, "noise", "A cough: say the sentence again."),
        (28.5, "open", "Somebody asked to note this: come back to it."),
        (37.2, "tick", "thanks"),
    ],
}
PAGES = {CALL: "call_center", MEETING: "meeting_assistant", PODCAST: "podcast"}
SECTIONS = ("What it ", "Personal data", "Facts: ")
"""Of a page, beside its beginning, those that promise something."""


def happened(told: list[dict[str, Any]], summary: dict[str, Any]) -> list[tuple[float, str, str]]:
    """Ticks and cards as they were told; posts, which a terminal is not shown, of the summary."""
    ticks = [
        (one["at_s"], "tick", one["item"])
        for update in told
        if update["event"] == "checklist"
        for one in update["items"]
        if one["item"] in update["ticked"]
    ]
    cards = [
        (one["time"], one["category"], one["text"])
        for one in told
        if one["event"] in ("cue", "play")
    ]
    posts = [
        (one["at_s"], one["category"], one["text"])
        for one in summary["replies"]
        if one["became"] == "posted"
    ]
    return sorted([*ticks, *cards, *posts], key=lambda one: (one[0], one[1] != "tick"))


@pytest.mark.parametrize("trade", STREAMS)
@pytest.mark.timeout(180)
def test_a_trade_s_minute_from_its_sound_to_its_summary(trade: str) -> None:
    played, expected = minute(trade), STREAMS[trade]
    told, summary = played.told, played.summary
    found = happened(told, summary)
    assert [(kind, what) for _, kind, what in found] == [(kind, what) for _, kind, what in expected]
    for (at_s, _, what), (ends_s, *_) in zip(found, expected, strict=True):
        assert ends_s - 0.4 <= at_s <= ends_s + LATEST_S, what
    items = played.profile.checklist.items
    done = {what for _, kind, what in expected if kind == "tick"}
    assert {one["item"] for one in summary["checklist"] if one["done"]} == done < set(items)
    for item, text in items.items():
        assert f"- [{'x' if item in done else ' '}] {text}" in summary["markdown"]
    assert not any("[" in one["text"] for one in told if one["event"] == "reply_ended")
    claims = [one for one in summary["cues"] if one["category"] == "claim"]
    assert [(one["became"], one["sources"]) for one in claims] == CLAIMS.get(trade, [])


def paragraphs(trade: str) -> Iterator[str]:
    """Of the trade's page; what belongs to lists and tables is none."""
    page = (ROOT / "docs" / f"{PAGES[trade]}.md").read_text()
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    section = ""
    for at, token in enumerate(tokens):
        words = " ".join(tokens[at + 1].content.split()) if at + 1 < len(tokens) else ""
        if token.type == "heading_open":
            section = "" if token.tag == "h1" else words
        promises = not section or section.startswith(SECTIONS)
        if promises and token.type == "paragraph_open" and not token.level:
            yield words


def written(trade: str, part: str) -> str:
    """All that it promises there."""
    if part == "description":
        return load_profile(trade).description
    if part == "page":
        return " ".join(paragraphs(trade))
    lines = (ROOT / "config" / "profiles" / f"{trade}.yaml").read_text().splitlines()
    return " ".join(line.strip(" #") for line in lines if line.lstrip().startswith("#"))


@pytest.mark.parametrize(("trade", "part"), PROMISES)
def test_every_sentence_is_in_the_table_of_promises_word_for_word(trade: str, part: str) -> None:
    assert written(trade, part) == " ".join(one.words for one in PROMISES[trade, part])


@pytest.mark.parametrize(
    "promise",
    [
        pytest.param(promise, id=f"{PAGES[trade]}-{part}-{at}")
        for (trade, part), promises in PROMISES.items()
        for at, promise in enumerate(promises)
    ],
)
@pytest.mark.timeout(180)
def test_a_promise_is_kept(promise: Promise) -> None:
    promise.proof()


@pytest.mark.parametrize("trade", [CALL, PODCAST])
def test_the_table_of_its_page_has_each_category_and_its_priority(trade: str) -> None:
    cue = load_profile(trade).cue
    page = (ROOT / "docs" / f"{PAGES[trade]}.md").read_text()
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `")]
    priorities: dict[str, int | None] = {cue.category: cue.priority}
    priorities.update((name, one.priority) for name, one in cue.categories.items())
    assert {name.strip(" `"): int(priority) for name, priority in rows} == priorities


def test_the_recordings_are_small() -> None:
    sizes = [(EXAMPLES / sound).stat().st_size for sound, _ in TRADES.values()]
    assert sum(sizes) < MOST_BYTES
