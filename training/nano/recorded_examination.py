"""How a model does on real recordings and on natural voices: figures, and a table of them."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from interject.training.nano.recorded_scenes import (
    alone,
    answered_sounds,
    backgrounds,
    ordinary_sounds,
    request_sounds,
    speech_sounds,
    streams,
    talk_sounds,
)
from interject.training.nano.recorded_scores import (
    FalseReplies,
    FoundReplies,
    false_by_key,
    false_replies,
    found_replies,
    hear,
)
from interject.training.streaming_benchmark.calibration import calibrate_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from interject.model_runtime.checkpoint import Model
    from interject.training.nano.recorded_scores import HeardScene
    from interject.training.nano.scene import Scene
    from interject.training.nano.speech_bank import SpeechBank
    from interject.training.recordings.collection import RecordingCollection

PARTS = ("speech", "sounds", "answered_sounds", "requests", "talk")
ALARM_TIMES = 3
"""How often a recording of an answered class is played, each time at another moment of a chunk."""
SNRS_DB = (20.0, 10.0)
_SEED = 95_003
_TOLD = 5


@dataclass(slots=True)
class RecordedExamination:
    """`minutes` of speech that asks nothing are drawn from all sources, or all of it (None); of
    each bank at most `requests` requests and as much talk.
    """

    collection: RecordingCollection
    banks: Mapping[str, SpeechBank]
    minutes: float | None = 60.0
    requests: int = 200
    _real: list[HeardScene] = field(default_factory=list)

    def examine(
        self, model: Model, threshold: float, only: Collection[str] = PARTS
    ) -> dict[str, Any]:
        """JSON: see `table`."""
        self._real = []
        parts: dict[str, Callable[[Model, float], dict[str, Any]]] = {
            "speech": self._speech,
            "sounds": self._sounds,
            "answered_sounds": self._answered,
            "requests": self._requests,
            "talk": self._talk,
        }
        result = {part: parts[part](model, threshold) for part in PARTS if part in only}
        calibration = calibrate_chunks((one.labelled() for one in self._real), seed=_SEED)
        result["calibration"] = {
            "error": asdict(calibration.error),
            "error_unsure": asdict(calibration.error_unsure),
        }
        return result

    def _speech(self, model: Model, threshold: float) -> dict[str, Any]:
        by_source: dict[str, list[Scene]] = defaultdict(list)
        sounds = defaultdict(list)
        for sound in speech_sounds(self.collection, self.minutes):
            sounds[sound.source].append(sound)
        for source, known in sounds.items():
            by_source[source] = list(streams(known))
        heard = {
            source: self._hear(model, source, scenes, threshold, is_real=True)
            for source, scenes in by_source.items()
        }
        together = [one for scenes in heard.values() for one in scenes]
        return {
            "all": as_json(false_replies(together)),
            "sources": {name: as_json(false_replies(scenes)) for name, scenes in heard.items()},
        }

    def _sounds(self, model: Model, threshold: float) -> dict[str, Any]:
        return {
            "ordinary": self._unanswered(model, threshold, unclear=False),
            "unclear": self._unanswered(model, threshold, unclear=True),
        }

    def _unanswered(self, model: Model, threshold: float, *, unclear: bool) -> dict[str, Any]:
        name = "unclear sounds" if unclear else "ordinary sounds"
        sounds = ordinary_sounds(self.collection, unclear=unclear)
        heard = self._hear(model, name, streams(sounds), threshold, is_real=not unclear)
        labels = {
            label: {"answered": answered, "of": among}
            for label, (answered, among) in sorted(false_by_key(heard).items())
        }
        return {**as_json(false_replies(heard)), "labels": labels}

    def _answered(self, model: Model, threshold: float) -> dict[str, Any]:
        sounds = list(answered_sounds(self.collection)) * ALARM_TIMES
        heard = self._hear(model, "answered sounds", alone(sounds), threshold, is_real=True)
        keys = sorted({sound.key for sound in sounds})
        return {
            "all": as_json(found_replies(heard, times=ALARM_TIMES)),
            "classes": {
                key: as_json(found_replies(_of(heard, key), times=ALARM_TIMES)) for key in keys
            },
        }

    def _requests(self, model: Model, threshold: float) -> dict[str, Any]:
        under = backgrounds(self.collection)
        found: dict[str, Any] = {}
        for name, bank in self.banks.items():
            sounds = request_sounds(bank, self.requests)
            conditions = {"clean": alone(sounds)}
            conditions |= {f"{snr_db:g} dB": alone(sounds, under, snr_db) for snr_db in SNRS_DB}
            found[name] = {
                condition: as_json(
                    found_replies(self._hear(model, f"{name}, {condition}", scenes, threshold))
                )
                for condition, scenes in conditions.items()
            }
        return found

    def _talk(self, model: Model, threshold: float) -> dict[str, Any]:
        return {
            name: as_json(false_replies(self._hear(
                model, f"talk of {name}", streams(talk_sounds(bank, self.requests)), threshold
            )))
            for name, bank in self.banks.items()
        }  # fmt: skip

    def _hear(
        self,
        model: Model,
        name: str,
        scenes: Iterable[Scene],
        threshold: float,
        *,
        is_real: bool = False,
    ) -> list[HeardScene]:
        begun_s = time.monotonic()

        def tell(seconds: int) -> None:
            sys.stderr.write(f"\r{name}: {seconds / 60:.1f} min heard")
            sys.stderr.flush()

        heard = hear(model, scenes, threshold, tell)
        sys.stderr.write(f"\r{name}: heard in {time.monotonic() - begun_s:.0f} s\n")
        if is_real:
            self._real += heard
        return heard


def as_json(counts: FalseReplies | FoundReplies) -> dict[str, Any]:
    """What was said most often comes last."""
    fields = {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(counts).items()}
    return {**fields, "said": dict(counts.said.most_common(_TOLD))}


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: a column for each threshold. 95 % intervals in brackets."""
    rows = measures(next(iter(results.values())))
    columns = [dict(measures(result)) for result in results.values()]
    heads = " | ".join(f"threshold {threshold}" for threshold in results)
    text = f"| measure | {heads} |\n|---|{'---|' * len(columns)}\n"
    for name, _ in rows:
        text += f"| {name} | " + " | ".join(column[name] for column in columns) + " |\n"
    return text


