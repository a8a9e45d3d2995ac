"""What a domain's model is worth, for people and for programs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.training.dataset.durable_files import naming, whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.training.domain.domain_stock import DomainMaterial
    from interject.training.domain.examination import ExaminedModel, ReactionScore

PAGE, FIGURES, PICTURE = "report.md", "report.json", "report.png"
MOST_FALSE_SHOWN = 8


@dataclass(frozen=True, slots=True)
class DomainReport:
    """The same streams, heard by the base, and by what it became at the chosen threshold."""

    material: DomainMaterial
    base: ExaminedModel
    learnt: ExaminedModel
    steps: int
    minutes: float

    def write(self, folder: Path) -> None:
        """:raises OSError: naming the file that cannot be written."""
        for name, text in (
            (PAGE, "\n".join(self._page())),
            (FIGURES, json.dumps(self.figures(), indent=1)),
        ):
            with whole_file(folder / name) as file:
                file.write(text + "\n")
        with naming(folder / PICTURE):
            self._draw(folder / PICTURE)

    def _page(self) -> Iterator[str]:
        domain, learnt = self.material.domain, self.learnt
        yield f"# {domain.name}\n"
        yield (
            f"Begun with `{domain.base}`, {self.steps} steps in {self.minutes:.1f} minutes. "
            f"Examined through Interject's engine at threshold {learnt.threshold:g}: on dense "
            "streams, with an event or what is nearly one every few seconds or alone between "
            f"pauses, and on {learnt.ordinary_hours * 60:.0f} minutes of ceaseless talk and sounds "
            "that ask for nothing. The threshold was chosen on as many others. None of the "
            "recordings in them was learnt from."
        )
        if learnt.false_an_hour > domain.size.false_an_hour:
            yield (
                f"\n**More than the {domain.size.false_an_hour:g} false reactions an hour that "
                "were asked for.** What they came after is below: record that to be ignored."
            )
        yield f"\n![recall against false reactions]({PICTURE})\n"
        yield (
            "| event | recordings learnt from / examined with | reacted | base reacted | "
            "right words | chunks late |"
        )
        yield "| --- | --- | --- | --- | --- | --- |"
        for name, score in learnt.reactions.items():
            kept = self.material.reactions.get(name)
            recordings = f"{len(kept.learnt)} / {len(kept.held_out)}" if kept else "phrases"
            yield (
                f"| {name} | {recordings} | {share(score)} | {share(self.base.reactions[name])} | "
                f"{score.right_words} of {score.found} | {_late(score)} |"
            )
        yield "\n| | base, threshold 0.5 | this model |"
        yield "| --- | --- | --- |"
        yield (
            f"| other requests and alarms answered | {share(self.base.others)} | "
            f"{share(learnt.others)} |"
        )
        yield (
            f"| false reactions an hour, ordinary streams | {self.base.false_an_hour:.1f} | "
            f"{learnt.false_an_hour:.1f} |"
        )
        for kind, count in learnt.ordinary_after.most_common(MOST_FALSE_SHOWN):
            yield f"| of these after {kind} | {self.base.ordinary_after[kind]} | {count} |"
        for kind, count in learnt.false_after.most_common(MOST_FALSE_SHOWN):
            heard = learnt.unwanted[kind] or "-"
            yield (
                f"| false after {kind}, of so many | {self.base.false_after[kind]} of {heard} | "
                f"{count} of {heard} |"
            )
        yield "\n| threshold | recall, estimated | false reactions an hour, estimated |"
        yield "| --- | --- | --- |"
        for point in learnt.points:
            recall = "-" if point.recall is None else f"{point.recall:.1%}"
            yield f"| {point.threshold:g} | {recall} | {point.false_per_hour:.1f} |"

    def figures(self) -> dict[str, Any]:
        return {
            "name": self.material.domain.name,
            "base": self.material.domain.base,
            "steps": self.steps,
            "minutes": round(self.minutes, 2),
            "before": _summary(self.base),
            "after": _summary(self.learnt),
        }

    def _draw(self, path: Path) -> None:
        os.environ.pop("MPLBACKEND", None)  # A notebook's may be missing here; a file needs none.
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 3.4), layout="constrained")
        curve, bars = figure.subplots(1, 2)
        for examined, label in ((self.base, "base"), (self.learnt, "this model")):
            known = [point for point in examined.points if point.recall is not None]
            curve.plot(
                [point.false_per_hour for point in known],
                [100 * (point.recall or 0.0) for point in known],
                marker=".",
                label=label,
            )
        curve.axvline(self.material.domain.size.false_an_hour, color="#999999", linewidth=1)
        curve.set(
            xscale="symlog", xlabel="false reactions an hour", ylabel="recall, %", ylim=(0, 102),
            title="every threshold, estimated",
        )  # fmt: skip
        curve.legend()
        scores = self.learnt.reactions | {"other requests": self.learnt.others}
        bars.barh(list(scores), [100 * (recall(score) or 0.0) for score in scores.values()])
        bars.set(xlim=(0, 100), title=f"reacted, % (threshold {self.learnt.threshold:g})")
        figure.savefig(path, dpi=90)


def recall(score: ReactionScore) -> float | None:
    return score.found / score.wanted if score.wanted else None


def share(score: ReactionScore) -> str:
    found = recall(score)
    return "-" if found is None else f"{score.found} of {score.wanted} ({found:.0%})"


def _late(score: ReactionScore) -> str:
    late = score.late_chunks
    return f"{sum(late) / len(late):.1f}" if late else "-"


def _summary(examined: ExaminedModel) -> dict[str, Any]:
    scores = examined.reactions | {"others": examined.others}
    return {
        "threshold": examined.threshold,
        "ordinary_hours": round(examined.ordinary_hours, 4),
        "false_an_hour": round(examined.false_an_hour, 2),
        "ordinary_after": dict(examined.ordinary_after.most_common()),
        "false_after": dict(examined.false_after.most_common()),
        "unwanted": dict(examined.unwanted.most_common()),
        "reactions": {
            name: {"wanted": s.wanted, "found": s.found, "right_words": s.right_words}
            for name, s in scores.items()
        },
        "thresholds": [
            {"threshold": p.threshold, "recall": p.recall, "false_an_hour": p.false_per_hour}
            for p in examined.points
        ],
    }
