"""One picture of a session: the room, P(respond) with its threshold, and the replies."""

from __future__ import annotations

import importlib.util
import os
import textwrap
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.cli.process.failures import InputFailure, printable
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from pathlib import Path

    from interject.cli.output.plot_data import Envelope, PlotData, PlottedReply

SUFFIXES = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")
ROOM_COLOUR, SPEECH_COLOUR, P_COLOUR = "#5b6b7b", "#d9622b", "#1f77b4"
EMOTION_COLOUR = {Emotion.URGENT: "#c62828", Emotion.ANGRY: "#ad3b2b", Emotion.SAD: "#4a6fa5"}
LABEL_ROWS = 4
LABEL_CHARS = 28
LABEL_SHARE = 0.16
MAX_LABELS = 60
TITLE_CHARS = 100


def check_plot(path: Path) -> None:
    """Refuse early what would fail only after an hour of listening.

    :raises InputFailure: when the file's type is unknown or matplotlib is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputFailure(f"--plot {path}: the name must end in {', '.join(SUFFIXES)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise InputFailure("--plot needs matplotlib: pip install 'interject[plot]'")


def import_matplotlib() -> Any:
    """A picture for a file needs no backend. The one that a notebook names in the environment may
    be missing here, and matplotlib could then not even be imported.
    """
    os.environ.pop("MPLBACKEND", None)
    import matplotlib.figure

    return matplotlib


def draw(plot_data: PlotData, path: Path, *, title: str) -> None:
    """`title` is plain text, cut where it is long."""
    mpl = import_matplotlib()
    with warnings.catch_warnings(), mpl.rc_context():
        # Marks that the font lacks are drawn as boxes; the user's own style does not apply.
        warnings.simplefilter("ignore")
        mpl.rcdefaults()
        _draw(plot_data, path, shortened(title))


def shortened(title: str) -> str:
    return printable(title if len(title) <= TITLE_CHARS else f"{title[: TITLE_CHARS - 1]}…")


def _draw(plot_data: PlotData, path: Path, title: str) -> None:
    end_s = _end_s(plot_data)
    replies = plot_data.replies[:MAX_LABELS]
    rows = _label_rows(replies, end_s)
    heights = [0.25 + 0.5 * (max(rows, default=0) + 1), 1.5, 0.9, 1.5]
    width = min(max(end_s * 0.3, 10.0), 24.0)
    figure = import_matplotlib().figure.Figure(
        figsize=(width, 1.0 + sum(heights)), layout="constrained"
    )
    labels, room, speech, chance = figure.subplots(
        4, 1, sharex=True, gridspec_kw={"height_ratios": heights, "hspace": 0.0}
    )
    _draw_labels(labels, replies, rows, end_s)
    _draw_sound(room, plot_data.room, ROOM_COLOUR, "the room")
    _draw_sound(speech, plot_data.speech, SPEECH_COLOUR, "Interject")
    _draw_chance(chance, plot_data)
    for axes in (room, speech, chance):
        for reply in plot_data.replies:
            axes.axvline(reply.at_s, color=_colour(reply), lw=0.8, alpha=0.6)
    labels.set_title(title, loc="left", fontsize=11, fontweight="bold", parse_math=False)
    chance.set_xlim(0.0, end_s)
    chance.set_xlabel("seconds")
    figure.savefig(path, dpi=130)


def _end_s(plot_data: PlotData) -> float:
    ends = [envelope.curves()[0][-1:] for envelope in (plot_data.room, plot_data.speech)]
    times = [float(end[0]) for end in ends if len(end)] + [max(plot_data.times_s, default=0.4)]
    return max(times)


def _draw_sound(axes: Any, envelope: Envelope, colour: str, name: str) -> None:
    at_s, low, high = envelope.curves()
    axes.fill_between(at_s, low, high, color=colour, lw=0.0)
    axes.axhline(0.0, color=colour, lw=0.6)
    axes.set_ylim(-1.02, 1.02)
    axes.set_yticks([])
    axes.set_ylabel(name)
    _tidy(axes)


def _draw_chance(axes: Any, plot_data: PlotData) -> None:
    times_s, chances = np.asarray(plot_data.times_s), np.asarray(plot_data.p_respond)
    axes.fill_between(times_s, 0.0, chances, color=P_COLOUR, alpha=0.25, lw=0.0)
    axes.plot(times_s, chances, color=P_COLOUR, lw=1.1, marker="o", ms=2.2)
    axes.axhline(plot_data.threshold, color="#333333", lw=1.0, ls="--")
    axes.annotate(
        f"threshold {plot_data.threshold:g}",
        (0.0, plot_data.threshold),
        xytext=(4, 3),
        textcoords="offset points",
        fontsize=8,
    )
    axes.set_ylim(-0.03, 1.06)
    axes.set_ylabel("P(respond)")
    _tidy(axes)


def _label_rows(replies: list[PlottedReply], end_s: float) -> list[int]:
    """A row for each label, so that neighbours do not write over each other."""
    free_from_s = [0.0] * LABEL_ROWS
    rows = []
    for reply in replies:
        free = (row for row, from_s in enumerate(free_from_s) if from_s <= reply.at_s)
        row = next(free, min(range(LABEL_ROWS), key=free_from_s.__getitem__))
        free_from_s[row] = reply.at_s + end_s * LABEL_SHARE
        rows.append(row)
    return rows


def _draw_labels(axes: Any, replies: list[PlottedReply], rows: list[int], end_s: float) -> None:
    axes.set_ylim(0.0, max(rows, default=0) + 1.2)
    axes.axis("off")
    for reply, row in zip(replies, rows, strict=True):
        late = reply.at_s > end_s * (1.0 - LABEL_SHARE)
        colour = _colour(reply)
        axes.plot([reply.at_s, reply.at_s], [0.0, row + 0.95], color=colour, lw=0.8, zorder=1)
        axes.text(
            reply.at_s + (-0.003 if late else 0.003) * end_s,
            row + 0.95,
            _label(reply),
            ha="right" if late else "left",
            va="top",
            fontsize=8,
            color=colour,
            parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )


def _label(reply: PlottedReply) -> str:
    text = textwrap.shorten(
        reply.text.strip() or "(no words)", 2 * LABEL_CHARS - 8, placeholder=" …"
    )
    return "\n".join(textwrap.wrap(f"{reply.at_s:.1f} s  {text}", LABEL_CHARS))


def _colour(reply: PlottedReply) -> str:
    return EMOTION_COLOUR.get(reply.emotion, SPEECH_COLOUR)


def _tidy(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.15)
