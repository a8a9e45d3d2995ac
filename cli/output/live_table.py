"""The table of a session: one row a chunk, and below it, on a terminal, what is going on now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.outputs import Cue, with_sources
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.sourced_reply import sources_of
from interject.cli.output.display import decided_at_s
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Emotion,
    EndReason,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)

if TYPE_CHECKING:
    from typing import TextIO

    from interject.agent.outputs import OutputEvent
    from interject.cli.output.display import Summary
    from interject.model_runtime.protocol import Event

BAR_CELLS = 10
LEVEL_FLOOR_DBFS = -60.0
LEVEL_MARKS = " ▁▂▃▄▅▆▇█"
EMOTION_STYLE = {
    Emotion.URGENT: "bold red",
    Emotion.ANGRY: "red",
    Emotion.SURPRISE: "magenta",
    Emotion.SAD: "blue",
    Emotion.HAPPY: "green",
    Emotion.NORMAL: "bold cyan",
}
HEADER = f"{'time':>8}  {'level':>9}  {'P(respond)':<{BAR_CELLS + 6}}  {'decision':<8}  reply"


class LiveTable:
    """A `Display` for people. Rows scroll by and stay; nothing is kept in memory."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._console = Console(file=out, highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._row: Text | None = None
        self._reply = Text()
        self._style = ""
        self._begun = False

    def show(self, event: Event, *, level_dbfs: float) -> None:
        self._begin()
        match event:
            case Decision():
                self._flush_row()
                self._row = _decision_row(event, level_dbfs)
                if not event.respond:
                    self._flush_row()
            case ReplyStarted():
                self._style = EMOTION_STYLE[event.emotion]
                self._reply = Text(f"[{event.emotion}] ", style="dim")
            case ReplyDelta():
                self._reply.append(event.text, style=self._style)
                self._refresh()
            case ReplyEnded():
                if event.reason is not EndReason.COMPLETE:
                    self._reply.append(f" ({event.reason.replace('_', ' ')})", style="yellow")
                if sources := sources_of(event):
                    self._reply.append(f" ({'; '.join(sources)})", style="dim")
                self._flush_row()
            case Gap():
                self._flush_row()
                self._print(_gap_row(event))
            case Closed() if event.reason is not CloseReason.CLIENT:
                self._flush_row()
                self._print(Text(f"closed: {event.reason} {event.detail}", style="yellow"))

    def tell(self, event: OutputEvent) -> None:
        match event:
            case Cue():
                rows = [_cue_row(event)]
            case ChecklistUpdate():
                rows = _checklist_rows(event)
            case AskedTool():
                rows = [Text(f"asked: {event.written}: {event.outcome}", style="yellow")]
            case _:
                return
        self._flush_row()
        for row in rows:
            self._print(row)

    def finish(self, summary: Summary) -> None:
        self._flush_row()
        self._live.stop()
        speed = summary.heard_s / summary.wall_s if summary.wall_s > 0 else 0.0
        self._print(
            Text(
                f"heard {summary.heard_s:.1f} s in {summary.chunks} chunks, "
                f"{summary.replies} replies, {summary.gap_chunks} chunks lost; "
                f"{summary.wall_s:.1f} s on the clock ({speed:.1f} x real time)",
                style="dim",
            )
        )

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        if self._console.is_terminal:
            self._live.start()
        self._print(Text(HEADER, style="bold"))

    def _flush_row(self) -> None:
        if self._row is None and not self._reply:
            return
        row = self._row or Text(" " * (len(HEADER) - len("reply")))
        row.append_text(self._reply)
        self._row, self._reply = None, Text()
        self._print(row)
        self._refresh()

    def _print(self, row: Text) -> None:
        if self._console.is_terminal:
            self._console.print(row)
            return
        self._out.write(row.plain.rstrip() + "\n")
        self._out.flush()

    def _refresh(self) -> None:
        if self._console.is_terminal:
            waiting = self._row or Text()
            self._live.update(Text.assemble(waiting, self._reply), refresh=True)


def _decision_row(event: Decision, level_dbfs: float) -> Text:
    row = Text()
    row.append(f"{decided_at_s(event.seq):7.1f}s  ", style="dim")
    row.append(f"{_level_mark(level_dbfs)} {max(level_dbfs, -99.0):4.0f} dB  ", style="dim")
    filled = round(event.p_respond * BAR_CELLS)
    row.append("█" * filled, style="cyan" if event.respond else "bright_black")
    row.append("░" * (BAR_CELLS - filled), style="bright_black")
    row.append(f" {event.p_respond:5.3f}  ")
    row.append(
        "respond " if event.respond else "silent  ", style="bold" if event.respond else "dim"
    )
    return row.append("  ")


def _gap_row(event: Gap) -> Text:
    at_s = decided_at_s(event.first_seq)
    return Text(f"{at_s:7.1f}s  {event.count} chunks not heard ({event.reason})", style="yellow")


def _cue_row(event: Cue) -> Text:
    row = Text(f"{event.at_s:7.1f}s  cue  ", style="dim")
    row.append(f"{event.category} {event.priority}", style=EMOTION_STYLE[event.emotion])
    again = f" ({event.count} times)" if event.count > 1 else ""
    return row.append(f"  {with_sources(event.text, event.sources)}{again}")


def _checklist_rows(event: ChecklistUpdate) -> list[Text]:
    if event.over:
        return [Text(f"open: {text}", style="yellow") for text in event.open]
    return [
        Text(f"{item.at_s:7.1f}s  done: {item.text}", style="green")
        for item in event.items
        if item.item in event.ticked
    ]


def _level_mark(level_dbfs: float) -> str:
    share = 1.0 - max(min(level_dbfs, 0.0), LEVEL_FLOOR_DBFS) / LEVEL_FLOOR_DBFS
    return LEVEL_MARKS[round(share * (len(LEVEL_MARKS) - 1))]
