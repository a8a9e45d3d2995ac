"""A record for other programs: JSON, or WebVTT for a player beside the sound."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from pydantic_core import to_json

from interject.agent.records.lines import RecordedCue, RecordedPost, RecordedSpeech

if TYPE_CHECKING:
    from interject.agent.records.lines import RecordLine
    from interject.agent.records.session_record import SessionRecord

CHARS_PER_S = 15.0
"""As fast as most people read and most voices speak."""
LEAST_S = 1.5


def as_json(record: SessionRecord) -> bytes:
    """The first line under `begun`, all others in order under `lines`."""
    return to_json({"begun": record.begun, "lines": record.lines}, indent=2) + b"\n"


def as_webvtt(record: SessionRecord) -> str:
    """What was said, as far as it was heard, what was posted, and each card when it was shown."""
    shown = sorted(
        (line for line in record.lines if isinstance(line, _SHOWN)), key=lambda line: line.at_s
    )
    blocks = [f"{_span(line)}\n{_words(line)}\n" for line in shown if _text(line).strip()]
    return "\n".join(["WEBVTT\n", *blocks])


_SHOWN = (RecordedSpeech, RecordedPost, RecordedCue)


def _span(line: RecordedSpeech | RecordedPost | RecordedCue) -> str:
    end = line.at_s + max(LEAST_S, len(_text(line)) / CHARS_PER_S)
    return f"{_time(line.at_s)} --> {_time(end)}"


def _words(line: RecordedSpeech | RecordedPost | RecordedCue) -> str:
    """WebVTT ends a block at an empty line, and knows marks as HTML does."""
    who = f"Card: {line.category}" if isinstance(line, RecordedCue) else "Interject"
    return f"<v {html.escape(who)}>{html.escape(' '.join(_text(line).split()), quote=False)}"


def _text(line: RecordLine) -> str:
    match line:
        case RecordedSpeech():
            return line.text[: line.heard_chars]
        case RecordedPost() | RecordedCue():
            return line.text
        case _:
            return ""


def _time(seconds: float) -> str:
    """Rounded first: a player leaves out what ends at 60.000 seconds of a minute."""
    whole, thousandths = divmod(round(max(0.0, seconds) * 1_000), 1_000)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest:02d}.{thousandths:03d}"
