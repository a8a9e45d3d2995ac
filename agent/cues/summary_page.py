"""A call's summary as Markdown, for people."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic_core import to_json

from interject.agent.outputs import URGENT_PRIORITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.agent.cues.checklist import ChecklistItem
    from interject.agent.cues.summary import AskRecord, CallSummary, CueRecord, ReplyRecord

SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def page(summary: CallSummary) -> str:
    """Cards in the order of their times, and replies that are none of them: nobody reads the same
    words twice.
    """
    cues = sorted(summary.cues, key=lambda cue: cue.at_s)
    replies = [reply for reply in summary.replies if reply.became != "cue"]
    sections = {
        "Checklist": [_item(item) for item in summary.checklist],
        "Talk": list(_talk(summary)),
        "Cues": [*_more(summary.more_cues), *map(_cue, cues)],
        "Replies": [*_more(summary.more_replies), *map(_reply, replies)],
        "Asked of an operator": [*_more(summary.more_asks), *map(_ask, summary.asks)],
        "Trouble": list(_trouble(summary)),
    }
    began = datetime.fromtimestamp(summary.began, UTC).strftime("%Y-%m-%d %H:%M UTC")
    head = [
        f"# Call {_plain(summary.call)}",
        "",
        f"Profile {_plain(summary.profile)}, began {began}, took {_clock(summary.seconds)}.",
    ]
    for title, lines in sections.items():
        if lines:
            head += ["", f"## {title}", "", *(f"- {line}" for line in lines)]
    return "\n".join(head) + "\n"


def fitting(summary: CallSummary, most_bytes: int) -> CallSummary:
    """As much of its lists, the latest, as fits into a message of this size."""
    listed = max(len(summary.replies), len(summary.cues), len(summary.asks))
    while listed and len(to_json(summary)) > most_bytes:
        listed //= 2
        replies = summary.replies[max(0, len(summary.replies) - listed) :]
        cues = summary.cues[max(0, len(summary.cues) - listed) :]
        asks = summary.asks[max(0, len(summary.asks) - listed) :]
        shorter = replace(
            summary,
            replies=replies,
            more_replies=summary.more_replies + len(summary.replies) - len(replies),
            cues=cues,
            more_cues=summary.more_cues + len(summary.cues) - len(cues),
            asks=asks,
            more_asks=summary.more_asks + len(summary.asks) - len(asks),
        )
        summary = replace(shorter, markdown=page(shorter))
    return summary


def _item(item: ChecklistItem) -> str:
    if not item.done or item.at_s is None:
        return f"[ ] {_plain(item.text)}"
    return f"[x] {_plain(item.text)} ({_clock(item.at_s)}, chunk {item.chunk})"


def _talk(summary: CallSummary) -> Iterator[str]:
    for one in summary.talk:
        yield f"{_plain(one.speaker)}: {_clock(one.seconds)}, {one.share:.0%}"
    if summary.overlap_s:
        yield f"several at once: {_clock(summary.overlap_s)}"


def _cue(cue: CueRecord) -> str:
    became = cue.became.replace("_", " ")
    times = f", {cue.count} times" if cue.count > 1 else ""
    urgent = "urgent, " if cue.priority >= URGENT_PRIORITY else ""
    sources = f" ({_plain('; '.join(cue.sources))})" if cue.sources else ""
    head = f"{_clock(cue.at_s)} {_plain(cue.category)} ({urgent}{became}{times})"
    return f"{head}: {_plain(cue.text)}{sources}"


def _reply(reply: ReplyRecord) -> str:
    urgent = "urgent, " if reply.emotion == "urgent" else ""
    category = f" {_plain(reply.category)}" if reply.category else ""
    return f"{_clock(reply.at_s)}{category} ({urgent}{reply.became}): {_plain(reply.text)}"


def _ask(ask: AskRecord) -> str:
    by = f" by {_plain(ask.by)}" if ask.by else ""
    return f"{_clock(ask.at_s)} {_plain(ask.call)}: {ask.outcome}{by}"


def _trouble(summary: CallSummary) -> Iterator[str]:
    if summary.interruptions:
        yield f"replies that were cut by somebody: {summary.interruptions}"
    if summary.missing_s:
        yield f"sound that never came: {_clock(summary.missing_s)}"
    if summary.overload_s:
        yield f"sound that the model had no time for: {_clock(summary.overload_s)}"


def _more(count: int) -> list[str]:
    return [f"{count} more before these"] if count else []


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _plain(text: str) -> str:
    """Whatever somebody said is no Markdown of ours."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))
