"""A network with the inputs and outputs of a voice of Piper: a steady level for each phoneme."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fakes.kokoro import LETTERS
from tests.fakes.onnx_file import FLOAT, INT64, constant, int_attribute, node, onnx_file, value

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 22_050
_PHONEME_SAMPLES = 1_000


def piper_folder(folder: Path) -> Path:
    folder.mkdir()
    nodes = [
        node("Cast", ["input"], "level", int_attribute("to", FLOAT)),
        node("Mul", ["level", "scale"], "quiet"),
        node("Reshape", ["quiet", "column"], "rows"),
        node("Expand", ["rows", "widths"], "wide"),
        node("Reshape", ["wide", "shape"], "output"),
    ]
    constants = [
        constant("scale", [], [0.01]),
        constant("column", [2], [-1, 1]),
        constant("widths", [2], [1, _PHONEME_SAMPLES]),
        constant("shape", [3], [1, 1, -1]),
    ]
    inputs = [
        value("input", INT64, ["1", "n"]),
        value("input_lengths", INT64, ["1"]),
        value("scales", FLOAT, ["3"]),
    ]
    outputs = [value("output", FLOAT, ["1", "1", "t"])]
    (folder / "tiny.onnx").write_bytes(onnx_file(nodes, constants, inputs, outputs))
    ids = {"_": [0], "^": [1], "$": [2]}
    about = {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "en-us"},
        "phoneme_id_map": ids | {letter: [n + 3] for n, letter in enumerate(LETTERS)},
    }
    (folder / "tiny.onnx.json").write_text(json.dumps(about), encoding="utf-8")
    return folder
