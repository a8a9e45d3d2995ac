"""The model card: what a run's logs and scores say, written out for people."""

from __future__ import annotations

import json
import os
from pathlib import Path  # noqa: TC003 (typer reads it)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interject.training.nano.evaluation import AT_THRESHOLD
from interject.training.nano.language import HELP, INTENTS
from interject.training.nano.trainer import CURVE_FILE
from interject.training.sounds.alarming import ALARMING
from interject.training.sounds.catalogue import models
from interject.training.sounds.counted import COUNTED
from interject.training.sounds.ordinary import ORDINARY
from interject.training.speech.voices import (
    ENGLISH,
    FESTIVAL_HELD_OUT,
    FLITE_TRAINING,
    FOREIGN,
    VARIANTS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

FIGURE, CARD = "training.png", "MODEL_CARD.md"
_SMOOTHING = 0.95


def write_card(
    folder: Path, curve: list[dict[str, Any]], scores: dict[str, Any], run: dict[str, str]
) -> None:
    """Write the card and its figure. `run` holds seed, command, hardware and parameters."""
    (folder / CARD).write_text("\n".join(_lines(curve, scores, run)) + "\n")
    _draw(folder / FIGURE, curve, scores)


def _lines(
    curve: list[dict[str, Any]], scores: dict[str, Any], run: dict[str, str]
) -> Iterable[str]:
    last = curve[-1]
    yield "# nano\n"
    yield (
        "The default model of Interject: the real architecture, small, trained on sound that the "
        f"project makes itself and on recordings. {run['parameters']} parameters, bfloat16 on "
        "disk.\n"
    )
    yield f"![training]({FIGURE})\n"
    yield "## Training\n"
    yield "| | |\n|---|---|"
    yield f"| command | `{run['command']}` |"
    yield f"| seed | {run['seed']} |"
    yield f"| time | {last['minutes']:.0f} min, {last['step']} steps |"
    yield f"| sound heard | {run['hours']} hours, mixed anew for every step |"
    yield f"| hardware | {run['hardware']} |"
    yield f"| notes | {run['notes']} |"
    yield "\n## Data"
    yield (
        "Weights are made only from sources that ask for attribution at most: "
        "[ATTRIBUTION.md](ATTRIBUTION.md) names each of the recordings' with its licence.\n"
    )
    yield (
        f"- Recordings: {run['recordings']} Ordinary sounds and talk in other languages to leave "
        "alone, and backgrounds. Of what it should speak up about there are a few of breaking "
        "glass, crashes and sirens, layered with each other and with procedural ones; alarms, "
        "crying and coughs are procedural."
    )
    yield (
        f"- Natural voices: {run['natural']} Half of the speech is theirs, each utterance also "
        "with other pitch and vocal tract."
    )
    yield (
        f"- Speech: espeak-ng ({len(ENGLISH)} English variants, {len(set(VARIANTS))} voices, "
        f"random rate and pitch; {len(FOREIGN)} other languages as talk to ignore) and flite "
        f"({', '.join(FLITE_TRAINING)}). Most of it in disguise: another vocal tract, pitch "
        "and melody, some with a new source of pulses and noise in place of the voice's own."
    )
    yield (
        "- Talk to leave alone: sentences of a grammar, and near misses: requests that are quoted, "
        "broken off, or for something else. Nearly half of the talk in training is of that kind, a "
        "quarter in the tests. A fifth is what nano itself says, in Interject's voice, and a fifth "
        "of its replies is heard again, as from a loudspeaker; the tests hold none of that."
    )
    yield f"- {len(INTENTS)} requests and a cry for help, 3 to {len(HELP.wordings)} wordings each."
    kinds = (*ALARMING.values(), *ORDINARY.values(), *COUNTED.values())
    yield (
        f"- Sounds: {len(ALARMING)} classes to speak up about, {len(ORDINARY)} to leave alone, "
        f"{len(COUNTED)} to count when asked; each from one to {max(map(len, kinds))} procedural "
        "models."
    )
    yield (
        "- Streams of 12 and 24 s with rooms, coloured noise, telephone bands, G.711 with packet "
        "loss and clipping. Half hold one short thing at a time with pauses around it, most "
        "of which want silence; in a third of these it is one sound after another. Three in ten of "
        "the made sounds to leave alone are of no class: horns, tunes, calls, singing, blows."
    )
    yield f"- Voices never heard in training: festival {' and '.join(FESTIVAL_HELD_OUT)}."
    kept = [f"{kind} ({models(kind, held_out=True)[0].__name__.strip('_')})" for kind in ALARMING]
    yield f"- Sound models never heard in training: {', '.join(kept)}; one each of telephone,"
    yield "  beep, bark and knock.\n"
    yield from _score_lines(scores)
    yield LIMITS.rstrip()


LIMITS = """
## What it cannot do
- It knows only the requests and sounds named here. Anything else it ignores at best; it holds no
  knowledge and no conversation.
- How it does on recordings and in natural voices that it never heard is measured in docs/nano.md.
  Real sounds that it should speak up about it mostly does not know.
- Breaking glass is mostly missed, made one too, and so are many crashes: hard sounds to leave
  alone are plentiful among the recordings, and these are not.
- Talk that contains a request, or begins like one, still triggers it in voices it never heard; so
  do some ordinary sounds.
- English only. It counts to ten, one kind of sound at a time. When it mishears what to count, the
  whole count is lost or wrong.
- Streams in training were at most 24 s long; what was heard earlier is not used reliably.
- It is no safety device: do not rely on it to notice an alarm or a cry for help.
"""


def _score_lines(scores: dict[str, Any]) -> Iterable[str]:
    yield "## Scores\n"
    yield (
        "Played through the engine, at threshold 0.5. A reply counts when it begins in the chunk "
        "in which the event ends, or an alarm has lasted two seconds, or one of the next two. "
        "Words right: of the replies in time, those right word for word.\n"
    )
    default = {name: score for name, score in scores.items() if AT_THRESHOLD not in name}
    yield from _table(default)
    other = {name: score for name, score in scores.items() if name not in default}
    if other:
        yield "\nThe same at other thresholds, which a profile can set:\n"
        yield from _table(other)
    names = [name for name in default if default[name]["wanted"]]
    yield "\nPer class, found of wanted (false replies right after it):\n"
    yield f"| class | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    kinds = sorted({kind for name in names for kind in scores[name]["kinds"]})
    for kind in kinds:
        yield f"| {kind} | {' | '.join(_kind_cell(scores[name], kind) for name in names)} |"


def _table(scores: dict[str, Any]) -> Iterable[str]:
    yield "| streams | precision | recall | words right | false replies an hour | events | hours |"
    yield "|---|---|---|---|---|---|---|"
    for name, score in scores.items():
        silent = not score["wanted"]
        cells = (
            ["-"] * 3 if silent else [score[k] for k in ("precision", "recall", "exact_replies")]
        )
        yield (
            f"| {name} | {cells[0]} | {cells[1]} | {cells[2]} | {score['false_an_hour']} "
            f"| {score['wanted']} | {score['hours']:.2f} |"
        )


def _kind_cell(score: dict[str, Any], kind: str) -> str:
    counts = score["kinds"].get(kind)
    if counts is None or not counts["wanted"]:
        return "-"
    return f"{counts['found']}/{counts['wanted']} ({counts['false_after']})"


def _draw(path: Path, curve: list[dict[str, Any]], scores: dict[str, Any]) -> None:
    os.environ.pop("MPLBACKEND", None)  # A notebook's may be missing here, and a file needs none.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    losses, bars = figure.subplots(1, 2)
    minutes = [line["minutes"] for line in curve]
    for name in ("control", "text", "phone"):
        losses.plot(minutes, _smooth([line[name] for line in curve]), label=name)
    losses.set(yscale="log", xlabel="minutes", ylabel="loss", title="training")
    losses.legend()
    shown = {
        name: score
        for name, score in scores.items()
        if score["wanted"] and AT_THRESHOLD not in name
    }
    for offset, key in enumerate(("precision", "recall", "exact_replies")):
        bars.barh(
            [row + 0.26 * offset for row in range(len(shown))],
            [score[key] for score in shown.values()], height=0.24, label=key.replace("_", " "),
        )  # fmt: skip
    bars.set(xlim=(0.5, 1.0), title="test streams")
    bars.set_yticks([row + 0.26 for row in range(len(shown))], list(shown), fontsize=8)
    bars.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3)
    figure.savefig(path, dpi=90)


def _smooth(values: list[float]) -> list[float]:
    level, out = values[0], []
    for value in values:
        level = _SMOOTHING * level + (1 - _SMOOTHING) * value
        out.append(level)
    return out


def main(
    run: Annotated[Path, typer.Argument(help="Folder of the training run.")],
    scores: Annotated[Path, typer.Argument(help="JSON written by `nano.examine`.")],
    out: Annotated[Path, typer.Argument(help="Folder of the model.")],
    about: Annotated[Path, typer.Argument(help="JSON with command, seed, hardware, notes ...")],
) -> None:
    """Write MODEL_CARD.md and training.png."""
    curve = [json.loads(line) for line in (run / CURVE_FILE).read_text().splitlines()]
    write_card(out, curve, json.loads(scores.read_text()), json.loads(about.read_text()))


if __name__ == "__main__":
    typer.run(main)
