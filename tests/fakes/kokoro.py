"""A network with the inputs and outputs of Kokoro-82M: a steady level for each phoneme."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from interject.training.speech.kokoro_speakers import HELD_OUT
from interject.training.speech.kokoro_voice import STYLE_SIZE
from tests.fakes.onnx_file import FLOAT, INT64, constant, int_attribute, node, onnx_file, value

if TYPE_CHECKING:
    from pathlib import Path

FRAMES_A_PHONEME = 4
_FRAME_SAMPLES = 600
_DURATIONS = "/encoder/Clip_output_0"
LETTERS = (
    "abcdefghijklmnopqrstuvwxyz .,!?\u0251\u0250\u0252\u0254\u0259\u025a\u025b\u025c\u0261\u026a"
    "\u0279\u0283\u028a\u028c\u0292\u03b8\u00e6\u00f0\u014b\u02c8\u02cc\u02d0"
)
TRAINING_VOICES = ("af_sky", "bm_lewis", "ff_siwis", "zf_xiaoni")


def kokoro_folder(folder: Path, *, timed: bool = True) -> Path:
    """What `KokoroModel` reads. The network says how long phonemes last only if it is `timed`."""
    (folder / "voices").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(_model(_DURATIONS if timed else "durations"))
    vocabulary = {letter: number + 1 for number, letter in enumerate(LETTERS)}
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    for number, name in enumerate((*HELD_OUT, *TRAINING_VOICES)):
        styles = np.full((40, STYLE_SIZE), number, np.float32)
        (folder / "voices" / f"{name}.bin").write_bytes(styles.tobytes())
    return folder


def _model(durations: str) -> bytes:
    nodes = [
        node("Cast", ["tokens"], "level", int_attribute("to", FLOAT)),
        node("Mul", ["level", "nothing"], "zeros"),
        node("Clip", ["zeros", "frames"], durations),
        node("Mul", ["level", "scale"], "quiet"),
        node("Reshape", ["quiet", "column"], "rows"),
        node("Expand", ["rows", "widths"], "wide"),
        node("Reshape", ["wide", "flat"], "audio"),
    ]
    constants = [
        constant("nothing", [], [0.0]),
        constant("frames", [], [float(FRAMES_A_PHONEME)]),
        constant("scale", [], [0.01]),
        constant("column", [2], [-1, 1]),
        constant("widths", [2], [1, FRAMES_A_PHONEME * _FRAME_SAMPLES]),
        constant("flat", [1], [-1]),
    ]
    inputs = [
        value("tokens", INT64, ["1", "n"]),
        value("style", FLOAT, ["1", "s"]),
        value("speed", FLOAT, ["1"]),
    ]
    return onnx_file(nodes, constants, inputs, [value("audio", FLOAT, ["t"])])
