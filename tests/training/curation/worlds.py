"""A small folder of sounds, some clean, some as a careless person records them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.sound_file import as_flac
from interject.training.acoustics import background
from interject.training.sounds.catalogue import make_sound
from tests.fakes.model_server import Received, Scripted, said

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave

KINDS = ("bark", "cough", "doorbell", "footsteps", "glass", "kettle", "knock", "laugh", "telephone")


EVENTS = [
    {"name": name, "role": role, "rough_duration_s": seconds, "brief_description": f"a {name}"}
    for name, role, seconds in (("bark", "fg", 0.2), ("siren", "fg", 2.0), ("traffic", "amb", 30.0))
]
ANSWERS = {
    "ScenePlan": {
        "scenes": [{"scenario": "A dog hears a siren.", "sub_events": EVENTS, "constraints": []}]
    },
    "EventAudit": {
        "audit": {"label": "silent", "criterion": None}, "reply": "", "emotion": "normal",
    },
    "IdentityAnswer": {"is_same": True, "reason": "the tags say so"},
}  # fmt: skip


def write(path: Path, wave: Wave) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_flac(np.clip(wave, -1, 1).astype(np.float32)))


def padded(wave: Wave, rng: np.random.Generator) -> Wave:
    """A second of faint noise at either end."""
    quiet = np.zeros(16_000, np.float32)
    long = np.concatenate([quiet, wave, quiet])
    return long + rng.normal(0, 0.003, len(long)).astype(np.float32)


def make_sounds(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    for kind in KINDS:
        wave = make_sound(kind, rng)
        write(folder / kind / "clean.flac", wave)
        write(folder / kind / "padded.flac", padded(wave, rng))
    write(folder / "street_traffic" / "long.flac", background(rng, 16_000 * 9) * np.float32(0.05))
    return folder


def model_answer(request: Received) -> Scripted:
    """What a language model might say to each role's question, by the schema that came with it."""
    kind = request.json["response_format"]["json_schema"]["name"]
    if kind != "SoundQuery":
        return said(json.dumps(ANSWERS[kind]))
    name = request.json["messages"][1]["content"].partition("Event: ")[2].partition(" (")[0]
    query = f"one clear {name} nearby"
    return said(json.dumps({"query": query, "fallback_caption": name, "accept_tags": [name]}))
