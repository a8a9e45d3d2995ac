"""A network with the inputs and outputs of Kokoro-82M: a steady level for each phoneme."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.voice.neural.kokoro import STYLE_SIZE
from interject.training.speech.kokoro_speakers import HELD_OUT
from tests.fakes.onnx_file import FLOAT, INT64, Input, onnx_file

if TYPE_CHECKING:
    from pathlib import Path

FRAMES_A_PHONEME = 4
_FRAME_SAMPLES = 600
LETTERS = (
    "abcdefghijklmnopqrstuvwxyz .,!?\u0251\u0250\u0252\u0254\u0259\u025a\u025b\u025c\u0261\u026a"
    "\u0279\u0283\u028a\u028c\u0292\u03b8\u00e6\u00f0\u014b\u02c8\u02cc\u02d0"
)
TRAINING_VOICES = ("af_sky", "bm_lewis", "ff_siwis", "zf_xiaoni")


def kokoro_folder(folder: Path, *, timed: bool = True) -> Path:
    """What `KokoroModel` reads. The network says how long phonemes last only if it is `timed`."""
    (folder / "voices").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(_model(timed=timed))
    vocabulary = {letter: number + 1 for number, letter in enumerate(LETTERS)}
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    for number, name in enumerate((*HELD_OUT, *TRAINING_VOICES)):
        styles = np.full((40, STYLE_SIZE), number, np.float32)
        (folder / "voices" / f"{name}.bin").write_bytes(styles.tobytes())
    return folder


def _model(*, timed: bool) -> bytes:
    """It is timed where a Clip of what was rounded is there to be found."""
    nodes = [
        ("Cast", ["tokens"], "level"),
        ("Mul", ["level", "nothing"], "zeros"),
        ("Round" if timed else "Floor", ["zeros"], "whole"),
        ("Clip", ["whole", "frames"], "durations"),
        ("Mul", ["level", "scale"], "quiet"),
        ("Reshape", ["quiet", "column"], "rows"),
        ("Expand", ["rows", "widths"], "wide"),
        ("Reshape", ["wide", "flat"], "audio"),
    ]
    constants = {
        "nothing": np.float32(0),
        "frames": np.float32(FRAMES_A_PHONEME),
        "scale": np.float32(0.01),
        "column": np.array([-1, 1]),
        "widths": np.array([1, FRAMES_A_PHONEME * _FRAME_SAMPLES]),
        "flat": np.array([-1]),
    }
    inputs: dict[str, Input] = {
        "tokens": (INT64, [1, "n"]),
        "style": (FLOAT, [1, STYLE_SIZE]),
        "speed": (FLOAT, [1]),
    }
    arrays = {name: np.asarray(value) for name, value in constants.items()}
    return onnx_file(nodes, arrays, inputs, "audio")