def measures(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of one threshold: what was measured, and what came of it."""
    rows: list[tuple[str, str]] = []
    if speech := result.get("speech"):
        rows.append(("false replies an hour, real speech", _rate(speech["all"])))
        rows += [(f"- {name}", _rate(counts)) for name, counts in speech["sources"].items()]
    for kind, counts in result.get("sounds", {}).items():
        rows.append((f"{kind} real sounds answered", _answered_share(counts)))
    if answered := result.get("answered_sounds"):
        rows.append(("real sounds of answered classes, answered rightly", _right(answered["all"])))
        rows += [(f"- {name}", _right(counts)) for name, counts in answered["classes"].items()]
        rows.append(("mean delay after such sounds, chunks", _late(answered["all"])))
    for bank, conditions in result.get("requests", {}).items():
        for condition, counts in conditions.items():
            rows.append((f"requests, {bank}, {condition}: right word for word", _right(counts)))
            rows.append((f"requests, {bank}, {condition}: decided", _found(counts)))
        rows.append((f"mean delay after requests, {bank}, chunks", _late(conditions["clean"])))
    for bank, counts in result.get("talk", {}).items():
        rows.append((f"false replies an hour, talk, {bank}", _rate(counts)))
    known = result["calibration"]
    rows.append(("calibration error of P(respond), real sound", _interval(known["error"], 4)))
    unsure = _interval(known["error_unsure"], 2)
    return [*rows, ("- among chunks between 0.1 and 0.9", unsure)]


def _rate(counts: Mapping[str, Any]) -> str:
    said = f"{counts['false']} in {counts['minutes']:.1f} min"
    return f"{_interval(counts['an_hour'], 0)}: {said}"


def _answered_share(counts: Mapping[str, Any]) -> str:
    return (
        f"{_interval(counts['share_answered'], 3)}: {counts['answered']} of {counts['recordings']}"
    )


def _right(counts: Mapping[str, Any]) -> str:
    right = f"{counts['exact']:.1f}".removesuffix(".0")
    return f"{_interval(counts['share_exact'], 2)}: {right} of {counts['asked']}"


def _found(counts: Mapping[str, Any]) -> str:
    return f"{_interval(counts['share_found'], 2)}: {counts['found']:.0f} of {counts['asked']}"


def _late(counts: Mapping[str, Any]) -> str:
    return "-" if counts["mean_late"] is None else f"{counts['mean_late']:.2f}"


def _interval(known: Mapping[str, float | None], digits: int) -> str:
    if known["value"] is None:
        return "-"
    return f"{known['value']:.{digits}f} [{known['low']:.{digits}f}, {known['high']:.{digits}f}]"


def _of(heard: list[HeardScene], key: str) -> list[HeardScene]:
    return [one for one in heard if one.scene.happenings[0].key == key]
